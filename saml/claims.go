package saml

import (
	"time"

	"github.com/beevik/etree"
)

// claims reads the verified assertion, after every check held.
func (v *verifier) claims(m message) (Claims, error) {
	a := m.assertion
	c := Claims{
		Issuer:          v.e.Issuer,
		NotOnOrAfter:    v.until,
		InResponseTo:    v.e.RequestID,
		Encrypted:       m.encrypted,
		SignedResponse:  m.signedResponse,
		SignedAssertion: m.signedAssertion,
		Attributes:      attributes(a),
	}
	c.AssertionID, _ = attrValue(a, "ID")
	if m.signedResponse {
		c.ResponseID, _ = attrValue(m.response, "ID")
	}
	nameID := child(child(a, nsAssertion, "Subject"), nsAssertion, "NameID")
	if nameID != nil {
		c.NameID, _ = text(nameID)
		c.NameIDFormat, _ = attrValue(nameID, "Format")
		c.NameQualifier, _ = attrValue(nameID, "NameQualifier")
		c.SPNameQualifier, _ = attrValue(nameID, "SPNameQualifier")
	}
	readSession(&c, a)
	err := v.userKey(&c, a)
	if err != nil {
		return Claims{}, err
	}
	return c, nil
}

// userKey is NameID, or the one value of the attribute that the connection names.
func (v *verifier) userKey(c *Claims, a *etree.Element) error {
	name := v.e.UserKeyAttribute
	if name == "" {
		c.UserKey = c.NameID
		return nil
	}
	const section = "core 2.7.3.1"
	values := valuesOf(a, name)
	err := v.check("attribute_missing", "User key attribute", section, name, "", len(values) > 0)
	if err != nil {
		return err
	}
	err = v.check("attribute_several", "User key attribute", section, "one value", count(values), len(values) == 1)
	if err != nil {
		return err
	}
	value, leaf := text(values[0])
	err = v.check("attribute_missing", "User key attribute", section, "a value", "", !leaf || value != "")
	if err != nil {
		return err
	}
	err = v.check("attribute_invalid", "User key attribute", section, "up to 256 bytes, all visible", "", leaf && isReadable(value))
	if err != nil {
		return err
	}
	c.UserKey = value
	return nil
}

// valuesOf are the values of every attribute of that name, whatever is in them: one too many must not hide as unreadable.
func valuesOf(a *etree.Element, name string) []*etree.Element {
	var values []*etree.Element
	for _, statement := range children(a, nsAssertion, "AttributeStatement") {
		for _, attribute := range children(statement, nsAssertion, "Attribute") {
			got, _ := attrValue(attribute, "Name")
			if got == name {
				values = append(values, children(attribute, nsAssertion, "AttributeValue")...)
			}
		}
	}
	return values
}

// readSession takes the first statement's words and the earliest end of all.
func readSession(c *Claims, a *etree.Element) {
	for i, s := range children(a, nsAssertion, "AuthnStatement") {
		if i == 0 {
			c.AuthnInstant = instantOf(s, "AuthnInstant")
			c.SessionIndex, _ = attrValue(s, "SessionIndex")
			c.AuthnContext = authnContext(s)
		}
		end := instantOf(s, "SessionNotOnOrAfter")
		if !end.IsZero() && (c.SessionNotOnOrAfter.IsZero() || end.Before(c.SessionNotOnOrAfter)) {
			c.SessionNotOnOrAfter = end
		}
	}
}

// instantOf reads a time that was judged before; zero when absent.
func instantOf(e *etree.Element, key string) time.Time {
	value, _ := attrValue(e, key)
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

func authnContext(statement *etree.Element) string {
	context := child(statement, nsAssertion, "AuthnContext")
	if context == nil {
		return ""
	}
	class := child(context, nsAssertion, "AuthnContextClassRef")
	if class == nil {
		return ""
	}
	value, _ := text(class)
	return value
}

// attributes are all values by attribute name, in order. A value with elements inside is not text and is left out.
func attributes(a *etree.Element) map[string][]string {
	all := make(map[string][]string)
	for _, statement := range children(a, nsAssertion, "AttributeStatement") {
		for _, attribute := range children(statement, nsAssertion, "Attribute") {
			name, _ := attrValue(attribute, "Name")
			if name == "" {
				continue
			}
			for _, element := range children(attribute, nsAssertion, "AttributeValue") {
				value, ok := text(element)
				if ok {
					all[name] = append(all[name], value)
				}
			}
		}
	}
	return all
}
