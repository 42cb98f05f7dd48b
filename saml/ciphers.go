package saml

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"

	"github.com/beevik/etree"
)

// oaepOptions reads the parameters of RSA-OAEP (xmlenc 1.1, 5.5.2); nil for any other key transport, above all RSA 1.5.
func oaepOptions(encryptedKey *etree.Element) *rsa.OAEPOptions {
	method := child(encryptedKey, nsEncryption, "EncryptionMethod")
	if method == nil {
		return nil
	}
	options := &rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1} // the defaults of both algorithms
	digest := child(method, nsSignature, "DigestMethod")
	if digest != nil {
		uri, _ := attrValue(digest, "Algorithm")
		options.Hash = digestHash(uri)
	}
	algorithm, _ := attrValue(method, "Algorithm")
	mask := child(method, nsEncryption11, "MGF")
	switch {
	case algorithm == algOAEP11 && mask != nil:
		uri, _ := attrValue(mask, "Algorithm")
		options.MGFHash = maskHash(uri)
	case algorithm != algOAEP11 && algorithm != algOAEP:
		return nil
	}
	label := child(method, nsEncryption, "OAEPparams")
	if label != nil {
		value, err := decodeBase64(label)
		if err != nil {
			return nil
		}
		options.Label = value
	}
	if options.Hash == 0 || options.MGFHash == 0 {
		return nil
	}
	return options
}

func maskHash(uri string) crypto.Hash {
	switch uri {
	case nsEncryption11 + "mgf1sha1":
		return crypto.SHA1
	case nsEncryption11 + "mgf1sha256":
		return crypto.SHA256
	case nsEncryption11 + "mgf1sha384":
		return crypto.SHA384
	case nsEncryption11 + "mgf1sha512":
		return crypto.SHA512
	}
	return 0
}

// contentCipher is one allowed way to encrypt the assertion itself.
type contentCipher struct {
	keyBytes int
	gcm      bool
}

func contentCipherOf(uri string) (contentCipher, bool) {
	switch uri {
	case nsEncryption + "aes128-cbc":
		return contentCipher{16, false}, true
	case nsEncryption + "aes192-cbc":
		return contentCipher{24, false}, true
	case nsEncryption + "aes256-cbc":
		return contentCipher{32, false}, true
	case nsEncryption11 + "aes128-gcm":
		return contentCipher{16, true}, true
	case nsEncryption11 + "aes192-gcm":
		return contentCipher{24, true}, true
	case nsEncryption11 + "aes256-gcm":
		return contentCipher{32, true}, true
	}
	return contentCipher{}, false
}

// openCBC removes the padding of xmlenc 5.2.1: only the last byte counts.
func openCBC(block cipher.Block, ciphertext []byte) ([]byte, bool) {
	const size = aes.BlockSize
	if len(ciphertext) < 2*size || len(ciphertext)%size != 0 {
		return nil, false
	}
	plain := make([]byte, len(ciphertext)-size)
	cipher.NewCBCDecrypter(block, ciphertext[:size]).CryptBlocks(plain, ciphertext[size:])
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > size {
		return plain, false
	}
	return plain[:len(plain)-pad], true
}

func openGCM(block cipher.Block, ciphertext []byte) ([]byte, bool) {
	aead, err := cipher.NewGCM(block)
	if err != nil || len(ciphertext) < aead.NonceSize()+aead.Overhead() {
		return nil, false
	}
	nonce, sealed := ciphertext[:aead.NonceSize()], ciphertext[aead.NonceSize():]
	plain, err := aead.Open(nil, nonce, sealed, nil)
	return plain, err == nil
}
