package sso_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/testidp"
)

// Login CSRF: the answer to an attacker's login in a browser that has one of its own under way, and so a binding cookie.
func TestAnswerOfAnotherBrowsersLogin(t *testing.T) {
	w := newWorld(t)
	w.domain("csrf.example", w.saml("csrf.example"))
	attacker, victim := &testidp.Browser{}, &testidp.Browser{}
	answer := w.atProvider(attacker, "csrf.example", "hanako")
	_, err := victim.Open(t.Context(), w.loginURL("csrf.example"))
	must(t, err)
	s, err := victim.Submit(t.Context(), answer, "", nil)
	must(t, err)
	w.refused(victim, s, http.StatusBadRequest, "state_lost")
}

// An answer that nobody asked for waits for its person, and for nothing else.
func TestUnsolicitedAnswerStaysInItsPlace(t *testing.T) {
	w := newWorld(t)
	w.domain("open.example", w.saml("open.example", func(s *directory.SAMLSettings) { s.IdPInitiated = true }))
	started := func(b *testidp.Browser, relay string) *testidp.Screen {
		s, err := b.SignIn(t.Context(), w.idp.URL("/saml/start?person=taro&sp="+w.url+"/saml/open.example/metadata&relay="+url.QueryEscape(relay)), "taro")
		must(t, err)
		return s
	}
	t.Run("its handle is no RelayState", func(t *testing.T) {
		b := &testidp.Browser{}
		form := lastForm(started(b, ""))
		answer := w.atProvider(b, "open.example", "taro")
		answer.Fields.Set("RelayState", form.Fields.Get("handle"))
		s, err := b.Submit(t.Context(), answer, "", nil)
		must(t, err)
		w.refused(b, s, http.StatusBadRequest, "state_lost")
	})
	t.Run("a login under way cannot be confirmed", func(t *testing.T) {
		b := &testidp.Browser{}
		form := lastForm(started(b, ""))
		form.Fields.Set("handle", w.atProvider(b, "open.example", "taro").Fields.Get("RelayState"))
		_, err := b.Open(t.Context(), w.url+"/login") // the form is the same site's
		must(t, err)
		s, err := b.Submit(t.Context(), form, "", nil)
		must(t, err)
		w.refused(b, s, http.StatusBadRequest, "state_lost")
	})
	t.Run("a foreign address in RelayState", func(t *testing.T) {
		b := &testidp.Browser{}
		w.refused(b, started(b, "https://evil.example/"), http.StatusBadRequest, "access_url_refused")
	})
	t.Run("confirmed twice", func(t *testing.T) {
		b := &testidp.Browser{}
		form := lastForm(started(b, w.url+landing))
		s, err := b.Submit(t.Context(), form, "", nil)
		must(t, err)
		w.landed(b, s, "taro@open.example")
		s, err = b.Submit(t.Context(), form, "", nil)
		must(t, err)
		if s.Status != http.StatusBadRequest {
			t.Errorf("status %d", s.Status)
		}
	})
	t.Run("shown twice", func(t *testing.T) {
		started(&testidp.Browser{}, "")
		w.idp.Misbehave(testidp.Knobs{Replay: true})
		defer w.idp.Misbehave(testidp.Knobs{})
		b := &testidp.Browser{}
		w.refused(b, started(b, ""), http.StatusBadRequest, "saml_replayed")
	})
}

// Forms and queries with doubled or missing fields, and other forms of body.
func TestMalformedAnswers(t *testing.T) {
	w := newWorld(t)
	w.domain("saml.example", w.saml("saml.example"))
	w.domain("oauth.example", w.oauth("oauth.example", directory.ProfileOAuth2))
	b := &testidp.Browser{}
	good := w.atProvider(b, "saml.example", "taro").Fields.Encode()
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"two responses", form, good + "&SAMLResponse=x", 400},
		{"two RelayStates", form, good + "&RelayState=x", 400},
		{"no response", form, "RelayState=x", 400},
		{"nothing", form, "", 400},
		{"no content type", "", good, 400},
		{"multipart", "multipart/form-data; boundary=x", good, 400},
		{"broken escape", form, "SAMLResponse=%zz", 400},
		{"too large", form, "SAMLResponse=" + strings.Repeat("A", 1<<20), 413},
		{"good: none of these used the login up", form, good, 303},
	} {
		r := w.request(http.MethodPost, "/acs/saml.example")
		if c.contentType != "" {
			r.Header.Set("Content-Type", c.contentType)
		}
		r.Body = body(c.body)
		r.AddCookie(&http.Cookie{Name: w.binding.Name(), Value: b.Cookie("127.0.0.1", w.binding.Name())})
		if got := w.answer(r).StatusCode; got != c.status {
			t.Errorf("%s: status %d, want %d", c.name, got, c.status)
		}
	}
	r := w.request(http.MethodGet, "/oauth/oauth.example/callback?state="+strings.Repeat("a", 17<<10))
	if got := w.answer(r).StatusCode; got != http.StatusBadRequest {
		t.Errorf("a long query: status %d", got)
	}
	browser := &testidp.Browser{Through: stopAt{"/callback"}}
	s, err := browser.SignIn(t.Context(), w.loginURL("oauth.example"), "taro")
	must(t, err)
	browser.Through = nil
	s, err = browser.Open(t.Context(), s.Header.Get("X-Stopped-At")+"&code=another")
	must(t, err)
	w.refused(browser, s, http.StatusForbidden, "oauth_parameter_repeated")
}

