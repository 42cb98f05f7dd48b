package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ssogate/ssogate/directory"
)

const memberColumns = `id, domain_id, account, external_key, family_name, given_name, nick_name, private_mail, language, time_zone,
	status, super_admin, generation, version, created, updated, deleted`

// PutMember inserts a member of version 0, or replaces the one with that ID and version. The generation is Revoke's alone.
func (s *Store) PutMember(ctx context.Context, m directory.Member) (directory.Member, error) {
	err := s.write(ctx, func(ctx context.Context, q queryer) error {
		if m.Version == 0 {
			return insertMember(ctx, q, m)
		}
		err := q.QueryRowContext(ctx, `update members set account = ?, external_key = ?, family_name = ?, given_name = ?, nick_name = ?,
			private_mail = ?, language = ?, time_zone = ?, status = ?, super_admin = ?, updated = ?, deleted = ?, version = version + 1
			where id = ? and domain_id = ? and version = ? returning generation`,
			m.Account, m.ExternalKey, m.FamilyName, m.GivenName, m.NickName, m.PrivateMail, m.Language, m.TimeZone, string(m.Status),
			m.SuperAdmin, micros(m.Updated), micros(m.Deleted), m.ID, m.DomainID, m.Version).Scan(&m.Generation)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var version int64
		if err := q.QueryRowContext(ctx, `select version from members where id = ? and domain_id = ?`, m.ID, m.DomainID).Scan(&version); err != nil {
			return err
		}
		return fmt.Errorf("store: member %s has version %d, not %d: %w", m.ID, version, m.Version, directory.ErrConflict)
	})
	if err != nil {
		return directory.Member{}, err
	}
	m.Version++
	return m, nil
}

func insertMember(ctx context.Context, q queryer, m directory.Member) error {
	_, err := q.ExecContext(ctx, `insert into members (`+memberColumns+`) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)`,
		m.ID, m.DomainID, m.Account, m.ExternalKey, m.FamilyName, m.GivenName, m.NickName, m.PrivateMail, m.Language, m.TimeZone,
		string(m.Status), m.SuperAdmin, m.Generation, micros(m.Created), micros(m.Updated), micros(m.Deleted))
	return err
}

// Member finds a member of the domain by ID.
func (s *Store) Member(ctx context.Context, domainID, id string) (directory.Member, error) {
	return s.oneMember(ctx, `id = ?`, domainID, id)
}

// MemberByAccount finds a member of the domain by account.
func (s *Store) MemberByAccount(ctx context.Context, domainID, account string) (directory.Member, error) {
	return s.oneMember(ctx, `account = ?`, domainID, account)
}

// MemberByExternalKey finds a member of the domain by exactly this external key; the empty key finds nobody.
func (s *Store) MemberByExternalKey(ctx context.Context, domainID, key string) (directory.Member, error) {
	return s.oneMember(ctx, `external_key = ? and external_key <> ''`, domainID, key)
}

func (s *Store) oneMember(ctx context.Context, where, domainID, arg string) (m directory.Member, err error) {
	err = s.read(ctx, func(ctx context.Context, q queryer) (err error) {
		m, err = scanMember(q.QueryRowContext(ctx, `select `+memberColumns+` from members where domain_id = ? and `+where, domainID, arg))
		return err
	})
	return m, err
}

// Members lists members of a domain by account.
func (s *Store) Members(ctx context.Context, domainID string, f directory.MemberFilter) (ms []directory.Member, err error) {
	where, args := []string{`domain_id = ?`, `account > ?`}, []any{domainID, f.After}
	if f.Status != "" {
		where, args = append(where, `status = ?`), append(args, string(f.Status))
	}
	if f.Match != "" {
		like := `lower(?) escape '\'`
		where = append(where, `(account like `+like+` or lower(external_key) like `+like+` or lower(family_name || ' ' || given_name) like `+like+
			` or lower(given_name || ' ' || family_name) like `+like+` or lower(family_name || given_name) like `+like+`)`)
		part := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(f.Match) + "%"
		args = append(args, part, part, part, part, part)
	}
	args = append(args, limited(f.Limit, 100))
	query := `select ` + memberColumns + ` from members where ` + strings.Join(where, ` and `) + ` order by account limit ?`
	err = s.read(ctx, func(ctx context.Context, q queryer) (err error) {
		ms, err = collect(ctx, q, scanMember, query, args...)
		return err
	})
	return ms, err
}

// MoveMembers gives every member of a domain with the one status the other.
func (s *Store) MoveMembers(ctx context.Context, domainID string, from, to directory.Status, now time.Time) (n int64, err error) {
	deleted := int64(0)
	if to == directory.StatusDeleted {
		deleted = micros(now)
	}
	err = s.write(ctx, func(ctx context.Context, q queryer) error {
		r, err := q.ExecContext(ctx, `update members set status = ?, updated = ?, deleted = ?, version = version + 1 where domain_id = ? and status = ?`,
			string(to), micros(now), deleted, domainID, string(from))
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	return n, err
}

// PurgeMembers removes members deleted before that time for good.
func (s *Store) PurgeMembers(ctx context.Context, before time.Time, limit int) (n int64, err error) {
	err = s.write(ctx, func(ctx context.Context, q queryer) error {
		r, err := q.ExecContext(ctx, `delete from members where id in (select id from members where deleted > 0 and deleted < ? and status = 'deleted'
			order by deleted limit ?)`, micros(before), limit)
		if err != nil {
			return err
		}
		n, err = r.RowsAffected()
		return err
	})
	return n, err
}

func scanMember(row scanner) (directory.Member, error) {
	var (
		m                         directory.Member
		created, updated, deleted int64
	)
	err := row.Scan(&m.ID, &m.DomainID, &m.Account, &m.ExternalKey, &m.FamilyName, &m.GivenName, &m.NickName, &m.PrivateMail,
		&m.Language, &m.TimeZone, &m.Status, &m.SuperAdmin, &m.Generation, &m.Version, &created, &updated, &deleted)
	m.Created, m.Updated, m.Deleted = moment(created), moment(updated), moment(deleted)
	return m, err
}
