package oauth

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	freshFor = time.Hour          // then it is fetched anew
	staleFor = 8 * 24 * time.Hour // while it cannot be fetched, the old copy serves this long: a week's outage ends no login
	pause    = time.Minute        // between two fetches of something that is there
	fetchMax = 10 * time.Second   // a fetch that several wait for ends by itself
)

// cached is a document of the provider: fetched once for all who wait, kept an hour, used for eight days while the provider is down.
type cached[T any] struct {
	mu      sync.Mutex
	value   T
	there   bool
	fetched time.Time
	tried   time.Time
	flight  singleflight.Group
}

// load returns the copy that is there while it is fresh. Otherwise, and with force, it fetches, at most once a minute.
func (c *cached[T]) load(ctx context.Context, now time.Time, force bool, fetch func(context.Context) (T, error)) (T, error) {
	if v, ok := c.usable(now, force); ok {
		return v, nil
	}
	// The fetch is not bound to the one who asked first: others wait for it, and its result is kept.
	wait := c.flight.DoChan("", func() (any, error) {
		if v, ok := c.usable(now, force); ok { // somebody else was just done
			return v, nil
		}
		inner, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchMax)
		defer cancel()
		return c.store(now, fetch, inner)
	})
	select {
	case r := <-wait:
		v, _ := r.Val.(T)
		return v, r.Err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func (c *cached[T]) usable(now time.Time, force bool) (T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rested := now.Sub(c.tried) >= pause
	fresh := now.Sub(c.fetched) < freshFor
	stale := now.Sub(c.fetched) < staleFor
	return c.value, c.there && stale && (!rested || (fresh && !force))
}

func (c *cached[T]) store(now time.Time, fetch func(context.Context) (T, error), ctx context.Context) (T, error) {
	v, err := fetch(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tried = now
	if err == nil {
		c.value, c.there, c.fetched = v, true, now
		return v, nil
	}
	if c.there && now.Sub(c.fetched) < staleFor {
		return c.value, nil
	}
	return v, err
}
