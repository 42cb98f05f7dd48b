package session

import (
	"context"
	"errors"
	"time"
)

// Errors of a State.
var (
	// ErrMissing: there is no such key (or its life is over).
	ErrMissing = errors.New("session: no such key")
	// ErrUnavailable wraps every failure of the server behind a State: callers answer 503, never accept.
	ErrUnavailable = errors.New("session: state is unavailable")
)

// State is the short-lived memory of all nodes: a few atomic operations on keys with a life. Values are opaque bytes.
// Keys that share a hash tag {…} live in one Redis Cluster slot; GetMany needs that. Every method fails with an error
// that wraps ErrUnavailable within 300 ms when the server is gone or silent. Drivers: Redis and Embedded, one conformance
// suite.
type State interface {
	Get(ctx context.Context, key string) ([]byte, error)
	// GetMany is one round trip; a missing key is nil in its place.
	GetMany(ctx context.Context, keys ...string) ([][]byte, error)
	// Set stores with a life; life 0 keeps for ever.
	Set(ctx context.Context, key string, value []byte, life time.Duration) error
	// Replace stores with a life only when the key exists, in one atomic step; ErrMissing when there is none. It cannot bring
	// back what somebody else removed.
	Replace(ctx context.Context, key string, value []byte, life time.Duration) error
	// SetOnce stores only when the key is missing and says whether this call (also when repeated by the client with the
	// same value after a lost answer) is the one that stored it.
	SetOnce(ctx context.Context, key string, value []byte, life time.Duration) (bool, error)
	// Take returns and removes in one atomic step; of several callers exactly one gets the value, the others ErrMissing.
	Take(ctx context.Context, key string) ([]byte, error)
	// Touch sets a new life for an existing key; ErrMissing when there is none.
	Touch(ctx context.Context, key string, life time.Duration) error
	Delete(ctx context.Context, keys ...string) error
	// Raise sets the counter at key to n when n is greater, and returns the counter. n is 0 or more; a missing counter is 0.
	Raise(ctx context.Context, key string, n int64) (int64, error)
	// IndexAdd puts a member with an expiry into the index at key; IndexRemove takes it out; Index lists those not expired.
	IndexAdd(ctx context.Context, key, member string, expires time.Time) error
	IndexRemove(ctx context.Context, key, member string) error
	Index(ctx context.Context, key string) ([]string, error)
	// Rate is a generic cell rate limiter: at most burst at once and limit per window. It says whether the call is allowed
	// and, if not, after how long to try again.
	Rate(ctx context.Context, key string, limit int, window time.Duration, burst int) (ok bool, retry time.Duration, err error)
	Ping(ctx context.Context) error
	Close() error
}
