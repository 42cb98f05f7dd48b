package session

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// scripts are what one command cannot do. Each touches one key, so that it runs on a Cluster; they are called by their
// digest and sent whole only when the server does not know them yet. Times are the server's: nodes' clocks may differ.
type scripts struct{ setOnce, raise, indexAdd, index, rate *redis.Script }

func newScripts() scripts {
	return scripts{
		setOnce: redis.NewScript(setOnceScript), raise: redis.NewScript(raiseScript),
		indexAdd: redis.NewScript(indexAddScript), index: redis.NewScript(indexScript), rate: redis.NewScript(rateScript),
	}
}

// The client repeats a command when the connection broke before the answer came: with the bare SET NX the repetition would
// refuse the very caller that had stored. The value, which is random, tells it that the key is its own.
const setOnceScript = `
local there = redis.call('GET', KEYS[1])
if there then return there == ARGV[1] and 1 or 0 end
if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1`

// Decimal digits are compared as text: a Lua number is exact only to 2^53.
const raiseScript = `
local there = redis.call('GET', KEYS[1]) or '0'
local n = ARGV[1]
if #n > #there or (#n == #there and n > there) then
  redis.call('SET', KEYS[1], n)
  return n
end
return there`

const indexAddScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1`

const indexScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', now), '+inf')`

// Generic cell rate algorithm in microseconds: the key holds the theoretical arrival time of the next call.
const rateScript = `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local step, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + step
local wait = arrival - step * burst - now
if wait > 0 then return string.format('%.0f', wait) end
redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', string.format('%.0f', math.ceil((arrival - now) / 1000)))
return '0'`

func (r *redisState) SetOnce(ctx context.Context, key string, value []byte, life time.Duration) (bool, error) {
	defer r.kept.forget(key)
	life, err := wholeLife(life)
	if err != nil {
		return false, err
	}
	var stored int64
	err = r.do(ctx, "set once", func(ctx context.Context) (err error) {
		stored, err = r.scripts.setOnce.Run(ctx, r.client, []string{key}, value, life.Milliseconds()).Int64()
		return err
	})
	return err == nil && stored == 1, err
}

func (r *redisState) Raise(ctx context.Context, key string, n int64) (int64, error) {
	defer r.kept.forget(key)
	if n < 0 {
		return 0, errCounter
	}
	var counter string
	err := r.do(ctx, "raise", func(ctx context.Context) (err error) {
		counter, err = r.scripts.raise.Run(ctx, r.client, []string{key}, n).Text()
		return err
	})
	if err != nil {
		return 0, err
	}
	return parseCounter(counter)
}

func (r *redisState) IndexAdd(ctx context.Context, key, member string, expires time.Time) error {
	left := expires.Sub(r.now()).Milliseconds()
	if left <= 0 {
		return r.IndexRemove(ctx, key, member)
	}
	return r.do(ctx, "index add", func(ctx context.Context) error {
		return r.scripts.indexAdd.Run(ctx, r.client, []string{key}, member, left).Err()
	})
}

func (r *redisState) IndexRemove(ctx context.Context, key, member string) error {
	return r.do(ctx, "index remove", func(ctx context.Context) error { return r.client.ZRem(ctx, key, member).Err() })
}

func (r *redisState) Index(ctx context.Context, key string) (members []string, err error) {
	err = r.do(ctx, "index", func(ctx context.Context) (err error) {
		members, err = r.scripts.index.Run(ctx, r.client, []string{key}).StringSlice()
		return err
	})
	return members, err
}

func (r *redisState) Rate(ctx context.Context, key string, limit int, window time.Duration, burst int) (
	ok bool, retry time.Duration, err error,
) {
	step, err := rateStep(limit, window, burst)
	if err != nil {
		return false, 0, err
	}
	var answer string
	err = r.do(ctx, "rate", func(ctx context.Context) (err error) {
		answer, err = r.scripts.rate.Run(ctx, r.client, []string{key}, step.Microseconds(), burst).Text()
		return err
	})
	if err != nil {
		return false, 0, err
	}
	wait, err := strconv.ParseInt(answer, 10, 64)
	if err != nil {
		return false, 0, unavailable("rate", err)
	}
	return wait == 0, time.Duration(wait) * time.Microsecond, nil
}

var errCounter = fmt.Errorf("session: a counter must be 0 or more")

// parseCounter reads a stored counter. What is no number is a fault of the state, not a 0: a generation
// that cannot be read must not let anybody in.
func parseCounter(stored string) (int64, error) {
	n, err := strconv.ParseInt(stored, 10, 64)
	if err != nil {
		return 0, unavailable("counter", err)
	}
	return n, nil
}

// rateStep is the time one call uses up.
func rateStep(limit int, window time.Duration, burst int) (time.Duration, error) {
	if limit < 1 || burst < 1 || window < time.Duration(limit)*time.Microsecond {
		return 0, fmt.Errorf("session: rate needs a limit and burst of at least 1 and a window of at least 1 µs for each call")
	}
	return window / time.Duration(limit), nil
}
