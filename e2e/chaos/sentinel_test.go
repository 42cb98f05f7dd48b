package chaos_test

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ssogate/ssogate/testidp"
)

const failoverPromise = "≤ down-after + 5 s of 503; nothing one-time succeeds twice; nobody who was revoked comes back"

// newSentinelTown is a town over a group.
func newSentinelTown(t *testing.T) (*town, *group) {
	t.Helper()
	w := foundTown(t, "sentinels")
	g := newGroup(t)
	w.eventually("the group is whole", g.whole)
	w.open(g.settings())
	for _, n := range w.nodes {
		g.know(n.PID())
	}
	return w, g
}

// failover kills or moves the primary again and again while a crowd signs in.
func failover(w *town, g *group, r *row, rounds int, move func(primary int) (back func())) {
	c := w.crowd(2)
	var slowest, reborn time.Duration
	served := 0
	for i := range rounds {
		w.eventually("the group is whole", g.whole)
		revoked, kept := w.signedIn(samlDomain, person(18)), w.signedIn(samlDomain, person(19))
		w.must(w.revoke(samlDomain, person(18)))
		before := g.primary()
		from := time.Now()
		back := move(before)
		w.eventually("another Redis is the primary", func() bool { p := g.primary(); return p >= 0 && p != before })
		reborn = max(reborn, w.reborn(revoked, from, func() bool {
			return c.between(from, time.Now()).in > 0 && w.visitor(person(i)).signIn(worksDomain) == nil
		}))
		back()
		reborn = max(reborn, w.reborn(revoked, from, g.whole))
		served += w.known(kept)
		slowest = max(slowest, w.silence(from, time.Now()))
	}
	c.end()
	t := c.between(time.Time{}, time.Now())
	r.figure("%d times: longest stretch without a login %s (down-after %s)", rounds, round(slowest), downAfter)
	r.figure("%d of %d logins at the first try, checks of sessions from before %d of %d, errors %v", t.in, t.logins, served, 3*rounds, t.errors)
	r.within("longest outage", slowest, downAfter+5*time.Second)
	r.must(reborn == 0, "a revoked session was accepted %s after a fault", round(reborn))
}

// known waits until every node can tell whether it knows a session, and says how many do.
func (w *town) known(v *visitor) (nodes int) {
	w.t.Helper()
	w.eventually("every node can tell", func() bool {
		nodes = 0
		for _, n := range w.nodes {
			switch v.check(n).status {
			case http.StatusOK:
				nodes++
			case http.StatusUnauthorized:
			default:
				return false
			}
		}
		return true
	})
	return nodes
}

// reborn asks every node about a revoked session until something has come about, and says how late it was last accepted.
func (w *town) reborn(v *visitor, from time.Time, until func() bool) (last time.Duration) {
	w.t.Helper()
	w.eventually("all is well again", func() bool {
		for _, n := range w.nodes {
			if e := v.check(n); e.ok {
				last = max(last, e.start.Sub(from))
			}
		}
		return until()
	})
	return last
}

// silence is the longest stretch without an accepted answer.
func (w *town) silence(from, to time.Time) (longest time.Duration) {
	last := from
	for _, e := range w.history.since(from, to) {
		if e.kind == answer && e.ok {
			longest, last = max(longest, e.end.Sub(last)), e.end
		}
	}
	return longest
}

func killPrimary(g *group) func(int) func() {
	return func(primary int) func() {
		g.kill(primary)
		return func() { g.revive(primary) }
	}
}

// movePrimary asks a sentinel for a failover without a fault. It refuses while the one before is not quite over.
func movePrimary(w *town, g *group) func(int) func() {
	return func(int) func() {
		w.eventually("the sentinel begins a failover", func() bool {
			c, err := net.Dial("tcp", g.ears[0].to)
			w.must(err)
			defer c.Close()
			_, err = c.Write([]byte("SENTINEL FAILOVER main\r\n"))
			w.must(err)
			b := make([]byte, 256)
			n, err := c.Read(b)
			w.must(err)
			return strings.HasPrefix(string(b[:n]), "+OK")
		})
		return func() {}
	}
}

