package cli

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/goready/goready/internal/durable"
	"github.com/goready/goready/internal/msg"
)

// manCommand writes the manual pages. It is for those who make packages of goready, and hidden from everybody else.
func (a *app) manCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the manual pages into a folder",
		Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("", "goready man needs the name of a folder")
			}
			dir := args[0]
			if err := durable.MkdirAll(dir, 0o777); err != nil {
				return err
			}
			for _, page := range a.manPages(root) {
				if err := durable.WriteFile(filepath.Join(dir, page.name), page.text, 0o666); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// manPage is a manual page in the language of troff's man macros.
type manPage struct {
	name string
	text []byte
}

// manPages returns a page for each command that is not hidden.
func (a *app) manPages(root *cobra.Command) []manPage {
	var out []manPage
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		if cmd == root || cmd.IsAvailableCommand() {
			name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
			out = append(out, manPage{name + ".1", a.manPage(cmd, name)})
		}
	}
	return out
}

// built is the day of the commit that goready was built from; "" if the program does not know it.
func built() string {
	info, _ := debug.ReadBuildInfo()
	for i := 0; info != nil && i < len(info.Settings); i++ {
		if day, _, ok := strings.Cut(info.Settings[i].Value, "T"); ok && info.Settings[i].Key == "vcs.time" {
			return day
		}
	}
	return ""
}

// manFiles are the files that are goready's own.
func manFiles() []struct{ name, text string } {
	return []struct{ name, text string }{
		{"goready.toml", "in the workspace or a folder above it in the same repository: what a project or team wants; doctor reads its section [doctor]"},
	}
}

func (a *app) manPage(cmd *cobra.Command, name string) []byte {
	var b bytes.Buffer
	section := func(title string) { fmt.Fprintf(&b, ".SH %s\n", title) }
	fmt.Fprintf(&b, ".TH %s 1 %s \"goready\" \"goready manual\"\n", roffQuoted(strings.ToUpper(name)), roffQuoted(built()))
	section("NAME")
	fmt.Fprintf(&b, "%s \\- %s\n", roff(name), roff(strings.ToLower(cmd.Short[:1])+cmd.Short[1:]))
	section("SYNOPSIS")
	use := cmd.CommandPath()
	if _, args, ok := strings.Cut(cmd.Use, " "); ok {
		use += " " + args
	}
	if !cmd.HasParent() {
		use += " [COMMAND]"
	}
	fmt.Fprintf(&b, ".B %s\n[flags]\n", roff(use))
	section("DESCRIPTION")
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	roffText(&b, long)
	if !cmd.HasParent() {
		section("COMMANDS")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				roffItem(&b, strings.ReplaceAll(c.CommandPath(), " ", "-")+"(1)", c.Short)
			}
		}
	}
	section("OPTIONS")
	cmd.InitDefaultHelpFlag()
	roffFlags(&b, cmd.LocalFlags())
	roffFlags(&b, cmd.InheritedFlags())
	if cmd.Example != "" {
		section("EXAMPLES")
		fmt.Fprintf(&b, ".nf\n%s\n.fi\n", roffLines(cmd.Example))
	}
	section("EXIT STATUS")
	for _, s := range exitCodes() {
		roffItem(&b, fmt.Sprint(int(s.status)), s.text.In(msg.English))
	}
	section("ENVIRONMENT")
	for _, v := range environment() {
		roffItem(&b, v.name, v.text.In(msg.English))
	}
	section("FILES")
	for _, f := range manFiles() {
		roffItem(&b, f.name, f.text)
	}
	section("SEE ALSO")
	see := []string{}
	for _, c := range append([]*cobra.Command{cmd.Root()}, cmd.Root().Commands()...) {
		if c != cmd && (c == cmd.Root() || c.IsAvailableCommand()) {
			see = append(see, roff(strings.ReplaceAll(c.CommandPath(), " ", "-"))+"(1)")
		}
	}
	fmt.Fprintf(&b, "%s\n", strings.Join(see, ", "))
	return b.Bytes()
}

func roffFlags(b *bytes.Buffer, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + strings.ToUpper(value)
		}
		roffItem(b, name, usage)
	})
}

// roffItem writes a term and what it means.
func roffItem(b *bytes.Buffer, term, text string) {
	fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(term), roffLines(text))
}

// roffText writes paragraphs.
func roffText(b *bytes.Buffer, text string) {
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			fmt.Fprintln(b, ".PP")
		}
		fmt.Fprintln(b, roffLines(paragraph))
	}
}

// roffLines escapes the lines of text.
func roffLines(text string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = roff(line)
	}
	return strings.Join(lines, "\n")
}

// roff escapes a line: a hyphen stays one that can be copied, and no line is taken for a request.
func roff(line string) string {
	line = strings.NewReplacer(`\`, `\e`, "-", `\-`, "~", `\(ti`, "^", `\(ha`, "`", `\(ga`).Replace(line)
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		line = `\&` + line
	}
	return line
}

func roffQuoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\(dq`) + `"` }
