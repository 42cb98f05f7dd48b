package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Measures of a Recorder.
const (
	queueLimit = 4096
	batchLimit = 200
	batchWait  = 100 * time.Millisecond
	retryWait  = time.Second
	writeLimit = 2 * time.Second
	trimEvery  = time.Hour
	trimLimit  = 10 * time.Minute
	triesOne   = 3
)

// ErrClosed is returned by a Recorder that was closed.
var ErrClosed = errors.New("audit: recorder closed")

// RecorderOptions says where and how a Recorder writes. Only Trace is required.
type RecorderOptions struct {
	Trace Trace
	Now   func() time.Time // default time.Now
	// After is the clock of the waits, default time.After; the channel it returns is received from at most once.
	After func(time.Duration) <-chan time.Time
	// Keep and MostPerDomain bound the trace: default 30 days and 10,000.
	Keep          time.Duration
	MostPerDomain int
	Log           *slog.Logger // of writes and trims that failed; default none
}

// Recorder writes attempts in the background, so that a sign-in never waits for the trace: a queue of 4096, written 200 at a
// time or after 100 ms. A record with the Ref of one that still waits replaces it. When the queue is full the oldest record
// is dropped and counted; a write that fails is tried again. Once an hour the trace is trimmed. Safe for concurrent use.
type Recorder struct {
	c       RecorderOptions
	dropped atomic.Int64
	saved   chan struct{}   // capacity 1: something waits
	full    chan struct{}   // capacity 1: a whole batch waits
	flushes chan chan error // each answered when the queue is empty or a write failed
	stop    context.CancelFunc
	done    sync.WaitGroup
	ended   chan struct{} // closed when both goroutines are gone

	mu     sync.Mutex
	order  []string // refs, oldest first
	queued map[string]Attempt
	closed bool
}

// NewRecorder starts a Recorder; Close ends it.
func NewRecorder(c RecorderOptions) *Recorder {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.After == nil {
		c.After = time.After
	}
	if c.Keep == 0 {
		c.Keep = 30 * 24 * time.Hour
	}
	if c.MostPerDomain == 0 {
		c.MostPerDomain = 10_000
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &Recorder{c: c, stop: stop, queued: map[string]Attempt{},
		saved: make(chan struct{}, 1), full: make(chan struct{}, 1), flushes: make(chan chan error), ended: make(chan struct{})}
	r.done.Go(func() { r.write(ctx) })
	r.done.Go(func() { r.trim(ctx) })
	return r
}

// Save queues the attempt, cut to its bounds (see Bound). It never blocks and never fails; what could not be kept is counted
// by Dropped.
func (r *Recorder) Save(a Attempt) {
	a = Bound(a)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		r.dropped.Add(1)
		return
	}
	if _, waits := r.queued[a.Ref]; !waits {
		r.order = append(r.order, a.Ref)
	}
	r.queued[a.Ref] = a
	r.dropOldest()
	signal(r.saved)
	if len(r.order) >= batchLimit {
		signal(r.full)
	}
}

// Dropped counts attempts that were lost: the queue was full, or the store refused them for good.
func (r *Recorder) Dropped() int64 { return r.dropped.Load() }

// Waiting is the number of attempts in the queue.
func (r *Recorder) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.order)
}

// Flush writes everything that waits and returns when it is stored, or why it is not.
func (r *Recorder) Flush(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case r.flushes <- answer:
	case <-r.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-r.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close takes no more attempts, writes what waits until ctx ends, and stops. What is left then is counted as dropped.
func (r *Recorder) Close(ctx context.Context) error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return ErrClosed
	}
	r.closed = true
	r.mu.Unlock()
	err := r.Flush(ctx)
	r.stop()
	r.done.Wait()
	close(r.ended)
	r.dropped.Add(int64(r.Waiting()))
	return err
}

func (r *Recorder) dropOldest() {
	for len(r.order) > queueLimit {
		delete(r.queued, r.order[0])
		r.order = r.order[1:]
		r.dropped.Add(1)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
