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

func TestLoginStartRefuses(t *testing.T) {
	w := newWorld(t)
	w.domain("known.example", w.saml("known.example"))
	off := w.domain("off.example", w.saml("off.example"))
	off.SSO = false
	must(t, w.dir.UpdateDomain(t.Context(), "test", off))
	disabled := w.domain("disabled.example", w.saml("disabled.example"))
	disabled.Disabled = true
	must(t, w.dir.UpdateDomain(t.Context(), "test", disabled))
	for _, c := range []struct {
		name, path string
		status     int
	}{
		{"unknown domain", "/d/login/unknown.example", 404},
		{"disabled domain", "/d/login/disabled.example", 404},
		{"disabled domain at the ACS", "/saml/disabled.example/metadata", 404},
		{"disabled domain at logout", "/d/logout/disabled.example", 404},
		{"SSO off", "/d/login/off.example", 200},
		{"foreign accessUrl", "/d/login/known.example?accessUrl=https%3A%2F%2Fevil.example", 400},
		{"odd accessUrl", "/d/login/known.example?accessUrl=%2F%2Fevil.example", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &testidp.Browser{}
			s, err := b.Open(t.Context(), w.url+c.path)
			must(t, err)
			if s.Status != c.status || !strings.HasPrefix(s.URL.String(), w.url) {
				t.Errorf("status %d at %s, want %d on our own page", s.Status, s.URL, c.status)
			}
			if b.Cookie("127.0.0.1", w.sessions.CookieName()) != "" {
				t.Error("a session cookie was set")
			}
		})
	}
}

func TestUnknownAndDisabledDomainsLookAlike(t *testing.T) {
	w := newWorld(t)
	d := w.domain("disabled.example", w.saml("disabled.example"))
	d.Disabled = true
	must(t, w.dir.UpdateDomain(t.Context(), "test", d))
	var pages [2]string
	for i, name := range []string{"disabled.example", "unknowne.example"} {
		s, err := (&testidp.Browser{}).Open(t.Context(), w.url+"/d/login/"+name)
		must(t, err)
		pages[i] = strings.ReplaceAll(s.Body, name, "")
		for _, id := range []string{s.Header.Get("X-Request-Id")} {
			pages[i] = strings.ReplaceAll(pages[i], id, "")
		}
	}
	if pages[0] != pages[1] {
		t.Errorf("pages differ:\n%s\n%s", pages[0], pages[1])
	}
}

func TestAskAccount(t *testing.T) {
	w := newWorld(t)
	b := &testidp.Browser{}
	for account, want := range map[string]string{
		"taro@known.example":    "/d/login/known.example?accessUrl=x&account=taro%40known.example",
		"taro@nobody.example":   "/d/login/nobody.example?accessUrl=x&account=taro%40nobody.example",
		" Taro@Known.Example ":  "/d/login/known.example?accessUrl=x&account=taro%40known.example",
		"taro":                  "",
		"taro@":                 "",
		"taro@a/../b":           "",
		strings.Repeat("a", 99): "",
	} {
		first := ""
		b.Visit = func(v testidp.Visited) {
			if v.URL.Path == "/login" {
				first = v.To
			}
		}
		_, err := b.Open(t.Context(), w.url+"/login?accessUrl=x&account="+url.QueryEscape(account))
		must(t, err)
		if first != want {
			t.Errorf("account %q leads to %q, want %q", account, first, want)
		}
	}
}

func TestMembersWhoMayNotSignIn(t *testing.T) {
	w := newWorld(t)
	d := w.domain("members.example", w.saml("members.example"))
	taro, err := w.dir.FindMember(t.Context(), d.ID, "taro@members.example")
	must(t, err)
	t.Run("unknown", func(t *testing.T) {
		b := &testidp.Browser{}
		s := w.signIn(b, "members.example", "stranger")
		a := w.refused(b, s, http.StatusForbidden, "user_unknown")
		if retry := "accessUrl=" + url.QueryEscape(w.url+landing); !strings.Contains(s.Body, retry) {
			t.Errorf("trying again does not lead to %s:\n%s", retry, s.Body)
		}
		if !strings.Contains(a.Got, "emp-9999") {
			t.Errorf("the attempt does not say who came: %+v", a)
		}
	})
	for _, c := range []struct {
		status directory.Status
		code   string
	}{{directory.StatusSuspended, "user_suspended"}, {directory.StatusDeleted, "user_deleted"}} {
		t.Run(string(c.status), func(t *testing.T) {
			signedIn := &testidp.Browser{}
			_, err := w.dir.SetStatus(t.Context(), "test", d.ID, taro.ID, directory.StatusInUse)
			must(t, err)
			w.landed(signedIn, w.signIn(signedIn, "members.example", "taro"), "taro@members.example")
			_, err = w.dir.SetStatus(t.Context(), "test", d.ID, taro.ID, c.status)
			must(t, err)
			if got := w.whoami(signedIn); got != "" {
				t.Errorf("%s is still signed in", got)
			}
			b := &testidp.Browser{}
			w.refused(b, w.signIn(b, "members.example", "taro"), http.StatusForbidden, c.code)
		})
	}
}

