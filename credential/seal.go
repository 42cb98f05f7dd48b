package credential

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the length of a sealing key in bytes (AES-256).
const KeySize = 32

// format is the version in front of everything sealed.
const format = "v1"

// Errors of Open that callers tell apart with errors.Is.
var (
	// ErrUnknownKey: sealed with a key that this Box was not given.
	ErrUnknownKey = errors.New("credential: sealed with an unknown key")
	// ErrTampered: the text was changed, cut, or sealed for another place.
	ErrTampered = errors.New("credential: sealed text does not open here")
)

// Box seals secrets at rest with AES-256-GCM: a new random nonce each time, and the place where the secret is kept as
// additional data, so that a sealed secret copied to another row or domain does not open. Safe for concurrent use.
type Box struct {
	current string
	keys    map[string]cipher.AEAD // by key id
}

// NewBox returns a Box that seals with current and also opens what the previous keys sealed. Keys are 32 random bytes in
// base64, with or without padding. The error never holds a key.
func NewBox(current string, previous ...string) (*Box, error) {
	b := &Box{keys: make(map[string]cipher.AEAD, 1+len(previous))}
	id, err := b.add(current)
	if err != nil {
		return nil, fmt.Errorf("credential: current key: %w", err)
	}
	b.current = id
	for i, key := range previous {
		if _, err := b.add(key); err != nil {
			return nil, fmt.Errorf("credential: previous key %d: %w", i+1, err)
		}
	}
	return b, nil
}

// KeyID is the id of the key that seals: the first 8 hex digits of its SHA-256.
func (b *Box) KeyID() string { return b.current }

// Seal returns "v1.<key id>.<base64url of nonce and ciphertext>". place names where the text is kept, as Place writes it.
// It is at most 2^32 seals per key away from a nonce collision worth worrying about (NIST SP 800-38D 8.3).
func (b *Box) Seal(plain []byte, place string) (string, error) {
	aead := b.keys[b.current]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("credential: nonce: %w", err)
	}
	sealed := aead.Seal(nonce, nonce, plain, []byte(place))
	return format + "." + b.current + "." + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Open returns what was sealed for the same place, or an error that wraps ErrUnknownKey or ErrTampered.
func (b *Box) Open(sealed, place string) ([]byte, error) {
	id, body, err := split(sealed)
	if err != nil {
		return nil, err
	}
	aead, known := b.keys[id]
	if !known {
		return nil, fmt.Errorf("%w %s", ErrUnknownKey, id)
	}
	if len(body) < aead.NonceSize() {
		return nil, ErrTampered
	}
	nonce, text := body[:aead.NonceSize()], body[aead.NonceSize():]
	plain, err := aead.Open(nil, nonce, text, []byte(place))
	if err != nil {
		return nil, ErrTampered
	}
	return plain, nil
}

// NeedsReseal reports whether the text was sealed with another key than the current one.
func (b *Box) NeedsReseal(sealed string) bool {
	id, _, err := split(sealed)
	return err == nil && id != b.current
}

// Place joins the parts that name where a secret is kept: table, column, domain, row. A separator inside a part is escaped,
// so that two different places never give one text.
func Place(table, column, domain, row string) string {
	escape := strings.NewReplacer(`\`, `\\`, `|`, `\|`)
	parts := []string{table, column, domain, row}
	for i, p := range parts {
		parts[i] = escape.Replace(p)
	}
	return strings.Join(parts, "|")
}

// NewKey returns a new random key in the form NewBox takes.
func NewKey() string {
	key := make([]byte, KeySize)
	rand.Read(key) // never fails: crypto/rand ends the program instead
	return base64.StdEncoding.EncodeToString(key)
}

func (b *Box) add(key string) (id string, err error) {
	raw, err := decodeKey(key)
	if err != nil {
		return "", err
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return "", fmt.Errorf("credential: cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return "", fmt.Errorf("credential: gcm: %w", err)
	}
	sum := sha256.Sum256(raw)
	id = hex.EncodeToString(sum[:4])
	b.keys[id] = aead
	return id, nil
}

func decodeKey(key string) ([]byte, error) {
	key = strings.TrimRight(strings.TrimSpace(key), "=")
	raw, err := base64.RawStdEncoding.Strict().DecodeString(key)
	if err != nil {
		raw, err = base64.RawURLEncoding.Strict().DecodeString(key)
	}
	if err != nil {
		return nil, errors.New("not base64") // the decoder's own words would quote a part of the key
	}
	if len(raw) != KeySize {
		return nil, fmt.Errorf("%d bytes, want %d", len(raw), KeySize)
	}
	return raw, nil
}

func split(sealed string) (id string, body []byte, err error) {
	version, rest, ok := strings.Cut(sealed, ".")
	if !ok || version != format {
		return "", nil, ErrTampered
	}
	id, text, ok := strings.Cut(rest, ".")
	if !ok {
		return "", nil, ErrTampered
	}
	body, err = base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", nil, ErrTampered
	}
	return id, body, nil
}
