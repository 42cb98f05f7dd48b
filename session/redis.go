package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/sony/gobreaker/v2"
)

// Limits of one operation. go-redis by itself waits 5 s on a silent server, five times over (security.md 4.2).
const (
	dialLimit = 250 * time.Millisecond
	poolLimit = 100 * time.Millisecond
	opLimit   = 280 * time.Millisecond // of one State method, retry included
)

// RedisOptions say where Redis is and how to sign in to it. Redis 6.2 or newer (GETDEL); Valkey and other servers that speak
// the same protocol do as well.
type RedisOptions struct {
	// Mode is "single" (default; one address), "sentinel" (Addresses are the sentinels, Master names the group) or "cluster"
	// (Addresses are any of its nodes).
	Mode      string
	Addresses []string // host:port
	Master    string   // sentinel only

	Username, Password string // ACL user; Username may be empty
	SentinelPassword   string // of the sentinels themselves
	DB                 int    // not with cluster

	TLS    bool
	CAFile string // PEM; empty means the system's certificate authorities
	// ServerName is verified in the server's certificate; empty means the host of the address.
	ServerName string

	// PoolSize is the most connections to one server, default 16 for each CPU and at least 64.
	PoolSize int
	// KeepPrefix lets GetMany answer from memory for keys that begin with it, while Redis calls back what changes (Redis 6,
	// CLIENT TRACKING): then an answer may be 100 ms old, and is mostly not a few. Only with mode single, and with an address that
	// leads to one server always: behind another that takes over, nobody would call back. Empty keeps nothing.
	KeepPrefix string
	// Log gets what the client library has to say, at level debug; nil silences it. The library has one log for the whole
	// process: the last OpenRedis decides.
	Log *slog.Logger
	// Now is the clock that IndexAdd measures expiries against, default time.Now.
	Now func() time.Time
}

// redisState is the State in Redis.
type redisState struct {
	client  redis.UniversalClient
	breaker *gobreaker.TwoStepCircuitBreaker[any]
	scripts scripts
	kept    *kept   // nil without KeepPrefix
	watch   *watch  // likewise
	gather  *gather // nil in a Cluster, where keys of several domains are not one command
	now     func() time.Time
	cluster bool
	fence   *fence
}

// OpenRedis prepares a State in Redis. It dials nothing yet: a server that is down now does not keep us from starting, Ping
// and every operation tell. Errors are only about the options.
func OpenRedis(_ context.Context, o RedisOptions) (State, error) {
	u, err := o.universal()
	if err != nil {
		return nil, err
	}
	now := o.Now
	if now == nil {
		now = time.Now
	}
	redis.SetLogger(libraryLog{o.Log})
	door := &fence{moved: make(chan struct{}, 1)}
	u.OnConnect = door.connected
	r := &redisState{client: redis.NewUniversalClient(u), breaker: newBreaker(), scripts: newScripts(), now: now,
		cluster: u.IsClusterMode, fence: door}
	if !r.cluster {
		r.gather = &gather{limit: opLimit, ask: r.mget}
	}
	if o.KeepPrefix != "" {
		r.kept = &kept{prefix: o.KeepPrefix, now: time.Now, age: keptAge}
		r.watch = newWatch(r.kept, *u.Simple(), o.Log)
	}
	return r, nil
}

// libraryLog takes the client library's lines into ours. Each failure it tells of is also the error of an operation.
type libraryLog struct{ log *slog.Logger }

func (l libraryLog) Printf(ctx context.Context, format string, args ...any) {
	if l.log != nil && l.log.Enabled(ctx, slog.LevelDebug) {
		l.log.DebugContext(ctx, "session: redis client", "text", fmt.Sprintf(format, args...))
	}
}

