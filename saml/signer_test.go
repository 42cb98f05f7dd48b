package saml_test

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

const (
	protocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	assertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	xmldsig   = "http://www.w3.org/2000/09/xmldsig#"
	xmldsig11 = "http://www.w3.org/2001/04/xmldsig-more#"
	xmlenc    = "http://www.w3.org/2001/04/xmlenc#"
	xmlenc11  = "http://www.w3.org/2009/xmlenc11#"
	exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	enveloped = xmldsig + "enveloped-signature"
)

func base64Of(raw []byte) string { return base64.StdEncoding.EncodeToString(raw) }

// must keeps the builders short: a builder that fails is a broken test.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func readPEM(name string) []byte {
	block, _ := pem.Decode(must(os.ReadFile(filepath.Join("testdata", "keys", name))))
	return block.Bytes
}

func certificate(name string) *x509.Certificate {
	return must(x509.ParseCertificate(readPEM(name + ".cert.pem")))
}

func signer(name string) crypto.Signer {
	return must(x509.ParsePKCS8PrivateKey(readPEM(name + ".key.pem"))).(crypto.Signer)
}

func decrypter(name string) *rsa.PrivateKey { return signer(name).(*rsa.PrivateKey) }

// signature says how one element is signed. The zero value with an ID is what most identity providers do.
type signature struct {
	id          string // of the signed element
	key         string // "idp" when empty
	method      string // SignatureMethod, by the key when empty
	digest      string // DigestMethod, SHA-256 when empty
	uri         string // Reference URI, "#" + id when empty
	c14n        string // CanonicalizationMethod, exclusive when empty
	prefixList  string // InclusiveNamespaces of the transform
	transforms  []string
	keyInfo     string // "none", "name", a certificate's name, or the key's certificate when empty
	last        bool   // Signature as last child instead of after Issuer
	pretty      bool   // SignatureValue in lines
	references  int    // how many times the Reference is written, 1 when zero
	hmac        bool   // sign with HMAC, keyed with the certificate (key confusion)
	asn1        bool   // leave ECDSA in the wrong encoding
	object      bool   // add a ds:Object
	methodInner string // XML inside SignatureMethod
}

func (s signature) withDefaults() signature {
	if s.key == "" {
		s.key = "idp"
	}
	if s.method == "" {
		s.method = xmldsig11 + "rsa-sha256"
		if strings.Contains(s.key, "p256") {
			s.method = xmldsig11 + "ecdsa-sha256"
		} else if strings.Contains(s.key, "p384") {
			s.method = xmldsig11 + "ecdsa-sha384"
		}
	}
	if s.digest == "" {
		s.digest = xmlenc + "sha256"
	}
	if s.uri == "" {
		s.uri = "#" + s.id
	}
	if s.c14n == "" {
		s.c14n = exclusive
	}
	if s.transforms == nil {
		s.transforms = []string{enveloped, exclusive}
	}
	return s
}

func hashOf(uri string) crypto.Hash {
	switch uri[strings.LastIndexAny(uri, "-#")+1:] {
	case "sha1":
		return crypto.SHA1
	case "sha384":
		return crypto.SHA384
	case "sha512":
		return crypto.SHA512
	case "md5":
		return crypto.MD5
	}
	return crypto.SHA256
}

// canonical is the exclusive canonical form of e as it stands in its document.
func canonical(e *etree.Element, c14n, prefixList string) []byte {
	alone := must(etreeutils.NSDetatch(must(etreeutils.NSBuildParentContext(e)), e))
	switch c14n {
	case inclusive:
		return must(dsig.MakeC14N10RecCanonicalizer().Canonicalize(alone))
	case exclusive + "WithComments":
		return must(dsig.MakeC14N10ExclusiveWithCommentsCanonicalizerWithPrefixList(prefixList).Canonicalize(alone))
	}
	return must(dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(prefixList).Canonicalize(alone))
}

func digest(uri string, data []byte) []byte {
	h := hashOf(uri).New()
	h.Write(data)
	return h.Sum(nil)
}

func (s signature) signedInfo(value []byte) string {
	var transforms string
	for _, t := range s.transforms {
		inner := ""
		if s.prefixList != "" && t == exclusive {
			inner = `<ec:InclusiveNamespaces xmlns:ec="` + exclusive + `" PrefixList="` + s.prefixList + `"></ec:InclusiveNamespaces>`
		}
		transforms += `<ds:Transform Algorithm="` + t + `">` + inner + `</ds:Transform>`
	}
	reference := `<ds:Reference URI="` + s.uri + `"><ds:Transforms>` + transforms + `</ds:Transforms><ds:DigestMethod Algorithm="` + s.digest +
		`"></ds:DigestMethod><ds:DigestValue>` + base64.StdEncoding.EncodeToString(value) + `</ds:DigestValue></ds:Reference>`
	return `<ds:SignedInfo xmlns:ds="` + xmldsig + `"><ds:CanonicalizationMethod Algorithm="` + s.c14n +
		`"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="` + s.method + `">` + s.methodInner + `</ds:SignatureMethod>` +
		strings.Repeat(reference, max(1, s.references)) + `</ds:SignedInfo>`
}

