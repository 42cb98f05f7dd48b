package saml_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/ssogate/ssogate/saml"
)

// benchResponse is about 7 KB with its signature, as large as those of the common identity providers.
func benchResponse(groups int, signatures ...signature) []byte {
	var values strings.Builder
	for i := range groups {
		fmt.Fprintf(&values, `<saml:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" `+
			`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">group-%04d</saml:AttributeValue>`, i)
	}
	doc := edit(baseResponse, `<saml:AttributeValue>staff</saml:AttributeValue><saml:AttributeValue>board</saml:AttributeValue>`, values.String())
	for _, s := range signatures {
		doc = sign(doc, s)
	}
	return []byte(doc)
}

// BenchmarkVerify compares, in one run, one RSA verification, this package, and crewjam's ParseXMLResponse.
func BenchmarkVerify(b *testing.B) {
	expect := expectation{Decrypters: []string{"sp"}}.expect()
	small := benchResponse(14, onAssertion)
	b.Logf("the response has %d bytes", len(small))
	b.Run("rsa2048", benchRSA)
	b.Run("response7k", func(b *testing.B) { benchVerify(b, small, expect) })
	b.Run("crewjam7k", func(b *testing.B) { benchCrewjam(b, small) })
	both := benchResponse(14, onAssertion, onResponse)
	b.Run("both", func(b *testing.B) { benchVerify(b, both, expect) })
	large := benchResponse(1500, onAssertion)
	b.Run("groups1500", func(b *testing.B) { benchVerify(b, large, expect) })
	sealed := []byte(encrypt(string(small), encryption{}))
	b.Run("encrypted", func(b *testing.B) { benchVerify(b, sealed, expect) })
}

func benchVerify(b *testing.B, doc []byte, expect saml.Expect) {
	b.ReportAllocs()
	for b.Loop() {
		_, _, err := saml.Verify(doc, expect)
		if err != nil {
			b.Fatal(refusal(err))
		}
	}
}

func benchRSA(b *testing.B) {
	key := decrypter("idp")
	sum := sha256.Sum256([]byte("signed"))
	value := must(rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:]))
	for b.Loop() {
		if rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], value) != nil {
			b.Fatal("the signature does not verify")
		}
	}
}

func benchCrewjam(b *testing.B, doc []byte) {
	crewjam.TimeNow = func() time.Time { return caseNow }
	crewjam.Clock = dsig.NewFakeClockAt(caseNow)
	acs := must(url.Parse(caseACS))
	cert := certificate("idp")
	sp := crewjam.ServiceProvider{
		EntityID: caseEntityID, AcsURL: *acs,
		IDPMetadata: &crewjam.EntityDescriptor{EntityID: caseIssuer, IDPSSODescriptors: []crewjam.IDPSSODescriptor{{
			SSODescriptor: crewjam.SSODescriptor{RoleDescriptor: crewjam.RoleDescriptor{KeyDescriptors: []crewjam.KeyDescriptor{{
				Use: "signing", KeyInfo: crewjam.KeyInfo{X509Data: crewjam.X509Data{X509Certificates: []crewjam.X509Certificate{{Data: base64Of(cert.Raw)}}}},
			}}}},
		}}},
	}
	b.ReportAllocs()
	for b.Loop() {
		_, err := sp.ParseXMLResponse(doc, []string{caseRequest}, *acs)
		if err != nil {
			b.Fatal(err.(*crewjam.InvalidResponseError).PrivateErr)
		}
	}
}
