package audit

import (
	"context"
	"time"
)

// write is the only goroutine that stores attempts, so that two records of one sign-in are stored in their order.
func (r *Recorder) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case answer := <-r.flushes:
			answer <- r.drain(ctx)
		case <-r.saved:
			r.gather(ctx)
		}
	}
}

// gather waits until a batch is full or old enough, and writes; after a failure it waits longer and tries again.
func (r *Recorder) gather(ctx context.Context) {
	wait, full := batchWait, r.full
	for r.Waiting() > 0 {
		select {
		case <-ctx.Done():
			return
		case answer := <-r.flushes:
			answer <- r.drain(ctx)
			continue
		case <-full:
		case <-r.c.After(wait):
		}
		err := r.drain(ctx)
		wait, full = batchWait, r.full
		if err != nil {
			wait, full = retryWait, nil // a store that is down is not asked at the rate of sign-ins
		}
	}
}

// drain writes batch after batch until nothing waits or a write fails.
func (r *Recorder) drain(ctx context.Context) error {
	for {
		batch := r.take()
		if len(batch) == 0 {
			return nil
		}
		if err := r.store(ctx, batch); err != nil {
			r.c.Log.Warn("sign-in trace not stored, will be tried again", "err", err, "waiting", r.Waiting())
			return err
		}
	}
}

// store writes a batch. When that fails the records are tried one by one, and what is left goes back into the queue or, when
// the store is well and refuses the record itself, is dropped: one bad record must not stop the others for ever.
func (r *Recorder) store(ctx context.Context, batch []Attempt) error {
	err := r.save(ctx, batch)
	if err == nil {
		return nil
	}
	var passed, failed []Attempt
	for i, a := range batch {
		if r.save(ctx, []Attempt{a}) == nil {
			passed = append(passed, a)
		} else {
			failed = append(failed, a)
		}
		if len(passed) == 0 && len(failed) == triesOne {
			// Likely the store is down: it is not asked 200 times. The tried ones go to the back, in case it was their fault.
			r.giveBack(append(batch[i+1:len(batch):len(batch)], failed...))
			return err
		}
	}
	if len(failed) == 0 {
		return nil
	}
	if len(passed) > 0 && r.save(ctx, passed[:1]) == nil {
		r.dropped.Add(int64(len(failed)))
		r.c.Log.Error("sign-in attempts refused by the store", "err", err, "dropped", len(failed))
		return nil
	}
	r.giveBack(failed)
	return err
}

func (r *Recorder) save(ctx context.Context, batch []Attempt) error {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	return r.c.Trace.SaveAttempts(ctx, batch)
}

func (r *Recorder) take() []Attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.order), batchLimit)
	batch := make([]Attempt, n)
	for i, ref := range r.order[:n] {
		batch[i] = r.queued[ref]
		delete(r.queued, ref)
	}
	r.order = r.order[n:]
	return batch
}

// giveBack puts a batch in front again; a newer record with the same Ref stays.
func (r *Recorder) giveBack(batch []Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	order := make([]string, 0, len(batch)+len(r.order))
	for _, a := range batch {
		if _, newer := r.queued[a.Ref]; !newer {
			r.queued[a.Ref] = a
			order = append(order, a.Ref)
		}
	}
	r.order = append(order, r.order...)
	r.dropOldest()
}

// trim keeps the trace inside its bounds. Every node does it: removing what is gone already costs nothing.
func (r *Recorder) trim(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.c.After(trimEvery):
		}
		r.trimOnce(ctx)
	}
}

func (r *Recorder) trimOnce(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, trimLimit)
	defer cancel()
	_, err := r.c.Trace.TrimAttempts(limited, r.c.Now().Add(-r.c.Keep).Truncate(time.Microsecond), r.c.MostPerDomain)
	if err != nil && ctx.Err() == nil {
		r.c.Log.Warn("sign-in trace not trimmed", "err", err)
	}
}
