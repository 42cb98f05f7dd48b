package web_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/web"
)

func TestEveryRouteNamesItsGuard(t *testing.T) {
	f := newFixture(t, nil)
	f.HandleStatic()
	f.Handle("POST /acs/{domain}", web.CrossSitePost, 0, ok)
	f.Handle("POST /login", web.SameOrigin, 0, ok)
	want := []web.Route{
		{Pattern: "GET /static/{name}", Guard: "public"}, {Pattern: "POST /acs/{domain}", Guard: "cross-site-post"},
		{Pattern: "POST /login", Guard: "same-origin"},
	}
	if got := f.Routes(); !slices.Equal(got, want) {
		t.Errorf("routes: got %v, want %v", got, want)
	}
	for pattern, guard := range map[string]web.Guard{
		"GET /x": {}, "GET /y": {Check: func(*http.Request) error { return nil }},
		"POST /z": web.Public, "/any": web.Public, "DELETE /z": web.Public,
	} {
		if !panics(func() { f.Handle(pattern, guard, 0, ok) }) {
			t.Errorf("%s with guard %q was registered", pattern, guard.Name)
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestAnswers(t *testing.T) {
	f := newFixture(t, nil)
	f.Handle("GET /ok", web.Public, 0, ok)
	f.Handle("GET /folder/", web.Public, 0, ok)
	f.Handle("POST /same", web.SameOrigin, 0, ok)
	f.Handle("POST /acs/{domain}", web.CrossSitePost, 0, ok)
	f.Handle("GET /secret", web.Guard{Name: "bearer", Check: func(*http.Request) error {
		return &web.Error{Status: 401, Code: "no_token"}
	}}, 0, ok)
	f.Handle("GET /busy", web.Public, 0, func(http.ResponseWriter, *http.Request) error {
		return fmt.Errorf("wrapped: %w", &web.Error{Status: 503, Code: "unavailable", RetryAfter: 1500 * time.Millisecond})
	})
	f.Handle("GET /plain", web.Public, 0, func(http.ResponseWriter, *http.Request) error { return errors.New("a fault of ours") })
	f.Handle("GET /odd", web.Public, 0, func(http.ResponseWriter, *http.Request) error {
		return &web.Error{Status: 200, Code: "internal"}
	})
	f.Handle("GET /panic", web.Public, 0, func(http.ResponseWriter, *http.Request) error { panic("the password is hunter2") })
	f.Handle("GET /nil", web.Public, 0, func(http.ResponseWriter, *http.Request) error {
		var nobody *http.Cookie
		return errors.New(nobody.Value)
	})
	f.Handle("GET /quiet", web.Public, 0, func(http.ResponseWriter, *http.Request) error { return nil })

	cross := post("/same", "")
	cross.Header.Set("Sec-Fetch-Site", "cross-site")
	crossOrigin := post("/same", "")
	crossOrigin.Header.Set("Origin", "https://evil.example")
	own := post("/same", "")
	own.Host = "127.0.0.1:8080" // a proxy that does not keep Host
	own.Header.Set("Origin", "https://sso.example.com")
	assertion := post("/acs/mycompany.com", "")
	assertion.Header.Set("Sec-Fetch-Site", "cross-site")
	assertion.Header.Set("Origin", "https://idp.example")
	head := get("/ok")
	head.Method = "HEAD"

	for _, c := range []struct {
		name        string
		r           *http.Request
		status      int
		route, code string
	}{
		{"found", get("/ok"), 200, "GET /ok", ""},
		{"found by HEAD", head, 200, "GET /ok", ""},
		{"wrote nothing", get("/quiet"), 200, "GET /quiet", ""},
		{"not found", get("/nothing/here"), 404, "unmatched", "not_found"},
		{"wrong method", post("/ok", ""), 405, "unmatched", "method_not_allowed"},
		{"not the clean path", get("/a/../ok"), 404, "unmatched", "not_found"},
		{"double slash", get("//ok"), 404, "unmatched", "not_found"},
		{"folder without slash", get("/folder?x=1"), 303, "unmatched", ""},
		{"guard refuses", get("/secret"), 401, "GET /secret", "no_token"},
		{"cross-site by Sec-Fetch-Site", cross, 403, "POST /same", "cross_site"},
		{"cross-site by Origin", crossOrigin, 403, "POST /same", "cross_site"},
		{"our own origin behind another Host", own, 200, "POST /same", ""},
		{"assertion from elsewhere", assertion, 200, "POST /acs/{domain}", ""},
		{"error chosen", get("/busy"), 503, "GET /busy", "unavailable"},
		{"error unknown", get("/plain"), 500, "GET /plain", ""},
		{"error with a status that is none", get("/odd"), 500, "GET /odd", "internal"},
		{"panic", get("/panic"), 500, "GET /panic", ""},
		{"runtime error", get("/nil"), 500, "GET /nil", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.do(c.r)
			line := f.line(t)
			if a.StatusCode != c.status {
				t.Errorf("status %d, want %d", a.StatusCode, c.status)
			}
			if line["route"] != c.route || line["status"] != float64(c.status) {
				t.Errorf("line says route %v status %v, want %s %d", line["route"], line["status"], c.route, c.status)
			}
			if code, _ := line["code"].(string); code != c.code {
				t.Errorf("line says code %q, want %q", code, c.code)
			}
			for header, want := range headers {
				if got := a.Header.Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			id := a.Header.Get("X-Request-Id")
			if len(id) != 16 || line["request_id"] != id {
				t.Errorf("request ID %q, line says %v", id, line["request_id"])
			}
			text := body(t, a)
			if c.status >= 400 && (!strings.Contains(text, id) || !strings.Contains(text, "2026-11-22 01:02:03 UTC")) {
				t.Errorf("page without reference or time: %s", text)
			}
			if strings.Contains(fmt.Sprint(line)+text, "hunter2") {
				t.Error("the value of a panic came out")
			}
		})
	}
	if a := f.do(get("/busy")); a.Header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
	if a := f.do(get("/folder?x=1")); a.Header.Get("Location") != "/folder/?x=1" {
		t.Errorf("Location %q", a.Header.Get("Location"))
	}
	if a := f.do(post("/ok", "")); a.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow %q", a.Header.Get("Allow"))
	}
}

// headers stand on every answer, whatever it is; the policy is that of a page without a form.
var headers = map[string]string{
	"Cache-Control":                "no-store",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Strict-Transport-Security":    "max-age=63072000",
	"Server":                       "",
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; " +
		"frame-ancestors 'none'; base-uri 'none'",
}

func TestPanicSaysWhere(t *testing.T) {
	f := newFixture(t, nil)
	f.Handle("GET /x", web.Public, 0, func(http.ResponseWriter, *http.Request) error { panic(errors.New("secret")) })
	f.do(get("/x"))
	line := f.line(t)
	if stack, _ := line["stack"].(string); !strings.Contains(stack, "TestPanicSaysWhere") {
		t.Error("no stack in the log")
	}
	if line["level"] != "ERROR" || line["err"] != "web: panic: *errors.errorString" {
		t.Errorf("level %v, err %v", line["level"], line["err"])
	}
}

func TestPanicAfterTheAnswerBeganCutsTheConnection(t *testing.T) {
	f := newFixture(t, nil)
	f.Handle("GET /x", web.Public, 0, func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = w.Write([]byte("half"))
		panic("x")
	})
	f.Handle("GET /abort", web.Public, 0, func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) })
	for _, path := range []string{"/x", "/abort"} {
		if !panics(func() { f.do(get(path)) }) {
			t.Errorf("%s: the answer was finished", path)
		}
		f.line(t)
	}
}

