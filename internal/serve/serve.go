package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/goready/goready/internal/goenv"
)

// Program is a run of goreadyd.
type Program struct {
	Args           []string // without the program's name
	Stdout, Stderr io.Writer
	// Signals are SIGINT and SIGTERM, which end the program, and SIGHUP, which reloads the configuration of a server.
	// Nil: there are none.
	Signals <-chan os.Signal
}

// Main runs goreadyd and returns its exit status.
func Main(ctx context.Context, p Program) int {
	root := p.root()
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(p.Stderr, "goreadyd: %s\n", err)
		if f, ok := errors.AsType[*failure](err); ok && f.hint != "" {
			fmt.Fprintf(p.Stderr, "hint: %s\n", f.hint)
		}
	}
	return int(statusOf(err))
}

const rootLong = `Goreadyd is a Go module proxy: it fetches modules from where GOPROXY says, verifies and keeps them, and serves
them to go commands. It works without any configuration.`

func (p Program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "goreadyd",
		Short:         "A Go module proxy",
		Long:          rootLong,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("run '"+cmd.CommandPath()+" --help'", "%w", err)
	})
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(p.serveCommand(), p.checkConfigCommand(), p.gcCommand(), p.versionCommand())
	return root
}

// noCommand refuses arguments of goreadyd itself: they are no commands, but perhaps nearly one.
func noCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	hint := "'goreadyd help' lists the commands"
	if near := goenv.Nearest(args[0], names); near != "" {
		hint = "did you mean: goreadyd " + near
	}
	return usagef(hint, "no command %q", args[0])
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("run '"+cmd.CommandPath()+" --help'", "%s takes no arguments, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

const serveLong = `Serve runs the module proxy until SIGTERM or SIGINT. It then takes no more connections, lets the requests that
are under way end, and exits with status 0; a second signal ends it at once.

SIGHUP reads the configuration anew. If it has an error, the old one stays.

Flags come before the configuration file, and that before what 'go env' says of GOPROXY, GONOPROXY, GOSUMDB, GONOSUMDB,
GOINSECURE, GOVCS and GOAUTH. docs/goreadyd.md describes all options.`

const serveExample = `  goreadyd serve
  goreadyd serve --upstream 'https://proxy.example.com|direct' --listen :8081
  goreadyd serve --config /etc/goreadyd.toml`

func (p Program) serveCommand() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the module proxy", Long: serveLong, Example: serveExample, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.serve(cmd.Context(), f) },
	}
	f.add(cmd)
	set := cmd.Flags()
	set.StringVar(&f.listen, "listen", "", "`HOST:PORT` to serve modules at (default 127.0.0.1:8081)")
	set.StringVar(&f.admin, "admin", "", "`HOST:PORT` for metrics, readiness and the status page, or off (default 127.0.0.1:8082)")
	set.StringVar(&f.upstream, "upstream", "", "where modules come from, a `LIST` as in GOPROXY (default: what 'go env GOPROXY' says)")
	return cmd
}

// add adds the flags that several commands have.
func (f *flags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.config, "config", "", "read the configuration `FILE`")
	cmd.Flags().StringVar(&f.data, "data", "", "keep modules in the folder `DIR` (default: goreadyd in the user's cache folder)")
}

func (p Program) checkConfigCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check-config FILE",
		Short: "Check a configuration file",
		Long: `Check-config reads a configuration file and says what is wrong with it: unknown keys and values that cannot be
meant, with their lines, and a certificate that cannot be read. It does not open addresses, nor ask anybody.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("run '"+cmd.CommandPath()+" --help'", "%s takes one argument, a file", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			f := flags{config: args[0]}
			if _, err := f.parse(); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", args[0])
			return err
		},
	}
}

func (p Program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of goreadyd", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "goreadyd %s %s\n", version(), runtime.Version())
			return err
		},
	}
}

// version is that of the module in this program, as go build recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// untilSignal returns a context that the first signal ends, with the exit status as its cause.
func (p Program) untilSignal(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case sig := <-p.Signals:
			cancel(statusOfSignal(sig))
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(context.Canceled)
		<-stopped
	}
}

// statusOfSignal returns the error of a program that a signal ended at once.
func statusOfSignal(sig os.Signal) error {
	if sig == os.Interrupt {
		return ended(Interrupted)
	}
	if sig == syscall.SIGHUP {
		return ended(HungUp)
	}
	return ended(Terminated)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}
