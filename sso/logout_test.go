package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/testidp"
)

func TestLogout(t *testing.T) {
	w := newWorld(t)
	w.domain("out.example", w.saml("out.example", func(s *directory.SAMLSettings) { s.LogoutURL = w.idp.URL("/logout") }),
		func(d *directory.Domain) { d.LogoutRedirectionDomains = []string{"www.out.example", w.url} })
	signedIn := func(t *testing.T) *testidp.Browser {
		b := &testidp.Browser{}
		w.landed(b, w.signIn(b, "out.example", "taro"), "taro@out.example")
		return b
	}
	t.Run("the identity provider first", func(t *testing.T) {
		b := signedIn(t)
		cookie := b.Cookie("127.0.0.1", w.sessions.CookieName())
		s, err := b.Open(t.Context(), w.url+"/d/logout/out.example?redirect_uri="+url.QueryEscape(w.url+"/landed"))
		must(t, err)
		if s.URL.Path != "/landed" || w.whoami(b) != "" {
			t.Errorf("stands at %s, signed in as %q", s.URL, w.whoami(b))
		}
		b.Plant("127.0.0.1", w.sessions.CookieName(), cookie)
		if got := w.whoami(b); got != "" {
			t.Errorf("the old cookie still opens %s", got)
		}
	})
	t.Run("a foreign redirect_uri changes nothing", func(t *testing.T) {
		b := signedIn(t)
		s, err := b.Open(t.Context(), w.url+"/d/logout/out.example?redirect_uri=https%3A%2F%2Fevil.example")
		must(t, err)
		if s.Status != http.StatusBadRequest || w.whoami(b) == "" {
			t.Errorf("status %d, signed in as %q", s.Status, w.whoami(b))
		}
	})
	t.Run("a link alone signs nobody out, the button does, also at the provider", func(t *testing.T) {
		b := signedIn(t)
		s, err := b.Open(t.Context(), w.url+"/d/logout/out.example")
		must(t, err)
		if w.whoami(b) == "" {
			t.Fatal("the link signed out")
		}
		atProvider := false
		b.Visit = func(v testidp.Visited) {
			atProvider = atProvider || strings.HasPrefix(v.URL.String(), w.idp.URL("/logout"))
		}
		_, err = b.Open(t.Context(), w.url+"/d/logout/out.example") // the page again: the button is the same site's
		must(t, err)
		s, err = b.Submit(t.Context(), lastForm(s), "", nil)
		must(t, err)
		if !atProvider || s.URL.Path != "/d/logout/out.example" || w.whoami(b) != "" {
			t.Errorf("stands at %s, at the provider: %v, signed in as %q", s.URL, atProvider, w.whoami(b))
		}
	})
	t.Run("a foreign page cannot press the button", func(t *testing.T) {
		b := signedIn(t)
		_, err := b.Open(t.Context(), w.idp.URL("/saml/metadata"))
		must(t, err)
		u, _ := url.Parse(w.url + "/d/logout/out.example")
		s, err := b.Submit(t.Context(), testidp.Form{Action: u, Method: "POST"}, "", nil)
		must(t, err)
		if s.Status != http.StatusForbidden || w.whoami(b) == "" {
			t.Errorf("status %d, signed in as %q", s.Status, w.whoami(b))
		}
	})
}

func lastForm(s *testidp.Screen) testidp.Form { return s.Forms[len(s.Forms)-1] }
