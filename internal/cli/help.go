package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/msg"
)

// topic is a page of "goready help" that is not a command.
type topic struct {
	name  string
	text  string
	print func(w io.Writer, l msg.Lang)
}

func (a *app) topics() []topic {
	return []topic{
		{"checks", "what goready doctor looks for", func(w io.Writer, l msg.Lang) { printChecks(w, l, a.checks()) }},
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
		ValidArgsFunction: func(_ *cobra.Command, _ []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var out []cobra.Completion
			for _, t := range a.topics() {
				out = append(out, cobra.CompletionWithDesc(t.name, t.text))
			}
			for _, c := range root.Commands() {
				if c.IsAvailableCommand() {
					out = append(out, cobra.CompletionWithDesc(c.Name(), c.Short))
				}
			}
			return offer(out, word)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				for _, t := range a.topics() {
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
				for _, t := range a.topics() {
					names = append(names, t.name)
				}
				hint := "topics are " + strings.Join(names, ", ")
				for _, c := range root.Commands() {
					names = append(names, c.Name())
				}
				if near := goenv.Nearest(strings.Join(args, " "), names); near != "" {
					hint = "did you mean: goready help " + near
				}
				return usagef(hint, "no command or topic %q", strings.Join(args, " "))
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

// exitCode is an exit status and what it means.
type exitCode struct {
	status Status
	text   msg.Text
}

func exitCodes() []exitCode {
	return []exitCode{
		{OK, msg.New("done; nothing at or above --fail-on")},
		{Findings, msg.New("findings, drift or a failed assertion")},
		{Usage, msg.New("wrong usage or configuration")},
		{Incomplete, msg.New("could not complete: something is unknown")},
		{Interrupted, msg.New("interrupted")},
	}
}

func printExitCodes(w io.Writer, l msg.Lang) {
	for _, s := range exitCodes() {
		fmt.Fprintf(w, "%3d  %s\n", int(s.status), s.text.In(l))
	}
}

// variable is a variable of goready's own environment.
type variable struct {
	name string
	text msg.Text
}

func environment() []variable {
	return []variable{
		{"GOREADY_FORMAT", msg.New("as --format, for the commands that have that format")},
		{"GOREADY_LANG", msg.New("as --lang; without it LC_ALL, LC_MESSAGES and LANG decide")},
		{"LC_ALL, LC_CTYPE, LANG", msg.New("say whether the output can show more than ASCII")},
		{"TERM", msg.New("dumb: no colours and no spinner")},
		{"NO_COLOR", msg.New("if not empty: no colours")},
		{"COLUMNS", msg.New("width of text that does not go to a terminal; without it 100")},
		{"CLICOLOR_FORCE", msg.New("if neither empty nor 0: colours although the output is no terminal")},
	}
}

func printEnvironment(w io.Writer, l msg.Lang) {
	for _, v := range environment() {
		fmt.Fprintf(w, "%-22s %s\n", v.name, v.text.In(l))
	}
}
