package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	watchChannel = "__redis__:invalidate"
	watchAsk     = 25 * time.Millisecond // between two signs of life
	watchSilence = 500 * time.Millisecond
	watchAgain   = 500 * time.Millisecond // before another try
)

// watch listens on one connection of its own to what Redis calls back: CLIENT TRACKING in broadcast mode for a prefix of keys, sent to
// the same connection as messages of a channel, which every version since 6.0 can do. go-redis has a client-side cache as well, whose
// calls arrive on the connections that also carry questions, and are read when those are next used; here a call is read at once.
//
// The connection is never replaced quietly: what was said in between would be lost. Its end shuts kept, and a new one begins empty.
type watch struct {
	kept    *kept
	options redis.Options
	log     *slog.Logger
	base    time.Time // what signs of life are counted from, by a clock that nobody sets
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// newWatch starts to listen; close it.
func newWatch(k *kept, o redis.Options, log *slog.Logger) *watch {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	// RESP2: calls come as messages, in order with everything else.
	o.Protocol, o.PoolSize, o.MaxRetries, o.OnConnect = 2, 2, -1, nil
	ctx, stop := context.WithCancel(context.Background())
	w := &watch{kept: k, options: o, log: log, base: k.now(), stop: stop}
	w.done.Go(func() { w.run(ctx) })
	return w
}

func (w *watch) close() {
	w.stop()
	w.done.Wait()
}

func (w *watch) run(ctx context.Context) {
	failing := false
	for ctx.Err() == nil {
		lasted, err := w.listen(ctx)
		w.kept.shut()
		if ctx.Err() == nil && (lasted || !failing) {
			w.log.Warn("session: redis cannot call back: every check asks it", "err", err)
		}
		failing = !lasted
		select {
		case <-ctx.Done():
		case <-time.After(watchAgain):
		}
	}
}

// listen keeps kept open while the connection lives, and says whether it ever was.
func (w *watch) listen(ctx context.Context) (opened bool, err error) {
	o := w.options
	var connections atomic.Int64
	o.OnConnect = func(ctx context.Context, c *redis.Conn) error {
		if connections.Add(1) > 1 {
			return errors.New("session: the listening connection is over")
		}
		id, err := c.ClientID(ctx).Result()
		if err != nil {
			return err
		}
		return c.Do(ctx, "client", "tracking", "on", "redirect", id, "bcast", "prefix", w.kept.prefix).Err()
	}
	client := redis.NewClient(&o)
	defer client.Close()
	began := w.kept.now()
	calls := client.Subscribe(ctx, watchChannel)
	defer calls.Close()
	first, err := calls.ReceiveTimeout(ctx, watchSilence)
	if err != nil {
		return false, err
	}
	if s, ok := first.(*redis.Subscription); !ok || s.Kind != "subscribe" {
		return false, fmt.Errorf("session: no subscription but %T", first)
	}
	w.kept.open(began)
	w.log.Info("session: redis calls back what changes: checks are answered from memory")
	ctx, end := context.WithCancel(ctx)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer end()
	asking.Go(func() { w.ask(ctx, calls) })
	for {
		m, err := calls.Receive(ctx)
		if err != nil {
			return true, err // also where everything was flushed: go-redis cannot read that call
		}
		w.heed(m)
	}
}

func (w *watch) heed(m any) {
	switch m := m.(type) {
	case *redis.Message:
		w.kept.forget(m.Payload)
		w.kept.forget(m.PayloadSlice...)
	case *redis.Pong:
		if asked, err := strconv.ParseInt(m.Payload, 10, 64); err == nil {
			w.kept.hear(w.base.Add(time.Duration(asked)))
		}
	}
}

// ask wants a sign of life all the time. Closing ends the listening.
func (w *watch) ask(ctx context.Context, calls *redis.PubSub) {
	tick := time.NewTicker(watchAsk)
	defer tick.Stop()
	for {
		err := calls.Ping(ctx, strconv.FormatInt(int64(w.kept.now().Sub(w.base)), 10))
		if err != nil || w.kept.silence() > watchSilence {
			calls.Close()
			return
		}
		select {
		case <-ctx.Done():
			calls.Close()
			return
		case <-tick.C:
		}
	}
}
