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
	ctx := r.Context()
	if err := g.allow(ctx, "login-address", web.ClientIP(ctx).String(), g.o.LoginsPerAddress); err != nil {
		return err
	}
	name, q := strings.ToLower(r.PathValue("domain")), r.URL.Query()
	web.Note(ctx, "domain", name)
	v, err := g.views.domain(ctx, name)
	if errors.Is(err, directory.ErrNotFound) {
		return &web.Error{Status: http.StatusNotFound, Code: "unknown_domain", Err: err}
	}
	if err != nil {
		return g.cannotOpen(r, name, err)
	}
	if err := g.allow(ctx, "login-domain", v.domain.ID, g.o.LoginsPerDomain); err != nil {
		return err
	}
	target, err := g.judge(ctx, q.Get("accessUrl"))
	if err != nil {
		return err
	}
	if signedIn, err := g.alreadyIn(r, v.domain); err != nil {
		return err
	} else if signedIn {
		return g.arrive(w, r, target)
	}
	if !v.domain.SSO || v.connector == nil {
		return web.Page(w, r, "nosso", web.NoSSO{Domain: v.domain.Name})
	}
	return g.depart(w, r, v, target)
}

// judge answers the address to send the person to at the end. No address at all leads to the page "signed in".
func (g *Gateway) judge(ctx context.Context, accessURL string) (string, error) {
	if accessURL == "" {
		return "", nil
	}
	entries, err := g.accessHosts(ctx)
	if err != nil {
		return "", unavailable(err)
	}
	target, err := JudgeAddress(accessURL, entries)
	if err != nil {
		return "", &web.Error{Status: http.StatusBadRequest, Code: "access_url_refused", Err: err}
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
		return false, unavailable(err)
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
			return unavailable(err)
		}
	}
	login.Binding = bindingHash(g.o.Binding.Ensure(w, r))
	if err := g.keepLogin(ctx, handle, login); err != nil {
		return unavailable(err)
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
	b, err := l.encode()
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

// allow is the rate limit of a rule for one subject; it fails closed when the state store does not answer.
func (g *Gateway) allow(ctx context.Context, rule, subject string, perMinute int) error {
	if perMinute == 0 {
		return nil
	}
	ok, retry, err := g.limits.Allow(ctx, rule, subject, perMinute)
	if err != nil {
		return unavailable(err)
	}
	if !ok {
		g.metrics.limited(rule)
		return &web.Error{Status: http.StatusTooManyRequests, Code: "rate_limited", RetryAfter: max(retry, time.Second), Err: errors.New("sso: rate limit " + rule)}
	}
	return nil
}

// unavailable is the answer when Redis or the database does not answer: at once, and never an accepted login.
func unavailable(err error) error {
	return &web.Error{Status: http.StatusServiceUnavailable, Code: "unavailable", RetryAfter: 2 * time.Second, Err: err}
}

// cannotOpen tells a database that is gone from a domain whose stored connection cannot be opened: the latter fails alone,
// with an attempt that says so.
func (g *Gateway) cannotOpen(r *http.Request, name string, err error) error {
	if errors.Is(err, directory.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return unavailable(err)
	}
	a := attempt{Attempt: audit.Attempt{Ref: audit.NewRef(), Domain: name, Initiator: "sp", Started: g.o.Now()}}
	if d, lookup := g.o.Directory.Domain(r.Context(), name); lookup == nil {
		a.DomainID = d.ID
	}
	return g.refuse(r, a, &Refusal{Code: "connection_unusable", Want: "a usable connection", Got: faultText(err), Fix: audit.FixDomainAdmin, Err: err})
}

// Judge answers the cleaned form of an address that people may be sent to, for other surfaces; see JudgeAddress.
func (g *Gateway) Judge(ctx context.Context, address string) (string, error) {
	return g.judge(ctx, address)
}
