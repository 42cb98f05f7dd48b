package testidp_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/ssogate/ssogate/testidp"
)

const victim = "victim@forged.example"

// seen is one answered sign-in.
type seen struct {
	id     string // of the request
	to     string // where the form goes
	fields url.Values
	raw    []byte
	root   *etree.Element // nil when it cannot be parsed
}

func (s seen) has(part string) bool { return bytes.Contains(s.raw, []byte(part)) }

// attr reads an attribute of the first element on the path.
func (s seen) attr(path, name string) string {
	if el := s.el(path); el != nil {
		return el.SelectAttrValue(name, "")
	}
	return ""
}

func (s seen) el(path string) *etree.Element {
	if s.root == nil {
		return nil
	}
	return s.root.FindElement(path)
}

func (s seen) text(path string) string {
	if el := s.el(path); el != nil {
		return el.Text()
	}
	return ""
}

func (s seen) count(path string) int {
	if s.root == nil {
		return 0
	}
	return len(s.root.FindElements(path))
}

// until says how long after (or, negative, before) now the assertion ends.
func (s seen) until() time.Duration {
	end, err := time.Parse(time.RFC3339, s.attr(".//Conditions", "NotOnOrAfter"))
	if err != nil {
		return 0
	}
	return time.Until(end)
}

// knobWorld is a provider with two known service providers and one browser.
type knobWorld struct {
	t *testing.T
	p *testidp.Provider
	b browser
	// ask begins one sign-in.
	ask func() (id, address string)
}

func newKnobWorld(t *testing.T) knobWorld {
	p := start(t, "alice")
	sp := newSP(t, p, false)
	_, cert := spKeys()
	other := testidp.SAMLClient{EntityID: "https://second.example/sp", ACS: []string{"https://second.example/acs"}, EncryptionCertificate: cert}
	if err := p.AddServiceProvider(other); err != nil {
		t.Fatal(err)
	}
	return knobWorld{t, p, newBrowser(t), func() (string, string) { return ask(t, sp) }}
}

func (w knobWorld) see(style testidp.SAMLStyle, knobs testidp.Knobs) seen {
	w.t.Helper()
	w.p.SetSAML(style)
	w.p.Misbehave(knobs)
	id, address := w.ask()
	to, fields := w.b.get(address).form()
	s := seen{id: id, to: to, fields: fields}
	s.raw, _ = base64.StdEncoding.DecodeString(fields.Get("SAMLResponse"))
	doc := etree.NewDocument()
	if doc.ReadFromBytes(s.raw) == nil {
		s.root = doc.Root()
	}
	return s
}

