package saml

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// TestGoxmldsigAgrees asks the library of the field about every signature of every good case, and about every bad case that ends
// as a bad signature: the same verdict, and the same tree out of the hashed bytes.
func TestGoxmldsigAgrees(t *testing.T) {
	t.Parallel()
	var certificates []*x509.Certificate
	for _, file := range glob(t, filepath.Join("testdata", "keys", "*.cert.pem")) {
		block, _ := pem.Decode(readFile(t, file))
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		certificates = append(certificates, certificate)
	}
	asked := 0
	for _, file := range append(glob(t, "testdata/good/*/response.xml"), glob(t, "testdata/bad/*/response.xml")...) {
		root, err := read(readFile(t, file), responseLimits())
		if err != nil {
			continue
		}
		for _, e := range []*etree.Element{root, child(root, nsAssertion, "Assertion")} {
			if e == nil || child(e, nsSignature, "Signature") == nil {
				continue
			}
			asked++
			compareVerdicts(t, file, e, certificates)
		}
	}
	if asked < 150 {
		t.Errorf("only %d signatures were compared", asked)
	}
}

func compareVerdicts(t *testing.T, file string, e *etree.Element, certificates []*x509.Certificate) {
	t.Helper()
	signature := child(e, nsSignature, "Signature")
	p, err := readProfile(e, signature, true)
	if err != nil {
		return // goxmldsig allows more than the profile
	}
	for _, certificate := range certificates {
		if !p.algorithm.usable(certificate) {
			continue
		}
		ours := p.verify(e, signature, certificate, true)
		theirs := askGoxmldsig(t, p, e, signature, certificate)
		// xmlsec1 made the first; goxmldsig has another canonical form for them. It does not inherit attributes either.
		differs := strings.Contains(file, "good/xmlsec-") || strings.Contains(file, "bad/enveloped-only-below-xml-lang")
		if (ours == nil) != (theirs == nil) && !differs {
			t.Errorf("%s, %s: ours %v, goxmldsig %v", file, certificate.Subject, ours != nil, theirs != nil)
		}
		if ours != nil && theirs != nil {
			sameTree(t, ours, theirs)
		}
	}
}

// askGoxmldsig hands it what it can cope with: namespaces in scope declared on the element, no KeyInfo to choose a key by, and
// ECDSA values in the encoding it expects.
func askGoxmldsig(t *testing.T, p profile, e, signature *etree.Element, certificate *x509.Certificate) *etree.Element {
	t.Helper()
	scope, err := etreeutils.NSBuildParentContext(e)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := etreeutils.NSDetatch(scope, e)
	if err != nil {
		t.Fatal(err)
	}
	moved := alone.RemoveChildAt(signature.Index()).(*etree.Element)
	alone.InsertChildAt(0, moved)
	keyInfo := child(moved, nsSignature, "KeyInfo")
	if keyInfo != nil {
		moved.RemoveChild(keyInfo)
	}
	value := p.value
	if p.algorithm.ecdsa {
		value = asn1Signature(value, certificate)
	}
	child(moved, nsSignature, "SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
	verifier := dsig.ValidationContext{
		CertificateStore: &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}},
		IdAttribute:      "ID", Clock: dsig.NewFakeClockAt(certificate.NotBefore),
	}
	verified, err := verifier.Validate(alone)
	if err != nil {
		return nil
	}
	return verified
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	return files
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
