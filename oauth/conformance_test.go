package oauth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ssogate/ssogate/oauth"
)

// module is one module of the OpenID Foundation's relying party plans (basic, config, form_post), reproduced with the mock.
type module struct {
	name   string
	want   string // refusal code; "" means the login must work
	change func(*mock)
	config func(*oauth.Config)
	also   func(*testing.T, *mock, oauth.Claims)
}

func rsaKeyAs(kid string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: keys().rsa.Public(), KeyID: kid, Use: "sig"}
}

func publish(list ...jose.JSONWebKey) func() []jose.JSONWebKey {
	return func() []jose.JSONWebKey { return list }
}

func signing(alg jose.SignatureAlgorithm, key any, kid string) func(map[string]any) string {
	return func(c map[string]any) string { return signed(alg, key, kid, c) }
}

func wantsEmail(c *oauth.Config) { c.EmailClaim = "email" }

var modules = []module{
	// basic
	{name: "oidcc-client-test"},
	{name: "oidcc-client-test-nonce-invalid", want: "oidc_nonce", change: func(m *mock) { m.idClaims = with(map[string]any{"nonce": "x"}) }},
	{name: "oidcc-client-test-nonce-missing", want: "oidc_nonce", change: func(m *mock) { m.idClaims = with(map[string]any{"nonce": nil}) }},
	{name: "oidcc-client-test-invalid-iss", want: "oidc_issuer", change: func(m *mock) { m.idClaims = with(map[string]any{"iss": "https://x.example"}) }},
	{name: "oidcc-client-test-missing-iss", want: "oidc_issuer", change: func(m *mock) { m.idClaims = with(map[string]any{"iss": nil}) }},
	{name: "oidcc-client-test-invalid-aud", want: "oidc_audience", change: func(m *mock) { m.idClaims = with(map[string]any{"aud": "x"}) }},
	{name: "oidcc-client-test-missing-aud", want: "oidc_audience", change: func(m *mock) { m.idClaims = with(map[string]any{"aud": nil}) }},
	{name: "oidcc-client-test-missing-sub", want: "oidc_subject", change: func(m *mock) { m.idClaims = with(map[string]any{"sub": nil}) }},
	{name: "oidcc-client-test-missing-iat", want: "oidc_not_yet_valid", change: func(m *mock) { m.idClaims = with(map[string]any{"iat": nil}) }},
	{name: "oidcc-client-test-expired", want: "oidc_expired", change: func(m *mock) { m.idClaims = with(map[string]any{"exp": m.now.Add(-time.Hour).Unix()}) }},
	{name: "oidcc-client-test-kid-absent-single-jwks", change: func(m *mock) {
		m.jwks, m.sign = publish(rsaKeyAs("k1")), signing(jose.RS256, keys().rsa, "")
	}},
	{name: "oidcc-client-test-kid-absent-multiple-jwks", want: "oidc_signature", change: func(m *mock) {
		m.jwks = publish(rsaKeyAs("k1"), jose.JSONWebKey{Key: keys().other.Public(), KeyID: "k2"})
		m.sign = signing(jose.RS256, keys().rsa, "")
	}},
	{name: "oidcc-client-test-idtoken-sig-rs256", change: func(m *mock) { m.sign = signing(jose.RS256, keys().rsa, "k1") }},
	{name: "oidcc-client-test-idtoken-sig-es256", change: func(m *mock) {
		m.jwks, m.sign = publish(rsaKeyAs("k1"), jose.JSONWebKey{Key: keys().ec.Public(), KeyID: "e1"}), signing(jose.ES256, keys().ec, "e1")
	}},
	{name: "oidcc-client-test-idtoken-sig-ps256", change: func(m *mock) {
		m.jwks, m.sign = publish(rsaKeyAs("k1")), signing(jose.PS256, keys().rsa, "k1")
	}},
	{name: "oidcc-client-test-idtoken-sig-eddsa", change: func(m *mock) {
		m.jwks, m.sign = publish(jose.JSONWebKey{Key: keys().ed.Public(), KeyID: "d1"}), signing(jose.EdDSA, keys().ed, "d1")
	}},
	{name: "oidcc-client-test-idtoken-sig-none", want: "oidc_algorithm", change: func(m *mock) {
		m.sign = func(c map[string]any) string { return unsigned(`{"alg":"none"}`, c, "") }
	}},
	{name: "oidcc-client-test-invalid-sig-rs256", want: "oidc_signature", change: func(m *mock) { m.sign = signing(jose.RS256, keys().other, "k1") }},
	{name: "oidcc-client-test-invalid-sig-es256", want: "oidc_signature", change: func(m *mock) {
		other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		m.jwks, m.sign = publish(jose.JSONWebKey{Key: keys().ec.Public(), KeyID: "e1"}), signing(jose.ES256, other, "e1")
	}},
	{name: "oidcc-client-test-invalid-sig-hs256", want: "oidc_algorithm", change: func(m *mock) {
		m.sign = signing(jose.HS256, []byte(strings.Repeat(clientSecret, 2)), "k1")
	}},
	{name: "oidcc-client-test-userinfo-invalid-sub", want: "oidc_subject", config: wantsEmail, change: func(m *mock) {
		m.userInfo = raw(200, "application/json", `{"sub":"somebody else","email":"b@example.com"}`)
	}},
	{name: "oidcc-client-test-userinfo-bearer-header", config: wantsEmail, also: func(t *testing.T, m *mock, _ oauth.Claims) {
		if got := m.head("/userinfo").Get("Authorization"); got != "Bearer "+accessToken {
			t.Errorf("Authorization: %q", got)
		}
	}},
	{name: "oidcc-client-test-scope-userinfo-claims", config: wantsEmail, also: func(t *testing.T, _ *mock, c oauth.Claims) {
		if c.Email != "a@example.com" {
			t.Errorf("email: %q", c.Email)
		}
	}},
	{name: "oidcc-client-test-userinfo-signed", config: wantsEmail, change: func(m *mock) {
		m.userInfo = raw(200, "application/jwt", signed(jose.RS256, keys().rsa, "k1", map[string]any{"sub": "person-1", "email": "s@example.com", "aud": clientID}))
	}, also: func(t *testing.T, _ *mock, c oauth.Claims) {
		if c.Email != "s@example.com" {
			t.Errorf("email: %q", c.Email)
		}
	}},
	{name: "oidcc-client-test-client-secret-basic", also: func(t *testing.T, m *mock, _ oauth.Claims) {
		if !strings.HasPrefix(m.head("/token").Get("Authorization"), "Basic ") || m.form("/token").Has("client_secret") {
			t.Error("the secret did not come by HTTP Basic alone")
		}
	}},
	// config
	{name: "oidcc-client-test-discovery-openid-config", also: func(t *testing.T, m *mock, _ oauth.Claims) {
		if m.counts["/.well-known/openid-configuration"].Load() != 1 {
			t.Error("discovery was not fetched once")
		}
	}},
	{name: "oidcc-client-test-discovery-jwks-uri-keys", also: func(t *testing.T, m *mock, _ oauth.Claims) {
		if m.counts["/jwks"].Load() != 1 {
			t.Error("the keys were not fetched once")
		}
	}},
	{name: "oidcc-client-test-discovery-issuer-mismatch", want: "oidc_issuer", change: func(m *mock) { m.discovery = with(map[string]any{"issuer": "https://x.example"}) }},
	{name: "oidcc-client-test-signing-key-rotation", also: func(t *testing.T, m *mock, _ oauth.Claims) { rotated(t, m) }},
	{name: "oidcc-client-test-jwks-unusable", want: "oidc_discovery", change: func(m *mock) { m.jwks = publish() }},
}

