package directory

import (
	"fmt"
	"strings"
	"time"
)

// Wanted is the state an operator asks for in a file: what is mentioned is added or changed, what is not stays untouched.
type Wanted struct {
	Services []Service      `yaml:"services"`
	Domains  []WantedDomain `yaml:"domains"`
}

// WantedDomain is one domain of the file. Nil and empty values leave what is stored; a new domain takes the defaults, and
// has single sign-on switched on when it comes with a connection (seed 000: choosing the type and applying enables SSO).
type WantedDomain struct {
	Name                     string            `yaml:"name"`
	SSO                      *bool             `yaml:"sso"`
	Disabled                 *bool             `yaml:"disabled"`
	UserKey                  UserKey           `yaml:"user_key"`
	Language                 string            `yaml:"language"`
	TimeZone                 string            `yaml:"time_zone"`
	SetExpireTime            *bool             `yaml:"set_expire_time"`
	SessionIdle              *Span             `yaml:"session_idle"`
	SessionAbsolute          *Span             `yaml:"session_absolute"`
	JustInTime               *bool             `yaml:"just_in_time"`
	LogoutRedirectionDomains *[]string         `yaml:"logout_redirection_domains"`
	Connection               *WantedConnection `yaml:"connection"`
	Members                  []WantedMember    `yaml:"members"`
}

// WantedConnection is the identity provider of a domain: exactly the part that Type names.
type WantedConnection struct {
	Type  ConnectionType `yaml:"type"`
	SAML  *WantedSAML    `yaml:"saml"`
	OAuth *WantedOAuth   `yaml:"oauth"`
}

// WantedSAML is SAMLSettings and, instead of its identity provider fields, an XML metadata document, inline or in a file.
// The caller reads either into the settings and empties both fields: this room knows no XML.
type WantedSAML struct {
	SAMLSettings `yaml:",inline"`
	Metadata     string `yaml:"metadata"`
	MetadataFile string `yaml:"metadata_file"`
}

// WantedOAuth is OAuthSettings. ClientSecretFile is read by the caller, who puts the content into ClientSecret and the path away.
type WantedOAuth struct {
	OAuthSettings    `yaml:",inline"`
	ClientSecretFile string `yaml:"client_secret_file"`
}

// WantedMember is one member of the file, found by account. Nil leaves what is stored.
type WantedMember struct {
	Account     string  `yaml:"account"`
	ExternalKey *string `yaml:"external_key"`
	FamilyName  *string `yaml:"family_name"`
	GivenName   *string `yaml:"given_name"`
	NickName    *string `yaml:"nick_name"`
	PrivateMail *string `yaml:"private_email"`
	Language    string  `yaml:"language"`
	TimeZone    string  `yaml:"time_zone"`
	Status      Status  `yaml:"status"`
	SuperAdmin  *bool   `yaml:"super_admin"`
}

// Span is a length of time in a file, written as Go durations are: "30m", "12h".
type Span time.Duration

// UnmarshalText reads "30m".
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("directory: %q is not a length of time such as 30m or 12h", text)
	}
	*s = Span(d)
	return nil
}

// MarshalText writes it as it is read.
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// Action is what Apply does to one thing.
type Action string

// Actions of a Change.
const (
	ActionAdd      Action = "add"
	ActionUpdate   Action = "update"
	ActionNone     Action = "none"
	ActionActivate Action = "activate" // a connection: stored as a new revision and made live
)

// Change is what Apply did, or would do, to one thing. Kind is service, domain, connection or member.
type Change struct {
	Kind   string
	Name   string
	Action Action
	Fields []FieldChange
}

// FieldChange is one value before and after. Secrets are shown as "set", "changed" or "".
type FieldChange struct{ Name, Old, New string }