func (o RedisOptions) universal() (*redis.UniversalOptions, error) {
	if len(o.Addresses) == 0 {
		return nil, errors.New("session: redis needs an address")
	}
	u := &redis.UniversalOptions{
		Addrs: o.Addresses, DB: o.DB, Username: o.Username, Password: o.Password, SentinelPassword: o.SentinelPassword,
		DialTimeout: dialLimit, ReadTimeout: dialLimit, WriteTimeout: dialLimit, DialerRetries: 1, PoolTimeout: poolLimit,
		MaxRetries: 1, MinRetryBackoff: 4 * time.Millisecond, MaxRetryBackoff: 16 * time.Millisecond, MaxRedirects: 3,
		ContextTimeoutEnabled: true, DisableIdentity: true, ReadBufferSize: 4096, WriteBufferSize: 4096,
		PoolSize: o.PoolSize, ConnMaxIdleTime: 5 * time.Minute, FailingTimeoutSeconds: 1,
		// Valkey and older servers answer the default probe with an error (go-redis issue 3536).
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if u.PoolSize == 0 {
		u.PoolSize = max(64, 16*runtime.GOMAXPROCS(0))
	}
	switch o.Mode {
	case "", "single":
		if len(o.Addresses) > 1 {
			return nil, errors.New("session: redis mode single takes one address; use sentinel or cluster for several")
		}
	case "sentinel":
		if o.Master == "" {
			return nil, errors.New("session: redis mode sentinel needs the name of the master group")
		}
		u.MasterName = o.Master
	case "cluster":
		if o.DB != 0 {
			return nil, errors.New("session: redis mode cluster knows only database 0")
		}
		u.IsClusterMode = true
	default:
		return nil, fmt.Errorf("session: unknown redis mode %q; want single, sentinel or cluster", o.Mode)
	}
	if o.KeepPrefix != "" && o.Mode != "" && o.Mode != "single" {
		return nil, errors.New("session: values are kept only with redis mode single")
	}
	var err error
	u.TLSConfig, err = o.tls()
	return u, err
}

func (o RedisOptions) tls() (*tls.Config, error) {
	if !o.TLS {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.ServerName}
	if o.CAFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("session: redis certificate authorities: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("session: redis certificate authorities: no certificate in %s", o.CAFile)
	}
	return c, nil
}

func (r *redisState) Close() error {
	if r.watch != nil {
		r.watch.close()
	}
	return r.client.Close()
}

func (r *redisState) Ping(ctx context.Context) error {
	return r.do(ctx, "ping", func(ctx context.Context) error { return r.client.Ping(ctx).Err() })
}

func (r *redisState) Get(ctx context.Context, key string) (value []byte, err error) {
	err = r.do(ctx, "get", func(ctx context.Context) (err error) {
		value, err = r.client.Get(ctx, key).Bytes()
		return err
	})
	return value, err
}

func (r *redisState) GetMany(ctx context.Context, keys ...string) ([][]byte, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	texts, err := r.texts(ctx, keys)
	if err != nil {
		return nil, err
	}
	values := make([][]byte, len(texts))
	for i, t := range texts {
		if t.there {
			values[i] = []byte(t.value)
		}
	}
	return values, nil
}

// texts remembers where it may.
func (r *redisState) texts(ctx context.Context, keys []string) ([]text, error) {
	if r.kept == nil || len(keys) == 0 || len(keys) > gatherKeys {
		return r.ask(ctx, keys)
	}
	return r.kept.read(keys, func() ([]text, error) { return r.ask(ctx, keys) })
}

// ask gathers, but for those who ask for much or have a limit of their own.
func (r *redisState) ask(ctx context.Context, keys []string) (values []text, err error) {
	if _, limited := ctx.Deadline(); r.gather == nil || limited || len(keys) > gatherKeys {
		err = r.do(ctx, "get many", func(ctx context.Context) (err error) {
			values, err = r.mget(ctx, keys)
			return err
		})
		return values, err
	}
	err = r.guard(ctx, "get many", func() (err error) {
		values, err = r.gather.get(keys)
		return err
	})
	return values, err
}

func (r *redisState) mget(ctx context.Context, keys []string) ([]text, error) {
	answers, err := r.client.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, err
	}
	values := make([]text, len(answers))
	for i, a := range answers {
		values[i].value, values[i].there = a.(string)
	}
	return values, nil
}

func (r *redisState) Set(ctx context.Context, key string, value []byte, life time.Duration) error {
	defer r.kept.forget(key)
	life, err := wholeLife(life)
	if err != nil {
		return err
	}
	return r.do(ctx, "set", func(ctx context.Context) error { return r.client.Set(ctx, key, value, life).Err() })
}

func (r *redisState) Replace(ctx context.Context, key string, value []byte, life time.Duration) error {
	defer r.kept.forget(key)
	life, err := wholeLife(life)
	if err != nil {
		return err
	}
	return r.do(ctx, "replace", func(ctx context.Context) error {
		return r.client.SetArgs(ctx, key, value, redis.SetArgs{Mode: "XX", TTL: life}).Err()
	})
}

func (r *redisState) Take(ctx context.Context, key string) (value []byte, err error) {
	defer r.kept.forget(key)
	err = r.do(ctx, "take", func(ctx context.Context) (err error) {
		value, err = r.client.GetDel(ctx, key).Bytes()
		return err
	})
	return value, err
}

func (r *redisState) Touch(ctx context.Context, key string, life time.Duration) error {
	if life <= 0 {
		return errLife
	}
	found := false
	err := r.do(ctx, "touch", func(ctx context.Context) (err error) {
		found, err = r.client.PExpire(ctx, key, max(life, time.Millisecond)).Result()
		return err
	})
	if err == nil && !found {
		return ErrMissing
	}
	return err
}

// Delete sends one DEL for each key in one pipeline: keys of several hash slots may be mixed in a Cluster.
func (r *redisState) Delete(ctx context.Context, keys ...string) error {
	defer r.kept.forget(keys...)
	if len(keys) == 0 {
		return nil
	}
	return r.do(ctx, "delete", func(ctx context.Context) error {
		_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, k := range keys {
				p.Del(ctx, k)
			}
			return nil
		})
		return err
	})
}

var errLife = errors.New("session: a life must be positive")

// wholeLife rounds a life up to Redis' milliseconds. Zero means for ever; below zero would mean other things to the client
// library and is refused.
func wholeLife(life time.Duration) (time.Duration, error) {
	if life < 0 {
		return 0, errLife
	}
	if life > 0 && life < time.Millisecond {
		return time.Millisecond, nil
	}
	return life.Truncate(time.Millisecond), nil
}
