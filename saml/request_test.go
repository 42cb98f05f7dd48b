package saml_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"io"
	"math/big"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"
	"github.com/google/go-cmp/cmp"

	"github.com/ssogate/ssogate/saml"
)

const (
	rsaSHA256   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	ecdsaSHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
)

func testRequest() saml.Request {
	return saml.Request{
		ID:           "_9d2f1c0b3a485766e1d0c2b4a6978f5041326374",
		Destination:  "https://idp.example.com/sso",
		ACS:          "https://login.example.com/acs/mycompany.com",
		EntityID:     "https://login.example.com/saml/mycompany.com/metadata",
		ProviderName: "Works & Co",
		IssueInstant: outgoingNow,
	}
}

func TestRequestDocument(t *testing.T) {
	plain := `<saml2p:AuthnRequest xmlns:saml2p="urn:oasis:names:tc:SAML:2.0:protocol"` +
		` AssertionConsumerServiceURL="https://login.example.com/acs/mycompany.com" Destination="https://idp.example.com/sso"` +
		`{force} ID="_9d2f1c0b3a485766e1d0c2b4a6978f5041326374" IssueInstant="2026-11-22T03:04:05.678Z"` +
		` ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" ProviderName="Works &amp; Co" Version="2.0">` +
		`<saml2:Issuer xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion">https://login.example.com/saml/mycompany.com/metadata</saml2:Issuer>` +
		`{extensions}<saml2p:NameIDPolicy {policy}/></saml2p:AuthnRequest>`
	fill := func(force, extensions, policy string) string {
		return strings.NewReplacer("{force}", force, "{extensions}", extensions, "{policy}", policy).Replace(plain)
	}
	unspecified, persistent := `Format="`+saml.UnspecifiedNameID+`"`, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	app := `<saml2p:Extensions><ssogate:userAgent xmlns:ssogate="urn:ssogate:names:saml:extensions">LineWorks</ssogate:userAgent></saml2p:Extensions>`
	cases := map[string]struct {
		change func(*saml.Request)
		want   string
	}{
		"web":         {func(*saml.Request) {}, fill("", "", unspecified)},
		"app":         {func(r *saml.Request) { r.App = true }, fill("", app, unspecified)},
		"force":       {func(r *saml.Request) { r.ForceAuthn = true }, fill(` ForceAuthn="true"`, "", unspecified)},
		"name format": {func(r *saml.Request) { r.NameIDFormat = "urn:x" }, fill("", "", `Format="urn:x"`)},
		"persistent":  {func(r *saml.Request) { r.NameIDFormat = persistent }, fill("", "", `AllowCreate="true" Format="`+persistent+`"`)},
		"other zone":  {func(r *saml.Request) { r.IssueInstant = r.IssueInstant.In(time.FixedZone("JST", 9*3600)) }, fill("", "", unspecified)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := testRequest()
			c.change(&r)
			location, err := r.Redirect("handle", nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(inflated(t, location))); diff != "" {
				t.Error("redirect (-want +got):", diff)
			}
			fields, err := r.POST("handle")
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"SAMLRequest": base64.StdEncoding.EncodeToString([]byte(c.want)), "RelayState": "handle"}
			if diff := cmp.Diff(want, fields); diff != "" {
				t.Error("post (-want +got):", diff)
			}
		})
	}
}

