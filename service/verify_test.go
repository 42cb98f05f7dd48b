package service_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/service"
	"github.com/ssogate/ssogate/session"
)

// A request is a cookie, a proxy and a manner. Who has a living session is let in, whatever the other two say; who has not is
// sent to the login only where a trusted proxy says that a browser asked it for a page.
func TestWhoIsLetIn(t *testing.T) {
	cookies := []struct {
		name   string
		query  string
		login  string // path of the login that a refusal leads to
		living bool
		value  func(*gate) string
	}{
		{"none", "", "/login", false, func(*gate) string { return "" }},
		{"living", "", "/login", true, func(g *gate) string { return g.start(g.taro()) }},
		{"living, of the domain that is asked for", "?domain=MyCompany.com", "/d/login/mycompany.com", true,
			func(g *gate) string { return g.start(g.taro()) }},
		{"living, of another domain", "?domain=other.example", "/d/login/other.example", false,
			func(g *gate) string { return g.start(g.taro()) }},
		{"ended", "", "/login", false, func(g *gate) string {
			c := g.start(g.taro())
			must(t, g.sessions.End(context.Background(), c))
			return c
		}},
		{"revoked", "", "/login", false, func(g *gate) string {
			c := g.start(g.taro())
			must(t, g.sessions.RaiseGeneration(context.Background(), "dom_mycompany", "mem_taro", 1))
			return c
		}},
		{"idle too long", "", "/login", false, func(g *gate) string {
			c := g.start(g.taro())
			g.clock.Advance(61 * time.Minute)
			return c
		}},
		{"past its end", "", "/login", false, func(g *gate) string {
			rec := g.taro()
			rec.Idle = 0
			c := g.start(rec)
			g.clock.Advance(8 * time.Hour)
			return c
		}},
		{"garbage", "", "/login", false, func(*gate) string { return "dom_mycompany.mem_taro.AAAA" }},
		{"8 KB", "", "/login", false, func(*gate) string { return strings.Repeat("A", 8<<10) }},
		{"guessed", "", "/login", false, func(*gate) string { return "dom_mycompany.mem_taro." + strings.Repeat("A", 43) }},
	}
	forwardedFor := []string{"X-Forwarded-Host", "board.example.com", "X-Forwarded-Proto", "https", "X-Forwarded-Uri", "/p?q=1"}
	proxies := []struct {
		name      string
		from      string
		redirects bool
		headers   []string
	}{
		{"nginx", proxyAddress, false, []string{"X-Original-URL", "https://board.example.com/p?q=1"}},
		{"nginx that also forwards", proxyAddress, false, append([]string{"X-Original-URL", "https://board.example.com/p?q=1"}, forwardedFor...)},
		{"Traefik or Caddy", proxyAddress, true, forwardedFor},
		{"untrusted", strangerAddress, false, forwardedFor},
		{"untrusted nginx", strangerAddress, false, []string{"X-Original-URL", "https://board.example.com/p?q=1"}},
		{"no proxy", strangerAddress, false, nil},
	}
	manners := []struct {
		name    string
		page    bool
		headers []string
	}{
		{"a page, by Sec-Fetch-Mode", true, []string{"X-Forwarded-Method", "GET", "Sec-Fetch-Mode", "navigate"}},
		{"a page, by Accept", true, []string{"X-Forwarded-Method", "GET", "Accept", "text/html,*/*;q=0.8"}},
		{"a page, method unsaid", true, []string{"Accept", "text/html"}},
		{"a script", false, []string{"X-Forwarded-Method", "GET", "Sec-Fetch-Mode", "cors", "Accept", "text/html"}},
		{"a program", false, []string{"X-Forwarded-Method", "GET", "Accept", "*/*"}},
		{"a form", false, []string{"X-Forwarded-Method", "POST", "Sec-Fetch-Mode", "navigate", "Accept", "text/html"}},
	}
	for _, c := range cookies {
		t.Run(c.name, func(t *testing.T) {
			g := newGate(t)
			cookie := c.value(g)
			for _, p := range proxies {
				for _, m := range manners {
					resp := g.ask(http.MethodGet, verify+c.query, p.from, cookie, append(append([]string{}, p.headers...), m.headers...)...)
					switch {
					case c.living:
						if resp.StatusCode != http.StatusOK || resp.Header.Get(service.HeaderMember) != "mem_taro" {
							t.Errorf("%d, member %q", resp.StatusCode, resp.Header.Get(service.HeaderMember))
						}
					case p.redirects && m.page:
						location(t, resp, c.login, "https://board.example.com/p?q=1")
					default:
						refused(t, resp)
					}
					if t.Failed() {
						t.Fatalf("with %s, %s", p.name, m.name)
					}
					if got := resp.Header.Get("Cache-Control"); got != "no-store" {
						t.Fatalf("Cache-Control %q", got)
					}
				}
			}
		})
	}
}

