package oauth_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ssogate/ssogate/oauth"
)

// unsigned writes a token without a library: header and claims as given, then any signature.
func unsigned(header string, claims map[string]any, signature string) string {
	payload, _ := json.Marshal(claims)
	e := base64.RawURLEncoding
	return e.EncodeToString([]byte(header)) + "." + e.EncodeToString(payload) + "." + signature
}

func publicPEM() []byte {
	der, _ := x509.MarshalPKIXPublicKey(keys().rsa.Public())
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// TestForgedIDTokens: row "ID token" of security.md 2.1.
func TestForgedIDTokens(t *testing.T) {
	rsaKey := keys().rsa
	flip := func(token string, part int) string {
		parts := strings.Split(token, ".")
		b, _ := base64.RawURLEncoding.DecodeString(parts[part])
		b[len(b)/2] ^= 1
		parts[part] = base64.RawURLEncoding.EncodeToString(b)
		return strings.Join(parts, ".")
	}
	for _, tc := range []struct {
		name string
		sign func(map[string]any) string
		want string
	}{
		{"none", func(c map[string]any) string { return unsigned(`{"alg":"none"}`, c, "") }, "oidc_algorithm"},
		{"none in capitals", func(c map[string]any) string { return unsigned(`{"alg":"NoNe"}`, c, "") }, "oidc_algorithm"},
		{"no alg", func(c map[string]any) string { return unsigned(`{}`, c, "AAAA") }, "oidc_algorithm"},
		{"alg is a number", func(c map[string]any) string { return unsigned(`{"alg":256}`, c, "AAAA") }, "oidc_algorithm"},
		{"HS256 keyed with the RSA public key", func(c map[string]any) string { return signed(jose.HS256, publicPEM(), "k1", c) }, "oidc_algorithm"},
		{"HS256 keyed with the client secret", func(c map[string]any) string {
			return signed(jose.HS256, []byte(strings.Repeat(clientSecret, 2)), "k1", c)
		}, "oidc_algorithm"},
		{"RS512", func(c map[string]any) string { return signed(jose.RS512, rsaKey, "k1", c) }, "oidc_algorithm"},
		{"PS256 with a key for RS256", func(c map[string]any) string { return signed(jose.PS256, rsaKey, "k1", c) }, "oidc_signature"},
		{"another key, same kid", func(c map[string]any) string { return signed(jose.RS256, keys().other, "k1", c) }, "oidc_signature"},
		{"another kind of key", func(c map[string]any) string { return signed(jose.ES256, keys().ec, "k1", c) }, "oidc_signature"},
		{"signature changed", func(c map[string]any) string { return flip(signed(jose.RS256, rsaKey, "k1", c), 2) }, "oidc_signature"},
		{"claims changed", func(c map[string]any) string { return flip(signed(jose.RS256, rsaKey, "k1", c), 1) }, "oidc_signature"},
		{"no signature", func(c map[string]any) string { return unsigned(`{"alg":"RS256","kid":"k1"}`, c, "") }, "oidc_signature"},
		{"unknown kid", func(c map[string]any) string { return signed(jose.RS256, rsaKey, "k9", c) }, "oidc_signature"},
		{"kid is a path", func(c map[string]any) string { return signed(jose.RS256, keys().other, "../../../../dev/null", c) }, "oidc_signature"},
		{"kid is SQL", func(c map[string]any) string { return signed(jose.RS256, keys().other, "k1' OR '1'='1", c) }, "oidc_signature"},
		{"kid is a number", func(c map[string]any) string { return signedRaw(`{"alg":"RS256","kid":1}`, c) }, "oidc_signature"},
		{"own key in jwk", func(c map[string]any) string {
			return signed(jose.RS256, keys().other, "k1", c, map[string]any{"jwk": jose.JSONWebKey{Key: keys().other.Public()}})
		}, "oidc_signature"},
		{"own keys at jku", func(c map[string]any) string {
			return signed(jose.RS256, keys().other, "k1", c, map[string]any{"jku": "http://127.0.0.1:1/jwks"})
		}, "oidc_signature"},
		{"own certificate at x5u", func(c map[string]any) string {
			return signed(jose.RS256, keys().other, "k1", c, map[string]any{"x5u": "http://127.0.0.1:1/x"})
		}, "oidc_signature"},
		{"crit with b64", func(c map[string]any) string {
			return signedRaw(`{"alg":"RS256","kid":"k1","crit":["b64"],"b64":true}`, c)
		}, "oidc_id_token"},
		{"crit empty", func(c map[string]any) string { return signedRaw(`{"alg":"RS256","kid":"k1","crit":[]}`, c) }, "oidc_id_token"},
		{"doubled alg", func(c map[string]any) string { return signedRaw(`{"alg":"none","alg":"RS256","kid":"k1"}`, c) }, "oidc_id_token"},
		{"header is no object", func(c map[string]any) string { return signedRaw(`[]`, c) }, "oidc_id_token"},
		{"four parts", func(c map[string]any) string { return signed(jose.RS256, rsaKey, "k1", c) + ".AAAA" }, "oidc_id_token"},
		{"encrypted form", func(map[string]any) string { return "e30.AAAA.AAAA.AAAA.AAAA" }, "oidc_id_token"},
		{"JSON serialization", func(c map[string]any) string {
			p := strings.Split(signed(jose.RS256, rsaKey, "k1", c), ".")
			return fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, p[0], p[1], p[2])
		}, "oidc_id_token"},
		{"padded", func(c map[string]any) string {
			return strings.Replace(signed(jose.RS256, rsaKey, "k1", c), ".", "=.", 1)
		}, "oidc_id_token"},
		{"line break in the claims", func(c map[string]any) string {
			return strings.Replace(signed(jose.RS256, rsaKey, "k1", c), ".", ".\n", 1)
		}, "oidc_id_token"},
		{"line break in the signature", func(c map[string]any) string { return signed(jose.RS256, rsaKey, "k1", c) + "\n" }, "oidc_id_token"},
		{"unused bits of the signature set", func(c map[string]any) string {
			token := signed(jose.RS256, rsaKey, "k1", c) // 256 bytes leave four bits of the last character unused
			const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
			last := strings.IndexByte(alphabet, token[len(token)-1])
			return token[:len(token)-1] + string(alphabet[last|1])
		}, "oidc_id_token"},
		{"1 MB", func(c map[string]any) string {
			c["x"] = strings.Repeat("x", 700<<10)
			return signed(jose.RS256, rsaKey, "k1", c)
		}, "oidc_id_token"},
		{"2 MB", func(c map[string]any) string {
			c["x"] = strings.Repeat("x", 2<<20)
			return signed(jose.RS256, rsaKey, "k1", c)
		}, "idp_unreachable"},
		{"empty", func(map[string]any) string { return "" }, "oidc_id_token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMock(t)
			m.sign = tc.sign
			claims, checks, err := m.login(t, m.open(t, "oidc", nil))
			wantRefusal(t, tc.want, claims, checks, err)
		})
	}
}

