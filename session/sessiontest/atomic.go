package sessiontest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ssogate/ssogate/session"
)

// together calls f from a crowd at once and returns how many calls said yes.
func (s *subject) together(f func(i int) (bool, error)) int64 {
	s.Helper()
	var yes atomic.Int64
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range crowd {
		all.Go(func() {
			<-begin
			ok, err := f(i)
			if err != nil {
				s.Error(err)
			}
			if ok {
				yes.Add(1)
			}
		})
	}
	close(begin)
	all.Wait()
	return yes.Load()
}

func (s *subject) once(key, value string, life time.Duration) bool {
	s.Helper()
	first, err := s.SetOnce(s.ctx, s.key(key), []byte(value), life)
	s.must(err)
	return first
}

func setOnce(t *testing.T, s *subject) {
	if !s.once("a", "mine", 100*time.Millisecond) {
		t.Fatal("the first is the first")
	}
	if !s.once("a", "mine", 100*time.Millisecond) {
		t.Fatal("the same call again must know its own value")
	}
	if s.once("a", "other", time.Hour) {
		t.Fatal("a second one was let through")
	}
	s.holds("a", "mine")
	s.eventually("the mark is over", func() bool { return s.once("a", "other", 0) })
	s.holds("a", "other")
	if s.once("a", "third", time.Hour) {
		t.Fatal("a mark without end ended")
	}
	s.set("b", "set", 0)
	if s.once("b", "once", 0) {
		t.Fatal("a key that was set is not missing")
	}
}

func setOnceCrowd(t *testing.T, s *subject) {
	for round := range 5 {
		key := s.key(fmt.Sprint(round))
		firsts := s.together(func(int) (bool, error) {
			return s.SetOnce(s.ctx, key, []byte(rand.Text()), time.Minute)
		})
		if firsts != 1 {
			t.Fatalf("%d callers were the first, want 1", firsts)
		}
	}
}

func take(t *testing.T, s *subject) {
	_, err := s.Take(s.ctx, s.key("a"))
	s.missing(err)
	s.set("a", "1", time.Minute)
	got, err := s.Take(s.ctx, s.key("a"))
	s.must(err)
	if string(got) != "1" {
		t.Fatalf("took %q", got)
	}
	s.gone("a")
	_, err = s.Take(s.ctx, s.key("a"))
	s.missing(err)
	s.set("late", "1", 30*time.Millisecond)
	s.eventuallyGone("late")
	_, err = s.Take(s.ctx, s.key("late"))
	s.missing(err)
}

func takeCrowd(t *testing.T, s *subject) {
	for round := range 5 {
		key := fmt.Sprint(round)
		s.set(key, "1", time.Minute)
		taken := s.together(func(int) (bool, error) {
			value, err := s.Take(s.ctx, s.key(key))
			if errors.Is(err, session.ErrMissing) {
				return false, nil
			}
			return err == nil && string(value) == "1", err
		})
		if taken != 1 {
			t.Fatalf("%d callers took it, want 1", taken)
		}
	}
}

func raise(t *testing.T, s *subject) {
	for _, step := range []struct{ n, want int64 }{
		{0, 0}, {2, 2}, {1, 2}, {2, 2}, {10, 10}, {9, 10}, {1 << 53, 1 << 53}, {1<<53 + 1, 1<<53 + 1}, {1 << 53, 1<<53 + 1},
		{1<<63 - 1, 1<<63 - 1}, {1<<63 - 2, 1<<63 - 1},
	} {
		got, err := s.Raise(s.ctx, s.key("a"), step.n)
		s.must(err)
		if got != step.want {
			t.Fatalf("raised to %d: counter %d, want %d", step.n, got, step.want)
		}
	}
	s.holds("a", "9223372036854775807")
	if _, err := s.Raise(s.ctx, s.key("a"), -1); err == nil {
		t.Fatal("a negative counter was accepted")
	}
}

