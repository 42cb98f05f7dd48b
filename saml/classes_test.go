package saml_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// attackClasses are the classes that a service provider must refuse, each with the names of its committed cases. Those of
// LogoutRequest are not there: there is no single logout.
var attackClasses = []struct{ name, cases string }{
	{"signature exclusion", `unsigned|signature-excluded|encrypted-unsigned-.*|forged-response-around-.*`},
	{"signature wrapping 1 to 8 and variants, decoys, signed error responses", `xsw.*|forged-.*|object-inside|root-is-assertion|signature-in-status|signature-of-response-in-assertion|encrypted-plaintext-(beside|two|breaks).*`},
	{"changed after signing", `digest-replaced|subject-added-behind|attribute-added|namespace-declared-on-nameid|whitespace-in-nameid|signedinfo-changed|method-changed|both-but-.*|encrypted-response-signed-.*|encrypted-plaintext-changed`},
	{"two parsers that disagree: form, encoding, namespaces", `empty|not-xml|truncated|second-root|trailing-text|xml-1\.1|declared-.*|nameid-null|nameid-latin1|undeclared-prefix|xml-prefix-redefined|relative-namespace-emptied|root-.*|.*-in-another-namespace|encrypted-plaintext-(not-xml|other-element|empty|encrypted-again)`},
	{"DOCTYPE, XXE, entity expansion", `doctype.*|entity-.*|instruction-before|encrypted-plaintext-doctype`},
	{"doubled or commented SignedInfo, DigestValue, SignatureValue", `signedinfo-(doubled|forged-second|inside-keyinfo)|digestvalue-.*|signaturevalue-.*|comment-.*|keyinfo-(doubled|before-value)|two-signatures-in-one|digest-(short|with-element)`},
	{"attribute and ID pollution", `duplicate-.*|id-missing|attribute-(absent|empty|with.*|twice|in-two-statements|text-and-element-values|invisible)|nameid-twice|subject-twice|.*-twice`},
	{"void canonicalisation", `void-canonicalisation|c14n-.*|enveloped-only-below-xml-lang`},
	{"comment, CDATA, instruction, invisible characters in NameID", `nameid-.*|encrypted-plaintext-comment`},
	{"key confusion, KeyInfo trust, cloned certificates", `hmac-.*|stranger.*|certificate-cloned|signed-by-two-one-forged|encrypted-signed-by-a-stranger|rollover-finished|rsa-for-.*|ecdsa-.*`},
	{"transform abuse", `transform.*`},
	{"external, empty or several references", `reference.*`},
	{"SHA-1, MD5, weak keys and algorithms", `sha1-.*|digest-md5|method-(dsa|none|with-parameters)|rsa-1024`},
	{"XML encryption: oracles, malformed ciphertext, algorithms", `encrypted-.*|not-encrypted`},
	{"replay, unsolicited, answer to another request", `unsolicited-.*|response-to-.*|confirmation-to-another|replayed-next-year|kept-too-long`},
	{"another recipient, audience, destination, issuer, domain", `recipient-.*|audience-.*|destination-.*|domain-.*|issuer-.*|assertion-issuer-.*|response-issuer-.*`},
	{"time", `clock-.*|time-.*|lifetime-.*|.*issued-.*|confirmation-(expired|not-yet)|conditions-.*|session-over|authenticated-in-the-future`},
	{"size and depth bombs", `.*-bomb`},
	{"meaning: version, status, confirmation, conditions, statements", `.*-version-.*|status-.*|confirmation-.*|condition-.*|authn-statement-.*|no-assertion`},
}

// classOf is the first class that a case belongs to, -1 for none.
func classOf(name string) int {
	for i, c := range attackClasses {
		if regexp.MustCompile(`^(` + c.cases + `)$`).MatchString(name) {
			return i
		}
	}
	return -1
}

// TestEveryAttackClassHasCases also keeps the table of testdata/README.md; -update writes it anew.
func TestEveryAttackClassHasCases(t *testing.T) {
	t.Parallel()
	counts := make([]int, len(attackClasses))
	bad := readCases(t, "bad", 150)
	for name := range bad {
		class := classOf(name)
		if class < 0 {
			t.Errorf("%s belongs to no class", name)
			continue
		}
		counts[class]++
	}
	var table strings.Builder
	fmt.Fprintf(&table, "| class | cases |\n|---|---|\n")
	for i, c := range attackClasses {
		if counts[i] == 0 {
			t.Errorf("no case for %s", c.name)
		}
		fmt.Fprintf(&table, "| %s | %d |\n", c.name, counts[i])
	}
	fmt.Fprintf(&table, "| together | %d |\n| `good/`: honest variety, vendors, the canonical forms of xmlsec1 | %d |\n", len(bad), len(readCases(t, "good", 30)))
	file := filepath.Join("testdata", "README.md")
	text := string(must(os.ReadFile(file)))
	before, _, found := strings.Cut(text, "| class |")
	if !found {
		t.Fatal("README.md has no table")
	}
	if text == before+table.String() {
		return
	}
	if !*update {
		t.Error("the table of testdata/README.md is old; run with -update")
		return
	}
	must(0, os.WriteFile(file, []byte(before+table.String()), 0o644))
}
