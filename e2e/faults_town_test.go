package e2e_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/e2e"
	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/testidp"
)

const (
	people      = "127.0.0.1" // host under which browsers know the gateway
	oidcDomain  = "oidc.example"
	hungDomain  = "hung.example"
	loginName   = "__Host-ssogate_login"
	sessionName = "__Host-ssogate_session"
)

// town is an installation of two nodes over a Redis and a PostgreSQL of its own, which can be killed and frozen, with an identity
// provider, and a second one that hangs. No balancer stands in front: each visitor says which node gets the next request.
type town struct {
	t         *testing.T
	url       string // public; nobody listens there
	a, b      *e2e.Gateway
	redis     *servers.Process
	postgres  *servers.PostgresServer
	idp, hung *testidp.Provider
	landing   string // a page of a service
	transport *http.Transport
}

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, transport: &http.Transport{}, url: fmt.Sprintf("http://%s:%d", people, servers.FreePort(t))}
	t.Cleanup(w.transport.CloseIdleConnections)
	// What Redis has acknowledged is on its disk: a session is still there after a crash.
	w.redis = servers.NewRedis(t, "--appendonly", "yes", "--appendfsync", "always", "--dir", t.TempDir())
	t.Cleanup(w.redis.Stop)
	w.postgres = servers.NewPostgres(t)
	t.Cleanup(w.postgres.Stop)
	key := make([]byte, 32)
	rand.Read(key)
	settings := []string{
		"database: {url: '" + w.postgres.URL + "'}",
		"redis: {mode: single, addresses: ['" + w.redis.Addr + "']}",
		"keys: {current: " + base64.StdEncoding.EncodeToString(key) + "}",
		"limits: {logins_per_address: 10000, answers_per_address: 10000}",
	}
	w.a = e2e.NewNode(t, servers.FreePort(t), w.url, settings...)
	w.b = e2e.NewNode(t, servers.FreePort(t), w.url, settings...)
	landing := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, "landed") }))
	t.Cleanup(landing.Close)
	w.landing = landing.URL + "/"
	keys := testidp.NewKeys()
	w.idp, w.hung = w.provider(keys), w.provider(keys)
	w.settle()
	return w
}

func (w *town) provider(keys *testidp.Keys) *testidp.Provider {
	w.t.Helper()
	p, err := testidp.Start(testidp.Options{Keys: keys})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(p.Close)
	for _, login := range []string{"taro", "hanako", "jiro"} {
		p.AddPerson(testidp.Person{Login: login})
	}
	return p
}

// settle brings the domains into being: one by SAML and one by OpenID Connect at the good provider, one at the other.
func (w *town) settle() {
	w.t.Helper()
	if err := w.idp.AddServiceProvider(testidp.SAMLClient{EntityID: w.url + "/saml/" + domain + "/metadata", ACS: []string{w.url + "/acs/" + domain}}); err != nil {
		w.t.Fatal(err)
	}
	metadata := filepath.Join(w.t.TempDir(), "idp.xml")
	if err := os.WriteFile(metadata, w.idp.Metadata(), 0o600); err != nil {
		w.t.Fatal(err)
	}
	text := "services: [{name: landing, access_hosts: ['" + strings.TrimSuffix(w.landing, "/") + "']}]\ndomains:\n" +
		w.entry(domain, "{type: saml, saml: {metadata_file: '"+metadata+"'}}")
	for name, p := range map[string]*testidp.Provider{oidcDomain: w.idp, hungDomain: w.hung} {
		c := testidp.OAuthClient{ID: name, Secret: "a secret of thirty-two characters", RedirectURIs: []string{w.url + "/oauth/" + name + "/callback"}}
		if err := p.AddClient(c); err != nil {
			w.t.Fatal(err)
		}
		text += w.entry(name, "{type: oauth, oauth: {profile: oidc, issuer: '"+p.Issuer()+"', client_id: "+c.ID+", client_secret: "+c.Secret+"}}")
	}
	w.a.Apply(text, nil)
}

func (w *town) entry(name, connection string) string {
	text := "  - name: " + name + "\n    user_key: external_key\n    sso: true\n    connection: " + connection + "\n    members:\n"
	for _, login := range []string{"taro", "hanako", "jiro"} {
		text += "      - {account: " + login + "@" + name + ", external_key: " + login + ", family_name: Yamada, given_name: " + login + "}\n"
	}
	return text
}

func (w *town) nodes() []*e2e.Gateway { return []*e2e.Gateway{w.a, w.b} }

