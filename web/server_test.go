package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/web"
)

func TestHealth(t *testing.T) {
	var redis error
	ready := func(ctx context.Context) map[string]error {
		if _, limited := ctx.Deadline(); !limited {
			t.Error("the parts have no time limit")
		}
		return map[string]error{"redis": redis, "directory": nil}
	}
	f := newFixture(t, nil)
	f.HandleHealth(ready)
	operators := web.Health(ready)
	ask := func(h http.Handler, path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, get(path))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	check := func(h http.Handler, path string, status int, body string) {
		t.Helper()
		if s, b := ask(h, path); s != status || b != body {
			t.Errorf("%s: %d %s, want %d %s", path, s, b, status, body)
		}
	}
	check(f, "/readyz", 200, `{"status":"ok"}`)
	check(operators, "/readyz?verbose", 200, `{"status":"ok","parts":{"directory":"ok","redis":"ok"}}`)
	redis = errors.New("dial 10.0.0.5: refused")
	for _, h := range []http.Handler{f, operators} {
		check(h, "/healthz", 200, "ok")
		check(h, "/readyz", 503, `{"status":"unavailable","failing":["redis"]}`)
	}
	check(operators, "/livez", 200, "ok")
	check(operators, "/readyz?verbose", 503, `{"status":"unavailable","failing":["redis"],"parts":{"directory":"ok","redis":"dial 10.0.0.5: refused"}}`)
	// Strangers do not learn addresses.
	check(f, "/readyz?verbose", 503, `{"status":"unavailable","failing":["redis"]}`)
}

func TestServerLimits(t *testing.T) {
	var log strings.Builder
	s := web.NewServer("127.0.0.1:0", http.NotFoundHandler(), slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if s.ReadHeaderTimeout != 5*time.Second || s.ReadTimeout != 30*time.Second || s.WriteTimeout != time.Minute ||
		s.IdleTimeout != 2*time.Minute || s.MaxHeaderBytes != 64<<10 || s.Addr != "127.0.0.1:0" {
		t.Errorf("%+v", s)
	}
	s.ErrorLog.Print("broken pipe")
	if !strings.Contains(log.String(), "level=DEBUG") {
		t.Errorf("log: %s", log.String())
	}
}

// serving is a server that answers when it is let to.
type serving struct {
	url     string
	stop    context.CancelFunc
	arrived chan struct{}
	release chan struct{}
	ended   chan error
}

func serve(t *testing.T, drain time.Duration) serving {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	v := serving{stop: stop, arrived: make(chan struct{}), release: make(chan struct{}), ended: make(chan error, 1)}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.arrived <- struct{}{}
		select {
		case <-v.release:
		case <-r.Context().Done():
		}
		_, _ = w.Write([]byte("done"))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v.url = "http://" + l.Addr().String()
	s := web.NewServer("", h, slog.New(slog.DiscardHandler))
	go func() { v.ended <- web.Serve(ctx, s, l, drain) }()
	return v
}

func (v serving) ask() <-chan string {
	answer := make(chan string, 1)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		r, err := client.Get(v.url)
		if err != nil {
			answer <- "cut"
			return
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		answer <- string(b)
	}()
	return answer
}

func TestServeFinishesWhatIsUnderWay(t *testing.T) {
	v := serve(t, time.Minute)
	answer := v.ask()
	<-v.arrived
	v.stop()
	// New connections are refused as soon as the listener is closed; the request under way is still there.
	for {
		c, err := net.Dial("tcp", strings.TrimPrefix(v.url, "http://"))
		if err != nil {
			break
		}
		c.Close()
	}
	close(v.release)
	if got := <-answer; got != "done" {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-v.ended; err != nil {
		t.Error(err)
	}
}

func TestServeCutsWhatDoesNotEnd(t *testing.T) {
	v := serve(t, time.Millisecond)
	answer := v.ask()
	<-v.arrived
	v.stop()
	if got := <-answer; got != "cut" {
		t.Errorf("the request got %q", got)
	}
	if err := <-v.ended; !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "web: drain: ") {
		t.Errorf("error %v", err)
	}
}

func TestServeReportsABrokenListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	s := web.NewServer("", http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err := web.Serve(t.Context(), s, l, time.Second); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v", err)
	}
}
