package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/directory"
)

func (a *app) sessionCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "session", Short: "Living sessions",
		Long: "Living sessions. <member> is a member ID, an account, or externalKey:<key>.",
	}
	c.AddCommand(a.sessionList(), a.sessionEnd())
	return c
}

func (a *app) sessionList() *cobra.Command {
	return &cobra.Command{
		Use: "list <domain> <member>", Short: "Where a member is signed in", Args: exactly(2),
		RunE: a.withMember(func(c *cobra.Command, n *node, d directory.Domain, m directory.Member) error {
			state, err := n.openSharedState(c.Context())
			if err != nil {
				return err
			}
			defer state.Close()
			all, err := n.sessions(state).List(c.Context(), d.ID, m.ID)
			if err != nil {
				return err
			}
			return a.show(c, all, func(t io.Writer) {
				row(t, "ID", "PROTOCOL", "ADDRESS", "SINCE", "LAST SEEN", "UNTIL")
				for _, s := range all {
					row(t, s.ID, s.Protocol, s.Address, s.Created, s.LastSeen, s.Expires)
				}
			})
		}),
	}
}

func (a *app) sessionEnd() *cobra.Command {
	var everybody bool
	c := &cobra.Command{
		Use: "end <domain> [member] [session-id]", Short: "End one session, all of a member, or with --all all of a domain",
		Args: cobra.RangeArgs(1, 3),
	}
	c.Flags().BoolVar(&everybody, "all", false, "every session of the domain")
	c.RunE = a.withDomain(func(c *cobra.Command, args []string, n *node, d directory.Domain) error {
		switch {
		case len(args) == 1 && everybody:
			return n.directory.EndDomainSessions(c.Context(), actor, d.ID)
		case len(args) == 1 || everybody:
			return exactly(2)(c, args)
		}
		m, err := n.directory.FindMember(c.Context(), d.ID, args[1])
		if err != nil {
			return err
		}
		if len(args) == 2 {
			return n.directory.EndMemberSessions(c.Context(), actor, d.ID, m.ID)
		}
		state, err := n.openSharedState(c.Context())
		if err != nil {
			return err
		}
		defer state.Close()
		return n.sessions(state).EndByID(c.Context(), d.ID, m.ID, args[2])
	})
	return c
}
