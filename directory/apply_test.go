package directory_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/ssogate/ssogate/directory"
)

const document = `
services:
  - name: board
    access_hosts: [board.example.com, "*.corp.example"]
domains:
  - name: MyCompany.com
    user_key: account
    language: ja-JP
    time_zone: Asia/Tokyo
    session_idle: 30m
    session_absolute: 12h
    just_in_time: true
    logout_redirection_domains: [www.mycompany.com]
    connection:
      type: oauth
      oauth:
        profile: oidc
        client_id: client
        client_secret: hunter2
        issuer: https://idp.example
        scopes: [openid, email]
    members:
      - account: Taro@mycompany.com
        external_key: E-1
        family_name: 山田
        given_name: 太郎
        super_admin: true
      - account: hanako@mycompany.com
        given_name: 花子
        status: suspended
  - name: saml.example
    sso: false
    connection:
      type: saml
      saml:
        entity_id: https://idp.example/entity
        sso_url: https://idp.example/sso
        binding: post
        insecure_sha1_until: 2027-01-01T00:00:00Z
        certificates:
          - |
CERTIFICATE
    members:
      - account: jiro@saml.example
        given_name: 次郎
        private_email: jiro@home.example
`

func wanted(t *testing.T, text string) directory.Wanted {
	t.Helper()
	pem := "            " + strings.ReplaceAll(strings.TrimSpace(certificate(t, p256(t))), "\n", "\n            ")
	return decoded(t, strings.ReplaceAll(text, "CERTIFICATE\n    members", pem+"\n    members"))
}

func decoded(t *testing.T, text string) directory.Wanted {
	t.Helper()
	var w directory.Wanted
	if err := yaml.UnmarshalWithOptions([]byte(text), &w, yaml.Strict()); err != nil {
		t.Fatal(yaml.FormatError(err, false, true))
	}
	return w
}

// told is "kind name action" of every change that is one.
func told(changes []directory.Change) (out []string) {
	for _, c := range changes {
		if c.Action != directory.ActionNone {
			out = append(out, fmt.Sprint(c.Kind, " ", c.Name, " ", c.Action))
		}
	}
	return out
}

func TestApply(t *testing.T) {
	h := newHouse(t)
	w := wanted(t, document)
	planned, err := h.Plan(t.Context(), w)
	check(t, err)
	same(t, "a plan changes nothing", h.actions(t), []string(nil))
	done, err := h.Apply(t.Context(), actor, w)
	check(t, err)
	same(t, "done as planned", told(done), told(planned))
	same(t, "changes", told(done), []string{
		"service board add", "domain mycompany.com add", "connection mycompany.com activate", "member taro@mycompany.com add", "member hanako@mycompany.com add",
		"domain saml.example add", "connection saml.example activate", "member jiro@saml.example add",
	})

	d, err := h.Domain(t.Context(), "mycompany.com")
	check(t, err)
	same(t, "domain", []any{d.SSO, d.UserKey, d.Language, d.SessionIdle, d.SessionAbsolute, d.JustInTime, d.LogoutRedirectionDomains},
		[]any{true, directory.ByAccount, "ja-JP", 30 * time.Minute, 12 * time.Hour, true, []string{"www.mycompany.com"}})
	live, err := h.Live(t.Context(), d.ID)
	check(t, err)
	same(t, "connection", []any{live.Revision, live.OAuth.ClientSecret}, []any{1, "hunter2"})
	m, err := h.FindMember(t.Context(), d.ID, "taro@mycompany.com")
	check(t, err)
	same(t, "member", []any{m.ExternalKey, m.SuperAdmin, m.Status, m.Language}, []any{"E-1", true, directory.StatusInUse, "ja-JP"})
	m, err = h.FindMember(t.Context(), d.ID, "hanako@mycompany.com")
	check(t, err)
	same(t, "suspended", m.Status, directory.StatusSuspended)

	events := len(h.actions(t))
	again, err := h.Apply(t.Context(), actor, w)
	check(t, err)
	same(t, "a second time", told(again), []string(nil))
	same(t, "all are told", len(again), len(done))
	same(t, "events of a second time", len(h.actions(t)), events)
	same(t, "sessions ended", h.ends(), []string(nil))
	for _, changes := range [][]directory.Change{planned, done, again} {
		if text, _ := json.Marshal(changes); strings.Contains(string(text), "hunter2") {
			t.Error("a change holds the secret")
		}
	}
}

