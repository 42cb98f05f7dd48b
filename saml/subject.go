package saml

import (
	"time"

	"github.com/beevik/etree"
)

const (
	methodBearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	// maxLifetime of a confirmation. maxAge cuts every one; a promise beyond a day is a fault in the set-up.
	maxLifetime = 24 * time.Hour
)

// judgeAssertion reads the verified assertion, core 2.3.3 and profiles 4.1.4.2 and 4.1.4.3.
func (v *verifier) judgeAssertion(a *etree.Element) error {
	for _, step := range []func(*etree.Element) error{
		v.assertionVersion,
		v.assertionID,
		v.assertionIssueInstant,
		v.assertionIssuer,
		v.subject,
		v.confirmation,
		v.conditions,
		v.authn,
	} {
		err := step(a)
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) assertionVersion(a *etree.Element) error {
	got, _ := attrValue(a, "Version")
	return v.check("saml_version", "Assertion Version", "core 2.3.3", "2.0", got, got == "2.0")
}

func (v *verifier) assertionID(a *etree.Element) error {
	got, _ := attrValue(a, "ID")
	return v.check("saml_id", "Assertion ID", "core 2.3.3", "an ID", got, got != "")
}

func (v *verifier) assertionIssueInstant(a *etree.Element) error {
	t, err := v.instant(a, "Assertion IssueInstant", "core 2.3.3")
	v.issued = t
	return err
}

func (v *verifier) assertionIssuer(a *etree.Element) error {
	return v.issuer(children(a, nsAssertion, "Issuer"), "Assertion Issuer", "core 2.3.3")
}

// subject: exactly one, with a NameID that can be read by eye. Without a NameID an attribute must be the user key.
func (v *verifier) subject(a *etree.Element) error {
	subjects := children(a, nsAssertion, "Subject")
	err := v.check("saml_subject", "Subject", "profiles 4.1.4.2", "exactly one", count(subjects), len(subjects) == 1)
	if err != nil {
		return err
	}
	encrypted := child(subjects[0], nsAssertion, "EncryptedID")
	err = v.check("saml_encrypted_id", "NameID in the clear", "core 2.2.4", "NameID, not EncryptedID", "", encrypted == nil)
	if err != nil {
		return err
	}
	ids := children(subjects[0], nsAssertion, "NameID")
	if len(ids) == 0 && v.e.UserKeyAttribute != "" {
		return nil
	}
	err = v.check("nameid_missing", "NameID", "core 2.2.3", "exactly one", count(ids), len(ids) == 1)
	if err != nil {
		return err
	}
	value, leaf := text(ids[0])
	err = v.check("nameid_missing", "NameID", "core 2.2.3", "a value", "", !leaf || value != "")
	if err != nil {
		return err
	}
	// The value itself stays out of the checks, which are kept longer than it may be.
	return v.check("nameid_invalid", "NameID", "core 2.2.3", "up to 256 bytes, all visible", "", leaf && isReadable(value))
}

// confirmation: one bearer SubjectConfirmation for our ACS, this request and this moment (profiles 4.1.4.2, 4.1.4.3).
func (v *verifier) confirmation(a *etree.Element) error {
	var bearers []*etree.Element
	for _, c := range children(child(a, nsAssertion, "Subject"), nsAssertion, "SubjectConfirmation") {
		method, _ := attrValue(c, "Method")
		if method == methodBearer {
			bearers = append(bearers, c)
		}
	}
	const section = "profiles 4.1.4.2"
	err := v.check("saml_confirmation", "Bearer confirmation", section, "exactly one", count(bearers), len(bearers) == 1)
	if err != nil {
		return err
	}
	data := children(bearers[0], nsAssertion, "SubjectConfirmationData")
	err = v.check("saml_confirmation", "SubjectConfirmationData", section, "exactly one", count(data), len(data) == 1)
	if err != nil {
		return err
	}
	recipient, _ := attrValue(data[0], "Recipient")
	err = v.check("saml_bad_recipient", "Recipient", section, v.e.ACS, recipient, recipient == v.e.ACS)
	if err != nil {
		return err
	}
	err = v.inResponseTo(data[0], "Confirmation InResponseTo", section)
	if err != nil {
		return err
	}
	return v.confirmationTimes(data[0], section)
}

func (v *verifier) confirmationTimes(data *etree.Element, section string) error {
	until, err := v.time(data, "NotOnOrAfter", "Confirmation NotOnOrAfter", section)
	if err != nil {
		return err
	}
	err = v.notOver(until, "Confirmation NotOnOrAfter", section)
	if err != nil {
		return err
	}
	lifetime := until.Sub(v.issued)
	err = v.check("saml_lifetime", "Confirmation lifetime", section, "at most a day", lifetime.String(), lifetime <= maxLifetime)
	if err != nil {
		return err
	}
	v.until = until
	if end := v.issued.Add(maxAge); end.Before(until) {
		v.until = end
	}
	// A bearer confirmation should have no NotBefore at all; one that is past does no harm.
	return v.begunIfPresent(data, "NotBefore", "Confirmation NotBefore", section)
}

func (v *verifier) begunIfPresent(e *etree.Element, key, name, section string) error {
	_, present := attrValue(e, key)
	if !present {
		return nil
	}
	t, err := v.time(e, key, name, section)
	if err != nil {
		return err
	}
	return v.begun(t, name, section)
}

func (v *verifier) notOverIfPresent(e *etree.Element, key, name, section string) error {
	_, present := attrValue(e, key)
	if !present {
		return nil
	}
	t, err := v.time(e, key, name, section)
	if err != nil {
		return err
	}
	return v.notOver(t, name, section)
}
