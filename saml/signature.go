package saml

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/xml"
	"math/big"

	"github.com/beevik/etree"
)

// verified returns the element parsed from the bytes whose digest the signature of e holds.
func (v *verifier) verified(name string, e, signature *etree.Element) (*etree.Element, error) {
	p, err := readProfile(e, signature, v.e.InsecureSHA1)
	if err != nil {
		return nil, v.note(name, "core 5.4", err)
	}
	strong := 0
	for _, certificate := range v.e.Certificates {
		if !p.algorithm.usable(certificate) {
			continue
		}
		strong++
		verified := p.verify(e, signature, certificate, v.e.InsecureSHA1)
		if verified == nil {
			continue
		}
		return verified, v.check("saml_bad_signature", name, "core 5.4", "one of our certificates", fingerprint(certificate.Raw), sameElement(verified, e))
	}
	if strong == 0 {
		return nil, v.check("saml_weak_key", name, "core 5.4", "a certificate with RSA of 2048 bits, or P-256 or P-384 for ECDSA", p.method, false)
	}
	hint := certificateHint(p.keyInfo)
	if hint != nil && !v.trusts(hint) {
		return nil, v.check("saml_cert_unknown", name, "core 5.4.6", v.fingerprints(), fingerprint(hint), false)
	}
	return nil, v.check("saml_bad_signature", name, "core 5.4", v.fingerprints(), "none of them verifies it", false)
}

// verify tells whether the certificate's key made the signature; nil means no. It reads only what was hashed: the reference from
// the canonical SignedInfo whose signature held, the element from the canonical bytes whose digest held.
func (p *profile) verify(e, signature *etree.Element, certificate *x509.Certificate, sha1 bool) *etree.Element {
	value := p.value
	if p.algorithm.ecdsa {
		value = asn1Signature(value, certificate)
	}
	info := canonicalize(p.info, nil, p.prefixes, false)
	if value == nil || info == nil {
		return nil
	}
	err := certificate.CheckSignature(p.algorithm.x509, info, value)
	if err != nil {
		return nil
	}
	verifiedInfo, err := readCanonical(info, p.info)
	if err != nil {
		return nil
	}
	signed, err := readSignedInfo(e, verifiedInfo, sha1)
	if err != nil || signed.method != p.method {
		return nil
	}
	content := canonicalize(e, signature, signed.reference.prefixes, !signed.reference.exclusive)
	hash := signed.reference.hash.New()
	hash.Write(content)
	if content == nil || !bytes.Equal(hash.Sum(nil), signed.reference.digest) {
		return nil
	}
	verified, err := readCanonical(content, e)
	if err != nil {
		return nil
	}
	return verified
}

// readCanonical parses a canonical form of e. It passes the gate again, with room for the declarations that canonical forms
// repeat.
func readCanonical(doc []byte, e *etree.Element) (*etree.Element, error) {
	limits := responseLimits()
	limits.Bytes, limits.Attributes = maxCanonicalBytes, 2*maxAttributes
	limits.Roots = []xml.Name{{Space: e.NamespaceURI(), Local: e.Tag}}
	return read(doc, limits)
}

// asn1Signature turns the r‖s of xmldsig (RFC 4050 3.3) into what crypto/x509 reads; nil when its length is another.
func asn1Signature(value []byte, certificate *x509.Certificate) []byte {
	key, ok := certificate.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil
	}
	size := (key.Curve.Params().BitSize + 7) / 8
	if len(value) != 2*size {
		return nil
	}
	pair := struct{ R, S *big.Int }{new(big.Int).SetBytes(value[:size]), new(big.Int).SetBytes(value[size:])}
	encoded, err := asn1.Marshal(pair)
	if err != nil {
		return nil
	}
	return encoded
}

// sameElement makes sure that what was verified is what was asked for.
func sameElement(verified, asked *etree.Element) bool {
	if verified == nil {
		return false
	}
	got, _ := attrValue(verified, "ID")
	want, _ := attrValue(asked, "ID")
	return got == want && got != "" && is(verified, asked.NamespaceURI(), asked.Tag)
}

func (v *verifier) trusts(raw []byte) bool {
	for _, c := range v.e.Certificates {
		if string(c.Raw) == string(raw) {
			return true
		}
	}
	return false
}

func (v *verifier) fingerprints() string {
	var all string
	for i, c := range v.e.Certificates {
		if i > 0 {
			all += ", "
		}
		all += fingerprint(c.Raw)
	}
	return all
}

func fingerprint(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "SHA-256 " + hex.EncodeToString(sum[:])
}
