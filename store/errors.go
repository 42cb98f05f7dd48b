package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/credential"
	"github.com/ssogate/ssogate/directory"
)

// fault says in the words of the directory what a driver's error means. ctx is the caller's, without our time limit. What
// the caller is told never holds values of a row.
func (s *Store) fault(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, directory.ErrNotFound), errors.Is(err, directory.ErrConflict), errors.Is(err, directory.ErrUnavailable),
		errors.Is(err, credential.ErrUnknownKey), errors.Is(err, credential.ErrTampered), errors.Is(err, errContent):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return notFound{}
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("store: %w", context.Cause(ctx))
	}
	switch kindOf(err) {
	case kindUnique:
		return fmt.Errorf("store: %w", directory.ErrConflict)
	case kindReference, kindText: // the domain is gone, or the text can be in no row
		return notFound{}
	case kindOther:
		return fmt.Errorf("store: %w", err)
	}
	return fmt.Errorf("store: %w: %w", directory.ErrUnavailable, err)
}

// errContent marks what is stored and cannot be read back: trying again does not help.
var errContent = errors.New("store: stored content is not readable")

// notFound is what both rooms that define such an error recognise.
type notFound struct{}

// Error says so.
func (notFound) Error() string { return "store: not found" }

// Is makes errors.Is true for either.
func (notFound) Is(target error) bool {
	return target == directory.ErrNotFound || target == audit.ErrNotFound
}

type kind int

const (
	kindUnavailable kind = iota // network, time limit, busy, disk: also what is not known
	kindUnique
	kindReference
	kindText
	kindOther // a statement that is wrong: trying again does not help
)

func kindOf(err error) kind {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return postgresKind(pg.Code)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return sqliteKind(lite.Code())
	}
	return kindUnavailable
}

// postgresKind reads a SQLSTATE (PostgreSQL, appendix A).
func postgresKind(code string) kind {
	switch code {
	case "23505":
		return kindUnique
	case "23503":
		return kindReference
	case "22021": // character not in repertoire: NUL or invalid UTF-8 in a text that was asked for
		return kindText
	case "55P03", "25006": // lock not available, read-only: a standby
		return kindUnavailable
	}
	switch code[:min(2, len(code))] {
	case "08", "28", "3D", "40", "53", "57", "58": // connection, authorisation, catalog, rollback, resources, operator, system
		return kindUnavailable
	}
	return kindOther
}

func sqliteKind(code int) kind {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return kindUnique
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return kindReference
	}
	switch code & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT,
		sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL:
		return kindUnavailable
	}
	return kindOther
}

// withoutPassword keeps a database URL's password out of an error.
func withoutPassword(err error, password string) error {
	if err == nil || password == "" {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), password, "…"))
}
