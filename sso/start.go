package sso

import (
	"net/http"
	"time"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/web"
)

// startSession puts the session into the state store under a new ID and its cookie into the browser; what this browser had
// before is ended. Generations come from what was read before: a member or domain whose sessions were ended since then has a
// higher one, and the new session is over at its first check.
func (g *Gateway) startSession(w http.ResponseWriter, r *http.Request, v view, l Login, m directory.Member, id Identity, ref string) error {
	now := g.o.Now()
	rec := session.Record{
		MemberID: m.ID, DomainID: v.domain.ID, Domain: v.domain.Name, Account: m.Account, ExternalKey: m.ExternalKey,
		Name: m.DisplayName(), Revision: v.connection.Revision, Protocol: protocolOf(v.connection),
		Idle: int64(g.sessionIdle(v.domain, l).Seconds()), Expires: g.sessionEnd(v.domain, l, id, now),
		DomainGeneration: v.domain.Generation, MemberGeneration: m.Generation,
		IdPIssuer: id.Issuer, IdPNameID: id.NameID, IdPSession: id.Session,
		Address: web.ClientIP(r.Context()).String(), UserAgent: cut(r.UserAgent(), 256), AttemptRef: ref,
	}
	if !rec.Expires.After(now) {
		return &Refusal{Code: "saml_session_over", Want: "a session end in the future", Got: rec.Expires.UTC().Format(time.RFC3339), Fix: audit.FixIdentityProvider}
	}
	s, err := g.store.New(r, g.o.Sessions.CookieName())
	if err != nil {
		return err
	}
	session.Put(s, rec)
	if l.App { // an app is closed and opened again; in a web browser the cookie ends with the browser
		s.Options.MaxAge = int(rec.Expires.Sub(now).Seconds())
	}
	return s.Save(r, w)
}

// sessionEnd is the absolute limit (line-works.md section 4.4): what the identity provider asked for where the domain set
// "Set Expire Time", at most the 30 days of an app; otherwise 24 hours for the web and 30 days for apps. A domain's own limit
// shortens each of them.
func (g *Gateway) sessionEnd(d directory.Domain, l Login, id Identity, now time.Time) time.Time {
	longest := now.Add(shorter(g.o.AppAbsolute, d.SessionAbsolute))
	switch {
	case d.SetExpireTime && !id.Expires.IsZero():
		if id.Expires.After(longest) {
			return longest
		}
		return id.Expires
	case l.App:
		return longest
	}
	return now.Add(shorter(g.o.Absolute, d.SessionAbsolute))
}

// sessionIdle is how long a session lives unused, 0 for no such limit. That of the installation is for web browsers: an app
// that rests over night would never reach its 30 days.
func (g *Gateway) sessionIdle(d directory.Domain, l Login) time.Duration {
	if l.App {
		return d.SessionIdle
	}
	return shorter(g.o.Idle, d.SessionIdle)
}

// arrive sends the signed-in browser to its target.
func (g *Gateway) arrive(w http.ResponseWriter, r *http.Request, target string) error {
	if target == "" {
		target = "/"
	}
	return web.Redirect(w, r, target)
}

func shorter(installation, domain time.Duration) time.Duration {
	if domain > 0 && domain < installation {
		return domain
	}
	return installation
}
