package saml_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ssogate/ssogate/saml"
)

// Refusals about keys and requests that no other test needs: each was found because it could be taken out unnoticed.

// oddSigner is a key held elsewhere, which answers what it likes.
type oddSigner struct {
	public crypto.PublicKey
	answer []byte
	err    error
}

func (s oddSigner) Public() crypto.PublicKey { return s.public }

func (s oddSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return s.answer, s.err }

func TestASignerThatFailsSignsNothing(t *testing.T) {
	t.Parallel()
	ec, failure := outgoingECDSA(t, elliptic.P256()), errors.New("the token was pulled out")
	large := append([]byte{0x30, 0x26, 0x02, 0x21, 0x01}, make([]byte, 32)...)
	for name, c := range map[string]struct {
		pair   saml.KeyPair
		answer string
		err    error
	}{
		"RSA fails":               {outgoingRSA(), "", failure},
		"ECDSA fails":             {ec, "", failure},
		"no ASN.1":                {ec, "r and s", nil},
		"something behind":        {ec, "\x30\x06\x02\x01\x01\x02\x01\x01x", nil},
		"r is zero":               {ec, "\x30\x06\x02\x01\x00\x02\x01\x01", nil},
		"s is negative":           {ec, "\x30\x06\x02\x01\x01\x02\x01\xff", nil},
		"r longer than the order": {ec, string(large) + "\x02\x01\x01", nil},
	} {
		r := testRequest()
		r.Sign = &saml.KeyPair{Certificate: c.pair.Certificate, Signer: oddSigner{c.pair.Signer.Public(), []byte(c.answer), c.err}}
		if location, err := r.Redirect("handle", nil); err == nil || location != "" {
			t.Errorf("%s: redirect to %q", name, location)
		}
		if form, err := r.POST("handle"); err == nil || len(form) != 0 {
			t.Errorf("%s: posts %q", name, form)
		}
		if der, err := r.Sign.MarshalPrivate(); codeOf(err) != "saml_key_type" || der != nil {
			t.Errorf("%s: a key held elsewhere was written: %v", name, err)
		}
	}
}

func TestAKeyThatCannotSignIsNoKey(t *testing.T) {
	t.Parallel()
	key := must(ecdh.X25519().GenerateKey(rand.Reader))
	_, err := saml.ParseKeyPair(must(x509.MarshalPKCS8PrivateKey(key)), outgoingRSA().Certificate.Raw)
	var r *saml.Refusal
	if !errors.As(err, &r) || r.Code != "saml_key_type" || r.Got != "*ecdh.PrivateKey" {
		t.Errorf("%+v", r)
	}
}

func TestExponentsThatAreNone(t *testing.T) {
	t.Parallel()
	good := decrypter("idp")
	for _, e := range []int{1, 2, 4, 65536} {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "weak"}, NotBefore: caseNow, NotAfter: caseNow.AddDate(1, 0, 0)}
		der, err := x509.CreateCertificate(rand.Reader, template, certificate("idp"), &rsa.PublicKey{N: good.N, E: e}, good)
		if err != nil {
			t.Fatal(err)
		}
		text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		if found, err := saml.ParseCertificates(text); codeOf(err) == "" || found != nil {
			t.Errorf("the exponent %d: %d certificates, %v", e, len(found), err)
		}
	}
}

func TestPEMWithoutItsEnd(t *testing.T) {
	t.Parallel()
	whole := string(must(os.ReadFile("testdata/keys/idp.cert.pem")))
	for _, text := range []string{strings.Split(whole, "-----END")[0], whole + strings.Split(whole, "-----END")[0]} {
		if found, err := saml.ParseCertificates(text); codeOf(err) != "saml_certificate_malformed" || found != nil {
			t.Errorf("%d certificates, %v", len(found), err)
		}
	}
}

func TestNameIDFormatsAreReadOnce(t *testing.T) {
	t.Parallel()
	doc := string(must(os.ReadFile("testdata/metadata/good/keycloak/metadata.xml")))
	at := strings.Index(doc, "<md:NameIDFormat")
	if at < 0 {
		t.Fatal("no NameIDFormat in the sample")
	}
	prefix := "<md:NameIDFormat>"
	more := prefix + " </md:NameIDFormat>" + prefix + strings.Repeat("x", 2000) + "</md:NameIDFormat>" + strings.Repeat(prefix+"urn:twice</md:NameIDFormat>", 2)
	before := must(saml.ParseMetadata([]byte(doc), caseNow)).NameIDFormats
	after, err := saml.ParseMetadata([]byte(doc[:at]+more+doc[at:]), caseNow)
	if err != nil {
		t.Fatal(refusal(err))
	}
	if diff := cmp.Diff(append([]string{"urn:twice"}, before...), after.NameIDFormats); diff != "" {
		t.Error(diff)
	}
}
