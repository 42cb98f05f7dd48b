package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"testing"
)

// Form is how a person signs in at a provider: what is typed into the inputs of that name, and what is clicked.
type Form struct {
	Fields map[string]string
	Submit string // CSS selector
}

// With returns the form with further fields, given as name, value, name, value.
func (f Form) With(pairs ...string) Form {
	fields := maps.Clone(f.Fields)
	for i := 0; i+1 < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	return Form{Fields: fields, Submit: f.Submit}
}

// ServiceProvider is what a SAML identity provider is told about us.
type ServiceProvider struct {
	EntityID string
	ACS      string
	Metadata []byte // XML; with an encryption key, providers that read it encrypt or can
	Encrypt  *Keys  // for saml-idp, which takes certificate and public key as files and then always encrypts
}

// SAMLProvider is a running SAML identity provider.
type SAMLProvider struct {
	Name     string
	EntityID string
	SSOURL   string // both bindings
	Metadata []byte
	Base     string                 // "http://localhost:port"
	SignIn   func(user string) Form // user becomes the NameID
	*Process
}

// OIDCClient is what an OpenID provider is told about us.
type OIDCClient struct {
	ID, Secret, RedirectURI string
}

// OIDCProvider is a running OpenID provider.
type OIDCProvider struct {
	Name    string
	Issuer  string
	SignIn  func(user string) Form
	Subject func(user string) string // the sub that stands for the user
	*Process
}

// localhost is the address by which providers are known; it is another site than the gateway's 127.0.0.1.
func localhost(port int) string { return fmt.Sprintf("http://localhost:%d", port) }

// fetch returns the body of an address that must answer 200.
func fetch(t testing.TB, address string) []byte {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatalf("e2e: %v", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("e2e: %s answers %s, %v\n%s", address, res.Status, err, body)
	}
	return body
}
