package session

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// errUnsettled is what a check says of a server that may not know of all revocations yet.
var errUnsettled = fmt.Errorf("%w: revocations are not carried to this server yet", ErrUnavailable)

// fence keeps sessions out while the server that answers may not know of all revocations. After a restart or a failover it may have
// lost some that were acknowledged, and sessions that had ended would live until Follow has carried them once more; one that takes
// no writes never learns of them. Every new connection asks for the server's name, so a check that was answered by another server
// knows.
type fence struct {
	newest atomic.Pointer[string] // server that the newest connection leads to; nil when it does not tell
	holds  atomic.Pointer[string] // server that everything was carried to; nil before Follow has carried once
	behind atomic.Bool            // a revocation could not be written
	moved  chan struct{}          // holds one when newest has changed
}

// connected asks a new connection where it leads. The sentinels have names too; a Cluster has many, and is not fenced.
func (f *fence) connected(ctx context.Context, c *redis.Conn) error {
	text, err := c.Info(ctx, "server").Result()
	var answer redis.Error
	if errors.As(err, &answer) { // INFO is not allowed here
		return nil
	}
	if err != nil {
		return err
	}
	info := parseInfo(text)
	if name := info["run_id"]; name != "" && info["redis_mode"] == "standalone" {
		f.reached(name)
	}
	return nil
}

func (f *fence) reached(name string) {
	if known := f.newest.Load(); known != nil && *known == name {
		return
	}
	f.newest.Store(&name)
	select {
	case f.moved <- struct{}{}:
	default:
	}
}

// carried opens the fence for the server that now has everything.
func (f *fence) carried(name string) {
	f.holds.Store(&name)
	f.behind.Store(false)
}

// failed closes the fence: a server that takes no writes (memory full, no replicas left, read-only) would go on showing sessions
// of which the directory knows that they are over.
func (f *fence) failed() { f.behind.Store(true) }

// settled says whether the server that answers has everything, as far as anybody can tell.
func (f *fence) settled() bool { return !f.behind.Load() && f.told() }

// told says whether the server that answers is the one that everything was carried to.
func (f *fence) told() bool {
	newest, holds := f.newest.Load(), f.holds.Load()
	return newest == nil || holds == nil || *newest == *holds
}
