package cli

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/spf13/cobra"

	"github.com/goready/goready/internal/explain"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
)

// explainFlags are the flags of "goready explain".
type explainFlags struct {
	consumers  []string
	editorFrom string
	observe    bool
	probe      bool
	chain      bool
	module     string
	answers    string
	urls       []string
}

const explainLong = `Explain says which value each kind of process (consumer) on this machine really sees for a variable,
which file and line decided it, and what every other layer had to say.

A name with a dot is the id of a check of 'goready doctor', whose page is printed.

Without --consumer every consumer that exists here is shown; those with equal answers are folded together.
Nothing is run and nothing is changed: start-up files are read, not executed. --probe does start the user's
shell, with the standard input closed and a limit of 10 seconds, where reading alone cannot tell.

--module PATH explains the proxy list for a module: which entry is asked first, which answers fall through
to the next, what GOPRIVATE, GONOPROXY, GONOSUMDB and GOSUMDB change, and which HTTP proxy each request takes.
--answers says what the entries answer, in the order of the list ("404,200") or by entry
("https://proxy.example.com=500,direct=ok"): a status code, or ok, html, refused, dns, tls, eof, silent.`

const explainExample = `  goready explain GOPROXY
  goready explain GOPROXY GOFLAGS -v
  goready explain GOPROXY --consumer vscode-gopls --observe
  goready explain --module git.example.com/team/lib --answers 404,ok
  goready explain env.goflags
  goready explain PATH --chain --consumer shell-login`

