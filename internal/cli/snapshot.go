package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/durable"
	"github.com/goready/goready/internal/explain"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/snapshot"
)

// snapshotFlags are the flags of "goready snapshot".
type snapshotFlags struct {
	consumers []string
	skip      []string
	names     bool
	probe     bool
}

const snapshotLong = `Snapshot asks this machine all that 'goready doctor' and 'goready explain' ask, and writes the answers to a file,
without the secrets among them: passwords, tokens, keys, user information in URLs. --names also replaces the names
of the user and of the machine. With --from FILE doctor and explain then give the same answers on any other machine.

It records only what goready asks: start-up files and settings, the files of Go, the environment, the list of
processes. It is bounded: 1 MiB an answer, 8 MiB in all; what was left out is named and counts as unknown.
A FILE that ends in .gz is compressed. Look at the file before you send it.`

const snapshotExample = `  goready snapshot -o snapshot.json
  goready snapshot --names -C ~/src/app -o report.json.gz
  goready doctor --from snapshot.json
  goready explain GOPROXY --consumer vscode-gopls --from snapshot.json`

func (a *app) snapshotCommand() *cobra.Command {
	flags := &snapshotFlags{}
	cmd := &cobra.Command{
		Use:     "snapshot -o FILE",
		Short:   "Record what goready asks this machine, secrets removed, to look at it elsewhere",
		Long:    snapshotLong,
		Example: snapshotExample,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.snapshot(cmd, flags) },
	}
	f := cmd.Flags()
	f.BoolVar(&flags.names, "names", false, "replace the names of the user and of the machine too")
	f.StringSliceVar(&flags.consumers, "consumer", nil, "record what is asked about these consumers only")
	f.StringSliceVar(&flags.skip, "skip", nil, "leave out what these checks or categories ask (shell: do not start the user's shell)")
	f.BoolVar(&flags.probe, "probe", false, "also record what 'goready explain --probe' asks")
	mustRegister(cmd.RegisterFlagCompletionFunc("consumer", completeConsumers))
	mustRegister(cmd.RegisterFlagCompletionFunc("skip", a.completeChecks))
	return cmd
}

func (a *app) snapshot(cmd *cobra.Command, flags *snapshotFlags) error {
	switch _, onTerminal := terminal(a.Stdout); {
	case a.from != "":
		return usagef("", "--from: snapshot records the machine that it runs on")
	case a.format != "" && a.format != "json":
		return usagef("", "--format: unknown format %q, a snapshot is json", a.format)
	case a.output == "" && onTerminal:
		return usagef("for example: goready snapshot -o snapshot.json", "snapshot needs -o FILE, or an output that is no terminal")
	}
	l, err := a.language()
	if err != nil {
		return err
	}
	ctx, cancel := a.limit(cmd.Context())
	defer cancel()
	s, removed, err := a.takeSnapshot(ctx, flags)
	if err != nil {
		return err
	}
	data, err := s.Encode(strings.HasSuffix(a.output, ".gz"))
	if err != nil {
		return err
	}
	if err := a.writeSnapshot(data); err != nil {
		return err
	}
	if !a.quiet {
		a.saySnapshot(l, s, len(data), removed)
	}
	return nil
}

// takeSnapshot asks what doctor and explain ask.
func (a *app) takeSnapshot(ctx context.Context, flags *snapshotFlags) (s *snapshot.Snapshot, removed int, err error) {
	checks, unknown := check.Select(a.checks(), nil, flags.skip)
	if unknown != "" {
		return nil, 0, a.unknownCheck(unknown)
	}
	dir, err := a.lookHere(ctx)
	if err != nil {
		return nil, 0, err
	}
	w, err := a.wishes(&doctorFlags{}, dir)
	if err != nil {
		w = &wishes{} // a mistake in goready.toml is recorded, and found again
	}
	d, err := a.diagnose(ctx, &doctorFlags{consumers: flags.consumers}, dir, checks, w)
	if err != nil {
		return nil, 0, err
	}
	names := slices.Concat(goenv.Variables(), explain.RouteVariables(), []string{"PATH", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"})
	for _, from := range []string{"", "desktop", "terminal"} {
		_, err := facts.Gather(ctx, a.Host, facts.Options{Workspace: d.facts.Workspace, Consumers: flags.consumers, EditorFrom: from,
			Observe: true, Probe: flags.probe && from == "", Variables: names, Now: a.now})
		if err != nil {
			return nil, 0, err // unreachable: diagnose had the same options
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, 0, fmt.Errorf("the machine was not asked all: %w", err)
	}
	s, removed = snapshot.New(a.asked, version(), d.facts.Workspace, a.now,
		snapshot.Options{Consumers: flags.consumers, Skip: flags.skip, NamesRemoved: flags.names, Probed: flags.probe})
	return s, removed, nil
}

// writeSnapshot writes the file of -o, which nobody else may read, or stdout. Nothing else is printed there.
func (a *app) writeSnapshot(data []byte) error {
	if a.output == "" {
		_, err := a.Stdout.Write(data)
		return err
	}
	name := a.output
	a.output = ""
	if err := durable.WriteFile(name, data, 0o600); err != nil {
		return fmt.Errorf("cannot write the snapshot: %w", err)
	}
	a.written = name
	return nil
}

// saySnapshot tells what was written, what is not in it, and to look at it.
func (a *app) saySnapshot(l msg.Lang, s *snapshot.Snapshot, size, removed int) {
	where := msg.New("the standard output")
	if a.written != "" {
		where = msg.New("%s", a.written)
	}
	processes := 0
	if s.Host.Procs != nil {
		processes = len(s.Host.Procs.List)
	}
	a.say(l, msg.New("wrote %s: %d KiB, files: %d, runs of programs: %d, processes: %d, secrets removed: %d", where,
		(size+1023)/1024, len(s.Host.Files), len(s.Host.Runs), processes, removed))
	for i, name := range s.Cut {
		if i == maxCutShown {
			a.say(l, msg.New("and %d more", len(s.Cut)-i))
			break
		}
		what := msg.New("%s", name)
		if name == "" {
			what = msg.New("the processes")
		}
		a.say(l, msg.New("too large to be kept, so it counts as unknown: %s", what))
	}
	if !s.Options.NamesRemoved {
		a.say(l, msg.New("the names of the user and of the machine are in it; --names replaces them"))
	}
	a.say(l, msg.New("look at it before you send it: a secret that neither its name nor its form gives away is still there"))
}

// maxCutShown is how many names of what was too large are printed.
const maxCutShown = 10
