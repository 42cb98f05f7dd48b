package servers

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestServersStartAndAreReachable(t *testing.T) {
	if _, err := net.Dial("tcp", Redis(t)); err != nil {
		t.Fatal(err)
	}
	a, b := Postgres(t), Postgres(t)
	if a == b || !strings.HasPrefix(a, "postgres://") {
		t.Fatalf("want two databases, got %q and %q", a, b)
	}
}

// A PostgreSQL that was frozen or killed has what was committed when it goes on.
func TestPostgresIsFrozenAndKilled(t *testing.T) {
	p := NewPostgres(t)
	t.Cleanup(p.Stop)
	query := func(text string) (string, error) {
		out, err := exec.Command(tool(t, "psql"), p.URL, "-qtAc", text).CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	if out, err := query("create table kept as select 42 as answer"); err != nil {
		t.Fatal(out, err)
	}
	p.Freeze()
	asked := exec.Command(tool(t, "psql"), p.URL, "-qtAc", "select answer from kept")
	var out strings.Builder
	asked.Stdout = &out
	if err := asked.Start(); err != nil {
		t.Fatal(err)
	}
	if _, parent := status(asked.Process.Pid); parent != os.Getpid() {
		t.Errorf("parent %d, want %d", parent, os.Getpid())
	}
	p.Thaw()
	if err := asked.Wait(); err != nil || strings.TrimSpace(out.String()) != "42" {
		t.Errorf("after the thaw: %q, %v", out.String(), err)
	}
	p.Kill()
	if out, err := query("select 1"); err == nil {
		t.Errorf("a killed server says %q", out)
	}
	p.Start(t)
	if got, err := query("select answer from kept"); err != nil || got != "42" {
		t.Errorf("after the restart: %q, %v", got, err)
	}
}
