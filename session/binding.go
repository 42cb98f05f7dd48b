package session

import (
	"net/http"
	"time"
)

// bindingLife is how long a browser may take at its identity provider.
const bindingLife = 30 * time.Minute

// Binding is the cookie that ties logins under way to the browser they began in. It says nothing about who that is and is
// never a session. One random value serves all tabs: each login keeps its hash and is its own record.
//
// The answer to an identity provider comes as a cross-site POST, with which a Lax cookie is not sent: SameSite=None, hence
// Secure (security.md 3.1).
type Binding struct {
	// InsecureCookies is for plain http on a loopback host and clients that drop Secure cookies there (Chromium and Firefox
	// keep them): the name loses its prefix and the cookie is Lax, so answers by cross-site POST do not carry it.
	InsecureCookies bool
}

// Name is __Host-ssogate_login, or ssogate_login with InsecureCookies.
func (b Binding) Name() string {
	if b.InsecureCookies {
		return "ssogate_login"
	}
	return "__Host-ssogate_login"
}

// Read returns the browser's value, 43 characters, or "" when there is none or it cannot be one of ours.
func (b Binding) Read(r *http.Request) string {
	for _, c := range r.CookiesNamed(b.Name()) {
		if plainSecret(c.Value) {
			return c.Value
		}
	}
	return ""
}

// Ensure returns the browser's value, a new one of 256 random bits when it has none, and sets the cookie for 30 more minutes.
func (b Binding) Ensure(w http.ResponseWriter, r *http.Request) string {
	value := b.Read(r)
	if value == "" {
		value = newSecret()
	}
	c := &http.Cookie{Name: b.Name(), Value: value, Path: "/", HttpOnly: true, MaxAge: int(bindingLife / time.Second),
		Secure: true, SameSite: http.SameSiteNoneMode}
	if b.InsecureCookies {
		c.Secure, c.SameSite = false, http.SameSiteLaxMode
	}
	http.SetCookie(w, c)
	return value
}
