package testidp

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/beevik/etree"
)

// Identifiers of XML Encryption 1.0 and 1.1.
const (
	nsEncryption11  = "http://www.w3.org/2009/xmlenc11#"
	transportMGF1P  = nsEncryption + "rsa-oaep-mgf1p"
	transportOAEP11 = nsEncryption11 + "rsa-oaep"
	transportRSA15  = nsEncryption + "rsa-1_5"
)

// encrypt wraps the assertion into an EncryptedAssertion (SAML Core 2.3.4) with a fresh content key for the service provider.
func (b *response) encrypt(assertion *etree.Element) (*etree.Element, error) {
	plain, err := text(assertion)
	if err != nil {
		return nil, err
	}
	cert := b.sp.EncryptionCertificate
	if b.knobs.ForeignText {
		cert = b.keys.Certificate(KeyRogue)
	}
	if cert == nil {
		return nil, fmt.Errorf("testidp: service provider %s has no certificate to encrypt to", b.sp.EntityID)
	}
	sizes := map[Cipher]int{AES128CBC: 16, AES256CBC: 32, AES128GCM: 16, AES256GCM: 32}
	key := make([]byte, sizes[b.style.Cipher])
	rand.Read(key)
	sealed, algorithm, err := seal(b.style.Cipher, key, plain)
	if err != nil {
		return nil, err
	}
	if b.knobs.BrokenText {
		sealed = sealed[:len(sealed)-3]
	}
	outer := b.root(nsAssertion, "EncryptedAssertion")
	data := outer.CreateElement("xenc:EncryptedData")
	data.CreateAttr("xmlns:xenc", nsEncryption)
	data.CreateAttr("Type", nsEncryption+"Element")
	data.CreateElement("xenc:EncryptionMethod").CreateAttr("Algorithm", algorithm)
	info := data.CreateElement("ds:KeyInfo")
	info.CreateAttr("xmlns:ds", nsSignature)
	if err := b.wrapKey(info, cert, key); err != nil {
		return nil, err
	}
	cipherValue(data, sealed)
	return outer, nil
}

// wrapKey writes the EncryptedKey: RSA-OAEP (XML Encryption 1.1 section 5.5.2), or RSA 1.5 as a knob.
func (b *response) wrapKey(info *etree.Element, cert *x509.Certificate, key []byte) error {
	public, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return errors.New("testidp: the encryption certificate is not RSA")
	}
	encrypted := info.CreateElement("xenc:EncryptedKey")
	method := encrypted.CreateElement("xenc:EncryptionMethod")
	digest := func(algorithm string) { method.CreateElement("ds:DigestMethod").CreateAttr("Algorithm", algorithm) }
	var wrapped []byte
	var err error
	switch {
	case b.knobs.RSA15:
		method.CreateAttr("Algorithm", transportRSA15)
		//lint:ignore SA1019 a misbehaviour that must be refused
		wrapped, err = rsa.EncryptPKCS1v15(rand.Reader, public, key)
	case b.style.OAEPSHA256:
		method.CreateAttr("Algorithm", transportOAEP11)
		digest(nsEncryption + "sha256")
		mask := method.CreateElement("xenc11:MGF")
		mask.CreateAttr("xmlns:xenc11", nsEncryption11)
		mask.CreateAttr("Algorithm", nsEncryption11+"mgf1sha256")
		wrapped, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, public, key, nil)
	default:
		method.CreateAttr("Algorithm", transportMGF1P)
		digest(nsSignature + "sha1")
		wrapped, err = rsa.EncryptOAEP(sha1.New(), rand.Reader, public, key, nil)
	}
	if err != nil {
		return fmt.Errorf("testidp: wrap key: %w", err)
	}
	cipherValue(encrypted, wrapped)
	return nil
}

func cipherValue(parent *etree.Element, value []byte) {
	parent.CreateElement("xenc:CipherData").CreateElement("xenc:CipherValue").SetText(base64.StdEncoding.EncodeToString(value))
}

// seal encrypts as XML Encryption 1.1 sections 5.2.2 (CBC, IV first, last byte of padding is its length) and 5.2.4 (GCM).
func seal(c Cipher, key, plain []byte) (sealed []byte, algorithm string, err error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, "", fmt.Errorf("testidp: encrypt: %w", err)
	}
	switch c {
	case AES128GCM, AES256GCM:
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return nil, "", fmt.Errorf("testidp: encrypt: %w", err)
		}
		nonce := make([]byte, gcm.NonceSize())
		rand.Read(nonce)
		return gcm.Seal(nonce, nonce, plain, nil), nsEncryption11 + string(c), nil
	default:
		pad := aes.BlockSize - len(plain)%aes.BlockSize
		plain = append(plain, bytes.Repeat([]byte{byte(pad)}, pad)...)
		sealed = make([]byte, aes.BlockSize+len(plain))
		rand.Read(sealed[:aes.BlockSize])
		cipher.NewCBCEncrypter(block, sealed[:aes.BlockSize]).CryptBlocks(sealed[aes.BlockSize:], plain)
		return sealed, nsEncryption + string(c), nil
	}
}
