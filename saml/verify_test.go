package saml_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ssogate/ssogate/saml"
)

func codeOf(err error) string {
	var r *saml.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

func TestDecode(t *testing.T) {
	t.Parallel()
	encoded := base64.StdEncoding.EncodeToString([]byte("<Response/>"))
	for _, form := range []string{encoded, encoded[:4] + "\r\n" + encoded[4:], " " + encoded + "\n", strings.Join(strings.Split(encoded, ""), "\t")} {
		doc, err := saml.Decode(form)
		if err != nil || string(doc) != "<Response/>" {
			t.Errorf("%q: %q, %v", form, doc, err)
		}
	}
	largest := strings.Repeat("x", 512<<10)
	if doc, err := saml.Decode(base64.StdEncoding.EncodeToString([]byte(largest))); err != nil || string(doc) != largest {
		t.Errorf("512 KiB: %v", err)
	}
	for _, c := range []struct{ name, form, code string }{
		{"empty", "", "saml_base64"},
		{"spaces", " \n", "saml_base64"},
		{"no padding", strings.TrimRight(encoded, "="), "saml_base64"},
		{"URL alphabet", "_-__", "saml_base64"},
		{"loose trailing bits", "QR==", "saml_base64"},
		{"text behind the padding", encoded + "AAAA", "saml_base64"},
		{"percent escapes", "PFJl%0D%0A", "saml_base64"},
		{"one byte too many", base64.StdEncoding.EncodeToString([]byte(largest + "x")), "saml_too_large"},
		{"10 MB", strings.Repeat("A", 10<<20), "saml_too_large"},
		{"10 MB of spaces", strings.Repeat(" ", 10<<20), "saml_too_large"},
	} {
		doc, err := saml.Decode(c.form)
		if codeOf(err) != c.code || doc != nil {
			t.Errorf("%s: %d bytes, %v; want %s", c.name, len(doc), err, c.code)
		}
	}
}

func TestAnEmptyExpectationAcceptsNothing(t *testing.T) {
	t.Parallel()
	response := []byte(sign(baseResponse, onAssertion))
	for name, spoil := range map[string]func(*saml.Expect){
		"everything":       func(e *saml.Expect) { *e = saml.Expect{} },
		"entity ID":        func(e *saml.Expect) { e.EntityID = "" },
		"ACS":              func(e *saml.Expect) { e.ACS = "" },
		"issuer":           func(e *saml.Expect) { e.Issuer = "" },
		"certificates":     func(e *saml.Expect) { e.Certificates = nil },
		"a certificate":    func(e *saml.Expect) { e.Certificates = append(e.Certificates, nil) },
		"time":             func(e *saml.Expect) { e.Now = time.Time{} },
		"a sensible skew":  func(e *saml.Expect) { e.Skew = -time.Second },
		"hollow cert":      func(e *saml.Expect) { e.Certificates = []*x509.Certificate{{}} },
		"request":          func(e *saml.Expect) { e.RequestID = "" },
		"request, allowed": func(e *saml.Expect) { e.RequestID, e.AllowUnsolicited = "", true },
	} {
		e := expectation{}.expect()
		spoil(&e)
		claims, _, err := saml.Verify(response, e)
		if codeOf(err) == "" || codeOf(err) == "saml_internal" || claims.NameID != "" {
			t.Errorf("%s missing: %v", name, err)
		}
	}
}

func TestSkewIsAsConfigured(t *testing.T) {
	t.Parallel()
	response := []byte(sign(baseResponse, onAssertion))
	e := expectation{}.expect()
	e.Skew = 10 * time.Second
	e.Now = time.Date(2027, 1, 15, 8, 59, 48, 0, time.UTC)
	if _, _, err := saml.Verify(response, e); err != nil {
		t.Errorf("10 s off: %s", refusal(err))
	}
	e.Now = e.Now.Add(-time.Second)
	if _, _, err := saml.Verify(response, e); codeOf(err) != "saml_not_yet_valid" {
		t.Errorf("11 s off: %v", err)
	}
}

func TestClaimsOfASignedResponse(t *testing.T) {
	t.Parallel()
	response := []byte(sign(sign(edit(baseResponse, "<saml:NameID ", `<saml:NameID NameQualifier="idp" SPNameQualifier="sp" `), onAssertion), onResponse))
	got, checks, err := saml.Verify(response, expectation{}.expect())
	if err != nil {
		t.Fatal(refusal(err))
	}
	want := saml.Claims{
		UserKey: "victoria.kim", NameID: "victoria.kim", NameIDFormat: "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
		NameQualifier: "idp", SPNameQualifier: "sp", Issuer: caseIssuer, AssertionID: "_assertion", ResponseID: "_response", InResponseTo: caseRequest,
		AuthnInstant: time.Date(2027, 1, 15, 8, 59, 50, 0, time.UTC), SessionIndex: "_session-1",
		SessionNotOnOrAfter: time.Date(2027, 1, 15, 17, 0, 0, 0, time.UTC), NotOnOrAfter: time.Date(2027, 1, 15, 9, 4, 58, 0, time.UTC),
		AuthnContext: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
		Attributes:   map[string][]string{"mail": {"victoria.kim@mycompany.com"}, "groups": {"staff", "board"}}, SignedResponse: true, SignedAssertion: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, c := range checks {
		if strings.Contains(c.Got+c.Want, "victoria") {
			t.Errorf("the check %q repeats the user key", c.Name)
		}
	}
}

func TestALongPromiseIsCutToTenMinutes(t *testing.T) {
	t.Parallel()
	response := sign(edit(baseResponse, `09:04:58Z" Recipient`, `10:04:58Z" Recipient`), onAssertion)
	claims, _, err := saml.Verify([]byte(response), expectation{}.expect())
	if err != nil {
		t.Fatal(refusal(err))
	}
	if want := time.Date(2027, 1, 15, 9, 9, 58, 0, time.UTC); !claims.NotOnOrAfter.Equal(want) {
		t.Errorf("replayable until %v, want %v", claims.NotOnOrAfter, want)
	}
}

func TestTheEarliestSessionEndCounts(t *testing.T) {
	t.Parallel()
	second := `</saml:AuthnStatement><saml:AuthnStatement AuthnInstant="2027-01-15T08:50:00Z" SessionIndex="b" SessionNotOnOrAfter="2027-01-15T10:00:00Z"/>`
	response := sign(edit(baseResponse, "</saml:AuthnStatement>", second), onAssertion)
	claims, _, err := saml.Verify([]byte(response), expectation{}.expect())
	if err != nil {
		t.Fatal(refusal(err))
	}
	if claims.SessionIndex != "_session-1" || claims.SessionNotOnOrAfter.Hour() != 10 {
		t.Errorf("session %q until %v", claims.SessionIndex, claims.SessionNotOnOrAfter)
	}
}

// TestEveryRequiredPartIsRequired takes one part away at a time, before signing.
func TestEveryRequiredPartIsRequired(t *testing.T) {
	t.Parallel()
	const issued = ` IssueInstant="2027-01-15T08:59:58Z"`
	data := regexp.MustCompile(`<saml:SubjectConfirmationData [^>]*/>`).FindString(baseSubject)
	for _, c := range []struct{ name, code, old, rest string }{
		{"Response ID", "saml_id", `ID="_response" `, ""},
		{"Response Version", "saml_version", `"_response" Version="2.0"`, `"_response"`},
		{"Response IssueInstant", "saml_time", `"_response" Version="2.0"` + issued, `"_response" Version="2.0"`},
		{"Response InResponseTo", "saml_in_response_to", ` InResponseTo="` + caseRequest + `"><saml:Issuer>`, "><saml:Issuer>"},
		{"Status", "saml_idp_status", baseStatus, ""},
		{"StatusCode", "saml_idp_status", element(baseStatus, "samlp:Status"), "<samlp:Status/>"},
		{"StatusCode Value", "saml_idp_status", ` Value="urn:oasis:names:tc:SAML:2.0:status:Success"`, ""},
		{"Assertion", "saml_no_assertion", baseAssertion, ""},
		{"Assertion ID", "saml_id", `ID="_assertion" `, ""},
		{"Assertion Version", "saml_version", `"_assertion" Version="2.0"`, `"_assertion"`},
		{"Assertion IssueInstant", "saml_time", `"_assertion" Version="2.0"` + issued, `"_assertion" Version="2.0"`},
		{"Assertion Issuer", "saml_bad_issuer", "<saml:Issuer>" + caseIssuer + "</saml:Issuer><saml:Subject>", "<saml:Subject>"},
		{"Issuer text", "saml_bad_issuer", caseIssuer + "</saml:Issuer><saml:Subject>", "</saml:Issuer><saml:Subject>"},
		{"Subject", "saml_subject", baseSubject, ""},
		{"NameID", "nameid_missing", element(baseSubject, "saml:NameID"), ""},
		{"NameID text", "nameid_missing", "victoria.kim<", "<"},
		{"SubjectConfirmation", "saml_confirmation", element(baseSubject, "saml:SubjectConfirmation"), ""},
		{"Method", "saml_confirmation", ` Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"`, ""},
		{"SubjectConfirmationData", "saml_confirmation", data, ""},
		{"Recipient", "saml_bad_recipient", ` Recipient="` + caseACS + `"`, ""},
		{"Confirmation InResponseTo", "saml_in_response_to", `Data InResponseTo="` + caseRequest + `"`, "Data"},
		{"Confirmation NotOnOrAfter", "saml_time", ` NotOnOrAfter="2027-01-15T09:04:58Z" Recipient`, " Recipient"},
		{"Conditions", "saml_conditions", baseConditions, ""},
		{"AudienceRestriction", "saml_bad_audience", element(baseConditions, "saml:AudienceRestriction"), ""},
		{"Audience", "saml_bad_audience", "<saml:Audience>" + caseEntityID + "</saml:Audience>", ""},
		{"Audience text", "saml_bad_audience", caseEntityID, ""},
		{"AuthnStatement", "saml_authn", baseAuthn, ""},
		{"AuthnInstant", "saml_time", ` AuthnInstant="2027-01-15T08:59:50Z"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			doc, signed := edit(baseResponse, c.old, c.rest), onResponse
			if !strings.Contains(doc, `ID="_response"`) {
				signed = onAssertion // an element without ID cannot be signed
			}
			claims, checks, err := saml.Verify([]byte(sign(doc, signed)), expectation{}.expect())
			assertRefused(t, claims, checks, err, c.code)
		})
	}
}

// element is the first element of that name.
func element(doc, tag string) string {
	_, e, _ := cut(doc, tag)
	return e
}

// TestDecryptionFailsInOneWay: whoever changes a ciphertext must not learn how far it came.
func TestDecryptionFailsInOneWay(t *testing.T) {
	t.Parallel()
	var first *saml.Refusal
	var firstTrace string
	seen := 0
	for name, c := range readCases(t, "bad", 100) {
		if c.want.Code != "saml_decrypt" || strings.Contains(name, "response-signed") {
			continue
		}
		seen++
		_, checks, err := saml.Verify(c.response, c.want.expect())
		var r *saml.Refusal
		if !errors.As(err, &r) {
			t.Fatalf("%s: %v", name, err)
		}
		if first == nil {
			first, firstTrace = r, trace(checks)
		}
		if *r != *first || trace(checks) != firstTrace {
			t.Errorf("%s is told apart: %+v\n%s", name, *r, trace(checks))
		}
	}
	if seen < 30 {
		t.Errorf("only %d cases of decryption", seen)
	}
}

func TestOnlyAsManyKeysAreTriedAsPromised(t *testing.T) {
	t.Parallel()
	e := expectation{}.expect()
	e.Decrypters = slices.Repeat([]*rsa.PrivateKey{decrypter("sp-next")}, 8)
	e.Decrypters = append(e.Decrypters, decrypter("sp"))
	_, _, err := saml.Verify([]byte(encrypt(sign(baseResponse, onAssertion), encryption{})), e)
	if codeOf(err) != "saml_decrypt" {
		t.Errorf("the ninth key was tried: %v", err)
	}
}

func TestEveryCodeIsReachedAndKnown(t *testing.T) {
	t.Parallel()
	reached := map[string]bool{
		"saml_expectation": true, "saml_base64": true, "saml_id": true, // tests above
		"saml_too_large": true, // TestBombs
		"saml_internal":  true, // the fence, fence_test.go
	}
	for _, c := range readCases(t, "bad", 100) {
		reached[c.want.Code] = true
	}
	if diff := cmp.Diff(saml.Codes(), slices.Sorted(maps.Keys(reached))); diff != "" {
		t.Error(diff)
	}
	for _, code := range saml.Codes() {
		if saml.Meaning(code) == "" {
			t.Errorf("%s has no meaning", code)
		}
	}
}

func TestCaseNamesAreReadable(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"good", "bad"} {
		for _, entry := range must(os.ReadDir("testdata/" + kind)) {
			if !regexp.MustCompile(`^[a-z0-9.-]+$`).MatchString(entry.Name()) {
				t.Errorf("%s/%s should be lower case with hyphens", kind, entry.Name())
			}
		}
	}
}
