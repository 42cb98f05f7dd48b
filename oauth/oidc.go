package oauth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

// openID is OpenID Connect: the code flow with PKCE, a nonce, and an ID token judged in full (idtoken.go). User information
// is asked for only when a claim that the connection names is not in the ID token.
type openID struct{}

func openOpenID(c *Config) error {
	given := 0
	for _, raw := range []string{c.AuthURL, c.TokenURL, c.JWKSURL} {
		if raw != "" {
			given++
		}
	}
	if c.Issuer == "" || (given != 0 && given != 3) {
		return errors.New("oauth: oidc needs the issuer, and either none or all of the login, token and key set addresses")
	}
	if strings.HasPrefix(c.Issuer, "https:") && (strings.HasPrefix(c.TokenURL, "http:") || strings.HasPrefix(c.JWKSURL, "http:")) {
		return errors.New("oauth: the endpoints of an https issuer must be https")
	}
	for _, a := range c.Algorithms {
		if !slices.Contains(allowed, jose.SignatureAlgorithm(a)) {
			return fmt.Errorf("oauth: algorithm %q is not one of RS256 PS256 ES256 EdDSA", a)
		}
	}
	if strings.Contains(c.Issuer, tenantTemplate) && len(c.EntraTenants) == 0 {
		return errors.New("oauth: an issuer for all Entra tenants needs the allowed tenant IDs")
	}
	if slices.Contains(c.EntraTenants, "") {
		return errors.New("oauth: an Entra tenant ID is empty")
	}
	defaultsOpenID(c)
	return nil
}

func defaultsOpenID(c *Config) {
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"openid", "profile", "email"}
	}
	if !slices.Contains(c.Scopes, "openid") { // OpenID Connect Core 3.1.2.1: without it there is no ID token
		c.Scopes = append([]string{"openid"}, c.Scopes...)
	}
	if c.UserKeyClaim == "" {
		c.UserKeyClaim = "sub"
	}
	if len(c.NameClaims) == 0 {
		c.NameClaims = []string{"family_name", "given_name"}
	}
}

func (openID) begin(c *client, e endpoints, s Start) (string, Secrets, error) {
	nonce := rand.Text()
	extra := []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("nonce", nonce)}
	if s.ForceLogin {
		extra = append(extra, oauth2.SetAuthURLParam("prompt", "login"))
	}
	location, secrets := c.authorize(e.auth, s, c.cfg.Scopes, extra...)
	secrets.Nonce = nonce
	return location, secrets, nil
}

func (openID) ready(t *trail, s Secrets) error {
	whole := s.Verifier != "" && s.RedirectURI != "" && s.Nonce != ""
	return t.judge(whole, "login record", Refusal{Code: codeSecretsMissing, Section: "OpenID Connect Core 3.1.2.1", Want: "nonce, verifier and redirect URI", Got: presence(whole), Fix: AtOperator})
}

func (openID) exchange(c *client, code string, s Secrets) (url.Values, func(*http.Request)) {
	return c.codeGrant(code, s)
}

func (openID) claims(ctx context.Context, c *client, t *trail, e endpoints, k token, s Secrets) (Claims, error) {
	idToken, algorithm, err := c.verifySigned(ctx, t, e, "ID token", k.id)
	if err != nil {
		return Claims{}, err
	}
	if err := c.judgeClaims(t, e, idToken, k, s.Nonce, algorithm); err != nil {
		return Claims{}, err
	}
	sources := []object{idToken}
	if e.userInfo != "" && c.lacks(idToken) {
		more, err := c.openUserInfo(ctx, t, e, k, idToken.text("sub"))
		if err != nil {
			return Claims{}, err
		}
		sources = append(sources, more)
	}
	key, err := c.openKey(t, sources)
	if err != nil {
		return Claims{}, err
	}
	claims := Claims{UserKey: key, Issuer: idToken.text("iss"), Subject: idToken.text("sub"), SessionID: idToken.text("sid")}
	c.fill(&claims, t, sources...)
	return claims, nil
}

func (c *client) lacks(idToken object) bool {
	return idToken.at(c.cfg.UserKeyClaim) == nil || (c.cfg.EmailClaim != "" && idToken.at(c.cfg.EmailClaim) == nil)
}

// openUserInfo fetches further claims; signed ones are verified like an ID token. They must be about the person of the ID
// token: without that comparison an access token of somebody else would do (OpenID Connect Core 5.3.4).
func (c *client) openUserInfo(ctx context.Context, t *trail, e endpoints, k token, sub string) (object, error) {
	a, err := c.userInfo(ctx, t, e, k)
	if err != nil {
		return nil, err
	}
	var o object
	if a.kind == "application/jwt" && a.status == http.StatusOK {
		o, err = c.signedUserInfo(ctx, t, e, string(a.body))
	} else {
		o, err = c.judgeJSON(t, "user information", codeUserInfo, "OpenID Connect Core 5.3.2", a)
	}
	if err != nil {
		return nil, err
	}
	err = t.judge(o.text("sub") == sub, "user information subject", Refusal{Code: codeSubject, Section: "OpenID Connect Core 5.3.4", Want: sub, Got: plain(o["sub"]), Fix: AtIdentityProvider})
	return o, err
}

// signedUserInfo is OpenID Connect Core 5.3.2: iss and aud should be there, and are compared when they are.
func (c *client) signedUserInfo(ctx context.Context, t *trail, e endpoints, raw string) (object, error) {
	o, _, err := c.verifySigned(ctx, t, e, "user information", raw)
	if err != nil {
		return nil, err
	}
	if o.has("iss") {
		if err := c.judgeTokenIssuer(t, e, o); err != nil {
			return nil, err
		}
	}
	if o.has("aud") {
		if err := c.judgeAudience(t, o); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// openKey takes the user key from the first source that has it. An e-mail address is never the key by default; an
// administrator who chooses the claim "email" gets verified ones only, said as true and not as text, by the same source:
// anybody can write any address into another directory.
func (c *client) openKey(t *trail, sources []object) (string, error) {
	from := sources[0]
	for _, o := range sources {
		if o.at(c.cfg.UserKeyClaim) != nil {
			from = o
			break
		}
	}
	if c.cfg.UserKeyClaim == "email" {
		if err := t.judge(from["email_verified"] == true, "verified e-mail", Refusal{Code: codeUnverified, Section: "OpenID Connect Core 5.7",
			Want: "email_verified true", Got: plain(from["email_verified"]), Fix: AtIdentityProvider}); err != nil {
			return "", err
		}
	}
	return judgeKey(t, "OpenID Connect Core 5.7", c.cfg.UserKeyClaim, from.at(c.cfg.UserKeyClaim), c.cfg.UserKeyClaim != "sub")
}
