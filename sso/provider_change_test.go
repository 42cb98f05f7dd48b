package sso_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/sso"
	"github.com/ssogate/ssogate/testidp"
)

// changing serves what it holds now.
type changing struct {
	*httptest.Server
	text   atomic.Value
	before atomic.Value // func(), called before each answer
}

func serveChanging(t *testing.T, text string) *changing {
	c := &changing{}
	c.text.Store(text)
	c.before.Store(func() {})
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text := c.text.Load().(string)
		c.before.Load().(func())()
		if text == "" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprint(w, text)
	}))
	t.Cleanup(c.Close)
	return c
}

// metadata is the document of the world's provider.
func (w *world) metadata(t *testing.T) string {
	t.Helper()
	s, err := (&testidp.Browser{}).Open(t.Context(), w.idp.URL("/saml/metadata"))
	must(t, err)
	return s.Body
}

// A fetched document speaks for the provider of the connection. It never makes us trust another one.
func TestMetadataOfAnotherProvider(t *testing.T) {
	w := newWorld(t)
	ours := w.metadata(t)
	another := strings.ReplaceAll(ours, `entityID="`+w.idp.URL("/saml/metadata")+`"`, `entityID="https://other.example/idp"`)
	if another == ours {
		t.Fatal("the entity ID was not replaced")
	}
	for _, c := range []struct{ name, entityID string }{
		{"named by the connection", w.idp.URL("/saml/metadata")}, {"known from the first copy", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := map[bool]string{true: "first.example", false: "named.example"}[c.entityID == ""]
			server := serveChanging(t, ours)
			conn := w.byMetadata(name, directory.KeysFollow)
			conn.SAML.MetadataURL, conn.SAML.EntityID = server.URL, c.entityID
			d := w.domain(name, conn)
			b := &testidp.Browser{}
			w.landed(b, w.signIn(b, name, "taro"), "taro@"+name)

			server.text.Store(another)
			w.clock.Advance(2 * time.Hour)
			if _, failed := w.refresher().Due(t.Context(), time.Hour); failed == 0 {
				t.Error("another provider's metadata was taken")
			}
			m, err := w.dir.Metadata(t.Context(), d.ID)
			must(t, err)
			if m.Fault != "saml_metadata_provider" || string(m.XML) != ours {
				t.Errorf("fault %q, the copy is ours: %v", m.Fault, string(m.XML) == ours)
			}
			b = &testidp.Browser{}
			w.landed(b, w.signIn(b, name, "taro"), "taro@"+name)

			conn.SAML.EntityID = "https://other.example/idp" // the administrator says so: now it is fetched anew
			w.replace(t, d, conn)
			b = &testidp.Browser{}
			w.refused(b, w.signIn(b, name, "taro"), http.StatusForbidden, "saml_bad_issuer")
		})
	}
	t.Run("at first", func(t *testing.T) {
		server := serveChanging(t, another)
		conn := w.byMetadata("never.example", directory.KeysFollow)
		conn.SAML.MetadataURL, conn.SAML.EntityID = server.URL, w.idp.URL("/saml/metadata")
		w.domain("never.example", conn)
		b := &testidp.Browser{}
		w.refused(b, w.signIn(b, "never.example", "taro"), http.StatusForbidden, "connection_unusable")
	})
}

// The provider's metadata never came: the person reads that the provider does not answer, and only this domain fails.
func TestMetadataNeverFetched(t *testing.T) {
	w := newWorld(t)
	server := serveChanging(t, "")
	conn := w.byMetadata("dark.example", directory.KeysAdd)
	conn.SAML.MetadataURL = server.URL + "/?key=geheim"
	w.domain("dark.example", conn)
	b := &testidp.Browser{}
	s, err := b.Open(t.Context(), w.loginURL("dark.example"))
	must(t, err)
	a := w.refused(b, s, http.StatusBadGateway, "idp_metadata")
	if a.Domain != "dark.example" || a.DomainID == "" || a.Address == "" || len(a.RequestIDs) == 0 || strings.Contains(a.Got, "geheim") {
		t.Errorf("the attempt says %+v", a)
	}
	server.Close() // nobody answers at all
	s, err = b.Open(t.Context(), w.loginURL("dark.example"))
	must(t, err)
	if a := w.refused(b, s, http.StatusBadGateway, "idp_metadata"); strings.Contains(a.Got, "geheim") {
		t.Errorf("the attempt holds the query of the address: %s", a.Got)
	}
	s, err = b.Open(t.Context(), w.url+"/d/logout/dark.example")
	must(t, err)
	if s.Status != http.StatusOK {
		t.Errorf("logout: status %d", s.Status)
	}
}

