// Package servers starts real Redis and PostgreSQL servers for tests: private, on free loopback ports, in a temporary
// folder, once per test binary, and stops them again. The servers die with the test binary even when it is killed.
package servers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"sync"
	"syscall"
	"testing"
	"time"
)

var running struct {
	sync.Mutex
	redis    string
	postgres *PostgresServer
	dirs     []string
	stops    []func()
}

// Main runs the tests of a package and stops every server that they started. Call it from TestMain; it returns the exit code.
func Main(m *testing.M) int {
	defer Stop()
	return m.Run()
}

// Stop ends every server started by this process and removes its files.
func Stop() {
	running.Lock()
	defer running.Unlock()
	for i := len(running.stops) - 1; i >= 0; i-- {
		running.stops[i]()
	}
	for _, dir := range running.dirs {
		os.RemoveAll(dir)
	}
	running.stops, running.dirs, running.redis, running.postgres = nil, nil, "", nil
}

// Redis returns host:port of a redis-server without a password, shared by the package's tests: use a key prefix of your own.
func Redis(t testing.TB) string {
	t.Helper()
	running.Lock()
	defer running.Unlock()
	if running.redis == "" {
		dir, err := os.MkdirTemp("", "ssogate-redis-")
		if err != nil {
			t.Fatal(err)
		}
		running.dirs = append(running.dirs, dir)
		p := newRedis(t, dir)
		running.redis = p.Addr
		running.stops = append(running.stops, p.Stop)
	}
	return running.redis
}

// Process is a server of its own, for tests that kill or freeze it.
type Process struct {
	Addr string
	Cmd  *exec.Cmd
	args []string
	once sync.Once
}

// NewRedis starts a redis-server that only this test uses; extra are further command line words. The caller stops it.
func NewRedis(t testing.TB, extra ...string) *Process {
	t.Helper()
	return newRedis(t, t.TempDir(), extra...)
}

func newRedis(t testing.TB, dir string, extra ...string) *Process {
	t.Helper()
	port := FreePort(t)
	p := &Process{Addr: fmt.Sprintf("127.0.0.1:%d", port)}
	p.args = append([]string{tool(t, "redis-server"), "--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--save", "",
		"--appendonly", "no", "--daemonize", "no", "--dir", dir, "--maxmemory-policy", "noeviction"}, extra...)
	p.Start(t)
	return p
}

// Start starts the server (again, on the same port) and waits until it accepts connections.
func (p *Process) Start(t testing.TB) {
	t.Helper()
	p.Cmd, p.once = exec.Command(p.args[0], p.args[1:]...), sync.Once{}
	p.Cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.Cmd.Start(); err != nil {
		t.Fatalf("servers: start %s: %v", p.args[0], err)
	}
	wait(t, p.Addr)
}

// Stop kills the server and waits for it.
func (p *Process) Stop() {
	p.once.Do(func() {
		p.Cmd.Process.Kill()
		p.Cmd.Wait()
	})
}

// Signal sends a signal, for example SIGSTOP to freeze and SIGCONT to thaw.
func (p *Process) Signal(s os.Signal) error { return p.Cmd.Process.Signal(s) }

var given struct {
	sync.Mutex
	ports map[int]bool
}

// FreePort returns a loopback port that is free now and that this process has not been given before.
func FreePort(t testing.TB) int {
	t.Helper()
	given.Lock()
	defer given.Unlock()
	if given.ports == nil {
		given.ports = map[int]bool{}
	}
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if !given.ports[port] {
			given.ports[port] = true
			return port
		}
	}
}

// tool finds a program on the PATH or where Debian keeps PostgreSQL's; a missing one is a failure, not a skip.
func tool(t testing.TB, name string) string {
	t.Helper()
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	sort.Strings(debian)
	if n := len(debian); n > 0 {
		return debian[n-1]
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("servers: %s is not installed; on Debian run: make tools", name)
	}
	return path
}

func wait(t testing.TB, addr string) {
	t.Helper()
	for range 400 {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			c.Close()
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("servers: nothing listens on %s", addr)
}
