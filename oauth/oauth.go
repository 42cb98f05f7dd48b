// Package oauth is an OAuth 2.0 and OpenID Connect client in three profiles: works, oauth2 and oidc. It is handed an
// *http.Client that guards the network; it keeps nothing between a Begin and its Finish: the caller stores Secrets, and the
// caller compares the state with the one it gave. Codes lists why an answer can be refused.
//
// Finish goes, in this order: the issuer of the answer (mix-up), its error or code (client.go), the token request (token.go),
// for oidc the ID token (idtoken.go) with the provider's keys (keys.go), user information where it is needed, the user key
// (claims.go). Each comparison is noted (trail.go). What the profiles do differently stands in works.go, oauth2.go, oidc.go.
package oauth

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Side names who must act after a refusal; the words are those of the trace.
type Side string

// Sides.
const (
	AtIdentityProvider Side = "identity-provider"
	AtConnection       Side = "domain-admin"
	AtPerson           Side = "person"
	AtOperator         Side = "operator"
)

// Check is one comparison that was made, in order.
type Check struct {
	Name, Section, Want, Got string
	OK                       bool
}

// Refusal is why an answer was not accepted.
type Refusal struct {
	Code    string
	Section string
	Want    string
	Got     string
	Fix     Side
}

// Error names the code only.
func (r *Refusal) Error() string { return fmt.Sprintf("oauth: refused: %s", r.Code) }

// Config of one provider. Profile is "works", "oauth2" or "oidc". See directory.OAuthSettings for the fields' meaning.
type Config struct {
	Profile      string
	ClientID     string
	ClientSecret string
	Issuer       string
	AuthURL      string
	AppAuthURL   string
	TokenURL     string
	UserInfoURL  string
	JWKSURL      string
	Scopes       []string
	AuthStyle    string
	UserKeyClaim string
	EmailClaim   string
	NameClaims   []string
	Algorithms   []string
	EntraTenants []string

	HTTP *http.Client     // guarded; required
	Now  func() time.Time // required
	Skew time.Duration    // 0 means 3 minutes
}

// Start is what a login start brings.
type Start struct {
	RedirectURI string // ours, fixed; for works the state is put inside it
	State       string // opaque random handle
	Hint        string // account typed by the person: worksId or login_hint
	App         bool   // works: the Application Login URL with userAgent=LineWorks and sessionKey
	SessionKey  string // works with App
	ForceLogin  bool   // oidc: prompt=login
}

// Secrets are what Finish needs again; they stay on the server with the login record.
type Secrets struct {
	RedirectURI string `json:"redirect_uri"` // exactly as sent
	Nonce       string `json:"nonce,omitempty"`
	Verifier    string `json:"verifier,omitempty"` // PKCE
}

// Answer is the callback's query or form as it came.
type Answer struct {
	Code, State, Issuer, Error, ErrorDescription string
}

// Claims are what the provider said, after all checks. Email is for creating a member, never for finding one; it is left out
// when the provider says that it is not verified (email_verified present and not true).
type Claims struct {
	UserKey    string
	Issuer     string
	Subject    string
	SessionID  string // sid, when an ID token carries one
	Email      string
	FamilyName string
	GivenName  string
	ExpiresIn  time.Duration       // of the access token, 0 when absent
	Attributes map[string][]string // bounded, for the trace; no tokens
}

// Client is a connection to one provider, opened from a Config. Safe for concurrent use.
type Client struct{ client }

// Open checks the configuration; it makes no call. Discovery happens at first use and is cached.
func Open(c Config) (*Client, error) { return open(c) }

// Begin returns the address to send the browser to, and the secrets for Finish. Errors are *Refusal.
func (c *Client) Begin(ctx context.Context, s Start) (location string, secrets Secrets, err error) {
	return c.begin(ctx, s)
}

// Finish exchanges the code and returns verified claims and the checks that were made (also with a refusal). Each outgoing
// call is made once: a code is single use.
func (c *Client) Finish(ctx context.Context, a Answer, s Secrets) (Claims, []Check, error) {
	return c.finish(ctx, a, s)
}

// Probe makes the calls that need no person (discovery, keys) and says whether the provider can be reached.
func (c *Client) Probe(ctx context.Context) error { return c.probe(ctx) }
