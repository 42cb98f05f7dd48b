package e2e_test

import (
	"testing"

	"github.com/ssogate/ssogate/e2e"
)

const domain = "mycompany.com"

// members are two people and nobody else; both keys are what the providers assert.
const members = `
    members:
      - {account: kim@mycompany.com, external_key: "kim@mycompany.com", family_name: Kim, given_name: Ha-na}
      - {account: lee@mycompany.com, external_key: "lee@mycompany.com", family_name: Lee, given_name: Sung}
`

// newDomain makes the domain without a connection, so that its service provider metadata can be registered.
func newDomain(g *e2e.Gateway) {
	g.Apply("domains:\n  - name: "+domain+"\n    user_key: account", nil)
}

// connectSAML makes the provider the domain's live connection, by its metadata as a file.
func connectSAML(g *e2e.Gateway, idp *e2e.SAMLProvider, settings ...string) {
	text := `
domains:
  - name: ` + domain + `
    user_key: account
    sso: true
    connection:
      type: saml
      saml:
        metadata_file: '{idp.xml}'
`
	for _, line := range settings {
		text += "        " + line + "\n"
	}
	g.Apply(text+members, map[string][]byte{"idp.xml": idp.Metadata})
}

// signIn is a whole login: from the product's link, through the provider, to the service that sees who it is.
func signIn(t *testing.T, g *e2e.Gateway, b *e2e.Browser, how e2e.Form, account string) {
	t.Helper()
	tab := b.Tab()
	tab.Open(g.Login(domain))
	tab.SignIn(how)
	tab.WaitForURL(g.Service)
	if got := tab.Text("h1"); got != account {
		t.Errorf("the service sees %q, want %q", got, account)
	}
	if got := g.Verify(b); got.Status != 200 || got.Header["x-auth-request-user"] != account || got.Header["x-auth-request-domain"] != domain {
		t.Errorf("/auth/verify for %s: %+v", account, got)
	}
}

func TestSAMLLogins(t *testing.T) {
	t.Parallel()
	t.Run("saml-idp", func(t *testing.T) {
		t.Parallel()
		g := e2e.NewGateway(t)
		newDomain(g)
		idp := e2e.SAMLIDP(t, g.ServiceProvider(domain))
		connectSAML(g, idp)
		signIn(t, g, e2e.NewBrowser(t, e2e.BrowserOptions{}), idp.SignIn(user), user)
	})
	t.Run("saml-idp, encrypted, by the address of its metadata", func(t *testing.T) {
		t.Parallel()
		g := e2e.NewGateway(t)
		newDomain(g)
		sp := g.ServiceProvider(domain)
		sp.Encrypt = e2e.MetadataKeys(t, sp.Metadata)
		idp := e2e.SAMLIDP(t, sp)
		g.Apply("domains:\n  - name: "+domain+"\n    user_key: account\n    sso: true\n    connection:\n      type: saml\n"+
			"      saml: {metadata_url: '"+idp.Base+"/metadata', require_encryption: true}"+members, nil)
		signIn(t, g, e2e.NewBrowser(t, e2e.BrowserOptions{}), idp.SignIn(user), user)
	})
	t.Run("samlidp", func(t *testing.T) {
		t.Parallel()
		g := e2e.NewGateway(t)
		newDomain(g)
		idp := e2e.CrewjamIDP(t, g.ServiceProvider(domain), user, other)
		connectSAML(g, idp, "require_encryption: true")
		signIn(t, g, e2e.NewBrowser(t, e2e.BrowserOptions{}), idp.SignIn(other), other)
	})
	t.Run("pysaml2", func(t *testing.T) {
		t.Parallel()
		g := e2e.NewGateway(t)
		newDomain(g)
		idp := e2e.PySAML2(t, g.ServiceProvider(domain))
		connectSAML(g, idp)
		for name, fields := range map[string][]string{
			"both":           {"sign", "both"},
			"response only":  {"sign", "response"},
			"assertion only": {"sign", "assertion"},
			"sha512":         {"digest", "sha512"},
			"aes256-cbc":     {"encrypt", "aes256-cbc"},
			"aes256-gcm":     {"encrypt", "aes256-gcm"},
			"signed inside":  {"encrypt", "aes128-cbc", "sign", "assertion"},
			"signed outside": {"encrypt", "aes128-cbc", "sign", "response"},
		} {
			t.Run(name, func(t *testing.T) {
				signIn(t, g, e2e.NewBrowser(t, e2e.BrowserOptions{}), idp.SignIn(user).With(fields...), user)
			})
		}
		for name, c := range map[string]struct {
			code   string
			fields []string
		}{
			"unsigned":               {"saml_unsigned", []string{"sign", "none"}},
			"SHA-1":                  {"saml_algorithm", []string{"digest", "sha1"}},
			"3DES":                   {"saml_decrypt", []string{"encrypt", "tripledes-cbc"}},
			"encrypted but unsigned": {"saml_decrypt", []string{"encrypt", "aes256-cbc", "sign", "none"}},
		} {
			t.Run(name, func(t *testing.T) {
				b := e2e.NewBrowser(t, e2e.BrowserOptions{})
				tab := b.Tab()
				tab.Open(g.Login(domain))
				tab.SignIn(idp.SignIn(user).With(c.fields...))
				refusedPage(t, g, b, tab, c.code)
			})
		}
	})
}
