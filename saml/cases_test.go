package saml_test

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ssogate/ssogate/saml"
)

// The world of every case, unless its expect.json says otherwise.
const (
	caseEntityID = "https://login.example.com/saml/mycompany.com"
	caseACS      = "https://login.example.com/acs/mycompany.com"
	caseIssuer   = "https://idp.example.com/metadata"
	caseRequest  = "_request-7f3a"
)

var caseNow = time.Date(2027, 1, 15, 9, 0, 0, 0, time.UTC)

// expectation is expect.json: what a case is judged with, and what must come out.
type expectation struct {
	Code string `json:"code,omitempty"` // of the refusal; "" for a good case

	Certificates      []string `json:"certificates,omitempty"` // names in testdata/keys
	Decrypters        []string `json:"decrypters,omitempty"`
	RequestID         *string  `json:"requestID,omitempty"`
	AllowUnsolicited  bool     `json:"allowUnsolicited,omitempty"`
	RequireEncryption bool     `json:"requireEncryption,omitempty"`
	UserKeyAttribute  string   `json:"userKeyAttribute,omitempty"`
	InsecureSHA1      bool     `json:"insecureSHA1,omitempty"`
	Now               string   `json:"now,omitempty"`
	ACS               string   `json:"acs,omitempty"`
	EntityID          string   `json:"entityID,omitempty"`
	Issuer            string   `json:"issuer,omitempty"`

	UserKey    string              `json:"userKey,omitempty"`
	Signed     string              `json:"signed,omitempty"` // response, assertion, both
	Encrypted  bool                `json:"encrypted,omitempty"`
	Attributes map[string][]string `json:"attributes,omitempty"`
	Values     int                 `json:"values,omitempty"` // attribute values in all
}

func (x expectation) expect() saml.Expect {
	e := saml.Expect{
		EntityID: or(x.EntityID, caseEntityID), ACS: or(x.ACS, caseACS), Issuer: or(x.Issuer, caseIssuer), RequestID: caseRequest,
		AllowUnsolicited: x.AllowUnsolicited, RequireEncryption: x.RequireEncryption, UserKeyAttribute: x.UserKeyAttribute,
		InsecureSHA1: x.InsecureSHA1, Now: caseNow,
	}
	if x.RequestID != nil {
		e.RequestID = *x.RequestID
	}
	if x.Now != "" {
		e.Now = must(time.Parse(time.RFC3339, x.Now))
	}
	names := x.Certificates
	if names == nil {
		names = []string{"idp"}
	}
	e.Certificates = certificates(names...)
	for _, name := range x.Decrypters {
		e.Decrypters = append(e.Decrypters, decrypter(name))
	}
	return e
}

func certificates(names ...string) []*x509.Certificate {
	var all []*x509.Certificate
	for _, name := range names {
		all = append(all, certificate(name))
	}
	return all
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// readCases reads every folder below testdata/kind. It fails when there are fewer than atLeast: an empty walk proves nothing.
func readCases(t testing.TB, kind string, atLeast int) map[string]caseFiles {
	t.Helper()
	folders := must(filepath.Glob(filepath.Join("testdata", kind, "*")))
	all := make(map[string]caseFiles)
	for _, folder := range folders {
		var c caseFiles
		c.response = must(os.ReadFile(filepath.Join(folder, "response.xml")))
		if err := json.Unmarshal(must(os.ReadFile(filepath.Join(folder, "expect.json"))), &c.want); err != nil {
			t.Fatalf("%s: %v", folder, err)
		}
		all[filepath.Base(folder)] = c
	}
	if len(all) < atLeast {
		t.Errorf("testdata/%s has %d cases, want at least %d", kind, len(all), atLeast)
	}
	return all
}

type caseFiles struct {
	response []byte
	want     expectation
}

func TestGoodCases(t *testing.T) {
	t.Parallel()
	for name, c := range readCases(t, "good", 30) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims, checks, err := saml.Verify(c.response, c.want.expect())
			if err != nil {
				t.Fatalf("%v\n%s", refusal(err), trace(checks))
			}
			for _, check := range checks {
				if !check.OK {
					t.Errorf("accepted although %q does not hold", check.Name)
				}
			}
			compareClaims(t, claims, c.want)
		})
	}
}

func compareClaims(t *testing.T, claims saml.Claims, want expectation) {
	t.Helper()
	if want.UserKey == "" || claims.UserKey != want.UserKey {
		t.Errorf("user key %q, want %q", claims.UserKey, want.UserKey)
	}
	signed := map[[2]bool]string{{true, true}: "both", {true, false}: "response", {false, true}: "assertion"}[[2]bool{claims.SignedResponse, claims.SignedAssertion}]
	if signed != want.Signed || claims.Encrypted != want.Encrypted {
		t.Errorf("signed %q, encrypted %v; want %q, %v", signed, claims.Encrypted, want.Signed, want.Encrypted)
	}
	if claims.AssertionID == "" || claims.NotOnOrAfter.IsZero() || claims.AuthnInstant.IsZero() || claims.Issuer == "" {
		t.Errorf("claims are incomplete: %+v", claims)
	}
	if (claims.ResponseID != "") != claims.SignedResponse {
		t.Errorf("response ID %q, although signed response is %v", claims.ResponseID, claims.SignedResponse)
	}
	for name, values := range want.Attributes {
		if diff := cmp.Diff(values, claims.Attributes[name]); diff != "" {
			t.Errorf("attribute %s: %s", name, diff)
		}
	}
	count := 0
	for _, values := range claims.Attributes {
		count += len(values)
	}
	if want.Values > 0 && count != want.Values {
		t.Errorf("%d attribute values, want %d", count, want.Values)
	}
}

func TestBadCases(t *testing.T) {
	t.Parallel()
	for name, c := range readCases(t, "bad", 100) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims, checks, err := saml.Verify(c.response, c.want.expect())
			assertRefused(t, claims, checks, err, c.want.Code)
		})
	}
}

// assertRefused wants the code, no claims at all, and a trace whose last check is the one that failed.
func assertRefused(t *testing.T, claims saml.Claims, checks []saml.Check, err error, code string) {
	t.Helper()
	var r *saml.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("not refused (%v), want %s\n%s", err, code, trace(checks))
	}
	if code == "" || r.Code != code {
		t.Errorf("refused with %+v, want %s\n%s", *r, code, trace(checks))
	}
	if diff := cmp.Diff(saml.Claims{}, claims); diff != "" {
		t.Errorf("claims came with a refusal: %s", diff)
	}
	if r.Fix == "" || saml.Meaning(r.Code) == "" {
		t.Errorf("%s has no meaning or side", r.Code)
	}
	if len(checks) == 0 {
		t.Fatal("no checks came with a refusal")
	}
	for i, check := range checks {
		if last := i == len(checks)-1; check.OK == last {
			t.Errorf("check %d of %d (%s) OK=%v", i, len(checks), check.Name, check.OK)
		}
	}
}

func refusal(err error) string {
	var r *saml.Refusal
	if errors.As(err, &r) {
		return r.Code + ": want " + r.Want + ", got " + r.Got
	}
	return err.Error()
}

func trace(checks []saml.Check) string {
	var b strings.Builder
	for _, c := range checks {
		mark := "ok  "
		if !c.OK {
			mark = "FAIL"
		}
		b.WriteString(mark + " " + c.Name + " (" + c.Section + ") want " + c.Want + " got " + c.Got + "\n")
	}
	return b.String()
}
