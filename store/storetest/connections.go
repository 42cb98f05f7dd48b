package storetest

import (
	"testing"
	"time"

	"github.com/ssogate/ssogate/directory"
)

func testDrafts(t *testing.T, s Node) {
	ctx := t.Context()
	putDomain(t, s, "mycompany.com")
	want := aSAML("mycompany.com")
	want.Revision = must[int](t)(s.PutDraft(ctx, want))
	same(t, "first revision", want.Revision, 1)
	same(t, "draft", must[directory.Connection](t)(s.Connection(ctx, want.DomainID, 1)), want)
	_, err := s.LiveConnection(ctx, want.DomainID)
	wantErr(t, "nothing is live", err, directory.ErrNotFound)

	want.SAML.SSOURL = "https://idp.example/new"
	same(t, "the draft is replaced", must[int](t)(s.PutDraft(ctx, want)), 1)
	same(t, "all", must[[]directory.Connection](t)(s.Connections(ctx, want.DomainID)), []directory.Connection{want})
	check(t, s.Activate(ctx, want.DomainID, 1, noon))
	same(t, "next revision", must[int](t)(s.PutDraft(ctx, anOAuth("mycompany.com", "s"))), 2)

	_, err = s.PutDraft(ctx, aSAML("none.com"))
	wantErr(t, "draft of no domain", err, directory.ErrNotFound)
	_, err = s.Connection(ctx, want.DomainID, 9)
	wantErr(t, "unknown revision", err, directory.ErrNotFound)
}

func testActivation(t *testing.T, s Node) {
	ctx := t.Context()
	d := putDomain(t, s, "mycompany.com")
	must[int](t)(s.PutDraft(ctx, aSAML("mycompany.com")))
	check(t, s.Activate(ctx, d.ID, 1, noon))
	must[int](t)(s.PutDraft(ctx, anOAuth("mycompany.com", "s")))
	check(t, s.Activate(ctx, d.ID, 2, noon.Add(time.Hour)))

	live := must[directory.Connection](t)(s.LiveConnection(ctx, d.ID))
	same(t, "live revision", live.Revision, 2)
	same(t, "live since", live.Live, noon.Add(time.Hour))
	states := func() map[int]directory.RevisionState {
		out := map[int]directory.RevisionState{}
		for _, c := range must[[]directory.Connection](t)(s.Connections(ctx, d.ID)) {
			out[c.Revision] = c.State
		}
		return out
	}
	same(t, "states", states(), map[int]directory.RevisionState{1: directory.Past, 2: directory.Live})
	check(t, s.Activate(ctx, d.ID, 2, noon.Add(2*time.Hour)))
	same(t, "live since, activated again", must[directory.Connection](t)(s.LiveConnection(ctx, d.ID)).Live, noon.Add(time.Hour))
	check(t, s.Activate(ctx, d.ID, 1, noon.Add(3*time.Hour)))
	same(t, "back to the first", states(), map[int]directory.RevisionState{1: directory.Live, 2: directory.Past})

	wantErr(t, "unknown revision", s.Activate(ctx, d.ID, 9, noon), directory.ErrNotFound)
	same(t, "a failed activation changes nothing", states(), map[int]directory.RevisionState{1: directory.Live, 2: directory.Past})
	wantErr(t, "unknown domain", s.Activate(ctx, "dom_none", 1, noon), directory.ErrNotFound)
}

func testSecret(t *testing.T, s Node) {
	ctx := t.Context()
	d := putDomain(t, s, "mycompany.com")
	given := anOAuth("mycompany.com", "hunter2")
	must[int](t)(s.PutDraft(ctx, given))
	same(t, "the caller's value is left alone", given.OAuth.ClientSecret, "hunter2")
	same(t, "opened", must[directory.Connection](t)(s.Connection(ctx, d.ID, 1)).OAuth.ClientSecret, "hunter2")
	check(t, s.Activate(ctx, d.ID, 1, noon))
	same(t, "opened live", must[directory.Connection](t)(s.LiveConnection(ctx, d.ID)).OAuth.ClientSecret, "hunter2")
	same(t, "opened in the list", must[[]directory.Connection](t)(s.Connections(ctx, d.ID))[0].OAuth.ClientSecret, "hunter2")
	must[int](t)(s.PutDraft(ctx, anOAuth("mycompany.com", "")))
	same(t, "without", must[directory.Connection](t)(s.Connection(ctx, d.ID, 2)).OAuth.ClientSecret, "")
}

func testMetadataURLs(t *testing.T, s Node) {
	ctx := t.Context()
	for _, n := range []string{"live.com", "draft.com", "oauth.com", "disabled.com", "plain.com"} {
		putDomain(t, s, n)
		c := aSAML(n)
		switch n {
		case "oauth.com":
			c = anOAuth(n, "s")
		case "plain.com":
			c.SAML.MetadataURL = ""
		}
		must[int](t)(s.PutDraft(ctx, c))
		if n != "draft.com" {
			check(t, s.Activate(ctx, "dom_"+n, 1, noon))
		}
	}
	off := aDomain("disabled.com")
	off.Disabled = true
	check(t, s.PutDomain(ctx, off))
	same(t, "addresses", must[map[string]string](t)(s.LiveMetadataURLs(ctx)), map[string]string{"dom_live.com": "https://idp.live.com/metadata"})
}
