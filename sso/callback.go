package sso

import (
	"context"
	"errors"
	"net/http"
	"net/url"

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
	if err := usesUp(w, r); err != nil {
		return err
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > 16<<10 {
		return &web.Error{Status: http.StatusBadRequest, Code: "bad_request", Err: errors.New("sso: callback query")}
	}
	return g.comeBack(w, r, v, query.Get("state"), query)
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

// takeLogin takes the record in one atomic step: of two answers with one handle, one finds it. What comes without the
// browser's cookie is refused by belongs whatever it is, so it only reads: a link scanner must not end the person's login.
func (g *Gateway) takeLogin(r *http.Request, v view, handle string) (Login, error) {
	lost := func() error {
		return g.refuse(r, g.newAttempt(r, v, "", ""), &Refusal{
			Code: "state_lost", Want: "a login under way", Got: "none: unknown, used before, or late", Fix: audit.FixPerson,
		})
	}
	if !looksLikeHandle(handle) {
		return Login{}, lost()
	}
	take, cookie := g.logins.Take, g.o.Binding.Read(r)
	if cookie == "" {
		take = g.logins.Peek
	}
	b, err := take(r.Context(), handle)
	if errors.Is(err, session.ErrMissing) {
		return Login{}, lost()
	}
	if err != nil {
		return Login{}, failed(err)
	}
	login, err := openLogin(handle, b)
	if err != nil {
		return Login{}, lost()
	}
	if cookie == "" {
		login.Attempt.Ref = audit.NewRef() // the login goes on under its own
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
		return err
	}
	if !first {
		return &Refusal{Code: "saml_replayed", Section: "SAML Profiles 4.1.4.5", Want: "an assertion not used before", Got: "used before", Fix: audit.FixPerson, Checks: id.Checks, Claims: id.Claims}
	}
	return nil
}
