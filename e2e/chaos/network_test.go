package chaos_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ssogate/ssogate/e2e"
	"github.com/ssogate/ssogate/e2e/servers"
)

const (
	downAfter = 2 * time.Second // of the sentinels: less, and a busy machine fails over by itself
	maxLag    = 2               // seconds without a replica's word after which a primary takes no writes
)

// group is a primary with two replicas and three sentinels. Everybody reaches each of them over a wire of its own, so that the
// network can be parted between any of them and the nodes.
type group struct {
	t      *testing.T
	redis  []*servers.Process
	wires  []*wire // before each Redis
	guards []*e2e.Process
	ears   []*wire // before each sentinel
	gone   map[int]bool

	mu   sync.Mutex
	pids []int // of everybody whose connections are told apart
}

func newGroup(t *testing.T) *group {
	t.Helper()
	g := &group{t: t, gone: map[int]bool{}}
	for i := range 3 {
		wire := newWire(t, "", g.known)
		_, port, _ := net.SplitHostPort(wire.Addr)
		args := []string{"--replica-announce-ip", host, "--replica-announce-port", port, "--repl-diskless-sync-delay", "0",
			"--min-replicas-to-write", "1", "--min-replicas-max-lag", fmt.Sprint(maxLag), "--repl-ping-replica-period", "1"}
		if i > 0 {
			_, primary, _ := net.SplitHostPort(g.wires[0].Addr)
			args = append(args, "--replicaof", host+" "+primary)
		}
		p := servers.NewRedis(t, args...)
		t.Cleanup(p.Stop)
		wire.aim(p.Addr)
		g.redis, g.wires = append(g.redis, p), append(g.wires, wire)
		g.know(p.Cmd.Process.Pid)
	}
	for range 3 {
		g.guard()
	}
	return g
}

// guard starts one sentinel.
func (g *group) guard() {
	g.t.Helper()
	ear, own, dir := newWire(g.t, "", g.known), servers.FreePort(g.t), g.t.TempDir()
	_, heard, _ := net.SplitHostPort(ear.Addr)
	_, primary, _ := net.SplitHostPort(g.wires[0].Addr)
	file := filepath.Join(dir, "sentinel.conf")
	text := fmt.Sprintf("port %d\nbind %s\ndir %s\nsentinel announce-ip %s\nsentinel announce-port %s\nsentinel monitor main %s %s 2\n"+
		"sentinel down-after-milliseconds main %d\nsentinel failover-timeout main 4000\nsentinel parallel-syncs main 2\n",
		own, host, dir, host, heard, host, primary, downAfter.Milliseconds())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	p := e2e.Start(g.t, dir, "redis-sentinel", file)
	ear.aim(fmt.Sprintf("%s:%d", host, own))
	g.guards, g.ears = append(g.guards, p), append(g.ears, ear)
	g.know(p.PID())
}

func (g *group) know(pid int) { g.mu.Lock(); g.pids = append(g.pids, pid); g.mu.Unlock() }

func (g *group) known() []int { g.mu.Lock(); defer g.mu.Unlock(); return g.pids }

// settings are the nodes'.
func (g *group) settings() string {
	var addresses []string
	for _, e := range g.ears {
		addresses = append(addresses, "'"+e.Addr+"'")
	}
	return "redis: {mode: sentinel, master: main, addresses: [" + strings.Join(addresses, ", ") + "]}"
}

// primary is which Redis most sentinels believe to be the primary, -1 when they are at odds.
func (g *group) primary() int {
	votes := map[int]int{}
	for _, ear := range g.ears {
		votes[g.believed(ear)]++
	}
	for i, n := range votes {
		if n > 1 {
			return i
		}
	}
	return -1
}

// believed is which Redis a sentinel believes to be the primary, -1 when it does not tell.
func (g *group) believed(ear *wire) int {
	c := redis.NewSentinelClient(&redis.Options{Addr: ear.to, DisableIdentity: true, DialTimeout: time.Second})
	defer c.Close()
	at, err := c.GetMasterAddrByName(bg, "main").Result()
	if err != nil || len(at) != 2 {
		return -1
	}
	for i, wire := range g.wires {
		if wire.Addr == net.JoinHostPort(at[0], at[1]) {
			return i
		}
	}
	return -1
}

// whole says whether every sentinel knows the others and the primary, and every other Redis that lives follows it.
func (g *group) whole() bool {
	primary := g.primary()
	if primary < 0 || g.gone[primary] {
		return false
	}
	for _, ear := range g.ears {
		c := redis.NewSentinelClient(&redis.Options{Addr: ear.to, DisableIdentity: true, DialTimeout: time.Second})
		others, err := c.Sentinels(bg, "main").Result()
		c.Close()
		if err != nil || len(others) != 2 || g.believed(ear) != primary {
			return false
		}
	}
	c := g.admin(primary)
	defer c.Close()
	info := c.Info(bg, "replication").Val()
	return strings.Contains(info, "role:master") && strings.Count(info, "state=online") == len(g.redis)-1-len(g.gone)
}

func (g *group) admin(i int) *redis.Client {
	return redis.NewClient(&redis.Options{Addr: g.redis[i].Addr, DisableIdentity: true, Protocol: 2, DialTimeout: time.Second})
}

// kill ends a Redis; revive starts it again as a replica of the primary of now.
func (g *group) kill(i int) { g.redis[i].Stop(); g.gone[i] = true }

func (g *group) revive(i int) {
	g.t.Helper()
	g.redis[i].Start(g.t)
	g.know(g.redis[i].Cmd.Process.Pid)
	delete(g.gone, i)
	c := g.admin(i)
	defer c.Close()
	primary := g.primary()
	if primary < 0 || primary == i { // the sentinels will see to it
		return
	}
	at, port, _ := net.SplitHostPort(g.wires[primary].Addr)
	if err := c.ReplicaOf(bg, at, port).Err(); err != nil {
		g.t.Fatal(err)
	}
}

// part leaves one node, one sentinel and one Redis alone with each other, away from everybody else.
func (g *group) part(node *e2e.Gateway, sentinel, server int) {
	alone := map[int]bool{node.PID(): true, g.guards[sentinel].PID(): true, g.redis[server].Cmd.Process.Pid: true}
	inside := func(pid int) bool { return alone[pid] }
	outside := func(pid int) bool { return !alone[pid] }
	known := owners(g.known())
	for i := range 3 {
		for end, chosen := range map[*wire]bool{g.wires[i]: i == server, g.ears[i]: i == sentinel} {
			if chosen {
				end.part(inside, known)
			} else {
				end.part(outside, known)
			}
		}
	}
}

// heal ends the parting.
func (g *group) heal() {
	for i := range 3 {
		g.wires[i].part(nil, nil)
		g.ears[i].part(nil, nil)
	}
}
