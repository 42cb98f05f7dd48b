package saml_test

import (
	"strings"
)

func refusedAs(code string) expectation { return expectation{Code: code} }

func badRecipes() []recipe {
	var all []recipe
	for _, group := range [][]recipe{badForms(), badWrappings(), badSignatures(), badKeys(), badEncryption(), badResponses(), badSubjects(), badConditions(), badTimes()} {
		all = append(all, group...)
	}
	return all
}

// badForms end at the gate, although the signature would verify: they are made after signing.
func badForms() []recipe {
	one := func(name, code string, after ...string) recipe {
		return recipe{name: name, sign: []signature{onAssertion}, after: after, expect: refusedAs(code)}
	}
	name := "victoria.kim<"
	whole := func(name, code string, change func(string) string) recipe {
		return recipe{name: name, build: func() string { return change(sign(baseResponse, onAssertion)) }, expect: refusedAs(code)}
	}
	return []recipe{
		one("doctype", "saml_doctype", "<samlp:Response", "<!DOCTYPE samlp:Response>\n<samlp:Response"),
		one("doctype-external", "saml_doctype", "<samlp:Response", `<!DOCTYPE x SYSTEM "file:///etc/passwd"><samlp:Response`),
		one("entity-external", "saml_doctype", "<samlp:Response", `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><samlp:Response`, name, "&e;<"),
		one("entity-expansion", "saml_doctype", "<samlp:Response", `<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]><samlp:Response`, name, "&c;<"),
		one("entity-id-attribute", "saml_doctype", "<samlp:Response", `<!DOCTYPE x [<!ATTLIST saml:Subject ref ID #IMPLIED>]><samlp:Response`),
		one("entity-undeclared", "saml_entity", name, "&victim;<"),
		one("nameid-comment", "saml_comment", name, "victoria<!-- -->.kim<"),
		one("nameid-comment-at-end", "saml_comment", name, "victoria.kim<!---->.evil.example<"),
		one("nameid-cdata", "saml_cdata", name, "<![CDATA[victoria.kim]]><"),
		one("nameid-instruction", "saml_processing_instruction", name, "victoria<?x y?>.kim<"),
		one("nameid-null", "saml_malformed", name, "victoria\x00.kim<"),
		one("nameid-latin1", "saml_encoding", name, "vict\xf6ria<"),
		one("comment-outside", "saml_comment", "<samlp:Response", "<!-- --><samlp:Response"),
		one("comment-in-digest", "saml_comment", "<ds:DigestValue>", "<ds:DigestValue><!-- AAAA -->"),
		one("comment-in-signedinfo", "saml_comment", "<ds:SignedInfo>", "<ds:SignedInfo><!-- x -->"),
		one("instruction-before", "saml_processing_instruction", "<samlp:Response", `<?xml-stylesheet href="x"?><samlp:Response`),
		one("declared-utf16", "saml_encoding", "<samlp:Response", `<?xml version="1.0" encoding="UTF-16"?><samlp:Response`),
		one("declared-shift-jis", "saml_encoding", "<samlp:Response", `<?xml version="1.0" encoding="Shift_JIS"?><samlp:Response`),
		one("xml-1.1", "saml_malformed", "<samlp:Response", `<?xml version="1.1"?><samlp:Response`),
		one("duplicate-id", "saml_duplicate_id", "<samlp:Status>", `<samlp:Status ID="_assertion">`),
		one("duplicate-id-xml-id", "saml_duplicate_id", "<samlp:Status>", `<samlp:Status xml:id="_assertion">`),
		one("duplicate-id-lower-case", "saml_duplicate_id", "<samlp:Status>", `<samlp:Status id="_assertion">`),
		one("duplicate-id-in-signature", "saml_duplicate_id", "<ds:SignatureValue>", `<ds:SignatureValue Id="_assertion">`),
		one("duplicate-attribute", "saml_duplicate_attribute", ` InResponseTo="`+caseRequest+`"><saml:Issuer>`, ` InResponseTo="`+caseRequest+`" InResponseTo="_other"><saml:Issuer>`),
		one("undeclared-prefix", "saml_namespace", "<samlp:Status>", "<evil:x/><samlp:Status>"),
		one("xml-prefix-redefined", "saml_namespace", "<samlp:Status>", `<samlp:Status xmlns:xml="urn:x">`),
		one("void-canonicalisation", "saml_namespace", "<saml:Assertion ", `<saml:Assertion xmlns:ns="http://www.w3.org/2000/xmlns/" `),
		one("relative-namespace-emptied", "saml_namespace", "<saml:Assertion ", `<saml:Assertion xmlns:ns="" `),
		whole("empty", "saml_malformed", func(string) string { return "" }),
		whole("not-xml", "saml_malformed", func(string) string { return "SAMLResponse=PHNhbWw" }),
		whole("truncated", "saml_malformed", func(s string) string { return s[:len(s)-20] }),
		whole("second-root", "saml_malformed", func(s string) string { return s + s }),
		whole("trailing-text", "saml_malformed", func(s string) string { return s + "x" }),
		whole("root-is-assertion", "saml_root", func(s string) string {
			_, a, _ := cut(s, "saml:Assertion")
			return strings.Replace(a, "<saml:Assertion", "<saml:Assertion "+baseNS, 1)
		}),
		whole("root-is-logout-response", "saml_root", func(s string) string { return strings.ReplaceAll(s, "samlp:Response", "samlp:LogoutResponse") }),
		whole("root-of-saml-1", "saml_root", func(s string) string { return strings.Replace(s, protocol, "urn:oasis:names:tc:SAML:1.0:protocol", 1) }),
		whole("depth-bomb", "saml_too_deep", func(s string) string {
			return edit(s, "<samlp:Status>", "<samlp:Status>"+strings.Repeat("<samlp:x>", 40)+strings.Repeat("</samlp:x>", 40))
		}),
		whole("attribute-bomb", "saml_too_complex", func(s string) string { return edit(s, "<samlp:Status", "<samlp:Status"+numbered(` a%=""`, 70)) }),
		whole("namespace-bomb", "saml_too_complex", func(s string) string { return edit(s, "<samlp:Status", "<samlp:Status"+numbered(` xmlns:n%="u"`, 60)) }),
		whole("element-bomb", "saml_too_complex", func(s string) string {
			return edit(s, "<samlp:Status>", "<samlp:Status>"+strings.Repeat("<samlp:x/>", 6000))
		}),
	}
}

