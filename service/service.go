// Package service is how the services of the product learn who is signed in: a proxy in front of a service asks
// GET /auth/verify with the browser's cookies and passes the answer's identity headers on.
//
//	nginx auth_request          200 with headers, or 401; nginx itself redirects (it cannot pass another status on)
//	Traefik, Caddy, Envoy       200 with headers, a redirect to the login for a browser's navigation, or 401
//
// A check costs one round trip to the session state. Nothing in a request is believed but the session cookie: forwarded
// headers only name the address to come back to, and that is judged like every accessUrl.
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

// Identity headers of an answer. Values outside printable ASCII are percent-encoded as UTF-8. A proxy must remove headers
// of these names, in every spelling, from what the browser sent.
const (
	HeaderUser        = "X-Auth-Request-User"               // account
	HeaderEmail       = "X-Auth-Request-Email"              // account, which is shaped like an e-mail address
	HeaderPreferred   = "X-Auth-Request-Preferred-Username" // account
	HeaderName        = "X-Auth-Request-Name"               // display name
	HeaderMember      = "X-Auth-Request-Member"             // member ID, never changes
	HeaderDomain      = "X-Auth-Request-Domain"             // domain name
	HeaderExternalKey = "X-Auth-Request-External-Key"       // left out when the member has none
	HeaderExpires     = "X-Auth-Request-Expires"            // end of the session, RFC 3339
	HeaderJWT         = "X-Auth-Request-Jwt"                // the same, signed; only where asked for
)

// Options of a Verifier.
type Options struct {
	PublicURL *url.URL
	Sessions  *session.Manager
	// Signer makes the signed header; nil leaves it out everywhere.
	Signer *Signer
	// AlwaysJWT adds the signed header to every answer; otherwise a proxy asks for it with ?jwt=1.
	AlwaysJWT bool
	// Judge says whether an address may be come back to, and returns it cleaned.
	Judge func(ctx context.Context, address string) (string, error)
	Log   *slog.Logger
}

// Verifier answers services.
type Verifier struct{ o Options }

// New builds a Verifier.
func New(o Options) *Verifier { return &Verifier{o: o} }

// Routes registers the routes for services.
func (v *Verifier) Routes(m *web.Mux) {
	m.Handle("GET /auth/verify", web.Public, 0, v.verify)
	if v.o.Signer != nil {
		m.Handle("GET /.well-known/jwks.json", web.Public, 0, v.o.Signer.jwks)
	}
}

// verify answers 200 with identity headers for a living session, and only then. ?domain= accepts sessions of that domain
// alone.
func (v *Verifier) verify(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	query := r.URL.RawQuery
	var q url.Values // parsed only where there is something: this is the hottest path
	if query != "" {
		q = r.URL.Query()
	}
	domain := strings.ToLower(q.Get("domain"))
	rec, err := v.o.Sessions.Check(ctx, v.o.Sessions.Cookie(r))
	if err != nil && !errors.Is(err, session.ErrMissing) {
		return &web.Error{Status: http.StatusServiceUnavailable, Code: "unavailable", RetryAfter: 2 * time.Second, Err: err}
	}
	if err != nil {
		return v.turnAway(w, r, domain)
	}
	if domain != "" && rec.Domain != domain {
		return v.turnAway(w, r, domain)
	}
	h := w.Header()
	setIdentity(h, rec)
	if v.o.Signer != nil && (v.o.AlwaysJWT || q.Get("jwt") == "1") {
		token, err := v.o.Signer.Sign(ctx, rec)
		if err != nil {
			return &web.Error{Status: http.StatusServiceUnavailable, Code: "unavailable", RetryAfter: 2 * time.Second, Err: err}
		}
		h.Set(HeaderJWT, token)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func setIdentity(h http.Header, rec session.Record) {
	account := headerValue(rec.Account)
	h.Set(HeaderUser, account)
	h.Set(HeaderEmail, account)
	h.Set(HeaderPreferred, account)
	h.Set(HeaderName, headerValue(rec.Name))
	h.Set(HeaderMember, headerValue(rec.MemberID))
	h.Set(HeaderDomain, headerValue(rec.Domain))
	if rec.ExternalKey != "" {
		h.Set(HeaderExternalKey, headerValue(rec.ExternalKey))
	}
	h.Set(HeaderExpires, rec.Expires.UTC().Format(time.RFC3339))
}

// turnAway sends a browser that navigates to the login, with the way back, and answers 401 to everything else.
func (v *Verifier) turnAway(w http.ResponseWriter, r *http.Request, domain string) error {
	original := originalURL(r)
	if original == "" || !navigates(r) {
		w.Header().Set("WWW-Authenticate", `Cookie realm="ssogate"`)
		w.WriteHeader(http.StatusUnauthorized)
		return nil
	}
	to := v.o.PublicURL.JoinPath("login")
	if domain != "" {
		to = v.o.PublicURL.JoinPath("d", "login", domain)
	}
	target, err := v.o.Judge(r.Context(), original)
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized) // an address nobody may be sent back to: no redirect is built from it
		return nil
	}
	to.RawQuery = url.Values{"accessUrl": {target}}.Encode()
	return web.Redirect(w, r, to.String())
}

// originalURL is what the browser asked the proxy for, as Traefik, Caddy and Envoy say it. nginx's X-Original-URL is not
// read: nginx makes the redirect itself and understands 401 only.
func originalURL(r *http.Request) string {
	host, uri := r.Header.Get("X-Forwarded-Host"), r.Header.Get("X-Forwarded-Uri")
	if host == "" || r.Header.Get("X-Original-URL") != "" || !strings.HasPrefix(uri, "/") && uri != "" {
		return ""
	}
	proto := r.Header.Get("X-Forwarded-Proto")
	if proto == "" {
		proto = "https"
	}
	return proto + "://" + host + uri
}

// navigates says whether a person's browser asked for a page, as opposed to a script or a program.
func navigates(r *http.Request) bool {
	if m := r.Header.Get("X-Forwarded-Method"); m != "" && m != http.MethodGet && m != http.MethodHead {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

const upperHex = "0123456789ABCDEF"

// headerValue percent-encodes what may not stand in a header, and the percent sign itself, so that decoding is exact.
func headerValue(s string) string {
	clean := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '%' {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '%' {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
