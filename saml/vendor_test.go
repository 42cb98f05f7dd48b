package saml_test

import "strings"

// Shapes as the responses of well-known identity providers have them: prefixes, order, what is signed, what is left out.
// Names and values are invented.

func vendor(xml string) string {
	return strings.NewReplacer("{acs}", caseACS, "{sp}", caseEntityID, "{request}", caseRequest, "{protocol}", protocol, "{assertion}", assertion,
		"{now}", "2027-01-15T08:59:58.214Z", "{before}", "2027-01-15T08:54:58.000Z", "{after}", "2027-01-15T09:04:58.000Z", "\n", "").Replace(xml)
}

func vendorRecipes() []recipe {
	from := func(issuer, key, signed string) expectation {
		return expectation{Issuer: issuer, UserKey: key, Signed: signed}
	}
	mail := "victoria.kim@mycompany.com"
	return []recipe{
		{name: "vendor-okta", base: vendor(oktaShape), sign: []signature{{id: "id5678", prefixList: "xs"}, {id: "id1234", prefixList: "xs"}},
			expect: from("http://www.okta.com/exk1", mail, "both")},
		{name: "vendor-entra", base: vendor(entraShape), sign: []signature{{id: "_a-entra"}}, expect: from("https://sts.windows.net/0f0f/", mail, "assertion")},
		{name: "vendor-google", base: vendor(googleShape), sign: []signature{{id: "_r-google"}}, expect: from("https://accounts.google.com/o/saml2?idpid=C01", mail, "response")},
		{name: "vendor-adfs", base: vendor(adfsShape), sign: []signature{{id: "_a-adfs"}}, seal: &encryption{content: xmlenc + "aes256-cbc"},
			expect: from("http://fs.mycompany.com/adfs/services/trust", `MYCOMPANY\vkim`, "assertion").sealed("sp")},
		{name: "vendor-keycloak", base: vendor(keycloakShape), sign: []signature{{id: "ID_a"}, {id: "ID_r", keyInfo: "name"}},
			expect: from("https://sso.mycompany.com/realms/main", "vkim", "both")},
		{name: "vendor-shibboleth", base: vendor(shibbolethShape), seal: &encryption{content: xmlenc11 + "aes128-gcm"},
			outer: []signature{{id: "_r-shib", prefixList: "xsd"}}, expect: from("https://idp.mycompany.com/idp/shibboleth", "AAdzZWNyZXQx", "response").sealed("sp")},
		{name: "vendor-simplesamlphp", base: vendor(simpleShape), sign: []signature{{id: "pfx-a"}, {id: "pfx-r"}},
			expect: from("https://idp.mycompany.com/simplesaml/saml2/idp/metadata.php", "vkim", "both")},
		// The product's own documents show no Issuer and no Destination on the Response, and the Signature before Status.
		{name: "vendor-line-works-sample", base: vendor(worksShape), sign: []signature{{id: "works-response"}}, expect: from("mycompany-idp", "vkim", "response")},
	}
}

const subjectTail = `<saml2:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml2:SubjectConfirmationData InResponseTo="{request}" NotOnOrAfter="{after}" Recipient="{acs}"/></saml2:SubjectConfirmation></saml2:Subject>
<saml2:Conditions NotBefore="{before}" NotOnOrAfter="{after}"><saml2:AudienceRestriction><saml2:Audience>{sp}</saml2:Audience></saml2:AudienceRestriction></saml2:Conditions>
<saml2:AuthnStatement AuthnInstant="{now}" SessionIndex="{request}"><saml2:AuthnContext><saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml2:AuthnContextClassRef></saml2:AuthnContext></saml2:AuthnStatement>`

const oktaShape = `<saml2p:Response xmlns:saml2p="{protocol}" xmlns:xs="http://www.w3.org/2001/XMLSchema" Destination="{acs}" ID="id1234" InResponseTo="{request}" IssueInstant="{now}" Version="2.0">
<saml2:Issuer xmlns:saml2="{assertion}" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">http://www.okta.com/exk1</saml2:Issuer>
<saml2p:Status><saml2p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></saml2p:Status>
<saml2:Assertion xmlns:saml2="{assertion}" ID="id5678" IssueInstant="{now}" Version="2.0"><saml2:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">http://www.okta.com/exk1</saml2:Issuer>
<saml2:Subject><saml2:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">victoria.kim@mycompany.com</saml2:NameID>` + subjectTail + `
<saml2:AttributeStatement><saml2:Attribute Name="groups" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"><saml2:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">Everyone</saml2:AttributeValue></saml2:Attribute></saml2:AttributeStatement></saml2:Assertion></saml2p:Response>`

