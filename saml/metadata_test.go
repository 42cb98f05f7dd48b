package saml_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"
	"github.com/google/go-cmp/cmp"

	"github.com/ssogate/ssogate/saml"
)

func testSP() saml.SP {
	return saml.SP{
		EntityID:             "https://login.example.com/saml/mycompany.com/metadata",
		ACS:                  "https://login.example.com/acs/mycompany.com",
		SLO:                  "https://login.example.com/saml/mycompany.com/slo",
		ProviderName:         `Works & "Co" <日本>`,
		Keys:                 []saml.KeyPair{outgoingRSA()},
		SignRequests:         true,
		WantAssertionsSigned: true,
		NameIDFormats:        []string{saml.UnspecifiedNameID, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"},
		ValidUntil:           outgoingNow.AddDate(0, 0, 7),
		CacheDuration:        6 * time.Hour,
	}
}

// publishedSP is what a foreign reader finds in our metadata.
type publishedSP struct {
	EntityID      string
	ValidUntil    time.Time
	CacheDuration time.Duration
	Signed, Want  bool
	Signing, Enc  []string // certificates, base64
	Methods       []string // of the first encryption key
	Formats       []string
	Logout        []string // binding and address
	Consumers     []string
	Index         int
	Default       bool
	Organization  string
	URL           string
}

func read(t *testing.T, doc []byte) publishedSP {
	t.Helper()
	var entity crewjam.EntityDescriptor
	if err := xml.Unmarshal(doc, &entity); err != nil {
		t.Fatal(err)
	}
	if len(entity.SPSSODescriptors) != 1 {
		t.Fatalf("%d roles", len(entity.SPSSODescriptors))
	}
	role := entity.SPSSODescriptors[0]
	p := publishedSP{
		EntityID: entity.EntityID, ValidUntil: entity.ValidUntil, CacheDuration: entity.CacheDuration,
		Signed: *role.AuthnRequestsSigned, Want: *role.WantAssertionsSigned,
	}
	if role.ProtocolSupportEnumeration != "urn:oasis:names:tc:SAML:2.0:protocol" {
		t.Errorf("got the protocols %s", role.ProtocolSupportEnumeration)
	}
	for _, key := range role.KeyDescriptors {
		certificate := key.KeyInfo.X509Data.X509Certificates[0].Data
		if key.Use == "signing" {
			p.Signing = append(p.Signing, certificate)
			continue
		}
		p.Enc = append(p.Enc, certificate)
		if len(p.Enc) == 1 {
			for _, method := range key.EncryptionMethods {
				p.Methods = append(p.Methods, method.Algorithm)
			}
		}
	}
	for _, format := range role.NameIDFormats {
		p.Formats = append(p.Formats, string(format))
	}
	for _, e := range role.SingleLogoutServices {
		p.Logout = append(p.Logout, e.Binding+" "+e.Location)
	}
	for _, e := range role.AssertionConsumerServices {
		p.Consumers = append(p.Consumers, e.Binding+" "+e.Location)
		p.Index, p.Default = e.Index, *e.IsDefault
	}
	if o := entity.Organization; o != nil {
		p.Organization, p.URL = o.OrganizationDisplayNames[0].Value, o.OrganizationURLs[0].Value
	}
	return p
}

func TestMetadataOfSP(t *testing.T) {
	current, next, previous := outgoingRSA(), outgoingECDSA(t, elliptic.P256()), outgoingECDSA(t, elliptic.P256())
	cert := func(k saml.KeyPair) string { return base64.StdEncoding.EncodeToString(k.Certificate.Raw) }
	full := publishedSP{
		EntityID: "https://login.example.com/saml/mycompany.com/metadata", ValidUntil: outgoingNow.AddDate(0, 0, 7).Truncate(time.Millisecond),
		CacheDuration: 6 * time.Hour, Signed: true, Want: true, Signing: []string{cert(current)}, Enc: []string{cert(current)},
		Methods: []string{
			"http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2009/xmlenc11#aes128-gcm",
			"http://www.w3.org/2001/04/xmlenc#aes256-cbc", "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
			"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
		},
		Formats: []string{saml.UnspecifiedNameID, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"},
		Logout: []string{
			"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect https://login.example.com/saml/mycompany.com/slo",
			"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST https://login.example.com/saml/mycompany.com/slo",
		},
		Consumers: []string{"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST https://login.example.com/acs/mycompany.com"},
		Index:     0, Default: true, Organization: `Works & "Co" <日本>`, URL: "https://login.example.com/",
	}
	cases := map[string]struct {
		sp   func(*saml.SP)
		want func(*publishedSP)
	}{
		"all": {func(*saml.SP) {}, func(*publishedSP) {}},
		"rollover": {
			func(s *saml.SP) { s.Keys = []saml.KeyPair{current, next, previous} },
			func(p *publishedSP) { p.Signing = []string{cert(current), cert(next)} },
		},
		"rollover from ECDSA": {
			func(s *saml.SP) { s.Keys = []saml.KeyPair{next, current} },
			func(p *publishedSP) { p.Signing = []string{cert(next), cert(current)} },
		},
		"least": {
			func(s *saml.SP) { *s = saml.SP{EntityID: s.EntityID, ACS: s.ACS} },
			func(p *publishedSP) {
				*p = publishedSP{EntityID: p.EntityID, Consumers: p.Consumers, Default: true}
			},
		},
		"unsigned requests": {
			func(s *saml.SP) { s.SignRequests, s.WantAssertionsSigned = false, false },
			func(p *publishedSP) { p.Signed, p.Want = false, false },
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sp, want := testSP(), full
			c.sp(&sp)
			c.want(&want)
			doc, err := sp.Metadata()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, read(t, doc)); diff != "" {
				t.Error("(-want +got):", diff)
			}
			if bytes.Contains(doc, []byte("Artifact")) || bytes.Contains(doc, []byte("Signature ")) {
				t.Errorf("an artifact binding or a signature in %s", doc)
			}
			if strings.Contains(string(doc), `""`) {
				t.Errorf("an empty attribute in %s", doc)
			}
		})
	}
}

