package e2e

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// Catcher is a service provider that asks and only catches what comes back, unjudged.
type Catcher struct {
	URL      string
	EntityID string
	ACS      string     // catches a POST
	Callback string     // catches a query
	Caught   url.Values // of the last one, written before the person sees an answer
}

// NewCatcher starts a catcher on 127.0.0.1.
func NewCatcher(t testing.TB) *Catcher {
	c := &Catcher{}
	mux := http.NewServeMux()
	caught := func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c.Caught = r.Form
		fmt.Fprint(w, "caught")
	}
	mux.HandleFunc("POST /acs", caught)
	mux.HandleFunc("GET /callback", caught)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c.URL, c.EntityID = server.URL, server.URL+"/metadata"
	c.ACS, c.Callback = server.URL+"/acs", server.URL+"/callback"
	return c
}

// Metadata is the catcher's SAML metadata; with keys it names them for signing and encryption.
func (c *Catcher) Metadata(keys *Keys) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="%s">`, c.EntityID)
	b.WriteString(`<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">`)
	if keys != nil {
		der := bytes.ReplaceAll(bytes.Join(bytes.Split(keys.Certificate, []byte("-----"))[2:3], nil), []byte("\n"), nil)
		fmt.Fprintf(&b, `<KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>%s`+
			`</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`, der)
	}
	fmt.Fprintf(&b, `<AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="%s" index="0"`+
		` isDefault="true"/></SPSSODescriptor></EntityDescriptor>`, c.ACS)
	return b.Bytes()
}

// Ask is an AuthnRequest by the redirect binding (SAML Bindings 3.4) and its ID.
func (c *Catcher) Ask(t testing.TB, ssoURL string) (address, id string) {
	t.Helper()
	id = "_" + rand.Text()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(w, `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="%s" Version="2.0" IssueInstant="%s"`+
		` Destination="%s" AssertionConsumerServiceURL="%s" ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST">`+
		`<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">%s</saml:Issuer></samlp:AuthnRequest>`,
		id, time.Now().UTC().Format(time.RFC3339), ssoURL, c.ACS, c.EntityID)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	query := url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(b.Bytes())}, "RelayState": {"relay-" + id}}
	return ssoURL + "?" + query.Encode(), id
}
