package main

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	besideHung  = "p99 beside a hung provider"
	besideAlone = "p99 alone"
	hungDomain  = "hung.bench.example"
	hungCallers = 12                     // who wait for it at once: more than are let through
	hungEvery   = 250 * time.Millisecond // how often each of them tries at most: what is refused at once must not become a load
)

// measureHung lets people of one domain sign in while the provider of another takes connections and never answers.
func measureHung(ctx context.Context, o options) (results, error) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer silent.Close()
	l, err := newLoad(ctx, func(l *load) string {
		_, port, _ := net.SplitHostPort(silent.Addr().String())
		l.place.env = append(l.place.env, "SSOGATE_OUTBOUND_ALLOW_PORTS="+port)
		return l.domains() + hung("http://"+silent.Addr().String())
	})
	if err != nil {
		return nil, err
	}
	defer l.close()
	all := results{}
	for round := range max(1, o.rounds/3) + 1 {
		alone, err := l.percentile(ctx, o.logins)
		if err != nil {
			return nil, err
		}
		beside, err := l.besideHung(ctx, o.logins)
		if err != nil {
			return nil, err
		}
		if round > 0 {
			all[besideAlone], all[besideHung] = append(all[besideAlone], alone), append(all[besideHung], beside)
		}
	}
	return all, nil
}

func hung(address string) string {
	return strings.ReplaceAll(`  - name: `+hungDomain+`
    user_key: external_key
    connection:
      type: oauth
      oauth:
        profile: oauth2
        client_id: bench
        client_secret: bench-bench-bench
        auth_url: {idp}/authorize
        token_url: {idp}/token
        user_info_url: {idp}/userinfo
`, "{idp}", address)
}

func (l *load) besideHung(ctx context.Context, n int) (float64, error) {
	ctx, stop := context.WithCancel(ctx)
	var callers sync.WaitGroup
	defer callers.Wait()
	defer stop()
	for range hungCallers {
		callers.Go(func() {
			for tick := time.NewTicker(hungEvery); ctx.Err() == nil; {
				l.callBack(ctx)
				select {
				case <-tick.C:
				case <-ctx.Done():
					tick.Stop()
				}
			}
		})
	}
	return l.percentile(ctx, n)
}

// callBack comes back from the hung provider with a code that nobody will redeem.
func (l *load) callBack(ctx context.Context) {
	to, binding, err := l.depart(ctx, hungDomain)
	if err != nil {
		return
	}
	answer := url.Values{"code": {"code"}, "state": {to.Query().Get("state")}}
	back := to.Query().Get("redirect_uri")
	joint := "?"
	if strings.Contains(back, "?") {
		joint = "&"
	}
	_, _, _ = l.send(ctx, http.MethodGet, back+joint+answer.Encode(), binding, nil)
}

// percentile is the 99th percentile of the time that whole logins take, two at once, in µs.
func (l *load) percentile(ctx context.Context, n int) (float64, error) {
	var mu sync.Mutex
	var times []time.Duration
	var failed error
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for range n / 2 {
				began := time.Now()
				_, err := l.login(ctx)
				mu.Lock()
				times, failed = append(times, time.Since(began)), cmp.Or(failed, err)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	if len(times) == 0 {
		return 0, errors.New("bench: no login was measured")
	}
	slices.Sort(times)
	return float64(times[len(times)*99/100].Microseconds()), failed
}
