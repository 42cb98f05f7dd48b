package saml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// descriptor is an EntitiesDescriptor or an EntityDescriptor (Metadata 2.3.1, 2.3.2).
type descriptor struct {
	XMLName  xml.Name
	Attrs    []xml.Attr   `xml:",any,attr"`
	Groups   []descriptor `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntitiesDescriptor"`
	Entities []descriptor `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
	IdPs     []idpRole    `xml:"urn:oasis:names:tc:SAML:2.0:metadata IDPSSODescriptor"`
	SPs      []struct{}   `xml:"urn:oasis:names:tc:SAML:2.0:metadata SPSSODescriptor"`
}

// idpRole is an IDPSSODescriptor (Metadata 2.4.3).
type idpRole struct {
	Attrs         []xml.Attr      `xml:",any,attr"`
	Keys          []keyDescriptor `xml:"urn:oasis:names:tc:SAML:2.0:metadata KeyDescriptor"`
	Logout        []endpoint      `xml:"urn:oasis:names:tc:SAML:2.0:metadata SingleLogoutService"`
	NameIDFormats []string        `xml:"urn:oasis:names:tc:SAML:2.0:metadata NameIDFormat"`
	SSO           []endpoint      `xml:"urn:oasis:names:tc:SAML:2.0:metadata SingleSignOnService"`
}

type endpoint struct {
	Attrs []xml.Attr `xml:",any,attr"`
}

func (e endpoint) value(name string) string { return strings.TrimSpace(plainAttr(e.Attrs, name)) }

// keyDescriptor is Metadata 2.4.1.1; each X509Data is one key.
type keyDescriptor struct {
	Attrs []xml.Attr  `xml:",any,attr"`
	Infos []x509Infos `xml:"http://www.w3.org/2000/09/xmldsig# KeyInfo"`
}

type x509Infos struct {
	Data []x509Data `xml:"http://www.w3.org/2000/09/xmldsig# X509Data"`
}

type x509Data struct {
	Certificates []string `xml:"http://www.w3.org/2000/09/xmldsig# X509Certificate"`
}

// plainAttr finds an attribute without a namespace: x:entityID is somebody else's.
func plainAttr(attrs []xml.Attr, name string) string {
	for _, a := range attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// located is an entity with the attributes of all elements around it and of itself: each may limit its validity.
type located struct {
	entity *descriptor
	path   [][]xml.Attr
}

// only returns the one entity that has an IDPSSODescriptor.
func (d *descriptor) only() (located, error) {
	if d.XMLName.Local == "EntityDescriptor" {
		return d.itself()
	}
	all := d.identityProviders(nil)
	switch len(all) {
	case 0:
		return located{}, metadataFault("saml_metadata_no_idp", "Metadata 2.4.3", wantIdP, "entities without an IDPSSODescriptor")
	case 1:
		return all[0], nil
	}
	var names []string
	for _, l := range all[:min(len(all), listedEntities)] {
		names = append(names, clip(plainAttr(l.entity.Attrs, "entityID")))
	}
	got := fmt.Sprintf("%d identity providers: %s", len(all), strings.Join(names, ", "))
	if len(all) > listedEntities {
		got += ", …"
	}
	return located{}, &Refusal{Code: "saml_metadata_several", Section: "Metadata 2.3.1", Want: wantIdP, Got: got, Fix: AtConnection}
}

const wantIdP = "the metadata of exactly one identity provider"

func (d *descriptor) itself() (located, error) {
	switch {
	case len(d.IdPs) > 0:
		return located{entity: d, path: [][]xml.Attr{d.Attrs}}, nil
	case len(d.SPs) > 0:
		return located{}, metadataFault("saml_metadata_no_idp", "Metadata 2.4.3", wantIdP,
			"the metadata of a service provider: "+plainAttr(d.Attrs, "entityID"))
	}
	return located{}, metadataFault("saml_metadata_no_idp", "Metadata 2.4.3", wantIdP, "an entity without an IDPSSODescriptor")
}

// identityProviders walks the groups; their depth was bounded by the gate.
func (d *descriptor) identityProviders(around [][]xml.Attr) []located {
	around = append(around[:len(around):len(around)], d.Attrs)
	var all []located
	for i := range d.Entities {
		if entity := &d.Entities[i]; len(entity.IdPs) > 0 {
			all = append(all, located{entity: entity, path: append(around[:len(around):len(around)], entity.Attrs)})
		}
	}
	for i := range d.Groups {
		all = append(all, d.Groups[i].identityProviders(around)...)
	}
	return all
}

// role returns the one IDPSSODescriptor that speaks SAML 2.0 (Metadata 2.4.1: protocolSupportEnumeration).
func (d *descriptor) role() (*idpRole, error) {
	var found *idpRole
	for i := range d.IdPs {
		protocols := strings.Fields(plainAttr(d.IdPs[i].Attrs, "protocolSupportEnumeration"))
		if !slices.Contains(protocols, nsProtocol) {
			continue
		}
		if found != nil {
			return nil, metadataFault("saml_metadata_several_roles", "Metadata 2.4.3", "one IDPSSODescriptor for SAML 2.0", "several")
		}
		found = &d.IdPs[i]
	}
	if found == nil {
		return nil, metadataFault("saml_metadata_protocol", "Metadata 2.4.1", nsProtocol,
			plainAttr(d.IdPs[0].Attrs, "protocolSupportEnumeration"))
	}
	return found, nil
}

// gateMetadata lets pass what the decoder may see. The gate's codes are those of responses; here they are told as metadata's.
func gateMetadata(doc []byte) error {
	err := gate(doc, gateLimits{
		Bytes: metadataBytes, Depth: metadataDepth, Elements: metadataElements, Attributes: metadataAttrs,
		Roots: []xml.Name{{Space: nsMetadata, Local: "EntityDescriptor"}, {Space: nsMetadata, Local: "EntitiesDescriptor"}},
	})
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	told := *refusal
	told.Code = "saml_metadata_" + strings.TrimPrefix(told.Code, "saml_")
	told.Fix = AtConnection
	return &told
}
