package saml

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/beevik/etree"
)

// conditions: core 2.5.1. A condition that is not understood makes the assertion invalid, so only known ones pass.
func (v *verifier) conditions(a *etree.Element) error {
	const section = "core 2.5.1"
	all := children(a, nsAssertion, "Conditions")
	err := v.check("saml_conditions", "Conditions", "profiles 4.1.4.2", "exactly one", count(all), len(all) == 1)
	if err != nil {
		return err
	}
	err = v.begunIfPresent(all[0], "NotBefore", "Conditions NotBefore", "core 2.5.1.2")
	if err != nil {
		return err
	}
	err = v.notOverIfPresent(all[0], "NotOnOrAfter", "Conditions NotOnOrAfter", "core 2.5.1.2")
	if err != nil {
		return err
	}
	restrictions := 0
	for _, condition := range elements(all[0]) {
		switch {
		case is(condition, nsAssertion, "AudienceRestriction"):
			restrictions++
			err = v.audience(condition)
		case is(condition, nsAssertion, "OneTimeUse"): // every assertion is used once here
		case is(condition, nsAssertion, "ProxyRestriction"): // nothing is passed on
		default:
			err = v.check("saml_conditions", "Known conditions", section, "AudienceRestriction, OneTimeUse or ProxyRestriction", condition.Tag, false)
		}
		if err != nil {
			return err
		}
	}
	return v.check("saml_bad_audience", "AudienceRestriction", "profiles 4.1.4.2", "at least one", strconv.Itoa(restrictions), restrictions > 0)
}

// audience: core 2.5.1.4. Restrictions are and-ed, the audiences of one are or-ed.
func (v *verifier) audience(restriction *etree.Element) error {
	var named []string
	ours := false
	for _, a := range children(restriction, nsAssertion, "Audience") {
		value, ok := text(a)
		ours = ours || ok && value == v.e.EntityID
		named = append(named, value)
	}
	return v.check("saml_bad_audience", "Audience", "core 2.5.1.4", v.e.EntityID, strings.Join(named, " "), ours)
}

// authn: core 2.7.2. Without it nobody says that a person signed in.
func (v *verifier) authn(a *etree.Element) error {
	const section = "core 2.7.2"
	statements := children(a, nsAssertion, "AuthnStatement")
	err := v.check("saml_authn", "AuthnStatement", "profiles 4.1.4.2", "at least one", count(statements), len(statements) > 0)
	if err != nil {
		return err
	}
	for _, s := range statements {
		t, err := v.time(s, "AuthnInstant", "AuthnInstant", section)
		if err != nil {
			return err
		}
		err = v.begun(t, "AuthnInstant", section)
		if err != nil {
			return err
		}
		err = v.notOverIfPresent(s, "SessionNotOnOrAfter", "SessionNotOnOrAfter", section)
		if err != nil {
			return err
		}
	}
	return nil
}

// maxUserKeyBytes bounds NameID (core 8.3.7 allows 256 characters) and every attribute used in its place.
const maxUserKeyBytes = 256

// isReadable accepts what looks different when it is different: no control, format, private or unassigned characters, no
// spaces but U+0020 inside, none of the letters that show as nothing.
func isReadable(s string) bool {
	if s == "" || len(s) > maxUserKeyBytes || strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") {
		return false
	}
	for _, r := range s {
		if r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) && r != ' ' || isBlank(r) {
			return false
		}
	}
	return true
}

// isBlank tells the characters that Unicode counts as letters, marks or symbols although they show nothing.
func isBlank(r rune) bool {
	switch {
	case r == 0x034F, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x2800, r == 0x3164, r == 0xFFA0, r == unicode.ReplacementChar:
		return true
	case r >= 0x180B && r <= 0x180F, r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0000 && r <= 0xE0FFF:
		return true
	}
	return false
}

func count(found []*etree.Element) string { return strconv.Itoa(len(found)) }
