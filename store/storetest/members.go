package storetest

import (
	"testing"
	"time"

	"github.com/ssogate/ssogate/directory"
)

func testMember(t *testing.T, s Node) {
	ctx := t.Context()
	putDomain(t, s, "mycompany.com")
	want := putMember(t, s, aMember("mycompany.com", "taro"))
	same(t, "version of a new member", want.Version, int64(1))
	same(t, "by ID", must[directory.Member](t)(s.Member(ctx, want.DomainID, want.ID)), want)
	want.GivenName, want.Status, want.SuperAdmin, want.Deleted = "Jirō", directory.StatusDeleted, true, noon.Add(time.Hour)
	want.Updated = noon.Add(time.Hour)
	same(t, "replaced", putMember(t, s, want).Version, int64(2))
	want.Version = 2
	same(t, "by ID again", must[directory.Member](t)(s.Member(ctx, want.DomainID, want.ID)), want)
	_, err := s.PutMember(ctx, aMember("none.com", "taro"))
	wantErr(t, "member of no domain", err, directory.ErrNotFound)
}

func testMemberVersions(t *testing.T, s Node) {
	ctx := t.Context()
	putDomain(t, s, "mycompany.com")
	putDomain(t, s, "other.com")
	m := putMember(t, s, aMember("mycompany.com", "taro"))
	for name, change := range map[string]func(*directory.Member){
		"version 0 of a known ID": func(m *directory.Member) { m.Version = 0; m.Account = "new@mycompany.com"; m.ExternalKey = "new" },
		"an old version":          func(m *directory.Member) { m.Version = m.Version - 1; m.Version += 5 },
	} {
		x := m
		change(&x)
		_, err := s.PutMember(ctx, x)
		wantErr(t, name, err, directory.ErrConflict)
	}
	x := m
	x.DomainID = "dom_other.com"
	_, err := s.PutMember(ctx, x)
	wantErr(t, "a member does not move to another domain", err, directory.ErrNotFound)
	x = m
	x.ID = "mem_none"
	_, err = s.PutMember(ctx, x)
	wantErr(t, "unknown ID", err, directory.ErrNotFound)

	must[directory.Revocation](t)(s.Revoke(ctx, m.DomainID, m.ID, noon))
	m.Generation = 0
	same(t, "the generation is Revoke's alone", putMember(t, s, m).Generation, int64(1))
}

func testMemberUniqueness(t *testing.T, s Node) {
	ctx := t.Context()
	putDomain(t, s, "mycompany.com")
	putDomain(t, s, "other.com")
	putMember(t, s, aMember("mycompany.com", "taro"))
	differing := func(change func(*directory.Member)) directory.Member {
		m := aMember("mycompany.com", "jiro")
		change(&m)
		return m
	}
	_, err := s.PutMember(ctx, differing(func(m *directory.Member) { m.Account = "taro@mycompany.com" }))
	wantErr(t, "one account twice", err, directory.ErrConflict)
	_, err = s.PutMember(ctx, differing(func(m *directory.Member) { m.DomainID = "dom_other.com"; m.Account = "taro@mycompany.com" }))
	wantErr(t, "one account in two domains", err, directory.ErrConflict)
	_, err = s.PutMember(ctx, differing(func(m *directory.Member) { m.ExternalKey = "Key-taro" }))
	wantErr(t, "one external key twice", err, directory.ErrConflict)
	putMember(t, s, differing(func(m *directory.Member) { m.ExternalKey = "key-taro" })) // another key: compared exactly
	putMember(t, s, aMember("other.com", "taro"))                                        // the same key in another domain
	for _, n := range []string{"no1", "no2"} {
		m := aMember("mycompany.com", n)
		m.ExternalKey = ""
		putMember(t, s, m)
	}
	first := aMember("mycompany.com", "boss")
	first.SuperAdmin = true
	putMember(t, s, first)
	second := aMember("mycompany.com", "boss2")
	second.SuperAdmin = true
	_, err = s.PutMember(ctx, second)
	wantErr(t, "two Super Admins", err, directory.ErrConflict)
}

