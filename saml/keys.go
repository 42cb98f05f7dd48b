package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"time"
)

const (
	ownKeyBits  = 2048
	ownKeyYears = 10
	// minKeyBits and maxKeyBits bound foreign keys: below is breakable, above a verification costs so much that it is a weapon.
	minKeyBits = 2048
	maxKeyBits = 8192
)

// NewKeyPair makes an RSA-2048 key with a self-signed SHA-256 certificate, valid for ten years from an hour before now, so
// that an identity provider whose clock is slow accepts it. RSA because identity providers encrypt to nothing else.
func NewKeyPair(commonName string, now time.Time) (KeyPair, error) {
	private, err := rsa.GenerateKey(rand.Reader, ownKeyBits)
	if err != nil {
		return KeyPair{}, fmt.Errorf("saml: making a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return KeyPair{}, fmt.Errorf("saml: making a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial.Add(serial, big.NewInt(1)), // RFC 5280 4.1.2.2: positive
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             now.Add(-time.Hour).UTC(),
		NotAfter:              now.AddDate(ownKeyYears, 0, 0).UTC(),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		SignatureAlgorithm:    x509.SHA256WithRSA,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return KeyPair{}, fmt.Errorf("saml: making a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return KeyPair{}, fmt.Errorf("saml: reading the new certificate: %w", err)
	}
	return KeyPair{Signer: private, Certificate: certificate}, nil
}

// ParseKeyPair reads a private key (PKCS #8 DER) and its certificate (DER). The two must belong together; RSA from 2048 bits
// or ECDSA P-256. Errors are *Refusal and hold nothing of the key.
func ParseKeyPair(pkcs8, certDER []byte) (KeyPair, error) {
	private, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return KeyPair{}, keyFault("saml_key_malformed", "a private key as PKCS #8 DER", "something else")
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return KeyPair{}, keyFault("saml_key_type", wantOwnKey, fmt.Sprintf("%T", private))
	}
	certificate, err := x509.ParseCertificate(certDER)
	if err != nil {
		return KeyPair{}, keyFault("saml_key_certificate", "a certificate as DER", err.Error())
	}
	pair := KeyPair{Signer: signer, Certificate: certificate}
	if err := pair.check(); err != nil {
		return KeyPair{}, err
	}
	return pair, nil
}

// MarshalPrivate returns the private key as PKCS #8 DER, in the clear: the caller seals it.
func (k KeyPair) MarshalPrivate() ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.Signer)
	if err != nil {
		return nil, keyFault("saml_key_type", "a key held in memory", fmt.Sprintf("%T", k.Signer))
	}
	return der, nil
}

// String names the certificate, so that a key pair which is printed by mistake shows no private key.
func (k KeyPair) String() string {
	if k.Certificate == nil {
		return "saml key pair without certificate"
	}
	return "saml key pair " + Fingerprint(k.Certificate)
}

// GoString is String.
func (k KeyPair) GoString() string { return k.String() }

// LogValue is String.
func (k KeyPair) LogValue() slog.Value { return slog.StringValue(k.String()) }

const wantOwnKey = "an RSA key from 2048 bits or an ECDSA key on P-256"

// check says whether the pair can sign, and with a key that its own certificate names.
func (k KeyPair) check() error {
	if k.Signer == nil || k.Certificate == nil {
		return keyFault("saml_key_missing", "a private key and its certificate", "one of them missing")
	}
	public, ok := k.Signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(k.Certificate.PublicKey) {
		return keyFault("saml_key_mismatch", "the certificate of this private key", "a certificate of another key")
	}
	switch key := k.Signer.Public().(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < minKeyBits {
			return keyFault("saml_key_weak", wantOwnKey, fmt.Sprintf("RSA with %d bits", key.N.BitLen()))
		}
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return keyFault("saml_key_type", wantOwnKey, "ECDSA on "+key.Curve.Params().Name)
		}
	default:
		return keyFault("saml_key_type", wantOwnKey, fmt.Sprintf("%T", key))
	}
	return nil
}

func keyFault(code, want, got string) error {
	return &Refusal{Code: code, Want: want, Got: got, Fix: AtOperator}
}

// Fingerprint is the SHA-256 of the certificate as people compare it: upper-case hexadecimal pairs with colons.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	var b strings.Builder
	b.Grow(3 * len(sum))
	for i, octet := range sum {
		if i > 0 {
			b.WriteByte(':')
		}
		fmt.Fprintf(&b, "%02X", octet)
	}
	return b.String()
}
