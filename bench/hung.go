package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	besideHung  = "p99 beside a hung provider"
	besideLive  = "p99 beside a provider that answers"
	hungDomain  = "hung.bench.example"
	hungCallers = 12                     // who wait for it at once: more than are let through
	hungEvery   = 250 * time.Millisecond // how often each of them tries at most: what is refused at once must not become a load
)

// measureHung lets people of one domain sign in while others come back from the provider of another domain, which in turns refuses
// their codes at once and takes them without ever answering.
func measureHung(ctx context.Context, o options) (results, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	var hanging atomic.Bool
	provider := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if hanging.Load() {
			<-r.Context().Done()
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
	})}
	go func() { _ = provider.Serve(listener) }()
	defer provider.Close()
	l, err := newLoad(ctx, func(l *load) string {
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		l.place.env = append(l.place.env, "SSOGATE_OUTBOUND_ALLOW_PORTS="+port)
		return l.domains() + hung("http://"+listener.Addr().String())
	})
	if err != nil {
		return nil, err
	}
	defer l.close()
	all := results{}
	for round := range max(1, o.rounds/3) + 1 {
		hanging.Store(false)
		live, err := l.besideProvider(ctx, o.logins)
		if err != nil {
			return nil, err
		}
		hanging.Store(true)
		hung, err := l.besideProvider(ctx, o.logins)
		if err != nil {
			return nil, err
		}
		if round > 0 {
			all[besideLive], all[besideHung] = append(all[besideLive], live), append(all[besideHung], hung)
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

func (l *load) besideProvider(ctx context.Context, n int) (float64, error) {
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

// callBack comes back from the provider with a code that nobody will redeem.
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
