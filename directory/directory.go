// Package directory holds the rules of domains, connections, members, keys and services: what may be stored, who is found
// by a user key, whose status allows a sign-in, and which change ends which sessions. Where it is kept is the Store's matter.
package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ssogate/ssogate/audit"
)

// Errors that callers tell apart with errors.Is.
var (
	ErrNotFound = errors.New("directory: not found")
	ErrConflict = errors.New("directory: already exists")
)

// Fault is one thing wrong with a given value. Field is the path as the person typed it, for example "saml.sso_url".
type Fault struct{ Field, Code, Message string }

// Faults are all things wrong with one object; they are reported together.
type Faults []Fault

// Error lists the faults in one line.
func (f Faults) Error() string { return faultsText(f) }

// Refusal says why a person who was asserted by the identity provider may not sign in.
type Refusal struct {
	Code string // user_unknown, user_pending, user_waiting, user_suspended, user_deleted, user_key_invalid, domain_disabled, account_foreign
	Want string
	Got  string
	Fix  audit.Fixer
}

// Error names the code only.
func (r *Refusal) Error() string { return fmt.Sprintf("directory: sign-in refused: %s", r.Code) }

// Person is what an identity provider said about somebody, as far as the directory needs it.
type Person struct {
	UserKey    string // exactly as asserted
	Email      string // only for just-in-time creation
	FamilyName string
	GivenName  string
}

// Revocation ends every session of a domain (Member empty) or of a member whose generation is below Generation.
type Revocation struct {
	Seq        int64
	DomainID   string
	MemberID   string
	Generation int64
	At         time.Time
}

// Store keeps the directory. Every method is atomic. Lookups that find nothing answer ErrNotFound; a write that breaks
// uniqueness answers ErrConflict. Implementations: store (SQLite, PostgreSQL), proven by store/storetest.
type Store interface {
	// Transact runs f in one transaction, which every method called with the ctx given to f joins, those of an audit.Log in
	// the same store too. An error of f rolls everything back and is returned. Inside another Transact f joins that one.
	Transact(ctx context.Context, f func(ctx context.Context) error) error

	// PutDomain inserts (Created zero in the store) or replaces by ID. Generation is never lowered.
	PutDomain(ctx context.Context, d Domain) error
	Domain(ctx context.Context, id string) (Domain, error)
	DomainByName(ctx context.Context, name string) (Domain, error)
	// Domains lists by name, after the given name, at most limit.
	Domains(ctx context.Context, after string, limit int) ([]Domain, error)
	DeleteDomain(ctx context.Context, id string) error

	// PutDraft replaces the domain's draft or adds one with the next revision number, which it returns.
	PutDraft(ctx context.Context, c Connection) (int, error)
	Connection(ctx context.Context, domainID string, revision int) (Connection, error)
	// Connections lists all revisions, newest first; secrets are opened.
	Connections(ctx context.Context, domainID string) ([]Connection, error)
	// LiveConnection returns the live revision or ErrNotFound.
	LiveConnection(ctx context.Context, domainID string) (Connection, error)
	// Activate makes the revision live and the one that was live past, in one transaction.
	Activate(ctx context.Context, domainID string, revision int, now time.Time) error
	// LiveMetadataURLs lists (domain ID, URL) of all live SAML connections with a metadata URL, for the refresher.
	LiveMetadataURLs(ctx context.Context) (map[string]string, error)

	PutMetadata(ctx context.Context, m Metadata) error
	Metadata(ctx context.Context, domainID string) (Metadata, error)

	// PutMember inserts or replaces by ID; Version must be the stored one (0 for a new member) and goes up by one, else ErrConflict.
	PutMember(ctx context.Context, m Member) (Member, error)
	Member(ctx context.Context, domainID, id string) (Member, error)
	MemberByAccount(ctx context.Context, domainID, account string) (Member, error)
	MemberByExternalKey(ctx context.Context, domainID, key string) (Member, error)
	Members(ctx context.Context, domainID string, f MemberFilter) ([]Member, error)
	// MoveMembers gives every member of a domain with the one status the other; it says how many there were.
	MoveMembers(ctx context.Context, domainID string, from, to Status, now time.Time) (int64, error)
	// PurgeMembers removes members deleted before that time for good, at most limit; it says how many went.
	PurgeMembers(ctx context.Context, before time.Time, limit int) (int64, error)

	// Revoke raises the generation of the domain (memberID empty) or member by one and records it, in one transaction.
	Revoke(ctx context.Context, domainID, memberID string, now time.Time) (Revocation, error)
	// Revocations lists those with Seq above after, oldest first, at most limit.
	Revocations(ctx context.Context, after int64, limit int) ([]Revocation, error)

	PutKey(ctx context.Context, k Key) error
	DeleteKey(ctx context.Context, id string) error
	// Keys lists keys of a domain (or of the installation, domainID empty) for a use, newest first; private parts are opened.
	Keys(ctx context.Context, domainID, use string) ([]Key, error)

	PutService(ctx context.Context, s Service) error
	DeleteService(ctx context.Context, name string) error
	Services(ctx context.Context) ([]Service, error)

	Ping(ctx context.Context) error
}

// Directory is the rules over a Store. Its methods validate, write an audit event for each administrative change, and end
// sessions where a right is taken away. Safe for concurrent use.
type Directory struct {
	Store Store
	Audit audit.Log
	Now   func() time.Time
	// EndSessions pushes a revocation to the session room; set once at start, before serving. Nil pushes nothing (command
	// line): the running nodes read Revocations instead.
	EndSessions func(ctx context.Context, r Revocation) error
}
