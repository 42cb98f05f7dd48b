package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// crowd are people who sign in one after the other and ask the nodes about sessions of themselves and of those before them.
type crowd struct {
	w    *town
	stop context.CancelFunc
	all  sync.WaitGroup

	mu       sync.Mutex
	logins   []login
	sessions []*visitor // the newest
}

// login is one whole attempt, from the login address to the service.
type login struct {
	start, end time.Time
	err        error
	again      bool // it succeeded when tried once more
}

const (
	pause    = 5 * time.Millisecond // between two logins of one person
	remember = 40
)

// crowd starts so many people. Each attempt that fails is tried once more.
func (w *town) crowd(people int) *crowd {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	c := &crowd{w: w, stop: stop}
	for i := range people {
		c.all.Go(func() {
			for n := i; ctx.Err() == nil; n += people {
				c.once(n)
				rest(ctx, pause)
			}
		})
	}
	w.t.Cleanup(c.end)
	return c
}

// rest lets time pass: a part of the load or of the faults' schedule, never a wait for something to come about.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// once is one login and three checks at three nodes.
func (c *crowd) once(n int) {
	name := []string{samlDomain, worksDomain}[n%2]
	v := c.w.visitor(person(n))
	l := login{start: time.Now()}
	l.err = v.signIn(name)
	l.end = time.Now()
	if l.err != nil {
		v = c.w.visitor(v.login)
		l.again = v.signIn(name) == nil
	}
	in := l.err == nil || l.again
	c.mu.Lock()
	c.logins = append(c.logins, l)
	if in {
		c.sessions = append(c.sessions, v)
		c.sessions = c.sessions[max(0, len(c.sessions)-remember):]
	}
	var old *visitor
	if len(c.sessions) > 0 {
		old = c.sessions[rand.N(len(c.sessions))]
	}
	c.mu.Unlock()
	if in {
		v.check(c.w.nodes[n%3])
	}
	if old != nil {
		old.check(c.w.nodes[(n+1)%3])
		old.check(nil)
	}
}

// end sends everybody home and waits until they are gone.
func (c *crowd) end() {
	c.stop()
	c.all.Wait()
}

// lastRefused is when the last login began that failed.
func (c *crowd) lastRefused() (at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.logins {
		if l.err != nil && l.start.After(at) {
			at = l.start
		}
	}
	return at
}

// living are the sessions that the crowd remembers.
func (c *crowd) living() []*visitor {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sessions)
}

// tally is what became of a stretch of time.
type tally struct {
	logins, in, inAgain int
	errors              map[string]int // of logins, shortened
	times               []time.Duration
	statuses            map[kind]map[int]int
	slowest             map[kind]time.Duration
}

// between counts what began between two moments.
func (c *crowd) between(from, to time.Time) tally {
	t := tally{errors: map[string]int{}, statuses: map[kind]map[int]int{}, slowest: map[kind]time.Duration{}}
	c.mu.Lock()
	for _, l := range c.logins {
		if l.start.Before(from) || !l.start.Before(to) {
			continue
		}
		t.logins++
		t.times = append(t.times, l.end.Sub(l.start))
		switch {
		case l.err == nil:
			t.in++
		case l.again:
			t.inAgain++
			fallthrough
		default:
			t.errors[short(l.err)]++
		}
	}
	c.mu.Unlock()
	for _, e := range c.w.history.since(from, to) {
		if e.kind == revoke {
			continue
		}
		if t.statuses[e.kind] == nil {
			t.statuses[e.kind] = map[int]int{}
		}
		t.statuses[e.kind][e.status]++
		t.slowest[e.kind] = max(t.slowest[e.kind], e.took())
	}
	slices.Sort(t.times)
	return t
}

// short is an error without what differs from one login to the next.
func short(err error) string {
	var e *elsewhere
	if errors.As(err, &e) {
		return fmt.Sprintf("%d at %s", e.Status, e.URL.Path)
	}
	text := err.Error()
	return text[strings.LastIndex(text, ": ")+1:]
}

// quantile of the logins' times, 0 without any.
func (t tally) quantile(q float64) time.Duration {
	if len(t.times) == 0 {
		return 0
	}
	return t.times[min(len(t.times)-1, int(q*float64(len(t.times))))]
}

// only says whether every answer of that kind had one of the statuses.
func (t tally) only(k kind, statuses ...int) bool {
	for s := range t.statuses[k] {
		if !slices.Contains(statuses, s) {
			return false
		}
	}
	return true
}

// said lists the answers of a kind.
func (t tally) said(k kind) string {
	var parts []string
	for _, s := range slices.Sorted(maps.Keys(t.statuses[k])) {
		parts = append(parts, fmt.Sprintf("%d × %d", t.statuses[k][s], s))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
