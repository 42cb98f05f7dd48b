package testidp

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// SAMLClient is a service provider that may ask.
type SAMLClient struct {
	EntityID string
	ACS      []string // the first is used when a request names none
	// Certificates verify request signatures; with none, signatures are not looked at.
	Certificates []*x509.Certificate
	// EncryptionCertificate is needed for a Cipher.
	EncryptionCertificate *x509.Certificate
}

// AddServiceProvider adds a service provider, or replaces the one with that entity ID. At least one ACS is needed.
func (p *Provider) AddServiceProvider(sp SAMLClient) error {
	if sp.EntityID == "" || len(sp.ACS) == 0 {
		return errors.New("testidp: a service provider needs an entity ID and an assertion consumer service")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.services = slices.DeleteFunc(p.services, func(known SAMLClient) bool { return known.EntityID == sp.EntityID })
	p.services = append(p.services, sp)
	return nil
}

// AddServiceProviderMetadata adds the service provider that metadata XML describes (SAML Metadata 2.4.4), as an administrator
// who uploads it, and returns what was read.
func (p *Provider) AddServiceProviderMetadata(xml []byte) (SAMLClient, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(xml); err != nil {
		return SAMLClient{}, fmt.Errorf("testidp: service provider metadata: %w", err)
	}
	if doc.Root() == nil || doc.Root().Tag != "EntityDescriptor" {
		return SAMLClient{}, errors.New("testidp: service provider metadata: no EntityDescriptor")
	}
	sp := SAMLClient{EntityID: doc.Root().SelectAttrValue("entityID", "")}
	for _, acs := range doc.Root().FindElements("./SPSSODescriptor/AssertionConsumerService") {
		if acs.SelectAttrValue("Binding", "") != bindingPOST {
			continue
		}
		location := acs.SelectAttrValue("Location", "")
		if acs.SelectAttrValue("isDefault", "") == "true" {
			sp.ACS = slices.Insert(sp.ACS, 0, location)
			continue
		}
		sp.ACS = append(sp.ACS, location)
	}
	for _, descriptor := range doc.Root().FindElements("./SPSSODescriptor/KeyDescriptor") {
		if err := sp.addKey(descriptor); err != nil {
			return SAMLClient{}, err
		}
	}
	return sp, p.AddServiceProvider(sp)
}

// addKey reads one KeyDescriptor; without a use it serves both (SAML Metadata 2.4.1.1).
func (c *SAMLClient) addKey(descriptor *etree.Element) error {
	for _, el := range descriptor.FindElements("./KeyInfo/X509Data/X509Certificate") {
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(el.Text()), ""))
		if err != nil {
			return fmt.Errorf("testidp: service provider certificate: %w", err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("testidp: service provider certificate: %w", err)
		}
		use := descriptor.SelectAttrValue("use", "")
		if use != "encryption" {
			c.Certificates = append(c.Certificates, cert)
		}
		if use != "signing" && c.EncryptionCertificate == nil {
			c.EncryptionCertificate = cert
		}
	}
	return nil
}

func (p *Provider) serviceProvider(entityID string) (SAMLClient, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, sp := range p.services {
		if sp.EntityID == entityID {
			return sp, true
		}
	}
	return SAMLClient{}, false
}

// EntityID is the provider's SAML name and the address of its metadata.
func (p *Provider) EntityID() string { return p.URL("/saml/metadata") }

// Metadata is the provider's SAML metadata: both bindings and every published key that can sign XML.
func (p *Provider) Metadata() []byte {
	style, _, _ := p.settings()
	doc := etree.NewDocument()
	entity := doc.CreateElement("md:EntityDescriptor")
	entity.CreateAttr("xmlns:md", nsMetadata)
	entity.CreateAttr("xmlns:ds", nsSignature)
	entity.CreateAttr("entityID", p.EntityID())
	idp := entity.CreateElement("md:IDPSSODescriptor")
	idp.CreateAttr("WantAuthnRequestsSigned", fmt.Sprint(style.RequireSignedRequests))
	idp.CreateAttr("protocolSupportEnumeration", nsProtocol)
	for _, name := range []Key{KeyRSA, KeyNext, KeyEC} {
		descriptor := idp.CreateElement("md:KeyDescriptor")
		descriptor.CreateAttr("use", "signing")
		info := descriptor.CreateElement("ds:KeyInfo")
		info.CreateElement("ds:KeyName").SetText(string(name))
		certificate := base64.StdEncoding.EncodeToString(p.keys.Certificate(name).Raw)
		info.CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").SetText(certificate)
	}
	idp.CreateElement("md:NameIDFormat").SetText(formatUnspecified)
	for _, binding := range []string{bindingRedirect, bindingPOST} {
		if binding == bindingRedirect && style.RequirePOST {
			continue
		}
		sso := idp.CreateElement("md:SingleSignOnService")
		sso.CreateAttr("Binding", binding)
		sso.CreateAttr("Location", p.URL("/saml/sso"))
	}
	doc.Indent(2)
	out, err := doc.WriteToBytes()
	if err != nil { // a tree of ours into memory
		return nil
	}
	return out
}