// visitor is a browser whose requests to the gateway go to one node.
type visitor struct {
	*testidp.Browser
	w  *town
	at *e2e.Gateway
}

func (w *town) visitor(at *e2e.Gateway) *visitor {
	v := &visitor{w: w, at: at}
	v.Browser = &testidp.Browser{Through: v}
	return v
}

// RoundTrip implements http.RoundTripper.
func (v *visitor) RoundTrip(r *http.Request) (*http.Response, error) {
	if "http://"+r.URL.Host == v.w.url {
		there := r.Clone(r.Context())
		there.Host, there.URL.Host = r.URL.Host, v.at.Listen
		r = there
	}
	return v.w.transport.RoundTrip(r)
}

func (w *town) loginPath(name string) string {
	return "/d/login/" + name + "?" + url.Values{"accessUrl": {w.landing}}.Encode()
}

// signIn is a whole login, or why it did not end at the service.
func (v *visitor) signIn(ctx context.Context, name, login string) error {
	s, err := v.SignIn(ctx, v.w.url+v.w.loginPath(name), login)
	return v.landed(s, err)
}

func (v *visitor) landed(s *testidp.Screen, err error) error {
	if err != nil {
		return err
	}
	if s.Status != http.StatusOK || s.URL.String() != v.w.landing || s.Body != "landed" {
		return fmt.Errorf("stands at %s with %d: %s", s.URL, s.Status, s.Body)
	}
	return nil
}

// signedIn is signIn that must succeed, and returns the visitor.
func (v *visitor) signedIn(name, login string) *visitor {
	v.w.t.Helper()
	if err := v.signIn(v.w.t.Context(), name, login); err != nil {
		v.w.t.Fatalf("%s does not get in: %v", login, err)
	}
	return v
}

// hold begins a SAML login and stops where the browser would send the provider's response.
func (v *visitor) hold(login string) testidp.Form {
	v.w.t.Helper()
	s, err := v.Open(v.w.t.Context(), v.w.url+v.w.loginPath(domain))
	for err == nil && len(s.Forms) > 0 && !s.Forms[0].Fields.Has("SAMLResponse") {
		s, err = v.Submit(v.w.t.Context(), s.Forms[0], login, nil)
	}
	if err != nil || len(s.Forms) == 0 {
		v.w.t.Fatalf("%s gets no response from the provider: %v, %+v", login, err, s)
	}
	return s.Forms[0]
}

// said is one answer of a node.
type said struct {
	status   int
	header   http.Header
	body     string
	took     time.Duration
	accepted bool // it started a session
}

// ask sends one request with the visitor's cookies to a node; form is posted when there is one.
func (v *visitor) ask(node *e2e.Gateway, path string, form url.Values) said {
	v.w.t.Helper()
	ctx, cancel := context.WithTimeout(v.w.t.Context(), 20*time.Second)
	defer cancel()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+node.Listen+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.w.t.Error(err) // not Fatal: several ask at once
		return said{}
	}
	r.Host = strings.TrimPrefix(v.w.url, "http://")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, name := range []string{loginName, sessionName} {
		if value := v.Cookie(people, name); value != "" {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	start := time.Now()
	resp, err := v.w.transport.RoundTrip(r)
	if err != nil {
		v.w.t.Errorf("%s %s: %v", method, path, err)
		return said{took: time.Since(start)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.w.t.Error(err)
	}
	s := said{status: resp.StatusCode, header: resp.Header, body: string(body), took: time.Since(start)}
	for _, c := range resp.Cookies() {
		s.accepted = s.accepted || c.Name == sessionName && c.Value != ""
	}
	return s
}

// verified is the status of GET /auth/verify at a node.
func (v *visitor) verified(node *e2e.Gateway) int {
	v.w.t.Helper()
	return v.ask(node, "/auth/verify", nil).status
}

// ready asks a node's operator listener, and says which parts fail.
func (w *town) ready(node *e2e.Gateway) (status int, failing []string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, node.Operator+"/readyz", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.transport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Failing []string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, answer.Failing
}

// until waits for something and says how long it took.
func (w *town) until(what string, holds func() bool) time.Duration {
	w.t.Helper()
	start, tick := time.Now(), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	limit := time.After(15 * time.Second)
	for !holds() {
		select {
		case <-limit:
			w.t.Fatalf("it never came about that %s", what)
		case <-tick.C:
		}
	}
	return time.Since(start)
}