// samlKnobs lists every SAML knob with what it does to be seen. signed: the signature must stay valid.
var samlKnobs = []struct {
	name   string
	style  testidp.SAMLStyle
	knobs  testidp.Knobs
	signed bool
	shows  func(seen) bool
}{
	{"Unsigned", testidp.SAMLStyle{}, testidp.Knobs{Unsigned: true}, false, func(s seen) bool { return s.count("//Signature") == 0 }},
	{"SHA1", testidp.SAMLStyle{}, testidp.Knobs{SHA1: true}, false, func(s seen) bool { return s.has("#rsa-sha1") && s.has("xmldsig#sha1") }},
	{"WrongKey", testidp.SAMLStyle{}, testidp.Knobs{WrongKey: true}, false, func(s seen) bool {
		return !s.has(base64.StdEncoding.EncodeToString(keys.Certificate(testidp.KeyRSA).Raw))
	}},
	{"Tampered", testidp.SAMLStyle{}, testidp.Knobs{Tampered: true}, false, func(s seen) bool { return s.text(".//NameID") == victim && !holds(s.root) }},
	{"Forged", testidp.SAMLStyle{}, testidp.Knobs{Tampered: true, Forged: "root"}, false, func(s seen) bool { return s.text(".//NameID") == "root" }},
	{"CutDigest", testidp.SAMLStyle{}, testidp.Knobs{CutDigest: true}, false, func(s seen) bool { return s.count(".//DigestValue") == 2 }},
	{"WrongAudience", testidp.SAMLStyle{}, testidp.Knobs{WrongAudience: true}, true, func(s seen) bool { return s.text(".//Audience") != spID }},
	{"NoAudience", testidp.SAMLStyle{}, testidp.Knobs{NoAudience: true}, true, func(s seen) bool { return s.count(".//AudienceRestriction") == 0 }},
	{"WrongRecipient", testidp.SAMLStyle{}, testidp.Knobs{WrongRecipient: true}, true, func(s seen) bool {
		return s.attr(".//SubjectConfirmationData", "Recipient") == "https://elsewhere.example/acs"
	}},
	{"NoRecipient", testidp.SAMLStyle{}, testidp.Knobs{NoRecipient: true}, true, func(s seen) bool { return s.attr(".//SubjectConfirmationData", "Recipient") == "" }},
	{"WrongDestination", testidp.SAMLStyle{}, testidp.Knobs{WrongDestination: true}, true, func(s seen) bool { return s.attr(".", "Destination") != spACS }},
	{"WrongIssuer", testidp.SAMLStyle{}, testidp.Knobs{WrongIssuer: true}, true, func(s seen) bool {
		return s.text("./Issuer") == "https://elsewhere.example/idp" && s.text("./Assertion/Issuer") == s.text("./Issuer")
	}},
	{"NoIssuer", testidp.SAMLStyle{}, testidp.Knobs{NoIssuer: true}, true, func(s seen) bool { return s.el("./Assertion/Issuer") == nil }},
	{"Expired", testidp.SAMLStyle{}, testidp.Knobs{Expired: true}, true, func(s seen) bool { return s.until() < -50*time.Minute }},
	{"NotYetValid", testidp.SAMLStyle{}, testidp.Knobs{NotYetValid: true}, true, func(s seen) bool { return s.until() > time.Hour }},
	{"Forever", testidp.SAMLStyle{}, testidp.Knobs{Forever: true}, true, func(s seen) bool { return s.until() > 360*24*time.Hour }},
	{"WrongInResponseTo", testidp.SAMLStyle{}, testidp.Knobs{WrongInResponseTo: true}, true, func(s seen) bool {
		return s.attr(".", "InResponseTo") != s.id && s.attr(".//SubjectConfirmationData", "InResponseTo") == s.attr(".", "InResponseTo")
	}},
	{"Unsolicited", testidp.SAMLStyle{}, testidp.Knobs{Unsolicited: true}, true, func(s seen) bool { return !s.has("InResponseTo") }},
	{"NoConfirmation", testidp.SAMLStyle{}, testidp.Knobs{NoConfirmation: true}, true, func(s seen) bool { return s.count(".//SubjectConfirmation") == 0 }},
	{"HolderOfKey", testidp.SAMLStyle{}, testidp.Knobs{HolderOfKey: true}, true, func(s seen) bool { return s.has("cm:holder-of-key") }},
	{"NoAuthnStatement", testidp.SAMLStyle{}, testidp.Knobs{NoAuthnStatement: true}, true, func(s seen) bool { return s.count(".//AuthnStatement") == 0 }},
	{"NoConditions", testidp.SAMLStyle{}, testidp.Knobs{NoConditions: true}, true, func(s seen) bool { return s.count(".//Conditions") == 0 }},
	{"EmptyNameID", testidp.SAMLStyle{}, testidp.Knobs{EmptyNameID: true}, true, func(s seen) bool { return s.text(".//NameID") == "" }},
	{"NoNameID", testidp.SAMLStyle{}, testidp.Knobs{NoNameID: true}, true, func(s seen) bool { return s.count(".//NameID") == 0 }},
	{"TwoNameIDs", testidp.SAMLStyle{}, testidp.Knobs{TwoNameIDs: true}, true, func(s seen) bool { return s.count(".//NameID") == 2 }},
	{"CommentInNameID", testidp.SAMLStyle{}, testidp.Knobs{CommentInNameID: true}, true, func(s seen) bool { return s.has("A-<!---->100") }},
	{"TwoAssertions", testidp.SAMLStyle{}, testidp.Knobs{TwoAssertions: true}, true, func(s seen) bool { return s.count("./Assertion") == 2 && s.count("./Assertion/Signature") == 2 }},
	{"NoAssertion", testidp.SAMLStyle{}, testidp.Knobs{NoAssertion: true}, false, func(s seen) bool { return s.count("//Assertion") == 0 }},
	{"StatusFailure", testidp.SAMLStyle{}, testidp.Knobs{StatusFailure: true}, false, func(s seen) bool { return s.has("status:AuthnFailed") && s.count("//Assertion") == 0 }},
	{"StatusOnly", testidp.SAMLStyle{}, testidp.Knobs{StatusOnly: true}, true, func(s seen) bool { return s.has("status:Responder") && s.count("//Assertion") == 1 }},
	{"UnknownCondition", testidp.SAMLStyle{}, testidp.Knobs{UnknownCondition: true}, true, func(s seen) bool { return s.count(".//Condition") == 1 }},
	{"DuplicateIDs", testidp.SAMLStyle{}, testidp.Knobs{DuplicateIDs: true}, false, func(s seen) bool { return s.attr(".", "ID") == s.attr("./Assertion", "ID") }},
	{"WrongVersion", testidp.SAMLStyle{}, testidp.Knobs{WrongVersion: true}, true, func(s seen) bool { return s.attr("./Assertion", "Version") == "1.1" }},
	{"DoubledAttributes", testidp.SAMLStyle{}, testidp.Knobs{DoubledAttributes: true}, true, func(s seen) bool { return s.count(".//Attribute[@Name='email']") == 2 }},
	{"MeantFor", testidp.SAMLStyle{}, testidp.Knobs{MeantFor: "https://second.example/sp"}, true, func(s seen) bool {
		return s.to == spACS && s.text(".//Audience") == "https://second.example/sp" && s.attr(".//SubjectConfirmationData", "Recipient") == "https://second.example/acs"
	}},
	{"Doctype", testidp.SAMLStyle{}, testidp.Knobs{Doctype: true}, false, func(s seen) bool { return s.has("<!DOCTYPE") }},
	{"Comment", testidp.SAMLStyle{}, testidp.Knobs{Comment: true}, true, func(s seen) bool { return s.has("<!-- hello -->") }},
	{"Deep", testidp.SAMLStyle{}, testidp.Knobs{Deep: true}, false, func(s seen) bool { return bytes.Count(s.raw, []byte("<x>")) == 5000 }},
	{"GarbageBase64", testidp.SAMLStyle{}, testidp.Knobs{GarbageBase64: true}, false, func(s seen) bool { return len(s.raw) == 0 && s.fields.Get("SAMLResponse") != "" }},
	{"GarbageXML", testidp.SAMLStyle{}, testidp.Knobs{GarbageXML: true}, false, func(s seen) bool { return s.root == nil && len(s.raw) > 0 }},
	{"Oversize", testidp.SAMLStyle{}, testidp.Knobs{Oversize: true}, false, func(s seen) bool { return len(s.raw) > 2<<20 }},
	{"TwoFields", testidp.SAMLStyle{}, testidp.Knobs{TwoFields: true}, true, func(s seen) bool { return len(s.fields["SAMLResponse"]) == 2 }},
	{"WrongRelayState", testidp.SAMLStyle{}, testidp.Knobs{WrongRelayState: true}, true, func(s seen) bool { r := s.fields.Get("RelayState"); return r != "relay-1" && r != "" }},
	{"NoRelayState", testidp.SAMLStyle{}, testidp.Knobs{NoRelayState: true}, true, func(s seen) bool { return !s.fields.Has("RelayState") }},
	{"RelayStateURL", testidp.SAMLStyle{}, testidp.Knobs{RelayStateURL: "https://evil.example"}, true, func(s seen) bool { return s.fields.Get("RelayState") == "https://evil.example" }},
	{"ForeignACS", testidp.SAMLStyle{}, testidp.Knobs{ForeignACS: "https://evil.example/acs"}, true, func(s seen) bool {
		return s.to == "https://evil.example/acs" && s.attr(".//SubjectConfirmationData", "Recipient") == spACS
	}},
	{"RSA15", testidp.SAMLStyle{Cipher: testidp.AES256GCM}, testidp.Knobs{RSA15: true}, false, func(s seen) bool { return s.has("#rsa-1_5") }},
	{"BrokenText", testidp.SAMLStyle{Cipher: testidp.AES128CBC}, testidp.Knobs{BrokenText: true}, false, func(s seen) bool {
		text, err := base64.StdEncoding.DecodeString(s.text(".//EncryptedData/CipherData/CipherValue"))
		return err == nil && len(text)%16 != 0
	}},
}

