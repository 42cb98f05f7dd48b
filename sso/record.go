package sso

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/oauth"
)

// Login is one login under way: what has to be known when the browser comes back. It is stored once, bound to the browser,
// and taken once.
type Login struct {
	DomainID  string        `json:"d"`
	Revision  int           `json:"r"`
	Binding   string        `json:"b"` // hash of the browser's binding cookie
	AccessURL string        `json:"u"` // as judged; empty leads to the page "signed in"
	App       bool          `json:"app,omitempty"`
	RequestID string        `json:"q,omitempty"` // SAML
	OAuth     oauth.Secrets `json:"o,omitzero"`
	Expires   time.Time     `json:"e"`
	Attempt   audit.Attempt `json:"t"`

	// Identity waits for the person's word after an IdP-initiated sign-in; nil otherwise.
	Identity *Identity `json:"i,omitempty"`
}

// newHandle is 256 random bits as 43 letters: RelayState may be 80 bytes long (SAML Bindings 3.4.3).
func newHandle() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// looksLikeHandle keeps everything that cannot be ours (an address as RelayState, an empty one) from the state store.
func looksLikeHandle(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == 32
}

// bindingHash is what a record keeps of the binding cookie.
func bindingHash(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return hex.EncodeToString(sum[:])
}

// sealer seals records with a key that only who holds the handle can make: a dump of the state store tells nothing of logins
// under way, neither PKCE verifiers and nonces nor who waits for what.
func sealer(handle string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(handle), nil, "ssogate login record", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (l Login) seal(handle string) ([]byte, error) {
	plain, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	aead, err := sealer(handle)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, nil), nil
}

func openLogin(handle string, sealed []byte) (Login, error) {
	var l Login
	aead, err := sealer(handle)
	if err != nil {
		return l, err
	}
	plain, err := aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return l, err
	}
	err = json.Unmarshal(plain, &l)
	return l, err
}
