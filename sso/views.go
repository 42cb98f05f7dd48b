package sso

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/saml"
)

// view is a domain as the login needs it: its settings, its live connection and the connector opened from it.
type view struct {
	domain     directory.Domain
	connection directory.Connection // zero when no revision is live
	connector  Connector            // nil when no revision is live
	keys       Ring                 // of our service provider, SAML only
	read       time.Time
}

// views reads domains through the directory and remembers each for Options.Fresh, so that a Monday morning costs one read a
// second and domain, and a change is seen by every node within that time. At most maxViews are remembered.
type views struct {
	g    *Gateway
	once singleflight.Group
	mu   sync.Mutex
	byID map[string]view // by domain name

	hosts     []directory.Service
	hostsRead time.Time
}

const maxViews = 20000

func newViews(g *Gateway) *views { return &views{g: g, byID: map[string]view{}} }

// domain returns the view of an active domain. An unknown and a disabled domain are the same to the outside:
// directory.ErrNotFound.
func (v *views) domain(ctx context.Context, name string) (view, error) {
	name = strings.ToLower(name)
	now := v.g.o.Now()
	v.mu.Lock()
	known, ok := v.byID[name]
	v.mu.Unlock()
	if ok && now.Sub(known.read) < v.g.o.Fresh {
		return known, nil
	}
	read, err, _ := v.once.Do(name, func() (any, error) {
		// The caller that came first must not take the others down with it when its browser goes away.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return v.read(ctx, name, known)
	})
	if err != nil {
		v.forget(name)
		return view{}, err
	}
	fresh := read.(view)
	v.remember(name, fresh)
	return fresh, nil
}

func (v *views) read(ctx context.Context, name string, known view) (view, error) {
	d, err := v.g.o.Directory.Domain(ctx, name)
	if err != nil {
		return view{}, err
	}
	if d.Disabled {
		return view{}, directory.ErrNotFound
	}
	fresh := view{domain: d, read: v.g.o.Now()}
	c, err := v.g.o.Directory.Live(ctx, d.ID)
	if errors.Is(err, directory.ErrNotFound) {
		return fresh, nil
	}
	if err != nil {
		return view{}, err
	}
	fresh.connection = c
	if c.Type == directory.OAuth {
		if known.connector != nil && known.domain.ID == d.ID && known.connection.Revision == c.Revision {
			fresh.connector = known.connector // keeps discovery and keys of the provider
			return fresh, nil
		}
		fresh.connector, err = v.g.openOAuth(d, c.OAuth)
		return fresh, err
	}
	if fresh.keys, err = v.g.keys.SAML(ctx, d); err != nil {
		return view{}, err
	}
	fresh.connector, err = v.g.openSAML(ctx, d, c, fresh.keys)
	return fresh, err
}

// openSAML puts the connection and what its metadata said last together into a connector.
func (g *Gateway) openSAML(ctx context.Context, d directory.Domain, c directory.Connection, keys Ring) (Connector, error) {
	s := *c.SAML
	conn := &samlConnector{
		settings: s, issuer: s.EntityID, ssoURL: s.SSOURL, keys: keys,
		entityID: g.entityID(d.Name), acs: g.acsURL(d.Name), provider: g.o.ProviderName, now: g.o.Now,
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
	m, err := g.metadataOf(ctx, d.ID, s)
	if err != nil {
		return nil, err
	}
	idp, err := saml.ParseMetadata(m.XML, m.Fetched) // judged as of its fetch: the last good copy is kept for ever
	if err != nil {
		return nil, fmt.Errorf("sso: stored metadata of %s: %w", d.Name, err)
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

func (v *views) remember(name string, fresh view) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.byID) >= maxViews {
		for other := range v.byID { // any one: maps iterate in random order
			delete(v.byID, other)
			break
		}
	}
	v.byID[name] = fresh
}

func (v *views) forget(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.byID, name)
}

// services lists the services of the directory, as fresh as a domain's view.
func (v *views) services(ctx context.Context) ([]directory.Service, error) {
	now := v.g.o.Now()
	v.mu.Lock()
	known, read := v.hosts, v.hostsRead
	v.mu.Unlock()
	if !read.IsZero() && now.Sub(read) < v.g.o.Fresh {
		return known, nil
	}
	fresh, err := v.g.o.Directory.Services(ctx)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	v.hosts, v.hostsRead = fresh, now
	v.mu.Unlock()
	return fresh, nil
}
