package directory

import (
	"context"
	"errors"
	"time"
)

// domain plans a domain, then its connection, then its members. The ID of a new domain is known only when its step has run:
// the later steps look at the shared *Domain.
func (p *planner) domain(ctx context.Context, path string, w WantedDomain) error {
	old, err := p.d.Domain(ctx, w.Name)
	known := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	dom := withDefaults(merged(old, known, w))
	faults := checkDomain(&dom)
	p.faults = append(p.faults, faults.under(path)...)
	if faults.has("language") || faults.has("time_zone") { // said once, not again for every member who takes it over
		dom.Language, dom.TimeZone = DefaultLanguage, DefaultTimeZone
	}
	var before view
	if known {
		before = domainView(old)
	}
	fields := diff(before, domainView(dom))
	p.add(path, "domain", dom.Name, action(known, fields), fields, func(ctx context.Context, actor string) error {
		if known {
			return p.d.UpdateDomain(ctx, actor, dom)
		}
		added, err := p.d.AddDomain(ctx, actor, dom)
		dom = added
		return err
	})
	if err := p.connection(ctx, path+".connection", &dom, known, w.Connection); err != nil {
		return err
	}
	return p.members(ctx, path, &dom, known, w.Members)
}

func merged(d Domain, known bool, w WantedDomain) Domain {
	if !known {
		d = Domain{Name: w.Name, SSO: w.Connection != nil}
	}
	set(&d.SSO, w.SSO)
	set(&d.Disabled, w.Disabled)
	set(&d.SetExpireTime, w.SetExpireTime)
	set(&d.JustInTime, w.JustInTime)
	set(&d.LogoutRedirectionDomains, w.LogoutRedirectionDomains)
	some(&d.UserKey, w.UserKey)
	some(&d.Language, w.Language)
	some(&d.TimeZone, w.TimeZone)
	if w.SessionIdle != nil {
		d.SessionIdle = time.Duration(*w.SessionIdle)
	}
	if w.SessionAbsolute != nil {
		d.SessionAbsolute = time.Duration(*w.SessionAbsolute)
	}
	return d
}

// set takes a mentioned value.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// some takes a value that is not empty.
func some[T ~string](to *T, from T) {
	if from != "" {
		*to = from
	}
}

func (p *planner) connection(ctx context.Context, path string, dom *Domain, known bool, w *WantedConnection) error {
	if w == nil {
		return nil
	}
	var earlier []Connection
	if known {
		var err error
		if earlier, err = p.d.Store.Connections(ctx, dom.ID); err != nil {
			return err
		}
	}
	var live Connection
	for _, c := range earlier {
		if c.State == Live {
			live = c
		}
	}
	wanted := p.wantedConnection(path, w)
	keepSecret(&wanted, earlier)
	p.faults = append(p.faults, p.d.checkConnection(&wanted).under(path)...)
	var before view
	if live.Revision > 0 {
		before = connectionView(live)
	}
	fields := diff(before, connectionView(wanted))
	act := ActionActivate
	if live.Revision > 0 && len(fields) == 0 {
		act = ActionNone
	}
	p.add(path, "connection", dom.Name, act, fields, func(ctx context.Context, actor string) error {
		c, err := p.d.SaveDraft(ctx, actor, dom.ID, wanted)
		if err != nil {
			return err
		}
		return p.d.Activate(ctx, actor, dom.ID, c.Revision)
	})
	return nil
}

// wantedConnection copies the settings, and refuses what the caller should have read from its file.
func (p *planner) wantedConnection(path string, w *WantedConnection) Connection {
	c := Connection{Type: w.Type}
	if w.SAML != nil {
		c.SAML = &w.SAML.SAMLSettings
		if w.SAML.Metadata != "" || w.SAML.MetadataFile != "" {
			p.faults.add(path+".saml.metadata", FaultMismatch, "the metadata was not read")
		}
	}
	if w.OAuth != nil {
		c.OAuth = &w.OAuth.OAuthSettings
		if w.OAuth.ClientSecretFile != "" {
			p.faults.add(path+".oauth.client_secret_file", FaultMismatch, "the file was not read")
		}
	}
	return ownCopy(c)
}
