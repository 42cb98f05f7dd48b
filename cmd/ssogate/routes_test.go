package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/testidp"
)

// openTestDemo is the demo's world, served until the test ends.
func openTestDemo(t *testing.T) *demo {
	t.Helper()
	d, err := openDemo(t.Context(), 0, quietLog(discard{}))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- d.server.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-done; err != nil { // the context of a test ends before its clean-up
			t.Error(err)
		}
		d.close()
	})
	return d
}

// Every route of the real table names its guard, and the table is all that the design lists.
func TestRouteTable(t *testing.T) {
	d := openTestDemo(t)
	guards := map[string]string{}
	for _, r := range d.server.mux.Routes() {
		if r.Guard == "" {
			t.Errorf("%s has no guard", r.Pattern)
		}
		guards[r.Pattern] = r.Guard
	}
	for pattern, guard := range map[string]string{
		"GET /login":                     "public",
		"GET /d/login/{domain}":          "public",
		"POST /acs/{domain}":             "cross-site-post",
		"POST /acs/{domain}/continue":    "same-origin",
		"GET /oauth/{domain}/callback":   "public",
		"GET /saml/{domain}/metadata":    "public",
		"GET /d/logout/{domain}":         "public",
		"POST /d/logout/{domain}":        "same-origin",
		"POST /login/check/{sessionKey}": "cross-site-post",
		"GET /auth/verify":               "public",
		"GET /.well-known/jwks.json":     "public",
		"GET /healthz":                   "public",
		"GET /readyz":                    "public",
	} {
		if guards[pattern] != guard {
			t.Errorf("%s has the guard %q, want %q", pattern, guards[pattern], guard)
		}
	}
	for pattern, guard := range guards { // whatever changes something is guarded against other sites, or checks by itself
		if !strings.HasPrefix(pattern, "GET ") && guard == "public" {
			t.Errorf("%s is public", pattern)
		}
	}
	if len(guards) < 15 {
		t.Errorf("the table has only %d routes", len(guards))
	}
}

// Every answer, whatever the route, carries the headers that keep a page from being framed, sniffed or cached.
func TestHeadersOnEveryRoute(t *testing.T) {
	d := openTestDemo(t)
	for _, r := range d.server.mux.Routes() {
		method, pattern, ok := strings.Cut(r.Pattern, " ")
		if !ok { // any method
			method, pattern = http.MethodGet, r.Pattern
		}
		path := strings.NewReplacer("{domain}", "saml-key.example", "{sessionKey}", "x", "{name}", "app.css", "{$}", "", "{path...}", "some/page").Replace(pattern)
		req, err := http.NewRequestWithContext(t.Context(), method, d.server.conf.PublicURL.String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		for header, want := range map[string]string{
			"X-Content-Type-Options":  "nosniff",
			"X-Frame-Options":         "DENY",
			"Content-Security-Policy": "default-src 'none'",
			"X-Request-Id":            "",
		} {
			if got := resp.Header.Get(header); got == "" || !strings.Contains(got, want) {
				t.Errorf("%s: %s is %q", r.Pattern, header, got)
			}
		}
		if cache := resp.Header.Get("Cache-Control"); !strings.Contains(cache, "no-store") && !strings.Contains(path, "/static/") {
			t.Errorf("%s: Cache-Control is %q", r.Pattern, cache)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// The operator sees where somebody is signed in and what was tried, and ends it, while the gateway runs.
func TestCommandsBesideARunningGateway(t *testing.T) {
	d := openTestDemo(t)
	environ := []string{"SSOGATE_DATA_DIR=" + d.dir, "SSOGATE_PUBLIC_URL=" + d.server.conf.PublicURL.String()}
	command := func(args ...string) string {
		t.Helper()
		var out, log strings.Builder
		if code := run(t.Context(), args, environ, &out, &log); code != 0 {
			t.Fatalf("ssogate %v ends with %d: %s%s", args, code, out.String(), log.String())
		}
		return out.String()
	}
	b := &testidp.Browser{}
	screen, err := b.SignIn(t.Context(), d.loginURL("oidc.example"), "taro")
	if err != nil || !strings.HasPrefix(screen.URL.String(), d.services[0].url) {
		t.Fatalf("signed in: %v at %v", err, screen)
	}
	signedIn := func() bool {
		s, err := b.Open(t.Context(), d.server.conf.PublicURL.String()+"/auth/verify")
		if err != nil {
			t.Fatal(err)
		}
		return s.Status == http.StatusOK
	}
	var sessions []struct{ ID, M string }
	if err := json.Unmarshal([]byte(command("--json", "session", "list", "oidc.example", "taro@oidc.example")), &sessions); err != nil || len(sessions) != 1 {
		t.Fatalf("%d sessions, %v", len(sessions), err)
	}
	command("session", "end", "oidc.example", "taro@oidc.example", sessions[0].ID)
	if signedIn() {
		t.Error("still signed in after the session was ended")
	}

	refused, err := (&testidp.Browser{}).SignIn(t.Context(), d.loginURL("saml-key.example"), "stranger")
	if err != nil {
		t.Fatal(err)
	}
	ref := regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}`).FindString(refused.Body)
	if err := d.server.attempts.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	shown := command("login", "show", strings.ToLower(ref))
	for _, want := range []string{"user_unknown", "emp-9999", "domain-admin", "check: ", "REFUSED"} {
		if !strings.Contains(shown, want) {
			t.Errorf("login show does not say %q:\n%s", want, shown)
		}
	}
	list := command("login", "list", "--domain", "saml-key.example", "--verdict", "refused", "--code", "user_unknown")
	if !strings.Contains(list, ref) {
		t.Errorf("login list does not name %s:\n%s", ref, list)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
