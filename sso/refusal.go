package sso

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/web"
)

// Refusal is why a login ended without a session.
type Refusal struct {
	Code      string
	Section   string
	Want, Got string
	Fix       audit.Fixer
	Checks    []audit.Check
	Claims    map[string][]string
	Err       error // what failed underneath, when something did
}

// Error names the code only: want and got may name a person.
func (r *Refusal) Error() string { return fmt.Sprintf("sso: refused: %s", r.Code) }

// Unwrap returns what failed underneath.
func (r *Refusal) Unwrap() error { return r.Err }

// asRefusal finds the reason in an error, whichever room it comes from.
func asRefusal(err error) *Refusal {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	var person *directory.Refusal
	if errors.As(err, &person) {
		return &Refusal{Code: person.Code, Want: person.Want, Got: person.Got, Fix: person.Fix, Err: err}
	}
	if gone(err) {
		return &Refusal{Code: "unavailable", Want: "an answer of the database and of Redis", Got: "none", Fix: audit.FixOperator, Err: err}
	}
	return &Refusal{Code: "internal", Fix: audit.FixOperator, Err: err}
}

// gone tells a Redis or database that does not answer, and a browser that did not wait, from every other failure: trying
// again can help.
func gone(err error) bool {
	return errors.Is(err, directory.ErrUnavailable) || errors.Is(err, session.ErrUnavailable) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// patience is how long a browser is asked to wait when something does not answer.
const patience = 2 * time.Second

// failed is the answer to an error before there is an attempt: 503 at once when Redis or the database does not answer, and
// never an accepted login; anything else is a fault of ours, which waiting does not mend.
func failed(err error) error {
	if gone(err) {
		return &web.Error{Status: http.StatusServiceUnavailable, Code: "unavailable", RetryAfter: patience, Err: err}
	}
	return &web.Error{Status: http.StatusInternalServerError, Code: "internal", Err: err}
}

// unknownDomain is one answer for domains that do not exist and for those that are disabled.
func unknownDomain() error {
	return &web.Error{Status: http.StatusNotFound, Code: "unknown_domain", Err: directory.ErrNotFound}
}

// pageFor chooses what the person sees. Reasons that would tell a stranger something about members or set-up share a page.
func pageFor(code string) (status int, page string) {
	switch code {
	case "unavailable":
		return http.StatusServiceUnavailable, "unavailable"
	case "access_url_refused":
		return http.StatusBadRequest, "access_url_refused"
	case "cookie_blocked":
		return http.StatusBadRequest, "cookie_missing"
	case "state_lost", "connection_changed", "login_late", "saml_replayed":
		return http.StatusBadRequest, "login_expired"
	case "sso_off":
		return http.StatusForbidden, "sso_off"
	case "account_foreign", "domain_disabled":
		return http.StatusForbidden, "not_a_member"
	case "oauth_provider_error", "saml_idp_status":
		return http.StatusForbidden, "idp_error"
	}
	switch {
	case code == "internal", strings.HasSuffix(code, "_internal"):
		return http.StatusInternalServerError, "internal"
	case strings.HasPrefix(code, "user_"):
		return http.StatusForbidden, "not_a_member"
	case strings.HasPrefix(code, "idp_"):
		return http.StatusBadGateway, "idp_unreachable"
	}
	return http.StatusForbidden, "login_refused"
}
