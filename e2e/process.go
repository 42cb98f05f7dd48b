package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startLimit = 60 * time.Second // for a provider on a busy machine
	mostLogged = 32 << 10         // bytes of what a program has said last
)

// Process is a program that a test started. It is stopped with the test, and dies with the test binary even when that is
// killed. Its output is logged when the test fails.
type Process struct {
	cmd    *exec.Cmd
	output lockedBuffer
	ended  chan struct{}
}

// Start runs a program in the given folder ("" means the test's own).
func Start(t testing.TB, dir, program string, args ...string) *Process {
	t.Helper()
	p := &Process{cmd: exec.Command(program, args...), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, &p.output, &p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("e2e: start %s: %v", program, err)
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			out := p.output.String()
			t.Logf("output of %s:\n%s", filepath.Base(program), out[max(0, len(out)-mostLogged):])
		}
	})
	return p
}

// Stop asks the program to end and waits; after two seconds it is killed: browsers keep unused
// connections open, for which a server waits longer.
func (p *Process) Stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(2 * time.Second):
		p.cmd.Process.Kill()
		<-p.ended
	}
}

// Kill ends the program at once, as a crash would.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// Output is what the program has printed so far.
func (p *Process) Output() string { return p.output.String() }

// WaitFor returns when the address answers 200; a program that ended before fails the test.
func (p *Process) WaitFor(t testing.TB, address string) {
	t.Helper()
	p.wait(t, address, answers)
}

// WaitForPort returns when host:port accepts connections.
func (p *Process) WaitForPort(t testing.TB, address string) {
	t.Helper()
	p.wait(t, address, accepts)
}

func (p *Process) wait(t testing.TB, address string, there func(context.Context, string) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		if there(ctx, address) {
			return
		}
		select {
		case <-p.ended:
			t.Fatalf("e2e: %s ended before it answered at %s\n%s", p.cmd.Path, address, p.Output())
		case <-ctx.Done():
			t.Fatalf("e2e: nothing answers at %s\n%s", address, p.Output())
		case <-tick.C:
		}
	}
}

func answers(ctx context.Context, address string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func accepts(ctx context.Context, address string) bool {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// lockedBuffer is written by a program and read by the test.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Root is the folder of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(file))
}

// builds remembers what this test binary has built already.
var builds struct {
	sync.Mutex
	done map[string]error
}

// build runs "go build" once for each output folder; a program that is up to date costs nothing.
func build(t testing.TB, module, output string, packages ...string) {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	err, known := builds.done[output]
	if !known {
		cmd := exec.Command("go", append([]string{"build", "-o", output + string(filepath.Separator)}, packages...)...)
		cmd.Dir, cmd.Env = module, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if text, fault := cmd.CombinedOutput(); fault != nil {
			err = fmt.Errorf("go build in %s: %w\n%s", module, fault, text)
		}
		if builds.done == nil {
			builds.done = map[string]error{}
		}
		builds.done[output] = err
	}
	if err != nil {
		t.Fatalf("e2e: %v", err)
	}
}

// foreign builds the providers of the nested module and returns the path of one of them.
func foreign(t testing.TB, program string) string {
	t.Helper()
	output := filepath.Join(Root(), "bin", "foreign")
	build(t, filepath.Join(Root(), "e2e", "foreign"), output, "./...", "github.com/dexidp/dex/cmd/dex")
	return filepath.Join(output, program)
}

// node returns the path of a file in the folder of the JavaScript programs, whose packages must have been installed.
func node(t testing.TB, name ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{Root(), "e2e", "node"}, name...)...)
	if _, err := os.Stat(filepath.Join(Root(), "e2e", "node", "node_modules")); err != nil {
		t.Fatal("e2e: the packages of e2e/node are not installed; run: make node")
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("e2e: %v", err)
	}
	return path
}

// writeFile puts a file into the test's own folder and returns its path.
func writeFile(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
