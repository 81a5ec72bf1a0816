package check_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/local"
	"github.com/goready/goready/internal/testreq"
)

// envOracle is what the real go command does with a setting, and what the checks say about it.
type envOracle struct {
	name string
	file string // the go env file
	env  string // or a variable of the process environment
	run  string // a go command
	// says is in what the command prints. fails: it fails.
	says  string
	fails bool
	// key is that of the finding, "" if there is none at warning or error.
	key string
	// quoted: the finding says that, so that people find it.
	quoted bool
}

const installTool = "install example.com/tool@v1.0.0"

// envOracles: H is the home folder, which is also the workspace's parent.
func envOracles() []envOracle {
	return []envOracle{
		{name: "healthy", run: installTool},
		{name: "goflags_vendor", file: "GOFLAGS=-mod=vendor", run: installTool, says: "cannot query module due to -mod=vendor", fails: true, quoted: true, key: "env.goflags.flag"},
		{name: "goflags_bogus_mod", file: "GOFLAGS=-mod=x", run: "build .", says: "-mod=x not supported", fails: true, key: "env.goflags.flag"},
		{name: "goflags_mod_alone", file: "GOFLAGS=-mod", run: "build .", says: "flag needs an argument: -mod", fails: true, key: "env.goflags.flag"},
		{name: "goflags_mod_in_workspace", file: "GOFLAGS=-mod=mod", run: "-C ../work build ./a", says: "-mod may only be set to readonly or vendor when in workspace mode", fails: true, key: "env.goflags.flag"},
		{name: "goflags_modfile", file: "GOFLAGS=-modfile=x.mod", run: "build .", says: "open x.mod", fails: true, key: "env.goflags.flag"},
		{name: "goflags_chdir", file: "GOFLAGS=-C=/", run: "env GOPATH", says: "-C flag must be first flag on command line", fails: true, key: "env.goflags.flag"},
		{name: "goflags_env_write", file: "GOFLAGS=-ldflags=-s -w", run: "env GOPATH", says: "arguments must be KEY=VALUE", fails: true, key: "env.goflags.flag"},
		{name: "goflags_json", file: "GOFLAGS=-json", run: "env GOPATH", says: `"GOPATH"`, key: "env.goflags.flag"},
		{name: "goflags_insecure", file: "GOFLAGS=-insecure", run: "get example.com/tool@v1.0.0", says: "no longer supported", fails: true, key: "env.goflags.flag"},
		{name: "goflags_dry", file: "GOFLAGS=-n", run: "build .", says: "mkdir -p $WORK", key: "env.goflags.flag"},
		{name: "goflags_unknown", file: "GOFLAGS=-unknown", run: "version", says: "unknown flag -unknown", fails: true, key: "env.goflags.syntax"},
		{name: "goflags_good", file: "GOFLAGS=-tags=x -count=1 -modcacherw -mod=readonly -buildvcs=false", run: installTool},
		{name: "go111module_off", file: "GO111MODULE=off", run: installTool, says: "modules disabled by GO111MODULE=off", fails: true, quoted: true, key: "env.go111module.off"},
		{name: "go111module_unknown", file: "GO111MODULE=yes", run: "build .", says: "unknown environment setting GO111MODULE=yes", fails: true, key: "env.go111module.unknown"},
		{name: "go111module_auto", file: "GO111MODULE=auto", run: "-C / env GOMOD", says: "\n", key: "env.go111module.auto"},
		{name: "gobin_relative", file: "GOBIN=bin", run: "install .", says: "cannot install, GOBIN must be an absolute path", fails: true, quoted: true, key: "env.gobin.relative"},
		{name: "gobin_tilde", env: "GOBIN=~/bin", run: "install .", says: "cannot install, GOBIN must be an absolute path", fails: true, quoted: true, key: "env.gobin.tilde"},
		{name: "gobin_list", file: "GOBIN=H/a:H/b", run: "list -f {{.Target}} .", says: "a:", key: "env.gobin.list"},
		{name: "gobin_file", file: "GOBIN=H/app/go.mod", run: "install .", says: "file exists", fails: true, quoted: true, key: "env.gobin.file"},
		{name: "gobin_missing", file: "GOBIN=H/new/bin", run: "install ."},
		{name: "gobin_quotes", file: `GOBIN="H/bin"`, run: "install .", says: "cannot install, GOBIN must be an absolute path", fails: true, key: "env.goenv-file.line"},
		{name: "target", file: "GOARCH=mips64", run: "list -f {{.Target}} .", says: "/bin/" + runtime.GOOS + "_mips64/", key: "env.persisted-target.system"},
		{name: "target_gobin", file: "GOARCH=mips64\nGOBIN=H/bin", run: "install .", says: "cannot install cross-compiled binaries when GOBIN is set", fails: true, quoted: true, key: "env.persisted-target.system"},
		{name: "gopath_relative", file: "GOPATH=go", run: "version", says: "GOPATH entry is relative; must be absolute path", fails: true, quoted: true, key: "env.gopath.relative"},
		{name: "gopath_tilde", env: "GOPATH=~/go", run: "version", says: "GOPATH entry cannot start with shell metacharacter '~'", fails: true, quoted: true, key: "env.gopath.tilde"},
		{name: "gopath_relative_later", file: "GOPATH=H/go:go", run: "version", says: "GOPATH entry is relative; must be absolute path", fails: true, quoted: true, key: "env.gopath.relative"},
		{name: "gopath_tilde_later", file: "GOPATH=H/go:~/b", run: "version", says: "GOPATH entry cannot start with shell metacharacter '~'", fails: true, quoted: true, key: "env.gopath.tilde"},
		{name: "goflags_several", file: "GOFLAGS=-mod=vendor -json", run: installTool, says: "cannot query module due to -mod=vendor", fails: true, quoted: true, key: "env.goflags.flag"},
		{name: "gopath_empty", file: "GOPATH=:H/go", run: "get example.com/tool@v1.0.0", says: "module cache not found", fails: true, quoted: true, key: "env.gopath.empty"},
		{name: "gopath_file", file: "GOPATH=H/app/go.mod", run: "install .", says: "not a directory", fails: true, quoted: true, key: "env.gopath.file"},
		{name: "gopath_root", file: "GOPATH=R", run: "version", says: "GOPATH and GOROOT are the same directory", key: "env.gopath.goroot"},
	}
}

