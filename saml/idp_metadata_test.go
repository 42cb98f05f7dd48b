package saml_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ssogate/ssogate/saml"
)

// readIdP is an IdP as want.json tells it.
type readIdP struct {
	EntityID           string   `json:"entity_id"`
	SSORedirect        string   `json:"sso_redirect"`
	SSOPOST            string   `json:"sso_post"`
	LogoutRedirect     string   `json:"logout_redirect"`
	LogoutPOST         string   `json:"logout_post"`
	Certificates       []string `json:"certificates"` // fingerprints
	WantRequestsSigned bool     `json:"want_requests_signed"`
	NameIDFormats      []string `json:"name_id_formats"`
	ValidUntil         string   `json:"valid_until"`
	CacheDuration      string   `json:"cache_duration"`
	Warnings           []string `json:"warnings"`
}

func told(idp saml.IdP) readIdP {
	r := readIdP{
		EntityID: idp.EntityID, SSORedirect: idp.SSORedirect, SSOPOST: idp.SSOPOST, LogoutRedirect: idp.LogoutRedirect,
		LogoutPOST: idp.LogoutPOST, WantRequestsSigned: idp.WantRequestsSigned, Certificates: []string{},
		NameIDFormats: append([]string{}, idp.NameIDFormats...), Warnings: append([]string{}, idp.Warnings...),
	}
	for _, c := range idp.Certificates {
		r.Certificates = append(r.Certificates, saml.Fingerprint(c))
	}
	if !idp.ValidUntil.IsZero() {
		r.ValidUntil = idp.ValidUntil.Format(time.RFC3339Nano)
	}
	if idp.CacheDuration != 0 {
		r.CacheDuration = idp.CacheDuration.String()
	}
	return r
}

// metadataCases calls f for every folder of testdata/metadata/kind; an empty folder fails.
func metadataCases(t *testing.T, kind string, want any, f func(t *testing.T, doc []byte)) {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join("testdata", "metadata", kind, "*"))
	if err != nil || len(folders) < 10 {
		t.Fatalf("%d cases, %v", len(folders), err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			doc, err := os.ReadFile(filepath.Join(folder, "metadata.xml"))
			if err != nil {
				t.Fatal(err)
			}
			told, err := os.ReadFile(filepath.Join(folder, "want.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(told, want); err != nil {
				t.Fatal(err)
			}
			f(t, doc)
		})
	}
}

func TestMetadataOfVendors(t *testing.T) {
	var want readIdP
	metadataCases(t, "good", &want, func(t *testing.T, doc []byte) {
		idp, err := saml.ParseMetadata(doc, outgoingNow)
		if err != nil {
			t.Fatalf("%+v", err)
		}
		if diff := cmp.Diff(want, told(idp)); diff != "" {
			t.Error("(-want +got):", diff)
		}
	})
}

func TestMetadataRefusals(t *testing.T) {
	var want struct{ Code, Got string }
	metadataCases(t, "bad", &want, func(t *testing.T, doc []byte) {
		idp, err := saml.ParseMetadata(doc, outgoingNow)
		refusal := wantRefusal(t, err, want.Code)
		if !strings.Contains(refusal.Got, want.Got) {
			t.Errorf("got %q, want %q in it", refusal.Got, want.Got)
		}
		if refusal.Section == "" {
			t.Errorf("no section in %+v", refusal)
		}
		if idp.EntityID != "" || idp.Certificates != nil {
			t.Errorf("a refusal came with %+v", idp)
		}
	})
}

func TestMetadataTooLarge(t *testing.T) {
	doc := append(sample(t, "good/okta"), strings.Repeat(" ", 1<<20)...)
	_, err := saml.ParseMetadata(doc, outgoingNow)
	wantRefusal(t, err, "saml_metadata_too_large")
}

