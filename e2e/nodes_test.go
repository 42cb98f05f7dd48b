package e2e_test

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/ssogate/ssogate/e2e"
	"github.com/ssogate/ssogate/e2e/servers"
)

// balancer sends requests to the nodes in turn, and asks the next one when a node does not answer at all.
type balancer struct {
	mu    sync.Mutex
	nodes []*httputil.ReverseProxy
	turn  int
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.turn++
	node := b.nodes[b.turn%len(b.nodes)]
	b.mu.Unlock()
	node.ServeHTTP(w, r)
}

func (b *balancer) add(address string) error {
	target, err := url.Parse(address)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nodes = append(b.nodes, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}})
	return nil
}

// drop takes the first node out of the turn.
func (b *balancer) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nodes = b.nodes[1:]
}

// TestTwoNodes is the installation of a product: PostgreSQL, Redis, two nodes behind a balancer that sends nobody twice to
// the same one.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	redis := servers.NewRedis(t)
	t.Cleanup(redis.Stop)
	key := make([]byte, 32)
	rand.Read(key)
	settings := []string{
		"database: {url: '" + servers.Postgres(t) + "'}",
		"redis: {mode: single, addresses: ['" + redis.Addr + "']}",
		"keys: {current: " + base64.StdEncoding.EncodeToString(key) + "}",
		"trusted_proxies: [127.0.0.1]",
	}
	nodes := &balancer{}
	front := httptest.NewServer(nodes)
	t.Cleanup(front.Close)
	var all []*e2e.Gateway
	for range 2 {
		port := servers.FreePort(t)
		g := e2e.NewNode(t, port, front.URL, settings...)
		if err := nodes.add("http://" + g.Listen); err != nil {
			t.Fatal(err)
		}
		all = append(all, g)
	}
	g := all[0]
	newDomain(g)
	idp := e2e.PySAML2(t, g.ServiceProvider(domain))
	connectSAML(g, idp)
	g.Apply("services: [{name: shared, access_hosts: ['"+all[0].Service+"', '"+all[1].Service+"']}]", nil) // each node's file names its own

	b := e2e.NewBrowser(t, e2e.BrowserOptions{})
	signIn(t, g, b, idp.SignIn(user), user)
	for _, node := range all {
		if out := node.Output(); !strings.Contains(out, `"route":"POST /acs/{domain}"`) && !strings.Contains(out, `"route":"GET /d/login/{domain}"`) {
			t.Errorf("a node took no part in the login:\n%s", out)
		}
	}
	for range 4 {
		if got := g.Verify(b); got.Status != http.StatusOK {
			t.Errorf("a node does not know the session: %+v", got)
		}
	}

	nodes.drop()
	g.Kill()
	if got := g.Verify(b); got.Status != http.StatusOK {
		t.Errorf("the session died with a node: %+v", got)
	}
	signIn(t, all[1], e2e.NewBrowser(t, e2e.BrowserOptions{}), idp.SignIn(other), other)

	redis.Stop()
	if got := g.Verify(b); got.Status != http.StatusServiceUnavailable || got.Header["retry-after"] == "" {
		t.Errorf("without Redis: want 503 and Retry-After, got %+v", got)
	}
	if got := b.Fetch(http.MethodGet, all[1].Login(domain), nil, nil); got.Status != http.StatusServiceUnavailable {
		t.Errorf("without Redis a login: want 503, got %+v", got)
	}
	redis.Start(t)
	eventually(t, "the gateway finds Redis again", func() bool { return g.Verify(b).Status == http.StatusUnauthorized })
	signIn(t, all[1], b, idp.SignIn(user), user)
}
