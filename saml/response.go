package saml

import (
	"strings"
	"time"

	"github.com/beevik/etree"
)

// maxAge is how long after its making a response is still taken, whatever the identity provider allows (security: lifetime
// cap). Some promise an hour, so a longer promise is not refused, it is cut.
const maxAge = 10 * time.Minute

// judgeResponse reads the Response itself, core 3.2.2 and profiles 4.1.4.2 and 4.1.4.3.
func (v *verifier) judgeResponse(r *etree.Element) error {
	for _, step := range []func(*etree.Element) error{
		v.responseVersion,
		v.responseID,
		v.responseIssueInstant,
		v.destination,
		v.responseInResponseTo,
		v.responseIssuer,
		v.status,
	} {
		err := step(r)
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) responseVersion(r *etree.Element) error {
	got, _ := attrValue(r, "Version")
	return v.check("saml_version", "Response Version", "core 3.2.2", "2.0", got, got == "2.0")
}

func (v *verifier) responseID(r *etree.Element) error {
	got, _ := attrValue(r, "ID")
	return v.check("saml_id", "Response ID", "core 3.2.2", "an ID", got, got != "")
}

func (v *verifier) responseIssueInstant(r *etree.Element) error {
	_, err := v.instant(r, "Response IssueInstant", "core 3.2.2")
	return err
}

// destination: a signed message should have one (bindings 3.5.5.2), but many identity providers leave it out, the ones that
// the product's own documents show among them. What an absent Destination would bind, Recipient binds, which is required.
func (v *verifier) destination(r *etree.Element) error {
	got, present := attrValue(r, "Destination")
	return v.check("saml_bad_destination", "Response Destination", "core 3.2.2", v.e.ACS, got, !present || got == v.e.ACS)
}

func (v *verifier) responseInResponseTo(r *etree.Element) error {
	return v.inResponseTo(r, "Response InResponseTo", "core 3.2.2")
}

// inResponseTo holds for solicited and unsolicited responses alike: allowing the latter loosens nothing for the former.
func (v *verifier) inResponseTo(e *etree.Element, name, section string) error {
	got, present := attrValue(e, "InResponseTo")
	if v.e.RequestID == "" {
		return v.check("saml_in_response_to", name, section, "none, as nothing was asked", got, !present)
	}
	return v.check("saml_in_response_to", name, section, v.e.RequestID, got, present && got == v.e.RequestID)
}

// responseIssuer is optional on the Response (profiles 4.1.4.2), but never another.
func (v *verifier) responseIssuer(r *etree.Element) error {
	issuers := children(r, nsAssertion, "Issuer")
	if len(issuers) == 0 {
		return nil
	}
	return v.issuer(issuers, "Response Issuer", "profiles 4.1.4.2")
}

func (v *verifier) issuer(issuers []*etree.Element, name, section string) error {
	if len(issuers) != 1 {
		return v.check("saml_bad_issuer", name, section, v.e.Issuer, "not exactly one", false)
	}
	got, ok := text(issuers[0])
	return v.check("saml_bad_issuer", name, section, v.e.Issuer, got, ok && got == v.e.Issuer)
}

const statusPrefix = "urn:oasis:names:tc:SAML:2.0:status:"

// status: core 3.2.2.2. Got tells what the identity provider says, so that its administrator finds it in its own log.
func (v *verifier) status(r *etree.Element) error {
	const name, section, want = "Status", "core 3.2.2.2", statusPrefix + "Success"
	statuses := children(r, nsProtocol, "Status")
	if len(statuses) != 1 {
		return v.check("saml_idp_status", name, section, want, "not exactly one", false)
	}
	codes := children(statuses[0], nsProtocol, "StatusCode")
	if len(codes) != 1 {
		return v.check("saml_idp_status", name, section, want, "not exactly one StatusCode", false)
	}
	top, _ := attrValue(codes[0], "Value")
	got := strings.TrimPrefix(top, statusPrefix)
	nested := child(codes[0], nsProtocol, "StatusCode")
	if nested != nil {
		value, _ := attrValue(nested, "Value")
		got += " / " + strings.TrimPrefix(value, statusPrefix)
	}
	said := child(statuses[0], nsProtocol, "StatusMessage")
	if said != nil {
		message, _ := text(said)
		got += ": " + strings.TrimSpace(message)
	}
	return v.check("saml_idp_status", name, section, want, got, top == want)
}

// instant reads the IssueInstant of e and wants it between now minus maxAge and now, with skew both ways.
func (v *verifier) instant(e *etree.Element, name, section string) (time.Time, error) {
	t, err := v.time(e, "IssueInstant", name, section)
	if err != nil {
		return t, err
	}
	err = v.begun(t, name, section)
	if err != nil {
		return t, err
	}
	return t, v.notOver(t.Add(maxAge), name+" and age", section)
}

// time reads a required xs:dateTime attribute. SAML wants UTC (core 1.3.3); other zones are converted, none is refused.
func (v *verifier) time(e *etree.Element, key, name, section string) (time.Time, error) {
	value, _ := attrValue(e, key)
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil || len(value) > 64 {
		return time.Time{}, v.check("saml_time", name, section, "a date and time", value, false)
	}
	return t, nil
}

// begun wants t to be past, but for the skew.
func (v *verifier) begun(t time.Time, name, section string) error {
	latest := v.e.Now.Add(v.e.Skew)
	return v.check("saml_not_yet_valid", name, section, "not after "+stamp(latest), stamp(t), !t.After(latest))
}

// notOver wants t, a NotOnOrAfter, to be still to come, but for the skew.
func (v *verifier) notOver(t time.Time, name, section string) error {
	earliest := v.e.Now.Add(-v.e.Skew)
	return v.check("saml_expired", name, section, "after "+stamp(earliest), stamp(t), t.After(earliest))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
