package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// token is the answer of a token endpoint that held. It never leaves this package.
type token struct {
	access    string
	id        string // oidc
	expiresIn time.Duration
}

const (
	maxToken = 64 << 10                  // bytes of an access or ID token
	maxLife  = 10 * 365 * 24 * time.Hour // longer ones are cut to this
)

// redeem makes the token request, once (RFC 6749 4.1.3): the code is single use. The exchange of x/oauth2 is not used: it
// always sends redirect_uri, accepts form-encoded answers and doubled names, and tries a second client authentication.
func (c *client) redeem(ctx context.Context, t *trail, e endpoints, code string, s Secrets) (token, error) {
	form, prove := c.profile.exchange(c, code, s)
	a, err := c.post(ctx, e.token, form, prove)
	if err != nil {
		return token{}, t.refuse("token request", unreachable("the token endpoint", err))
	}
	o, err := c.judgeJSON(t, "token response", c.tokenCode(), "RFC 6749 5.1", a)
	if err != nil {
		return token{}, err
	}
	return c.readToken(t, o)
}

func (c *client) tokenCode() string {
	if c.cfg.Profile == "oidc" {
		return codeTokenOIDC
	}
	return codeTokenOAuth
}

// judgeJSON accepts HTTP 200 with one JSON object and no error in it. Both must agree: an error under 200, and success under
// any other status, are refused (security.md 2.4).
func (c *client) judgeJSON(t *trail, name, code, section string, a answer) (object, error) {
	o, parse := parseObject(a.body)
	if parse == nil && (o.has("error") && plain(o["error"]) != "") {
		got := errorText(plain(o["error"]), plainOr(o["error_description"], ""))
		side := whoFixes(o.text("error"))
		if meaning, at := worksError(o); meaning != "" && c.cfg.Profile == "works" {
			got, side = got+" ("+meaning+")", at
		}
		return nil, t.refuse(name, Refusal{Code: code, Section: section, Want: "no error", Got: got, Fix: side})
	}
	status := Refusal{Code: code, Section: section, Want: "HTTP 200", Got: "HTTP " + strconv.Itoa(a.status), Fix: AtIdentityProvider}
	if err := t.judge(a.status == http.StatusOK, name, status); err != nil {
		return nil, err
	}
	// What came instead is described, never quoted (security.md 2.3).
	shape := Refusal{Code: code, Section: "RFC 8259 4", Want: "one JSON object, no doubled names", Got: fmt.Sprintf("%d bytes of JSON", len(a.body)), Fix: AtIdentityProvider}
	if parse != nil {
		shape.Got = fmt.Sprintf("%d bytes that are not", len(a.body))
	}
	if err := t.judge(parse == nil, name+" shape", shape); err != nil {
		return nil, err
	}
	return o, nil
}

func plainOr(v any, other string) string {
	if v == nil {
		return other
	}
	return plain(v)
}

func (c *client) readToken(t *trail, o object) (token, error) {
	code := c.tokenCode()
	access := o.text("access_token")
	t.hide(access, o.text("id_token"), o.text("refresh_token"))
	sound := access != "" && len(access) <= maxToken && printable(access)
	if err := t.judge(sound, "access token", Refusal{Code: code, Section: "RFC 6749 5.1", Want: "a token", Got: fmt.Sprintf("%d bytes", len(access)), Fix: AtIdentityProvider}); err != nil {
		return token{}, err
	}
	kind := o.text("token_type")
	if err := t.judge(strings.EqualFold(kind, "bearer"), "token type", Refusal{Code: code, Section: "RFC 6749 7.1", Want: "Bearer", Got: plain(o["token_type"]), Fix: AtIdentityProvider}); err != nil {
		return token{}, err
	}
	life, ok := lifetime(o["expires_in"])
	if err := t.judge(ok, "token lifetime", Refusal{Code: code, Section: "RFC 6749 5.1", Want: "seconds above 0, or nothing", Got: plain(o["expires_in"]), Fix: AtIdentityProvider}); err != nil {
		return token{}, err
	}
	return token{access: access, id: o.text("id_token"), expiresIn: life}, nil
}

// printable is the alphabet of a token, RFC 6749 appendix A.12.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e }) < 0
}

var digits = regexp.MustCompile(`^[0-9]{1,18}$`)

// lifetime reads expires_in, a number or (line-works 2.3) a string. A bad one is refused and not taken for absent: absent
// means the default session life, which is longer.
func lifetime(v any) (time.Duration, bool) {
	if v == nil {
		return 0, true
	}
	s, ok := v.(string)
	if n, isNumber := v.(json.Number); isNumber {
		s, ok = n.String(), true
	}
	if !ok || !digits.MatchString(s) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n == 0 {
		return 0, false
	}
	if n > int64(maxLife/time.Second) {
		return maxLife, true
	}
	return time.Duration(n) * time.Second, true
}

// proof authenticates the client at the token endpoint: HTTP Basic unless told otherwise, each half form-encoded first
// (RFC 6749 2.3.1). A client without a secret names itself in the form and has PKCE only.
func (c *client) proof(form url.Values) func(*http.Request) {
	if c.cfg.ClientSecret != "" && c.cfg.AuthStyle != "form" {
		return func(r *http.Request) {
			r.SetBasicAuth(url.QueryEscape(c.cfg.ClientID), url.QueryEscape(c.cfg.ClientSecret))
		}
	}
	form.Set("client_id", c.cfg.ClientID)
	if c.cfg.ClientSecret != "" {
		form.Set("client_secret", c.cfg.ClientSecret)
	}
	return nil
}
