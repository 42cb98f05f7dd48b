package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/audit"
)

func (a *app) loginCommand() *cobra.Command {
	c := &cobra.Command{Use: "login", Short: "Sign-in attempts: every check, what was wanted, what came, who must fix it"}
	c.AddCommand(a.loginList(), a.loginShow())
	return c
}

func (a *app) loginList() *cobra.Command {
	var (
		domain, verdict, code string
		limit                 int
	)
	c := &cobra.Command{Use: "list", Short: "List attempts, newest first", Args: exactly(0)}
	c.Flags().StringVar(&domain, "domain", "", "only of this domain")
	c.Flags().StringVar(&verdict, "verdict", "", "only started, succeeded or refused")
	c.Flags().StringVar(&code, "code", "", "only refused for this reason")
	c.Flags().IntVar(&limit, "limit", 50, "at most so many, 1 to 500")
	c.RunE = a.withNode(func(c *cobra.Command, _ []string, n *node) error {
		f := audit.AttemptFilter{Verdict: audit.Verdict(verdict), Code: code, Limit: limit}
		if domain != "" {
			d, err := n.directory.Domain(c.Context(), domain)
			if err != nil {
				return err
			}
			f.DomainID = d.ID
		}
		all, err := n.store.Attempts(c.Context(), f)
		if err != nil {
			return err
		}
		for i := range all {
			all[i].Verdict = audit.Stands(all[i], n.now())
		}
		return a.show(c, all, func(t io.Writer) {
			row(t, "REF", "STARTED", "DOMAIN", "PROTOCOL", "VERDICT", "CODE", "WHO MUST FIX IT")
			for _, at := range all {
				row(t, at.Ref, at.Started, at.Domain, at.Protocol, at.Verdict, at.Code, at.Fix)
			}
		})
	})
	return c
}

func (a *app) loginShow() *cobra.Command {
	return &cobra.Command{
		Use: "show <ref>", Short: "Show one attempt by its reference number", Args: exactly(1),
		RunE: a.withNode(func(c *cobra.Command, args []string, n *node) error {
			at, err := n.store.Attempt(c.Context(), strings.ToUpper(args[0]))
			if err != nil {
				return err
			}
			at.Verdict = audit.Stands(at, n.now())
			return a.show(c, at, func(t io.Writer) { printAttempt(t, at) })
		}),
	}
}

func printAttempt(t io.Writer, at audit.Attempt) {
	row(t, "reference", at.Ref)
	row(t, "verdict", at.Verdict)
	if at.Verdict == audit.Refused {
		row(t, "reason", at.Code)
		row(t, "wanted", at.Want)
		row(t, "got", at.Got)
		row(t, "who must fix it", at.Fix)
	}
	row(t, "domain", at.Domain)
	row(t, "connection revision", at.Revision)
	row(t, "protocol", at.Protocol)
	row(t, "initiated by", at.Initiator)
	row(t, "started", at.Started)
	row(t, "finished", at.Finished)
	row(t, "address", at.Address)
	row(t, "browser", at.UserAgent)
	row(t, "access url", at.AccessURL)
	row(t, "member", at.MemberID)
	row(t, "request ids", strings.Join(at.RequestIDs, " "))
	for _, name := range slices.Sorted(maps.Keys(at.Asked)) {
		row(t, "asked: "+name, at.Asked[name])
	}
	for _, name := range slices.Sorted(maps.Keys(at.Claims)) {
		row(t, "claim: "+name, strings.Join(at.Claims[name], ", "))
	}
	for _, check := range at.Checks {
		mark := "ok"
		if !check.OK {
			mark = "REFUSED"
		}
		row(t, fmt.Sprintf("check: %s", check.Name), mark, check.Section, "want "+check.Want, "got "+check.Got)
	}
}

func (a *app) auditCommand() *cobra.Command {
	var (
		domain string
		limit  int
	)
	list := &cobra.Command{Use: "list", Short: "List administrative changes, newest first", Args: exactly(0)}
	list.Flags().StringVar(&domain, "domain", "", "only of this domain")
	list.Flags().IntVar(&limit, "limit", 50, "at most so many, 1 to 500")
	list.RunE = a.withNode(func(c *cobra.Command, _ []string, n *node) error {
		id := ""
		if domain != "" {
			d, err := n.directory.Domain(c.Context(), domain)
			if err != nil {
				return err
			}
			id = d.ID
		}
		events, err := n.store.Events(c.Context(), id, limit)
		if err != nil {
			return err
		}
		return a.show(c, events, func(t io.Writer) {
			row(t, "TIME", "ACTOR", "ACTION", "TARGET")
			for _, e := range events {
				row(t, e.Time, e.Actor, e.Action, e.Target)
			}
		})
	})
	c := &cobra.Command{Use: "audit", Short: "Administrative changes"}
	c.AddCommand(list)
	return c
}
