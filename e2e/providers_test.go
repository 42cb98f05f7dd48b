package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/ssogate/ssogate/e2e"
)

var capture = flag.Bool("capture", false, "write what the SAML providers send to testdata/captured")

func TestMain(m *testing.M) { os.Exit(e2e.Main(m)) }

const (
	user  = "kim@mycompany.com"
	other = "lee@mycompany.com"
)

func TestSAMLProviders(t *testing.T) {
	t.Parallel()
	cases := []struct {
		provider, variant string
		start             func(testing.TB, *e2e.Catcher, *e2e.Keys) *e2e.SAMLProvider
		fields            []string
		encrypted         bool
		signed            []string // which elements carry a signature, as far as one can see
		algorithm         string
	}{
		{"saml-idp", "both", samlIDP, nil, false, []string{"Response", "Assertion"}, "rsa-sha256"},
		{"saml-idp", "encrypted", samlIDP, nil, true, []string{"Response"}, "rsa-sha256"},
		{"pysaml2", "both", pySAML2, []string{"sign", "both"}, false, []string{"Response", "Assertion"}, "rsa-sha256"},
		{"pysaml2", "response-only", pySAML2, []string{"sign", "response"}, false, []string{"Response"}, "rsa-sha256"},
		{"pysaml2", "assertion-only", pySAML2, []string{"sign", "assertion"}, false, []string{"Assertion"}, "rsa-sha256"},
		{"pysaml2", "sha512", pySAML2, []string{"digest", "sha512"}, false, []string{"Response", "Assertion"}, "rsa-sha512"},
		{"pysaml2", "sha1", pySAML2, []string{"digest", "sha1"}, false, []string{"Response", "Assertion"}, "rsa-sha1"},
		{"pysaml2", "aes256-cbc", pySAML2, []string{"encrypt", "aes256-cbc"}, true, []string{"Response"}, "#aes256-cbc"},
		{"pysaml2", "aes256-gcm", pySAML2, []string{"encrypt", "aes256-gcm"}, true, []string{"Response"}, "#aes256-gcm"},
		{"pysaml2", "tripledes-cbc", pySAML2, []string{"encrypt", "tripledes-cbc"}, true, []string{"Response"}, "#tripledes-cbc"},
		{"pysaml2", "aes128-cbc-assertion-only", pySAML2, []string{"encrypt", "aes128-cbc", "sign", "assertion"}, true, nil, "#aes128-cbc"},
		{"pysaml2", "unsigned", pySAML2, []string{"sign", "none"}, false, nil, ""},
		{"samlidp", "both", crewjamIDP, nil, false, []string{"Response", "Assertion"}, "rsa-sha256"},
		{"samlidp", "encrypted", crewjamIDP, nil, true, []string{"Response"}, "rsa-sha256"},
	}
	for _, c := range cases {
		t.Run(c.provider+"/"+c.variant, func(t *testing.T) {
			t.Parallel()
			catcher, keys := e2e.NewCatcher(t), (*e2e.Keys)(nil)
			if c.encrypted {
				made := e2e.NewKeys(t, "gateway")
				keys = &made
			}
			idp := c.start(t, catcher, keys)
			address, id := catcher.Ask(t, idp.SSOURL)
			end := e2e.NewPerson(t).SignIn(address, idp.SignIn(user).With(c.fields...))
			if end.Body != "caught" {
				t.Fatalf("the sign-in ended elsewhere: %s", end)
			}
			raw := catcher.Caught.Get("SAMLResponse")
			response, err := base64.StdEncoding.DecodeString(raw)
			if err != nil {
				t.Fatal(err)
			}
			got := look(t, response)
			if got.InResponseTo != id || got.Destination != catcher.ACS || got.Issuer != idp.EntityID {
				t.Errorf("response for request %q, destination %q, issuer %q; got %+v", id, catcher.ACS, idp.EntityID, got)
			}
			if !slices.Equal(got.signed(), c.signed) {
				t.Errorf("signed elements: want %v, got %v", c.signed, got.signed())
			}
			if got.encrypted() != c.encrypted {
				t.Errorf("encrypted: want %v, got %v", c.encrypted, got.encrypted())
			}
			if !strings.Contains(string(response), c.algorithm) {
				t.Errorf("no %s in the response", c.algorithm)
			}
			if want := "relay-" + id; catcher.Caught.Get("RelayState") != want {
				t.Errorf("RelayState: want %q, got %q", want, catcher.Caught.Get("RelayState"))
			}
			if *capture {
				keep(t, c.provider+"-"+c.variant, raw, idp, catcher, id, keys)
			}
		})
	}
}

// seen is what can be read of a response without judging it.
type seen struct {
	InResponseTo string         `xml:"InResponseTo,attr"`
	Destination  string         `xml:"Destination,attr"`
	Issuer       string         `xml:"urn:oasis:names:tc:SAML:2.0:assertion Issuer"`
	Signature    []xml.CharData `xml:"http://www.w3.org/2000/09/xmldsig# Signature"`
	Encrypted    []xml.CharData `xml:"urn:oasis:names:tc:SAML:2.0:assertion EncryptedAssertion"`
	Assertion    []struct {
		NameID    string         `xml:"Subject>NameID"`
		Signature []xml.CharData `xml:"http://www.w3.org/2000/09/xmldsig# Signature"`
	} `xml:"urn:oasis:names:tc:SAML:2.0:assertion Assertion"`
}

func look(t *testing.T, response []byte) seen {
	t.Helper()
	var s seen
	if err := xml.Unmarshal(response, &s); err != nil {
		t.Fatalf("%v\n%s", err, response)
	}
	return s
}