func (s signature) value(info string) []byte {
	if s.hmac {
		h := hmac.New(crypto.SHA256.New, readPEM("idp.cert.pem"))
		h.Write([]byte(info))
		return h.Sum(nil)
	}
	key := signer(s.key)
	hash := hashOf(s.method)
	value := must(key.Sign(rand.Reader, digest(s.method, []byte(info)), hash))
	ec, isEC := key.(*ecdsa.PrivateKey)
	if !isEC || s.asn1 {
		return value
	}
	r, t := must2(ecdsa.Sign(rand.Reader, ec, digest(s.method, []byte(info))))
	size := (ec.Curve.Params().BitSize + 7) / 8
	return append(r.FillBytes(make([]byte, size)), t.FillBytes(make([]byte, size))...)
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}

func (s signature) keyInfoXML() string {
	name := s.keyInfo
	switch name {
	case "none":
		return ""
	case "name":
		return `<ds:KeyInfo><ds:KeyName>signing key</ds:KeyName></ds:KeyInfo>`
	case "":
		name = s.key
	}
	raw := base64.StdEncoding.EncodeToString(certificate(name).Raw)
	return `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>` + raw + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`
}

// sign adds the signature to the element of that ID.
func sign(doc string, s signature) string {
	s = s.withDefaults()
	d := etree.NewDocument()
	if err := d.ReadFromString(doc); err != nil {
		panic(fmt.Sprintf("%v in %s", err, doc))
	}
	e := d.FindElement(`//*[@ID='` + s.id + `']`)
	c14n := inclusive // xmldsig 4.4.3.2: what follows without a canonicalisation of its own
	if n := len(s.transforms); n > 0 && s.transforms[n-1] != enveloped {
		c14n = s.transforms[n-1]
	}
	value := digest(s.digest, canonical(e, c14n, s.prefixList))
	info := s.signedInfo(value)
	text := base64.StdEncoding.EncodeToString(s.value(info))
	if s.pretty {
		text = "\n" + text[:60] + "\r\n\t  " + text[60:] + "\n"
	}
	object := ""
	if s.object {
		object = `<ds:Object><x xmlns="urn:x"></x></ds:Object>`
	}
	xml := `<ds:Signature xmlns:ds="` + xmldsig + `">` + strings.Replace(info, ` xmlns:ds="`+xmldsig+`"`, "", 1) +
		`<ds:SignatureValue>` + text + `</ds:SignatureValue>` + s.keyInfoXML() + object + `</ds:Signature>`
	at := 0
	if len(e.ChildElements()) > 0 && e.ChildElements()[0].Tag == "Issuer" {
		at = e.ChildElements()[0].Index() + 1
	}
	if s.last {
		at = len(e.Child)
	}
	part := etree.NewDocument()
	must(0, part.ReadFromString(xml))
	e.InsertChildAt(at, part.Root())
	d.WriteSettings.CanonicalText, d.WriteSettings.CanonicalAttrVal = true, true // else carriage returns get lost
	return must(d.WriteToString())
}

// encryption says how an assertion is encrypted.
type encryption struct {
	content   string // algorithm URI, AES-128-CBC when empty
	transport string // algorithm URI, RSA-OAEP-MGF1P when empty
	digest    string // DigestMethod of OAEP
	mgf       string // MGF of xmlenc 1.1
	label     string
	key       string // certificate encrypted for, "sp" when empty
	beside    bool   // EncryptedKey beside EncryptedData
	first     string // another recipient's EncryptedKey before
	raw       bool   // plaintext as it stands in the document, without its namespaces
	spoil     func(ciphertext []byte) []byte
	spoilKey  func(wrapped []byte) []byte
	plaintext func(string) string
}

func (n encryption) withDefaults() encryption {
	if n.content == "" {
		n.content = xmlenc + "aes128-cbc"
	}
	if n.transport == "" {
		n.transport = xmlenc + "rsa-oaep-mgf1p"
	}
	if n.key == "" {
		n.key = "sp"
	}
	return n
}