// Confirmations are good for an hour there.
const entraShape = `<samlp:Response ID="_r-entra" Version="2.0" IssueInstant="{now}" Destination="{acs}" InResponseTo="{request}" xmlns:samlp="{protocol}">
<Issuer xmlns="{assertion}">https://sts.windows.net/0f0f/</Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
<Assertion ID="_a-entra" IssueInstant="{now}" Version="2.0" xmlns="{assertion}"><Issuer>https://sts.windows.net/0f0f/</Issuer>
<Subject><NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">victoria.kim@mycompany.com</NameID><SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData InResponseTo="{request}" NotOnOrAfter="2027-01-15T09:59:58.002Z" Recipient="{acs}"/></SubjectConfirmation></Subject>
<Conditions NotBefore="{before}" NotOnOrAfter="2027-01-15T09:59:58.002Z"><AudienceRestriction><Audience>{sp}</Audience></AudienceRestriction></Conditions>
<AttributeStatement><Attribute Name="http://schemas.microsoft.com/identity/claims/tenantid"><AttributeValue>0f0f</AttributeValue></Attribute><Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"><AttributeValue>victoria.kim@mycompany.com</AttributeValue></Attribute></AttributeStatement>
<AuthnStatement AuthnInstant="2027-01-15T08:58:58.000Z" SessionIndex="_a-entra"><AuthnContext><AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</AuthnContextClassRef></AuthnContext></AuthnStatement></Assertion></samlp:Response>`

const googleShape = `<?xml version="1.0" encoding="UTF-8" standalone="no"?><saml2p:Response xmlns:saml2p="{protocol}" Destination="{acs}" ID="_r-google" InResponseTo="{request}" IssueInstant="{now}" Version="2.0">
<saml2:Issuer xmlns:saml2="{assertion}">https://accounts.google.com/o/saml2?idpid=C01</saml2:Issuer><saml2p:Status><saml2p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></saml2p:Status>
<saml2:Assertion xmlns:saml2="{assertion}" ID="_a-google" IssueInstant="{now}" Version="2.0"><saml2:Issuer>https://accounts.google.com/o/saml2?idpid=C01</saml2:Issuer>
<saml2:Subject><saml2:NameID>victoria.kim@mycompany.com</saml2:NameID>` + subjectTail + `</saml2:Assertion></saml2p:Response>`

const adfsShape = `<samlp:Response ID="_r-adfs" Version="2.0" IssueInstant="{now}" Destination="{acs}" Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified" InResponseTo="{request}" xmlns:samlp="{protocol}">
<Issuer xmlns="{assertion}">http://fs.mycompany.com/adfs/services/trust</Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success" /></samlp:Status>
<Assertion ID="_a-adfs" IssueInstant="{now}" Version="2.0" xmlns="{assertion}"><Issuer>http://fs.mycompany.com/adfs/services/trust</Issuer>
<Subject><NameID>MYCOMPANY\vkim</NameID><SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData InResponseTo="{request}" NotOnOrAfter="{after}" Recipient="{acs}" /></SubjectConfirmation></Subject>
<Conditions NotBefore="{before}" NotOnOrAfter="2027-01-15T09:54:58.000Z"><AudienceRestriction><Audience>{sp}</Audience></AudienceRestriction></Conditions>
<AttributeStatement><Attribute Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn" a:OriginalIssuer="LOCAL" xmlns:a="http://schemas.xmlsoap.org/ws/2009/09/identity/claims"><AttributeValue>vkim@mycompany.com</AttributeValue></Attribute></AttributeStatement>
<AuthnStatement AuthnInstant="{before}" SessionIndex="_a-adfs"><AuthnContext><AuthnContextClassRef>urn:federation:authentication:windows</AuthnContextClassRef></AuthnContext></AuthnStatement></Assertion></samlp:Response>`

