package session_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/session"
)

// A dump of Redis is not a set of sessions: nothing that stands in it, nor what can be cut or put together from it, signs
// anybody in (security.md 3.1).
func TestADumpOfRedisSignsNobodyIn(t *testing.T) {
	c := newClock()
	p := servers.NewRedis(t)
	t.Cleanup(p.Stop)
	h := newHouse(openRedis(t, session.RedisOptions{Addresses: []string{p.Addr}, Now: c.now}), c)
	cookie := h.mustStart(t, h.record("mem_1"))
	must(t, session.Logins{State: h.state, Prefix: h.prefix}.Put(bg, "handle-1", []byte("record"), time.Minute))
	_, err := session.Marks{State: h.state, Prefix: h.prefix}.Use(bg, "dom_1", "_assertion", time.Now().Add(time.Minute))
	must(t, err)
	_, _, err = session.Limits{State: h.state, Prefix: h.prefix}.Allow(bg, "login", "192.0.2.1", 10)
	must(t, err)

	words := dump(t, p.Addr)
	if len(words) < 8 {
		t.Fatalf("the dump has only %d words", len(words))
	}
	secret := cookie[strings.LastIndex(cookie, ".")+1:]
	for _, w := range words {
		for _, canary := range []string{cookie, secret, "handle-1", "_assertion", "192.0.2.1"} {
			if strings.Contains(w, canary) {
				t.Errorf("%q stands in Redis", canary)
			}
		}
		h.over(t, w)
		h.over(t, "dom_1.mem_1."+w)
		if len(w) >= 43 {
			h.over(t, "dom_1.mem_1."+w[:43])
			h.over(t, "dom_1.mem_1."+w[len(w)-43:])
		}
	}
	h.lives(t, cookie)
}

// dump returns all keys and values, and the parts of keys.
func dump(t testing.TB, addr string) []string {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	words := map[string]bool{}
	keys, err := c.Keys(bg, "*").Result()
	must(t, err)
	for _, k := range keys {
		words[k] = true
		for _, part := range strings.Split(k, ":") {
			words[part] = true
		}
		if v, err := c.Get(bg, k).Result(); err == nil {
			words[v] = true
		}
		members, _ := c.ZRange(bg, k, 0, -1).Result()
		for _, m := range members {
			words[m] = true
		}
	}
	return slices.Collect(maps.Keys(words))
}
