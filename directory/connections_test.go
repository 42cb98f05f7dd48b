package directory_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/directory"
)

// certificate is self-signed, and expired long ago: that is allowed.
func certificate(t testing.TB, key any) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0)}
	var public any
	switch k := key.(type) {
	case *rsa.PrivateKey:
		public = k.Public()
	case *ecdsa.PrivateKey:
		public = k.Public()
	case ed25519.PrivateKey:
		public = k.Public()
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	check(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func p256(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	return k
}

func samlConnection(t testing.TB) directory.Connection {
	return directory.Connection{Type: directory.SAML, SAML: &directory.SAMLSettings{
		EntityID: "https://idp.example/entity", SSOURL: "https://idp.example/sso", Certificates: []string{certificate(t, p256(t))},
	}}
}

func oauthConnection(p directory.OAuthProfile) directory.Connection {
	o := &directory.OAuthSettings{Profile: p, ClientID: "client", ClientSecret: "hunter2", AuthURL: "https://idp.example/auth",
		TokenURL: "https://idp.example/token", UserInfoURL: "https://idp.example/me"}
	if p == directory.ProfileOIDC {
		o.AuthURL, o.TokenURL, o.UserInfoURL, o.Issuer = "", "", "", "https://idp.example"
	}
	return directory.Connection{Type: directory.OAuth, OAuth: o}
}

func TestSAMLFaults(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com"})
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	check(t, err)
	strong, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	check(t, err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	url := func(u string) func(*directory.SAMLSettings) { return func(s *directory.SAMLSettings) { s.SSOURL = u } }
	cert := func(c ...string) func(*directory.SAMLSettings) {
		return func(s *directory.SAMLSettings) { s.Certificates = c }
	}
	good := certificate(t, strong)
	for _, c := range []struct {
		what   string
		change func(*directory.SAMLSettings)
		want   string
	}{
		{"complete", func(*directory.SAMLSettings) {}, ""},
		{"nothing", func(s *directory.SAMLSettings) { *s = directory.SAMLSettings{} }, "saml.entity_id required,saml.sso_url required,saml.certificates required"},
		{"only metadata", func(s *directory.SAMLSettings) { *s = directory.SAMLSettings{MetadataURL: "https://idp.example/m"} }, ""},
		{"metadata with pinned keys, and none", func(s *directory.SAMLSettings) {
			*s = directory.SAMLSettings{MetadataURL: "https://idp.example/m", MetadataKeys: directory.KeysPin}
		}, "saml.certificates required"},
		{"no entity ID", func(s *directory.SAMLSettings) { s.EntityID = "" }, "saml.entity_id required"},
		{"an entity ID of 1025", func(s *directory.SAMLSettings) { s.EntityID = strings.Repeat("e", 1025) }, "saml.entity_id too_long"},
		{"http", url("http://idp.example:8080/sso?x=1"), ""}, {"no scheme", url("idp.example/sso"), "saml.sso_url url"},
		{"another scheme", url("javascript://idp.example/%0aalert(1)"), "saml.sso_url url"}, {"a fragment", url("https://idp.example/#x"), "saml.sso_url url"},
		{"an empty fragment", url("https://idp.example/#"), "saml.sso_url url"}, {"user information", url("https://u:p@idp.example/"), "saml.sso_url url"},
		{"no host", url("https:///sso"), "saml.sso_url url"}, {"a port that is none", url("https://idp.example:99999/"), "saml.sso_url url"},
		{"a space", url("https://idp.example/a b"), "saml.sso_url url"}, {"a backslash", url(`https://idp.example\@evil.example`), "saml.sso_url url"},
		{"not ASCII", url("https://ｉdp.example/"), "saml.sso_url url"}, {"an octal address", url("https://0177.0.0.1/"), "saml.sso_url url"},
		{"2049 bytes", url("https://idp.example/" + strings.Repeat("a", 2029)), "saml.sso_url too_long"},
		{"a binding", func(s *directory.SAMLSettings) { s.Binding = "artifact" }, "saml.binding unknown_value"},
		{"metadata keys", func(s *directory.SAMLSettings) { s.MetadataKeys = "trust" }, "saml.metadata_keys unknown_value"},
		{"a NameID format", func(s *directory.SAMLSettings) { s.NameIDFormat = "email" }, "saml.name_id_format unknown_value"},
		{"transient", func(s *directory.SAMLSettings) {
			s.NameIDFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
		}, "saml.user_key_attribute required"},
		{"three names", func(s *directory.SAMLSettings) { s.NameAttributes = []string{"a", "b", "c"} }, "saml.name_attributes too_long"},
		{"SHA-1 for long", func(s *directory.SAMLSettings) { s.InsecureSHA1Until = h.now.AddDate(2, 0, 0) }, "saml.insecure_sha1_until range"},
		{"all other addresses", func(s *directory.SAMLSettings) { s.AppSSOURL, s.MetadataURL, s.LogoutURL = "a", "b", "c" }, "saml.app_sso_url url,saml.metadata_url url,saml.logout_url url"},
		{"RSA of 2048, expired", cert(good), ""}, {"RSA of 1024", cert(certificate(t, weak)), "saml.certificates[0] weak_key"},
		{"P-224", cert(certificate(t, p224)), "saml.certificates[0] weak_key"}, {"Ed25519", cert(certificate(t, ed)), "saml.certificates[0] weak_key"},
		{"a second that is none", cert(good, "x"), "saml.certificates[1] pem"}, {"an empty one", cert(good, " "), "saml.certificates[1] required"},
		{"a private key", cert("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"), "saml.certificates[0] pem"},
		{"a certificate that is none", cert("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"), "saml.certificates[0] pem"},
		{"something behind", cert(good + "and more"), "saml.certificates[0] pem"},
	} {
		conn := samlConnection(t)
		c.change(conn.SAML)
		_, err := h.SaveDraft(t.Context(), actor, d.ID, conn)
		if got := strings.Join(faults(err), ","); got != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: got %q (%v), want %q", c.what, got, err, c.want)
		}
	}
	conn := samlConnection(t)
	conn.SAML.Certificates = []string{good + "\r\n" + certificate(t, p256(t)), good}
	saved, err := h.SaveDraft(t.Context(), actor, d.ID, conn)
	check(t, err)
	same(t, "two of one text, none twice", len(saved.SAML.Certificates), 2)
	same(t, "defaults", []any{saved.SAML.Binding, saved.SAML.MetadataKeys}, []any{directory.BindingRedirect, directory.KeysAdd})
	same(t, "the caller's value is left alone", len(conn.SAML.Certificates), 2)
	same(t, "the caller's value is left alone", conn.SAML.Binding, directory.Binding(""))
}

func TestOAuthFaults(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com"})
	works, oauth2, oidc := directory.ProfileWorks, directory.ProfileOAuth2, directory.ProfileOIDC
	for _, c := range []struct {
		what    string
		profile directory.OAuthProfile
		change  func(*directory.OAuthSettings)
		want    string
	}{
		{"works", works, func(*directory.OAuthSettings) {}, ""}, {"oauth2", oauth2, func(*directory.OAuthSettings) {}, ""}, {"oidc", oidc, func(*directory.OAuthSettings) {}, ""},
		{"works without anything", works, func(o *directory.OAuthSettings) { *o = directory.OAuthSettings{Profile: works} },
			"oauth.client_id required,oauth.client_secret required,oauth.auth_url required,oauth.token_url required,oauth.user_info_url required"},
		{"oauth2 without anything", oauth2, func(o *directory.OAuthSettings) { *o = directory.OAuthSettings{Profile: oauth2} },
			"oauth.client_id required,oauth.auth_url required,oauth.token_url required,oauth.user_info_url required"},
		{"oidc without anything", oidc, func(o *directory.OAuthSettings) { *o = directory.OAuthSettings{Profile: oidc} }, "oauth.client_id required,oauth.issuer required"},
		{"a profile", "openid", func(*directory.OAuthSettings) {}, "oauth.profile unknown_value"},
		{"an issuer with a query", oidc, func(o *directory.OAuthSettings) { o.Issuer += "?x" }, "oauth.issuer url"},
		{"keys without endpoints", oidc, func(o *directory.OAuthSettings) { o.JWKSURL = "https://idp.example/keys" }, "oauth.auth_url required,oauth.token_url required"},
		{"no algorithm", oidc, func(o *directory.OAuthSettings) { o.Algorithms = []string{"RS256", "none", "HS256"} }, "oauth.algorithms[1] unknown_value,oauth.algorithms[2] unknown_value"},
		{"a template without tenants", oidc, func(o *directory.OAuthSettings) { o.Issuer = "https://login.example/{tenantid}/v2.0" }, "oauth.entra_tenants required"},
		{"a template", oidc, func(o *directory.OAuthSettings) {
			o.Issuer, o.EntraTenants = "https://login.example/{tenantid}/v2.0", []string{"72f988bf-86f1-41af-91ab-2d7cd011db47"}
		}, ""},
		{"a tenant", oidc, func(o *directory.OAuthSettings) { o.EntraTenants = []string{"*"} }, "oauth.entra_tenants[0] pattern"},
		{"a scope with a space", oauth2, func(o *directory.OAuthSettings) { o.Scopes = []string{"a", "b c", "a"} }, "oauth.scopes[1] pattern,oauth.scopes[2] pattern"},
		{"an auth style", oauth2, func(o *directory.OAuthSettings) { o.AuthStyle = "jwt" }, "oauth.auth_style unknown_value"},
		{"oidc's settings elsewhere", works, func(o *directory.OAuthSettings) {
			o.Issuer, o.JWKSURL, o.Algorithms, o.EntraTenants = "https://i", "https://k", []string{"RS256"}, []string{"x"}
		}, "oauth.issuer mismatch,oauth.jwks_url mismatch,oauth.algorithms mismatch,oauth.entra_tenants mismatch"},
		{"an address", oauth2, func(o *directory.OAuthSettings) { o.TokenURL = "https://u:p@idp/" }, "oauth.token_url url"},
	} {
		conn := oauthConnection(c.profile)
		c.change(conn.OAuth)
		_, err := h.SaveDraft(t.Context(), actor, d.ID, conn)
		if got := strings.Join(faults(err), ","); got != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: got %q (%v), want %q", c.what, got, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds the secret", c.what)
		}
	}
	for what, c := range map[string]struct {
		conn directory.Connection
		want string
	}{
		"no type":            {directory.Connection{}, "type unknown_value"},
		"saml without saml":  {directory.Connection{Type: directory.SAML}, "saml required"},
		"oauth without":      {directory.Connection{Type: directory.OAuth}, "oauth required"},
		"saml with oauth":    {directory.Connection{Type: directory.SAML, SAML: samlConnection(t).SAML, OAuth: oauthConnection(works).OAuth}, "oauth mismatch"},
		"oauth with saml on": {directory.Connection{Type: directory.OAuth, SAML: samlConnection(t).SAML, OAuth: oauthConnection(works).OAuth}, "saml mismatch"},
	} {
		_, err := h.SaveDraft(t.Context(), actor, d.ID, c.conn)
		same(t, what, strings.Join(faults(err), ","), c.want)
	}
}

