package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
)

// works is the profile of the customer's own authorization server, as line-works.md section 2 has it: no scope, no state
// parameter (it travels inside redirect_uri), no PKCE; the client's secret and the access token go in the body.
type works struct{}

func openWorks(c *Config) error {
	if c.AuthURL == "" || c.TokenURL == "" || c.UserInfoURL == "" || c.ClientSecret == "" {
		return errors.New("oauth: works needs the login, token and user information addresses and the client secret")
	}
	if c.UserKeyClaim == "" {
		c.UserKeyClaim = "user_id"
	}
	return nil
}

// begin builds the request of line-works 2.2. The Application Login URL, where one is set, gets userAgent and sessionKey.
func (works) begin(c *client, _ endpoints, s Start) (string, Secrets, error) {
	back, err := url.Parse(s.RedirectURI)
	if err != nil {
		return "", Secrets{}, &Refusal{Code: codeStart, Section: "line-works 2.2", Want: "redirect URI", Got: "not an address", Fix: AtOperator}
	}
	q := back.Query()
	q.Set("state", s.State)
	back.RawQuery = q.Encode()
	page := c.cfg.AuthURL
	var extra []oauth2.AuthCodeOption
	if s.Hint != "" {
		extra = append(extra, oauth2.SetAuthURLParam("worksId", s.Hint))
	}
	if s.App && c.cfg.AppAuthURL != "" {
		page = c.cfg.AppAuthURL
		extra = append(extra, oauth2.SetAuthURLParam("userAgent", "LineWorks"), oauth2.SetAuthURLParam("sessionKey", s.SessionKey))
	}
	request := oauth2.Config{ClientID: c.cfg.ClientID, RedirectURL: back.String(), Endpoint: oauth2.Endpoint{AuthURL: page}}
	return request.AuthCodeURL("", extra...), Secrets{RedirectURI: back.String()}, nil
}

// ready asks for nothing: this profile's only binding is the state, which the caller compares.
func (works) ready(*trail, Secrets) error { return nil }

// exchange is line-works 2.3: four parameters, and redirect_uri is not one of them.
func (works) exchange(c *client, code string, _ Secrets) (url.Values, func(*http.Request)) {
	return url.Values{
		"grant_type":    {"authorization_code"},
		"client_id":     {c.cfg.ClientID},
		"client_secret": {c.cfg.ClientSecret},
		"code":          {code},
	}, nil
}

// claims is line-works 2.4: the token is a parameter of a POST. user_id must be a string: its table says so, and a number
// would reach us in a spelling of the sender's JSON library.
func (works) claims(ctx context.Context, c *client, t *trail, e endpoints, k token, _ Secrets) (Claims, error) {
	a, err := c.post(ctx, e.userInfo, url.Values{
		"client_id":     {c.cfg.ClientID},
		"client_secret": {c.cfg.ClientSecret},
		"access_token":  {k.access},
	}, nil)
	if err != nil {
		return Claims{}, t.refuse("user information request", unreachable("the user information API", err))
	}
	o, err := c.judgeJSON(t, "user information", codeUserInfo, "line-works 2.4", a)
	if err != nil {
		return Claims{}, err
	}
	key, err := judgeKey(t, "line-works 2.4", c.cfg.UserKeyClaim, o.at(c.cfg.UserKeyClaim), false)
	if err != nil {
		return Claims{}, err
	}
	claims := Claims{UserKey: key, Subject: key}
	c.fill(&claims, t, o)
	return claims, nil
}

// worksError explains the codes of line-works 2.4. Whether code or message stands in error is not written down anywhere, so
// both are looked for in both.
func worksError(o object) (meaning string, fix Side) {
	for _, v := range []string{plain(o["error"]), plain(o["error_description"])} {
		switch v {
		case "101", "access_denied":
			return "101: this client is not authorized", AtConnection
		case "201", "invalid_request":
			return "201: request missing or invalid", AtIdentityProvider
		case "301", "unauthorized_client":
			return "301: wrong client ID or secret", AtConnection
		case "303", "invalid_access":
			return "303: the access token could not be verified", AtIdentityProvider
		}
	}
	return "", ""
}
