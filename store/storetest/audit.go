package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
)

func anAttempt(ref, domain string, at time.Time) audit.Attempt {
	return audit.Attempt{
		Ref: ref, DomainID: "dom_" + domain, Domain: domain, Revision: 2, Protocol: "saml", Initiator: "sp", Started: at, Finished: at.Add(time.Second),
		Expires: at.Add(time.Hour), Address: "192.0.2.1", UserAgent: "Browser", AccessURL: "https://board.example.com/", Asked: map[string]string{"id": "_1"},
		Claims: map[string][]string{"mail": {"a", "b"}}, Checks: []audit.Check{{Name: "audience", Want: "x", Got: "y"}}, Verdict: audit.Refused,
		Code: "saml_bad_audience", Want: "x", Got: "y", Fix: audit.FixIdentityProvider, RequestIDs: []string{"r1"},
	}
}

func testAttempts(t *testing.T, s Node) {
	ctx := t.Context()
	check(t, s.SaveAttempts(ctx, nil))
	want := anAttempt("R1", "mycompany.com", noon)
	check(t, s.SaveAttempts(ctx, []audit.Attempt{want}))
	same(t, "stored", must[audit.Attempt](t)(s.Attempt(ctx, "R1")), want)
	for _, ref := range []string{"none", "", "R1\x00"} {
		_, err := s.Attempt(ctx, ref)
		wantErr(t, "unknown reference", err, audit.ErrNotFound)
		wantErr(t, "unknown reference", err, directory.ErrNotFound)
	}
	started := want
	started.Verdict, started.Code = audit.Started, ""
	check(t, s.SaveAttempts(ctx, []audit.Attempt{started}))
	same(t, "an ended attempt does not start again", must[audit.Attempt](t)(s.Attempt(ctx, "R1")), want)
	want.Verdict, want.MemberID = audit.Succeeded, "mem_1"
	check(t, s.SaveAttempts(ctx, []audit.Attempt{want}))
	same(t, "replaced", must[audit.Attempt](t)(s.Attempt(ctx, "R1")), want)

	first, last := anAttempt("R2", "mycompany.com", noon), anAttempt("R2", "mycompany.com", noon.Add(time.Minute))
	many := []audit.Attempt{first, last}
	for i := range 250 {
		many = append(many, anAttempt(fmt.Sprint("M", i), "other.com", noon))
	}
	check(t, s.SaveAttempts(ctx, many))
	same(t, "the later of two in one batch", must[audit.Attempt](t)(s.Attempt(ctx, "R2")).Started, last.Started)
	same(t, "many at once", len(must[[]audit.Attempt](t)(s.Attempts(ctx, audit.AttemptFilter{DomainID: "dom_other.com", Limit: 500}))), 250)
}

func testAttemptFilters(t *testing.T, s Node) {
	ctx := t.Context()
	now := time.Now().UTC().Truncate(time.Microsecond)
	put := func(ref, domain string, ago time.Duration, v audit.Verdict, code string, expires time.Time) {
		a := anAttempt(ref, domain, now.Add(-ago))
		a.Verdict, a.Code, a.Expires = v, code, expires
		check(t, s.SaveAttempts(ctx, []audit.Attempt{a}))
	}
	put("A", "a.com", 4*time.Hour, audit.Succeeded, "", now)
	put("B", "a.com", 3*time.Hour, audit.Refused, "x", now)
	put("C", "b.com", 2*time.Hour, audit.Started, "", now.Add(-time.Hour)) // never came back
	put("D", "b.com", 1*time.Hour, audit.Started, "", now.Add(time.Hour))
	put("E", "b.com", 0, audit.Refused, "y", now)
	for _, c := range []struct {
		what string
		f    audit.AttemptFilter
		want string
	}{
		{"all, newest first", audit.AttemptFilter{}, "EDCBA"},
		{"a page", audit.AttemptFilter{Limit: 2}, "ED"},
		{"the page after", audit.AttemptFilter{Limit: 2, Before: now.Add(-time.Hour)}, "CB"},
		{"of a domain", audit.AttemptFilter{DomainID: "dom_a.com"}, "BA"},
		{"refused", audit.AttemptFilter{Verdict: audit.Refused}, "EB"},
		{"of a code", audit.AttemptFilter{Code: "y"}, "E"},
		{"still under way", audit.AttemptFilter{Verdict: audit.Started}, "D"},
		{"expired", audit.AttemptFilter{Verdict: audit.Expired}, "C"},
		{"of a domain and verdict", audit.AttemptFilter{DomainID: "dom_a.com", Verdict: audit.Refused}, "B"},
	} {
		got := ""
		for _, a := range must[[]audit.Attempt](t)(s.Attempts(ctx, c.f)) {
			got += a.Ref
		}
		same(t, c.what, got, c.want)
	}
	same(t, "verdict of what never came back", must[audit.Attempt](t)(s.Attempt(ctx, "C")).Verdict, audit.Expired)
}

