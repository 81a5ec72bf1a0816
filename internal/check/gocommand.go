package check

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/shell"
)

// goCommand returns a command line that runs go with args in the workspace. more are variables, as KEY=value, that it
// needs. Where no toolchain can be selected, every go command stops, the one that would repair it too: then the installed
// Go is told to run itself. Where the user cannot write the go env file, a command that changes it is preceded by one that
// allows it.
func goCommand(f *facts.Facts, args string, more ...string) string {
	c := consumerOf(f, "current")
	if c != nil && (strings.HasPrefix(args, "env -w ") || strings.HasPrefix(args, "env -u ")) {
		if unlock := goenvLocked(f, c.User.Name); c.User.Name != "" && unlock != "" {
			return unlock + " && " + goDirect(f, c, args, more)
		}
	}
	return goDirect(f, c, args, more)
}

func goDirect(f *facts.Facts, c *facts.Consumer, args string, more []string) string {
	if c != nil && choosesToolchain(c) && !goenv.SelectToolchain(f.Query(c)).Err.IsZero() {
		return localGo(f, args, more...)
	}
	return withVariables(f, "go "+args, more)
}

// localGo returns a command line that runs go with args, whatever toolchain is asked for.
func localGo(f *facts.Facts, args string, more ...string) string {
	return withVariables(f, "go "+args, slices.Concat(more, []string{"GOTOOLCHAIN=local"}))
}

// withVariables returns a command line that gives a command variables, as KEY=value and quoted for the shell, which no
// other command notices: PowerShell, which has no such form, gets the old values back.
func withVariables(f *facts.Facts, command string, set []string) string {
	switch {
	case f.Platform.Windows():
		return powerShellWith(command, set)
	case len(set) == 0:
		return command
	case shellKind(f) == shell.Fish:
		return "env " + strings.Join(set, " ") + " " + command
	}
	return strings.Join(set, " ") + " " + command
}

func powerShellWith(command string, set []string) string {
	words := strings.Split(command, " ")
	for i, word := range words { // PowerShell cuts -go=1.26.0 at the dot
		if strings.HasPrefix(word, "-") && strings.Contains(word, ".") && !strings.ContainsAny(word, `'"`) {
			words[i] = "'" + word + "'"
		}
	}
	command = strings.Join(words, " ")
	before, after := "", ""
	for i, kv := range set {
		key, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(value, "'") {
			value = "'" + value + "'"
		}
		old := "$old" + strconv.Itoa(i)
		before += old + " = $env:" + key + "; $env:" + key + " = " + value + "; "
		after += "; $env:" + key + " = " + old
	}
	return before + command + after
}