func (a *app) explainCommand() *cobra.Command {
	var flags explainFlags
	cmd := &cobra.Command{
		Use:               "explain VAR|CHECK-ID...",
		Short:             "Show who sees which value of a variable, and why; or the page of a check",
		Long:              explainLong,
		Example:           explainExample,
		ValidArgsFunction: a.completeNames,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.explain(cmd, &flags, args) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&flags.consumers, "consumer", nil, "only these consumers (see 'goready help consumers')")
	f.StringVar(&flags.editorFrom, "editor-from", "", "where the editor's environment comes from: observed, desktop or terminal")
	f.BoolVar(&flags.observe, "observe", false, "compare with the editor, gopls, dlv and go processes that run now")
	f.BoolVar(&flags.probe, "probe", false, "start the user's shell where reading its files cannot tell")
	f.BoolVar(&flags.chain, "chain", false, "show how the environment of each consumer comes about, file by file")
	f.StringVar(&flags.module, "module", "", "explain the proxy list for the module `PATH[@VERSION]`")
	f.StringVar(&flags.answers, "answers", "", "with --module: what the proxies answer")
	f.StringSliceVar(&flags.urls, "url", nil, "explain which HTTP proxy a request for `URL` takes")
	mustRegister(cmd.RegisterFlagCompletionFunc("consumer", completeConsumers))
	mustRegister(cmd.RegisterFlagCompletionFunc("editor-from", cobra.FixedCompletions([]cobra.Completion{"observed", "desktop", "terminal"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// mustRegister panics for a flag that does not exist, which is a bug in goready.
func mustRegister(err error) {
	if err != nil {
		panic("cli: " + err.Error())
	}
}

func (a *app) explain(cmd *cobra.Command, flags *explainFlags, names []string) error {
	format, err := a.formatIs("text", "json")
	if err != nil {
		return err
	}
	pages, names, err := a.splitChecks(names)
	if err != nil {
		return err
	}
	if len(pages) > 0 && len(names) == 0 && !flags.asksMore() {
		return a.explainChecks(format, pages)
	}
	if err := checkExplain(flags, names); err != nil {
		return err
	}
	ctx, cancel := a.limit(cmd.Context())
	defer cancel()
	dir, err := a.lookHere(ctx)
	if err != nil {
		return err
	}
	f, err := facts.Gather(ctx, a.Host, facts.Options{
		Workspace:  dir,
		Consumers:  flags.consumers,
		EditorFrom: flags.editorFrom,
		Observe:    flags.observe,
		Probe:      flags.probe,
		Variables:  asked(flags, names),
		Now:        a.now,
	})
	if err != nil {
		return usagef("see 'goready help consumers'", "%w", err)
	}
	learned := a.learnSecrets()
	defer learned()
	report := explain.Report{Schema: explain.Schema, Workspace: dir, Variables: explain.Variables(f, slices.Compact(slices.Clone(names))),
		Consumers: explain.Programs(f)}
	if flags.module != "" {
		if report.Modules, err = explain.Modules(f, flags.module, flags.answers); err != nil {
			return usagef("", "%w", err)
		}
	}
	if report.URLs, err = explain.URLs(f, flags.urls); err != nil {
		return usagef("", "%w", err)
	}
	if flags.chain {
		report.Chains = explain.Chains(f)
	}
	report.Ineffective = explain.Ineffective(f, names)
	learned()
	report.Clean(a.cleaner())
	if format == "json" {
		return a.json(struct {
			explain.Report
			Checks []checkPage `json:"checks,omitempty"`
		}{report, pages})
	}
	if len(pages) > 0 {
		if err := a.explainChecks(format, pages); err != nil {
			return err
		}
		fmt.Fprintln(&a.out)
	}
	return a.explainText(f, &report)
}

// explainChecks prints pages of checks.
func (a *app) explainChecks(format string, pages []checkPage) error {
	if format == "json" {
		dir, err := a.workspace()
		if err != nil {
			return err
		}
		return a.json(struct {
			explain.Report
			Checks []checkPage `json:"checks"`
		}{explain.Report{Schema: explain.Schema, Workspace: dir, Variables: []explain.Variable{}, Consumers: []explain.Consumer{}}, pages})
	}
	s, err := a.style(&a.out, "", a.Host.Platform().Separator())
	if err != nil {
		return err
	}
	s.pages(pages)
	return nil
}

// asksMore reports whether the flags ask for something besides names.
func (flags *explainFlags) asksMore() bool {
	return flags.module != "" || len(flags.urls) > 0 || flags.chain
}

// asked returns all variables that the answer needs.
func asked(flags *explainFlags, names []string) []string {
	if flags.module != "" {
		return append(slices.Clone(names), explain.RouteVariables()...)
	}
	return names
}

func checkExplain(flags *explainFlags, names []string) error {
	if len(names) == 0 && !flags.asksMore() {
		return usagef("for example: goready explain GOPROXY", "explain needs a variable, the id of a check, --module, --url or --chain")
	}
	valid := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\([A-Za-z0-9]+\))?$`)
	for _, name := range names {
		if !valid.MatchString(name) {
			hint := ""
			if k, _, ok := strings.Cut(name, "="); ok && valid.MatchString(k) {
				hint = "did you mean: goready explain " + k
			}
			return usagef(hint, "%q is not the name of a variable", name)
		}
	}
	if flags.answers != "" && flags.module == "" {
		return usagef("", "--answers needs --module")
	}
	if !slices.Contains([]string{"", "observed", "desktop", "terminal"}, flags.editorFrom) {
		return usagef("", "--editor-from: unknown source %q, want observed, desktop or terminal", flags.editorFrom)
	}
	return nil
}

// json writes v as indented JSON. Characters that do not show themselves, of which JSON escapes only some, are escaped.
func (a *app) json(v any) error {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("cannot write JSON: %w", err)
	}
	for _, r := range out.String() {
		switch {
		case r == '\n' || !hidden(r):
			a.out.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&a.out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&a.out, `\u%04x\u%04x`, high, low)
		}
	}
	return nil
}

func completeConsumers(_ *cobra.Command, _ []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	head := word[:strings.LastIndexByte(word, ',')+1]
	var out []cobra.Completion
	for _, k := range facts.Kinds() {
		out = append(out, cobra.CompletionWithDesc(head+k.ID, k.Text.String()))
	}
	return offer(out, word)
}

// completeNames completes variables and the ids of checks.
func (a *app) completeNames(_ *cobra.Command, _ []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names := append(goenv.Variables(), "PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
	return offer(append(names, a.completeIDs("")...), word)
}
