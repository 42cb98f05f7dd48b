package e2e

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/e2e/servers"
)

// SAMLIDP starts saml-idp (npm). It signs response and assertion with RSA-SHA256, puts whatever is typed into the NameID,
// and encrypts with AES-256-CBC when sp.Encrypt is set. Its metadata is made of the Host header.
func SAMLIDP(t testing.TB, sp ServiceProvider) *SAMLProvider {
	t.Helper()
	port, keys := servers.FreePort(t), NewKeys(t, "saml-idp")
	args := []string{
		node(t, "node_modules", "saml-idp", "bin", "run.js"), "--host", "127.0.0.1", "--port", fmt.Sprint(port),
		"--issuer", "urn:example:saml-idp", "--acsUrl", sp.ACS, "--audience", sp.EntityID, "--disableRequestAcsUrl",
		"--cert", writeFile(t, "cert.pem", keys.Certificate), "--key", writeFile(t, "key.pem", keys.Key),
	}
	if e := sp.Encrypt; e != nil {
		args = append(args, "--encryptAssertion", "--encryptionCert", writeFile(t, "enc.pem", e.Certificate),
			"--encryptionPublicKey", writeFile(t, "enc.pub", e.Public))
	}
	p := Start(t, "", "node", args...)
	return newSAMLProvider(t, p, "saml-idp", localhost(port), func(user string) Form {
		return Form{Fields: map[string]string{"userName": user, "email": user}, Submit: "#btn-sign-in"}
	})
}

// PySAML2 starts pysaml2/idp.py. Further fields of its form choose how the answer is made: sign (response, assertion, both,
// none), digest (sha1, sha256, sha512), encrypt (no, aes128-cbc, aes256-cbc, aes256-gcm, tripledes-cbc).
func PySAML2(t testing.TB, sp ServiceProvider) *SAMLProvider {
	t.Helper()
	port, keys := servers.FreePort(t), NewKeys(t, "pysaml2")
	p := Start(t, "", "/usr/bin/python3", "-B", Root()+"/e2e/pysaml2/idp.py", "--port", fmt.Sprint(port),
		"--key", writeFile(t, "key.pem", keys.Key), "--cert", writeFile(t, "cert.pem", keys.Certificate),
		"--sp", writeFile(t, "sp.xml", sp.Metadata))
	return newSAMLProvider(t, p, "pysaml2", localhost(port), func(user string) Form {
		return Form{Fields: map[string]string{"user": user}, Submit: "button"}
	})
}

// CrewjamIDP starts samlidp of crewjam/saml for the given people (e-mail addresses). It signs response and assertion with RSA-SHA256, and
// encrypts with AES-128-CBC whenever sp.Metadata names a key.
func CrewjamIDP(t testing.TB, sp ServiceProvider, people ...string) *SAMLProvider {
	t.Helper()
	port, keys := servers.FreePort(t), NewKeys(t, "samlidp")
	p := Start(t, "", foreign(t, "samlidp"), "-port", fmt.Sprint(port), "-users", strings.Join(people, ","),
		"-key", writeFile(t, "key.pem", keys.Key), "-cert", writeFile(t, "cert.pem", keys.Certificate),
		"-sp", writeFile(t, "sp.xml", sp.Metadata))
	return newSAMLProvider(t, p, "samlidp", localhost(port), func(user string) Form {
		return Form{Fields: map[string]string{"user": user, "password": "password"}, Submit: "button"}
	})
}

func newSAMLProvider(t testing.TB, p *Process, name, base string, signIn func(string) Form) *SAMLProvider {
	t.Helper()
	p.WaitFor(t, base+"/metadata")
	provider := &SAMLProvider{
		Name: name, Base: base, Metadata: fetch(t, base+"/metadata"), SignIn: signIn, Process: p,
	}
	var entity struct {
		EntityID string `xml:"entityID,attr"`
		SSO      []struct {
			Location string `xml:"Location,attr"`
		} `xml:"IDPSSODescriptor>SingleSignOnService"`
	}
	if err := xml.Unmarshal(provider.Metadata, &entity); err != nil || len(entity.SSO) == 0 {
		t.Fatalf("e2e: metadata of %s: %v\n%s", name, err, provider.Metadata)
	}
	provider.EntityID, provider.SSOURL = entity.EntityID, entity.SSO[0].Location
	return provider
}
