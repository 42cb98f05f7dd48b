package chaos_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
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
	open   map[net.Conn]*caller // of both sides
}

func newWire(t *testing.T, to string, who func() []int) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Addr: l.Addr().String(), to: to, who: who, open: map[net.Conn]*caller{}}
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

// ends are the two ports of a loopback connection, the caller's first.
type ends struct{ from, to int }

// caller is who made a connection; pid is 0 until somebody wants to know.
type caller struct {
	ends
	pid int
}

// part lets only processes through for which passes says yes. Nothing of the others arrives any more, and nobody is told, until it
// lets them through again: a parted network is silent. known says which process made which connection. nil lets everybody through.
func (w *wire) part(passes func(pid int) bool, known map[ends]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		if pid := known[c.ends]; pid != 0 {
			c.pid = pid
		}
	}
	w.passes = passes
	w.moved.Broadcast()
}

// through waits until something of a caller may pass; it says no when the wire ends.
func (w *wire) through(c *caller) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.closed && w.passes != nil {
		if c.pid == 0 { // a connection that is younger than the parting
			w.mu.Unlock()
			pid := owners(w.who())[c.ends]
			w.mu.Lock()
			c.pid = cmp.Or(pid, unknown)
			continue
		}
		if w.passes(c.pid) {
			break
		}
		w.moved.Wait()
	}
	return !w.closed
}

const unknown = -1 // somebody else

// keep remembers a connection so that the end of the wire is its end, too.
func (w *wire) keep(c net.Conn, of *caller) (forget func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[c] = of
	if w.closed {
		c.Close()
	}
	return func() { c.Close(); w.mu.Lock(); delete(w.open, c); w.mu.Unlock() }
}

// carry connects one client with the server until one of them or the wire ends it.
func (w *wire) carry(client *net.TCPConn) {
	from := &caller{ends: ends{client.RemoteAddr().(*net.TCPAddr).Port, client.LocalAddr().(*net.TCPAddr).Port}}
	defer w.keep(client, from)()
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
	defer w.keep(server, from)()
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

// owners finds which of the processes made which loopback connection.
func owners(pids []int) map[ends]int {
	holder := map[string]int{} // inode of a socket
	for _, pid := range pids {
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, link := range links {
			if held, err := os.Readlink(link); err == nil {
				holder[strings.TrimSuffix(strings.TrimPrefix(held, "socket:["), "]")] = pid
			}
		}
	}
	found := map[ends]int{}
	table, _ := os.ReadFile("/proc/net/tcp")
	for line := range strings.Lines(string(table)) { // sl local_address rem_address st tx:rx tr:tm retr uid timeout inode
		f := strings.Fields(line)
		if len(f) > 9 && holder[f[9]] != 0 {
			found[ends{port(f[1]), port(f[2])}] = holder[f[9]]
		}
	}
	return found
}

// port reads the port of an address as the kernel writes it, 0100007F:1F90.
func port(address string) int {
	_, hex, _ := strings.Cut(address, ":")
	n, _ := strconv.ParseUint(hex, 16, 16)
	return int(n)
}