func (s seen) encrypted() bool { return len(s.Encrypted) == 1 && len(s.Assertion) == 0 }

func (s seen) signed() []string {
	var names []string
	if len(s.Signature) > 0 {
		names = append(names, "Response")
	}
	if len(s.Assertion) == 1 && len(s.Assertion[0].Signature) > 0 {
		names = append(names, "Assertion")
	}
	return names
}

func samlIDP(t testing.TB, c *e2e.Catcher, keys *e2e.Keys) *e2e.SAMLProvider {
	return e2e.SAMLIDP(t, e2e.ServiceProvider{EntityID: c.EntityID, ACS: c.ACS, Encrypt: keys})
}

func pySAML2(t testing.TB, c *e2e.Catcher, keys *e2e.Keys) *e2e.SAMLProvider {
	return e2e.PySAML2(t, e2e.ServiceProvider{EntityID: c.EntityID, ACS: c.ACS, Metadata: c.Metadata(keys)})
}

func crewjamIDP(t testing.TB, c *e2e.Catcher, keys *e2e.Keys) *e2e.SAMLProvider {
	return e2e.CrewjamIDP(t, e2e.ServiceProvider{EntityID: c.EntityID, ACS: c.ACS, Metadata: c.Metadata(keys)}, user, other)
}

// keep writes a case for the readers of SAML responses: what came, and what it must agree with.
func keep(t *testing.T, name, response string, idp *e2e.SAMLProvider, c *e2e.Catcher, id string, keys *e2e.Keys) {
	t.Helper()
	folder := filepath.Join("testdata", "captured", name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	expect, err := json.MarshalIndent(map[string]string{
		"entity_id": c.EntityID, "acs": c.ACS, "request_id": id, "now": time.Now().UTC().Format(time.RFC3339),
		"name_id": user, "issuer": idp.EntityID,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"response.b64": []byte(response + "\n"), "idp.xml": idp.Metadata, "expect.json": append(expect, '\n'),
	}
	if keys != nil {
		files["sp.key"], files["sp.crt"] = keys.Key, keys.Certificate
	}
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(folder, file), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPySAML2StartsWithoutARequest(t *testing.T) {
	t.Parallel()
	catcher := e2e.NewCatcher(t)
	idp := pySAML2(t, catcher, nil)
	end := e2e.NewPerson(t).SignIn(idp.Base+"/unsolicited?sp="+catcher.EntityID, idp.SignIn(user))
	if end.Body != "caught" {
		t.Fatal(end)
	}
	response, err := base64.StdEncoding.DecodeString(catcher.Caught.Get("SAMLResponse"))
	if err != nil {
		t.Fatal(err)
	}
	if got := look(t, response); got.InResponseTo != "" || len(got.Assertion) != 1 || got.Assertion[0].NameID != user {
		t.Errorf("want an unsolicited response for %s, got %+v", user, got)
	}
	if *capture {
		keep(t, "pysaml2-unsolicited", catcher.Caught.Get("SAMLResponse"), idp, catcher, "", nil)
	}
}

func TestOIDCProviders(t *testing.T) {
	t.Parallel()
	client := func(c *e2e.Catcher) e2e.OIDCClient {
		return e2e.OIDCClient{ID: "gateway", Secret: "a secret of thirty-two characters", RedirectURI: c.Callback}
	}
	cases := map[string]func(testing.TB, *e2e.Catcher) *e2e.OIDCProvider{
		"oidc-provider": func(t testing.TB, c *e2e.Catcher) *e2e.OIDCProvider { return e2e.OIDCProviderNode(t, client(c)) },
		"dex":           func(t testing.TB, c *e2e.Catcher) *e2e.OIDCProvider { return e2e.Dex(t, client(c), user, other) },
		"zitadel":       func(t testing.TB, c *e2e.Catcher) *e2e.OIDCProvider { return e2e.Zitadel(t, client(c), user, other) },
	}
	for name, start := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			catcher := e2e.NewCatcher(t)
			idp := start(t, catcher)
			provider, err := oidc.NewProvider(t.Context(), idp.Issuer)
			if err != nil {
				t.Fatal(err)
			}
			c := client(catcher)
			config := oauth2.Config{
				ClientID: c.ID, ClientSecret: c.Secret, Endpoint: provider.Endpoint(), RedirectURL: c.RedirectURI,
				Scopes: []string{"openid", "email"},
			}
			verifier := oauth2.GenerateVerifier()
			end := e2e.NewPerson(t).SignIn(config.AuthCodeURL("the state", oauth2.S256ChallengeOption(verifier)), idp.SignIn(user))
			if end.Body != "caught" {
				t.Fatal(end)
			}
			if got := catcher.Caught.Get("state"); got != "the state" {
				t.Errorf("state: got %q", got)
			}
			token, err := config.Exchange(t.Context(), catcher.Caught.Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := token.Extra("id_token").(string)
			verified, err := provider.Verifier(&oidc.Config{ClientID: c.ID}).Verify(t.Context(), raw)
			if err != nil {
				t.Fatal(err)
			}
			if want := idp.Subject(user); verified.Subject != want {
				t.Errorf("sub: want %q, got %q", want, verified.Subject)
			}
			info, err := provider.UserInfo(t.Context(), config.TokenSource(t.Context(), token))
			if err != nil || info.Email != user {
				t.Errorf("user info: want e-mail %q, got %+v, %v", user, info, err)
			}
		})
	}
}
