package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ssogate/ssogate/directory"
)

// PutMetadata keeps the last copy for a domain.
func (s *Store) PutMetadata(ctx context.Context, m directory.Metadata) error {
	extra, err := json.Marshal(m.Extra)
	if err != nil {
		return fmt.Errorf("store: metadata: %w", err)
	}
	document := m.XML
	if document == nil {
		document = []byte{}
	}
	return s.write(ctx, func(ctx context.Context, q queryer) error {
		_, err := q.ExecContext(ctx, `insert into metadata (domain_id, url, document, version, fetched, tried, fault, extra)
			values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (domain_id) do update set url = excluded.url, document = excluded.document,
			version = excluded.version, fetched = excluded.fetched, tried = excluded.tried, fault = excluded.fault, extra = excluded.extra`,
			m.DomainID, m.URL, document, m.Version, micros(m.Fetched), micros(m.Tried), m.Fault, string(extra))
		return err
	})
}

// Metadata is the last copy for a domain.
func (s *Store) Metadata(ctx context.Context, domainID string) (m directory.Metadata, err error) {
	var (
		fetched, tried int64
		extra          string
	)
	err = s.read(ctx, func(ctx context.Context, q queryer) error {
		return q.QueryRowContext(ctx, `select domain_id, url, document, version, fetched, tried, fault, extra from metadata where domain_id = ?`, domainID).
			Scan(&m.DomainID, &m.URL, &m.XML, &m.Version, &fetched, &tried, &m.Fault, &extra)
	})
	if err != nil {
		return directory.Metadata{}, err
	}
	m.Fetched, m.Tried = moment(fetched), moment(tried)
	err = unmarshal("metadata of "+domainID, extra, &m.Extra)
	return m, err
}
