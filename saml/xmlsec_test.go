package saml_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// xmlsecRecipes are signed by xmlsec1 (needed only for -update), whose canonical form is that of the specifications. They are the
// shapes in which Go's libraries differ from it.
func xmlsecRecipes() []recipe {
	one := func(name, prefixesOfInfo, prefixes string, pairs ...string) recipe {
		return recipe{name: "xmlsec-" + name, expect: accepted("assertion"), build: func() string {
			return signWithXMLSec(edit(baseResponse, pairs...), prefixesOfInfo, prefixes)
		}}
	}
	staff := "<saml:AttributeValue>staff"
	value := func(attributes string) []string {
		return []string{staff, `<saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ` + attributes + `>staff`}
	}
	return []recipe{
		one("plain", "", ""),
		one("attributes-of-two-namespaces", "", "", value(`xmlns:x500="urn:oasis:names:tc:SAML:2.0:profiles:attribute:X500" x500:Encoding="LDAP" xsi:type="x"`)...),
		one("attributes-with-language", "", "", value(`xsi:type="x" xml:lang="en"`)...),
		one("prefix-list-with-default", "", "#default samlp saml", "<samlp:Response", `<samlp:Response xmlns="urn:default"`),
		one("prefix-list-of-unused", "", "#default code ds kind rw saml samlp typens"),
		one("prefix-list-of-signedinfo", "samlp saml", ""),
		one("no-namespace-inside", "", "", staff, `<saml:AttributeValue><x xmlns="">y</x></saml:AttributeValue>`+staff),
		one("no-namespace-inside-default", "", "", "<samlp:Response", `<samlp:Response xmlns="urn:default"`, staff, `<saml:AttributeValue><y/><x xmlns="">y</x></saml:AttributeValue>`+staff),
		one("prefix-redeclared", "", "", staff, `<saml:AttributeValue><z:a xmlns:z="urn:a"><z:b xmlns:z="urn:b"/><z:c xmlns:z="urn:a"/></z:a></saml:AttributeValue>`+staff),
		one("escapes", "", "", `Name="groups"`, `Name="gr&#9;o&#10;u&#13;ps" FriendlyName="&quot;&lt;&gt;'&amp;"`, ">staff", `>a&#13;b&gt;c"'&amp;&lt;]]&gt;`),
		one("line-ends", "", "", "><saml:Subject>", ">\r\n\t<saml:Subject>", ">staff", ">two\r\nlines"),
		one("unicode", "", "", ">staff", ">営業部 – 😀"),
	}
}

func signWithXMLSec(doc, prefixesOfInfo, prefixes string) string {
	list := func(prefixes string) string {
		if prefixes == "" {
			return ""
		}
		return `<ec:InclusiveNamespaces xmlns:ec="` + exclusive + `" PrefixList="` + prefixes + `"/>`
	}
	template := `<ds:Signature xmlns:ds="` + xmldsig + `"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="` + exclusive + `">` + list(prefixesOfInfo) +
		`</ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="` + xmldsig11 + `rsa-sha256"/><ds:Reference URI="#_assertion"><ds:Transforms>` +
		`<ds:Transform Algorithm="` + enveloped + `"/><ds:Transform Algorithm="` + exclusive + `">` + list(prefixes) + `</ds:Transform></ds:Transforms>` +
		`<ds:DigestMethod Algorithm="` + xmlenc + `sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>`
	folder := must(os.MkdirTemp("", "xmlsec"))
	defer os.RemoveAll(folder)
	in, out := filepath.Join(folder, "in.xml"), filepath.Join(folder, "out.xml")
	must(0, os.WriteFile(in, []byte(strings.Replace(doc, "</saml:Issuer><saml:Subject>", "</saml:Issuer>"+template+"<saml:Subject>", 1)), 0o600))
	if strings.Contains(doc, "\r\n\t<saml:Subject>") {
		must(0, os.WriteFile(in, []byte(strings.Replace(doc, "</saml:Issuer>\r\n\t<saml:Subject>", "</saml:Issuer>"+template+"\r\n\t<saml:Subject>", 1)), 0o600))
	}
	command := exec.Command("xmlsec1", "--sign", "--privkey-pem", "testdata/keys/idp.key.pem", "--id-attr:ID", "Assertion", "--output", out, in)
	said, err := command.CombinedOutput()
	if err != nil {
		panic(fmt.Sprintf("%v: %s", err, said))
	}
	return string(must(os.ReadFile(out)))
}
