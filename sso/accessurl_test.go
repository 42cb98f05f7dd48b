package sso_test

import (
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/sso"
)

type addressCase struct {
	Input        string   `json:"input"`
	AllowedHosts []string `json:"allowedHosts"`
	Expect       string   `json:"expect"`
	Location     string   `json:"location"`
	Why          string   `json:"why"`
}

func addressTable(t testing.TB) []addressCase {
	t.Helper()
	b, err := os.ReadFile("testdata/access-url.json")
	if err != nil {
		t.Fatal(err)
	}
	var table []addressCase
	if err := json.Unmarshal(b, &table); err != nil {
		t.Fatal(err)
	}
	if len(table) < 50 {
		t.Fatalf("the table holds only %d cases", len(table))
	}
	return append(table, moreAddresses...)
}

var moreAddresses = []addressCase{
	{"https://APP.example:443/Path/KEEPS?Case=Yes#Frag", []string{"app.example"}, "allow", "https://app.example/Path/KEEPS?Case=Yes#Frag", "host lowered, default port dropped, the rest kept"},
	{"https://a.corp.example/x", []string{"*.corp.example"}, "allow", "https://a.corp.example/x", "one label under the wildcard"},
	{"https://b.a.corp.example", []string{"*.corp.example"}, "allow", "https://b.a.corp.example", "two labels under the wildcard"},
	{"https://a.corp.example:8443/", []string{"*.corp.example:8443"}, "allow", "https://a.corp.example:8443/", "wildcard with a port"},
	{"http://127.0.0.1:9001/a", []string{"http://127.0.0.1:9001"}, "allow", "http://127.0.0.1:9001/a", "a listed address"},
	{"https://[::1]:8443/", []string{"[::1]:8443"}, "allow", "https://[::1]:8443/", "a listed IPv6 address"},
	{"https://app.example?x=1", []string{"app.example"}, "allow", "https://app.example?x=1", "query without a path"},
	{"https://app.example/a;b,c'(d)*+$!~", []string{"app.example"}, "allow", "https://app.example/a;b,c'(d)*+$!~", "sub-delimiters"},
	{"", []string{"app.example"}, "reject", "", "empty"},
	{"https://app.example./", []string{"app.example"}, "reject", "", "trailing dot"},
	{"https://app..example/", []string{"*.example.com", "app..example"}, "reject", "", "empty label"},
	{"https://app.example:/", []string{"app.example"}, "reject", "", "empty port"},
	{"https://app.example:0443/", []string{"app.example:443"}, "reject", "", "port with a leading zero"},
	{"https://app.example:0/", []string{"app.example:0"}, "reject", "", "port zero"},
	{"https://anything.example/", []string{"*"}, "reject", "", "a lone star matches nothing"},
	{"https://anything.com/", []string{"*.com"}, "reject", "", "a star over a top-level label matches nothing"},
	{"https://notcorp.example/", []string{"*corp.example"}, "reject", "", "a star without a dot matches nothing"},
	{"https://2130706433/", []string{"2130706433"}, "reject", "", "decimal IPv4"},
	{"https://0x7f.1/", []string{"0x7f.1"}, "reject", "", "hexadecimal IPv4"},
	{"https://127.1/", []string{"127.1"}, "reject", "", "short IPv4"},
	{"https://app.example/%0d%0aSet-Cookie:x", []string{"app.example"}, "reject", "", "encoded line feed"},
	{"https://app.example/%7f", []string{"app.example"}, "reject", "", "encoded DEL"},
	{"https://app.example/a%", []string{"app.example"}, "reject", "", "cut escape"},
	{"https://app.example/a%2", []string{"app.example"}, "reject", "", "cut escape"},
	{"https://app.example/a|b", []string{"app.example"}, "reject", "", "vertical bar"},
	{"https://app.example/a^b`c", []string{"app.example"}, "reject", "", "characters browsers rewrite"},
	{"https://app.example\\@evil.example/", []string{"app.example"}, "reject", "", "host differs between parsers"},
	{"//app.example/", []string{"app.example"}, "reject", "", "scheme-relative"},
	{"https://app.example/\r\nX: y", []string{"app.example"}, "reject", "", "raw line feed"},
	{"http://app.example/", []string{"https://app.example"}, "reject", "", "entry names https"},
	{"https://app.example/", []string{"http://app.example"}, "reject", "", "entry names http"},
	{"https://app.example/" + strings.Repeat("a", 2048), []string{"app.example"}, "reject", "", "too long"},
	{"https://-app.example/", []string{"-app.example"}, "reject", "", "label begins with a hyphen"},
	{"https://app_x.example/", []string{"app_x.example"}, "reject", "", "underscore"},
	{"https://" + strings.Repeat("a", 64) + ".example/", []string{strings.Repeat("a", 64) + ".example"}, "reject", "", "label too long"},
}

func TestJudgeAddress(t *testing.T) {
	for _, c := range addressTable(t) {
		t.Run(c.Why, func(t *testing.T) {
			got, err := sso.JudgeAddress(c.Input, c.AllowedHosts)
			if want := c.Expect == "allow"; want != (err == nil) {
				t.Fatalf("JudgeAddress(%q, %q) = %q, %v; want %s", c.Input, c.AllowedHosts, got, err, c.Expect)
			}
			if c.Location != "" && got != c.Location {
				t.Errorf("location %q, want %q", got, c.Location)
			}
		})
	}
}

// Whatever is accepted names a listed host for Go's parser too, and is accepted again unchanged.
func FuzzJudgeAddress(f *testing.F) {
	for _, c := range addressTable(f) {
		f.Add(c.Input)
	}
	entries := []string{"app.example", "app.example:8443", "*.corp.example", "http://localhost:3000"}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := sso.JudgeAddress(raw, entries)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.User != nil || strings.ContainsAny(got, "\\ \t\r\n\"<>") {
			t.Fatalf("%q became %q (%v)", raw, got, err)
		}
		switch h := u.Hostname(); {
		case h == "app.example", h == "localhost" && u.Scheme == "http", strings.HasSuffix(h, ".corp.example"):
		default:
			t.Fatalf("%q leads to host %q", raw, h)
		}
		again, err := sso.JudgeAddress(got, entries)
		if err != nil || again != got {
			t.Fatalf("%q became %q and then %q (%v)", raw, got, again, err)
		}
	})
}
