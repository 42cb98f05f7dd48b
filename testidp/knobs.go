package testidp

// Fault is a way in which an endpoint answers that no client can use.
type Fault string

// Faults of an endpoint. Hang and SlowDrip end with the request or with Close.
const (
	Hang     Fault = "hang"      // takes the request and says nothing
	Status   Fault = "status"    // 500 with a short text
	HTML     Fault = "html"      // 200 with a page
	Empty    Fault = "empty"     // 200 with nothing
	Garbage  Fault = "garbage"   // 200, application/json, not JSON
	Huge     Fault = "huge"      // 200, a well-formed answer followed by 20 MiB
	SlowDrip Fault = "slow-drip" // one byte in 50 ms for ever
	Redirect Fault = "redirect"  // 302 to /redirected, which counts who follows
	Cut      Fault = "cut"       // the connection closes in the middle of the body
)

// Knobs are what a well-behaved provider never does. Each is independent; the zero value is good. Those about SAML act before
// signing where a dishonest or broken provider would do it (wrong facts, properly signed), and after signing where an attacker
// in the middle would (Tampered, Wrapped, CommentInNameID).
type Knobs struct {
	// Forged is the NameID that the forgeries below assert; empty is "victim@forged.example".
	Forged string

	// SAML: signature and key.
	Unsigned    bool // no signature at all
	WrongKey    bool // signed by a key that is not in the metadata, its certificate in KeyInfo (also ID tokens)
	SHA1        bool // SHA-1 signature and digest
	StatusOnly  bool // StatusFailure, but the good assertion comes along
	Tampered    bool // NameID changed to Forged after signing
	Wrapped     int  // signature wrapping 1 to 8: the signed original is somewhere, a forged assertion where it is read
	CutDigest   bool // a second, empty DigestValue before the good one
	RSA15       bool // content key under RSA PKCS #1 1.5 (with a Cipher)
	BrokenText  bool // the ciphertext is not a whole block (with a Cipher)
	ForeignText bool // encrypted to a key that is not the service provider's (with a Cipher)

	// SAML: facts. Wrong ones name another party; the others are missing or doubled.
	WrongAudience     bool // Audience is another service provider
	NoAudience        bool // no AudienceRestriction
	WrongRecipient    bool // Recipient is another address
	NoRecipient       bool
	WrongDestination  bool // Destination is another address
	WrongIssuer       bool // Issuer is another provider, in Response and Assertion
	NoIssuer          bool // the Assertion has none
	Expired           bool // everything an hour ago
	NotYetValid       bool // everything in an hour
	Forever           bool // the confirmation is valid for a year
	WrongInResponseTo bool // the ID of a request that nobody made
	Unsolicited       bool // no InResponseTo, although there was a request
	NoConfirmation    bool // no SubjectConfirmation
	HolderOfKey       bool // Method is holder-of-key
	NoAuthnStatement  bool
	NoConditions      bool
	EmptyNameID       bool
	NoNameID          bool
	CommentInNameID   bool // a comment in the middle of NameID, after signing
	TwoNameIDs        bool // a second NameID, Forged, in the same Subject
	TwoAssertions     bool // a second, signed assertion about Forged
	NoAssertion       bool
	StatusFailure     bool // Responder / AuthnFailed, no assertion
	UnknownCondition  bool // a condition that nobody knows
	DuplicateIDs      bool // Response and Assertion share their ID
	WrongVersion      bool // Version="1.1"
	DoubledAttributes bool // every attribute twice, Forged the second time

	// SAML: the envelope.
	Replay          bool // the last response to that address once more, byte for byte
	Doctype         bool // a document type with an entity in front
	Comment         bool // a comment in front of the root
	Deep            bool // 5 000 nested elements in an extension, unsigned
	GarbageBase64   bool // SAMLResponse is not base64
	GarbageXML      bool // SAMLResponse is not XML
	Oversize        bool // 2 MiB of white space in front of the root
	TwoFields       bool // SAMLResponse twice, the forgery second
	WrongRelayState bool
	NoRelayState    bool
	RelayStateURL   string // RelayState is this address
	ForeignACS      string // the form goes to this address (a stolen assertion)
	MeantFor        string // audience and recipient are this known service provider's (entity ID), the form goes to the asker

	// OAuth: the redirect back.
	WrongState    bool
	NoState       bool
	TwoStates     bool   // state twice, the wrong one first
	NoCode        bool   // neither code nor error
	Code          string // this code instead of ours (code injection)
	WrongIssParam bool   // RFC 9207: another issuer
	NoIssParam    bool   // announced, but missing
	ErrorAnswer   string // this error_description with error=access_denied
	ErrorAndCode  bool   // an error beside a good code

	// OpenID Connect: the ID token.
	NoIDToken          bool
	WrongNonce         bool
	NoNonce            bool
	WrongAud           bool
	TwoAuds            bool // our client and another one, no azp
	WrongAzp           bool // azp is another client
	WrongIss           bool
	WrongSub           bool // sub is Forged in the ID token
	NoSub              bool
	AlgNone            bool // alg none, empty signature
	HS256WithPublicKey bool // HMAC with the public key's PEM as secret
	ExpiredToken       bool // exp an hour ago
	FutureToken        bool // iat and nbf in an hour
	NoExp              bool
	UnknownKid         bool
	KeyInHeader        bool // signed by the rogue key, with jwk and jku in the header
	WrongAtHash        bool
	TamperedToken      bool // sub changed to Forged after signing
	TwoSubs            bool // a second "sub" in the same JSON object, Forged
	DiscoveryIssuer    string
	DiscoveryOrigin    string // endpoints of discovery point to this origin

	// User information. OtherSub, at /userinfo; those with UserID also at /works/userinfo.
	OtherSub        bool // sub and user_id of somebody else (Forged)
	EmptyUserID     bool
	NoUserID        bool
	NumberUserID    bool   // 12345 instead of text
	NestedUserID    bool   // {"user_id":{"user_id":…}}
	NULUserID       bool   // a NUL inside
	LongUserID      bool   // 300 bytes
	ErrorWithUserID bool   // error 303 beside a good user_id, 200
	StatusWithUser  bool   // 400 with a good user_id
	DuplicateKeys   bool   // "user_id" and "sub" twice, Forged second
	WorksError      string // this error (101, 201, 301, 303) instead of an answer, at /works/token and /works/userinfo

	// Whole endpoints.
	AtToken, AtUserInfo, AtJWKS, AtDiscovery, AtMetadata Fault
}

func (k Knobs) forged() string {
	if k.Forged == "" {
		return "victim@forged.example"
	}
	return k.Forged
}
