package saml_test

import (
	"bytes"
	"strings"
)

func badSubjects() []recipe {
	one := func(name, code string, before ...string) recipe {
		return recipe{name: name, before: before, sign: []signature{onAssertion}, expect: refusedAs(code)}
	}
	byAttribute := func(r recipe, name string) recipe {
		r.expect.UserKeyAttribute = name
		return r
	}
	nameID := func(name, code, value string) recipe { return one(name, code, "victoria.kim<", value+"<") }
	element := `<saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">victoria.kim</saml:NameID>`
	asked := ` InResponseTo="` + caseRequest + `" NotOnOrAfter`
	bearer := "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	_, confirmation, _ := cut(baseSubject, "saml:SubjectConfirmation")
	return []recipe{
		one("assertion-version-1.1", "saml_version", `ID="_assertion" Version="2.0"`, `ID="_assertion" Version="1.1"`),
		one("assertion-issuer-of-another", "saml_bad_issuer", "<saml:Issuer>"+caseIssuer+"</saml:Issuer><saml:Sub", "<saml:Issuer>https://evil.example.com</saml:Issuer><saml:Sub"),
		one("assertion-issuer-with-space", "saml_bad_issuer", "<saml:Issuer>"+caseIssuer+"</saml:Issuer><saml:Sub", "<saml:Issuer>"+caseIssuer+" </saml:Issuer><saml:Sub"),
		one("assertion-issuer-with-element", "saml_bad_issuer", "<saml:Issuer>"+caseIssuer+"</saml:Issuer><saml:Sub", "<saml:Issuer>"+caseIssuer+"<saml:x/></saml:Issuer><saml:Sub"),
		one("assertion-issuer-twice", "saml_bad_issuer", "<saml:Subject>", "<saml:Issuer>"+caseIssuer+"</saml:Issuer><saml:Subject>"),
		one("subject-twice", "saml_subject", baseSubject, strings.Replace(baseSubject, "victoria.kim", "admin", 1)+baseSubject),
		one("nameid-twice", "nameid_missing", element, element+strings.Replace(element, "victoria.kim", "admin", 1)),
		one("nameid-encrypted", "saml_encrypted_id", element, "<saml:EncryptedID/>"),
		one("nameid-encrypted-beside", "saml_encrypted_id", element, element+"<saml:EncryptedID/>"),
		one("nameid-in-another-namespace", "nameid_missing", "<saml:NameID ", `<saml:NameID xmlns:saml="urn:other" `),
		nameID("nameid-empty", "nameid_missing", ""),
		nameID("nameid-spaces", "nameid_invalid", "   "),
		nameID("nameid-leading-space", "nameid_invalid", " victoria.kim"),
		nameID("nameid-line-break", "nameid_invalid", "\nvictoria.kim\n"),
		nameID("nameid-with-element", "nameid_invalid", "victoria<saml:x>.kim</saml:x>"),
		nameID("nameid-zero-width", "nameid_invalid", "victoria\u200b.kim"),
		nameID("nameid-right-to-left", "nameid_invalid", "victoria\u202emik."),
		nameID("nameid-no-break-space", "nameid_invalid", "victoria\u00a0kim"),
		nameID("nameid-hangul-filler", "nameid_invalid", "victoria\u3164kim"),
		nameID("nameid-soft-hyphen", "nameid_invalid", "victoria\u00adkim"),
		nameID("nameid-tab", "nameid_invalid", "victoria\tkim"),
		nameID("nameid-carriage-return", "nameid_invalid", "victoria&#13;kim"),
		nameID("nameid-variation-selector", "nameid_invalid", "victoria\ufe0fkim"),
		nameID("nameid-too-long", "nameid_invalid", strings.Repeat("x", 257)),
		one("recipient-of-another", "saml_bad_recipient", `Recipient="`+caseACS, `Recipient="https://login.example.com/acs/other.com`),
		one("recipient-with-query", "saml_bad_recipient", `Recipient="`+caseACS, `Recipient="`+caseACS+`?x=y`),
		one("confirmation-to-another", "saml_in_response_to", asked, ` InResponseTo="_other" NotOnOrAfter`),
		one("confirmation-holder-of-key", "saml_confirmation", bearer, "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"),
		one("confirmation-sender-vouches", "saml_confirmation", bearer, "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"),
		one("confirmation-twice", "saml_confirmation", confirmation, confirmation+strings.Replace(confirmation, caseACS, "https://evil.example.com", 1)),
		one("confirmation-data-twice", "saml_confirmation", "<saml:SubjectConfirmationData", `<saml:SubjectConfirmationData Recipient="x"/><saml:SubjectConfirmationData`),
		byAttribute(one("attribute-absent", "attribute_missing"), "uid"),
		byAttribute(one("attribute-empty", "attribute_missing", "victoria.kim@mycompany.com", ""), "mail"),
		byAttribute(one("attribute-with-two-values", "attribute_several"), "groups"),
		byAttribute(one("attribute-twice", "attribute_several", "</saml:AttributeStatement>",
			`<saml:Attribute Name="mail"><saml:AttributeValue>admin@mycompany.com</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`), "mail"),
		byAttribute(one("attribute-in-two-statements", "attribute_several", "</saml:AttributeStatement>",
			`</saml:AttributeStatement><saml:AttributeStatement><saml:Attribute Name="mail"><saml:AttributeValue>admin@mycompany.com</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`), "mail"),
		byAttribute(one("attribute-with-element", "attribute_invalid", "victoria.kim@mycompany.com", "victoria<saml:x/>@mycompany.com"), "mail"),
		byAttribute(one("attribute-text-and-element-values", "attribute_several", "<saml:AttributeValue>victoria", "<saml:AttributeValue><saml:x/></saml:AttributeValue><saml:AttributeValue>victoria"), "mail"),
		byAttribute(one("attribute-invisible", "attribute_invalid", "victoria.kim@mycompany.com", "victoria.kim\u200b@mycompany.com"), "mail"),
	}
}

