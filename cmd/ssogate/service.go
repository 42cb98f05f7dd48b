package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/directory"
)

func (a *app) serviceCommand() *cobra.Command {
	c := &cobra.Command{Use: "service", Short: "Applications of the product: the places an accessUrl may point to"}
	c.AddCommand(
		&cobra.Command{
			Use: "put <name> <access-host>...", Short: "Add a service or replace its access hosts",
			Args: cobra.MinimumNArgs(2),
			RunE: a.withNode(func(c *cobra.Command, args []string, n *node) error {
				return n.directory.PutService(c.Context(), actor, directory.Service{Name: args[0], AccessHosts: args[1:]})
			}),
		},
		&cobra.Command{
			Use: "remove <name>", Short: "Remove a service", Args: exactly(1),
			RunE: a.withNode(func(c *cobra.Command, args []string, n *node) error {
				return n.directory.RemoveService(c.Context(), actor, args[0])
			}),
		},
		&cobra.Command{
			Use: "list", Short: "List services, those of the configuration file included", Args: exactly(0),
			RunE: a.withNode(func(c *cobra.Command, _ []string, n *node) error {
				all, err := n.directory.Services(c.Context())
				if err != nil {
					return err
				}
				for _, s := range n.conf.Services {
					all = append(all, directory.Service{Name: s.Name, AccessHosts: s.AccessHosts})
				}
				return a.show(c, all, func(t io.Writer) {
					row(t, "NAME", "ACCESS HOSTS", "UPDATED")
					for _, s := range all {
						row(t, s.Name, strings.Join(s.AccessHosts, " "), s.Updated)
					}
				})
			}),
		},
	)
	return c
}
