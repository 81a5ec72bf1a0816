package check_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/hosttest"
	"github.com/goready/goready/internal/host/local"
)

// TestReplay runs the checks of go on each described machine, and again on a recording of the first run, which must
// come to the same results: all that they ask goes through host.Host, and a recording has it all.
func TestReplay(t *testing.T) {
	hosttest.Archives(t, "testdata/*.txtar", func(t *testing.T, file string, archive *txtar.Archive) {
		m := hosttest.ParseMachine(t, archive)
		rec := host.Record(m.Host, host.Limits{})
		first := goFindings(t, rec, m.Dir)
		data, err := json.Marshal(rec.Fixture())
		if err != nil {
			t.Fatal(err)
		}
		replay := &host.Fixture{}
		if err := json.Unmarshal(data, replay); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, goFindings(t, replay, m.Dir)); diff != "" {
			t.Errorf("-recorded +replayed:\n%s", diff)
		}
	})
}

// goFindings returns the results of the checks of go, other than "ok".
func goFindings(t *testing.T, h host.Host, dir string) string {
	t.Helper()
	checks, _ := check.Select(check.All(), []string{"go"}, nil)
	var b strings.Builder
	_, results := diagnose(t, h, dir, checks)
	for _, r := range results {
		if r.State != check.StateOK {
			b.WriteString(finding(&r))
		}
	}
	return b.String()
}

// TestVersionsAndMachines tries versions and architectures at the borders of the rules.
func TestVersionsAndMachines(t *testing.T) {
	for _, c := range []struct{ platform, program, version, want string }{
		{"linux/amd64", "elf/amd64", "go1.20.14", "error go.version-min [go]"},
		{"linux/amd64", "elf/amd64", "go1.21rc1", "info go.version-age [/opt/go]"},
		{"linux/amd64", "elf/amd64", "go1.21.0", "info go.version-age [/opt/go]"},
		{"linux/amd64", "elf/amd64", "go1.25.9", "info go.version-age [/opt/go]"},
		{"linux/amd64", "elf/amd64", "go1.26.0", ""},
		{"linux/amd64", "elf/amd64", "devel go1.28-0123456", ""},
		{"linux/amd64", "elf/386", "go1.27.4", "warning go.arch [go]"},
		{"linux/arm64", "elf/arm", "go1.27.4", "warning go.arch [go]"},
		{"linux/arm64", "elf/amd64", "go1.27.4", "error go.arch [go]"},
		{"linux/amd64", "macho/amd64", "go1.27.4", "error go.arch [go]"},
		{"linux/amd64", "pe/amd64", "go1.27.4", "error go.arch [go]"},
		{"darwin/arm64", "macho/amd64", "go1.27.4", "error go.arch [go]"},
		{"darwin/arm64", "macho/amd64+arm64", "go1.27.4", ""},
		{"darwin/amd64", "macho/arm64", "go1.27.4", "error go.arch [go]"},
	} {
		goos, _, _ := strings.Cut(c.platform, "/")
		text := "platform: " + c.platform + "\nenv: HOME=/home/u\nenv: USER=u\nenv: SHELL=/bin/sh\nenv: PATH=/opt/go/bin:/bin\ndir: /home/u\n" +
			"binary: /opt/go/bin/go " + c.program + "\nbinary: /opt/go/pkg/tool/" + goos + "_any/compile " + c.program + "\n" +
			"-- /opt/go/VERSION --\n" + c.version + "\n-- /opt/go/go.env --\nGOTOOLCHAIN=auto\n"
		m := hosttest.ParseMachine(t, txtar.Parse([]byte(text)))
		got, _, _ := strings.Cut(goFindings(t, m.Host, m.Dir), ":")
		if got != c.want {
			t.Errorf("%s on %s, %s: %q, want %q", c.program, c.platform, c.version, got, c.want)
		}
	}
}

// thisMachine is the real one with another environment.
type thisMachine struct {
	*local.Machine
	env []string
}

func (m thisMachine) Environ() []string { return m.env }

// oracle is a private home and the go command of this machine, to ask both it and the checks.
type oracle struct {
	t         *testing.T
	home, dir string
	goroot    string
}

func newOracle(t *testing.T) *oracle {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the SDK here is made of scripts")
	}
	home := t.TempDir()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	o := &oracle{t, home, filepath.Join(home, "ws"), strings.TrimSpace(string(out))}
	o.write(".config/go/telemetry/mode", "off\n") // else go goes on writing there after it has ended
	o.write("ws/main.go", "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println() }\n")
	o.write("ws/go.mod", "module example.com/m\n\ngo 1.21\n")
	return o
}

