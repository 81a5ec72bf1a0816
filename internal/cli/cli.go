// Package cli is the goready command line: commands, flags, rendering, hints and exit status.
//
// The result of a command goes to stdout; everything else goes to stderr as lines that begin with "goready:". Its one
// invariant is the table of exit statuses in [Status]: every error a command returns has one. The package decides
// nothing about Go environments; it calls facts and explain and prints what they say.
package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/durable"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/local"
	"github.com/goready/goready/internal/host/scrub"
	"github.com/goready/goready/internal/msg"
)

// Status is the exit status of goready; see "goready help exit-codes".
type Status int

// The exit statuses.
const (
	OK          Status = 0
	Findings    Status = 1   // findings, drift or a failed assertion
	Usage       Status = 2   // wrong usage or configuration
	Incomplete  Status = 3   // could not complete
	Interrupted Status = 130 // interrupted by the user
)

// usageError is an error in how goready was called. hint, if not empty, is the way out.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(hint, format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...), hint}
}

// Program is a run of goready: the machine it describes and its own connections to the world.
type Program struct {
	Host           host.Host              // nil is the machine that goready runs on
	Args           []string               // without the program's name
	Dir            func() (string, error) // the current folder
	Now            time.Time              // zero is the clock
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// app is what the commands share: the program and the values of the global flags.
type app struct {
	Program           // whose Host and Dir are the machine looked at: with --from not the one that goready runs on, see mine
	own     host.Host // nil: it is Host
	here    func() (string, error)
	format  string
	output  string
	quiet   bool
	verbose bool
	noColor bool
	lang    string
	dir     string
	timeout time.Duration
	checks  func() []check.Check // the catalogue
	from    string
	now     time.Time      // when the machine is looked at
	asked   *host.Recorder // what it was asked; nil before the first question
	clean   *scrub.Cleaner // nil until it is needed
	// recorded is what asked had heard when clean was made; nil until then.
	recorded *host.Fixture
	written  string       // a file that the command wrote itself
	out      bytes.Buffer // the result; written at the end, so that a failed command prints no half result
}

// Main runs goready until it is done or ctx ends, which means that the user interrupted it, and returns its exit status.
func Main(ctx context.Context, p Program) int {
	if p.Host == nil {
		p.Host = local.New()
	}
	a := &app{Program: p, checks: check.All}
	return int(a.main(ctx))
}

func (a *app) main(ctx context.Context) Status {
	a.here, a.now = a.Dir, a.Now
	if a.now.IsZero() {
		a.now = time.Now()
	}
	root := a.root()
	root.SetArgs(a.Args)
	root.SetIn(a.Stdin)
	root.SetOut(&a.out)
	root.SetErr(a.Stderr)
	err := root.ExecuteContext(ctx)
	if _, done := asStatus(err); err == nil || done {
		if flushErr := a.flush(); flushErr != nil {
			err = flushErr
		}
	}
	return a.report(ctx, err)
}

// report prints err and returns its exit status.
func (a *app) report(ctx context.Context, err error) Status {
	if err == nil {
		return OK
	}
	if status, ok := asStatus(err); ok {
		return status
	}
	if ctx.Err() != nil {
		fmt.Fprintln(a.Stderr, "goready: interrupted")
		return Interrupted
	}
	fmt.Fprintf(a.Stderr, "goready: %s\n", printable(a.cleaner().Output(err.Error())))
	var usage *usageError
	if errors.As(err, &usage) {
		if usage.hint != "" {
			fmt.Fprintf(a.Stderr, "hint: %s\n", usage.hint)
		}
		return Usage
	}
	return Incomplete
}

// flush writes the result to stdout or to the file of -o. Whatever a sentence may have quoted, no secret gets out.
func (a *app) flush() error {
	out := printable(a.cleaner().Output(a.out.String()))
	if a.output == "" {
		_, err := io.WriteString(a.Stdout, out)
		return err
	}
	if err := durable.WriteFile(a.output, []byte(out), 0o666); err != nil {
		return fmt.Errorf("cannot write the result: %w", err)
	}
	return nil
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "goready",
		Short:         "Make a Go development environment work, and prove that it does",
		Long:          rootLong,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          a.noCommand,
	}
	doctor := a.doctorCommand()
	root.RunE = doctor.RunE // without a command
	root.Flags().AddFlagSet(doctor.Flags())
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if a.timeout < 0 {
			return usagef("", "--timeout: %s is no time limit", a.timeout)
		}
		if a.output == "-" {
			a.output = ""
		}
		return nil
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("run '"+cmd.CommandPath()+" --help'", "%w", err)
	})
	f := root.PersistentFlags()
	f.StringVar(&a.format, "format", "", "output format: text or json; doctor also has junit, sarif and github")
	mustRegister(root.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats(), cobra.ShellCompDirectiveNoFileComp)))
	f.StringVarP(&a.output, "output", "o", "", "write the result to `FILE` (-: the standard output)")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print only the answer")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "print everything that was considered")
	f.BoolVar(&a.noColor, "no-color", false, "no colours")
	f.StringVar(&a.lang, "lang", "", "language of the text output: en or zh-CN")
	mustRegister(root.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions([]cobra.Completion{"en", "zh-CN"}, cobra.ShellCompDirectiveNoFileComp)))
	f.StringVarP(&a.dir, "dir", "C", "", "the workspace to look at: a folder or a .code-workspace file (default: the current folder)")
	f.StringVar(&a.from, "from", "", "look at the machine recorded in the snapshot `FILE` (- is the standard input), not at this one")
	f.DurationVar(&a.timeout, "timeout", 0, "time limit of the whole command (0: none)")
	root.CompletionOptions.HiddenDefaultCmd = false
	root.SetHelpCommand(a.helpCommand(root))
	root.AddCommand(doctor, a.explainCommand(), a.snapshotCommand(), a.versionCommand(), a.manCommand(root))
	return root
}

