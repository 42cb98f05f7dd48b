package main

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// leaves are the paths of all commands that do something, without the program's name.
func leaves(c *cobra.Command, prefix string) []string {
	if !c.HasSubCommands() {
		return []string{prefix}
	}
	var all []string
	for _, sub := range c.Commands() {
		if sub.Name() == "help" || sub.Name() == "completion" {
			continue
		}
		all = append(all, leaves(sub, strings.TrimSpace(prefix+" "+sub.Name()))...)
	}
	return all
}

func containsCommand(scripts, path string) bool {
	return regexp.MustCompile(`(?m)^!?\s*exec ssogate(?: --\S+(?: \S+\.yaml)?)* ` + regexp.QuoteMeta(path) + `\b`).MatchString(scripts)
}
