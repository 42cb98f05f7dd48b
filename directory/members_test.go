package directory_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/directory"
)

func TestAddMember(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com", SSO: true, Language: "ja-JP", TimeZone: "Asia/Tokyo"})
	m := taro(d)
	m.Account = " TARO@MyCompany.com"
	m = h.member(t, m)
	same(t, "kept in lower case", m.Account, "taro@mycompany.com")
	same(t, "defaults of the domain", []string{m.Language, m.TimeZone}, []string{"ja-JP", "Asia/Tokyo"})
	same(t, "in use at once", m.Status, directory.StatusInUse)
	same(t, "display name", m.DisplayName(), "山田 太郎")
	m.Language = "en-US"
	same(t, "display name in English", m.DisplayName(), "太郎 山田")
	m.Language = "ja-JP"
	for _, ref := range []string{m.ID, "Taro@mycompany.com", "externalKey:E-1"} {
		found, err := h.FindMember(t.Context(), d.ID, ref)
		check(t, err)
		same(t, "found by "+ref, found, m)
	}
	for _, ref := range []string{"", "externalKey:", "externalKey:e-1", "E-1", "jiro@mycompany.com", "externalKey:E-1\x00", "\xff@mycompany.com", "mem_\x00"} {
		if _, err := h.FindMember(t.Context(), d.ID, ref); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("%q: %v, want ErrNotFound", ref, err)
		}
	}
	for what, change := range map[string]func(*directory.Member){
		"account": func(m *directory.Member) { m.ExternalKey = "E-2" }, "external key": func(m *directory.Member) { m.Account = "jiro@mycompany.com" },
	} {
		x := taro(d)
		change(&x)
		if _, err := h.AddMember(t.Context(), actor, x); !errors.Is(err, directory.ErrConflict) {
			t.Errorf("%s taken: %v, want ErrConflict", what, err)
		}
	}
	x := taro(d)
	x.DomainID = "dom_none"
	if _, err := h.AddMember(t.Context(), actor, x); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("unknown domain: %v, want ErrNotFound", err)
	}
}

