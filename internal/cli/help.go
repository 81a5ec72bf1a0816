package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/msg"
)

// topic is a page of "goready help" that is not a command.
type topic struct {
	name  string
	text  string
	print func(w io.Writer, l msg.Lang)
}

func topics() []topic {
	return []topic{
		{"checks", "what goready doctor looks for", func(w io.Writer, l msg.Lang) { printChecks(w, l, check.All()) }},
		{"consumers", "the kinds of process that goready explains", printConsumers},
		{"layers", "the places a value can come from", printLayers},
		{"exit-codes", "what goready's exit status means", printExitCodes},
		{"environment", "variables that goready itself reads", printEnvironment},
	}
}

func (a *app) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND|TOPIC]",
		Short: "Help about a command, or about checks, consumers, layers, exit-codes, environment",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				for _, t := range topics() {
					if t.name == args[0] {
						l, err := a.language()
						if err != nil {
							return err
						}
						t.print(cmd.OutOrStdout(), l)
						return nil
					}
				}
			}
			target, rest, err := root.Find(args)
			if err != nil || target == nil || len(rest) > 0 {
				var names []string
				for _, t := range topics() {
					names = append(names, t.name)
				}
				return usagef("topics are "+strings.Join(names, ", "), "no command or topic %q", strings.Join(args, " "))
			}
			return target.Help()
		},
	}
}

func printConsumers(w io.Writer, l msg.Lang) {
	for _, k := range facts.Kinds() {
		fmt.Fprintf(w, "%-21s %s\n", k.ID, k.Text.In(l))
	}
}

func printLayers(w io.Writer, l msg.Lang) {
	for _, k := range layerTexts() {
		fmt.Fprintf(w, "%-26s %s\n", k.id, k.text.In(l))
	}
}

func printExitCodes(w io.Writer, l msg.Lang) {
	for _, s := range []struct {
		status Status
		text   msg.Text
	}{
		{OK, msg.New("done; nothing at or above --fail-on")},
		{Findings, msg.New("findings, drift or a failed assertion")},
		{Usage, msg.New("wrong usage or configuration")},
		{Incomplete, msg.New("could not complete: something is unknown")},
		{Interrupted, msg.New("interrupted")},
	} {
		fmt.Fprintf(w, "%3d  %s\n", int(s.status), s.text.In(l))
	}
}

func printEnvironment(w io.Writer, l msg.Lang) {
	for _, v := range []struct {
		name string
		text msg.Text
	}{
		{"GOREADY_FORMAT", msg.New("as --format")},
		{"GOREADY_LANG", msg.New("as --lang; without it LC_ALL, LC_MESSAGES and LANG decide")},
		{"NO_COLOR", msg.New("if not empty: no colours")},
		{"CLICOLOR_FORCE", msg.New("if neither empty nor 0: colours although the output is no terminal")},
	} {
		fmt.Fprintf(w, "%-15s %s\n", v.name, v.text.In(l))
	}
}
