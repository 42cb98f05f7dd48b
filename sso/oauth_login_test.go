package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/testidp"
)

const secret = "canary-client-secret"

// oauth is a connection of that profile to the world's provider, which learns about the client.
func (w *world) oauth(name string, profile directory.OAuthProfile, change ...func(*directory.OAuthSettings)) directory.Connection {
	w.idp.AddClient(testidp.OAuthClient{
		ID: "client-" + name, Secret: secret, RedirectURIs: []string{w.url + "/oauth/" + name + "/callback"},
		Profile: testidp.Profile(profile),
	})
	s := &directory.OAuthSettings{Profile: profile, ClientID: "client-" + name, ClientSecret: secret}
	switch profile {
	case directory.ProfileWorks:
		s.AuthURL, s.AppAuthURL = w.idp.URL("/works/login"), w.idp.URL("/works/app-login")
		s.TokenURL, s.UserInfoURL = w.idp.URL("/works/token"), w.idp.URL("/works/userinfo")
	case directory.ProfileOAuth2:
		s.AuthURL, s.TokenURL, s.UserInfoURL = w.idp.URL("/authorize"), w.idp.URL("/token"), w.idp.URL("/userinfo")
	case directory.ProfileOIDC:
		s.Issuer = w.idp.URL("")
	}
	for _, do := range change {
		do(s)
	}
	return directory.Connection{Type: directory.OAuth, OAuth: s}
}

func TestOAuthSignIn(t *testing.T) {
	w := newWorld(t)
	for _, profile := range []directory.OAuthProfile{directory.ProfileWorks, directory.ProfileOAuth2, directory.ProfileOIDC} {
		t.Run(string(profile), func(t *testing.T) {
			name := string(profile) + ".example"
			w.domain(name, w.oauth(name, profile))
			b := &testidp.Browser{}
			w.landed(b, w.signIn(b, name, "taro"), "taro@"+name)
			if strings.Contains(w.log.String(), secret) || strings.Contains(w.log.String(), "emp-1001") {
				t.Error("the log holds the secret or the person")
			}
		})
	}
}

func TestOAuthMisbehaviour(t *testing.T) {
	w := newWorld(t)
	w.domain("works.example", w.oauth("works.example", directory.ProfileWorks))
	w.domain("oidc.example", w.oauth("oidc.example", directory.ProfileOIDC))
	for _, c := range []struct {
		name, domain string
		knobs        testidp.Knobs
		status       int
		code         string
	}{
		{"works: access denied", "works.example", testidp.Knobs{WorksError: "101"}, 403, ""},
		{"works: error beside user_id", "works.example", testidp.Knobs{ErrorWithUserID: true}, 403, ""},
		{"works: empty user_id", "works.example", testidp.Knobs{EmptyUserID: true}, 403, ""},
		{"works: number", "works.example", testidp.Knobs{NumberUserID: true}, 403, ""},
		{"works: token endpoint answers 500", "works.example", testidp.Knobs{AtToken: testidp.Status}, 0, ""},
		{"works: user information is a page", "works.example", testidp.Knobs{AtUserInfo: testidp.HTML}, 0, ""},
		{"works: connection cut", "works.example", testidp.Knobs{AtUserInfo: testidp.Cut}, 0, ""},
		{"works: provider's error with a script in it", "works.example", testidp.Knobs{ErrorAnswer: "<script>alert(1)</script>"}, 403, "oauth_provider_error"},
		{"oidc: wrong nonce", "oidc.example", testidp.Knobs{WrongNonce: true}, 403, "oidc_nonce"},
		{"oidc: other audience", "oidc.example", testidp.Knobs{WrongAud: true}, 403, ""},
		{"oidc: other issuer", "oidc.example", testidp.Knobs{WrongIss: true}, 403, "oidc_issuer"},
		{"oidc: mix-up", "oidc.example", testidp.Knobs{WrongIssParam: true}, 403, "oidc_issuer"},
		{"oidc: alg none", "oidc.example", testidp.Knobs{AlgNone: true}, 403, ""},
		{"oidc: expired", "oidc.example", testidp.Knobs{ExpiredToken: true}, 403, ""},
		{"oidc: tampered", "oidc.example", testidp.Knobs{TamperedToken: true}, 403, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.idp.Misbehave(c.knobs)
			defer w.idp.Misbehave(testidp.Knobs{})
			b := &testidp.Browser{}
			s := w.signIn(b, c.domain, "taro")
			if c.status == 0 && s.Status >= 400 {
				c.status = s.Status
			}
			w.refused(b, s, c.status, c.code)
			if strings.Contains(s.Body, "<script>alert") {
				t.Error("the provider's text came through")
			}
		})
	}
}

