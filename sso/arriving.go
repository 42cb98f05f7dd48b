package sso

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/web"
)

// usesUp refuses a HEAD, which net/http routes like a GET: a program that looks where a link leads must not end a login or a
// session.
func usesUp(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodHead {
		return nil
	}
	w.Header().Set("Allow", http.MethodGet)
	return &web.Error{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Err: errors.New("sso: HEAD")}
}

// arriving is what holds for every answer: the address is not too busy, and the path names an active domain with SSO on and
// a live connection of that protocol. The domain is never taken from the message.
func (g *Gateway) arriving(r *http.Request, t directory.ConnectionType) (view, error) {
	if err := g.allowAddress(r.Context(), "answer-address", g.o.AnswersPerAddress); err != nil {
		return view{}, err
	}
	v, err := g.known(r)
	if err != nil {
		return view{}, err
	}
	if refusal := v.takes(t); refusal != nil {
		return view{}, g.refuse(r, g.newAttempt(r, v, "", ""), refusal)
	}
	return v, nil
}

// takes says why the domain takes no answers of the protocol now, nil when it does.
func (v view) takes(t directory.ConnectionType) *Refusal {
	switch {
	case !v.domain.SSO:
		return &Refusal{Code: "sso_off", Want: "single sign-on switched on", Got: "off", Fix: audit.FixDomainAdmin}
	case v.connection.Type != t:
		return &Refusal{Code: "connection_changed", Want: "a live connection of the type " + string(t), Got: shown(string(v.connection.Type)), Fix: audit.FixPerson}
	case v.fault != nil:
		return unusable(v.fault)
	}
	return nil
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
