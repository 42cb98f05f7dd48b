package saml_test

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/saml"
)

// The second reader shares no code with the first: xmlsec1 verifies the signatures and decrypts, encoding/xml reads the names.
// What Verify accepts must name the same person there, inside an element that xmlsec1 says is signed.

type secondResponse struct {
	XMLName   xml.Name          `xml:"urn:oasis:names:tc:SAML:2.0:protocol Response"`
	ID        string            `xml:"ID,attr"`
	Signature []secondSignature `xml:"http://www.w3.org/2000/09/xmldsig# Signature"`
	Assertion []secondAssertion `xml:"urn:oasis:names:tc:SAML:2.0:assertion Assertion"`
	Encrypted []struct {
		Assertion []secondAssertion `xml:"urn:oasis:names:tc:SAML:2.0:assertion Assertion"`
	} `xml:"urn:oasis:names:tc:SAML:2.0:assertion EncryptedAssertion"`
}

type secondSignature struct {
	Reference []struct {
		URI string `xml:"URI,attr"`
	} `xml:"http://www.w3.org/2000/09/xmldsig# SignedInfo>Reference"`
}

type secondAssertion struct {
	ID        string            `xml:"ID,attr"`
	Signature []secondSignature `xml:"http://www.w3.org/2000/09/xmldsig# Signature"`
	NameID    []string          `xml:"urn:oasis:names:tc:SAML:2.0:assertion Subject>NameID"`
	Attribute []struct {
		Name  string   `xml:"Name,attr"`
		Value []string `xml:"urn:oasis:names:tc:SAML:2.0:assertion AttributeValue"`
	} `xml:"urn:oasis:names:tc:SAML:2.0:assertion AttributeStatement>Attribute"`
}

// secondOpinion is the error in which the second reader differs from claims about a response that Verify accepted.
func secondOpinion(response []byte, e saml.Expect, claims saml.Claims) error {
	folder, err := os.MkdirTemp("", "second")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	arrived, err := parseSecond(response)
	if err != nil {
		return err
	}
	signedResponse, err := secondVerdict(folder, "arrived", response, e, "/*", arrived.ID, arrived.Signature)
	if err != nil {
		return err
	}
	plain, opened, path := response, arrived, "/*/*[local-name()='Assertion']"
	all := arrived.Assertion
	if len(arrived.Encrypted) > 0 {
		plain, err = secondDecrypt(folder, response, e.Decrypters)
		if err != nil {
			return err
		}
		opened, err = parseSecond(plain)
		if err != nil || len(opened.Encrypted) != 1 {
			return fmt.Errorf("%d encrypted assertions: %w", len(opened.Encrypted), err)
		}
		all, path = append(opened.Assertion, opened.Encrypted[0].Assertion...), "/*/*[local-name()='EncryptedAssertion']/*[local-name()='Assertion']"
	}
	if len(all) != 1 {
		return fmt.Errorf("%d assertions", len(all))
	}
	signedAssertion, err := secondVerdict(folder, "opened", plain, e, path, all[0].ID, all[0].Signature)
	if err != nil {
		return err
	}
	if signedResponse != claims.SignedResponse || signedAssertion != claims.SignedAssertion || !signedResponse && !signedAssertion {
		return fmt.Errorf("signed: response %v, assertion %v", signedResponse, signedAssertion)
	}
	return all[0].names(e.UserKeyAttribute, claims)
}

func parseSecond(doc []byte) (r secondResponse, err error) {
	err = xml.Unmarshal(doc, &r)
	return r, err
}

// names compares who is named: every NameID and every value of the attribute, so that a second one differs too.
func (a secondAssertion) names(attribute string, claims saml.Claims) error {
	if a.ID != claims.AssertionID || strings.Join(a.NameID, "|") != claims.NameID {
		return fmt.Errorf("assertion %q names %q", a.ID, a.NameID)
	}
	if attribute == "" {
		if claims.UserKey != claims.NameID {
			return fmt.Errorf("the user key is not %q", a.NameID)
		}
		return nil
	}
	var values []string
	for _, found := range a.Attribute {
		if found.Name == attribute {
			values = append(values, found.Value...)
		}
	}
	if strings.Join(values, "|") != claims.UserKey {
		return fmt.Errorf("the attribute names %q", values)
	}
	return nil
}

// secondVerdict asks xmlsec1 about the signature that is a child of the element at path, with each certificate. It must refer
// to that element, and no key of the message is looked at.
func secondVerdict(folder, name string, doc []byte, e saml.Expect, path, id string, found []secondSignature) (bool, error) {
	if len(found) == 0 {
		return false, nil
	}
	if len(found) != 1 || len(found[0].Reference) != 1 || found[0].Reference[0].URI != "#"+id || id == "" {
		return false, fmt.Errorf("the signature at %s is not about that element", path)
	}
	file := filepath.Join(folder, name+".xml")
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		return false, err
	}
	said := ""
	for i, c := range e.Certificates {
		certificate := filepath.Join(folder, fmt.Sprint(i, ".pem"))
		if err := os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 0o600); err != nil {
			return false, err
		}
		output, err := exec.Command("xmlsec1", "--verify", "--enabled-key-data", "key-name", "--pubkey-cert-pem", certificate, "--id-attr:ID", "Response",
			"--id-attr:ID", "Assertion", "--node-xpath", path+"/*[local-name()='Signature']", file).CombinedOutput()
		if err == nil && strings.HasPrefix(string(output), "OK\n") {
			return true, nil
		}
		said += string(output)
	}
	return false, errors.New("xmlsec1: " + said)
}

