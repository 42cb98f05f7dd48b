package e2e_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/e2e"
	"github.com/ssogate/ssogate/e2e/servers"
)

const (
	auth  = "https://auth.example.com"
	board = "https://board.example.com"
)

// TestProxies runs the samples of deploy/ as they are, but for ports and certificates, before a service that knows nothing
// of sign-ins.
func TestProxies(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T, gateway, service string) (address string){
		"nginx": nginx, "caddy": caddy,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := e2e.NewNode(t, servers.FreePort(t), auth, "trusted_proxies: [127.0.0.1]", "session: {cookie_domain: example.com}")
			g.Apply("services: [{name: echo, access_hosts: [board.example.com]}]", nil)
			proxy := start(t, g.Listen, echo(t))
			newDomain(g)
			sp := e2e.ServiceProvider{EntityID: auth + "/saml/" + domain + "/metadata", ACS: auth + "/acs/" + domain}
			idp := e2e.SAMLIDP(t, sp)
			connectSAML(g, idp)
			b := e2e.NewBrowser(t, e2e.BrowserOptions{Hosts: map[string]string{
				"auth.example.com": proxy, "board.example.com": proxy,
			}})
			beforeAService(t, b, idp)
		})
	}
}

func beforeAService(t *testing.T, b *e2e.Browser, idp *e2e.SAMLProvider) {
	t.Helper()
	tab := b.Tab()
	tab.Open(board + "/page?with=query&and=more")
	tab.WaitForURL(idp.Base)
	tab.SignIn(idp.SignIn(user))
	tab.WaitForURL(board + "/page?with=query&and=more")
	if got := tab.Text("h1"); got != user {
		t.Errorf("the service sees %q", got)
	}

	spoofed := script(tab, board+"/", map[string]string{
		"X-Auth-Request-User": "evil", "X_Auth_Request_User": "evil", "X-Auth_Request-User": "evil",
		"X-Auth-Request-External-Key": "evil", "X-Auth-Request-Jwt": "evil", "X-Auth-Request-Groups": "evil", "X-Forwarded-Host": "evil.example",
	})
	if spoofed.Status != http.StatusOK || !strings.Contains(spoofed.Body, user) {
		t.Fatalf("the service does not know who it is any more: %+v", spoofed)
	}
	for _, bad := range []string{"evil", "ssogate_session"} {
		if strings.Contains(spoofed.Body, bad) {
			t.Errorf("%q came through to the service: %s", bad, spoofed.Body)
		}
	}

	out := b.Tab()
	out.Open(auth + "/d/logout/" + domain)
	out.Click("main button")
	out.WaitFor("main a.button")
	if got := script(tab, board+"/data", nil); got.Status != http.StatusUnauthorized {
		t.Errorf("a script of somebody who is not signed in: want 401, got %+v", got)
	}
	tab.Open(board + "/")
	tab.WaitForURL(idp.Base)
}

// script is a request that a script of the page makes.
func script(tab *e2e.Tab, address string, header map[string]string) (a e2e.Answer) {
	if header == nil {
		header = map[string]string{}
	}
	options, _ := json.Marshal(map[string]any{"headers": header, "redirect": "manual"})
	tab.Evaluate(fmt.Sprintf("fetch(%q, %s).then(async (r) => ({ status: r.status, body: await r.text() }))", address, options), &a)
	return a
}

// echo is the service: it shows every header that reached it.
func echo(t *testing.T) string {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all, err := json.MarshalIndent(r.Header, "", " ")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><title>Echo</title><h1>%s</h1><pre>%s</pre>",
			html.EscapeString(r.Header.Get("X-Auth-Request-User")), html.EscapeString(string(all)))
	}))
	t.Cleanup(service.Close)
	return strings.TrimPrefix(service.URL, "http://")
}

// sample reads a file of deploy/ and replaces, each of which must stand in it: old, new, old, new.
func sample(t *testing.T, name string, pairs ...string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(e2e.Root(), "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("deploy/%s no longer says %q", name, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

func nginx(t *testing.T, gateway, service string) string {
	t.Helper()
	dir, keys := t.TempDir(), e2e.NewKeys(t, "example.com")
	address := fmt.Sprintf("127.0.0.1:%d", servers.FreePort(t))
	http := "http {\n\taccess_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		http += "\t" + kind + "_temp_path " + filepath.Join(dir, kind) + ";\n"
	}
	conf := sample(t, "nginx.conf",
		"http {\n", http, "listen 443 ssl", "listen "+address+" ssl", "server 127.0.0.1:8080;", "server "+gateway+";",
		"server 127.0.0.1:3000;", "server "+service+";", "/etc/ssl/example.com.crt", save(t, dir, "crt", keys.Certificate),
		"/etc/ssl/private/example.com.key", save(t, dir, "key", keys.Key))
	settings := "daemon off; pid " + filepath.Join(dir, "pid") + ";"
	if os.Getuid() == 0 {
		settings += " user root;" // or its workers could not write into the test's folder
	}
	p := e2e.Start(t, dir, "nginx", "-p", dir, "-c", save(t, dir, "nginx.conf", []byte(conf)), "-e", "stderr", "-g", settings)
	p.WaitForPort(t, address)
	return address
}

func caddy(t *testing.T, gateway, service string) string {
	t.Helper()
	dir, keys := t.TempDir(), e2e.NewKeys(t, "example.com")
	port := servers.FreePort(t)
	certificate := "tls " + save(t, dir, "crt", keys.Certificate) + " " + save(t, dir, "key", keys.Key)
	conf := fmt.Sprintf("{\n\tadmin off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n\thttps_port %d\n\thttp_port %d\n}\n",
		port, servers.FreePort(t))
	conf += sample(t, "Caddyfile",
		"auth.example.com {\n", "auth.example.com {\n\t"+certificate+"\n", "board.example.com {\n", "board.example.com {\n\t"+certificate+"\n",
		"127.0.0.1:8080", gateway, "127.0.0.1:3000", service)
	p := e2e.Start(t, dir, "env", "HOME="+dir, "caddy", "run", "--adapter", "caddyfile", "--config", save(t, dir, "Caddyfile", []byte(conf)))
	address := fmt.Sprintf("127.0.0.1:%d", port)
	p.WaitForPort(t, address)
	return address
}

func save(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
