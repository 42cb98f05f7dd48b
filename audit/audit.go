// Package audit holds what happened: sign-in attempts with every check that was made, and administrative events.
//
// It defines the records and the two small interfaces through which the other rooms write and read them; the room store
// keeps them. Nothing in a record is a secret: no assertion, token, cookie or password. What an identity provider said
// about a person (claims) stands only in an Attempt, which the domain's administrator may read, never in the log.
package audit

import (
	"context"
	"errors"
	"time"
)

// ErrNotFound is answered for a reference number that is unknown.
var ErrNotFound = errors.New("audit: not found")

// Check is one comparison made during a sign-in: what was wanted, what came, and the section of the standard that asks for it.
type Check struct {
	Name    string `json:"name"`              // for example "audience"
	Section string `json:"section,omitempty"` // for example "SAML Core 2.5.1.4"
	Want    string `json:"want,omitempty"`
	Got     string `json:"got,omitempty"`
	OK      bool   `json:"ok"`
}

// Fixer names who must act after a refusal.
type Fixer string

// Who must act.
const (
	FixPerson           Fixer = "person"            // the person signing in: start again, use another account
	FixDomainAdmin      Fixer = "domain-admin"      // the customer's administrator, in ssogate
	FixIdentityProvider Fixer = "identity-provider" // the customer's administrator, at the identity provider
	FixOperator         Fixer = "operator"          // who runs the installation
)

// Verdict is how a sign-in attempt stands.
type Verdict string

// Verdicts. An attempt that was started and never came back is shown as Expired by readers once its time is over.
const (
	Started   Verdict = "started"
	Succeeded Verdict = "succeeded"
	Refused   Verdict = "refused"
	Expired   Verdict = "expired"
)

// Attempt is the record of one sign-in, from start to verdict. Ref is unique; saving an Attempt again with the same Ref
// replaces it.
type Attempt struct {
	Ref        string              `json:"ref"`       // reference number shown to the person, for example "7K3M-92QX-4TBD"
	DomainID   string              `json:"domain_id"` // empty when the domain is unknown
	Domain     string              `json:"domain"`    // name as in the URL
	Revision   int                 `json:"revision"`  // of the connection, 0 when none
	Protocol   string              `json:"protocol"`  // saml, oauth-works, oauth-oauth2, oauth-oidc, or empty
	Initiator  string              `json:"initiator"` // sp or idp
	Started    time.Time           `json:"started"`
	Finished   time.Time           `json:"finished,omitzero"`
	Expires    time.Time           `json:"expires,omitzero"` // until when an answer is accepted
	Address    string              `json:"address"`          // of the browser
	UserAgent  string              `json:"user_agent"`       // at most 256 bytes
	AccessURL  string              `json:"access_url"`       // without query and fragment
	Asked      map[string]string   `json:"asked,omitempty"`  // what the request said: request ID, endpoint, binding, hint
	Claims     map[string][]string `json:"claims,omitempty"` // what came back, bounded: 64 names, 16 values each, 256 bytes a value
	Checks     []Check             `json:"checks,omitempty"`
	Verdict    Verdict             `json:"verdict"`
	Code       string              `json:"code,omitempty"` // reason of a refusal, for example "saml_bad_audience"
	Want       string              `json:"want,omitempty"`
	Got        string              `json:"got,omitempty"`
	Fix        Fixer               `json:"fix,omitempty"`
	MemberID   string              `json:"member_id,omitempty"`
	RequestIDs []string            `json:"request_ids,omitempty"` // to find the log lines
}

// AttemptFilter chooses attempts, newest first. Zero values do not restrict. Limit is 1 to 500, 0 means 50.
type AttemptFilter struct {
	DomainID string
	Verdict  Verdict
	Code     string
	Before   time.Time
	Limit    int
}

// Trace keeps sign-in attempts: 30 days, and at most 10,000 for a domain, the oldest dropped first.
type Trace interface {
	// SaveAttempts stores the attempts in one transaction; an attempt with a known Ref is replaced, but one that has ended is
	// never replaced by one that only started: the two may come from two nodes in either order.
	SaveAttempts(ctx context.Context, as []Attempt) error
	// Attempt returns the one with that reference number, or ErrNotFound.
	Attempt(ctx context.Context, ref string) (Attempt, error)
	// Attempts lists what the filter chooses, newest first. Attempt and Attempts show the verdict as it Stands now.
	Attempts(ctx context.Context, f AttemptFilter) ([]Attempt, error)
	// TrimAttempts removes what is older than the time, and what is over the limit of a domain; it says how many went.
	TrimAttempts(ctx context.Context, olderThan time.Time, mostPerDomain int) (int64, error)
}

// Event is one administrative act.
type Event struct {
	Time     time.Time         `json:"time"`
	DomainID string            `json:"domain_id"`
	Actor    string            `json:"actor"`  // for example "operator:cli"
	Action   string            `json:"action"` // for example "connection.activated"
	Target   string            `json:"target"`
	Detail   map[string]string `json:"detail,omitempty"` // secrets never
}

// Log appends events. Append fails when the event could not be kept.
type Log interface {
	Append(ctx context.Context, e Event) error
	// Events lists the newest first; domainID "" means all. Limit is 1 to 500, 0 means 50.
	Events(ctx context.Context, domainID string, limit int) ([]Event, error)
}