// State belongs to the browser, the domain and one use.
func TestOAuthState(t *testing.T) {
	w := newWorld(t)
	w.domain("a.example", w.oauth("a.example", directory.ProfileOAuth2))
	w.domain("b.example", w.oauth("b.example", directory.ProfileOAuth2))
	callback := func(b *testidp.Browser, domain string) *url.URL {
		var last *url.URL
		b.Visit = func(v testidp.Visited) {
			if strings.HasSuffix(v.URL.Path, "/callback") {
				last = v.URL
			}
		}
		w.signIn(b, domain, "taro")
		b.Visit = nil
		return last
	}
	victim := &testidp.Browser{}
	used := callback(victim, "a.example")
	t.Run("twice", func(t *testing.T) {
		s, err := victim.Open(t.Context(), used.String())
		must(t, err)
		if s.Status != http.StatusBadRequest {
			t.Errorf("status %d", s.Status)
		}
	})
	t.Run("in another browser, unused", func(t *testing.T) {
		attacker := &testidp.Browser{Through: stopAt{"/callback"}}
		s, err := attacker.SignIn(t.Context(), w.loginURL("a.example"), "taro")
		must(t, err)
		other := &testidp.Browser{}
		s, err = other.Open(t.Context(), s.Header.Get("X-Stopped-At"))
		must(t, err)
		w.refused(other, s, http.StatusBadRequest, "cookie_blocked")
	})
	t.Run("at another domain", func(t *testing.T) {
		b := &testidp.Browser{Through: stopAt{"/callback"}}
		s, err := b.SignIn(t.Context(), w.loginURL("a.example"), "taro")
		must(t, err)
		b.Through = nil
		s, err = b.Open(t.Context(), strings.Replace(s.Header.Get("X-Stopped-At"), "/oauth/a.example/", "/oauth/b.example/", 1))
		must(t, err)
		w.refused(b, s, http.StatusForbidden, "domain_mismatch")
	})
}

// stopAt keeps a request for that path from being sent, and says where it would have gone.
type stopAt struct{ path string }

func (s stopAt) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, s.path) {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"X-Stopped-At": {r.URL.String()}}, Body: http.NoBody, Request: r}, nil
}

func TestWorksAppLogin(t *testing.T) {
	w := newWorld(t)
	w.domain("app.example", w.oauth("app.example", directory.ProfileWorks))
	b := &testidp.Browser{}
	sessionKey := ""
	b.Visit = func(v testidp.Visited) {
		if v.URL.Path == "/works/app-login" {
			sessionKey = v.URL.Query().Get("sessionKey")
			if v.URL.Query().Get("userAgent") != "LineWorks" {
				t.Errorf("userAgent is %q", v.URL.Query().Get("userAgent"))
			}
		}
	}
	s, err := b.SignIn(t.Context(), w.loginURL("app.example")+"&app=1", "taro")
	must(t, err)
	w.landed(b, s, "taro@app.example")
	s, err = b.Open(t.Context(), w.url+"/auth/verify")
	must(t, err)
	if got, want := s.Header.Get("X-Auth-Request-Expires"), w.clock.Now().Add(720*time.Hour).Format(time.RFC3339); got != want {
		t.Errorf("an app's session ends at %s, want %s", got, want)
	}
	for i, want := range []string{`"00"`, `"12"`} {
		resp, err := http.PostForm(w.url+"/login/check/"+sessionKey, url.Values{"ssoType": {"OAUTH"}})
		must(t, err)
		body := make([]byte, 256)
		n, _ := resp.Body.Read(body)
		resp.Body.Close()
		if !strings.Contains(string(body[:n]), want) {
			t.Errorf("question %d is answered %s, want code %s", i+1, body[:n], want)
		}
	}
}