// cut splits doc around the first element of that prefixed name.
func cut(doc, tag string) (before, element, after string) {
	start := strings.Index(doc, "<"+tag)
	end := strings.LastIndex(doc, "</"+tag+">") + len("</"+tag+">")
	return doc[:start], doc[start:end], doc[end:]
}

func numbered(pattern string, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(pattern, "%", "x"+strings.Repeat("y", i)))
	}
	return b.String()
}

// badSignatures were made by the right key: their shape alone is wrong.
func badSignatures() []recipe {
	one := func(name, code string, s signature) recipe {
		s.id = "_assertion"
		return recipe{name: name, sign: []signature{s}, expect: refusedAs(code)}
	}
	edited := func(name, code string, after ...string) recipe {
		return recipe{name: name, sign: []signature{onAssertion}, after: after, expect: refusedAs(code)}
	}
	return []recipe{
		{name: "unsigned", expect: refusedAs("saml_unsigned")},
		{name: "signature-excluded", expect: refusedAs("saml_unsigned"), build: func() string {
			before, _, after := cut(sign(baseResponse, onAssertion), "ds:Signature")
			return before + after
		}},
		one("reference-empty", "saml_reference", signature{uri: " "}),
		edited("reference-without-uri", "saml_reference", ` URI="#_assertion"`, ""),
		edited("reference-emptied", "saml_reference", `URI="#_assertion"`, `URI=""`),
		one("reference-external", "saml_reference", signature{uri: "https://evil.example.com/x.xml"}),
		one("reference-file", "saml_reference", signature{uri: "file:///etc/passwd"}),
		one("reference-xpointer", "saml_reference", signature{uri: "#xpointer(/)"}),
		one("reference-xpointer-id", "saml_reference", signature{uri: "#xpointer(id('_assertion'))"}),
		one("reference-to-another", "saml_reference", signature{uri: "#_response"}),
		one("references-two", "saml_signature_profile", signature{references: 2}),
		edited("references-none", "saml_signature_profile", "<ds:Reference", "<ds:Manifest", "</ds:Reference>", "</ds:Manifest>"),
		edited("id-missing", "saml_reference", `ID="_assertion" `, ""),
		one("transform-xpath", "saml_transform", signature{transforms: []string{enveloped, "http://www.w3.org/TR/1999/REC-xpath-19991116"}}),
		one("transform-xslt", "saml_transform", signature{transforms: []string{"http://www.w3.org/TR/1999/REC-xslt-19991116", enveloped}}),
		one("transform-inclusive", "saml_transform", signature{transforms: []string{enveloped, inclusive}}),
		one("transform-with-comments", "saml_transform", signature{transforms: []string{enveloped, exclusive + "WithComments"}}),
		one("transform-enveloped-twice", "saml_transform", signature{transforms: []string{enveloped, enveloped}}),
		one("transform-without-enveloped", "saml_transform", signature{transforms: []string{exclusive}}),
		one("transform-order", "saml_transform", signature{transforms: []string{exclusive, enveloped}}),
		one("transforms-many", "saml_transform", signature{transforms: []string{enveloped, exclusive, exclusive, exclusive}}),
		one("transforms-none", "saml_transform", signature{transforms: []string{}}),
		edited("transform-with-xpath-inside", "saml_transform", `<ds:Transform Algorithm="`+exclusive+`"/>`, `<ds:Transform Algorithm="`+exclusive+`"><ds:XPath>1</ds:XPath></ds:Transform>`),
		edited("transform-enveloped-with-element", "saml_transform", `<ds:Transform Algorithm="`+enveloped+`"/>`, `<ds:Transform Algorithm="`+enveloped+`"><ds:XPath>1</ds:XPath></ds:Transform>`),
		edited("transform-two-prefix-lists", "saml_transform", `<ds:Transform Algorithm="`+exclusive+`"/>`, `<ds:Transform Algorithm="`+exclusive+`">`+
			strings.Repeat(`<ec:InclusiveNamespaces xmlns:ec="`+exclusive+`" PrefixList="x"/>`, 2)+`</ds:Transform>`),
		edited("transform-prefix-list-added", "saml_bad_signature", `<ds:Transform Algorithm="`+exclusive+`"/>`, `<ds:Transform Algorithm="`+exclusive+
			`"><ec:InclusiveNamespaces xmlns:ec="`+exclusive+`" PrefixList="samlp"/></ds:Transform>`),
		edited("transform-prefix-list-endless", "saml_transform", `<ds:Transform Algorithm="`+exclusive+`"/>`, `<ds:Transform Algorithm="`+exclusive+
			`"><ec:InclusiveNamespaces xmlns:ec="`+exclusive+`" PrefixList="`+strings.Repeat("x ", 60)+`"/></ds:Transform>`),
		edited("c14n-with-element", "saml_transform", `<ds:CanonicalizationMethod Algorithm="`+exclusive+`"/>`, `<ds:CanonicalizationMethod Algorithm="`+exclusive+`"><x/></ds:CanonicalizationMethod>`),
		edited("digestvalue-with-element", "saml_signature_profile", "</ds:DigestValue>", "<ds:x/></ds:DigestValue>"),
		edited("digest-with-element", "saml_algorithm", `<ds:DigestMethod Algorithm="`+xmlenc+`sha256"/>`, `<ds:DigestMethod Algorithm="`+xmlenc+`sha256"><x/></ds:DigestMethod>`),
		{name: "enveloped-only-below-xml-lang", sign: []signature{{id: "_assertion", transforms: []string{enveloped}}}, expect: refusedAs("saml_bad_signature"),
			before: []string{"<samlp:Response", `<samlp:Response xml:lang="en"`}},
		edited("signedinfo-changed", "saml_bad_signature", "<ds:SignedInfo>", "<ds:SignedInfo> "),
		edited("method-changed", "saml_bad_signature", xmldsig11+"rsa-sha256", xmldsig11+"rsa-sha512"),
		edited("keyinfo-before-value", "saml_signature_profile", "<ds:SignatureValue>", "<ds:KeyInfo/><ds:SignatureValue>"),
		one("c14n-inclusive", "saml_transform", signature{c14n: inclusive}),
		one("c14n-with-comments", "saml_transform", signature{c14n: exclusive + "WithComments"}),
		one("sha1-signature", "saml_algorithm", signature{method: xmldsig + "rsa-sha1"}),
		one("sha1-digest", "saml_algorithm", signature{digest: xmldsig + "sha1"}),
		one("hmac-keyed-with-certificate", "saml_algorithm", signature{method: xmldsig11 + "hmac-sha256", hmac: true}),
		one("hmac-called-rsa", "saml_bad_signature", signature{hmac: true}),
		one("method-with-parameters", "saml_algorithm", signature{methodInner: "<ds:HMACOutputLength>1</ds:HMACOutputLength>"}),
		edited("method-dsa", "saml_algorithm", xmldsig11+"rsa-sha256", xmldsig+"dsa-sha1"),
		edited("method-none", "saml_algorithm", `<ds:SignatureMethod Algorithm="`+xmldsig11+`rsa-sha256"/>`, "<ds:SignatureMethod/>"),
		edited("digest-md5", "saml_algorithm", xmlenc+"sha256", xmldsig11+"md5"),
		edited("digest-replaced", "saml_bad_signature", "victoria.kim<", "admin<"),
		{name: "digest-short", expect: refusedAs("saml_signature_profile"), build: func() string {
			before, _, after := cut(sign(baseResponse, onAssertion), "ds:DigestValue")
			return before + "<ds:DigestValue>AAAA</ds:DigestValue>" + after
		}},
		edited("digestvalue-doubled", "saml_transform", "<ds:DigestValue>", "<ds:DigestValue>AAAA</ds:DigestValue><ds:DigestValue>"),
		edited("signaturevalue-doubled", "saml_signature_profile", "<ds:SignatureValue>", "<ds:SignatureValue>AAAA</ds:SignatureValue><ds:SignatureValue>"),
		edited("signaturevalue-empty", "saml_signature_profile", "<ds:SignatureValue>", "<ds:SignatureValue/><ds:KeyInfo>", "</ds:SignatureValue>", "</ds:KeyInfo>"),
		edited("signaturevalue-not-base64", "saml_signature_profile", "<ds:SignatureValue>", "<ds:SignatureValue>!"),
		edited("signaturevalue-cut", "saml_bad_signature", "<ds:SignatureValue>", "<ds:SignatureValue>AAAA"),
		edited("signaturevalue-with-element", "saml_signature_profile", "<ds:SignatureValue>", "<ds:SignatureValue><ds:x/>"),
		edited("keyinfo-doubled", "saml_signature_profile", "<ds:KeyInfo>", "<ds:KeyInfo/><ds:KeyInfo>"),
		one("object-inside", "saml_ds_object", signature{object: true}),
		{name: "signedinfo-doubled", expect: refusedAs("saml_signature_profile"), build: func() string {
			before, info, after := cut(sign(baseResponse, onAssertion), "ds:SignedInfo")
			return before + info + info + after
		}},
		{name: "signedinfo-forged-second", expect: refusedAs("saml_signature_profile"), build: func() string {
			doc := sign(baseResponse, onAssertion)
			before, info, after := cut(doc, "ds:SignedInfo")
			return before + strings.Replace(info, "_assertion", "_response", 1) + info + after
		}},
		{name: "signedinfo-inside-keyinfo", expect: refusedAs("saml_signature_profile"), build: func() string {
			before, info, after := cut(sign(baseResponse, onAssertion), "ds:SignedInfo")
			return before + strings.Replace(after, "<ds:KeyInfo>", "<ds:KeyInfo>"+info, 1)
		}},
		{name: "both-but-response-bad", sign: []signature{onAssertion, onResponse}, expect: refusedAs("saml_bad_signature"), after: []string{"<samlp:Status>", "<samlp:Status> "}},
		{name: "both-but-assertion-bad", expect: refusedAs("saml_bad_signature"), build: func() string {
			return sign(edit(sign(baseResponse, onAssertion), "victoria.kim<", "admin<"), onResponse)
		}},
		{name: "two-signatures-in-one", expect: refusedAs("saml_signature_profile"), build: func() string {
			return sign(sign(baseResponse, onAssertion), onAssertion)
		}},
		{name: "signature-of-response-in-assertion", expect: refusedAs("saml_reference"), build: func() string {
			doc := sign(baseResponse, onResponse)
			before, s, after := cut(doc, "ds:Signature")
			return strings.Replace(before+after, "</saml:Issuer><saml:Subject>", "</saml:Issuer>"+s+"<saml:Subject>", 1)
		}},
		{name: "signature-in-status", expect: refusedAs("saml_misplaced_element"), build: func() string {
			before, s, after := cut(sign(baseResponse, onResponse), "ds:Signature")
			return strings.Replace(before+after, "<samlp:Status>", "<samlp:Status>"+s, 1)
		}},
	}
}