func TestRevisions(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com", SSO: true})
	if _, err := h.Live(t.Context(), d.ID); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("live: %v", err)
	}
	first, err := h.SaveDraft(t.Context(), actor, d.ID, oauthConnection(directory.ProfileOIDC))
	check(t, err)
	same(t, "draft", []any{first.Revision, first.State, first.DomainID}, []any{1, directory.Draft, d.ID})
	check(t, h.Activate(t.Context(), actor, d.ID, 1))
	check(t, h.Activate(t.Context(), actor, d.ID, 1))

	secret := func(revision int) string {
		c, err := h.Connection(t.Context(), d.ID, revision)
		check(t, err)
		return c.OAuth.ClientSecret
	}
	edited := oauthConnection(directory.ProfileOIDC)
	edited.OAuth.ClientSecret, edited.OAuth.Scopes = "", []string{"openid"}
	second, err := h.SaveDraft(t.Context(), actor, d.ID, edited)
	check(t, err)
	same(t, "an empty secret keeps the live one", []any{second.Revision, secret(2)}, []any{2, "hunter2"})
	edited.OAuth.ClientSecret = "newer"
	_, err = h.SaveDraft(t.Context(), actor, d.ID, edited)
	check(t, err)
	edited.OAuth.ClientSecret = ""
	_, err = h.SaveDraft(t.Context(), actor, d.ID, edited)
	check(t, err)
	same(t, "an empty secret keeps the draft's", secret(2), "newer")
	edited.OAuth.ClientID = "another"
	_, err = h.SaveDraft(t.Context(), actor, d.ID, edited)
	check(t, err)
	same(t, "another client inherits nothing", secret(2), "")
	works := oauthConnection(directory.ProfileWorks)
	works.OAuth.ClientID, works.OAuth.ClientSecret = "another", ""
	_, err = h.SaveDraft(t.Context(), actor, d.ID, works)
	same(t, "nothing to keep", faults(err), []string{"oauth.client_secret required"})

	check(t, h.Activate(t.Context(), actor, d.ID, 2))
	check(t, h.Activate(t.Context(), actor, d.ID, 1))
	live, err := h.Live(t.Context(), d.ID)
	check(t, err)
	same(t, "gone back", live.Revision, 1)
	if err := h.Activate(t.Context(), actor, d.ID, 7); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("unknown revision: %v", err)
	}
	if _, err := h.SaveDraft(t.Context(), actor, "dom_none", samlConnection(t)); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("unknown domain: %v", err)
	}
	same(t, "nobody is signed out", h.ends(), []string(nil))
	for _, e := range must(h.store.Events(t.Context(), d.ID, 500)) {
		for _, v := range e.Detail {
			if strings.Contains(v, "hunter2") || strings.Contains(v, "newer") {
				t.Errorf("event %s holds a secret", e.Action)
			}
		}
	}
}

