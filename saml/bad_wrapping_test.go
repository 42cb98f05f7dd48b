package saml_test

import "strings"

// badWrappings are signature wrapping 1-8 (Somorovsky and others, "On Breaking SAML") and their variants: the signed element is
// kept whole somewhere, and a forged one stands where a careless reader looks.
func badWrappings() []recipe {
	one := func(name, code string, s signature, wrap func(doc string) string) recipe {
		return recipe{name: name, build: func() string { return wrap(sign(baseResponse, s)) }, expect: refusedAs(code)}
	}
	return []recipe{
		one("xsw1-response-in-signature", "saml_misplaced_element", onResponse, func(doc string) string {
			return strings.Replace(forgedResponse(doc), "</ds:Signature>", plainResponse(doc)+"</ds:Signature>", 1)
		}),
		one("xsw2-response-before-signature", "saml_misplaced_element", onResponse, func(doc string) string {
			return strings.Replace(forgedResponse(doc), "<ds:Signature", plainResponse(doc)+"<ds:Signature", 1)
		}),
		one("xsw3-forged-before", "saml_multiple_assertions", onAssertion, func(doc string) string {
			before, signed, after := cut(doc, "saml:Assertion")
			return before + forged(signed) + signed + after
		}),
		one("xsw4-forged-around", "saml_misplaced_element", onAssertion, func(doc string) string {
			before, signed, after := cut(doc, "saml:Assertion")
			return before + inside(forged(signed), signed) + after
		}),
		one("xsw5-original-behind", "saml_multiple_assertions", onAssertion, func(doc string) string {
			before, signed, after := cut(doc, "saml:Assertion")
			return before + strings.NewReplacer(`ID="_assertion"`, `ID="_forged"`, "victoria.kim<", "admin<").Replace(signed) + withoutSignature(signed) + after
		}),
		one("xsw6-original-in-signature", "saml_misplaced_element", onAssertion, func(doc string) string {
			before, signed, after := cut(doc, "saml:Assertion")
			evil := strings.NewReplacer(`ID="_assertion"`, `ID="_forged"`, "victoria.kim<", "admin<").Replace(signed)
			return before + strings.Replace(evil, "</ds:Signature>", withoutSignature(signed)+"</ds:Signature>", 1) + after
		}),
		one("xsw7-forged-in-extensions", "saml_misplaced_element", onAssertion, func(doc string) string {
			before, signed, after := cut(doc, "saml:Assertion")
			return before + "<samlp:Extensions>" + forged(signed) + "</samlp:Extensions>" + signed + after
		}),
		one("xsw8-original-in-object", "saml_ds_object", onAssertion, func(doc string) string {
			before, signed, after := cut(doc, "saml:Assertion")
			evil := strings.NewReplacer(`ID="_assertion"`, `ID="_forged"`, "victoria.kim<", "admin<").Replace(signed)
			return before + strings.Replace(evil, "</ds:Signature>", "<ds:Object>"+withoutSignature(signed)+"</ds:Object></ds:Signature>", 1) + after
		}),
		one("xsw-same-id", "saml_duplicate_id", onAssertion, func(doc string) string {
			before, signed, after := cut(doc, "saml:Assertion")
			return before + inside(signed, "<saml:Subject ID=\"_assertion\"/>") + after
		}),
		one("xsw-original-in-advice", "saml_misplaced_element", onAssertion, func(doc string) string {
			before, signed, after := cut(doc, "saml:Assertion")
			return before + inside(forged(signed), "<saml:Advice>"+signed+"</saml:Advice>") + after
		}),
		one("xsw-original-in-status-detail", "saml_misplaced_element", onAssertion, func(doc string) string {
			before, signed, after := cut(doc, "saml:Assertion")
			return strings.Replace(before, "</samlp:Status>", "<samlp:StatusDetail>"+signed+"</samlp:StatusDetail></samlp:Status>", 1) + forged(signed) + after
		}),
		one("xsw-original-in-attribute-value", "saml_misplaced_element", onAssertion, func(doc string) string {
			before, signed, after := cut(doc, "saml:Assertion")
			return before + strings.Replace(forged(signed), ">staff<", ">"+signed+"<", 1) + after
		}),
		one("xsw-forged-other-prefix", "saml_multiple_assertions", onAssertion, func(doc string) string {
			before, signed, after := cut(doc, "saml:Assertion")
			evil := strings.NewReplacer("<saml:", "<s:", "</saml:", "</s:").Replace(forged(signed))
			return before + strings.Replace(evil, "<s:Assertion", `<s:Assertion xmlns:s="`+assertion+`"`, 1) + signed + after
		}),
		one("xsw-forged-encrypted-beside", "saml_multiple_assertions", onAssertion, func(doc string) string {
			before, signed, after := cut(doc, "saml:Assertion")
			return before + "<saml:EncryptedAssertion/>" + signed + after
		}),
		one("xsw-signed-error-response", "saml_misplaced_element", signature{id: "_response"}, func(string) string {
			failed := sign(edit(baseResponse, "status:Success", "status:Responder", baseAssertion, ""), onResponse)
			return strings.Replace(forgedResponse(sign(baseResponse, onResponse)), "</samlp:Status>", "<samlp:StatusDetail>"+failed+"</samlp:StatusDetail></samlp:Status>", 1)
		}),
		one("forged-id-moved", "saml_reference", onAssertion, func(doc string) string {
			return edit(doc, `ID="_assertion"`, `ID="_forged"`, "victoria.kim<", "admin<")
		}),
		one("forged-signature-of-another-assertion", "saml_reference", onAssertion, func(doc string) string {
			_, signature, _ := cut(doc, "ds:Signature")
			return edit(baseResponse, `ID="_assertion"`, `ID="_forged"`, "victoria.kim<", "admin<", "</saml:Issuer><saml:Subject>", "</saml:Issuer>"+signature+"<saml:Subject>")
		}),
		one("forged-response-around-signed-assertion-without-its-signature", "saml_unsigned", onAssertion, func(doc string) string {
			before, signed, after := cut(doc, "saml:Assertion")
			return before + withoutSignature(signed) + after
		}),
		one("subject-added-behind", "saml_bad_signature", onAssertion, func(doc string) string {
			return edit(doc, "</saml:Assertion>", strings.Replace(baseSubject, "victoria.kim", "admin", 1)+"</saml:Assertion>")
		}),
		one("attribute-added", "saml_bad_signature", onAssertion, func(doc string) string {
			return edit(doc, ">staff<", ">admins<")
		}),
		one("namespace-declared-on-nameid", "saml_bad_signature", onAssertion, func(doc string) string {
			return edit(doc, "<saml:NameID ", `<saml:NameID xmlns:saml="urn:other" `)
		}),
		one("whitespace-in-nameid", "saml_bad_signature", onAssertion, func(doc string) string {
			return edit(doc, "victoria.kim<", "victoria.kim <")
		}),
		one("signed-by-two-one-forged", "saml_cert_unknown", onAssertion, func(doc string) string {
			return sign(edit(doc, "</samlp:Status>", " </samlp:Status>"), signature{id: "_response", key: "stranger"})
		}),
	}
}

// forged is the assertion of a response as an attacker would like it: another person, no signature.
func forged(signed string) string {
	return strings.NewReplacer(`ID="_assertion"`, `ID="_forged"`, "victoria.kim<", "admin<").Replace(withoutSignature(signed))
}

func withoutSignature(doc string) string {
	before, _, after := cut(doc, "ds:Signature")
	return before + after
}

func inside(assertion, part string) string {
	return strings.Replace(assertion, "</saml:Assertion>", part+"</saml:Assertion>", 1)
}

// forgedResponse keeps the signature, which is over _response, in a Response of another ID about another person.
func forgedResponse(doc string) string {
	return strings.NewReplacer(`ID="_response"`, `ID="_forged"`, `ID="_assertion"`, `ID="_forged-assertion"`, "victoria.kim<", "admin<").Replace(doc)
}

func plainResponse(doc string) string { return withoutSignature(doc) }
