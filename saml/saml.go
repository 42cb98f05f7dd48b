// Package saml is a SAML 2.0 service provider without a network: bytes, expectations and a time go in; claims or a typed
// refusal come out. See verify.go for the order in which a response is judged.
package saml

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"time"
)

// Side names who must act after a refusal.
type Side string

// Sides: the identity provider's set-up, the connection stored here, the person, or the installation.
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

// Refusal is why a message was not accepted. Code is stable; Want and Got are for the administrator's trace, never the log.
type Refusal struct {
	Code    string
	Section string
	Want    string
	Got     string
	Fix     Side
}

// Error names code and section only: nothing of the message.
func (r *Refusal) Error() string { return fmt.Sprintf("saml: refused: %s", r.Code) }

// Expect is what a response of one connection must agree with. Every field is required unless it says otherwise.
type Expect struct {
	EntityID     string              // ours: the audience
	ACS          string              // ours: recipient and destination
	Issuer       string              // the identity provider's entity ID
	Certificates []*x509.Certificate // trusted keys; their validity dates are not judged here
	RequestID    string              // of the AuthnRequest; "" for an unsolicited response
	// AllowUnsolicited permits RequestID "" (IdP-initiated, only where the domain switched it on). A response that carries an
	// InResponseTo is never unsolicited.
	AllowUnsolicited  bool
	Decrypters        []*rsa.PrivateKey // optional: our current, next and previous keys
	RequireEncryption bool
	UserKeyAttribute  string        // optional: an attribute instead of NameID as user key
	InsecureSHA1      bool          // accept SHA-1 signatures and digests
	Skew              time.Duration // 0 means 3 minutes
	Now               time.Time
}

// Claims are what a verified response says. Everything was read from verified bytes.
type Claims struct {
	UserKey             string // NameID or the chosen attribute
	NameID              string
	NameIDFormat        string
	NameQualifier       string
	SPNameQualifier     string
	Issuer              string
	AssertionID         string
	ResponseID          string
	InResponseTo        string
	AuthnInstant        time.Time
	SessionIndex        string
	SessionNotOnOrAfter time.Time // zero when absent
	NotOnOrAfter        time.Time // until when the assertion could be replayed (without skew)
	AuthnContext        string
	Attributes          map[string][]string // by Name, in order
	Encrypted           bool
	SignedResponse      bool
	SignedAssertion     bool
}

// KeyPair is a service provider key with its certificate. Signer is RSA or ECDSA P-256; only RSA can decrypt.
type KeyPair struct {
	Signer      crypto.Signer
	Certificate *x509.Certificate
}
