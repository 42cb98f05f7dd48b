package session_test

import (
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/session"
)

// operations are all of a State that ask the server.
func operations(s session.State) map[string]func() error {
	return map[string]func() error{
		"get":          func() error { _, err := s.Get(bg, "a"); return err },
		"get many":     func() error { _, err := s.GetMany(bg, "a"); return err },
		"set":          func() error { return s.Set(bg, "a", nil, 0) },
		"replace":      func() error { return s.Replace(bg, "a", nil, time.Minute) },
		"set once":     func() error { _, err := s.SetOnce(bg, "a", nil, 0); return err },
		"take":         func() error { _, err := s.Take(bg, "a"); return err },
		"touch":        func() error { return s.Touch(bg, "a", time.Minute) },
		"delete":       func() error { return s.Delete(bg, "a") },
		"raise":        func() error { _, err := s.Raise(bg, "a", 1); return err },
		"index add":    func() error { return s.IndexAdd(bg, "a", "b", time.Now().Add(time.Minute)) },
		"index remove": func() error { return s.IndexRemove(bg, "a", "b") },
		"index":        func() error { _, err := s.Index(bg, "a"); return err },
		"rate":         func() error { _, _, err := s.Rate(bg, "a", 1, time.Second, 1); return err },
		"ping":         func() error { return s.Ping(bg) },
	}
}

// unavailable runs every operation three times and wants each to fail in time. The promise is 300 ms; the test's limit is
// generous, for machines under load, and far below the 5 s of a client left to itself.
func unavailable(t *testing.T, s session.State) {
	t.Helper()
	for name, op := range operations(s) {
		for range 3 {
			began := time.Now()
			if err := op(); !errors.Is(err, session.ErrUnavailable) {
				t.Fatalf("%s: want ErrUnavailable, got %v", name, err)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Fatalf("%s: took %v", name, took)
			}
		}
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	s := openRedis(t, session.RedisOptions{Addresses: []string{"127.0.0.1:1"}})
	unavailable(t, s)
	if found := session.Check(bg, s); len(found) != 1 || !found[0].Fault {
		t.Fatalf("check: %+v", found)
	}
}

func TestAServerThatIsKilledAndComesBack(t *testing.T) {
	p := servers.NewRedis(t)
	t.Cleanup(p.Stop)
	s := openRedis(t, session.RedisOptions{Addresses: []string{p.Addr}})
	must(t, s.Ping(bg))
	p.Stop()
	unavailable(t, s)
	p.Start(t)
	t.Cleanup(p.Stop)
	eventually(t, "the server is used again", func() bool { return s.Set(bg, "a", nil, 0) == nil })
	must(t, s.Ping(bg))
}

func TestAServerThatFallsSilentAndGoesOn(t *testing.T) {
	p := servers.NewRedis(t)
	t.Cleanup(p.Stop)
	s := openRedis(t, session.RedisOptions{Addresses: []string{p.Addr}})
	must(t, s.Ping(bg))
	must(t, p.Signal(syscall.SIGSTOP))
	unavailable(t, s)
	var all sync.WaitGroup // a crowd waits together, not one after the other
	began := time.Now()
	for range 200 {
		all.Go(func() {
			if err := s.Ping(bg); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("want ErrUnavailable, got %v", err)
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("a crowd took %v", took)
	}
	must(t, p.Signal(syscall.SIGCONT))
	eventually(t, "the server is used again", func() bool { return s.Ping(bg) == nil })
}

// A server that answers with errors is no server to trust, whatever the error.
func TestAServerThatRefuses(t *testing.T) {
	for name, words := range map[string][]string{
		"password":   {"--requirepass", "secret"},
		"no memory":  {"--maxmemory", "1"},
		"replica":    {"--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no"},
		"no command": {"--rename-command", "SET", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := servers.NewRedis(t, words...)
			t.Cleanup(p.Stop)
			s := openRedis(t, session.RedisOptions{Addresses: []string{p.Addr}})
			if err := s.Set(bg, "a", []byte("1"), 0); !errors.Is(err, session.ErrUnavailable) {
				t.Fatalf("set: want ErrUnavailable, got %v", err)
			}
			if first, err := s.SetOnce(bg, "b", []byte("1"), 0); first || !errors.Is(err, session.ErrUnavailable) {
				t.Fatalf("set once: %v, %v", first, err)
			}
		})
	}
}

func TestAKeyOfAnotherKindIsUnavailableNotMissing(t *testing.T) {
	s := openRedis(t, session.RedisOptions{Addresses: []string{servers.Redis(t)}})
	must(t, s.IndexAdd(bg, "other-kind", "a", time.Now().Add(time.Minute)))
	if _, err := s.Get(bg, "other-kind"); !errors.Is(err, session.ErrUnavailable) {
		t.Fatalf("get: %v", err)
	}
	if _, err := s.Raise(bg, "other-kind", 1); !errors.Is(err, session.ErrUnavailable) {
		t.Fatalf("raise: %v", err)
	}
}

func TestManagerRefusesWhatItCannotKnow(t *testing.T) {
	c := newClock()
	p := servers.NewRedis(t)
	t.Cleanup(p.Stop)
	h := newHouse(openRedis(t, session.RedisOptions{Addresses: []string{p.Addr}, Now: c.now}), c)
	cookie := h.mustStart(t, h.record("mem_1"))
	p.Stop()
	_, check := h.Check(bg, cookie)
	_, list := h.List(bg, "dom_1", "mem_1")
	_, start := h.Start(bg, h.record("mem_1"))
	for name, err := range map[string]error{"check": check, "list": list, "start": start, "end": h.End(bg, cookie),
		"end by id": h.EndByID(bg, "dom_1", "mem_1", "a"), "raise": h.RaiseGeneration(bg, "dom_1", "", 1)} {
		if !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("%s: want ErrUnavailable, got %v", name, err)
		}
	}
}