// TestSAMLKnobs shows that each knob does what it says, that a good provider does not, and that wrong facts are properly signed.
func TestSAMLKnobs(t *testing.T) {
	w := newKnobWorld(t)
	for _, c := range samlKnobs {
		t.Run(c.name, func(t *testing.T) {
			w := w
			w.t = t
			if good := w.see(c.style, testidp.Knobs{}); c.shows(good) {
				t.Fatal("the good response shows it too")
			}
			bad := w.see(c.style, c.knobs)
			if !c.shows(bad) {
				t.Errorf("not seen in form to %s:\n%.4000s", bad.to, bad.raw)
			}
			if c.signed {
				verifyByXMLSec(t, bad.raw)
			}
		})
	}
}

func verifyByXMLSec(t *testing.T, xml []byte) {
	t.Helper()
	dir := t.TempDir()
	doc, cert := filepath.Join(dir, "r.xml"), filepath.Join(dir, "c.pem")
	for path, data := range map[string][]byte{doc: xml, cert: []byte(keys.PEM(testidp.KeyRSA))} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("xmlsec1", "--verify", "--pubkey-cert-pem", cert, "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion",
		"--enabled-key-data", "key-name,rsa", doc).CombinedOutput()
	if err != nil {
		t.Errorf("the signature is not valid: %v\n%s\n%s", err, out, xml)
	}
}

