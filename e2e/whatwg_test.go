package e2e_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/e2e"
	"github.com/ssogate/ssogate/sso"
)

// browserAddress is how a browser reads an address.
type browserAddress struct{ Href, Protocol, Host, User string }

// asBrowser asks the URL parser of Node.js, which is that of the WHATWG.
func asBrowser(t *testing.T, addresses []string) []*browserAddress {
	t.Helper()
	question, err := json.Marshal(addresses)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", filepath.Join(e2e.Root(), "e2e", "node", "whatwg.mjs"))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(question), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var read []*browserAddress
	if err := json.Unmarshal(out, &read); err != nil || len(read) != len(addresses) {
		t.Fatalf("%d answers for %d addresses, %v", len(read), len(addresses), err)
	}
	return read
}

// TestBrowsersGoWhereWeJudged: for every address that may stand in a Location, a browser reads the host that was judged, both
// in what was asked for and in what we send.
func TestBrowsersGoWhereWeJudged(t *testing.T) {
	t.Parallel()
	type row struct {
		Input        string   `json:"input"`
		AllowedHosts []string `json:"allowedHosts"`
		Expect       string   `json:"expect"`
	}
	var table []row
	text, err := os.ReadFile(filepath.Join(e2e.Root(), "sso", "testdata", "access-url.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &table); err != nil || len(table) < 50 {
		t.Fatalf("%d rows, %v", len(table), err)
	}
	for _, raw := range spellings(30000) {
		table = append(table, row{Input: raw, AllowedHosts: listed})
	}
	var asked, sent []string
	var hosts [][]string
	for _, r := range table {
		location, err := sso.JudgeAddress(r.Input, r.AllowedHosts)
		if (err == nil) != (r.Expect == "allow") && r.Expect != "" {
			t.Errorf("%q: %v, the table says %s", r.Input, err, r.Expect)
		}
		if err == nil {
			asked, sent, hosts = append(asked, r.Input), append(sent, location), append(hosts, r.AllowedHosts)
		}
	}
	if len(asked) < 1000 || len(asked) > len(table)/2 {
		t.Errorf("%d of %d addresses were accepted: the spellings try too little", len(asked), len(table))
	}
	before, after := asBrowser(t, asked), asBrowser(t, sent)
	for i := range asked {
		a, b := before[i], after[i]
		if a == nil && b == nil && strings.Contains(strings.ToLower(asked[i]), "xn--") {
			continue // a label that decodes to nothing: no browser goes anywhere
		}
		if a == nil || b == nil || !sameBeforeFragment(*a, *b) || b.User != "" || !isListed(*b, hosts[i]) {
			t.Errorf("%q became %q: a browser reads %+v, then %+v", asked[i], sent[i], a, b)
		}
	}
}

// sameBeforeFragment leaves out the fragment, which stays in the browser: a second # in it is escaped by us.
func sameBeforeFragment(a, b browserAddress) bool {
	one, _, _ := strings.Cut(a.Href, "#")
	other, _, _ := strings.Cut(b.Href, "#")
	return one == other && a.Protocol == b.Protocol && a.Host == b.Host && a.User == b.User
}

// TestTheBrowsersReaderDiffers: what makes the parsers of the world differ, differs here too, or the test above asks nobody.
func TestTheBrowsersReaderDiffers(t *testing.T) {
	t.Parallel()
	for raw, host := range map[string]string{
		`https:\\evil.example`: "evil.example", "http:/evil.example": "evil.example", "///evil.example": "evil.example", `https://evil.example\@app.example`: "evil.example",
		"ht\ntps://evil.example": "evil.example", "https://app。example": "app.example", "https://2130706433": "127.0.0.1", "/here": "auth.example.com",
	} {
		read := asBrowser(t, []string{raw})[0]
		if read == nil || read.Host != host {
			t.Errorf("%q: %+v, want %s", raw, read, host)
		}
		if location, err := sso.JudgeAddress(raw, append(slices.Clone(listed), "evil.example", "127.0.0.1", "auth.example.com")); err == nil {
			t.Errorf("%q was accepted as %q", raw, location)
		}
	}
}

var listed = []string{"app.example", "app.example:8443", "*.corp.example", "http://localhost:3000", "127.0.0.1:9443", "[::1]:9443"}

// isListed compares with the list by itself, on the host as a browser has it.
func isListed(b browserAddress, entries []string) bool {
	return slices.ContainsFunc(entries, func(entry string) bool {
		scheme, host, ok := strings.Cut(strings.ToLower(entry), "://")
		if !ok {
			scheme, host = "https", scheme
		}
		host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[scheme])
		if b.Protocol != scheme+":" {
			return false
		}
		if suffix, wild := strings.CutPrefix(host, "*"); wild {
			return strings.HasSuffix(b.Host, suffix) && len(b.Host) > len(suffix)
		}
		return b.Host == host
	})
}

// spellings makes n addresses out of parts that are right, and of what parsers disagree about; the same ones each time.
func spellings(n int) []string {
	r := rand.New(rand.NewPCG(2026, 11))
	pick := func(good, bad []string) string {
		if r.IntN(8) > 0 {
			return good[r.IntN(len(good))]
		}
		return bad[r.IntN(len(bad))]
	}
	odd := []string{"\t", "\n", "\r", "\\", "@", ":", "/", "?", "#", "%", "%00", "%2f", "%5c", "%0d%0a", ".", "..", "/../", "//", " ", "\x00", "\x7f", "。", "／", "\u00ad", "\u200d",
		"ß", "İ", "ﬀ", "[", "]", "<", "{", "|", "^", "`", "\"", "'", ";", "&", "evil.example", "xn--", "%65", "0x7f.1", "127.1"}
	all := make([]string, n)
	for i := range all {
		s := pick([]string{"https", "https", "http", "HTTPS", "Https"}, []string{"", "ftp", "javascript", "data", "https:https", "h\tttps", "blob:https", "wss"})
		s += pick([]string{"://"}, []string{":", ":/", ":///", `:\\`, `:/\`, "//", ":\t//", ":////"})
		s += pick([]string{""}, []string{"user@", "user:pw@", "@", ":@", `evil.example\@`, "evil.example%2f@", "evil.example#@", "evil.example?@", "a:b@c@"})
		s += pick([]string{"app.example", "APP.Example", "a.corp.example", "x-1.b.corp.example", "localhost", "127.0.0.1", "[::1]"},
			[]string{"evil.example", "app.example.", "app.example.evil.example", ".corp.example", "corp.example", "a..corp.example", "app。example", "ａpp.example", "app%2eexample",
				"app.example%00.evil.example", "127.1", "0177.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]", "[::1%25lo]", "app_x.corp.example", "-a.corp.example", "xn--a.corp.example"})
		s += pick([]string{"", "", ":443", ":8443", ":3000", ":9443", ":80"}, []string{":", ":0", ":0443", ":65536", ":99999", ":+443", ":4 43", ":443:443", ":443@evil.example"})
		s += pick([]string{"", "/", "/a/b?c=d&e=%20f#g", "?q", "#f", "/%E3%81%82", "/a//b", "/./x/../y", "//evil.example", "/@evil.example", "/a;b=c,d'e(f)*!$~", "?a=https://evil.example/"},
			[]string{`\evil.example`, "/%", "/%0", "/%zz", "/\r\nX: y", "/あ", "/ ", "/<x>", "/{x}", "/|"})
		if r.IntN(4) == 0 {
			at := r.IntN(len(s) + 1)
			s = s[:at] + odd[r.IntN(len(odd))] + s[at:]
		}
		all[i] = s
	}
	return all
}