func badKeys() []recipe {
	one := func(name, code string, s signature, certificates ...string) recipe {
		s.id = "_assertion"
		return recipe{name: name, sign: []signature{s}, expect: refusedAs(code).certificates(certificates...)}
	}
	return []recipe{
		one("stranger", "saml_cert_unknown", signature{key: "stranger"}),
		one("stranger-without-keyinfo", "saml_bad_signature", signature{key: "stranger", keyInfo: "none"}),
		one("stranger-with-our-certificate", "saml_bad_signature", signature{key: "stranger", keyInfo: "idp"}),
		{name: "stranger-with-hollow-x509data", sign: []signature{{id: "_assertion", key: "stranger", keyInfo: "none"}}, expect: refusedAs("saml_bad_signature"),
			after: []string{"</ds:SignatureValue>", "</ds:SignatureValue><ds:KeyInfo><ds:X509Data/></ds:KeyInfo>"}},
		{name: "stranger-with-broken-certificate", sign: []signature{{id: "_assertion", key: "stranger", keyInfo: "none"}}, expect: refusedAs("saml_bad_signature"),
			after: []string{"</ds:SignatureValue>", "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>!</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"}},
		{name: "stranger-with-key-value", sign: []signature{{id: "_assertion", key: "stranger", keyInfo: "none"}}, expect: refusedAs("saml_bad_signature"),
			after: []string{"</ds:SignatureValue>", "</ds:SignatureValue><ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue></ds:KeyInfo>"}},
		{name: "ecdsa-value-cut", sign: []signature{{id: "_assertion", key: "idp-p256"}}, expect: refusedAs("saml_bad_signature").certificates("idp-p256"),
			after: []string{"<ds:SignatureValue>", "<ds:SignatureValue>AAAA"}},
		{name: "ecdsa-value-short", expect: refusedAs("saml_bad_signature").certificates("idp-p256"), build: func() string {
			before, _, after := cut(sign(baseResponse, signature{id: "_assertion", key: "idp-p256", keyInfo: "none"}), "ds:SignatureValue")
			return before + "<ds:SignatureValue>AAAA</ds:SignatureValue>" + after
		}},
		{name: "ecdsa-value-of-zeros", sign: []signature{{id: "_assertion", key: "idp-p256", keyInfo: "none"}}, expect: refusedAs("saml_bad_signature").certificates("idp-p256"),
			after: []string{"<ds:SignatureValue>", "<ds:SignatureValue>" + strings.Repeat("A", 86) + "==</ds:SignatureValue><ds:KeyInfo><x>", "</ds:SignatureValue></ds:Sig", "</x></ds:KeyInfo></ds:Sig"}},
		one("certificate-cloned", "saml_cert_unknown", signature{key: "stranger", keyInfo: "clone"}),
		one("rsa-1024", "saml_weak_key", signature{key: "weak"}, "weak"),
		one("ecdsa-for-rsa-key", "saml_weak_key", signature{key: "idp-p256"}, "idp"),
		one("rsa-for-ecdsa-key", "saml_weak_key", signature{}, "idp-p256"),
		one("ecdsa-in-asn1", "saml_bad_signature", signature{key: "idp-p256", asn1: true}, "idp-p256"),
		one("ecdsa-curve-of-another", "saml_cert_unknown", signature{key: "idp-p384"}, "idp-p256"),
		one("rollover-finished", "saml_cert_unknown", signature{}, "next"),
	}
}