// When the session state does not answer, nobody comes in, with or without a cookie that could be good.
func TestStateGone(t *testing.T) {
	g := newGate(t)
	cookie := g.start(g.taro())
	g.state.gone = true
	for _, path := range []string{"", "/", "?domain=mycompany.com", "?domain=other.example", "?jwt=1"} {
		unknown(t, g.ask(http.MethodGet, verify+path, proxyAddress, cookie, "X-Forwarded-Host", "board.example.com", "Sec-Fetch-Mode", "navigate"))
	}
	refused(t, g.ask(http.MethodGet, verify, proxyAddress, "garbage")) // this is nobody, whatever the state would say
	g.state.gone = false
	if resp := g.ask(http.MethodGet, verify, proxyAddress, cookie); resp.StatusCode != http.StatusOK {
		t.Errorf("back again: %d", resp.StatusCode)
	}
}

// When nobody can judge the address, people without a session get 503; those with one do not depend on it.
func TestJudgeGone(t *testing.T) {
	g := newGate(t)
	g.judgeErr = errDatabase
	page := []string{"X-Forwarded-Host", "board.example.com", "Sec-Fetch-Mode", "navigate"}
	unknown(t, g.ask(http.MethodGet, verify, proxyAddress, "", page...))
	refused(t, g.ask(http.MethodGet, verify, proxyAddress, ""))
	if resp := g.ask(http.MethodGet, verify, proxyAddress, g.start(g.taro()), page...); resp.StatusCode != http.StatusOK {
		t.Errorf("with a session: %d", resp.StatusCode)
	}
}

// Proxies ask with GET or with the browser's method; a check changes nothing. Only GET asks for a page.
func TestMethods(t *testing.T) {
	g := newGate(t)
	cookie := g.start(g.taro())
	for method, page := range map[string]bool{
		http.MethodGet: true, http.MethodHead: true, http.MethodPost: false, http.MethodPut: false, http.MethodDelete: false,
		http.MethodOptions: false, "PROPFIND": false,
	} {
		if resp := g.ask(method, verify, proxyAddress, cookie); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", method, resp.StatusCode)
		}
		resp := g.ask(method, verify, proxyAddress, "", "X-Forwarded-Host", "board.example.com", "Sec-Fetch-Mode", "navigate")
		if page {
			location(t, resp, "/login", "https://board.example.com")
			continue
		}
		refused(t, resp)
	}
	if resp := g.ask(http.MethodGet, "https://elsewhere.example/auth/verify", proxyAddress, cookie); resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("under another host: %d", resp.StatusCode)
	}
}

// known is a session state that has answered before: what is left to measure is ours.
type known struct {
	session.State
	values [][]byte
}

func (k *known) GetMany(ctx context.Context, keys ...string) (_ [][]byte, err error) {
	if k.values == nil {
		k.values, err = k.State.GetMany(ctx, keys...)
	}
	return k.values, err
}

func BenchmarkVerify(b *testing.B) {
	g := newGate(b)
	cookie := g.start(g.taro())
	g.state.State = &known{State: g.state.State}
	r := httptest.NewRequest(http.MethodGet, verify, nil)
	r.RemoteAddr = proxyAddress
	r.Header.Set("Cookie", cookieName+"="+cookie)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		g.mux.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