func raiseCrowd(t *testing.T, s *subject) {
	s.together(func(i int) (bool, error) {
		got, err := s.Raise(s.ctx, s.key("a"), int64(i))
		if err == nil && got < int64(i) {
			return false, fmt.Errorf("raised to %d, counter %d", i, got)
		}
		return true, err
	})
	s.holds("a", fmt.Sprint(crowd-1))
}

func (s *subject) lists(want ...string) {
	s.Helper()
	got, err := s.Index(s.ctx, s.key("list"))
	s.must(err)
	sort.Strings(got)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.Fatalf("lists %q, want %q", got, want)
	}
}

func index(t *testing.T, s *subject) {
	s.lists()
	soon := s.h.Now().Add(time.Hour)
	for _, member := range []string{"b", "a", "c", "a"} {
		s.must(s.IndexAdd(s.ctx, s.key("list"), member, soon))
	}
	s.lists("a", "b", "c")
	s.must(s.IndexRemove(s.ctx, s.key("list"), "b"))
	s.must(s.IndexRemove(s.ctx, s.key("list"), "never"))
	s.lists("a", "c")
	s.must(s.IndexAdd(s.ctx, s.key("list"), "a", s.h.Now().Add(-time.Second)))
	s.lists("c")
	s.must(s.Delete(s.ctx, s.key("list")))
	s.lists()
}

func indexLife(t *testing.T, s *subject) {
	now := s.h.Now()
	s.must(s.IndexAdd(s.ctx, s.key("list"), "long", now.Add(time.Hour)))
	s.must(s.IndexAdd(s.ctx, s.key("list"), "short", s.h.Now().Add(50*time.Millisecond)))
	s.eventually("the short one is over", func() bool {
		got, err := s.Index(s.ctx, s.key("list"))
		return err == nil && len(got) == 1
	})
	s.lists("long")
}

func rate(t *testing.T, s *subject) {
	for i := range 3 {
		ok, retry, err := s.Rate(s.ctx, s.key("a"), 60, time.Hour, 3)
		if !ok || retry != 0 || err != nil {
			t.Fatalf("call %d of the burst: %v, %v, %v", i, ok, retry, err)
		}
	}
	for range 3 { // what was refused uses nothing up
		ok, retry, err := s.Rate(s.ctx, s.key("a"), 60, time.Hour, 3)
		if ok || retry <= 0 || retry > time.Minute || err != nil {
			t.Fatalf("above the burst: %v, %v, %v", ok, retry, err)
		}
	}
	if ok, _, err := s.Rate(s.ctx, s.key("b"), 60, time.Hour, 3); !ok || err != nil {
		t.Fatalf("another key: %v, %v", ok, err)
	}
	s.Rate(s.ctx, s.key("c"), 20, time.Second, 1) // one every 50 ms
	s.eventually("the next one is allowed", func() bool {
		ok, retry, err := s.Rate(s.ctx, s.key("c"), 20, time.Second, 1)
		if retry > 50*time.Millisecond {
			t.Fatalf("wait of %v for one every 50 ms", retry)
		}
		return ok && err == nil
	})
}

func rateCrowd(t *testing.T, s *subject) {
	allowed := s.together(func(int) (bool, error) {
		ok, _, err := s.Rate(s.ctx, s.key("a"), 60, time.Hour, 10)
		return ok, err
	})
	if allowed != 10 {
		t.Fatalf("%d were allowed at once, want 10", allowed)
	}
}

func rateArguments(t *testing.T, s *subject) {
	for _, bad := range []struct {
		limit, burst int
		window       time.Duration
	}{{0, 1, time.Second}, {1, 0, time.Second}, {1, 1, 0}, {-1, 1, time.Second}, {10, 1, time.Microsecond}} {
		if ok, _, err := s.Rate(s.ctx, s.key("a"), bad.limit, bad.window, bad.burst); ok || err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}
