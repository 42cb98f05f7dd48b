package sso

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/ssogate/ssogate/web"
)

// allow is the rate limit of a rule for one subject; it fails closed when the state store does not answer.
func (g *Gateway) allow(ctx context.Context, rule, subject string, perMinute int) error {
	if perMinute == 0 {
		return nil
	}
	ok, retry, err := g.limits.Allow(ctx, rule, subject, perMinute)
	if err != nil {
		return failed(err)
	}
	if !ok {
		g.metrics.limited(rule)
		return &web.Error{Status: http.StatusTooManyRequests, Code: "rate_limited", RetryAfter: max(retry, time.Second), Err: errors.New("sso: rate limit " + rule)}
	}
	return nil
}

// allowAddress is allow for the browser's address. One customer line has a whole IPv6 /64, so that counts as one.
func (g *Gateway) allowAddress(ctx context.Context, rule string, perMinute int) error {
	address := web.ClientIP(ctx)
	subject := address.String()
	if address.Is6() {
		subject = netip.PrefixFrom(address, 64).Masked().String()
	}
	return g.allow(ctx, rule, subject, perMinute)
}
