package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/config"
)

func (a *app) configCommand() *cobra.Command {
	var markdown bool
	describe := &cobra.Command{
		Use: "describe", Short: "Print the annotated configuration reference", Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if markdown {
				return config.Markdown(c.OutOrStdout())
			}
			return config.Describe(c.OutOrStdout())
		},
	}
	describe.Flags().BoolVar(&markdown, "markdown", false, "as the page docs/configuration.md")
	c := &cobra.Command{Use: "config", Short: "The configuration: its reference, and what is in force"}
	c.AddCommand(describe, &cobra.Command{
		Use: "print", Short: "Print the configuration in force, without secrets", Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := a.load()
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(c.OutOrStdout(), conf.Redacted())
			return err
		},
	})
	return c
}
