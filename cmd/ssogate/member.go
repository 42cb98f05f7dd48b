package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/directory"
)

func (a *app) memberCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "member", Short: "Members of a domain",
		Long: "Members of a domain. <member> is a member ID, an account, or externalKey:<key>.",
	}
	c.AddCommand(a.memberAdd(), a.memberSet(), a.memberList(), a.memberShow(), a.memberSignOut(),
		a.memberStatus("suspend", "Suspend a member and end the member's sessions", directory.StatusSuspended),
		a.memberStatus("unsuspend", "Let a suspended member in again", directory.StatusInUse),
		a.memberStatus("remove", "Delete a member (7 days of grace) and end the member's sessions", directory.StatusDeleted))
	return c
}

type memberFlags struct {
	externalKey, family, given, nick, mail, language, timeZone string
	superAdmin                                                 bool
}

func (f *memberFlags) register(c *cobra.Command) {
	s := c.Flags()
	s.StringVar(&f.externalKey, "external-key", "", "the identity provider's ID of the member")
	s.StringVar(&f.family, "family-name", "", "family name")
	s.StringVar(&f.given, "given-name", "", "given name")
	s.StringVar(&f.nick, "nick-name", "", "nickname")
	s.StringVar(&f.mail, "private-email", "", "personal e-mail")
	s.StringVar(&f.language, "language", "", "ko-KR, ja-JP, en-US, zh-CN or zh-TW")
	s.StringVar(&f.timeZone, "time-zone", "", "IANA name")
	s.BoolVar(&f.superAdmin, "super-admin", false, "the one member who always keeps a password sign-in")
}

func (f *memberFlags) apply(c *cobra.Command, m *directory.Member) {
	for _, v := range []struct {
		name  string
		value string
		to    *string
	}{
		{"external-key", f.externalKey, &m.ExternalKey},
		{"family-name", f.family, &m.FamilyName},
		{"given-name", f.given, &m.GivenName},
		{"nick-name", f.nick, &m.NickName},
		{"private-email", f.mail, &m.PrivateMail},
		{"language", f.language, &m.Language},
		{"time-zone", f.timeZone, &m.TimeZone},
	} {
		if c.Flags().Changed(v.name) {
			*v.to = v.value
		}
	}
	if c.Flags().Changed("super-admin") {
		m.SuperAdmin = f.superAdmin
	}
}

func (a *app) memberAdd() *cobra.Command {
	var f memberFlags
	c := &cobra.Command{Use: "add <domain> <account>", Short: "Add a member", Args: exactly(2)}
	f.register(c)
	c.RunE = a.withNode(func(c *cobra.Command, args []string, n *node) error {
		d, err := n.directory.Domain(c.Context(), args[0])
		if err != nil {
			return err
		}
		m := directory.Member{DomainID: d.ID, Account: args[1]}
		f.apply(c, &m)
		if m, err = n.directory.AddMember(c.Context(), actor, m); err != nil {
			return err
		}
		return a.showMember(c, m)
	})
	return c
}

func (a *app) memberSet() *cobra.Command {
	var f memberFlags
	c := &cobra.Command{Use: "set <domain> <member>", Short: "Change a member", Args: exactly(2)}
	f.register(c)
	c.RunE = a.withMember(func(c *cobra.Command, n *node, _ directory.Domain, m directory.Member) error {
		f.apply(c, &m)
		m, err := n.directory.UpdateMember(c.Context(), actor, m)
		if err != nil {
			return err
		}
		return a.showMember(c, m)
	})
	return c
}

func (a *app) memberShow() *cobra.Command {
	return &cobra.Command{
		Use: "show <domain> <member>", Short: "Show a member", Args: exactly(2),
		RunE: a.withMember(func(c *cobra.Command, _ *node, _ directory.Domain, m directory.Member) error {
			return a.showMember(c, m)
		}),
	}
}

func (a *app) memberSignOut() *cobra.Command {
	return &cobra.Command{
		Use: "sign-out <domain> <member>", Short: "End every session of a member", Args: exactly(2),
		RunE: a.withMember(func(c *cobra.Command, n *node, d directory.Domain, m directory.Member) error {
			return n.directory.EndMemberSessions(c.Context(), actor, d.ID, m.ID)
		}),
	}
}

func (a *app) memberStatus(use, short string, to directory.Status) *cobra.Command {
	return &cobra.Command{
		Use: use + " <domain> <member>", Short: short, Args: exactly(2),
		RunE: a.withMember(func(c *cobra.Command, n *node, d directory.Domain, m directory.Member) error {
			m, err := n.directory.SetStatus(c.Context(), actor, d.ID, m.ID, to)
			if err != nil {
				return err
			}
			return a.showMember(c, m)
		}),
	}
}

func (a *app) memberList() *cobra.Command {
	var f directory.MemberFilter
	c := &cobra.Command{Use: "list <domain>", Short: "List members by account", Args: exactly(1)}
	c.Flags().StringVar((*string)(&f.Status), "status", "", "only this status")
	c.Flags().StringVar(&f.Match, "match", "", "a part of account, external key or name")
	c.Flags().StringVar(&f.After, "after", "", "go on after this account")
	c.Flags().IntVar(&f.Limit, "limit", 100, "at most so many, 1 to 500")
	c.RunE = a.withNode(func(c *cobra.Command, args []string, n *node) error {
		d, err := n.directory.Domain(c.Context(), args[0])
		if err != nil {
			return err
		}
		members, err := n.directory.Members(c.Context(), d.ID, f)
		if err != nil {
			return err
		}
		return a.show(c, members, func(t io.Writer) {
			row(t, "ACCOUNT", "EXTERNAL KEY", "NAME", "STATUS", "ID")
			for _, m := range members {
				row(t, m.Account, m.ExternalKey, m.DisplayName(), m.Status, m.ID)
			}
		})
	})
	return c
}

// withMember opens the directory and finds the member that the two arguments name.
func (a *app) withMember(do func(*cobra.Command, *node, directory.Domain, directory.Member) error) func(*cobra.Command, []string) error {
	return a.withNode(func(c *cobra.Command, args []string, n *node) error {
		d, err := n.directory.Domain(c.Context(), args[0])
		if err != nil {
			return err
		}
		m, err := n.directory.FindMember(c.Context(), d.ID, args[1])
		if err != nil {
			return err
		}
		return do(c, n, d, m)
	})
}

func (a *app) showMember(c *cobra.Command, m directory.Member) error {
	return a.show(c, m, func(t io.Writer) {
		row(t, "account", m.Account)
		row(t, "id", m.ID)
		row(t, "external key", m.ExternalKey)
		row(t, "name", m.DisplayName())
		row(t, "status", m.Status)
		row(t, "super admin", yes(m.SuperAdmin))
		row(t, "nickname", m.NickName)
		row(t, "personal e-mail", m.PrivateMail)
		row(t, "language", m.Language)
		row(t, "time zone", m.TimeZone)
		row(t, "created", m.Created)
		row(t, "updated", m.Updated)
	})
}