func TestRelyingPartyModules(t *testing.T) {
	if len(modules) != 30 {
		t.Fatalf("%d modules", len(modules))
	}
	for _, tc := range modules {
		t.Run(tc.name, func(t *testing.T) {
			m := newMock(t)
			if tc.change != nil {
				tc.change(m)
			}
			c := m.open(t, "oidc", tc.config)
			location, secrets, err := c.Begin(context.Background(), oauth.Start{RedirectURI: redirectURI, State: "s"})
			if err != nil {
				if code(err) != tc.want || tc.want == "" {
					t.Fatalf("begin: want %q, got %v", tc.want, err)
				}
				return
			}
			u, _ := url.Parse(location)
			m.nonce = u.Query().Get("nonce")
			claims, checks, err := c.Finish(context.Background(), oauth.Answer{Code: goodCode, Issuer: m.URL}, secrets)
			if tc.want != "" {
				wantRefusal(t, tc.want, claims, checks, err)
				return
			}
			if err != nil || claims.UserKey != "person-1" || claims.Issuer != m.URL {
				t.Fatalf("%+v, %v, %+v", claims, err, last(checks))
			}
			if tc.also != nil {
				tc.also(t, m, claims)
			}
		})
	}
}

// rotated: the provider publishes another key; the first login after it works, and a minute later the old key is worth nothing.
func rotated(t *testing.T, m *mock) {
	c := m.open(t, "oidc", nil)
	if _, _, err := m.login(t, c); err != nil {
		t.Fatal(err)
	}
	m.now = m.now.Add(2 * time.Minute)
	m.jwks = publish(jose.JSONWebKey{Key: keys().other.Public(), KeyID: "k2"})
	m.sign = signing(jose.RS256, keys().other, "k2")
	if _, checks, err := m.login(t, c); err != nil {
		t.Fatalf("%v %+v", err, last(checks))
	}
	m.now = m.now.Add(2 * time.Minute)
	m.sign = signing(jose.RS256, keys().rsa, "k1")
	claims, checks, err := m.login(t, c)
	wantRefusal(t, "oidc_signature", claims, checks, err)
}

