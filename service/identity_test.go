package service_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/service"
)

// Identity headers arrive over a real connection as they were meant: decoded, each value is what the session says.
func TestHeadersOverTheWire(t *testing.T) {
	g := newGate(t)
	server := httptest.NewServer(g.mux)
	defer server.Close()
	transport := &http.Transport{Dial: func(_, _ string) (net.Conn, error) { return net.Dial("tcp", server.Listener.Addr().String()) }}
	defer transport.CloseIdleConnections()
	for _, name := range []string{
		"Taro Yamada", "山田 太郎", "김하나", "100%", "%41", "a%0D%0Ab", "a\r\nX-Auth-Request-User: root", "a\nb", "a\x00b", "\x7f", " blank ", " ",
		"a  b", "\u0085", "é", "e\u0301", "", strings.Repeat("太", 100), `"quoted", a;b`,
	} {
		rec := g.taro()
		rec.Name, rec.ExternalKey, rec.Account = name, "key "+name, name+"@mycompany.com"
		req, err := http.NewRequest(http.MethodGet, "http://auth.example.com/auth/verify", nil)
		must(t, err)
		req.Header.Set("Cookie", cookieName+"="+g.start(rec))
		resp, err := transport.RoundTrip(req)
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%q: %d", name, resp.StatusCode)
		}
		want := map[string]string{
			service.HeaderUser: rec.Account, service.HeaderEmail: rec.Account, service.HeaderPreferred: rec.Account, service.HeaderName: rec.Name,
			service.HeaderMember: "mem_taro", service.HeaderDomain: "mycompany.com", service.HeaderExternalKey: rec.ExternalKey,
			service.HeaderExpires: rec.Expires.Format(time.RFC3339),
		}
		for header, value := range want {
			got := resp.Header[header]
			if len(got) != 1 {
				t.Fatalf("%q: %s is there %d times", name, header, len(got))
			}
			if strings.ContainsFunc(got[0], func(c rune) bool { return c < ' ' || c > '~' }) {
				t.Errorf("%q: %s is not printable ASCII: %q", name, header, got[0])
			}
			if decoded, err := url.PathUnescape(got[0]); err != nil || decoded != value {
				t.Errorf("%s is %q, decoded %q (%v), want %q", header, got[0], decoded, err, value)
			}
		}
		for header := range resp.Header {
			if _, ours := want[header]; strings.HasPrefix(header, "X-Auth-Request-") && !ours {
				t.Errorf("%q: unexpected %s", name, header)
			}
		}
	}
}

// What there is none of has no header, so that a service cannot take emptiness for a key.
func TestNoExternalKey(t *testing.T) {
	g := newGate(t)
	rec := g.taro()
	rec.ExternalKey = ""
	resp := g.ask(http.MethodGet, verify, proxyAddress, g.start(rec))
	if _, there := resp.Header[service.HeaderExternalKey]; there || resp.StatusCode != http.StatusOK {
		t.Errorf("%d, %s there: %v", resp.StatusCode, service.HeaderExternalKey, there)
	}
	if _, there := resp.Header[service.HeaderJWT]; there {
		t.Error("a signed header nobody asked for")
	}
}

// What the browser says under our names is not an answer.
func TestForgedIdentityIsNotEchoed(t *testing.T) {
	g := newGate(t)
	for _, from := range []string{proxyAddress, strangerAddress} {
		refused(t, g.ask(http.MethodGet, verify, from, "", service.HeaderUser, "root", service.HeaderMember, "mem_root"))
		resp := g.ask(http.MethodGet, verify, from, g.start(g.taro()), service.HeaderUser, "root", "X_Auth_Request_Member", "mem_root")
		if got := resp.Header.Get(service.HeaderUser); got != "taro@mycompany.com" {
			t.Errorf("user %q", got)
		}
	}
}
