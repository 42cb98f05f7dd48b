package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	defaultSkew = 3 * time.Minute
	maxCode     = 8 << 10 // bytes of a code
)

// client is what the exported methods work on.
type client struct {
	cfg     Config
	profile profile
	http    *http.Client
	found   cached[endpoints] // discovery
	keys    keySet
}

// profile is where the three kinds of provider differ: works.go, oauth2.go, oidc.go.
type profile interface {
	// begin adds to the address of the login page what the profile sends along.
	begin(c *client, e endpoints, s Start) (string, Secrets, error)
	// ready judges the secrets, before anything is sent.
	ready(t *trail, s Secrets) error
	// exchange is the token request's form and how the client proves itself.
	exchange(c *client, code string, s Secrets) (url.Values, func(*http.Request))
	// claims turns the tokens into what is known of the person.
	claims(ctx context.Context, c *client, t *trail, e endpoints, k token, s Secrets) (Claims, error)
}

// endpoints of a provider, configured or discovered.
type endpoints struct {
	issuer     string // may be a template with {tenantid}
	auth       string
	token      string
	userInfo   string
	keys       string
	algorithms []string // announced; empty when unknown
	announces  bool     // authorization_response_iss_parameter_supported, RFC 9207 section 3
}

func open(c Config) (*Client, error) {
	if c.HTTP == nil || c.Now == nil {
		return nil, errors.New("oauth: an HTTP client and a clock are required")
	}
	if c.ClientID == "" {
		return nil, errors.New("oauth: the client ID is missing")
	}
	if c.Skew == 0 {
		c.Skew = defaultSkew
	}
	if !slices.Contains([]string{"", "basic", "form"}, c.AuthStyle) {
		return nil, fmt.Errorf("oauth: unknown client authentication %q", c.AuthStyle)
	}
	if err := checkAddresses(c); err != nil {
		return nil, err
	}
	p, err := profileOf(&c)
	if err != nil {
		return nil, err
	}
	return &Client{client{cfg: c, profile: p, http: guarded(c.HTTP)}}, nil
}

func profileOf(c *Config) (profile, error) {
	switch c.Profile {
	case "works":
		return works{}, openWorks(c)
	case "oauth2":
		return plainOAuth{}, openPlainOAuth(c)
	case "oidc":
		return openID{}, openOpenID(c)
	}
	return nil, fmt.Errorf("oauth: unknown profile %q", c.Profile)
}

func checkAddresses(c Config) error {
	for name, raw := range map[string]string{"issuer": c.Issuer, "authorization": c.AuthURL, "application login": c.AppAuthURL,
		"token": c.TokenURL, "user information": c.UserInfoURL, "keys": c.JWKSURL} {
		if raw == "" {
			continue
		}
		if !absolute(raw) {
			return fmt.Errorf("oauth: the %s address is not an absolute http or https address", name)
		}
	}
	for _, raw := range []string{c.AuthURL, c.AppAuthURL} {
		// Only the guarded client says whether plain http is allowed here, and it never sees where the browser goes: the login
		// page may be on http only where the token endpoint is.
		if strings.HasPrefix(raw, "http:") && !strings.HasPrefix(c.TokenURL, "http:") {
			return errors.New("oauth: the login page must be https")
		}
		if name := reserved(raw); name != "" {
			return fmt.Errorf("oauth: the login page's address already has %s", name)
		}
	}
	return nil
}

// absolute accepts {tenantid} in the path: url.Parse takes braces as they are.
func absolute(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.Fragment == ""
}

// reserved names a request parameter that the address already has: doubled parameters are read differently by different
// servers (RFC 6749 section 3.1 forbids them).
func reserved(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	for name := range u.Query() {
		if slices.Contains([]string{"response_type", "client_id", "redirect_uri", "state", "scope", "nonce", "code_challenge",
			"code_challenge_method", "worksId", "userAgent", "sessionKey"}, name) {
			return name
		}
	}
	return ""
}

func (c *client) begin(ctx context.Context, s Start) (string, Secrets, error) {
	t := &trail{}
	lacks := s.RedirectURI == "" || s.State == "" || !absolute(s.RedirectURI)
	if err := t.judge(!lacks, "login start", Refusal{Code: codeStart, Section: "RFC 6749 4.1.1", Want: "redirect URI and state", Got: "one is missing", Fix: AtOperator}); err != nil {
		return "", Secrets{}, err
	}
	e, err := c.endpoints(ctx, t)
	if err != nil {
		return "", Secrets{}, err
	}
	return c.profile.begin(c, e, s)
}