func badResponses() []recipe {
	one := func(name, code string, before ...string) recipe {
		return recipe{name: name, before: before, sign: []signature{onResponse}, expect: refusedAs(code)}
	}
	unsigned := func(name, code string, before ...string) recipe {
		return recipe{name: name, before: before, sign: []signature{onAssertion}, expect: refusedAs(code)}
	}
	none := ""
	success := "urn:oasis:names:tc:SAML:2.0:status:Success"
	failure := "urn:oasis:names:tc:SAML:2.0:status:Responder"
	nested := `"` + failure + `"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode><samlp:StatusMessage>locked</samlp:StatusMessage>`
	asked := ` InResponseTo="` + caseRequest + `"`
	unsolicited := func(r recipe) recipe {
		r.expect.RequestID, r.expect.AllowUnsolicited = &none, true
		return r
	}
	return []recipe{
		one("response-version-1.1", "saml_version", `ID="_response" Version="2.0"`, `ID="_response" Version="1.1"`),
		unsigned("response-version-1.1-unsigned", "saml_version", `ID="_response" Version="2.0"`, `ID="_response" Version="1.1"`),
		one("destination-of-another", "saml_bad_destination", `Destination="`+caseACS, `Destination="https://login.example.com/acs/other.com`),
		one("destination-endless", "saml_bad_destination", `Destination="`+caseACS, `Destination="`+caseACS+strings.Repeat("?x=田", 300)),
		one("destination-empty", "saml_bad_destination", `Destination="`+caseACS, `Destination="`),
		one("destination-longer", "saml_bad_destination", `Destination="`+caseACS, `Destination="`+caseACS+`/`),
		unsigned("destination-of-another-unsigned", "saml_bad_destination", `Destination="`+caseACS, `Destination="https://login.example.com/acs/other.com`),
		one("response-issuer-of-another", "saml_bad_issuer", caseIssuer, "https://evil.example.com"),
		unsigned("response-issuer-of-another-unsigned", "saml_bad_issuer", caseIssuer, "https://evil.example.com"),
		one("response-issuer-twice", "saml_bad_issuer", "<samlp:Status>", "<saml:Issuer>"+caseIssuer+"</saml:Issuer><samlp:Status>"),
		one("response-to-another", "saml_in_response_to", asked, ` InResponseTo="_other"`),
		unsigned("response-to-another-unsigned", "saml_in_response_to", asked, ` InResponseTo="_other"`),
		one("response-to-nothing", "saml_in_response_to", asked, ""),
		one("response-to-empty", "saml_in_response_to", asked, ` InResponseTo=""`),
		unsolicited(one("unsolicited-with-in-response-to", "saml_in_response_to", asked, ` InResponseTo="_stolen"`)),
		unsolicited(one("unsolicited-response-part-only", "saml_in_response_to", asked, "")),
		{name: "unsolicited-not-allowed", before: []string{asked, "", asked, ""}, sign: []signature{onResponse},
			expect: refusedAs("saml_unsolicited").with(func(x *expectation) { x.RequestID = &none })},
		{name: "unsolicited-while-a-request-waits", before: []string{asked, "", asked, ""}, sign: []signature{onResponse},
			expect: refusedAs("saml_in_response_to").with(func(x *expectation) { x.AllowUnsolicited = true })},
		one("status-failed-with-assertion", "saml_idp_status", success, failure),
		unsigned("status-failed-unsigned", "saml_idp_status", success, failure),
		one("status-failed", "saml_idp_status", `"`+success+`"/>`, nested, baseAssertion, ""),
		{name: "status-failed-without-signature", before: []string{`"` + success + `"/>`, nested, baseAssertion, ""}, expect: refusedAs("saml_idp_status")},
		one("status-twice", "saml_idp_status", baseStatus, baseStatus+baseStatus),
		one("status-code-twice", "saml_idp_status", `<samlp:StatusCode Value="`+success+`"/>`, `<samlp:StatusCode Value="`+success+`"/><samlp:StatusCode Value="`+failure+`"/>`),
		one("status-nested-success", "saml_idp_status", `"`+success+`"/>`, `"`+failure+`"><samlp:StatusCode Value="`+success+`"/></samlp:StatusCode>`),
		one("no-assertion", "saml_no_assertion", baseAssertion, ""),
		one("assertion-in-another-namespace", "saml_no_assertion", "<saml:Assertion ", `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion" `),
	}
}