func TestUserInfoIsAskedOnlyWhenNeeded(t *testing.T) {
	m := newMock(t)
	m.userInfo = func(http.ResponseWriter, *http.Request) { t.Error("user information was asked for") }
	m.idClaims = with(map[string]any{"email": "a@example.com"})
	claims, _, err := m.login(t, m.open(t, "oidc", wantsEmail))
	if err != nil || claims.Email != "a@example.com" {
		t.Fatal(claims, err)
	}
}

func TestExplicitEndpoints(t *testing.T) {
	m := newMock(t)
	c := m.open(t, "oidc", func(c *oauth.Config) {
		c.AuthURL, c.TokenURL, c.JWKSURL = m.URL+"/authorize", m.URL+"/token", m.URL+"/jwks"
	})
	if _, checks, err := m.login(t, c); err != nil || m.counts["/.well-known/openid-configuration"].Load() != 0 {
		t.Fatalf("%v %+v", err, last(checks))
	}
}

// TestProviderDownKeepsTheKnown: discovery and keys outlive an outage of the provider, but not for ever.
func TestProviderDownKeepsTheKnown(t *testing.T) {
	m := newMock(t)
	down := false
	c := m.open(t, "oidc", func(c *oauth.Config) {
		c.HTTP = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if down && r.Method == http.MethodGet {
				return nil, context.DeadlineExceeded
			}
			return m.Client().Transport.RoundTrip(r)
		})}
	})
	if _, _, err := m.login(t, c); err != nil {
		t.Fatal(err)
	}
	down = true
	m.now = m.now.Add(7*24*time.Hour + time.Hour)
	if _, checks, err := m.login(t, c); err != nil {
		t.Fatalf("after a week: %v %+v", err, last(checks))
	}
	m.now = m.now.Add(24 * time.Hour)
	for range 2 { // also right after a try
		if _, _, err := c.Begin(context.Background(), oauth.Start{RedirectURI: redirectURI, State: "s"}); code(err) != "idp_unreachable" {
			t.Fatalf("after eight days: %v", err)
		}
	}
}

func TestAlgorithmsOfTheConnection(t *testing.T) {
	m := newMock(t)
	only := func(list ...string) func(*oauth.Config) { return func(c *oauth.Config) { c.Algorithms = list } }
	if _, _, err := m.login(t, m.open(t, "oidc", only("RS256"))); err != nil {
		t.Fatal(err)
	}
	claims, checks, err := m.login(t, m.open(t, "oidc", only("ES256", "EdDSA")))
	wantRefusal(t, "oidc_algorithm", claims, checks, err)
	m.discovery = with(map[string]any{"id_token_signing_alg_values_supported": []string{"ES256"}})
	claims, checks, err = m.login(t, m.open(t, "oidc", nil))
	wantRefusal(t, "oidc_algorithm", claims, checks, err)
}

func TestAttributesAreBoundedAndHoldNoSecrets(t *testing.T) {
	m := newMock(t)
	m.idClaims = func(c map[string]any) {
		for i := range 80 {
			c["claim"+strings.Repeat("x", i)] = strings.Repeat("v", 400)
		}
		c["aaa"], c["aab"] = make([]int, 100), map[string]any{"deep": map[string]any{"er": "v"}}
		c["access_token"], c["aac"] = "other-token", "holds "+accessToken
	}
	claims, _, err := m.login(t, m.open(t, "oidc", nil))
	if err != nil {
		t.Fatal(err)
	}
	if len(claims.Attributes) != 64 || len(claims.Attributes["aaa"]) != 16 || claims.Attributes["aab.deep.er"][0] != "v" {
		t.Fatalf("%d names, %v", len(claims.Attributes), claims.Attributes)
	}
	for name, values := range claims.Attributes {
		for _, v := range values {
			if len(v) > 260 || strings.Contains(v, accessToken) || strings.Contains(name, "token") || name == "nonce" {
				t.Errorf("%s: %s", name, v)
			}
		}
	}
}