// absent puts the name of a folder that does not exist in the place of $ABSENT.
func (o *oracle) absent(text string) string {
	return strings.ReplaceAll(text, "$ABSENT", filepath.Join(o.home, "absent"))
}

func (o *oracle) write(name, text string) {
	o.t.Helper()
	name = filepath.Join(o.home, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		o.t.Fatal(err)
	}
	mode := os.FileMode(0o666)
	if strings.HasPrefix(text, "#!") {
		mode = 0o777
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		o.t.Fatal(err)
	}
}

// ask returns what "go list" of the standard library and "go vet" say, and the findings of the checks, with env.
func (o *oracle) ask(env ...string) (goSays string, failed bool, findings string) {
	o.t.Helper()
	env = slices.Concat([]string{"HOME=" + o.home, "SHELL=/bin/sh", "PATH=" + filepath.Join(o.goroot, "bin") + ":/usr/bin:/bin", "GOTELEMETRY=off",
		"GOPROXY=off", "GOCACHE=" + filepath.Join(o.home, "cache")}, env)
	cmd := exec.Command(filepath.Join(o.goroot, "bin", "go"), "list", "-deps", "./...")
	cmd.Dir, cmd.Env = o.dir, env
	out, err := cmd.CombinedOutput()
	return string(out), err != nil, goFindings(o.t, thisMachine{local.New(), env}, o.dir)
}

// TestGoAgrees asks the real go command whether it fails, and why, where a check says so.
func TestGoAgrees(t *testing.T) {
	for _, c := range []struct {
		name  string
		mod   string // the line of go.mod
		file  string // the go env file
		env   string
		says  string // what go says; "" if it does not fail
		finds string // a line of the findings begins with it; "" if there is none at error
	}{
		{"healthy", "go 1.21", "", "", "", ""},
		{"goroot_missing", "go 1.21", "", "GOROOT=$ABSENT", "cannot find GOROOT directory", "error go.goroot-env [GOROOT]"},
		{"goroot_missing_in_file", "go 1.21", "GOROOT=$ABSENT", "", "cannot find GOROOT directory", "error go.goroot-env [GOROOT]"},
		{"goroot_no_sdk", "go 1.21", "", "GOROOT=/usr", "is not in std", "error go.goroot-env [GOROOT]"},
		{"mode_invalid", "go 1.21", "", "GOTOOLCHAIN=on", "invalid GOTOOLCHAIN", "error go.toolchain-mode [GOTOOLCHAIN]"},
		{"mode_invalid_suffix", "go 1.21", "GOTOOLCHAIN=local+maybe", "", "invalid GOTOOLCHAIN", "error go.toolchain-mode [GOTOOLCHAIN]"},
		{"mode_local", "go 1.21", "GOTOOLCHAIN=local", "", "", "warning go.toolchain-mode [GOTOOLCHAIN]"},
		{"mode_local_breaks", "go 1.99.1", "GOTOOLCHAIN=local", "", "go.mod requires go >= 1.99.1", "error go.toolchain-mode [GOTOOLCHAIN]"},
		{"needed_proxy_off", "go 1.99.1", "", "GOTOOLCHAIN=auto", "toolchain not available", "error go.toolchain-needed ["},
		{"needed_toolchain_line", "toolchain go1.99", "", "GOTOOLCHAIN=auto", "go1.99", "error go.toolchain-needed ["},
		{"needed_path", "go 1.99.1", "GOTOOLCHAIN=path", "", "cannot find \"go1.99.1\" in PATH", "error go.toolchain-mode [GOTOOLCHAIN]"},
		{"needed_bad_line", "toolchain 1.99", "", "GOTOOLCHAIN=auto", "invalid toolchain", "error go.toolchain-needed ["},
		{"two_part", "go 1.99", "", "GOTOOLCHAIN=auto", "download go1.99.0", "error go.toolchain-two-part ["},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOracle(t)
			o.write("ws/go.mod", "module example.com/m\n\n"+c.mod+"\n")
			c.file, c.env = o.absent(c.file), o.absent(c.env)
			o.write(".config/go/env", c.file+"\n")
			env := []string{"GOTOOLCHAIN=auto"}
			if c.file != "" {
				env = nil
			}
			if c.env != "" {
				env = append(env, c.env)
			}
			says, failed, findings := o.ask(env...)
			if failed != (c.says != "") || !strings.Contains(says, c.says) {
				t.Errorf("go says %q, want %q", says, c.says)
			}
			if c.finds == "" && strings.Contains("\n"+findings, "\nerror ") || !strings.Contains("\n"+findings, "\n"+c.finds) {
				t.Errorf("want %q, found:\n%s", c.finds, findings)
			}
		})
	}
}

