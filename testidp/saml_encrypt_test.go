package testidp_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/ssogate/ssogate/testidp"
)

// TestCiphers opens what was sealed by the book, also with what crewjam/saml does not know: AES-256-GCM and OAEP over SHA-256.
func TestCiphers(t *testing.T) {
	p := start(t, "alice")
	newSP(t, p, false)
	for _, c := range []testidp.Cipher{testidp.AES128CBC, testidp.AES256CBC, testidp.AES128GCM, testidp.AES256GCM} {
		for _, oaep256 := range []bool{false, true} {
			p.SetSAML(testidp.SAMLStyle{Cipher: c, OAEPSHA256: oaep256, Sign: testidp.SignBoth})
			xml, err := p.Response(testidp.ResponseTo{ServiceProvider: spID, Login: "alice", InResponseTo: "_1"})
			if err != nil {
				t.Fatal(err)
			}
			doc := etree.NewDocument()
			if err := doc.ReadFromBytes(xml); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(xml), "A-100") || doc.FindElement("//Assertion") != nil {
				t.Errorf("%s: the assertion is in the open", c)
			}
			plain := open(t, doc, c, oaep256)
			if !strings.HasPrefix(plain, "<saml:Assertion ") || !strings.HasSuffix(plain, "</saml:Assertion>") || !strings.Contains(plain, "A-100") {
				t.Errorf("%s, OAEP SHA-256 %v: opened %q", c, oaep256, plain)
			}
		}
	}
}

func open(t *testing.T, doc *etree.Document, c testidp.Cipher, oaep256 bool) string {
	t.Helper()
	value := func(path string) []byte {
		raw, err := base64.StdEncoding.DecodeString(doc.FindElement(path).Text())
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	var h hash.Hash = sha1.New()
	if oaep256 {
		h = sha256.New()
	}
	private, _ := spKeys()
	key, err := rsa.DecryptOAEP(h, nil, private, value("//EncryptedKey/CipherData/CipherValue"), nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	sealed := value("//EncryptedData/CipherData/CipherValue")
	if strings.HasSuffix(string(c), "gcm") {
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := gcm.Open(nil, sealed[:12], sealed[12:], nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(plain)
	}
	plain := make([]byte, len(sealed)-16)
	cipher.NewCBCDecrypter(block, sealed[:16]).CryptBlocks(plain, sealed[16:])
	return string(plain[:len(plain)-int(plain[len(plain)-1])])
}
