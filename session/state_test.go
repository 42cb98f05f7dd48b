package session_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/session/sessiontest"
)

func TestMain(m *testing.M) {
	code := servers.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func openEmbedded(t testing.TB, path string, now func() time.Time) session.State {
	t.Helper()
	s, err := session.OpenEmbedded(path, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func openRedis(t testing.TB, o session.RedisOptions) session.State {
	t.Helper()
	s, err := session.OpenRedis(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func realTime(d time.Duration) { <-time.After(d) }

func TestEmbeddedKeepsThePromise(t *testing.T) {
	c := newClock()
	sessiontest.Run(t, sessiontest.Harness{Now: c.now, Pass: c.pass, Open: func(t *testing.T) session.State {
		return openEmbedded(t, filepath.Join(t.TempDir(), "state.db"), c.now)
	}})
}

func TestRedisKeepsThePromise(t *testing.T) {
	sessiontest.Run(t, sessiontest.Harness{Now: time.Now, Pass: realTime, Open: func(t *testing.T) session.State {
		return openRedis(t, session.RedisOptions{Addresses: []string{servers.Redis(t)}})
	}})
}

func TestMiniredisKeepsThePromise(t *testing.T) {
	m := miniredis.RunT(t)
	c := newClock()
	m.SetTime(c.now())
	pass := func(d time.Duration) {
		c.pass(d)
		m.SetTime(c.now())
		m.FastForward(d)
	}
	sessiontest.Run(t, sessiontest.Harness{Now: c.now, Pass: pass, Open: func(t *testing.T) session.State {
		return openRedis(t, session.RedisOptions{Addresses: []string{m.Addr()}, Now: c.now})
	}})
}

func TestClusterKeepsThePromise(t *testing.T) {
	p := servers.NewRedis(t, "--cluster-enabled", "yes", "--dir", t.TempDir())
	t.Cleanup(p.Stop)
	admin := redis.NewClient(&redis.Options{Addr: p.Addr})
	defer admin.Close()
	ctx := context.Background()
	if err := admin.Do(ctx, "cluster", "addslotsrange", 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	s := openRedis(t, session.RedisOptions{Mode: "cluster", Addresses: []string{p.Addr}})
	eventually(t, "the cluster is ready", func() bool { return s.Set(ctx, "a", []byte("1"), 0) == nil })
	sessiontest.Run(t, sessiontest.Harness{Now: time.Now, Pass: realTime, Open: func(t *testing.T) session.State {
		return openRedis(t, session.RedisOptions{Mode: "cluster", Addresses: []string{p.Addr}})
	}})
}

// eventually waits, generously, for what must come.
func eventually(t testing.TB, what string, come func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !come() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("it never came: %s", what)
		}
	}
}
