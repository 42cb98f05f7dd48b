package saml

import (
	"crypto/aes"
	"errors"

	"github.com/beevik/etree"
)

const (
	nsEncryption   = "http://www.w3.org/2001/04/xmlenc#"
	nsEncryption11 = "http://www.w3.org/2009/xmlenc11#"

	algOAEP   = nsEncryption + "rsa-oaep-mgf1p"
	algOAEP11 = nsEncryption11 + "rsa-oaep"

	// Several recipients are allowed; the bound is what a stranger can make us compute.
	maxEncryptedKeys = 4
	maxUnwraps       = 8
)

var errDecrypt = errors.New("saml: decryption failed") // never leaves this file

// opened decrypts the one EncryptedAssertion and verifies the signature inside. Where the ciphertext itself was not signed,
// everything up to that verification is one refusal with one text: an attacker who changes a ciphertext must not learn how
// far it came (xmlenc 1.1, section 6.1; Jager and Somorovsky, "How to Break XML Encryption").
func (v *verifier) opened(m message, encrypted *etree.Element) (message, error) {
	before := len(v.checks)
	inner, err := v.decrypted(encrypted)
	if err == nil {
		err = v.signedAssertion(&m, inner)
	}
	if err == nil && !m.signedAssertion && m.signedResponse {
		m.assertion = inner
	}
	if err != nil || m.assertion == nil {
		v.checks = v.checks[:before]
		return message{}, v.check("saml_decrypt", "Encrypted Assertion", "core 2.3.4",
			"an assertion encrypted for one of our keys and signed by the identity provider", "", false)
	}
	return m, nil
}

// decrypted is the Assertion inside an EncryptedAssertion, which must pass the same gate as the response did. It is read with
// the namespaces of the place where it stood (xmlenc 4.3.3).
func (v *verifier) decrypted(encrypted *etree.Element) (*etree.Element, error) {
	plaintext, padded := v.plaintext(encrypted)
	doc, err := surround(encrypted, plaintext)
	if err != nil {
		return nil, err
	}
	// Also after a padding fault, so that both cost the same.
	root, err := read(doc, responseLimits())
	if err != nil || !padded {
		return nil, errDecrypt
	}
	assertion := child(root, nsAssertion, "Assertion")
	if assertion == nil || len(elements(root)) != 1 {
		return nil, errDecrypt
	}
	return assertion, nil
}

// surround puts a plaintext back into an element with the name and the namespaces of the parent that it had.
func surround(encrypted *etree.Element, plaintext []byte) ([]byte, error) {
	parent := encrypted.Parent()
	if parent == nil {
		return nil, errDecrypt
	}
	m := make(markup, 0, len(plaintext)+1024)
	m.raw("<")
	m.text(parent.FullTag())
	declared := make(map[string]bool, 8)
	for e := encrypted; e != nil; e = e.Parent() {
		for _, a := range e.Attr {
			name := a.FullKey()
			if (a.Space == "xmlns" || name == "xmlns") && !declared[name] {
				declared[name] = true
				m.attr(name, a.Value)
			}
		}
	}
	m.raw(">")
	m = append(m, plaintext...)
	m.raw("</")
	m.text(parent.FullTag())
	m.raw(">")
	return m, nil
}

// plaintext unwraps the content key with any of our keys and decrypts. ok is false after any failure; what comes with it then
// is only good for spending the same time on it.
func (v *verifier) plaintext(encrypted *etree.Element) (plain []byte, ok bool) {
	data := child(encrypted, nsEncryption, "EncryptedData")
	if data == nil {
		return nil, false
	}
	algorithm := encryptionMethod(data)
	content, known := contentCipherOf(algorithm)
	ciphertext, err := cipherValue(data)
	if !known || err != nil {
		return nil, false
	}
	key := v.contentKey(encrypted, data, content.keyBytes)
	if key == nil {
		return nil, false
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, false
	}
	if content.gcm {
		return openGCM(block, ciphertext)
	}
	return openCBC(block, ciphertext)
}

// contentKey tries our keys on the EncryptedKeys inside the data and beside it (core 2.3.4, E43 of the errata).
func (v *verifier) contentKey(encrypted, data *etree.Element, size int) []byte {
	keys := children(encrypted, nsEncryption, "EncryptedKey")
	keyInfo := child(data, nsSignature, "KeyInfo")
	if keyInfo != nil {
		keys = append(children(keyInfo, nsEncryption, "EncryptedKey"), keys...)
	}
	if len(keys) > maxEncryptedKeys {
		return nil
	}
	unwraps := 0
	for _, encryptedKey := range keys {
		wrapped, err := cipherValue(encryptedKey)
		options := oaepOptions(encryptedKey)
		if err != nil || options == nil {
			continue
		}
		for _, private := range v.e.Decrypters {
			unwraps++
			if private == nil || unwraps > maxUnwraps {
				return nil
			}
			key, err := private.Decrypt(nil, wrapped, options)
			if err == nil && len(key) == size {
				return key
			}
		}
	}
	return nil
}

func encryptionMethod(e *etree.Element) string {
	method := child(e, nsEncryption, "EncryptionMethod")
	if method == nil {
		return ""
	}
	algorithm, _ := attrValue(method, "Algorithm")
	return algorithm
}

// cipherValue reads CipherData/CipherValue. A CipherReference would make us fetch something: there is no code for it.
func cipherValue(e *etree.Element) ([]byte, error) {
	data := child(e, nsEncryption, "CipherData")
	if data == nil {
		return nil, errDecrypt
	}
	value := child(data, nsEncryption, "CipherValue")
	if value == nil {
		return nil, errDecrypt
	}
	return decodeBase64(value)
}
