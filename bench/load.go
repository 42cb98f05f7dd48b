package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/beevik/etree"

	"github.com/ssogate/ssogate/testidp"
)

const (
	domain      = "bench.example"
	connections = 16
)

// load drives the servers of one run.
type load struct {
	client   *http.Client
	gateway  *process
	bare     *process
	provider *testidp.Provider
	cookie   string // of a session
}

// measureServers starts everything, lets the servers take turns under load, and stops everything.
func measureServers(ctx context.Context, o options) (_ results, err error) {
	dir, err := os.MkdirTemp("", "ssogate-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir)
	redis, addr, err := startRedis(ctx)
	if err != nil {
		return nil, err
	}
	defer redis.stop()
	l := &load{client: &http.Client{Timeout: patient, Transport: &http.Transport{MaxIdleConnsPerHost: connections}, CheckRedirect: asItComes}}
	defer l.client.CloseIdleConnections()
	if l.bare, err = startBare(addr); err != nil {
		return nil, err
	}
	defer l.bare.stop()
	l.provider = testidp.New(testidp.Options{BaseURL: "https://idp.bench.example"})
	l.provider.AddPerson(employee())
	if l.gateway, err = startGateway(ctx, dir, addr, l.domains()); err != nil {
		return nil, err
	}
	defer l.gateway.stop()
	sp := testidp.SAMLClient{EntityID: l.gateway.url + "/saml/" + domain + "/metadata", ACS: []string{l.gateway.url + "/acs/" + domain}}
	if err := l.provider.AddServiceProvider(sp); err != nil {
		return nil, err
	}
	if l.cookie, err = l.login(ctx); err != nil {
		return nil, err
	}
	return l.alternate(ctx, o)
}

func asItComes(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// domains is what an operator would apply: one domain with one member whose provider is ours.
func (l *load) domains() string {
	certificate := strings.ReplaceAll(strings.TrimSpace(l.provider.Keys().PEM(testidp.KeyRSA)), "\n", "\n            ")
	return `services:
  - name: board
    access_hosts: ["{url}"]
domains:
  - name: ` + domain + `
    user_key: external_key
    connection:
      type: saml
      saml:
        entity_id: ` + l.provider.EntityID() + `
        sso_url: ` + l.provider.URL("/saml/sso") + `
        binding: redirect
        certificates:
          - |
            ` + certificate + `
    members:
      - {account: taro@` + domain + `, external_key: emp-1001, family_name: Yamada, given_name: Taro}
`
}

// alternate gives each server its turns; the first, which warms up, does not count.
func (l *load) alternate(ctx context.Context, o options) (results, error) {
	all := results{}
	turns := []struct {
		name string
		p    *process
		n    int
		one  func(context.Context) error
	}{
		{serveBareGet, l.bare, o.requests, func(ctx context.Context) error { return l.get(ctx, l.bare.url, "") }},
		{serveVerify, l.gateway, o.requests, func(ctx context.Context) error { return l.get(ctx, l.gateway.url+"/auth/verify", l.cookie) }},
		{serveLogin, l.gateway, o.logins, func(ctx context.Context) error { _, err := l.login(ctx); return err }},
	}
	for round := range max(1, o.rounds/3) + 1 {
		for _, t := range turns {
			before, err := timeOf(t.p.cmd.Process.Pid)
			if err != nil {
				return nil, err
			}
			if err := parallel(ctx, t.n, t.one); err != nil {
				return nil, fmt.Errorf("bench: %s: %w", t.name, err)
			}
			after, err := timeOf(t.p.cmd.Process.Pid)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				all[t.name] = append(all[t.name], float64((after-before).Nanoseconds())/1e3/float64(t.n))
			}
		}
	}
	return all, nil
}

// parallel makes n calls over as many connections as the servers are given, and ends at the first fault.
func parallel(ctx context.Context, n int, one func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan struct{})
	var workers sync.WaitGroup
	for range connections {
		workers.Go(func() {
			for range work {
				if err := one(ctx); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	for range n {
		select {
		case work <- struct{}{}:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(work)
	workers.Wait()
	return context.Cause(ctx)
}

func (l *load) get(ctx context.Context, address, cookie string) error {
	answer, _, err := l.send(ctx, http.MethodGet, address, cookie, nil)
	if err == nil && (answer.StatusCode != http.StatusOK || answer.Header.Get("X-Auth-Request-User") == "") {
		err = fmt.Errorf("%s answered %d", address, answer.StatusCode)
	}
	return err
}

// login goes to the gateway, answers as the provider would, and returns the session cookie.
func (l *load) login(ctx context.Context) (session string, err error) {
	target := url.QueryEscape(l.gateway.url + "/healthz")
	away, binding, err := l.send(ctx, http.MethodGet, l.gateway.url+"/d/login/"+domain+"?accessUrl="+target, "", nil)
	if err != nil {
		return "", err
	}
	to, err := away.Location()
	if err != nil {
		return "", fmt.Errorf("the login start answered %d: %w", away.StatusCode, err)
	}
	request, err := inflate(to.String())
	if err != nil {
		return "", err
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(request); err != nil {
		return "", err
	}
	response, err := l.provider.Response(testidp.ResponseTo{
		ServiceProvider: l.gateway.url + "/saml/" + domain + "/metadata", Login: person, InResponseTo: doc.Root().SelectAttrValue("ID", ""),
	})
	if err != nil {
		return "", err
	}
	form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(response)}, "RelayState": {to.Query().Get("RelayState")}}
	back, cookies, err := l.send(ctx, http.MethodPost, l.gateway.url+"/acs/"+domain, binding, form)
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