func badConditions() []recipe {
	one := func(name, code string, before ...string) recipe {
		return recipe{name: name, before: before, sign: []signature{onAssertion}, expect: refusedAs(code)}
	}
	ours := "<saml:Audience>" + caseEntityID + "</saml:Audience>"
	other := "<saml:Audience>https://login.example.com/saml/other.com</saml:Audience>"
	crossDomain := one("domain-of-another", "saml_bad_destination")
	crossDomain.expect.ACS, crossDomain.expect.EntityID = "https://login.example.com/acs/other.com", "https://login.example.com/saml/other.com"
	foreign := one("issuer-of-another-connection", "saml_bad_issuer")
	foreign.expect.Issuer = "https://idp.other.com/metadata"
	plain := one("not-encrypted", "saml_not_encrypted")
	plain.expect.RequireEncryption = true
	return []recipe{
		crossDomain, foreign, plain,
		one("domain-of-another-without-destination", "saml_bad_recipient", ` Destination="`+caseACS+`"`, "", `Recipient="`+caseACS, `Recipient="https://login.example.com/acs/other.com`),
		one("audience-of-another", "saml_bad_audience", ours, other),
		one("audience-longer", "saml_bad_audience", caseEntityID+"<", caseEntityID+"/<"),
		one("audience-empty-restriction", "saml_bad_audience", ours, ""),
		one("audience-one-restriction-without-us", "saml_bad_audience", "</saml:AudienceRestriction>", "</saml:AudienceRestriction><saml:AudienceRestriction>"+other+"</saml:AudienceRestriction>"),
		one("audience-first-restriction-without-us", "saml_bad_audience", "<saml:AudienceRestriction>", "<saml:AudienceRestriction>"+other+"</saml:AudienceRestriction><saml:AudienceRestriction>"),
		one("audience-with-element", "saml_bad_audience", caseEntityID+"<", caseEntityID+"<saml:x/><"),
		one("audience-in-another-namespace", "saml_bad_audience", "<saml:Audience>", `<saml:Audience xmlns:saml="urn:other">`),
		one("authn-statement-missing", "saml_authn", baseAuthn, ""),
		one("authn-statement-in-another-namespace", "saml_authn", "<saml:AuthnStatement ", `<saml:AuthnStatement xmlns:saml="urn:other" `),
		one("conditions-twice", "saml_conditions", baseConditions, baseConditions+baseConditions),
		one("condition-unknown", "saml_conditions", "</saml:Conditions>", `<x:Embargo xmlns:x="urn:x"/></saml:Conditions>`),
		one("condition-abstract", "saml_conditions", "</saml:Conditions>", `<saml:Condition/></saml:Conditions>`),
		one("condition-in-another-namespace", "saml_conditions", "<saml:AudienceRestriction>", `<x:OneTimeUse xmlns:x="urn:x"/><saml:AudienceRestriction>`),
	}
}

