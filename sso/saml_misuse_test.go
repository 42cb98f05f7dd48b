package sso_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/testidp"
)

// What a provider or somebody in the middle may do to a response; verifying it is the room saml's matter, that nobody gets a
// session and the administrator learns why is ours.
func TestSAMLMisbehaviour(t *testing.T) {
	w := newWorld(t)
	w.domain("mis.example", w.saml("mis.example"))
	w.domain("other.example", w.saml("other.example"))
	for _, c := range []struct {
		name   string
		knobs  testidp.Knobs
		status int
		code   string
	}{
		{"unsigned", testidp.Knobs{Unsigned: true}, 403, "saml_unsigned"},
		{"stranger's key", testidp.Knobs{WrongKey: true}, 403, "saml_cert_unknown"},
		{"tampered", testidp.Knobs{Tampered: true}, 403, "saml_bad_signature"},
		{"sha1", testidp.Knobs{SHA1: true}, 403, "saml_algorithm"},
		{"other audience", testidp.Knobs{WrongAudience: true}, 403, "saml_bad_audience"},
		{"no audience", testidp.Knobs{NoAudience: true}, 403, "saml_bad_audience"},
		{"other recipient", testidp.Knobs{WrongRecipient: true}, 403, "saml_bad_recipient"},
		{"other destination", testidp.Knobs{WrongDestination: true}, 403, "saml_bad_destination"},
		{"other issuer", testidp.Knobs{WrongIssuer: true}, 403, "saml_bad_issuer"},
		{"expired", testidp.Knobs{Expired: true}, 403, "saml_expired"},
		{"not yet valid", testidp.Knobs{NotYetValid: true}, 403, "saml_not_yet_valid"},
		{"answer to another request", testidp.Knobs{WrongInResponseTo: true}, 403, "saml_in_response_to"},
		{"answer to no request", testidp.Knobs{Unsolicited: true}, 403, "saml_in_response_to"},
		{"no confirmation", testidp.Knobs{NoConfirmation: true}, 403, "saml_confirmation"},
		{"two assertions", testidp.Knobs{TwoAssertions: true}, 403, "saml_multiple_assertions"},
		{"comment inside NameID", testidp.Knobs{CommentInNameID: true}, 403, "saml_comment"},
		{"document type", testidp.Knobs{Doctype: true}, 403, "saml_doctype"},
		{"failure status", testidp.Knobs{StatusFailure: true}, 403, "saml_idp_status"},
		{"meant for another domain", testidp.Knobs{MeantFor: w.url + "/saml/other.example/metadata"}, 403, "saml_bad_recipient"},
		{"not base64", testidp.Knobs{GarbageBase64: true}, 403, "saml_base64"},
		{"not XML", testidp.Knobs{GarbageXML: true}, 403, "saml_malformed"},
		{"wrapped 1", testidp.Knobs{Wrapped: 1}, 403, ""},
		{"wrapped 4", testidp.Knobs{Wrapped: 4}, 403, ""},
		{"wrapped 8", testidp.Knobs{Wrapped: 8}, 403, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.knobs.Wrapped > 0 {
				w.idp.SetSAML(testidp.SAMLStyle{Sign: wrapped[c.knobs.Wrapped]})
				defer w.idp.SetSAML(testidp.SAMLStyle{})
			}
			w.idp.Misbehave(c.knobs)
			defer w.idp.Misbehave(testidp.Knobs{})
			b := &testidp.Browser{}
			s := w.signIn(b, "mis.example", "taro")
			a := w.refused(b, s, c.status, c.code)
			if strings.Contains(w.log.String(), "emp-1001") {
				t.Error("the log names the person")
			}
			if a.Domain != "mis.example" || a.Protocol != "saml" {
				t.Errorf("the attempt says domain %q, protocol %q", a.Domain, a.Protocol)
			}
		})
	}
}

// wrapped says which element the eight wrapping attacks expect to be signed; the others wrap the assertion.
var wrapped = map[int]testidp.Sign{1: testidp.SignResponse, 2: testidp.SignResponse}

// A response that came once does not come twice: neither with the same login nor with a login of the thief's own.
func TestSAMLReplay(t *testing.T) {
	w := newWorld(t)
	w.domain("replay.example", w.saml("replay.example"))
	var posted testidp.Form
	victim := &testidp.Browser{}
	s, err := victim.Open(t.Context(), w.loginURL("replay.example"))
	must(t, err)
	s, err = victim.Submit(t.Context(), s.Forms[0], "taro", nil)
	must(t, err)
	posted = s.Forms[0]
	s, err = victim.Submit(t.Context(), posted, "", nil)
	must(t, err)
	w.landed(victim, s, "taro@replay.example")

	t.Run("the same form again", func(t *testing.T) {
		s, err := victim.Submit(t.Context(), posted, "", nil)
		must(t, err)
		if s.Status != http.StatusBadRequest || !strings.Contains(s.Body, "/d/login/replay.example") {
			t.Errorf("status %d: %s", s.Status, s.Body)
		}
	})
	t.Run("with the thief's own login", func(t *testing.T) {
		thief := &testidp.Browser{}
		s, err := thief.Open(t.Context(), w.loginURL("replay.example"))
		must(t, err)
		s, err = thief.Submit(t.Context(), s.Forms[0], "stranger", nil)
		must(t, err)
		stolen := s.Forms[0]
		stolen.Fields["SAMLResponse"] = posted.Fields["SAMLResponse"]
		s, err = thief.Submit(t.Context(), stolen, "", nil)
		must(t, err)
		w.refused(thief, s, http.StatusForbidden, "saml_in_response_to")
	})
	t.Run("in another browser", func(t *testing.T) {
		another := &testidp.Browser{}
		s, err := another.Open(t.Context(), w.loginURL("replay.example"))
		must(t, err)
		s, err = another.Submit(t.Context(), s.Forms[0], "taro", nil)
		must(t, err)
		thief := &testidp.Browser{}
		stolen, err := thief.Submit(t.Context(), s.Forms[0], "", nil)
		must(t, err)
		w.refused(thief, stolen, http.StatusBadRequest, "cookie_blocked")
	})
}
