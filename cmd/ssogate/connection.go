package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/saml"
)

func (a *app) connectionCommand() *cobra.Command {
	c := &cobra.Command{Use: "connection", Short: "A domain's identity provider: draft, live and earlier revisions"}
	c.AddCommand(a.connectionDraft(), a.connectionActivate(), a.connectionList(), a.connectionShow(), a.connectionRefresh())
	return c
}

func (a *app) connectionDraft() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "draft <domain> -f connection.yaml", Short: "Store a draft revision; the live one goes on",
		Long: "Store a draft revision; the live one goes on. The file holds what stands under connection: in the file of apply.",
		Args: exactly(1),
	}
	c.Flags().StringVarP(&file, "file", "f", "", "the file; - reads standard input")
	c.RunE = a.withDomain(func(c *cobra.Command, _ []string, n *node, d directory.Domain) error {
		if file == "" {
			return fmt.Errorf("ssogate: %w: draft needs -f", errUsage)
		}
		var w directory.WantedConnection
		if err := readYAML(file, c.InOrStdin(), &w); err != nil {
			return err
		}
		if err := resolve(&w, filepath.Dir(file), n.now(), c.ErrOrStderr()); err != nil {
			return err
		}
		if err := n.vet(&w); err != nil {
			return err
		}
		draft := directory.Connection{DomainID: d.ID, Type: w.Type}
		if w.SAML != nil {
			draft.SAML = &w.SAML.SAMLSettings
		}
		if w.OAuth != nil {
			draft.OAuth = &w.OAuth.OAuthSettings
		}
		draft, err := n.directory.SaveDraft(c.Context(), actor, d.ID, draft)
		if err != nil {
			return err
		}
		return a.showConnection(c, draft)
	})
	return c
}

func (a *app) connectionActivate() *cobra.Command {
	return &cobra.Command{
		Use: "activate <domain> [revision]", Short: "Make a revision live (default: the draft); an earlier one rolls back",
		Args: cobra.RangeArgs(1, 2),
		RunE: a.withDomain(func(c *cobra.Command, args []string, n *node, d directory.Domain) error {
			revision, err := chosenRevision(c, args, n, d)
			if err != nil {
				return err
			}
			if err := n.directory.Activate(c.Context(), actor, d.ID, revision); err != nil {
				return err
			}
			live, err := n.directory.Live(c.Context(), d.ID)
			if err != nil {
				return err
			}
			return a.showConnection(c, live)
		}),
	}
}

func chosenRevision(c *cobra.Command, args []string, n *node, d directory.Domain) (int, error) {
	if len(args) > 1 {
		revision, err := strconv.Atoi(args[1])
		if err != nil {
			return 0, fmt.Errorf("ssogate: %w: revision %q is not a number", errUsage, args[1])
		}
		return revision, nil
	}
	all, err := n.directory.Connections(c.Context(), d.ID)
	if err != nil {
		return 0, err
	}
	for _, conn := range all {
		if conn.State == directory.Draft {
			return conn.Revision, nil
		}
	}
	return 0, fmt.Errorf("%s has no draft", d.Name)
}

func (a *app) connectionList() *cobra.Command {
	return &cobra.Command{
		Use: "list <domain>", Short: "List revisions, newest first", Args: exactly(1),
		RunE: a.withDomain(func(c *cobra.Command, _ []string, n *node, d directory.Domain) error {
			all, err := n.directory.Connections(c.Context(), d.ID)
			if err != nil {
				return err
			}
			for i := range all {
				all[i] = masked(all[i])
			}
			return a.show(c, all, func(t io.Writer) {
				row(t, "REVISION", "STATE", "TYPE", "CREATED", "LIVE")
				for _, conn := range all {
					row(t, conn.Revision, conn.State, conn.Type, conn.Created, conn.Live)
				}
			})
		}),
	}
}

func (a *app) connectionShow() *cobra.Command {
	return &cobra.Command{
		Use: "show <domain> [revision]", Short: "Show a revision (default: the live one)", Args: cobra.RangeArgs(1, 2),
		RunE: a.withDomain(func(c *cobra.Command, args []string, n *node, d directory.Domain) error {
			if len(args) == 1 {
				live, err := n.directory.Live(c.Context(), d.ID)
				if err != nil {
					return err
				}
				return a.showConnection(c, live)
			}
			revision, err := chosenRevision(c, args, n, d)
			if err != nil {
				return err
			}
			conn, err := n.directory.Connection(c.Context(), d.ID, revision)
			if err != nil {
				return err
			}
			return a.showConnection(c, conn)
		}),
	}
}

func (a *app) connectionRefresh() *cobra.Command {
	return &cobra.Command{
		Use: "refresh <domain>", Short: "Fetch the identity provider's metadata now", Args: exactly(1),
		RunE: a.withDomain(func(c *cobra.Command, _ []string, n *node, d directory.Domain) error {
			live, err := n.directory.Live(c.Context(), d.ID)
			if err != nil {
				return err
			}
			if live.SAML == nil || live.SAML.MetadataURL == "" {
				return errors.New("the live connection has no metadata_url")
			}
			m, err := n.refresher().Fetch(c.Context(), d.ID, *live.SAML)
			if err != nil {
				return explained(err)
			}
			return a.show(c, m, func(t io.Writer) {
				row(t, "url", m.URL)
				row(t, "version", m.Version)
				row(t, "fetched", m.Fetched)
			})
		}),
	}
}

// withDomain opens the directory and finds the domain that the first argument names.
func (a *app) withDomain(do func(*cobra.Command, []string, *node, directory.Domain) error) func(*cobra.Command, []string) error {
	return a.withNode(func(c *cobra.Command, args []string, n *node) error {
		d, err := n.directory.Domain(c.Context(), args[0])
		if err != nil {
			return err
		}
		return do(c, args, n, d)
	})
}

// masked is a connection as it may be printed.
func masked(c directory.Connection) directory.Connection {
	if c.OAuth != nil && c.OAuth.ClientSecret != "" {
		o := *c.OAuth
		o.ClientSecret = "(set)"
		c.OAuth = &o
	}
	return c
}

func (a *app) showConnection(c *cobra.Command, conn directory.Connection) error {
	conn = masked(conn)
	return a.show(c, conn, func(t io.Writer) {
		row(t, "revision", conn.Revision)
		row(t, "state", conn.State)
		row(t, "type", conn.Type)
		if s := conn.SAML; s != nil {
			row(t, "identity provider", s.EntityID)
			row(t, "login address", s.SSOURL)
			row(t, "binding", s.Binding)
			row(t, "metadata", s.MetadataURL)
			row(t, "user key attribute", s.UserKeyAttribute)
			row(t, "sign requests", yes(s.SignRequests))
			row(t, "require encryption", yes(s.RequireEncryption))
			row(t, "idp initiated", yes(s.IdPInitiated))
			for _, text := range s.Certificates {
				certs, _ := saml.ParseCertificates(text)
				for _, cert := range certs {
					row(t, "certificate", saml.Fingerprint(cert)+" until "+cert.NotAfter.UTC().Format(time.DateOnly))
				}
			}
		}
		if o := conn.OAuth; o != nil {
			row(t, "profile", o.Profile)
			row(t, "client id", o.ClientID)
			row(t, "client secret", o.ClientSecret)
			row(t, "issuer", o.Issuer)
			row(t, "login address", o.AuthURL)
			row(t, "token address", o.TokenURL)
			row(t, "user information address", o.UserInfoURL)
			row(t, "user key claim", o.UserKeyClaim)
		}
		row(t, "created", conn.Created)
		row(t, "live since", conn.Live)
	})
}
