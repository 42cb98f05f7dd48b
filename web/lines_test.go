package web_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"

	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ssogate/ssogate/web"
)

// newLines has a route that answers by Lines, one that does not, and ones that go wrong after it.
func newLines(t *testing.T) fixture {
	f := newFixture(t, nil)
	lines := []web.Line{{Name: "X-One", Value: "a b~!"}, {Name: "X-Two", Value: "2"}}
	f.Handle("GET /lines", web.Public, 0, func(w http.ResponseWriter, r *http.Request) error {
		web.Routine(r.Context())
		return web.Lines(w, r, lines)
	})
	f.Handle("GET /page", web.Public, 0, ok)
	f.Handle("GET /split", web.Public, 0, func(w http.ResponseWriter, r *http.Request) error {
		return web.Lines(w, r, []web.Line{{Name: "X-One", Value: "a\r\nSet-Cookie: b"}})
	})
	f.Handle("GET /changed", web.Public, 0, func(w http.ResponseWriter, r *http.Request) error {
		_ = web.Lines(w, r, lines)
		return &web.Error{Status: http.StatusForbidden, Code: "forbidden"}
	})
	f.Handle("GET /panics", web.Public, 0, func(w http.ResponseWriter, r *http.Request) error {
		_ = web.Lines(w, r, lines)
		panic("after all")
	})
	f.Handle("GET /both", web.Public, 0, func(w http.ResponseWriter, r *http.Request) error {
		_ = web.Lines(w, r, lines)
		return ok(w, r)
	})
	return f
}

// wire serves h as the program does and returns one connection to it.
func wire(t *testing.T, h http.Handler) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(ctx, web.NewServer("", h, slog.New(slog.DiscardHandler)), l, time.Minute) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

// One connection is asked for everything in turn, twice, all at once: each answer has its own headers and no other's.
func TestLinesAreTheSameAnswer(t *testing.T) {
	f := newLines(t)
	c := wire(t, f)
	paths := []string{"/lines", "/page", "/lines", "/lines", "/split", "/changed", "/panics", "/nowhere", "/lines", "/both", "/lines"}
	paths = append(paths, paths...)
	for _, p := range paths {
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: sso.example.com\r\n\r\n", p)
	}
	from := bufio.NewReader(c)
	for i, p := range paths {
		got, err := http.ReadResponse(from, nil)
		if err != nil {
			t.Fatalf("%d %s: %v", i, p, err)
		}
		text := body(t, got)
		r := httptest.NewRequest("GET", "https://sso.example.com"+p, nil)
		recorder := httptest.NewRecorder()
		if p != "/both" { // without our server there is nothing to forget
			f.ServeHTTP(recorder, r)
			want := recorder.Result()
			for _, h := range []http.Header{got.Header, want.Header} {
				if len(h.Values("X-Request-Id")) != 1 {
					t.Errorf("%s: request IDs %q", p, h.Values("X-Request-Id"))
				}
				for _, own := range []string{"X-Request-Id", "Date", "Content-Length", "Content-Type"} {
					h.Del(own)
				}
			}
			if d := cmp.Diff(want.Header, got.Header); d != "" || got.StatusCode != want.StatusCode || got.Proto != "HTTP/1.1" {
				t.Errorf("%s: %s, want %s: %s", p, got.Status, want.Status, d)
			}
		}
		if has := got.Header.Get("X-Two") != ""; has != (p == "/lines") || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %v", p, got.Header)
		}
		if p == "/lines" && (text != "" || got.ContentLength != 0) || p == "/both" && got.StatusCode != http.StatusInternalServerError {
			t.Errorf("%s: %s, %q", p, got.Status, text)
		}
	}
}

func TestLinesForOtherClients(t *testing.T) {
	f := newLines(t)
	for _, request := range []string{
		"GET /lines HTTP/1.0\r\nHost: sso.example.com\r\n\r\n",
		"HEAD /lines HTTP/1.1\r\nHost: sso.example.com\r\nConnection: close\r\n\r\n",
		"GET /lines HTTP/1.1\r\nHost: sso.example.com\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\n",
	} {
		c := wire(t, f)
		fmt.Fprint(c, request)
		got, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%q: %v", request, err)
		}
		if got.StatusCode != http.StatusOK || got.Header.Get("X-Two") != "2" || got.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%q: %s %v", request, got.Status, got.Header)
		}
	}
}

func TestARoutineLineIsForDebugging(t *testing.T) {
	f := newLines(t)
	for path, level := range map[string]string{"/lines": "DEBUG", "/page": "INFO", "/panics": "ERROR"} {
		f.do(get(path))
		if line := f.line(t); line["level"] != level {
			t.Errorf("%s: level %v, want %s", path, line["level"], level)
		}
	}
	f.Handle("GET /refused", web.Public, 0, func(_ http.ResponseWriter, r *http.Request) error {
		web.Routine(r.Context())
		return &web.Error{Status: http.StatusForbidden, Code: "forbidden"}
	})
	f.do(get("/refused"))
	if line := f.line(t); line["level"] != "INFO" {
		t.Errorf("a refusal at level %v", line["level"])
	}
}
