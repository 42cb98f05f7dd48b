package session_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/session"
)

// BenchmarkCheck compares a session check with one bare GET over the same kind of client, in the same run.
func BenchmarkCheck(b *testing.B) {
	addr := servers.Redis(b)
	c := newClock()
	h := newHouse(openRedis(b, session.RedisOptions{Addresses: []string{addr}, Now: c.now}), c)
	cookie := h.mustStart(b, h.record("mem_1"))
	bare := redis.NewClient(&redis.Options{Addr: addr, DisableIdentity: true})
	defer bare.Close()
	must(b, bare.Set(bg, h.prefix+"bare", make([]byte, 400), time.Hour).Err())

	b.Run("bare GET", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			must(b, bare.Get(bg, h.prefix+"bare").Err())
		}
	})
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h.lives(b, cookie)
		}
	})
}

// BenchmarkCheckEmbedded is a check without a server.
func BenchmarkCheckEmbedded(b *testing.B) {
	c := newClock()
	h := newHouse(openEmbedded(b, b.TempDir()+"/state.db", c.now), c)
	cookie := h.mustStart(b, h.record("mem_1"))
	b.ReportAllocs()
	for b.Loop() {
		h.lives(b, cookie)
	}
}
