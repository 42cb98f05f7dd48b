package e2e_test

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/e2e"
)

const module = "github.com/ssogate/ssogate/"

// arrows: what a room may import of ours. Not listed: nothing.
var arrows = map[string][]string{
	"directory":  {"audit"},
	"credential": {"directory", "audit"},
	"store":      {"directory", "credential", "audit"},
	"sso":        surface,
	"service":    surface,
	"scim":       surface,
	"api":        surface,
	"console":    surface,
	"cmd":        {"*"},
	"bench":      {"*"},
	"e2e":        {"e2e"},
}

var surface = []string{"directory", "credential", "session", "saml", "oauth", "audit", "web"}

// homes: libraries (and all below them) that only some rooms may know.
var homes = map[string][]string{
	"database/sql":                        {"store", "session"},
	"modernc.org/sqlite":                  {"store", "session"},
	"github.com/jackc/pgx":                {"store"},
	"github.com/pressly/goose":            {"store"},
	"github.com/redis/go-redis":           {"session"},
	"github.com/gorilla":                  {"session"},
	"github.com/crewjam/saml":             {"saml", "testidp"},
	"github.com/russellhaering/goxmldsig": {"saml", "testidp"},
	"github.com/beevik/etree":             {"saml", "testidp"},
	"golang.org/x/oauth2":                 {"oauth"},
	"github.com/coreos/go-oidc":           {"oauth"},
	"github.com/spf13/cobra":              {"cmd"},
}

// wrong says why a room may not import a package, "" when it may.
func wrong(room, imported string) string {
	if ours, ok := strings.CutPrefix(imported, module); ok {
		other, _, _ := strings.Cut(ours, "/")
		allowed := arrows[room]
		if other != room && !slices.Contains(allowed, other) && !slices.Contains(allowed, "*") {
			return fmt.Sprintf("%s must not import %s", room, other)
		}
		return ""
	}
	for library, rooms := range homes {
		inside := imported == library || strings.HasPrefix(imported, library+"/")
		if inside && !slices.Contains(rooms, room) && room != "bench" {
			return fmt.Sprintf("%s must not import %s: only %v may", room, imported, rooms)
		}
	}
	return ""
}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for file, source := range sources(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		room, _, _ := strings.Cut(file, "/")
		seen[room] = true
		for _, imported := range imports(t, file, source) {
			if fault := wrong(room, imported); fault != "" {
				t.Errorf("%s: %s", file, fault)
			}
		}
	}
	for _, room := range []string{"audit", "directory", "session", "saml", "oauth", "web", "config", "outbound", "sso"} {
		if !seen[room] {
			t.Errorf("no source of %s was read", room)
		}
	}
}

func TestImportRules(t *testing.T) {
	t.Parallel()
	cases := []struct {
		room, imported string
		allowed        bool
	}{
		{"directory", module + "audit", true},
		{"audit", module + "directory", false},
		{"directory", module + "store", false},
		{"sso", module + "store", false},
		{"sso", module + "session", true},
		{"saml", module + "web", false},
		{"saml", module + "saml/anything", true},
		{"cmd", module + "store", true},
		{"newroom", module + "audit", false},
		{"directory", "database/sql", false},
		{"directory", "database/sql/driver", false},
		{"session", "database/sql", true},
		{"session", "github.com/jackc/pgx/v5", false},
		{"sso", "github.com/redis/go-redis/v9", false},
		{"sso", "github.com/beevik/etree", false},
		{"testidp", "github.com/crewjam/saml", true},
		{"sso", "net/http", true},
	}
	for _, c := range cases {
		if got := wrong(c.room, c.imported); (got == "") != c.allowed {
			t.Errorf("%s imports %s: allowed should be %v, got %q", c.room, c.imported, c.allowed, got)
		}
	}
}

func TestNoFileIsLong(t *testing.T) {
	t.Parallel()
	const limit = 400
	for file, source := range sources(t) {
		if n := bytes.Count(source, []byte("\n")); n > limit {
			t.Errorf("%s has %d lines: is there a second room in it? (limit %d)", file, n, limit)
		}
	}
}

// A skipped test tests nothing, and one that waits on a clock fails on a busy machine. A slow network is made of waiting.
func TestNoTestSkipsOrSleeps(t *testing.T) {
	t.Parallel()
	banned := regexp.MustCompile(`\b(?:t|b|tb)\.Skip(?:f|Now)?\(|\btime\.Sleep\(`)
	for file, source := range sources(t) {
		if file == "e2e/chaos/wire_test.go" || !strings.HasSuffix(file, "_test.go") {
			continue
		}
		if found := banned.Find(source); found != nil {
			t.Errorf("%s: %s", file, found)
		}
	}
}

// sources reads every Go file of the repository, by its path from the root. What was generated elsewhere is left out.
func sources(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(e2e.Root(), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{"node_modules", "testdata", ".git", "bin"}, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		relative, err := filepath.Rel(e2e.Root(), name)
		if err != nil {
			return err
		}
		if strings.HasPrefix(relative, "e2e/foreign/") || strings.HasPrefix(relative, ".ci/") {
			return nil // modules of their own
		}
		files[filepath.ToSlash(relative)], err = os.ReadFile(name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func imports(t *testing.T, file string, source []byte) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, spec := range parsed.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	return all
}
