package editor

import (
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// ShellRun is how VS Code starts a shell.
type ShellRun struct {
	Shell string   // its path
	Args  []string // without the command to run
	Env   []string // "KEY=value" added for the shell only
	// Skip, if not zero, says why the shell is not run at all.
	Skip msg.Text
	// Timeout in seconds, after which the result is thrown away.
	Timeout int
	From    string // where the shell or its arguments are written: "file:line" or a description
}

// Login reports whether the arguments make it a login shell, Interactive whether an interactive one.
func (r ShellRun) Login() bool       { return false }
func (r ShellRun) Interactive() bool { return false }

// ResolveShell says how VS Code asks the user's shell for its environment (SHELLENV).
func ResolveShell(process *layer.Env, s *Settings, loginShell string) ShellRun { return ShellRun{} }

// TerminalShell says how the integrated terminal starts its default shell; TaskShellRun how a shell task does.
func TerminalShell(base *layer.Env, s *Settings, loginShell string) ShellRun { return ShellRun{} }

// TaskShellRun says how a task of type shell starts its shell.
func TaskShellRun(base *layer.Env, s *Settings, t *Task, loginShell string) ShellRun {
	return ShellRun{}
}

// ExtHost returns the environment the extension host starts with, from the environment of the window or server with
// the resolved shell environment: without the variables that VS Code removes.
func ExtHost(resolved *layer.Env) *layer.Env { return resolved.Clone() }
