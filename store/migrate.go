package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"modernc.org/sqlite"

	"github.com/ssogate/ssogate/directory"
)

//go:embed migrations/*.sql
var migrations embed.FS

// sqliteTries bounds how often a process tries again when another one migrates the same file.
const sqliteTries = 5

// migrate brings the tables up to date. With PostgreSQL an advisory lock lets one node at a time do it.
func (s *Store) migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	which, tries := goose.DialectSQLite3, sqliteTries
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if s.dialect.numbered {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
		if err != nil {
			return fmt.Errorf("store: migrations: %w", err)
		}
		which, tries = goose.DialectPostgres, 1
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(which, db, files, options...)
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	for try := 1; ; try++ {
		if _, err = provider.Up(ctx); err == nil {
			return nil
		}
		// Another process was faster with the same step: what it made is there when it is looked for again.
		var lite *sqlite.Error
		if try == tries || !errors.As(err, &lite) {
			return fmt.Errorf("store: migrations: %w: %w", directory.ErrUnavailable, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("store: migrations: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
