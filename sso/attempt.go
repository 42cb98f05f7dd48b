package sso

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/web"
)

// attempt is the record of one sign-in and the address, as judged, that the person wanted to reach: "try again" leads there.
type attempt struct {
	audit.Attempt
	target string
}

// newAttempt opens the record of one sign-in.
func (g *Gateway) newAttempt(r *http.Request, v view, initiator, target string) attempt {
	return attempt{target: target, Attempt: audit.Attempt{
		Ref: audit.NewRef(), DomainID: v.domain.ID, Domain: v.domain.Name, Revision: v.connection.Revision,
		Protocol: protocolOf(v.connection), Initiator: initiator, Started: g.o.Now(),
		Address: web.ClientIP(r.Context()).String(), UserAgent: cut(r.UserAgent(), 256), AccessURL: WithoutQuery(target),
		Verdict: audit.Started, RequestIDs: []string{web.RequestID(r.Context())},
	}}
}

// resumed opens the record of a login that comes back.
func resumed(r *http.Request, l Login) attempt {
	a := attempt{Attempt: l.Attempt, target: l.AccessURL}
	a.RequestIDs = append(a.RequestIDs, web.RequestID(r.Context()))
	return a
}

// retry is the path that starts the same login again.
func (a attempt) retry() string {
	path := "/d/login/" + url.PathEscape(a.Domain)
	if a.target == "" {
		return path
	}
	return path + "?" + url.Values{"accessUrl": {a.target}}.Encode()
}

// refuse closes the attempt, and returns the one safe page for the person. What was wanted and what came stays in the attempt;
// the log gets code and reference. An error that is no refusal (Redis or the database is gone) answers 503.
func (g *Gateway) refuse(r *http.Request, a attempt, err error) error {
	refusal := asRefusal(err)
	a.Finished, a.Verdict = g.o.Now(), audit.Refused
	a.Code, a.Want, a.Got, a.Fix = refusal.Code, refusal.Want, refusal.Got, refusal.Fix
	if refusal.Checks != nil {
		a.Checks = refusal.Checks
	}
	if refusal.Claims != nil {
		a.Claims = refusal.Claims
	}
	if n := len(a.Checks); n == 0 || a.Checks[n-1].OK { // the list ends with the check that failed
		a.Checks = append(a.Checks, audit.Check{Name: refusal.Code, Section: refusal.Section, Want: refusal.Want, Got: refusal.Got})
	}
	g.o.Attempts.Save(a.Attempt)
	g.metrics.ended(a.Attempt)
	web.Note(r.Context(), "ref", a.Ref)
	web.Note(r.Context(), "code", a.Code)
	var page *web.Error
	if errors.As(err, &page) {
		page.Ref = a.Ref
		return page
	}
	status, code := pageFor(refusal)
	return &web.Error{Status: status, Code: code, Ref: a.Ref, RetryURL: a.retry(), Err: refusal}
}

func (g *Gateway) succeed(r *http.Request, a attempt, m directory.Member) {
	a.Finished, a.Verdict, a.MemberID = g.o.Now(), audit.Succeeded, m.ID
	a.Checks = append(a.Checks, audit.Check{Name: "member", Want: "a member in use", Got: string(m.Status), OK: true})
	g.o.Attempts.Save(a.Attempt)
	g.metrics.ended(a.Attempt)
	web.Note(r.Context(), "ref", a.Ref)
	web.Note(r.Context(), "member", m.ID)
}

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
	var page *web.Error
	if errors.As(err, &page) {
		return &Refusal{Code: page.Code, Fix: audit.FixOperator, Err: err}
	}
	if errors.Is(err, directory.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		return &Refusal{Code: "unavailable", Fix: audit.FixOperator, Err: err}
	}
	return &Refusal{Code: "internal", Fix: audit.FixOperator, Err: err}
}

// pageFor chooses what the person sees. Reasons that would tell a stranger something about members or set-up share a page.
func pageFor(r *Refusal) (status int, code string) {
	switch {
	case r.Code == "unavailable":
		return http.StatusServiceUnavailable, "unavailable"
	case r.Code == "internal", strings.HasSuffix(r.Code, "_internal"):
		return http.StatusInternalServerError, "internal"
	case r.Code == "cookie_blocked":
		return http.StatusBadRequest, "cookie_missing"
	case r.Code == "state_lost", r.Code == "connection_changed", r.Code == "login_late", r.Code == "saml_replayed":
		return http.StatusBadRequest, "login_expired"
	case strings.HasPrefix(r.Code, "user_"), r.Code == "account_foreign", r.Code == "domain_disabled":
		return http.StatusForbidden, "not_a_member"
	case strings.HasPrefix(r.Code, "idp_"):
		return http.StatusBadGateway, "idp_unreachable"
	case r.Code == "oauth_provider_error", r.Code == "saml_idp_status":
		return http.StatusForbidden, "idp_error"
	default:
		return http.StatusForbidden, "login_refused"
	}
}

func protocolOf(c directory.Connection) string {
	switch c.Type {
	case directory.SAML:
		return "saml"
	case directory.OAuth:
		return "oauth-" + string(c.OAuth.Profile)
	}
	return ""
}

// cut shortens a text to at most n bytes without breaking a letter.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
