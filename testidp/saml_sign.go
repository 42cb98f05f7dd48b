package testidp

import (
	"crypto"
	"crypto/ecdsa"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// xmlSigner gives ECDSA signatures the form that XML Signature wants, r‖s (XML Signature 1.1 section 6.4.3), where Go and
// goxmldsig know only the ASN.1 form.
type xmlSigner struct{ crypto.Signer }

func (s xmlSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := s.Signer.Sign(random, digest, opts)
	key, isEC := s.Public().(*ecdsa.PublicKey)
	if err != nil || !isEC {
		return signature, err
	}
	return rawECDSA(signature, key)
}

// rawECDSA turns an ASN.1 signature into r‖s, each as long as the curve's order.
func rawECDSA(signature []byte, key *ecdsa.PublicKey) ([]byte, error) {
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &rs); err != nil {
		return nil, fmt.Errorf("testidp: ecdsa signature: %w", err)
	}
	size := (key.Curve.Params().N.BitLen() + 7) / 8
	raw := make([]byte, 2*size)
	rs.R.FillBytes(raw[:size])
	rs.S.FillBytes(raw[size:])
	return raw, nil
}

// asn1ECDSA is the way back.
func asn1ECDSA(raw []byte) ([]byte, error) {
	half := len(raw) / 2
	return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:])})
}

// signElement puts an enveloped signature behind the Issuer of el, where the schema has it (SAML Core 5.4.2). Exclusive
// canonicalisation lets the element be moved into another document afterwards.
func (b *response) signElement(el *etree.Element) error {
	pair, hash := b.keys.pair(b.style.Key), b.style.Hash
	if b.knobs.WrongKey {
		pair = b.keys.pair(KeyRogue)
	}
	switch {
	case b.knobs.SHA1:
		hash = crypto.SHA1
	case hash == 0:
		hash = crypto.SHA256
	}
	context, err := dsig.NewSigningContext(xmlSigner{pair.signer}, [][]byte{pair.cert.Raw})
	if err != nil {
		return fmt.Errorf("testidp: sign: %w", err)
	}
	context.Hash = hash
	context.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signature, err := context.ConstructSignature(el, true)
	if err != nil {
		return fmt.Errorf("testidp: sign: %w", err)
	}
	keyInfo := signature.SelectElement("KeyInfo")
	switch b.style.KeyInfo {
	case KeyInfoNone:
		signature.RemoveChild(keyInfo)
	case KeyInfoName:
		keyInfo.Child = nil
		keyInfo.CreateElement("ds:KeyName").SetText(string(pair.id))
	}
	at := 0
	if issuer := el.SelectElement("Issuer"); issuer != nil {
		at = issuer.Index() + 1
	}
	el.InsertChildAt(at, signature)
	return nil
}
