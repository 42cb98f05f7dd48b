package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Memory, in MiB, and times, in ms, that are compared with fixed limits.
const (
	manyDomains = "many domains"
	firstLogin  = "first login"
	inFlight    = "logins in flight"
)

// measureMemory starts the gateway over one domain and over many, and lets many people begin to sign in.
func measureMemory(ctx context.Context, o options) (results, error) {
	l, err := newLoad(ctx, (*load).domains)
	if err != nil {
		return nil, err
	}
	defer l.close()
	all := results{}
	few, _, err := l.restarts(ctx)
	if err != nil {
		return nil, err
	}
	l.gateway.stop()
	if err := l.place.apply(ctx, l.many(o.domains)); err != nil {
		return nil, err
	}
	many, first, err := l.restarts(ctx)
	if err != nil {
		return nil, err
	}
	all[manyDomains] = costs{max(0.1, median(many)-median(few))}
	all[firstLogin] = costs{median(first)}
	depart := func(ctx context.Context) error { _, _, err := l.depart(ctx, domain); return err }
	if err := parallel(ctx, o.inFlight, depart); err != nil {
		return nil, err
	}
	resident, err := l.gateway.resident()
	all[inFlight] = costs{resident}
	return all, err
}

// restarts starts the gateway three times and says what it takes in memory (MiB) and until a first login is served (ms).
func (l *load) restarts(ctx context.Context) (resident, first costs, err error) {
	for range 3 {
		l.gateway.stop()
		began := time.Now()
		if l.gateway, err = l.place.serve(); err != nil {
			return nil, nil, err
		}
		for {
			if _, _, err = l.depart(ctx, domain); err == nil {
				break
			}
			if ctx.Err() != nil || time.Since(began) > patient {
				return nil, nil, fmt.Errorf("bench: no login is served: %w", err)
			}
			time.Sleep(time.Millisecond)
		}
		first = append(first, float64(time.Since(began).Microseconds())/1e3)
		r, err := l.gateway.resident()
		if err != nil {
			return nil, nil, err
		}
		resident = append(resident, r)
	}
	return resident, first, nil
}

// many are the domains of a large installation, besides ours.
func (l *load) many(n int) string {
	certificate := strings.ReplaceAll(strings.TrimSpace(l.provider.Keys().PEM("rsa")), "\n", "\n            ")
	var b strings.Builder
	b.WriteString("domains:\n")
	for i := range n {
		fmt.Fprintf(&b, `  - name: d%d.bench.example
    user_key: external_key
    connection:
      type: saml
      saml:
        entity_id: https://idp%[1]d.bench.example/metadata
        sso_url: https://idp%[1]d.bench.example/sso
        binding: redirect
        certificates:
          - |
            %[2]s
`, i, certificate)
	}
	return b.String()
}

// resident is the memory of a process that is not swapped out, in MiB.
func (p *process) resident() (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("bench: memory: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("bench: memory: no VmRSS")
}
