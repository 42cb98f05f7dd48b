package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/oauth"
)

func TestDiscovery(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		change     func(map[string]any)
	}{
		{"issuer with a slash", "oidc_issuer", func(d map[string]any) { d["issuer"] = d["issuer"].(string) + "/" }},
		{"issuer of another host", "oidc_issuer", with(map[string]any{"issuer": "https://evil.example"})},
		{"no issuer", "oidc_issuer", with(map[string]any{"issuer": nil})},
		{"no token endpoint", "oidc_discovery", with(map[string]any{"token_endpoint": nil})},
		{"no keys", "oidc_discovery", with(map[string]any{"jwks_uri": nil})},
		{"login page is a script", "oidc_discovery", with(map[string]any{"authorization_endpoint": "javascript:alert(1)"})},
		{"login page with a state of its own", "oidc_discovery", with(map[string]any{"authorization_endpoint": "https://idp.example/a?state=x"})},
		{"relative endpoint", "oidc_discovery", with(map[string]any{"token_endpoint": "/token"})},
		{"user info at a file", "oidc_discovery", with(map[string]any{"userinfo_endpoint": "file:///etc/passwd"})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMock(t)
			m.discovery = tc.change
			_, _, err := m.open(t, "oidc", nil).Begin(context.Background(), oauth.Start{RedirectURI: redirectURI, State: "s"})
			if code(err) != tc.want {
				t.Fatalf("want %s, got %v", tc.want, err)
			}
		})
	}
}

// TestHTTPEndpointOfAnHTTPSIssuer: an https issuer may not lead to an http endpoint.
func TestHTTPEndpointOfAnHTTPSIssuer(t *testing.T) {
	m := newMock(t)
	const issuer = "https://idp.example"
	m.discovery = with(map[string]any{"issuer": issuer})
	c := m.open(t, "oidc", func(c *oauth.Config) {
		c.Issuer = issuer
		c.HTTP = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.URL.Scheme, r.URL.Host = "http", m.Listener.Addr().String()
			return m.Client().Transport.RoundTrip(r)
		})}
	})
	if _, _, err := c.Begin(context.Background(), oauth.Start{RedirectURI: redirectURI, State: "s"}); code(err) != "oidc_discovery" {
		t.Fatal(err)
	}
}

type busy struct{}

func (busy) Error() string  { return "dial 10.0.0.1:443 refused" }
func (busy) Busy() bool     { return true }
func (busy) Public() string { return "too many calls" }

func TestTransportErrorsNameNoAddress(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want string
		got  string
	}{
		{"plain", errors.New("dial tcp 10.0.0.1:443: connection refused"), "idp_unreachable", "cannot be reached"},
		{"deadline", context.DeadlineExceeded, "idp_unreachable", "no complete answer in time"},
		{"busy", busy{}, "idp_busy", "too many calls"},
	} {
		for _, profile := range []string{"works", "oauth2", "oidc"} {
			t.Run(tc.name+" "+profile, func(t *testing.T) {
				m := newMock(t)
				broken := false
				c := m.open(t, profile, func(c *oauth.Config) {
					c.HTTP = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
						if broken {
							return nil, tc.err
						}
						return m.Client().Transport.RoundTrip(r)
					})}
				})
				secrets := m.begin(t, c)
				broken = true
				claims, checks, err := c.Finish(context.Background(), oauth.Answer{Code: goodCode}, secrets)
				wantRefusal(t, tc.want, claims, checks, err)
				if l := last(checks); l.Got != tc.got {
					t.Fatalf("got %q", l.Got)
				}
			})
		}
	}
}

func TestOversizeAnswers(t *testing.T) {
	huge := strings.Repeat(" ", 10<<20) + `{"user_id":"person-1"}`
	for _, profile := range []string{"works", "oauth2"} {
		t.Run(profile, func(t *testing.T) {
			m := newMock(t)
			m.userInfo = raw(200, "application/json", huge)
			claims, checks, err := m.login(t, m.open(t, profile, nil))
			wantRefusal(t, "idp_unreachable", claims, checks, err)
			if l := last(checks); l.Got != "answer too large" {
				t.Fatalf("got %q", l.Got)
			}
		})
	}
}

// TestRedirectsAreNotFollowed: also with a client that would, and though what lies there is good.
func TestRedirectsAreNotFollowed(t *testing.T) {
	for path, want := range map[string]string{"/token": "oauth_token_exchange", "/userinfo": "oauth_user_info"} {
		t.Run(path, func(t *testing.T) {
			m := newMock(t)
			c := m.open(t, "oauth2", func(c *oauth.Config) {
				c.HTTP = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if r.URL.Path == path && !r.URL.Query().Has("moved") {
						w := httptest.NewRecorder()
						http.Redirect(w, r, path+"?moved", http.StatusTemporaryRedirect)
						return w.Result(), nil
					}
					return m.Client().Transport.RoundTrip(r)
				})}
			})
			claims, checks, err := m.login(t, c)
			wantRefusal(t, want, claims, checks, err)
		})
	}
}

func TestProbe(t *testing.T) {
	for _, profile := range []string{"works", "oauth2", "oidc"} {
		m := newMock(t)
		c := m.open(t, profile, nil)
		if err := c.Probe(context.Background()); err != nil {
			t.Errorf("%s: %v", profile, err)
		}
		m.Close()
		c = m.open(t, profile, nil)
		if err := c.Probe(context.Background()); code(err) != "idp_unreachable" {
			t.Errorf("%s: provider gone, got %v", profile, err)
		}
	}
}

func TestCodesAreComplete(t *testing.T) {
	all := oauth.Codes()
	seen := map[string]bool{}
	for i, c := range all {
		if seen[c] || (i > 0 && all[i-1] > c) {
			t.Errorf("%s: doubled or not sorted", c)
		}
		seen[c] = true
	}
	walk(t, "bad", 100, func(t *testing.T, _ string, e expect) {
		if !seen[e.Code] {
			t.Errorf("%s is not listed", e.Code)
		}
	})
}
