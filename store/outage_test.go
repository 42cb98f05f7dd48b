package store_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/store"
)

// line carries bytes to a database and can fall silent: connections stay open, new ones are accepted, nothing arrives.
type line struct {
	listener net.Listener
	to       string
	done     sync.WaitGroup

	mu    sync.Mutex
	quiet chan struct{} // open while bytes pass
	conns []net.Conn
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, to: to, quiet: make(chan struct{})}
	close(l.quiet)
	l.done.Go(l.accept)
	t.Cleanup(func() {
		l.speak()
		listener.Close()
		l.mu.Lock()
		for _, c := range l.conns {
			c.Close()
		}
		l.mu.Unlock()
		l.done.Wait()
	})
	return l
}

func (l *line) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", l.to)
		if err != nil {
			near.Close()
			continue
		}
		l.mu.Lock()
		l.conns = append(l.conns, near, far)
		l.mu.Unlock()
		l.done.Go(func() { l.carry(near, far) })
		l.done.Go(func() { l.carry(far, near) })
	}
}

func (l *line) carry(to io.WriteCloser, from io.Reader) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		l.mu.Lock()
		quiet := l.quiet
		l.mu.Unlock()
		<-quiet
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (l *line) silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quiet = make(chan struct{})
}

func (l *line) speak() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.quiet:
	default:
		close(l.quiet)
	}
}

// TestSilentPostgreSQL: every call comes back with ErrUnavailable although nobody limits the time from outside, and the
// store works again by itself.
func TestSilentPostgreSQL(t *testing.T) {
	direct := servers.Postgres(t) // its processes are not this test's
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("calls", func(t *testing.T) {
		l := newLine(t, u.Host)
		through := *u
		through.Host = l.listener.Addr().String()
		s := open(t, through.String(), box(t, key), store.Options{WriteTimeout: time.Second})
		t.Cleanup(func() { s.Close() })
		d := directory.Domain{ID: "dom_1", Name: "a.com"}
		if err := s.PutDomain(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		l.silence()
		for _, c := range []struct {
			name string
			call func(context.Context) error
		}{ // the read is first: it gets the connection that was good a moment ago
			{"read", func(ctx context.Context) error { _, err := s.MemberByAccount(ctx, d.ID, "a@a.com"); return err }},
			{"write", func(ctx context.Context) error { _, err := s.Revoke(ctx, d.ID, "", time.Now()); return err }},
			{"ping", s.Ping},
		} {
			for range 3 {
				if err := c.call(context.Background()); !errors.Is(err, directory.ErrUnavailable) {
					t.Errorf("%s of a silent database: got %v, want ErrUnavailable", c.name, err)
				}
			}
		}
		l.speak()
		for try := range 100 { // until the connections that were given up are replaced
			if _, err = s.Domain(context.Background(), d.ID); err == nil {
				return
			}
			if try == 99 {
				t.Errorf("the database speaks again: %v", err)
			}
		}
	})
}

// TestSilentInTransaction: the database falls silent in the middle.
func TestSilentInTransaction(t *testing.T) {
	u, err := url.Parse(servers.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	l := newLine(t, u.Host)
	u.Host = l.listener.Addr().String()
	s := open(t, u.String(), box(t, key), store.Options{WriteTimeout: time.Second})
	defer s.Close()
	for name, f := range map[string]func(context.Context) error{
		"before a statement": func(ctx context.Context) error {
			l.silence()
			return s.PutDomain(ctx, directory.Domain{ID: "dom_1", Name: "a.com"})
		},
		"before the commit": func(ctx context.Context) error {
			if err := s.PutDomain(ctx, directory.Domain{ID: "dom_1", Name: "a.com"}); err != nil {
				return err
			}
			l.silence()
			return nil
		},
	} {
		if err := s.Transact(context.Background(), f); !errors.Is(err, directory.ErrUnavailable) {
			t.Errorf("silent %s: got %v, want ErrUnavailable", name, err)
		}
		l.speak()
	}
}

// TestLockedSQLite: while another process writes, writing gives up in time and reading goes on.
func TestLockedSQLite(t *testing.T) {
	b := sqliteBase(t)
	s := open(t, b.url, box(t, key), store.Options{WriteTimeout: 50 * time.Millisecond, QueryTimeout: 20 * time.Second})
	defer s.Close()
	other, err := sql.Open("sqlite", "file:"+(&url.URL{Path: b.path}).EscapedPath()+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutService(t.Context(), directory.Service{Name: "a"}); !errors.Is(err, directory.ErrUnavailable) {
		t.Errorf("write: got %v, want ErrUnavailable", err)
	}
	if _, err := s.Services(t.Context()); err != nil {
		t.Errorf("read: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.PutService(t.Context(), directory.Service{Name: "a"}); err != nil {
		t.Errorf("write afterwards: %v", err)
	}
}

// TestTamperedRow: what somebody wrote into the database by hand does not open, and the error does not repeat it.
func TestTamperedRow(t *testing.T) {
	b := sqliteBase(t)
	s := open(t, b.url, box(t, key), patient)
	defer s.Close()
	for _, n := range []string{"a", "b"} {
		if err := s.PutDomain(t.Context(), directory.Domain{ID: n, Name: n}); err != nil {
			t.Fatal(err)
		}
		c := directory.Connection{DomainID: n, Type: directory.OAuth, OAuth: &directory.OAuthSettings{ClientID: "c", ClientSecret: "canary-" + n}}
		if _, err := s.PutDraft(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := s.Activate(t.Context(), n, 1, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: b.path}).EscapedPath())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`update connections set secret = (select secret from connections where domain_id = 'b') where domain_id = 'a'`); err != nil {
		t.Fatal(err)
	}
	c, err := s.LiveConnection(t.Context(), "a")
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("a secret moved to another domain opened: %+v, %v", c, err)
	}
	if c.OAuth != nil && c.OAuth.ClientSecret != "" {
		t.Error("the secret of another domain was returned")
	}
}