const keycloakShape = `<samlp:Response xmlns:samlp="{protocol}" xmlns:saml="{assertion}" Destination="{acs}" ID="ID_r" InResponseTo="{request}" IssueInstant="{now}" Version="2.0">
<saml:Issuer>https://sso.mycompany.com/realms/main</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
<saml:Assertion xmlns="{assertion}" ID="ID_a" IssueInstant="{now}" Version="2.0"><saml:Issuer>https://sso.mycompany.com/realms/main</saml:Issuer>
<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">vkim</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="{request}" NotOnOrAfter="{after}" Recipient="{acs}"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{before}" NotOnOrAfter="{after}"><saml:AudienceRestriction><saml:Audience>{sp}</saml:Audience></saml:AudienceRestriction><saml:OneTimeUse/></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="b7::c1" SessionNotOnOrAfter="2027-01-15T18:59:58.000Z"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
<saml:AttributeStatement><saml:Attribute FriendlyName="email" Name="email" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"><saml:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">vkim@mycompany.com</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>`

const shibbolethShape = `<?xml version="1.0" encoding="UTF-8"?>
<saml2p:Response xmlns:saml2p="{protocol}" Destination="{acs}" ID="_r-shib" InResponseTo="{request}" IssueInstant="{now}" Version="2.0">
<saml2:Issuer xmlns:saml2="{assertion}">https://idp.mycompany.com/idp/shibboleth</saml2:Issuer><saml2p:Status><saml2p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></saml2p:Status>
<saml2:Assertion xmlns:saml2="{assertion}" xmlns:xsd="http://www.w3.org/2001/XMLSchema" ID="_a-shib" IssueInstant="{now}" Version="2.0"><saml2:Issuer>https://idp.mycompany.com/idp/shibboleth</saml2:Issuer>
<saml2:Subject><saml2:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient" NameQualifier="https://idp.mycompany.com/idp/shibboleth" SPNameQualifier="{sp}">AAdzZWNyZXQx</saml2:NameID>` + subjectTail + `
<saml2:AttributeStatement><saml2:Attribute FriendlyName="eduPersonTargetedID" Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.10" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml2:AttributeValue><saml2:NameID>opaque</saml2:NameID></saml2:AttributeValue></saml2:Attribute></saml2:AttributeStatement></saml2:Assertion></saml2p:Response>`

const simpleShape = `<samlp:Response xmlns:samlp="{protocol}" xmlns:saml="{assertion}" ID="pfx-r" Version="2.0" IssueInstant="2027-01-15T08:59:58Z" Destination="{acs}" InResponseTo="{request}"><saml:Issuer>https://idp.mycompany.com/simplesaml/saml2/idp/metadata.php</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
<saml:Assertion xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="pfx-a" Version="2.0" IssueInstant="2027-01-15T08:59:58Z"><saml:Issuer>https://idp.mycompany.com/simplesaml/saml2/idp/metadata.php</saml:Issuer>
<saml:Subject><saml:NameID SPNameQualifier="{sp}" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">vkim</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{after}" Recipient="{acs}" InResponseTo="{request}"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{before}" NotOnOrAfter="{after}"><saml:AudienceRestriction><saml:Audience>{sp}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}" SessionNotOnOrAfter="2027-01-15T16:59:58Z" SessionIndex="_be9967abd904ddcae3c0eb4189adbe3f71e327cf93"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
<saml:AttributeStatement><saml:Attribute Name="uid" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"><saml:AttributeValue xsi:type="xs:string">vkim</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>`

const worksShape = `<?xml version="1.0" encoding="UTF-8"?><saml2p:Response xmlns:saml2p="{protocol}" ID="works-response" InResponseTo="{request}" IssueInstant="2027-01-15T08:59:58Z" Version="2.0"><saml2p:Status><saml2p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></saml2p:Status>
<saml2:Assertion xmlns:saml2="{assertion}" ID="works-assertion" IssueInstant="2027-01-15T08:59:58Z" Version="2.0"><saml2:Issuer>mycompany-idp</saml2:Issuer>
<saml2:Subject><saml2:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">vkim</saml2:NameID>` + subjectTail + `</saml2:Assertion></saml2p:Response>`
