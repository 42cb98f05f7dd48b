package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ssogate/ssogate/credential"
	"github.com/ssogate/ssogate/directory"
)

const connectionColumns = `domain_id, revision, state, type, settings, secret, created, live`

// settings is the JSON of a connection; the client secret is taken out before.
type settings struct {
	SAML  *directory.SAMLSettings  `json:"saml,omitempty"`
	OAuth *directory.OAuthSettings `json:"oauth,omitempty"`
}

// PutDraft replaces the draft of the domain, keeping its revision, or adds one with the next revision.
func (s *Store) PutDraft(ctx context.Context, c directory.Connection) (revision int, err error) {
	err = s.write(ctx, func(ctx context.Context, q queryer) error {
		if err := s.holdDomain(ctx, q, c.DomainID); err != nil {
			return err
		}
		err := q.QueryRowContext(ctx, `select revision from connections where domain_id = ? and state = 'draft'`, c.DomainID).Scan(&revision)
		if errors.Is(err, sql.ErrNoRows) {
			err = q.QueryRowContext(ctx, `select coalesce(max(revision), 0) + 1 from connections where domain_id = ?`, c.DomainID).Scan(&revision)
		}
		if err != nil {
			return err
		}
		c.Revision = revision
		text, secret, err := s.sealed(c)
		if err != nil {
			return err
		}
		url := ""
		if c.SAML != nil {
			url = c.SAML.MetadataURL
		}
		_, err = q.ExecContext(ctx, `insert into connections (`+connectionColumns+`, metadata_url) values (?, ?, 'draft', ?, ?, ?, ?, 0, ?)
			on conflict (domain_id, revision) do update set type = excluded.type, settings = excluded.settings, secret = excluded.secret,
			created = excluded.created, metadata_url = excluded.metadata_url`,
			c.DomainID, revision, string(c.Type), text, secret, micros(c.Created), url)
		return err
	})
	return revision, err
}

// Connection is one revision.
func (s *Store) Connection(ctx context.Context, domainID string, revision int) (directory.Connection, error) {
	return s.oneConnection(ctx, `domain_id = ? and revision = ?`, domainID, revision)
}

// LiveConnection is the live revision.
func (s *Store) LiveConnection(ctx context.Context, domainID string) (directory.Connection, error) {
	return s.oneConnection(ctx, `domain_id = ? and state = 'live'`, domainID)
}

func (s *Store) oneConnection(ctx context.Context, where string, args ...any) (c directory.Connection, err error) {
	var secret string
	err = s.read(ctx, func(ctx context.Context, q queryer) (err error) {
		c, err = scanConnection(&secret)(q.QueryRowContext(ctx, `select `+connectionColumns+` from connections where `+where, args...))
		return err
	})
	if err != nil {
		return directory.Connection{}, err
	}
	if err := s.openSecret(&c, secret); err != nil {
		return directory.Connection{}, err
	}
	return c, nil
}

// Connections lists all revisions, newest first. A secret that does not open, because its key was lost, is left empty here,
// so that a new draft can be made; Connection and LiveConnection report it.
func (s *Store) Connections(ctx context.Context, domainID string) (cs []directory.Connection, err error) {
	var secret string
	scan := func(row scanner) (directory.Connection, error) {
		c, err := scanConnection(&secret)(row)
		if err != nil {
			return c, err
		}
		err = s.openSecret(&c, secret)
		if errors.Is(err, credential.ErrUnknownKey) || errors.Is(err, credential.ErrTampered) {
			err = nil
		}
		return c, err
	}
	err = s.read(ctx, func(ctx context.Context, q queryer) (err error) {
		cs, err = collect(ctx, q, scan, `select `+connectionColumns+` from connections where domain_id = ? order by revision desc`, domainID)
		return err
	})
	return cs, err
}

// Activate makes the revision live and the one that was live past.
func (s *Store) Activate(ctx context.Context, domainID string, revision int, now time.Time) error {
	return s.write(ctx, func(ctx context.Context, q queryer) error {
		if err := s.holdDomain(ctx, q, domainID); err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, `update connections set state = 'past' where domain_id = ? and state = 'live' and revision <> ?`, domainID, revision); err != nil {
			return err
		}
		return changed(q.ExecContext(ctx, `update connections set state = 'live', live = case when state = 'live' then live else ? end
			where domain_id = ? and revision = ?`, micros(now), domainID, revision))
	})
}

// LiveMetadataURLs lists (domain ID, URL) of all live SAML connections with a metadata URL, of active domains.
func (s *Store) LiveMetadataURLs(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	scan := func(row scanner) (string, error) {
		var id, url string
		err := row.Scan(&id, &url)
		out[id] = url
		return id, err
	}
	err := s.read(ctx, func(ctx context.Context, q queryer) error {
		_, err := collect(ctx, q, scan, `select c.domain_id, c.metadata_url from connections c join domains d on d.id = c.domain_id
			where c.state = 'live' and c.type = 'saml' and c.metadata_url <> '' and not d.disabled`)
		return err
	})
	return out, err
}

// sealed splits a connection into JSON without secrets and the sealed client secret.
func (s *Store) sealed(c directory.Connection) (text, secret string, err error) {
	set := settings{SAML: c.SAML}
	if c.OAuth != nil {
		o := *c.OAuth
		o.ClientSecret = ""
		set.OAuth = &o
		if c.OAuth.ClientSecret != "" {
			if secret, err = s.box.Seal([]byte(c.OAuth.ClientSecret), secretPlace(c.DomainID, c.Revision)); err != nil {
				return "", "", err
			}
		}
	}
	data, err := json.Marshal(set)
	if err != nil {
		return "", "", fmt.Errorf("store: connection: %w", err)
	}
	return string(data), secret, nil
}

func (s *Store) openSecret(c *directory.Connection, sealed string) error {
	if sealed == "" || c.OAuth == nil {
		return nil
	}
	plain, err := s.box.Open(sealed, secretPlace(c.DomainID, c.Revision))
	if err != nil {
		return fmt.Errorf("store: client secret of %s revision %d: %w", c.DomainID, c.Revision, err)
	}
	c.OAuth.ClientSecret = string(plain)
	return nil
}

func secretPlace(domainID string, revision int) string {
	return credential.Place("connections", "secret", domainID, strconv.Itoa(revision))
}

func scanConnection(secret *string) func(scanner) (directory.Connection, error) {
	return func(row scanner) (directory.Connection, error) {
		var (
			c             directory.Connection
			text          string
			created, live int64
			set           settings
		)
		if err := row.Scan(&c.DomainID, &c.Revision, &c.State, &c.Type, &text, secret, &created, &live); err != nil {
			return c, err
		}
		if err := unmarshal("connection of "+c.DomainID, text, &set); err != nil {
			return c, err
		}
		c.SAML, c.OAuth, c.Created, c.Live = set.SAML, set.OAuth, moment(created), moment(live)
		return c, nil
	}
}
