package saml

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// UnspecifiedNameID is the NameID format that is asked for when a connection names none (line-works.md 1.2).
const UnspecifiedNameID = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"

// AppUserAgent is the value of the userAgent extension of a login that an application started; the OAuth contract of the
// same service fixes it (line-works.md 2.2).
const AppUserAgent = "LineWorks"

const (
	nsExtension      = "urn:ssogate:names:saml:extensions"
	persistentNameID = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	postBinding      = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"

	// SAML Bindings 3.4.3 and 3.5.3.
	relayStateLimit = 80
	instantFormat   = "2006-01-02T15:04:05.000Z"
)

// Request is an AuthnRequest (SAML Core 3.4.1) of one login. The binding of the answer is always HTTP-POST.
type Request struct {
	ID          string // required: NewID; the answer's InResponseTo
	Destination string // required: the identity provider's single sign-on address, http or https, a query is kept
	ACS         string // required: ours, where the answer is to be posted
	EntityID    string // required: ours, the Issuer

	ProviderName string // optional: the product's name as the identity provider may show it
	NameIDFormat string // optional: UnspecifiedNameID when empty
	ForceAuthn   bool   // ask for credentials even when the identity provider has a session

	// App marks a login that an application started. The request then carries Extensions with one element, userAgent in the
	// namespace urn:ssogate:names:saml:extensions, with the text AppUserAgent. The service that is followed sends such a value
	// but does not publish its XML (line-works.md 1.2), so the shape is our choice within Core 3.2.1: a qualified element
	// outside SAML's namespaces.
	App bool

	IssueInstant time.Time // required
	Sign         *KeyPair  // optional: our current key; nil sends the request unsigned
}

// NewID returns an identifier that nobody can guess: 160 random bits, the amount SAML Core 1.3.4 recommends, as an xs:ID.
func NewID() string {
	var random [20]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	return "_" + hex.EncodeToString(random[:])
}

// Redirect returns the address that starts the login by HTTP-Redirect (SAML Bindings 3.4). relayState is at most 80 bytes and
// left out when empty. extra is appended after the signed part, for example worksId, the account as a hint; it may not name a
// parameter of the binding. Errors are *Refusal.
func (r Request) Redirect(relayState string, extra url.Values) (string, error) {
	if err := r.check(relayState); err != nil {
		return "", err
	}
	if err := checkExtra(extra); err != nil {
		return "", err
	}

	message, _ := r.document()
	var b strings.Builder
	b.Grow(len(r.Destination) + len(message) + 512)
	b.WriteString(r.Destination)
	b.WriteString(separator(r.Destination))

	// Bindings 3.4.4.1: the signature covers these parameters, in this order, as the octets that are sent; a query which the
	// destination brought along is not among them.
	start := b.Len()
	b.WriteString("SAMLRequest=")
	writeDeflated(&b, message)
	if relayState != "" {
		b.WriteString("&RelayState=")
		b.WriteString(escape(relayState))
	}
	if r.Sign != nil {
		b.WriteString("&SigAlg=")
		b.WriteString(escape(r.Sign.algorithm()))
		signature, err := r.Sign.sign([]byte(b.String()[start:]))
		if err != nil {
			return "", err
		}
		b.WriteString("&Signature=")
		b.WriteString(escape(base64.StdEncoding.EncodeToString(signature)))
	}

	if query := extra.Encode(); query != "" {
		b.WriteByte('&')
		b.WriteString(strings.ReplaceAll(query, "+", "%20"))
	}
	return b.String(), nil
}

// check refuses what would make a request that is wrong or that could be taken for another.
func (r Request) check(relayState string) error {
	if !isNCName(r.ID) {
		return requestFault("saml_request_id", "Core 1.3.4", "an xs:ID", r.ID, AtOperator)
	}
	if r.EntityID == "" || r.ACS == "" || r.IssueInstant.IsZero() {
		return requestFault("saml_request_incomplete", "Core 3.4.1", "entity ID, ACS and issue instant", "one of them empty", AtOperator)
	}
	if len(relayState) > relayStateLimit {
		return requestFault("saml_request_relay_state", "Bindings 3.4.3", "at most 80 bytes",
			strconv.Itoa(len(relayState))+" bytes", AtOperator)
	}
	if err := checkDestination(r.Destination); err != nil {
		return err
	}
	if r.Sign != nil {
		return r.Sign.check()
	}
	return nil
}

const wantAddress = "an absolute http or https address without user, fragment, blank and SAML parameters"

func checkDestination(destination string) error {
	if !isBrowserAddress(destination) {
		return requestFault("saml_request_destination", "Bindings 3.4.4", wantAddress, destination, AtConnection)
	}
	return nil
}

