package web

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

type recordKey struct{}

// record is what is known of one request while it is answered; it stands between the handler and the connection to learn
// the status.
type record struct {
	http.ResponseWriter
	mux     *mux
	id      string
	idValue [1]string // of the header, which outlives no request
	ip      netip.Addr
	proxied bool
	start   time.Time
	route   string
	err     error
	status  int    // as sent, 0 until then
	open    bool   // what is written goes out: a handler of ours is at work
	refused int    // what ServeMux answered where no route matched; not sent
	routine bool   // see Routine
	dressed bool   // the headers of every answer are set
	conn    *conn  // nil where the server is not ours
	lines   []Line // the answer, see Lines

	mu    sync.Mutex
	notes []slog.Attr
}

func recordOf(ctx context.Context) *record {
	q, _ := ctx.Value(recordKey{}).(*record)
	return q
}

// newID is 80 random bits in 16 letters and digits that can be read out on the telephone (base32: no 0, 1, 8, 9).
func newID() string { return rand.Text()[:16] }

// Header implements http.ResponseWriter. Whoever asks finds the headers of every answer there.
func (q *record) Header() http.Header {
	h := q.ResponseWriter.Header()
	if !q.dressed {
		q.dressed = true
		for _, line := range q.mux.headers {
			h[line.name] = line.value
		}
		q.idValue[0] = q.id
		h["X-Request-Id"] = q.idValue[:]
	}
	return h
}

// WriteHeader implements http.ResponseWriter. What ServeMux says where no route matched is held back: we have pages for it.
func (q *record) WriteHeader(status int) {
	if !q.open {
		q.refused = status
		return
	}
	if q.lines != nil && q.err == nil {
		panic("web: written to after Lines")
	}
	if q.status == 0 && status >= 200 {
		q.status = status
	}
	q.Header()
	q.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (q *record) Write(p []byte) (int, error) {
	if !q.open {
		return len(p), nil
	}
	if q.status == 0 {
		q.WriteHeader(http.StatusOK)
	}
	return q.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (q *record) Unwrap() http.ResponseWriter { return q.ResponseWriter }

// note adds a field to the line; text of strangers is cut, and a second value for a key replaces the first.
func (q *record) note(key string, value any) {
	if s, ok := value.(string); ok && len(s) > 256 && key != "stack" {
		value = strings.ToValidUTF8(s[:256], "")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.notes {
		if q.notes[i].Key == key {
			q.notes[i].Value = slog.AnyValue(value)
			return
		}
	}
	q.notes = append(q.notes, slog.Any(key, value))
}

// log writes the request's one line. The path is only there as the route's pattern, the query not at all: both may carry
// codes, messages and addresses of people.
func (q *record) log(r *http.Request, took time.Duration) {
	level := q.level()
	ctx := context.WithoutCancel(r.Context())
	if !q.mux.Log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("event", "request"),
		slog.String("request_id", q.id),
		slog.String("method", knownMethod(r.Method)),
		slog.String("route", q.route),
		slog.Int("status", q.status),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("client_ip", q.ip.String()),
	)
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, n := range q.notes {
		if !holds(attrs, n.Key) {
			attrs = append(attrs, n)
		}
	}
	for _, a := range failure(q.err) {
		if a.Key == "code" && holds(attrs, "code") {
			a.Key = "page" // a note says the reason more precisely than the page does
		}
		if !holds(attrs, a.Key) {
			attrs = append(attrs, a)
		}
	}
	q.mux.Log.LogAttrs(ctx, level, "request", attrs...)
}

func (q *record) level() slog.Level {
	switch {
	case q.status >= http.StatusInternalServerError:
		return slog.LevelError
	case q.routine && q.err == nil && q.status < http.StatusBadRequest:
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}

// failure are the fields of an error: the code of its page, its reference number, and what is only for the log.
func failure(err error) []slog.Attr {
	var e *Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &e):
		return []slog.Attr{slog.String("err", err.Error())}
	}
	attrs := []slog.Attr{slog.String("code", e.Code)}
	if e.Ref != "" {
		attrs = append(attrs, slog.String("ref", e.Ref))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("err", e.Err.Error()))
	}
	return attrs
}

func holds(attrs []slog.Attr, key string) bool {
	return slices.ContainsFunc(attrs, func(a slog.Attr) bool { return a.Key == key })
}

// knownMethod keeps invented methods out of logs.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
		http.MethodConnect, http.MethodTrace:
		return m
	}
	return "OTHER"
}
