package session

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

const embeddedSchema = `
create table if not exists state (key text primary key, value blob not null, expires integer not null) without rowid;
create index if not exists state_expires on state (expires) where expires > 0;
create table if not exists listed (key text, member text, expires integer not null, primary key (key, member)) without rowid;
create index if not exists listed_expires on listed (expires);`

// embedded is the State in a SQLite file of its own: one process only, survives restarts. Rates are counted in memory.
type embedded struct {
	read, write *sql.DB
	lock        *os.File // nil beside the owner
	now         func() time.Time

	mu    sync.Mutex
	rates map[string]time.Time // theoretical arrival time of the next call, see Rate

	stop    context.CancelFunc
	stopped sync.WaitGroup
	once    sync.Once
}

// OpenEmbedded opens (or makes, mode 0600) the state file at path for this process alone: the lock file beside it refuses a
// second process. Expired entries are removed every minute until Close. now nil means time.Now.
func OpenEmbedded(path string, now func() time.Time) (State, error) {
	if now == nil {
		now = time.Now
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	e := &embedded{lock: lock, now: now, rates: map[string]time.Time{}}
	err = e.open(path)
	if err != nil {
		e.close()
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	e.stopped.Go(func() { e.janitor(ctx) })
	return e, nil
}

func (e *embedded) open(path string) error {
	// Only ever made, never opened and closed: closing gives up the locks that SQLite holds on it in this process (POSIX).
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		f.Close()
	} else if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("session: embedded state: %w", err)
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("session: embedded state: %w", err)
	}
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "_pragma=busy_timeout(5000)" +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate"}).String()
	if e.write, err = sql.Open("sqlite", dsn); err != nil {
		return fmt.Errorf("session: embedded state: %w", err)
	}
	if e.read, err = sql.Open("sqlite", dsn); err != nil {
		return fmt.Errorf("session: embedded state: %w", err)
	}
	e.write.SetMaxOpenConns(1) // SQLite has one writer; waiting in Go is cheaper than in its busy handler
	e.read.SetMaxOpenConns(8)
	e.read.SetMaxIdleConns(8)
	if _, err = e.write.Exec(embeddedSchema); err != nil {
		return fmt.Errorf("session: embedded state: %w", err)
	}
	return nil
}

// Close stops the janitor, closes the file and gives up its lock. Closing twice is no error.
func (e *embedded) Close() (err error) {
	e.once.Do(func() {
		e.stop()
		e.stopped.Wait()
		err = e.close()
	})
	return err
}

func (e *embedded) close() error {
	var errs []error
	for _, db := range []*sql.DB{e.read, e.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if e.lock != nil {
		errs = append(errs, e.lock.Close())
	}
	return errors.Join(errs...)
}

func (e *embedded) janitor(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := e.sweep(ctx); err != nil && ctx.Err() == nil {
				slog.Warn("session: embedded state: expired entries stay", "err", err)
			}
		}
	}
}

// sweep removes what is over.
func (e *embedded) sweep(ctx context.Context) error {
	now := e.now()
	e.mu.Lock()
	for key, arrival := range e.rates {
		if !arrival.After(now) {
			delete(e.rates, key)
		}
	}
	e.mu.Unlock()
	err := e.exec(ctx, "sweep", `delete from state where expires > 0 and expires <= ?`, now.UnixMilli())
	if err != nil {
		return err
	}
	return e.exec(ctx, "sweep", `delete from listed where expires <= ?`, now.UnixMilli())
}

func (e *embedded) Ping(ctx context.Context) error {
	var one int
	return failed("ping", e.read.QueryRowContext(ctx, `select 1`).Scan(&one))
}

func (e *embedded) Get(ctx context.Context, key string) (value []byte, err error) {
	err = e.read.QueryRowContext(ctx, `select value from state where key = ? and (expires = 0 or expires > ?)`,
		key, e.now().UnixMilli()).Scan(&value)
	if err != nil {
		return nil, failed("get", err)
	}
	return bytesOf(value), nil
}

func (e *embedded) GetMany(ctx context.Context, keys ...string) ([][]byte, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	args := make([]any, 0, len(keys)+1)
	args = append(args, e.now().UnixMilli())
	for _, k := range keys {
		args = append(args, k)
	}
	rows, err := e.read.QueryContext(ctx, `select key, value from state where (expires = 0 or expires > ?) and key in (?`+
		strings.Repeat(", ?", len(keys)-1)+`)`, args...)
	if err != nil {
		return nil, failed("get many", err)
	}
	defer rows.Close()
	found := make(map[string][]byte, len(keys))
	for rows.Next() {
		var key string
		var value []byte
		if err := rows.Scan(&key, &value); err != nil {
			return nil, failed("get many", err)
		}
		found[key] = bytesOf(value)
	}
	values := make([][]byte, len(keys))
	for i, k := range keys {
		values[i] = found[k]
	}
	return values, failed("get many", rows.Err())
}

// exec runs a statement that changes and whose count does not matter.
func (e *embedded) exec(ctx context.Context, op, statement string, args ...any) error {
	_, err := e.write.ExecContext(ctx, statement, args...)
	return failed(op, err)
}

// existing runs a statement that must change a row.
func (e *embedded) existing(ctx context.Context, op, statement string, args ...any) error {
	result, err := e.write.ExecContext(ctx, statement, args...)
	if err != nil {
		return failed(op, err)
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return ErrMissing
	}
	return failed(op, err)
}

// failed turns the driver's errors into those of State.
func failed(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return ErrMissing
	default:
		return unavailable(op, err)
	}
}
