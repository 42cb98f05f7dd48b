package directory

import "time"

// UserKey is how the identity provider and the gateway call a person, chosen per domain (seed: "SSO user key").
type UserKey string

// The two user keys. An account may change as people are renamed or moved; an external key does not.
const (
	ByExternalKey UserKey = "external_key"
	ByAccount     UserKey = "account"
)

// Domain is a customer. ID never changes ("dom_…"); Name is what stands in URLs ("mycompany.com", lower case).
type Domain struct {
	ID       string  `json:"id"`
	Name     string  `json:"name"`
	Disabled bool    `json:"disabled"` // refused on every path
	SSO      bool    `json:"sso"`      // single sign-on is switched on
	UserKey  UserKey `json:"user_key"`
	Language string  `json:"language"`  // ko-KR, ja-JP, en-US, zh-CN, zh-TW
	TimeZone string  `json:"time_zone"` // IANA name

	// SetExpireTime: the identity provider's SessionNotOnOrAfter (SAML) or expires_in (OAuth) is the length of the session.
	SetExpireTime bool `json:"set_expire_time"`
	// SessionIdle and SessionAbsolute shorten the installation's limits; 0 leaves them.
	SessionIdle     time.Duration `json:"session_idle"`
	SessionAbsolute time.Duration `json:"session_absolute"`
	// JustInTime creates a member at the first sign-in of an unknown user key. Only possible where an account is known:
	// the user key is the account, or the answer carries an e-mail inside the domain.
	JustInTime bool `json:"just_in_time"`
	// LogoutRedirectionDomains are the hosts a redirect_uri may point to at logout; the same entries as access hosts.
	LogoutRedirectionDomains []string `json:"logout_redirection_domains"`

	Generation int64     `json:"generation"` // +1 ends every session of the domain
	Created    time.Time `json:"created"`
	Updated    time.Time `json:"updated"`
}

// ConnectionType is the protocol of a connection.
type ConnectionType string

// The two connection types.
const (
	SAML  ConnectionType = "saml"
	OAuth ConnectionType = "oauth"
)

// RevisionState says what a revision of a connection is now. A domain has at most one draft and one live revision.
type RevisionState string

// States of a revision.
const (
	Draft RevisionState = "draft"
	Live  RevisionState = "live"
	Past  RevisionState = "past"
)

// Connection is one revision of a domain's identity provider configuration. Exactly one of SAML and OAuth is set.
// A revision, once live, never changes; only what was fetched (Metadata) lives beside it.
type Connection struct {
	DomainID string         `json:"domain_id"`
	Revision int            `json:"revision"` // 1, 2, … per domain
	State    RevisionState  `json:"state"`
	Type     ConnectionType `json:"type"`
	SAML     *SAMLSettings  `json:"saml,omitempty"`
	OAuth    *OAuthSettings `json:"oauth,omitempty"`
	Created  time.Time      `json:"created"`
	Live     time.Time      `json:"live,omitzero"` // when it went live
}

// Binding is how an AuthnRequest travels.
type Binding string

// Bindings of SAML Bindings 3.4 and 3.5.
const (
	BindingRedirect Binding = "redirect"
	BindingPOST     Binding = "post"
)

// MetadataKeys says what fetched metadata may do to the trusted certificates.
type MetadataKeys string

// Rules for keys that come with refreshed metadata.
const (
	KeysAdd    MetadataKeys = "add"    // new ones are trusted, old ones stay for 7 days more (default)
	KeysFollow MetadataKeys = "follow" // exactly what the metadata names
	KeysPin    MetadataKeys = "pin"    // only the certificates of the connection; metadata moves endpoints alone
)

// SAMLSettings describe a SAML identity provider. What MetadataURL brings is kept beside the revision (Metadata) and wins
// over SSOURL, Binding and, as MetadataKeys says, Certificates. It must be about EntityID or, where that is empty, about the
// provider of the first copy.
type SAMLSettings struct {
	EntityID     string       `json:"entity_id" yaml:"entity_id"`
	SSOURL       string       `json:"sso_url" yaml:"sso_url"`
	AppSSOURL    string       `json:"app_sso_url,omitempty" yaml:"app_sso_url"` // "Application Login URL"; app logins are refused without
	Binding      Binding      `json:"binding" yaml:"binding"`
	Certificates []string     `json:"certificates" yaml:"certificates"` // PEM
	MetadataURL  string       `json:"metadata_url,omitempty" yaml:"metadata_url"`
	MetadataKeys MetadataKeys `json:"metadata_keys,omitempty" yaml:"metadata_keys"`
	LogoutURL    string       `json:"logout_url,omitempty" yaml:"logout_url"` // plain logout: GET with redirect_uri

	NameIDFormat      string   `json:"name_id_format,omitempty" yaml:"name_id_format"` // empty: unspecified
	UserKeyAttribute  string   `json:"user_key_attribute,omitempty" yaml:"user_key_attribute"`
	EmailAttribute    string   `json:"email_attribute,omitempty" yaml:"email_attribute"` // for just-in-time creation
	NameAttributes    []string `json:"name_attributes,omitempty" yaml:"name_attributes"` // family name, given name
	SignRequests      bool     `json:"sign_requests" yaml:"sign_requests"`
	ForceAuthn        bool     `json:"force_authn" yaml:"force_authn"`
	RequireEncryption bool     `json:"require_encryption" yaml:"require_encryption"`
	IdPInitiated      bool     `json:"idp_initiated" yaml:"idp_initiated"`
	// InsecureSHA1Until allows SHA-1 signatures and digests until that day; zero never.
	InsecureSHA1Until time.Time `json:"insecure_sha1_until,omitzero" yaml:"insecure_sha1_until"`
}

