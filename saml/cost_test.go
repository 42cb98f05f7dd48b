package saml_test

import (
	"encoding/base64"
	"runtime"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/saml"
)

// cost is what one call of f allocates. Tests that ask for it are not parallel: all that is allocated is counted.
func cost(f func()) (bytes, objects int64) {
	var before, after runtime.MemStats
	bytes, objects = 1<<62, 1<<62
	for range 3 { // the first makes what is made once; the runtime itself may allocate during any
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		bytes, objects = min(bytes, int64(after.TotalAlloc-before.TotalAlloc)), min(objects, int64(after.Mallocs-before.Mallocs))
	}
	return bytes, objects
}

func wantCost(t *testing.T, name string, maxBytes, maxObjects int64, f func()) {
	t.Helper()
	bytes, objects := cost(f)
	if bytes > maxBytes || objects > maxObjects {
		t.Errorf("%s: %d bytes in %d objects, want at most %d in %d", name, bytes, objects, maxBytes, maxObjects)
	}
}

// TestHostileMessagesCostLittle: no message, of whatever size, makes us allocate more than a small multiple of the largest one
// that is looked at; what is larger is not even looked at. Allocations are counted and not seconds: they do not depend on the
// machine, and nothing here loops without them.
func TestHostileMessagesCostLittle(t *testing.T) {
	const largest = 512 << 10
	expect := expectation{Decrypters: []string{"sp", "sp-next"}}.expect()
	for name, doc := range bombs() {
		raw := []byte(doc)
		verify := func() { _, _, _ = saml.Verify(raw, expect) }
		if len(raw) > largest {
			wantCost(t, name, 8<<10, 20, verify) // room for the list of checks
		} else {
			wantCost(t, name, 5*largest, 15000, verify) // 2 objects for each of 6,000 elements
		}
		form := base64.StdEncoding.EncodeToString(raw)
		decode := func() { _, _ = saml.Decode(form) }
		if len(raw) > largest {
			wantCost(t, name+", form", 1<<10, 2, decode)
		} else {
			wantCost(t, name+", form", 2*largest, 4, decode)
		}
	}
	for _, key := range []string{"stranger", "idp"} {
		for name, doc := range bombsWithinLimits(key) {
			raw := []byte(doc)
			wantCost(t, name+" by "+key, 10*largest, 20000, func() { _, _, _ = saml.Verify(raw, expect) })
		}
	}
}

// TestHostileMetadataCostsLittle: the same for a document that an administrator uploads, or that is fetched.
func TestHostileMetadataCostsLittle(t *testing.T) {
	const head = `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com">`
	fill := func(part string, size int) string { return head + strings.Repeat(part, size/len(part)) }
	for name, doc := range map[string]string{
		"elements":     fill("<md:x/>", 1<<20),
		"depth":        fill("<md:x>", 1<<20),
		"comments":     fill("<!---->", 1<<20),
		"descriptors":  fill(`<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>`, 1<<20) + "</md:EntityDescriptor>",
		"text":         fill("x", 1<<20),
		"IDs":          strings.Repeat(numberedIDs(head), 2),
		"10 MB":        fill("<md:x/>", 10<<20),
		"10 MB of x":   strings.Repeat("x", 10<<20),
		"many formats": fill("<md:NameIDFormat>x</md:NameIDFormat>", 1<<20),
	} {
		raw := []byte(doc)
		if _, err := saml.ParseMetadata(raw, caseNow); codeOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
		wantCost(t, name, 8<<20, 100000, func() { _, _ = saml.ParseMetadata(raw, caseNow) })
	}
}
