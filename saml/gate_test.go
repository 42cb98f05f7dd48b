package saml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"
)

var testLimits = gateLimits{
	Bytes: 512 << 10, Depth: 32, Elements: 6000, Attributes: 64,
	Roots: []xml.Name{{Space: nsProtocol, Local: "Response"}}, Response: true,
}

func response(inside string) string {
	return `<p:Response xmlns:p="` + nsProtocol + `" xmlns:a="` + nsAssertion + `" xmlns:ds="` + nsSignature + `">` + inside + `</p:Response>`
}

func TestGateAccepts(t *testing.T) {
	t.Parallel()
	for name, doc := range map[string]string{
		"empty":                 response(""),
		"declaration":           `<?xml version="1.0" encoding="UTF-8" standalone='no'?>` + "\n" + response("") + "\n",
		"assertion":             response(`<a:Assertion ID="x"/>`),
		"default namespace":     `<Response xmlns="` + nsProtocol + `"><x xmlns=""/></Response>`,
		"predefined entities":   response(`<a:x b="&lt;&#x41;&#65;">&amp;&quot;&apos;&gt; ]] ></a:x>`),
		"two signatures":        response(`<ds:Signature/><a:Assertion><ds:Signature/></a:Assertion>`),
		"prefix redefined":      response(`<a:Assertion xmlns:a="` + nsAssertion + `"><p:x xmlns:p="urn:other"/></a:Assertion>`),
		"spaces in tags":        response("<a:x  b = 'c' \n d=\"e\" ></a:x  >"),
		"3000 values":           response(strings.Repeat(`<a:AttributeValue xmlns:xs="u" xmlns:xsi="v" xsi:type="xs:string">g</a:AttributeValue>`, 3000)),
		"unicode":               response(`<a:x>田中 😀</a:x>`),
		"attributes told apart": response(`<a:x xmlns="u" xmlns:q="u" xmlns:b="v" b="" q:b="" xml:b=""/>`),
		"xml prefix undeclared": response(`<a:x xml:lang="en"/>`),
	} {
		if err := gate([]byte(doc), testLimits); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGateRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("<a:x>", 32) + strings.Repeat("</a:x>", 32)
	var many, scoped strings.Builder
	for i := range 65 {
		fmt.Fprintf(&many, ` b%d=""`, i)
		if i < 48 {
			fmt.Fprintf(&scoped, ` xmlns:b%d="u"`, i)
		}
	}
	for _, c := range []struct{ name, code, doc string }{
		{"nothing", "saml_malformed", ""},
		{"spaces only", "saml_malformed", "  "},
		{"too large", "saml_too_large", strings.Repeat(" ", 512<<10+1)},
		{"latin-1 bytes", "saml_encoding", response("\xe9")},
		{"utf-16", "saml_encoding", "\xff\xfe<\x00"},
		{"declared latin-1", "saml_encoding", `<?xml version="1.0" encoding="ISO-8859-1"?>` + response("")},
		{"utf-7", "saml_encoding", `<?xml version="1.0" encoding="UTF-7"?>` + response("")},
		{"version 1.1", "saml_malformed", `<?xml version="1.1"?>` + response("")},
		{"byte order mark", "saml_malformed", "\xef\xbb\xbf" + response("")},
		{"doctype", "saml_doctype", `<!DOCTYPE x>` + response("")},
		{"doctype inside", "saml_doctype", response(`<!DOCTYPE x [<!ENTITY a "b">]>`)},
		{"entity", "saml_entity", response(`&xxe;`)},
		{"entity in attribute", "saml_entity", response(`<a:x b="&xxe;"/>`)},
		{"null reference", "saml_entity", response(`&#0;`)},
		{"surrogate reference", "saml_entity", response(`&#xD800;`)},
		{"signed reference", "saml_entity", response(`&#+65;`)},
		{"bare ampersand", "saml_entity", response(`a & b`)},
		{"instruction", "saml_processing_instruction", response(`<?php x?>`)},
		{"instruction before", "saml_processing_instruction", `<?x y?>` + response("")},
		{"second declaration", "saml_processing_instruction", response(`<?xml version="1.0"?>`)},
		{"comment", "saml_comment", response(`<!-- x -->`)},
		{"comment before", "saml_comment", `<!-- x -->` + response("")},
		{"cdata", "saml_cdata", response(`<![CDATA[x]]>`)},
		{"control character", "saml_malformed", response("\x01")},
		{"null", "saml_malformed", response("\x00")},
		{"not a character", "saml_malformed", response("\ufffe")},
		{"second root", "saml_malformed", response("") + response("")},
		{"trailing text", "saml_malformed", response("") + "x"},
		{"leading text", "saml_malformed", "x" + response("")},
		{"unclosed", "saml_malformed", strings.TrimSuffix(response("<a:x/>"), "</p:Response>")},
		{"crossed", "saml_malformed", response("<a:x><a:y></a:x></a:y>")},
		{"end too many", "saml_malformed", response("") + "</a:x>"},
		{"unquoted", "saml_malformed", response("<a:x b=c/>")},
		{"end tag with more", "saml_malformed", response(`<a:x></a:x y>`)},
		{"slash inside", "saml_malformed", response(`<a:x /y>`)},
		{"no equals sign", "saml_malformed", response(`<a:x b?"c"/>`)},
		{"quotes of letters", "saml_malformed", response(`<a:x b=xcx/>`)},
		{"name ends in a colon", "saml_malformed", response(`<a: b="c"/>`)},
		{"attribute ends in a colon", "saml_malformed", response(`<a:x a:="c"/>`)},
		{"name begins with a colon", "saml_malformed", response(`<:x/>`)},
		{"name begins with a digit", "saml_malformed", response(`<a:1/>`)},
		{"space before the name", "saml_malformed", response(`< a:x/>`)},
		{"attribute without a name", "saml_malformed", response(`<a:x ="c"/>`)},
		{"ends in a start tag", "saml_malformed", "<a"},
		{"ends in an attribute", "saml_malformed", "<a b"},
		{"ends after equals", "saml_malformed", "<a b="},
		{"ends after a slash", "saml_malformed", "<a /"},
		{"ends in an end tag", "saml_malformed", response("") + "</"},
		{"ends in a reference", "saml_entity", "<p:Response xmlns:p='" + nsProtocol + "'>&am"},
		{"long attribute name", "saml_too_complex", response("<a:x " + strings.Repeat("x", 300) + "='y'/>")},
		{"long namespace name", "saml_too_complex", response("<a:x xmlns:q='" + strings.Repeat("x", 600) + "'/>")},
		{"many attributes in all", "saml_too_complex", response(strings.Repeat(`<a:x a="" b="" c="" d="" e=""/>`, 5000))},
		{"number without #", "saml_entity", response(`&65;`)},
		{"empty reference", "saml_entity", response(`&;`)},
		{"empty number", "saml_entity", response(`&#;`)},
		{"empty hexadecimal", "saml_entity", response(`&#x;`)},
		{"endless reference", "saml_entity", response(`&#0000000000000065;`)},
		{"endless declaration", "saml_malformed", "<?xml " + strings.Repeat(" ", 300) + `version="1.0"?>` + response("")},
		{"empty declaration", "saml_malformed", "<?xml ?>" + response("")},
		{"empty ID", "saml_malformed", response(`<a:x ID=""/>`)},
		{"ID with a space", "saml_malformed", response(`<a:x ID="a b"/>`)},
		{"long ID", "saml_malformed", response(`<a:x ID="` + strings.Repeat("x", 300) + `"/>`)},
		{"touching attributes", "saml_malformed", response(`<a:x b="c"d="e"/>`)},
		{"tag in attribute", "saml_malformed", response(`<a:x b="<"/>`)},
		{"unicode name", "saml_malformed", response(`<a:Ä/>`)},
		{"two colons", "saml_malformed", response(`<a:b:c/>`)},
		{"cdata end in text", "saml_malformed", response(`]]>`)},
		{"other root", "saml_root", `<Response xmlns="urn:other"/>`},
		{"root without namespace", "saml_root", `<Response/>`},
		{"assertion as root", "saml_root", `<Assertion xmlns="` + nsAssertion + `"/>`},
		{"too deep", "saml_too_deep", response(deep)},
		{"attributes", "saml_too_complex", response("<a:x" + many.String() + "/>")},
		{"declarations", "saml_too_complex", response("<a:x" + scoped.String() + "/>")},
		{"elements", "saml_too_complex", response(strings.Repeat("<a:x/>", 6000))},
		{"long name", "saml_too_complex", response("<a:" + strings.Repeat("x", 300) + "/>")},
		{"long value", "saml_too_complex", response(`<a:x b="` + strings.Repeat("x", 20000) + `"/>`)},
		{"undeclared prefix", "saml_namespace", response(`<q:x/>`)},
		{"undeclared attribute prefix", "saml_namespace", response(`<a:x q:y=""/>`)},
		{"prefix out of scope", "saml_namespace", response(`<a:x xmlns:q="u"/><q:y/>`)},
		{"empty prefix declaration", "saml_namespace", response(`<a:x xmlns:q=""/>`)},
		{"xml redeclared", "saml_namespace", response(`<a:x xmlns:xml="u"/>`)},
		{"xmlns redeclared", "saml_namespace", response(`<a:x xmlns:q="` + nsXMLNS + `"/>`)},
		{"reference in namespace", "saml_namespace", response(`<a:x xmlns:q="u&#x41;"/>`)},
		{"doubled attribute", "saml_duplicate_attribute", response(`<a:x b="" b=""/>`)},
		{"doubled by namespace", "saml_duplicate_attribute", response(`<a:x xmlns:q="u" xmlns:r="u" q:b="" r:b=""/>`)},
		{"doubled ID", "saml_duplicate_id", response(`<a:x ID="i"/><a:x ID="i"/>`)},
		{"doubled ID, other names", "saml_duplicate_id", response(`<a:x Id="i"/><a:x xml:id="i"/>`)},
		{"doubled id, lower case", "saml_duplicate_id", response(`<a:x id="i"><a:y ID="i"/></a:x>`)},
		{"ID by reference", "saml_malformed", response(`<a:x ID="&#x69;"/>`)},
		{"two assertions", "saml_multiple_assertions", response(`<a:Assertion/><a:Assertion/>`)},
		{"assertion and encrypted", "saml_multiple_assertions", response(`<a:Assertion/><a:EncryptedAssertion/>`)},
		{"nested assertion", "saml_misplaced_element", response(`<a:Assertion><a:Assertion/></a:Assertion>`)},
		{"assertion in extensions", "saml_misplaced_element", response(`<p:Extensions><a:Assertion/></p:Extensions>`)},
		{"assertion, other prefix", "saml_misplaced_element", response(`<p:Extensions><q:Assertion xmlns:q="` + nsAssertion + `"/></p:Extensions>`)},
		{"response inside", "saml_misplaced_element", response(`<p:Response/>`)},
		{"signature elsewhere", "saml_misplaced_element", response(`<p:Status><ds:Signature/></p:Status>`)},
		{"three signatures", "saml_signature_profile", response(`<ds:Signature/><ds:Signature/>`)},
		{"object", "saml_ds_object", response(`<ds:Signature><ds:Object/></ds:Signature>`)},
	} {
		err := gate([]byte(c.doc), testLimits)
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Code != c.code {
			t.Errorf("%s: want %s, got %v", c.name, c.code, err)
		}
	}
}

func TestGateForMetadataAllowsCommentsAndSeveralSignatures(t *testing.T) {
	t.Parallel()
	limits := testLimits
	limits.Response = false
	doc := "\xef\xbb\xbf" + response(`<!-- x --><p:Extensions><ds:Signature/><ds:Signature/></p:Extensions><a:x><![CDATA[a]]></a:x>`)
	if err := gate([]byte(doc), limits); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<!-- a -- b -->", "<!-- \x01 -->", "<!--", "<![CDATA[", "<![CDATA[\x02]]>"} {
		if gate([]byte(response(bad)), limits) == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
