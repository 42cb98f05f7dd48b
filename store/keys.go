package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/ssogate/ssogate/credential"
	"github.com/ssogate/ssogate/directory"
)

// PutKey inserts or replaces a key by ID; domain and use of a key never change.
func (s *Store) PutKey(ctx context.Context, k directory.Key) error {
	private, err := s.box.Seal(k.Private, privatePlace(k.DomainID, k.ID))
	if err != nil {
		return err
	}
	certificate := k.Certificate
	if certificate == nil {
		certificate = []byte{}
	}
	return s.write(ctx, func(ctx context.Context, q queryer) error {
		return changed(q.ExecContext(ctx, `insert into signing_keys (id, domain_id, purpose, state, private, certificate, created) values (?, ?, ?, ?, ?, ?, ?)
			on conflict (id) do update set state = excluded.state, private = excluded.private, certificate = excluded.certificate
			where coalesce(signing_keys.domain_id, '') = coalesce(excluded.domain_id, '') and signing_keys.purpose = excluded.purpose`,
			k.ID, sql.NullString{String: k.DomainID, Valid: k.DomainID != ""}, k.Use, string(k.State), private, certificate, micros(k.Created)))
	})
}

// DeleteKey removes a key.
func (s *Store) DeleteKey(ctx context.Context, id string) error {
	return s.write(ctx, func(ctx context.Context, q queryer) error {
		return changed(q.ExecContext(ctx, `delete from signing_keys where id = ?`, id))
	})
}

// Keys lists keys for a use, newest first.
func (s *Store) Keys(ctx context.Context, domainID, use string) (ks []directory.Key, err error) {
	where, args := `domain_id = ? and purpose = ?`, []any{domainID, use}
	if domainID == "" {
		where, args = `domain_id is null and purpose = ?`, []any{use}
	}
	err = s.read(ctx, func(ctx context.Context, q queryer) (err error) {
		ks, err = collect(ctx, q, s.scanKey, `select id, coalesce(domain_id, ''), purpose, state, private, certificate, created from signing_keys
			where `+where+` order by created desc, id desc`, args...)
		return err
	})
	return ks, err
}

func (s *Store) scanKey(row scanner) (directory.Key, error) {
	var (
		k       directory.Key
		private string
		created int64
	)
	if err := row.Scan(&k.ID, &k.DomainID, &k.Use, &k.State, &private, &k.Certificate, &created); err != nil {
		return k, err
	}
	plain, err := s.box.Open(private, privatePlace(k.DomainID, k.ID))
	if err != nil {
		return k, fmt.Errorf("store: key %s: %w", k.ID, err)
	}
	k.Private, k.Created = plain, moment(created)
	return k, nil
}

func privatePlace(domainID, id string) string {
	return credential.Place("signing_keys", "private", domainID, id)
}

// PutService inserts or replaces a service by name.
func (s *Store) PutService(ctx context.Context, v directory.Service) error {
	hosts, err := json.Marshal(v.AccessHosts)
	if err != nil {
		return fmt.Errorf("store: service: %w", err)
	}
	return s.write(ctx, func(ctx context.Context, q queryer) error {
		_, err := q.ExecContext(ctx, `insert into services (name, access_hosts, updated) values (?, ?, ?)
			on conflict (name) do update set access_hosts = excluded.access_hosts, updated = excluded.updated`, v.Name, string(hosts), micros(v.Updated))
		return err
	})
}

// DeleteService removes a service.
func (s *Store) DeleteService(ctx context.Context, name string) error {
	return s.write(ctx, func(ctx context.Context, q queryer) error {
		return changed(q.ExecContext(ctx, `delete from services where name = ?`, name))
	})
}

// Services lists all services by name.
func (s *Store) Services(ctx context.Context) (vs []directory.Service, err error) {
	scan := func(row scanner) (directory.Service, error) {
		var (
			v       directory.Service
			hosts   string
			updated int64
		)
		if err := row.Scan(&v.Name, &hosts, &updated); err != nil {
			return v, err
		}
		v.Updated = moment(updated)
		err := unmarshal("service "+v.Name, hosts, &v.AccessHosts)
		return v, err
	}
	err = s.read(ctx, func(ctx context.Context, q queryer) (err error) {
		vs, err = collect(ctx, q, scan, `select name, access_hosts, updated from services order by name`)
		return err
	})
	return vs, err
}
