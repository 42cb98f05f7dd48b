package saml

import (
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
