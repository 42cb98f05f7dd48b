package sso

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/saml"
)

// openSAML puts the connection and what its metadata said last together into a connector.
func (g *Gateway) openSAML(ctx context.Context, d directory.Domain, c directory.Connection, keys Ring) (Connector, error) {
	s := *c.SAML
	conn := &samlConnector{
		settings: s, issuer: s.EntityID, ssoURL: s.SSOURL, keys: keys,
		slots: g.verifying, entityID: g.entityID(d.Name), acs: g.acsURL(d.Name), provider: g.o.ProviderName, now: g.o.Now,
	}
	for _, text := range s.Certificates {
		certs, err := saml.ParseCertificates(text)
		if err != nil {
			return nil, fmt.Errorf("sso: stored certificate of %s: %w", d.Name, err)
		}
		conn.certificates = append(conn.certificates, certs...)
	}
	if s.MetadataURL == "" {
		return conn, nil
	}
	m, idp, err := g.Refresher().current(ctx, d.ID, s)
	if err != nil {
		return nil, err
	}
	conn.apply(idp, m, g.o.Now())
	return conn, nil
}

// apply lets fetched metadata move endpoints and, as the connection's rule says, the trusted certificates.
func (c *samlConnector) apply(idp saml.IdP, m directory.Metadata, now time.Time) {
	c.issuer = idp.EntityID
	c.ssoURL, c.settings.Binding = chooseEndpoint(c.settings.Binding, idp)
	c.settings.SignRequests = c.settings.SignRequests || idp.WantRequestsSigned
	switch c.settings.MetadataKeys {
	case directory.KeysPin:
	case directory.KeysFollow:
		c.certificates = idp.Certificates
	default:
		c.certificates = append(append([]*x509.Certificate{}, idp.Certificates...), c.certificates...)
		for text, until := range m.Extra {
			if now.Before(until) {
				extra, _ := saml.ParseCertificates(text)
				c.certificates = append(c.certificates, extra...)
			}
		}
	}
}

// chooseEndpoint prefers the binding the administrator chose, and redirect where none was.
func chooseEndpoint(wanted directory.Binding, idp saml.IdP) (string, directory.Binding) {
	if idp.SSOPOST != "" && (wanted == directory.BindingPOST || idp.SSORedirect == "") {
		return idp.SSOPOST, directory.BindingPOST
	}
	return idp.SSORedirect, directory.BindingRedirect
}
