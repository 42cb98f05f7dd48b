package deploy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificate makes one for this test's hosts.
func certificate(t *testing.T) (crt, key, both string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"*.example.com"}}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	a := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public})
	b := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	dir := t.TempDir()
	crt, key, both = filepath.Join(dir, "crt"), filepath.Join(dir, "key"), filepath.Join(dir, "both")
	must(t, os.WriteFile(crt, a, 0o600))
	must(t, os.WriteFile(key, b, 0o600))
	must(t, os.WriteFile(both, append(a, b...), 0o600))
	return crt, key, both
}

func (c *town) nginx(t *testing.T) (port string) {
	dir, port := t.TempDir(), freePort(t)
	crt, key, _ := certificate(t)
	temp := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp += kind + "_temp_path " + filepath.Join(dir, kind) + ";\n"
	}
	text := sample(t, "nginx.conf", "listen 443", "listen 127.0.0.1:"+port, "/etc/ssl/example.com.crt", crt,
		"/etc/ssl/private/example.com.key", key, "127.0.0.1:8080", c.ssogate, "127.0.0.1:3000", c.board,
		"http {\n", "http {\naccess_log off;\n"+temp, "worker_processes auto;", "worker_processes 1; daemon off;")
	file := filepath.Join(dir, "nginx.conf")
	must(t, os.WriteFile(file, []byte(text), 0o600))
	start(t, port, nil, "nginx", "-p", dir, "-e", "stderr", "-c", file, "-g", "error_log stderr; pid "+dir+"/pid;")
	return port
}

func (c *town) caddy(t *testing.T) (port string) {
	dir, port := t.TempDir(), freePort(t)
	crt, key, _ := certificate(t)
	secure := " {\n\tbind 127.0.0.1\n\ttls " + crt + " " + key + "\n"
	text := "{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + sample(t, "Caddyfile",
		"\nauth.example.com {\n", "\nhttps://auth.example.com:"+port+secure,
		"\nboard.example.com {\n", "\nhttps://board.example.com:"+port+secure,
		"127.0.0.1:8080", c.ssogate, "127.0.0.1:3000", c.board)
	file := filepath.Join(dir, "Caddyfile")
	must(t, os.WriteFile(file, []byte(text), 0o600))
	start(t, port, []string{"XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}, "caddy", "run", "--config", file, "--adapter", "caddyfile")
	return port
}

// ask sends a request for a host through the proxy and returns the answer and, when it came from the service, what it saw.
func (c *town) ask(t *testing.T, port, method, host, path string, header http.Header) (*http.Response, told) {
	t.Helper()
	r, err := http.NewRequest(method, "https://127.0.0.1:"+port+path, nil)
	must(t, err)
	r.Host = host
	for name, values := range header {
		r.Header[name] = values
	}
	transport := c.client.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = host
	defer transport.CloseIdleConnections()
	client := *c.client
	client.Transport = transport
	resp, err := client.Do(r)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	var seen told
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, &seen); err != nil {
			t.Fatalf("not the service's answer: %v: %.200s", err, body)
		}
	}
	return resp, seen
}

var page = http.Header{"Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}}

func with(base http.Header, more ...string) http.Header {
	h := base.Clone()
	if h == nil {
		h = http.Header{}
	}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = append(h[more[i]], more[i+1])
	}
	return h
}

func TestSamplesGuardAService(t *testing.T) {
	c := newTown(t)
	for name, run := range map[string]func(*testing.T) string{"nginx": c.nginx, "caddy": c.caddy} {
		t.Run(name, func(t *testing.T) {
			port := run(t)
			t.Run("nobody", func(t *testing.T) { c.nobody(t, port) })
			t.Run("script", func(t *testing.T) { c.script(t, port) })
			t.Run("member", func(t *testing.T) { c.member(t, port) })
			t.Run("forged", func(t *testing.T) { c.forged(t, port) })
			t.Run("cookies", func(t *testing.T) { c.cookies(t, port) })
			t.Run("login host", func(t *testing.T) { c.loginHost(t, port) })
		})
	}
}

