// Package bench measures the built goready binary from outside: its wall time as a ratio to the go command's in the
// same run, its size, what is linked into it, and what it does to the machine. It asserts no times: a benchmark
// reports, people and trends decide.
package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// buildDir holds the binaries while the tests run. It is set once, in TestMain.
var buildDir string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "goready-bench-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	buildDir = dir
	return m.Run()
}

// plain and shipped build goready as go build does, and as make build does: without the C library, whose loading takes
// about a millisecond, and without symbols.
var (
	plain   = sync.OnceValues(func() (string, error) { return build("plain", nil) })
	shipped = sync.OnceValues(func() (string, error) {
		return build("shipped", []string{"CGO_ENABLED=0"}, "-ldflags=-s -w")
	})
)

func build(name string, env []string, flags ...string) (string, error) {
	out := filepath.Join(buildDir, name+exe())
	args := append([]string{"build", "-buildvcs=false", "-o", out}, flags...)
	cmd := exec.Command("go", append(args, "../cmd/goready")...)
	cmd.Env = append(os.Environ(), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, text)
	}
	return out, nil
}

func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

func binary(tb testing.TB, b func() (string, error)) string {
	tb.Helper()
	file, err := b()
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

// home is what a developer's home directory on a fresh Debian holds after Go and VS Code were set up.
var home = map[string]string{
	".profile": `# executed by the command interpreter for login shells
if [ -n "$BASH_VERSION" ]; then
    if [ -f "$HOME/.bashrc" ]; then
	. "$HOME/.bashrc"
    fi
fi
if [ -d "$HOME/bin" ] ; then
    PATH="$HOME/bin:$PATH"
fi
export PATH="$HOME/go/bin:$PATH"
`,
	".bashrc": `# executed by bash for interactive shells
case $- in
    *i*) ;;
      *) return;;
esac
HISTCONTROL=ignoreboth
shopt -s histappend checkwinsize
if [ -z "${debian_chroot:-}" ] && [ -r /etc/debian_chroot ]; then
    debian_chroot=$(cat /etc/debian_chroot)
fi
case "$TERM" in
    xterm-color|*-256color) color_prompt=yes;;
esac
if [ "$color_prompt" = yes ]; then
    PS1='${debian_chroot:+($debian_chroot)}\[\033[01;32m\]\u@\h\[\033[00m\]:\w\$ '
else
    PS1='${debian_chroot:+($debian_chroot)}\u@\h:\w\$ '
fi
unset color_prompt
if [ -x /usr/bin/dircolors ]; then
    test -r ~/.dircolors && eval "$(dircolors -b ~/.dircolors)" || eval "$(dircolors -b)"
    alias ls='ls --color=auto'
fi
alias ll='ls -l'
if [ -f ~/.bash_aliases ]; then
    . ~/.bash_aliases
fi
if ! shopt -oq posix; then
  if [ -f /usr/share/bash-completion/bash_completion ]; then
    . /usr/share/bash-completion/bash_completion
  elif [ -f /etc/bash_completion ]; then
    . /etc/bash_completion
  fi
fi
export GOPRIVATE=git.example.com/*
`,
	".config/go/env": "GOPROXY=https://proxy.example.com,direct\nGOFLAGS=-mod=mod\n",
	".config/Code/User/settings.json": `{
	// the team's proxy
	"go.toolsEnvVars": { "GOPROXY": "https://editor.example.com|direct" },
	"go.useLanguageServer": true,
	"terminal.integrated.env.linux": { "GOFLAGS": "-mod=vendor" },
	"http.proxy": "http://127.0.0.1:3128",
}
`,
	"src/app/go.mod":                "module example.com/app\n\ngo 1.20\n",
	"src/app/main.go":               "package main\n\nfunc main() {}\n",
	"src/app/.vscode/settings.json": "{\n\t\"go.testEnvVars\": { \"GOPROXY\": \"off\" }\n}\n",
	"src/app/.vscode/launch.json": `{
	"version": "0.2.0",
	"configurations": [
		{ "name": "Launch Package", "type": "go", "request": "launch", "mode": "auto", "program": "${workspaceFolder}",
		  "env": { "GOFLAGS": "-race" } }
	]
}
`,
}

// machine is a user with a private home directory.
type machine struct {
	workspace string
	env       []string
	goCommand string
}

func newMachine(tb testing.TB) *machine {
	tb.Helper()
	goCommand, err := exec.LookPath("go")
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	for name, content := range home {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	path := filepath.Dir(goCommand) + string(filepath.ListSeparator) + os.Getenv("PATH")
	return &machine{
		workspace: filepath.Join(dir, "src", "app"),
		goCommand: goCommand,
		env: []string{"HOME=" + dir, "USERPROFILE=" + dir, "APPDATA=" + filepath.Join(dir, "AppData", "Roaming"),
			"PATH=" + path, "SystemRoot=" + os.Getenv("SystemRoot"), "SHELL=/bin/bash", "LANG=C.UTF-8", "TERM=dumb"},
	}
}

// command returns a command that the user of m gives in the workspace.
func (m *machine) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = m.workspace, m.env
	return cmd
}
