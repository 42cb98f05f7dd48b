package saml_test

import (
	"encoding/base64"
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ssogate/ssogate/saml"
)

// FuzzRequestRedirect: an address that starts a login gives back exactly what went into it, once, and leads where the
// destination does; neither RelayState nor the hint breaks out of its place.
func FuzzRequestRedirect(f *testing.F) {
	for _, s := range [][4]string{
		{"handle", "kim@mycompany.com", "https://idp.example.com/sso", "Works & Co"},
		{"a&SAMLRequest=x#y", "a&RelayState=b", "https://idp.example.com/sso?tenant=1", `"><x/>`},
		{"\r\nLocation: //evil", "%26", "https://idp.example.com/sso?", "\x00"},
		{"a+b c;d=e", "", "https://idp.example.com/?a=b&", "日本語"},
		{strings.Repeat("x", 81), "\xff", "https://evil@idp.example.com/", ""},
		{"", "x", "https://idp.example.com/?SAMLRequest=y", ""},
		{"\xff\xfe", "x", "javascript:alert(1)", "]]>"},
	} {
		f.Add(s[0], s[1], s[2], s[3], true)
		f.Add(s[0], s[1], s[2], s[3], false)
	}
	key, err := saml.NewKeyPair("SSO", outgoingNow)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, relayState, hint, destination, provider string, signed bool) {
		r := testRequest()
		r.Destination, r.ProviderName = destination, provider
		if signed {
			r.Sign = &key
		}
		location, err := r.Redirect(relayState, url.Values{"worksId": {hint}})
		if err != nil {
			if codeOf(err) == "" || location != "" {
				t.Fatalf("%q, %v", location, err)
			}
			return
		}
		added, ok := strings.CutPrefix(location, destination)
		if !ok || strings.ContainsAny(added, " #\r\n\t<>\"'\\") {
			t.Fatalf("%q does not go on from %q", location, destination)
		}
		judgeLocation(t, location, destination, relayState, hint)
		judgeRequest(t, inflated(t, location), r)
		if signed && !verifies(key, signedOctets(t, parsed(t, location).RawQuery), must(base64.StdEncoding.DecodeString(parsed(t, location).Query().Get("Signature")))) {
			t.Fatal("the signature does not hold")
		}
	})
}

func judgeLocation(t *testing.T, location, destination, relayState, hint string) {
	t.Helper()
	u, to := parsed(t, location), parsed(t, destination)
	if u.Scheme != to.Scheme || u.Host != to.Host || u.Path != to.Path || u.User != nil || u.Fragment != "" {
		t.Fatalf("%q leads elsewhere than %q", location, destination)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	hints := append(to.Query()["worksId"], hint)
	want := map[string][]string{"SAMLRequest": query["SAMLRequest"][:1], "RelayState": {relayState}, "worksId": hints}
	if relayState == "" {
		delete(want, "RelayState")
	}
	for _, name := range []string{"SAMLRequest", "RelayState", "worksId"} {
		if strings.Join(query[name], "|") != strings.Join(want[name], "|") || len(query[name]) != len(want[name]) {
			t.Fatalf("%s is %q, want %q", name, query[name], want[name])
		}
	}
}

// judgeRequest reads the request with another parser.
func judgeRequest(t *testing.T, doc []byte, r saml.Request) {
	t.Helper()
	var got struct {
		XMLName     xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:protocol AuthnRequest"`
		ID          string   `xml:"ID,attr"`
		Destination string   `xml:"Destination,attr"`
		ACS         string   `xml:"AssertionConsumerServiceURL,attr"`
		Provider    string   `xml:"ProviderName,attr"`
		Issuer      []string `xml:"urn:oasis:names:tc:SAML:2.0:assertion Issuer"`
		Others      []any    `xml:"Extensions"`
	}
	if err := xml.Unmarshal(doc, &got); err != nil {
		t.Fatalf("%v in %q", err, doc)
	}
	if got.ID != r.ID || got.ACS != r.ACS || len(got.Issuer) != 1 || got.Issuer[0] != r.EntityID || len(got.Others) != 0 {
		t.Fatalf("%q was read as %+v", doc, got)
	}
	if plainText(r.Destination) && got.Destination != r.Destination || plainText(r.ProviderName) && got.Provider != r.ProviderName {
		t.Fatalf("%q: destination %q, provider %q", doc, got.Destination, got.Provider)
	}
}

// plainText is what XML can hold as it is.
func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0xFFFE || r == 0xFFFF })
}