// A session of one domain is none of another: it neither opens nor closes anything there.
func TestSessionOfAnotherDomain(t *testing.T) {
	w := newWorld(t)
	w.domain("one.example", w.saml("one.example"))
	w.domain("two.example", w.saml("two.example"), func(d *directory.Domain) { d.LogoutRedirectionDomains = []string{w.url} })
	b := &testidp.Browser{}
	w.landed(b, w.signIn(b, "one.example", "taro"), "taro@one.example")
	before := w.idp.Count("/saml/sso")
	_, err := b.Open(t.Context(), w.loginURL("two.example"))
	must(t, err)
	if w.idp.Count("/saml/sso") == before {
		t.Error("the session of one domain was enough for the other")
	}
	_, err = b.Open(t.Context(), w.url+"/d/logout/two.example?redirect_uri="+w.url+"/landed")
	must(t, err)
	if got := w.whoami(b); got != "taro@one.example" {
		t.Errorf("a logout of the other domain left %q signed in", got)
	}
	s, err := b.Open(t.Context(), w.url+"/d/logout/one.example")
	must(t, err)
	_, err = b.Submit(t.Context(), lastForm(s), "", nil)
	must(t, err)
	if b.Cookie("127.0.0.1", w.sessions.CookieName()) != "" {
		t.Error("the cookie stays in the browser")
	}
}

// A state store that keeps records too long, and a provider whose session is over before it begins.
func TestTooLate(t *testing.T) {
	w := newWorld(t)
	w.domain("late.example", w.saml("late.example"), func(d *directory.Domain) { d.SetExpireTime = true })
	w.state.longer = time.Hour
	b := &testidp.Browser{}
	s, err := b.Open(t.Context(), w.loginURL("late.example"))
	must(t, err)
	w.clock.Advance(31 * time.Minute)
	s, err = b.Submit(t.Context(), s.Forms[0], "taro", nil)
	must(t, err)
	s, err = b.Submit(t.Context(), s.Forms[0], "", nil)
	must(t, err)
	w.refused(b, s, http.StatusBadRequest, "login_late")

	w.idp.SetSAML(testidp.SAMLStyle{SessionFor: time.Minute, ClockOffset: -2 * time.Minute})
	b = &testidp.Browser{}
	w.refused(b, w.signIn(b, "late.example", "taro"), http.StatusForbidden, "saml_session_over")
}

// A session key is asked about once, with its own protocol.
func TestAppCheckOfAnotherProtocol(t *testing.T) {
	w := newWorld(t)
	w.domain("app.example", w.saml("app.example", func(s *directory.SAMLSettings) { s.AppSSOURL = s.SSOURL }))
	for _, c := range []struct{ ssoType, code string }{{"SAML", `"00"`}, {"OAUTH", `"12"`}, {"", `"12"`}} {
		_, err := (&testidp.Browser{}).Open(t.Context(), w.loginURL("app.example")+"&app=1")
		must(t, err)
		s := w.check(t, w.idp.LastRequest("/saml/sso").Authn.ID, c.ssoType)
		if !strings.Contains(s, c.code) {
			t.Errorf("ssoType %q is answered %s", c.ssoType, s)
		}
	}
	if s := w.check(t, "nobody", "SAML"); !strings.Contains(s, `"12"`) {
		t.Errorf("an unknown key is answered %s", s)
	}
}

func (w *world) check(t *testing.T, key, ssoType string) string {
	t.Helper()
	u, err := url.Parse(w.url + "/login/check/" + key)
	must(t, err)
	s, err := (&testidp.Browser{}).Submit(context.WithoutCancel(t.Context()), testidp.Form{Action: u, Method: http.MethodPost, Fields: url.Values{"ssoType": {ssoType}}}, "", nil)
	must(t, err)
	return s.Body
}
