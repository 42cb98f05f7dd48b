package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/directory"
)

func (a *app) applyCommand() *cobra.Command {
	var (
		file   string
		dryRun bool
	)
	c := &cobra.Command{
		Use:   "apply -f domains.yaml",
		Short: "Bring services, domains, connections and members to the state of a file",
		Long: "Bring services, domains, connections and members to the state of a file. Applying the same file again changes\n" +
			"nothing. What the file does not mention stays as it is. A changed connection becomes a new live revision.",
		Args: exactly(0),
	}
	c.Flags().StringVarP(&file, "file", "f", "", "the file; - reads standard input")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only show what would change")
	c.RunE = a.withNode(func(c *cobra.Command, _ []string, n *node) error {
		if file == "" {
			return fmt.Errorf("ssogate: %w: apply needs -f", errUsage)
		}
		wanted, err := readWanted(file, c.InOrStdin(), c.ErrOrStderr(), n)
		if err != nil {
			return err
		}
		do := n.directory.Apply
		if dryRun {
			do = func(ctx context.Context, _ string, w directory.Wanted) ([]directory.Change, error) {
				return n.directory.Plan(ctx, w)
			}
		}
		changes, err := do(c.Context(), actor, wanted)
		if err != nil {
			return err
		}
		if err := a.showChanges(c, changes, dryRun); err != nil || dryRun {
			return err
		}
		return n.fetchMissing(c, wanted)
	})
	return c
}

func readWanted(file string, stdin io.Reader, warn io.Writer, n *node) (directory.Wanted, error) {
	var wanted directory.Wanted
	if err := readYAML(file, stdin, &wanted); err != nil {
		return wanted, err
	}
	for i := range wanted.Domains {
		if err := resolve(wanted.Domains[i].Connection, filepath.Dir(file), n.now(), warn); err != nil {
			return wanted, fmt.Errorf("domains[%d] %s: %w", i, wanted.Domains[i].Name, err)
		}
		if err := n.vet(wanted.Domains[i].Connection); err != nil {
			return wanted, fmt.Errorf("domains[%d] %s: %w", i, wanted.Domains[i].Name, err)
		}
	}
	return wanted, nil
}

func (a *app) showChanges(c *cobra.Command, changes []directory.Change, dryRun bool) error {
	return a.show(c, changes, func(t io.Writer) {
		changed := 0
		for _, ch := range changes {
			if ch.Action == directory.ActionNone {
				continue
			}
			changed++
			row(t, ch.Action, ch.Kind, ch.Name)
			for _, f := range ch.Fields {
				fmt.Fprintf(t, "\t  %s:\t%s -> %s\n", printable(f.Name), printable(quoted(f.Old)), printable(quoted(f.New)))
			}
		}
		word := "changed"
		if dryRun {
			word = "would change"
		}
		fmt.Fprintf(t, "%d %s, %d as they are\n", changed, word, len(changes)-changed)
	})
}

func quoted(s string) string {
	if s == "" {
		return "(empty)"
	}
	return s
}

// fetchMissing gets the metadata of connections that name it by address and have no copy yet, so that a wrong address shows
// now and not at the first login.
func (n *node) fetchMissing(c *cobra.Command, wanted directory.Wanted) error {
	var failed error
	for _, w := range wanted.Domains {
		if w.Connection == nil || w.Connection.SAML == nil || w.Connection.SAML.MetadataURL == "" {
			continue
		}
		d, err := n.directory.Domain(c.Context(), w.Name)
		if err != nil {
			return err
		}
		if _, err := n.refresher().Of(c.Context(), d.ID, w.Connection.SAML.SAMLSettings); err != nil {
			fmt.Fprintf(c.ErrOrStderr(), "%s: metadata could not be fetched: %v\n", w.Name, explained(err))
			failed = fmt.Errorf("some metadata could not be fetched; it is tried again at the next login and in the background")
		}
	}
	return failed
}