func TestByAccount(t *testing.T) {
	w := newWorld(t)
	w.domain("acc.example", w.saml("acc.example"), func(d *directory.Domain) { d.UserKey = directory.ByAccount })
	w.domain("jit.example", w.saml("jit.example"), func(d *directory.Domain) { d.UserKey = directory.ByAccount; d.JustInTime = true })
	w.idp.AddPerson(testidp.Person{Login: "upper", Subject: "TARO@Acc.Example"})
	w.idp.AddPerson(testidp.Person{Login: "foreign", Subject: "taro@other.example"})
	w.idp.AddPerson(testidp.Person{Login: "newcomer", Subject: "newcomer@jit.example", FamilyName: "New", GivenName: "Comer"})
	b := &testidp.Browser{}
	w.landed(b, w.signIn(b, "acc.example", "upper"), "taro@acc.example")
	b = &testidp.Browser{}
	w.refused(b, w.signIn(b, "jit.example", "foreign"), http.StatusForbidden, "account_foreign")
	b = &testidp.Browser{}
	w.landed(b, w.signIn(b, "jit.example", "newcomer"), "newcomer@jit.example")
}

// Three tabs are three logins; each ends on its own address.
func TestSeveralTabs(t *testing.T) {
	w := newWorld(t)
	w.domain("tabs.example", w.saml("tabs.example"))
	b := &testidp.Browser{}
	var forms []testidp.Form
	for _, tab := range []string{"1", "2", "3"} {
		s, err := b.Open(t.Context(), w.url+"/d/login/tabs.example?accessUrl="+url.QueryEscape(w.url+"/landed?tab="+tab))
		must(t, err)
		if len(s.Forms[0].Buttons) > 0 {
			s, err = b.Submit(t.Context(), s.Forms[0], "taro", nil)
			must(t, err)
		}
		forms = append(forms, s.Forms[0])
	}
	for i, tab := range []string{"1", "2", "3"} {
		s, err := b.Submit(t.Context(), forms[i], "", nil)
		must(t, err)
		if want := w.url + "/landed?tab=" + tab; s.URL.String() != want {
			t.Errorf("tab %s ended at %s", tab, s.URL)
		}
	}
}

func TestLateAnswer(t *testing.T) {
	w := newWorld(t)
	w.domain("late.example", w.saml("late.example"))
	b := &testidp.Browser{}
	s, err := b.Open(t.Context(), w.loginURL("late.example"))
	must(t, err)
	w.clock.Advance(31 * time.Minute)
	s, err = b.Submit(t.Context(), s.Forms[0], "taro", nil)
	must(t, err)
	s, err = b.Submit(t.Context(), s.Forms[0], "", nil)
	must(t, err)
	if s.Status != http.StatusBadRequest || w.whoami(b) != "" {
		t.Errorf("an answer after 31 minutes: status %d, signed in as %q", s.Status, w.whoami(b))
	}
}

// The cookie of a session is new at each sign-in, and the one before is dead.
func TestNewSessionAtEachSignIn(t *testing.T) {
	w := newWorld(t)
	w.domain("one.example", w.saml("one.example"))
	w.domain("two.example", w.saml("two.example"))
	b, name := &testidp.Browser{}, w.sessions.CookieName()
	w.landed(b, w.signIn(b, "one.example", "taro"), "taro@one.example")
	before := b.Cookie("127.0.0.1", name)
	w.landed(b, w.signIn(b, "two.example", "taro"), "taro@two.example")
	if after := b.Cookie("127.0.0.1", name); after == before || after == "" {
		t.Error("the cookie did not change")
	}
	thief := &testidp.Browser{}
	thief.Plant("127.0.0.1", name, before)
	if got := w.whoami(thief); got != "" {
		t.Errorf("the cookie of before still opens %s", got)
	}
}

func TestSignedInBrowserIsNotAskedAgain(t *testing.T) {
	w := newWorld(t)
	w.domain("again.example", w.saml("again.example"))
	b := &testidp.Browser{}
	w.landed(b, w.signIn(b, "again.example", "taro"), "taro@again.example")
	asked := 0
	b.Visit = func(v testidp.Visited) {
		if !strings.HasPrefix(v.URL.String(), w.url) {
			asked++
		}
	}
	w.landed(b, w.signIn(b, "again.example", "taro"), "taro@again.example")
	if asked > 0 {
		t.Error("the identity provider was asked again")
	}
}
