package directory_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
)

// refused is the code and who must act.
func refused(t *testing.T, err error) string {
	t.Helper()
	var r *directory.Refusal
	if !errors.As(err, &r) {
		return ""
	}
	if r.Want == "" || r.Got == "" {
		t.Errorf("%s says not what was wanted and what came: %+v", r.Code, r)
	}
	return r.Code + " " + string(r.Fix)
}

func TestSignInByExternalKey(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com", SSO: true})
	other := h.domain(t, directory.Domain{Name: "other.com", SSO: true})
	m := h.member(t, taro(d))
	got, created, err := h.SignIn(t.Context(), d, directory.Person{UserKey: "E-1", Email: "somebody@else.example"})
	check(t, err)
	same(t, "member", got, m)
	same(t, "created", created, false)
	for _, c := range []struct{ what, key, want string }{
		{"another case", "e-1", "user_unknown domain-admin"}, {"a space behind", "E-1 ", "user_unknown domain-admin"},
		{"a wildcard", "E-_", "user_unknown domain-admin"}, {"the account", "taro@mycompany.com", "user_unknown domain-admin"},
		{"the ID", m.ID, "user_unknown domain-admin"},
		{"nothing", "", "user_key_invalid identity-provider"}, {"too long", strings.Repeat("k", 101), "user_key_invalid identity-provider"},
		{"a forbidden character", "E/1", "user_key_invalid identity-provider"}, {"a NUL", "E-1\x00", "user_key_invalid identity-provider"},
		{"broken UTF-8", "E-1\xff", "user_key_invalid identity-provider"},
	} {
		_, _, err := h.SignIn(t.Context(), d, directory.Person{UserKey: c.key, Email: m.Account})
		same(t, c.what, refused(t, err), c.want)
	}
	_, _, err = h.SignIn(t.Context(), other, directory.Person{UserKey: "E-1", Email: m.Account})
	same(t, "asserted by another domain", refused(t, err), "user_unknown domain-admin")
	d.Disabled = true
	_, _, err = h.SignIn(t.Context(), d, directory.Person{UserKey: "E-1"})
	same(t, "a disabled domain", refused(t, err), "domain_disabled operator")
}

func TestSignInByAccount(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com", SSO: true, UserKey: directory.ByAccount})
	other := h.domain(t, directory.Domain{Name: "other.com", SSO: true, UserKey: directory.ByAccount})
	m := h.member(t, taro(d))
	got, _, err := h.SignIn(t.Context(), d, directory.Person{UserKey: "Taro@MyCompany.com"})
	check(t, err)
	same(t, "in any case", got, m)
	for _, c := range []struct{ what, key, want string }{
		{"unknown", "jiro@mycompany.com", "user_unknown domain-admin"}, {"another domain", "taro@other.com", "account_foreign identity-provider"},
		{"a subdomain", "taro@x.mycompany.com", "account_foreign identity-provider"}, {"no domain", "taro", "user_key_invalid identity-provider"},
		{"nothing", "", "user_key_invalid identity-provider"}, {"two signs", "taro@mycompany.com@mycompany.com", "user_key_invalid identity-provider"},
		{"the external key", "E-1", "user_key_invalid identity-provider"}, {"a letter that looks the same", "taro@my\u0441ompany.com", "user_key_invalid identity-provider"},
		{"the Kelvin sign", "\u212aato@mycompany.com", "user_key_invalid identity-provider"}, {"a NUL", "taro\x00@mycompany.com", "user_key_invalid identity-provider"},
		{"a comment", "taro(x)@mycompany.com", "user_key_invalid identity-provider"},
	} {
		_, _, err := h.SignIn(t.Context(), d, directory.Person{UserKey: c.key})
		same(t, c.what, refused(t, err), c.want)
	}
	_, _, err = h.SignIn(t.Context(), other, directory.Person{UserKey: m.Account})
	same(t, "asserted by another domain", refused(t, err), "account_foreign identity-provider")
}

func TestSignInStatus(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com"})
	status := map[string]directory.Status{"E-w": directory.StatusWaiting, "E-p": directory.StatusPending, "E-s": directory.StatusSuspended, "E-d": directory.StatusDeleted}
	for key, s := range status {
		m := taro(d)
		m.Account, m.ExternalKey, m.Status = strings.ToLower(key)+"@mycompany.com", key, directory.StatusInUse
		if s == directory.StatusWaiting || s == directory.StatusPending {
			m.Status = s
		}
		m = h.member(t, m)
		if m.Status != s {
			_, err := h.SetStatus(t.Context(), actor, d.ID, m.ID, s)
			check(t, err)
		}
	}
	d.JustInTime = true // never makes a second member of somebody who may not enter
	for key, want := range map[string]string{"E-w": "user_waiting", "E-p": "user_pending", "E-s": "user_suspended", "E-d": "user_deleted"} {
		m, created, err := h.SignIn(t.Context(), d, directory.Person{UserKey: key, Email: "new@mycompany.com"})
		same(t, key, refused(t, err), want+" domain-admin")
		if created || m.ID != "" {
			t.Errorf("%s: a member was given with a refusal", key)
		}
	}
}

