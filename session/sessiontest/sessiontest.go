// Package sessiontest is the promise of session.State as tests: every driver runs it, the real server too.
package sessiontest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/ssogate/ssogate/session"
)

// Harness is one driver under test.
type Harness struct {
	// Open returns a State that lives until the end of the test. States opened by different tests may share their keys.
	Open func(t *testing.T) session.State
	// Pass lets time go by for the driver: a fake clock is moved, a real one is waited for.
	Pass func(d time.Duration)
	// Now is the driver's clock.
	Now func() time.Time
}

// crowd is how many callers try at once where only one may win.
const crowd = 64

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	for name, test := range map[string]func(*testing.T, *subject){
		"values": values, "many": many, "life": life, "replace": replace, "touch": touch, "delete": remove,
		"set once": setOnce, "set once, crowd": setOnceCrowd, "take": take, "take, crowd": takeCrowd,
		"raise": raise, "raise, crowd": raiseCrowd, "index": index, "index, life": indexLife,
		"rate": rate, "rate, crowd": rateCrowd, "rate, arguments": rateArguments, "cancelled": cancelled, "closed": closed,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, &subject{T: t, State: h.Open(t), h: h, ctx: context.Background(), tag: "{" + rand.Text() + "}:"})
		})
	}
}

// subject is a State with the words of the tests.
type subject struct {
	*testing.T
	session.State
	h   Harness
	ctx context.Context
	tag string
}

func (s *subject) key(name string) string { return s.tag + name }

func (s *subject) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *subject) missing(err error) {
	s.Helper()
	if !errors.Is(err, session.ErrMissing) {
		s.Fatalf("want ErrMissing, got %v", err)
	}
}

func (s *subject) holds(key, want string) {
	s.Helper()
	got, err := s.Get(s.ctx, s.key(key))
	s.must(err)
	if string(got) != want {
		s.Fatalf("%s holds %q, want %q", key, got, want)
	}
}

func (s *subject) gone(key string) {
	s.Helper()
	_, err := s.Get(s.ctx, s.key(key))
	s.missing(err)
}

func (s *subject) set(key, value string, life time.Duration) {
	s.Helper()
	s.must(s.Set(s.ctx, s.key(key), []byte(value), life))
}

// eventually lets time pass in small steps until what must come has come.
func (s *subject) eventually(what string, come func() bool) {
	s.Helper()
	for range 1000 {
		if come() {
			return
		}
		s.h.Pass(10 * time.Millisecond)
	}
	s.Fatalf("it never came: %s", what)
}

func (s *subject) eventuallyGone(key string) {
	s.Helper()
	s.eventually(key+" is over", func() bool {
		_, err := s.Get(s.ctx, s.key(key))
		return errors.Is(err, session.ErrMissing)
	})
}

func values(t *testing.T, s *subject) {
	s.gone("a")
	for _, value := range [][]byte{[]byte("one"), {0, 1, 0xff, '\r', '\n'}, bytes.Repeat([]byte("x"), 100_000), {}} {
		s.must(s.Set(s.ctx, s.key("a"), value, 0))
		got, err := s.Get(s.ctx, s.key("a"))
		s.must(err)
		if !bytes.Equal(got, value) {
			t.Fatalf("got %d bytes, want %d", len(got), len(value))
		}
	}
	s.must(s.Ping(s.ctx))
}

func many(t *testing.T, s *subject) {
	s.set("a", "1", 0)
	s.set("c", "3", time.Minute)
	s.must(s.Set(s.ctx, s.key("e"), nil, 0))
	got, err := s.GetMany(s.ctx, s.key("c"), s.key("b"), s.key("a"), s.key("c"), s.key("e"))
	s.must(err)
	if len(got) != 5 || string(got[0]) != "3" || got[1] != nil || string(got[2]) != "1" || string(got[3]) != "3" {
		t.Fatalf("got %q", got)
	}
	if got[4] == nil || len(got[4]) != 0 {
		t.Fatalf("an empty value is there, got %#v", got[4])
	}
	got, err = s.GetMany(s.ctx)
	if err != nil || len(got) != 0 {
		t.Fatalf("no keys: got %q, %v", got, err)
	}
}

