package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// actor is who the audit names for what these commands do.
const actor = "operator:cli"

// withNode opens the directory for one command.
func (a *app) withNode(do func(c *cobra.Command, args []string, n *node) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		conf, err := a.load()
		if err != nil {
			return err
		}
		n, err := openNode(c.Context(), conf, forCommands, quietLog(c.ErrOrStderr()))
		if err != nil {
			return err
		}
		defer n.Close()
		return do(c, args, n)
	}
}

// quietLog is the log of a command: warnings as text.
func quietLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// show prints v as JSON, or what the function writes as a table.
func (a *app) show(c *cobra.Command, v any, table func(t io.Writer)) error {
	if a.json {
		if list := reflect.ValueOf(v); list.Kind() == reflect.Slice && list.IsNil() {
			v = []any{} // an empty list is a list
		}
		e := json.NewEncoder(c.OutOrStdout())
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(v)
	}
	t := tabwriter.NewWriter(c.OutOrStdout(), 0, 8, 2, ' ', 0)
	table(t)
	return t.Flush()
}

// row writes one line of a table.
func row(t io.Writer, cells ...any) {
	for i, cell := range cells {
		if i > 0 {
			fmt.Fprint(t, "\t")
		}
		if at, ok := cell.(time.Time); ok {
			cell = when(at)
		}
		fmt.Fprint(t, printable(fmt.Sprint(cell)))
	}
	fmt.Fprintln(t)
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// printable keeps what others wrote from moving the operator's cursor.
func printable(s string) string {
	out := []rune(s)
	for i, c := range out {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			out[i] = '\uFFFD'
		}
	}
	return string(out)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
