package e2e_test

import (
	"testing"

	"github.com/ssogate/ssogate/e2e"
)

// connectOIDC makes the provider the domain's live connection. Members' external keys are the provider's subjects.
func connectOIDC(g *e2e.Gateway, idp *e2e.OIDCProvider, settings ...string) {
	c := g.Client(domain)
	text := `
domains:
  - name: ` + domain + `
    user_key: external_key
    sso: true
    connection:
      type: oauth
      oauth:
        profile: oidc
        issuer: '` + idp.Issuer + `'
        client_id: ` + c.ID + `
        client_secret: ` + c.Secret + `
        scopes: [openid, email, profile]
`
	for _, line := range settings {
		text += "        " + line + "\n"
	}
	text += `
    members:
      - {account: ` + user + `, external_key: '` + idp.Subject(user) + `', family_name: Kim, given_name: Ha-na}
`
	g.Apply(text, nil)
}

func TestOIDCLogins(t *testing.T) {
	t.Parallel()
	node := func(metadata ...string) func(testing.TB, *e2e.Gateway) *e2e.OIDCProvider {
		return func(t testing.TB, g *e2e.Gateway) *e2e.OIDCProvider {
			return e2e.OIDCProviderNode(t, g.Client(domain), metadata...)
		}
	}
	cases := map[string]struct {
		start    func(testing.TB, *e2e.Gateway) *e2e.OIDCProvider
		settings []string
	}{
		"oidc-provider":        {node(), nil},
		"oidc-provider, ES256": {node("id_token_signed_response_alg", "ES256"), []string{"algorithms: [ES256]"}},
		"oidc-provider, PS256": {node("id_token_signed_response_alg", "PS256"), nil},
		"oidc-provider, form":  {node("token_endpoint_auth_method", "client_secret_post"), []string{"auth_style: form"}},
		"dex": {func(t testing.TB, g *e2e.Gateway) *e2e.OIDCProvider {
			return e2e.Dex(t, g.Client(domain), user, other)
		}, nil},
		"zitadel": {func(t testing.TB, g *e2e.Gateway) *e2e.OIDCProvider {
			return e2e.Zitadel(t, g.Client(domain), user, other)
		}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := e2e.NewGateway(t)
			idp := c.start(t, g)
			connectOIDC(g, idp, c.settings...)
			signIn(t, g, e2e.NewBrowser(t, e2e.BrowserOptions{}), idp.SignIn(user), user)

			b := e2e.NewBrowser(t, e2e.BrowserOptions{})
			tab := b.Tab()
			tab.Open(g.Login(domain))
			tab.SignIn(idp.SignIn(other)) // known there, no member here
			refusedPage(t, g, b, tab, "user_unknown")
		})
	}
}

// An account that only user info tells is enough where the domain says so.
func TestOIDCByEMail(t *testing.T) {
	t.Parallel()
	g := e2e.NewGateway(t)
	idp := e2e.Zitadel(t, g.Client(domain), user)
	c := g.Client(domain)
	g.Apply(`
domains:
  - name: `+domain+`
    user_key: account
    just_in_time: true
    connection:
      type: oauth
      oauth: {profile: oidc, issuer: '`+idp.Issuer+`', client_id: `+c.ID+`, client_secret: `+c.Secret+`, scopes: [openid, email, profile],
        user_key_claim: email, email_claim: email, name_claims: [family_name, given_name]}
`, nil)
	signIn(t, g, e2e.NewBrowser(t, e2e.BrowserOptions{}), idp.SignIn(user), user)
}
