package sso

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/web"
)

// logoutPage is a logout by address. With a redirect_uri inside the domain's Logout Redirection Domains it is the identity
// provider's logout (line-works.md section 3.5, "IdP first"): the session ends and the browser goes there. Without one it
// shows a button, so that a link on a foreign page signs nobody out.
func (g *Gateway) logoutPage(w http.ResponseWriter, r *http.Request) error {
	d, err := g.leaving(r)
	if err != nil {
		return err
	}
	redirectURI := r.URL.Query().Get("redirect_uri")
	if redirectURI == "" {
		if _, err := g.sessionOf(r, d); errors.Is(err, session.ErrMissing) {
			return web.Page(w, r, "signedout", g.signedOut(d))
		} else if err != nil {
			return err
		}
		return web.Page(w, r, "logout", web.ConfirmLogout{Action: "/d/logout/" + url.PathEscape(d.Name)})
	}
	target, err := JudgeAddress(redirectURI, d.LogoutRedirectionDomains)
	if err != nil {
		return &web.Error{Status: http.StatusBadRequest, Code: "logout_refused", Err: err}
	}
	if err := usesUp(w, r); err != nil {
		return err
	}
	if err := g.endSession(w, r, d); err != nil {
		return err
	}
	return web.Redirect(w, r, target)
}

// logout is the button: the session ends here first and then, where the connection has a Logout URL, at the identity
// provider, which is asked to come back to our page (line-works.md section 3.5, "LINE WORKS first").
func (g *Gateway) logout(w http.ResponseWriter, r *http.Request) error {
	d, err := g.leaving(r)
	if err != nil {
		return err
	}
	if err := g.endSession(w, r, d); err != nil {
		return err
	}
	leave, err := g.logoutURL(r, d)
	if err != nil {
		return err
	}
	if leave == "" {
		return web.Page(w, r, "signedout", g.signedOut(d))
	}
	return web.Redirect(w, r, leave)
}

// leaving finds the domain. A domain whose SSO is off or whose connection is broken can still be signed out of.
func (g *Gateway) leaving(r *http.Request) (directory.Domain, error) {
	name := strings.ToLower(r.PathValue("domain"))
	web.Note(r.Context(), "domain", name)
	if err := g.allowAddress(r.Context(), "logout-address", g.o.AnswersPerAddress); err != nil {
		return directory.Domain{}, err
	}
	d, err := g.o.Directory.Domain(r.Context(), name)
	if errors.Is(err, directory.ErrNotFound) || err == nil && d.Disabled {
		return directory.Domain{}, unknownDomain()
	}
	if err != nil {
		return directory.Domain{}, failed(err)
	}
	return d, nil
}

// sessionOf is the browser's session, if it is one of that domain; session.ErrMissing otherwise.
func (g *Gateway) sessionOf(r *http.Request, d directory.Domain) (string, error) {
	cookie := g.o.Sessions.Cookie(r)
	if cookie == "" {
		return "", session.ErrMissing
	}
	rec, err := g.o.Sessions.Check(r.Context(), cookie)
	if errors.Is(err, session.ErrMissing) {
		return "", err
	}
	if err != nil {
		return "", failed(err)
	}
	if rec.DomainID != d.ID {
		return "", session.ErrMissing
	}
	return cookie, nil
}

func (g *Gateway) endSession(w http.ResponseWriter, r *http.Request, d directory.Domain) error {
	cookie, err := g.sessionOf(r, d)
	if errors.Is(err, session.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := g.o.Sessions.End(r.Context(), cookie); err != nil {
		return failed(err)
	}
	g.o.Sessions.ClearCookie(w)
	return nil
}

// logoutURL is the identity provider's Logout URL with our page as redirect_uri; "" when the connection has none.
func (g *Gateway) logoutURL(r *http.Request, d directory.Domain) (string, error) {
	v, err := g.views.domain(r.Context(), d.Name)
	if err != nil || v.connector == nil {
		return "", nil // signed out here; a connection that cannot be opened has nowhere to go on to
	}
	raw := ""
	switch c := v.connector.(type) {
	case *samlConnector:
		raw = c.settings.LogoutURL
	case *oauthConnector:
		raw = c.logoutURL
	}
	if raw == "" {
		return "", nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", nil
	}
	q := u.Query()
	q.Set("redirect_uri", g.address("d", "logout", d.Name))
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func (g *Gateway) signedOut(d directory.Domain) web.SignedOut {
	return web.SignedOut{Domain: d.Name, LoginURL: "/d/login/" + url.PathEscape(d.Name)}
}
