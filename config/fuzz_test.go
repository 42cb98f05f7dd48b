package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzLoad: no text makes Load panic; what is accepted, written out and read again is the same configuration; what is refused
// says why.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*/ssogate.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b), "SSOGATE_REDIS_MODE=single")
	}
	f.Add("log:\n  level: \"\\u00e9$${\"\n", "SSOGATE_SAML_PROVIDER_NAME=${x}")
	f.Fuzz(func(t *testing.T, text, variable string) {
		if strings.Contains(text, "file") || strings.Contains(variable, "_FILE") {
			return // what other files hold is not part of the property
		}
		c, err := parse([]byte(text), []string{variable})
		if err != nil {
			if faults, ok := err.(Faults); !ok || len(faults) == 0 || strings.TrimSpace(err.Error()) == "" {
				t.Fatalf("refused without a reason: %#v", err)
			}
			return
		}
		file := fileOf(c)
		var written strings.Builder
		p := printer{w: &written, services: file.Services}
		p.section(tree(file), "")
		again, err := parse([]byte(written.String()), nil)
		if err != nil {
			t.Fatalf("what was accepted is refused when written out: %v\n%s", err, written.String())
		}
		if d := cmp.Diff(c, again, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("not the same when read again: %s\n%s", d, written.String())
		}
		_ = c.Redacted()
	})
}