// nobody is sent to the login with the exact way back.
func (c *town) nobody(t *testing.T, port string) {
	const path = "/topics/1%2F2?a=1&b=%26%23&c=http://x/?y"
	for _, header := range []http.Header{page, with(page, "Cookie", "__Secure-ssogate_session=dom_1.mem_1."+strings.Repeat("A", 43)),
		with(page, "X-Original-URL", "https://evil.example/"), with(page, "X-Forwarded-Host", "evil.example"),
		with(page, "X-Forwarded-Uri", "//evil.example/")} {
		resp, _ := c.ask(t, port, "GET", "board.example.com", path, header)
		to, err := url.Parse(resp.Header.Get("Location"))
		must(t, err)
		if resp.StatusCode != http.StatusSeeOther || to.Host != "auth.example.com" || to.Path != "/d/login/mycompany.com" {
			t.Fatalf("%v: %d to %s", header, resp.StatusCode, to)
		}
		back := to.Query().Get("accessUrl")
		if len(to.Query()) != 1 || !strings.HasPrefix(back, "https://board.example.com") || !strings.HasSuffix(back, path) {
			t.Errorf("%v: back to %q", header, back)
		}
	}
}

func (c *town) script(t *testing.T, port string) {
	for name, ask := range map[string]struct {
		method string
		header http.Header
	}{"fetch": {"GET", http.Header{"Sec-Fetch-Mode": {"cors"}, "Accept": {"text/html"}}}, "program": {"GET", nil}, "form": {"POST", page}} {
		resp, _ := c.ask(t, port, ask.method, "board.example.com", "/", ask.header)
		if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("Location") != "" {
			t.Errorf("%s: %d %v", name, resp.StatusCode, resp.Header)
		}
	}
}

