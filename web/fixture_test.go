package web_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ssogate/ssogate/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// moment is when everything in these tests happens.
var moment = time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)

// fixture is a mux at https://sso.example.com whose log is kept.
type fixture struct {
	*web.Mux
	log *bytes.Buffer
}

func newFixture(t *testing.T, change func(*web.Options)) fixture {
	t.Helper()
	public, err := url.Parse("https://sso.example.com")
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	o := web.Options{
		PublicURL:      public,
		ExtraHosts:     []string{"127.0.0.1:8080"},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
		Log:            slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now:            func() time.Time { return moment },
		MaxBody:        64,
	}
	if change != nil {
		change(&o)
	}
	return fixture{web.NewMux(o), log}
}

// do sends one request through the mux.
func (f fixture) do(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result()
}

// get is a GET of a path at the public host.
func get(path string) *http.Request {
	r := httptest.NewRequest("GET", "https://sso.example.com/", nil)
	u, err := url.ParseRequestURI(path)
	if err != nil {
		panic(err)
	}
	r.URL, r.RequestURI = u, path
	return r
}

func post(path, body string) *http.Request {
	r := httptest.NewRequest("POST", "https://sso.example.com"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// line is the one line the request left in the log.
func (f fixture) line(t *testing.T) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(f.log.String()), "\n")
	f.log.Reset()
	if len(lines) != 1 {
		t.Fatalf("want one line in the log, got %d: %q", len(lines), lines)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil {
		t.Fatal(err)
	}
	return line
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func ok(w http.ResponseWriter, _ *http.Request) error {
	_, err := w.Write([]byte("ok"))
	return err
}
