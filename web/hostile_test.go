package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/web"
)

func TestOnlyOurHosts(t *testing.T) {
	f := newFixture(t, nil)
	f.Handle("GET /x", web.Public, 0, func(w http.ResponseWriter, r *http.Request) error {
		t.Helper()
		return ok(w, r)
	})
	for host, status := range map[string]int{
		"sso.example.com": 200, "SSO.Example.Com": 200, "sso.example.com:443": 200, "127.0.0.1:8080": 200,
		"": 421, "evil.example": 421, "sso.example.com:8443": 421, "sso.example.com.": 421, "sso.example.com.evil.example": 421,
		"evil.example#sso.example.com": 421, "127.0.0.1": 421, "sso.example.com:443:443": 421,
	} {
		r := get("/x")
		r.Host = host
		r.Header.Set("X-Forwarded-Host", "sso.example.com")
		a := f.do(r)
		if a.StatusCode != status {
			t.Errorf("Host %q: status %d, want %d", host, a.StatusCode, status)
		}
		if text := body(t, a); strings.Contains(text, "evil.example") {
			t.Errorf("Host %q is repeated", host)
		}
	}
}

func TestClientIP(t *testing.T) {
	for _, c := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"direct", "203.0.113.9:1234", nil, "203.0.113.9"},
		{"direct IPv6", "[2001:db8::9]:1234", nil, "2001:db8::9"},
		{"mapped", "[::ffff:203.0.113.9]:1234", nil, "203.0.113.9"},
		{"direct sender lies", "203.0.113.9:1234", []string{"198.51.100.1"}, "203.0.113.9"},
		{"through a proxy", "10.0.0.1:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		{"spoofed before a proxy", "10.0.0.1:1234", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		{"spoofed in a header of its own", "10.0.0.1:1234", []string{"1.1.1.1", "198.51.100.1"}, "198.51.100.1"},
		{"two proxies", "10.0.0.1:1234", []string{"1.1.1.1, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"claims to be a proxy", "10.0.0.1:1234", []string{"10.9.9.9, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"only proxies", "10.0.0.1:1234", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"proxy says nothing", "10.0.0.1:1234", nil, "10.0.0.1"},
		{"rubbish at the right", "10.0.0.1:1234", []string{"198.51.100.1, rubbish"}, "10.0.0.1"},
		{"rubbish in between", "10.0.0.1:1234", []string{"1.1.1.1, <script>, 10.0.0.2"}, "10.0.0.2"},
		{"empty entries", "10.0.0.1:1234", []string{"198.51.100.1,"}, "10.0.0.1"},
		{"with ports", "10.0.0.1:1234", []string{"198.51.100.1:5555"}, "198.51.100.1"},
		{"IPv6 with port", "[fd00::1]:1234", []string{"[2001:db8::9]:5555"}, "2001:db8::9"},
		{"IPv6 zone", "[fd00::1]:1234", []string{"fe80::1%eth0"}, "fe80::1"},
		{"mapped proxy", "[::ffff:10.0.0.1]:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		{"no address", "@", []string{"198.51.100.1"}, "invalid IP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, nil)
			var got string
			f.Handle("GET /x", web.Public, 0, func(w http.ResponseWriter, r *http.Request) error {
				got = web.ClientIP(r.Context()).String()
				return ok(w, r)
			})
			r := get("/x")
			r.RemoteAddr = c.remote
			for _, v := range c.forwarded {
				r.Header.Add("X-Forwarded-For", v)
			}
			f.do(r)
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if line := f.line(t); line["client_ip"] != c.want {
				t.Errorf("line says %v", line["client_ip"])
			}
		})
	}
}

