package saml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/saml"
)

// bombs are what a stranger can send without any key: up to the largest message, and beyond.
func bombs() map[string]string {
	head := `<samlp:Response ` + baseNS + `>`
	fill := func(part string, size int) string { return head + strings.Repeat(part, size/len(part)) }
	deep := fill("<a>", 512<<10-200)
	var prefixes, attributes strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&prefixes, ` xmlns:n%d="u"`, i)
		fmt.Fprintf(&attributes, ` a%d=""`, i)
	}
	return map[string]string{
		"10 MB of elements":         fill("<a>", 10<<20),
		"10 MB of nothing":          strings.Repeat("\x00", 10<<20),
		"10 MB of comments":         fill("<!---->", 10<<20),
		"depth":                     deep,
		"comments":                  fill("<!---->", 512<<10-200),
		"elements":                  fill("<a/>", 512<<10-200),
		"text":                      fill("x", 512<<10-200),
		"references":                fill("&amp;", 512<<10-200),
		"broken references":         fill("&", 512<<10-200),
		"open tag":                  head + "<a " + strings.Repeat(" ", 500<<10),
		"open attribute":            head + `<a b="` + strings.Repeat("x", 500<<10),
		"prefixes on one element":   head + "<a" + prefixes.String() + "/>",
		"attributes on one":         head + "<a" + attributes.String() + "/>",
		"64 attributes each":        fill("<a"+attributes.String()[:64*5]+"/>", 512<<10-200),
		"prefixes and many lookups": head + `<a` + numbered(` xmlns:%="u%"`, 45) + `>` + strings.Repeat(`<b`+numbered(` samlp:%=""`, 45)+`/>`, 250),
		"long name":                 head + "<" + strings.Repeat("a", 500<<10) + "/>",
		"name of colons":            head + "<" + strings.Repeat("a:", 250<<10) + "/>",
		"IDs":                       numberedIDs(head),
		"brackets":                  head + strings.Repeat("<", 500<<10),
		"end tags":                  head + strings.Repeat("</samlp:Response>", 30000),
		"declaration":               "<?xml " + strings.Repeat(" ", 500<<10),
	}
}

func numberedIDs(head string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := range 5990 {
		fmt.Fprintf(&b, `<a ID="_%064d"/>`, i)
	}
	return b.String()
}

// TestBombs: each is refused for its form, and without building anything from it. What the gate itself allocates is bounded by
// the element limit, not by the size of the message.
func TestBombs(t *testing.T) {
	t.Parallel()
	expect := expectation{}.expect()
	for name, doc := range bombs() {
		_, _, err := saml.Verify([]byte(doc), expect)
		code := codeOf(err)
		if strings.HasPrefix(name, "10 MB") && code != "saml_too_large" {
			t.Errorf("%s: %v", name, err)
		}
		if code == "" || code == "saml_internal" || code == "saml_unsigned" || code == "saml_idp_status" {
			t.Errorf("%s reached the parser: %v", name, err)
		}
	}
}

func TestOversizeIsRefusedByItsSize(t *testing.T) {
	expect := expectation{}.expect()
	doc := []byte(strings.Repeat("<a>", 10<<20/3))
	allocs := testing.AllocsPerRun(10, func() { _, _, _ = saml.Verify(doc, expect) })
	if allocs > 20 {
		t.Errorf("%v allocations for a message that is only too large", allocs)
	}
}

// TestBombsWithinTheLimits pass the gate and must end at the signature: they are signed, with all there may be, by a stranger.
func TestBombsWithinTheLimits(t *testing.T) {
	t.Parallel()
	for name, doc := range bombsWithinLimits("stranger") {
		_, _, err := saml.Verify([]byte(doc), expectation{}.expect())
		if codeOf(err) != "saml_cert_unknown" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func bombsWithinLimits(key string) map[string]string {
	signed := signature{id: "_response", key: key}
	prefixes := numbered(` xmlns:%="u%"`, 40)
	staff := "<saml:AttributeValue>staff"
	many := strings.Repeat("<saml:AttributeValue/>", 5900) + staff
	nested := strings.Repeat("<saml:x>", 24) + strings.Repeat("<saml:y/>", 5000) + strings.Repeat("</saml:x>", 24) + staff
	return map[string]string{
		"elements":            sign(edit(baseResponse, staff, many), signed),
		"elements, prefixes":  sign(edit(baseResponse, "<samlp:Response", "<samlp:Response"+prefixes, staff, many), signed),
		"redeclared prefixes": sign(edit(baseResponse, staff, strings.Repeat("<saml:AttributeValue"+prefixes+"/>", 200)+staff), signed),
		"depth":               sign(edit(baseResponse, staff, nested), signed),
		"one long text":       sign(edit(baseResponse, ">staff<", ">"+strings.Repeat("&amp;", 90<<10)+"<"), signed),
	}
}

// TestCanonicalFormsAreBounded: an identity provider could make us write its declarations thousands of times.
func TestCanonicalFormsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("u", 500)
	doc := edit(baseResponse, "<samlp:Response", `<samlp:Response xmlns:p="`+long+`p" xmlns:q="`+long+`q"`,
		"<saml:AttributeValue>staff", strings.Repeat(`<saml:AttributeValue p:x="" q:x=""/>`, 5900)+"<saml:AttributeValue>staff")
	_, _, err := saml.Verify([]byte(sign(doc, onResponse)), expectation{}.expect())
	if codeOf(err) != "saml_bad_signature" {
		t.Errorf("a form of 6 MB: %v", err)
	}
}

func TestThreeThousandGroupsFit(t *testing.T) {
	t.Parallel()
	for _, s := range []signature{onAssertion, onResponse} {
		doc := sign(edit(baseResponse, `<saml:AttributeValue>staff</saml:AttributeValue>`, manyValues(3000)), s)
		claims, _, err := saml.Verify([]byte(doc), expectation{}.expect())
		if err != nil || len(claims.Attributes["groups"]) != 3001 {
			t.Errorf("%d groups: %v", len(claims.Attributes["groups"]), err)
		}
	}
}

func BenchmarkBombs(b *testing.B) {
	expect := expectation{}.expect()
	all := bombs()
	for _, key := range []string{"idp", "stranger"} {
		for name, doc := range bombsWithinLimits(key) {
			all["within limits by "+key+": "+name] = doc
		}
	}
	for name, doc := range all {
		b.Run(name, func(b *testing.B) {
			raw := []byte(doc)
			for b.Loop() {
				_, _, _ = saml.Verify(raw, expect)
			}
		})
	}
}
