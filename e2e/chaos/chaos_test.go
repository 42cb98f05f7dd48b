package chaos_test

import (
	"testing"
	"time"
)

// fault is a row of the matrix that is brought about in a town.
type fault struct {
	number, name, promise string
	run                   func(w *town, r *row)
}

const outagePromise = "no login accepted, sessions refused with 503 and Retry-After, each in ≤ 250 ms; alive but not ready; back in ≤ 2 s without a restart"

// faults of a town over one Redis, in order.
var faults = []fault{
	{"1", "Redis killed", outagePromise, redisKilled},
	{"2", "Redis hangs (SIGSTOP)", outagePromise + "; no goroutines pile up", redisHangs},
	{"3", "Redis slow: 50, 200, 1 000 ms", "time = base + k × delay; above 250 ms refused at once", redisSlow},
	{"4", "Redis resets half of the connections", "≥ 99 % of logins succeed with one more try; nothing is used twice", redisResets},
	{"7", "Redis full, read-only, wants a password, emptied, another type, loading", "a clean 503 or a new login; no panic", redisUseless},
	{"10", "Node killed between AuthnRequest and ACS, ACS and 303, code and token",
		"the login completes or says to try again; never two sessions from one assertion", nodeKilled},
	{"11", "Nodes stopped (SIGTERM) one after the other under load", "no failed login, no lost session, exit code 0", rolling},
	{"13", "Identity providers that hang, drip, lie or refuse", "a page in ≤ 5 s; other domains are not touched", providersIll},
	{"18", "Balancer: no stickiness, duplicate delivery, HTTP/1.0, idle connections, replay", "all pass; one-time use holds", delivered},
	{"19", "Slowloris (headers, bodies) and idle connections", "slow headers end in 5 s; honest p99 ≤ 2 × base", slowloris},
	{"20", "Many logins in flight at the provider", "≤ 2 KiB each in Redis, ≤ 300 MiB for each node", underWay},
}

// onlyFull are faults that the short form has no time for.
var onlyFull = []fault{
	{"25", "Everybody at once after everything was forgotten", "database queries do not grow with the people", herd},
}

// TestChaos brings everything about. In the short form the towns stand beside each other, in the full form one after the other.
func TestChaos(t *testing.T) {
	rep := &report{}
	t.Run("all", func(t *testing.T) {
		for name, town := range map[string]func(*testing.T, *report){"one Redis": oneRedis, "sentinels": sentinels, "clocks": clocks} {
			t.Run(name, func(t *testing.T) {
				if *form != "full" {
					t.Parallel()
				}
				town(t, rep)
			})
		}
	})
	if *form == "full" && rep.whole() {
		rep.write(t)
	}
}

// oneRedis is the part of the matrix over one Redis.
func oneRedis(t *testing.T, rep *report) {
	w := newTown(t, "one Redis")
	all := faults
	if w.full {
		all = append(all, onlyFull...)
	}
	for _, f := range all {
		t.Run(f.name, func(t *testing.T) { w.inside(t).suffer(rep, f, time.Second) })
	}
}

// sentinels is the part with a primary that moves.
func sentinels(t *testing.T, rep *report) {
	w, g := newSentinelTown(t)
	for _, f := range []fault{
		{"5", "Sentinel failover, primary killed", failoverPromise, func(w *town, r *row) { failover(w, g, r, pick(w, 1, 12), killPrimary(g)) }},
		{"5", "Sentinel failover, clean", failoverPromise, func(w *town, r *row) { failover(w, g, r, pick(w, 1, 8), movePrimary(w, g)) }},
	} {
		t.Run(f.name, func(t *testing.T) { w.inside(t).suffer(rep, f, time.Second) })
	}
	if !w.full {
		return
	}
	t.Run("split brain", func(t *testing.T) {
		w.inside(t).suffer(rep, fault{"6", "Split brain: the old primary with node 1, a new one with nodes 2 and 3",
			"an answer that lets in on both sides does so only within the window of min-replicas-max-lag; revoked people out in ≤ 10 s",
			func(w *town, r *row) { splitBrain(w, g, r) }}, 10*time.Second)
	})
}

// suffer brings a fault about and then checks the whole history of the town.
func (w *town) suffer(rep *report, f fault, grace time.Duration) {
	w.t.Helper()
	r := rep.row(w, f.number, f.name, f.promise)
	began := time.Now()
	f.run(w, r)
	for _, broken := range w.history.broken(grace) {
		r.must(false, "%s", broken)
	}
	w.t.Logf("fault %s took %s", f.number, round(time.Since(began)))
}