func TestMetadataOfSPSigned(t *testing.T) {
	element := "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor"
	for name, key := range map[string]saml.KeyPair{"rsa": outgoingRSA(), "ecdsa": outgoingECDSA(t, elliptic.P256())} {
		t.Run(name, func(t *testing.T) {
			sp := testSP()
			sp.Sign = &key
			doc, err := sp.Metadata()
			if err != nil {
				t.Fatal(err)
			}
			_, after, _ := bytes.Cut(doc, []byte("<md:EntityDescriptor "))
			_, after, _ = bytes.Cut(after, []byte(">"))
			if !bytes.HasPrefix(after, []byte("<ds:Signature ")) {
				t.Errorf("the signature is not the first child: %.200s", after)
			}
			if err := xmlsec(doc, element, key.Certificate, t.TempDir()); err != nil {
				t.Error("xmlsec1:", err)
			}
			forged := bytes.Replace(doc, []byte("/acs/mycompany.com"), []byte("/acs/yourcompany.com"), 1)
			if err := xmlsec(forged, element, key.Certificate, t.TempDir()); err == nil {
				t.Error("xmlsec1 accepts changed metadata")
			}
			if got := read(t, doc); got.EntityID != sp.EntityID || len(got.Consumers) != 1 {
				t.Errorf("reads as %+v", got)
			}
		})
	}
}

func TestMetadataOfSPGivenID(t *testing.T) {
	sp := testSP()
	key := outgoingRSA()
	sp.Sign, sp.ID = &key, "_metadata"
	doc, err := sp.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(doc, []byte(`<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_metadata"`)) ||
		!bytes.Contains(doc, []byte(`URI="#_metadata"`)) {
		t.Errorf("the ID is not used: %.300s", doc)
	}
}

func TestMetadataOfSPRefusals(t *testing.T) {
	p384 := outgoingECDSA(t, elliptic.P384())
	cases := map[string]struct {
		change func(*saml.SP)
		code   string
	}{
		"no entity ID":       {func(s *saml.SP) { s.EntityID = "" }, "saml_metadata_incomplete"},
		"no ACS":             {func(s *saml.SP) { s.ACS = "" }, "saml_metadata_incomplete"},
		"no key to sign":     {func(s *saml.SP) { s.Keys = nil }, "saml_metadata_incomplete"},
		"long entity ID":     {func(s *saml.SP) { s.EntityID = strings.Repeat("x", 1025) }, "saml_metadata_entity_id"},
		"ID with a blank":    {func(s *saml.SP) { s.ID = "a b" }, "saml_metadata_id"},
		"P-384":              {func(s *saml.SP) { s.Keys = append(s.Keys, p384) }, "saml_key_type"},
		"empty key":          {func(s *saml.SP) { s.Keys = append(s.Keys, saml.KeyPair{}) }, "saml_key_missing"},
		"signed by no key":   {func(s *saml.SP) { s.Sign = &saml.KeyPair{} }, "saml_key_missing"},
		"signed by wrong EC": {func(s *saml.SP) { s.Sign = &p384 }, "saml_key_type"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sp := testSP()
			c.change(&sp)
			_, err := sp.Metadata()
			wantRefusal(t, err, c.code)
		})
	}
}