func TestWeakAndUnfitKeysAreNotUsed(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]jose.JSONWebKey{
		"1024 bit":             {Key: weak.Public(), KeyID: "k1"},
		"for encryption":       {Key: keys().rsa.Public(), KeyID: "k1", Use: "enc"},
		"for another alg":      {Key: keys().rsa.Public(), KeyID: "k1", Algorithm: "PS256"},
		"symmetric":            {Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "k1"},
		"private key revealed": {Key: keys().rsa, KeyID: "k1"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMock(t)
			m.jwks = func() []jose.JSONWebKey { return []jose.JSONWebKey{key} }
			if name == "1024 bit" {
				m.sign = func(c map[string]any) string { return signed(jose.RS256, weak, "k1", c) }
			}
			claims, checks, err := m.login(t, m.open(t, "oidc", nil))
			wantRefusal(t, "oidc_signature", claims, checks, err)
		})
	}
}

// TestAnswersBeforeAnythingIsSent: what must be refused without a token request.
func TestAnswersBeforeAnythingIsSent(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	announced := func(m *mock) {
		m.discovery = func(d map[string]any) { d["authorization_response_iss_parameter_supported"] = true }
	}
	for _, tc := range []struct {
		name, want, got string
		answer          oauth.Answer
		change          func(*mock)
		secrets         func(*oauth.Secrets)
	}{
		{"mix-up: another issuer", "oidc_issuer", "evil", oauth.Answer{Code: goodCode, Issuer: "https://evil.example"}, nil, nil},
		{"mix-up: issuer with a slash", "oidc_issuer", "", oauth.Answer{Code: goodCode, Issuer: "$ISS/"}, nil, nil},
		{"mix-up: announced and absent", "oidc_issuer", "absent", oauth.Answer{Code: goodCode}, announced, nil},
		{"mix-up: with an error", "oidc_issuer", "evil", oauth.Answer{Error: "access_denied", Issuer: "https://evil.example"}, nil, nil},
		{"denied", "oauth_provider_error", "access_denied: no", oauth.Answer{Error: "access_denied", ErrorDescription: "no"}, nil, nil},
		{"error beside a code", "oauth_provider_error", "server_error", oauth.Answer{Error: "server_error", Code: goodCode}, nil, nil},
		{"description with script and line breaks", "oauth_provider_error", "x: <script>Set-Cookie: a", oauth.Answer{Error: "x", ErrorDescription: "<script>\r\nSet-Cookie: a\x00\u202e"}, nil, nil},
		{"description of 100 KB", "oauth_provider_error", "xxxx…", oauth.Answer{Error: "x", ErrorDescription: long}, nil, nil},
		{"error of 100 KB", "oauth_provider_error", "xxxx…", oauth.Answer{Error: long}, nil, nil},
		{"no code", "oauth_code_missing", "0 bytes", oauth.Answer{}, nil, nil},
		{"code of 100 KB", "oauth_code_missing", "", oauth.Answer{Code: long}, nil, nil},
		{"no nonce kept", "oauth_secrets_missing", "", oauth.Answer{Code: goodCode}, nil, func(s *oauth.Secrets) { s.Nonce = "" }},
		{"no verifier kept", "oauth_secrets_missing", "", oauth.Answer{Code: goodCode}, nil, func(s *oauth.Secrets) { s.Verifier = "" }},
		{"no redirect URI kept", "oauth_secrets_missing", "", oauth.Answer{Code: goodCode}, nil, func(s *oauth.Secrets) { s.RedirectURI = "" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMock(t)
			if tc.change != nil {
				tc.change(m)
			}
			c := m.open(t, "oidc", nil)
			secrets := m.begin(t, c)
			if tc.secrets != nil {
				tc.secrets(&secrets)
			}
			tc.answer.Issuer = strings.Replace(tc.answer.Issuer, "$ISS", m.URL, 1)
			claims, checks, err := c.Finish(context.Background(), tc.answer, secrets)
			wantRefusal(t, tc.want, claims, checks, err)
			if l := last(checks); !strings.Contains(l.Got, tc.got) || len(l.Got) > 300 || strings.ContainsAny(l.Got, "\r\n\x00\u202e") {
				t.Errorf("got %q", l.Got)
			}
			if n := m.counts["/token"].Load(); n != 0 {
				t.Errorf("%d token requests", n)
			}
		})
	}
}