// splitBrain leaves node 1 alone with the old primary while the others go on with a new one.
func splitBrain(w *town, g *group, r *row) {
	people := pick(w, 10, 60)
	held, waiting := make([]*visitor, people), make([]testidp.Form, people)
	aside := w.inside(w.t)
	aside.history = newHistory("split brain") // where (a) is bounded, not absolute
	for i := range held {
		held[i] = aside.visitor(person(i % 16))
		waiting[i] = held[i].hold()
	}
	v := w.signedIn(samlDomain, person(17))
	old := g.primary()
	parted := time.Now()
	g.part(w.nodes[0], old, old)
	b := aside.bothSides(held, waiting, parted)
	r.figure("%d answers sent to both sides over %s: %d let in by the one that is alone (others: %v), %d by both, the last of these %s after the parting (window %d s)",
		people, round(time.Since(parted)), b.alone, b.refused, b.double, round(b.last), maxLag+1)
	r.must(b.last < (maxLag+3)*time.Second, "an answer let in on both sides %s after the parting", round(b.last))
	w.eventually("the other side has a primary", func() bool { p := g.primary(); return p >= 0 && p != old })
	w.eventually("people get in on the other side", func() bool {
		v := w.visitor(person(16))
		v.at = w.nodes[1]
		return v.signIn(worksDomain) == nil
	})
	r.figure("the other side goes on %s after the parting", round(time.Since(parted)))
	w.revokedInParts(r, v)
	g.heal()
	healed := w.eventually("the group is whole and every node is ready", func() bool { return g.whole() && w.ready() == len(w.nodes) })
	for _, n := range w.nodes {
		r.must(!v.check(n).ok, "the revoked session comes back after the parting")
		again := w.visitor(person(17))
		again.at = n
		w.eventually("people get in everywhere", func() bool { return again.signIn(samlDomain) == nil })
	}
	r.figure("whole again %s after the parting ended", round(healed))
}

// revokedInParts ends a session that both sides know, and asks every node until it refuses.
func (w *town) revokedInParts(r *row, v *visitor) {
	w.t.Helper()
	alone := v.check(w.nodes[0]).status
	r.figure("the side that is alone answers a session %d", alone)
	w.must(w.revoke(samlDomain, person(17)))
	acknowledged := time.Now()
	var wait sync.WaitGroup
	out := make([]time.Duration, len(w.nodes))
	for i, n := range w.nodes {
		wait.Go(func() {
			limit := time.Now().Add(20 * time.Second)
			for v.check(n).ok && time.Now().Before(limit) {
				rest(w.t.Context(), 50*time.Millisecond)
			}
			out[i] = time.Since(acknowledged)
		})
	}
	wait.Wait()
	r.figure("revoked meanwhile: refused after %s by the node that is alone (%d), %s and %s by the others", round(out[0]),
		v.check(w.nodes[0]).status, round(out[1]), round(out[2]))
	r.must(max(out[0], out[1], out[2]) < 10*time.Second, "a revoked session is accepted for %s", round(max(out[0], out[1], out[2])))
}

// sides is what became of answers that were sent to both.
type sides struct {
	alone   int            // let in by the node that is alone
	refused map[string]int // or not, and why
	double  int            // let in by another one as well
	last    time.Duration  // when the last of these was sent
}

// bothSides sends answers one after the other to the node that is alone, and each then to another node until that can judge it.
func (w *town) bothSides(held []*visitor, waiting []testidp.Form, parted time.Time) sides {
	s := sides{refused: map[string]int{}}
	var mu sync.Mutex
	var all sync.WaitGroup
	limit := parted.Add(20 * time.Second)
	for i, v := range held {
		one, other := v.twin(), v.twin()
		one.at, other.at = w.nodes[0], w.nodes[1]
		all.Go(func() {
			rest(w.t.Context(), time.Duration(i)*100*time.Millisecond)
			when, err := time.Since(parted), one.send(waiting[i])
			again := err == nil && other.sendUntil(waiting[i], limit)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case again:
				s.double, s.last = s.double+1, max(s.last, when)
				fallthrough
			case err == nil:
				s.alone++
			default:
				s.refused[short(err)]++
			}
		})
	}
	all.Wait()
	return s
}

// sendUntil posts what was held again and again until the node can judge it, and says whether it let in.
func (v *visitor) sendUntil(held testidp.Form, limit time.Time) bool {
	for time.Now().Before(limit) {
		err := v.send(held)
		if err == nil {
			return true
		}
		if e, ok := err.(*elsewhere); ok && e.Status != http.StatusServiceUnavailable {
			return false
		}
		rest(v.w.t.Context(), 200*time.Millisecond)
	}
	return false
}
