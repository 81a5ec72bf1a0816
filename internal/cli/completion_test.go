package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/testreq"
)

// TestMain makes the test binary goready with the checks of madeUp where it is started under that name: scripts of
// completion start it.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "goready" {
		a := &app{checks: madeUp, Program: Program{Host: madeUpMachine(), Args: os.Args[1:], Dir: os.Getwd, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}}
		os.Exit(int(a.main(context.Background())))
	}
	os.Exit(m.Run())
}

func TestComplete(t *testing.T) {
	for _, tt := range []struct {
		line   []string
		wanted []string
		not    []string
	}{
		{[]string{"doctor", "env."}, []string{"env.goflags\tGOFLAGS has only flags that the go command knows", "env.gopath"}, []string{"go.binary-found"}},
		{[]string{"doctor", ""}, []string{"env", "shell.resolve-slow"}, nil},
		{[]string{"doctor", "--skip", "sh"}, []string{"shell", "shell.resolve-slow"}, []string{"env"}},
		{[]string{"doctor", "--skip", "env,fs.ow"}, []string{"env,fs.owner"}, []string{"fs.owner"}},
		{[]string{"doctor", "--consumer", "vscode-g"}, []string{"vscode-go", "vscode-gopls"}, []string{"cron"}},
		{[]string{"doctor", "--format", ""}, []string{"text", "json", "junit", "sarif", "github"}, nil},
		{[]string{"doctor", "--fail-on", ""}, []string{"error", "warning", "never"}, nil},
		{[]string{"explain", "GOPR"}, []string{"GOPROXY", "GOPRIVATE"}, []string{"env.goflags"}},
		{[]string{"explain", "env.go"}, []string{"env.goflags", "env.gopath"}, []string{"GOPROXY"}},
		{[]string{"help", "ex"}, []string{"exit-codes\twhat goready's exit status means", "explain"}, []string{"checks"}},
		{[]string{"--lang", ""}, []string{"en", "zh-CN"}, nil},
		{[]string{""}, []string{"doctor", "explain"}, []string{"man"}},
	} {
		r := runMadeUp(t, madeUpMachine(), append([]string{"__complete"}, tt.line...)...)
		offered := strings.Split(r.stdout, "\n")
		has := func(word string) bool {
			return slices.ContainsFunc(offered, func(o string) bool { return o == word || strings.HasPrefix(o, word+"\t") })
		}
		for _, w := range tt.wanted {
			if !has(w) {
				t.Errorf("%q: %q is not offered:\n%s", tt.line, w, r.stdout)
			}
		}
		for _, w := range tt.not {
			if has(w) {
				t.Errorf("%q: %q is offered", tt.line, w)
			}
		}
	}
}

// shells start goready's own script of completion and ask what it offers.
func TestCompletionScripts(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "goready")); err != nil {
		testreq.Missing(t, "symbolic links")
	}
	for _, tt := range []struct{ shell, ask string }{
		// The script needs a function of the package bash-completion, which says which words are on the line; installing
		// that package would change the login shells that other tests look at.
		{"bash", `_get_comp_words_by_ref() { words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=${words[cword]}; prev=${words[cword-1]}; }
source "$1"
COMP_LINE="goready doctor env."; COMP_POINT=${#COMP_LINE}; COMP_WORDS=(goready doctor env.); COMP_CWORD=2; COMP_TYPE=9; COMP_KEY=9
compopt() { :; } # there is no line editor
__start_goready
printf '%s\n' "${COMPREPLY[@]}"`},
		{"fish", `source $argv[1]; complete -C "goready doctor env."`},
		{"zsh", `autoload -Uz compinit; compinit -D
source "$1"
_describe() { print -l -- "${(@P)${@[-1]}}" "${completions[@]}" } # there is no line editor
words=(goready doctor env.); CURRENT=3
_goready`},
	} {
		t.Run(tt.shell, func(t *testing.T) {
			program := testreq.Program(t, tt.shell)
			script := filepath.Join(dir, tt.shell)
			if err := os.WriteFile(script, []byte(runMadeUp(t, madeUpMachine(), "completion", tt.shell).stdout), 0o666); err != nil {
				t.Fatal(err)
			}
			args := []string{"-c", tt.ask, tt.shell, script}
			switch tt.shell {
			case "fish":
				args = []string{"--no-config", "-c", tt.ask, script}
			case "zsh":
				args = append([]string{"-f"}, args...)
			}
			cmd := exec.Command(program, args...)
			cmd.Dir = dir
			cmd.Env = []string{"HOME=" + dir, "TERM=dumb", "LANG=C.UTF-8", "PATH=" + dir + ":/usr/bin:/bin"}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil || !strings.Contains(string(out), "env.goflags") || !strings.Contains(string(out), "env.persisted-target") ||
				strings.Contains(string(out), "go.binary-found") {
				t.Errorf("%v: %q\n%s", err, out, stderr.String())
			}
		})
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out := runMadeUp(t, madeUpMachine(), "completion", shell).stdout; !strings.Contains(out, "__complete") || !strings.Contains(out, "goready") {
			t.Errorf("%s: %.200q", shell, out)
		}
	}
}
