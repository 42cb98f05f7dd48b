package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/directory"
)

func (a *app) domainCommand() *cobra.Command {
	c := &cobra.Command{Use: "domain", Short: "Customers' domains"}
	c.AddCommand(a.domainAdd(), a.domainSet(), a.domainList(), a.domainShow(), a.domainRemove())
	return c
}

// domainFlags are the settings that add and set share; only those given are changed.
type domainFlags struct {
	sso, disabled, setExpireTime, justInTime bool
	userKey, language, timeZone              string
	idle, absolute                           time.Duration
	logout                                   []string
}

func (f *domainFlags) register(c *cobra.Command) {
	s := c.Flags()
	s.BoolVar(&f.sso, "sso", false, "single sign-on is on")
	s.BoolVar(&f.disabled, "disabled", false, "refuse the domain on every path")
	s.StringVar(&f.userKey, "user-key", "", "external_key or account")
	s.StringVar(&f.language, "language", "", "ko-KR, ja-JP, en-US, zh-CN or zh-TW")
	s.StringVar(&f.timeZone, "time-zone", "", "IANA name")
	s.BoolVar(&f.setExpireTime, "set-expire-time", false, "the identity provider says how long a session lives")
	s.BoolVar(&f.justInTime, "just-in-time", false, "create members at their first sign-in")
	s.DurationVar(&f.idle, "session-idle", 0, "shorter idle limit")
	s.DurationVar(&f.absolute, "session-absolute", 0, "shorter absolute limit")
	s.StringSliceVar(&f.logout, "logout-redirection-domain", nil, "host a redirect_uri may point to at logout (repeatable)")
}

func (f *domainFlags) apply(c *cobra.Command, d *directory.Domain) {
	set := func(name string, do func()) {
		if c.Flags().Changed(name) {
			do()
		}
	}
	set("sso", func() { d.SSO = f.sso })
	set("disabled", func() { d.Disabled = f.disabled })
	set("user-key", func() { d.UserKey = directory.UserKey(f.userKey) })
	set("language", func() { d.Language = f.language })
	set("time-zone", func() { d.TimeZone = f.timeZone })
	set("set-expire-time", func() { d.SetExpireTime = f.setExpireTime })
	set("just-in-time", func() { d.JustInTime = f.justInTime })
	set("session-idle", func() { d.SessionIdle = f.idle })
	set("session-absolute", func() { d.SessionAbsolute = f.absolute })
	set("logout-redirection-domain", func() { d.LogoutRedirectionDomains = f.logout })
}

func (a *app) domainAdd() *cobra.Command {
	var f domainFlags
	c := &cobra.Command{Use: "add <name>", Short: "Add a domain", Args: exactly(1)}
	f.register(c)
	c.RunE = a.withNode(func(c *cobra.Command, args []string, n *node) error {
		d := directory.Domain{Name: args[0]}
		f.apply(c, &d)
		d, err := n.directory.AddDomain(c.Context(), actor, d)
		if err != nil {
			return err
		}
		return a.showDomain(c, d)
	})
	return c
}

func (a *app) domainSet() *cobra.Command {
	var f domainFlags
	c := &cobra.Command{Use: "set <name>", Short: "Change settings of a domain", Args: exactly(1)}
	f.register(c)
	c.RunE = a.withNode(func(c *cobra.Command, args []string, n *node) error {
		d, err := n.directory.Domain(c.Context(), args[0])
		if err != nil {
			return err
		}
		f.apply(c, &d)
		if err := n.directory.UpdateDomain(c.Context(), actor, d); err != nil {
			return err
		}
		if d, err = n.directory.Domain(c.Context(), args[0]); err != nil {
			return err
		}
		return a.showDomain(c, d)
	})
	return c
}

func (a *app) domainShow() *cobra.Command {
	return &cobra.Command{
		Use: "show <name>", Short: "Show a domain", Args: exactly(1),
		RunE: a.withNode(func(c *cobra.Command, args []string, n *node) error {
			d, err := n.directory.Domain(c.Context(), args[0])
			if err != nil {
				return err
			}
			return a.showDomain(c, d)
		}),
	}
}

func (a *app) domainList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List all domains", Args: exactly(0),
		RunE: a.withNode(func(c *cobra.Command, _ []string, n *node) error {
			var all []directory.Domain
			for after := ""; ; {
				page, err := n.directory.Domains(c.Context(), after, 500)
				if err != nil {
					return err
				}
				all = append(all, page...)
				if len(page) < 500 {
					break
				}
				after = page[len(page)-1].Name
			}
			return a.show(c, all, func(t io.Writer) {
				row(t, "NAME", "SSO", "USER KEY", "DISABLED", "CREATED")
				for _, d := range all {
					row(t, d.Name, yes(d.SSO), d.UserKey, yes(d.Disabled), d.Created)
				}
			})
		}),
	}
}

func (a *app) domainRemove() *cobra.Command {
	var sure bool
	c := &cobra.Command{Use: "remove <name>", Short: "Remove a domain with its connection and members, and end its sessions", Args: exactly(1)}
	c.Flags().BoolVar(&sure, "yes", false, "really remove it")
	c.RunE = a.withNode(func(c *cobra.Command, args []string, n *node) error {
		if !sure {
			return fmt.Errorf("ssogate: %w: removing %s cannot be undone; say --yes", errUsage, args[0])
		}
		return n.directory.RemoveDomain(c.Context(), actor, args[0])
	})
	return c
}

func (a *app) showDomain(c *cobra.Command, d directory.Domain) error {
	return a.show(c, d, func(t io.Writer) {
		row(t, "name", d.Name)
		row(t, "id", d.ID)
		row(t, "sso", yes(d.SSO))
		row(t, "user key", d.UserKey)
		row(t, "disabled", yes(d.Disabled))
		row(t, "language", d.Language)
		row(t, "time zone", d.TimeZone)
		row(t, "set expire time", yes(d.SetExpireTime))
		row(t, "just in time", yes(d.JustInTime))
		row(t, "session idle", d.SessionIdle)
		row(t, "session absolute", d.SessionAbsolute)
		row(t, "logout redirection domains", d.LogoutRedirectionDomains)
		row(t, "created", d.Created)
		row(t, "updated", d.Updated)
	})
}