func testMemberLookups(t *testing.T, s Node) {
	ctx := t.Context()
	putDomain(t, s, "mycompany.com")
	putDomain(t, s, "other.com")
	m := putMember(t, s, aMember("mycompany.com", "taro"))
	nokey := aMember("mycompany.com", "nokey")
	nokey.ExternalKey = ""
	putMember(t, s, nokey)
	same(t, "by account", must[directory.Member](t)(s.MemberByAccount(ctx, m.DomainID, "taro@mycompany.com")), m)
	same(t, "by external key", must[directory.Member](t)(s.MemberByExternalKey(ctx, m.DomainID, "Key-taro")), m)
	for _, key := range []string{"", "key-taro", "Key-taro ", "Key-tar_", "%", "Key-taro\x00", "Key-\xff", "' or ''='"} {
		_, err := s.MemberByExternalKey(ctx, m.DomainID, key)
		wantErr(t, "external key "+key, err, directory.ErrNotFound)
	}
	for _, account := range []string{"", "Taro@mycompany.com", "taro@mycompany.com\x00", "t%@mycompany.com"} {
		_, err := s.MemberByAccount(ctx, m.DomainID, account)
		wantErr(t, "account "+account, err, directory.ErrNotFound)
	}
	for _, domain := range []string{"dom_other.com", "", "dom_none"} {
		_, err := s.Member(ctx, domain, m.ID)
		wantErr(t, "ID in domain "+domain, err, directory.ErrNotFound)
		_, err = s.MemberByAccount(ctx, domain, m.Account)
		wantErr(t, "account in domain "+domain, err, directory.ErrNotFound)
		_, err = s.MemberByExternalKey(ctx, domain, m.ExternalKey)
		wantErr(t, "external key in domain "+domain, err, directory.ErrNotFound)
	}
}

