package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// doctorFlags are the flags of "goready doctor".
type doctorFlags struct {
	severity  string
	failOn    string
	skip      []string
	consumers []string
	baseline  string
	list      bool
}

const doctorLong = `Doctor looks for what is broken in the Go development environment of this machine and workspace, names the
file and line that is to blame, and says how to repair it. It changes nothing and does not use the network.

Arguments are ids of checks or categories; without any, all checks run. 'goready doctor --list' lists them, and
'goready explain CHECK-ID' shows the page of one.

To learn what the start-up files of the user's shell really do, doctor starts that shell up to four times, with an
empty standard input and a limit of 10 seconds, as VS Code does each time it starts. --skip shell leaves that out.

The section [doctor] of goready.toml, in the workspace or above it in the same repository, may set fail-on, severity,
skip and what is known. --baseline makes the warnings and errors of an earlier report known.`

const doctorExample = `  goready doctor
  goready doctor env shell --severity info
  goready doctor go.binary-found --consumer vscode-gopls
  goready doctor --format sarif -o goready.sarif --fail-on warning
  goready doctor --format json -o baseline.json; goready doctor --baseline baseline.json`

func (a *app) doctorCommand() *cobra.Command {
	flags := &doctorFlags{}
	cmd := &cobra.Command{
		Use:               "doctor [CHECK-ID|CATEGORY...]",
		Short:             "Find what is broken on this machine, and prove it",
		Long:              doctorLong,
		Example:           doctorExample,
		ValidArgsFunction: a.completeChecks,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.doctor(cmd, flags, args) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.severity, "severity", "", "what is printed: error, warning or info (default: warning for people, all for programs)")
	f.StringVar(&flags.failOn, "fail-on", "", "what makes the exit status 1: error, warning or never (default: error)")
	f.StringSliceVar(&flags.skip, "skip", nil, "leave out these checks or categories")
	f.StringSliceVar(&flags.consumers, "consumer", nil, "look at these consumers only (see 'goready help consumers')")
	f.StringVar(&flags.baseline, "baseline", "", "the warnings and errors in `FILE`, an earlier output of --format json, are known")
	f.BoolVar(&flags.list, "list", false, "list the checks instead of running them")
	mustRegister(cmd.RegisterFlagCompletionFunc("consumer", completeConsumers))
	mustRegister(cmd.RegisterFlagCompletionFunc("skip", a.completeChecks))
	mustRegister(cmd.RegisterFlagCompletionFunc("severity", cobra.FixedCompletions([]cobra.Completion{"error", "warning", "info"}, cobra.ShellCompDirectiveNoFileComp)))
	mustRegister(cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions([]cobra.Completion{"error", "warning", "never"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// statusError ends a command that did its work with a status other than 0. Its result is printed.
type statusError Status

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// diagnosis is a run of the doctor: what was asked, and what came out.
type diagnosis struct {
	*wishes
	checks  []check.Check
	facts   *facts.Facts
	folder  string // of the workspace
	results []check.Result
	report  *check.Report
	// threshold is the least severity that is printed.
	threshold check.Severity
}

func (a *app) doctor(cmd *cobra.Command, flags *doctorFlags, args []string) error {
	formats := []string{"text", "json", "junit", "sarif", "github"}
	if flags.list {
		formats = []string{"text", "json"}
	}
	format, err := a.formatIs(formats...)
	if err != nil {
		return err
	}
	ctx, cancel := a.limit(cmd.Context())
	defer cancel()
	dir, err := a.lookHere(ctx)
	if err != nil {
		return err
	}
	wishes, err := a.wishes(flags, dir)
	if err != nil {
		return err
	}
	checks, unknown := check.Select(a.checks(), args, wishes.skip)
	if unknown != "" {
		return a.unknownCheck(unknown)
	}
	if flags.list {
		return a.listChecks(format, checks)
	}
	if len(checks) == 0 {
		return usagef("", "--skip leaves no check to run")
	}
	d, err := a.diagnose(ctx, flags, dir, checks, wishes)
	if err != nil {
		return err
	}
	d.threshold = a.threshold(format, wishes.severity)
	switch format {
	case "json":
		err = a.doctorJSON(d)
	case "junit":
		err = a.doctorJUnit(d)
	case "sarif":
		err = a.doctorSARIF(d)
	case "github":
		err = a.doctorGitHub(d)
	default:
		err = a.doctorText(d)
	}
	if err != nil {
		return err
	}
	return d.status()
}

// threshold returns the least severity that is printed: what was asked for, else all for programs, and what a person
// should look at for people.
func (a *app) threshold(format string, asked check.Severity) check.Severity {
	switch {
	case asked != "":
		return asked
	case format == "github" || format == "text" && !a.verbose:
		return check.Warning
	}
	return check.Info
}

// shown reports whether a result is printed, as far as its severity decides.
func (d *diagnosis) shown(r *check.Result) bool {
	return !found(r) || r.Finding.Severity.AtLeast(d.threshold)
}

// fails reports whether a result makes the exit status 1.
func (d *diagnosis) fails(r *check.Result) bool {
	return (r.State == check.StateError || r.State == check.StateWarning) && d.failOn != "never" &&
		r.Finding.Severity.AtLeast(check.Severity(d.failOn))
}

// status returns what the exit status of the results is, as an error.
func (d *diagnosis) status() error {
	status := OK
	for i := range d.results {
		switch r := &d.results[i]; {
		case d.fails(r):
			return statusError(Findings)
		case r.State == check.StateUnknown:
			status = Incomplete
		}
	}
	if status == OK {
		return nil
	}
	return statusError(status)
}

// doctorJSON writes the report. Its summary counts everything, also what is below an explicit --severity and left out.
func (a *app) doctorJSON(d *diagnosis) error {
	report := *d.report
	report.Results = []check.ReportResult{}
	for i := range d.results {
		if d.shown(&d.results[i]) {
			report.Results = append(report.Results, d.report.Results[i])
		}
	}
	return a.json(&report)
}

func (flags *doctorFlags) check() error {
	if s := flags.severity; s != "" && !slices.Contains([]string{"error", "warning", "info"}, s) {
		return usagef("", "--severity: unknown severity %q, want error, warning or info", s)
	}
	if s := flags.failOn; s != "" && !slices.Contains([]string{"error", "warning", "never"}, s) {
		return usagef("", "--fail-on: unknown severity %q, want error, warning or never", s)
	}
	return nil
}

// unknownCheck is the error for a name that is neither an id nor a category.
func (a *app) unknownCheck(name string) error {
	hint := "'goready doctor --list' lists the checks"
	if near := goenv.Nearest(name, append(check.Categories(a.checks()), a.ids()...)); near != "" {
		hint = "did you mean " + near
	}
	return usagef(hint, "no check or category %q", name)
}

// diagnose looks at the machine and runs the checks.
func (a *app) diagnose(ctx context.Context, flags *doctorFlags, dir string, checks []check.Check, w *wishes) (*diagnosis, error) {
	h, progress, err := a.progress(a.Host)
	if err != nil {
		return nil, err
	}
	defer progress.stop()
	start := time.Now()
	f, err := facts.Gather(ctx, h, doctorOptions(dir, flags.consumers, checks, a.now))
	if err != nil {
		return nil, usagef("see 'goready help consumers'", "%w", err)
	}
	learned := a.learnSecrets()
	defer learned()
	if err := a.sayAbsent(f, flags.consumers); err != nil {
		return nil, err
	}
	results := check.Run(ctx, f, checks, check.Options{Now: f.Now, Known: w.known, Baseline: w.baseline, Shown: func(object string) string {
		learned()
		return a.cleaner().Name(object)
	}})
	learned()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("the checks did not finish: %w", err)
	}
	a.quoteEvidence(results)
	cleanResults(a.cleaner(), results)
	folder := dir
	if info, err := host.Stat(h, dir); err == nil && !info.Mode.IsDir() {
		folder = f.Platform.Dir(dir)
	}
	return &diagnosis{wishes: w, checks: checks, facts: f, folder: folder, results: results,
		report: check.NewReport(version(), f, time.Since(start), results)}, nil
}

// sayAbsent names the consumers that were asked for and do not exist here. It is an error if there is none besides.
func (a *app) sayAbsent(f *facts.Facts, asked []string) error {
	if len(asked) == 0 {
		return nil
	}
	l, err := a.language()
	if err != nil {
		return err
	}
	known := 0
	for i := range f.Consumers {
		c := &f.Consumers[i]
		if c.Absent.IsZero() {
			known++
			continue
		}
		a.say(l, msg.New("there is no consumer %s: %s", c.ID, c.Absent))
	}
	if known == 0 {
		return errors.New("none of the consumers exists on this machine")
	}
	return nil
}

// doctorOptions says what to gather for checks.
func doctorOptions(workspace string, consumers []string, checks []check.Check, now time.Time) facts.Options {
	return facts.Options{Workspace: workspace, Consumers: consumers, Observe: true, Variables: check.Variables(),
		Sections: check.Wanted(checks), Now: now}
}

// maxQuote is the number of bytes of a line that is shown as evidence.
const maxQuote = 200

// quoteEvidence shows the line itself where a finding only names it, without its secrets.
func (a *app) quoteEvidence(results []check.Result) {
	files := map[string][]byte{}
	for i := range results {
		list := results[i].Finding.Evidence
		for j := range list {
			if e := &list[j]; e.Text == "" && e.Path != "" && e.Line > 0 {
				e.Text = a.line(files, e.Path, e.Line)
			}
		}
	}
}

// line returns a line of a file without its secrets, "" if it cannot be read. files are those that were read before.
// All of a file is cleaned, because a secret may have several lines. It is the file as the checks saw it, if that was
// kept: it may have changed since.
func (a *app) line(files map[string][]byte, name string, n int) string {
	data, known := files[name]
	if !known {
		clean := a.cleaner()
		read, err := a.recorded.ReadFile(name)
		if err != nil {
			read, err = a.Host.ReadFile(name)
		}
		if err == nil {
			data = clean.File(name, read)
		}
		files[name] = data
	}
	text := ""
	for line := range strings.Lines(string(data)) {
		if n--; n == 0 {
			text = strings.ToValidUTF8(strings.TrimSpace(line), "\uFFFD")
			break
		}
	}
	if len(text) > maxQuote {
		text = strings.ToValidUTF8(text[:maxQuote], "") + "…"
	}
	return text
}

func (a *app) listChecks(format string, checks []check.Check) error {
	if format != "text" {
		all := []checkEntry{}
		for i := range checks {
			all = append(all, entryOf(&checks[i]))
		}
		return a.json(all)
	}
	l, err := a.language()
	if err != nil {
		return err
	}
	printChecks(&a.out, l, checks)
	return nil
}

// completeChecks offers categories and ids. Where several are given in one word, the last is completed.
func (a *app) completeChecks(_ *cobra.Command, _ []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	head := word[:strings.LastIndexByte(word, ',')+1]
	var out []cobra.Completion
	for _, category := range check.Categories(a.checks()) {
		out = append(out, head+category)
	}
	return offer(append(out, a.completeIDs(head)...), word)
}

// completeIDs returns the ids of all checks, each after head.
func (a *app) completeIDs(head string) []cobra.Completion {
	var out []cobra.Completion
	for _, c := range a.checks() {
		out = append(out, cobra.CompletionWithDesc(head+c.ID, c.Title.String()))
	}
	return out
}

// offer returns those completions that word may become. File names are none.
func offer(all []cobra.Completion, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	some := slices.DeleteFunc(all, func(c cobra.Completion) bool { return !strings.HasPrefix(c, word) })
	return some, cobra.ShellCompDirectiveNoFileComp
}

// asStatus returns the status of a statusError.
func asStatus(err error) (Status, bool) {
	s, ok := errors.AsType[statusError](err)
	return Status(s), ok
}
