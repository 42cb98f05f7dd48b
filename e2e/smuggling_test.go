package e2e_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/e2e"
	"github.com/ssogate/ssogate/e2e/servers"
)

// smuggled is the request that hides in the body of another. Its route is asked for by nobody else in these tests.
const (
	smuggled      = "GET /d/logout/smuggled HTTP/1.1\r\nHost: auth.example.com\r\n\r\n"
	smuggledRoute = "GET /d/logout/{domain}"
)

// hidden is one message on which two readers could disagree about where a request ends.
type hidden struct {
	name string
	head string // header lines; {len} is the size of body: a reader who believes it sees one request
	body string
}

func chunk(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }

func hiddenRequests() []hidden {
	const length, chunked = "Content-Length: {len}\r\n", "Transfer-Encoding: chunked\r\n"
	afterEnd, inChunk := "0\r\n\r\n"+smuggled, chunk(smuggled)+"0\r\n\r\n"
	all := []hidden{
		{"CL.TE", length + chunked, afterEnd},
		{"TE.CL", "Content-Length: 4\r\n" + chunked, inChunk},
		{"TE.CL, the other order", chunked + "Content-Length: 4\r\n", inChunk},
		{"CL.0", "Content-Length: 0\r\n", smuggled},
		{"two lengths, the first larger", length + "Content-Length: 0\r\n", smuggled},
		{"two lengths, the second larger", "Content-Length: 0\r\n" + length, smuggled},
		{"two lengths in one", "Content-Length: 0, {len}\r\n", smuggled},
		{"same length twice", length + length, smuggled},
		{"length with a sign", "Content-Length: +{len}\r\n", smuggled},
		{"length below zero", "Content-Length: -1\r\n", smuggled},
		{"length in hexadecimal", "Content-Length: 0x10\r\n", smuggled},
		{"length with a space inside", "Content-Length: 0 {len}\r\n", smuggled},
		{"length with a space before the colon", "Content-Length : {len}\r\n", smuggled},
		{"length with an underscore", "Content_Length: 60\r\nContent-Length: 0\r\n", smuggled},
		{"length beyond 64 bits", "Content-Length: 18446744073709551616\r\n", smuggled},
		{"length folded", "Content-Length:\r\n {len}\r\n", smuggled},
		{"length folded behind another", "X: y\r\n Content-Length: 0\r\n" + length, smuggled},
		{"encoding folded behind another", length + "X: y\r\n " + chunked, afterEnd},
		{"two folded encodings", "Transfer-Encoding:\r\n chunked\r\n" + length, afterEnd},
		{"bare LF in a chunk size", chunked, "0\n\n" + smuggled},
		{"bare LF behind an extension", chunked, "1;a\nX" + fmt.Sprintf("%x", len(smuggled)) + "\r\n0\r\n\r\n" + smuggled},
		{"bare LF behind a chunk", chunked, "1\r\nX\n0\r\n\r\n" + smuggled},
		{"bare CR in a chunk size", chunked, "0\r\r" + smuggled},
		{"chunk extension", chunked, "1;x=\"0\r\n\r\n" + smuggled + "\"\r\nX\r\n0\r\n\r\n"},
		{"chunk extension without end", chunked, "1;" + strings.Repeat("x", 20000) + "\r\nX\r\n0\r\n\r\n"},
		{"chunk size with a prefix", chunked, "0x0\r\n\r\n" + smuggled},
		{"chunk size with a sign", chunked, "+0\r\n\r\n" + smuggled},
		{"chunk size below zero", chunked, "-1\r\n\r\n" + smuggled},
		{"chunk size beyond 64 bits", chunked, "10000000000000000\r\n\r\n" + smuggled},
		{"chunk size with spaces", chunked, "0  \r\n\r\n" + smuggled},
		{"trailer that sets the length", chunked, "0\r\nContent-Length: 5\r\n\r\n" + smuggled},
		{"upgrade to h2c", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n" + length, smuggled},
		{"upgrade to a websocket", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", smuggled},
		{"connection names the length", "Connection: Content-Length\r\n" + length, smuggled},
		{"expectation", "Expect: 100-continue\r\n" + length, smuggled},
		{"header without a name", ": x\r\n" + length, smuggled},
		{"null in a header", "X: a\x00b\r\n" + length, smuggled},
		{"bare CR in a header", "X: a\rContent-Length: 0\r\n" + length, smuggled},
		{"bare LF in a header", "X: a\n" + length, smuggled},
	}
	for _, value := range []string{"\tchunked", "chunked\t", "\x0bchunked", "\x0cchunked", "xchunked", "x chunked", "\"chunked\"", "chunked, identity", "identity, chunked",
		"chunked, chunked", "chunked;q=1", "CHUNKED", "cow", "", "chunked\r\nTransfer-Encoding: cow", "cow\r\nTransfer-Encoding: chunked"} {
		name := fmt.Sprintf("TE.TE %q", value)
		all = append(all, hidden{name, "Transfer-Encoding:" + value + "\r\n" + length, afterEnd}, hidden{name + " alone", "Transfer-Encoding:" + value + "\r\n", afterEnd})
	}
	for _, name := range []string{"Transfer-Encoding ", "Transfer-Encoding\t", " Transfer-Encoding", "X: y\nTransfer-Encoding", "Transfer_Encoding", "Transfer-Encodin\xc3\xa7"} {
		all = append(all, hidden{fmt.Sprintf("name %q", name), name + ": chunked\r\n" + length, afterEnd})
	}
	return all
}

func (h hidden) message() string {
	head := strings.ReplaceAll(h.head, "{len}", fmt.Sprint(len(h.body)))
	return "POST /acs/mycompany.com HTTP/1.1\r\nHost: auth.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n" + head + "\r\n" + h.body
}

// TestSmuggling sends what is hidden through the samples for nginx and HAProxy to the real program, and right after each asks
// for a page as somebody else, over the connections that the proxy keeps. What is hidden must not be seen as a request of its
// own that nobody asked for, and nobody may get an answer to it but who sent it. 400 is good, one request is good.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T, gateway, service string) (address string){"nginx": nginx, "haproxy": haproxy} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := e2e.NewNode(t, servers.FreePort(t), auth, "trusted_proxies: [127.0.0.1]", "session: {cookie_domain: example.com}")
			proxy := start(t, g.Listen, echo(t))
			answered := make(chan []string, len(hiddenRequests()))
			t.Run("hidden", func(t *testing.T) {
				for _, h := range hiddenRequests() {
					t.Run(h.name, func(t *testing.T) {
						t.Parallel()
						answered <- smuggle(t, proxy, h)
						for range 3 {
							victim(t, proxy)
						}
					})
				}
			})
			close(answered)
			var asked []string
			for ids := range answered {
				asked = append(asked, ids...)
			}
			seen := routesByID(t, g.Output())
			for id, route := range seen {
				if route == smuggledRoute && !slices.Contains(asked, id) {
					t.Errorf("the gateway answered a request that nobody asked for: %s", id)
				}
			}
			if len(seen) < 3*len(hiddenRequests()) {
				t.Errorf("the log tells of %d requests: it cannot be what was asked", len(seen))
			}
		})
	}
}

