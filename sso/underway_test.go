package sso_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/sso"
	"github.com/ssogate/ssogate/testidp"
)

// What changes while a person is at the provider counts when the person comes back.
func TestChangesWhileUnderWay(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*testing.T, *world, directory.Domain)
		status int
		code   string
	}{
		{"single sign-on switched off", func(t *testing.T, w *world, d directory.Domain) {
			d.SSO = false
			must(t, w.dir.UpdateDomain(t.Context(), "test", d))
		}, 403, "sso_off"},
		{"domain disabled", func(t *testing.T, w *world, d directory.Domain) {
			d.Disabled = true
			must(t, w.dir.UpdateDomain(t.Context(), "test", d))
		}, 404, ""},
		{"another revision", func(t *testing.T, w *world, d directory.Domain) {
			w.replace(t, d, w.saml(d.Name, func(s *directory.SAMLSettings) { s.ForceAuthn = true }))
		}, 400, "connection_changed"},
		{"another protocol", func(t *testing.T, w *world, d directory.Domain) {
			w.replace(t, d, w.oauth(d.Name, directory.ProfileOAuth2))
		}, 400, "connection_changed"},
		{"the service removed", func(t *testing.T, w *world, _ directory.Domain) {
			must(t, w.dir.RemoveService(t.Context(), "test", "landing"))
		}, 400, "access_url_refused"},
		{"the member suspended", func(t *testing.T, w *world, d directory.Domain) {
			m, err := w.dir.FindMember(t.Context(), d.ID, "taro@"+d.Name)
			must(t, err)
			_, err = w.dir.SetStatus(t.Context(), "test", d.ID, m.ID, directory.StatusSuspended)
			must(t, err)
		}, 403, "user_suspended"},
		{"the external key given to nobody", func(t *testing.T, w *world, d directory.Domain) {
			m, err := w.dir.FindMember(t.Context(), d.ID, "taro@"+d.Name)
			must(t, err)
			m.ExternalKey = "emp-2002"
			_, err = w.dir.UpdateMember(t.Context(), "test", m)
			must(t, err)
		}, 403, "user_unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(o *sso.Options) { o.Services = nil })
			must(t, w.dir.PutService(t.Context(), "test", directory.Service{Name: "landing", AccessHosts: []string{w.url}}))
			d := w.domain("moving.example", w.saml("moving.example"))
			b := &testidp.Browser{}
			answer := w.atProvider(b, "moving.example", "taro")
			c.change(t, w, d)
			s, err := b.Submit(t.Context(), answer, "", nil)
			must(t, err)
			if c.code != "" {
				w.refused(b, s, c.status, c.code)
			} else if s.Status != c.status || w.whoami(b) != "" {
				t.Errorf("status %d, signed in as %q", s.Status, w.whoami(b))
			}
		})
	}
}

// replace makes another connection live.
func (w *world) replace(t *testing.T, d directory.Domain, c directory.Connection) {
	t.Helper()
	c, err := w.dir.SaveDraft(t.Context(), "test", d.ID, c)
	must(t, err)
	must(t, w.dir.Activate(t.Context(), "test", d.ID, c.Revision))
}