// noCommand refuses arguments of goready itself: they are no commands, but perhaps nearly one.
func (a *app) noCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	word := args[0]
	var names []string
	for _, c := range root.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	checks := append(check.Categories(a.checks()), a.ids()...)
	hint := "'goready help' lists the commands"
	switch near := goenv.Nearest(word, names); {
	case near != "":
		hint = "did you mean: goready " + near
	case slices.Contains(checks, word):
		hint = "did you mean: goready doctor " + word
	case slices.Contains(goenv.Variables(), word):
		hint = "did you mean: goready explain " + word
	}
	return usagef(hint, "no command %q", word)
}

const rootLong = `Goready makes a Go development environment work, and proves that it does. Without a command it runs
goready doctor.`

// version is that of the goready module in this program, as go build recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of goready",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "goready %s %s\n", version(), runtime.Version())
			return err
		},
	}
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("", "%s takes no arguments, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// getenv returns a variable of goready's own environment.
func (a *app) getenv(name string) string { return lookup(a.mine(), name) }

// mine returns the machine that goready runs on.
func (a *app) mine() host.Host {
	if a.own != nil {
		return a.own
	}
	return a.Host
}

// lookup returns a variable of the environment that goready has, or had, on h.
func lookup(h host.Host, name string) string {
	value := ""
	for _, kv := range h.Environ() {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			value = v
		}
	}
	return value
}

// formats are the output formats that some command has.
func formats() []string { return []string{"text", "json", "junit", "sarif", "github"} }

// formatIs returns the output format, checked against those a command has. GOREADY_FORMAT is for many commands: one
// that lacks that format uses its first.
func (a *app) formatIs(allowed ...string) (string, error) {
	format, from := a.format, "--format"
	known := allowed
	if format == "" {
		format, from, known = a.getenv("GOREADY_FORMAT"), "GOREADY_FORMAT", formats()
	}
	switch {
	case format == "" || !slices.Contains(allowed, format) && slices.Contains(known, format):
		return allowed[0], nil
	case slices.Contains(allowed, format):
		return format, nil
	}
	hint := ""
	if near := goenv.Nearest(format, known); near != "" {
		hint = "did you mean " + near
	}
	return "", usagef(hint, "%s: unknown format %q, want %s", from, format, choice(known))
}

// choice lists words as an alternative.
func choice(words []string) string {
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " or " + words[n]
}

// language returns the language of text output: --lang, GOREADY_LANG, LC_ALL, LC_MESSAGES, LANG.
func (a *app) language() (msg.Lang, error) {
	for _, given := range []struct{ from, value string }{{"--lang", a.lang}, {"GOREADY_LANG", a.getenv("GOREADY_LANG")}} {
		switch {
		case given.value == "":
		case isChinese(given.value):
			return msg.Chinese, nil
		case strings.HasPrefix(strings.ToLower(given.value), "en"):
			return msg.English, nil
		default:
			return "", usagef("", "%s: unknown language %q, want en or zh-CN", given.from, given.value)
		}
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := a.getenv(name); v != "" {
			if isChinese(v) && !otherEncoding(v) {
				return msg.Chinese, nil
			}
			return msg.English, nil
		}
	}
	return msg.English, nil
}

// otherEncoding reports whether a locale names an encoding other than UTF-8 (zh_CN.GBK), in which Chinese would be garbled.
func otherEncoding(locale string) bool {
	_, encoding, named := strings.Cut(strings.ToLower(locale), ".")
	encoding, _, _ = strings.Cut(encoding, "@")
	return named && encoding != "utf-8" && encoding != "utf8"
}

func isChinese(locale string) bool { return strings.HasPrefix(strings.ToLower(locale), "zh") }

// workspace returns the absolute name of the folder or .code-workspace file to look at.
func (a *app) workspace() (string, error) {
	p := a.Host.Platform()
	dir := a.dir
	if dir == "" || !p.IsAbs(dir) {
		wd, err := a.Dir()
		if err != nil {
			return "", fmt.Errorf("current folder: %w", err)
		}
		dir = p.Join(wd, dir)
	}
	dir = p.Clean(dir)
	info, err := host.Stat(a.Host, dir)
	switch {
	case err != nil && a.dir != "":
		return "", usagef("", "-C: %w", err)
	case err == nil && !info.Mode.IsDir() && !strings.HasSuffix(dir, ".code-workspace"):
		return "", usagef("", "-C: %s is neither a folder nor a .code-workspace file", dir)
	}
	return dir, nil
}

// terminal reports whether w is a terminal, and its width in columns.
func terminal(w io.Writer) (width int, ok bool) {
	f, isFile := w.(interface{ Fd() uintptr })
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 20 {
		width = 80
	}
	return width, true
}

// colours reports whether text output may be coloured.
func (a *app) colours() bool {
	if a.noColor || a.output != "" || a.getenv("NO_COLOR") != "" {
		return false
	}
	if v := a.getenv("CLICOLOR_FORCE"); v != "" && v != "0" {
		return true
	}
	_, ok := terminal(a.Stdout)
	return ok && a.getenv("TERM") != "dumb"
}

// limit returns ctx with the time limit of --timeout.
func (a *app) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.timeout > 0 {
		return context.WithTimeout(ctx, a.timeout)
	}
	return context.WithCancel(ctx)
}
