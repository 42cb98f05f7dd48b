package service_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/service"
)

// FuzzForwarded: whatever forwarded headers say, also those of a trusted proxy, a Location leads to our login and an accessUrl
// in it to a listed host, as Go and as a browser reads it.
func FuzzForwarded(f *testing.F) {
	for _, s := range [][5]string{
		{"board.example.com", "https", "/p?q=1", "GET", ""},
		{"evil.example", "https", "/", "GET", "mycompany.com"},
		{"board.example.com@evil.example", "https", "//evil.example/", "", ".."},
		{"board.example.com", "https://evil.example/", "@evil.example", "GET", "a/../../.."},
		{"board.example.com\r\nLocation: //evil.example", "", `/\evil.example`, "HEAD", "%2e%2e"},
		{"evil.example#.apps.example.com", "http", "/{", "GET", "x"},
		{`evil.example\.apps.example.com`, "https", "", "GET", "?"},
	} {
		f.Add(s[0], s[1], s[2], s[3], s[4], true)
		f.Add(s[0], s[1], s[2], s[3], s[4], false)
	}
	g := newGate(f)
	f.Fuzz(func(t *testing.T, host, proto, uri, method, domain string, trusted bool) {
		r := httptest.NewRequest(http.MethodGet, verify, nil)
		r.RemoteAddr = strangerAddress
		if trusted {
			r.RemoteAddr = proxyAddress
		}
		r.URL.RawQuery = url.Values{"domain": {domain}}.Encode()
		r.Header = http.Header{
			"X-Forwarded-Host": {host}, "X-Forwarded-Proto": {proto}, "X-Forwarded-Uri": {uri}, "X-Forwarded-Method": {method},
			"Sec-Fetch-Mode": {"navigate"},
		}
		w := httptest.NewRecorder()
		g.mux.ServeHTTP(w, r)
		answer := w.Result()
		if answer.StatusCode == http.StatusOK || answer.Header.Get(service.HeaderUser) != "" {
			t.Fatalf("let in: %d", answer.StatusCode)
		}
		to := answer.Header.Get("Location")
		if to == "" {
			return
		}
		if !trusted {
			t.Fatalf("a stranger's word became %q", to)
		}
		u, err := url.Parse(to)
		if err != nil || u.Scheme != "https" || u.Host != "auth.example.com" || u.User != nil {
			t.Fatalf("leads to %q", to)
		}
		if u.Path != "/login" && (!strings.HasPrefix(u.Path, "/d/login/") || strings.Count(u.Path, "/") != 3) {
			t.Fatalf("leads to %q, which is no login", to)
		}
		back, err := url.Parse(u.Query().Get("accessUrl"))
		if err != nil || back.Scheme != "https" || back.User != nil || strings.ContainsAny(back.String(), "\\ \t\r\n") {
			t.Fatalf("comes back to %q", back)
		}
		if back.Host != "board.example.com" && !strings.HasSuffix(back.Host, ".apps.example.com") {
			t.Fatalf("comes back to %q, which is not listed", back)
		}
	})
}
