package chaos_test

import (
	"crypto/rand"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ssogate/ssogate/e2e"
	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/testidp"
)

var form = flag.String("chaos", "short", "short, or full: minutes long, judges times and writes docs/chaos.md")

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

const (
	host        = "127.0.0.1" // under which browsers know the gateway
	samlDomain  = "saml.example"
	worksDomain = "works.example"
	secret      = "a secret of thirty-two characters"
	sessionName = "__Host-ssogate_session"
	loginName   = "__Host-ssogate_login"
	inhabitants = 24 // of each domain
)

var keys = sync.OnceValue(testidp.NewKeys)

// town is an installation of three nodes. t is the test that looks at it now.
type town struct {
	t        *testing.T
	full     bool
	url      string // public: the HAProxy
	nodes    []*e2e.Gateway
	balancer *balancer
	redis    *servers.Process // nil under sentinels
	wire     *wire            // before redis
	database string
	idp      *testidp.Provider
	landing  string
	direct   *http.Transport
	history  *history
}

// newTown opens everything over one Redis.
func newTown(t *testing.T, name string) *town {
	t.Helper()
	w := foundTown(t, name)
	w.redis = servers.NewRedis(t, "--appendonly", "yes", "--appendfsync", "everysec", "--dir", t.TempDir(),
		"--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024")
	t.Cleanup(w.redis.Stop)
	w.wire = newWire(t, w.redis.Addr, nil)
	w.open("redis: {mode: single, addresses: ['" + w.wire.Addr + "']}")
	return w
}

// foundTown makes what does not depend on Redis.
func foundTown(t *testing.T, name string) *town {
	t.Helper()
	w := &town{t: t, full: *form == "full", history: newHistory(name), direct: &http.Transport{MaxIdleConnsPerHost: 64}}
	t.Cleanup(w.direct.CloseIdleConnections)
	w.database = servers.Postgres(t)
	landing := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, "landed") }))
	t.Cleanup(landing.Close)
	w.landing = landing.URL + "/"
	w.idp = provider(t)
	return w
}

// provider is an identity provider that knows everybody.
func provider(t *testing.T) *testidp.Provider {
	t.Helper()
	p, err := testidp.Start(testidp.Options{Keys: keys()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	for i := range inhabitants {
		p.AddPerson(testidp.Person{Login: person(i)})
	}
	return p
}

func person(i int) string { return fmt.Sprintf("p%d", i%inhabitants) }

// open starts the nodes over a Redis, the balancer before them, and settles two domains.
func (w *town) open(redis string) {
	w.t.Helper()
	w.balancer = newBalancer(w.t, w.full)
	w.url = w.balancer.url
	key := make([]byte, 32)
	rand.Read(key)
	settings := []string{
		"database: {url: '" + w.database + "'}", redis,
		"keys: {current: " + base64.StdEncoding.EncodeToString(key) + "}",
		"trusted_proxies: [127.0.0.1]",
		"log: {level: error}",
		"limits: {logins_per_address: 0, logins_per_domain: 0, answers_per_address: 0, drain_wait: " + w.balancer.notices.String() + "}",
	}
	for _, port := range w.balancer.ports {
		w.nodes = append(w.nodes, e2e.NewNode(w.t, port, w.url, settings...))
	}
	w.balancer.start(w.t)
	w.settle(samlDomain, w.saml(samlDomain, w.idp))
	w.settle(worksDomain, w.works(worksDomain, w.idp))
	w.eventually("every node is in the balancer's turn", func() bool { return w.balancer.up(w.t) == len(w.nodes) })
	w.t.Cleanup(w.nobodyPanicked)
}

// inside is the town as a part of the test sees it.
func (w *town) inside(t *testing.T) *town {
	other := *w
	other.t = t
	return &other
}

// settle brings a domain with all its people into being.
func (w *town) settle(name, connection string) {
	w.t.Helper()
	text := "services: [{name: landing, access_hosts: ['" + strings.TrimSuffix(w.landing, "/") + "']}]\ndomains:\n" +
		"  - name: " + name + "\n    user_key: external_key\n    sso: true\n    connection: " + connection + "\n    members:\n"
	for i := range inhabitants {
		text += "      - {account: " + person(i) + "@" + name + ", external_key: " + person(i) + ", family_name: Yamada, given_name: " + person(i) + "}\n"
	}
	w.nodes[0].Apply(text, nil)
}

// saml is a connection to the provider, which learns about us.
func (w *town) saml(name string, p *testidp.Provider, more ...string) string {
	w.t.Helper()
	err := p.AddServiceProvider(testidp.SAMLClient{EntityID: w.url + "/saml/" + name + "/metadata", ACS: []string{w.url + "/acs/" + name}})
	if err != nil {
		w.t.Fatal(err)
	}
	metadata := filepath.Join(w.t.TempDir(), "idp.xml")
	if err := os.WriteFile(metadata, p.Metadata(), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return "{type: saml, saml: {" + strings.Join(append(more, "metadata_file: '"+metadata+"'"), ", ") + "}}"
}

// works is a connection by the works contract.
func (w *town) works(name string, p *testidp.Provider) string {
	return w.worksAt(name, p, p.URL("/works/token"))
}

// worksAt is works with another address for tokens.
func (w *town) worksAt(name string, p *testidp.Provider, token string) string {
	w.t.Helper()
	c := testidp.OAuthClient{ID: name, Secret: secret, Profile: testidp.ProfileWorks, RedirectURIs: []string{w.url + "/oauth/" + name + "/callback"}}
	if err := p.AddClient(c); err != nil {
		w.t.Fatal(err)
	}
	return "{type: oauth, oauth: {profile: works, client_id: " + name + ", client_secret: " + secret + ", auth_url: '" + p.URL("/works/login") +
		"', token_url: '" + token + "', user_info_url: '" + p.URL("/works/userinfo") + "'}}"
}

// nobodyPanicked reads what the nodes have said.
func (w *town) nobodyPanicked() {
	for i, n := range w.nodes {
		if out := n.Output(); strings.Contains(out, "panic") || strings.Contains(out, "DATA RACE") {
			w.t.Errorf("node %d panicked:\n%s", i+1, out)
		}
	}
}

// eventually waits for something and says how long it took.
func (w *town) eventually(what string, holds func() bool) time.Duration {
	w.t.Helper()
	start, tick := time.Now(), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	limit := time.After(40 * time.Second)
	for !holds() {
		select {
		case <-limit:
			w.t.Fatalf("it never came about that %s", what)
		case <-tick.C:
		}
	}
	return time.Since(start)
}

// pick is a number for the short form or the full one.
func pick[T any](w *town, short, full T) T {
	if w.full {
		return full
	}
	return short
}
