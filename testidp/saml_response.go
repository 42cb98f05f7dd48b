package testidp

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/beevik/etree"
)

// Names of SAML Core 2.0 and its bindings.
const (
	nsAssertion  = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsProtocol   = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsMetadata   = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature  = "http://www.w3.org/2000/09/xmldsig#"
	nsEncryption = "http://www.w3.org/2001/04/xmlenc#"

	formatUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
	methodBearer      = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	methodHolder      = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"
	contextPassword   = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	statusPrefix      = "urn:oasis:names:tc:SAML:2.0:status:"
	attributeBasic    = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"

	bindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	bindingPOST     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"

	timeLayout = "2006-01-02T15:04:05.000Z"
)

// response builds one SAML response. What it asserts stands in the fields; the knobs have already changed them in facts.
type response struct {
	style SAMLStyle
	knobs Knobs
	keys  *Keys

	sp           SAMLClient
	person       Person
	issuer       string
	audience     string
	recipient    string
	destination  string
	inResponseTo string // empty: unsolicited
	responseID   string
	assertionID  string
	nameID       string
	method       string
	version      string
	session      string
	now          time.Time // by the provider's clock
	authn        time.Time
	notBefore    time.Time
	notOnOrAfter time.Time
	status       string // empty: success
}

// element makes a child with the prefix for its namespace.
func (b *response) element(parent *etree.Element, tag string) *etree.Element {
	return parent.CreateElement(b.prefix(nsAssertion) + ":" + tag)
}

func (b *response) prefix(namespace string) string {
	prefix := "saml"
	if namespace == nsProtocol {
		prefix = "samlp"
	}
	if b.style.OtherPrefixes {
		prefix = map[string]string{"saml": "saml2", "samlp": "saml2p"}[prefix]
	}
	return prefix
}

// root makes an element that declares its own namespace, so that it can stand alone.
func (b *response) root(namespace, tag string) *etree.Element {
	prefix := b.prefix(namespace)
	el := etree.NewElement(prefix + ":" + tag)
	el.CreateAttr("xmlns:"+prefix, namespace)
	return el
}

// envelope is the Response without an assertion (SAML Core 3.3.3).
func (b *response) envelope() *etree.Element {
	el := b.root(nsProtocol, "Response")
	el.CreateAttr("ID", b.responseID)
	el.CreateAttr("Version", b.version)
	el.CreateAttr("IssueInstant", b.now.UTC().Format(timeLayout))
	if b.inResponseTo != "" {
		el.CreateAttr("InResponseTo", b.inResponseTo)
	}
	if !b.style.Bare {
		el.CreateAttr("Destination", b.destination)
		issuer := b.root(nsAssertion, "Issuer")
		issuer.SetText(b.issuer)
		el.AddChild(issuer)
	}
	status := el.CreateElement(b.prefix(nsProtocol) + ":Status")
	code := status.CreateElement(b.prefix(nsProtocol) + ":StatusCode")
	code.CreateAttr("Value", statusPrefix+"Success")
	if b.status != "" {
		code.CreateAttr("Value", statusPrefix+"Responder")
		code.CreateElement(b.prefix(nsProtocol)+":StatusCode").CreateAttr("Value", statusPrefix+b.status)
	}
	return el
}

// assertion is the unsigned assertion (SAML Core 2.3.3), as the web browser profile wants it (Profiles 4.1.4.2).
func (b *response) assertion() *etree.Element {
	el := b.root(nsAssertion, "Assertion")
	el.CreateAttr("ID", b.assertionID)
	el.CreateAttr("Version", b.version)
	el.CreateAttr("IssueInstant", b.now.UTC().Format(timeLayout))
	if !b.knobs.NoIssuer {
		b.element(el, "Issuer").SetText(b.issuer)
	}
	b.subject(el)
	if !b.knobs.NoConditions {
		b.conditions(el)
	}
	if !b.knobs.NoAuthnStatement {
		b.authnStatement(el)
	}
	b.attributes(el)
	return el
}

