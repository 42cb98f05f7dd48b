package session

import (
	"context"
	"errors"
	"time"
)

var errHandle = errors.New("session: a login needs a handle and a life")

func prefixed(prefix, rest string) string {
	if prefix == "" {
		prefix = defaultPrefix
	}
	return prefix + ":" + rest
}

func (l Logins) key(handle string) string { return prefixed(l.Prefix, "login:"+hashOf(handle)) }

func (l Logins) put(ctx context.Context, handle string, record []byte, life time.Duration) error {
	if handle == "" || life <= 0 {
		return errHandle
	}
	return l.State.Set(ctx, l.key(handle), record, life)
}

func (l Logins) peek(ctx context.Context, handle string) ([]byte, error) {
	if handle == "" {
		return nil, ErrMissing
	}
	return l.State.Get(ctx, l.key(handle))
}

func (l Logins) take(ctx context.Context, handle string) ([]byte, error) {
	if handle == "" {
		return nil, ErrMissing
	}
	return l.State.Take(ctx, l.key(handle))
}

// leastMark is how long a mark is kept at least: remembering longer never lets anything through.
const leastMark = time.Minute

// use stores a random token, by which a call that the client repeated after a lost answer knows its own mark (security.md
// 1.3 step 7). Marks live by the wall clock of this process.
func (m Marks) use(ctx context.Context, domainID, name string, until time.Time) (bool, error) {
	if !plainID(domainID) || name == "" {
		return false, errors.New("session: a mark needs a domain and a name")
	}
	now := time.Now
	if m.Now != nil {
		now = m.Now
	}
	life := max(until.Sub(now()), leastMark)
	key := prefixed(m.Prefix, "{"+domainID+"}:used:"+hashOf(name))
	return m.State.SetOnce(ctx, key, []byte(newSecret()), life)
}

// Limits count calls per minute. Subjects (addresses, accounts) are only in keys as hashes.
type Limits struct {
	State  State
	Prefix string // of every key, default "ssogate"
}

// Allow says whether the subject may do this once more under the rule (a short name such as "login-address"): perMinute calls
// at once, then one every 60/perMinute seconds. When not, retry is how long to wait (for Retry-After). perMinute 0 or less
// turns the rule off. An error wraps ErrUnavailable; the caller decides whether the rule is worth a refusal.
func (l Limits) Allow(ctx context.Context, rule, subject string, perMinute int) (ok bool, retry time.Duration, err error) {
	if perMinute <= 0 {
		return true, 0, nil
	}
	return l.State.Rate(ctx, prefixed(l.Prefix, "rate:"+rule+":"+hashOf(subject)), perMinute, time.Minute, perMinute)
}
