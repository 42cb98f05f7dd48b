package saml

import (
	"encoding/base64"
	"encoding/xml"
	"time"

	"github.com/beevik/etree"
)

// The order in which a response is judged. Nothing later makes up for something earlier.
//
//  1. Decode: the form value is strict base64, of a bounded size.
//  2. The gate (gate.go, scan.go, scope.go) walks the bytes once. What could cost too much, or what two parsers could read
//     differently, ends here: document types, comments, CDATA, doubled IDs, a second assertion. The same walk makes the tree
//     (build.go), so nothing parses these bytes a second time.
//  3. The signature profile (profile.go) is checked on the tree before any cryptography: one Reference to the parent itself,
//     enveloped and exclusive canonicalisation, algorithms of the list. KeyInfo is never trusted.
//  4. Each stored certificate is tried (signature.go). The canonical SignedInfo is hashed and read again for the digest; the
//     canonical element (canonical.go) is hashed, compared with it, and parsed. From here on only that tree is read; the one
//     that arrived is called "arrived", or is not there. A signature on the Response is verified before anything inside it is
//     decrypted (decrypt.go). A signature on the assertion is verified as well, also one that was encrypted. Without any there
//     is nothing to read.
//  5. The meaning (response.go, subject.go, conditions.go) is a list of checks, each with its section.
//  6. Claims (claims.go) are read from the verified assertion.
//
// One-time use is not judged here: Claims.AssertionID and Claims.NotOnOrAfter are for the caller's mark.
//
// Why the verification of the one profile is ours, and goxmldsig only the second judge in the tests (oracle_test.go): it sorts
// attributes of several namespaces by local name, ignores the prefix list of CanonicalizationMethod and "#default", and writes
// an empty default namespace where none was, so it refuses responses that xmlsec1 signs and verifies (the cases xmlsec-…). It
// parses what it hashed with a second parser, and takes four times as long. What is hashed is what is read here too: a fault
// in the canonical form can refuse, but cannot let anything pass.

// Limits of a response, see the gate. A person in 3,000 groups fits.
const (
	maxResponseBytes = 512 << 10
	maxDepth         = 32
	maxElements      = 6000
	maxAttributes    = 64
)

const defaultSkew = 3 * time.Minute

// Decode reads the SAMLResponse form value (bindings 3.5.4): standard base64 with padding, white space allowed, at most
// 512 KiB decoded. Every error is a *Refusal with code saml_base64 or saml_too_large.
func Decode(form string) ([]byte, error) {
	// Twice the size leaves room for base64 itself and for its line breaks.
	if len(form) > 2*maxResponseBytes {
		return nil, refuse("saml_too_large", "bindings 3.5.4", "at most 512 KiB", "more")
	}
	doc, err := base64.StdEncoding.Strict().DecodeString(withoutSpace(form))
	if err != nil || len(doc) == 0 {
		return nil, refuse("saml_base64", "bindings 3.5.4", "base64", "something else")
	}
	if len(doc) > maxResponseBytes {
		return nil, refuse("saml_too_large", "bindings 3.5.4", "at most 512 KiB", "more")
	}
	return doc, nil
}

// Verify judges a decoded response against e and returns what it says. It needs no network and keeps nothing; the caller
// sees to one-time use. The checks are those that were made, in order, also on refusal: then the last one is not OK. Every
// error is a *Refusal with one of Codes, and no claims come with it. It does not panic.
func Verify(response []byte, e Expect) (claims Claims, checks []Check, err error) {
	v := verifier{e: e, checks: make([]Check, 0, 48)}
	// The libraries are fenced in; the gate is there so that this never fires (saml_internal is a bug).
	defer func() {
		if recover() != nil {
			v.checks = append(v.checks, Check{Name: "No failure inside", Want: "a verdict", Got: "a panic"})
			claims, checks, err = Claims{}, v.checks, refuse("saml_internal", "", "a verdict", "a panic")
		}
	}()
	claims, err = v.verify(response)
	if err != nil {
		return Claims{}, v.checks, err
	}
	return claims, v.checks, nil
}

func (v *verifier) verify(response []byte) (Claims, error) {
	err := v.expectation()
	if err != nil {
		return Claims{}, err
	}
	arrived, err := read(response, responseLimits())
	err = v.note("Form of the message", "core 1.3.1", err)
	if err != nil {
		return Claims{}, err
	}
	err = v.hasAssertion(arrived)
	if err != nil {
		return Claims{}, err
	}
	m, err := v.authenticate(arrived)
	if err != nil {
		return Claims{}, err
	}
	err = v.judgeResponse(m.response)
	if err != nil {
		return Claims{}, err
	}
	err = v.judgeAssertion(m.assertion)
	if err != nil {
		return Claims{}, err
	}
	return v.claims(m)
}

// expectation refuses to compare with nothing: an empty expectation would agree with an empty message.
func (v *verifier) expectation() error {
	e := &v.e
	if e.Skew == 0 {
		e.Skew = defaultSkew
	}
	complete := e.EntityID != "" && e.ACS != "" && e.Issuer != "" && len(e.Certificates) > 0 && !e.Now.IsZero() && e.Skew > 0
	for _, c := range e.Certificates {
		complete = complete && c != nil
	}
	err := v.check("saml_expectation", "Connection is complete", "", "entity ID, ACS URL, issuer, certificate, time", "", complete)
	if err != nil {
		return err
	}
	// profiles 4.1.5: an unsolicited response is wanted only where the domain says so.
	return v.check("saml_unsolicited", "A request was made", "profiles 4.1.5", "a request, or unsolicited responses allowed", "",
		e.RequestID != "" || e.AllowUnsolicited)
}

// hasAssertion tells the identity provider's own refusal, which comes without assertion, from a response that lacks one.
func (v *verifier) hasAssertion(arrived *etree.Element) error {
	if child(arrived, nsAssertion, "Assertion") != nil || child(arrived, nsAssertion, "EncryptedAssertion") != nil {
		return nil
	}
	err := v.status(arrived)
	if err != nil {
		return err
	}
	return v.check("saml_no_assertion", "Assertion", "profiles 4.1.4.2", "one", "none", false)
}

func responseLimits() gateLimits {
	return gateLimits{
		Bytes: maxResponseBytes, Depth: maxDepth, Elements: maxElements, Attributes: maxAttributes,
		Roots: []xml.Name{{Space: nsProtocol, Local: "Response"}}, Response: true,
	}
}

// verifier judges one response.
type verifier struct {
	e      Expect
	checks []Check
	issued time.Time // IssueInstant of the assertion
	until  time.Time // what Claims.NotOnOrAfter becomes
}

// check notes a comparison and refuses when it does not hold.
func (v *verifier) check(code, name, section, want, got string, ok bool) error {
	got = clip(got)
	v.checks = append(v.checks, Check{Name: name, Section: section, Want: want, Got: got, OK: ok})
	if ok {
		return nil
	}
	return refuse(code, section, want, got)
}

// note notes the outcome of a step that refuses by itself.
func (v *verifier) note(name, section string, err error) error {
	c := Check{Name: name, Section: section, OK: err == nil}
	if r, ok := err.(*Refusal); ok {
		c.Section, c.Want, c.Got = r.Section, r.Want, r.Got
	}
	v.checks = append(v.checks, c)
	return err
}
