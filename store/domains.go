package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ssogate/ssogate/directory"
)

const domainColumns = `id, name, disabled, sso, user_key, language, time_zone, set_expire_time, session_idle, session_absolute,
	just_in_time, logout_redirection_domains, generation, created, updated`

// PutDomain inserts or replaces by ID; the generation is never lowered and the time of creation stays.
func (s *Store) PutDomain(ctx context.Context, d directory.Domain) error {
	hosts, err := json.Marshal(d.LogoutRedirectionDomains)
	if err != nil {
		return fmt.Errorf("store: domain: %w", err)
	}
	return s.write(ctx, func(ctx context.Context, q queryer) error {
		_, err := q.ExecContext(ctx, `insert into domains (`+domainColumns+`) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			on conflict (id) do update set name = excluded.name, disabled = excluded.disabled, sso = excluded.sso,
			user_key = excluded.user_key, language = excluded.language, time_zone = excluded.time_zone,
			set_expire_time = excluded.set_expire_time, session_idle = excluded.session_idle,
			session_absolute = excluded.session_absolute, just_in_time = excluded.just_in_time,
			logout_redirection_domains = excluded.logout_redirection_domains, updated = excluded.updated,
			generation = case when excluded.generation > domains.generation then excluded.generation else domains.generation end`,
			d.ID, d.Name, d.Disabled, d.SSO, string(d.UserKey), d.Language, d.TimeZone, d.SetExpireTime,
			d.SessionIdle.Microseconds(), d.SessionAbsolute.Microseconds(), d.JustInTime, string(hosts), d.Generation,
			micros(d.Created), micros(d.Updated))
		return err
	})
}

// Domain finds a domain by ID.
func (s *Store) Domain(ctx context.Context, id string) (directory.Domain, error) {
	return s.oneDomain(ctx, `id = ?`, id)
}

// DomainByName finds a domain by its exact name.
func (s *Store) DomainByName(ctx context.Context, name string) (directory.Domain, error) {
	return s.oneDomain(ctx, `name = ?`, name)
}

func (s *Store) oneDomain(ctx context.Context, where, arg string) (d directory.Domain, err error) {
	err = s.read(ctx, func(ctx context.Context, q queryer) (err error) {
		d, err = scanDomain(q.QueryRowContext(ctx, `select `+domainColumns+` from domains where `+where, arg))
		return err
	})
	return d, err
}

// Domains lists by name, after the given name.
func (s *Store) Domains(ctx context.Context, after string, limit int) (ds []directory.Domain, err error) {
	err = s.read(ctx, func(ctx context.Context, q queryer) (err error) {
		ds, err = collect(ctx, q, scanDomain, `select `+domainColumns+` from domains where name > ? order by name limit ?`, after, limited(limit, 100))
		return err
	})
	return ds, err
}

// DeleteDomain removes a domain with its connections, metadata, members and keys. Revocations, attempts and events stay.
func (s *Store) DeleteDomain(ctx context.Context, id string) error {
	return s.write(ctx, func(ctx context.Context, q queryer) error {
		return changed(q.ExecContext(ctx, `delete from domains where id = ?`, id))
	})
}

func scanDomain(row scanner) (directory.Domain, error) {
	var (
		d                                directory.Domain
		idle, absolute, created, updated int64
		hosts                            string
	)
	err := row.Scan(&d.ID, &d.Name, &d.Disabled, &d.SSO, &d.UserKey, &d.Language, &d.TimeZone, &d.SetExpireTime, &idle, &absolute,
		&d.JustInTime, &hosts, &d.Generation, &created, &updated)
	if err != nil {
		return d, err
	}
	d.SessionIdle, d.SessionAbsolute = time.Duration(idle)*time.Microsecond, time.Duration(absolute)*time.Microsecond
	d.Created, d.Updated = moment(created), moment(updated)
	err = unmarshal("domain "+d.ID, hosts, &d.LogoutRedirectionDomains)
	return d, err
}

func unmarshal(what, text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("%w: %s: %w", errContent, what, err)
	}
	return nil
}

// holdDomain makes writers of one domain wait for one another.
func (s *Store) holdDomain(ctx context.Context, q queryer, id string) error {
	var same string
	return q.QueryRowContext(ctx, `select id from domains where id = ?`+s.dialect.lock, id).Scan(&same)
}