func TestApplyChanges(t *testing.T) {
	h := newHouse(t)
	w := wanted(t, document)
	_, err := h.Apply(t.Context(), actor, w)
	check(t, err)
	d, err := h.Domain(t.Context(), "mycompany.com")
	check(t, err)
	apply := func(text string) []directory.Change {
		t.Helper()
		changes, err := h.Apply(t.Context(), actor, decoded(t, text))
		check(t, err)
		return changes
	}
	same(t, "a name alone changes nothing", told(apply("domains: [{name: mycompany.com}]")), []string(nil))

	changes := apply(`domains: [{name: mycompany.com, members: [{account: taro@mycompany.com, nick_name: T}, {account: hanako@mycompany.com, status: in_use}]}]`)
	same(t, "members", told(changes), []string{"member taro@mycompany.com update", "member hanako@mycompany.com update"})
	same(t, "fields", changes[1].Fields, []directory.FieldChange{{Name: "nick_name", New: "T"}})
	same(t, "sessions", h.ends(), []string(nil))
	m, err := h.FindMember(t.Context(), d.ID, "taro@mycompany.com")
	check(t, err)
	same(t, "what is not mentioned stays", []string{m.ExternalKey, m.FamilyName}, []string{"E-1", "山田"})

	changes = apply(`domains: [{name: mycompany.com, connection: {type: oauth, oauth: {profile: oidc, client_id: client, issuer: https://idp.example, scopes: [openid, email]}}}]`)
	same(t, "without its secret the connection is the same", told(changes), []string(nil))
	changes = apply(`domains: [{name: mycompany.com, connection: {type: oauth, oauth: {profile: oidc, client_id: client, client_secret: newer, issuer: https://idp.example, scopes: [openid]}}}]`)
	same(t, "connection", told(changes), []string{"connection mycompany.com activate"})
	same(t, "fields", changes[1].Fields, []directory.FieldChange{
		{Name: "oauth.client_secret", Old: "set", New: "changed"}, {Name: "oauth.scopes", Old: `["openid","email"]`, New: `["openid"]`}})
	live, err := h.Live(t.Context(), d.ID)
	check(t, err)
	same(t, "a new revision", []any{live.Revision, live.OAuth.ClientSecret}, []any{2, "newer"})

	changes = apply(`domains: [{name: mycompany.com, disabled: true, just_in_time: false, session_idle: 0s, logout_redirection_domains: []}]`)
	same(t, "fields", changes[0].Fields, []directory.FieldChange{{Name: "disabled", Old: "false", New: "true"}, {Name: "just_in_time", Old: "true", New: "false"},
		{Name: "logout_redirection_domains", Old: `["www.mycompany.com"]`}, {Name: "session_idle", Old: "30m0s"}})
	same(t, "sessions", h.ends(), []string{"domain"})
	changes = apply(`domains: [{name: saml.example, sso: true, members: [{account: jiro@saml.example, external_key: E-9}]}]`)
	same(t, "switching on", told(changes), []string{"domain saml.example update", "member jiro@saml.example update"})
	d, err = h.Domain(t.Context(), "saml.example")
	check(t, err)
	m, err = h.FindMember(t.Context(), d.ID, "externalKey:E-9")
	check(t, err)
	same(t, "the pending member", m.Status, directory.StatusInUse)
}

