package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// dialect is what the two databases do not share.
type dialect struct {
	numbered bool   // parameters are $1, $2, … and not ?
	lock     string // behind a select: hold the row until the end of the transaction
}

// bind lets statements be written with ? for both.
func (d dialect) bind(q queryer) queryer {
	if !d.numbered {
		return q
	}
	return numbered{q}
}

type numbered struct{ q queryer }

func (n numbered) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return n.q.ExecContext(ctx, number(query), args...)
}

func (n numbered) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return n.q.QueryContext(ctx, number(query), args...)
}

func (n numbered) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return n.q.QueryRowContext(ctx, number(query), args...)
}

// number writes $1, $2, … for each ?. No statement of this room holds a question mark in a literal.
func number(query string) string {
	var b strings.Builder
	b.Grow(len(query) + 16)
	n := 0
	for i := range len(query) {
		if query[i] != '?' {
			b.WriteByte(query[i])
			continue
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}

// openSQLite opens one connection that writes and several that read. The write-ahead log lets them work side by side, and an
// immediate lock at begin makes a second process wait instead of failing in the middle.
func (s *Store) openSQLite(ctx context.Context, path string) error {
	if path == "" || strings.HasPrefix(path, ":") {
		return errors.New("store: sqlite: want a path of a file")
	}
	if err := privateFile(path); err != nil {
		return err
	}
	busy := fmt.Sprintf("busy_timeout(%d)", s.o.WriteTimeout.Milliseconds())
	pragmas := url.Values{"_pragma": {busy, "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)"}}
	pragmas.Set("_txlock", "immediate")
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas.Encode()
	var err error
	if s.writer, err = s.pool(name, 1); err != nil {
		return err
	}
	if err := s.migrate(ctx, s.writer); err != nil {
		return err
	}
	s.reader, err = s.pool(name+"&_pragma="+url.QueryEscape("query_only(1)"), s.o.MaxConns)
	return err
}

func (s *Store) pool(name string, conns int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, fmt.Errorf("store: sqlite: %w", err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	s.closers = append(s.closers, db.Close)
	return db, nil
}

// privateFile makes the file before SQLite does, so that it and the two files beside it are the owner's alone.
func privateFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("store: sqlite: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("store: sqlite: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("store: sqlite: %w", err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := f.Chmod(0o600); err != nil {
		return fmt.Errorf("store: sqlite: %w", err)
	}
	return nil
}

// openPostgres opens a pool. Limits on the server's side end what a client has given up: a statement after 10 s, waiting for
// a lock after the time limit of a write.
func (s *Store) openPostgres(ctx context.Context, text string) error {
	conf, err := pgxpool.ParseConfig(text)
	if err != nil {
		return errors.New("store: postgres: the database URL cannot be read") // pgx would quote it
	}
	if conf.ConnConfig.ConnectTimeout == 0 || conf.ConnConfig.ConnectTimeout > 5*time.Second {
		conf.ConnConfig.ConnectTimeout = s.o.WriteTimeout
	}
	migrations := stdlib.OpenDB(*conf.ConnConfig.Copy())
	s.dialect = dialect{numbered: true, lock: " for update"}
	err = s.migrate(ctx, migrations)
	migrations.Close()
	if err != nil {
		return withoutPassword(err, conf.ConnConfig.Password)
	}
	limits := fmt.Sprintf("set statement_timeout = 10000; set lock_timeout = %d", s.o.WriteTimeout.Milliseconds())
	conf.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.PgConn().Exec(ctx, limits).ReadAll()
		return err
	}
	conf.MaxConns = int32(min(s.o.MaxConns, 1000))
	conf.MinIdleConns = min(2, conf.MaxConns)
	conf.PingTimeout = s.o.QueryTimeout
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return withoutPassword(fmt.Errorf("store: postgres: %w", err), conf.ConnConfig.Password)
	}
	s.reader = stdlib.OpenDBFromPool(pool)
	s.writer = s.reader
	s.closers = append(s.closers, s.reader.Close, func() error { pool.Close(); return nil })
	return nil
}
