package service_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ssogate/ssogate/service"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/sso"
	"github.com/ssogate/ssogate/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	proxyAddress    = "192.0.2.7:4711"     // a trusted proxy
	strangerAddress = "198.51.100.66:4711" // anybody else
	cookieName      = "__Secure-ssogate_session"
)

// listed are the places people may be sent back to.
var listed = []string{"board.example.com", "*.apps.example.com"}

// clock is moved by tests.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time          { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
func (c *clock) Advance(d time.Duration) { c.mu.Lock(); c.now = c.now.Add(d); c.mu.Unlock() }

// silent is a session state that can stop answering.
type silent struct {
	session.State
	gone bool
}

func (s *silent) GetMany(ctx context.Context, keys ...string) ([][]byte, error) {
	if s.gone {
		return nil, session.ErrUnavailable
	}
	return s.State.GetMany(ctx, keys...)
}

// gate is GET /auth/verify over real sessions, with what its proxies may name.
type gate struct {
	t        testing.TB
	clock    *clock
	state    *silent
	sessions *session.Manager
	mux      *web.Mux
	judgeErr error // instead of a verdict
}

func newGate(t testing.TB, change ...func(*service.Options)) *gate {
	t.Helper()
	g := &gate{t: t, clock: &clock{now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}}
	state, err := session.OpenEmbedded(filepath.Join(t.TempDir(), "state.db"), g.clock.Now)
	must(t, err)
	t.Cleanup(func() { state.Close() })
	g.state = &silent{State: state}
	g.sessions = session.NewManager(session.Options{State: g.state, CookieDomain: "example.com", Now: g.clock.Now})
	public, err := url.Parse("https://auth.example.com")
	must(t, err)
	o := service.Options{PublicURL: public, Sessions: g.sessions, Judge: g.judge}
	for _, do := range change {
		do(&o)
	}
	g.mux = web.NewMux(web.Options{
		PublicURL: public, ExtraHosts: []string{"board.example.com", "evil.example"}, Now: g.clock.Now,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	})
	service.New(o).Routes(g.mux)
	return g
}

// judge is the judgement of the login itself, over the listed hosts.
func (g *gate) judge(_ context.Context, address string) (string, error) {
	if g.judgeErr != nil {
		return "", g.judgeErr
	}
	target, err := sso.JudgeAddress(address, listed)
	if err != nil {
		return "", &web.Error{Status: http.StatusBadRequest, Code: "access_url_refused", Err: err}
	}
	return target, nil
}

// taro is a member of mycompany.com.
func (g *gate) taro() session.Record {
	return session.Record{
		MemberID: "mem_taro", DomainID: "dom_mycompany", Domain: "mycompany.com", Account: "taro@mycompany.com",
		ExternalKey: "emp-1001", Name: "Taro Yamada", Idle: 3600, Expires: g.clock.Now().Add(8 * time.Hour),
	}
}

// start starts a session and returns its cookie value.
func (g *gate) start(rec session.Record) string {
	g.t.Helper()
	cookie, err := g.sessions.Start(context.Background(), rec)
	must(g.t, err)
	return cookie
}

// ask sends a request; headers are names and values in turn, as a proxy at that address writes them.
func (g *gate) ask(method, target, from, cookie string, headers ...string) *http.Response {
	g.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	r.RemoteAddr = from
	if cookie != "" {
		r.Header.Set("Cookie", cookieName+"="+cookie)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	g.mux.ServeHTTP(w, r)
	resp := w.Result()
	if resp.StatusCode != http.StatusOK {
		for name := range resp.Header {
			if strings.HasPrefix(name, "X-Auth-Request-") {
				g.t.Errorf("%d with the identity header %s", resp.StatusCode, name)
			}
		}
	}
	return resp
}

const verify = "https://auth.example.com/auth/verify"

// location fails unless the answer redirects to the login at that path, with the way back.
func location(t testing.TB, resp *http.Response, path, accessURL string) {
	t.Helper()
	want := "https://auth.example.com" + path + "?" + url.Values{"accessUrl": {accessURL}}.Encode()
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != want {
		t.Errorf("%d to %q, want 303 to %q", resp.StatusCode, resp.Header.Get("Location"), want)
	}
}

// refused fails unless the answer is a plain 401.
func refused(t testing.TB, resp *http.Response) {
	t.Helper()
	if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("Location") != "" {
		t.Errorf("%d to %q, want a plain 401", resp.StatusCode, resp.Header.Get("Location"))
	}
	if resp.Header.Get("WWW-Authenticate") == "" {
		t.Error("401 without a challenge (RFC 9110 section 15.5.2)")
	}
}

// unknown fails unless the answer says that nobody can know.
func unknown(t testing.TB, resp *http.Response) {
	t.Helper()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q; want 503 with Retry-After", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var errDatabase = &web.Error{Status: http.StatusServiceUnavailable, Code: "unavailable", Err: errors.New("test: no database")}
