package oauth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ssogate/ssogate/oauth"
)

// Refusals that no other test needs: each was found because it could be taken out and nothing turned red.

func TestBeginRefuses(t *testing.T) {
	for name, start := range map[string]oauth.Start{
		"no state":         {RedirectURI: redirectURI},
		"no redirect URI":  {State: "s"},
		"relative address": {RedirectURI: "/oauth/callback", State: "s"},
	} {
		for _, profile := range []string{"works", "oauth2", "oidc"} {
			location, _, err := newMock(t).open(t, profile, nil).Begin(context.Background(), start)
			if code(err) != "oauth_start" || location != "" {
				t.Errorf("%s, %s: %q, %v", name, profile, location, err)
			}
		}
	}
}

// served answers one path of the mock by hand.
func served(m *mock, path string, status int, body string) func(*oauth.Config) {
	return func(c *oauth.Config) {
		c.HTTP = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != path {
				return m.Client().Transport.RoundTrip(r)
			}
			if status == 0 {
				return nil, context.DeadlineExceeded
			}
			rest := r.Clone(r.Context())
			rest.URL.Path = "/nothing"
			a, err := m.Client().Transport.RoundTrip(rest)
			if err != nil {
				return nil, err
			}
			a.Body.Close()
			a.StatusCode, a.ContentLength, a.Body = status, int64(len(body)), http.NoBody
			a.Header.Set("Content-Type", "application/json")
			a.Body = readCloser{strings.NewReader(body)}
			return a, nil
		})}
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestDocumentsThatAreNone(t *testing.T) {
	const discovery = "/.well-known/openid-configuration"
	m := newMock(t)
	set, _ := json.Marshal(jose.JSONWebKeySet{Keys: m.jwks()})
	known := `{"issuer":"` + m.URL + `","authorization_endpoint":"` + m.URL + `/a","token_endpoint":"` + m.URL + `/t","jwks_uri":"` + m.URL + `/k"`
	for _, tc := range []struct {
		name, path string
		status     int
		body, want string
		got        string
	}{
		{"discovery is a page", discovery, 200, "<!doctype html>", "oidc_discovery", "something else"},
		{"discovery is not there", discovery, 404, known + "}", "oidc_discovery", "something else"},
		{"discovery with a doubled name", discovery, 200, known + `,"jwks_uri":"` + m.URL + `/k"}`, "oidc_discovery", "something else"},
		{"discovery without keys", discovery, 200, strings.Replace(known, "jwks_uri", "jwks", 1) + "}", "oidc_discovery", "one is missing or is not"},
		{"keys are a page", "/jwks", 200, "<!doctype html>", "oidc_discovery", "something else"},
		{"keys under an error", "/jwks", 500, string(set), "oidc_discovery", "something else"},
		{"keys twice", "/jwks", 200, `{"keys":[],` + string(set[1:]), "oidc_discovery", "something else"},
		{"keys are not there", "/jwks", 0, "", "idp_unreachable", "no complete answer in time"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			change := served(m, tc.path, tc.status, tc.body)
			probed := m.open(t, "oidc", change).Probe(context.Background())
			if code(probed) != tc.want {
				t.Errorf("probe: want %s, got %v", tc.want, probed)
			}
			// A node that did not begin the login knows nothing of the provider yet.
			secrets := m.begin(t, m.open(t, "oidc", nil))
			claims, checks, err := m.open(t, "oidc", change).Finish(context.Background(), oauth.Answer{Code: goodCode}, secrets)
			wantRefusal(t, tc.want, claims, checks, err)
			if l := last(checks); l.Got != tc.got || (tc.path == discovery) != strings.HasPrefix(l.Name, "discovery") {
				t.Errorf("last check: %+v", l)
			}
		})
	}
}

func TestPlainOAuthNeedsItsSecrets(t *testing.T) {
	for name, spoil := range map[string]func(*oauth.Secrets){
		"verifier":     func(s *oauth.Secrets) { s.Verifier = "" },
		"redirect URI": func(s *oauth.Secrets) { s.RedirectURI = "" },
	} {
		m := newMock(t)
		c := m.open(t, "oauth2", nil)
		secrets := m.begin(t, c)
		spoil(&secrets)
		claims, checks, err := c.Finish(context.Background(), oauth.Answer{Code: goodCode}, secrets)
		wantRefusal(t, "oauth_secrets_missing", claims, checks, err)
		if m.counts["/token"].Load() != 0 {
			t.Errorf("no %s, and yet a token request", name)
		}
	}
}

func TestUserInformationOfOpenID(t *testing.T) {
	about := func(extra map[string]any) string {
		c := map[string]any{"sub": "person-1", "email": "s@example.com"}
		with(extra)(c)
		return signed(jose.RS256, keys().rsa, "k1", c)
	}
	for _, tc := range []struct {
		name, want string
		userInfo   http.HandlerFunc
	}{
		{"signed, another issuer", "oidc_issuer", raw(200, "application/jwt", about(map[string]any{"iss": "https://x.example"}))},
		{"signed, another audience", "oidc_audience", raw(200, "application/jwt", about(map[string]any{"aud": "x"}))},
		{"signed by a stranger", "oidc_signature", raw(200, "application/jwt", signed(jose.RS256, keys().other, "k1", map[string]any{"sub": "person-1"}))},
		{"signed under an error", "oauth_user_info", raw(500, "application/jwt", about(nil))},
		{"doubled deep inside", "oauth_user_info", raw(200, "application/json", `{"sub":"person-1","email":"s@example.com","x":{"b":1,"b":"c"}}`)},
		{"nested too deep", "oauth_user_info", raw(200, "application/json", `{"sub":"person-1","x":`+strings.Repeat(`[`, 40)+strings.Repeat(`]`, 40)+`}`)},
		{"an array that does not end", "oauth_user_info", raw(200, "application/json", `{"sub":"person-1","x":[1}`)},
		{"cut off", "idp_unreachable", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "100") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMock(t)
			m.userInfo = tc.userInfo
			claims, checks, err := m.login(t, m.open(t, "oidc", wantsEmail))
			wantRefusal(t, tc.want, claims, checks, err)
		})
	}
}

// TestATimeBeyondReason: whoever computes with it gets another time.
func TestATimeBeyondReason(t *testing.T) {
	for name, code := range map[string]string{"exp": "oidc_expired", "iat": "oidc_not_yet_valid", "nbf": "oidc_not_yet_valid"} {
		for _, value := range []json.Number{"1e15", "-1e15", "1e18"} {
			m := newMock(t)
			m.idClaims = with(map[string]any{name: value})
			claims, checks, err := m.login(t, m.open(t, "oidc", nil))
			wantRefusal(t, code, claims, checks, err)
		}
	}
}