// TestEnvOracle asks the real go command, in a home folder of its own and offline, whether what the checks claim is so,
// and runs the commands of the repairs.
func TestEnvOracle(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the settings name Unix paths")
	}
	real, err := filepath.EvalSymlinks(testreq.Program(t, "go"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := exec.CommandContext(t.Context(), real, "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range envOracles() {
		t.Run(o.name, func(t *testing.T) {
			m := newOracleMachine(t, real, strings.TrimSpace(string(cache)))
			m.set(t, o)
			out, err := m.goCommand(t, o.run)
			if !strings.Contains(out, o.says) || (err != nil) != o.fails {
				t.Errorf("go %s: %v\n%s\nwant %q, failure %v", o.run, err, out, o.says, o.fails)
			}
			m.check(t, o)
		})
	}
}

// oracleMachine is a home folder on this machine.
type oracleMachine struct {
	home, root string
	env        []string
}

func newOracleMachine(t *testing.T, gocmd, cache string) *oracleMachine {
	t.Helper()
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { makeWritable(t, home) })
	m := &oracleMachine{home: home, root: filepath.Dir(filepath.Dir(gocmd))}
	writeTree(t, home, map[string]string{
		// no process in the background that writes into the folder while it is removed
		".config/go/telemetry/mode": "off\n", "Library/Application Support/go/telemetry/mode": "off\n",
		"app/go.mod":   "module example.com/app\n\ngo 1.21\n",
		"app/main.go":  "package main\n\nfunc main() {}\n",
		"work/go.work": "go 1.21\n\nuse ./a\n", "work/a/go.mod": "module example.com/a\n\ngo 1.21\n", "work/a/a.go": "package a\n",
		"proxy/example.com/tool/@v/v1.0.0.info": `{"Version":"v1.0.0"}`,
		"proxy/example.com/tool/@v/v1.0.0.mod":  "module example.com/tool\n\ngo 1.21\n",
		"proxy/example.com/tool/@v/v1.0.0.zip":  toolZip(t),
		"proxy/example.com/tool/@v/list":        "v1.0.0\n",
	})
	m.env = []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home + "/.config", "PATH=" + filepath.Dir(gocmd) + ":" + home + "/go/bin:" + home + "/new/bin:/usr/bin:/bin", "SHELL=/bin/sh",
		"GOCACHE=" + cache, "GOPROXY=file://" + home + "/proxy", "GOSUMDB=off", "GOTOOLCHAIN=local"}
	if runtime.GOOS == "darwin" {
		m.env = append(m.env, "GOENV="+home+"/.config/go/env")
	}
	return m
}