func badTimes() []recipe {
	at := func(name, code, now string, before ...string) recipe {
		return recipe{name: name, before: before, sign: []signature{onAssertion}, expect: refusedAs(code).at(now)}
	}
	return []recipe{
		at("clock-too-far-behind", "saml_not_yet_valid", "2027-01-15T08:56:57Z"),
		at("clock-too-far-ahead", "saml_expired", "2027-01-15T09:07:58Z"),
		at("kept-too-long", "saml_expired", "2027-01-15T09:12:58Z", `09:04:58Z" Recipient`, `10:04:58Z" Recipient`, `09:04:58Z"><saml:AudienceR`, `10:04:58Z"><saml:AudienceR`),
		at("replayed-next-year", "saml_expired", "2028-01-15T09:00:00Z"),
		at("lifetime-of-a-year", "saml_lifetime", "", `2027-01-15T09:04:58Z" Recipient`, `2028-01-15T09:04:58Z" Recipient`),
		at("issued-in-the-future", "saml_not_yet_valid", "", `_assertion" Version="2.0" IssueInstant="2027-01-15T08:59:58Z`, `_assertion" Version="2.0" IssueInstant="2027-01-15T09:03:01Z`),
		at("response-issued-in-the-future", "saml_not_yet_valid", "", `_response" Version="2.0" IssueInstant="2027-01-15T08:59:58Z`, `_response" Version="2.0" IssueInstant="2027-01-15T09:03:01Z`),
		at("response-issued-long-ago", "saml_expired", "", `_response" Version="2.0" IssueInstant="2027-01-15T08:59:58Z`, `_response" Version="2.0" IssueInstant="2027-01-15T08:46:59Z`),
		at("confirmation-expired", "saml_expired", "", `09:04:58Z" Recipient`, `08:57:00Z" Recipient`),
		at("confirmation-not-yet", "saml_not_yet_valid", "", " Recipient=", ` NotBefore="2027-01-15T09:03:01Z" Recipient=`),
		at("conditions-expired", "saml_expired", "", `09:04:58Z"><saml:Aud`, `08:57:00Z"><saml:Aud`),
		at("conditions-not-yet", "saml_not_yet_valid", "", "08:58:58Z", "09:03:01Z"),
		at("session-over", "saml_expired", "", "17:00:00Z", "08:57:00Z"),
		at("authenticated-in-the-future", "saml_not_yet_valid", "", "08:59:50Z", "09:03:01Z"),
		at("time-without-zone", "saml_time", "", "08:59:50Z", "08:59:50"),
		at("time-of-another-kind", "saml_time", "", "2027-01-15T08:59:50Z", "1800003590"),
		at("time-empty", "saml_time", "", "2027-01-15T08:58:58Z", ""),
		at("time-that-is-none", "saml_time", "", "2027-01-15T08:59:50Z", "2027-02-30T08:59:50Z"),
		at("time-year-5-digits", "saml_time", "", "2027-01-15T17:00:00Z", "12027-01-15T17:00:00Z"),
	}
}

