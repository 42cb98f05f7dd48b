package session_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/session"
)

// group is a primary, a replica and three sentinels that watch them.
type group struct {
	primary, replica *servers.Process
	sentinels        []string
}

func newGroup(t *testing.T) *group {
	t.Helper()
	g := &group{primary: servers.NewRedis(t, "--repl-diskless-sync-delay", "0")}
	t.Cleanup(g.primary.Stop)
	host, port, _ := net.SplitHostPort(g.primary.Addr)
	g.replica = servers.NewRedis(t, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")
	t.Cleanup(g.replica.Stop)
	for range 3 {
		g.sentinels = append(g.sentinels, sentinel(t, host, port))
	}
	for _, addr := range g.sentinels {
		eventually(t, "sentinel "+addr+" knows the others and the replica", func() bool {
			c := redis.NewSentinelClient(&redis.Options{Addr: addr, DisableIdentity: true})
			defer c.Close()
			others, _ := c.Sentinels(bg, "main").Result()
			replicas, _ := c.Replicas(bg, "main").Result()
			return len(others) == 2 && len(replicas) == 1 && replicas[0]["master-link-status"] == "ok"
		})
	}
	return g
}

func sentinel(t *testing.T, host, port string) (addr string) {
	t.Helper()
	dir, own := t.TempDir(), servers.FreePort(t)
	file := filepath.Join(dir, "sentinel.conf")
	must(t, os.WriteFile(file, fmt.Appendf(nil, "port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor main %s %s 2\n"+
		"sentinel down-after-milliseconds main 800\nsentinel failover-timeout main 3000\n", own, dir, host, port), 0o600))
	cmd := exec.Command("redis-sentinel", file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return fmt.Sprintf("127.0.0.1:%d", own)
}

// The primary dies with a revocation that the replica never heard of. After the failover sessions go on, and the revoked one
// stays revoked: its truth is in the directory (security.md 4.2).
func TestFailoverKeepsSessionsAndRevocations(t *testing.T) {
	g := newGroup(t)
	c := newClock()
	h := newHouse(openRedis(t, session.RedisOptions{Mode: "sentinel", Master: "main", Addresses: g.sentinels, Now: c.now}), c)
	d := &truth{}
	kept, revoked := h.mustStart(t, h.record("mem_1")), h.mustStart(t, h.record("mem_2"))
	follow(t, h.Manager, 0, d.read)
	eventually(t, "the replica has the sessions", func() bool {
		return len(snapshot(t, g.replica.Addr, h.prefix+":{dom_1}:session:*")) == 2
	})

	must(t, g.replica.Signal(syscall.SIGSTOP))
	admin := redis.NewClient(&redis.Options{Addr: g.primary.Addr, DisableIdentity: true})
	defer admin.Close()
	must(t, admin.ClientKillByFilter(bg, "TYPE", "replica").Err()) // else the frozen one would read it from its socket later
	d.add(session.Generation{Seq: 1, DomainID: "dom_1", MemberID: "mem_2", Generation: 1})
	h.soonOver(t, revoked)
	g.primary.Stop()
	must(t, g.replica.Signal(syscall.SIGCONT))
	if _, err := h.Check(bg, kept); !errors.Is(err, session.ErrUnavailable) {
		t.Fatalf("with the primary dead: want ErrUnavailable, got %v", err)
	}
	if n := len(snapshot(t, g.replica.Addr, h.prefix+":{dom_1}:gen*")); n != 0 {
		t.Fatal("the replica knows the revocation: the test proves nothing")
	}

	eventually(t, "the kept session is accepted again", func() bool { _, err := h.Check(bg, kept); return err == nil })
	h.soonOver(t, revoked)
	for range 20 {
		d.rounds(t, 1)
		h.over(t, revoked)
	}
	h.lives(t, h.mustStart(t, h.record("mem_3")))
	found := session.Check(bg, h.state)
	if len(found) != 1 || found[0].Fault || !strings.Contains(found[0].Text, "master") {
		t.Fatalf("%+v", found)
	}
}
