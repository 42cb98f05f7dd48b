package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/sessions"

	"github.com/ssogate/ssogate/session"
)

// browser keeps the one cookie.
type browser struct {
	testing.TB
	house
	store  *session.Store
	cookie string
}

func (b *browser) request() *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	if b.cookie != "" {
		r.Header.Set("Cookie", b.store.Name()+"="+b.cookie)
	}
	return r
}

// visit opens the session, lets do change it, saves it and takes the answer's cookie.
func (b *browser) visit(do func(s *sessions.Session)) (*sessions.Session, *httptest.ResponseRecorder) {
	b.Helper()
	r, w := b.request(), httptest.NewRecorder()
	s, err := b.store.New(r, b.store.Name())
	if err != nil {
		b.Fatal(err)
	}
	if do != nil {
		do(s)
	}
	if err := s.Save(r, w); err != nil {
		b.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		b.cookie = c.Value
	}
	return s, w
}

func (b *browser) signIn(member string) {
	b.Helper()
	b.visit(func(s *sessions.Session) { session.Put(s, b.record(member)) })
}

func (b *browser) signedIn(want string) {
	b.Helper()
	s, w := b.visit(nil)
	rec, ok := session.Of(s)
	if ok != (want != "") || rec.MemberID != want || s.IsNew == ok || (s.ID == "") == ok {
		b.Fatalf("signed in as %q, want %q (new %v)", rec.MemberID, want, s.IsNew)
	}
	if len(w.Header()) != 0 {
		b.Fatalf("a mere visit answered %v", w.Header())
	}
}

func TestStoreSignsInAndOut(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		b := &browser{TB: t, house: h, store: session.NewStore(h.Manager)}
		b.signedIn("")
		b.signIn("mem_1")
		b.signedIn("mem_1")
		cookie := b.cookie
		_, w := b.visit(func(s *sessions.Session) { s.Options.MaxAge = -1 })
		if line := w.Header().Get("Set-Cookie"); !strings.Contains(line, "Max-Age=0") || b.cookie != "" {
			t.Fatalf("not cleared: %q", line)
		}
		h.over(t, cookie)
		b.cookie = cookie
		b.signedIn("")
	})
}

func TestStoreRotatesAtEverySignIn(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		b := &browser{TB: t, house: h, store: session.NewStore(h.Manager)}
		b.signIn("mem_1")
		first := b.cookie
		b.signIn("mem_2")
		b.signedIn("mem_2")
		if first == b.cookie {
			t.Fatal("the ID was kept")
		}
		h.over(t, first)
	})
}

// A cookie that somebody planted before the sign-in is worth nothing after it.
func TestStoreNeverAdoptsAnID(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		b := &browser{TB: t, house: h, store: session.NewStore(h.Manager)}
		for name, planted := range tampered(good) {
			b.cookie = planted
			if strings.ContainsAny(planted, "\n") {
				continue // cannot stand in a header
			}
			b.signedIn("")
			b.signIn("mem_1")
			if b.cookie == planted {
				t.Fatalf("%s: adopted", name)
			}
			h.over(t, planted)
			b.signedIn("mem_1")
		}
		b.cookie = b.cookie[:len(b.cookie)-43] + strings.Repeat("A", 43)
		planted := b.cookie
		b.signIn("mem_1")
		h.over(t, planted)
	})
}

func TestStoreKeepsTheCookieAsLongAsAsked(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		b := &browser{TB: t, house: h, store: session.NewStore(h.Manager)}
		_, w := b.visit(func(s *sessions.Session) {
			session.Put(s, h.record("mem_1"))
			s.Options.MaxAge = 600
		})
		line := w.Header().Get("Set-Cookie")
		for _, want := range []string{"__Host-ssogate_session=", "Max-Age=600", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"} {
			if !strings.Contains(line, want) {
				t.Errorf("%q lacks %s", line, want)
			}
		}
	})
}

func TestStoreReadsOncePerRequest(t *testing.T) {
	c := newClock()
	counted := &counting{State: openEmbedded(t, t.TempDir()+"/state.db", c.now)}
	h := newHouse(counted, c)
	b := &browser{TB: t, house: h, store: session.NewStore(h.Manager)}
	b.signIn("mem_1")
	counted.asked = 0
	r := b.request()
	for range 3 {
		s, err := b.store.Get(r, b.store.Name())
		must(t, err)
		if rec, ok := session.Of(s); !ok || rec.MemberID != "mem_1" {
			t.Fatal("not signed in")
		}
	}
	if counted.asked != 1 {
		t.Fatalf("asked %d times", counted.asked)
	}
}

func TestStoreServesManyAtOnce(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		store := session.NewStore(h.Manager)
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				b := &browser{TB: t, house: h, store: store}
				b.signIn("mem_1")
				b.signedIn("mem_1")
			})
		}
		all.Wait()
	})
}

func TestStorePassesOnThatItDoesNotKnow(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		b := &browser{TB: t, house: h, store: session.NewStore(h.Manager)}
		b.signIn("mem_1")
		r, w := b.request(), httptest.NewRecorder()
		s, err := b.store.New(r, b.store.Name())
		must(t, err)
		must(t, h.state.Close())
		session.Put(s, h.record("mem_2"))
		if err := s.Save(r, w); !errors.Is(err, session.ErrUnavailable) || len(w.Header()) != 0 {
			t.Fatalf("save: %v, answered %v", err, w.Header())
		}
		s, err = b.store.New(b.request(), b.store.Name())
		if !errors.Is(err, session.ErrUnavailable) || s == nil {
			t.Fatalf("new: %v, %v", s, err)
		}
		if _, ok := session.Of(s); ok {
			t.Fatal("signed in without knowing")
		}
	})
}
