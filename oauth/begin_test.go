package oauth_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ssogate/ssogate/oauth"
)

func begun(t *testing.T, c *oauth.Client, s oauth.Start) (*url.URL, url.Values, oauth.Secrets) {
	t.Helper()
	location, secrets, err := c.Begin(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	u.RawQuery = ""
	return u, q, secrets
}

func TestWorksRequestsAreExactlyThoseOfTheSheet(t *testing.T) {
	m := newMock(t)
	c := m.open(t, "works", func(c *oauth.Config) { c.AppAuthURL = m.URL + "/app?theme=1" })
	web := url.Values{"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirectURI + "?state=h+%2F"}}
	hinted := url.Values{"worksId": {"a@mycompany.com"}}
	app := url.Values{"userAgent": {"LineWorks"}, "sessionKey": {"sk"}, "theme": {"1"}}
	for _, tc := range []struct {
		name  string
		start oauth.Start
		page  string
		want  []url.Values
	}{
		{"web", oauth.Start{}, "/authorize", []url.Values{web}},
		{"web with account", oauth.Start{Hint: "a@mycompany.com"}, "/authorize", []url.Values{web, hinted}},
		{"application", oauth.Start{App: true, SessionKey: "sk"}, "/app", []url.Values{web, app}},
		{"application with account", oauth.Start{App: true, SessionKey: "sk", Hint: "a@mycompany.com"}, "/app", []url.Values{web, app, hinted}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.start.RedirectURI, tc.start.State = redirectURI, "h /"
			u, q, secrets := begun(t, c, tc.start)
			want := url.Values{}
			for _, v := range tc.want {
				for name := range v {
					want[name] = v[name]
				}
			}
			if diff := cmp.Diff(want, q); diff != "" || u.Path != tc.page {
				t.Fatalf("%s\n%s", u.Path, diff)
			}
			if diff := cmp.Diff(oauth.Secrets{RedirectURI: redirectURI + "?state=h+%2F"}, secrets); diff != "" {
				t.Fatal(diff)
			}
		})
	}
	claims, checks, err := m.login(t, c)
	if err != nil || claims.UserKey != "person-1" || claims.ExpiresIn != time.Hour {
		t.Fatalf("%+v, %v, %v", claims, err, last(checks))
	}
	token := url.Values{"grant_type": {"authorization_code"}, "client_id": {clientID}, "client_secret": {clientSecret}, "code": {goodCode}}
	if diff := cmp.Diff(token, m.form("/token")); diff != "" {
		t.Error(diff)
	}
	info := url.Values{"client_id": {clientID}, "client_secret": {clientSecret}, "access_token": {accessToken}}
	if diff := cmp.Diff(info, m.form("/userinfo")); diff != "" {
		t.Error(diff)
	}
	for _, path := range []string{"/token", "/userinfo"} {
		h := m.head(path)
		if h.Get("Authorization") != "" || h.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestCodeFlowRequests(t *testing.T) {
	for _, tc := range []struct {
		profile string
		scopes  []string
		want    string
	}{
		{"oauth2", nil, ""}, {"oauth2", []string{"read:user", "x"}, "read:user x"},
		{"oidc", nil, "openid profile email"}, {"oidc", []string{"email"}, "openid email"},
	} {
		t.Run(tc.profile+" "+tc.want, func(t *testing.T) {
			m := newMock(t)
			c := m.open(t, tc.profile, func(c *oauth.Config) { c.Scopes = tc.scopes })
			_, q, secrets := begun(t, c, oauth.Start{RedirectURI: redirectURI, State: "handle", Hint: "a@b", ForceLogin: true})
			want := url.Values{"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirectURI}, "state": {"handle"},
				"code_challenge_method": {"S256"}, "code_challenge": q["code_challenge"], "login_hint": {"a@b"}}
			if tc.want != "" {
				want.Set("scope", tc.want)
			}
			if tc.profile == "oidc" {
				want.Set("nonce", secrets.Nonce)
				want.Set("prompt", "login")
			}
			if diff := cmp.Diff(want, q); diff != "" {
				t.Fatal(diff)
			}
			if len(q.Get("code_challenge")) != 43 || len(secrets.Verifier) < 43 || strings.Contains(q.Encode(), secrets.Verifier) {
				t.Fatalf("PKCE: %q, %q", q.Get("code_challenge"), secrets.Verifier)
			}
			_, again, more := begun(t, c, oauth.Start{RedirectURI: redirectURI, State: "handle"})
			if more.Verifier == secrets.Verifier || again.Get("code_challenge") == q.Get("code_challenge") || (more.Nonce != "" && more.Nonce == secrets.Nonce) {
				t.Fatal("a verifier or nonce was used again")
			}
		})
	}
}

func TestClientAuthentication(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(clientID)+":"+url.QueryEscape(clientSecret)))
	grant := []string{"code", "code_verifier", "grant_type", "redirect_uri"}
	for _, tc := range []struct {
		name, style, secret, header string
		inForm                      []string
	}{
		{"basic is the default", "", clientSecret, basic, nil},
		{"basic", "basic", clientSecret, basic, nil},
		{"form", "form", clientSecret, "", []string{"client_id", "client_secret"}},
		{"public", "", "", "", []string{"client_id"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMock(t)
			c := m.open(t, "oauth2", func(c *oauth.Config) { c.AuthStyle, c.ClientSecret = tc.style, tc.secret })
			if _, checks, err := m.login(t, c); err != nil {
				t.Fatal(err, last(checks))
			}
			var names []string
			for name := range m.form("/token") {
				names = append(names, name)
			}
			slices.Sort(names)
			want := slices.Sorted(slices.Values(append(slices.Clone(grant), tc.inForm...)))
			if diff := cmp.Diff(want, names); diff != "" {
				t.Error(diff)
			}
			if got := m.head("/token").Get("Authorization"); got != tc.header {
				t.Errorf("Authorization: want %q, got %q", tc.header, got)
			}
			if got := m.head("/userinfo").Get("Authorization"); got != "Bearer "+accessToken {
				t.Errorf("user information: %q", got)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	now := time.Now
	good := oauth.Config{Profile: "oidc", ClientID: "c", Issuer: "https://idp.example", HTTP: http.DefaultClient, Now: now}
	if _, err := oauth.Open(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*oauth.Config){
		"no client":                 func(c *oauth.Config) { c.HTTP = nil },
		"no clock":                  func(c *oauth.Config) { c.Now = nil },
		"no client ID":              func(c *oauth.Config) { c.ClientID = "" },
		"unknown profile":           func(c *oauth.Config) { c.Profile = "saml" },
		"unknown authentication":    func(c *oauth.Config) { c.AuthStyle = "jwt" },
		"no issuer":                 func(c *oauth.Config) { c.Issuer = "" },
		"issuer with user":          func(c *oauth.Config) { c.Issuer = "https://u:p@idp.example" },
		"issuer not http":           func(c *oauth.Config) { c.Issuer = "file:///etc/passwd" },
		"half of the endpoints":     func(c *oauth.Config) { c.TokenURL = "https://idp.example/token" },
		"symmetric algorithm":       func(c *oauth.Config) { c.Algorithms = []string{"HS256"} },
		"none":                      func(c *oauth.Config) { c.Algorithms = []string{"none"} },
		"template without tenants":  func(c *oauth.Config) { c.Issuer = "https://login.example/{tenantid}/v2.0" },
		"empty tenant":              func(c *oauth.Config) { c.EntraTenants = []string{""} },
		"works without secret":      func(c *oauth.Config) { *c = worksConfig(c.HTTP); c.ClientSecret = "" },
		"works without user info":   func(c *oauth.Config) { *c = worksConfig(c.HTTP); c.UserInfoURL = "" },
		"login page with client_id": func(c *oauth.Config) { *c = worksConfig(c.HTTP); c.AuthURL += "?client_id=x" },
		"login page in clear":       func(c *oauth.Config) { *c = worksConfig(c.HTTP); c.AuthURL = "http://idp.example/" },
		"oauth2 without token":      func(c *oauth.Config) { *c = worksConfig(c.HTTP); c.Profile, c.TokenURL = "oauth2", "" },
		"oidc keys in clear": func(c *oauth.Config) {
			*c = worksConfig(c.HTTP)
			c.Profile, c.Issuer, c.JWKSURL = "oidc", "https://idp.example", "http://idp.example/jwks"
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			change(&c)
			if _, err := oauth.Open(c); err == nil {
				t.Fatal("accepted")
			}
		})
	}
}

func worksConfig(h *http.Client) oauth.Config {
	return oauth.Config{Profile: "works", ClientID: "c", ClientSecret: "s", AuthURL: "https://idp.example/login", TokenURL: "https://idp.example/token",
		UserInfoURL: "https://idp.example/me", HTTP: h, Now: time.Now}
}
