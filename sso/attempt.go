package sso

import (
	"fmt"
	"net/http"
	"net/url"
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
// the log gets code and reference. An error that is no refusal answers 503 when Redis or the database is gone, otherwise 500.
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
	status, code := pageFor(a.Code)
	page := &web.Error{Status: status, Code: code, Ref: a.Ref, RetryURL: a.retry(), Err: refusal}
	switch a.Code {
	case "unavailable":
		page.RetryAfter, page.Err = patience, fmt.Errorf("%w: %w", refusal, refusal.Err)
	case "internal": // the operator has nothing else to go by
		page.Err = fmt.Errorf("%w: %w", refusal, refusal.Err)
	case "access_url_refused": // trying again would only be refused again
		page.RetryURL = ""
	}
	return page
}

func (g *Gateway) succeed(r *http.Request, a attempt, m directory.Member) {
	a.Finished, a.Verdict, a.MemberID = g.o.Now(), audit.Succeeded, m.ID
	a.Checks = append(a.Checks, audit.Check{Name: "member", Want: "a member in use", Got: string(m.Status), OK: true})
	g.o.Attempts.Save(a.Attempt)
	g.metrics.ended(a.Attempt)
	web.Note(r.Context(), "ref", a.Ref)
	web.Note(r.Context(), "member", m.ID)
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

// shown is a value in a trace, which has no empty cells.
func shown(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
