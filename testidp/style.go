package testidp

import (
	"crypto"
	"time"
)

// Sign is which element of a SAML response carries a signature.
type Sign string

// The honest varieties, and none.
const (
	SignAssertion Sign = "assertion" // the default
	SignResponse  Sign = "response"
	SignBoth      Sign = "both"
	SignNone      Sign = "none"
)

// KeyInfo is how a signature names its key.
type KeyInfo string

// Varieties of ds:KeyInfo.
const (
	KeyInfoCertificate KeyInfo = "certificate" // the default
	KeyInfoName        KeyInfo = "name"        // KeyName only
	KeyInfoNone        KeyInfo = "none"
)

// Cipher is how an assertion is encrypted.
type Cipher string

// Ciphers of XML Encryption 1.1; the empty one leaves the assertion plain.
const (
	Plain     Cipher = ""
	AES128CBC Cipher = "aes128-cbc"
	AES256CBC Cipher = "aes256-cbc"
	AES128GCM Cipher = "aes128-gcm"
	AES256GCM Cipher = "aes256-gcm"
)

// SAMLStyle is how an honest provider's responses look. The zero value: the assertion is signed with RSA-SHA256 under the first
// key, with its certificate, plain, valid for five minutes.
type SAMLStyle struct {
	Sign    Sign
	Key     Key
	Hash    crypto.Hash // of signature and digest: SHA256 (default), SHA384, SHA512, SHA1
	KeyInfo KeyInfo
	Cipher  Cipher
	// OAEPSHA256 wraps the content key with xmlenc11#rsa-oaep over SHA-256; the default is rsa-oaep-mgf1p over SHA-1, which is
	// what most providers send.
	OAEPSHA256 bool

	NameIDFormat   string        // default unspecified
	Lifetime       time.Duration // of the conditions and the confirmation, default 5 minutes
	SessionFor     time.Duration // SessionNotOnOrAfter after now; 0 leaves it out
	ClockOffset    time.Duration // the provider's clock is wrong by that much
	OtherAudiences []string      // named before ours in the same restriction
	// Bare leaves out Destination and Issuer of the Response, as the documented sample of the seed does.
	Bare bool
	// OtherPrefixes writes saml2p and saml2 instead of samlp and saml.
	OtherPrefixes bool
	// RequireSignedRequests refuses an AuthnRequest without a signature.
	RequireSignedRequests bool
	// RequirePOST refuses an AuthnRequest by redirect.
	RequirePOST bool
}

// OAuthStyle is how an honest provider's tokens and answers look. The zero value: RS256, everything announced, one hour.
type OAuthStyle struct {
	Algorithm       string        // RS256 (default), PS256, ES256, EdDSA
	Key             Key           // for RS256 and PS256: KeyRSA (default) or KeyNext
	TokenLife       time.Duration // default one hour
	ClientAuth      string        // "basic" or "post" accepts only that; empty both
	ClockOffset     time.Duration // of the ID token's times
	RequirePKCE     bool
	IgnorePKCE      bool // does not know PKCE: the verifier is not looked at, and discovery does not announce it
	NoIssParameter  bool // RFC 9207 neither announced nor sent
	TrailingSlash   bool // the issuer ends with a slash
	ClaimsElsewhere bool // the ID token holds sub alone; all other claims are at user info
	ExpiresInText   bool // expires_in as text, which works allows
	NoExpiresIn     bool
}
