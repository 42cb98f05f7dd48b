package service_test

import (
	"net/http"
	"strings"
	"testing"
)

// What a trusted proxy passes on is the browser's word still: it names a place, and the place is judged.
func TestWayBack(t *testing.T) {
	long := "/" + strings.Repeat("a", 3000)
	cases := []struct {
		name, host, proto, uri string
		want                   string // accessUrl; "" is a plain 401
	}{
		{"plain", "board.example.com", "https", "/", "https://board.example.com/"},
		{"no scheme", "board.example.com", "", "/p", "https://board.example.com/p"},
		{"no path", "board.example.com", "https", "", "https://board.example.com"},
		{"default port", "board.example.com:443", "https", "/p", "https://board.example.com/p"},
		{"upper case", "BOARD.example.com", "https", "/P", "https://board.example.com/P"},
		{"wildcard", "a.apps.example.com", "https", "/", "https://a.apps.example.com/"},
		{"query", "board.example.com", "https", "/p?a=1&b=%20#c", "https://board.example.com/p?a=1&b=%20#c"},
		{"query with what no accessUrl may hold", "board.example.com", "https", "/p?q={a|b}", "https://board.example.com/"},
		{"line feed in the query", "board.example.com", "https", "/p?text=a%0D%0Ab", "https://board.example.com/"},
		{"too long", "board.example.com", "https", long, "https://board.example.com/"},

		{"unlisted host", "evil.example", "https", "/", ""},
		{"unlisted host, path with what none may hold", "evil.example", "https", "/{", ""},
		{"unlisted scheme", "board.example.com", "http", "/", ""},
		{"another scheme", "board.example.com", "javascript", "/", ""},
		{"web socket", "board.example.com", "wss", "/", ""},
		{"two schemes", "board.example.com", "https,http", "/", ""},
		{"scheme with a host", "board.example.com", "https://evil.example/?", "/", ""},
		{"port", "board.example.com:8443", "https", "/", ""},
		{"trailing dot", "board.example.com.", "https", "/", ""},
		{"suffix", "board.example.com.evil.example", "https", "/", ""},
		{"prefix", "evilboard.example.com", "https", "/", ""},
		{"user information", "board.example.com@evil.example", "https", "/", ""},
		{"user information in the path", "board.example.com", "https", "@evil.example/", ""},
		{"suffix in the path", "board.example.com", "https", ".evil.example/", ""},
		{"port in the path", "board.example.com", "https", ":8443/", ""},
		{"host with a path", "evil.example/board.example.com", "https", "/", ""},
		{"host with a query", "evil.example?board.example.com", "https", "/", ""},
		{"host with a backslash", `evil.example\board.example.com`, "https", "/", ""},
		{"two hosts", "board.example.com, evil.example", "https", "/", ""},
		{"absolute path", "board.example.com", "https", "https://evil.example/", ""},
		{"no host", "", "https", "/", ""},
		{"full-width", "ｂoard.example.com", "https", "/", ""},
	}
	g := newGate(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g.t = t
			headers := []string{"X-Forwarded-Uri", c.uri, "Sec-Fetch-Mode", "navigate"}
			if c.host != "" {
				headers = append(headers, "X-Forwarded-Host", c.host)
			}
			if c.proto != "" {
				headers = append(headers, "X-Forwarded-Proto", c.proto)
			}
			resp := g.ask(http.MethodGet, verify, proxyAddress, "", headers...)
			if c.want == "" {
				refused(t, resp)
				return
			}
			location(t, resp, "/login", c.want)
		})
	}
}

// A second value of a header means that somebody else than the proxy wrote one: neither counts.
func TestDoubledHeaders(t *testing.T) {
	g := newGate(t)
	refused(t, g.ask(http.MethodGet, verify, proxyAddress, "", "Sec-Fetch-Mode", "navigate",
		"X-Forwarded-Host", "board.example.com", "X-Forwarded-Host", "a.apps.example.com"))
	refused(t, g.ask(http.MethodGet, verify, proxyAddress, "", "Sec-Fetch-Mode", "navigate", "X_Forwarded_Host", "board.example.com"))
}

// The domain of the query is the operator's, but it must not lead out of the login either.
func TestDomainInTheQuery(t *testing.T) {
	g := newGate(t)
	page := []string{"X-Forwarded-Host", "board.example.com", "X-Forwarded-Uri", "/", "Sec-Fetch-Mode", "navigate"}
	for _, domain := range []string{"..", ".", "../logout/mycompany.com", "a%2Fb", "%252e%252e", `a\b`, "a%3Fb", "a%23b"} {
		refused(t, g.ask(http.MethodGet, verify+"?domain="+domain, proxyAddress, "", page...))
	}
	location(t, g.ask(http.MethodGet, verify+"?domain=", proxyAddress, "", page...), "/login", "https://board.example.com/")
}

// Envoy puts the browser's path behind ours and keeps the browser's method and Host.
func TestEnvoy(t *testing.T) {
	g := newGate(t)
	cookie := g.start(g.taro())
	const board = "https://board.example.com/auth/verify"
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		resp := g.ask(method, board+"/p/q?domain=other.example&jwt=1", proxyAddress, cookie)
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d: the query is the browser's and asks for nothing", method, resp.StatusCode)
		}
	}
	page := []string{"Sec-Fetch-Mode", "navigate", "X-Forwarded-Proto", "https"}
	location(t, g.ask(http.MethodGet, board+"/p%20a/q?x=1&y=%2F", proxyAddress, "", page...), "/login", "https://board.example.com/p%20a/q?x=1&y=%2F")
	location(t, g.ask(http.MethodGet, board+"/?domain=other.example", proxyAddress, "", page...), "/login", "https://board.example.com/?domain=other.example")
	refused(t, g.ask(http.MethodPost, board+"/p", proxyAddress, "", page...))
	refused(t, g.ask(http.MethodGet, board+"/p", proxyAddress, ""))
	refused(t, g.ask(http.MethodGet, board+"/p", strangerAddress, "", page...))
	refused(t, g.ask(http.MethodGet, "https://evil.example/auth/verify/p", proxyAddress, "", page...))
	if resp := g.ask(http.MethodGet, board+"//evil.example/", proxyAddress, "", page...); resp.StatusCode != http.StatusNotFound || resp.Header.Get("Location") != "" {
		t.Errorf("an unclean path: %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
}
