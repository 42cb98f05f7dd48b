package chaos_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"
)

// kind is what an event is about.
type kind string

const (
	start  kind = "login start"       // GET /d/login/{domain}
	answer kind = "provider's answer" // POST /acs/{domain}, GET /oauth/{domain}/callback
	check  kind = "check"             // GET /auth/verify
	revoke kind = "revocation"        // acknowledged at its end
)

// event is one thing that somebody did, as seen from outside.
type event struct {
	kind       kind
	start, end time.Time
	status     int      // of the answer; 0 when none came
	once       []string // what the answer used up: assertion, code, handle
	session    string   // that was begun (answer) or shown (check)
	who        string   // account: of the session that a check was told, of the person (answer), or revoked
	ok         bool     // let in, or acknowledged
}

func (e event) took() time.Duration { return e.end.Sub(e.start) }

// history is everything that happened in a town.
type history struct {
	name string

	mu     sync.Mutex
	events []event
}

func newHistory(name string) *history { return &history{name: name} }

func (h *history) add(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

// since are the events that began between two moments.
func (h *history) since(from, to time.Time) []event {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []event
	for _, e := range h.events {
		if !e.start.Before(from) && e.start.Before(to) {
			found = append(found, e)
		}
	}
	return found
}

// broken checks the three invariants and returns what breaks them. A revoked session may be accepted by requests that begin at
// most grace after the revocation was acknowledged.
func (h *history) broken(grace time.Duration) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Concat(usedTwice(h.events), outlived(h.events, grace), changedHands(h.events))
}

// usedTwice is invariant (a).
func usedTwice(events []event) (found []string) {
	used := map[string]int{}
	for _, e := range events {
		if e.kind == answer && e.ok {
			for _, thing := range e.once {
				used[thing]++
			}
		}
	}
	for _, thing := range slices.Sorted(maps.Keys(used)) {
		if used[thing] > 1 {
			found = append(found, fmt.Sprintf("%.40s… let in %d times", thing, used[thing]))
		}
	}
	return found
}

// outlived is invariant (b). Only sessions that had begun before the revocation are meant by it.
func outlived(events []event, grace time.Duration) (found []string) {
	begun := map[string]event{}
	for _, e := range events {
		if e.kind == answer && e.ok {
			begun[e.session] = e
		}
	}
	for _, r := range events {
		if r.kind != revoke || !r.ok {
			continue
		}
		for _, e := range events {
			if e.kind != check || !e.ok || !e.start.After(r.end.Add(grace)) {
				continue
			}
			if of, known := begun[e.session]; known && of.who == r.who && of.end.Before(r.start) {
				found = append(found, fmt.Sprintf("%s revoked, accepted %s later", r.who, e.start.Sub(r.end)))
			}
		}
	}
	return found
}

// changedHands is invariant (c).
func changedHands(events []event) (found []string) {
	of := map[string]string{}
	for _, e := range events {
		if e.session == "" || !e.ok {
			continue
		}
		if known := of[e.session]; known != "" && known != e.who {
			found = append(found, fmt.Sprintf("a session of %s is now one of %s", known, e.who))
		}
		of[e.session] = e.who
	}
	return found
}

// at is a moment of a made-up history.
func at(seconds float64) time.Time { return time.Unix(0, int64(seconds*1e9)) }

// The checker finds what is broken, and nothing in what is not.
func TestHistory(t *testing.T) {
	let := event{kind: answer, start: at(1), end: at(2), once: []string{"assertion"}, session: "s", who: "taro", ok: true}
	seen := func(from float64, who string) event {
		return event{kind: check, start: at(from), end: at(from + .1), session: "s", who: who, ok: true}
	}
	gone := event{kind: revoke, start: at(5), end: at(6), who: "taro", ok: true}
	again, refused, failed, later := let, let, gone, let
	again.session, again.who = "s2", "taro"
	refused.ok = false
	failed.ok = false
	later.start, later.end, later.once = at(6), at(6.5), []string{"another"}
	for name, c := range map[string]struct {
		events []event
		broken int
	}{
		"nothing":                          {nil, 0},
		"a good life":                      {[]event{let, seen(3, "taro"), gone, seen(6.5, "taro")}, 0},
		"one assertion, two sessions":      {[]event{let, again}, 1},
		"one assertion, refused once":      {[]event{let, refused}, 0},
		"accepted long after a revocation": {[]event{let, gone, seen(7.5, "taro")}, 1},
		"a revocation that failed":         {[]event{let, failed, seen(7.5, "taro")}, 0},
		"a session begun after it":         {[]event{gone, later, seen(7.5, "taro")}, 0},
		"another one's revocation":         {[]event{let, {kind: revoke, end: at(6), who: "jiro", ok: true}, seen(9, "taro")}, 0},
		"another person's session":         {[]event{let, seen(3, "jiro")}, 1},
	} {
		h := history{events: c.events}
		if found := h.broken(time.Second); len(found) != c.broken {
			t.Errorf("%s: found %q, want %d", name, found, c.broken)
		}
	}
}
