package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// redirect answers 303: after a POST the browser goes on with GET (security.md 3.2).
func redirect(w http.ResponseWriter, r *http.Request, location string) error {
	target, err := checkLocation(location)
	if err != nil {
		return &Error{Status: http.StatusInternalServerError, Code: "internal", Err: err}
	}
	h := w.Header()
	h.Set("Location", target)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// checkLocation accepts an absolute http(s) address with a host or a local path, and writes it anew from the parsed value.
// Browsers read "//host" and "/\host" as another host; a line feed would end the header.
func checkLocation(location string) (string, error) {
	for i := range len(location) {
		if c := location[i]; c <= ' ' || c == 0x7f || c == '\\' {
			return "", errors.New("web: redirect: character not allowed in a location")
		}
	}
	u, err := url.Parse(location)
	if err != nil {
		return "", errors.New("web: redirect: location is not an address")
	}
	switch {
	case u.Opaque != "" || u.User != nil:
		return "", errors.New("web: redirect: location is not an address")
	case u.Scheme == "" && u.Host == "" && strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//"):
	case (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && asciiOnly(u.Host):
	default:
		return "", errors.New("web: redirect: location is neither http(s) nor a path of ours")
	}
	return u.String(), nil
}

func asciiOnly(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(v); err != nil {
		return fmt.Errorf("web: json: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	// The status is out: whoever hung up does not want the rest.
	_, _ = w.Write(body.Bytes())
	return nil
}

// fail answers an error by page or, where the sender prefers it, by JSON.
func fail(q *record, r *http.Request, err error) {
	e := asError(err)
	if e.RetryAfter > 0 {
		seconds := (e.RetryAfter + time.Second - 1) / time.Second
		q.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	ref := e.Ref
	if ref == "" {
		ref = q.id
	}
	lang := chooseLanguage(r)
	texts := errorTexts(lang, e.Code, e.Status)
	if prefersJSON(r) {
		_ = writeJSON(q, e.Status, struct {
			Code    string `json:"code"`
			Ref     string `json:"ref"`
			Message string `json:"message"`
		}{e.Code, ref, texts.Text})
		return
	}
	shown := shownError{Texts: texts, Ref: ref, Time: q.mux.Now().UTC(), RetryURL: localPath(e.RetryURL)}
	if err := page(q, r, e.Status, "error", shown); err != nil {
		q.note("page_err", err.Error())
	}
}

// asError makes an answer of any error: what is not an *Error is a fault of ours.
func asError(err error) *Error {
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Status: http.StatusInternalServerError, Code: "internal"}
	}
	if e.Status < 400 || e.Status > 599 {
		e = &Error{Status: http.StatusInternalServerError, Code: e.Code, Ref: e.Ref, RetryAfter: e.RetryAfter, RetryURL: e.RetryURL}
	}
	return e
}

// localPath is a path of ours or nothing.
func localPath(s string) string {
	if s == "" {
		return ""
	}
	target, err := checkLocation(s)
	if err != nil || !strings.HasPrefix(target, "/") {
		return ""
	}
	return target
}

// prefersJSON tells whether Accept puts JSON before HTML (RFC 9110 section 12.5.1). Browsers name text/html; who accepts
// anything gets the page.
func prefersJSON(r *http.Request) bool {
	html, js := -1.0, -1.0
	for _, part := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, params, _ := strings.Cut(part, ";")
		q := quality(params)
		switch kind = strings.ToLower(strings.TrimSpace(kind)); {
		case kind == "text/html" || kind == "application/xhtml+xml" || kind == "text/*":
			html = max(html, q)
		case kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"):
			js = max(js, q)
		}
	}
	return js > 0 && js > html
}

func quality(params string) float64 {
	for _, p := range strings.Split(params, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(strings.ToLower(p)), "q="); ok {
			if q, err := strconv.ParseFloat(v, 64); err == nil && q >= 0 && q <= 1 {
				return q
			}
		}
	}
	return 1
}
