package store

import (
	"context"
	"time"

	"github.com/ssogate/ssogate/directory"
)

// Revoke raises the generation of the domain or member by one and records it. The sequence number comes from a row that stays
// locked until the end of the transaction, so that numbers become visible in their order and a reader who remembers the last
// one misses none. Of one domain or member only the newest is kept: it says all that the older ones said.
func (s *Store) Revoke(ctx context.Context, domainID, memberID string, now time.Time) (r directory.Revocation, err error) {
	r = directory.Revocation{DomainID: domainID, MemberID: memberID, At: moment(micros(now))}
	err = s.write(ctx, func(ctx context.Context, q queryer) error {
		raise, args := `update domains set generation = generation + 1 where id = ? returning generation`, []any{domainID}
		if memberID != "" {
			raise, args = `update members set generation = generation + 1 where domain_id = ? and id = ? returning generation`, []any{domainID, memberID}
		}
		if err := q.QueryRowContext(ctx, raise, args...).Scan(&r.Generation); err != nil {
			return err
		}
		if err := q.QueryRowContext(ctx, `update counters set value = value + 1 where name = 'revocations' returning value`).Scan(&r.Seq); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, `insert into revocations (seq, domain_id, member_id, generation, happened) values (?, ?, ?, ?, ?)
			on conflict (domain_id, member_id) do update set seq = excluded.seq, generation = excluded.generation, happened = excluded.happened`,
			r.Seq, domainID, memberID, r.Generation, micros(now))
		return err
	})
	if err != nil {
		return directory.Revocation{}, err
	}
	return r, nil
}

// Revocations lists those with Seq above after, oldest first.
func (s *Store) Revocations(ctx context.Context, after int64, limit int) (rs []directory.Revocation, err error) {
	err = s.read(ctx, func(ctx context.Context, q queryer) (err error) {
		rs, err = collect(ctx, q, scanRevocation, `select seq, domain_id, member_id, generation, happened from revocations where seq > ? order by seq limit ?`,
			after, limited(limit, 500))
		return err
	})
	return rs, err
}

func scanRevocation(row scanner) (directory.Revocation, error) {
	var (
		r        directory.Revocation
		happened int64
	)
	err := row.Scan(&r.Seq, &r.DomainID, &r.MemberID, &r.Generation, &happened)
	r.At = moment(happened)
	return r, err
}
