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

// What the connection and the person ask for reaches the provider.
func TestSAMLRequestReachesProvider(t *testing.T) {
	w := newWorld(t)
	w.domain("plain.example", w.saml("plain.example"))
	w.domain("full.example", w.saml("full.example", func(s *directory.SAMLSettings) {
		s.Binding, s.ForceAuthn, s.SignRequests = directory.BindingPOST, true, true
		s.NameIDFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	}))
	w.register(t, "full.example")
	for _, c := range []struct {
		domain, method string
		force, signed  bool
		format         string
	}{
		{"plain.example", http.MethodGet, false, false, "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"},
		{"full.example", http.MethodPost, true, true, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"},
	} {
		t.Run(c.domain, func(t *testing.T) {
			b := &testidp.Browser{}
			s, err := b.SignIn(t.Context(), w.loginURL(c.domain)+"&account=Taro@Example.com", "taro")
			must(t, err)
			w.landed(b, s, "taro@"+c.domain)
			got := w.idp.LastRequest("/saml/sso")
			if got.Authn == nil || got.Method != c.method || got.Authn.ForceAuthn != c.force || got.Authn.Signed != c.signed || got.Authn.NameIDFormat != c.format {
				t.Errorf("the provider saw %s %+v", got.Method, got.Authn)
			}
			if got.Form.Get("worksId") != "Taro@Example.com" {
				t.Errorf("worksId is %q", got.Form.Get("worksId"))
			}
			if relay := got.Form.Get("RelayState"); len(relay) != 43 || strings.Contains(relay, "landed") {
				t.Errorf("RelayState is %q", relay)
			}
			for name, want := range map[string]string{"Issuer": w.url + "/saml/" + c.domain + "/metadata", "ACS": w.url + "/acs/" + c.domain} {
				if have := map[string]string{"Issuer": got.Authn.Issuer, "ACS": got.Authn.ACS}[name]; have != want {
					t.Errorf("%s is %q, want %q", name, have, want)
				}
			}
		})
	}
}

func TestOAuthRequestReachesProvider(t *testing.T) {
	w := newWorld(t)
	for profile, want := range map[directory.OAuthProfile]struct{ endpoint, hint string }{
		directory.ProfileWorks: {"/works/login", "worksId"}, directory.ProfileOAuth2: {"/authorize", "login_hint"}, directory.ProfileOIDC: {"/authorize", "login_hint"},
	} {
		name := string(profile) + ".example"
		w.domain(name, w.oauth(name, profile))
		for _, account := range []string{"taro@" + name, "two words@" + name, strings.Repeat("a", 91)} {
			_, err := (&testidp.Browser{}).Open(t.Context(), w.loginURL(name)+"&account="+url.QueryEscape(account))
			must(t, err)
			wanted := account
			if account != "taro@"+name {
				wanted = "" // cannot be an account, so it is no hint
			}
			if got := w.idp.LastRequest(want.endpoint).Form.Get(want.hint); got != wanted {
				t.Errorf("%s: hint %q, want %q", profile, got, wanted)
			}
		}
	}
}

// The 30 days of an app are for connections that an administrator set up for apps, whatever the protocol.
func TestAppLoginNeedsItsAddress(t *testing.T) {
	w := newWorld(t)
	w.domain("saml.example", w.saml("saml.example"))
	w.domain("works.example", w.oauth("works.example", directory.ProfileWorks, func(s *directory.OAuthSettings) { s.AppAuthURL = "" }))
	w.domain("oauth2.example", w.oauth("oauth2.example", directory.ProfileOAuth2, func(s *directory.OAuthSettings) { s.AppAuthURL = s.AuthURL }))
	w.domain("oidc.example", w.oauth("oidc.example", directory.ProfileOIDC))
	for domain, code := range map[string]string{
		"saml.example": "saml_no_endpoint", "works.example": "oauth_no_app_login", "oauth2.example": "oauth_no_app_login", "oidc.example": "oauth_no_app_login",
	} {
		b := &testidp.Browser{}
		s, err := b.SignIn(t.Context(), w.loginURL(domain)+"&app=1", "taro")
		must(t, err)
		w.refused(b, s, http.StatusForbidden, code)
	}
}

// A limit of the domain shortens also what the provider asks for.
func TestSessionLengthLimits(t *testing.T) {
	w := newWorld(t)
	asks := func(d *directory.Domain) { d.SetExpireTime = true }
	w.domain("asks.example", w.saml("asks.example"), asks)
	w.domain("both.example", w.saml("both.example"), asks, func(d *directory.Domain) { d.SessionAbsolute = time.Hour })
	for _, c := range []struct {
		domain    string
		asks, get time.Duration
	}{
		{"asks.example", 40 * 24 * time.Hour, 720 * time.Hour},
		{"both.example", 40 * 24 * time.Hour, time.Hour},
		{"both.example", 10 * time.Minute, 10 * time.Minute},
	} {
		w.idp.SetSAML(testidp.SAMLStyle{SessionFor: c.asks})
		b := &testidp.Browser{}
		w.landed(b, w.signIn(b, c.domain, "taro"), "taro@"+c.domain)
		s, err := b.Open(t.Context(), w.url+"/auth/verify")
		must(t, err)
		if got, want := s.Header.Get("X-Auth-Request-Expires"), w.clock.Now().Add(c.get).Format(time.RFC3339); got != want {
			t.Errorf("%s, asked for %s: until %s, want %s", c.domain, c.asks, got, want)
		}
	}
}

// An accessUrl that is not listed is the commonest mistake of a new service: the operator finds which one it was.
func TestRefusedAddressIsAnAttempt(t *testing.T) {
	w := newWorld(t)
	w.domain("addr.example", w.saml("addr.example"))
	b := &testidp.Browser{}
	s, err := b.Open(t.Context(), w.url+"/d/login/addr.example?accessUrl="+url.QueryEscape("https://new.example/page?token=geheim"))
	must(t, err)
	a := w.refused(b, s, http.StatusBadRequest, "access_url_refused")
	if a.Got != "https://new.example/page" || a.AccessURL != a.Got {
		t.Errorf("the attempt says got %q, access URL %q", a.Got, a.AccessURL)
	}
	if strings.Contains(s.Body, `="https://new.example`) {
		t.Error("the page leads to the address that was refused")
	}
}
