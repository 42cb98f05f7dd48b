package saml

import (
	"bytes"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	entityIDLimit    = 1024 // characters, Core 8.3.6
	nameIDFormats    = 16   // formats that are kept
	expiryWarning    = 30 * 24 * time.Hour
	metadataBytes    = 1 << 20
	metadataDepth    = 32
	metadataElements = 10_000 // AD FS and federations describe hundreds of claims and roles
	metadataAttrs    = 64
	listedEntities   = 5
)

// IdP is what an identity provider says about itself.
type IdP struct {
	EntityID string

	// Addresses, http or https, empty when not offered. At least one of the first two is set.
	SSORedirect, SSOPOST       string
	LogoutRedirect, LogoutPOST string

	// Certificates of the signing keys, usable and without duplicates, at least one; expired ones are kept with a warning.
	Certificates       []*x509.Certificate
	WantRequestsSigned bool
	NameIDFormats      []string

	ValidUntil    time.Time     // the earliest one named; zero when none
	CacheDuration time.Duration // the shortest one named; 0 when none

	// Warnings are plain sentences for the administrator.
	Warnings []string
}

// ParseMetadata reads an identity provider's SAML metadata: at most 1 MiB, UTF-8, one EntityDescriptor with an
// IDPSSODescriptor for SAML 2.0, alone or inside EntitiesDescriptor. What is past its validUntil is refused.
//
// A signature on the metadata is not verified: trust comes from how it came here, over https from an address that the
// administrator named, or by an upload. Errors are *Refusal with a code saml_metadata_….
func ParseMetadata(doc []byte, now time.Time) (IdP, error) {
	doc = plain(doc)
	if err := gateMetadata(doc); err != nil {
		return IdP{}, err
	}
	var root descriptor
	if err := xml.Unmarshal(doc, &root); err != nil {
		return IdP{}, metadataFault("saml_metadata_malformed", "Metadata 2.3", "well-formed XML", err.Error())
	}
	found, err := root.only()
	if err != nil {
		return IdP{}, err
	}
	role, err := found.entity.role()
	if err != nil {
		return IdP{}, err
	}

	r := reader{now: now}
	if err := r.validity(append(found.path, role.Attrs)); err != nil {
		return IdP{}, err
	}
	if err := r.name(found.entity); err != nil {
		return IdP{}, err
	}
	if err := r.endpoints(role); err != nil {
		return IdP{}, err
	}
	if err := r.certificates(role.Keys); err != nil {
		return IdP{}, err
	}
	r.idp.WantRequestsSigned = isTrue(plainAttr(role.Attrs, "WantAuthnRequestsSigned"))
	r.formats(role.NameIDFormats)
	return r.idp, nil
}

// plain leaves out what honest metadata carries and says nothing: the byte order mark of editors on Windows, and Shibboleth's
// declaration of the prefix xml, which every parser knows anyway (Namespaces in XML 3) and the gate takes for an attack.
func plain(doc []byte) []byte {
	if len(doc) > metadataBytes {
		return doc // the gate refuses it without a look
	}
	doc = bytes.TrimPrefix(doc, []byte("\xEF\xBB\xBF"))
	return bytes.ReplaceAll(doc, []byte(` xmlns:xml="`+nsXML+`"`), nil)
}

// reader collects an IdP.
type reader struct {
	now time.Time
	idp IdP
}

func (r *reader) warn(format string, args ...any) {
	warning := fmt.Sprintf(format, args...)
	if !slices.Contains(r.idp.Warnings, warning) {
		r.idp.Warnings = append(r.idp.Warnings, warning)
	}
}

func (r *reader) name(entity *descriptor) error {
	id := strings.TrimSpace(plainAttr(entity.Attrs, "entityID"))
	if id == "" || len(id) > entityIDLimit {
		return metadataFault("saml_metadata_entity_id", "Metadata 2.3.2", "an entityID of 1 to 1024 characters",
			fmt.Sprintf("%d characters", len(id)))
	}
	r.idp.EntityID = id
	return nil
}

// endpoints takes the first address of each binding (Metadata 2.2.2): these types have no default to look for.
func (r *reader) endpoints(role *idpRole) error {
	services := []struct {
		name, binding string
		list          []endpoint
		into          *string
	}{
		{"SingleSignOnService", redirectBinding, role.SSO, &r.idp.SSORedirect},
		{"SingleSignOnService", postBinding, role.SSO, &r.idp.SSOPOST},
		{"SingleLogoutService", redirectBinding, role.Logout, &r.idp.LogoutRedirect},
		{"SingleLogoutService", postBinding, role.Logout, &r.idp.LogoutPOST},
	}
	for _, s := range services {
		if err := r.endpoint(s.name, s.binding, s.list, s.into); err != nil {
			return err
		}
	}
	if r.idp.SSORedirect == "" && r.idp.SSOPOST == "" {
		return metadataFault("saml_metadata_no_sso", "Metadata 2.4.3", "a SingleSignOnService with HTTP-Redirect or HTTP-POST", "none")
	}
	return nil
}

func (r *reader) endpoint(name, binding string, list []endpoint, into *string) error {
	for _, e := range list {
		if e.value("Binding") != binding {
			continue
		}
		location := e.value("Location")
		if err := checkLocation(name, location); err != nil {
			return err
		}
		switch {
		case *into == "":
			*into = location
		case *into != location:
			r.warn("The metadata names several addresses of %s for %s; the first one is used.", name, bindingName(binding))
		}
		if strings.HasPrefix(strings.ToLower(location), "http:") {
			r.warn("The address of %s for %s is not encrypted (http).", name, bindingName(binding))
		}
	}
	return nil
}

// checkLocation holds addresses to which a browser will be sent.
func checkLocation(service, location string) error {
	if !isBrowserAddress(location) {
		return metadataFault("saml_metadata_location", "Metadata 2.2.2", wantAddress+" in "+service, location)
	}
	return nil
}

func bindingName(binding string) string { return binding[strings.LastIndexByte(binding, ':')+1:] }

func (r *reader) formats(formats []string) {
	for _, format := range formats {
		format = strings.TrimSpace(format)
		if format == "" || len(format) > entityIDLimit || slices.Contains(r.idp.NameIDFormats, format) {
			continue
		}
		if len(r.idp.NameIDFormats) == nameIDFormats {
			return
		}
		r.idp.NameIDFormats = append(r.idp.NameIDFormats, format)
	}
}

func metadataFault(code, section, want, got string) error {
	return &Refusal{Code: code, Section: section, Want: want, Got: clip(got), Fix: AtConnection}
}

// isTrue reads an xs:boolean.
func isTrue(s string) bool { s = strings.TrimSpace(s); return s == "true" || s == "1" }