// TestMixUp: the attacker's provider relays a code of the honest one. The login was begun at the attacker's provider.
func TestMixUp(t *testing.T) {
	honest, attacker := newMock(t), newMock(t)
	c := attacker.open(t, "oidc", nil)
	secrets := attacker.begin(t, c)
	claims, checks, err := c.Finish(context.Background(), oauth.Answer{Code: goodCode, Issuer: honest.URL}, secrets)
	wantRefusal(t, "oidc_issuer", claims, checks, err)
	if attacker.counts["/token"].Load() != 0 {
		t.Fatal("the honest provider's code was handed to the attacker")
	}
	// Where the honest provider says nothing, the attacker gets a code that is of no use without the verifier, and its own
	// tokens never name the honest issuer.
	attacker.idClaims = with(map[string]any{"iss": honest.URL})
	claims, checks, err = attacker.login(t, c)
	wantRefusal(t, "oidc_issuer", claims, checks, err)
}

// TestCodeInjection: the attacker's code in the victim's login. A provider that checks PKCE refuses; with one that does not,
// the nonce does.
func TestCodeInjection(t *testing.T) {
	t.Run("PKCE is checked", func(t *testing.T) {
		m := newMock(t)
		c := m.open(t, "oauth2", nil)
		ofAttacker := m.begin(t, c).Verifier
		victim := m.begin(t, c)
		m.token = func(w http.ResponseWriter, a map[string]any) {
			if m.form("/token").Get("code_verifier") != ofAttacker {
				answer(w, 400, map[string]any{"error": "invalid_grant"})
				return
			}
			answer(w, 200, a)
		}
		claims, checks, err := c.Finish(context.Background(), oauth.Answer{Code: goodCode}, victim)
		wantRefusal(t, "oauth_token_exchange", claims, checks, err)
	})
	t.Run("PKCE is ignored", func(t *testing.T) {
		m := newMock(t)
		c := m.open(t, "oidc", nil)
		victim := m.begin(t, c)
		m.begin(t, c) // the mock now answers with the nonce of this, the attacker's login
		claims, checks, err := c.Finish(context.Background(), oauth.Answer{Code: goodCode}, victim)
		wantRefusal(t, "oidc_nonce", claims, checks, err)
	})
}