// smuggle sends one message and returns the IDs of the gateway's requests it was answered with.
func smuggle(t *testing.T, proxy string, h hidden) []string {
	t.Helper()
	c := dialProxy(t, proxy)
	defer c.Close()
	if _, err := io.WriteString(c, h.message()); err != nil {
		return nil // refused before it was read
	}
	// Some wait for the rest of a body that never comes: this ends the wait, and decides nothing.
	c.SetReadDeadline(time.Now().Add(3 * time.Second))
	var ids []string
	r := bufio.NewReader(c)
	for {
		a, err := http.ReadResponse(r, nil)
		if err != nil {
			break
		}
		io.Copy(io.Discard, a.Body)
		a.Body.Close()
		if a.StatusCode == http.StatusSwitchingProtocols || a.StatusCode == http.StatusOK {
			t.Errorf("answered with %d", a.StatusCode)
		}
		if id := a.Header.Get("X-Request-Id"); id != "" {
			ids = append(ids, id)
		}
		if a.StatusCode == http.StatusContinue {
			continue
		}
		if a.Close {
			break
		}
	}
	// Two are only right where every reader sees two, one after the other, as senders may write them.
	if len(ids) > 2 || len(ids) == 2 && strings.Contains(h.head, "{len}") {
		t.Errorf("the gateway saw %d requests", len(ids))
	}
	return ids
}

// victim is somebody else, who gets the page that was asked for.
func victim(t *testing.T, proxy string) {
	t.Helper()
	c := dialProxy(t, proxy)
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, "GET /login HTTP/1.1\r\nHost: auth.example.com\r\nConnection: close\r\n\r\n")
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Error(err)
		return
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK || !bytes.Contains(body, []byte("<form")) {
		t.Errorf("somebody else got %d %.100s, %v", a.StatusCode, body, err)
	}
}

func dialProxy(t *testing.T, proxy string) net.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", proxy, &tls.Config{InsecureSkipVerify: true, ServerName: "auth.example.com", NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// routesByID reads the lines of requests in a log.
func routesByID(t *testing.T, log string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for line := range strings.Lines(log) {
		var l struct {
			Event string `json:"event"`
			ID    string `json:"request_id"`
			Route string `json:"route"`
		}
		if json.Unmarshal([]byte(line), &l) == nil && l.Event == "request" && l.ID != "" {
			all[l.ID] = l.Route
		}
	}
	return all
}

func haproxy(t *testing.T, gateway, _ string) string {
	t.Helper()
	dir, keys := t.TempDir(), e2e.NewKeys(t, "example.com")
	address := fmt.Sprintf("127.0.0.1:%d", servers.FreePort(t))
	pem := save(t, dir, "pem", append(slices.Clone(keys.Certificate), keys.Key...))
	conf := sample(t, "haproxy.cfg", "bind :443", "bind "+address, "/etc/haproxy/auth.example.com.pem", pem, "maxconn 20000", "maxconn 500",
		"10.0.0.11:8080", gateway, "10.0.0.12:8080", gateway, "10.0.0.13:8080", gateway)
	p := e2e.Start(t, dir, "haproxy", "-db", "-f", save(t, dir, filepath.Base("haproxy.cfg"), []byte(conf)))
	p.WaitForPort(t, address)
	return address
}