// TestMixedSDK asks the real compiler: of an SDK that is as it was installed, and of one with another VERSION.
func TestMixedSDK(t *testing.T) {
	o := newOracle(t)
	if _, _, findings := o.ask("GOTOOLCHAIN=local"); strings.Contains(findings, "go.goroot-mixed") {
		t.Errorf("the SDK of this machine is reported:\n%s", findings)
	}
	o.write("sdk/bin/go", "#!/bin/sh\nexit 1\n")
	o.write("sdk/VERSION", "go1.23.4\ntime 2024-11-27T20:27:20Z\n")
	tools := filepath.Join("pkg", "tool", runtime.GOOS+"_"+runtime.GOARCH)
	if err := os.MkdirAll(filepath.Join(o.home, "sdk", tools), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(o.goroot, tools, "compile"), filepath.Join(o.home, "sdk", tools, "compile")); err != nil {
		t.Fatal(err)
	}
	env := []string{"HOME=" + o.home, "SHELL=/bin/sh", "PATH=" + filepath.Join(o.home, "sdk", "bin") + ":/usr/bin:/bin"}
	findings := goFindings(t, thisMachine{local.New(), env}, o.dir)
	if !strings.Contains(findings, "error go.goroot-mixed ["+filepath.Join(o.home, "sdk")+"]") {
		t.Errorf("found:\n%s", findings)
	}
}

// TestRepairsRun types the commands of repairs that run go where every go command stops: they work, and the finding is
// gone. The same command without what makes it run fails.
func TestRepairsRun(t *testing.T) {
	for _, c := range []struct{ name, mod, file, env, finds, command string }{
		{"mode_invalid", "go 1.21", "GOTOOLCHAIN=1.26.8", "", "go.toolchain-mode", "go env -u GOTOOLCHAIN"},
		{"mode_path", "go 1.99.1", "GOTOOLCHAIN=path", "", "go.toolchain-mode", "go env -u GOTOOLCHAIN"},
		{"needed_proxy_off", "go 1.99.1", "GOPROXY=off", "GOTOOLCHAIN=auto", "go.toolchain-needed", "go env -u GOPROXY"},
		{"goroot_and_needed", "go 1.99.1", "GOROOT=$ABSENT", "GOTOOLCHAIN=auto", "go.goroot-env", "go env -u GOROOT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOracle(t)
			o.write("ws/go.mod", "module example.com/m\n\n"+c.mod+"\n")
			c.file, c.env = o.absent(c.file), o.absent(c.env)
			o.write(".config/go/env", c.file+"\n")
			env := []string{"HOME=" + o.home, "SHELL=/bin/sh", "PATH=" + filepath.Join(o.goroot, "bin") + ":/usr/bin:/bin"}
			if c.env != "" {
				env = append(env, c.env)
			}
			findings := goFindings(t, thisMachine{local.New(), env}, o.dir)
			command := ""
			for line := range strings.Lines(findings) {
				if i := strings.LastIndex(line, "  "); strings.HasPrefix(line, "  fix ") && strings.HasSuffix(strings.TrimSpace(line), c.command) {
					command = strings.TrimSpace(line[i:])
				}
			}
			if command == "" || command == c.command {
				t.Fatalf("no repair ends in %q and has something before it:\n%s", c.command, findings)
			}
			if out, err := o.typed(c.command, env); err == nil {
				t.Errorf("%s works too: %s", c.command, out)
			}
			if out, err := o.typed(command, env); err != nil {
				t.Errorf("%s: %v: %s", command, err, out)
			}
			if data, err := os.ReadFile(filepath.Join(o.home, ".config", "go", "env")); err != nil || strings.TrimSpace(string(data)) != "" {
				t.Errorf("the go env file has %q, %v", data, err)
			}
		})
	}
}

// typed runs a command line in the workspace.
func (o *oracle) typed(command string, env []string) (string, error) {
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Dir, cmd.Env = o.dir, env
	out, err := cmd.CombinedOutput()
	return string(out), err
}
