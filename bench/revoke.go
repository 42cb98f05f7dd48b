package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// remembering starts a second gateway over the same directory and Redis, which answers checks from memory.
func (l *load) remembering(ctx context.Context) (*process, error) {
	second := *l.place
	if err := second.move(l.redis.url); err != nil {
		return nil, err
	}
	second.env = append(second.env, "SSOGATE_REDIS_CLIENT_CACHE=true")
	p, err := second.serve()
	if err != nil {
		return nil, err
	}
	return p, await(ctx, p, second.addr)
}

// revocations ends sessions in Redis, as another node would, and says after how many ms the gateway that answers from memory
// refuses them: the 99th percentile.
func (l *load) revocations(ctx context.Context, n int) (costs, error) {
	client := redis.NewClient(&redis.Options{Addr: l.redis.url})
	defer client.Close()
	var times costs
	for range n {
		cookie, err := l.login(ctx)
		if err != nil {
			return nil, err
		}
		address := l.cached.url + "/auth/verify"
		for range 5 {
			if err := l.get(ctx, address, cookie); err != nil {
				return nil, err
			}
		}
		began := time.Now()
		if err := client.Del(ctx, sessionKey(cookie)).Err(); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
		for {
			answer, _, err := l.send(ctx, http.MethodGet, address, cookie, nil)
			if err != nil {
				return nil, err
			}
			if answer.StatusCode == http.StatusUnauthorized {
				break
			}
			if time.Since(began) > patient {
				return nil, fmt.Errorf("bench: a session that was ended is still answered %d", answer.StatusCode)
			}
		}
		times = append(times, float64(time.Since(began).Microseconds())/1e3)
	}
	slices.Sort(times)
	return costs{times[len(times)*99/100]}, nil
}

// sessionKey is where a session is stored.
func sessionKey(cookie string) string {
	_, value, _ := strings.Cut(cookie, "=")
	sum := sha256.Sum256([]byte(value))
	domain, _, _ := strings.Cut(value, ".")
	return "ssogate:{" + domain + "}:session:" + hex.EncodeToString(sum[:])
}
