package sso

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"net/url"
	"time"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/saml"
)

// samlConnector is a SAML identity provider as the connection and its fetched metadata describe it together.
type samlConnector struct {
	settings     directory.SAMLSettings
	issuer       string
	ssoURL       string
	certificates []*x509.Certificate
	keys         Ring
	entityID     string
	acs          string
	provider     string
	now          func() time.Time
	slots        chan struct{} // of the installation: so many responses are verified at once
}

// Begin makes an AuthnRequest (SAML Core 3.4.1) and sends it by redirect or by POST (SAML Bindings 3.4, 3.5).
func (c *samlConnector) Begin(_ context.Context, s Start) (Departure, error) {
	destination := c.ssoURL
	if s.App {
		destination = c.settings.AppSSOURL
	}
	if destination == "" {
		return Departure{}, &Refusal{Code: "saml_no_endpoint", Want: "a login address of the identity provider", Got: "none", Fix: audit.FixDomainAdmin}
	}
	req := saml.Request{
		ID: saml.NewID(), Destination: destination, ACS: c.acs, EntityID: c.entityID, ProviderName: c.provider,
		NameIDFormat: c.settings.NameIDFormat, ForceAuthn: c.settings.ForceAuthn, App: s.App, IssueInstant: c.now(),
	}
	if c.settings.SignRequests {
		req.Sign = &c.keys.Published[0]
	}
	d := Departure{RequestID: req.ID, Asked: map[string]string{
		"request_id": req.ID, "endpoint": WithoutQuery(destination), "binding": string(c.settings.Binding), "acs": c.acs, "entity_id": c.entityID,
	}}
	var err error
	if c.settings.Binding == directory.BindingPOST {
		d.Location = destination
		d.Form, err = req.POST(s.Handle)
	} else {
		d.Location, err = req.Redirect(s.Handle, hintParameter(s.Hint))
	}
	if err != nil {
		return Departure{}, samlRefusal(err, nil)
	}
	if s.Hint != "" {
		d.Asked["hint"] = s.Hint
		if d.Form != nil {
			d.Form["worksId"] = s.Hint
		}
	}
	return d, nil
}

// hintParameter carries the account a person typed; the identity provider may use it (line-works.md section 1.3).
func hintParameter(hint string) url.Values {
	if hint == "" {
		return nil
	}
	return url.Values{"worksId": {hint}}
}

// Finish judges a SAMLResponse; see saml.Verify for what is checked and in which order.
func (c *samlConnector) Finish(ctx context.Context, r Return) (Identity, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return Identity{}, ctx.Err()
	}
	response, err := saml.Decode(r.Values.Get("SAMLResponse"))
	if err != nil {
		return Identity{}, samlRefusal(err, nil)
	}
	now := c.now()
	claims, checks, err := saml.Verify(response, saml.Expect{
		EntityID: c.entityID, ACS: c.acs, Issuer: c.issuer, Certificates: c.certificates, RequestID: r.RequestID,
		AllowUnsolicited: r.Unsolicited && c.settings.IdPInitiated, Decrypters: c.decrypters(),
		RequireEncryption: c.settings.RequireEncryption, UserKeyAttribute: c.settings.UserKeyAttribute,
		InsecureSHA1: now.Before(c.settings.InsecureSHA1Until), Now: now,
	})
	if err != nil {
		return Identity{}, samlRefusal(err, checks)
	}
	const skew = 3 * time.Minute // an assertion is accepted that long after its end, so it is remembered as long
	return Identity{
		Person: directory.Person{
			UserKey: claims.UserKey, Email: first(claims.Attributes, c.settings.EmailAttribute),
			FamilyName: first(claims.Attributes, at(c.settings.NameAttributes, 0)),
			GivenName:  first(claims.Attributes, at(c.settings.NameAttributes, 1)),
		},
		Claims: claimsOf(claims), Checks: samlChecks(checks), Expires: claims.SessionNotOnOrAfter,
		Issuer: claims.Issuer, NameID: claims.NameID, Session: claims.SessionIndex,
		Once: claims.Issuer + "\x00" + claims.AssertionID, OnceUntil: claims.NotOnOrAfter.Add(skew),
	}, nil
}

func (c *samlConnector) decrypters() []*rsa.PrivateKey {
	var keys []*rsa.PrivateKey
	for _, k := range c.keys.Decrypting {
		if key, ok := k.Signer.(*rsa.PrivateKey); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

func claimsOf(c saml.Claims) map[string][]string {
	all := map[string][]string{"NameID": {c.NameID}, "NameID Format": {c.NameIDFormat}, "Issuer": {c.Issuer}}
	if c.SessionIndex != "" {
		all["SessionIndex"] = []string{c.SessionIndex}
	}
	for name, values := range c.Attributes {
		all[name] = values
	}
	return all
}

func first(values map[string][]string, name string) string {
	if v := values[name]; name != "" && len(v) > 0 {
		return v[0]
	}
	return ""
}

func at(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return ""
}

func samlRefusal(err error, checks []saml.Check) error {
	var s *saml.Refusal
	if !errors.As(err, &s) {
		return &Refusal{Code: "saml_internal", Fix: audit.FixOperator, Checks: samlChecks(checks), Err: err}
	}
	return &Refusal{
		Code: s.Code, Section: s.Section, Want: s.Want, Got: s.Got, Fix: audit.Fixer(s.Fix), Checks: samlChecks(checks), Err: err,
	}
}

func samlChecks(in []saml.Check) []audit.Check {
	out := make([]audit.Check, len(in))
	for i, c := range in {
		out[i] = audit.Check(c)
	}
	return out
}
