package editor

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/host"
)

// TestLint runs the cases of testdata/lint: files with absolute names, and in want the problems, one a line as
// "FILE:LINE SEVERITY KEY: TEXT => INSTEAD".
func TestLint(t *testing.T) {
	files, err := filepath.Glob("testdata/lint/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			contents := map[string]string{}
			in := LoadInput{Home: "/h", Folders: []string{"/w"}, Variant: Variant{ID: "code", UserDir: "/u"}}
			var want string
			for _, f := range ar.Files {
				switch {
				case f.Name == "want":
					want = strings.TrimSpace(string(f.Data))
				case f.Name == "remote":
					in.Variant = Variant{ID: "code-server", UserDir: "/u", MachineSettings: "/m/settings.json", Remote: true}
				case f.Name == "workspace":
					in.WorkspaceFile = strings.TrimSpace(string(f.Data))
				default:
					contents[f.Name] = string(f.Data)
				}
			}
			s := Load(host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, nil, contents), in)
			m, _ := ModelFor("0.57.2")
			configs, bad := LoadLaunch(s)
			tasks, bad2 := LoadTasks(s)
			problems := append(append(s.Problems, bad...), bad2...)
			problems = append(problems, s.Lint(m)...)
			problems = append(problems, LintLaunch(s, m, configs)...)
			problems = append(problems, LintTasks(s, m, tasks)...)
			var lines []string
			for _, p := range problems {
				line := fmt.Sprintf("%s %s %s: %s", p.Pos, p.Severity, p.Key, p.Text)
				if !p.Instead.IsZero() {
					line += " => " + p.Instead.String()
				}
				lines = append(lines, line)
			}
			if got := strings.Join(lines, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestSettingsTable sees that the table of settings can be read and is in order.
func TestSettingsTable(t *testing.T) {
	last := ""
	n := 0
	for line := range strings.Lines(knownSettings) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		n++
		if f := strings.Split(line, "\t"); len(f) < 3 || len(f) > 4 || f[0] <= last {
			t.Errorf("line %q after %q", line, last)
		} else {
			last = f[0]
			info, ok := lookupSetting(f[0])
			if !ok || info.name != f[0] || info.scope == 0 {
				t.Errorf("lookupSetting(%q) = %+v, %v", f[0], info, ok)
			}
		}
	}
	if n < 70 {
		t.Errorf("%d settings", n)
	}
	for _, r := range retiredSettings() {
		if _, ok := lookupSetting(r.name); ok {
			t.Errorf("%s is both known and retired", r.name)
		}
	}
	for _, r := range retiredGopls() {
		for _, o := range goplsOptions() {
			if r.name == o {
				t.Errorf("gopls option %s is both known and retired", o)
			}
		}
	}
	if _, ok := lookupSetting("go.toolsEnvVar"); ok {
		t.Error("a prefix is found")
	}
}

func TestNearest(t *testing.T) {
	names := []string{"go.toolsEnvVars", "go.testEnvVars", "go.gopath"}
	for in, want := range map[string]string{"go.toolsEnvVar": "go.toolsEnvVars", "go.toolEnvVars": "go.toolsEnvVars", "go.GOPATH": "go.gopath", "go.zzzzzzzzzzz": "", "": ""} {
		if got := nearest(in, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", in, got, want)
		}
	}
}