func TestForwardedHeadersOfStrangersAreDropped(t *testing.T) {
	f := newFixture(t, nil)
	var seen http.Header
	var proxied bool
	f.Handle("GET /x", web.Public, 0, func(w http.ResponseWriter, r *http.Request) error {
		seen, proxied = r.Header.Clone(), web.FromTrustedProxy(r.Context())
		return ok(w, r)
	})
	always := []string{
		"X-Forwarded-For", "Forwarded", "X-Real-Ip", "X-Rewrite-Url", "X-Http-Method-Override", "X-Forwarded-User", "X-Forwarded-Anything",
		"X_forwarded_for", "X-Forwarded_uri", "X_real_ip", "Remote_user",
	}
	fromProxies := []string{"X-Forwarded-Uri", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Method", "X-Original-Url", "X-Original-Method"}
	send := func(remote string) {
		r := get("/x")
		r.RemoteAddr = remote
		for _, name := range append(append([]string{}, always...), fromProxies...) {
			r.Header[name] = []string{"198.51.100.1"}
		}
		r.Header.Set("Accept", "text/html")
		f.do(r)
	}
	send("203.0.113.9:1")
	if proxied || len(seen) != 1 || seen.Get("Accept") == "" {
		t.Errorf("a stranger's headers reached the handler: %v (trusted %v)", seen, proxied)
	}
	send("10.0.0.1:1")
	for _, name := range always {
		if _, ok := seen[name]; ok {
			t.Errorf("%s reached the handler", name)
		}
	}
	for _, name := range fromProxies {
		if seen.Get(name) == "" {
			t.Errorf("%s of a trusted proxy was dropped", name)
		}
	}
	if !proxied {
		t.Error("not seen as coming from a trusted proxy")
	}
	// Two values: one of them is not the proxy's.
	r := get("/x")
	r.RemoteAddr = "10.0.0.1:1"
	r.Header["X-Forwarded-Uri"] = []string{"/a", "/b"}
	f.do(r)
	if seen.Get("X-Forwarded-Uri") != "" {
		t.Error("one of two X-Forwarded-Uri was believed")
	}
}

func TestLogHoldsNoAddressOfAPage(t *testing.T) {
	f := newFixture(t, nil)
	f.Handle("GET /d/login/{domain}", web.Public, 0, func(w http.ResponseWriter, r *http.Request) error {
		web.Note(r.Context(), "domain", r.PathValue("domain"))
		web.Note(r.Context(), "domain", "dom_1")
		web.Note(r.Context(), "status", 999)
		web.Note(r.Context(), "long", strings.Repeat("é", 4000))
		return ok(w, r)
	})
	r := get("/d/login/mycompany.com?accessUrl=https://board.example.com/canary&code=canary")
	r.Header.Set("X-Request-Id", "chosen-outside")
	r.Header.Set("Cookie", "session=canary")
	r.Header.Set("Authorization", "Bearer canary")
	a := f.do(r)
	text := f.log.String()
	line := f.line(t)
	for _, secret := range []string{"canary", "mycompany.com", "board", "chosen-outside"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q: %s", secret, text)
		}
	}
	if a.Header.Get("X-Request-Id") == "chosen-outside" {
		t.Error("a request ID was taken from outside")
	}
	if line["domain"] != "dom_1" || line["status"] != 200.0 || line["event"] != "request" || line["method"] != "GET" || line["duration_ms"] != 0.0 {
		t.Errorf("line: %v", line)
	}
	if long, _ := line["long"].(string); len(long) > 256 || !strings.HasPrefix(long, "é") {
		t.Errorf("a note of %d bytes", len(long))
	}
	odd := get("/x")
	odd.Method = "CANARY"
	f.do(odd)
	if line := f.line(t); line["method"] != "OTHER" {
		t.Errorf("method %v", line["method"])
	}
}

func TestANoteIsMorePreciseThanThePage(t *testing.T) {
	f := newFixture(t, nil)
	f.Handle("GET /x", web.Public, 0, func(_ http.ResponseWriter, r *http.Request) error {
		web.Note(r.Context(), "code", "saml_replayed")
		web.Note(r.Context(), "ref", "R1")
		return &web.Error{Status: 403, Code: "login_refused", Ref: "R1", Err: http.ErrNoCookie}
	})
	a := f.do(get("/x"))
	line := f.line(t)
	if line["code"] != "saml_replayed" || line["page"] != "login_refused" || line["ref"] != "R1" || line["err"] != http.ErrNoCookie.Error() {
		t.Errorf("line: %v", line)
	}
	if text := body(t, a); strings.Contains(text, "replayed") || strings.Contains(text, "cookie") {
		t.Errorf("the page tells the reason: %s", text)
	}
}