func (c *town) member(t *testing.T, port string) {
	for _, method := range []string{"GET", "POST"} {
		resp, seen := c.ask(t, port, method, "board.example.com", "/a%2Fb?c=d", with(page, "Cookie", c.cookie))
		if resp.StatusCode != http.StatusOK || seen.Method != method || seen.URI != "/a%2Fb?c=d" {
			t.Fatalf("%s: %d, the service saw %+v", method, resp.StatusCode, seen)
		}
		for name, want := range map[string]string{"User": "taro@mycompany.com", "Email": "taro@mycompany.com", "Member": "mem_1",
			"Preferred-Username": "taro@mycompany.com", "Domain": "mycompany.com", "Name": "%E5%B1%B1%E7%94%B0 %E5%A4%AA%E9%83%8E"} {
			if got := seen.Header.Values("X-Auth-Request-" + name); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
}

// forged identity headers never reach the service, in no spelling: not even those that ssogate does not answer with.
func (c *town) forged(t *testing.T, port string) {
	header := with(page, "Cookie", c.cookie)
	for _, name := range []string{"X-Auth-Request-User", "x-auth-request-user", "X_Auth_Request_User", "X-Auth_Request-User",
		"X_AUTH-REQUEST_USER", "X-Auth-Request-Jwt", "X-Auth-Request-Groups", "X-Auth-Request-External-Key",
		"X_Auth_Request_External_Key"} {
		header[name] = []string{"admin"}
	}
	resp, seen := c.ask(t, port, "GET", "board.example.com", "/", header)
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	for name, values := range seen.Header {
		if strings.Contains(strings.Join(values, " "), "admin") {
			t.Errorf("%s: %q reached the service", name, values)
		}
	}
	if got := seen.Header.Get("X-Auth-Request-User"); got != "taro@mycompany.com" {
		t.Errorf("user %q", got)
	}
}

// cookies: the service gets its own, never the session's.
func (c *town) cookies(t *testing.T, port string) {
	for sent, want := range map[string]string{
		c.cookie:                          "",
		c.cookie + "; theme=dark":         "theme=dark",
		"a=1; " + c.cookie:                "a=1",
		"a=1; " + c.cookie + "; b=2":      "a=1; b=2",
		"a=1; x" + c.cookie[2:] + "; b=2": "", // not ours by its name, and nobody is signed in
	} {
		resp, seen := c.ask(t, port, "GET", "board.example.com", "/", with(page, "Cookie", sent))
		got := ""
		for _, part := range strings.Split(strings.Join(seen.Header.Values("Cookie"), "; "), ";") {
			if part = strings.TrimSpace(part); part != "" { // what was cut out may leave its separator
				got = strings.TrimPrefix(got+"; "+part, "; ")
			}
		}
		if got != want || want != "" && resp.StatusCode != http.StatusOK {
			t.Errorf("%q: %d, the service got %q, want %q", sent, resp.StatusCode, got, want)
		}
	}
	_, seen := c.ask(t, port, "GET", "board.example.com", "/", with(page, "Cookie", c.cookie+"; a=1; "+c.cookie))
	if got := seen.Header.Get("Cookie"); strings.Contains(got, "ssogate_session") {
		t.Errorf("sent twice: the service got %q", got)
	}
}

// loginHost is ssogate itself; a forged address does not make a redirect there.
func (c *town) loginHost(t *testing.T, port string) {
	resp, _ := c.ask(t, port, "GET", "auth.example.com", "/auth/verify", with(page, "X-Forwarded-Host", "evil.example", "X-Forwarded-Uri", "/"))
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
}

// When ssogate cannot know, nobody comes in.
func TestSamplesFailClosed(t *testing.T) {
	for name, run := range map[string]func(*town, *testing.T) string{"nginx": (*town).nginx, "caddy": (*town).caddy} {
		t.Run(name, func(t *testing.T) {
			c := newTown(t)
			port := run(c, t)
			must(t, c.state.Close())
			resp, _ := c.ask(t, port, "GET", "board.example.com", "/", with(page, "Cookie", c.cookie))
			if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
				t.Errorf("%d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
			}
		})
	}
}

func TestHAProxySampleSpreadsAndCleans(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	_, _, both := certificate(t)
	c := newTown(t)
	text := sample(t, "haproxy.cfg", "bind :443", "bind 127.0.0.1:"+port, "/etc/haproxy/auth.example.com.pem", both,
		"maxconn 20000", "maxconn 100", "10.0.0.11:8080", c.board, "10.0.0.12:8080", "127.0.0.1:1", "10.0.0.13:8080", serve(t, http.NotFoundHandler()))
	file := filepath.Join(dir, "haproxy.cfg")
	must(t, os.WriteFile(file, []byte(text), 0o600))
	start(t, port, nil, "haproxy", "-db", "-f", file)
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for good := 0; good < 20; { // until its checks have found the two nodes that are not ready, then always
		resp, seen := c.ask(t, port, "GET", "auth.example.com", "/d/login/mycompany.com?accessUrl=x", with(page, "Cookie", c.cookie,
			"X-Forwarded-For", "192.0.2.1", "X_Forwarded_For", "192.0.2.1", "Forwarded", "for=192.0.2.1", "X-Forwarded-Host", "evil",
			"X-Original-Url", "evil"))
		if resp.StatusCode == http.StatusOK {
			good++
			if got := seen.Header.Values("X-Forwarded-For"); len(got) != 1 || got[0] != "127.0.0.1" {
				t.Fatalf("X-Forwarded-For %q", got)
			}
			for _, name := range []string{"X_forwarded_for", "Forwarded", "X-Forwarded-Host", "X-Original-Url"} {
				if seen.Header.Values(name) != nil {
					t.Fatalf("%s reached the node", name)
				}
			}
			if seen.Header.Get("Cookie") != c.cookie {
				t.Fatal("the session cookie did not reach the node")
			}
			continue
		}
		good = 0
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("still %d", resp.StatusCode)
		}
	}
}