func badEncryption() []recipe {
	one := func(name string, n encryption, keys ...string) recipe {
		if keys == nil {
			keys = []string{"sp"}
		}
		x := refusedAs("saml_decrypt")
		x.Decrypters = keys
		return recipe{name: "encrypted-" + name, sign: []signature{onAssertion}, seal: &n, expect: x}
	}
	edited := func(name string, after ...string) recipe {
		r := one(name, encryption{})
		r.after = after
		return r
	}
	keep := func(n int) func([]byte) []byte { return func(c []byte) []byte { return c[:n] } }
	flip := func(at int) func([]byte) []byte {
		return func(c []byte) []byte {
			c = bytes.Clone(c)
			c[(at+len(c))%len(c)] ^= 1
			return c
		}
	}
	gcm := xmlenc11 + "aes256-gcm"
	unsigned := one("unsigned-in-unsigned", encryption{})
	unsigned.sign = nil
	foreign := one("signed-by-a-stranger", encryption{})
	foreign.sign = []signature{{id: "_assertion", key: "stranger"}}
	outer := one("response-signed-then-changed", encryption{})
	outer.outer, outer.after, outer.expect.Code = []signature{onResponse}, []string{"<xenc:CipherValue>", "<xenc:CipherValue>AAAA"}, "saml_bad_signature"
	inner := one("response-signed-inner-bad", encryption{plaintext: func(s string) string { return strings.Replace(s, "victoria.kim<", "admin<", 1) }})
	inner.outer = []signature{onResponse}
	nobody := one("nobody-can-decrypt", encryption{})
	nobody.expect.Decrypters = nil
	return []recipe{
		unsigned, foreign, outer, inner,
		one("no-key-of-ours", encryption{key: "stranger"}),
		nobody,
		one("rsa-1-5", encryption{transport: xmlenc + "rsa-1_5"}),
		one("3des", encryption{content: xmlenc + "tripledes-cbc"}),
		one("unknown-cipher", encryption{content: "urn:rot13"}),
		one("unknown-transport", encryption{transport: "urn:rot13"}),
		one("unknown-digest", encryption{digest: xmldsig11 + "md5", transport: xmlenc + "rsa-1_5"}),
		one("cbc-empty", encryption{spoil: keep(0)}),
		one("cbc-iv-only", encryption{spoil: keep(16)}),
		one("cbc-not-a-block", encryption{spoil: keep(33)}),
		one("cbc-part-of-iv", encryption{spoil: keep(7)}),
		one("cbc-two-blocks", encryption{spoil: keep(32)}),
		one("cbc-first-bit", encryption{spoil: flip(16)}),
		one("cbc-last-bit", encryption{spoil: flip(-1)}),
		one("cbc-padding-bit", encryption{spoil: flip(-17)}),
		one("gcm-empty", encryption{content: gcm, spoil: keep(0)}),
		one("gcm-short", encryption{content: gcm, spoil: keep(5)}),
		one("gcm-nonce-only", encryption{content: gcm, spoil: keep(12)}),
		one("gcm-tag-cut", encryption{content: gcm, spoil: keep(40)}),
		one("gcm-bit", encryption{content: gcm, spoil: flip(40)}),
		one("key-empty", encryption{spoilKey: keep(0)}),
		one("key-short", encryption{spoilKey: keep(100)}),
		one("key-bit", encryption{spoilKey: flip(3)}),
		one("plaintext-empty", encryption{plaintext: func(string) string { return "" }}),
		one("plaintext-not-xml", encryption{plaintext: func(string) string { return "hello" }}),
		one("plaintext-doctype", encryption{plaintext: func(s string) string { return "<!DOCTYPE x>" + s }}),
		one("plaintext-comment", encryption{plaintext: func(s string) string { return strings.Replace(s, "victoria", "victoria<!-- -->", 1) }}),
		one("plaintext-two-assertions", encryption{plaintext: func(s string) string { return s + s }}),
		one("plaintext-other-element", encryption{plaintext: func(s string) string { return `<saml:Subject xmlns:saml="` + assertion + `"/>` }}),
		one("plaintext-beside-another", encryption{plaintext: func(s string) string { return s + `<x xmlns="urn:x"/>` }}),
		one("plaintext-encrypted-again", encryption{plaintext: func(string) string { return `<saml:EncryptedAssertion xmlns:saml="` + assertion + `"/>` }}),
		one("plaintext-breaks-out", encryption{plaintext: func(s string) string { return s + "</samlp:Response><samlp:Response>" }}),
		one("plaintext-changed", encryption{plaintext: func(s string) string { return strings.Replace(s, "victoria.kim<", "admin<", 1) }}),
		edited("no-data", "<xenc:EncryptedData", "<xenc:Other", "</xenc:EncryptedData>", "</xenc:Other>"),
		edited("key-without-method", `<xenc:EncryptedKey xmlns:xenc="`+xmlenc+`"><xenc:EncryptionMethod Algorithm="`+xmlenc+`rsa-oaep-mgf1p"/>`, `<xenc:EncryptedKey xmlns:xenc="`+xmlenc+`">`),
		edited("key-with-md5", `Algorithm="`+xmlenc+`rsa-oaep-mgf1p"/>`, `Algorithm="`+xmlenc+`rsa-oaep-mgf1p"><ds:DigestMethod Algorithm="`+xmldsig11+`md5"/></xenc:EncryptionMethod>`),
		edited("key-with-unknown-mgf", `Algorithm="`+xmlenc+`rsa-oaep-mgf1p"/>`, `Algorithm="`+xmlenc11+`rsa-oaep"><m:MGF xmlns:m="`+xmlenc11+`" Algorithm="urn:x"/></xenc:EncryptionMethod>`),
		edited("key-with-label-that-is-none", `Algorithm="`+xmlenc+`rsa-oaep-mgf1p"/>`, `Algorithm="`+xmlenc+`rsa-oaep-mgf1p"><xenc:OAEPparams>!</xenc:OAEPparams></xenc:EncryptionMethod>`),
		edited("key-with-another-label", `Algorithm="`+xmlenc+`rsa-oaep-mgf1p"/>`, `Algorithm="`+xmlenc+`rsa-oaep-mgf1p"><xenc:OAEPparams>AAAA</xenc:OAEPparams></xenc:EncryptionMethod>`),
		edited("no-method", "<xenc:EncryptionMethod", "<xenc:Other"),
		edited("method-of-another-length", "aes128-cbc", "aes256-cbc"),
		edited("method-gcm-for-cbc", xmlenc+"aes128-cbc", xmlenc11+"aes128-gcm"),
		edited("no-keyinfo", "<ds:KeyInfo xmlns:ds", "<ds:Other xmlns:ds", "</ds:KeyInfo>", "</ds:Other>"),
		edited("no-cipher-data", "<xenc:CipherData>", "<xenc:Other>", "</xenc:CipherData>", "</xenc:Other>"),
		edited("cipher-reference", "<xenc:CipherValue>", `<xenc:CipherReference URI="https://evil.example.com/">`, "</xenc:CipherValue>", "</xenc:CipherReference>"),
		edited("cipher-not-base64", "<xenc:CipherValue>", "<xenc:CipherValue>!!"),
		edited("key-reference", "<xenc:EncryptedKey", "<ds:RetrievalMethod", "</xenc:EncryptedKey>", "</ds:RetrievalMethod>"),
		{name: "encrypted-keys-many", sign: []signature{onAssertion}, expect: refusedAs("saml_decrypt").sealed("sp"), build: func() string {
			doc := encrypt(sign(baseResponse, onAssertion), encryption{})
			_, key, _ := cut(doc, "xenc:EncryptedKey")
			return strings.Replace(doc, key, strings.Repeat(key, 5), 1)
		}},
	}
}