// The day of expiry is the last on which anybody wants to learn of it.
func TestMetadataCertificateDates(t *testing.T) {
	cases := map[string]struct{ now, warning string }{
		"not yet": {"2025-12-01T00:00:00Z", "is valid from 2026-02-01 only."},
		"valid":   {"2036-01-01T00:00:00Z", ""},
		"soon":    {"2036-01-03T00:00:00Z", "expires on 2036-02-01."},
		"expired": {"2036-02-02T00:00:00Z", "expired on 2036-02-01."},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			idp, err := saml.ParseMetadata(sample(t, "good/okta"), now)
			if err != nil {
				t.Fatal(err)
			}
			if len(idp.Certificates) != 1 {
				t.Errorf("%d certificates", len(idp.Certificates))
			}
			got := strings.Join(idp.Warnings, " ")
			if !strings.HasSuffix(got, c.warning) || (c.warning == "") != (got == "") {
				t.Errorf("got the warnings %q, want %q", got, c.warning)
			}
		})
	}
}

// validUntil is honoured to the second, wherever it stands.
func TestMetadataValidUntil(t *testing.T) {
	doc := sample(t, "good/federation-of-one")
	end := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	if _, err := saml.ParseMetadata(doc, end.Add(-time.Second)); err != nil {
		t.Errorf("%+v", err)
	}
	_, err := saml.ParseMetadata(doc, end)
	wantRefusal(t, err, "saml_metadata_expired")
}

// Oddities that are no reason to refuse are told.
func TestMetadataWarnings(t *testing.T) {
	cases := map[string]struct{ old, new, warning string }{
		"several addresses": {
			`</md:IDPSSODescriptor>`,
			`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://other.example.com/"/></md:IDPSSODescriptor>`,
			"The metadata names several addresses of SingleSignOnService for HTTP-POST; the first one is used.",
		},
		"cacheDuration": {`entityID=`, `cacheDuration="soon" entityID=`, `The cacheDuration "soon" of the metadata cannot be read and is ignored.`},
		"negative":      {`entityID=`, `cacheDuration="-PT1H" entityID=`, `The cacheDuration "-PT1H" of the metadata cannot be read and is ignored.`},
		"key without certificate": {
			`<md:KeyDescriptor use="signing">`,
			`<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:KeyName>x</ds:KeyName></ds:KeyInfo></md:KeyDescriptor><md:KeyDescriptor use="signing">`,
			"A signing key of the metadata has no certificate and is ignored.",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			doc := strings.Replace(string(sample(t, "good/okta")), c.old, c.new, 1)
			idp, err := saml.ParseMetadata([]byte(doc), outgoingNow)
			if err != nil {
				t.Fatalf("%+v", err)
			}
			if diff := cmp.Diff([]string{c.warning}, idp.Warnings); diff != "" {
				t.Error(diff)
			}
			if !strings.Contains(idp.SSOPOST, "okta.com") {
				t.Errorf("the address became %s", idp.SSOPOST)
			}
		})
	}
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join("testdata", "metadata", filepath.FromSlash(name), "metadata.xml"))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// Whatever comes in: no panic, a typed refusal, or an identity provider that a browser can be sent to.
func FuzzMetadata(f *testing.F) {
	files, err := filepath.Glob("testdata/metadata/*/*/metadata.xml")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d seeds, %v", len(files), err)
	}
	for _, file := range files {
		doc, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		idp, err := saml.ParseMetadata(doc, outgoingNow)
		if err != nil {
			if refusal, ok := err.(*saml.Refusal); !ok || !strings.HasPrefix(refusal.Code, "saml_metadata_") {
				t.Fatalf("got %#v", err)
			}
			return
		}
		if idp.EntityID == "" || len(idp.Certificates) == 0 || idp.SSORedirect+idp.SSOPOST == "" {
			t.Fatalf("accepted %+v", idp)
		}
		for _, address := range []string{idp.SSORedirect, idp.SSOPOST, idp.LogoutRedirect, idp.LogoutPOST} {
			if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
				t.Fatalf("accepted the address %q", address)
			}
		}
		if !idp.ValidUntil.IsZero() && !idp.ValidUntil.After(outgoingNow) {
			t.Fatalf("accepted metadata of %s", idp.ValidUntil)
		}
	})
}
