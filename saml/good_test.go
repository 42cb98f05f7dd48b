package saml_test

import (
	"fmt"
	"strings"
)

const baseKey = "victoria.kim"

// accepted is the expectation of most good cases.
func accepted(signed string) expectation { return expectation{UserKey: baseKey, Signed: signed} }

func (x expectation) with(change func(*expectation)) expectation {
	change(&x)
	return x
}

func (x expectation) certificates(names ...string) expectation {
	x.Certificates = names
	return x
}

func (x expectation) at(now string) expectation {
	x.Now = now
	return x
}

func (x expectation) sealed(keys ...string) expectation {
	x.Encrypted, x.Decrypters = true, keys
	return x
}

func (x expectation) key(userKey string) expectation {
	x.UserKey = userKey
	return x
}

func goodRecipes() []recipe {
	var all []recipe
	for _, group := range [][]recipe{goodSignatures(), goodKeys(), goodEncryption(), goodShapes(), goodTimes(), goodMeanings(), vendorRecipes(), xmlsecRecipes()} {
		all = append(all, group...)
	}
	return all
}

func goodSignatures() []recipe {
	one := func(name string, s signature) recipe {
		s.id = "_assertion"
		return recipe{name: name, sign: []signature{s}, expect: accepted("assertion")}
	}
	return []recipe{
		one("signed-assertion", signature{}),
		{name: "signed-response", sign: []signature{onResponse}, expect: accepted("response")},
		{name: "signed-both", sign: []signature{onAssertion, onResponse}, expect: accepted("both")},
		one("rsa-sha384", signature{method: xmldsig11 + "rsa-sha384", digest: xmldsig11 + "sha384"}),
		one("rsa-sha512", signature{method: xmldsig11 + "rsa-sha512", digest: xmlenc + "sha512"}),
		one("signature-last", signature{last: true}),
		one("signature-in-lines", signature{pretty: true}),
		one("prefix-list", signature{prefixList: "xs"}),
		one("enveloped-only", signature{transforms: []string{enveloped}}),
		{name: "sha1-allowed", sign: []signature{{id: "_assertion", method: xmldsig + "rsa-sha1", digest: xmldsig + "sha1"}},
			expect: accepted("assertion").with(func(x *expectation) { x.InsecureSHA1 = true })},
	}
}

func goodKeys() []recipe {
	return []recipe{
		{name: "p256", sign: []signature{{id: "_assertion", key: "idp-p256"}}, expect: accepted("assertion").certificates("idp-p256")},
		{name: "p256-both", sign: []signature{{id: "_assertion", key: "idp-p256"}, {id: "_response", key: "idp-p256"}},
			expect: accepted("both").certificates("idp", "idp-p256")},
		{name: "p384", sign: []signature{{id: "_response", key: "idp-p384"}}, expect: accepted("response").certificates("idp-p384")},
		{name: "no-keyinfo-several-certificates", sign: []signature{{id: "_assertion", key: "next", keyInfo: "none"}},
			expect: accepted("assertion").certificates("idp", "idp-p256", "next")},
		{name: "keyname-several-certificates", sign: []signature{{id: "_response", key: "next", keyInfo: "name"}},
			expect: accepted("response").certificates("idp", "next")},
		{name: "keyinfo-of-another", sign: []signature{{id: "_assertion", keyInfo: "stranger"}}, expect: accepted("assertion")},
		{name: "rollover-old-key", sign: []signature{onAssertion}, expect: accepted("assertion").certificates("idp", "next")},
		{name: "rollover-new-key", sign: []signature{{id: "_assertion", key: "next"}}, expect: accepted("assertion").certificates("idp", "next")},
		{name: "rollover-one-of-each", sign: []signature{onAssertion, {id: "_response", key: "next"}}, expect: accepted("both").certificates("idp", "next")},
		{name: "expired-but-stored", sign: []signature{{id: "_assertion", key: "expired"}}, expect: accepted("assertion").certificates("expired")},
		{name: "weak-key-beside-a-good-one", sign: []signature{onAssertion}, expect: accepted("assertion").certificates("weak", "idp")},
	}
}

