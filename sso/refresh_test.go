package sso_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/sso"
	"github.com/ssogate/ssogate/testidp"
)

// byMetadata is a connection that knows nothing but the address of the metadata.
func (w *world) byMetadata(name string, rule directory.MetadataKeys) directory.Connection {
	c := w.saml(name)
	c.SAML = &directory.SAMLSettings{MetadataURL: w.idp.URL("/saml/metadata"), MetadataKeys: rule}
	if rule == directory.KeysPin {
		c.SAML.Certificates = []string{w.idp.Keys().PEM(testidp.KeyRSA)}
	}
	return c
}

func TestMetadataByAddress(t *testing.T) {
	w := newWorld(t)
	d := w.domain("meta.example", w.byMetadata("meta.example", directory.KeysAdd))
	b := &testidp.Browser{}
	w.landed(b, w.signIn(b, "meta.example", "taro"), "taro@meta.example")

	t.Run("a fetch that fails keeps the last good copy", func(t *testing.T) {
		for _, fault := range []testidp.Fault{testidp.Status, testidp.HTML, testidp.Garbage, testidp.Cut, testidp.Empty, testidp.Huge} {
			w.clock.Advance(2 * time.Hour)
			w.idp.Misbehave(testidp.Knobs{AtMetadata: fault})
			good, failed := w.refresher().Due(t.Context(), time.Hour)
			if good != 0 || failed != 1 {
				t.Errorf("%s: %d good, %d failed", fault, good, failed)
			}
			m, err := w.dir.Metadata(t.Context(), d.ID)
			must(t, err)
			if m.Fault == "" || len(m.XML) == 0 {
				t.Errorf("%s: fault %q, %d bytes kept", fault, m.Fault, len(m.XML))
			}
		}
		w.idp.Misbehave(testidp.Knobs{})
		b := &testidp.Browser{}
		w.landed(b, w.signIn(b, "meta.example", "taro"), "taro@meta.example")
	})
	t.Run("what is not due is left alone", func(t *testing.T) {
		w.clock.Advance(2 * time.Hour)
		w.refresher().Due(t.Context(), time.Hour)
		if good, failed := w.refresher().Due(t.Context(), time.Hour); good+failed != 0 {
			t.Errorf("%d good, %d failed right after a refresh", good, failed)
		}
	})
}

// During a rollover a response signed by either key is accepted; afterwards as the connection's rule says.
func TestMetadataKeyRules(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		rule            directory.MetadataKeys
		fresh, replaced bool // is a response by the key that the metadata names, or named before, accepted
	}{
		{directory.KeysAdd, true, true},
		{directory.KeysFollow, true, false},
		{directory.KeysPin, false, false},
	} {
		t.Run(string(c.rule), func(t *testing.T) {
			name := string(c.rule) + ".example"
			d := w.domain(name, w.byMetadata(name, c.rule))
			_, err := w.refresher().Of(t.Context(), d.ID, directory.SAMLSettings{MetadataURL: w.idp.URL("/saml/metadata")})
			must(t, err)
			try := func(key testidp.Key) bool {
				w.idp.SetSAML(testidp.SAMLStyle{Key: key})
				defer w.idp.SetSAML(testidp.SAMLStyle{})
				b := &testidp.Browser{}
				w.signIn(b, name, "taro")
				return w.whoami(b) != ""
			}
			if got := try(testidp.KeyNext); got != c.fresh {
				t.Errorf("a key that the metadata names: accepted %v, want %v", got, c.fresh)
			}
			w.replaceKeys(t, d)
			if got := try(testidp.KeyNext); got != c.replaced {
				t.Errorf("a key that the metadata named before: accepted %v, want %v", got, c.replaced)
			}
			w.clock.Advance(8 * 24 * time.Hour)
			if try(testidp.KeyNext) {
				t.Error("a key that was replaced eight days ago is still accepted")
			}
		})
	}
}

