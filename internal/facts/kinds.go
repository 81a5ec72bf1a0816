package facts

import (
	"strings"

	"github.com/goready/goready/internal/msg"
)

// Kind is a kind of process whose environment goready explains.
type Kind struct {
	ID   string
	Text msg.Text
}

// Kinds returns all kinds of consumers in the order in which they are shown.
func Kinds() []Kind {
	return []Kind{
		{"current", msg.New("a go command started right here, in the environment goready itself was given")},
		{"shell-login", msg.New("an interactive login shell: console, ssh, the macOS Terminal")},
		{"login-command", msg.New("$SHELL -l -c: su - -c, sudo -i, many CI runners")},
		{"shell-interactive", msg.New("an interactive shell that is not a login shell: a Linux terminal window")},
		{"ssh-command", msg.New("a command given to ssh")},
		{"vscode-terminal", msg.New("the integrated terminal of VS Code")},
		{"vscode-go", msg.New("go commands and tools that the Go extension runs")},
		{"vscode-gopls", msg.New("gopls as the Go extension starts it, and the go commands gopls runs")},
		{"vscode-install", msg.New("Go: Install/Update Tools")},
		{"vscode-test", msg.New("tests run by the Go extension")},
		{"vscode-debug", msg.New("a debug session from launch.json: dlv, its build and the program; narrowed by vscode-debug:NAME")},
		{"vscode-task", msg.New("a task of tasks.json; narrowed by vscode-task:LABEL")},
		{"vscode-remote-server", msg.New("the extension host of a VS Code server: Remote-SSH, WSL, code-server")},
		{"devcontainer", msg.New("VS Code inside the dev container of this workspace")},
		{"desktop-app", msg.New("a program started from the desktop: menu, Dock, launcher")},
		{"systemd-user", msg.New("a service of the systemd user manager; narrowed by systemd-user:UNIT")},
		{"systemd-system", msg.New("a systemd system service; narrowed by systemd-system:UNIT")},
		{"cron", msg.New("a job of the user's crontab; narrowed by cron:LINE")},
	}
}

// ForDevelopers reports whether consumers with this id, narrowed or not, are those that a developer works in, and not a
// service, a job or a remote command, which see less than a developer's shell on every machine.
func ForDevelopers(id string) bool {
	kind, _, _ := strings.Cut(id, ":")
	switch kind {
	case "current", "shell-login", "shell-interactive", "vscode-terminal", "vscode-go", "vscode-gopls", "vscode-install", "vscode-test",
		"vscode-debug", "vscode-task":
		return true
	}
	return false
}

// Known reports whether the consumer exists on the machine and could be looked at.
func (c *Consumer) Known() bool { return c.Absent.IsZero() && c.Failed.IsZero() && c.Env != nil }
