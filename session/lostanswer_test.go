package session_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/session"
)

// wire stands between client and server. It can swallow the next answer and cut the connection: the server has done what the
// client does not know of.
type wire struct {
	net.Listener
	to    string
	cut   atomic.Bool
	cuts  atomic.Int64
	calls atomic.Int64 // connections accepted
	all   sync.WaitGroup
	mu    sync.Mutex
	open  []net.Conn
}

// newWire listens; to "" accepts and stays silent.
func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w := &wire{Listener: l, to: to}
	w.all.Go(w.accept)
	t.Cleanup(func() {
		w.Close()
		w.mu.Lock()
		for _, c := range w.open {
			c.Close()
		}
		w.mu.Unlock()
		w.all.Wait()
	})
	return w
}

func (w *wire) keep(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = append(w.open, c)
}

func (w *wire) accept() {
	for {
		client, err := w.Accept()
		if err != nil {
			return
		}
		w.calls.Add(1)
		w.keep(client)
		if w.to == "" {
			continue
		}
		server, err := net.Dial("tcp", w.to)
		if err != nil {
			client.Close()
			continue
		}
		w.keep(server)
		w.all.Go(func() { io.Copy(server, client); server.Close() })
		w.all.Go(func() { w.answer(client, server) })
	}
}

func (w *wire) answer(client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	b := make([]byte, 4096)
	for {
		n, err := server.Read(b)
		if err != nil {
			return
		}
		if w.cut.CompareAndSwap(true, false) {
			w.cuts.Add(1)
			return
		}
		if _, err := client.Write(b[:n]); err != nil {
			return
		}
	}
}

// An honest person whose mark was stored, but whose answer was lost on the way, is still the first (security.md 1.3 step 7).
func TestALostAnswerDoesNotMakeTheFirstTheSecond(t *testing.T) {
	w := newWire(t, servers.Redis(t))
	h := newHouse(openRedis(t, session.RedisOptions{Addresses: []string{w.Addr().String()}}), newClock())
	m := session.Marks{State: h.state, Prefix: h.prefix}
	until := time.Now().Add(time.Minute)
	_, err := m.Use(bg, "dom_1", "warm up", until) // the server knows the script from here on
	must(t, err)
	w.cut.Store(true)
	if first, err := m.Use(bg, "dom_1", "_a", until); err != nil || !first {
		t.Fatalf("first %v, %v", first, err)
	}
	if w.cuts.Load() != 1 {
		t.Fatal("no answer was lost: the test proves nothing")
	}
	if first, err := m.Use(bg, "dom_1", "_a", until); err != nil || first {
		t.Fatalf("second %v, %v", first, err)
	}
}

func TestALostAnswerDoesNotGiveALoginTwice(t *testing.T) {
	w := newWire(t, servers.Redis(t))
	h := newHouse(openRedis(t, session.RedisOptions{Addresses: []string{w.Addr().String()}}), newClock())
	l := session.Logins{State: h.state, Prefix: h.prefix}
	must(t, l.Put(bg, "handle", []byte("record"), time.Minute))
	w.cut.Store(true)
	if got, err := l.Take(bg, "handle"); err == nil {
		t.Fatalf("took %q although its answer was lost", got)
	}
	if _, err := l.Take(bg, "handle"); w.cuts.Load() != 1 || !errors.Is(err, session.ErrMissing) {
		t.Fatalf("%d cuts, %v", w.cuts.Load(), err)
	}
}

// While Redis is dead most callers are told at once, without waiting for it each.
func TestADeadServerIsAskedByFewOnly(t *testing.T) {
	w := newWire(t, "")
	s := openRedis(t, session.RedisOptions{Addresses: []string{w.Addr().String()}})
	for range 500 {
		if err := s.Ping(bg); !errors.Is(err, session.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if n := w.calls.Load(); n < 5 || n > 50 {
		t.Fatalf("500 callers made %d connections, want 5 and a few probes", n)
	}
}