// What a domain administrator or a person typed never becomes markup, and a foreign reader sees it unchanged.
func TestRequestEscapes(t *testing.T) {
	hostile := `a"b'c <d>&e` + "\t日本"
	r := testRequest()
	r.EntityID, r.ProviderName, r.NameIDFormat = hostile, hostile, hostile
	r.Destination = `https://idp.example.com/sso?x=<"'>`
	location, err := r.Redirect(hostile, url.Values{"worksId": {hostile}})
	if err != nil {
		t.Fatal(err)
	}
	var got crewjam.AuthnRequest
	if err := xml.Unmarshal(inflated(t, location), &got); err != nil {
		t.Fatal(err)
	}
	want := []string{hostile, hostile, hostile, r.Destination}
	if diff := cmp.Diff(want, []string{got.Issuer.Value, got.ProviderName, *got.NameIDPolicy.Format, got.Destination}); diff != "" {
		t.Error(diff)
	}
	query := parsed(t, location).Query()
	if query.Get("RelayState") != hostile || query.Get("worksId") != hostile {
		t.Errorf("the query reads %q", query)
	}
	if _, raw, _ := strings.Cut(location, "RelayState="); strings.ContainsAny(raw, `<>"+ `) {
		t.Errorf("unescaped octets in %q", raw)
	}
}