// secondDecrypt is the response with the assertion in place of its EncryptedData. What xmlsec1 cannot do (OAEP of XML Encryption
// 1.1, keys beside the data) is done with Go's cryptography, found by encoding/xml.
func secondDecrypt(folder string, response []byte, keys []*rsa.PrivateKey) ([]byte, error) {
	in := filepath.Join(folder, "encrypted.xml")
	if err := os.WriteFile(in, response, 0o600); err != nil {
		return nil, err
	}
	for i, key := range keys {
		private, out := filepath.Join(folder, fmt.Sprint("key", i, ".pem")), filepath.Join(folder, fmt.Sprint("plain", i, ".xml"))
		raw := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
		if err := os.WriteFile(private, raw, 0o600); err != nil {
			return nil, err
		}
		if exec.Command("xmlsec1", "--decrypt", "--privkey-pem", private, "--output", out, in).Run() == nil {
			return os.ReadFile(out)
		}
	}
	for _, key := range keys {
		plain, err := openByHand(response, key)
		if err == nil {
			start, end := strings.Index(string(response), "<xenc:EncryptedData"), strings.LastIndex(string(response), "</xenc:EncryptedData>")+len("</xenc:EncryptedData>")
			return append(append(append([]byte{}, response[:start]...), plain...), response[end:]...), nil
		}
	}
	return nil, errors.New("neither xmlsec1 nor the test can decrypt it")
}

type algorithm struct {
	URI string `xml:"Algorithm,attr"`
}

type wrappedKey struct {
	Digest algorithm `xml:"EncryptionMethod>DigestMethod"`
	MGF    algorithm `xml:"EncryptionMethod>MGF"`
	Value  string    `xml:"CipherData>CipherValue"`
}

func openByHand(response []byte, key *rsa.PrivateKey) ([]byte, error) {
	var r struct {
		Method algorithm    `xml:"EncryptedAssertion>EncryptedData>EncryptionMethod"`
		Inside []wrappedKey `xml:"EncryptedAssertion>EncryptedData>KeyInfo>EncryptedKey"`
		Beside []wrappedKey `xml:"EncryptedAssertion>EncryptedKey"`
		Value  string       `xml:"EncryptedAssertion>EncryptedData>CipherData>CipherValue"`
	}
	if err := xml.Unmarshal(response, &r); err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(r.Value)
	if err != nil {
		return nil, err
	}
	for _, w := range append(r.Inside, r.Beside...) {
		hashes := map[string]crypto.Hash{"sha1": crypto.SHA1, "sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512, "": crypto.SHA1}
		o := &rsa.OAEPOptions{Hash: hashes[w.Digest.URI[strings.LastIndexByte(w.Digest.URI, '#')+1:]], MGFHash: hashes[strings.TrimPrefix(w.MGF.URI, xmlenc11+"mgf1")]}
		wrapped, err := base64.StdEncoding.DecodeString(w.Value)
		if err != nil {
			return nil, err
		}
		secret, err := key.Decrypt(nil, wrapped, o)
		if err != nil {
			continue
		}
		block, err := aes.NewCipher(secret)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(r.Method.URI, "-gcm") {
			aead := must(cipher.NewGCM(block))
			return aead.Open(nil, data[:12], data[12:], nil)
		}
		cipher.NewCBCDecrypter(block, data[:16]).CryptBlocks(data, data)
		return data[16 : len(data)-int(data[len(data)-1])], nil
	}
	return nil, errors.New("not for this key")
}

func TestASecondReaderNamesTheSamePerson(t *testing.T) {
	t.Parallel()
	for name, c := range readCases(t, "good", 90) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := c.want.expect()
			claims, _, err := saml.Verify(c.response, e)
			if err != nil {
				t.Fatal(refusal(err))
			}
			if err := secondOpinion(c.response, e, claims); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTheSecondReaderDiffers: it is worth nothing if it agrees with everything.
func TestTheSecondReaderDiffers(t *testing.T) {
	t.Parallel()
	e := expectation{Decrypters: []string{"sp"}}.expect()
	good := sign(baseResponse, onAssertion)
	claims, _, err := saml.Verify([]byte(good), e)
	if err != nil {
		t.Fatal(refusal(err))
	}
	sealed := encrypt(good, encryption{})
	strangers := e
	strangers.Certificates = certificates("stranger")
	other, both, byMail := claims, claims, claims
	other.UserKey, other.NameID = "admin", "admin"
	both.SignedResponse = true
	byMail.UserKey = "admin@mycompany.com"
	mail := e
	mail.UserKeyAttribute = "mail"
	for name, c := range map[string]struct {
		doc    string
		e      saml.Expect
		claims saml.Claims
	}{
		"another person":          {good, e, other},
		"another attribute":       {good, mail, byMail},
		"another element signed":  {good, e, both},
		"changed after signing":   {edit(good, ">staff<", ">admins<"), e, claims},
		"another key":             {good, strangers, claims},
		"unsigned":                {baseResponse, e, claims},
		"two assertions":          {edit(good, "</samlp:Response>", baseAssertion+"</samlp:Response>"), e, claims},
		"signature about another": {sign(baseResponse, signature{id: "_assertion", uri: "#_response"}), e, claims},
		"no key to decrypt":       {sealed, expectation{}.expect(), claims},
		"beside the encrypted":    {edit(sealed, "</samlp:Response>", baseAssertion+"</samlp:Response>"), e, claims},
	} {
		if err := secondOpinion([]byte(c.doc), c.e, c.claims); err == nil {
			t.Errorf("%s: the second reader agrees", name)
		}
	}
}
