package sso

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/web"
)

// askAccount asks who wants in and goes on to the login of the account's domain: the same answer for every domain, so that
// the page tells nothing about who is a customer.
func (g *Gateway) askAccount(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	account, accessURL := strings.ToLower(strings.TrimSpace(q.Get("account"))), q.Get("accessUrl")
	_, domain, ok := strings.Cut(account, "@")
	if !ok || domain == "" || len(account) > maxHint || strings.ContainsAny(domain, "/\\@") {
		return web.Page(w, r, "account", web.AskAccount{Account: account, AccessURL: accessURL, Unknown: account != ""})
	}
	to := url.Values{"account": {account}}
	if accessURL != "" {
		to.Set("accessUrl", accessURL)
	}
	return web.Redirect(w, r, "/d/login/"+url.PathEscape(domain)+"?"+to.Encode())
}

const maxHint = 90 // an account is at most 90 characters long (seed: userName)

// login starts one login.
func (g *Gateway) login(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	if err := g.allowAddress(ctx, "login-address", g.o.LoginsPerAddress); err != nil {
		return err
	}
	v, err := g.known(r)
	if err != nil {
		return err
	}
	if err := g.allow(ctx, "login-domain", v.domain.ID, g.o.LoginsPerDomain); err != nil {
		return err
	}
	target, err := g.judge(ctx, q.Get("accessUrl"))
	if err != nil {
		a := g.newAttempt(r, v, "sp", "")
		a.AccessURL = WithoutQuery(q.Get("accessUrl"))
		return g.refuse(r, a, err)
	}
	if signedIn, err := g.alreadyIn(r, v.domain); err != nil {
		return err
	} else if signedIn {
		return g.arrive(w, r, target)
	}
	switch {
	case !v.domain.SSO, v.connection.Type == "":
		return web.Page(w, r, "nosso", web.NoSSO{Domain: v.domain.Name})
	case v.fault != nil:
		return g.refuse(r, g.newAttempt(r, v, "sp", target), unusable(v.fault))
	case r.Method == http.MethodHead: // asks whether the address is good, and starts nothing
		return nil
	}
	return g.depart(w, r, v, target)
}

// known finds the domain that the path names: it exists and is not disabled.
func (g *Gateway) known(r *http.Request) (view, error) {
	name := strings.ToLower(r.PathValue("domain"))
	web.Note(r.Context(), "domain", name)
	v, err := g.views.domain(r.Context(), name)
	if errors.Is(err, directory.ErrNotFound) {
		return view{}, unknownDomain()
	}
	if err != nil {
		return view{}, failed(err)
	}
	return v, nil
}

// judge answers the address to send the person to at the end. No address at all leads to the page "signed in".
func (g *Gateway) judge(ctx context.Context, accessURL string) (string, error) {
	if accessURL == "" {
		return "", nil
	}
	entries, err := g.accessHosts(ctx)
	if err != nil {
		return "", err
	}
	target, err := JudgeAddress(accessURL, entries)
	if err != nil {
		return "", &Refusal{Code: "access_url_refused", Want: "an address of a service that is set up here", Got: WithoutQuery(accessURL), Fix: audit.FixOperator, Err: err}
	}
	return target, nil
}

// alreadyIn says whether this browser has a living session of this domain; then nobody needs to ask the identity provider.
func (g *Gateway) alreadyIn(r *http.Request, d directory.Domain) (bool, error) {
	cookie := g.o.Sessions.Cookie(r)
	if cookie == "" {
		return false, nil
	}
	rec, err := g.o.Sessions.Check(r.Context(), cookie)
	if errors.Is(err, session.ErrMissing) {
		return false, nil
	}
	if err != nil {
		return false, failed(err)
	}
	return rec.DomainID == d.ID, nil
}

// depart asks the connector where to go, stores the record and lets the browser leave.
func (g *Gateway) depart(w http.ResponseWriter, r *http.Request, v view, target string) error {
	ctx, now, q := r.Context(), g.o.Now(), r.URL.Query()
	handle := newHandle()
	login := Login{
		DomainID: v.domain.ID, Revision: v.connection.Revision, AccessURL: target, App: q.Get("app") == "1",
		Expires: now.Add(g.o.LoginWindow),
	}
	a := g.newAttempt(r, v, "sp", target)
	start := Start{Handle: handle, Hint: hint(q.Get("account")), App: login.App}
	if start.App {
		start.SessionKey = newHandle()
	}
	leave, err := v.connector.Begin(ctx, start)
	if err != nil {
		return g.refuse(r, a, err)
	}
	login.RequestID, login.OAuth = leave.RequestID, leave.Secrets
	a.Asked, a.Expires = leave.Asked, login.Expires
	login.Attempt = a.Attempt
	if login.App {
		if err := g.rememberApp(ctx, v.connection.Type, start, leave); err != nil {
			return g.refuse(r, a, err)
		}
	}
	login.Binding = bindingHash(g.o.Binding.Ensure(w, r))
	if err := g.keepLogin(ctx, handle, login); err != nil {
		return g.refuse(r, a, err)
	}
	g.o.Attempts.Save(login.Attempt)
	g.metrics.started(login.Attempt.Protocol)
	web.Note(ctx, "ref", login.Attempt.Ref)
	if leave.Form != nil {
		return web.Page(w, r, "post", web.PostForm{Action: leave.Location, Fields: leave.Form}, originOf(leave.Location))
	}
	return web.Redirect(w, r, leave.Location)
}

func (g *Gateway) keepLogin(ctx context.Context, handle string, l Login) error {
	b, err := l.seal(handle)
	if err != nil {
		return err
	}
	return g.logins.Put(ctx, handle, b, l.Expires.Sub(g.o.Now()))
}

// hint is the account a person typed, passed on as a hint; whatever cannot be an account is left out.
func hint(account string) string {
	if len(account) > maxHint {
		return ""
	}
	for _, c := range account {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	return account
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Judge answers the cleaned form of an address that people may be sent to, for other surfaces; see JudgeAddress. An error
// that is a *web.Error says that it cannot be told now.
func (g *Gateway) Judge(ctx context.Context, address string) (string, error) {
	target, err := g.judge(ctx, address)
	var refusal *Refusal
	if err != nil && !errors.As(err, &refusal) {
		return "", failed(err)
	}
	return target, err
}