func TestRequestRedirectAddress(t *testing.T) {
	cases := map[string]struct {
		destination, relayState string
		extra                   url.Values
		prefix                  string
		names                   []string // of the parameters in order
	}{
		"plain":          {"https://idp.example.com/sso", "h", nil, "https://idp.example.com/sso?SAMLRequest=", []string{"SAMLRequest", "RelayState"}},
		"no relay state": {"https://idp.example.com/sso", "", nil, "https://idp.example.com/sso?SAMLRequest=", []string{"SAMLRequest"}},
		"query kept": {
			"https://accounts.google.com/o/saml2/idp?idpid=C01", "h", nil,
			"https://accounts.google.com/o/saml2/idp?idpid=C01&SAMLRequest=", []string{"idpid", "SAMLRequest", "RelayState"},
		},
		"empty query": {"https://idp.example.com/sso?", "h", nil, "https://idp.example.com/sso?SAMLRequest=", []string{"SAMLRequest", "RelayState"}},
		"extra": {
			"https://idp.example.com/sso", "h", url.Values{"worksId": {"taro@mycompany.com"}},
			"https://idp.example.com/sso?SAMLRequest=", []string{"SAMLRequest", "RelayState", "worksId"},
		},
		"extra without value": {"https://idp.example.com/sso", "h", url.Values{"worksId": nil}, "https://idp.example.com/sso?", []string{"SAMLRequest", "RelayState"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := testRequest()
			r.Destination = c.destination
			location, err := r.Redirect(c.relayState, c.extra)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(location, c.prefix) {
				t.Errorf("got %s, want the prefix %s", location, c.prefix)
			}
			if diff := cmp.Diff(c.names, parameterNames(parsed(t, location).RawQuery)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The octets under the signature are those of the address, from SAMLRequest to SigAlg (Bindings 3.4.4.1).
func TestRequestRedirectSignature(t *testing.T) {
	ec := outgoingECDSA(t, elliptic.P256())
	keys := map[string]saml.KeyPair{rsaSHA256: outgoingRSA(), ecdsaSHA256: ec}
	for algorithm, key := range keys {
		for _, relayState := range []string{"", "a handle+with/odd=octets"} {
			t.Run(algorithm+" "+relayState, func(t *testing.T) {
				r := testRequest()
				r.Destination, r.Sign = "https://idp.example.com/sso?tenant=1", &key
				location, err := r.Redirect(relayState, url.Values{"worksId": {"taro"}})
				if err != nil {
					t.Fatal(err)
				}
				raw := parsed(t, location).RawQuery
				want := []string{"tenant", "SAMLRequest", "RelayState", "SigAlg", "Signature", "worksId"}
				if relayState == "" {
					want = []string{"tenant", "SAMLRequest", "SigAlg", "Signature", "worksId"}
				}
				if diff := cmp.Diff(want, parameterNames(raw)); diff != "" {
					t.Fatal(diff)
				}
				octets := signedOctets(t, raw)
				query := parsed(t, location).Query()
				if query.Get("SigAlg") != algorithm {
					t.Errorf("got SigAlg %s", query.Get("SigAlg"))
				}
				signature, err := base64.StdEncoding.DecodeString(query.Get("Signature"))
				if err != nil {
					t.Fatal(err)
				}
				if !verifies(key, octets, signature) {
					t.Errorf("the signature does not verify over %q", octets)
				}
				if verifies(key, octets+"x", signature) {
					t.Error("the signature verifies anything")
				}
				if bytes.Contains(inflated(t, location), []byte("Signature")) {
					t.Error("the message carries an XML signature as well")
				}
			})
		}
	}
}

func TestRequestPOSTSignature(t *testing.T) {
	ec := outgoingECDSA(t, elliptic.P256())
	afterIssuer := regexp.MustCompile(`</saml2:Issuer><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>`)
	for algorithm, key := range map[string]saml.KeyPair{rsaSHA256: outgoingRSA(), ecdsaSHA256: ec} {
		t.Run(algorithm, func(t *testing.T) {
			r := testRequest()
			r.App, r.Sign, r.ProviderName = true, &key, "Größe & \"Ware\"\n<b>"
			fields, err := r.POST("handle")
			if err != nil {
				t.Fatal(err)
			}
			doc, err := base64.StdEncoding.DecodeString(fields["SAMLRequest"])
			if err != nil {
				t.Fatal(err)
			}
			if !afterIssuer.Match(doc) {
				t.Errorf("no signature after the issuer: %s", doc)
			}
			for _, part := range []string{
				`<ds:Reference URI="#` + r.ID + `">`, `SignatureMethod Algorithm="` + algorithm + `"`,
				`CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"`,
				`DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"`,
			} {
				if !bytes.Contains(doc, []byte(part)) {
					t.Errorf("no %s in %s", part, doc)
				}
			}
			element := "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest"
			if err := xmlsec(doc, element, key.Certificate, t.TempDir()); err != nil {
				t.Error("xmlsec1:", err)
			}
			forged := bytes.Replace(doc, []byte("mycompany.com"), []byte("yourcompany.com"), 1)
			if err := xmlsec(forged, element, key.Certificate, t.TempDir()); err == nil {
				t.Error("xmlsec1 accepts a changed request")
			}
		})
	}
}

func TestRequestRefusals(t *testing.T) {
	weak := outgoingECDSA(t, elliptic.P384())
	mixed := saml.KeyPair{Signer: outgoingRSA().Signer, Certificate: weak.Certificate}
	cases := map[string]struct {
		change func(*saml.Request)
		code   string
	}{
		"no ID":                 {func(r *saml.Request) { r.ID = "" }, "saml_request_id"},
		"ID with a digit first": {func(r *saml.Request) { r.ID = "1a" }, "saml_request_id"},
		"ID with markup":        {func(r *saml.Request) { r.ID = `a"b` }, "saml_request_id"},
		"no entity ID":          {func(r *saml.Request) { r.EntityID = "" }, "saml_request_incomplete"},
		"no ACS":                {func(r *saml.Request) { r.ACS = "" }, "saml_request_incomplete"},
		"no time":               {func(r *saml.Request) { r.IssueInstant = time.Time{} }, "saml_request_incomplete"},
		"no destination":        {func(r *saml.Request) { r.Destination = "" }, "saml_request_destination"},
		"relative":              {func(r *saml.Request) { r.Destination = "/sso" }, "saml_request_destination"},
		"javascript":            {func(r *saml.Request) { r.Destination = "javascript:alert(1)" }, "saml_request_destination"},
		"ftp":                   {func(r *saml.Request) { r.Destination = "ftp://idp.example.com/sso" }, "saml_request_destination"},
		"user":                  {func(r *saml.Request) { r.Destination = "https://a@idp.example.com/" }, "saml_request_destination"},
		"fragment":              {func(r *saml.Request) { r.Destination = "https://idp.example.com/#" }, "saml_request_destination"},
		"line end":              {func(r *saml.Request) { r.Destination = "https://idp.example.com/\r\nx" }, "saml_request_destination"},
		"second SAMLRequest":    {func(r *saml.Request) { r.Destination += "?SAMLRequest=x" }, "saml_request_destination"},
		"second SigAlg escaped": {func(r *saml.Request) { r.Destination += "?Sig%41lg=x" }, "saml_request_destination"},
		"semicolon":             {func(r *saml.Request) { r.Destination += "?a=1;SigAlg=x" }, "saml_request_destination"},
		"P-384":                 {func(r *saml.Request) { r.Sign = &weak }, "saml_key_type"},
		"foreign certificate":   {func(r *saml.Request) { r.Sign = &mixed }, "saml_key_mismatch"},
		"empty key":             {func(r *saml.Request) { r.Sign = &saml.KeyPair{} }, "saml_key_missing"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := testRequest()
			c.change(&r)
			_, err := r.Redirect("h", nil)
			wantRefusal(t, err, c.code)
			_, err = r.POST("h")
			wantRefusal(t, err, c.code)
		})
	}
	for _, name := range []string{"SAMLRequest", "RelayState", "SigAlg", "Signature", "SAMLEncoding"} {
		_, err := testRequest().Redirect("h", url.Values{name: {"x"}})
		wantRefusal(t, err, "saml_request_parameter")
	}
}

func TestRequestRelayStateLimit(t *testing.T) {
	r := testRequest()
	if _, err := r.Redirect(strings.Repeat("x", 80), nil); err != nil {
		t.Error(err)
	}
	if _, err := r.POST(strings.Repeat("x", 80)); err != nil {
		t.Error(err)
	}
	long := strings.Repeat("日", 27) // 81 bytes
	_, err := r.Redirect(long, nil)
	wantRefusal(t, err, "saml_request_relay_state")
	_, err = r.POST(long)
	wantRefusal(t, err, "saml_request_relay_state")
}

func TestRequestNewID(t *testing.T) {
	shape := regexp.MustCompile(`^_[0-9a-f]{40}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := saml.NewID()
		if !shape.MatchString(id) || seen[id] {
			t.Fatalf("%q has another shape or came twice", id)
		}
		seen[id] = true
	}
}

// Pooled compressors must not leak one login into another.
func TestRequestConcurrent(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				r := testRequest()
				r.ID = saml.NewID()
				location, err := r.Redirect("h", nil)
				if err != nil {
					t.Error(err)
					return
				}
				if n := bytes.Count(inflated(t, location), []byte(r.ID)); n != 1 {
					t.Errorf("the request holds its ID %d times", n)
				}
			}
		})
	}
	wg.Wait()
}

func parsed(t testing.TB, location string) *url.URL {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func inflated(t testing.TB, location string) []byte {
	t.Helper()
	deflated, err := base64.StdEncoding.DecodeString(parsed(t, location).Query().Get("SAMLRequest"))
	if err != nil {
		t.Error(err)
	}
	doc, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	if err != nil {
		t.Error(err)
	}
	return doc
}

func parameterNames(rawQuery string) []string {
	var names []string
	for parameter := range strings.SplitSeq(rawQuery, "&") {
		name, _, _ := strings.Cut(parameter, "=")
		names = append(names, name)
	}
	return names
}

// signedOctets takes the signed part out of a query as a reader does: without decoding it.
func signedOctets(t testing.TB, rawQuery string) string {
	t.Helper()
	var parts []string
	for parameter := range strings.SplitSeq(rawQuery, "&") {
		switch name, _, _ := strings.Cut(parameter, "="); name {
		case "SAMLRequest", "RelayState", "SigAlg":
			parts = append(parts, parameter)
		}
	}
	return strings.Join(parts, "&")
}

func verifies(key saml.KeyPair, octets string, signature []byte) bool {
	digest := sha256.Sum256([]byte(octets))
	switch public := key.Certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
	case *ecdsa.PublicKey:
		if len(signature) != 64 {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return ecdsa.Verify(public, digest[:], r, s)
	}
	return false
}
