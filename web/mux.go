package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// DefaultMaxBody is how many bytes of a request body are read on a route that names no limit of its own.
const DefaultMaxBody = 1 << 20

// unmatched is the route of a request that no pattern took: for log and metrics, so that no path of a stranger becomes a label.
const unmatched = "unmatched"

// mux is what stands behind Mux: the standard library's routing, and around it what holds for each request.
type mux struct {
	Options
	routing *http.ServeMux
	table   []Route
	hosts   map[string]bool
	headers []headerLine
	block   []byte // the same, as they are written
	origin  *http.CrossOriginProtection
	secure  bool // browsers reach us by https
}

func newMux(o Options) *Mux {
	if o.PublicURL == nil || o.PublicURL.Host == "" {
		panic("web: NewMux without PublicURL")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	content() // nobody's first page is to wait for it
	m := mux{Options: o, routing: http.NewServeMux(), hosts: map[string]bool{}, secure: o.PublicURL.Scheme == "https"}
	for _, host := range append([]string{o.PublicURL.Host}, o.ExtraHosts...) {
		m.hosts[canonicalHost(host)] = true
	}
	m.headers = securityHeaders(m.secure)
	for _, line := range m.headers {
		m.block = appendLine(m.block, line.name, line.value[0])
	}
	m.origin = http.NewCrossOriginProtection()
	if err := m.origin.AddTrustedOrigin(o.PublicURL.Scheme + "://" + o.PublicURL.Host); err != nil {
		panic("web: NewMux: " + err.Error())
	}
	return &Mux{m}
}

func (m *mux) handle(pattern string, g Guard, maxBody int64, h Handler) {
	if g.Name == "" {
		panic("web: route " + pattern + " has no guard")
	}
	if g.Name == Public.Name && !strings.HasPrefix(pattern, "GET ") && !strings.HasPrefix(pattern, "HEAD ") {
		panic("web: route " + pattern + " changes something and is guarded by nothing")
	}
	if maxBody == 0 {
		maxBody = m.MaxBody
	}
	m.table = append(m.table, Route{Pattern: pattern, Guard: g.Name})
	m.routing.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		q := recordOf(r.Context())
		q.route, q.open = pattern, true
		q.err = m.guarded(q, r, g, maxBody, h)
	})
}

// guarded is one matched request: the size of its body, then its guard, then the handler.
func (m *mux) guarded(q *record, r *http.Request, g Guard, maxBody int64, h Handler) error {
	if r.ContentLength > maxBody {
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Err: fmt.Errorf("body announced as %d bytes", r.ContentLength)}
	}
	// The reader is given the server's own writer: it then closes the connection of a sender who does not stop.
	if r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(q.ResponseWriter, r.Body, maxBody)
	}
	if g.Check != nil {
		if err := g.Check(r); err != nil {
			return err
		}
	}
	return sized(h(q, r))
}

// sized makes the one answer of all handlers that met the end of a body that is too large.
func sized(err error) error {
	var limit *http.MaxBytesError
	if err == nil || !errors.As(err, &limit) {
		return err
	}
	large := &Error{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Err: limit}
	var e *Error
	if errors.As(err, &e) {
		large.Ref = e.Ref
	}
	return large
}

func (m *mux) routes() []Route { return append([]Route(nil), m.table...) }

func (m *mux) serve(w http.ResponseWriter, r *http.Request) {
	start := m.Now()
	q := &record{ResponseWriter: w, mux: m, id: newID(), start: start, route: unmatched}
	q.conn, _ = r.Context().Value(connKey{}).(*conn)
	q.ip, q.proxied = clientAddress(r, m.TrustedProxies)
	dropForwarded(r.Header, q.proxied)
	r = r.WithContext(context.WithValue(r.Context(), recordKey{}, q))

	defer m.finish(q, r)
	if !m.hosts[r.Host] && !m.hosts[canonicalHost(r.Host)] {
		q.err = &Error{Status: http.StatusMisdirectedRequest, Code: "wrong_host"}
		return
	}
	m.routing.ServeHTTP(q, r)
	if q.route == unmatched {
		q.err = q.unrouted(r)
	}
}

// finish turns a panic or the handler's error into a page, and writes the request's one line.
func (m *mux) finish(q *record, r *http.Request) {
	abort := false
	if p := recover(); p != nil {
		abort = q.status != 0
		q.err = panicked(p)
		if p == http.ErrAbortHandler {
			abort = true
		} else {
			q.note("stack", string(debug.Stack()))
		}
	}
	q.open = true
	if q.err != nil && q.status == 0 && !abort {
		fail(q, r, q.err)
	}
	switch {
	case q.status != 0 || abort:
	case q.lines != nil && q.err == nil:
		q.sendLines()
	default:
		q.WriteHeader(http.StatusOK)
	}
	took := m.Now().Sub(q.start)
	q.log(r, took)
	if m.Observe != nil {
		m.Observe(q.route, q.status, took)
	}
	if abort {
		// The answer had begun: the connection is cut, so that nobody takes half a page for a whole one.
		panic(http.ErrAbortHandler)
	}
}

// panicked describes a panic without its value, which may hold anything; runtime errors say nothing of the request.
func panicked(p any) error {
	var e runtime.Error
	if err, ok := p.(error); ok && errors.As(err, &e) {
		return fmt.Errorf("web: panic: %w", e)
	}
	return fmt.Errorf("web: panic: %T", p)
}

// unrouted is the answer where no pattern matched. ServeMux has said 404, 405 or a redirect to the clean path; only the
// redirect of /a to /a/ is passed on: a path that must be cleaned first is not one of ours (security.md 3.4).
func (q *record) unrouted(r *http.Request) error {
	status := q.refused
	location := q.Header().Get("Location")
	q.Header().Del("Location")
	q.Header().Del("Content-Type")
	q.Header().Del("Content-Length")
	switch {
	case status == http.StatusMethodNotAllowed:
		return &Error{Status: status, Code: "method_not_allowed"}
	case status == http.StatusBadRequest:
		return &Error{Status: status, Code: "bad_request"}
	case location != "" && path.Clean(r.URL.Path) == r.URL.Path && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		q.open = true
		return redirect(q, r, location)
	}
	return &Error{Status: http.StatusNotFound, Code: "not_found"}
}

// canonicalHost is a Host value in lower case without the default ports. Host values are compared, never used.
func canonicalHost(host string) string {
	host = strings.ToLower(host)
	if h, ok := strings.CutSuffix(host, ":443"); ok {
		return h
	}
	if h, ok := strings.CutSuffix(host, ":80"); ok {
		return h
	}
	return host
}

// FromTrustedProxy tells whether the direct sender of the request is one of the trusted proxies. Only then are
// X-Forwarded-Method, -Proto, -Host, -Uri and X-Original-Url, -Method left in the request's header.
func FromTrustedProxy(ctx context.Context) bool {
	q := recordOf(ctx)
	return q != nil && q.proxied
}

func clientIP(ctx context.Context) netip.Addr {
	if q := recordOf(ctx); q != nil {
		return q.ip
	}
	return netip.Addr{}
}

func requestID(ctx context.Context) string {
	if q := recordOf(ctx); q != nil {
		return q.id
	}
	return ""
}

func routine(ctx context.Context) {
	if q := recordOf(ctx); q != nil {
		q.routine = true
	}
}

func note(ctx context.Context, key string, value any) {
	if q := recordOf(ctx); q != nil {
		q.note(key, value)
	}
}
