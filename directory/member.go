package directory

import "time"

// Status is where a member stands (line-works.md section 5).
type Status string

// Statuses of a member. Only StatusInUse may sign in.
const (
	StatusWaiting   Status = "waiting_for_approval"
	StatusPending   Status = "pending"
	StatusInUse     Status = "in_use"
	StatusSuspended Status = "suspended"
	StatusDeleted   Status = "deleted" // 7 days of grace
)

// Member is a user of a domain. Account is the e-mail-shaped login name, unique in the installation, kept in lower case.
// ExternalKey is unique in the domain, compared exactly, at most 100 characters without % \ # / ?, or empty.
type Member struct {
	ID          string    `json:"id"` // "mem_…"
	DomainID    string    `json:"domain_id"`
	Account     string    `json:"account"`
	ExternalKey string    `json:"external_key"`
	FamilyName  string    `json:"family_name"`
	GivenName   string    `json:"given_name"`
	NickName    string    `json:"nick_name"`
	PrivateMail string    `json:"private_email"`
	Language    string    `json:"language"`
	TimeZone    string    `json:"time_zone"`
	Status      Status    `json:"status"`
	SuperAdmin  bool      `json:"super_admin"` // one per domain; never suspended or deleted
	Generation  int64     `json:"generation"`  // +1 ends every session of the member
	Version     int64     `json:"version"`     // +1 at every change
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
	Deleted     time.Time `json:"deleted,omitzero"`
}

// DisplayName is the name as shown: family and given name in the order of the member's language.
func (m Member) DisplayName() string { return displayName(m) }

// MemberFilter lists members of one domain by account, in order of account. After is the last account of the page before.
// Limit is 1 to 500, 0 means 100.
type MemberFilter struct {
	Status Status
	Match  string // a part of account, external key or name
	After  string
	Limit  int
}
