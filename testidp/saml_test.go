package testidp_test

import (
	"crypto"
	"encoding/base64"
	"encoding/xml"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crewjam/saml"
	"github.com/ssogate/ssogate/testidp"
)

const (
	spID  = "https://sso.mycompany.example/saml/mycompany.com/metadata"
	spACS = "https://sso.mycompany.example/acs/mycompany.com"
)

// newSP is a foreign service provider that has read the provider's metadata; the provider has read its.
func newSP(t *testing.T, p *testidp.Provider, sign bool) *saml.ServiceProvider {
	t.Helper()
	metadata := &saml.EntityDescriptor{}
	if err := xml.Unmarshal(p.Metadata(), metadata); err != nil {
		t.Fatal(err)
	}
	key, cert := spKeys()
	acs, err := url.Parse(spACS)
	if err != nil {
		t.Fatal(err)
	}
	sp := &saml.ServiceProvider{EntityID: spID, Key: key, Certificate: cert, AcsURL: *acs, IDPMetadata: metadata}
	if sign {
		sp.SignatureMethod = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	}
	client := testidp.SAMLClient{EntityID: spID, ACS: []string{spACS}, EncryptionCertificate: cert}
	client.Certificates = append(client.Certificates, cert)
	if err := p.AddServiceProvider(client); err != nil {
		t.Fatal(err)
	}
	return sp
}

// ask makes a request by redirect and returns its ID and address.
func ask(t *testing.T, sp *saml.ServiceProvider) (id, address string) {
	t.Helper()
	request, err := sp.MakeAuthenticationRequest(sp.GetSSOBindingLocation(saml.HTTPRedirectBinding), saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		t.Fatal(err)
	}
	to, err := request.Redirect("relay-1", sp)
	if err != nil {
		t.Fatal(err)
	}
	return request.ID, to.String()
}

func decode(t *testing.T, fields url.Values) []byte {
	t.Helper()
	xml, err := base64.StdEncoding.DecodeString(fields.Get("SAMLResponse"))
	if err != nil {
		t.Fatal(err)
	}
	return xml
}