// TestEntraTenants: the template issuer needs pinned tenants, and tid decides (nOAuth).
func TestEntraTenants(t *testing.T) {
	const ours, foreign = "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"
	for _, tc := range []struct {
		name   string
		claims func(base string) map[string]any
		want   string
	}{
		{"pinned", func(b string) map[string]any { return map[string]any{"tid": ours, "iss": b + "/" + ours + "/v2.0"} }, ""},
		{"foreign tenant, same e-mail", func(b string) map[string]any {
			return map[string]any{"tid": foreign, "iss": b + "/" + foreign + "/v2.0", "email": "a@example.com", "email_verified": true}
		}, "oidc_tenant"},
		{"pinned tid, foreign iss", func(b string) map[string]any { return map[string]any{"tid": ours, "iss": b + "/" + foreign + "/v2.0"} }, "oidc_issuer"},
		{"no tid", func(b string) map[string]any { return map[string]any{"iss": b + "/" + ours + "/v2.0"} }, "oidc_tenant"},
		{"the template itself", func(b string) map[string]any {
			return map[string]any{"tid": "{tenantid}", "iss": b + "/{tenantid}/v2.0"}
		}, "oidc_tenant"},
	} {
		for _, word := range []string{"organizations", "common", "{tenantid}"} {
			t.Run(tc.name+" "+word, func(t *testing.T) {
				m := newMock(t)
				m.idClaims = with(tc.claims(m.URL))
				m.discovery = with(map[string]any{"issuer": m.URL + "/{tenantid}/v2.0"})
				c := m.open(t, "oidc", func(c *oauth.Config) {
					c.Issuer, c.EntraTenants = m.URL+"/"+word+"/v2.0", []string{ours}
					c.HTTP = rewriting(m, "/v2.0/.well-known/")
				})
				claims, checks, err := m.login(t, c)
				if tc.want == "" && err == nil {
					return
				}
				wantRefusal(t, tc.want, claims, checks, err)
			})
		}
	}
	t.Run("the document names another issuer", func(t *testing.T) {
		m := newMock(t)
		m.discovery = with(map[string]any{"issuer": "https://evil.example/{tenantid}/v2.0"})
		c := m.open(t, "oidc", func(c *oauth.Config) {
			c.Issuer, c.EntraTenants = m.URL+"/common/v2.0", []string{ours}
			c.HTTP = rewriting(m, "/v2.0/.well-known/")
		})
		if _, _, err := c.Begin(context.Background(), oauth.Start{RedirectURI: redirectURI, State: "s"}); code(err) != "oidc_issuer" {
			t.Fatal(err)
		}
	})
	t.Run("issuer of the answer", func(t *testing.T) {
		m := newMock(t)
		m.idClaims = with(map[string]any{"tid": ours, "iss": m.URL + "/" + ours + "/v2.0"})
		m.discovery = with(map[string]any{"issuer": m.URL + "/{tenantid}/v2.0"})
		c := m.open(t, "oidc", func(c *oauth.Config) {
			c.Issuer, c.EntraTenants = m.URL+"/common/v2.0", []string{ours}
			c.HTTP = rewriting(m, "/v2.0/.well-known/")
		})
		for issuer, want := range map[string]string{m.URL + "/" + ours + "/v2.0": "", m.URL + "/" + foreign + "/v2.0": "oidc_issuer", m.URL + "/{tenantid}/v2.0": "oidc_issuer"} {
			secrets := m.begin(t, c)
			if _, _, err := c.Finish(context.Background(), oauth.Answer{Code: goodCode, Issuer: issuer}, secrets); code(err) != want {
				t.Errorf("%s: want %q, got %v", issuer, want, err)
			}
		}
	})
	t.Run("not pinned", func(t *testing.T) {
		m := newMock(t)
		m.discovery = with(map[string]any{"issuer": m.URL + "/{tenantid}/v2.0"})
		_, _, err := m.open(t, "oidc", nil).Begin(context.Background(), oauth.Start{RedirectURI: redirectURI, State: "s"})
		if code(err) != "oidc_issuer" {
			t.Fatal(err)
		}
	})
}