func testAttemptTrimming(t *testing.T, s Node) {
	ctx := t.Context()
	var as []audit.Attempt
	for i := range 1500 {
		as = append(as, anAttempt(fmt.Sprintf("old%04d", i), "a.com", noon.Add(-time.Hour)))
	}
	for i := range 7 {
		as = append(as, anAttempt(fmt.Sprint("a", i), "a.com", noon.Add(time.Duration(i)*time.Second)))
		as = append(as, anAttempt(fmt.Sprint("tie", i), "b.com", noon))
	}
	as = append(as, anAttempt("c", "c.com", noon))
	check(t, s.SaveAttempts(ctx, as))
	same(t, "removed", must[int64](t)(s.TrimAttempts(ctx, noon, 5)), int64(1500+2+2))
	left := ""
	for _, a := range must[[]audit.Attempt](t)(s.Attempts(ctx, audit.AttemptFilter{DomainID: "dom_a.com"})) {
		left += a.Ref
	}
	same(t, "the newest of a domain stay", left, "a6a5a4a3a2")
	same(t, "of one moment", len(must[[]audit.Attempt](t)(s.Attempts(ctx, audit.AttemptFilter{DomainID: "dom_b.com"}))), 5)
	same(t, "a second time", must[int64](t)(s.TrimAttempts(ctx, noon, 5)), int64(0))
}

func testEvents(t *testing.T, s Node) {
	ctx := t.Context()
	var want []audit.Event
	for i := range 3 {
		e := audit.Event{Time: noon, DomainID: "dom_a.com", Actor: "operator:cli", Action: "a", Target: fmt.Sprint(i), Detail: map[string]string{"k": "v"}}
		check(t, s.Append(ctx, e))
		want = append([]audit.Event{e}, want...)
	}
	check(t, s.Append(ctx, audit.Event{Time: noon.Add(-time.Second), DomainID: "dom_b.com", Action: "b"}))
	same(t, "of a domain, newest first", must[[]audit.Event](t)(s.Events(ctx, "dom_a.com", 0)), want)
	same(t, "at most two", len(must[[]audit.Event](t)(s.Events(ctx, "dom_a.com", 2))), 2)
	same(t, "all", len(must[[]audit.Event](t)(s.Events(ctx, "", 0))), 4)
}

func testTransactions(t *testing.T, s Node) {
	ctx := t.Context()
	stop := errors.New("stop")
	err := s.Transact(ctx, func(ctx context.Context) error {
		check(t, s.PutDomain(ctx, aDomain("a.com")))
		check(t, s.Append(ctx, audit.Event{Time: noon, Action: "domain.added"}))
		same(t, "a transaction sees its own", must[directory.Domain](t)(s.DomainByName(ctx, "a.com")).Name, "a.com")
		check(t, s.Transact(ctx, func(ctx context.Context) error { return s.PutDomain(ctx, aDomain("b.com")) }))
		return stop
	})
	wantErr(t, "its own error", err, stop)
	same(t, "domains", len(must[[]directory.Domain](t)(s.Domains(ctx, "", 0))), 0)
	same(t, "events", len(must[[]audit.Event](t)(s.Events(ctx, "", 0))), 0)
	check(t, s.Transact(ctx, func(ctx context.Context) error { return s.PutDomain(ctx, aDomain("a.com")) }))
	same(t, "committed", len(must[[]directory.Domain](t)(s.Domains(ctx, "", 0))), 1)

	func() {
		defer func() { recover() }()
		s.Transact(ctx, func(ctx context.Context) error {
			check(t, s.PutDomain(ctx, aDomain("c.com")))
			panic("a programming error")
		})
	}()
	same(t, "after a panic", len(must[[]directory.Domain](t)(s.Domains(ctx, "", 0))), 1)
}

func testCancelled(t *testing.T, s Node) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.DomainByName(ctx, "a.com")
	wantErr(t, "read", err, context.Canceled)
	wantErr(t, "write", s.PutDomain(ctx, aDomain("a.com")), context.Canceled)
	check(t, s.PutDomain(t.Context(), aDomain("a.com")))
}
