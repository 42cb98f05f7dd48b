package directory

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// SaveDraft stores c as the draft of the domain, replacing the one before, and returns it as stored. An empty client secret
// keeps the one of the draft, or else of the live or the newest past revision, as long as the client ID is the same. Errors are Faults, or
// ErrNotFound for an unknown domain.
func (d *Directory) SaveDraft(ctx context.Context, actor, domainID string, c Connection) (Connection, error) {
	c = ownCopy(c)
	err := d.change(ctx, func(ctx context.Context, _ *changes) error {
		dom, err := d.Store.Domain(ctx, domainID)
		if err != nil {
			return err
		}
		earlier, err := d.Store.Connections(ctx, domainID)
		if err != nil {
			return err
		}
		keepSecret(&c, earlier)
		if err := d.checkConnection(&c).err(); err != nil {
			return err
		}
		c.DomainID, c.State, c.Created = domainID, Draft, d.now()
		if c.Revision, err = d.Store.PutDraft(ctx, c); err != nil {
			return fmt.Errorf("directory: draft: %w", err)
		}
		return d.record(ctx, actor, "connection.drafted", domainID, dom.Name, revisionDetail(c)...)
	})
	if err != nil {
		return Connection{}, err
	}
	return c, nil
}

// Activate makes a revision live: the draft, or a past one to go back to. Nobody is signed out; from now on people are sent
// to the new identity provider. Activating the live revision changes nothing.
func (d *Directory) Activate(ctx context.Context, actor, domainID string, revision int) error {
	return d.change(ctx, func(ctx context.Context, _ *changes) error {
		dom, err := d.Store.Domain(ctx, domainID)
		if err != nil {
			return err
		}
		c, err := d.Store.Connection(ctx, domainID, revision)
		if err != nil {
			return err
		}
		if c.State == Live {
			return nil
		}
		if err := d.Store.Activate(ctx, domainID, revision, d.now()); err != nil {
			return fmt.Errorf("directory: activate: %w", err)
		}
		return d.record(ctx, actor, "connection.activated", domainID, dom.Name, revisionDetail(c)...)
	})
}

// Live is the connection that sign-ins use, or ErrNotFound.
func (d *Directory) Live(ctx context.Context, domainID string) (Connection, error) {
	return d.Store.LiveConnection(ctx, domainID)
}

// Connection is one revision, or ErrNotFound.
func (d *Directory) Connection(ctx context.Context, domainID string, revision int) (Connection, error) {
	return d.Store.Connection(ctx, domainID, revision)
}

// Connections lists all revisions of a domain, newest first. They hold client secrets: mask them before showing.
func (d *Directory) Connections(ctx context.Context, domainID string) ([]Connection, error) {
	return d.Store.Connections(ctx, domainID)
}

func revisionDetail(c Connection) []string {
	out := []string{"revision", strconv.Itoa(c.Revision), "type", string(c.Type)}
	switch {
	case c.SAML != nil:
		out = append(out, "entity_id", cut(c.SAML.EntityID), "sso_url", cut(c.SAML.SSOURL), "metadata_url", cut(c.SAML.MetadataURL))
	case c.OAuth != nil:
		out = append(out, "profile", string(c.OAuth.Profile), "client_id", cut(c.OAuth.ClientID), "issuer", cut(c.OAuth.Issuer))
	}
	return out
}

// keepSecret looks through the draft, then the live revision, then the past ones from the newest. Another client ID never
// inherits: a secret belongs to its client.
func keepSecret(c *Connection, earlier []Connection) {
	if c.OAuth == nil || c.OAuth.ClientSecret != "" || c.OAuth.ClientID == "" {
		return
	}
	for _, state := range []RevisionState{Draft, Live, Past} {
		for _, e := range earlier {
			if e.State == state && e.OAuth != nil && e.OAuth.ClientID == c.OAuth.ClientID && e.OAuth.ClientSecret != "" {
				c.OAuth.ClientSecret = e.OAuth.ClientSecret
				return
			}
		}
	}
}

// ownCopy keeps the caller's settings as they are: checking fills in defaults.
func ownCopy(c Connection) Connection {
	if c.SAML != nil {
		s := *c.SAML
		c.SAML = &s
	}
	if c.OAuth != nil {
		o := *c.OAuth
		c.OAuth = &o
	}
	return c
}

// SaveMetadata keeps what was fetched. The version goes up by one when the document differs from the stored one, whatever
// m.Version says; a changed document is recorded in the audit log because it may bring new trusted keys.
func (d *Directory) SaveMetadata(ctx context.Context, m Metadata) error {
	return d.change(ctx, func(ctx context.Context, _ *changes) error {
		old, err := d.Store.Metadata(ctx, m.DomainID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		m.Version = old.Version
		same := old.URL == m.URL && string(old.XML) == string(m.XML)
		if !same {
			m.Version++
		}
		if err := d.Store.PutMetadata(ctx, m); err != nil {
			return fmt.Errorf("directory: metadata: %w", err)
		}
		if same || len(m.XML) == 0 {
			return nil
		}
		return d.record(ctx, "system:metadata", "metadata.changed", m.DomainID, cut(m.URL), "version", strconv.FormatInt(m.Version, 10))
	})
}

// Metadata is the last good copy for a domain, or ErrNotFound.
func (d *Directory) Metadata(ctx context.Context, domainID string) (Metadata, error) {
	return d.Store.Metadata(ctx, domainID)
}

// LiveMetadataURLs lists (domain ID, URL) of all live SAML connections with a metadata URL.
func (d *Directory) LiveMetadataURLs(ctx context.Context) (map[string]string, error) {
	return d.Store.LiveMetadataURLs(ctx)
}
