package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// What a hostile file may contain: colours and other commands for terminals, overrides of the reading direction, the
// marks of other formats.
const (
	hostileName = "a,b:c%\u202e\x1b]0;x\x07.env"
	hostileLine = "GOFLAGS=\"\x1b[31m-x\u202e\u0085\x7f<&>]]>%0A::error::x"
)

// madeUp are checks that find one thing of each kind, whatever the machine.
func madeUp() []check.Check {
	finds := func(findings ...check.Finding) func(*facts.Facts) []check.Finding {
		return func(*facts.Facts) []check.Finding { return findings }
	}
	says := func(key string, text msg.Text) check.Message {
		return check.Message{Key: key, Args: map[string]any{"name": "x"}, Text: text}
	}
	const home, ws = "/home/ana", "/home/ana/src/app"
	return []check.Check{
		{ID: "go.binary-found", Severity: check.Error, Title: msg.New("every consumer finds a go command"), Run: finds()},
		{ID: "env.persisted-target", Severity: check.Error, Title: msg.New("no target is saved in the go env file"), Run: finds(
			check.Finding{Object: "GOARCH", Consumers: []string{"vscode-install", "current"},
				Message: says("env.persisted-target.bad", msg.New("%s=%s is saved in the go env file, and every build of this user is for it", "GOARCH", "386")),
				Cause:   msg.New("go install puts programs into bin/linux_386, where neither a shell nor the editor looks for them, and says nothing"),
				Evidence: []check.Evidence{{Path: home + "/.config/go/env", Line: 2}, {Path: home + "/go/bin/linux_386/gopls", Text: "built yesterday"},
					{Text: "go env GOARCH prints 386"}},
				Steps: []check.Step{{Text: msg.New("remove it from the file"), Command: "go env -u GOARCH"}, {Command: "rm -r " + home + "/go/bin/linux_386"}, {Text: msg.New("restart the editor")}}},
			check.Finding{Object: "CC", Message: says("env.persisted-target.bad", msg.New("%s=%s is saved in the go env file", "CC", "/opt/\x1b[2Jgcc")),
				Evidence: []check.Evidence{{Path: home + "/.config/go/env", Line: 3}}})},
		{ID: "env.goflags", Severity: check.Warning, Title: msg.New("GOFLAGS has only flags that the go command knows"), Run: finds(
			check.Finding{Object: "GOFLAGS", Message: says("env.goflags.unknown", msg.New("%q in GOFLAGS: 100%% unknown", "-x\u202e")),
				Evidence: []check.Evidence{{Path: ws + "/" + hostileName, Line: 1}}})},
		{ID: "env.shadowed", Severity: check.Warning, Title: msg.New("no value is hidden by another"), After: []string{"env.goflags"},
			Run: finds(check.Finding{Object: "GOFLAGS", Message: says("env.shadowed.hidden", msg.New("GOFLAGS is hidden"))})},
		{ID: "env.gopath", Severity: check.Warning, Title: msg.New("GOPATH is sound"), Run: finds(check.Finding{Severity: check.Info, Object: "GOPATH",
			Message: says("env.gopath.list", msg.New("GOPATH has two folders")), Evidence: []check.Evidence{{Path: ws + "/go.mod"}}})},
		{ID: "shell.resolve-slow", Severity: check.Error, Title: msg.New("the shell starts in time"),
			Run: finds(check.Finding{Unknown: msg.New("the shell /bin/zsh cannot be started: %s", "permission denied\n::error::x")})},
		{ID: "fs.network", Severity: check.Warning, Title: msg.New("no folder is on a network"), Run: finds(check.Finding{Object: "/mnt/c/src",
			Message: says("fs.network.slow", msg.New("/mnt/c/src is on a network")), Evidence: []check.Evidence{{Path: "/etc/fstab", Line: 1}}})},
		{ID: "fs.owner", Severity: check.Warning, Title: msg.New("all files are the user's"), Platforms: []string{"darwin"}, Run: finds(check.Finding{})},
	}
}

const madeUpTeam = `[doctor]
[[doctor.known]]
id = "fs.network"
object = "/mnt/c/src"
until = 2999-01-31
reason = "moving in January"

[[doctor.known]]
id = "go.binary-found"
until = 2020-01-31
`

// madeUpMachine is where the files of the findings are.
func madeUpMachine(env ...string) *host.Fixture {
	return host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, append([]string{"HOME=/home/ana", "USER=ana", "LANG=C.UTF-8", "PATH=/usr/bin"}, env...),
		map[string]string{
			"/home/ana/.config/go/env":         "# saved by go env -w\nGOARCH=386\nCC=/opt/\x1b[2Jgcc\n",
			"/home/ana/src/app/go.mod":         "module app\n",
			"/home/ana/src/app/goready.toml":   madeUpTeam,
			"/home/ana/src/app/" + hostileName: hostileLine + strings.Repeat("长", 50) + "\n",
			"/home/ana/go/bin/linux_386/gopls": "\x7fELF",
			"/etc/fstab":                       "//server/src /mnt/c/src cifs defaults 0 0\n",
		})
}

// madeUpTeamMachine is one with another goready.toml.
func madeUpTeamMachine(team string) *host.Fixture {
	h := madeUpMachine()
	h.Add("/home/ana/src/app/goready.toml", *host.FromFiles(host.Platform{}, nil, map[string]string{"/x": team}).Files["/x"])
	return h
}

// result is what a run of goready gave.
type result struct {
	status         Status
	stdout, stderr string
}

// runMadeUp runs goready with the checks of madeUp.
func runMadeUp(t *testing.T, h host.Host, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{checks: madeUp, Program: Program{Host: h, Args: args, Dir: func() (string, error) { return "/home/ana/src/app", nil },
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr}}
	status := a.main(t.Context())
	return result{status, stdout.String(), stderr.String()}
}

// golden compares text with a file of testdata/doctor.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "doctor", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: -want +got:\n%s", name, diff)
	}
}

// harmless fails if text has characters that do not show themselves.
func harmless(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && hidden(r) {
			t.Errorf("the output has the character %U:\n%q", r, text)
			return
		}
	}
}
