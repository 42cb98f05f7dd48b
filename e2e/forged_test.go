package e2e_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/e2e"
	"github.com/ssogate/ssogate/e2e/servers"
)

// forwarding are headers by which somebody in between would speak; each names a host or an address of the attacker.
var forwarding = []string{
	"X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http", "X-Forwarded-For: 192.0.2.66", "Forwarded: for=192.0.2.66;host=evil.example;proto=http",
	"X-Real-IP: 192.0.2.66", "X-Original-URL: https://evil.example/", "X-Rewrite-URL: /d/logout/mycompany.com", "X-Forwarded-Uri: //evil.example/",
	"X-Forwarded-Method: POST", "X-Forwarded-Port: 8443", "X-Forwarded-Server: evil.example", "X-Host: evil.example", "X-HTTP-Method-Override: DELETE",
	"X_Forwarded_Host: evil.example", "X-Forwarded_Host: evil.example", "X-Forwarded-Prefix: /evil.example", "Connection: X-Forwarded-For, Host",
	"X-Auth-Request-User: evil.example",
}

// TestForgedHostAndForwarding talks to the real program as a stranger who is no proxy. No answer and no line of the log may
// hold what was forged, whatever was asked.
func TestForgedHostAndForwarding(t *testing.T) {
	t.Parallel()
	g := e2e.NewNode(t, servers.FreePort(t), auth, "trusted_proxies: [192.0.2.0/24]")
	newDomain(g)
	paths := map[string]int{"/login": 200, "/d/login/mycompany.com": 0, "/d/login/mycompany.com?accessUrl=" + g.Service + "/": 0,
		"/saml/mycompany.com/metadata": 0, "/auth/verify": 401, "/d/logout/mycompany.com": 0, "/nothing": 404, "/healthz": 200}
	for path, want := range paths {
		plain := raw(t, g.Listen, "GET "+path+" HTTP/1.1\r\nHost: auth.example.com\r\nConnection: close\r\n\r\n")
		if want != 0 && plain.status != want || plain.status == http.StatusMisdirectedRequest {
			t.Errorf("%s: %d", path, plain.status)
		}
		for _, header := range append(forwarding, strings.Join(forwarding, "\r\n")) {
			forged := raw(t, g.Listen, "GET "+path+" HTTP/1.1\r\nHost: auth.example.com\r\n"+header+"\r\nConnection: close\r\n\r\n")
			if forged.status != plain.status || strings.Contains(forged.text, "evil.example") {
				t.Errorf("%s with %q: %d, without it %d\n%s", path, header, forged.status, plain.status, forged.text)
			}
		}
		for line, status := range map[string]int{
			"GET " + path + " HTTP/1.1\r\nHost: evil.example":                                       421,
			"GET " + path + " HTTP/1.1\r\nHost: auth.example.com.evil.example":                      421,
			"GET " + path + " HTTP/1.1\r\nHost: auth.example.com@evil.example":                      400,
			"GET " + path + " HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: auth.example.com": 421,
			"GET " + path + " HTTP/1.1\r\nHost: auth.example.com\r\nHost: evil.example":             400,
			"GET " + path + " HTTP/1.1\r\nHost: auth.example.com, evil.example":                     400,
			"GET " + path + " HTTP/1.1\r\nX: y":                                                     400,
			"GET " + path + " HTTP/1.0\r\nX: y":                                                     421,
			"GET " + path + " HTTP/1.1\r\nHost: auth.example.com:evil.example":                      421,
			"GET http://evil.example" + path + " HTTP/1.1\r\nHost: auth.example.com":                421,
		} {
			a := raw(t, g.Listen, line+"\r\nConnection: close\r\n\r\n")
			if a.status != status || strings.Contains(a.text, "evil.example") {
				t.Errorf("%q: %d, want %d\n%s", line, a.status, status, a.text)
			}
		}
	}
	g.Stop()
	lines := 0
	for line := range strings.Lines(g.Output()) {
		var l struct {
			Event string `json:"event"`
			IP    string `json:"client_ip"`
		}
		if json.Unmarshal([]byte(line), &l) != nil || l.Event != "request" {
			continue
		}
		lines++
		if l.IP != "127.0.0.1" || strings.Contains(line, "evil") || strings.Contains(line, "192.0.2.66") {
			t.Errorf("the log believed a stranger: %s", line)
		}
	}
	if lines < 100 {
		t.Errorf("the log tells of %d requests", lines)
	}
}

type rawAnswer struct {
	status int
	text   string // headers and body
}

// raw sends bytes as they are.
func raw(t *testing.T, address, request string) rawAnswer {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, request)
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	var text strings.Builder
	a.Header.Write(&text)
	text.Write(body)
	return rawAnswer{a.StatusCode, text.String()}
}
