package session

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

const (
	gatherKeys  = 8  // who asks for more asks alone
	gatherMost  = 64 // questions in one round trip
	gatherRound = 4  // round trips under way at once
	// gatherSlow is how long a round trip may take before another one does not wait for it any more.
	gatherSlow = 5 * time.Millisecond
)

// gather makes one round trip of the questions that come while another one is under way: under load, when processor time counts, a
// check shares its system calls with others; without load it goes out at once, alone. Whoever finds nothing under way leads: takes
// those along who wait, brings them their answers, and hands the lead to the first of those who came in between. There is no
// goroutine and no timer of its own. go-redis has such a thing too (AutoPipeline), which is experimental and whose commands may
// wait 30 s for their turn.
//
// Each question fails within its time limit, counted from when it was asked. Questions that share a round trip share its failure.
type gather struct {
	ask   func(ctx context.Context, keys []string) ([]text, error)
	limit time.Duration // of a question, waiting included

	mu       sync.Mutex
	waiting  []*question
	underWay int
	since    time.Time // when the newest round trip began; zero lets the next one begin
}

// question waits for turn: true makes it lead, false says that it is answered.
type question struct {
	keys    []string
	asked   time.Time
	turn    chan bool
	answers []text
	err     error
}

var errNoAnswer = errors.New("session: no answer")

// get answers in the order of the keys.
func (g *gather) get(keys []string) ([]text, error) {
	q := &question{keys: keys, asked: time.Now(), err: errNoAnswer}
	if !g.leads(q) && !<-q.turn {
		return q.answers, q.err
	}
	g.lead(q)
	return q.answers, q.err
}

// leads says whether the question goes out at once; otherwise it waits.
func (g *gather) leads(q *question) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.underWay == 0 || g.underWay < gatherRound && q.asked.Sub(g.since) > gatherSlow {
		g.underWay++
		g.since = q.asked
		return true
	}
	q.turn = make(chan bool, 1)
	g.waiting = append(g.waiting, q)
	return false
}

// lead makes one round trip for q and those who wait.
func (g *gather) lead(q *question) {
	runtime.Gosched() // whoever is about to ask comes along
	all := g.board(q)
	defer g.land(all)
	keys, oldest := make([]string, 0, len(all)*len(q.keys)), q.asked
	for _, o := range all {
		keys = append(keys, o.keys...)
		if o.asked.Before(oldest) {
			oldest = o.asked
		}
	}
	ctx, cancel := context.WithDeadline(context.Background(), oldest.Add(g.limit))
	defer cancel()
	answers, err := g.ask(ctx, keys)
	if err == nil && len(answers) != len(keys) {
		err = errNoAnswer
	}
	for _, o := range all {
		if o.err = err; err == nil {
			o.answers, answers = answers[:len(o.keys):len(o.keys)], answers[len(o.keys):]
		}
	}
}

func (g *gather) board(q *question) []*question {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), gatherMost-1)
	all := make([]*question, 0, n+1)
	all = append(append(all, q), g.waiting[:n]...)
	g.waiting = append(g.waiting[:0], g.waiting[n:]...)
	return all
}

// land lets all go and hands the lead on.
func (g *gather) land(all []*question) {
	for _, o := range all[1:] {
		o.turn <- false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.underWay--
		g.since = time.Time{} // what is still under way is slow
		return
	}
	next := g.waiting[0]
	g.waiting = append(g.waiting[:0], g.waiting[1:]...)
	g.since = time.Now()
	next.turn <- true
}
