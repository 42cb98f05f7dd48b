package testidp

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// ResponseTo describes a response to build without a browser.
type ResponseTo struct {
	ServiceProvider string // entity ID, must have been added
	ACS             string // empty: its first
	Login           string // of the person
	InResponseTo    string // empty: unsolicited
}

// Response builds the XML that a sign-in would send, with the style and the knobs of now. It is what tests of a verifier and
// benchmarks start from.
func (p *Provider) Response(to ResponseTo) ([]byte, error) {
	sp, ok := p.serviceProvider(to.ServiceProvider)
	if !ok {
		return nil, fmt.Errorf("testidp: unknown service provider %q", to.ServiceProvider)
	}
	person, ok := p.person(to.Login)
	if !ok {
		return nil, fmt.Errorf("testidp: unknown person %q", to.Login)
	}
	return p.responseFor(sp, cmp.Or(to.ACS, sp.ACS[0]), to.InResponseTo, person, p.now(), "")
}

// responseFor decides the facts, lets the knobs change them, and has them written, signed and sealed.
func (p *Provider) responseFor(sp SAMLClient, acs, inResponseTo string, person Person, authn time.Time, status string) ([]byte, error) {
	style, _, knobs := p.settings()
	now := p.now().Add(style.ClockOffset)
	b := &response{
		style: style, knobs: knobs, keys: p.keys, sp: sp, person: person,
		issuer: p.EntityID(), audience: sp.EntityID, recipient: acs, destination: acs, inResponseTo: inResponseTo,
		responseID: random(), assertionID: random(), nameID: person.Subject, method: methodBearer, version: "2.0", session: random(),
		now: now, authn: authn.Add(style.ClockOffset), notBefore: now.Add(-30 * time.Second),
		notOnOrAfter: now.Add(cmp.Or(style.Lifetime, 5*time.Minute)), status: status,
	}
	if other, ok := p.serviceProvider(knobs.MeantFor); ok {
		b.audience, b.recipient = other.EntityID, other.ACS[0]
	}
	b.misstate()
	return b.build()
}

// misstate applies the knobs that make well-formed, well-signed, wrong facts.
func (b *response) misstate() {
	const elsewhere = "https://elsewhere.example/"
	k := b.knobs
	set := func(on bool, field *string, value string) {
		if on {
			*field = value
		}
	}
	set(k.WrongAudience, &b.audience, elsewhere+"metadata")
	set(k.WrongRecipient, &b.recipient, elsewhere+"acs")
	set(k.WrongDestination, &b.destination, elsewhere+"acs")
	set(k.WrongIssuer, &b.issuer, elsewhere+"idp")
	set(k.WrongInResponseTo, &b.inResponseTo, random())
	set(k.Unsolicited, &b.inResponseTo, "")
	set(k.HolderOfKey, &b.method, methodHolder)
	set(k.EmptyNameID, &b.nameID, "")
	set(k.DuplicateIDs, &b.assertionID, b.responseID)
	set(k.WrongVersion, &b.version, "1.1")
	set(k.StatusFailure || k.StatusOnly, &b.status, "AuthnFailed")
	shift := time.Duration(0)
	if k.Expired {
		shift = -time.Hour
	}
	if k.NotYetValid {
		shift = time.Hour
	}
	for _, t := range []*time.Time{&b.now, &b.authn, &b.notBefore, &b.notOnOrAfter} {
		*t = t.Add(shift)
	}
	if k.Forever {
		b.notOnOrAfter = b.now.AddDate(1, 0, 0)
	}
}

// build writes the response: assertions are signed alone, then perhaps encrypted, then the whole is signed (SAML Core 5.4 and 6).
func (b *response) build() ([]byte, error) {
	root := b.envelope()
	silent := b.status != "" && !b.knobs.StatusOnly // a failure carries no assertion
	if !silent && !b.knobs.NoAssertion {
		if err := b.addAssertion(root); err != nil {
			return nil, err
		}
		if b.knobs.TwoAssertions {
			second := *b
			second.assertionID, second.nameID = random(), b.knobs.forged()
			if err := second.addAssertion(root); err != nil {
				return nil, err
			}
		}
	}
	if b.signs(SignResponse) {
		if err := b.signElement(root); err != nil {
			return nil, err
		}
	}
	if err := b.attack(root); err != nil {
		return nil, err
	}
	out, err := text(root)
	if err != nil {
		return nil, err
	}
	return b.dress(out), nil
}

func (b *response) signs(element Sign) bool {
	sign := cmp.Or(b.style.Sign, SignAssertion)
	return !b.knobs.Unsigned && (sign == element || sign == SignBoth)
}

func (b *response) addAssertion(root *etree.Element) error {
	assertion := b.assertion()
	if b.signs(SignAssertion) {
		if err := b.signElement(assertion); err != nil {
			return err
		}
	}
	if b.style.Cipher == Plain {
		root.AddChild(assertion)
		return nil
	}
	if b.knobs.Tampered { // nobody can change it afterwards
		b.tamper(assertion)
	}
	sealed, err := b.encrypt(assertion)
	if err != nil {
		return err
	}
	root.AddChild(sealed)
	return nil
}

// dress puts around the root what a hostile sender adds to the bytes.
func (b *response) dress(xml []byte) []byte {
	k := b.knobs
	if k.CommentInNameID && b.nameID != "" {
		half := len([]rune(b.nameID)) / 2
		runes := []rune(b.nameID)
		broken := string(runes[:half]) + "<!---->" + string(runes[half:])
		xml = bytes.Replace(xml, []byte(">"+b.nameID+"</"), []byte(">"+broken+"</"), 1)
	}
	switch {
	case k.Doctype:
		xml = slices.Concat([]byte(`<!DOCTYPE r [<!ENTITY x "`+k.forged()+`">]>`), xml)
	case k.Comment:
		xml = slices.Concat([]byte("<!-- hello -->"), xml)
	case k.Deep:
		const depth = 5000
		nest := strings.Repeat("<x>", depth) + strings.Repeat("</x>", depth)
		end := bytes.LastIndex(xml, []byte("</"))
		xml = slices.Concat(xml[:end], []byte(nest), xml[end:])
	case k.GarbageXML:
		xml = []byte("<samlp:Response this is not xml")
	case k.Oversize:
		xml = slices.Concat(bytes.Repeat([]byte(" "), 2<<20), xml)
	}
	return xml
}
