package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// AddMember stores a new member of the domain m.DomainID and returns it with its ID and defaults. While single sign-on is on
// the member is in use at once and, when the user key is the external key, must have one (seed 000); otherwise the member is
// pending and must have a private e-mail (seed 003). A Status that can be reached from there may be given. Errors are
// Faults, or wrap ErrNotFound or ErrConflict.
func (d *Directory) AddMember(ctx context.Context, actor string, m Member) (Member, error) {
	err := d.change(ctx, func(ctx context.Context, _ *changes) error {
		dom, err := d.DomainByID(ctx, m.DomainID)
		if err != nil {
			return err
		}
		if m, err = d.newMember(m, dom); err != nil {
			return err
		}
		if _, err := d.Store.PurgeMembers(ctx, d.now().Add(-Grace), purgeStep); err != nil {
			return err // an account is free again once its grace is over
		}
		if err := d.free(ctx, m); err != nil {
			return err
		}
		if m, err = d.Store.PutMember(ctx, m); err != nil {
			return fmt.Errorf("directory: member %s: %w", m.Account, err)
		}
		return d.record(ctx, actor, "member.added", m.DomainID, m.ID, "status", string(m.Status))
	})
	if err != nil {
		return Member{}, err
	}
	return m, nil
}

const purgeStep = 100

// newMember fills in what a new member has by default, and checks it.
func (d *Directory) newMember(m Member, dom Domain) (Member, error) {
	asked := m.Status
	m = tidy(m, dom)
	m.Version, m.Generation, m.Created, m.Updated = 0, 0, d.now(), d.now()
	m.Deleted = Member{}.Deleted
	m.Status = StatusPending
	if dom.SSO {
		m.Status = StatusInUse
	}
	faults := checkMember(&m, dom)
	if dom.SSO && dom.UserKey == ByExternalKey && m.ExternalKey == "" {
		faults.add("external_key", FaultRequired, "required while single sign-on is on")
	}
	if !dom.SSO && m.PrivateMail == "" {
		faults.add("private_email", FaultRequired, "required while single sign-on is off")
	}
	switch {
	case asked == "" || asked == m.Status:
	case asked == StatusWaiting && !dom.SSO:
		m.Status = asked
	default:
		faults = append(faults, checkTransition(m, asked, d.now())...)
		m.Status = asked
		if asked == StatusDeleted {
			m.Deleted = d.now()
		}
	}
	if err := faults.err(); err != nil {
		return m, err
	}
	m.ID = NewID("mem")
	return m, nil
}

// UpdateMember replaces a member; m.Version must be the stored one. A changed status must be a way that SetStatus knows.
// A changed account or external key, and a member who is no longer in use, end the member's sessions. Errors are Faults, or
// wrap ErrNotFound or ErrConflict.
func (d *Directory) UpdateMember(ctx context.Context, actor string, m Member) (Member, error) {
	var chg *changes
	err := d.change(ctx, func(ctx context.Context, c *changes) error {
		chg = c
		dom, err := d.DomainByID(ctx, m.DomainID)
		if err != nil {
			return err
		}
		old, err := d.Member(ctx, m.DomainID, m.ID)
		if err != nil {
			return err
		}
		m = tidy(m, dom)
		if err := d.checkUpdate(old, m, dom).err(); err != nil {
			return err
		}
		if m.Account != old.Account || m.ExternalKey != old.ExternalKey {
			if err := d.free(ctx, m); err != nil {
				return err
			}
		}
		m, err = d.replace(ctx, c, actor, "member.updated", old, m)
		return err
	})
	return settled(m, chg, err)
}

// settled is the answer of a change to a member: also when only the push of its revocation failed, the member is stored.
func settled(m Member, c *changes, err error) (Member, error) {
	if err != nil && !errors.Is(err, ErrSessionsPending) {
		return Member{}, err
	}
	m.Generation = c.generation(m)
	return m, err
}

func (d *Directory) checkUpdate(old, m Member, dom Domain) Faults {
	faults := checkMember(&m, dom)
	if dom.SSO && dom.UserKey == ByExternalKey && m.ExternalKey == "" && old.ExternalKey != "" {
		faults.add("external_key", FaultRequired, "required while single sign-on is on")
	}
	if m.Status != old.Status {
		old.SuperAdmin = old.SuperAdmin || m.SuperAdmin
		faults = append(faults, checkTransition(old, m.Status, d.now())...)
	} else if m.SuperAdmin && isOneOf(m.Status, StatusSuspended, StatusDeleted) {
		faults.add("super_admin", FaultProtected, "a suspended or deleted member cannot become the Super Admin")
	}
	return faults
}