func (m *oracleMachine) expand(text string) string {
	return strings.NewReplacer("H/", m.home+"/", "GOPATH=R", "GOPATH="+m.root).Replace(text)
}

func (m *oracleMachine) set(t *testing.T, o envOracle) {
	t.Helper()
	if o.file != "" {
		writeTree(t, m.home, map[string]string{".config/go/env": m.expand(o.file) + "\n"})
	}
	if o.env != "" {
		m.env = append(m.env, o.env)
	}
}

func (m *oracleMachine) goCommand(t *testing.T, args string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(m.root, "bin", "go"), strings.Fields(args)...)
	cmd.Dir, cmd.Env = filepath.Join(m.home, "app"), m.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// check runs the checks, wants the finding of o and no other, follows what it says about the go env file and looks again.
func (m *oracleMachine) check(t *testing.T, o envOracle) {
	t.Helper()
	found := m.findings(t)
	if o.key == "" {
		if len(found) > 0 {
			t.Errorf("found %v, want nothing", found[0].Message)
		}
		return
	}
	if len(found) != 1 || found[0].Message.Key != o.key {
		t.Fatalf("found %v, want %s", found, o.key)
	}
	if cause := found[0].Cause.String(); o.quoted && !strings.Contains(cause, o.says) {
		t.Errorf("the cause is %q, want it to quote %q", cause, o.says)
	}
	repaired := false
	for _, step := range found[0].Steps {
		if step.Command == "" || o.file == "" {
			continue
		}
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", step.Command)
		cmd.Dir, cmd.Env = filepath.Join(m.home, "app"), m.env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", step.Command, err, out)
		}
		repaired = true
	}
	if repaired {
		for _, f := range m.findings(t) {
			t.Errorf("after the repair: %v", f.Message)
		}
	}
}

// findings returns what the checks of the category env find for a go command that is started here.
func (m *oracleMachine) findings(t *testing.T) []check.Finding {
	t.Helper()
	checks, _ := check.Select(check.All(), []string{"env"}, nil)
	f, err := facts.Gather(t.Context(), withEnviron{local.New(), m.env}, facts.Options{Workspace: filepath.Join(m.home, "app"), Consumers: []string{"current"},
		Variables: check.Variables(), Sections: check.Wanted(checks), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	var out []check.Finding
	for _, r := range check.Run(t.Context(), f, checks, check.Options{Now: now}) {
		// what the values of GOPROXY and GOSUMDB of this test mean is the matter of other checks
		if (r.State == check.StateError || r.State == check.StateWarning) && r.Finding.Object != "GOPROXY" && r.Finding.Object != "GOSUMDB" {
			out = append(out, r.Finding)
		}
	}
	return out
}

// withEnviron is a machine with another environment.
type withEnviron struct {
	host.Host
	environ []string
}

func (w withEnviron) Environ() []string { return w.environ }

// toolZip is the module example.com/tool v1.0.0 as a proxy serves it.
func toolZip(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range map[string]string{"go.mod": "module example.com/tool\n\ngo 1.21\n", "main.go": "package main\n\nfunc main() {}\n"} {
		w, err := z.Create("example.com/tool@v1.0.0/" + name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// makeWritable makes the folders of a module cache ones that can be removed.
func makeWritable(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(name, 0o755)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
