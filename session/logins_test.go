package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ssogate/ssogate/session"
)

func TestALoginIsTakenOnce(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		l := session.Logins{State: h.state, Prefix: h.prefix}
		must(t, l.Put(bg, "handle", []byte("record"), time.Minute))
		for range 2 {
			got, err := l.Peek(bg, "handle")
			if err != nil || string(got) != "record" {
				t.Fatalf("peek: %q, %v", got, err)
			}
		}
		got, err := l.Take(bg, "handle")
		if err != nil || string(got) != "record" {
			t.Fatalf("take: %q, %v", got, err)
		}
		for _, handle := range []string{"handle", "other", ""} {
			_, peek := l.Peek(bg, handle)
			_, take := l.Take(bg, handle)
			if !errors.Is(peek, session.ErrMissing) || !errors.Is(take, session.ErrMissing) {
				t.Fatalf("%q: %v, %v", handle, peek, take)
			}
		}
		for _, bad := range []error{l.Put(bg, "", nil, time.Minute), l.Put(bg, "h", nil, 0), l.Put(bg, "h", nil, -1)} {
			if bad == nil {
				t.Fatal("a login without handle or end was accepted")
			}
		}
	})
}

func TestALateLoginIsGone(t *testing.T) {
	c := newClock()
	l := session.Logins{State: openEmbedded(t, t.TempDir()+"/state.db", c.now)}
	must(t, l.Put(bg, "handle", []byte("record"), 10*time.Minute))
	c.pass(10 * time.Minute)
	if _, err := l.Take(bg, "handle"); !errors.Is(err, session.ErrMissing) {
		t.Fatal(err)
	}
}

func TestAMarkIsFirstOnceInItsDomain(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		m := session.Marks{State: h.state, Prefix: h.prefix, Now: h.now}
		until := h.now().Add(5 * time.Minute)
		for i, want := range []bool{true, false, false} {
			if first, err := m.Use(bg, "dom_1", "_a", until); err != nil || first != want {
				t.Fatalf("use %d: %v, %v", i, first, err)
			}
		}
		for _, other := range [][2]string{{"dom_2", "_a"}, {"dom_1", "_b"}} {
			if first, err := m.Use(bg, other[0], other[1], until); err != nil || !first {
				t.Fatalf("%v: %v, %v", other, first, err)
			}
		}
		// Until when it counts may have passed already: it is a mark all the same.
		for i, want := range []bool{true, false} {
			if first, err := m.Use(bg, "dom_1", "_late", h.now().Add(-time.Hour)); err != nil || first != want {
				t.Fatalf("late use %d: %v, %v", i, first, err)
			}
		}
		for _, bad := range [][2]string{{"", "_a"}, {"dom_1", ""}, {"a}b", "_a"}} {
			if first, err := m.Use(bg, bad[0], bad[1], until); first || err == nil {
				t.Fatalf("%v was accepted", bad)
			}
		}
	})
}

func TestAMarkLastsUntilItsTime(t *testing.T) {
	c := newClock()
	m := session.Marks{State: openEmbedded(t, t.TempDir()+"/state.db", c.now), Now: c.now}
	use := func() bool {
		first, err := m.Use(bg, "dom_1", "_a", c.now().Add(5*time.Minute))
		must(t, err)
		return first
	}
	if !use() {
		t.Fatal("not the first")
	}
	c.pass(5*time.Minute - time.Second)
	if use() {
		t.Fatal("forgotten too early")
	}
	c.pass(time.Second)
	if !use() {
		t.Fatal("kept too long")
	}
}

func TestAMarkThatCannotBeSetIsNotFirst(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		must(t, h.state.Close())
		first, err := session.Marks{State: h.state}.Use(bg, "dom_1", "_a", h.now().Add(time.Minute))
		if first || !errors.Is(err, session.ErrUnavailable) {
			t.Fatalf("%v, %v", first, err)
		}
	})
}

func TestLimitsCountEachRuleAndSubject(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		l := session.Limits{State: h.state, Prefix: h.prefix}
		allow := func(rule, subject string, perMinute int) bool {
			ok, retry, err := l.Allow(bg, rule, subject, perMinute)
			must(t, err)
			if ok != (retry == 0) || retry > time.Minute {
				t.Fatalf("%v with a wait of %v", ok, retry)
			}
			return ok
		}
		for i := range 2 {
			if !allow("login", "192.0.2.1", 2) {
				t.Fatalf("call %d was refused", i)
			}
		}
		if allow("login", "192.0.2.1", 2) {
			t.Fatal("a third one was let through")
		}
		if !allow("login", "192.0.2.2", 2) || !allow("answer", "192.0.2.1", 2) {
			t.Fatal("another subject or rule was refused")
		}
		for i := range 10 {
			if !allow("off", "a", -i) {
				t.Fatal("a rule that is off refused")
			}
		}
	})
}
