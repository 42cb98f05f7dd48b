package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ssogate/ssogate/testidp"
)

// once signs in to every domain as a browser would, says each step, and fails unless every sign-in reached the service as
// the right member, and the stranger reached none.
func (d *demo) once(ctx context.Context, w io.Writer) error {
	failed := 0
	for _, each := range d.domains {
		fmt.Fprintf(w, "%s (%s)\n", each.name, each.kind)
		if err := d.signIn(ctx, w, each); err != nil {
			failed++
			fmt.Fprintf(w, "  FAILED: %v\n", err)
			continue
		}
		fmt.Fprintf(w, "  ok: the service sees %s\n", each.account)
	}
	fmt.Fprintf(w, "%d of %d domains signed in\n", len(d.domains)-failed, len(d.domains))
	if failed > 0 {
		return fmt.Errorf("demo: %d of %d sign-ins failed", failed, len(d.domains))
	}
	return nil
}

func (d *demo) signIn(ctx context.Context, w io.Writer, each demoDomain) error {
	b := &testidp.Browser{Visit: func(v testidp.Visited) {
		to, _, _ := strings.Cut(v.To, "?")
		if to != "" {
			to = " → " + to
		}
		fmt.Fprintf(w, "  %-4s %s://%s%s %d%s\n", v.Method, v.URL.Scheme, v.URL.Host, v.URL.Path, v.Status, to)
	}}
	screen, err := b.SignIn(ctx, d.loginURL(each.name), each.login)
	if err != nil {
		return err
	}
	if screen.Status != http.StatusOK || !strings.HasPrefix(screen.URL.String(), d.services[0].url) {
		return fmt.Errorf("ended at %s with status %d", screen.URL, screen.Status)
	}
	if !strings.Contains(screen.Body, each.account) {
		return fmt.Errorf("the service does not see %s", each.account)
	}
	if screen, err = b.Open(ctx, d.services[1].url+"/"); err != nil {
		return err
	}
	if !strings.Contains(screen.Body, each.account) {
		return fmt.Errorf("the second service does not know the session")
	}
	return d.refuseStranger(ctx, w, each)
}

// refuseStranger signs in somebody whom the identity provider knows and the directory does not.
func (d *demo) refuseStranger(ctx context.Context, w io.Writer, each demoDomain) error {
	screen, err := (&testidp.Browser{}).SignIn(ctx, d.loginURL(each.name), "stranger")
	if err != nil {
		return err
	}
	if screen.Status != http.StatusForbidden {
		return fmt.Errorf("somebody unknown got status %d at %s", screen.Status, screen.URL)
	}
	fmt.Fprintf(w, "  somebody who is no member is refused: %d\n", screen.Status)
	return nil
}
