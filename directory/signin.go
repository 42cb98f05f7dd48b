package directory

import (
	"context"
	"errors"
	"strings"

	"github.com/ssogate/ssogate/audit"
)

// SignIn finds the member whom the domain's identity provider asserted: inside this domain only, by external key (exactly,
// upper and lower case differ) or by account (in lower case, and of this domain). It answers the member when the status
// allows a sign-in, and whether the member was created just now. Who may not sign in is a *Refusal; other errors come from
// the store. Email and names of the Person are used for creation only, never to find somebody.
func (d *Directory) SignIn(ctx context.Context, dom Domain, p Person) (m Member, created bool, err error) {
	if dom.Disabled {
		return Member{}, false, &Refusal{Code: "domain_disabled", Want: "an active domain", Got: dom.Name, Fix: audit.FixOperator}
	}
	key, err := userKey(dom, p.UserKey)
	if err != nil {
		return Member{}, false, err
	}
	m, err = d.byUserKey(ctx, dom, key)
	if errors.Is(err, ErrNotFound) && dom.JustInTime {
		m, created, err = d.create(ctx, dom, key, p)
	}
	if errors.Is(err, ErrNotFound) {
		err = &Refusal{Code: "user_unknown", Want: "a member with this " + spoken(dom.UserKey), Got: cut(key), Fix: audit.FixDomainAdmin}
	}
	if err != nil {
		return Member{}, false, err
	}
	if err := mayEnter(m); err != nil {
		return Member{}, false, err
	}
	return m, created, nil
}

// userKey is the asserted key as it is looked up, or why it can belong to nobody.
func userKey(dom Domain, asserted string) (string, error) {
	if dom.UserKey != ByAccount {
		if !validKey(asserted) {
			return "", &Refusal{Code: "user_key_invalid", Want: `an external key of 1 to 100 characters without % \ # / ?`, Got: shown(asserted), Fix: audit.FixIdentityProvider}
		}
		return asserted, nil
	}
	account := lowerASCII(asserted)
	if len(account) > mostAccount || strings.Count(account, "@") != 1 || !localForm.MatchString(local(account)) || !validHost(host(account), true) {
		return "", &Refusal{Code: "user_key_invalid", Want: "an account such as name@" + dom.Name, Got: shown(asserted), Fix: audit.FixIdentityProvider}
	}
	// A person asserted by the identity provider of one domain is never a member of another.
	if host(account) != dom.Name {
		return "", &Refusal{Code: "account_foreign", Want: dom.Name, Got: shown(host(account)), Fix: audit.FixIdentityProvider}
	}
	return account, nil
}

func (d *Directory) byUserKey(ctx context.Context, dom Domain, key string) (Member, error) {
	if dom.UserKey == ByAccount {
		return d.Store.MemberByAccount(ctx, dom.ID, key)
	}
	return d.Store.MemberByExternalKey(ctx, dom.ID, key)
}

// mayEnter is the table of statuses: only who is in use may sign in (line-works.md section 5).
func mayEnter(m Member) error {
	code := "user_deleted" // also for a status that nobody knows
	switch m.Status {
	case StatusInUse:
		return nil
	case StatusPending:
		code = "user_pending"
	case StatusWaiting:
		code = "user_waiting"
	case StatusSuspended:
		code = "user_suspended"
	}
	return &Refusal{Code: code, Want: string(StatusInUse), Got: string(m.Status), Fix: audit.FixDomainAdmin}
}

// create makes the member of a first sign-in. Two first sign-ins at once make one member: the store keeps accounts and keys
// unique, and who comes second finds what the first has made. A member who has the account but another key is never taken
// over by an e-mail address.
func (d *Directory) create(ctx context.Context, dom Domain, key string, p Person) (Member, bool, error) {
	m, err := justInTime(dom, key, p)
	if err != nil {
		return Member{}, false, err
	}
	m, err = d.AddMember(ctx, "sso:just-in-time", m)
	if err == nil {
		return m, true, nil
	}
	var faults Faults
	if errors.As(err, &faults) {
		return Member{}, false, &Refusal{Code: "user_key_invalid", Want: "a person who can be a member", Got: cut(faults.Error()), Fix: audit.FixIdentityProvider}
	}
	if !errors.Is(err, ErrConflict) {
		return Member{}, false, err
	}
	other, err := d.byUserKey(ctx, dom, key)
	if errors.Is(err, ErrNotFound) {
		return Member{}, false, &Refusal{Code: "user_unknown", Want: "a member with this external key", Got: "the account belongs to a member with another key", Fix: audit.FixDomainAdmin}
	}
	return other, false, err
}

// justInTime is the member that a first sign-in makes: the account is the user key, or the e-mail when it is inside the domain.
func justInTime(dom Domain, key string, p Person) (Member, error) {
	m := Member{DomainID: dom.ID, Account: key, Status: StatusInUse}
	if dom.UserKey != ByAccount {
		m.Account, m.ExternalKey = lowerASCII(strings.TrimSpace(p.Email)), key
		if m.Account == "" {
			return m, &Refusal{Code: "user_unknown", Want: "an e-mail address of " + dom.Name + " to create the member with", Got: "none", Fix: audit.FixIdentityProvider}
		}
		if host(m.Account) != dom.Name {
			return m, &Refusal{Code: "account_foreign", Want: dom.Name, Got: shown(host(m.Account)), Fix: audit.FixIdentityProvider}
		}
	}
	m.FamilyName, m.GivenName = fitName(p.FamilyName, 40), fitName(p.GivenName, 40)
	if m.FamilyName+m.GivenName == "" {
		m.GivenName = local(m.Account)
	}
	return m, nil
}

// fitName keeps what a name may hold: nobody is kept out because of a character in a name.
func fitName(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == most {
			break
		}
		if nameRune(r) {
			b.WriteRune(r)
			n++
		}
	}
	return strings.TrimSpace(b.String())
}

// shown is a text that came from outside, as it may stand in a trace.
func shown(s string) string {
	if s == "" {
		return "nothing"
	}
	if !plain(s) {
		return "a text with control characters"
	}
	return cut(s)
}

func spoken(k UserKey) string {
	if k == ByAccount {
		return "account"
	}
	return "external key"
}
