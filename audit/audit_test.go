package audit_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ssogate/ssogate/audit"
)

func TestNewRef(t *testing.T) {
	form := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$`)
	seen, letters := map[string]bool{}, map[rune]bool{}
	for range 2000 {
		ref := audit.NewRef()
		if !form.MatchString(ref) {
			t.Fatalf("%s is not of the form 7K3M-92QX-4TBD", ref)
		}
		if seen[ref] {
			t.Fatalf("%s came twice", ref)
		}
		seen[ref] = true
		for _, r := range ref {
			letters[r] = true
		}
	}
	if len(letters) != 33 {
		t.Errorf("%d different signs, want 32 and the hyphen", len(letters))
	}
}

func TestBound(t *testing.T) {
	long := strings.Repeat("日", 1000)
	dirty := "a\x00\r\n\u2028\u202e\x1b[31mb\xff"
	a := audit.Attempt{Ref: "R", Domain: dirty, UserAgent: long, Address: dirty, AccessURL: "https://board.example.com/a?secret=1#x", Code: "c", Want: long, Got: dirty,
		Started: time.Date(2026, 1, 1, 0, 0, 0, 999, time.FixedZone("x", 3600)), Asked: map[string]string{dirty: dirty}, Claims: map[string][]string{}, Verdict: audit.Refused}
	for i := range 200 {
		a.Claims[fmt.Sprintf("name%03d", i)] = slices.Repeat([]string{long}, 40)
		a.Asked[fmt.Sprintf("asked%03d", i)] = "x"
		a.Checks = append(a.Checks, audit.Check{Name: dirty, Want: long, Got: dirty})
		a.RequestIDs = append(a.RequestIDs, long)
	}
	before := fmt.Sprint(a)
	got := audit.Bound(a)
	if fmt.Sprint(a) != before {
		t.Error("the caller's attempt was changed")
	}
	if got.Domain != "a[31mb" || got.AccessURL != "https://board.example.com/a" {
		t.Errorf("domain %q, access URL %q", got.Domain, got.AccessURL)
	}
	if !got.Started.Equal(time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC)) || got.Started.Location() != time.UTC || !got.Finished.IsZero() {
		t.Errorf("started %v, finished %v", got.Started, got.Finished)
	}
	if len(got.Claims) != audit.MostNames || len(got.Asked) != audit.MostAsked || len(got.Checks) != audit.MostChecks || len(got.RequestIDs) != audit.MostRequests {
		t.Errorf("%d claims, %d asked, %d checks, %d request IDs", len(got.Claims), len(got.Asked), len(got.Checks), len(got.RequestIDs))
	}
	if _, ok := got.Claims["name000"]; !ok || len(got.Claims["name000"]) != audit.MostValues {
		t.Errorf("claims kept: %v", slices.Sorted(maps.Keys(got.Claims)))
	}
	for _, s := range []string{got.UserAgent, got.Want, got.Claims["name000"][0], got.Checks[0].Want, got.RequestIDs[0]} {
		if len(s) > audit.MostText || len(s) < audit.MostText-3 || !utf8.ValidString(s) {
			t.Errorf("cut to %d bytes, valid %v", len(s), utf8.ValidString(s))
		}
	}
	if d := cmp.Diff(got, audit.Bound(got)); d != "" {
		t.Errorf("bound twice is another:\n%s", d)
	}
	if d := cmp.Diff(audit.Attempt{}, audit.Bound(audit.Attempt{})); d != "" {
		t.Errorf("an empty attempt:\n%s", d)
	}
}

func FuzzBound(f *testing.F) {
	f.Add("text", "https://a/?b", "name")
	f.Add(strings.Repeat("\xe6\x97", 200), "\x00", "\u202e")
	f.Fuzz(func(t *testing.T, text, address, name string) {
		a := audit.Bound(audit.Attempt{Got: text, AccessURL: address, Claims: map[string][]string{name: {text}}})
		for claim, values := range a.Claims {
			for _, s := range []string{a.Got, a.AccessURL, claim, values[0]} {
				if len(s) > audit.MostText || !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\n\x1b\u2028\u202e") {
					t.Errorf("%q is out of bounds", s)
				}
			}
		}
		if strings.ContainsAny(a.AccessURL, "?#") {
			t.Errorf("access URL %q has a query", a.AccessURL)
		}
	})
}

func TestStands(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		a    audit.Attempt
		want audit.Verdict
	}{
		{audit.Attempt{Verdict: audit.Started, Expires: now.Add(time.Second)}, audit.Started},
		{audit.Attempt{Verdict: audit.Started, Expires: now}, audit.Expired},
		{audit.Attempt{Verdict: audit.Started}, audit.Started},
		{audit.Attempt{Verdict: audit.Succeeded, Expires: now.Add(-time.Hour)}, audit.Succeeded},
	} {
		if got := audit.Stands(c.a, now); got != c.want {
			t.Errorf("%s until %v: %s, want %s", c.a.Verdict, c.a.Expires, got, c.want)
		}
	}
}
