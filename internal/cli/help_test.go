package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/testreq"
)

func TestUnknownCommand(t *testing.T) {
	for _, tt := range []struct {
		args, want string
	}{
		{"doctr", "goready: no command \"doctr\"\nhint: did you mean: goready doctor\n"},
		{"Explain", "goready: no command \"Explain\"\nhint: did you mean: goready explain\n"},
		{"xyz", "goready: no command \"xyz\"\nhint: 'goready help' lists the commands\n"},
		{"GOPROXY", "goready: no command \"GOPROXY\"\nhint: did you mean: goready explain GOPROXY\n"},
		{"env.goflags", "goready: no command \"env.goflags\"\nhint: did you mean: goready doctor env.goflags\n"},
		{"shell", "goready: no command \"shell\"\nhint: did you mean: goready doctor shell\n"},
		{"--quiet xyz", "goready: no command \"xyz\"\nhint: 'goready help' lists the commands\n"},
		{"version now", "goready: goready version takes no arguments, got \"now\"\n"},
		{"doctor env.goflgs", "goready: no check or category \"env.goflgs\"\nhint: did you mean env.goflags\n"},
		{"doctor --skip env.goflgs", "goready: no check or category \"env.goflgs\"\nhint: did you mean env.goflags\n"},
		{"explain env.goflgs", "goready: no check \"env.goflgs\"\nhint: did you mean env.goflags\n"},
		{"explain env.x-y-z", "goready: no check \"env.x-y-z\"\nhint: 'goready doctor --list' lists the checks\n"},
		{"explain GOPROXY=x.y", "goready: \"GOPROXY=x.y\" is not the name of a variable\nhint: did you mean: goready explain GOPROXY\n"},
		{"help exit-code", "goready: no command or topic \"exit-code\"\nhint: did you mean: goready help exit-codes\n"},
		{"--nonsense", "goready: unknown flag: --nonsense\nhint: run 'goready --help'\n"},
		{"man", "goready: goready man needs the name of a folder\n"},
	} {
		if r := runMadeUp(t, madeUpMachine(), strings.Fields(tt.args)...); r != (result{Usage, "", tt.want}) {
			t.Errorf("goready %s: %d, %q\n%s", tt.args, r.status, r.stdout, r.stderr)
		}
	}
	if r := runMadeUp(t, madeUpMachine(), "--severity", "error", "--skip", "env"); r.status != Incomplete || r.stderr != "" {
		t.Errorf("the flags of doctor without the command: %+v", r)
	}
}

// TestTopics: every topic says something, in both languages.
func TestTopics(t *testing.T) {
	a := &app{checks: madeUp}
	for _, topic := range a.topics() {
		english, chinese := runMadeUp(t, madeUpMachine(), "help", topic.name), runMadeUp(t, madeUpMachine(), "--lang", "zh-CN", "help", topic.name)
		if n := strings.Count(english.stdout, "\n"); n < 5 || n != strings.Count(chinese.stdout, "\n") || english.status != OK {
			t.Errorf("%s: %q, %q", topic.name, english.stdout, chinese.stdout)
		}
		if topic.name != "checks" && !strings.ContainsFunc(chinese.stdout, wide) {
			t.Errorf("%s is not in Chinese:\n%s", topic.name, chinese.stdout)
		}
	}
}

// TestPagesPrint: each check of the catalogue has a page that can be printed plainly.
func TestPagesPrint(t *testing.T) {
	all := check.All()
	for i := range all {
		id := all[i].ID
		pages, _, err := (&app{checks: check.All}).splitChecks([]string{id})
		if err != nil || len(pages) != 1 || strings.TrimSpace(pages[0].Page) == "" {
			t.Errorf("docs/checks/%s.md is missing: %v", id, err)
			continue
		}
		var out strings.Builder
		(style{w: &out, width: 80}).pages(pages)
		for line := range strings.Lines(out.String()) {
			if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "|--") || strings.HasPrefix(line, "#") {
				t.Errorf("docs/checks/%s.md is not rendered: %q", id, line)
			}
		}
	}
}

func TestExplainCheck(t *testing.T) {
	r := runMadeUp(t, madeUpMachine(), "explain", "env.goflags", "fs.owner")
	if !strings.Contains(r.stdout, "env.goflags  warning\nGOFLAGS has only flags that the go command knows\n") || !strings.Contains(r.stdout, "fs.owner  warning, darwin\n") || r.status != OK {
		t.Errorf("%+v", r)
	}
	both := runMadeUp(t, madeUpMachine(), "explain", "env.goflags", "GOPROXY").stdout
	if !strings.HasPrefix(both, "env.goflags") || !strings.Contains(both, "\nGOPROXY\n") {
		t.Error(both)
	}
	for _, names := range [][]string{{"env.goflags"}, {"env.goflags", "GOPROXY"}} {
		out := runMadeUp(t, madeUpMachine(), append([]string{"explain", "--format", "json"}, names...)...).stdout
		validate(t, "../../docs/schema/explain.v1.json", out, "checks.id", "checks.title", "checks.page")
	}
}

const markdown = "# env.x: a title\n\nA paragraph with `code`, **strong** and *soft* words, a [page](other.md) and an\n[address](https://example.com/x).\n\n" +
	"## What it means\n\n| variable | value |\n|---|---|\n| `GOFLAGS` | a \\| b |\n| `GOENV` | |\n\n```sh\ngo env -u GOFLAGS   # *kept*\n\n\tindented\n```\n\n" +
	"- one item that is long enough to need a second line on a narrow terminal\n- two\n  goes on\n  * inner\n1. first\n\nThe snake_case_name and 2 * 3 * 4 stay.\n"

func TestMarkdown(t *testing.T) {
	var out strings.Builder
	(style{w: &out, width: 60}).markdown(markdown)
	golden(t, "markdown", out.String())
}

// FuzzMarkdown: no page makes the renderer panic or go on for ever.
func FuzzMarkdown(f *testing.F) {
	f.Add(markdown)
	f.Add("|\n||\n- \n```\n#\n1. ")
	f.Fuzz(func(t *testing.T, text string) {
		var out strings.Builder
		(style{w: &out, width: 40}).markdown(text)
		harmless(t, out.String())
	})
}

// TestMan: there is a page for each command, with all sections, which programs that print manual pages accept.
func TestMan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	if r := runMadeUp(t, madeUpMachine(), "man", dir); r != (result{}) {
		t.Fatalf("%+v", r)
	}
	groff, mandoc := testreq.Program(t, "groff"), testreq.Program(t, "mandoc")
	for _, name := range []string{"goready", "goready-doctor", "goready-explain", "goready-version", "goready-completion"} {
		file := filepath.Join(dir, name+".1")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"} {
			if !strings.Contains(string(text), "\n.SH "+section+"\n") {
				t.Errorf("%s has no section %s", name, section)
			}
		}
		if out, err := exec.Command(groff, "-man", "-Tutf8", "-ww", "-z", file).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("groff %s: %v\n%s", name, err, out)
		}
		if out, err := exec.Command(mandoc, "-T", "lint", "-W", "error", file).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("mandoc %s: %v\n%s", name, err, out)
		}
		out, err := exec.Command(mandoc, "-T", "ascii", file).Output()
		if err != nil || !strings.Contains(string(out), "CLICOLOR_FORCE") && !strings.Contains(string(out), "C\bC") {
			t.Errorf("mandoc %s: %v\n%s", name, err, out)
		}
	}
}
