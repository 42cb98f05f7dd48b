package service

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/ssogate/ssogate/web"
)

// turnAway sends a browser that asked for a page to the login, with the way back, and answers 401 to everything else.
func (v *Verifier) turnAway(w http.ResponseWriter, r *http.Request, q question) error {
	asked := q.original(r)
	if !asked.known() || !asksForPage(r, asked.method) {
		return unauthorized(w)
	}
	to, ok := v.login(q.domain)
	if !ok {
		return unauthorized(w)
	}
	target, err := v.comeBackTo(r, asked)
	if cannotTell(err) {
		return unavailable(err)
	}
	if err != nil {
		return unauthorized(w) // an address nobody may be sent back to: no redirect is built from it
	}
	to.RawQuery = url.Values{"accessUrl": {target}}.Encode()
	return web.Redirect(w, r, to.String())
}

// unauthorized is the plain refusal. The challenge is for form (RFC 9110 section 15.5.2): a cookie comes from the login page.
func unauthorized(w http.ResponseWriter) error {
	w.Header().Set("WWW-Authenticate", `Cookie realm="ssogate"`)
	w.WriteHeader(http.StatusUnauthorized)
	return nil
}

// login is where people without a session sign in.
func (v *Verifier) login(domain string) (*url.URL, bool) {
	if domain == "" {
		return v.o.PublicURL.JoinPath("login"), true
	}
	if strings.ContainsAny(domain, `/\%?#`) || strings.Trim(domain, ".") == "" { // steps out of /d/login/
		return nil, false
	}
	return v.o.PublicURL.JoinPath("d", "login", domain), true
}

// comeBackTo judges the address the browser asked for. Browsers leave characters in a query that no accessUrl may hold, and some
// addresses are too long for one: then it is the front door of the same service, which is judged just so.
func (v *Verifier) comeBackTo(r *http.Request, asked address) (string, error) {
	target, err := v.o.Judge(r.Context(), asked.origin+asked.path)
	if err == nil || cannotTell(err) {
		return target, err
	}
	return v.o.Judge(r.Context(), asked.origin+"/")
}

// cannotTell says whether the judge has no verdict, which is no refusal.
func cannotTell(err error) bool {
	var e *web.Error
	return errors.As(err, &e) && e.Status >= http.StatusInternalServerError
}

// address is what a browser asked a proxy for, as the proxy says it; the zero value is unknown. Nothing of it is believed.
type address struct{ method, origin, path string }

func (a address) known() bool { return a.origin != "" }

// forwarded reads what Traefik and Caddy say. nginx, which names itself by X-Original-URL, gets no address: it understands
// 401 only.
func forwarded(r *http.Request) address {
	host, path := r.Header.Get("X-Forwarded-Host"), r.Header.Get("X-Forwarded-Uri")
	if host == "" || r.Header.Get("X-Original-Url") != "" {
		return address{}
	}
	method := r.Header.Get("X-Forwarded-Method")
	if method == "" {
		method = r.Method
	}
	return addressOf(method, r.Header.Get("X-Forwarded-Proto"), host, path)
}

const prefix = "/auth/verify/"

// prefixed reads what Envoy says: method and Host are the browser's, its path and query stand behind our prefix. The Host of
// each such service must be among extra_hosts, as package web answers no other.
func prefixed(r *http.Request) address {
	if !web.FromTrustedProxy(r.Context()) {
		return address{}
	}
	path := strings.TrimPrefix(r.URL.EscapedPath(), strings.TrimSuffix(prefix, "/"))
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	return addressOf(r.Method, r.Header.Get("X-Forwarded-Proto"), r.Host, path)
}

// addressOf puts the parts together so that the path cannot become a part of the host.
func addressOf(method, proto, host, path string) address {
	if path != "" && path[0] != '/' || strings.ContainsAny(host, `/\?#@`) {
		return address{}
	}
	if proto == "" {
		proto = "https"
	}
	return address{method: method, origin: proto + "://" + host, path: path}
}

// asksForPage says whether a person's browser asked for a page, as opposed to a script or a program (Fetch Metadata,
// Sec-Fetch-Mode; older browsers say it by Accept).
func asksForPage(r *http.Request, method string) bool {
	if method != http.MethodGet && method != http.MethodHead {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
