package e2e

import (
	"os"
	"testing"
	"time"
)

// PID names the process, for signals and /proc.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal to the program.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Ended waits until the program has ended by itself and returns its exit code; -1 when it was killed or the limit passed.
func (p *Process) Ended(limit time.Duration) int {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		return -1
	}
}

// Again starts a gateway that has ended, with the same configuration and on the same port, and waits until it is ready.
func (g *Gateway) Again(t testing.TB) {
	t.Helper()
	g.Process = Start(g.t, g.dir, binary(g.t), "serve", "--config", g.Config)
	g.WaitFor(t, g.Operator+"/readyz")
}
