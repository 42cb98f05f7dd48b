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

// message is what a signature stands for, and the only thing that is read after authenticate.
type message struct {
	response        *etree.Element // what arrived when only the assertion is signed: may refuse, but gives no claims
	assertion       *etree.Element // always verified
	signedResponse  bool
	signedAssertion bool
	encrypted       bool
}

// authenticate verifies every signature there is, decrypts, and refuses when nothing is signed.
func (v *verifier) authenticate(arrived *etree.Element) (message, error) {
	m := message{response: arrived}
	signature := child(arrived, nsSignature, "Signature")
	if signature != nil {
		verified, err := v.verified("Signature of the Response", arrived, signature)
		if err != nil {
			return message{}, err
		}
		m.response, m.signedResponse = verified, true
	}
	// From a signed response, only signed ciphertext is decrypted.
	encrypted := child(m.response, nsAssertion, "EncryptedAssertion")
	m.encrypted = encrypted != nil
	err := v.check("saml_not_encrypted", "Encryption", "core 2.3.4", "encrypted where the connection wants it", encryption(m.encrypted),
		m.encrypted || !v.e.RequireEncryption)
	if err != nil {
		return message{}, err
	}
	if m.encrypted {
		return v.opened(m, encrypted)
	}
	// The signature of the assertion is verified where it arrived: a canonical Response need not hold all it was made over.
	assertion := child(arrived, nsAssertion, "Assertion")
	err = v.signedAssertion(&m, assertion)
	if err != nil {
		return message{}, err
	}
	if !m.signedAssertion && m.signedResponse {
		m.assertion = child(m.response, nsAssertion, "Assertion")
	}
	return m, v.check("saml_unsigned", "Something is signed", "profiles 4.1.3.5", "a signed Response or Assertion", signing(m), m.assertion != nil)
}

// signedAssertion verifies the assertion's own signature, if it has one.
func (v *verifier) signedAssertion(m *message, assertion *etree.Element) error {
	if assertion == nil {
		return nil
	}
	signature := child(assertion, nsSignature, "Signature")
	if signature == nil {
		return nil
	}
	verified, err := v.verified("Signature of the Assertion", assertion, signature)
	if err != nil {
		return err
	}
	m.assertion, m.signedAssertion = verified, true
	return nil
}

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
	if p.certificate != nil && !v.trusts(p.certificate) {
		return nil, v.check("saml_cert_unknown", name, "core 5.4.6", v.fingerprints(), fingerprint(p.certificate), false)
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

func encryption(encrypted bool) string {
	if encrypted {
		return "encrypted"
	}
	return "not encrypted"
}

func signing(m message) string {
	switch {
	case m.signedResponse && m.signedAssertion:
		return "both"
	case m.signedResponse:
		return "the Response"
	case m.signedAssertion:
		return "the Assertion"
	}
	return "neither"
}
