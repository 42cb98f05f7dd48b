package saml

import (
	"crypto/rsa"
	"encoding/base64"
	"net/url"
	"strconv"
	"time"

	crewjam "github.com/crewjam/saml"
)

const (
	nsMetadata      = "urn:oasis:names:tc:SAML:2.0:metadata"
	redirectBinding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
)

// publishedKeys is how many of SP.Keys the metadata names: the current one and the next.
const publishedKeys = 2

// SP is this service provider as one domain's identity provider sees it.
type SP struct {
	EntityID     string // required
	ACS          string // required: HTTP-POST, index 0, the default
	SLO          string // optional: single logout, HTTP-Redirect and HTTP-POST
	ProviderName string // optional: the product's name, published as Organization

	// Keys are the current key, then the next one; more are not published. Both are named for signing, and for encryption
	// where they are RSA, so that a rollover needs no appointment. A previous key only decrypts: it is not for publication.
	Keys []KeyPair

	SignRequests         bool // AuthnRequestsSigned; needs a key
	WantAssertionsSigned bool
	NameIDFormats        []string // optional: all formats that are understood

	ValidUntil    time.Time     // optional: zero publishes no end
	CacheDuration time.Duration // optional: how often to look again, whole seconds
	Sign          *KeyPair      // optional: signs the document
	ID            string        // of the document; NewID when it is needed and empty
}

// Metadata writes the EntityDescriptor (SAML Metadata 2.3.2) as an XML document, with an enveloped signature as its first
// child when Sign is set. The artifact binding is never offered. Errors are *Refusal.
func (s SP) Metadata() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if s.Sign != nil && s.ID == "" {
		s.ID = NewID()
	}
	doc, signatureAt := s.document()
	if s.Sign == nil {
		return doc, nil
	}
	return s.Sign.envelop(doc, signatureAt)
}

func (s SP) check() error {
	if s.EntityID == "" || s.ACS == "" {
		return ownMetadataFault("saml_metadata_incomplete", "entity ID and ACS", "one of them empty")
	}
	if len(s.EntityID) > entityIDLimit {
		return ownMetadataFault("saml_metadata_entity_id", "at most 1024 characters", strconv.Itoa(len(s.EntityID)))
	}
	if s.SignRequests && len(s.Keys) == 0 {
		return ownMetadataFault("saml_metadata_incomplete", "a key, because requests are signed", "none")
	}
	if s.ID != "" && !isNCName(s.ID) {
		return ownMetadataFault("saml_metadata_id", "an xs:ID", clip(s.ID))
	}
	for _, key := range s.Keys {
		if err := key.check(); err != nil {
			return err
		}
	}
	return nil
}

func ownMetadataFault(code, want, got string) error {
	return &Refusal{Code: code, Section: "Metadata 2.3.2", Want: want, Got: got, Fix: AtOperator}
}

// document writes everything but the signature, which belongs at signatureAt (Metadata 2.3.2: the first child).
func (s SP) document() (doc []byte, signatureAt int) {
	m := make(markup, 0, 8192)
	m.raw(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<md:EntityDescriptor xmlns:md="` + nsMetadata + `"`)
	if s.ID != "" {
		m.attr("ID", s.ID)
	}
	if seconds := s.CacheDuration.Truncate(time.Second); seconds > 0 {
		duration, _ := crewjam.Duration(seconds).MarshalText() // never fails
		m.attr("cacheDuration", string(duration))
	}
	m.attr("entityID", s.EntityID)
	if !s.ValidUntil.IsZero() {
		m.attr("validUntil", s.ValidUntil.UTC().Format(instantFormat))
	}
	m.raw(">")
	signatureAt = len(m)
	m.raw("\n")
	s.role(&m)
	s.organization(&m)
	m.raw("</md:EntityDescriptor>\n")
	return m, signatureAt
}

// role writes the SPSSODescriptor; the order of its children is the schema's (Metadata 2.4.1, 2.4.2, 2.4.4).
func (s SP) role(m *markup) {
	m.raw("  <md:SPSSODescriptor")
	m.attr("AuthnRequestsSigned", strconv.FormatBool(s.SignRequests))
	m.attr("WantAssertionsSigned", strconv.FormatBool(s.WantAssertionsSigned))
	m.attr("protocolSupportEnumeration", nsProtocol)
	m.raw(">\n")

	published := s.Keys[:min(len(s.Keys), publishedKeys)]
	for _, key := range published {
		key.descriptor(m, "signing", nil)
	}
	for _, key := range published {
		if _, ok := key.Signer.Public().(*rsa.PublicKey); ok {
			key.descriptor(m, "encryption", encryptionMethods)
		}
	}
	if s.SLO != "" {
		for _, binding := range []string{redirectBinding, postBinding} {
			m.raw("    <md:SingleLogoutService")
			m.attr("Binding", binding)
			m.attr("Location", s.SLO)
			m.raw("/>\n")
		}
	}
	for _, format := range s.NameIDFormats {
		m.raw("    <md:NameIDFormat>")
		m.text(format)
		m.raw("</md:NameIDFormat>\n")
	}
	m.raw("    <md:AssertionConsumerService")
	m.attr("Binding", postBinding)
	m.attr("Location", s.ACS)
	m.raw(` index="0" isDefault="true"/>` + "\n  </md:SPSSODescriptor>\n")
}

// encryptionMethods are what the decryption of this package understands, the best first: identity providers take the first
// that they know.
var encryptionMethods = []string{
	"http://www.w3.org/2009/xmlenc11#aes256-gcm",
	"http://www.w3.org/2009/xmlenc11#aes128-gcm",
	"http://www.w3.org/2001/04/xmlenc#aes256-cbc",
	"http://www.w3.org/2001/04/xmlenc#aes128-cbc",
	"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
}

// descriptor writes a KeyDescriptor (Metadata 2.4.1.1).
func (k KeyPair) descriptor(m *markup, use string, methods []string) {
	m.raw("    <md:KeyDescriptor")
	m.attr("use", use)
	m.raw(">\n" + `      <ds:KeyInfo xmlns:ds="` + nsSignature + `"><ds:X509Data><ds:X509Certificate>`)
	m.text(base64.StdEncoding.EncodeToString(k.Certificate.Raw))
	m.raw("</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\n")
	for _, method := range methods {
		m.raw("      <md:EncryptionMethod")
		m.attr("Algorithm", method)
		m.raw("/>\n")
	}
	m.raw("    </md:KeyDescriptor>\n")
}

// organization writes the product's name (Metadata 2.3.2.1). Its address is the root of the login service.
func (s SP) organization(m *markup) {
	acs, err := url.Parse(s.ACS)
	if s.ProviderName == "" || err != nil {
		return
	}
	root := url.URL{Scheme: acs.Scheme, Host: acs.Host, Path: "/"}
	m.raw("  <md:Organization>\n" + `    <md:OrganizationName xml:lang="en">`)
	m.text(s.ProviderName)
	m.raw("</md:OrganizationName>\n" + `    <md:OrganizationDisplayName xml:lang="en">`)
	m.text(s.ProviderName)
	m.raw("</md:OrganizationDisplayName>\n" + `    <md:OrganizationURL xml:lang="en">`)
	m.text(root.String())
	m.raw("</md:OrganizationURL>\n  </md:Organization>\n")
}
