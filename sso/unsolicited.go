package sso

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/web"
)

// unsolicited judges an IdP-initiated response, where the domain switched that on. Nobody here asked, so nothing binds the
// message to this browser: the person is asked to confirm before a session starts, which stops login CSRF.
func (g *Gateway) unsolicited(w http.ResponseWriter, r *http.Request, v view, form url.Values) error {
	ctx := r.Context()
	if err := g.allow(ctx, "unsolicited-domain", v.domain.ID, g.o.LoginsPerDomain); err != nil {
		return err // a solicited answer was counted when its login started; this one has no start
	}
	a := g.newAttempt(r, v, "idp", "")
	id, err := v.connector.Finish(ctx, Return{Values: form, Unsolicited: true})
	if err != nil {
		return g.refuse(r, a, err)
	}
	a.Claims, a.Checks = id.Claims, id.Checks
	if err := g.useOnce(ctx, v.domain, id); err != nil {
		return g.refuse(r, a, err)
	}
	id.Once = "" // used; the record below is taken once itself
	target, err := g.judge(ctx, relayTarget(form.Get("RelayState")))
	if err != nil {
		return g.refuse(r, a, err)
	}
	a.AccessURL, a.target = WithoutQuery(target), target
	login := Login{
		DomainID: v.domain.ID, Revision: v.connection.Revision, AccessURL: target, Expires: g.o.Now().Add(g.o.LoginWindow),
		Binding: bindingHash(g.o.Binding.Ensure(w, r)), Identity: &id,
	}
	a.Expires = login.Expires
	login.Attempt = audit.Bound(a.Attempt)
	id.Claims, id.Checks = login.Attempt.Claims, login.Attempt.Checks // what waits in Redis is as bounded as what is kept
	handle := newHandle()
	if err := g.keepLogin(ctx, handle, login); err != nil {
		return g.refuse(r, a, err)
	}
	g.o.Attempts.Save(login.Attempt)
	return web.Page(w, r, "continue", web.Continue{
		Action: "/acs/" + url.PathEscape(v.domain.Name) + "/continue", Handle: handle, Domain: v.domain.Name,
		Name: id.Person.UserKey, Target: hostOf(target),
	})
}

// proceed is the person's word: the same-origin form of the page that unsolicited showed.
func (g *Gateway) proceed(w http.ResponseWriter, r *http.Request) error {
	v, err := g.arriving(r, directory.SAML)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return &web.Error{Status: http.StatusBadRequest, Code: "bad_request", Err: errors.New("sso: continue form")}
	}
	login, err := g.takeLogin(r, v, r.PostForm.Get("handle"))
	if err != nil {
		return err
	}
	a := resumed(r, login)
	if login.Identity == nil || !v.connection.SAML.IdPInitiated {
		return g.refuse(r, a, &Refusal{Code: "state_lost", Want: "a sign-in that waits for its person", Got: "something else", Fix: audit.FixPerson})
	}
	id := *login.Identity
	login.Identity = nil
	if refusal := g.belongs(r, v, login); refusal != nil {
		return g.refuse(r, a, refusal)
	}
	return g.signIn(w, r, v, login, a, id)
}

// relayTarget reads RelayState as an address only where it is one: identity providers put their "start URL" there.
func relayTarget(relayState string) string {
	if u, err := url.Parse(relayState); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		return relayState
	}
	return ""
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