// OAuthProfile is which of the three contracts the provider speaks.
type OAuthProfile string

// Profiles of an OAuth connection.
const (
	ProfileWorks  OAuthProfile = "works"
	ProfileOAuth2 OAuthProfile = "oauth2"
	ProfileOIDC   OAuthProfile = "oidc"
)

// OAuthSettings describe an OAuth 2.0 or OpenID Connect provider.
type OAuthSettings struct {
	Profile      OAuthProfile `json:"profile" yaml:"profile"`
	ClientID     string       `json:"client_id" yaml:"client_id"`
	ClientSecret string       `json:"client_secret,omitempty" yaml:"client_secret"` // sealed at rest, never printed
	Issuer       string       `json:"issuer,omitempty" yaml:"issuer"`               // oidc: discovery
	AuthURL      string       `json:"auth_url,omitempty" yaml:"auth_url"`           // works: Web Login URL
	AppAuthURL   string       `json:"app_auth_url,omitempty" yaml:"app_auth_url"`   // works: Application Login URL
	TokenURL     string       `json:"token_url,omitempty" yaml:"token_url"`
	UserInfoURL  string       `json:"user_info_url,omitempty" yaml:"user_info_url"`
	JWKSURL      string       `json:"jwks_url,omitempty" yaml:"jwks_url"` // oidc without discovery
	LogoutURL    string       `json:"logout_url,omitempty" yaml:"logout_url"`
	Scopes       []string     `json:"scopes,omitempty" yaml:"scopes"`
	AuthStyle    string       `json:"auth_style,omitempty" yaml:"auth_style"`         // basic (default) or form
	UserKeyClaim string       `json:"user_key_claim,omitempty" yaml:"user_key_claim"` // default: works user_id, oauth2 user_id, oidc sub; a JSON path with dots
	EmailClaim   string       `json:"email_claim,omitempty" yaml:"email_claim"`
	NameClaims   []string     `json:"name_claims,omitempty" yaml:"name_claims"`     // family name, given name
	Algorithms   []string     `json:"algorithms,omitempty" yaml:"algorithms"`       // oidc: subset of RS256 PS256 ES256 EdDSA
	EntraTenants []string     `json:"entra_tenants,omitempty" yaml:"entra_tenants"` // oidc: allowed tid values where the issuer is a template
}

// Metadata is the last good copy of an identity provider's SAML metadata, fetched in the background.
type Metadata struct {
	DomainID string    `json:"domain_id"`
	URL      string    `json:"url"`
	XML      []byte    `json:"xml"`
	Version  int64     `json:"version"` // +1 at each change of content
	Fetched  time.Time `json:"fetched"` // of the last good fetch
	Tried    time.Time `json:"tried"`
	Fault    string    `json:"fault,omitempty"` // of the last try, empty when good
	// Extra are certificates (PEM) that an earlier copy named, each with the time until which it stays trusted (KeysAdd).
	Extra map[string]time.Time `json:"extra,omitempty"`
}

// KeyState is the place of a service provider key in its rollover.
type KeyState string

// Key states: next is published in the metadata and can decrypt, current also signs, previous still decrypts.
const (
	KeyCurrent  KeyState = "current"
	KeyNext     KeyState = "next"
	KeyPrevious KeyState = "previous"
)

// Key is a key pair of ours. Private is PKCS #8 DER and sealed at rest; Certificate is DER, empty for plain signing keys.
type Key struct {
	ID          string    `json:"id"`        // also the kid of a JWKS
	DomainID    string    `json:"domain_id"` // empty: of the installation
	Use         string    `json:"use"`       // "saml" or "identity" (signed identity header)
	State       KeyState  `json:"state"`
	Private     []byte    `json:"-"`
	Certificate []byte    `json:"certificate,omitempty"`
	Created     time.Time `json:"created"`
}

// Service is an application of the product, the place an accessUrl points to. AccessHosts are entries such as
// "board.example.com", "board.example.com:8443", "*.corp.example" or "http://localhost:3000".
type Service struct {
	Name        string    `json:"name" yaml:"name"`
	AccessHosts []string  `json:"access_hosts" yaml:"access_hosts"`
	Updated     time.Time `json:"updated" yaml:"-"`
}