// rewriting serves every discovery address of the mock from its root.
func rewriting(m *mock, marker string) *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, marker) {
			r = r.Clone(r.Context())
			r.URL.Path = "/.well-known/openid-configuration"
		}
		return m.Client().Transport.RoundTrip(r)
	})}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestKeyFetchesAreFew: 10 000 logins with a random kid must not become 10 000 calls (security.md 2.1).
func TestKeyFetchesAreFew(t *testing.T) {
	m := newMock(t)
	var n int
	var mu sync.Mutex
	m.sign = func(c map[string]any) string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return unsigned(fmt.Sprintf(`{"alg":"RS256","kid":"random-%d"}`, n), c, "AAAA")
	}
	c := m.open(t, "oidc", nil)
	secrets := m.begin(t, c)
	run := func() {
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				for range 10 {
					if _, _, err := c.Finish(context.Background(), oauth.Answer{Code: goodCode}, secrets); code(err) != "oidc_signature" {
						t.Errorf("%v", err)
					}
				}
			})
		}
		all.Wait()
	}
	run()
	if got := m.counts["/jwks"].Load(); got != 1 {
		t.Fatalf("in the first minute: want 1 fetch, got %d", got)
	}
	m.now = m.now.Add(time.Minute)
	run()
	if got := m.counts["/jwks"].Load(); got != 2 {
		t.Fatalf("a minute later: want 2 fetches, got %d", got)
	}
	if got := m.counts["/.well-known/openid-configuration"].Load(); got != 1 {
		t.Fatalf("want 1 discovery, got %d", got)
	}
}