// replace is the one place where a stored member changes: it keeps what an update may not touch, sees which sessions lose
// their ground, stores and records.
func (d *Directory) replace(ctx context.Context, c *changes, actor, action string, old, m Member) (Member, error) {
	m.ID, m.DomainID, m.Created, m.Generation, m.Deleted = old.ID, old.DomainID, old.Created, old.Generation, old.Deleted
	if m.Version != old.Version {
		return Member{}, fmt.Errorf("directory: member %s was changed meanwhile: %w", old.ID, ErrConflict)
	}
	fields := diff(memberView(old), memberView(m))
	if len(fields) == 0 {
		return old, nil
	}
	m.Updated = d.now()
	if m.Status != old.Status {
		m.Deleted = Member{}.Deleted
		if m.Status == StatusDeleted {
			m.Deleted = d.now()
		}
	}
	m, err := d.Store.PutMember(ctx, m)
	if err != nil {
		return Member{}, fmt.Errorf("directory: member %s: %w", old.ID, err)
	}
	leaves := old.Status == StatusInUse && m.Status != StatusInUse
	if leaves || m.Account != old.Account || m.ExternalKey != old.ExternalKey {
		c.end(m.DomainID, m.ID)
	}
	return m, d.record(ctx, actor, action, m.DomainID, m.ID, "fields", names(fields), "status", string(m.Status))
}

// free says which of the two names of a member is taken; the store is asked again when writing.
func (d *Directory) free(ctx context.Context, m Member) error {
	other, err := d.Store.MemberByAccount(ctx, m.DomainID, m.Account)
	if err == nil && other.ID != m.ID {
		return fmt.Errorf("directory: the account %s is taken: %w", m.Account, ErrConflict)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if m.ExternalKey == "" {
		return nil
	}
	other, err = d.Store.MemberByExternalKey(ctx, m.DomainID, m.ExternalKey)
	if err == nil && other.ID != m.ID {
		return fmt.Errorf("directory: the external key is taken by %s: %w", other.Account, ErrConflict)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// tidy writes the account in lower case and takes language and time zone from the domain where they are empty (seed 003).
func tidy(m Member, dom Domain) Member {
	m.DomainID = dom.ID
	m.Account = lowerASCII(strings.TrimSpace(m.Account))
	if m.Language == "" {
		m.Language = dom.Language
	}
	if m.TimeZone == "" {
		m.TimeZone = dom.TimeZone
	}
	return m
}

// Member finds a member by ID, or answers ErrNotFound.
func (d *Directory) Member(ctx context.Context, domainID, id string) (Member, error) {
	if !plain(domainID) || !plain(id) {
		return Member{}, ErrNotFound
	}
	return d.Store.Member(ctx, domainID, id)
}

// FindMember finds a member by what a person types: an account, "externalKey:<key>", or an ID.
func (d *Directory) FindMember(ctx context.Context, domainID, ref string) (Member, error) {
	if key, ok := strings.CutPrefix(ref, "externalKey:"); ok {
		if !validKey(key) {
			return Member{}, ErrNotFound
		}
		return d.Store.MemberByExternalKey(ctx, domainID, key)
	}
	if strings.Contains(ref, "@") {
		if !plain(ref) {
			return Member{}, ErrNotFound
		}
		return d.Store.MemberByAccount(ctx, domainID, lowerASCII(ref))
	}
	return d.Member(ctx, domainID, ref)
}

// Members lists members of a domain by account.
func (d *Directory) Members(ctx context.Context, domainID string, f MemberFilter) ([]Member, error) {
	if !plain(f.Match) || !plain(f.After) {
		return nil, nil
	}
	return d.Store.Members(ctx, domainID, f)
}

// EndDomainSessions signs out everybody of a domain.
func (d *Directory) EndDomainSessions(ctx context.Context, actor, domainID string) error {
	return d.change(ctx, func(ctx context.Context, c *changes) error {
		dom, err := d.DomainByID(ctx, domainID)
		if err != nil {
			return err
		}
		c.end(domainID, "")
		return d.record(ctx, actor, "sessions.ended", domainID, dom.Name)
	})
}

// EndMemberSessions signs out one member everywhere.
func (d *Directory) EndMemberSessions(ctx context.Context, actor, domainID, memberID string) error {
	return d.change(ctx, func(ctx context.Context, c *changes) error {
		m, err := d.Member(ctx, domainID, memberID)
		if err != nil {
			return err
		}
		c.end(m.DomainID, m.ID)
		return d.record(ctx, actor, "sessions.ended", m.DomainID, m.ID)
	})
}

// Revocations lists what the session room must know, with Seq above after, oldest first, at most limit.
func (d *Directory) Revocations(ctx context.Context, after int64, limit int) ([]Revocation, error) {
	return d.Store.Revocations(ctx, after, limit)
}
