package session_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/session"
)

func TestEmbeddedSurvivesARestart(t *testing.T) {
	c, path := newClock(), filepath.Join(t.TempDir(), "state with space?.db")
	s, err := session.OpenEmbedded(path, c.now)
	must(t, err)
	h := newHouse(s, c)
	cookie, ended := h.mustStart(t, h.record("mem_1")), h.mustStart(t, h.record("mem_2"))
	must(t, h.RaiseGeneration(bg, "dom_1", "mem_2", 1))
	must(t, s.Close())
	must(t, s.Close()) // closing twice is no error

	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v", info.Mode())
	}
	again := session.NewManager(session.Options{State: openEmbedded(t, path, c.now), Prefix: h.prefix, Now: c.now})
	if rec, err := again.Check(bg, cookie); err != nil || rec.MemberID != "mem_1" {
		t.Fatalf("lost: %v", err)
	}
	if _, err := again.Check(bg, ended); err == nil {
		t.Fatal("a revoked session came back to life")
	}
	if listed, err := again.List(bg, "dom_1", "mem_1"); err != nil || len(listed) != 1 {
		t.Fatalf("listed %v, %v", listed, err)
	}
}

func TestEmbeddedRefusesASecondProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	first := openEmbedded(t, path, nil)
	if s, err := session.OpenEmbedded(path, nil); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Fatalf("opened twice: %v, %v", s, err)
	}
	must(t, first.Close())
	openEmbedded(t, path, nil)
}

func TestCommandsWorkBesideTheProcess(t *testing.T) {
	c, path := newClock(), filepath.Join(t.TempDir(), "state.db")
	if _, err := session.OpenBeside(path, c.now); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("want no such file, got %v", err)
	}
	h := newHouse(openEmbedded(t, path, c.now), c)
	first, second := h.mustStart(t, h.record("mem_1")), h.mustStart(t, h.record("mem_1"))
	state, err := session.OpenBeside(path, c.now)
	must(t, err)
	beside := session.NewManager(session.Options{State: state, Prefix: h.prefix, Now: c.now})
	listed, err := beside.List(bg, "dom_1", "mem_1")
	if err != nil || len(listed) != 2 {
		t.Fatalf("listed %v, %v", listed, err)
	}
	must(t, beside.End(bg, first))
	must(t, state.Close())
	must(t, state.Close())
	h.over(t, first)
	h.lives(t, second)
	if s, err := session.OpenEmbedded(path, c.now); err == nil {
		s.Close()
		t.Fatal("a command gave away the lock of the process")
	}
}

func TestEmbeddedSaysWhatIsWrongWithItsFile(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "text.db"), []byte(strings.Repeat("this is no database\n", 100)), 0o600))
	for _, path := range []string{filepath.Join(dir, "text.db"), filepath.Join(dir, "no", "such", "folder.db"), dir} {
		if s, err := session.OpenEmbedded(path, nil); err == nil || !strings.HasPrefix(err.Error(), "session: ") {
			t.Errorf("%s: %v, %v", path, s, err)
		}
	}
	openEmbedded(t, filepath.Join(dir, "good.db"), nil)
}

// The janitor's work, asked for directly: its minute does not pass in a test.
func TestEmbeddedForgetsWhatIsOver(t *testing.T) {
	c, path := newClock(), filepath.Join(t.TempDir(), "state.db")
	s := openEmbedded(t, path, c.now)
	must(t, s.Set(bg, "ever", nil, 0))
	must(t, s.Set(bg, "long", nil, time.Hour))
	must(t, s.Set(bg, "short", nil, time.Minute))
	must(t, s.IndexAdd(bg, "list", "long", c.now().Add(time.Hour)))
	must(t, s.IndexAdd(bg, "list", "short", c.now().Add(time.Minute)))
	c.pass(time.Minute)
	must(t, session.Sweep(bg, s))
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	for table, want := range map[string]int{"state": 2, "listed": 1} {
		var n int
		must(t, db.QueryRow("select count(*) from "+table).Scan(&n))
		if n != want {
			t.Errorf("%s: %d rows, want %d", table, n, want)
		}
	}
}

func TestEmbeddedTellsItsLimits(t *testing.T) {
	found := session.Check(bg, openEmbedded(t, filepath.Join(t.TempDir(), "state.db"), nil))
	if len(found) != 1 || found[0].Fault || !strings.Contains(found[0].Text, "one process only") {
		t.Fatalf("%+v", found)
	}
}
