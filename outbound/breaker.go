package outbound

import (
	"container/list"
	"sync"
	"time"
)

// Limits of the breakers.
const (
	failuresToOpen = 5
	openFor        = 10 * time.Second
	maxBreakers    = 4096
)

type outcome int

const (
	neutral outcome = iota // says nothing about the host: the caller gave up, or the address was forbidden
	good
	failed
)

// breakers remember which hosts fail, one breaker for each pair of domain and host: a shared one would let one customer shut a
// large provider's host for all others, by storing an address there that always fails. Written here, not taken from
// gobreaker, because that one reads the real clock and because a host in good health must cost no memory. The map is
// bounded; the least recently used goes first.
type breakers struct {
	mu   sync.Mutex
	now  func() time.Time
	byID map[string]*list.Element
	used *list.List // front: most recent
}

type breaker struct {
	id       string
	failures int
	until    time.Time // of the pause
	probing  bool
}

func newBreakers(now func() time.Time) *breakers {
	return &breakers{now: now, byID: map[string]*list.Element{}, used: list.New()}
}

// allow returns ErrOpen, or nil and then done must be called with the outcome.
func (b *breakers) allow(id string) (done func(outcome), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	probe := false
	if e, ok := b.byID[id]; ok {
		s := e.Value.(*breaker)
		if s.failures >= failuresToOpen {
			if s.probing || b.now().Before(s.until) {
				return nil, ErrOpen
			}
			s.probing, probe = true, true
		}
	}
	return func(o outcome) { b.report(id, probe, o) }, nil
}

func (b *breakers) report(id string, probe bool, o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.byID[id]
	if ok && probe {
		e.Value.(*breaker).probing = false
	}
	switch {
	case o == good && ok:
		b.used.Remove(e)
		delete(b.byID, id)
	case o == failed:
		s := b.touch(id)
		s.failures++
		// A call that began before the pause and fails in it does not lengthen it.
		if probe || s.failures == failuresToOpen {
			s.until = b.now().Add(openFor)
		}
	}
}

func (b *breakers) touch(id string) *breaker {
	if e, ok := b.byID[id]; ok {
		b.used.MoveToFront(e)
		return e.Value.(*breaker)
	}
	if b.used.Len() >= maxBreakers {
		last := b.used.Back()
		delete(b.byID, last.Value.(*breaker).id)
		b.used.Remove(last)
	}
	s := &breaker{id: id}
	b.byID[id] = b.used.PushFront(s)
	return s
}
