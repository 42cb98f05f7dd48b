package sso

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/web"
)

// acs is the assertion consumer service (SAML Bindings 3.5, HTTP-POST). The browser comes from another site: only the
// binding cookie, which is SameSite=None, comes with it.
func (g *Gateway) acs(w http.ResponseWriter, r *http.Request) error {
	v, err := g.arriving(r, directory.SAML)
	if err != nil {
		return err
	}
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	handle := form.Get("RelayState")
	if !looksLikeHandle(handle) && v.connection.SAML.IdPInitiated {
		return g.unsolicited(w, r, v, form)
	}
	return g.comeBack(w, r, v, handle, form)
}

// oauthCallback is the redirect URI (RFC 6749 4.1.2). The profile works carries the state inside it, so it is read here
// for all profiles.
func (g *Gateway) oauthCallback(w http.ResponseWriter, r *http.Request) error {
	v, err := g.arriving(r, directory.OAuth)
	if err != nil {
		return err
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > 16<<10 {
		return &web.Error{Status: http.StatusBadRequest, Code: "bad_request", Err: errors.New("sso: callback query")}
	}
	return g.comeBack(w, r, v, query.Get("state"), query)
}

// arriving is what holds for every answer: the address is not too busy, and the path names an active domain with SSO on and
// a live connection of that protocol. The domain is never taken from the message.
func (g *Gateway) arriving(r *http.Request, t directory.ConnectionType) (view, error) {
	ctx, name := r.Context(), strings.ToLower(r.PathValue("domain"))
	web.Note(ctx, "domain", name)
	if err := g.allow(ctx, "answer-address", web.ClientIP(ctx).String(), g.o.AnswersPerAddress); err != nil {
		return view{}, err
	}
	v, err := g.views.domain(ctx, name)
	if errors.Is(err, directory.ErrNotFound) {
		return view{}, &web.Error{Status: http.StatusNotFound, Code: "unknown_domain", Err: err}
	}
	if err != nil {
		return view{}, g.cannotOpen(r, name, err)
	}
	if !v.domain.SSO || v.connector == nil || v.connection.Type != t {
		return view{}, &web.Error{Status: http.StatusNotFound, Code: "unknown_domain", Err: errors.New("sso: no live connection of that protocol")}
	}
	return v, nil
}

// postedForm reads the ACS form: fields from the body only, each once (security.md section 1.3 step 1).
func postedForm(r *http.Request) (url.Values, error) {
	bad := func(why string) error {
		return &web.Error{Status: http.StatusBadRequest, Code: "bad_request", Err: errors.New("sso: acs: " + why)}
	}
	if ct := r.Header.Get("Content-Type"); !strings.HasPrefix(strings.ToLower(ct), "application/x-www-form-urlencoded") {
		return nil, bad("content type")
	}
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, &web.Error{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Err: errors.New("sso: acs: body too large")}
		}
		return nil, bad("form")
	}
	if len(r.PostForm["SAMLResponse"]) != 1 {
		return nil, bad("not exactly one SAMLResponse")
	}
	if len(r.PostForm["RelayState"]) > 1 {
		return nil, bad("more than one RelayState")
	}
	return r.PostForm, nil
}

// comeBack ends a login that was started here.
func (g *Gateway) comeBack(w http.ResponseWriter, r *http.Request, v view, handle string, values url.Values) error {
	login, err := g.takeLogin(r, v, handle)
	if err != nil {
		return err
	}
	a := resumed(r, login)
	if refusal := g.belongs(r, v, login); refusal != nil {
		return g.refuse(r, a, refusal)
	}
	id, err := v.connector.Finish(r.Context(), Return{Values: values, RequestID: login.RequestID, Secrets: login.OAuth})
	if err != nil {
		return g.refuse(r, a, err)
	}
	return g.signIn(w, r, v, login, a, id)
}

// takeLogin takes the record in one atomic step: of two answers with one handle, one finds it.
func (g *Gateway) takeLogin(r *http.Request, v view, handle string) (Login, error) {
	lost := func() error {
		return g.refuse(r, g.newAttempt(r, v, "", ""), &Refusal{
			Code: "state_lost", Want: "a login under way", Got: "none: unknown, used before, or late", Fix: audit.FixPerson,
		})
	}
	if !looksLikeHandle(handle) {
		return Login{}, lost()
	}
	b, err := g.logins.Take(r.Context(), handle)
	if errors.Is(err, session.ErrMissing) {
		return Login{}, lost()
	}
	if err != nil {
		return Login{}, unavailable(err)
	}
	login, err := decodeLogin(b)
	if err != nil {
		return Login{}, lost()
	}
	return login, nil
}

