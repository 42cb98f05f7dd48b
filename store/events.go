package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
)

// Append keeps an event, in the transaction of ctx if there is one.
func (s *Store) Append(ctx context.Context, e audit.Event) error {
	id, err := uuid.NewV7() // ordered, so that events of one microsecond stay in their order
	if err != nil {
		return fmt.Errorf("store: event: %w", err)
	}
	payload, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("store: event: %w", err)
	}
	return s.write(ctx, func(ctx context.Context, q queryer) error {
		_, err := q.ExecContext(ctx, `insert into events (id, domain_id, happened, payload) values (?, ?, ?, ?)`, id.String(), e.DomainID, micros(e.Time), string(payload))
		return err
	})
}

// Events lists the newest first; domainID "" means all.
func (s *Store) Events(ctx context.Context, domainID string, limit int) (es []audit.Event, err error) {
	where, args := ``, []any{}
	if domainID != "" {
		where, args = `where domain_id = ?`, []any{domainID}
	}
	scan := func(row scanner) (audit.Event, error) {
		var (
			e       audit.Event
			payload string
		)
		if err := row.Scan(&payload); err != nil {
			return e, err
		}
		err := unmarshal("event", payload, &e)
		return e, err
	}
	err = s.read(ctx, func(ctx context.Context, q queryer) (err error) {
		es, err = collect(ctx, q, scan, `select payload from events `+where+` order by happened desc, id desc limit ?`, append(args, limited(limit, 50))...)
		return err
	})
	return es, err
}

func isNotFound(err error) bool { return errors.Is(err, directory.ErrNotFound) }