func TestSaveMetadata(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com"})
	m := directory.Metadata{DomainID: d.ID, URL: "https://idp.example/m", XML: []byte("<a/>"), Fetched: h.now, Tried: h.now}
	version := func() int64 {
		got, err := h.Metadata(t.Context(), d.ID)
		check(t, err)
		return got.Version
	}
	check(t, h.SaveMetadata(t.Context(), m))
	same(t, "first", version(), int64(1))
	m.Version, m.Fault = 40, "no answer"
	check(t, h.SaveMetadata(t.Context(), m))
	same(t, "the same document", version(), int64(1))
	m.XML = []byte("<b/>")
	check(t, h.SaveMetadata(t.Context(), m))
	same(t, "another document", version(), int64(2))
	same(t, "events", h.actions(t), []string{"domain.added", "metadata.changed", "metadata.changed"})
}

func TestKeys(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com"})
	private, err := x509.MarshalPKCS8PrivateKey(p256(t))
	check(t, err)
	add := func(id string, state directory.KeyState) error {
		return h.AddKey(t.Context(), actor, directory.Key{ID: id, DomainID: d.ID, Use: directory.UseSAML, State: state, Private: private})
	}
	states := func() (out []string) {
		keys, err := h.Keys(t.Context(), d.ID, directory.UseSAML)
		check(t, err)
		for _, k := range keys {
			out = append(out, k.ID+" "+string(k.State))
		}
		return out
	}
	check(t, add("a", directory.KeyCurrent))
	if err := add("b", directory.KeyCurrent); !errors.Is(err, directory.ErrConflict) {
		t.Errorf("a second current key: %v", err)
	}
	if err := h.PromoteKey(t.Context(), actor, d.ID, directory.UseSAML); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("no next key: %v", err)
	}
	h.now = h.now.Add(time.Hour)
	check(t, add("b", directory.KeyNext))
	check(t, h.PromoteKey(t.Context(), actor, d.ID, directory.UseSAML))
	same(t, "promoted", states(), []string{"b current", "a previous"})
	check(t, h.RetireKey(t.Context(), actor, d.ID, directory.UseSAML))
	same(t, "retired", states(), []string{"b current"})
	if err := h.RetireKey(t.Context(), actor, d.ID, directory.UseSAML); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("no previous key: %v", err)
	}
	err = h.AddKey(t.Context(), actor, directory.Key{Use: "tls", State: directory.KeyPrevious, Private: []byte("x"), Certificate: []byte("x")})
	same(t, "faults", faults(err), []string{"use unknown_value", "state unknown_value", "private pem", "certificate pem"})
}
