package saml_test

import (
	"slices"
	"testing"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/ssogate/ssogate/saml"
)

// fuzzSeeds are good cases that all are accepted with fuzzExpect, with the only claims that may ever come out.
func fuzzSeeds(f *testing.F) map[string]saml.Claims {
	f.Helper()
	expect := fuzzExpect()
	seeds := make(map[string]saml.Claims)
	for name, c := range readCases(f, "good", 30) {
		claims, _, err := saml.Verify(c.response, expect)
		if err == nil && len(c.response) < 16<<10 {
			seeds[string(c.response)] = claims
		} else if name == "signed-both" {
			f.Fatal("the seeds are not accepted")
		}
	}
	if len(seeds) < 30 {
		f.Fatalf("only %d seeds", len(seeds))
	}
	return seeds
}

func fuzzExpect() saml.Expect {
	return expectation{Certificates: []string{"idp", "next", "idp-p256"}, Decrypters: []string{"sp", "sp-next"}}.expect()
}

// FuzzVerify changes signed responses at random. Whatever is accepted must say what the identity provider said, and nothing may
// reach the panic fence.
func FuzzVerify(f *testing.F) {
	seeds := fuzzSeeds(f)
	var said []saml.Claims
	for doc, claims := range seeds {
		f.Add([]byte(doc))
		said = append(said, claims)
	}
	expect := fuzzExpect()
	f.Fuzz(func(t *testing.T, doc []byte) {
		claims, checks, err := saml.Verify(doc, expect)
		judgeFuzzed(t, claims, checks, err, said)
	})
}

func judgeFuzzed(t *testing.T, claims saml.Claims, checks []saml.Check, err error, said []saml.Claims) {
	t.Helper()
	if err != nil {
		if code := codeOf(err); code == "" || code == "saml_internal" {
			t.Fatalf("%v\n%s", err, trace(checks))
		}
		return
	}
	same := func(c saml.Claims) bool {
		return cmp.Equal(claims.Attributes, c.Attributes) && claims.UserKey == c.UserKey && claims.NameID == c.NameID
	}
	if !slices.ContainsFunc(said, same) {
		t.Fatalf("accepted what nobody signed: %+v", claims)
	}
}

// FuzzRearrange edits the tree of a signed response: a script of moves, copies, renamings and forgeries, four bytes each, is
// what finds wrapping attacks that changing bytes does not.
func FuzzRearrange(f *testing.F) {
	seeds := fuzzSeeds(f)
	docs := make([]string, 0, len(seeds))
	for doc := range seeds {
		docs = append(docs, doc)
	}
	slices.Sort(docs)
	for i := range docs {
		f.Add(uint8(i), []byte{0, 3, 1, 0, 4, 5, 2, 7})
		f.Add(uint8(i), []byte{1, 9, 4, 0, 3, 12, 0, 0, 5, 2, 2, 2})
	}
	expect := fuzzExpect()
	f.Fuzz(func(t *testing.T, which uint8, script []byte) {
		doc := docs[int(which)%len(docs)]
		changed := rearrange(doc, script[:min(len(script), 64)])
		claims, checks, err := saml.Verify(changed, expect)
		judgeFuzzed(t, claims, checks, err, []saml.Claims{seeds[doc]})
	})
}

// rearrange applies a script of (operation, element, element, argument).
func rearrange(doc string, script []byte) []byte {
	d := etree.NewDocument()
	must(0, d.ReadFromString(doc))
	for ; len(script) >= 4; script = script[4:] {
		all := append([]*etree.Element{d.Root()}, d.Root().FindElements(".//*")...)
		a, b := all[int(script[1])%len(all)], all[int(script[2])%len(all)]
		switch script[0] % 7 {
		case 0: // copy a into b
			b.InsertChildAt(int(script[3])%(len(b.Child)+1), a.Copy())
		case 1: // move a into b
			if a != d.Root() && !isInside(b, a) {
				b.InsertChildAt(int(script[3])%(len(b.Child)+1), a)
			}
		case 2:
			if a != d.Root() {
				a.Parent().RemoveChild(a)
			}
		case 3:
			a.SetText("admin")
		case 4: // take the ID or any other attribute of b
			if len(b.Attr) > 0 {
				attr := b.Attr[int(script[3])%len(b.Attr)]
				a.CreateAttr(attr.FullKey(), attr.Value)
			}
		case 5: // rename
			a.Space, a.Tag = b.Space, b.Tag
		case 6:
			if len(a.Attr) > 0 {
				a.Attr[int(script[3])%len(a.Attr)].Value = "_forged"
			}
		}
		if len(all) > 2000 {
			break
		}
	}
	return must(d.WriteToBytes())
}

func isInside(e, ancestor *etree.Element) bool {
	for ; e != nil; e = e.Parent() {
		if e == ancestor {
			return true
		}
	}
	return false
}