func testMemberLists(t *testing.T, s Node) {
	ctx := t.Context()
	d := putDomain(t, s, "mycompany.com")
	putDomain(t, s, "other.com")
	putMember(t, s, aMember("other.com", "aa"))
	for _, n := range []string{"dd", "aa", "cc", "b_b"} {
		m := aMember("mycompany.com", n)
		if n == "cc" {
			m.Status, m.FamilyName, m.GivenName, m.ExternalKey = directory.StatusSuspended, "Smith", "100%", "EMP_1"
		}
		putMember(t, s, m)
	}
	list := func(f directory.MemberFilter) (out []string) {
		t.Helper()
		for _, m := range must[[]directory.Member](t)(s.Members(ctx, d.ID, f)) {
			out = append(out, m.Account[:len(m.Account)-len("@mycompany.com")])
		}
		return out
	}
	for _, c := range []struct {
		what string
		f    directory.MemberFilter
		want []string
	}{
		{"all by account", directory.MemberFilter{}, []string{"aa", "b_b", "cc", "dd"}},
		{"a page", directory.MemberFilter{Limit: 2}, []string{"aa", "b_b"}},
		{"the page after", directory.MemberFilter{Limit: 2, After: "b_b@mycompany.com"}, []string{"cc", "dd"}},
		{"one status", directory.MemberFilter{Status: directory.StatusSuspended}, []string{"cc"}},
		{"a part of the account", directory.MemberFilter{Match: "B_B@"}, []string{"b_b"}},
		{"an underscore is no wildcard", directory.MemberFilter{Match: "p_1"}, []string{"cc"}},
		{"a percent sign is no wildcard", directory.MemberFilter{Match: "0%"}, []string{"cc"}},
		{"a backslash is no escape", directory.MemberFilter{Match: `\`}, nil},
		{"a part of the external key", directory.MemberFilter{Match: "emp"}, []string{"cc"}},
		{"the whole name", directory.MemberFilter{Match: "smith 100"}, []string{"cc"}},
		{"the other way round", directory.MemberFilter{Match: "100% smith"}, []string{"cc"}},
		{"a name without a space", directory.MemberFilter{Match: "山田T", Limit: 1}, []string{"aa"}},
		{"nobody", directory.MemberFilter{Match: "' or 1=1 --"}, nil},
	} {
		same(t, c.what, list(c.f), c.want)
	}
}

func testMemberMoves(t *testing.T, s Node) {
	ctx := t.Context()
	d := putDomain(t, s, "mycompany.com")
	putDomain(t, s, "other.com")
	for _, domain := range []string{"mycompany.com", "other.com"} {
		for n, status := range map[string]directory.Status{"p1": directory.StatusPending, "p2": directory.StatusPending, "s1": directory.StatusSuspended, "w1": directory.StatusWaiting} {
			m := aMember(domain, n)
			m.Status = status
			putMember(t, s, m)
		}
	}
	same(t, "pending", must[int64](t)(s.MoveMembers(ctx, d.ID, directory.StatusPending, directory.StatusInUse, noon)), int64(2))
	same(t, "waiting", must[int64](t)(s.MoveMembers(ctx, d.ID, directory.StatusWaiting, directory.StatusDeleted, noon)), int64(1))
	moved := must[directory.Member](t)(s.MemberByAccount(ctx, d.ID, "p1@mycompany.com"))
	same(t, "moved", []any{moved.Status, moved.Version, moved.Deleted}, []any{directory.StatusInUse, int64(2), time.Time{}})
	gone := must[directory.Member](t)(s.MemberByAccount(ctx, d.ID, "w1@mycompany.com"))
	same(t, "deleted", []any{gone.Status, gone.Deleted}, []any{directory.StatusDeleted, noon})
	other := must[directory.Member](t)(s.MemberByAccount(ctx, "dom_other.com", "p1@other.com"))
	same(t, "another domain", other.Status, directory.StatusPending)
}

func testMemberPurge(t *testing.T, s Node) {
	ctx := t.Context()
	d := putDomain(t, s, "mycompany.com")
	for n, deleted := range map[string]time.Time{"old1": noon.Add(-9 * time.Hour), "old2": noon.Add(-8 * time.Hour), "new": noon, "never": {}} {
		m := aMember("mycompany.com", n)
		m.Deleted = deleted
		if !deleted.IsZero() {
			m.Status = directory.StatusDeleted
		}
		putMember(t, s, m)
	}
	same(t, "the oldest", must[int64](t)(s.PurgeMembers(ctx, noon, 1)), int64(1))
	_, err := s.MemberByAccount(ctx, d.ID, "old1@mycompany.com")
	wantErr(t, "purged", err, directory.ErrNotFound)
	same(t, "the rest", must[int64](t)(s.PurgeMembers(ctx, noon, 10)), int64(1))
	same(t, "left", len(must[[]directory.Member](t)(s.Members(ctx, d.ID, directory.MemberFilter{}))), 2)
}

func testRevocations(t *testing.T, s Node) {
	ctx := t.Context()
	d := putDomain(t, s, "mycompany.com")
	m := putMember(t, s, aMember("mycompany.com", "taro"))
	first := must[directory.Revocation](t)(s.Revoke(ctx, d.ID, "", noon))
	same(t, "the domain's generation", first.Generation, d.Generation+1)
	same(t, "stored", must[directory.Domain](t)(s.Domain(ctx, d.ID)).Generation, d.Generation+1)
	second := must[directory.Revocation](t)(s.Revoke(ctx, d.ID, m.ID, noon))
	same(t, "the member's generation", second.Generation, int64(1))
	third := must[directory.Revocation](t)(s.Revoke(ctx, d.ID, m.ID, noon.Add(time.Second)))
	same(t, "stored", must[directory.Member](t)(s.Member(ctx, d.ID, m.ID)).Generation, int64(2))
	same(t, "all, the newest of each", must[[]directory.Revocation](t)(s.Revocations(ctx, 0, 10)), []directory.Revocation{first, third})
	same(t, "after the second", must[[]directory.Revocation](t)(s.Revocations(ctx, second.Seq, 10)), []directory.Revocation{third})
	same(t, "at most one", must[[]directory.Revocation](t)(s.Revocations(ctx, 0, 1)), []directory.Revocation{first})
	same(t, "after the last", len(must[[]directory.Revocation](t)(s.Revocations(ctx, third.Seq, 10))), 0)
	_, err := s.Revoke(ctx, "dom_none", "", noon)
	wantErr(t, "unknown domain", err, directory.ErrNotFound)
	_, err = s.Revoke(ctx, d.ID, "mem_none", noon)
	wantErr(t, "unknown member", err, directory.ErrNotFound)
	check(t, s.PutDomain(ctx, d))
	same(t, "replacing a domain never lowers it", must[directory.Domain](t)(s.Domain(ctx, d.ID)).Generation, d.Generation+1)
}