func goodEncryption() []recipe {
	one := func(name string, n encryption) recipe {
		return recipe{name: name, sign: []signature{onAssertion}, seal: &n, expect: accepted("assertion").sealed("sp")}
	}
	return []recipe{
		one("encrypted-aes128-cbc", encryption{}),
		one("encrypted-aes192-cbc", encryption{content: xmlenc + "aes192-cbc"}),
		one("encrypted-aes256-cbc", encryption{content: xmlenc + "aes256-cbc"}),
		one("encrypted-aes128-gcm", encryption{content: xmlenc11 + "aes128-gcm"}),
		one("encrypted-aes192-gcm", encryption{content: xmlenc11 + "aes192-gcm"}),
		one("encrypted-aes256-gcm", encryption{content: xmlenc11 + "aes256-gcm"}),
		one("encrypted-oaep-digest-sha1", encryption{digest: xmldsig + "sha1"}),
		one("encrypted-oaep-digest-sha256", encryption{digest: xmlenc + "sha256"}),
		one("encrypted-oaep11", encryption{transport: xmlenc11 + "rsa-oaep", content: xmlenc11 + "aes256-gcm"}),
		one("encrypted-oaep11-sha256", encryption{transport: xmlenc11 + "rsa-oaep", digest: xmlenc + "sha256", mgf: xmlenc11 + "mgf1sha256"}),
		one("encrypted-oaep11-sha512", encryption{transport: xmlenc11 + "rsa-oaep", digest: xmlenc + "sha512", mgf: xmlenc11 + "mgf1sha512"}),
		one("encrypted-oaep11-sha384", encryption{transport: xmlenc11 + "rsa-oaep", digest: xmldsig11 + "sha384", mgf: xmlenc11 + "mgf1sha384"}),
		one("encrypted-oaep11-mgf-sha1", encryption{transport: xmlenc11 + "rsa-oaep", digest: xmlenc + "sha256", mgf: xmlenc11 + "mgf1sha1"}),
		one("encrypted-oaep-label", encryption{label: "for ssogate"}),
		one("encrypted-key-beside", encryption{beside: true}),
		one("encrypted-for-two", encryption{first: "stranger"}),
		one("encrypted-namespaces-outside", encryption{raw: true}),
		{name: "encrypted-prefix-redefined", sign: []signature{onAssertion}, seal: &encryption{}, before: []string{
			baseAssertion, strings.NewReplacer("<saml:Assertion ", `<samlp:Assertion xmlns:samlp="`+assertion+`" `, "<saml:", "<samlp:", "</saml:", "</samlp:").Replace(baseAssertion)},
			expect: accepted("assertion").sealed("sp")},
		{name: "encrypted-for-the-next-key", sign: []signature{onAssertion}, seal: &encryption{key: "sp-next"}, expect: accepted("assertion").sealed("sp", "sp-next")},
		{name: "encrypted-response-signed", seal: &encryption{content: xmlenc11 + "aes128-gcm"}, outer: []signature{onResponse}, expect: accepted("response").sealed("sp")},
		{name: "encrypted-both-signed", sign: []signature{onAssertion}, seal: &encryption{}, outer: []signature{onResponse},
			expect: accepted("both").sealed("sp").with(func(x *expectation) { x.RequireEncryption = true })},
	}
}

func goodShapes() []recipe {
	unprefixed := strings.NewReplacer("<samlp:", "<", "</samlp:", "</", "xmlns:samlp=", "xmlns=",
		"<saml:Assertion ", `<Assertion xmlns="`+assertion+`" `, "<saml:", "<", "</saml:", "</").
		Replace(strings.Replace(baseResponse, "<saml:Issuer>", `<Issuer xmlns="`+assertion+`">`, 1))
	return []recipe{
		{name: "default-namespaces", base: unprefixed, sign: []signature{onAssertion, onResponse}, expect: accepted("both")},
		{name: "xml-declaration", sign: []signature{onResponse}, after: []string{"<samlp:Response", `<?xml version="1.0" encoding="utf-8"?>` + "\n<samlp:Response"},
			expect: accepted("response")},
		{name: "indented", before: indent(), sign: []signature{onAssertion}, expect: accepted("assertion")},
		{name: "no-destination", before: []string{` Destination="` + caseACS + `"`, ""}, sign: []signature{onResponse}, expect: accepted("response")},
		{name: "no-response-issuer", before: []string{"<saml:Issuer>" + caseIssuer + "</saml:Issuer><samlp", "<samlp"}, sign: []signature{onResponse}, expect: accepted("response")},
		{name: "groups-1500", before: []string{`<saml:AttributeValue>staff</saml:AttributeValue>`, manyValues(1499)}, sign: []signature{onAssertion},
			expect: accepted("assertion").with(func(x *expectation) { x.Values = 1501 })},
		{name: "groups-1500-response-signed", before: []string{`<saml:AttributeValue>staff</saml:AttributeValue>`, manyValues(1499)}, sign: []signature{onResponse},
			expect: accepted("response").with(func(x *expectation) { x.Values = 1501 })},
		{name: "extensions-and-advice", before: []string{
			baseStatus, `<samlp:Extensions><x:y xmlns:x="urn:x">z</x:y></samlp:Extensions>` + baseStatus,
			"</saml:Conditions>", `</saml:Conditions><saml:Advice><saml:AssertionIDRef>_other</saml:AssertionIDRef></saml:Advice>`},
			sign: []signature{onResponse}, expect: accepted("response")},
	}
}

