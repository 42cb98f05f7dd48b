// Package service is how the services of the product learn who is signed in: a proxy in front of a service asks
// GET /auth/verify with the browser's cookies and passes the answer's identity headers on.
//
//	nginx auth_request         200 with headers, or 401: it can pass no other status on, and names itself by X-Original-URL
//	Traefik, Caddy             200 with headers, 303 to the login for a browser that asked for a page, or 401
//	Envoy ext_authz (HTTP)     the same, with path_prefix /auth/verify: Envoy puts the path that was asked for behind it
//
// 503 when the session state does not answer: nobody comes in. A check costs one round trip to the session state and nothing
// else. Nothing in a request is believed but the session cookie, which the browser must be able to send to the service's host
// (session.cookie_domain). Forwarded headers only name the address to come back to; they count from trusted proxies alone
// (package web drops all others, so that a stranger gets 401 and no redirect), and what they name is judged like every accessUrl.
//
// Files: forwarded.go turns away, identity.go writes the headers, signer.go signs them.
package service

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/web"
)

// Options of a Verifier.
type Options struct {
	PublicURL *url.URL
	Sessions  *session.Manager
	// Signer makes the signed header; nil leaves it out everywhere.
	Signer *Signer
	// AlwaysJWT adds the signed header to every answer; otherwise a proxy asks for it with ?jwt=1.
	AlwaysJWT bool
	// Judge says whether an address may be come back to, and returns it cleaned. An error that is a *web.Error of 500 or
	// more means that it cannot tell.
	Judge func(ctx context.Context, address string) (string, error)
	Log   *slog.Logger
}

// Verifier answers services.
type Verifier struct{ o Options }

// New builds a Verifier.
func New(o Options) *Verifier { return &Verifier{o: o} }

// Routes registers the routes for services. A check reads and changes nothing, so it is answered whatever the method is:
// some proxies, Envoy among them, ask with that of the browser.
func (v *Verifier) Routes(m *web.Mux) {
	readOnly := web.Guard{Name: "read-only"}
	m.Handle("GET /auth/verify", web.Public, 0, v.verify)
	m.Handle("/auth/verify", readOnly, 0, v.verify)
	m.Handle(prefix+"{path...}", readOnly, 0, v.verifyPrefixed)
	if v.o.Signer != nil {
		m.Handle("GET /.well-known/jwks.json", web.Public, 0, v.o.Signer.jwks)
	}
}

// verify is the check of nginx, Traefik and Caddy, whose operator writes the query: ?domain= accepts sessions of that domain
// alone, ?jwt=1 asks for the signed header.
func (v *Verifier) verify(w http.ResponseWriter, r *http.Request) error {
	if r.URL.RawQuery == "" { // the hottest path
		return v.answer(w, r, question{jwt: v.o.AlwaysJWT, original: forwarded})
	}
	q := r.URL.Query()
	return v.answer(w, r, question{
		domain: strings.ToLower(q.Get("domain")), jwt: v.o.AlwaysJWT || q.Get("jwt") == "1", original: forwarded,
	})
}

// verifyPrefixed is the check of Envoy. Path and query behind the prefix are the browser's, so they ask for nothing.
func (v *Verifier) verifyPrefixed(w http.ResponseWriter, r *http.Request) error {
	return v.answer(w, r, question{jwt: v.o.AlwaysJWT, original: prefixed})
}

// question is what a proxy wants to know.
type question struct {
	domain   string // accept only sessions of it; "" accepts all
	jwt      bool
	original func(*http.Request) address
}

// answer says 200 with identity headers for a living session, and only then. That answer is the one of every page view: its line
// is for level debug.
func (v *Verifier) answer(w http.ResponseWriter, r *http.Request, q question) error {
	ctx := r.Context()
	rec, err := v.o.Sessions.CheckRequest(ctx, r)
	if errors.Is(err, session.ErrMissing) {
		return v.turnAway(w, r, q)
	}
	if err != nil {
		return unavailable(err)
	}
	if q.domain != "" && rec.Domain != q.domain {
		return v.turnAway(w, r, q)
	}
	token := ""
	if q.jwt && v.o.Signer != nil {
		if token, err = v.o.Signer.Sign(ctx, rec); err != nil {
			return unavailable(err)
		}
	}
	web.Routine(ctx)
	return web.Lines(w, r, identityLines(rec, token))
}

// unavailable is the answer when nobody can know who this is: at once, and never a yes.
func unavailable(err error) error {
	return &web.Error{Status: http.StatusServiceUnavailable, Code: "unavailable", RetryAfter: 2 * time.Second, Err: err}
}