func TestSAMLGoodShapes(t *testing.T) {
	shapes := map[string]testidp.SAMLStyle{
		"default": {}, "response": {Sign: testidp.SignResponse}, "both": {Sign: testidp.SignBoth},
		"next key": {Key: testidp.KeyNext}, "sha384": {Hash: crypto.SHA384}, "sha512": {Hash: crypto.SHA512}, "sha1": {Hash: crypto.SHA1},
		"aes128 cbc": {Cipher: testidp.AES128CBC}, "aes256 cbc": {Cipher: testidp.AES256CBC, Sign: testidp.SignResponse},
		"aes128 gcm": {Cipher: testidp.AES128GCM, Sign: testidp.SignBoth}, "audiences": {OtherAudiences: []string{"https://other.example"}, SessionFor: time.Hour},
		"prefixes": {OtherPrefixes: true, Sign: testidp.SignBoth}, "slow clock": {ClockOffset: -20 * time.Second},
		"format": {NameIDFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"},
	}
	for name, style := range shapes {
		t.Run(name, func(t *testing.T) {
			p := start(t, "alice")
			sp := newSP(t, p, true)
			p.SetSAML(style)
			id, address := ask(t, sp)
			answer := newBrowser(t).get(address)
			to, fields := answer.form()
			if to != spACS || fields.Get("RelayState") != "relay-1" {
				t.Fatalf("form goes to %q with RelayState %q", to, fields.Get("RelayState"))
			}
			xml := decode(t, fields)
			assertion, err := sp.ParseXMLResponse(xml, []string{id}, sp.AcsURL)
			if err != nil {
				t.Fatal(err.(*saml.InvalidResponseError).PrivateErr)
			}
			if got := assertion.Subject.NameID.Value; got != "A-100" {
				t.Errorf("NameID %q", got)
			}
			values := map[string][]string{}
			for _, a := range assertion.AttributeStatements[0].Attributes {
				for _, v := range a.Values {
					values[a.Name] = append(values[a.Name], v.Value)
				}
			}
			if values["email"][0] != alice.Email || !slices.Equal(values["groups"], alice.Groups) || values["department"][0] != "Tea & cards" {
				t.Errorf("attributes %v", values)
			}
			if style.SessionFor > 0 && assertion.AuthnStatements[0].SessionNotOnOrAfter == nil {
				t.Error("no SessionNotOnOrAfter")
			}
			if got := p.LastResponse("/saml/sso"); string(got.XML) != string(xml) {
				t.Error("LastResponse is not what was sent")
			}
			if got := p.LastRequest("/saml/sso").Authn; got == nil || !got.Signed || got.ID != id {
				t.Errorf("LastRequest %+v", got)
			}
		})
	}
}

// TestSAMLVerifiedByXMLSec has a second opinion, in C, on every signature: also on those that crewjam/saml cannot judge.
func TestSAMLVerifiedByXMLSec(t *testing.T) {
	p := start(t, "alice")
	newSP(t, p, false)
	for name, style := range map[string]testidp.SAMLStyle{
		"rsa": {}, "next": {Key: testidp.KeyNext, Hash: crypto.SHA512}, "ecdsa": {Key: testidp.KeyEC},
		"ecdsa384": {Key: testidp.KeyEC, Hash: crypto.SHA384, Sign: testidp.SignResponse}, "response": {Sign: testidp.SignResponse},
		"no key info": {KeyInfo: testidp.KeyInfoNone}, "key name": {KeyInfo: testidp.KeyInfoName},
	} {
		t.Run(name, func(t *testing.T) {
			p.SetSAML(style)
			p.Misbehave(testidp.Knobs{})
			if out, err := xmlsec(t, p, style); err != nil {
				t.Errorf("xmlsec1: %v\n%s", err, out)
			}
			p.Misbehave(testidp.Knobs{WrongKey: true})
			if _, err := xmlsec(t, p, style); err == nil {
				t.Error("xmlsec1 accepts a stranger's key")
			}
			p.Misbehave(testidp.Knobs{Tampered: true})
			if _, err := xmlsec(t, p, style); err == nil {
				t.Error("xmlsec1 accepts a changed NameID")
			}
		})
	}
}

func xmlsec(t *testing.T, p *testidp.Provider, style testidp.SAMLStyle) (string, error) {
	t.Helper()
	xml, err := p.Response(testidp.ResponseTo{ServiceProvider: spID, Login: "alice", InResponseTo: "_1"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	key := style.Key
	if key == "" {
		key = testidp.KeyRSA
	}
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	element := "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"
	if style.Sign == testidp.SignResponse {
		element = "urn:oasis:names:tc:SAML:2.0:protocol:Response"
	}
	cert, doc := write("cert.pem", []byte(p.Keys().PEM(key))), write("response.xml", xml)
	words := []string{"--verify", "--pubkey-cert-pem:" + string(key), cert, "--id-attr:ID", element, "--enabled-key-data", "key-name,rsa,ecdsa", doc}
	if style.KeyInfo == testidp.KeyInfoNone || style.KeyInfo == "" {
		words[1] = "--pubkey-cert-pem"
	}
	out, err := exec.Command("xmlsec1", words...).CombinedOutput()
	return string(out), err
}

func TestSAMLPostBinding(t *testing.T) {
	p := start(t, "")
	sp := newSP(t, p, true)
	p.SetSAML(testidp.SAMLStyle{RequirePOST: true, RequireSignedRequests: true})
	request, err := sp.MakeAuthenticationRequest(p.URL("/saml/sso"), saml.HTTPPostBinding, saml.HTTPPostBinding)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	_, fields := page{body: string(request.Post("r"))}.form()
	choose := b.post(p.URL("/saml/sso"), fields)
	to, flow := choose.form()
	if to != "/sign-in" || !strings.Contains(choose.body, `name="person" value="alice"`) {
		t.Fatalf("no sign-in page: %s", choose.body)
	}
	flow.Set("person", "bob")
	answer := b.post(p.URL("/sign-in"), flow)
	_, fields = answer.form()
	assertion, err := sp.ParseXMLResponse(decode(t, fields), []string{request.ID}, sp.AcsURL)
	if err != nil || assertion.Subject.NameID.Value != "bob" {
		t.Fatalf("%v %v", assertion, err)
	}
	if again := b.post(p.URL("/sign-in"), flow); again.StatusCode != 400 {
		t.Errorf("a used page answers %d", again.StatusCode)
	}
	_, address := ask(t, sp)
	if got := b.get(address); got.StatusCode != 400 {
		t.Errorf("a redirect is taken with %d where POST is required", got.StatusCode)
	}
}

func TestSAMLRequestsThatAreRefused(t *testing.T) {
	p := start(t, "alice")
	sp := newSP(t, p, true)
	b := newBrowser(t)
	_, signed := ask(t, sp)
	for name, address := range map[string]string{
		"relay state changed":    strings.Replace(signed, "relay-1", "relay-2", 1),
		"request changed":        strings.Replace(signed, "SAMLRequest=", "SAMLRequest=A", 1),
		"parameter twice":        signed + "&RelayState=relay-1",
		"algorithm changed":      strings.Replace(signed, "sha256", "sha512", 1),
		"nothing":                p.URL("/saml/sso"),
		"not base64":             p.URL("/saml/sso?SAMLRequest=%25"),
		"not deflated":           p.URL("/saml/sso?SAMLRequest=" + base64.RawURLEncoding.EncodeToString([]byte("<a/>  "))),
		"start without provider": p.URL("/saml/start?sp=nobody"),
	} {
		if got := b.get(address); got.StatusCode != 400 {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	if got := b.get(signed); got.StatusCode != 200 {
		t.Errorf("the good one: %d", got.StatusCode)
	}
	stranger := *sp
	stranger.AcsURL.Host = "evil.example"
	if _, address := ask(t, &stranger); b.get(address).StatusCode != 400 {
		t.Error("an unknown assertion consumer service is answered")
	}
	p.SetSAML(testidp.SAMLStyle{RequireSignedRequests: true})
	unsigned := *sp
	unsigned.SignatureMethod = ""
	if _, address := ask(t, &unsigned); b.get(address).StatusCode != 400 {
		t.Error("an unsigned request is answered")
	}
}

func TestServiceProviderMetadata(t *testing.T) {
	p := start(t, "alice")
	sp := newSP(t, p, false)
	descriptor := sp.Metadata()
	client, err := p.AddServiceProviderMetadata(marshal(t, descriptor))
	if err != nil {
		t.Fatal(err)
	}
	if client.EntityID != spID || client.ACS[0] != spACS || client.EncryptionCertificate == nil {
		t.Errorf("read %+v", client)
	}
	for _, bad := range []string{"", "<a/>", "<EntityDescriptor/>", "<"} {
		if _, err := p.AddServiceProviderMetadata([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestUnsolicited(t *testing.T) {
	p := start(t, "")
	sp := newSP(t, p, false)
	sp.AllowIDPInitiated = true
	answer := newBrowser(t).get(p.URL("/saml/start?person=alice&relay=board&sp=" + url.QueryEscape(spID)))
	_, fields := answer.form()
	xml := decode(t, fields)
	if _, err := sp.ParseXMLResponse(xml, nil, sp.AcsURL); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(xml), "InResponseTo") || fields.Get("RelayState") != "board" {
		t.Errorf("relay %q in\n%s", fields.Get("RelayState"), xml)
	}
}
