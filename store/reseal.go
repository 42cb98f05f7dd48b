package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/ssogate/ssogate/credential"
)

// Reseal seals everything again that was sealed with a previous key, in one transaction, and says how much that was.
// Afterwards the previous key is not needed any more.
func (s *Store) Reseal(ctx context.Context) (n int, err error) {
	err = s.Transact(ctx, func(ctx context.Context) error {
		for _, c := range []sealedColumn{
			{read: `select domain_id, cast(revision as text), secret from connections where secret <> ''`,
				write: `update connections set secret = ? where domain_id = ? and revision = ?`, table: "connections", column: "secret", numbered: true},
			{read: `select coalesce(domain_id, ''), id, private from signing_keys`,
				write: `update signing_keys set private = ? where coalesce(domain_id, '') = ? and id = ?`, table: "signing_keys", column: "private"},
		} {
			more, err := s.resealColumn(ctx, c)
			n += more
			if err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

type sealedColumn struct {
	read, write   string
	table, column string
	numbered      bool // the row is named by a number
}

type sealedRow struct{ domainID, row, text string }

func (s *Store) resealColumn(ctx context.Context, c sealedColumn) (n int, err error) {
	scan := func(row scanner) (r sealedRow, err error) {
		err = row.Scan(&r.domainID, &r.row, &r.text)
		return r, err
	}
	err = s.write(ctx, func(ctx context.Context, q queryer) error {
		rows, err := collect(ctx, q, scan, c.read)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if !s.box.NeedsReseal(r.text) {
				continue
			}
			place := credential.Place(c.table, c.column, r.domainID, r.row)
			plain, err := s.box.Open(r.text, place)
			if err != nil {
				return fmt.Errorf("store: %s of %s %s: %w", c.column, r.domainID, r.row, err)
			}
			text, err := s.box.Seal(plain, place)
			if err != nil {
				return err
			}
			var row any = r.row
			if c.numbered {
				if row, err = strconv.Atoi(r.row); err != nil {
					return fmt.Errorf("%w: %s", errContent, c.table)
				}
			}
			if _, err := q.ExecContext(ctx, c.write, text, r.domainID, row); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}