// replaceKeys stores a copy of the metadata as if it had been fetched now and no longer named the next key.
func (w *world) replaceKeys(t *testing.T, d directory.Domain) {
	t.Helper()
	m, err := w.dir.Metadata(t.Context(), d.ID)
	must(t, err)
	next := pemBody(w.idp.Keys().PEM(testidp.KeyNext))
	if !strings.Contains(string(m.XML), next) {
		t.Fatal("the metadata does not name the next key")
	}
	server := serveText(t, strings.ReplaceAll(string(m.XML), next, pemBody(w.idp.Keys().PEM(testidp.KeyRSA))))
	c, err := w.dir.Live(t.Context(), d.ID)
	must(t, err)
	must(t, w.dir.SaveMetadata(t.Context(), directory.Metadata{
		DomainID: d.ID, URL: server, XML: m.XML, Version: m.Version, Fetched: m.Fetched, Tried: m.Tried,
	}))
	fresh, err := w.refresher().Fetch(t.Context(), d.ID, directory.SAMLSettings{MetadataURL: server})
	must(t, err)
	fresh.URL = c.SAML.MetadataURL
	must(t, w.dir.SaveMetadata(t.Context(), fresh))
}

func pemBody(text string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("-----BEGIN CERTIFICATE-----", "", "-----END CERTIFICATE-----", "").Replace(text)), "")
}

func (w *world) refresher() *sso.Refresher { return w.gateway.Refresher() }

// Our own key rolls over without a moment in which the provider's encryption cannot be read.
func TestServiceProviderKeyRollover(t *testing.T) {
	w := newWorld(t)
	d := w.domain("roll.example", w.saml("roll.example", func(s *directory.SAMLSettings) { s.RequireEncryption = true }))
	w.idp.SetSAML(testidp.SAMLStyle{Cipher: testidp.AES256GCM})
	keys := &sso.Keys{Directory: w.dir, Now: w.clock.Now}
	step := func(name string) {
		t.Helper()
		b := &testidp.Browser{}
		s := w.signIn(b, "roll.example", "taro")
		if w.whoami(b) == "" {
			t.Fatalf("%s: status %d\n%s", name, s.Status, w.log)
		}
	}
	w.register(t, "roll.example")
	step("first key")
	_, err := keys.Prepare(t.Context(), "test", d)
	must(t, err)
	step("next prepared, provider still encrypts to the first")
	must(t, w.dir.PromoteKey(t.Context(), "test", d.ID, sso.UseSAML))
	step("next promoted, provider still encrypts to the first")
	w.register(t, "roll.example")
	step("provider read the metadata again")
	must(t, w.dir.RetireKey(t.Context(), "test", d.ID, sso.UseSAML))
	step("first key retired")
}

func TestRateLimits(t *testing.T) {
	w := newWorld(t, func(o *sso.Options) { o.LoginsPerAddress = 3; o.AnswersPerAddress = 2 })
	w.domain("rate.example", w.saml("rate.example"))
	limited := func(path string) int {
		for i := range 10 {
			s, err := (&testidp.Browser{}).Open(t.Context(), w.url+path)
			must(t, err)
			if s.Status == http.StatusTooManyRequests {
				if s.Header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
				return i
			}
		}
		return -1
	}
	if n := limited("/d/login/rate.example"); n != 3 {
		t.Errorf("login starts are limited after %d, want 3", n)
	}
	if n := limited("/oauth/rate.example/callback?state=x"); n != 2 {
		t.Errorf("answers are limited after %d, want 2", n)
	}
	w.clock.Advance(time.Minute)
	if n := limited("/d/login/rate.example"); n != 3 {
		t.Errorf("a minute later login starts are limited after %d, want 3", n)
	}
}

// newCertificate is the base64 of one that nobody else has.
func newCertificate(t *testing.T, serial int) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(int64(serial + 1)), NotAfter: time.Now().Add(240 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	return base64.StdEncoding.EncodeToString(der)
}
