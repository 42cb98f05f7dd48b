package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ssogate/ssogate/credential"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/store"
	"github.com/ssogate/ssogate/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

// patient has room for a busy machine.
var patient = store.Options{QueryTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second}

const key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func box(t testing.TB, current string, previous ...string) *credential.Box {
	t.Helper()
	b, err := credential.NewBox(current, previous...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t testing.TB, url string, b *credential.Box, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), url, b, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// base is a database of the suite.
type base struct{ url, path string }

func (b base) Open(t *testing.T) storetest.Node { return open(t, b.url, box(t, key), patient) }

// Dump is every file of SQLite, also the log that is not yet merged, or every row of PostgreSQL.
func (b base) Dump(t *testing.T) []byte {
	var all bytes.Buffer
	if b.path != "" {
		files, _ := filepath.Glob(b.path + "*")
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(data)
		}
		return all.Bytes()
	}
	db, err := sql.Open("pgx", b.url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range column(t, db, `select tablename from pg_tables where schemaname = 'public'`) {
		for _, row := range column(t, db, `select t::text from `+table+` t`) {
			fmt.Fprintln(&all, row)
		}
	}
	return all.Bytes()
}

func column(t *testing.T, db *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func sqliteBase(t testing.TB) base {
	path := filepath.Join(t.TempDir(), "a folder %20?#", "directory.db")
	return base{url: "sqlite:" + path, path: path}
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database { return sqliteBase(t) })
}

func TestPostgreSQL(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database { return base{url: servers.Postgres(t)} })
}

func TestFilesAreTheOwners(t *testing.T) {
	b := sqliteBase(t)
	if err := os.MkdirAll(filepath.Dir(b.path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.path, nil, 0o644); err != nil { // made by somebody careless
		t.Fatal(err)
	}
	s := b.Open(t)
	defer s.Close()
	if err := s.PutService(t.Context(), directory.Service{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(b.path + "*")
	if len(files) < 2 {
		t.Fatalf("want the database and its log, got %v", files)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", filepath.Base(f), info.Mode().Perm())
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, url := range map[string]string{
		"no scheme": "directory.db", "another database": "mysql://x", "no path": "sqlite:", "in memory": "sqlite::memory:",
		"a folder": "sqlite:" + t.TempDir(), "nobody listens": fmt.Sprintf("postgres://u:hunter2@127.0.0.1:%d/x", servers.FreePort(t)),
		"not a URL": "postgres://u:hunter2@[::1/x",
	} {
		s, err := store.Open(t.Context(), url, box(t, key), store.Options{WriteTimeout: 5 * time.Second})
		if err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		if bytes.Contains([]byte(err.Error()), []byte("hunter2")) {
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
	}
	if _, err := store.Open(t.Context(), sqliteBase(t).url, nil, store.Options{}); err == nil {
		t.Error("opened without a key")
	}
}

func TestKeyRotation(t *testing.T) {
	b := sqliteBase(t)
	s := open(t, b.url, box(t, key), patient)
	d := directory.Domain{ID: "dom_1", Name: "a.com"}
	c := directory.Connection{DomainID: d.ID, Type: directory.OAuth, OAuth: &directory.OAuthSettings{ClientID: "c", ClientSecret: "hunter2"}}
	if err := s.PutDomain(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutDraft(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	s.Close()

	newer := credential.NewKey()
	s = open(t, b.url, box(t, newer, key), patient)
	got, err := s.Connection(t.Context(), d.ID, 1)
	if err != nil || got.OAuth.ClientSecret != "hunter2" {
		t.Errorf("with the previous key: %v, %v", got.OAuth, err)
	}
	if n, err := s.Reseal(t.Context()); err != nil || n != 1 {
		t.Errorf("resealed %d, %v, want 1", n, err)
	}
	if n, err := s.Reseal(t.Context()); err != nil || n != 0 {
		t.Errorf("resealed again %d, %v, want 0", n, err)
	}
	s.Close()

	s = open(t, b.url, box(t, newer), patient)
	defer s.Close()
	if got, err = s.Connection(t.Context(), d.ID, 1); err != nil || got.OAuth.ClientSecret != "hunter2" {
		t.Errorf("with the new key alone: %v", err)
	}
	s2 := open(t, b.url, box(t, key), patient)
	defer s2.Close()
	if _, err = s2.Connection(t.Context(), d.ID, 1); !errors.Is(err, credential.ErrUnknownKey) {
		t.Errorf("with the old key alone: got %v, want ErrUnknownKey", err)
	}
}
