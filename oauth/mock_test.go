package oauth_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"github.com/ssogate/ssogate/oauth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	clientID     = "client:1 of/2" // needs encoding in every place
	clientSecret = "s3cret+&=%:long-enough"
	redirectURI  = "https://gate.example.com/oauth/mycompany.com/callback"
	goodCode     = "code-of-this-login"
	accessToken  = "access-token-of-this-login"
)

// keys are made once: RSA is slow.
var keys = sync.OnceValue(func() (k struct {
	rsa, other *rsa.PrivateKey
	ec         *ecdsa.PrivateKey
	ed         ed25519.PrivateKey
}) {
	k.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.other, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.ec, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, k.ed, _ = ed25519.GenerateKey(rand.Reader)
	return k
})

// mock is a provider that misbehaves where a test changes one of its functions.
type mock struct {
	*httptest.Server
	now time.Time

	discovery func(map[string]any)                      // changes the document
	jwks      func() []jose.JSONWebKey                  // the published keys
	idClaims  func(map[string]any)                      // changes the ID token's claims
	sign      func(claims map[string]any) string        // makes the ID token of them
	token     func(http.ResponseWriter, map[string]any) // answers the token request
	userInfo  http.HandlerFunc

	mu     sync.Mutex
	nonce  string
	forms  map[string][]url.Values // by path
	heads  map[string][]http.Header
	counts map[string]*atomic.Int64
}

