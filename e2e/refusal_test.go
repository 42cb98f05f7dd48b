package e2e_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/e2e"
)

var reference = regexp.MustCompile(`^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$`)

// refusedPage expects the one safe page: nothing of the message, nobody signed in, and a reference number under which the
// operator finds the code. It returns what the operator is told.
func refusedPage(t *testing.T, g *e2e.Gateway, b *e2e.Browser, tab *e2e.Tab, code string) string {
	t.Helper()
	tab.WaitForURL(g.URL)
	tab.WaitFor("#reference")
	ref := tab.Text("#reference")
	if !reference.MatchString(ref) {
		t.Fatalf("reference number: got %q", ref)
	}
	body := tab.HTML()
	for _, secret := range []string{user, "stranger", "SAMLResponse", "Assertion", "localhost", code} {
		if strings.Contains(body, secret) {
			t.Errorf("the page for the person tells %q", secret)
		}
	}
	if got := g.Verify(b); got.Status != 401 {
		t.Errorf("after a refusal /auth/verify answers %d", got.Status)
	}
	var told string
	eventually(t, "the operator reads "+code, func() bool { // attempts are stored behind the answer
		var err error
		told, err = g.Try("login", "show", ref)
		return err == nil && strings.Contains(told, code)
	})
	return told
}

// eventually waits until something holds that another process brings about within a second or so.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("it never came about that %s", what)
		case <-tick.C:
		}
	}
}
