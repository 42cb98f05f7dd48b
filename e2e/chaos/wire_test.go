package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// wire is a piece of network in front of a server. Its knobs act on connections that are open, too.
type wire struct {
	Addr string       // where to dial instead
	who  func() []int // processes that it can tell apart; nil is none
	all  sync.WaitGroup

	mu     sync.Mutex
	to     string
	delay  time.Duration // of each answer
	resets bool          // half of the connections end by a reset within their first answers, and half of the others later
	broken int           // connections that ended so
	passes func(pid int) bool
	moved  *sync.Cond // passes or closed has changed
	closed bool
	open   map[net.Conn]bool // of both sides
}

func newWire(t *testing.T, to string, who func() []int) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Addr: l.Addr().String(), to: to, who: who, open: map[net.Conn]bool{}}
	w.moved = sync.NewCond(&w.mu)
	w.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.all.Go(func() { w.carry(c.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		w.mu.Lock()
		w.closed = true
		w.moved.Broadcast()
		for c := range w.open {
			c.Close()
		}
		w.mu.Unlock()
		w.all.Wait()
	})
	return w
}

// aim points the wire at a server that did not exist when it was laid.
func (w *wire) aim(to string) { w.mu.Lock(); w.to = to; w.mu.Unlock() }

// slow delays each answer from now on.
func (w *wire) slow(by time.Duration) { w.mu.Lock(); w.delay = by; w.mu.Unlock() }

// reset switches on that half of the connections break, and says how many have so far.
func (w *wire) reset(on bool) (broken int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resets = on
	return w.broken
}

// part lets only processes through for which passes says yes. Nothing of the others arrives any more, and nobody is told, until it
// lets them through again: a parted network is silent. nil lets everybody through.
func (w *wire) part(passes func(pid int) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passes = passes
	w.moved.Broadcast()
}

// caller is the process at the other end of a connection, looked up when the network is parted: at first nobody may know it yet.
type caller struct{ from, to, pid int }

// through waits until something of a process may pass; it says no when the wire ends.
func (w *wire) through(c *caller) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.closed && w.passes != nil {
		if c.pid == 0 {
			c.pid = owner(w.who(), c.from, c.to)
		}
		if w.passes(c.pid) {
			break
		}
		w.moved.Wait()
	}
	return !w.closed
}

// keep remembers a connection so that the end of the wire is its end, too.
func (w *wire) keep(c net.Conn) (forget func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[c] = true
	if w.closed {
		c.Close()
	}
	return func() { c.Close(); w.mu.Lock(); delete(w.open, c); w.mu.Unlock() }
}

// carry connects one client with the server until one of them or the wire ends it.
func (w *wire) carry(client *net.TCPConn) {
	defer w.keep(client)()
	from := &caller{from: client.RemoteAddr().(*net.TCPAddr).Port, to: client.LocalAddr().(*net.TCPAddr).Port}
	if !w.through(from) {
		return
	}
	w.mu.Lock()
	to := w.to
	w.mu.Unlock()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer w.keep(server)()
	w.all.Go(func() { w.ask(from, server, client) })
	w.answer(from, client, server)
}

// ask carries the client's side.
func (w *wire) ask(from *caller, server, client net.Conn) {
	defer server.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := client.Read(b)
		if err != nil || !w.through(from) {
			return
		}
		if _, err := server.Write(b[:n]); err != nil {
			return
		}
	}
}

// answer carries the server's side, where delays and resets happen: what was asked has then been done.
func (w *wire) answer(from *caller, client *net.TCPConn, server net.Conn) {
	b := make([]byte, 64<<10)
	chosen, left := rand.N(2) == 0, 1+rand.N(20)
	for {
		n, err := server.Read(b)
		if err != nil || !w.through(from) {
			return
		}
		w.mu.Lock()
		delay, resets := w.delay, w.resets
		w.mu.Unlock()
		if delay > 0 { // with jitter of a tenth
			time.Sleep(delay + rand.N(delay/10+1))
		}
		if left--; resets && left <= 0 {
			if chosen {
				w.mu.Lock()
				w.broken++
				w.mu.Unlock()
				client.SetLinger(0) // a reset, not an end
				return
			}
			chosen, left = rand.N(2) == 0, 1+rand.N(200) // who got away is not safe for ever
		}
		if _, err := client.Write(b[:n]); err != nil {
			return
		}
	}
}

// owner finds which of the processes holds the loopback connection from one port to another; 0 when none does.
func owner(pids []int, from, to int) int {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0
	}
	socket := ""
	for line := range strings.Lines(string(table)) { // sl local_address rem_address st tx:rx tr:tm retr uid timeout inode
		f := strings.Fields(line)
		if len(f) > 9 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", from)) && strings.HasSuffix(f[2], fmt.Sprintf(":%04X", to)) {
			socket = "socket:[" + f[9] + "]"
		}
	}
	for _, pid := range pids {
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, link := range links {
			if held, err := os.Readlink(link); err == nil && held == socket {
				return pid
			}
		}
	}
	return 0
}
