package storetest

import (
	"testing"
	"time"

	"github.com/ssogate/ssogate/directory"
)

func testDomain(t *testing.T, s Node) {
	want := putDomain(t, s, "mycompany.com")
	same(t, "by ID", must[directory.Domain](t)(s.Domain(t.Context(), want.ID)), want)
	same(t, "by name", must[directory.Domain](t)(s.DomainByName(t.Context(), "mycompany.com")), want)

	want.Disabled, want.SSO, want.LogoutRedirectionDomains, want.SessionIdle = true, false, nil, 0
	lowered := want
	lowered.Generation = 1
	lowered.Created = noon.Add(time.Hour)
	check(t, s.PutDomain(t.Context(), lowered))
	same(t, "replaced, generation and creation kept", must[directory.Domain](t)(s.Domain(t.Context(), want.ID)), want)

	_, err := s.Domain(t.Context(), "dom_none")
	wantErr(t, "unknown ID", err, directory.ErrNotFound)
	for _, name := range []string{"", "MYCOMPANY.COM", "mycompany.com\x00", "my\xffcompany.com", "' or 1=1 --", "%"} {
		_, err = s.DomainByName(t.Context(), name)
		wantErr(t, "unknown name", err, directory.ErrNotFound)
	}
}

func testDomainConflicts(t *testing.T, s Node) {
	putDomain(t, s, "mycompany.com")
	other := aDomain("mycompany.com")
	other.ID = "dom_other"
	wantErr(t, "a second domain of one name", s.PutDomain(t.Context(), other), directory.ErrConflict)
}

func testDomainPages(t *testing.T, s Node) {
	for _, n := range []string{"c.example", "a.example", "b.example"} {
		putDomain(t, s, n)
	}
	var got []string
	for after := ""; ; {
		page := must[[]directory.Domain](t)(s.Domains(t.Context(), after, 2))
		if len(page) == 0 {
			break
		}
		for _, d := range page {
			got = append(got, d.Name)
		}
		after = page[len(page)-1].Name
	}
	same(t, "names over pages of two", got, []string{"a.example", "b.example", "c.example"})
}

func testDomainRemoval(t *testing.T, s Node) {
	ctx := t.Context()
	d := putDomain(t, s, "mycompany.com")
	putDomain(t, s, "other.com")
	m := putMember(t, s, aMember("mycompany.com", "taro"))
	stays := putMember(t, s, aMember("other.com", "taro"))
	must[int](t)(s.PutDraft(ctx, aSAML("mycompany.com")))
	check(t, s.PutMetadata(ctx, directory.Metadata{DomainID: d.ID, XML: []byte("<x/>")}))
	check(t, s.PutKey(ctx, directory.Key{ID: "k1", DomainID: d.ID, Use: "saml", State: directory.KeyCurrent, Private: []byte("p")}))
	must[directory.Revocation](t)(s.Revoke(ctx, d.ID, "", noon))

	check(t, s.DeleteDomain(ctx, d.ID))
	wantErr(t, "removed twice", s.DeleteDomain(ctx, d.ID), directory.ErrNotFound)
	_, err := s.Member(ctx, d.ID, m.ID)
	wantErr(t, "member", err, directory.ErrNotFound)
	_, err = s.Metadata(ctx, d.ID)
	wantErr(t, "metadata", err, directory.ErrNotFound)
	same(t, "connections", len(must[[]directory.Connection](t)(s.Connections(ctx, d.ID))), 0)
	same(t, "keys", len(must[[]directory.Key](t)(s.Keys(ctx, d.ID, "saml"))), 0)
	same(t, "revocations stay", len(must[[]directory.Revocation](t)(s.Revocations(ctx, 0, 10))), 1)
	same(t, "the other domain's member", must[directory.Member](t)(s.Member(ctx, stays.DomainID, stays.ID)), stays)
	putDomain(t, s, "mycompany.com") // the name and its accounts are free again
	putMember(t, s, aMember("mycompany.com", "taro"))
}

