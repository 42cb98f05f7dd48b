package session_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/session"
)

// memory is a Manager that remembers, another one beside it that does not, and a client of their Redis.
type memory struct {
	house
	beside *session.Manager
	redis  *redis.Client
	server *servers.Process
}

func newMemory(t *testing.T, words ...string) memory {
	t.Helper()
	p := servers.NewRedis(t, words...)
	t.Cleanup(p.Stop)
	c := newClock()
	client := redis.NewClient(&redis.Options{Addr: p.Addr})
	t.Cleanup(func() { client.Close() })
	h := newHouse(openRedis(t, session.RedisOptions{Addresses: []string{p.Addr}, Now: c.now, KeepPrefix: "test-"}), c)
	session.KeepForLong(h.state)
	other := openRedis(t, session.RedisOptions{Addresses: []string{p.Addr}, Now: c.now})
	return memory{h, session.NewManager(session.Options{State: other, Prefix: h.prefix, Now: c.now}), client, p}
}

// asked is how many round trips checks have cost so far.
func (m memory) asked(t *testing.T) (n int) {
	t.Helper()
	stats, err := m.redis.InfoMap(bg, "commandstats").Result()
	must(t, err)
	if line := stats["Commandstats"]["cmdstat_mget"]; line != "" {
		_, err = fmt.Sscanf(line, "calls=%d", &n)
		must(t, err)
	}
	return n
}

// remembered says whether most of a hundred checks were answered from memory.
func (m memory) remembered(t *testing.T, cookie string) bool {
	t.Helper()
	before := m.asked(t)
	for range 100 {
		m.lives(t, cookie)
	}
	return m.asked(t)-before < 20
}

func TestChecksAreRememberedUntilSomethingChanges(t *testing.T) {
	m := newMemory(t)
	for name, end := range map[string]func(cookie string) error{
		"sign-out elsewhere": func(cookie string) error { return m.beside.End(bg, cookie) },
		"member generation":  func(string) error { return m.beside.RaiseGeneration(bg, "dom_1", "mem_1", 1) },
		"domain generation":  func(string) error { return m.beside.RaiseGeneration(bg, "dom_1", "", 1) },
		"flush":              func(string) error { return m.redis.FlushAll(bg).Err() },
		"limit of its life":  func(string) error { m.pass(13 * 60 * 60 * 1e9); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			must(t, m.redis.FlushAll(bg).Err())
			cookie := m.mustStart(t, m.record("mem_1"))
			eventually(t, "checks are answered from memory", func() bool { return m.remembered(t, cookie) })
			must(t, end(cookie))
			eventually(t, "it is over", func() bool {
				_, err := m.Check(bg, cookie)
				return errors.Is(err, session.ErrMissing)
			})
			for range 100 {
				m.over(t, cookie)
			}
		})
	}
}

// Who ends a session here finds it ended here at once, whatever the calls back do.
func TestOwnChangesAreSeenAtOnce(t *testing.T) {
	m := newMemory(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 50 {
				member := fmt.Sprintf("mem_%d_%d", i, n)
				cookie := m.mustStart(t, m.record(member))
				for range 5 {
					if _, err := m.Check(bg, cookie); err != nil {
						t.Errorf("%s: %v", member, err)
					}
				}
				if n%2 == 0 {
					must(t, m.End(bg, cookie))
				} else {
					must(t, m.RaiseGeneration(bg, "dom_1", member, 1))
				}
				for range 5 {
					if _, err := m.Check(bg, cookie); !errors.Is(err, session.ErrMissing) {
						t.Errorf("%s after its end: %v", member, err)
					}
				}
			}
		})
	}
	all.Wait()
}

func TestMemoryIsLostWithTheConnectionThatCallsBack(t *testing.T) {
	m := newMemory(t)
	cookie := m.mustStart(t, m.record("mem_1"))
	eventually(t, "checks are answered from memory", func() bool { return m.remembered(t, cookie) })
	var over atomic.Bool
	var all sync.WaitGroup
	for range 4 { // who asks all the time, while the connection breaks and the session ends
		all.Go(func() {
			for !over.Load() {
				if _, err := m.Check(bg, cookie); errors.Is(err, session.ErrMissing) {
					over.Store(true)
				}
			}
		})
	}
	must(t, m.redis.Do(bg, "client", "kill", "type", "pubsub").Err())
	must(t, m.beside.End(bg, cookie))
	all.Wait()
	again := m.mustStart(t, m.record("mem_2"))
	eventually(t, "checks are answered from memory again", func() bool { return m.remembered(t, again) })
	m.over(t, cookie)
}

// What is remembered is not what is true when Redis says nothing any more.
func TestMemoryOfASilentServerIsNotBelieved(t *testing.T) {
	m := newMemory(t)
	cookie := m.mustStart(t, m.record("mem_1"))
	eventually(t, "checks are answered from memory", func() bool { return m.remembered(t, cookie) })
	must(t, m.server.Signal(syscall.SIGSTOP))
	eventually(t, "nobody knows", func() bool { _, err := m.Check(bg, cookie); return errors.Is(err, session.ErrUnavailable) })
	for range 20 {
		if _, err := m.Check(bg, cookie); !errors.Is(err, session.ErrUnavailable) {
			t.Fatalf("from memory: %v", err)
		}
	}
	must(t, m.server.Signal(syscall.SIGCONT))
	eventually(t, "it lives", func() bool { _, err := m.Check(bg, cookie); return err == nil })
}

func TestNothingIsRememberedWithoutCallsBack(t *testing.T) {
	m := newMemory(t, "--rename-command", "CLIENT", "")
	cookie := m.mustStart(t, m.record("mem_1"))
	before := m.asked(t)
	for range 100 {
		m.lives(t, cookie)
	}
	if n := m.asked(t) - before; n != 100 {
		t.Errorf("100 checks cost %d round trips", n)
	}
	if _, err := session.OpenRedis(bg, session.RedisOptions{Mode: "cluster", Addresses: []string{"127.0.0.1:1"}, KeepPrefix: "a"}); err == nil {
		t.Error("a cluster is remembered")
	}
}
