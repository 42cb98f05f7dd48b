package directory_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/credential"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/store"
)

// house is a directory over a real store, with a clock to move and the pushed revocations.
type house struct {
	*directory.Directory
	store  *store.Store
	now    time.Time
	pushed []directory.Revocation
	fail   error // of the push
}

func newHouse(t testing.TB) *house {
	t.Helper()
	box, err := credential.NewBox(credential.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(context.Background(), "sqlite:"+filepath.Join(t.TempDir(), "d.db"), box,
		store.Options{QueryTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	h := &house{store: s, now: time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC)}
	h.Directory = &directory.Directory{Store: s, Audit: s, Now: func() time.Time { return h.now }}
	h.EndSessions = func(_ context.Context, r directory.Revocation) error {
		h.pushed = append(h.pushed, r)
		return h.fail
	}
	return h
}

const actor = "operator:test"

func (h *house) domain(t testing.TB, d directory.Domain) directory.Domain {
	t.Helper()
	d, err := h.AddDomain(t.Context(), actor, d)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (h *house) member(t testing.TB, m directory.Member) directory.Member {
	t.Helper()
	m, err := h.AddMember(t.Context(), actor, m)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func taro(d directory.Domain) directory.Member {
	return directory.Member{DomainID: d.ID, Account: "taro@" + d.Name, ExternalKey: "E-1", FamilyName: "山田", GivenName: "太郎", PrivateMail: "taro@home.example"}
}

// ends says which sessions were ended since the last call: "domain" or "member".
func (h *house) ends() (out []string) {
	for _, r := range h.pushed {
		if r.MemberID == "" {
			out = append(out, "domain")
		} else {
			out = append(out, "member")
		}
	}
	h.pushed = nil
	return out
}

func (h *house) actions(t testing.TB) (out []string) {
	t.Helper()
	events, err := h.store.Events(t.Context(), "", 500)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Backward(events) {
		if e.Actor == "" || e.Time.IsZero() {
			t.Errorf("event %s without actor or time", e.Action)
		}
		out = append(out, e.Action)
	}
	return out
}

// faults are the fields and codes of an error.
func faults(err error) []string {
	var f directory.Faults
	if !errors.As(err, &f) {
		return nil
	}
	out := []string{}
	for _, x := range f {
		out = append(out, x.Field+" "+x.Code)
	}
	return out
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAddDomain(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: " MyCompany.COM "})
	if !strings.HasPrefix(d.ID, "dom_") {
		t.Errorf("ID %s", d.ID)
	}
	d.ID = ""
	at := h.now.Truncate(time.Microsecond)
	same(t, "defaults", d, directory.Domain{Name: "mycompany.com", UserKey: directory.ByExternalKey, Language: "en-US", TimeZone: "UTC",
		LogoutRedirectionDomains: []string{}, Created: at, Updated: at})
	found, err := h.Domain(t.Context(), "MYCOMPANY.com")
	check(t, err)
	same(t, "found in any case", found.Name, "mycompany.com")
	_, err = h.AddDomain(t.Context(), actor, directory.Domain{Name: "mycompany.com"})
	if !errors.Is(err, directory.ErrConflict) {
		t.Errorf("twice: %v, want ErrConflict", err)
	}
	for _, name := range []string{"", "none.com", "my company.com", "a\x00b", "../x", strings.Repeat("a", 300), "MYCOMPANY.COM\u212a"} {
		if _, err := h.Domain(t.Context(), name); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("domain %q: %v, want ErrNotFound", name, err)
		}
	}
	same(t, "events", h.actions(t), []string{"domain.added"})
}

func TestDomainFaults(t *testing.T) {
	h := newHouse(t)
	for name, ok := range map[string]bool{
		"mycompany.com": true, "my-company.co.jp": true, "group": true, "xn--9ckxbq5co.jp": true, "3m.com": true,
		"": false, "my_company.com": false, "-a.com": false, "a-.com": false, "a..com": false, ".com": false, "com.": false, "1.2.3.4": false,
		"a b.com": false, "日本.jp": false, "a/b": false, "a.com:80": false, strings.Repeat("a", 64) + ".com": false,
		strings.Repeat("abcdefghi.", 9): false, "a@b.com": false,
	} {
		_, err := h.AddDomain(t.Context(), actor, directory.Domain{Name: name})
		if (err == nil) != ok {
			t.Errorf("name %q: %v, want accepted %v", name, err, ok)
		}
	}
	_, err := h.AddDomain(t.Context(), actor, directory.Domain{Name: "no!", UserKey: "mail", Language: "fr-FR", TimeZone: "Local",
		SessionIdle: time.Hour, SessionAbsolute: time.Second, LogoutRedirectionDomains: []string{"ok.example.com", "*.com", "*"}})
	same(t, "all at once", faults(err), []string{"name pattern", "user_key unknown_value", "language unknown_value", "time_zone unknown_value",
		"session_absolute range", "session_idle range", "logout_redirection_domains[1] pattern", "logout_redirection_domains[2] pattern"})
}

func TestHostEntries(t *testing.T) {
	h := newHouse(t)
	for entry, ok := range map[string]bool{
		"board.example.com": true, "BOARD.example.com": true, "board.example.com:8443": true, "*.corp.example": true, "http://localhost:3000": true,
		"https://board.example.com": true, "localhost": true, "127.0.0.1:8080": true, "[::1]:3000": true, "http://*.corp.example": true,
		"": false, "*": false, "*.com": false, "a.*.com": false, "**.corp.example": false, "ftp://a.com": false, "a.com/path": false, "a.com/": false,
		"a.com:0": false, "a.com:065": false, "a.com:99999": false, "a.com:": false, "u@a.com": false, "a.com?x": false, "a com": false,
		"127.1": false, "[::0001]": false, "a.com.": false, "//a.com": false, "ａ.com": false, "javascript:alert(1)": false,
	} {
		err := h.PutService(t.Context(), actor, directory.Service{Name: "board", AccessHosts: []string{entry}})
		if (err == nil) != ok {
			t.Errorf("entry %q: %v, want accepted %v", entry, err, ok)
		}
	}
}

func TestUpdateDomain(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com", SSO: true})
	m := h.member(t, taro(d))

	d.JustInTime, d.SessionIdle = true, time.Hour
	check(t, h.UpdateDomain(t.Context(), actor, d))
	same(t, "a setting ends no session", h.ends(), []string(nil))
	check(t, h.UpdateDomain(t.Context(), actor, d))
	same(t, "events: the same again is none", h.actions(t), []string{"domain.added", "member.added", "domain.updated"})

	renamed := d
	renamed.Name = "other.com"
	same(t, "rename", faults(h.UpdateDomain(t.Context(), actor, renamed)), []string{"name protected"})

	d.Disabled = true
	check(t, h.UpdateDomain(t.Context(), actor, d))
	same(t, "disabling", h.ends(), []string{"domain"})
	check(t, h.UpdateDomain(t.Context(), actor, d))
	same(t, "disabled already", h.ends(), []string(nil))
	d.Disabled = false
	check(t, h.UpdateDomain(t.Context(), actor, d))
	same(t, "enabling", h.ends(), []string(nil))

	check(t, h.RemoveDomain(t.Context(), actor, "MyCompany.com"))
	same(t, "removal", h.ends(), []string{"domain"})
	if _, err := h.Member(t.Context(), d.ID, m.ID); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("member of a removed domain: %v", err)
	}
	if err := h.RemoveDomain(t.Context(), actor, "mycompany.com"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if err := h.UpdateDomain(t.Context(), actor, d); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("update of a removed domain: %v", err)
	}
}

// TestSwitchingSSO follows seed 000, "Effects of enabling or disabling SSO".
func TestSwitchingSSO(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com"})
	pending := h.member(t, taro(d))
	same(t, "added with SSO off", pending.Status, directory.StatusPending)
	w := taro(d)
	w.Account, w.ExternalKey, w.Status = "hanako@mycompany.com", "E-2", directory.StatusWaiting
	waiting := h.member(t, w)

	d.SSO = true
	check(t, h.UpdateDomain(t.Context(), actor, d))
	same(t, "enabling signs out", h.ends(), []string{"domain"})
	status := func(id string) directory.Status {
		m, err := h.Member(t.Context(), d.ID, id)
		check(t, err)
		return m.Status
	}
	same(t, "pending members", status(pending.ID), directory.StatusInUse)
	same(t, "members who were not approved", status(waiting.ID), directory.StatusDeleted)
	d.SSO = false
	check(t, h.UpdateDomain(t.Context(), actor, d))
	same(t, "disabling signs out", h.ends(), []string{"domain"})
	same(t, "in-use members stay", status(pending.ID), directory.StatusInUse)
	same(t, "events", h.actions(t)[3:], []string{"sso.enabled", "domain.updated", "sso.disabled", "domain.updated"})
}

func TestSessionsEnd(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com", SSO: true})
	m := h.member(t, taro(d))
	check(t, h.EndDomainSessions(t.Context(), actor, d.ID))
	check(t, h.EndMemberSessions(t.Context(), actor, d.ID, m.ID))
	same(t, "pushed", h.ends(), []string{"domain", "member"})
	rs, err := h.Revocations(t.Context(), 0, 10)
	check(t, err)
	same(t, "kept", len(rs), 2)
	if err := h.EndMemberSessions(t.Context(), actor, d.ID, "mem_none"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("unknown member: %v", err)
	}

	h.fail = errors.New("redis is down")
	err = h.EndDomainSessions(t.Context(), actor, d.ID)
	if !errors.Is(err, directory.ErrSessionsPending) || !errors.Is(err, h.fail) {
		t.Errorf("push failed: %v, want ErrSessionsPending", err)
	}
	after, err := h.Revocations(t.Context(), rs[1].Seq, 10)
	check(t, err)
	same(t, "kept although not pushed", len(after), 1)
	m, err = h.SetStatus(t.Context(), actor, d.ID, m.ID, directory.StatusSuspended)
	if !errors.Is(err, directory.ErrSessionsPending) || m.Status != directory.StatusSuspended {
		t.Errorf("suspended: %v, %v, want the member and ErrSessionsPending", m.Status, err)
	}
	h.EndSessions = nil
	check(t, h.EndDomainSessions(t.Context(), actor, d.ID))
}

// brokenLog keeps nothing.
type brokenLog struct{ audit.Log }

func (brokenLog) Append(context.Context, audit.Event) error { return errors.New("disk full") }

// TestNothingWithoutAudit: an act that cannot be recorded does not happen.
func TestNothingWithoutAudit(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com", SSO: true})
	m := h.member(t, taro(d))
	for _, log := range []audit.Log{brokenLog{}, nil} {
		h.Audit = log
		changed := m
		changed.ExternalKey = "E-9"
		acts := map[string]func() error{
			"add domain":    func() error { _, err := h.AddDomain(t.Context(), actor, directory.Domain{Name: "b.com"}); return err },
			"remove domain": func() error { return h.RemoveDomain(t.Context(), actor, d.Name) },
			"update member": func() error { _, err := h.UpdateMember(t.Context(), actor, changed); return err },
			"put service": func() error {
				return h.PutService(t.Context(), actor, directory.Service{Name: "a", AccessHosts: []string{"a.com"}})
			},
			"end sessions": func() error { return h.EndDomainSessions(t.Context(), actor, d.ID) },
		}
		for name, act := range acts {
			if act() == nil {
				t.Errorf("%s without audit succeeded", name)
			}
		}
		same(t, "pushed", h.ends(), []string(nil))
	}
	stored, err := h.Member(t.Context(), d.ID, m.ID)
	check(t, err)
	same(t, "the member", stored, m)
	ds, err := h.Domains(t.Context(), "", 0)
	check(t, err)
	same(t, "domains", len(ds), 1)
	rs, err := h.Revocations(t.Context(), 0, 10)
	check(t, err)
	same(t, "revocations", len(rs), 0)
}