func (b *response) subject(assertion *etree.Element) {
	subject := b.element(assertion, "Subject")
	names := []string{b.nameID}
	if b.knobs.TwoNameIDs {
		names = append(names, b.knobs.forged())
	}
	if b.knobs.NoNameID {
		names = nil
	}
	for _, name := range names {
		id := b.element(subject, "NameID")
		id.CreateAttr("Format", cmp.Or(b.style.NameIDFormat, formatUnspecified))
		id.SetText(name)
	}
	if b.knobs.NoConfirmation {
		return
	}
	confirmation := b.element(subject, "SubjectConfirmation")
	confirmation.CreateAttr("Method", b.method)
	data := b.element(confirmation, "SubjectConfirmationData")
	data.CreateAttr("NotOnOrAfter", b.notOnOrAfter.UTC().Format(timeLayout))
	if !b.knobs.NoRecipient {
		data.CreateAttr("Recipient", b.recipient)
	}
	if b.inResponseTo != "" {
		data.CreateAttr("InResponseTo", b.inResponseTo)
	}
}

func (b *response) conditions(assertion *etree.Element) {
	conditions := b.element(assertion, "Conditions")
	conditions.CreateAttr("NotBefore", b.notBefore.UTC().Format(timeLayout))
	conditions.CreateAttr("NotOnOrAfter", b.notOnOrAfter.UTC().Format(timeLayout))
	if !b.knobs.NoAudience {
		restriction := b.element(conditions, "AudienceRestriction")
		for _, audience := range append(slices.Clone(b.style.OtherAudiences), b.audience) {
			b.element(restriction, "Audience").SetText(audience)
		}
	}
	if b.knobs.UnknownCondition {
		condition := b.element(conditions, "Condition")
		condition.CreateAttr("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
		condition.CreateAttr("xmlns:odd", "urn:testidp:odd")
		condition.CreateAttr("xsi:type", "odd:NobodyKnowsType")
	}
}

func (b *response) authnStatement(assertion *etree.Element) {
	statement := b.element(assertion, "AuthnStatement")
	statement.CreateAttr("AuthnInstant", b.authn.UTC().Format(timeLayout))
	statement.CreateAttr("SessionIndex", b.session)
	if b.style.SessionFor > 0 {
		statement.CreateAttr("SessionNotOnOrAfter", b.now.Add(b.style.SessionFor).UTC().Format(timeLayout))
	}
	b.element(b.element(statement, "AuthnContext"), "AuthnContextClassRef").SetText(contextPassword)
}

// attributes writes what is known of the person, in a fixed order.
func (b *response) attributes(assertion *etree.Element) {
	values := map[string][]string{"groups": b.person.Groups}
	for name, value := range map[string]string{"email": b.person.Email, "family_name": b.person.FamilyName, "given_name": b.person.GivenName} {
		if value != "" {
			values[name] = []string{value}
		}
	}
	for name, list := range b.person.Attributes {
		values[name] = list
	}
	var names []string
	for name, list := range values {
		if len(list) > 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	statement := b.element(assertion, "AttributeStatement")
	for _, name := range names {
		b.attribute(statement, name, values[name])
		if b.knobs.DoubledAttributes {
			b.attribute(statement, name, []string{b.knobs.forged()})
		}
	}
}

func (b *response) attribute(statement *etree.Element, name string, values []string) {
	el := b.element(statement, "Attribute")
	el.CreateAttr("Name", name)
	el.CreateAttr("NameFormat", attributeBasic)
	for _, value := range values {
		b.element(el, "AttributeValue").SetText(value)
	}
}

// text serialises without indenting: white space would be part of what was signed.
func text(el *etree.Element) ([]byte, error) {
	doc := etree.NewDocument()
	doc.WriteSettings.CanonicalText, doc.WriteSettings.CanonicalAttrVal = true, true
	doc.SetRoot(el)
	out, err := doc.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("testidp: write xml: %w", err)
	}
	return out, nil
}
