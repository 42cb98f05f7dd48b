// Package store keeps the directory, the sign-in trace and the audit log in SQL: SQLite in one file (the embedded default)
// or PostgreSQL. It is the only room that knows SQL. One set of migrations and one conformance suite (storetest) hold for
// both.
//
// What it promises beyond directory.Store, audit.Trace and audit.Log: a read never waits longer than Options.QueryTimeout
// and a write statement never longer than Options.WriteTimeout, also when the database accepts connections and stays silent;
// such errors wrap directory.ErrUnavailable. Client secrets and private keys are sealed with the place where they are kept,
// so that a dump of the database holds no secret and a sealed text moved to another row does not open.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/credential"
	"github.com/ssogate/ssogate/directory"
)

var (
	_ directory.Store = (*Store)(nil)
	_ audit.Trace     = (*Store)(nil)
	_ audit.Log       = (*Store)(nil)
)

// Options of a Store. Zero values take the defaults.
type Options struct {
	MaxConns     int              // to PostgreSQL, or readers of SQLite; default 8
	QueryTimeout time.Duration    // of a read, default 250 ms
	WriteTimeout time.Duration    // of one statement that writes, of a begin or a commit; default 2 s
	Now          func() time.Time // for the verdict of attempts; default time.Now
}

// Store is a directory.Store, an audit.Trace and an audit.Log over one database. Safe for concurrent use.
type Store struct {
	o       Options
	box     *credential.Box
	dialect dialect
	reader  *sql.DB
	writer  *sql.DB // the same as reader with PostgreSQL
	closers []func() error
}

// Open opens "sqlite:<path>" or "postgres://…" and brings its tables up to date; several nodes may do so at once. The box
// seals and opens the secrets.
func Open(ctx context.Context, url string, box *credential.Box, o Options) (*Store, error) {
	if box == nil {
		return nil, errors.New("store: no key to seal secrets with")
	}
	s := &Store{o: withDefaults(o), box: box}
	var err error
	switch scheme, rest, _ := strings.Cut(url, ":"); scheme {
	case "sqlite":
		err = s.openSQLite(ctx, rest)
	case "postgres", "postgresql":
		err = s.openPostgres(ctx, url)
	default:
		err = errors.New(`store: want a database URL "sqlite:<path>" or "postgres://…"`)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close ends all connections.
func (s *Store) Close() error {
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// Ping asks the database for an answer, as a read would.
func (s *Store) Ping(ctx context.Context) error {
	return s.read(ctx, func(ctx context.Context, q queryer) error {
		var one int
		return q.QueryRowContext(ctx, `select 1`).Scan(&one)
	})
}

func withDefaults(o Options) Options {
	if o.MaxConns <= 0 {
		o.MaxConns = 8
	}
	if o.QueryTimeout <= 0 {
		o.QueryTimeout = 250 * time.Millisecond
	}
	if o.WriteTimeout <= 0 {
		o.WriteTimeout = 2 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// queryer is a pool or a transaction.
type queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// txKey finds the transaction of this store in a context: two stores in one process never share one.
type txKey struct{ s *Store }

// Transact runs f in one transaction; every method called with the ctx of f joins it. SQLite has one writer at a time, so
// nothing slow belongs into f.
func (s *Store) Transact(ctx context.Context, f func(ctx context.Context) error) error {
	if _, inside := ctx.Value(txKey{s}).(*sql.Tx); inside {
		return f(ctx)
	}
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// The context of a transaction lives until its end, so begin, commit and rollback get their time limits by a timer each.
	within := func(step func() error) error {
		timer := time.AfterFunc(s.o.WriteTimeout, func() { cancel(errSlow) })
		defer timer.Stop()
		return step()
	}
	var tx *sql.Tx
	err := within(func() (err error) {
		tx, err = s.writer.BeginTx(limited, nil)
		return err
	})
	if err != nil {
		return s.fault(ctx, err)
	}
	defer within(tx.Rollback) // after a commit it does nothing
	if err := f(context.WithValue(limited, txKey{s}, tx)); err != nil {
		return err
	}
	return s.fault(ctx, within(tx.Commit))
}

// errSlow is why a transaction ends whose begin, commit or rollback takes too long.
var errSlow = fmt.Errorf("%w: no answer in time", directory.ErrUnavailable)

// write runs f in the transaction of ctx, or in one of its own.
func (s *Store) write(ctx context.Context, f func(ctx context.Context, q queryer) error) error {
	return s.Transact(ctx, func(ctx context.Context) error {
		limited, cancel := context.WithTimeout(ctx, s.o.WriteTimeout)
		defer cancel()
		tx, _ := ctx.Value(txKey{s}).(*sql.Tx)
		return s.fault(ctx, f(limited, s.dialect.bind(tx)))
	})
}

// read runs f in the transaction of ctx, or on the pool. f must have read all rows when it returns.
func (s *Store) read(ctx context.Context, f func(ctx context.Context, q queryer) error) error {
	var q queryer = s.reader
	limit := s.o.QueryTimeout
	if tx, inside := ctx.Value(txKey{s}).(*sql.Tx); inside {
		q, limit = tx, s.o.WriteTimeout
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return s.fault(ctx, f(limited, s.dialect.bind(q)))
}

// slowly is read for what nobody waits for.
func (s *Store) slowly(ctx context.Context, f func(ctx context.Context, q queryer) error) error {
	limited, cancel := context.WithTimeout(ctx, 10*s.o.WriteTimeout)
	defer cancel()
	return s.fault(ctx, f(limited, s.dialect.bind(s.reader)))
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, q queryer, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// scanner is a row.
type scanner interface{ Scan(into ...any) error }

// changed answers ErrNotFound when a statement met no row.
func changed(r sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	if err != nil {
		return fmt.Errorf("store: rows affected: %w", err)
	}
	if n == 0 {
		return directory.ErrNotFound
	}
	return nil
}

func limited(n, zero int) int {
	if n <= 0 {
		return zero
	}
	return min(n, 500)
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
