// Package web is what every HTTP surface shares: handlers that return errors, a mux on which each route names its guard, one
// log line and one page per request, security headers, pages in five languages, the client's address, cookies of ours. It
// imports nothing of the project.
package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Handler answers a request or returns an error, which the mux turns into one page (or JSON) and one log line.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Error is what a Handler returns to choose the answer. The person sees the page named by Code (a message key
// "error.<code>.title" and "error.<code>.text" in every language), Ref and the time; never Err.
type Error struct {
	Status     int           // HTTP status, 4xx or 5xx
	Code       string        // stable, for example "login_expired"; decides the texts
	Ref        string        // reference number of the attempt; the request ID stands in when empty
	RetryAfter time.Duration // sent as Retry-After when > 0
	RetryURL   string        // a button "try again" when not empty; a path of ours
	Err        error         // for the log: must hold nothing secret or personal
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("web: %d %s: %v", e.Status, e.Code, e.Err) }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Guard is what stands before a route. Name is shown in the route table; Check may refuse with an *Error.
type Guard struct {
	Name  string
	Check func(r *http.Request) error
}

// Guards of the protocol surfaces. Public is for safe methods that anybody may call. SameOrigin refuses cross-site state
// changes (http.CrossOriginProtection). CrossSitePost is for the assertion consumer service, whose own checks bind the
// message to the browser. Bearer surfaces and the operator's listener bring guards of their own.
var (
	Public        = Guard{Name: "public"}
	SameOrigin    = sameOrigin()
	CrossSitePost = Guard{Name: "cross-site-post"}
)

// Options of a Mux.
type Options struct {
	PublicURL      *url.URL       // scheme, host and port under which browsers reach us; requests for other hosts get 421
	ExtraHosts     []string       // further Host values that are answered (health checks by address)
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed, rightmost untrusted hop wins
	Log            *slog.Logger
	Now            func() time.Time
	MaxBody        int64 // default 1 MiB; Route option overrides
	// Observe is called once per request after it was answered; route is the pattern.
	Observe func(route string, status int, took time.Duration)
}

// Route is one entry of the route table.
type Route struct{ Pattern, Guard string }

// Mux routes requests. Every route is registered with a guard.
type Mux struct{ mux }

// NewMux builds an empty mux with the given options.
func NewMux(o Options) *Mux { return newMux(o) }

// Handle registers a pattern of net/http.ServeMux ("GET /d/login/{domain}"). It panics on a guard without a name: that is a
// programming error found at start. maxBody 0 means the default.
func (m *Mux) Handle(pattern string, g Guard, maxBody int64, h Handler) {
	m.handle(pattern, g, maxBody, h)
}

// Routes lists what was registered, in order of registration.
func (m *Mux) Routes() []Route { return m.routes() }

// ServeHTTP implements http.Handler.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.serve(w, r) }

// RequestID is the random ID of the request, also in the X-Request-Id answer header.
func RequestID(ctx context.Context) string { return requestID(ctx) }

// ClientIP is the browser's address, seen through trusted proxies.
func ClientIP(ctx context.Context) netip.Addr { return clientIP(ctx) }

// Routine says that the request is one of very many that say nothing new, such as a check that found its session: its line is
// written at level debug, unless it fails after all.
func Routine(ctx context.Context) { routine(ctx) }

// Note adds a field to the request's one log line (for example domain, code, ref). Never secrets or attribute values.
func Note(ctx context.Context, key string, value any) { note(ctx, key, value) }

// Page writes a page from templates/<name>.html with status 200, in the language of the request, under the strict CSP.
// formAction lists further origins a form of this page may post to (the identity provider of the auto-submit page).
func Page(w http.ResponseWriter, r *http.Request, name string, data any, formAction ...string) error {
	return page(w, r, http.StatusOK, name, data, formAction...)
}

// Redirect answers 303 with a Location that was built by us from a parsed URL, no-store.
func Redirect(w http.ResponseWriter, r *http.Request, location string) error {
	return redirect(w, r, location)
}

// JSON answers v with the status, no-store.
func JSON(w http.ResponseWriter, status int, v any) error { return writeJSON(w, status, v) }

// Lines answers 200 without a body and with these headers besides those of every answer: the fast way, for a route that is asked
// at every page view. Nothing may have been set on w. A value with other than visible ASCII characters is a fault of ours (500).
func Lines(w http.ResponseWriter, r *http.Request, lines []Line) error {
	return answerLines(w, r, lines)
}

// Language is the best of en, ja, ko, zh-CN, zh-TW for the request: ?lang, cookie, Accept-Language.
func Language(r *http.Request) string { return chooseLanguage(r) }

// Pages that exist, with their data.
type (
	// PostForm is the auto-submit page: hidden fields posted to Action (templates/post.html).
	PostForm struct {
		Action string
		Fields map[string]string
	}
	// AskAccount is GET /login (templates/account.html). Its form asks GET /login again, with
	// account and, when set, accessUrl.
	AskAccount struct {
		Account   string
		AccessURL string
		Unknown   bool // shown after a submit that led nowhere; same for unknown accounts and domains
	}
	// Continue asks the person to confirm an IdP-initiated sign-in (templates/continue.html): login CSRF.
	Continue struct {
		Action string // a path of ours, POST
		Handle string // hidden field "handle"
		Domain string
		Name   string
		Target string // host of the accessUrl
	}
	// Home is where a sign-in without an accessUrl ends (templates/home.html).
	Home struct {
		Name         string
		Account      string
		Expires      time.Time // of the session
		LogoutAction string    // a path of ours, GET
	}
	// SignedOut is the page after a logout without a redirect (templates/signedout.html).
	SignedOut struct {
		Domain   string
		LoginURL string
	}
	// ConfirmLogout is GET logout of a signed-in browser (templates/logout.html): a button that POSTs.
	ConfirmLogout struct {
		Action      string
		RedirectURI string
	}
	// NoSSO is the login page of a domain whose SSO is off (templates/nosso.html).
	NoSSO struct{ Domain string }
)
