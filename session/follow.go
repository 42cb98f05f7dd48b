package session

import (
	"context"
	"errors"
	"time"
)

// Generation is one revocation as the directory has recorded it: sessions of the domain (MemberID empty) or member that carry
// a lower generation are over. Seq grows with each.
type Generation struct {
	Seq                int64
	DomainID, MemberID string
	Generation         int64
}

// ReadGenerations lists the revocations with a Seq above after, oldest first, at most limit.
type ReadGenerations func(ctx context.Context, after int64, limit int) ([]Generation, error)

const (
	followEvery = 500 * time.Millisecond
	followPage  = 500
	// followOverlap is how late a revocation may become visible: two transactions can commit in another order than the one in
	// which they drew their Seq.
	followOverlap = 10 * time.Second
)

// Follow carries revocations from the directory, where their truth is, to the counters that every check compares. It reads
// every so often (default 500 ms) what is new since the given Seq, until ctx ends. After any failure of the state, and when
// its server is another one than before (a restart or failover may have lost the last writes), it carries everything since
// that Seq once more: a revoked session does not come back to life; until that is done checks answer ErrUnavailable. since must reach back at least one absolute session life.
func (m *Manager) Follow(ctx context.Context, every time.Duration, since int64, read ReadGenerations) {
	if every <= 0 {
		every = followEvery
	}
	f := &follower{m: m, since: since, read: read}
	f.restart()
	tick := time.NewTicker(every)
	defer tick.Stop()
	var moved <-chan struct{} // nil blocks
	if m.fence != nil {
		moved = m.fence.moved
	}
	for {
		f.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-moved:
		}
	}
}

// follower is what Follow remembers. Revocations up to floor are carried and settled; above it, carried says which.
type follower struct {
	m     *Manager
	since int64
	read  ReadGenerations

	server  string // name of the server the counters were carried to
	floor   int64
	next    int64 // floor after the overlap
	turn    time.Time
	carried map[int64]bool
	failing bool
}

func (f *follower) restart() {
	f.floor, f.next, f.turn, f.carried = f.since, f.since, f.m.o.Now(), map[int64]bool{}
}

// round carries what is new.
func (f *follower) round(ctx context.Context) {
	err := f.sameServer(ctx)
	if err == nil {
		err = f.carry(ctx)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		if !f.failing {
			f.m.o.Log.Warn("session: revocations are not carried", "err", err)
		}
		f.failing = true
		if errors.Is(err, ErrUnavailable) {
			f.restart()
		}
		return
	}
	if f.failing {
		f.m.o.Log.Info("session: revocations are carried again")
	}
	f.failing = false
	if f.m.fence != nil {
		f.m.fence.carried(f.server)
	}
	f.settle()
}

// sameServer starts from the beginning when the state's server is not the one of before.
func (f *follower) sameServer(ctx context.Context) error {
	named, ok := f.m.o.State.(interface {
		serverName(context.Context) (string, error)
	})
	if !ok {
		return nil
	}
	server, err := named.serverName(ctx)
	if err != nil {
		return err
	}
	if server != f.server {
		f.restart()
		f.server = server
	}
	return nil
}

func (f *follower) carry(ctx context.Context) error {
	for after := f.floor; ; {
		page, err := f.read(ctx, after, followPage)
		if err != nil {
			return err
		}
		for _, g := range page {
			after = max(after, g.Seq)
			if f.carried[g.Seq] {
				continue
			}
			err = f.m.RaiseGeneration(ctx, g.DomainID, g.MemberID, g.Generation)
			if errors.Is(err, ErrUnavailable) {
				if f.m.fence != nil {
					f.m.fence.failed()
				}
				return err
			}
			if err != nil { // not ours to repair; those behind it must not wait
				f.m.o.Log.Error("session: revocation cannot be carried", "seq", g.Seq, "err", err)
			}
			f.carried[g.Seq] = true
		}
		if len(page) < followPage {
			return nil
		}
	}
}

// settle raises the floor to what had been carried one overlap ago.
func (f *follower) settle() {
	now := f.m.o.Now()
	if now.Sub(f.turn) < followOverlap {
		return
	}
	f.floor, f.turn = f.next, now
	for seq := range f.carried {
		f.next = max(f.next, seq)
		if seq <= f.floor {
			delete(f.carried, seq)
		}
	}
}
