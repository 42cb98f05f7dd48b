package chaos_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/ssogate/ssogate/e2e"
	"github.com/ssogate/ssogate/testidp"
)

// visitor is a browser whose requests to the gateway are recorded. They go through the balancer, or to one node.
type visitor struct {
	*testidp.Browser
	w        *town
	login    string
	at       *e2e.Gateway // nil is the balancer
	callback string       // the last address that an OAuth provider sent the browser to
}

func (w *town) visitor(login string) *visitor {
	v := &visitor{w: w, login: login}
	v.Browser = &testidp.Browser{Through: v}
	return v
}

// RoundTrip implements http.RoundTripper.
func (v *visitor) RoundTrip(r *http.Request) (*http.Response, error) {
	if "http://"+r.URL.Host != v.w.url {
		return v.w.direct.RoundTrip(r)
	}
	e, err := v.about(r)
	if err != nil {
		return nil, err
	}
	if e.kind == answer && r.Method == http.MethodGet {
		v.callback = r.URL.String()
	}
	if v.at != nil {
		there := r.Clone(r.Context())
		there.Host, there.URL.Host = r.URL.Host, v.at.Listen
		r = there
	}
	e.start = time.Now()
	resp, err := v.w.direct.RoundTrip(r)
	e.end = time.Now()
	if err == nil {
		e.status, e.session = resp.StatusCode, begun(resp)
		e.ok = e.session != ""
	}
	if e.kind != "" {
		v.w.history.add(e)
	}
	return resp, err
}

// begun is the session that an answer starts, as a hash.
func begun(resp *http.Response) string {
	for _, c := range resp.Cookies() {
		if c.Name == sessionName && c.Value != "" {
			return hashOf(c.Value)
		}
	}
	return ""
}

func hashOf(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return hex.EncodeToString(sum[:])
}

var assertionID = regexp.MustCompile(`Assertion[^>]* ID="([^"]+)"`)

// about says what a request is, and what it would use up.
func (v *visitor) about(r *http.Request) (e event, err error) {
	_, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	name, _, _ = strings.Cut(name, "/")
	switch {
	case strings.HasPrefix(r.URL.Path, "/d/login/"):
		return event{kind: start}, nil
	case strings.HasPrefix(r.URL.Path, "/oauth/"):
		q := r.URL.Query()
		return event{kind: answer, who: v.login + "@" + name, once: []string{"code " + q.Get("code"), "state " + q.Get("state")}}, nil
	case strings.HasPrefix(r.URL.Path, "/acs/"):
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return e, err
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return e, err
		}
		xml, err := base64.StdEncoding.DecodeString(values.Get("SAMLResponse"))
		m := assertionID.FindSubmatch(xml)
		if err != nil || m == nil {
			return e, errors.New("chaos: a response without an assertion")
		}
		return event{kind: answer, who: v.login + "@" + name, once: []string{"assertion " + string(m[1]), "handle " + values.Get("RelayState")}}, nil
	}
	return e, nil
}

// loginURL is where people of a domain start.
func (w *town) loginURL(name string) string {
	return w.url + "/d/login/" + name + "?" + url.Values{"accessUrl": {w.landing}}.Encode()
}

// signIn is a whole login, or why it did not end at the service.
func (v *visitor) signIn(name string) error {
	ctx, cancel := context.WithTimeout(v.w.t.Context(), 20*time.Second)
	defer cancel()
	return v.landed(v.SignIn(ctx, v.w.loginURL(name), v.login))
}

func (v *visitor) landed(s *testidp.Screen, err error) error {
	if err != nil {
		return err
	}
	if s.Status != http.StatusOK || s.URL.String() != v.w.landing || s.Body != "landed" {
		return &elsewhere{s}
	}
	return nil
}

// elsewhere is where a login ended that did not end at the service.
type elsewhere struct{ *testidp.Screen }

func (e *elsewhere) Error() string {
	return fmt.Sprintf("stands at %s with %d: %.300s", e.URL, e.Status, e.Body)
}

// signedIn is somebody new who got in, which must succeed.
func (w *town) signedIn(name, login string) *visitor {
	w.t.Helper()
	v := w.visitor(login)
	if err := v.signIn(name); err != nil {
		w.t.Fatalf("%s does not get in: %v", login, err)
	}
	return v
}

// hold begins a SAML login and stops where the browser would send the provider's answer.
func (v *visitor) hold() testidp.Form {
	v.w.t.Helper()
	s, err := v.Open(v.w.t.Context(), v.w.loginURL(samlDomain))
	for err == nil && len(s.Forms) > 0 && !s.Forms[0].Fields.Has("SAMLResponse") {
		s, err = v.Submit(v.w.t.Context(), s.Forms[0], v.login, nil)
	}
	if err != nil || len(s.Forms) == 0 {
		v.w.t.Fatalf("%s gets no response from the provider: %v, %+v", v.login, err, s)
	}
	return s.Forms[0]
}

// send posts what was held, and says whether it led to the service.
func (v *visitor) send(held testidp.Form) error {
	ctx, cancel := context.WithTimeout(v.w.t.Context(), 20*time.Second)
	defer cancel()
	return v.landed(v.Submit(ctx, held, "", nil))
}

// check asks a node (nil: through the balancer) about the visitor's session and returns the status, 0 when there was no answer.
func (v *visitor) check(node *e2e.Gateway) event {
	e := event{kind: check, start: time.Now(), session: hashOf(v.Cookie(host, sessionName))}
	defer func() { v.w.history.add(e) }()
	ctx, cancel := context.WithTimeout(v.w.t.Context(), 20*time.Second)
	defer cancel()
	address := v.w.url
	if node != nil {
		address = "http://" + node.Listen
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/auth/verify", nil)
	if err != nil {
		return e
	}
	r.Host = strings.TrimPrefix(v.w.url, "http://")
	r.AddCookie(&http.Cookie{Name: sessionName, Value: v.Cookie(host, sessionName)})
	resp, err := v.w.direct.RoundTrip(r)
	e.end = time.Now()
	if err != nil {
		return e
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	e.status, e.ok, e.who = resp.StatusCode, resp.StatusCode == http.StatusOK, resp.Header.Get("X-Auth-Request-User")
	return e
}

// revoke ends a person's sessions by the operator's command, at a node's configuration.
func (w *town) revoke(name, login string) error {
	e := event{kind: revoke, start: time.Now(), who: login + "@" + name}
	out, err := w.nodes[0].Try("session", "end", name, e.who)
	e.end, e.ok = time.Now(), err == nil
	w.history.add(e)
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
