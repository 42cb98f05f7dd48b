package chaos_test

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
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time       { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
func (c *clock) move(d time.Duration) { c.mu.Lock(); c.now = c.now.Add(d); c.mu.Unlock() }

// world is one gateway in this process, whose clock can be moved; the provider has a clock of its own, and its documents pass a
// hand that can hold them back or choose their keys.
type world struct {
	t          *testing.T
	ours, idps *clock
	idp        *testidp.Provider
	dir        *directory.Directory
	store      *store.Store
	gateway    *sso.Gateway
	attempts   *audit.Recorder
	metrics    *prometheus.Registry
	url        string

	mu        sync.Mutex
	published []string // keys that the provider's documents name; nil is all
	silent    bool     // the provider's documents are not to be had
}

func newWorld(t *testing.T) *world {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	w := &world{t: t, ours: &clock{now: now}, idps: &clock{now: now}, metrics: prometheus.NewRegistry()}
	w.openProvider()
	folder, log := t.TempDir(), slog.New(slog.DiscardHandler)
	key := make([]byte, 32)
	rand.Read(key)
	box, err := credential.NewBox(base64.StdEncoding.EncodeToString(key))
	w.must(err)
	w.store, err = store.Open(t.Context(), "sqlite:"+filepath.Join(folder, "directory.db"), box, store.Options{QueryTimeout: 10 * time.Second})
	w.must(err)
	state, err := session.OpenEmbedded(filepath.Join(folder, "state.db"), w.ours.Now)
	w.must(err)
	w.dir = &directory.Directory{Store: w.store, Audit: w.store, Now: w.ours.Now}
	sessions := session.NewManager(session.Options{State: state, Log: log, Now: w.ours.Now})
	w.attempts = audit.NewRecorder(audit.RecorderOptions{Trace: w.store, Now: w.ours.Now})
	out, err := outbound.New(outbound.Options{AllowHTTP: true, Now: w.ours.Now,
		AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}})
	w.must(err)
	server := httptest.NewUnstartedServer(nil)
	w.url = "http://" + server.Listener.Addr().String()
	public, err := url.Parse(w.url)
	w.must(err)
	w.gateway = sso.New(sso.Options{
		PublicURL: public, Directory: w.dir, State: state, Sessions: sessions, Outbound: out, Attempts: w.attempts, Metrics: w.metrics,
		Log: log, Now: w.ours.Now, Services: []directory.Service{{Name: "landing", AccessHosts: []string{w.url}}},
		Absolute: 24 * time.Hour, Idle: 8 * time.Hour, LoginWindow: 30 * time.Minute, MetadataValid: 168 * time.Hour,
	})
	mux := web.NewMux(web.Options{PublicURL: public, Log: log, Now: w.ours.Now})
	w.gateway.Routes(mux)
	service.New(service.Options{PublicURL: public, Sessions: sessions, Judge: w.gateway.Judge, Log: log}).Routes(mux)
	mux.Handle("GET /landed", web.Public, 0, func(rw http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(rw, "landed")
		return err
	})
	server.Config.Handler = mux
	server.Start()
	t.Cleanup(func() {
		server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		w.attempts.Close(ctx)
		state.Close()
		w.store.Close()
		out.Close()
	})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// openProvider starts the provider behind the hand.
func (w *world) openProvider() {
	server := httptest.NewUnstartedServer(nil)
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	w.idp = testidp.New(testidp.Options{BaseURL: "http://localhost:" + port, Keys: keys(), Now: w.idps.Now})
	w.idp.AddPerson(testidp.Person{Login: "taro"})
	server.Config.Handler = http.HandlerFunc(w.hand)
	server.Start()
	w.t.Cleanup(func() { w.idp.Close(); server.Close() })
}

var (
	samlKey = regexp.MustCompile(`(?s)<md:KeyDescriptor use="signing">.*?<ds:KeyName>([^<]*)</ds:KeyName>.*?</md:KeyDescriptor>`)
	jwkKey  = regexp.MustCompile(`\{[^{}]*"kid":"([^"]*)"[^{}]*\},?`)
)

// hand passes the provider's documents on, with the published keys alone.
func (w *world) hand(rw http.ResponseWriter, r *http.Request) {
	key := map[string]*regexp.Regexp{"/saml/metadata": samlKey, "/jwks": jwkKey, "/.well-known/openid-configuration": nil}
	choose, document := key[r.URL.Path]
	w.mu.Lock()
	published, silent := w.published, w.silent
	w.mu.Unlock()
	switch {
	case !document:
		w.idp.ServeHTTP(rw, r)
	case silent:
		http.Error(rw, "out of order", http.StatusServiceUnavailable)
	case choose == nil || published == nil:
		w.idp.ServeHTTP(rw, r)
	default:
		answer := httptest.NewRecorder()
		w.idp.ServeHTTP(answer, r)
		text := choose.ReplaceAllStringFunc(answer.Body.String(), func(one string) string {
			if name := choose.FindStringSubmatch(one)[1]; strings.Contains(" "+strings.Join(published, " ")+" ", " "+name+" ") {
				return one
			}
			return ""
		})
		rw.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		io.WriteString(rw, strings.Replace(text, ",]", "]", 1))
	}
}

// publish chooses the keys in the provider's documents; none is all.
func (w *world) publish(keys ...string) { w.mu.Lock(); w.published = keys; w.mu.Unlock() }

// silence keeps the provider's documents back.
func (w *world) silence(on bool) { w.mu.Lock(); w.silent = on; w.mu.Unlock() }

// settle brings a domain into being: by the address of its SAML metadata, or by OpenID Connect.
func (w *world) settle(name string, byOIDC bool) {
	w.t.Helper()
	w.must(w.idp.AddServiceProvider(testidp.SAMLClient{EntityID: w.url + "/saml/" + name + "/metadata", ACS: []string{w.url + "/acs/" + name}}))
	w.must(w.idp.AddClient(testidp.OAuthClient{ID: name, Secret: secret, RedirectURIs: []string{w.url + "/oauth/" + name + "/callback"}}))
	c := directory.Connection{Type: directory.SAML, SAML: &directory.SAMLSettings{MetadataURL: w.idp.URL("/saml/metadata"), MetadataKeys: directory.KeysAdd}}
	if byOIDC {
		c = directory.Connection{Type: directory.OAuth, OAuth: &directory.OAuthSettings{Profile: directory.ProfileOIDC, Issuer: w.idp.Issuer(),
			ClientID: name, ClientSecret: secret}}
	}
	d, err := w.dir.AddDomain(w.t.Context(), "test", directory.Domain{Name: name, SSO: true, UserKey: directory.ByExternalKey})
	w.must(err)
	c, err = w.dir.SaveDraft(w.t.Context(), "test", d.ID, c)
	w.must(err)
	w.must(w.dir.Activate(w.t.Context(), "test", d.ID, c.Revision))
	_, err = w.dir.AddMember(w.t.Context(), "test", directory.Member{DomainID: d.ID, Account: "taro@" + name, ExternalKey: "taro",
		FamilyName: "Yamada", GivenName: "Taro"})
	w.must(err)
}

var reference = regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}`)

// signIn is a whole login; meanwhile happens while the person is at the provider. It returns "" or the code of the refusal.
func (w *world) signIn(name string, meanwhile func()) (refused string) {
	w.t.Helper()
	b := &testidp.Browser{}
	s, err := b.Open(w.t.Context(), w.url+"/d/login/"+name+"?accessUrl="+url.QueryEscape(w.url+"/landed"))
	w.must(err)
	if meanwhile != nil {
		meanwhile()
	}
	for range 3 {
		if len(s.Forms) > 0 {
			s, err = b.Submit(w.t.Context(), s.Forms[0], "taro", nil)
			w.must(err)
		}
	}
	if s.Status == http.StatusOK && s.URL.Path == "/landed" {
		return ""
	}
	w.must(w.attempts.Flush(w.t.Context()))
	a, err := w.store.Attempt(w.t.Context(), reference.FindString(s.Body))
	if err != nil {
		return "status " + s.Header.Get("Status") + http.StatusText(s.Status)
	}
	return a.Code
}
