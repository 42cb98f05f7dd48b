package sso_test

import (
	"crypto"
	"net/http"
	"testing"
	"time"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/testidp"
)

func TestSAMLSignIn(t *testing.T) {
	w := newWorld(t)
	w.domain("plain.example", w.saml("plain.example"))
	w.domain("post.example", w.saml("post.example", func(s *directory.SAMLSettings) { s.Binding = directory.BindingPOST }))
	w.domain("signed.example", w.saml("signed.example", func(s *directory.SAMLSettings) { s.SignRequests = true }))
	w.domain("byattribute.example", w.saml("byattribute.example", func(s *directory.SAMLSettings) { s.UserKeyAttribute = "staff" }))
	w.idp.AddPerson(testidp.Person{Login: "taro", Subject: "emp-1001", Attributes: map[string][]string{"staff": {"emp-1002"}}})
	for _, c := range []struct {
		name, domain, account string
		style                 testidp.SAMLStyle
	}{
		{"assertion signed", "plain.example", "taro", testidp.SAMLStyle{}},
		{"response signed", "plain.example", "taro", testidp.SAMLStyle{Sign: testidp.SignResponse}},
		{"both signed", "plain.example", "taro", testidp.SAMLStyle{Sign: testidp.SignBoth}},
		{"sha512", "plain.example", "taro", testidp.SAMLStyle{Hash: crypto.SHA512}},
		{"documented shape", "plain.example", "taro", testidp.SAMLStyle{Sign: testidp.SignResponse, Bare: true}},
		{"clock two minutes late", "plain.example", "taro", testidp.SAMLStyle{ClockOffset: -2 * time.Minute}},
		{"request by POST", "post.example", "taro", testidp.SAMLStyle{RequirePOST: true}},
		{"signed request", "signed.example", "taro", testidp.SAMLStyle{RequireSignedRequests: true}},
		{"user key from an attribute", "byattribute.example", "hanako", testidp.SAMLStyle{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.style.RequireSignedRequests {
				w.register(t, "signed.example")
			}
			w.idp.SetSAML(c.style)
			b := &testidp.Browser{}
			w.landed(b, w.signIn(b, c.domain, "taro"), c.account+"@"+c.domain)
		})
	}
}

// register hands our metadata to the provider, as an administrator does.
func (w *world) register(t *testing.T, domain string) {
	t.Helper()
	s, err := (&testidp.Browser{}).Open(t.Context(), w.url+"/saml/"+domain+"/metadata")
	must(t, err)
	if s.Status != http.StatusOK {
		t.Fatalf("metadata answers %d: %s", s.Status, s.Body)
	}
	_, err = w.idp.AddServiceProviderMetadata([]byte(s.Body))
	must(t, err)
}

func TestSAMLEncryptedAssertions(t *testing.T) {
	w := newWorld(t)
	w.domain("sealed.example", w.saml("sealed.example", func(s *directory.SAMLSettings) { s.RequireEncryption = true }))
	w.register(t, "sealed.example")
	for _, cipher := range []testidp.Cipher{testidp.AES128CBC, testidp.AES256CBC, testidp.AES128GCM, testidp.AES256GCM} {
		t.Run(string(cipher), func(t *testing.T) {
			w.idp.SetSAML(testidp.SAMLStyle{Cipher: cipher})
			b := &testidp.Browser{}
			w.landed(b, w.signIn(b, "sealed.example", "taro"), "taro@sealed.example")
		})
	}
	t.Run("plain is refused", func(t *testing.T) {
		w.idp.SetSAML(testidp.SAMLStyle{})
		b := &testidp.Browser{}
		w.refused(b, w.signIn(b, "sealed.example", "taro"), http.StatusForbidden, "saml_not_encrypted")
	})
}

// Two domains use one provider with one entity ID: a response for the one never opens the other.
func TestSAMLAnswerForAnotherDomain(t *testing.T) {
	w := newWorld(t)
	w.domain("a.example", w.saml("a.example"))
	w.domain("b.example", w.saml("b.example"))
	b := &testidp.Browser{}
	s, err := b.Open(t.Context(), w.loginURL("a.example"))
	must(t, err)
	s, err = b.Submit(t.Context(), s.Forms[0], "taro", nil)
	must(t, err)
	form := s.Forms[0]
	form.Action, _ = form.Action.Parse("/acs/b.example")
	s, err = b.Submit(t.Context(), form, "", nil)
	must(t, err)
	w.refused(b, s, http.StatusForbidden, "domain_mismatch")
}

func TestSAMLIdPInitiated(t *testing.T) {
	w := newWorld(t)
	w.domain("open.example", w.saml("open.example", func(s *directory.SAMLSettings) { s.IdPInitiated = true }))
	w.domain("closed.example", w.saml("closed.example"))
	start := func(b *testidp.Browser, domain string) *testidp.Screen {
		s, err := b.SignIn(t.Context(), w.idp.URL("/saml/start?person=taro&sp="+w.url+"/saml/"+domain+"/metadata&relay="+w.url+landing), "taro")
		must(t, err)
		return s
	}
	t.Run("asks the person first", func(t *testing.T) {
		b := &testidp.Browser{}
		s := start(b, "open.example")
		if s.Status != http.StatusOK || w.whoami(b) != "" {
			t.Fatalf("status %d, signed in as %q before the person's word", s.Status, w.whoami(b))
		}
		s, err := b.Submit(t.Context(), s.Forms[len(s.Forms)-1], "", nil)
		must(t, err)
		w.landed(b, s, "taro@open.example")
	})
	t.Run("the word of another browser does not count", func(t *testing.T) {
		s := start(&testidp.Browser{}, "open.example")
		other := &testidp.Browser{}
		got, err := other.Submit(t.Context(), s.Forms[len(s.Forms)-1], "", nil)
		must(t, err)
		if got.Status < 400 || w.whoami(other) != "" {
			t.Fatalf("status %d, signed in as %q", got.Status, w.whoami(other))
		}
	})
	t.Run("off by default", func(t *testing.T) {
		b := &testidp.Browser{}
		if s := start(b, "closed.example"); s.Status != http.StatusBadRequest || w.whoami(b) != "" {
			t.Errorf("status %d, signed in as %q", s.Status, w.whoami(b))
		}
	})
}

func TestSessionLength(t *testing.T) {
	w := newWorld(t)
	w.domain("day.example", w.saml("day.example"))
	w.domain("idp.example", w.saml("idp.example"), func(d *directory.Domain) { d.SetExpireTime = true })
	w.domain("short.example", w.saml("short.example"), func(d *directory.Domain) { d.SessionAbsolute = time.Hour })
	w.idp.SetSAML(testidp.SAMLStyle{SessionFor: 2 * time.Hour})
	for domain, want := range map[string]time.Duration{"day.example": 24 * time.Hour, "idp.example": 2 * time.Hour, "short.example": time.Hour} {
		b := &testidp.Browser{}
		w.landed(b, w.signIn(b, domain, "taro"), "taro@"+domain)
		s, err := b.Open(t.Context(), w.url+"/auth/verify")
		must(t, err)
		if got := s.Header.Get("X-Auth-Request-Expires"); got != w.clock.Now().Add(want).Format(time.RFC3339) {
			t.Errorf("%s: session until %s, want %s from %s", domain, got, want, w.clock.Now())
		}
	}
	b := &testidp.Browser{}
	w.signIn(b, "idp.example", "taro")
	w.clock.Advance(2*time.Hour + time.Second)
	if got := w.whoami(b); got != "" {
		t.Errorf("%s is signed in after the end that the provider set", got)
	}
}
