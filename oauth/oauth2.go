package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
)

// plainOAuth is RFC 6749 with state and PKCE S256 (RFC 7636, RFC 9700 section 2.1.1), and user information by GET with the
// access token as Bearer (RFC 6750 section 2.1).
type plainOAuth struct{}

func openPlainOAuth(c *Config) error {
	if c.AuthURL == "" || c.TokenURL == "" || c.UserInfoURL == "" {
		return errors.New("oauth: oauth2 needs the login, token and user information addresses")
	}
	if c.UserKeyClaim == "" {
		c.UserKeyClaim = "user_id"
	}
	return nil
}

func (plainOAuth) begin(c *client, e endpoints, s Start) (string, Secrets, error) {
	location, secrets := c.authorize(e.auth, s, c.cfg.Scopes)
	return location, secrets, nil
}

// authorize is shared with oidc: state, PKCE always, the account as a hint (unknown parameters are ignored, RFC 6749 3.1).
func (c *client) authorize(page string, s Start, scopes []string, extra ...oauth2.AuthCodeOption) (string, Secrets) {
	secrets := Secrets{RedirectURI: s.RedirectURI, Verifier: oauth2.GenerateVerifier()}
	extra = append(extra, oauth2.S256ChallengeOption(secrets.Verifier))
	if s.Hint != "" {
		extra = append(extra, oauth2.SetAuthURLParam("login_hint", s.Hint))
	}
	request := oauth2.Config{ClientID: c.cfg.ClientID, RedirectURL: s.RedirectURI, Scopes: scopes, Endpoint: oauth2.Endpoint{AuthURL: page}}
	return request.AuthCodeURL(s.State, extra...), secrets
}

func (plainOAuth) ready(t *trail, s Secrets) error {
	whole := s.Verifier != "" && s.RedirectURI != ""
	return t.judge(whole, "login record", Refusal{Code: codeSecretsMissing, Section: "RFC 7636 4.5", Want: "verifier and redirect URI", Got: presence(whole), Fix: AtOperator})
}

func presence(whole bool) string {
	if whole {
		return "both there"
	}
	return "not all there"
}

func (plainOAuth) exchange(c *client, code string, s Secrets) (url.Values, func(*http.Request)) {
	return c.codeGrant(code, s)
}

// codeGrant is RFC 6749 4.1.3 with the verifier of RFC 7636 4.5.
func (c *client) codeGrant(code string, s Secrets) (url.Values, func(*http.Request)) {
	form := url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code},
		"redirect_uri":  {s.RedirectURI},
		"code_verifier": {s.Verifier},
	}
	prove := c.proof(form)
	return form, prove
}

func (plainOAuth) claims(ctx context.Context, c *client, t *trail, e endpoints, k token, _ Secrets) (Claims, error) {
	a, err := c.userInfo(ctx, t, e, k)
	if err != nil {
		return Claims{}, err
	}
	o, err := c.judgeJSON(t, "user information", codeUserInfo, "security.md 2.4", a)
	if err != nil {
		return Claims{}, err
	}
	key, err := judgeKey(t, "security.md 2.4", c.cfg.UserKeyClaim, o.at(c.cfg.UserKeyClaim), true)
	if err != nil {
		return Claims{}, err
	}
	claims := Claims{UserKey: key, Subject: key, Issuer: c.cfg.Issuer}
	c.fill(&claims, t, o)
	return claims, nil
}

// userInfo is the Bearer request, shared with oidc (OpenID Connect Core 5.3.1).
func (c *client) userInfo(ctx context.Context, t *trail, e endpoints, k token) (answer, error) {
	a, err := c.get(ctx, e.userInfo, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+k.access) })
	if err != nil {
		return answer{}, t.refuse("user information request", unreachable("the user information endpoint", err))
	}
	return a, nil
}
