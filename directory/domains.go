package directory

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time zones are validated also where the machine has no list of them
)

// Defaults of a new domain.
const (
	DefaultLanguage = "en-US"
	DefaultTimeZone = "UTC"
)

// Languages that a domain or member may have (seed 003, preferredLanguage).
func Languages() []string { return []string{"ko-KR", "ja-JP", "en-US", "zh-CN", "zh-TW"} }

// mostDomainName leaves room for the shortest account (2 characters and the sign) inside the 90 of an account.
const mostDomainName = 87

// AddDomain stores a new domain and returns it with its ID and defaults. Errors are Faults or wrap ErrConflict.
func (d *Directory) AddDomain(ctx context.Context, actor string, v Domain) (Domain, error) {
	v = withDefaults(v)
	if err := checkDomain(&v).err(); err != nil {
		return Domain{}, err
	}
	v.ID, v.Generation, v.Created, v.Updated = NewID("dom"), 0, d.now(), d.now()
	err := d.change(ctx, func(ctx context.Context, _ *changes) error {
		if err := d.Store.PutDomain(ctx, v); err != nil {
			return fmt.Errorf("directory: domain %s: %w", v.Name, err)
		}
		return d.record(ctx, actor, "domain.added", v.ID, v.Name, "sso", strconv.FormatBool(v.SSO))
	})
	if err != nil {
		return Domain{}, err
	}
	return v, nil
}

// UpdateDomain replaces the settings of the domain with v.ID; its name stays. Switching single sign-on does what seed 000
// asks for, and disabling ends every session.
func (d *Directory) UpdateDomain(ctx context.Context, actor string, v Domain) error {
	v = withDefaults(v)
	return d.change(ctx, func(ctx context.Context, c *changes) error {
		old, err := d.Store.Domain(ctx, v.ID)
		if err != nil {
			return err
		}
		faults := checkDomain(&v)
		if v.Name != old.Name {
			faults.add("name", FaultProtected, "the name of a domain does not change")
		}
		if err := faults.err(); err != nil {
			return err
		}
		v.Generation, v.Created, v.Updated = old.Generation, old.Created, d.now()
		fields := diff(domainView(old), domainView(v))
		if len(fields) == 0 {
			return nil
		}
		if err := d.Store.PutDomain(ctx, v); err != nil {
			return err
		}
		if err := d.switched(ctx, c, actor, old, v); err != nil {
			return err
		}
		return d.record(ctx, actor, "domain.updated", v.ID, v.Name, detail(fields)...)
	})
}

// switched carries out what follows from disabling a domain and from switching single sign-on (seed 000, "Effects of
// enabling or disabling SSO"). Invitations, passwords, app passwords and access tokens are not kept by this product yet.
func (d *Directory) switched(ctx context.Context, c *changes, actor string, old, v Domain) error {
	if v.Disabled && !old.Disabled {
		c.end(v.ID, "")
	}
	if v.SSO == old.SSO {
		return nil
	}
	c.end(v.ID, "") // in-use members are logged out on enabling, all members on disabling
	if !v.SSO {
		return d.record(ctx, actor, "sso.disabled", v.ID, v.Name)
	}
	pending, err := d.Store.MoveMembers(ctx, v.ID, StatusPending, StatusInUse, d.now())
	if err != nil {
		return err
	}
	waiting, err := d.Store.MoveMembers(ctx, v.ID, StatusWaiting, StatusDeleted, d.now())
	if err != nil {
		return err
	}
	return d.record(ctx, actor, "sso.enabled", v.ID, v.Name,
		"pending_in_use", strconv.FormatInt(pending, 10), "waiting_deleted", strconv.FormatInt(waiting, 10))
}

