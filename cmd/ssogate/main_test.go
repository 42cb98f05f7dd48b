package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ssogate": main})
}

// The scripts run the real program, each in an empty folder of its own.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) < 10 {
		t.Fatalf("found %d scripts: %v", len(scripts), err)
	}
	examples, err := filepath.Abs("../../docs/examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLES", examples)
			return nil
		},
	})
}

// Every command of the tree is run by at least one script.
func TestEveryCommandHasAScript(t *testing.T) {
	var text []byte
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scripts {
		b, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, b...)
	}
	for _, path := range leaves(newRoot(nil), "") {
		if !containsCommand(string(text), path) {
			t.Errorf("no script runs %q", path)
		}
	}
}

// The program ends with 2 for a wrong command line or configuration, and with 1 when something failed.
func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("public_urll: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"SSOGATE_DATA_DIR=" + dir}
	for want, args := range map[int][][]string{
		0: {{"config", "describe"}, {"domain", "list"}},
		1: {{"domain", "show", "nobody.example"}},
		2: {{"domain", "show"}, {"--nonsense"}, {"--config", bad, "domain", "list"}, {"apply"}},
	} {
		for _, a := range args {
			if got := run(context.Background(), a, environ, discard{}, discard{}); got != want {
				t.Errorf("ssogate %v ends with %d, want %d", a, got, want)
			}
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
