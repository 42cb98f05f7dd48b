package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ssogate/ssogate/audit"
)

const (
	attemptsAtOnce = 100  // rows of one insert
	trimAtOnce     = 1000 // rows of one delete, so that sign-ins are written in between
)

// SaveAttempts stores the attempts in one transaction. Of two with one Ref the later wins, but one that has ended is never
// replaced by one that only started.
func (s *Store) SaveAttempts(ctx context.Context, as []audit.Attempt) error {
	if len(as) == 0 {
		return nil
	}
	as = lastByRef(as)
	return s.Transact(ctx, func(ctx context.Context) error {
		for len(as) > 0 {
			n := min(len(as), attemptsAtOnce)
			if err := s.insertAttempts(ctx, as[:n]); err != nil {
				return err
			}
			as = as[n:]
		}
		return nil
	})
}

func lastByRef(as []audit.Attempt) []audit.Attempt {
	at := make(map[string]int, len(as))
	out := make([]audit.Attempt, 0, len(as))
	for _, a := range as {
		if i, seen := at[a.Ref]; seen {
			if a.Verdict != audit.Started || out[i].Verdict == audit.Started {
				out[i] = a
			}
			continue
		}
		at[a.Ref] = len(out)
		out = append(out, a)
	}
	return out
}

func (s *Store) insertAttempts(ctx context.Context, as []audit.Attempt) error {
	args := make([]any, 0, 7*len(as))
	for _, a := range as {
		payload, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("store: attempt %s: %w", a.Ref, err)
		}
		args = append(args, a.Ref, a.DomainID, string(a.Verdict), a.Code, micros(a.Started), micros(a.Expires), string(payload))
	}
	rows := strings.TrimSuffix(strings.Repeat(`(?, ?, ?, ?, ?, ?, ?), `, len(as)), `, `)
	return s.write(ctx, func(ctx context.Context, q queryer) error {
		_, err := q.ExecContext(ctx, `insert into attempts (ref, domain_id, verdict, code, started, expires, payload) values `+rows+`
			on conflict (ref) do update set domain_id = excluded.domain_id, verdict = excluded.verdict, code = excluded.code,
			started = excluded.started, expires = excluded.expires, payload = excluded.payload
			where attempts.verdict = 'started' or excluded.verdict <> 'started'`, args...)
		return err
	})
}

// Attempt is the one with that reference number, or an error that is audit.ErrNotFound.
func (s *Store) Attempt(ctx context.Context, ref string) (a audit.Attempt, err error) {
	err = s.read(ctx, func(ctx context.Context, q queryer) (err error) {
		a, err = s.scanAttempt(q.QueryRowContext(ctx, `select payload from attempts where ref = ?`, ref))
		return err
	})
	return a, err
}

// Attempts lists what the filter chooses, newest first. Of attempts that started in the same microsecond as the last of a
// page, those on the next page are the ones before that microsecond.
func (s *Store) Attempts(ctx context.Context, f audit.AttemptFilter) (as []audit.Attempt, err error) {
	where, args := []string{`1 = 1`}, []any{}
	and := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if f.DomainID != "" {
		and(`domain_id = ?`, f.DomainID)
	}
	if f.Code != "" {
		and(`code = ?`, f.Code)
	}
	if !f.Before.IsZero() {
		and(`started < ?`, micros(f.Before))
	}
	switch now := micros(s.o.Now()); f.Verdict {
	case "":
	case audit.Started:
		and(`verdict = 'started' and (expires = 0 or expires > ?)`, now)
	case audit.Expired:
		and(`(verdict = 'expired' or verdict = 'started' and expires > 0 and expires <= ?)`, now)
	default:
		and(`verdict = ?`, string(f.Verdict))
	}
	args = append(args, limited(f.Limit, 50))
	query := `select payload from attempts where ` + strings.Join(where, ` and `) + ` order by started desc, ref desc limit ?`
	err = s.read(ctx, func(ctx context.Context, q queryer) (err error) {
		as, err = collect(ctx, q, s.scanAttempt, query, args...)
		return err
	})
	return as, err
}

func (s *Store) scanAttempt(row scanner) (audit.Attempt, error) {
	var (
		a       audit.Attempt
		payload string
	)
	if err := row.Scan(&payload); err != nil {
		return a, err
	}
	if err := unmarshal("attempt", payload, &a); err != nil {
		return a, err
	}
	a.Verdict = audit.Stands(a, s.o.Now())
	return a, nil
}

// TrimAttempts removes what is older than the time and what is over the limit of a domain, in many small transactions.
func (s *Store) TrimAttempts(ctx context.Context, olderThan time.Time, mostPerDomain int) (int64, error) {
	total, err := s.deleteAttempts(ctx, `started < ?`, micros(olderThan))
	if err != nil || mostPerDomain <= 0 {
		return total, err
	}
	crowded, err := s.crowded(ctx, mostPerDomain)
	if err != nil {
		return total, err
	}
	for _, domainID := range crowded {
		n, err := s.trimDomain(ctx, domainID, mostPerDomain)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (s *Store) trimDomain(ctx context.Context, domainID string, most int) (int64, error) {
	var (
		started int64
		ref     string
	)
	err := s.slowly(ctx, func(ctx context.Context, q queryer) error {
		return q.QueryRowContext(ctx, `select started, ref from attempts where domain_id = ? order by started desc, ref desc limit 1 offset ?`,
			domainID, most).Scan(&started, &ref)
	})
	if isNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return s.deleteAttempts(ctx, `domain_id = ? and (started < ? or started = ? and ref <= ?)`, domainID, started, started, ref)
}

func (s *Store) crowded(ctx context.Context, most int) (ids []string, err error) {
	scan := func(row scanner) (string, error) {
		var id string
		err := row.Scan(&id)
		return id, err
	}
	err = s.slowly(ctx, func(ctx context.Context, q queryer) (err error) {
		ids, err = collect(ctx, q, scan, `select domain_id from attempts group by domain_id having count(*) > ?`, most)
		return err
	})
	return ids, err
}

func (s *Store) deleteAttempts(ctx context.Context, where string, args ...any) (total int64, err error) {
	args = append(args, trimAtOnce)
	for {
		var n int64
		err := s.write(ctx, func(ctx context.Context, q queryer) error {
			r, err := q.ExecContext(ctx, `delete from attempts where ref in (select ref from attempts where `+where+` order by started, ref limit ?)`, args...)
			if err != nil {
				return err
			}
			n, err = r.RowsAffected()
			return err
		})
		total += n
		if err != nil || n < trimAtOnce {
			return total, err
		}
	}
}
