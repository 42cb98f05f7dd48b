package saml_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ssogate/ssogate/saml"
)

// What identity providers that nobody here wrote have sent, kept by the end-to-end tests. These are refused as they should be.
var capturedRefusals = map[string]string{
	"pysaml2-sha1":          "saml_algorithm",
	"pysaml2-tripledes-cbc": "saml_decrypt",
	"pysaml2-unsigned":      "saml_unsigned",
}

func TestCapturedResponses(t *testing.T) {
	t.Parallel()
	folders := must(filepath.Glob(filepath.Join("..", "e2e", "testdata", "captured", "*")))
	if len(folders) < 15 {
		t.Fatalf("%d captured responses", len(folders))
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			response, e, nameID := captured(t, folder)
			claims, checks, err := saml.Verify(response, e)
			if code := capturedRefusals[filepath.Base(folder)]; code != "" {
				assertRefused(t, claims, checks, err, code)
				return
			}
			if err != nil || claims.NameID != nameID {
				t.Fatalf("%v, NameID %q\n%s", err, claims.NameID, trace(checks))
			}
			if err := secondOpinion(response, e, claims); err != nil {
				t.Error(err)
			}
			if e.RequestID == "" {
				e.AllowUnsolicited = false
				if _, _, err := saml.Verify(response, e); codeOf(err) != "saml_unsolicited" {
					t.Errorf("unsolicited: %v", err)
				}
			}
		})
	}
}

// captured reads one folder: the response, what it has to agree with, and who is named.
func captured(t *testing.T, folder string) ([]byte, saml.Expect, string) {
	t.Helper()
	var x struct {
		EntityID  string    `json:"entity_id"`
		ACS       string    `json:"acs"`
		Issuer    string    `json:"issuer"`
		RequestID string    `json:"request_id"`
		NameID    string    `json:"name_id"`
		Now       time.Time `json:"now"`
	}
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(folder, "expect.json"))), &x); err != nil {
		t.Fatal(err)
	}
	idp, err := saml.ParseMetadata(must(os.ReadFile(filepath.Join(folder, "idp.xml"))), x.Now)
	if err != nil {
		t.Fatal(refusal(err))
	}
	response, err := saml.Decode(string(must(os.ReadFile(filepath.Join(folder, "response.b64")))))
	if err != nil {
		t.Fatal(refusal(err))
	}
	e := saml.Expect{EntityID: x.EntityID, ACS: x.ACS, Issuer: x.Issuer, RequestID: x.RequestID, AllowUnsolicited: x.RequestID == "",
		Certificates: idp.Certificates, Now: x.Now}
	if raw, err := os.ReadFile(filepath.Join(folder, "sp.key")); err == nil {
		block, _ := pem.Decode(raw)
		e.Decrypters = append(e.Decrypters, must(x509.ParsePKCS1PrivateKey(block.Bytes)))
	}
	return response, e, x.NameID
}
