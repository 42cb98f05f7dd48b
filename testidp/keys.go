package testidp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"sync"
	"time"
)

// Key names one of the provider's signing keys.
type Key string

// The keys. Metadata and the key set publish the first four; Rogue is a stranger's key, never published.
const (
	KeyRSA     Key = "rsa"  // the default
	KeyNext    Key = "next" // RSA: the second key of a rollover
	KeyEC      Key = "ec"   // P-256
	KeyEd25519 Key = "ed25519"
	KeyRogue   Key = "rogue"
)

// Keys holds the keys of a provider; each is made at its first use, for making RSA keys takes a while. Safe for concurrent use.
type Keys struct {
	mu    sync.Mutex
	pairs map[Key]keyPair
}

type keyPair struct {
	id     Key
	signer crypto.Signer
	cert   *x509.Certificate
}

// NewKeys returns an empty set.
func NewKeys() *Keys { return &Keys{pairs: map[Key]keyPair{}} }

// Signer returns the private key of that name.
func (k *Keys) Signer(name Key) crypto.Signer { return k.pair(name).signer }

// Certificate returns the self-signed certificate of that key.
func (k *Keys) Certificate(name Key) *x509.Certificate { return k.pair(name).cert }

// PEM returns the certificate of that key as PEM.
func (k *Keys) PEM(name Key) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.pair(name).cert.Raw}))
}

// Keys returns the provider's keys.
func (p *Provider) Keys() *Keys { return p.keys }

func (k *Keys) pair(name Key) keyPair {
	if name == "" {
		name = KeyRSA
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if pair, ok := k.pairs[name]; ok {
		return pair
	}
	pair := makePair(name)
	k.pairs[name] = pair
	return pair
}

// makePair panics when the system cannot make a key: there is no provider without one.
func makePair(name Key) keyPair {
	var signer crypto.Signer
	var err error
	switch name {
	case KeyEC:
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case KeyEd25519:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		signer, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		panic("testidp: make key: " + err.Error())
	}
	// The real clock, with a wide margin: a provider under a moved clock still has a certificate that is in force.
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "ssogate test identity provider, key " + string(name)},
		NotBefore:    time.Now().AddDate(-10, 0, 0), NotAfter: time.Now().AddDate(20, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		panic("testidp: make certificate: " + err.Error())
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic("testidp: read certificate: " + err.Error())
	}
	return keyPair{name, signer, cert}
}