// TestApplyFaults: all at once, with their places, and nothing is done.
func TestApplyFaults(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com", SSO: true})
	h.member(t, taro(d))
	w := decoded(t, `
services: [{name: Board!, access_hosts: []}, {name: a, access_hosts: [a.com]}, {name: a, access_hosts: ["*"]}]
domains:
  - name: mycompany.com
    language: xx
    connection: {type: oauth, oauth: {profile: works, client_secret_file: secret.txt}}
    members:
      - {account: jiro@other.com, given_name: J, external_key: "E/2"}
      - {account: taro@mycompany.com, status: pending}
      - {account: saburo@mycompany.com, given_name: S, external_key: E-1}
      - {account: shiro@mycompany.com, given_name: S, external_key: E-4}
      - {account: Shiro@mycompany.com, given_name: S, external_key: E-4}
  - name: MYCOMPANY.com
  - name: new.com
    sso: false
    connection: {type: saml, saml: {metadata: <x/>}}
    members: [{account: a, super_admin: true}, {account: bb@new.com, given_name: B, super_admin: true}]
`)
	events := h.actions(t)
	_, err := h.Apply(t.Context(), actor, w)
	same(t, "faults", faults(err), []string{
		"services[0].name pattern", "services[0].access_hosts required", "services[2].access_hosts[0] pattern", "services[2].name duplicate",
		"domains[0].language unknown_value", "domains[0].connection.oauth.client_secret_file mismatch",
		"domains[0].connection.oauth.client_id required", "domains[0].connection.oauth.client_secret required", "domains[0].connection.oauth.auth_url required",
		"domains[0].connection.oauth.token_url required", "domains[0].connection.oauth.user_info_url required",
		"domains[0].members[0].account foreign_domain", "domains[0].members[0].external_key pattern",
		"domains[0].members[1].status transition", "domains[0].members[2].external_key duplicate",
		"domains[0].members[4].account duplicate", "domains[0].members[4].external_key duplicate",
		"domains[1].name duplicate", "domains[2].connection.saml.metadata mismatch", "domains[2].connection.saml.entity_id required",
		"domains[2].connection.saml.sso_url required", "domains[2].connection.saml.certificates required",
		"domains[2].members[0].account pattern", "domains[2].members[0].account range", "domains[2].members[0].name required", "domains[2].members[0].private_email required",
		"domains[2].members[1].super_admin duplicate", "domains[2].members[1].private_email required",
	})
	if _, planErr := h.Plan(t.Context(), w); fmt.Sprint(planErr) != fmt.Sprint(err) {
		t.Errorf("the plan says something else: %v", planErr)
	}
	same(t, "events", h.actions(t), events)
}

// TestApplyIsWhole: what fails late takes back what was done before.
func TestApplyIsWhole(t *testing.T) {
	h := newHouse(t)
	d := h.domain(t, directory.Domain{Name: "mycompany.com", SSO: true})
	boss := taro(d)
	boss.SuperAdmin = true
	h.member(t, boss)
	_, err := h.Apply(t.Context(), actor, decoded(t, `
domains:
  - {name: first.com}
  - {name: mycompany.com, members: [{account: jiro@mycompany.com, given_name: J, external_key: E-2, super_admin: true}]}
`))
	if err == nil || !strings.HasPrefix(err.Error(), "domains[1].members[0]: ") {
		t.Errorf("a second Super Admin: %v, want an error with its place", err)
	}
	if _, err := h.Domain(t.Context(), "first.com"); err == nil {
		t.Error("the first half was done")
	}
}

func TestSpan(t *testing.T) {
	var w directory.WantedDomain
	if err := yaml.Unmarshal([]byte("session_idle: 90 minutes"), &w); err == nil || !strings.Contains(err.Error(), "not a length of time") {
		t.Errorf("got %v, want words about lengths of time", err)
	}
	text, err := directory.Span(90 * time.Minute).MarshalText()
	check(t, err)
	same(t, "written", string(text), "1h30m0s")
}