func TestJustInTime(t *testing.T) {
	h := newHouse(t)
	byKey := h.domain(t, directory.Domain{Name: "key.com", SSO: true, JustInTime: true, Language: "ko-KR"})
	byAccount := h.domain(t, directory.Domain{Name: "account.com", SSO: true, JustInTime: true, UserKey: directory.ByAccount})

	m, created, err := h.SignIn(t.Context(), byKey, directory.Person{UserKey: "N-1", Email: "New@Key.com", FamilyName: "O’Neil<b>", GivenName: strings.Repeat("x", 90)})
	check(t, err)
	same(t, "created", created, true)
	same(t, "member", []string{m.Account, m.ExternalKey, m.FamilyName, m.GivenName, m.Language, string(m.Status)},
		[]string{"new@key.com", "N-1", "ONeilb", strings.Repeat("x", 40), "ko-KR", "in_use"})
	again, created, err := h.SignIn(t.Context(), byKey, directory.Person{UserKey: "N-1", Email: "other@key.com"})
	check(t, err)
	same(t, "the second time", []any{again.ID, created}, []any{m.ID, false})

	m, created, err = h.SignIn(t.Context(), byAccount, directory.Person{UserKey: "Hanako@account.com"})
	check(t, err)
	same(t, "by account", []any{m.Account, m.ExternalKey, m.DisplayName(), created}, []any{"hanako@account.com", "", "hanako", true})

	for _, c := range []struct {
		what string
		p    directory.Person
		want string
	}{
		{"no e-mail", directory.Person{UserKey: "N-2"}, "user_unknown identity-provider"},
		{"an e-mail of another domain", directory.Person{UserKey: "N-2", Email: "x@gmail.com"}, "account_foreign identity-provider"},
		{"an e-mail of another customer", directory.Person{UserKey: "N-2", Email: "hanako@account.com"}, "account_foreign identity-provider"},
		{"an e-mail that is no account", directory.Person{UserKey: "N-2", Email: "a+b@key.com"}, "user_key_invalid identity-provider"},
		{"the e-mail of a member with another key", directory.Person{UserKey: "N-2", Email: "new@key.com"}, "user_unknown domain-admin"},
		{"a key that cannot be one", directory.Person{UserKey: "N/2", Email: "x@key.com"}, "user_key_invalid identity-provider"},
	} {
		_, created, err := h.SignIn(t.Context(), byKey, c.p)
		same(t, c.what, refused(t, err), c.want)
		same(t, c.what+", created", created, false)
	}
	same(t, "members", len(must(h.Members(t.Context(), byKey.ID, directory.MemberFilter{}))), 1)
	same(t, "events", h.actions(t)[2:], []string{"member.added", "member.added"})
}

func TestJustInTimeRace(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com", SSO: true, JustInTime: true})
	const people = 8
	var (
		all     sync.WaitGroup
		start   = make(chan struct{})
		members [people]directory.Member
		created [people]bool
		errs    [people]error
	)
	for i := range people {
		all.Go(func() {
			<-start
			members[i], created[i], errs[i] = h.SignIn(t.Context(), d, directory.Person{UserKey: "N-1", Email: "new@mycompany.com"})
		})
	}
	close(start)
	all.Wait()
	n := 0
	for i := range people {
		check(t, errs[i])
		same(t, "one member", members[i].ID, members[0].ID)
		if created[i] {
			n++
		}
	}
	same(t, "created", n, 1)
}

// down is a store that cannot be reached.
type down struct{ directory.Store }

func (down) MemberByExternalKey(context.Context, string, string) (directory.Member, error) {
	return directory.Member{}, directory.ErrUnavailable
}

func TestSignInWithoutStore(t *testing.T) {
	h := newHouse(t)
	h.Store = down{h.store}
	d := directory.Domain{ID: "dom_1", Name: "mycompany.com", UserKey: directory.ByExternalKey, JustInTime: true}
	_, _, err := h.SignIn(t.Context(), d, directory.Person{UserKey: "E-1", Email: "a@mycompany.com"})
	if !errors.Is(err, directory.ErrUnavailable) || refused(t, err) != "" {
		t.Errorf("got %v, want ErrUnavailable: nobody's fault", err)
	}
}

var _ audit.Log = brokenLog{}