// belongs are the checks that tie a record to this browser, this domain and this moment.
func (g *Gateway) belongs(r *http.Request, v view, l Login) *Refusal {
	cookie := g.o.Binding.Read(r)
	if cookie == "" {
		return &Refusal{Code: "cookie_blocked", Want: "the browser's login cookie", Got: "none", Fix: audit.FixPerson}
	}
	if bindingHash(cookie) != l.Binding {
		return &Refusal{Code: "state_lost", Want: "the browser that started the login", Got: "another browser", Fix: audit.FixPerson}
	}
	if l.DomainID != v.domain.ID {
		return &Refusal{Code: "domain_mismatch", Want: "the domain of the login", Got: "another domain", Fix: audit.FixIdentityProvider}
	}
	if l.Identity != nil {
		return &Refusal{Code: "state_lost", Want: "a login under way", Got: "a sign-in that waits for its person", Fix: audit.FixPerson}
	}
	if l.Revision != v.connection.Revision {
		return &Refusal{Code: "connection_changed", Want: "the live revision", Got: "an earlier revision", Fix: audit.FixPerson}
	}
	if g.o.Now().After(l.Expires) {
		return &Refusal{Code: "login_late", Section: "line-works.md 1.3", Want: "an answer within " + g.o.LoginWindow.String(), Got: "later", Fix: audit.FixPerson}
	}
	return nil
}

// signIn turns a verified identity into a session: used once, member found, address judged again, session started.
func (g *Gateway) signIn(w http.ResponseWriter, r *http.Request, v view, l Login, a attempt, id Identity) error {
	ctx := r.Context()
	a.Claims, a.Checks = id.Claims, id.Checks
	if err := g.useOnce(ctx, v.domain, id); err != nil {
		return g.refuse(r, a, err)
	}
	m, _, err := g.o.Directory.SignIn(ctx, v.domain, id.Person)
	if err != nil {
		return g.refuse(r, a, err)
	}
	target, err := g.judge(ctx, l.AccessURL)
	if err != nil {
		return g.refuse(r, a, err)
	}
	if err := g.startSession(w, r, v, l, m, id, a.Ref); err != nil {
		return g.refuse(r, a, err)
	}
	g.succeed(r, a, m)
	return g.arrive(w, r, target)
}

// useOnce marks the message: a second use, on any node, is refused (SAML Profiles 4.1.4.5).
func (g *Gateway) useOnce(ctx context.Context, d directory.Domain, id Identity) error {
	if id.Once == "" {
		return nil
	}
	first, err := g.marks.Use(ctx, d.ID, id.Once, id.OnceUntil)
	if err != nil {
		return unavailable(err)
	}
	if !first {
		return &Refusal{Code: "saml_replayed", Section: "SAML Profiles 4.1.4.5", Want: "an assertion not used before", Got: "used before", Fix: audit.FixPerson, Checks: id.Checks, Claims: id.Claims}
	}
	return nil
}

// startSession puts the session into the state store under a new ID and its cookie into the browser; what this browser had
// before is ended.
func (g *Gateway) startSession(w http.ResponseWriter, r *http.Request, v view, l Login, m directory.Member, id Identity, ref string) error {
	now := g.o.Now()
	rec := session.Record{
		MemberID: m.ID, DomainID: v.domain.ID, Domain: v.domain.Name, Account: m.Account, ExternalKey: m.ExternalKey,
		Name: m.DisplayName(), Revision: v.connection.Revision, Protocol: protocolOf(v.connection),
		Idle: int64(shorter(g.o.Idle, v.domain.SessionIdle).Seconds()), Expires: g.sessionEnd(v.domain, l, id, now),
		DomainGeneration: v.domain.Generation, MemberGeneration: m.Generation,
		IdPIssuer: id.Issuer, IdPNameID: id.NameID, IdPSession: id.Session,
		Address: web.ClientIP(r.Context()).String(), UserAgent: cut(r.UserAgent(), 256), AttemptRef: ref,
	}
	if !rec.Expires.After(now) {
		return &Refusal{Code: "saml_session_over", Want: "a session end in the future", Got: rec.Expires.UTC().Format(time.RFC3339), Fix: audit.FixIdentityProvider}
	}
	s, err := g.store.New(r, g.o.Sessions.CookieName())
	if err != nil {
		return unavailable(err)
	}
	session.Put(s, rec)
	if err := s.Save(r, w); err != nil {
		return unavailable(err)
	}
	return nil
}

// sessionEnd is the absolute limit (line-works.md section 4.4): what the identity provider asked for where the domain set
// "Set Expire Time" (at most the 30 days of an app), otherwise 24 hours for the web and 30 days for apps, or shorter where
// the domain says so.
func (g *Gateway) sessionEnd(d directory.Domain, l Login, id Identity, now time.Time) time.Time {
	if d.SetExpireTime && !id.Expires.IsZero() {
		if longest := now.Add(g.o.AppAbsolute); id.Expires.After(longest) {
			return longest
		}
		return id.Expires
	}
	life := g.o.Absolute
	if l.App {
		life = g.o.AppAbsolute
	}
	return now.Add(shorter(life, d.SessionAbsolute))
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
