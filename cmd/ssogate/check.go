package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/config"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/saml"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/sso"
)

// finding is one thing check looked at. Do says what to do, empty when all is well.
type finding struct {
	Subject string `json:"subject"`
	State   string `json:"state"` // ok, warning or fault
	Text    string `json:"text"`
	Do      string `json:"do,omitempty"`
}

// report collects findings.
type report struct{ findings []finding }

func (r *report) ok(subject, text string)        { r.add(subject, "ok", text, "") }
func (r *report) warn(subject, text, do string)  { r.add(subject, "warning", text, do) }
func (r *report) fault(subject, text, do string) { r.add(subject, "fault", text, do) }
func (r *report) add(subject, state, text, do string) {
	r.findings = append(r.findings, finding{Subject: subject, State: state, Text: text, Do: do})
}

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Verify this installation: configuration, Redis, database, keys, every connection", Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := a.load()
			if err != nil {
				return err
			}
			var r report
			r.ok("configuration", "public URL "+conf.PublicURL.String())
			r.installation(c.Context(), conf)
			if err := a.show(c, r.findings, r.table); err != nil {
				return err
			}
			for _, f := range r.findings {
				if f.State == "fault" {
					return errors.New("check found faults")
				}
			}
			return nil
		},
	}
}

func (r *report) table(t io.Writer) {
	for _, f := range r.findings {
		row(t, strings.ToUpper(f.State), f.Subject, f.Text)
		if f.Do != "" {
			row(t, "", "", "→ "+f.Do)
		}
	}
}

func (r *report) installation(ctx context.Context, conf *config.Config) {
	n, err := openNode(ctx, conf, forCommands, quietLog(os.Stderr))
	if err != nil {
		r.fault("database", err.Error(), "see database.url and the keys section of the configuration")
		return
	}
	defer n.Close()
	if err := n.store.Ping(ctx); err != nil {
		r.fault("database", err.Error(), "start the database or correct database.url")
		return
	}
	r.ok("database", "reachable, migrations are current")
	r.state(ctx, n)
	r.services(ctx, n)
	r.domains(ctx, n)
}

func (r *report) state(ctx context.Context, n *node) {
	const what = "session state"
	state, err := n.openSharedState(ctx)
	if errors.Is(err, os.ErrNotExist) {
		r.ok(what, "embedded, made at the first start of serve (one process only; several nodes need redis.mode)")
		return
	}
	if err != nil {
		r.fault(what, err.Error(), "see the redis section of the configuration")
		return
	}
	defer state.Close()
	found := session.Check(ctx, state)
	if len(found) == 0 {
		r.ok(what, "reachable")
	}
	for _, f := range found {
		if f.Fault {
			r.fault(what, f.Text, "start Redis, or correct the redis section; set maxmemory-policy noeviction")
		} else {
			r.ok(what, f.Text)
		}
	}
}

func (r *report) services(ctx context.Context, n *node) {
	stored, err := n.directory.Services(ctx)
	if err != nil {
		r.fault("services", err.Error(), "")
		return
	}
	if len(stored)+len(n.conf.Services) == 0 {
		r.warn("services", "none: every accessUrl is refused", "name them under services: in the configuration or in ssogate apply")
		return
	}
	r.ok("services", fmt.Sprintf("%d known", len(stored)+len(n.conf.Services)))
}

func (r *report) domains(ctx context.Context, n *node) {
	for after := ""; ; {
		page, err := n.directory.Domains(ctx, after, 500)
		if err != nil {
			r.fault("domains", err.Error(), "")
			return
		}
		for _, d := range page {
			r.domain(ctx, n, d)
		}
		if len(page) < 500 {
			return
		}
		after = page[len(page)-1].Name
	}
}

func (r *report) domain(ctx context.Context, n *node, d directory.Domain) {
	if d.Disabled {
		r.warn(d.Name, "disabled: refused on every path", "ssogate domain set "+d.Name+" --disabled=false")
		return
	}
	live, err := n.directory.Live(ctx, d.ID)
	if errors.Is(err, directory.ErrNotFound) {
		r.warn(d.Name, "no live connection: nobody can sign in", "ssogate connection draft, then ssogate connection activate "+d.Name)
		return
	}
	if err != nil {
		r.fault(d.Name, err.Error(), "was the master key changed? name the earlier one under keys.previous")
		return
	}
	if !d.SSO {
		r.warn(d.Name, "has a live connection, but SSO is off", "ssogate domain set "+d.Name+" --sso")
	}
	if live.Type == directory.SAML {
		r.saml(ctx, n, d, live.SAML)
		return
	}
	r.oauth(ctx, n, d, live.OAuth)
}

func (r *report) saml(ctx context.Context, n *node, d directory.Domain, s *directory.SAMLSettings) {
	if _, err := n.keys().SAML(ctx, d); err != nil {
		r.fault(d.Name, "service provider key: "+err.Error(), "was the master key changed? name the earlier one under keys.previous")
		return
	}
	texts := s.Certificates
	if s.MetadataURL != "" {
		m, err := n.refresher().Fetch(ctx, d.ID, *s)
		if err != nil {
			r.fault(d.Name, "metadata cannot be fetched: "+explained(err).Error(), "is the address right, and allowed by the outbound section? the last good copy stays in use")
			return
		}
		idp, err := saml.ParseMetadata(m.XML, n.now())
		if err != nil {
			r.fault(d.Name, explained(err).Error(), "correct the identity provider's metadata")
			return
		}
		for _, w := range idp.Warnings {
			r.warn(d.Name, w, "")
		}
	}
	for _, text := range texts {
		certs, _ := saml.ParseCertificates(text)
		for _, c := range certs {
			if left := c.NotAfter.Sub(n.now()); left < 30*24*time.Hour {
				r.warn(d.Name, "certificate "+saml.Fingerprint(c)+" ends "+c.NotAfter.UTC().Format(time.DateOnly), "add the identity provider's next certificate")
			}
		}
	}
	r.ok(d.Name, "SAML connection can be opened")
}

func (r *report) oauth(ctx context.Context, n *node, d directory.Domain, s *directory.OAuthSettings) {
	client, err := sso.OpenOAuth(s, n.outbound.For(d.ID), n.now)
	if err != nil {
		r.fault(d.Name, err.Error(), "correct the connection")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := client.Probe(ctx); err != nil {
		r.fault(d.Name, "the provider does not answer as it should: "+explained(err).Error(), "is the address right, and allowed by the outbound section?")
		return
	}
	r.ok(d.Name, "OAuth connection can be opened ("+string(s.Profile)+")")
}

func (a *app) healthcheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck", Short: "Ask the running gateway's operator listener whether it is ready (for containers)", Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := a.load()
			if err != nil {
				return err
			}
			if conf.OperatorListen == "off" {
				return errors.New("operator_listen is off")
			}
			ctx, cancel := context.WithTimeout(c.Context(), 3*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(conf.OperatorListen)+"/readyz", nil)
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("not ready: %s", resp.Status)
			}
			fmt.Fprintln(c.OutOrStdout(), "ready")
			return nil
		},
	}
}

// reachable turns a listening address into one to call: all interfaces are called on loopback.
func reachable(listen string) string {
	for _, any := range []string{"0.0.0.0:", "[::]:", ":"} {
		if port, ok := strings.CutPrefix(listen, any); ok {
			return "127.0.0.1:" + port
		}
	}
	return listen
}