// indent puts line breaks between elements, as a pretty printer does before signing.
func indent() []string {
	var pairs []string
	for _, tag := range []string{"<samlp:Status>", "<saml:Assertion", "<saml:Subject>", "<saml:SubjectConfirmation ", "<saml:Conditions", "<saml:AuthnStatement",
		"<saml:AttributeStatement", "</saml:Subject>", "</saml:Conditions>", "</saml:Assertion>", "</samlp:Response>"} {
		pairs = append(pairs, tag, "\n  "+tag)
	}
	return pairs
}

func manyValues(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<saml:AttributeValue>g%04d</saml:AttributeValue>", i)
	}
	return b.String()
}

func goodTimes() []recipe {
	one := func(name, now string, pairs ...string) recipe {
		return recipe{name: name, before: pairs, sign: []signature{onAssertion}, expect: accepted("assertion").at(now)}
	}
	return []recipe{
		one("clock-3-minutes-ahead", "2027-01-15T08:56:58Z"),
		one("clock-3-minutes-behind", "2027-01-15T09:07:57Z"),
		one("late-but-in-time", "2027-01-15T09:12:57Z", `09:04:58Z" Recipient`, `10:04:58Z" Recipient`, `09:04:58Z"><saml:AudienceR`, `10:04:58Z"><saml:AudienceR`),
		one("time-zones", "", "08:59:50Z", "17:59:50+09:00", `09:04:58Z" Recipient`, `04:04:58.123-05:00" Recipient`),
		one("fractions", "", "08:59:50Z", "08:59:50.1234567Z", "2027-01-15T08:59:58Z", "2027-01-15T08:59:58.001Z"),
		one("no-condition-times", "", ` NotBefore="2027-01-15T08:58:58Z" NotOnOrAfter="2027-01-15T09:04:58Z"`, ""),
		one("past-confirmation-notbefore", "", " Recipient=", ` NotBefore="2027-01-15T08:58:58Z" Recipient=`),
	}
}

func goodMeanings() []recipe {
	one := func(name string, x expectation, pairs ...string) recipe {
		return recipe{name: name, before: pairs, sign: []signature{onAssertion}, expect: x}
	}
	base, none := accepted("assertion"), ""
	ours := "<saml:Audience>" + caseEntityID + "</saml:Audience>"
	other := "<saml:Audience>https://other.example.com</saml:Audience>"
	nameID := `<saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">victoria.kim</saml:NameID>`
	asked := ` InResponseTo="` + caseRequest + `"`
	byMail := func(x *expectation) { x.UserKeyAttribute = "mail" }
	return []recipe{
		one("audience-second", base, ours, other+ours),
		one("audience-restrictions-and-ed", base, "</saml:AudienceRestriction>", "</saml:AudienceRestriction><saml:AudienceRestriction>"+other+ours+"</saml:AudienceRestriction>"),
		one("one-time-use", base, "</saml:AudienceRestriction>", `</saml:AudienceRestriction><saml:OneTimeUse/><saml:ProxyRestriction Count="0"/>`),
		one("unsolicited", base.with(func(x *expectation) { x.RequestID, x.AllowUnsolicited = &none, true }), asked, "", asked, ""),
		one("solicited-where-unsolicited-is-allowed", base.with(func(x *expectation) { x.AllowUnsolicited = true })),
		one("user-key-by-attribute", base.key("victoria.kim@mycompany.com").with(byMail)),
		one("user-key-by-attribute-without-nameid", base.key("victoria.kim@mycompany.com").with(byMail), nameID, ""),
		one("nameid-in-japanese", base.key("田中 花子"), "victoria.kim<", "田中 花子<"),
		one("nameid-escaped", base.key(`o'neil&"sons"<x>`), "victoria.kim<", `o&apos;neil&amp;&#34;sons&quot;&lt;x&#x3E;<`),
		one("other-confirmation-beside", base, "<saml:SubjectConfirmation ", `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"/><saml:SubjectConfirmation `),
		one("two-authn-statements", base, "</saml:AuthnStatement>", `</saml:AuthnStatement><saml:AuthnStatement AuthnInstant="2027-01-15T08:50:00Z"/>`),
		one("authn-context-missing", base, "<saml:AuthnContext>"+element(baseAuthn, "saml:AuthnContextClassRef")+"</saml:AuthnContext>", ""),
		one("authn-context-declared-elsewhere", base, element(baseAuthn, "saml:AuthnContextClassRef"), "<saml:AuthnContextDeclRef>urn:x</saml:AuthnContextDeclRef>"),
		one("attribute-without-name", base.with(func(x *expectation) { x.Values = 2 }), `Name="mail" `, ""),
		one("attribute-values", base.with(func(x *expectation) {
			x.Attributes = map[string][]string{"groups": {"staff", "board"}, "mail": {"victoria.kim@mycompany.com"}}
			x.Values = 3
		})),
	}
}
