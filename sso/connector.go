package sso

import (
	"context"
	"net/url"
	"time"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/oauth"
)

// Connector is the living thing opened from a connection. Begin keeps nothing: what Finish needs again travels in the Login
// record. Finish makes each outgoing call once and judges every byte; it answers an Identity only after all checks held.
// Both refuse with a *Refusal. Safe for concurrent use.
type Connector interface {
	Begin(ctx context.Context, s Start) (Departure, error)
	Finish(ctx context.Context, r Return) (Identity, error)
}

// Start is what a login start brings to a Connector.
type Start struct {
	Handle     string // opaque: RelayState or state
	Hint       string // the account a person typed, "" when none
	App        bool   // a login from a mobile or desktop app
	SessionKey string // for App: names this login towards the identity provider
}

// Departure is how the browser leaves: by Location, or by a form posted to Location when Form is set.
type Departure struct {
	Location  string
	Form      map[string]string
	RequestID string        // SAML
	Secrets   oauth.Secrets // OAuth
	Asked     map[string]string
}

// Return is what came back with the browser, and what the record remembered.
type Return struct {
	Values      url.Values // form of the ACS or query of the callback
	RequestID   string
	Secrets     oauth.Secrets
	Unsolicited bool // SAML: nobody here asked
}

// Identity is a person as the identity provider names it, after all checks.
type Identity struct {
	Person  directory.Person
	Claims  map[string][]string
	Checks  []audit.Check
	Expires time.Time // session end asked for by the identity provider, zero when none

	Issuer, NameID, Session string // to find the session again at logout

	// Once names the message so that it is accepted one time only, until OnceUntil. Empty when the record's own one-time
	// use is enough (OAuth: the code is bound to the state).
	Once      string
	OnceUntil time.Time
}