// isBrowserAddress says whether a browser can be sent there with a message of a binding.
func isBrowserAddress(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return false
	}
	if u.Host == "" || u.User != nil || strings.ContainsAny(address, "# ") {
		return false
	}
	// A second SAMLRequest or SigAlg would leave it to the reader which of the two counts.
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return false
	}
	for name := range query {
		if isBindingParameter(name) {
			return false
		}
	}
	return true
}

func checkExtra(extra url.Values) error {
	for name := range extra {
		if isBindingParameter(name) {
			return requestFault("saml_request_parameter", "Bindings 3.4.4.1", "no parameter of the binding", name, AtOperator)
		}
	}
	return nil
}

var bindingParameters = []string{"SAMLRequest", "SAMLResponse", "SAMLart", "SAMLEncoding", "RelayState", "SigAlg", "Signature"}

func isBindingParameter(name string) bool { return slices.Contains(bindingParameters, name) }

// document writes the request; issuerEnd is where an enveloped signature belongs (Core 3.2.1: directly after Issuer).
func (r Request) document() (doc []byte, issuerEnd int) {
	d := make(markup, 0, 1024)
	d.raw(`<saml2p:AuthnRequest xmlns:saml2p="` + nsProtocol + `"`)
	d.attr("AssertionConsumerServiceURL", r.ACS)
	d.attr("Destination", r.Destination)
	if r.ForceAuthn {
		d.attr("ForceAuthn", "true")
	}
	d.attr("ID", r.ID)
	d.attr("IssueInstant", r.IssueInstant.UTC().Format(instantFormat))
	d.attr("ProtocolBinding", postBinding)
	if r.ProviderName != "" {
		d.attr("ProviderName", r.ProviderName)
	}
	d.attr("Version", "2.0")
	d.raw(`><saml2:Issuer xmlns:saml2="` + nsAssertion + `">`)
	d.text(r.EntityID)
	d.raw(`</saml2:Issuer>`)
	issuerEnd = len(d)

	if r.App {
		d.raw(`<saml2p:Extensions><ssogate:userAgent xmlns:ssogate="` + nsExtension + `">`)
		d.text(AppUserAgent)
		d.raw(`</ssogate:userAgent></saml2p:Extensions>`)
	}
	format := r.NameIDFormat
	if format == "" {
		format = UnspecifiedNameID
	}
	d.raw(`<saml2p:NameIDPolicy`)
	if format == persistentNameID {
		// Core 3.4.1.1: without it an identity provider may not make a persistent identifier at somebody's first sign-in. Other
		// formats go without, as line-works.md 1.2 shows; for transient ones it is forbidden (errata E14).
		d.attr("AllowCreate", "true")
	}
	d.attr("Format", format)
	d.raw(`/></saml2p:AuthnRequest>`)
	return d, issuerEnd
}

func requestFault(code, section, want, got string, fix Side) error {
	return &Refusal{Code: code, Section: section, Want: want, Got: clip(got), Fix: fix}
}

// deflater is a compressor with its output. A new flate.Writer costs more than ten requests: it clears over half a megabyte.
type deflater struct {
	out bytes.Buffer
	w   *flate.Writer
}

// deflaters hold no state between two uses: Reset precedes each.
var deflaters = sync.Pool{New: func() any {
	d := new(deflater)
	d.w, _ = flate.NewWriter(&d.out, flate.BestSpeed) // the level is a valid one
	return d
}}

// writeDeflated writes the message as Bindings 3.4.4.1 asks: raw DEFLATE (RFC 1951), base64 without line ends, URL-escaped.
func writeDeflated(b *strings.Builder, message []byte) {
	d := deflaters.Get().(*deflater)
	defer deflaters.Put(d)
	d.out.Reset()
	d.w.Reset(&d.out)
	d.w.Write(message) // writing to a bytes.Buffer does not fail
	d.w.Close()
	b.WriteString(escape(base64.StdEncoding.EncodeToString(d.out.Bytes())))
}

// escape is url.QueryEscape with %20 for a blank: a reader that builds the signed string anew may not know the plus sign.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func separator(destination string) string {
	switch {
	case !strings.Contains(destination, "?"):
		return "?"
	case strings.HasSuffix(destination, "?"), strings.HasSuffix(destination, "&"):
		return ""
	}
	return "&"
}

// isNCName is the ASCII part of an xs:ID; what NewID makes is within it.
func isNCName(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		later := c == '-' || c == '.' || '0' <= c && c <= '9'
		if !letter && (i == 0 || !later) {
			return false
		}
	}
	return s != ""
}