// encrypt replaces the assertion of doc.
func encrypt(doc string, n encryption) string {
	n = n.withDefaults()
	d := etree.NewDocument()
	must(0, d.ReadFromString(doc))
	e := d.FindElement("//*[local-name()='Assertion']")
	plain := ""
	if n.raw {
		part := etree.NewDocument()
		part.SetRoot(e.Copy())
		plain = must(part.WriteToString())
	} else {
		alone := must(etreeutils.NSDetatch(must(etreeutils.NSBuildParentContext(e)), e))
		part := etree.NewDocument()
		part.SetRoot(alone)
		plain = must(part.WriteToString())
	}
	if n.plaintext != nil {
		plain = n.plaintext(plain)
	}
	key := make([]byte, n.keyBytes())
	must(rand.Read(key))
	ciphertext := n.seal(key, []byte(plain))
	if n.spoil != nil {
		ciphertext = n.spoil(ciphertext)
	}
	wrapped := n.encryptedKey(key, n.key)
	if n.first != "" {
		wrapped = n.encryptedKey(key, n.first) + wrapped
	}
	inside, beside := `<ds:KeyInfo xmlns:ds="`+xmldsig+`">`+wrapped+`</ds:KeyInfo>`, ""
	if n.beside {
		inside, beside = "", wrapped
	}
	xml := `<saml:EncryptedAssertion xmlns:saml="` + assertion + `"><xenc:EncryptedData xmlns:xenc="` + xmlenc + `" Type="` + xmlenc +
		`Element"><xenc:EncryptionMethod Algorithm="` + n.content + `"></xenc:EncryptionMethod>` + inside + `<xenc:CipherData><xenc:CipherValue>` +
		base64.StdEncoding.EncodeToString(ciphertext) + `</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>` + beside + `</saml:EncryptedAssertion>`
	part := etree.NewDocument()
	must(0, part.ReadFromString(xml))
	at := e.Index()
	parent := e.Parent()
	parent.RemoveChildAt(at)
	parent.InsertChildAt(at, part.Root())
	return must(d.WriteToString())
}

func (n encryption) keyBytes() int {
	switch {
	case strings.Contains(n.content, "256"):
		return 32
	case strings.Contains(n.content, "192"), strings.Contains(n.content, "tripledes"):
		return 24
	}
	return 16
}

func (n encryption) seal(key, plain []byte) []byte {
	block := must(aes.NewCipher(key))
	if strings.HasSuffix(n.content, "gcm") {
		aead := must(cipher.NewGCM(block))
		nonce := make([]byte, aead.NonceSize())
		must(rand.Read(nonce))
		return aead.Seal(nonce, nonce, plain, nil)
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	padding := make([]byte, pad)
	must(rand.Read(padding)) // only the last byte counts (xmlenc 5.2.1)
	padding[pad-1] = byte(pad)
	iv := make([]byte, aes.BlockSize)
	must(rand.Read(iv))
	plain = append(plain, padding...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(plain, plain)
	return append(iv, plain...)
}

func (n encryption) encryptedKey(key []byte, recipient string) string {
	public := certificate(recipient).PublicKey.(*rsa.PublicKey)
	var wrapped []byte
	if strings.HasSuffix(n.transport, "rsa-1_5") {
		//lint:ignore SA1019 it must be refused
		wrapped = must(rsa.EncryptPKCS1v15(rand.Reader, public, key))
	} else {
		options := &rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1, Label: []byte(n.label)}
		if n.digest != "" {
			options.Hash = hashOf(n.digest)
		}
		if n.mgf != "" {
			options.MGFHash = hashOf(strings.Replace(n.mgf, "mgf1", "", 1))
		}
		wrapped = must(rsa.EncryptOAEPWithOptions(rand.Reader, public, key, options))
	}
	if n.spoilKey != nil {
		wrapped = n.spoilKey(wrapped)
	}
	inner := ""
	if n.digest != "" {
		inner += `<ds:DigestMethod xmlns:ds="` + xmldsig + `" Algorithm="` + n.digest + `"></ds:DigestMethod>`
	}
	if n.mgf != "" {
		inner += `<xenc11:MGF xmlns:xenc11="` + xmlenc11 + `" Algorithm="` + n.mgf + `"></xenc11:MGF>`
	}
	if n.label != "" {
		inner += `<xenc:OAEPparams>` + base64.StdEncoding.EncodeToString([]byte(n.label)) + `</xenc:OAEPparams>`
	}
	return `<xenc:EncryptedKey xmlns:xenc="` + xmlenc + `"><xenc:EncryptionMethod Algorithm="` + n.transport + `">` + inner +
		`</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>` + base64.StdEncoding.EncodeToString(wrapped) +
		`</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>`
}

func TestKeysAreWhatTheirNamesSay(t *testing.T) {
	t.Parallel()
	if bits := decrypter("weak").N.BitLen(); bits != 1024 {
		t.Errorf("the weak key has %d bits", bits)
	}
	if !certificate("expired").NotAfter.Before(caseNow) {
		t.Error("the expired certificate is not expired at the time of the cases")
	}
}