func newMock(t testing.TB) *mock {
	t.Helper()
	m := &mock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), forms: map[string][]url.Values{}, heads: map[string][]http.Header{},
		counts: map[string]*atomic.Int64{}}
	m.jwks = func() []jose.JSONWebKey {
		return []jose.JSONWebKey{{Key: keys().rsa.Public(), KeyID: "k1", Use: "sig", Algorithm: "RS256"}}
	}
	m.sign = func(c map[string]any) string { return signed(jose.RS256, keys().rsa, "k1", c) }
	m.token = func(w http.ResponseWriter, a map[string]any) { answer(w, 200, a) }
	m.userInfo = func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, map[string]any{"sub": "person-1", "user_id": "person-1", "email": "a@example.com"})
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/jwks", "/token", "/userinfo"} {
		m.counts[path] = &atomic.Int64{}
	}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func (m *mock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	m.mu.Lock()
	m.forms[r.URL.Path] = append(m.forms[r.URL.Path], r.PostForm)
	m.heads[r.URL.Path] = append(m.heads[r.URL.Path], r.Header.Clone())
	m.mu.Unlock()
	if n := m.counts[r.URL.Path]; n != nil {
		n.Add(1)
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		m.serveDiscovery(w)
	case "/jwks":
		answer(w, 200, jose.JSONWebKeySet{Keys: m.jwks()})
	case "/token":
		m.serveToken(w)
	case "/userinfo":
		m.userInfo(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (m *mock) serveDiscovery(w http.ResponseWriter) {
	d := map[string]any{
		"issuer": m.URL, "authorization_endpoint": m.URL + "/authorize", "token_endpoint": m.URL + "/token",
		"userinfo_endpoint": m.URL + "/userinfo", "jwks_uri": m.URL + "/jwks",
		"id_token_signing_alg_values_supported": []string{"RS256", "PS256", "ES256", "EdDSA", "HS256", "none"},
	}
	if m.discovery != nil {
		m.discovery(d)
	}
	answer(w, 200, d)
}

func (m *mock) serveToken(w http.ResponseWriter) {
	c := m.claims()
	m.token(w, map[string]any{"access_token": accessToken, "token_type": "Bearer", "expires_in": 3600, "id_token": m.sign(c)})
}

func (m *mock) claims() map[string]any {
	m.mu.Lock()
	nonce := m.nonce
	m.mu.Unlock()
	c := map[string]any{"iss": m.URL, "sub": "person-1", "aud": clientID, "nonce": nonce,
		"iat": m.now.Unix(), "exp": m.now.Add(5 * time.Minute).Unix()}
	if m.idClaims != nil {
		m.idClaims(c)
	}
	return c
}

func (m *mock) form(path string) url.Values {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.forms[path]) != 1 {
		return nil // each call is made once
	}
	return m.forms[path][0]
}

func (m *mock) head(path string) http.Header {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.heads[path]) != 1 {
		return nil
	}
	return m.heads[path][0]
}

// signed makes a token; header values go into the protected header.
func signed(alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any, header ...map[string]any) string {
	payload, _ := json.Marshal(claims)
	return signedBytes(alg, key, kid, payload, header...)
}

func signedBytes(alg jose.SignatureAlgorithm, key any, kid string, payload []byte, header ...map[string]any) string {
	o := &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{}}
	if kid != "" {
		o.ExtraHeaders["kid"] = kid
	}
	for _, h := range header {
		for k, v := range h {
			o.ExtraHeaders[jose.HeaderKey(k)] = v
		}
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		panic(err)
	}
	jws, err := s.Sign(payload)
	if err != nil {
		panic(err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return compact
}

// signedRaw signs header text that no library would write, with the mock's RSA key.
func signedRaw(header string, claims map[string]any) string {
	payload, _ := json.Marshal(claims)
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(input))
	sig, _ := rsa.SignPKCS1v15(rand.Reader, keys().rsa, crypto.SHA256, sum[:])
	return input + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// open opens a client of that profile on the mock; change may alter the configuration.
func (m *mock) open(t testing.TB, profile string, change func(*oauth.Config)) *oauth.Client {
	t.Helper()
	c := oauth.Config{Profile: profile, ClientID: clientID, ClientSecret: clientSecret, HTTP: m.Client(), Now: func() time.Time { return m.now }}
	if profile == "oidc" {
		c.Issuer = m.URL
	} else {
		c.AuthURL, c.TokenURL, c.UserInfoURL = m.URL+"/authorize", m.URL+"/token", m.URL+"/userinfo"
	}
	if change != nil {
		change(&c)
	}
	client, err := oauth.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// begin starts a login and lets the mock see its nonce, as the browser would bring it.
func (m *mock) begin(t testing.TB, c *oauth.Client) oauth.Secrets {
	t.Helper()
	location, secrets, err := c.Begin(context.Background(), oauth.Start{RedirectURI: redirectURI, State: "state-handle"})
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	u, _ := url.Parse(location)
	m.mu.Lock()
	m.nonce = u.Query().Get("nonce")
	m.mu.Unlock()
	return secrets
}

// login goes the whole way with an honest browser.
func (m *mock) login(t testing.TB, c *oauth.Client) (oauth.Claims, []oauth.Check, error) {
	t.Helper()
	secrets := m.begin(t, c)
	return c.Finish(context.Background(), oauth.Answer{Code: goodCode, State: "state-handle"}, secrets)
}

func code(err error) string {
	var r *oauth.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	if err != nil {
		return "not a refusal: " + err.Error()
	}
	return ""
}

// wantRefusal also proves that the checks say the same, and that nothing secret is in them.
func wantRefusal(t *testing.T, want string, claims oauth.Claims, checks []oauth.Check, err error) {
	t.Helper()
	if got := code(err); got != want {
		t.Fatalf("want refusal %q, got %q (%v)", want, got, last(checks))
	}
	if claims.UserKey != "" || claims.Subject != "" || claims.Email != "" {
		t.Fatalf("claims came with a refusal: %+v", claims)
	}
	if l := last(checks); l.OK || l.Name == "" || l.Section == "" {
		t.Fatalf("the last check does not tell: %+v", l)
	}
	noSecrets(t, checks, err)
}

func noSecrets(t *testing.T, checks []oauth.Check, err error) {
	t.Helper()
	text, _ := json.Marshal([]any{checks, err})
	for _, secret := range []string{clientSecret, goodCode, accessToken} {
		if quoted, _ := json.Marshal(secret); bytes.Contains(text, bytes.Trim(quoted, `"`)) {
			t.Fatalf("%q stands in the checks: %s", secret, text)
		}
	}
}

func last(checks []oauth.Check) oauth.Check {
	if len(checks) == 0 {
		return oauth.Check{}
	}
	return checks[len(checks)-1]
}

func with(extra map[string]any) func(map[string]any) {
	return func(m map[string]any) {
		for k, v := range extra {
			if v == nil {
				delete(m, k)
			} else {
				m[k] = v
			}
		}
	}
}

func raw(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}