func TestBodyLimits(t *testing.T) {
	f := newFixture(t, nil)
	read := func(w http.ResponseWriter, r *http.Request) error {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return &web.Error{Status: 400, Code: "bad_request", Ref: "R1", Err: err}
		}
		return ok(w, r)
	}
	f.Handle("POST /default", web.CrossSitePost, 0, read)
	f.Handle("POST /large", web.CrossSitePost, 1000, read)
	for _, c := range []struct {
		path   string
		size   int
		hidden bool // no Content-Length
		status int
	}{
		{"/default", 64, false, 200}, {"/default", 65, false, 413}, {"/default", 65, true, 413}, {"/default", 64, true, 200},
		{"/large", 1000, true, 200}, {"/large", 1001, false, 413}, {"/large", 1001, true, 413},
	} {
		r := post(c.path, strings.Repeat("x", c.size))
		if c.hidden {
			r.ContentLength = -1
		}
		a := f.do(r)
		if a.StatusCode != c.status {
			t.Errorf("%s with %d bytes (length hidden: %v): status %d, want %d", c.path, c.size, c.hidden, a.StatusCode, c.status)
		}
		line := f.line(t)
		if c.status == 413 && line["code"] != "too_large" {
			t.Errorf("%s: code %v", c.path, line["code"])
		}
	}
}

func TestAnAnnouncedBodyThatIsTooLargeReachesNobody(t *testing.T) {
	f := newFixture(t, nil)
	f.Handle("POST /x", web.CrossSitePost, 0, func(http.ResponseWriter, *http.Request) error {
		t.Error("the handler was called")
		return nil
	})
	if a := f.do(post("/x", strings.Repeat("x", 65))); a.StatusCode != 413 {
		t.Errorf("status %d", a.StatusCode)
	}
}

func TestObserve(t *testing.T) {
	var seen []string
	f := newFixture(t, func(o *web.Options) {
		now := moment
		o.Now = func() time.Time { now = now.Add(time.Second); return now }
		o.Observe = func(route string, status int, took time.Duration) {
			seen = append(seen, fmt.Sprint(route, " ", status, " ", took))
		}
	})
	f.Handle("GET /d/login/{domain}", web.Public, 0, ok)
	f.do(get("/d/login/mycompany.com"))
	f.do(get("/who/knows"))
	// The error page of the second asks for the time as well.
	want := []string{"GET /d/login/{domain} 200 1s", "unmatched 404 2s"}
	if !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}
