package sso_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/sso"
	"github.com/ssogate/ssogate/testidp"
)

func TestStateGone(t *testing.T) {
	w := newWorld(t)
	w.domain("gone.example", w.saml("gone.example"))
	signedIn := &testidp.Browser{}
	w.landed(signedIn, w.signIn(signedIn, "gone.example", "taro"), "taro@gone.example")
	b := &testidp.Browser{}
	s, err := b.Open(t.Context(), w.loginURL("gone.example"))
	must(t, err)
	s, err = b.Submit(t.Context(), s.Forms[0], "taro", nil)
	must(t, err)
	answer := s.Forms[0]

	w.state.set(true)
	for name, try := range map[string]func() (*testidp.Screen, error){
		"verify": func() (*testidp.Screen, error) { return signedIn.Open(t.Context(), w.url+"/auth/verify") },
		"start":  func() (*testidp.Screen, error) { return b.Open(t.Context(), w.loginURL("gone.example")) },
		"answer": func() (*testidp.Screen, error) { return b.Submit(t.Context(), answer, "", nil) },
	} {
		s, err := try()
		must(t, err)
		if s.Status != http.StatusServiceUnavailable || s.Header.Get("Retry-After") == "" {
			t.Errorf("%s: status %d, Retry-After %q; want 503 with one", name, s.Status, s.Header.Get("Retry-After"))
		}
	}
	w.state.set(false)
	if got := w.whoami(signedIn); got != "taro@gone.example" {
		t.Errorf("after the state came back: signed in as %q", got)
	}
	s, err = b.Submit(t.Context(), answer, "", nil)
	must(t, err)
	w.landed(b, s, "taro@gone.example")
}

// A database that does not answer is 503 at once, whatever it was asked: never an accepted login, and never a refusal that
// blames the person.
func TestDatabaseSilent(t *testing.T) {
	w := newWorld(t)
	w.domain("quiet.example", w.saml("quiet.example", func(s *directory.SAMLSettings) { s.LogoutURL = w.idp.URL("/logout") }))
	down := fmt.Errorf("store: %w: no answer in time", directory.ErrUnavailable)
	signedIn := &testidp.Browser{}
	w.landed(signedIn, w.signIn(signedIn, "quiet.example", "taro"), "taro@quiet.example")
	for _, c := range []struct{ where, question string }{
		{"start", "DomainByName"}, {"start", "LiveConnection"}, {"start", "Keys"}, {"start", "Services"},
		{"answer", "DomainByName"}, {"answer", "LiveConnection"}, {"answer", "Keys"}, {"answer", "MemberByExternalKey"}, {"answer", "Services"},
		{"logout", "DomainByName"}, {"metadata", "DomainByName"}, {"metadata", "Keys"},
	} {
		t.Run(c.where+" "+c.question, func(t *testing.T) {
			b := &testidp.Browser{}
			answer := w.atProvider(b, "quiet.example", "taro")
			w.database.refuse(c.question, down)
			defer w.database.refuse("", nil)
			var s *testidp.Screen
			var err error
			switch c.where {
			case "start":
				s, err = b.Open(t.Context(), w.loginURL("quiet.example"))
			case "answer":
				s, err = b.Submit(t.Context(), answer, "", nil)
			case "logout":
				s, err = signedIn.Open(t.Context(), w.url+"/d/logout/quiet.example")
			case "metadata":
				s, err = b.Open(t.Context(), w.url+"/saml/quiet.example/metadata")
			}
			must(t, err)
			if s.Status != http.StatusServiceUnavailable || s.Header.Get("Retry-After") == "" {
				t.Errorf("status %d, Retry-After %q; want 503 with one\n%s", s.Status, s.Header.Get("Retry-After"), w.log)
			}
			if got := w.whoami(b); got != "" {
				t.Errorf("signed in as %q", got)
			}
		})
	}
	if got := w.whoami(signedIn); got != "taro@quiet.example" {
		t.Errorf("who was signed in before is %q now", got)
	}
}

// What waiting does not mend is a fault of ours: 500, and the log says which.
func TestDatabaseBroken(t *testing.T) {
	w := newWorld(t)
	w.domain("broken.example", w.saml("broken.example"))
	b := &testidp.Browser{}
	answer := w.atProvider(b, "broken.example", "taro")
	w.database.refuse("MemberByExternalKey", fmt.Errorf("store: stored content is not readable"))
	s, err := b.Submit(t.Context(), answer, "", nil)
	must(t, err)
	w.refused(b, s, http.StatusInternalServerError, "internal")
	if !strings.Contains(w.log.String(), "stored content is not readable") {
		t.Error("the log does not say what failed")
	}
}

// A start that Redis did not take is an attempt as well: the number on the page leads to it.
func TestStartNotKept(t *testing.T) {
	w := newWorld(t)
	w.domain("kept.example", w.saml("kept.example"))
	w.state.set(true)
	b := &testidp.Browser{}
	s, err := b.Open(t.Context(), w.loginURL("kept.example"))
	must(t, err)
	w.state.set(false)
	if a := w.refused(b, s, http.StatusServiceUnavailable, "unavailable"); a.Domain != "kept.example" || a.Address == "" {
		t.Errorf("the attempt says %+v", a)
	}
}

// One address of IPv4, and one /64 of IPv6, is one customer line.
func TestRateLimitByAddress(t *testing.T) {
	w := newWorld(t, func(o *sso.Options) { o.LoginsPerAddress = 2 })
	w.domain("line.example", w.saml("line.example"))
	for _, c := range []struct {
		name, address string
		status        int
	}{
		{"first", "[2001:db8:1:1::1]:5", 303}, {"second, same line", "[2001:db8:1:1:ffff::2]:5", 303},
		{"third, same line", "[2001:db8:1:1::3]:5", 429}, {"another line", "[2001:db8:1:2::1]:5", 303},
		{"IPv4", "192.0.2.1:5", 303}, {"its neighbour", "192.0.2.2:5", 303},
	} {
		r := w.request(http.MethodGet, "/d/login/line.example")
		r.RemoteAddr = c.address
		if got := w.answer(r).StatusCode; got != c.status {
			t.Errorf("%s: status %d, want %d", c.name, got, c.status)
		}
	}
}
