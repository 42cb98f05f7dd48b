package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/sso"
)

func (a *app) keyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "key", Short: "Service provider keys of a domain and their rollover, and the key that seals secrets",
		Long: "Service provider keys of a domain and their rollover:\n\n" +
			"  key prepare <domain>   make the next key; it is published in our metadata and can decrypt\n" +
			"                         wait until the identity provider has read the metadata again\n" +
			"  key promote <domain>   the next key signs from now on; the one before still decrypts\n" +
			"  key retire <domain>    forget the one before\n\n" +
			"  key reseal             after keys.current was replaced and the one before named under keys.previous",
	}
	c.AddCommand(
		&cobra.Command{
			Use: "list <domain>", Short: "List keys", Args: exactly(1),
			RunE: a.withDomain(func(c *cobra.Command, _ []string, n *node, d directory.Domain) error { return a.showKeys(c, n, d) }),
		},
		&cobra.Command{
			Use: "prepare <domain>", Short: "Make and publish the next key", Args: exactly(1),
			RunE: a.withDomain(func(c *cobra.Command, _ []string, n *node, d directory.Domain) error {
				if _, err := n.keys().SAML(c.Context(), d); err != nil { // the first key of all
					return err
				}
				if _, err := n.keys().Prepare(c.Context(), actor, d); err != nil {
					return err
				}
				return a.showKeys(c, n, d)
			}),
		},
		&cobra.Command{
			Use: "promote <domain>", Short: "Sign with the next key from now on", Args: exactly(1),
			RunE: a.withDomain(func(c *cobra.Command, _ []string, n *node, d directory.Domain) error {
				if err := n.directory.PromoteKey(c.Context(), actor, d.ID, sso.UseSAML); err != nil {
					return err
				}
				return a.showKeys(c, n, d)
			}),
		},
		&cobra.Command{
			Use: "retire <domain>", Short: "Forget the key before", Args: exactly(1),
			RunE: a.withDomain(func(c *cobra.Command, _ []string, n *node, d directory.Domain) error {
				if err := n.directory.RetireKey(c.Context(), actor, d.ID, sso.UseSAML); err != nil {
					return err
				}
				return a.showKeys(c, n, d)
			}),
		},
	)
	c.AddCommand(&cobra.Command{
		Use: "reseal", Short: "Seal every stored secret with the current master key, so that keys.previous can be dropped", Args: exactly(0),
		RunE: a.withNode(func(c *cobra.Command, _ []string, n *node) error {
			count, err := n.store.Reseal(c.Context())
			if err != nil {
				return err
			}
			return a.show(c, map[string]int{"resealed": count}, func(t io.Writer) { row(t, count, "secrets sealed with the current key") })
		}),
	})
	return c
}

func (a *app) showKeys(c *cobra.Command, n *node, d directory.Domain) error {
	keys, err := n.directory.Keys(c.Context(), d.ID, sso.UseSAML)
	if err != nil {
		return err
	}
	return a.show(c, keys, func(t io.Writer) {
		row(t, "ID", "STATE", "CREATED")
		for _, k := range keys {
			row(t, k.ID, k.State, k.Created)
		}
	})
}