// TestWrapping: the forged NameID stands beside the honest one, and the digest still holds over the original.
func TestWrapping(t *testing.T) {
	w := newKnobWorld(t)
	for n := 1; n <= 8; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			style := testidp.SAMLStyle{}
			if n <= 2 {
				style.Sign = testidp.SignResponse
			}
			w := w
			w.t = t
			s := w.see(style, testidp.Knobs{Wrapped: n})
			var names []string
			for _, el := range s.root.FindElements("//NameID") {
				names = append(names, el.Text())
			}
			if got := strings.Join(names, " "); !strings.Contains(got, victim) || !strings.Contains(got, "A-100") {
				t.Errorf("NameIDs %q", got)
			}
			if !holds(s.root) {
				t.Errorf("the digest does not hold over the original:\n%s", s.raw)
			}
		})
	}
	w.p.SetSAML(testidp.SAMLStyle{})
	w.p.Misbehave(testidp.Knobs{Wrapped: 1})
	if _, err := w.p.Response(testidp.ResponseTo{ServiceProvider: spID, Login: "alice"}); err == nil {
		t.Error("wrapping 1 is made although the Response is not signed")
	}
}

// holds finds what the first reference names and says whether its digest is right.
func holds(root *etree.Element) bool {
	reference := root.FindElement("//Reference")
	id := strings.TrimPrefix(reference.SelectAttrValue("URI", ""), "#")
	for _, el := range append(root.FindElements("//"), root) {
		if el.SelectAttrValue("ID", "") != id {
			continue
		}
		signed := el.Copy()
		if signature := signed.SelectElement("Signature"); signature != nil {
			signed.RemoveChild(signature)
		}
		canonical, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(signed)
		if err != nil {
			return false
		}
		sum := sha256.Sum256(canonical)
		return base64.StdEncoding.EncodeToString(sum[:]) == reference.FindElement("./DigestValue").Text()
	}
	return false
}

func TestReplay(t *testing.T) {
	w := newKnobWorld(t)
	first := w.see(testidp.SAMLStyle{}, testidp.Knobs{})
	again := w.see(testidp.SAMLStyle{}, testidp.Knobs{Replay: true})
	third := w.see(testidp.SAMLStyle{}, testidp.Knobs{})
	if !bytes.Equal(first.raw, again.raw) || bytes.Equal(first.raw, third.raw) {
		t.Error("Replay does not send the last response once more")
	}
}

// TestForeignText: the service provider cannot open what was encrypted to another, and what is tampered with inside stays so.
func TestForeignText(t *testing.T) {
	p := start(t, "alice")
	sp := newSP(t, p, false)
	style := testidp.SAMLStyle{Cipher: testidp.AES128GCM}
	p.SetSAML(style)
	for knobs, good := range map[testidp.Knobs]bool{{}: true, {ForeignText: true}: false, {Tampered: true}: false} {
		p.Misbehave(knobs)
		xml, err := p.Response(testidp.ResponseTo{ServiceProvider: spID, Login: "alice", InResponseTo: "_1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sp.ParseXMLResponse(xml, []string{"_1"}, sp.AcsURL); (err == nil) != good {
			t.Errorf("%+v: %v", knobs, err)
		}
	}
}