func testMetadata(t *testing.T, s Node) {
	d := putDomain(t, s, "mycompany.com")
	_, err := s.Metadata(t.Context(), d.ID)
	wantErr(t, "none yet", err, directory.ErrNotFound)
	want := directory.Metadata{DomainID: d.ID, URL: "https://idp/metadata", XML: []byte("<a>\x00\xff</a>"), Version: 2, Fetched: noon, Tried: noon.Add(time.Second),
		Fault: "", Extra: map[string]time.Time{"pem": noon}}
	check(t, s.PutMetadata(t.Context(), want))
	same(t, "stored", must[directory.Metadata](t)(s.Metadata(t.Context(), d.ID)), want)
	want.Fault, want.Version, want.Extra = "idp did not answer", 3, nil
	check(t, s.PutMetadata(t.Context(), want))
	same(t, "replaced", must[directory.Metadata](t)(s.Metadata(t.Context(), d.ID)), want)
	want.DomainID = "dom_none"
	wantErr(t, "of no domain", s.PutMetadata(t.Context(), want), directory.ErrNotFound)
}

func testServices(t *testing.T, s Node) {
	board := directory.Service{Name: "board", AccessHosts: []string{"board.example.com", "*.corp.example"}, Updated: noon}
	check(t, s.PutService(t.Context(), board))
	check(t, s.PutService(t.Context(), directory.Service{Name: "a", AccessHosts: []string{"a.example.com"}, Updated: noon}))
	board.AccessHosts = board.AccessHosts[:1]
	check(t, s.PutService(t.Context(), board))
	got := must[[]directory.Service](t)(s.Services(t.Context()))
	same(t, "services by name", got, []directory.Service{{Name: "a", AccessHosts: []string{"a.example.com"}, Updated: noon}, board})
	check(t, s.DeleteService(t.Context(), "a"))
	wantErr(t, "removed twice", s.DeleteService(t.Context(), "a"), directory.ErrNotFound)
}

func testKeys(t *testing.T, s Node) {
	ctx := t.Context()
	putDomain(t, s, "mycompany.com")
	put := func(id, domain string, state directory.KeyState, at time.Time) directory.Key {
		k := directory.Key{ID: id, DomainID: domain, Use: "saml", State: state, Private: []byte("private " + id), Certificate: []byte{1, 2}, Created: at}
		check(t, s.PutKey(ctx, k))
		return k
	}
	a := put("a", "dom_mycompany.com", directory.KeyCurrent, noon)
	b := put("b", "dom_mycompany.com", directory.KeyNext, noon.Add(time.Second))
	own := put("c", "", directory.KeyCurrent, noon)
	same(t, "of the domain, newest first", must[[]directory.Key](t)(s.Keys(ctx, "dom_mycompany.com", "saml")), []directory.Key{b, a})
	same(t, "of the installation", must[[]directory.Key](t)(s.Keys(ctx, "", "saml")), []directory.Key{own})
	same(t, "of another use", len(must[[]directory.Key](t)(s.Keys(ctx, "", "identity"))), 0)
	second := a
	second.ID = "d"
	wantErr(t, "a second current key", s.PutKey(ctx, second), directory.ErrConflict)
	a.State = directory.KeyPrevious
	check(t, s.PutKey(ctx, a))
	b.State = directory.KeyCurrent
	check(t, s.PutKey(ctx, b))
	same(t, "after a rollover", must[[]directory.Key](t)(s.Keys(ctx, "dom_mycompany.com", "saml")), []directory.Key{b, a})
	moved := a
	moved.DomainID = ""
	wantErr(t, "a key does not move to another domain", s.PutKey(ctx, moved), directory.ErrNotFound)
	check(t, s.DeleteKey(ctx, "a"))
	wantErr(t, "removed twice", s.DeleteKey(ctx, "a"), directory.ErrNotFound)
}
