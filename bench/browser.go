package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/ssogate/ssogate/testidp"
)

func (l *load) get(ctx context.Context, address, cookie string) error {
	answer, _, err := l.send(ctx, http.MethodGet, address, cookie, nil)
	if err == nil && (answer.StatusCode != http.StatusOK || answer.Header.Get("X-Auth-Request-User") == "") {
		err = fmt.Errorf("%s answered %d", address, answer.StatusCode)
	}
	return err
}

// login goes to the gateway, answers as the provider would, and returns the session cookie.
func (l *load) login(ctx context.Context) (session string, err error) {
	b, err := l.begin(ctx, domain)
	if err != nil {
		return "", err
	}
	return l.finish(ctx, b)
}

// begun is a login whose answer is signed and not yet sent.
type begun struct {
	binding string
	form    url.Values
}

func (l *load) begin(ctx context.Context, domain string) (*begun, error) {
	to, binding, err := l.depart(ctx, domain)
	if err != nil {
		return nil, err
	}
	request, err := inflate(to.String())
	if err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(request); err != nil {
		return nil, err
	}
	response, err := l.provider.Response(testidp.ResponseTo{
		ServiceProvider: l.gateway.url + "/saml/" + domain + "/metadata", Login: person, InResponseTo: doc.Root().SelectAttrValue("ID", ""),
	})
	if err != nil {
		return nil, err
	}
	form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(response)}, "RelayState": {to.Query().Get("RelayState")}}
	return &begun{binding, form}, nil
}

// depart starts a login and returns where the browser is sent, and its binding.
func (l *load) depart(ctx context.Context, domain string) (to *url.URL, binding string, err error) {
	target := url.QueryEscape(l.gateway.url + "/healthz")
	away, binding, err := l.send(ctx, http.MethodGet, l.gateway.url+"/d/login/"+domain+"?accessUrl="+target, "", nil)
	if err != nil {
		return nil, "", err
	}
	if to, err = away.Location(); err != nil {
		return nil, "", fmt.Errorf("the login start answered %d: %w", away.StatusCode, err)
	}
	return to, binding, nil
}

func (l *load) finish(ctx context.Context, b *begun) (session string, err error) {
	back, cookies, err := l.send(ctx, http.MethodPost, l.gateway.url+"/acs/"+domain, b.binding, b.form)
	if err != nil {
		return "", err
	}
	if back.StatusCode != http.StatusSeeOther || !strings.Contains(cookies, "session=") {
		return "", fmt.Errorf("the answer was answered %d", back.StatusCode)
	}
	return cookies, nil
}

// send makes one request and returns the answer, read to its end, with the cookies that it set.
func (l *load) send(ctx context.Context, method, address, cookie string, form url.Values) (*http.Response, string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, "", err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	answer, err := l.client.Do(r)
	if err != nil {
		return nil, "", err
	}
	_, errRead := io.Copy(io.Discard, answer.Body)
	var set []string
	for _, c := range answer.Cookies() {
		if c.MaxAge >= 0 && c.Value != "" {
			set = append(set, c.Name+"="+c.Value)
		}
	}
	return answer, strings.Join(set, "; "), errors.Join(errRead, answer.Body.Close())
}