func life(t *testing.T, s *subject) {
	s.set("ever", "1", 0)
	s.set("long", "1", time.Hour)
	s.set("short", "1", 30*time.Millisecond)
	s.set("tiny", "1", time.Nanosecond)
	s.eventuallyGone("short")
	s.eventuallyGone("tiny")
	got, err := s.GetMany(s.ctx, s.key("short"), s.key("long"), s.key("ever"))
	s.must(err)
	if got[0] != nil || got[1] == nil || got[2] == nil {
		t.Fatalf("got %q", got)
	}
	s.set("short", "2", 30*time.Millisecond)
	s.set("short", "3", 0)
	s.h.Pass(50 * time.Millisecond)
	s.holds("short", "3")
	if err := s.Set(s.ctx, s.key("ever"), nil, -1); err == nil {
		t.Fatal("a negative life was accepted")
	}
	s.holds("ever", "1")
}

func replace(t *testing.T, s *subject) {
	s.missing(s.Replace(s.ctx, s.key("a"), []byte("x"), time.Minute))
	s.gone("a")
	s.set("a", "1", 0)
	s.must(s.Replace(s.ctx, s.key("a"), []byte("2"), 30*time.Millisecond))
	s.holds("a", "2")
	s.eventuallyGone("a")
	s.missing(s.Replace(s.ctx, s.key("a"), []byte("3"), time.Minute))
	s.gone("a")
}

func touch(t *testing.T, s *subject) {
	s.missing(s.Touch(s.ctx, s.key("a"), time.Minute))
	s.set("a", "1", 30*time.Millisecond)
	s.must(s.Touch(s.ctx, s.key("a"), time.Hour))
	s.h.Pass(50 * time.Millisecond)
	s.holds("a", "1")
	s.must(s.Touch(s.ctx, s.key("a"), 30*time.Millisecond))
	s.eventuallyGone("a")
	s.missing(s.Touch(s.ctx, s.key("a"), time.Minute))
	s.set("b", "1", 0)
	if err := s.Touch(s.ctx, s.key("b"), 0); err == nil {
		t.Fatal("a life of nothing was accepted")
	}
	s.holds("b", "1")
}

func remove(t *testing.T, s *subject) {
	s.must(s.Delete(s.ctx))
	s.set("a", "1", 0)
	s.set("b", "1", 0)
	s.must(s.Set(s.ctx, "{other}"+s.key("c"), []byte("1"), 0))
	s.must(s.Delete(s.ctx, s.key("a"), s.key("never"), "{other}"+s.key("c")))
	s.gone("a")
	s.holds("b", "1")
	_, err := s.Get(s.ctx, "{other}"+s.key("c"))
	s.missing(err)
}

func cancelled(t *testing.T, s *subject) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	s.set("a", "1", 0)
	if _, err := s.Get(ctx, s.key("a")); !errors.Is(err, session.ErrUnavailable) {
		t.Fatalf("get: want ErrUnavailable, got %v", err)
	}
	if _, err := s.Take(ctx, s.key("a")); !errors.Is(err, session.ErrUnavailable) {
		t.Fatalf("take: want ErrUnavailable, got %v", err)
	}
	for range 20 { // callers who go away say nothing about the server
		s.Get(ctx, s.key("a"))
	}
	s.holds("a", "1")
}

func closed(t *testing.T, s *subject) {
	s.must(s.Close())
	_, get := s.Get(s.ctx, s.key("a"))
	_, once := s.SetOnce(s.ctx, s.key("a"), []byte("1"), time.Minute)
	for op, err := range map[string]error{"get": get, "once": once, "ping": s.Ping(s.ctx), "set": s.Set(s.ctx, "a", nil, 0)} {
		if !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("%s after Close: want ErrUnavailable, got %v", op, err)
		}
	}
}
