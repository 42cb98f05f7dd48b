package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/session"
)

// What stands in Redis and is not exactly a record is no session, wherever it differs.
func TestAnotherEncodingIsNoSession(t *testing.T) {
	c := newClock()
	addr := servers.Redis(t)
	h := newHouse(openRedis(t, session.RedisOptions{Addresses: []string{addr}, Now: c.now}), c)
	cookie := h.mustStart(t, h.record("mem_1"))
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	keys, err := client.Keys(bg, h.prefix+":*:session:*").Result()
	must(t, err)
	stored, err := client.Get(bg, keys[0]).Bytes()
	must(t, err)
	store := func(value []byte) { must(t, h.state.Set(bg, keys[0], value, time.Hour)) }
	for n := range stored {
		store(stored[:n])
		h.over(t, cookie)
	}
	for name, value := range map[string][]byte{
		"one byte more": append(bytes.Clone(stored), 0), "another version": append([]byte{2}, stored[1:]...),
		"JSON": []byte(`{"m":"mem_1","d":"dom_1"}`), "endless number": append([]byte{1}, bytes.Repeat([]byte{0xff}, 200)...),
		"long text": append(bytes.Clone(stored[:len(stored)-1]), 0xff, 0xff, 0xff, 0xff, 0x0f),
	} {
		store(value)
		if _, err := h.Check(bg, cookie); !errors.Is(err, session.ErrMissing) {
			t.Errorf("%s: %v", name, err)
		}
	}
	store(stored)
	h.lives(t, cookie)
}

// Checks that share a round trip each get their own answer.
func TestACrowdSharesRoundTripsAndNotAnswers(t *testing.T) {
	c := newClock()
	p := servers.NewRedis(t)
	t.Cleanup(p.Stop)
	h := newHouse(openRedis(t, session.RedisOptions{Addresses: []string{p.Addr}, Now: c.now}), c)
	var cookies []string
	for i := range 40 {
		cookies = append(cookies, h.mustStart(t, h.record(fmt.Sprintf("mem_%d", i))))
	}
	must(t, h.RaiseGeneration(bg, "dom_1", "mem_7", 1))
	const rounds = 200
	var all sync.WaitGroup
	for i, cookie := range cookies {
		all.Go(func() {
			for range rounds {
				rec, err := h.Check(bg, cookie)
				if i == 7 {
					if !errors.Is(err, session.ErrMissing) {
						t.Errorf("a revoked session: %v", err)
					}
				} else if want := fmt.Sprintf("mem_%d", i); err != nil || rec.MemberID != want {
					t.Errorf("%s: got %q, %v", want, rec.MemberID, err)
				}
			}
		})
	}
	all.Wait()
	client := redis.NewClient(&redis.Options{Addr: p.Addr})
	defer client.Close()
	var calls int
	stats, err := client.InfoMap(bg, "commandstats").Result()
	must(t, err)
	_, err = fmt.Sscanf(stats["Commandstats"]["cmdstat_mget"], "calls=%d", &calls)
	must(t, err)
	if calls == 0 || calls > len(cookies)*rounds*3/4 {
		t.Errorf("%d checks by %d at once cost %d round trips", len(cookies)*rounds, len(cookies), calls)
	}
}

// A crowd that shares round trips to a silent server waits together, each no longer than alone, and is used again afterwards.
func TestACrowdOfChecksDoesNotWaitInLine(t *testing.T) {
	p := servers.NewRedis(t)
	t.Cleanup(p.Stop)
	s := openRedis(t, session.RedisOptions{Addresses: []string{p.Addr}})
	must(t, s.Ping(bg))
	must(t, p.Signal(syscall.SIGSTOP))
	var all sync.WaitGroup
	began := time.Now()
	for range 300 {
		all.Go(func() {
			if _, err := s.GetMany(bg, "a", "b"); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("want ErrUnavailable, got %v", err)
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("a crowd took %v", took)
	}
	must(t, p.Signal(syscall.SIGCONT))
	eventually(t, "the server is used again", func() bool { _, err := s.GetMany(bg, "a"); return err == nil })
}
