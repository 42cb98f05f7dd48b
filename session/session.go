// Package session keeps all short-lived state: sessions of signed-in browsers, logins under way, one-time marks and rate
// limits, in Redis or, for one node, in an embedded file. Only hashes of secrets are keys: a dump is not a set of sessions.
package session

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Record is what a session says. It is what services trust; it changes never, but for LastSeen.
type Record struct {
	MemberID         string    `json:"m"`
	DomainID         string    `json:"d"`
	Domain           string    `json:"dn"` // name at sign-in
	Account          string    `json:"a"`  // at sign-in
	ExternalKey      string    `json:"k,omitempty"`
	Name             string    `json:"n,omitempty"`
	Revision         int       `json:"r"` // of the connection
	Protocol         string    `json:"p"`
	Created          time.Time `json:"c"`
	LastSeen         time.Time `json:"s"`
	Idle             int64     `json:"i"` // seconds
	Expires          time.Time `json:"e"` // absolute limit, capped by the identity provider
	DomainGeneration int64     `json:"dg"`
	MemberGeneration int64     `json:"mg"`
	IdPIssuer        string    `json:"ii,omitempty"`
	IdPNameID        string    `json:"in,omitempty"`
	IdPSession       string    `json:"is,omitempty"` // SessionIndex or sid
	Address          string    `json:"ip,omitempty"`
	UserAgent        string    `json:"ua,omitempty"`
	AttemptRef       string    `json:"ref,omitempty"`
}

// Listed is a session as shown to its owner or an administrator; ID is a public handle to end it, not the cookie value.
type Listed struct {
	ID string `json:"id"`
	Record
}

// Options of a Manager.
type Options struct {
	State  State
	Prefix string // of every key, default "ssogate"
	// CookieDomain shares the session cookie with services on sub-domains; empty keeps the __Host- prefix.
	CookieDomain string
	// Secure is false only when the public URL is plain http on a loopback host and the browser would not keep the cookie.
	InsecureCookies bool
	Log             *slog.Logger
	Now             func() time.Time
	// TouchEvery is how stale LastSeen may be, default one minute.
	TouchEvery time.Duration
}

// Manager starts, checks, lists and ends sessions. A check is one round trip.
type Manager struct {
	o     Options
	fence *fence // nil when the state has none
}

// NewManager fills the defaults of o.
func NewManager(o Options) *Manager { return newManager(o) }

// Start stores a session under a new random ID and returns the cookie value. rec's Created, LastSeen are set from Now. It
// wants DomainID and MemberID (1 to 64 of A-Z a-z 0-9 _ -) and Expires in the future, else ErrRecord; Idle 0 leaves only the
// absolute limit.
func (m *Manager) Start(ctx context.Context, rec Record) (cookie string, err error) {
	return m.start(ctx, rec)
}

// Check returns the living session of a cookie value. ErrMissing: none, expired, idle too long, or ended by a generation
// counter. Errors wrapping ErrUnavailable: unknown, refuse with 503.
func (m *Manager) Check(ctx context.Context, cookie string) (Record, error) {
	return m.check(ctx, cookie)
}

// CheckRequest is Check of the Cookie of a request.
func (m *Manager) CheckRequest(ctx context.Context, r *http.Request) (Record, error) {
	t, ok := m.ticket(r)
	if !ok {
		return Record{}, ErrMissing
	}
	return m.checkTicket(ctx, t)
}

// Ready says whether to send people here: the state answers, and is not a server that was just met and has to be told of the
// revocations first. The error wraps ErrUnavailable.
func (m *Manager) Ready(ctx context.Context) error { return m.ready(ctx) }

// End ends the session of a cookie value; ending what is not there is no error.
func (m *Manager) End(ctx context.Context, cookie string) error { return m.end(ctx, cookie) }

// EndByID ends one listed session of a member; ErrMissing when the member has no such session.
func (m *Manager) EndByID(ctx context.Context, domainID, memberID, id string) error {
	return m.endByID(ctx, domainID, memberID, id)
}

// List shows the living sessions of a member, newest first.
func (m *Manager) List(ctx context.Context, domainID, memberID string) ([]Listed, error) {
	return m.list(ctx, domainID, memberID)
}

// RaiseGeneration ends, in one step, all sessions of a domain (memberID empty) or member that carry a lower generation.
func (m *Manager) RaiseGeneration(ctx context.Context, domainID, memberID string, generation int64) error {
	return m.raiseGeneration(ctx, domainID, memberID, generation)
}

// CookieName is the name of the session cookie: __Host-ssogate_session, __Secure-ssogate_session with a cookie domain, or
// ssogate_session with InsecureCookies.
func (m *Manager) CookieName() string { return m.cookieName() }

// Cookie returns the value of the session cookie of a request, "" when there is none or it cannot be one of ours.
func (m *Manager) Cookie(r *http.Request) string { return m.cookie(r) }

// SetCookie writes the session cookie (Lax, HttpOnly, Secure, Path=/, a browser-session cookie unless life > 0).
func (m *Manager) SetCookie(w http.ResponseWriter, value string, life time.Duration) {
	m.setCookie(w, value, life)
}

// ClearCookie removes the session cookie from the browser.
func (m *Manager) ClearCookie(w http.ResponseWriter) { m.clearCookie(w) }

// Logins are sign-ins under way: opaque one-time records under a random handle.
type Logins struct {
	State  State
	Prefix string
}

// Put stores a record under the handle (kept only as its hash).
func (l Logins) Put(ctx context.Context, handle string, record []byte, life time.Duration) error {
	return l.put(ctx, handle, record, life)
}

// Peek reads without taking; Take reads and removes, exactly once. ErrMissing when unknown, used or late.
func (l Logins) Peek(ctx context.Context, handle string) ([]byte, error) { return l.peek(ctx, handle) }

// Take returns the record and removes it in one atomic step.
func (l Logins) Take(ctx context.Context, handle string) ([]byte, error) { return l.take(ctx, handle) }

// Marks remember what may be used only once (assertion IDs).
type Marks struct {
	State  State
	Prefix string
	Now    func() time.Time // default time.Now
}

// Use marks the name as used within the domain until the time; it says whether this is its first use.
func (m Marks) Use(ctx context.Context, domainID, name string, until time.Time) (first bool, err error) {
	return m.use(ctx, domainID, name, until)
}
