package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/e2e"
)

// TestHostileRequestsCostLittle sends ten megabytes at a time to the real program, in every place where a request can be large,
// and reads from its own metrics what that cost: allocated bytes, not seconds, which are the machine's.
func TestHostileRequestsCostLittle(t *testing.T) {
	t.Parallel()
	g := e2e.NewGateway(t)
	newDomain(g)
	const large, times = 10 << 20, 5
	form := "Content-Type: application/x-www-form-urlencoded\r\n"
	announced, chunked := fmt.Sprintf("Content-Length: %d\r\n\r\n", large), "Transfer-Encoding: chunked\r\n\r\n"
	oneChunk := fmt.Sprintf("%x\r\n", large)
	for name, c := range map[string]struct{ head, body string }{
		"announced body":           {"POST /acs/mycompany.com HTTP/1.1\r\n" + form + announced, strings.Repeat("A", large)},
		"one chunk":                {"POST /acs/mycompany.com HTTP/1.1\r\n" + form + chunked, oneChunk + "SAMLResponse=" + strings.Repeat("A", large)},
		"chunk of one byte each":   {"POST /acs/mycompany.com HTTP/1.1\r\n" + form + chunked, strings.Repeat("1\r\nA\r\n", large/6)},
		"chunk extensions":         {"POST /acs/mycompany.com HTTP/1.1\r\n" + form + chunked, strings.Repeat("1;"+strings.Repeat("x", 1000)+"\r\nA\r\n", large/1000)},
		"a million fields":         {"POST /acs/mycompany.com HTTP/1.1\r\n" + form + chunked, oneChunk + strings.Repeat("a=b&c=d&", large/8)},
		"nothing but escapes":      {"POST /acs/mycompany.com HTTP/1.1\r\n" + form + chunked, oneChunk + "SAMLResponse=" + strings.Repeat("%41", large/3)},
		"trailers":                 {"POST /acs/mycompany.com HTTP/1.1\r\n" + form + "Trailer: X\r\n" + chunked, "0\r\n" + strings.Repeat("X: y\r\n", large/6)},
		"logout button":            {"POST /d/logout/mycompany.com HTTP/1.1\r\n" + form + chunked, oneChunk + strings.Repeat("a", large)},
		"body of a GET":            {"GET /login HTTP/1.1\r\n" + chunked, oneChunk + strings.Repeat("a", large)},
		"one header":               {"GET /login HTTP/1.1\r\n", "X: " + strings.Repeat("a", large)},
		"many headers":             {"GET /login HTTP/1.1\r\n", strings.Repeat("X: y\r\n", large/6)},
		"many cookies":             {"GET /login HTTP/1.1\r\n", "Cookie: " + strings.Repeat("a=b; ", large/5)},
		"path":                     {"GET /login/", strings.Repeat("a/../", large/5)},
		"query":                    {"GET /d/login/mycompany.com?", strings.Repeat("accessUrl=x&", large/12)},
		"languages":                {"GET /login HTTP/1.1\r\n", "Accept-Language: " + strings.Repeat("ja,", large/3)},
		"no request at all":        {"", strings.Repeat("\x16\x03\x01", large/3)},
		"nothing but line ends":    {"", strings.Repeat("\r\n", large/2)},
		"many languages that fit":  {"GET /login HTTP/1.1\r\n", "Accept-Language: " + strings.Repeat("ja,", 20000) + "\r\n\r\n"},
		"many cookies that fit":    {"GET /auth/verify HTTP/1.1\r\n", "Cookie: " + strings.Repeat("__Host-ssogate_session=b; ", 2400) + "\r\n\r\n"},
		"a long accessUrl":         {"GET /d/login/mycompany.com?accessUrl=https://" + strings.Repeat("a.", 30000) + " HTTP/1.1\r\n", "\r\n"},
		"slashes that fit":         {"GET " + strings.Repeat("/", 60000) + " HTTP/1.1\r\n", "\r\n"},
		"forwarded for, that fits": {"GET /login HTTP/1.1\r\n", "X-Forwarded-For: " + strings.Repeat("1.1.1.1,", 7500) + "\r\n\r\n"},
	} {
		before := allocated(t, g)
		for range times {
			flood(t, g, c.head, c.body)
		}
		each := (allocated(t, g) - before) / times
		if each > 2<<20 {
			t.Errorf("%s: %d bytes allocated for each request", name, each)
		}
		if a := raw(t, g.Listen, "GET /healthz HTTP/1.1\r\nHost: "+g.Listen+"\r\nConnection: close\r\n\r\n"); a.status != http.StatusOK {
			t.Fatalf("%s: unwell with %d", name, a.status)
		}
	}
}

// flood sends as much as is taken. A server that has seen enough closes: that is no fault.
func flood(t *testing.T, g *e2e.Gateway, head, body string) {
	t.Helper()
	c, err := net.Dial("tcp", g.Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second)) // ends what waits for more; decides nothing
	head = strings.Replace(head, " HTTP/1.1\r\n", " HTTP/1.1\r\nHost: "+g.Listen+"\r\nConnection: close\r\n", 1)
	go func() {
		io.WriteString(c, head+body)
		c.(*net.TCPConn).CloseWrite()
	}()
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err == nil {
		io.Copy(io.Discard, a.Body)
		a.Body.Close()
	}
}

var allocatedLine = regexp.MustCompile(`(?m)^go_memstats_alloc_bytes_total (\S+)$`)

// allocated is how many bytes the program has allocated since it began.
func allocated(t *testing.T, g *e2e.Gateway) int64 {
	t.Helper()
	a, err := http.Get(g.Operator + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := allocatedLine.FindSubmatch(text)
	if found == nil {
		t.Fatal("no go_memstats_alloc_bytes_total among the metrics")
	}
	total, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return int64(total)
}