// TestMemberTable is the table of seed 003, a row per rule and border.
func TestMemberTable(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com", SSO: true})
	group := h.domain(t, directory.Domain{Name: strings.Repeat("a", 60), SSO: true})
	at := func(local string) func(*directory.Member) {
		return func(m *directory.Member) { m.Account = local + "@mycompany.com" }
	}
	key := func(k string) func(*directory.Member) { return func(m *directory.Member) { m.ExternalKey = k } }
	name := func(family, given string) func(*directory.Member) {
		return func(m *directory.Member) { m.FamilyName, m.GivenName = family, given }
	}
	nick := func(n string) func(*directory.Member) { return func(m *directory.Member) { m.NickName = n } }
	mail := func(p string) func(*directory.Member) { return func(m *directory.Member) { m.PrivateMail = p } }
	long := strings.Repeat
	for _, c := range []struct {
		what   string
		change func(*directory.Member)
		want   string // "" is accepted
	}{
		{"2 characters", at("ab"), ""}, {"1 character", at("a"), "account range"},
		{"40 characters", at(long("a", 40)), ""}, {"41 characters", at(long("a", 41)), "account range"},
		{"a number first", at("1a"), ""}, {"an underscore first", at("_a"), "account pattern"}, {"a hyphen first", at("-a"), "account pattern"},
		{"a dot first", at(".ab"), "account pattern"}, {"a dot last", at("ab."), "account pattern"}, {"two dots", at("a..b"), "account pattern"},
		{"dots inside", at("a.b.c"), ""}, {"hyphen and underscore", at("a-b_c-"), ""}, {"a plus sign", at("a+b"), "account pattern"},
		{"a letter that is not English", at("tarō"), "account pattern"}, {"the Kelvin sign", at("\u212aato"), "account pattern"},
		{"a line end", at("taro\n"), "account pattern"},
		{"another domain", func(m *directory.Member) { m.Account = "taro@other.com" }, "account foreign_domain"},
		{"a subdomain", func(m *directory.Member) { m.Account = "taro@x.mycompany.com" }, "account foreign_domain"},
		{"no sign", func(m *directory.Member) { m.Account = "taro" }, "account pattern"},
		{"two signs", func(m *directory.Member) { m.Account = "taro@x@mycompany.com" }, "account pattern,account foreign_domain"},
		{"no account", func(m *directory.Member) { m.Account = "" }, "account required"},
		{"91 characters", func(m *directory.Member) { m.DomainID, m.Account = group.ID, long("b", 30)+"@"+group.Name }, "account too_long"},
		{"90 characters", func(m *directory.Member) { m.DomainID, m.Account = group.ID, long("b", 29)+"@"+group.Name }, ""},

		{"no name", name("", ""), "name required"}, {"only a family name", name("山田", ""), ""}, {"only a given name", name("", "太郎"), ""},
		{"80 characters in all", name(long("あ", 40), long("い", 40)), ""}, {"81 characters in all", name(long("あ", 40), long("い", 41)), "name too_long"},
		{"every allowed special character", name("!@&()-_+[]{},./#'`^~", "o"), ""}, {"a dollar sign", name("$", "o"), "family_name pattern"},
		{"an angle bracket", name("o", "<b>"), "given_name pattern"}, {"a control character", name("o\u0007", ""), "family_name pattern"},
		{"broken UTF-8", name("o\xff", ""), "family_name pattern"}, {"turned writing", name("o\u202e", ""), "family_name pattern"},
		{"combining marks", name("e\u0301", "한글 あ"), ""},
		{"a nickname of 100", nick(long("n", 100)), ""}, {"a nickname of 101", nick(long("n", 101)), "nick_name too_long"}, {"a star in a nickname", nick("*"), "nick_name pattern"},

		{"an external key of 100", key(long("ж", 100)), ""}, {"of 101", key(long("ж", 101)), "external_key too_long"},
		{"a percent sign", key("a%b"), "external_key pattern"}, {"a backslash", key(`a\b`), "external_key pattern"}, {"a hash", key("a#b"), "external_key pattern"},
		{"a slash", key("a/b"), "external_key pattern"}, {"a question mark", key("a?b"), "external_key pattern"}, {"a NUL", key("a\x00b"), "external_key pattern"},
		{"other special characters", key("a@b.c:d;e=f+g'h\"i"), ""}, {"no external key", key(""), "external_key required"},

		{"no private e-mail while SSO is on", mail(""), ""}, {"a private e-mail", mail("a.b+c@home.example"), ""},
		{"64 characters before the sign", mail(long("a", 64) + "@home.example"), ""}, {"65", mail(long("a", 65) + "@home.example"), "private_email pattern"},
		{"a private e-mail without a domain", mail("a@"), "private_email pattern"}, {"without a sign", mail("a"), "private_email pattern"},
		{"two dots in a private e-mail", mail("a..b@home.example"), "private_email pattern"},
		{"a domain of 254", mail("a@" + long(long("a", 49)+".", 5) + "abcd"), "private_email pattern"},
		{"a language that is not offered", func(m *directory.Member) { m.Language = "fr-FR" }, "language unknown_value"},
		{"a time zone that is none", func(m *directory.Member) { m.TimeZone = "Mars/Base" }, "time_zone unknown_value"},
	} {
		m := taro(d)
		m.ExternalKey = "key of " + m.Account
		c.change(&m)
		added, err := h.AddMember(t.Context(), actor, m)
		if got := strings.Join(faults(err), ","); got != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: got %q (%v), want %q", c.what, got, err, c.want)
		}
		if err == nil { // make room for the next row
			if _, err = h.SetStatus(t.Context(), actor, added.DomainID, added.ID, directory.StatusDeleted); err != nil {
				t.Fatal(err)
			}
			h.now = h.now.Add(directory.Grace + time.Second)
		}
	}
	_, err := h.AddMember(t.Context(), actor, directory.Member{DomainID: d.ID, Account: "a@b", NickName: "$", ExternalKey: "%"})
	same(t, "all at once", faults(err), []string{"account range", "account foreign_domain", "name required", "nick_name pattern", "external_key pattern"})
}

func TestMemberWithoutSSO(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com"})
	m := taro(d)
	m.PrivateMail = ""
	_, err := h.AddMember(t.Context(), actor, m)
	same(t, "the invitation needs an address", faults(err), []string{"private_email required"})
	m = taro(d)
	m.ExternalKey = ""
	same(t, "no key needed", h.member(t, m).Status, directory.StatusPending)
	byAccount := h.domain(t, directory.Domain{Name: "other.com", SSO: true, UserKey: directory.ByAccount})
	m = taro(byAccount)
	m.ExternalKey = ""
	same(t, "no key needed when the account is the user key", h.member(t, m).Status, directory.StatusInUse)
}

// TestTransitions is the table of line-works.md section 5, every pair.
func TestTransitions(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com"})
	all := []directory.Status{directory.StatusWaiting, directory.StatusPending, directory.StatusInUse, directory.StatusSuspended, directory.StatusDeleted}
	allowed := map[directory.Status]string{
		directory.StatusWaiting: "pending in_use deleted", directory.StatusPending: "in_use deleted", directory.StatusInUse: "suspended deleted",
		directory.StatusSuspended: "in_use deleted", directory.StatusDeleted: "in_use",
	}
	n := 0
	made := func(status directory.Status) directory.Member {
		n++
		m := taro(d)
		m.Account, m.ExternalKey = fmt.Sprintf("m%d@mycompany.com", n), fmt.Sprint("k", n)
		if status == directory.StatusWaiting {
			m.Status = status
		}
		m = h.member(t, m)
		path := map[directory.Status][]directory.Status{
			directory.StatusInUse: {directory.StatusInUse}, directory.StatusSuspended: {directory.StatusInUse, directory.StatusSuspended}, directory.StatusDeleted: {directory.StatusDeleted},
		}
		for _, s := range path[status] {
			var err error
			m, err = h.SetStatus(t.Context(), actor, d.ID, m.ID, s)
			check(t, err)
		}
		h.ends()
		return m
	}
	for _, from := range all {
		for _, to := range all {
			m := made(from)
			got, err := h.SetStatus(t.Context(), actor, d.ID, m.ID, to)
			want := from == to || strings.Contains(" "+allowed[from]+" ", " "+string(to)+" ")
			if (err == nil) != want {
				t.Errorf("%s to %s: %v, want allowed %v", from, to, err, want)
				continue
			}
			var ends []string
			if want && from == directory.StatusInUse && to != from {
				ends = []string{"member"}
				same(t, "generation", got.Generation, int64(1))
			}
			same(t, fmt.Sprintf("sessions ended, %s to %s", from, to), h.ends(), ends)
			if !want {
				same(t, "fault", faults(err), []string{"status transition"})
			}
		}
	}
	m := made(directory.StatusDeleted)
	h.now = h.now.Add(directory.Grace)
	_, err := h.SetStatus(t.Context(), actor, d.ID, m.ID, directory.StatusInUse)
	same(t, "after 7 days", faults(err), []string{"status transition"})
	_, err = h.SetStatus(t.Context(), actor, d.ID, m.ID, "retired")
	same(t, "an unknown status", faults(err), []string{"status unknown_value"})
}

