package sso

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/web"
)

// home is where a sign-in without an accessUrl ends: who is signed in, and the way out. Everybody else is asked for the account.
func (g *Gateway) home(w http.ResponseWriter, r *http.Request) error {
	rec, err := g.o.Sessions.Check(r.Context(), g.o.Sessions.Cookie(r))
	if errors.Is(err, session.ErrMissing) {
		return web.Redirect(w, r, "/login")
	}
	if err != nil {
		return failed(err)
	}
	return web.Page(w, r, "home", web.Home{
		Name: rec.Name, Account: rec.Account, Expires: rec.Expires,
		LogoutAction: "/d/logout/" + url.PathEscape(rec.Domain),
	})
}
