package saml_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The response.xml of every case is made by a recipe and committed: signatures by ECDSA and encryption are random, so the
// files are the truth and this is how they came to be. "go test ./saml -run TestRecipes -update" makes the missing ones;
// delete a folder to make it anew.
var update = flag.Bool("update", false, "write the cases that have no folder yet")

// recipe makes one case: the base response is edited, signed, encrypted, signed and edited again.
type recipe struct {
	name   string
	base   string   // baseResponse when empty
	before []string // pairs of old and new text, before anything is signed
	sign   []signature
	seal   *encryption
	outer  []signature // signatures made after encryption
	after  []string
	build  func() string // instead of all of these
	expect expectation
}

func (r recipe) make() string {
	if r.build != nil {
		return r.build()
	}
	doc := edit(or(r.base, baseResponse), r.before...)
	for _, s := range r.sign {
		doc = sign(doc, s)
	}
	if r.seal != nil {
		doc = encrypt(doc, *r.seal)
	}
	for _, s := range r.outer {
		doc = sign(doc, s)
	}
	return edit(doc, r.after...)
}

// edit replaces the first occurrence of each old text, which must be there.
func edit(doc string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(doc, pairs[i]) {
			panic(fmt.Sprintf("%q is not in %s", pairs[i], doc))
		}
		doc = strings.Replace(doc, pairs[i], pairs[i+1], 1)
	}
	return doc
}

const (
	baseNS = `xmlns:samlp="` + protocol + `" xmlns:saml="` + assertion + `"`

	baseSubject = `<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">victoria.kim</saml:NameID>` +
		`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="` + caseRequest +
		`" NotOnOrAfter="2027-01-15T09:04:58Z" Recipient="` + caseACS + `"/></saml:SubjectConfirmation></saml:Subject>`

	baseConditions = `<saml:Conditions NotBefore="2027-01-15T08:58:58Z" NotOnOrAfter="2027-01-15T09:04:58Z"><saml:AudienceRestriction><saml:Audience>` +
		caseEntityID + `</saml:Audience></saml:AudienceRestriction></saml:Conditions>`

	baseAuthn = `<saml:AuthnStatement AuthnInstant="2027-01-15T08:59:50Z" SessionIndex="_session-1" SessionNotOnOrAfter="2027-01-15T17:00:00Z">` +
		`<saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>` +
		`</saml:AuthnContext></saml:AuthnStatement>`

	baseAttributes = `<saml:AttributeStatement><saml:Attribute Name="mail" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic">` +
		`<saml:AttributeValue>victoria.kim@mycompany.com</saml:AttributeValue></saml:Attribute>` +
		`<saml:Attribute Name="groups"><saml:AttributeValue>staff</saml:AttributeValue><saml:AttributeValue>board</saml:AttributeValue></saml:Attribute>` +
		`</saml:AttributeStatement>`

	baseAssertion = `<saml:Assertion ID="_assertion" Version="2.0" IssueInstant="2027-01-15T08:59:58Z"><saml:Issuer>` + caseIssuer + `</saml:Issuer>` +
		baseSubject + baseConditions + baseAuthn + baseAttributes + `</saml:Assertion>`

	baseStatus = `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`

	baseResponse = `<samlp:Response ` + baseNS + ` ID="_response" Version="2.0" IssueInstant="2027-01-15T08:59:58Z" Destination="` + caseACS +
		`" InResponseTo="` + caseRequest + `"><saml:Issuer>` + caseIssuer + `</saml:Issuer>` + baseStatus + baseAssertion + `</samlp:Response>`
)

var (
	onAssertion = signature{id: "_assertion"}
	onResponse  = signature{id: "_response"}
)

func TestRecipes(t *testing.T) {
	t.Parallel()
	for kind, recipes := range map[string][]recipe{"good": goodRecipes(), "bad": badRecipes()} {
		names := make(map[string]bool)
		for _, r := range recipes {
			if names[r.name] {
				t.Errorf("two recipes are called %s/%s", kind, r.name)
			}
			names[r.name] = true
			if (kind == "bad") != (r.expect.Code != "") {
				t.Errorf("%s/%s has the code %q", kind, r.name, r.expect.Code)
			}
			writeCase(t, filepath.Join("testdata", kind, r.name), r)
		}
		for _, folder := range must(filepath.Glob(filepath.Join("testdata", kind, "*"))) {
			if !names[filepath.Base(folder)] {
				t.Errorf("%s has no recipe", folder)
			}
		}
	}
}

// writeCase makes the folder with -update when it is missing, and compares the expectation otherwise.
func writeCase(t *testing.T, folder string, r recipe) {
	t.Helper()
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	must(0, encoder.Encode(r.expect))
	got, err := os.ReadFile(filepath.Join(folder, "expect.json"))
	if err == nil && bytes.Equal(got, want.Bytes()) {
		return
	}
	if !*update {
		t.Errorf("%s is not what its recipe makes; run with -update", folder)
		return
	}
	must(0, os.MkdirAll(folder, 0o755))
	_, err = os.Stat(filepath.Join(folder, "response.xml"))
	if err != nil {
		must(0, os.WriteFile(filepath.Join(folder, "response.xml"), []byte(r.make()), 0o644))
	}
	must(0, os.WriteFile(filepath.Join(folder, "expect.json"), want.Bytes(), 0o644))
}
