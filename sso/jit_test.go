package sso_test

import (
	"net/http"
	"testing"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/testidp"
)

// A member is made at the first sign-in from what the provider asserts, inside the domain only, and an e-mail address never
// opens the account of somebody who is there already.
func TestJustInTimeByExternalKey(t *testing.T) {
	w := newWorld(t)
	made := func(d *directory.Domain) { d.JustInTime = true }
	d := w.domain("saml.example", w.saml("saml.example", func(s *directory.SAMLSettings) {
		s.EmailAttribute, s.NameAttributes = "email", []string{"family_name", "given_name"}
	}), made)
	w.domain("oidc.example", w.oauth("oidc.example", directory.ProfileOIDC), made)
	for _, p := range []testidp.Person{
		{Login: "new-saml", Subject: "emp-3001", Email: "New.Saml@SAML.example", FamilyName: "Sato", GivenName: "Yuki"},
		{Login: "new-oidc", Subject: "emp-3002", Email: "new.oidc@oidc.example", FamilyName: "Sato", GivenName: "Ren"},
		{Login: "foreign", Subject: "emp-3003", Email: "taro@elsewhere.example"},
		{Login: "nomail", Subject: "emp-3004"},
		{Login: "thief", Subject: "emp-3005", Email: "taro@saml.example"},
		{Login: "unverified", Subject: "emp-3006", Email: "un@oidc.example", Claims: map[string]any{"email_verified": false}},
	} {
		w.idp.AddPerson(p)
	}
	for _, c := range []struct{ name, domain, login, account, code string }{
		{"SAML", "saml.example", "new-saml", "new.saml@saml.example", ""},
		{"a second time", "saml.example", "new-saml", "new.saml@saml.example", ""},
		{"OpenID Connect", "oidc.example", "new-oidc", "new.oidc@oidc.example", ""},
		{"an address of another domain", "saml.example", "foreign", "", "account_foreign"},
		{"no address", "saml.example", "nomail", "", "user_unknown"},
		{"the address of a member with another key", "saml.example", "thief", "", "user_unknown"},
		{"an address that the provider did not verify", "oidc.example", "unverified", "", "user_unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &testidp.Browser{}
			s := w.signIn(b, c.domain, c.login)
			if c.code != "" {
				w.refused(b, s, http.StatusForbidden, c.code)
				return
			}
			w.landed(b, s, c.account)
		})
	}
	m, err := w.dir.FindMember(t.Context(), d.ID, "new.saml@saml.example")
	must(t, err)
	if m.ExternalKey != "emp-3001" || m.FamilyName != "Sato" || m.GivenName != "Yuki" || m.Status != directory.StatusInUse {
		t.Errorf("the member is %+v", m)
	}
	taro, err := w.dir.FindMember(t.Context(), d.ID, "taro@saml.example")
	must(t, err)
	if taro.ExternalKey != "emp-1001" {
		t.Errorf("the thief's key is on the member: %q", taro.ExternalKey)
	}
}
