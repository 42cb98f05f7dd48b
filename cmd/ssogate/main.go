// Command ssogate is the whole product in one binary: the server, the demo, and the operator's commands. It wires the rooms
// together and decides nothing.
//
// Exit codes: 0 done, 1 it failed, 2 the command line or the configuration is wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/config"
)

// version is set at build time.
var version = "dev"

func main() {
	spareCollector()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// errUsage marks errors of the command line.
var errUsage = errors.New("usage")

// run is main without the process: it is what the tests call.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	root := newRoot(environ)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var faults config.Faults
	switch {
	case err == nil:
		return 0
	case errors.As(err, &faults), errors.Is(err, errUsage):
		fmt.Fprintln(stderr, err)
		return 2
	default:
		fmt.Fprintf(stderr, "ssogate: %v\n", err)
		return 1
	}
}

// app is what the commands share.
type app struct {
	environ    []string
	configPath string
	json       bool
}

func newRoot(environ []string) *cobra.Command {
	a := &app{environ: environ}
	root := &cobra.Command{
		Use:           "ssogate",
		Short:         "Single sign-on gateway: SAML 2.0 and OAuth 2.0 sign-in for every customer's own identity provider",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVar(&a.configPath, "config", valueOf(environ, "SSOGATE_CONFIG"),
		"configuration file, also SSOGATE_CONFIG (without one: embedded defaults in ./ssogate-data)")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("ssogate: %w: %w\n\n%s", errUsage, err, c.UsageString())
	})
	root.AddCommand(
		a.serveCommand(), a.demoCommand(), a.checkCommand(), a.configCommand(), a.applyCommand(),
		a.domainCommand(), a.connectionCommand(), a.memberCommand(), a.serviceCommand(),
		a.keyCommand(), a.sessionCommand(), a.loginCommand(), a.auditCommand(), a.healthcheckCommand(),
	)
	return root
}

func valueOf(environ []string, name string) string {
	for _, e := range environ {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

// load reads the configuration of this call.
func (a *app) load() (*config.Config, error) { return config.Load(a.configPath, a.environ) }

// exactly is cobra.ExactArgs with our exit code.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := cobra.ExactArgs(n)(c, args); err != nil {
			return fmt.Errorf("ssogate: %w: %w\n\n%s", errUsage, err, c.UsageString())
		}
		return nil
	}
}
