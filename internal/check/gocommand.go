package check

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/shell"
)

// goCommand returns a command line that runs go with args in the workspace. Where no toolchain can be selected, every
// go command stops, the one that would repair it too: then the installed Go is told to run itself.
func goCommand(f *facts.Facts, args string) string {
	if c := consumerOf(f, "current"); c != nil && choosesToolchain(c) && !goenv.SelectToolchain(f.Query(c)).Err.IsZero() {
		return localGo(f, args)
	}
	return "go " + args
}

// localGo returns a command line that runs go with args, whatever toolchain is asked for, and which no other command
// notices. For Windows it is one that cmd and PowerShell take alike, and in which PowerShell cuts no number at its dots.
// more are other variables, as KEY=value, quoted for the shell.
func localGo(f *facts.Facts, args string, more ...string) string {
	set := slices.Concat(more, []string{"GOTOOLCHAIN=local"})
	switch {
	case f.Platform.Windows():
		return `cmd /c "set ` + strings.Join(set, "&& set ") + `&& go ` + args + `"`
	case shellKind(f) == shell.Fish:
		return "env " + strings.Join(set, " ") + " go " + args
	}
	return strings.Join(set, " ") + " go " + args
}
