package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/sso"
)

func (a *app) keyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "key", Short: "Keys and their rollover: a domain's service provider key, the identity key, the key that seals secrets",
		Long: "Keys and their rollover. With a domain: its service provider keys. With --identity: the keys that sign the identity\n" +
			"header for services.\n\n" +
			"  key prepare <domain>   make the next key; it is published (metadata, key set) and can decrypt\n" +
			"                         wait until everybody has read what is published\n" +
			"  key promote <domain>   the next key signs from now on; the one before still decrypts and verifies\n" +
			"  key retire <domain>    forget the one before\n\n" +
			"  key reseal             after keys.current was replaced and the one before named under keys.previous",
	}
	c.AddCommand(
		a.keyStep("list", "List keys", func(context.Context, *node, keyOwner) error { return nil }),
		a.keyStep("prepare", "Make and publish the next key", prepareKey),
		a.keyStep("promote", "Sign with the next key from now on", func(ctx context.Context, n *node, o keyOwner) error {
			return n.directory.PromoteKey(ctx, actor, o.domain.ID, o.use)
		}),
		a.keyStep("retire", "Forget the key before", func(ctx context.Context, n *node, o keyOwner) error {
			return n.directory.RetireKey(ctx, actor, o.domain.ID, o.use)
		}),
		a.keyReseal(),
	)
	return c
}

// keyOwner is whose keys a command is about: a domain's, or, with the zero domain, the installation's.
type keyOwner struct {
	domain directory.Domain
	use    string
}

// keyStep is a command that does something with the keys of an owner and then lists them.
func (a *app) keyStep(name, short string, do func(context.Context, *node, keyOwner) error) *cobra.Command {
	var identity bool
	c := &cobra.Command{Use: name + " <domain> | --identity", Short: short, Args: cobra.MaximumNArgs(1)}
	c.Flags().BoolVar(&identity, "identity", false, "the keys that sign the identity header")
	c.RunE = a.withNode(func(c *cobra.Command, args []string, n *node) error {
		if identity == (len(args) == 1) {
			return fmt.Errorf("ssogate: %w: name a domain, or say --identity\n\n%s", errUsage, c.UsageString())
		}
		o := keyOwner{use: sso.UseIdentity}
		if !identity {
			d, err := n.directory.Domain(c.Context(), args[0])
			if err != nil {
				return err
			}
			o = keyOwner{domain: d, use: sso.UseSAML}
		}
		if err := do(c.Context(), n, o); err != nil {
			return err
		}
		return a.showKeys(c, n, o)
	})
	return c
}

// prepareKey makes the first key too where there is none yet.
func prepareKey(ctx context.Context, n *node, o keyOwner) error {
	if o.use == sso.UseIdentity {
		if _, err := n.keys().Identity(ctx); err != nil {
			return err
		}
		_, err := n.keys().PrepareIdentity(ctx, actor)
		return err
	}
	if _, err := n.keys().SAML(ctx, o.domain); err != nil {
		return err
	}
	_, err := n.keys().Prepare(ctx, actor, o.domain)
	return err
}

func (a *app) keyReseal() *cobra.Command {
	return &cobra.Command{
		Use: "reseal", Short: "Seal every stored secret with the current master key, so that keys.previous can be dropped", Args: exactly(0),
		RunE: a.withNode(func(c *cobra.Command, _ []string, n *node) error {
			count, err := n.store.Reseal(c.Context())
			if err != nil {
				return err
			}
			return a.show(c, map[string]int{"resealed": count}, func(t io.Writer) { row(t, count, "secrets sealed with the current key") })
		}),
	}
}

func (a *app) showKeys(c *cobra.Command, n *node, o keyOwner) error {
	keys, err := n.directory.Keys(c.Context(), o.domain.ID, o.use)
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
