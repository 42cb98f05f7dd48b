package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// rawSigner signs as XML signatures want it: RSA unchanged; ECDSA as r‖s, each as long as the order of the curve (XML
// Signature 1.1 6.4.3, RFC 4050 3.3), where crypto/ecdsa answers ASN.1.
type rawSigner struct{ crypto.Signer }

// Sign signs a digest.
func (s rawSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := s.Signer.Sign(random, digest, opts)
	if err != nil {
		return nil, err
	}
	public, ok := s.Public().(*ecdsa.PublicKey)
	if !ok {
		return signature, nil
	}
	return concatenated(signature, (public.Params().N.BitLen()+7)/8)
}

func concatenated(der []byte, size int) ([]byte, error) {
	var pair struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &pair)
	if err != nil || len(rest) > 0 {
		return nil, errors.New("saml: the signer answered no ECDSA signature")
	}
	if pair.R.Sign() <= 0 || pair.S.Sign() <= 0 || pair.R.BitLen() > 8*size || pair.S.BitLen() > 8*size {
		return nil, errors.New("saml: the signer answered an ECDSA signature out of range")
	}
	raw := make([]byte, 2*size)
	pair.R.FillBytes(raw[:size])
	pair.S.FillBytes(raw[size:])
	return raw, nil
}

// algorithm is the identifier of what sign does (RFC 6931 2.3.2 and 2.3.6).
func (k KeyPair) algorithm() string {
	if _, ok := k.Signer.Public().(*ecdsa.PublicKey); ok {
		return dsig.ECDSASHA256SignatureMethod
	}
	return dsig.RSASHA256SignatureMethod
}

// sign signs octets with SHA-256, for the HTTP-Redirect binding.
func (k KeyPair) sign(octets []byte) ([]byte, error) {
	digest := sha256.Sum256(octets)
	signature, err := rawSigner{k.Signer}.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("saml: signing: %w", err)
	}
	return signature, nil
}

// envelop returns doc with a signature of its root put at the given offset; every other byte stays as it is. The root has
// an ID. Profile: Core 5.4 (one reference, enveloped and exclusive transforms, the certificate in KeyInfo).
func (k KeyPair) envelop(doc []byte, at int) ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	tree := etree.NewDocument()
	if err := tree.ReadFromBytes(doc); err != nil {
		return nil, fmt.Errorf("saml: reading the document to sign: %w", err)
	}
	signer, err := dsig.NewSigningContext(rawSigner{k.Signer}, [][]byte{k.Certificate.Raw})
	if err != nil {
		return nil, fmt.Errorf("saml: signing: %w", err)
	}
	signer.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signature, err := signer.ConstructSignature(tree.Root(), true)
	if err != nil {
		return nil, fmt.Errorf("saml: signing: %w", err)
	}
	out := etree.NewDocument()
	out.SetRoot(signature)
	octets, err := out.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("saml: writing the signature: %w", err)
	}
	return slices.Insert(doc, at, octets...), nil
}
