package saml_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/saml"
)

// shape is how an identity provider may sign and encrypt; the committed cases mostly have the first.
type shape struct {
	name   string
	change func(*recipe)
}

func shapes() []shape {
	seal := func(r *recipe) {
		r.seal = &encryption{content: xmlenc11 + "aes128-gcm"}
		r.expect.Decrypters = []string{"sp"}
	}
	return []shape{
		{"assertion", func(r *recipe) { r.sign = []signature{onAssertion} }},
		{"response", func(r *recipe) { r.sign = []signature{onResponse} }},
		{"both", func(r *recipe) { r.sign = []signature{onAssertion, onResponse} }},
		{"assertion, encrypted", func(r *recipe) { r.sign = []signature{onAssertion}; seal(r) }},
		{"response, encrypted", func(r *recipe) { r.sign, r.outer = nil, []signature{onResponse}; seal(r) }},
		{"both, encrypted", func(r *recipe) { r.sign, r.outer = []signature{onAssertion}, []signature{onResponse}; seal(r) }},
	}
}

// TestEveryMeaningInEveryShape makes each message about a wrong subject, audience, time and so on again in every shape: what
// is wrong with a message must be found wherever the signature is, and inside a ciphertext too.
func TestEveryMeaningInEveryShape(t *testing.T) {
	t.Parallel()
	made := 0
	for _, r := range slices.Concat(badSubjects(), badConditions(), badTimes(), badResponses()) {
		if r.build != nil || r.seal != nil || r.after != nil || r.name == "not-encrypted" {
			continue
		}
		for _, s := range shapes() {
			if !fits(r, s) {
				continue
			}
			made++
			one := r
			s.change(&one)
			t.Run(r.name+", "+s.name, func(t *testing.T) {
				claims, checks, err := saml.Verify([]byte(one.make()), one.expect.expect())
				assertRefused(t, claims, checks, err, one.expect.Code)
			})
		}
	}
	if made < 400 {
		t.Errorf("only %d messages were made", made)
	}
}

// TestEveryGoodShape: the same messages, with nothing wrong, are accepted in every shape.
func TestEveryGoodShape(t *testing.T) {
	t.Parallel()
	made := 0
	for _, r := range slices.Concat(goodTimes(), goodMeanings()) {
		for _, s := range shapes() {
			made++
			one := r
			s.change(&one)
			t.Run(r.name+", "+s.name, func(t *testing.T) {
				claims, checks, err := saml.Verify([]byte(one.make()), one.expect.expect())
				if err != nil || claims.UserKey != one.expect.UserKey {
					t.Errorf("%q: %v\n%s", claims.UserKey, err, trace(checks))
				}
			})
		}
	}
	if made < 100 {
		t.Errorf("only %d messages were made", made)
	}
}

// TestEveryFormInEveryShape: what ends at the gate does so whatever is signed, and for the whole of a message also when the
// assertion is encrypted. Inside a ciphertext it is the one refusal of every ciphertext.
func TestEveryFormInEveryShape(t *testing.T) {
	t.Parallel()
	made := 0
	for _, r := range badForms() {
		if r.build != nil {
			continue
		}
		inside := strings.Contains(strings.Join(r.after, ""), "victoria") || strings.Contains(r.after[0], "saml:Assertion")
		for _, s := range shapes() {
			one := r
			s.change(&one)
			if one.seal != nil {
				one.expect.Code = "saml_decrypt"
				if !inside {
					continue // the same edit outside is the shape without encryption
				}
				edits := one.after
				one.after, one.seal.plaintext = nil, func(plain string) string { return replaced(plain, edits) }
			}
			made++
			t.Run(r.name+", "+s.name, func(t *testing.T) {
				claims, checks, err := saml.Verify([]byte(one.make()), one.expect.expect())
				assertRefused(t, claims, checks, err, one.expect.Code)
			})
		}
	}
	if made < 100 {
		t.Errorf("only %d messages were made", made)
	}
}

// replaced is edit for those of the old texts that are there.
func replaced(doc string, pairs []string) string {
	for i := 0; i < len(pairs); i += 2 {
		doc = strings.Replace(doc, pairs[i], pairs[i+1], 1)
	}
	return doc
}

// fits says whether a message can have a shape: there is an assertion to sign, and the encrypting of these tests does not
// change it (it loses carriage returns).
func fits(r recipe, s shape) bool {
	doc := edit(or(r.base, baseResponse), r.before...)
	lost := strings.Contains(doc, "&#13;") && strings.Contains(s.name, "encrypted")
	return strings.Contains(doc, `<saml:Assertion ID="_assertion"`) && strings.Contains(doc, `ID="_response"`) && !lost
}

// TestEveryWrappingInsideACiphertext: whoever knows our public key, and that is everybody, can encrypt what was wrapped.
func TestEveryWrappingInsideACiphertext(t *testing.T) {
	t.Parallel()
	made := 0
	for _, r := range badWrappings() {
		wrapped := r.make()
		_, inner, found := strings.Cut(wrapped, "</samlp:Status>")
		inner, closed := strings.CutSuffix(inner, "</samlp:Response>")
		if !found || !closed || !strings.Contains(inner, "<saml:Assertion") || r.name == "signed-by-two-one-forged" {
			continue // what it forges is not in the assertion
		}
		made++
		t.Run(r.name, func(t *testing.T) {
			x := refusedAs("saml_decrypt")
			x.Decrypters = []string{"sp"}
			doc := encrypt(baseResponse, encryption{content: xmlenc11 + "aes256-gcm", plaintext: func(string) string { return inner }})
			claims, checks, err := saml.Verify([]byte(doc), x.expect())
			assertRefused(t, claims, checks, err, x.Code)
		})
	}
	if made < 15 {
		t.Errorf("only %d messages were made", made)
	}
	honest := element(sign(baseResponse, onAssertion), "saml:Assertion")
	doc := encrypt(baseResponse, encryption{content: xmlenc11 + "aes256-gcm", plaintext: func(string) string { return honest }})
	if _, checks, err := saml.Verify([]byte(doc), expectation{Decrypters: []string{"sp"}}.expect()); err != nil {
		t.Errorf("not even an honest assertion is accepted this way: %v\n%s", err, trace(checks))
	}
}