// A node whose fetch took long does not put back what another node has replaced meanwhile, whether it was good or failed.
func TestSlowNodeKeepsNewerMetadata(t *testing.T) {
	w := newWorld(t)
	old := w.metadata(t)
	next := pemBody(w.idp.Keys().PEM(testidp.KeyNext))
	newer := strings.ReplaceAll(old, next, pemBody(w.idp.Keys().PEM(testidp.KeyRSA)))
	for name, slowAnswer := range map[string]string{"good.example": old, "failed.example": ""} {
		server := serveChanging(t, old)
		s := directory.SAMLSettings{MetadataURL: server.URL}
		d := w.domain(name, w.saml(name))
		_, err := w.refresher().Fetch(t.Context(), d.ID, s)
		must(t, err)
		w.clock.Advance(time.Minute)

		server.text.Store(slowAnswer)
		server.before.Store(func() { // while the slow node waits, a quick one fetches
			server.before.Store(func() {})
			server.text.Store(newer)
			w.clock.Advance(time.Second)
			if _, err := w.refresher().Fetch(context.WithoutCancel(t.Context()), d.ID, s); err != nil {
				t.Error(err)
			}
		})
		_, _ = w.refresher().Fetch(t.Context(), d.ID, s)
		m, err := w.dir.Metadata(t.Context(), d.ID)
		must(t, err)
		if string(m.XML) != newer || m.Fault != "" || len(m.Extra) != 1 {
			t.Errorf("%s: the newer copy stands: %v, fault %q, %d replaced certificates", name, string(m.XML) == newer, m.Fault, len(m.Extra))
		}
	}
}

// A provider that names other keys at every fetch does not make us try ever more of them.
func TestReplacedCertificatesAreBounded(t *testing.T) {
	w := newWorld(t)
	doc := w.metadata(t)
	next := pemBody(w.idp.Keys().PEM(testidp.KeyNext))
	server := serveChanging(t, doc)
	s := directory.SAMLSettings{MetadataURL: server.URL}
	d := w.domain("many.example", w.saml("many.example"))
	for i := range 20 {
		pair := newCertificate(t, i)
		server.text.Store(strings.ReplaceAll(doc, next, pair))
		w.clock.Advance(time.Hour)
		_, err := w.refresher().Fetch(t.Context(), d.ID, s)
		must(t, err)
	}
	m, err := w.dir.Metadata(t.Context(), d.ID)
	must(t, err)
	if len(m.Extra) != 16 {
		t.Errorf("%d replaced certificates are trusted, want the newest 16", len(m.Extra))
	}
	for _, until := range m.Extra {
		if until.Before(w.clock.Now().Add(7*24*time.Hour - 16*time.Hour)) {
			t.Errorf("one that is trusted until %s was kept before newer ones", until)
		}
	}
}

// Answers that nobody asked for are limited per domain: each costs a verification, and no login start has counted it.
func TestUnsolicitedAnswersAreLimited(t *testing.T) {
	w := newWorld(t, func(o *sso.Options) { o.LoginsPerDomain = 3 })
	w.domain("open.example", w.saml("open.example", func(s *directory.SAMLSettings) { s.IdPInitiated = true }))
	for i, want := range []int{403, 403, 403, 429} {
		r := w.request(http.MethodPost, "/acs/open.example")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", i+1)
		r.Body = body("SAMLResponse=bm9uc2Vuc2U%3D")
		if got := w.answer(r).StatusCode; got != want {
			t.Errorf("answer %d: status %d, want %d", i+1, got, want)
		}
	}
}
