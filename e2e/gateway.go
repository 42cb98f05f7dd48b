package e2e

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/e2e/servers"
)

// Gateway is the real program with a folder of its own, on 127.0.0.1, and one sample service that trusts it.
type Gateway struct {
	URL      string // "http://127.0.0.1:port"
	Operator string // the operator's listener
	Service  string // a page that shows who is signed in, or answers 401; its host is a listed access host
	Config   string // path of the configuration file
	Listen   string // "127.0.0.1:port"; the same as in URL unless this is one node of several
	dir      string
	t        testing.TB
	*Process
}

// NewGateway starts "ssogate serve". Further lines of configuration may be given; {dir} in them is the gateway's folder.
func NewGateway(t testing.TB, further ...string) *Gateway {
	t.Helper()
	port := servers.FreePort(t)
	return NewNode(t, port, fmt.Sprintf("http://127.0.0.1:%d", port), further...)
}

// NewNode is NewGateway for one node of several: it listens on the port and is known to browsers under another address.
func NewNode(t testing.TB, port int, publicURL string, further ...string) *Gateway {
	t.Helper()
	g := &Gateway{t: t, URL: publicURL, Listen: fmt.Sprintf("127.0.0.1:%d", port), dir: t.TempDir()}
	g.Service = sampleService(t, publicURL)
	operator := servers.FreePort(t)
	g.Operator = fmt.Sprintf("http://127.0.0.1:%d", operator)
	lines := append([]string{
		"public_url: " + publicURL,
		"listen: " + g.Listen,
		fmt.Sprintf("operator_listen: 127.0.0.1:%d", operator),
		"data_dir: {dir}/data",
		"outbound: {allow_networks: [127.0.0.0/8, '::1/128'], allow_http: true}",
		"services: [{name: board, access_hosts: ['" + g.Service + "']}]",
	}, further...)
	text := strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "{dir}", g.dir)
	g.Config = filepath.Join(g.dir, "ssogate.yaml")
	if err := os.WriteFile(g.Config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g.Process = Start(t, g.dir, binary(t), "serve", "--config", g.Config)
	g.WaitFor(t, g.Operator+"/readyz")
	return g
}

// binary builds the gateway.
func binary(t testing.TB) string {
	t.Helper()
	build(t, Root(), filepath.Join(Root(), "bin"), "./cmd/ssogate")
	return filepath.Join(Root(), "bin", "ssogate")
}

// Run runs a command of the operator and returns what it printed; the command must succeed.
func (g *Gateway) Run(args ...string) string {
	g.t.Helper()
	out, err := g.Try(args...)
	if err != nil {
		g.t.Fatalf("e2e: ssogate %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// Try is Run for a command that may fail.
func (g *Gateway) Try(args ...string) (string, error) {
	g.t.Helper()
	cmd := exec.Command(binary(g.t), append(args, "--config", g.Config)...)
	cmd.Dir = g.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Apply brings the directory to the state of a YAML text. {name} in it stands for the path of a file with that content.
func (g *Gateway) Apply(text string, files map[string][]byte) {
	g.t.Helper()
	for name, content := range files {
		text = strings.ReplaceAll(text, "{"+name+"}", writeFile(g.t, name, content))
	}
	g.Run("apply", "-f", writeFile(g.t, "domains.yaml", []byte(text)))
}

// ServiceProvider is what a SAML identity provider of the domain has to know. The domain must exist.
func (g *Gateway) ServiceProvider(domain string) ServiceProvider {
	g.t.Helper()
	metadata := fetch(g.t, g.URL+"/saml/"+domain+"/metadata")
	return ServiceProvider{EntityID: g.URL + "/saml/" + domain + "/metadata", ACS: g.URL + "/acs/" + domain, Metadata: metadata}
}

// Client is what an OpenID provider of the domain has to know.
func (g *Gateway) Client(domain string) OIDCClient {
	return OIDCClient{
		ID: "gateway", Secret: "a secret of thirty-two characters", RedirectURI: g.URL + "/oauth/" + domain + "/callback",
	}
}

// Login is the address by which people of a domain go to the sample service.
func (g *Gateway) Login(domain string) string { return g.LoginTo(domain, g.Service+"/") }

// LoginTo is Login for another place.
func (g *Gateway) LoginTo(domain, accessURL string) string {
	return g.URL + "/d/login/" + domain + "?" + url.Values{"accessUrl": {accessURL}}.Encode()
}

// Verify asks the gateway who is signed in with the browser's cookies: what services ask.
func (g *Gateway) Verify(b *Browser) Answer {
	b.t.Helper()
	return b.Fetch(http.MethodGet, g.URL+"/auth/verify", nil, nil)
}

// sampleService is an application that asks the gateway about every request and shows what it was told.
func sampleService(t testing.TB, gateway string) string {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, gateway+"/auth/verify", nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		ask.Header["Cookie"] = r.Header["Cookie"]
		told, err := http.DefaultClient.Do(ask)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer told.Body.Close()
		io.Copy(io.Discard, told.Body)
		var page bytes.Buffer
		fmt.Fprintf(&page, `<!doctype html><html lang="en"><title>Service</title><h1>%s</h1><p id="where">%s</p>`,
			html.EscapeString(told.Header.Get("X-Auth-Request-User")), html.EscapeString(r.URL.RequestURI()))
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(told.StatusCode)
		w.Write(page.Bytes())
	}))
	t.Cleanup(service.Close)
	return service.URL
}