// RemoveDomain ends every session of the domain and deletes it with its connections, members and keys. There is no way back.
func (d *Directory) RemoveDomain(ctx context.Context, actor, name string) error {
	return d.change(ctx, func(ctx context.Context, c *changes) error {
		v, err := d.Domain(ctx, name)
		if err != nil {
			return err
		}
		c.end(v.ID, "")
		if err := d.revoke(ctx, c); err != nil { // now, while there is a generation to raise
			return err
		}
		if err := d.Store.DeleteDomain(ctx, v.ID); err != nil {
			return err
		}
		return d.record(ctx, actor, "domain.removed", v.ID, v.Name)
	})
}

// Domain finds a domain by its name in any case, or answers ErrNotFound; what cannot be a name is not asked for.
func (d *Directory) Domain(ctx context.Context, name string) (Domain, error) {
	name = lowerASCII(name)
	if !validDomainName(name) {
		return Domain{}, ErrNotFound
	}
	return d.Store.DomainByName(ctx, name)
}

// DomainByID finds a domain by its ID, or answers ErrNotFound.
func (d *Directory) DomainByID(ctx context.Context, id string) (Domain, error) {
	if !plain(id) {
		return Domain{}, ErrNotFound
	}
	return d.Store.Domain(ctx, id)
}

// Domains lists domains by name, after the given name. limit is 1 to 500, 0 means 100.
func (d *Directory) Domains(ctx context.Context, after string, limit int) ([]Domain, error) {
	return d.Store.Domains(ctx, after, limit)
}

func withDefaults(v Domain) Domain {
	v.Name = lowerASCII(strings.TrimSpace(v.Name))
	if v.UserKey == "" {
		v.UserKey = ByExternalKey
	}
	if v.Language == "" {
		v.Language = DefaultLanguage
	}
	if v.TimeZone == "" {
		v.TimeZone = DefaultTimeZone
	}
	return v
}

// checkDomain lists everything wrong with a domain; it writes the host entries in lower case.
func checkDomain(v *Domain) Faults {
	var f Faults
	switch {
	case v.Name == "":
		f.add("name", FaultRequired, "required")
	case !validDomainName(v.Name):
		f.add("name", FaultPattern, "want a domain such as mycompany.com, or a group name of letters, digits and hyphens, at most 87 characters")
	}
	if !isOneOf(v.UserKey, ByExternalKey, ByAccount) {
		f.add("user_key", FaultUnknown, "want external_key or account")
	}
	checkLanguage(&f, "language", v.Language)
	checkTimeZone(&f, "time_zone", v.TimeZone)
	checkSpan(&f, "session_idle", v.SessionIdle)
	checkSpan(&f, "session_absolute", v.SessionAbsolute)
	if v.SessionIdle > 0 && v.SessionAbsolute > 0 && v.SessionIdle > v.SessionAbsolute {
		f.add("session_idle", FaultRange, "longer than session_absolute")
	}
	v.LogoutRedirectionDomains = cleanHosts(v.LogoutRedirectionDomains, "logout_redirection_domains", &f)
	return f
}

func validDomainName(name string) bool { return len(name) <= mostDomainName && validHost(name, true) }

func checkLanguage(f *Faults, field, v string) {
	if !isOneOf(v, Languages()...) {
		f.add(field, FaultUnknown, "want one of "+strings.Join(Languages(), ", "))
	}
}

// checkTimeZone wants a name of the IANA list. "Local" is one for Go, but names the machine.
func checkTimeZone(f *Faults, field, v string) {
	err := errors.New("none")
	if v != "" && v != "Local" && len(v) <= 64 {
		_, err = time.LoadLocation(v)
	}
	if err != nil {
		f.add(field, FaultUnknown, "want an IANA time zone such as Asia/Tokyo")
	}
}

func checkSpan(f *Faults, field string, v time.Duration) {
	if v != 0 && (v < time.Minute || v > 365*24*time.Hour) {
		f.add(field, FaultRange, "want 1m to 8760h, or 0 for the installation's limit")
	}
}

// lowerASCII lowers A to Z only: other letters are not equal to any letter of a name or account.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}
