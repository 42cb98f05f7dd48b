package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// gate is the transport of one domain's calls. It reads the whole body before it returns: the limits of size and time, the
// place among the eight and the breaker's verdict then cover the body too, whatever the caller does with it.
type gate struct {
	client    *client
	key       string
	redirects int
}

// RoundTrip implements http.RoundTripper.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if !g.client.slots.take(g.key) {
		return nil, ErrBusy
	}
	defer g.client.slots.give(g.key)
	ctx, cancel := context.WithTimeout(r.Context(), g.client.times.whole)
	defer cancel()
	out := g.client.prepare(ctx, r)
	for hop := 0; ; hop++ {
		resp, err := g.once(r.Context(), out)
		if err != nil {
			return nil, err
		}
		if !redirect(resp.StatusCode) {
			return resp, nil
		}
		out, err = g.next(out, resp, hop)
		if err != nil {
			return nil, err
		}
	}
}

// prepare copies the request: no cookies, no Host other than the address's, our name.
func (c *client) prepare(ctx context.Context, r *http.Request) *http.Request {
	out := r.Clone(ctx)
	out.Host = ""
	out.Header.Del("Cookie")
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", c.agent)
	}
	return out
}

// once makes one call, in the order told in the package comment.
func (g *gate) once(caller context.Context, r *http.Request) (*http.Response, error) {
	if err := g.client.rules.url(r.URL); err != nil {
		return nil, errForbiddenDial
	}
	done, err := g.client.breakers.allow(g.key + "\x00" + r.URL.Host)
	if err != nil {
		return nil, err
	}
	resp, err := g.client.call(r)
	if err != nil && caller.Err() != nil {
		done(neutral)
		return nil, caller.Err()
	}
	done(judge(resp, err))
	return resp, err
}

// judge is what the breaker learns: 5xx and broken calls are failures of the host, 4xx are not.
func judge(resp *http.Response, err error) outcome {
	switch {
	case errors.Is(err, ErrForbidden):
		return neutral
	case err != nil || resp.StatusCode >= 500:
		return failed
	default:
		return good
	}
}

func (c *client) call(r *http.Request) (*http.Response, error) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	t := c.secure
	if r.URL.Scheme == "http" {
		t = c.plain
	}
	resp, err := t.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		return nil, classify(err, connected.Load())
	}
	defer resp.Body.Close()
	if resp.ContentLength > maxBody {
		return nil, ErrTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, classify(err, true)
	}
	if len(body) > maxBody {
		return nil, ErrTooLarge
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return resp, nil
}

// classify forgets the cause: what remains must not tell a closed port from a filtered one.
func classify(err error, connected bool) error {
	var certificate *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case errors.Is(err, errForbiddenDial):
		return errForbiddenDial
	case errors.As(err, &certificate):
		return ErrCertificate
	case connected && errors.As(err, &timeout) && timeout.Timeout():
		return ErrTimeout
	case strings.Contains(err.Error(), "response headers exceeded"): // net/http has no value for it
		return ErrTooLarge
	default:
		return ErrUnreachable
	}
}

func redirect(status int) bool {
	return status >= 300 && status < 400 && status != http.StatusNotModified
}

// next is the request a redirect asks for. Only GET is repeated, and credentials do not travel along.
func (g *gate) next(r *http.Request, resp *http.Response, hop int) (*http.Request, error) {
	if hop >= g.redirects || r.Method != http.MethodGet {
		return nil, ErrRedirect
	}
	to, err := resp.Location()
	if err != nil {
		return nil, ErrRedirect
	}
	out := r.Clone(r.Context())
	out.URL = to
	out.Header.Del("Authorization")
	return out, nil
}

// limited ends with an error instead of a silent end, so that a cut answer is never taken for a whole one.
type limited struct {
	r    io.Reader
	left int
}

func newLimited(r io.Reader, most int) *limited { return &limited{r: r, left: most} }

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, ErrTooLarge
	}
	if len(p) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= n
	return n, err
}
