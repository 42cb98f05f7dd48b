package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// members plans the members of one domain. Names that would be taken twice, inside the document or with the directory, are
// faults of the document.
func (p *planner) members(ctx context.Context, path string, dom *Domain, known bool, wanted []WantedMember) error {
	accounts, keys, supers := map[string]bool{}, map[string]bool{}, 0
	for i, w := range wanted {
		at := fmt.Sprintf("%s.members[%d]", path, i)
		account := lowerASCII(strings.TrimSpace(w.Account))
		if account != "" && accounts[account] {
			p.faults.add(at+".account", FaultDuplicate, "the account stands in the document twice")
		}
		accounts[account] = true
		if k := w.ExternalKey; k != nil && *k != "" {
			if keys[*k] {
				p.faults.add(at+".external_key", FaultDuplicate, "the external key stands in the document twice")
			}
			keys[*k] = true
		}
		if w.SuperAdmin != nil && *w.SuperAdmin {
			if supers++; supers > 1 {
				p.faults.add(at+".super_admin", FaultDuplicate, "a domain has one Super Admin")
			}
		}
		if err := p.member(ctx, at, dom, known, account, w); err != nil {
			return err
		}
	}
	return nil
}

func (p *planner) member(ctx context.Context, path string, dom *Domain, known bool, account string, w WantedMember) error {
	old, exists, err := p.stored(ctx, dom, known, account)
	if err != nil {
		return err
	}
	m := old
	m.Account = account
	set(&m.ExternalKey, w.ExternalKey)
	set(&m.FamilyName, w.FamilyName)
	set(&m.GivenName, w.GivenName)
	set(&m.NickName, w.NickName)
	set(&m.PrivateMail, w.PrivateMail)
	set(&m.SuperAdmin, w.SuperAdmin)
	some(&m.Language, w.Language)
	some(&m.TimeZone, w.TimeZone)
	some(&m.Status, w.Status)
	if known {
		if err := p.taken(ctx, path, dom, old, m); err != nil {
			return err
		}
	}
	if !exists {
		return p.newMember(path, dom, m)
	}
	m = tidy(m, *dom)
	p.faults = append(p.faults, p.d.checkUpdate(old, m, *dom).under(path)...)
	fields := diff(memberView(old), memberView(m))
	p.add(path, "member", account, action(true, fields), fields, func(ctx context.Context, actor string) error {
		// The version is read again: switching single sign-on on, earlier in this document, moves members along.
		now, err := p.d.Member(ctx, dom.ID, m.ID)
		if err != nil {
			return err
		}
		m.Version = now.Version
		if m.Status == old.Status {
			m.Status = now.Status
		}
		_, err = p.d.UpdateMember(ctx, actor, m)
		return err
	})
	return nil
}

func (p *planner) newMember(path string, dom *Domain, m Member) error {
	planned, err := p.d.newMember(m, *dom)
	var faults Faults
	if err != nil && !errors.As(err, &faults) {
		return err
	}
	p.faults = append(p.faults, faults.under(path)...)
	fields := diff(nil, memberView(planned))
	p.add(path, "member", m.Account, ActionAdd, fields, func(ctx context.Context, actor string) error {
		m.DomainID = dom.ID
		_, err := p.d.AddMember(ctx, actor, m)
		return err
	})
	return nil
}

func (p *planner) stored(ctx context.Context, dom *Domain, known bool, account string) (Member, bool, error) {
	if !known || !plain(account) {
		return Member{}, false, nil
	}
	m, err := p.d.Store.MemberByAccount(ctx, dom.ID, account)
	if errors.Is(err, ErrNotFound) {
		return Member{}, false, nil
	}
	return m, err == nil, err
}

// taken finds a stored member of another account who has the external key.
func (p *planner) taken(ctx context.Context, path string, dom *Domain, old, m Member) error {
	if m.ExternalKey == old.ExternalKey || !validKey(m.ExternalKey) {
		return nil
	}
	other, err := p.d.Store.MemberByExternalKey(ctx, dom.ID, m.ExternalKey)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil && other.ID != old.ID {
		p.faults.add(path+".external_key", FaultDuplicate, "belongs to "+other.Account)
	}
	return err
}
