package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/ssogate/ssogate/testidp"
)

const (
	domain      = "bench.example"
	connections = 16
)

// load drives the servers of one run.
type load struct {
	client   *http.Client
	redis    *process
	place    *installation
	gateway  *process
	bare     *process
	cached   *process // a second gateway, that answers checks from memory
	provider *testidp.Provider
	cookie   string // of a session
}

// newLoad starts Redis and the gateway with the domains; they are asked for when the provider is there.
func newLoad(ctx context.Context, domains func(*load) string) (_ *load, err error) {
	l := &load{client: &http.Client{Timeout: patient, Transport: &http.Transport{MaxIdleConnsPerHost: connections}, CheckRedirect: asItComes}}
	dir, err := os.MkdirTemp("", "ssogate-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	l.place = &installation{dir: dir}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	redis, addr, err := startRedis(ctx)
	if err != nil {
		return nil, err
	}
	l.redis = redis
	if l.place, err = install(ctx, dir, addr); err != nil {
		l.place = &installation{dir: dir}
		return nil, err
	}
	l.provider = testidp.New(testidp.Options{BaseURL: "https://idp.bench.example"})
	l.provider.AddPerson(employee())
	sp := testidp.SAMLClient{EntityID: l.place.url() + "/saml/" + domain + "/metadata", ACS: []string{l.place.url() + "/acs/" + domain}}
	if err := l.provider.AddServiceProvider(sp); err != nil {
		return nil, err
	}
	if l.gateway, err = startGateway(ctx, l.place, domains(l)); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *load) close() {
	for _, p := range []*process{l.bare, l.cached, l.gateway, l.redis} {
		if p != nil {
			p.stop()
		}
	}
	l.client.CloseIdleConnections()
	os.RemoveAll(l.place.dir)
}

// measureServers starts everything, lets the servers take turns under load, and stops everything.
func measureServers(ctx context.Context, o options) (_ results, err error) {
	l, err := newLoad(ctx, (*load).domains)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if l.bare, err = startBare(l.redis.url); err != nil {
		return nil, err
	}
	if l.cached, err = l.remembering(ctx); err != nil {
		return nil, err
	}
	if l.cookie, err = l.login(ctx); err != nil {
		return nil, err
	}
	all, err := l.alternate(ctx, o)
	if err != nil {
		return nil, err
	}
	all[revoked], err = l.revocations(ctx, o.logins)
	return all, err
}

func asItComes(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// domains is what an operator would apply: one domain with one member whose provider is ours.
func (l *load) domains() string {
	certificate := strings.ReplaceAll(strings.TrimSpace(l.provider.Keys().PEM(testidp.KeyRSA)), "\n", "\n            ")
	return `services:
  - name: board
    access_hosts: ["{url}"]
domains:
  - name: ` + domain + `
    user_key: external_key
    connection:
      type: saml
      saml:
        entity_id: ` + l.provider.EntityID() + `
        sso_url: ` + l.provider.URL("/saml/sso") + `
        binding: redirect
        certificates:
          - |
            ` + certificate + `
    members:
      - {account: taro@` + domain + `, external_key: emp-1001, family_name: Yamada, given_name: Taro}
`
}

// alternate gives each server its turns; the first, which warms up, does not count.
func (l *load) alternate(ctx context.Context, o options) (results, error) {
	rsa, err := rsaTurn(o)
	if err != nil {
		return nil, err
	}
	verify := func(ctx context.Context) error { return l.get(ctx, l.gateway.url+"/auth/verify", l.cookie) }
	cached := func(ctx context.Context) error { return l.get(ctx, l.cached.url+"/auth/verify", l.cookie) }
	bare := func(ctx context.Context) error { return l.get(ctx, l.bare.url, "") }
	whole := func(ctx context.Context) error { _, err := l.login(ctx); return err }
	turns := []struct {
		name    string
		measure func(context.Context) (float64, error)
	}{
		{serveBareGet, func(ctx context.Context) (float64, error) { return l.bare.cost(ctx, o.requests, bare) }},
		{serveVerify, func(ctx context.Context) (float64, error) { return l.gateway.cost(ctx, o.requests, verify) }},
		{serveCached, func(ctx context.Context) (float64, error) { return l.cached.cost(ctx, o.requests, cached) }},
		{serveLogin, func(ctx context.Context) (float64, error) { return l.gateway.cost(ctx, o.logins, whole) }},
		{serveRSA, rsa},
		{serveACS, func(ctx context.Context) (float64, error) { return l.answers(ctx, o.logins) }},
	}
	all := results{}
	for round := range max(1, o.rounds/3) + 1 {
		for _, t := range turns {
			cost, err := t.measure(ctx)
			if err != nil {
				return nil, fmt.Errorf("bench: %s: %w", t.name, err)
			}
			if round > 0 {
				all[t.name] = append(all[t.name], cost)
			}
		}
	}
	return all, nil
}

// cost is what n calls cost the server each.
func (p *process) cost(ctx context.Context, n int, one func(context.Context) error) (float64, error) {
	before, err := timeOf(p.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	if err := parallel(ctx, n, one); err != nil {
		return 0, err
	}
	after, err := timeOf(p.cmd.Process.Pid)
	return float64((after - before).Nanoseconds()) / 1e3 / float64(n), err
}

// rsaTurn is the baseline of answers, in this process, while the servers rest.
func rsaTurn(o options) (func(context.Context) (float64, error), error) {
	b, err := newBench()
	if err != nil {
		return nil, err
	}
	verify := b.baselines()[0]
	n, err := calibrate(verify, o.slice)
	return func(context.Context) (float64, error) { return turn(verify, n) }, err
}

// answers starts n logins, lets the provider sign for each, and then measures what the assertion consumer service costs.
func (l *load) answers(ctx context.Context, n int) (float64, error) {
	ready := make(chan *begun, n)
	err := parallel(ctx, n, func(ctx context.Context) error {
		b, err := l.begin(ctx, domain)
		if err == nil {
			ready <- b
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return l.gateway.cost(ctx, n, func(ctx context.Context) error { _, err := l.finish(ctx, <-ready); return err })
}

// parallel makes n calls over as many connections as the servers are given, and ends at the first fault.
func parallel(ctx context.Context, n int, one func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan struct{})
	var workers sync.WaitGroup
	for range connections {
		workers.Go(func() {
			for range work {
				if err := one(ctx); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	for range n {
		select {
		case work <- struct{}{}:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(work)
	workers.Wait()
	return context.Cause(ctx)
}
