package chaos_test

import (
	"fmt"
	"io"
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
	Addr string // where to dial instead
	to   string
	all  sync.WaitGroup

	mu     sync.Mutex
	delay  time.Duration // of each answer
	resets bool          // half of the connections end by a reset within their next few answers
	passes func(pid int) bool
	open   map[net.Conn]int // a client's connection → the process that made it
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Addr: l.Addr().String(), to: to, open: map[net.Conn]int{}}
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
		w.part(func(int) bool { return false })
		w.all.Wait()
	})
	return w
}

// slow delays each answer from now on.
func (w *wire) slow(by time.Duration) { w.mu.Lock(); w.delay = by; w.mu.Unlock() }

// reset switches on that half of the connections break.
func (w *wire) reset(on bool) { w.mu.Lock(); w.resets = on; w.mu.Unlock() }

// part lets only processes through for which passes says yes, and cuts the others off. nil lets everybody through.
func (w *wire) part(passes func(pid int) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passes = passes
	for c, pid := range w.open {
		if passes != nil && !passes(pid) {
			c.Close()
		}
	}
}

// carry connects one client with the server until one of them or the wire ends it.
func (w *wire) carry(client *net.TCPConn) {
	defer client.Close()
	pid := owner(client.RemoteAddr().(*net.TCPAddr).Port, client.LocalAddr().(*net.TCPAddr).Port)
	w.mu.Lock()
	if w.passes != nil && !w.passes(pid) {
		w.mu.Unlock()
		return
	}
	w.open[client] = pid
	w.mu.Unlock()
	defer func() { w.mu.Lock(); delete(w.open, client); w.mu.Unlock() }()
	server, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer server.Close()
	w.all.Go(func() { io.Copy(server, client); server.Close() })
	w.answer(client, server)
}

// answer carries the server's side, where delays and resets happen: what was asked has then been done.
func (w *wire) answer(client *net.TCPConn, server net.Conn) {
	b := make([]byte, 64<<10)
	chosen, left := rand.N(2) == 0, 1+rand.N(20)
	for {
		n, err := server.Read(b)
		if err != nil {
			return
		}
		w.mu.Lock()
		delay, resets := w.delay, w.resets
		w.mu.Unlock()
		if delay > 0 { // with jitter of a tenth
			time.Sleep(delay + rand.N(delay/10+1))
		}
		if resets && chosen {
			if left--; left == 0 {
				client.SetLinger(0) // a reset, not an end
				return
			}
		}
		if _, err := client.Write(b[:n]); err != nil {
			return
		}
	}
}

// owner finds the process that holds the loopback connection from one port to another; 0 when it is gone already.
func owner(from, to int) int {
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
	if socket == "" {
		return 0
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && to == socket {
			pid := 0
			fmt.Sscanf(link, "/proc/%d/", &pid)
			return pid
		}
	}
	return 0
}
