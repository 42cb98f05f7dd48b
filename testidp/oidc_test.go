package testidp_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/ssogate/ssogate/testidp"
	"golang.org/x/oauth2"
)

const callback = "https://sso.mycompany.example/oauth/mycompany.com/callback"

// relyingParty is a foreign OpenID client.
type relyingParty struct {
	t      *testing.T
	ctx    context.Context
	b      browser
	oauth  oauth2.Config
	oidc   *oidc.Provider
	nonce  string
	proof  string
	answer url.Values // of the redirect back
}

func newRelyingParty(t *testing.T, p *testidp.Provider) *relyingParty {
	t.Helper()
	b := newBrowser(t)
	ctx := oidc.ClientContext(t.Context(), b.c)
	provider, err := oidc.NewProvider(ctx, p.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AddClient(testidp.OAuthClient{ID: "board", Secret: "s3cret&=", RedirectURIs: []string{callback}}); err != nil {
		t.Fatal(err)
	}
	return &relyingParty{t: t, ctx: ctx, b: b, oidc: provider, nonce: "nonce-1", proof: oauth2.GenerateVerifier(),
		oauth: oauth2.Config{ClientID: "board", ClientSecret: "s3cret&=", Endpoint: provider.Endpoint(), RedirectURL: callback, Scopes: []string{"openid", "email"}}}
}

// begin goes to the provider and reads the redirect back.
func (r *relyingParty) begin() url.Values {
	r.t.Helper()
	address := r.oauth.AuthCodeURL("state-1", oidc.Nonce(r.nonce), oauth2.S256ChallengeOption(r.proof))
	answer := r.b.get(address)
	back, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || answer.StatusCode != http.StatusFound || !strings.HasPrefix(back.String(), callback) {
		r.t.Fatalf("authorize: %d to %s", answer.StatusCode, answer.Header.Get("Location"))
	}
	r.answer = back.Query()
	return r.answer
}

func (r *relyingParty) exchange() (*oauth2.Token, error) {
	return r.oauth.Exchange(r.ctx, r.answer.Get("code"), oauth2.VerifierOption(r.proof))
}

// verify is what go-oidc checks, and the nonce and at_hash.
func (r *relyingParty) verify(token *oauth2.Token, algorithms ...string) (*oidc.IDToken, error) {
	raw, _ := token.Extra("id_token").(string)
	id, err := r.oidc.VerifierContext(r.ctx, &oidc.Config{ClientID: "board", SupportedSigningAlgs: algorithms}).Verify(r.ctx, raw)
	if err != nil {
		return nil, err
	}
	return id, id.VerifyAccessToken(token.AccessToken)
}

func TestOIDC(t *testing.T) {
	styles := map[string]testidp.OAuthStyle{
		"RS256": {}, "PS256": {Algorithm: "PS256"}, "ES256": {Algorithm: "ES256"}, "EdDSA": {Algorithm: "EdDSA"},
		"next key": {Key: testidp.KeyNext}, "basic": {ClientAuth: "basic"}, "post": {ClientAuth: "post"}, "slash": {TrailingSlash: true},
		"PKCE": {RequirePKCE: true}, "no PKCE": {IgnorePKCE: true}, "text": {ExpiresInText: true}, "user info": {ClaimsElsewhere: true},
	}
	for name, style := range styles {
		t.Run(name, func(t *testing.T) {
			p := start(t, "alice")
			p.SetOAuth(style)
			rp := newRelyingParty(t, p)
			if style.ClientAuth == "basic" {
				rp.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
			}
			if answer := rp.begin(); answer.Get("state") != "state-1" || answer.Get("iss") != p.Issuer() {
				t.Fatalf("answer %v", answer)
			}
			token, err := rp.exchange()
			if err != nil {
				t.Fatal(err)
			}
			algorithm := style.Algorithm
			if algorithm == "" {
				algorithm = "RS256"
			}
			id, err := rp.verify(token, algorithm)
			if err != nil {
				t.Fatal(err)
			}
			var claims struct{ Email string }
			if err := id.Claims(&claims); err != nil {
				t.Fatal(err)
			}
			if id.Subject != "A-100" || id.Nonce != "nonce-1" || (claims.Email == "") != style.ClaimsElsewhere {
				t.Errorf("id token %+v, e-mail %q", id, claims.Email)
			}
			info, err := rp.oidc.UserInfo(rp.ctx, oauth2.StaticTokenSource(token))
			if err != nil || info.Subject != "A-100" || info.Email != alice.Email || !info.EmailVerified {
				t.Errorf("user info %+v: %v", info, err)
			}
			if left := time.Until(token.Expiry); left < 50*time.Minute || left > time.Hour {
				t.Errorf("token lives %v", left)
			}
			if p.Count("/token") < 1 || p.Count("/authorize") != 1 {
				t.Errorf("counted %d and %d", p.Count("/token"), p.Count("/authorize"))
			}
		})
	}
}

func TestCodeIsUsedOnceAndBound(t *testing.T) {
	p := start(t, "alice")
	rp := newRelyingParty(t, p)
	rp.begin()
	token, err := rp.exchange()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rp.exchange(); err == nil {
		t.Error("a code is taken twice")
	}
	if _, err := rp.oidc.UserInfo(rp.ctx, oauth2.StaticTokenSource(token)); err == nil {
		t.Error("the token of a code that was used twice still works")
	}
	for name, spoil := range map[string]func(){
		"verifier":     func() { rp.proof = oauth2.GenerateVerifier() },
		"redirect URI": func() { rp.oauth.RedirectURL += "?x" },
		"secret":       func() { rp.oauth.ClientSecret = "guess" },
	} {
		good := *rp
		rp.begin()
		spoil()
		if _, err := rp.exchange(); err == nil {
			t.Errorf("wrong %s is taken", name)
		}
		*rp = good
	}
	late := time.Now()
	q, err := testidp.Start(testidp.Options{Keys: keys, AutoLogin: "alice", Now: func() time.Time { return late }})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	q.AddPerson(alice)
	rp = newRelyingParty(t, q)
	rp.begin()
	late = late.Add(61 * time.Second)
	if _, err := rp.exchange(); err == nil {
		t.Error("a code of 61 seconds is taken")
	}
}

func TestAuthorizeRefusals(t *testing.T) {
	p := start(t, "alice")
	rp := newRelyingParty(t, p)
	good := url.Values{"client_id": {"board"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"}}
	for _, c := range []struct {
		name, value string
		back        bool // the error is sent back
	}{
		{"client_id", "nobody", false}, {"redirect_uri", callback + "x", false}, {"redirect_uri", "", false},
		{"response_type", "token", true}, {"scope", "email", true}, {"code_challenge", "plain-one", true},
	} {
		query := url.Values{}
		for name := range good {
			query.Set(name, good.Get(name))
		}
		query.Set(c.name, c.value)
		answer := rp.b.get(p.URL("/authorize?" + query.Encode()))
		to, err := url.Parse(answer.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		if c.back != (to.Query().Get("error") == "invalid_request" && to.Query().Get("state") == "s") || !c.back && answer.StatusCode != 400 {
			t.Errorf("%s=%q: %d to %s", c.name, c.value, answer.StatusCode, to)
		}
	}
	good.Set("response_mode", "form_post")
	to, fields := rp.b.get(p.URL("/authorize?" + good.Encode())).form()
	if to != callback || fields.Get("code") == "" || fields.Get("state") != "s" {
		t.Errorf("form_post to %q with %v", to, fields)
	}
}

func TestPromptAndHint(t *testing.T) {
	p := start(t, "")
	rp := newRelyingParty(t, p)
	address := rp.oauth.AuthCodeURL("s", oauth2.SetAuthURLParam("login_hint", alice.Email))
	page := rp.b.get(address)
	if !strings.Contains(page.body, `id="person-alice" class="hinted"`) {
		t.Errorf("the hint marks nobody: %s", page.body)
	}
	silent := rp.b.get(rp.oauth.AuthCodeURL("s", oauth2.SetAuthURLParam("prompt", "none")))
	if !strings.Contains(silent.Header.Get("Location"), "error=login_required") {
		t.Errorf("prompt=none goes to %s", silent.Header.Get("Location"))
	}
	if auto := rp.b.get(address + "&auto=bob"); !strings.Contains(auto.Header.Get("Location"), "code=") {
		t.Errorf("auto goes to %s", auto.Header.Get("Location"))
	}
}

func TestPlainOAuth2(t *testing.T) {
	p := start(t, "bob")
	rp := newRelyingParty(t, p)
	if err := p.AddClient(testidp.OAuthClient{ID: "board", Secret: "s3cret&=", RedirectURIs: []string{callback}, Profile: testidp.ProfileOAuth2}); err != nil {
		t.Fatal(err)
	}
	rp.oauth.Scopes = nil
	rp.begin()
	token, err := rp.exchange()
	if err != nil || token.Extra("id_token") != nil {
		t.Fatalf("token %+v: %v", token, err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL("/userinfo"), nil)
	if err != nil {
		t.Fatal(err)
	}
	token.SetAuthHeader(r)
	if got := rp.b.do(r); got.StatusCode != 200 || !strings.Contains(got.body, `"user_id":"bob"`) {
		t.Errorf("user info %d %s", got.StatusCode, got.body)
	}
	if got := rp.b.get(p.URL("/userinfo")); got.StatusCode != 401 || got.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("without a token: %d", got.StatusCode)
	}
}
