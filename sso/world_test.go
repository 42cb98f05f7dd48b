package sso_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/credential"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/outbound"
	"github.com/ssogate/ssogate/service"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/sso"
	"github.com/ssogate/ssogate/store"
	"github.com/ssogate/ssogate/testidp"
	"github.com/ssogate/ssogate/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// idpKeys are shared by every provider of the tests: making RSA keys takes a while.
var idpKeys = sync.OnceValue(testidp.NewKeys)

// clock is the time of a world; tests move it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time          { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
func (c *clock) Advance(d time.Duration) { c.mu.Lock(); c.now = c.now.Add(d); c.mu.Unlock() }

// world is a whole gateway with an identity provider beside it, in one process.
type world struct {
	t        *testing.T
	clock    *clock
	idp      *testidp.Provider
	dir      *directory.Directory
	store    *store.Store
	database *silent // what the gateway reaches the store through
	state    *switchable
	sessions *session.Manager
	binding  session.Binding
	folder   string // of the files
	attempts *audit.Recorder
	gateway  *sso.Gateway
	mux      *web.Mux
	url      string
	log      *syncBuffer
}

// syncBuffer is the log of a world.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}
func (s *syncBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

func newWorld(t *testing.T, change ...func(*sso.Options)) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Now().UTC().Truncate(time.Second)}, log: &syncBuffer{}}
	log := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dir := t.TempDir()
	w.folder = dir
	key := make([]byte, 32)
	rand.Read(key)
	box, err := credential.NewBox(base64.StdEncoding.EncodeToString(key))
	must(t, err)
	w.store, err = store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "directory.db"), box, store.Options{QueryTimeout: 10 * time.Second})
	must(t, err)
	state, err := session.OpenEmbedded(filepath.Join(dir, "state.db"), w.clock.Now)
	must(t, err)
	w.state = &switchable{State: state}
	w.idp, err = testidp.Start(testidp.Options{Keys: idpKeys(), Now: w.clock.Now})
	must(t, err)
	w.database = &silent{Store: w.store}
	w.dir = &directory.Directory{Store: w.database, Audit: w.store, Now: w.clock.Now}
	w.sessions = session.NewManager(session.Options{State: w.state, Prefix: "test", Log: log, Now: w.clock.Now})
	w.dir.EndSessions = func(ctx context.Context, r directory.Revocation) error {
		return w.sessions.RaiseGeneration(ctx, r.DomainID, r.MemberID, r.Generation)
	}
	w.attempts = audit.NewRecorder(audit.RecorderOptions{Trace: w.store, Now: w.clock.Now})
	out, err := outbound.New(outbound.Options{
		AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, AllowHTTP: true, Now: w.clock.Now,
	})
	must(t, err)
	server := httptest.NewUnstartedServer(nil)
	w.url = "http://" + server.Listener.Addr().String()
	public, _ := url.Parse(w.url)
	o := sso.Options{
		PublicURL: public, ProviderName: "ssogate", Directory: w.dir, State: w.state, Prefix: "test", Sessions: w.sessions,
		Outbound: out, Attempts: w.attempts, Metrics: prometheus.NewRegistry(), Log: log, Now: w.clock.Now,
		Services: []directory.Service{{Name: "board", AccessHosts: []string{"board.example.com", w.url}}},
		Absolute: 24 * time.Hour, AppAbsolute: 720 * time.Hour, Idle: 8 * time.Hour, LoginWindow: 30 * time.Minute, MetadataValid: 168 * time.Hour,
	}
	for _, do := range change {
		do(&o)
	}
	w.gateway = sso.New(o)
	w.mux = web.NewMux(web.Options{PublicURL: public, Log: log, Now: w.clock.Now})
	w.gateway.Routes(w.mux)
	service.New(service.Options{PublicURL: public, Sessions: w.sessions, Judge: w.gateway.Judge, Log: log}).Routes(w.mux)
	w.mux.Handle("GET /landed", web.Public, 0, func(rw http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(rw, "landed")
		return err
	})
	server.Config.Handler = w.mux
	server.Start()
	t.Cleanup(func() {
		server.Close()
		w.idp.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		w.attempts.Close(ctx)
		state.Close()
		w.store.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	w.people()
	return w
}

func (w *world) people() {
	for _, p := range []testidp.Person{
		{Login: "taro", Subject: "emp-1001", Email: "taro@%s", FamilyName: "Yamada", GivenName: "Taro"},
		{Login: "hanako", Subject: "emp-1002", Email: "hanako@%s"},
		{Login: "stranger", Subject: "emp-9999", Email: "stranger@%s"},
	} {
		w.idp.AddPerson(p)
	}
}

// domain adds a domain with Taro (emp-1001) and Hanako (emp-1002) and makes the connection live.
func (w *world) domain(name string, c directory.Connection, change ...func(*directory.Domain)) directory.Domain {
	w.t.Helper()
	d := directory.Domain{Name: name, SSO: true, UserKey: directory.ByExternalKey}
	for _, do := range change {
		do(&d)
	}
	d, err := w.dir.AddDomain(w.t.Context(), "test", d)
	must(w.t, err)
	c, err = w.dir.SaveDraft(w.t.Context(), "test", d.ID, c)
	must(w.t, err)
	must(w.t, w.dir.Activate(w.t.Context(), "test", d.ID, c.Revision))
	for account, key := range map[string]string{"taro": "emp-1001", "hanako": "emp-1002"} {
		_, err := w.dir.AddMember(w.t.Context(), "test", directory.Member{
			DomainID: d.ID, Account: account + "@" + name, ExternalKey: key, FamilyName: "Yamada", GivenName: account,
		})
		must(w.t, err)
	}
	return d
}

// saml is a connection to the world's provider, which learns about the domain's service provider.
func (w *world) saml(name string, change ...func(*directory.SAMLSettings)) directory.Connection {
	w.idp.AddServiceProvider(testidp.SAMLClient{EntityID: w.url + "/saml/" + name + "/metadata", ACS: []string{w.url + "/acs/" + name}})
	s := &directory.SAMLSettings{
		EntityID: w.idp.URL("/saml/metadata"), SSOURL: w.idp.URL("/saml/sso"), Binding: directory.BindingRedirect,
		Certificates: []string{w.idp.Keys().PEM(testidp.KeyRSA)},
	}
	for _, do := range change {
		do(s)
	}
	return directory.Connection{Type: directory.SAML, SAML: s}
}

// serveText serves one document on loopback and returns its address.
func serveText(t *testing.T, text string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }))
	t.Cleanup(server.Close)
	return server.URL + "/metadata"
}

// body is one of a request.
func body(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