func TestSuperAdmin(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com", SSO: true})
	boss := taro(d)
	boss.SuperAdmin = true
	boss = h.member(t, boss)
	for _, s := range []directory.Status{directory.StatusSuspended, directory.StatusDeleted} {
		_, err := h.SetStatus(t.Context(), actor, d.ID, boss.ID, s)
		same(t, "the Super Admin", faults(err), []string{"status protected"})
		x := boss
		x.Status, x.SuperAdmin = s, false
		_, err = h.UpdateMember(t.Context(), actor, x)
		same(t, "the Super Admin, giving it up at once", faults(err), []string{"status protected"})
	}
	second := taro(d)
	second.Account, second.ExternalKey, second.SuperAdmin = "jiro@mycompany.com", "E-2", true
	if _, err := h.AddMember(t.Context(), actor, second); !errors.Is(err, directory.ErrConflict) {
		t.Errorf("a second Super Admin: %v, want ErrConflict", err)
	}
	second.SuperAdmin = false
	m := h.member(t, second)
	m, err := h.SetStatus(t.Context(), actor, d.ID, m.ID, directory.StatusSuspended)
	check(t, err)
	m.SuperAdmin = true
	_, err = h.UpdateMember(t.Context(), actor, m)
	same(t, "a suspended Super Admin", faults(err), []string{"super_admin protected"})
}

func TestUpdateMember(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com", SSO: true})
	m := h.member(t, taro(d))
	update := func(change func(*directory.Member)) error {
		t.Helper()
		x := m
		change(&x)
		x, err := h.UpdateMember(t.Context(), actor, x)
		if err == nil {
			m = x
		}
		return err
	}
	check(t, update(func(m *directory.Member) { m.NickName = "T"; m.Language = "ko-KR" }))
	same(t, "a nickname", h.ends(), []string(nil))
	check(t, update(func(m *directory.Member) { m.Account = "Taro2@mycompany.com" }))
	same(t, "an account", h.ends(), []string{"member"})
	same(t, "account", m.Account, "taro2@mycompany.com")
	check(t, update(func(m *directory.Member) { m.ExternalKey = "E-1b" }))
	same(t, "an external key", h.ends(), []string{"member"})
	same(t, "generation", m.Generation, int64(2))
	version := m.Version
	check(t, update(func(m *directory.Member) { m.Generation, m.Created, m.Deleted = 0, time.Time{}, h.now }))
	same(t, "nothing changed", m.Version, version)
	check(t, update(func(m *directory.Member) { m.Status = directory.StatusSuspended; m.NickName = "" }))
	same(t, "suspended", h.ends(), []string{"member"})
	same(t, "a way that is none", faults(update(func(m *directory.Member) { m.Status = directory.StatusPending })), []string{"status transition"})
	same(t, "the key is needed", faults(update(func(m *directory.Member) { m.ExternalKey = "" })), []string{"external_key required"})
	stale := m
	stale.Version--
	stale.NickName = "old"
	if _, err := h.UpdateMember(t.Context(), actor, stale); !errors.Is(err, directory.ErrConflict) {
		t.Errorf("an old version: %v, want ErrConflict", err)
	}
	other := taro(d)
	other.Account, other.ExternalKey = "jiro@mycompany.com", "E-2"
	h.member(t, other)
	if err := update(func(m *directory.Member) { m.ExternalKey = "E-2" }); !errors.Is(err, directory.ErrConflict) {
		t.Errorf("a key that is taken: %v, want ErrConflict", err)
	}
	foreign := h.domain(t, directory.Domain{Name: "other.com", SSO: true})
	if err := update(func(m *directory.Member) { m.DomainID = foreign.ID }); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("into another domain: %v, want ErrNotFound", err)
	}
	for _, e := range must(h.store.Events(t.Context(), d.ID, 500)) {
		for _, v := range e.Detail {
			if strings.Contains(v, "E-1") || strings.Contains(v, "taro") {
				t.Errorf("event %s holds a person's value: %v", e.Action, e.Detail)
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