// Programs look where links lead: a HEAD, or the answer posted or opened without the browser's cookie, uses nothing up.
func TestLookingUsesNothingUp(t *testing.T) {
	w := newWorld(t)
	w.domain("saml.example", w.saml("saml.example"), func(d *directory.Domain) { d.LogoutRedirectionDomains = []string{w.url} })
	w.domain("oauth.example", w.oauth("oauth.example", directory.ProfileOAuth2))
	t.Run("login start", func(t *testing.T) {
		before := w.idp.Count("/saml/sso")
		resp := w.answer(w.request(http.MethodHead, "/d/login/saml.example"))
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Set-Cookie") != "" || resp.Header.Get("Location") != "" || w.idp.Count("/saml/sso") != before {
			t.Errorf("status %d, headers %v", resp.StatusCode, resp.Header)
		}
		if resp := w.answer(w.request(http.MethodHead, "/d/login/nobody.example")); resp.StatusCode != http.StatusNotFound {
			t.Errorf("an unknown domain: status %d", resp.StatusCode)
		}
	})
	t.Run("callback", func(t *testing.T) {
		b := &testidp.Browser{Through: stopAt{"/callback"}}
		s, err := b.SignIn(t.Context(), w.loginURL("oauth.example"), "taro")
		must(t, err)
		b.Through = nil
		callback := s.Header.Get("X-Stopped-At")
		for _, method := range []string{http.MethodHead, http.MethodGet} {
			resp := w.answer(w.request(method, strings.TrimPrefix(callback, w.url)))
			if want := map[string]int{"HEAD": 405, "GET": 400}[method]; resp.StatusCode != want {
				t.Errorf("%s without the cookie: status %d, want %d", method, resp.StatusCode, want)
			}
		}
		s, err = b.Open(t.Context(), callback)
		must(t, err)
		w.landed(b, s, "taro@oauth.example")
	})
	t.Run("assertion consumer service", func(t *testing.T) {
		b := &testidp.Browser{}
		answer := w.atProvider(b, "saml.example", "taro")
		scanner := &testidp.Browser{}
		s, err := scanner.Submit(t.Context(), answer, "", nil)
		must(t, err)
		looked := w.refused(scanner, s, http.StatusBadRequest, "cookie_blocked")
		s, err = b.Submit(t.Context(), answer, "", nil)
		must(t, err)
		w.landed(b, s, "taro@saml.example")
		must(t, w.attempts.Flush(t.Context()))
		if a, err := w.store.Attempt(t.Context(), looked.Ref); err != nil || a.Code != "cookie_blocked" {
			t.Errorf("the login that went on wrote over the trace of who looked: %+v, %v", a, err)
		}
	})
	t.Run("logout", func(t *testing.T) {
		b := &testidp.Browser{}
		w.landed(b, w.signIn(b, "saml.example", "taro"), "taro@saml.example")
		r := w.request(http.MethodHead, "/d/logout/saml.example?redirect_uri="+w.url+"/landed")
		r.AddCookie(&http.Cookie{Name: w.sessions.CookieName(), Value: b.Cookie("127.0.0.1", w.sessions.CookieName())})
		if resp := w.answer(r); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET" || w.whoami(b) == "" {
			t.Errorf("status %d, Allow %q, signed in as %q", resp.StatusCode, resp.Header.Get("Allow"), w.whoami(b))
		}
	})
}

// Two nodes get one answer at the same moment: one lets the person in.
func TestOneAnswerOnTwoNodes(t *testing.T) {
	w := newWorld(t)
	w.domain("race.example", w.saml("race.example"))
	for range 5 {
		b := &testidp.Browser{}
		answer := w.atProvider(b, "race.example", "taro")
		codes := make(chan int, 4)
		for range cap(codes) {
			go func() {
				r := w.request(http.MethodPost, "/acs/race.example")
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Body = body(answer.Fields.Encode())
				r.AddCookie(&http.Cookie{Name: w.binding.Name(), Value: b.Cookie("127.0.0.1", w.binding.Name())})
				codes <- w.answer(r).StatusCode
			}()
		}
		in := 0
		for range cap(codes) {
			if code := <-codes; code == http.StatusSeeOther {
				in++
			} else if code != http.StatusBadRequest {
				t.Errorf("status %d", code)
			}
		}
		if in != 1 {
			t.Errorf("%d of %d answers were let in", in, cap(codes))
		}
	}
}

// A session of an app outlives its nights and the closing of the app; one in a web browser ends with the browser.
func TestSessionOfAnApp(t *testing.T) {
	w := newWorld(t)
	w.domain("app.example", w.saml("app.example", func(s *directory.SAMLSettings) { s.AppSSOURL = s.SSOURL }))
	for _, c := range []struct {
		name, query string
		stays       bool
	}{{"web", "", false}, {"app", "&app=1", true}} {
		t.Run(c.name, func(t *testing.T) {
			b, kept := &testidp.Browser{}, ""
			b.Through = seeing(func(resp *http.Response) {
				for _, cookie := range resp.Cookies() {
					if cookie.Name == w.sessions.CookieName() && cookie.MaxAge > 0 {
						kept = cookie.Raw
					}
				}
			})
			s, err := b.SignIn(t.Context(), w.loginURL("app.example")+c.query, "taro")
			must(t, err)
			w.landed(b, s, "taro@app.example")
			if (kept != "") != c.stays {
				t.Errorf("the cookie outlives the browser: %q, want %v", kept, c.stays)
			}
			w.clock.Advance(9 * time.Hour)
			if got := w.whoami(b) != ""; got != c.stays {
				t.Errorf("signed in after nine hours without a request: %v, want %v", got, c.stays)
			}
		})
	}
}

// seeing is told of every answer.
type seeing func(*http.Response)

func (s seeing) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		s(resp)
	}
	return resp, err
}