// finish judges the answer, then makes the calls. Nothing is sent before the answer was judged: a code that came from, or is
// meant for, another provider must not be handed on (RFC 9700 section 4.4).
func (c *client) finish(ctx context.Context, a Answer, s Secrets) (Claims, []Check, error) {
	t := &trail{}
	t.hide(c.cfg.ClientSecret, a.Code, s.Verifier, s.Nonce)
	claims, err := c.accept(ctx, t, a, s)
	if err != nil {
		return Claims{}, t.checks, err
	}
	return claims, t.checks, nil
}

func (c *client) accept(ctx context.Context, t *trail, a Answer, s Secrets) (Claims, error) {
	e, err := c.endpoints(ctx, t)
	if err != nil {
		return Claims{}, err
	}
	if err := c.judgeAnswer(t, e, a); err != nil {
		return Claims{}, err
	}
	if err := c.profile.ready(t, s); err != nil {
		return Claims{}, err
	}
	k, err := c.redeem(ctx, t, e, a.Code, s)
	if err != nil {
		return Claims{}, err
	}
	claims, err := c.profile.claims(ctx, c, t, e, k, s)
	if err != nil {
		return Claims{}, err
	}
	claims.ExpiresIn = k.expiresIn
	return claims, nil
}

func (c *client) judgeAnswer(t *trail, e endpoints, a Answer) error {
	if err := c.judgeIssuer(t, e, a.Issuer); err != nil {
		return err
	}
	if a.Error != "" {
		return t.refuse("authorization response", Refusal{Code: codeProviderError, Section: "RFC 6749 4.1.2.1", Want: "a code",
			Got: errorText(a.Error, a.ErrorDescription), Fix: whoFixes(a.Error)})
	}
	sound := a.Code != "" && len(a.Code) <= maxCode
	return t.judge(sound, "authorization code", Refusal{Code: codeCodeMissing, Section: "RFC 6749 4.1.2", Want: "one code",
		Got: fmt.Sprintf("%d bytes", len(a.Code)), Fix: AtIdentityProvider})
}

// judgeIssuer is RFC 9207 section 2.4: the iss of the answer must be the issuer that was asked, whenever it is there, and it
// must be there when the provider announces it. Without a configured issuer (works, some oauth2) there is nothing to compare.
func (c *client) judgeIssuer(t *trail, e endpoints, got string) error {
	if e.issuer == "" || (got == "" && !e.announces) {
		return nil
	}
	if got == "" {
		return t.refuse("issuer of the answer", Refusal{Code: codeIssuer, Section: "RFC 9207 2.4", Want: e.issuer, Got: "absent", Fix: AtIdentityProvider})
	}
	return t.judge(c.matchesIssuer(e.issuer, got), "issuer of the answer",
		Refusal{Code: codeIssuer, Section: "RFC 9207 2.4", Want: e.issuer, Got: got, Fix: AtIdentityProvider})
}

// whoFixes is a first guess for the administrator, by the error's name (RFC 6749 4.1.2.1 and 5.2, OpenID Connect Core 3.1.2.6).
func whoFixes(name string) Side {
	switch name {
	case "access_denied", "login_required", "interaction_required", "account_selection_required", "consent_required":
		return AtPerson
	case "unauthorized_client", "invalid_client", "invalid_scope", "invalid_request", "unsupported_response_type":
		return AtConnection
	}
	return AtIdentityProvider
}

func errorText(name, description string) string {
	if description == "" {
		return name
	}
	return bounded(name, 64) + ": " + description
}

// probe reaches what can be reached without a person: discovery and keys, or else the token endpoint, where any HTTP answer
// will do.
func (c *client) probe(ctx context.Context) error {
	t := &trail{}
	t.hide(c.cfg.ClientSecret)
	e, err := c.endpoints(ctx, t)
	if err != nil {
		return err
	}
	if e.keys != "" {
		_, err := c.keys.load(ctx, c, e.keys, false)
		return c.keyFault(t, err)
	}
	if _, err := c.get(ctx, e.token, nil); err != nil {
		return t.refuse("token endpoint", unreachable("the token endpoint", err))
	}
	return nil
}
