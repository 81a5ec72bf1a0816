package modtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goready/goready/internal/testreq"
)

// Go is the go command with caches of its own and none of the machine's settings: what it asks a proxy for depends on
// the test alone.
type Go struct {
	program, dir string
	env          []string
}

// NewGo returns a go command, to be run in a new empty folder. The variables, such as "GOPROXY=http://127.0.0.1:1",
// are added to GOSUMDB=off, GOTOOLCHAIN=local, GOFLAGS=-modcacherw and GOPROXY=off, of which the last one of a name
// counts. The caches are removed with the test.
func NewGo(t testing.TB, env ...string) *Go {
	t.Helper()
	tmp := t.TempDir()
	g := &Go{program: testreq.Program(t, "go"), dir: filepath.Join(tmp, "work")}
	if err := os.Mkdir(g.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	noTelemetry(t, tmp)
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(strings.ToUpper(kv), "=")
		if !strings.HasPrefix(name, "GO") && !strings.HasSuffix(name, "_PROXY") {
			g.env = append(g.env, kv)
		}
	}
	g.env = append(g.env, "GOENV=off", "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local", "GOPROXY=off", "GOSUMDB=off",
		"GOPATH="+filepath.Join(tmp, "gopath"), "GOCACHE="+filepath.Join(tmp, "cache"), "HOME="+tmp, "USERPROFILE="+tmp,
		"XDG_CONFIG_HOME="+filepath.Join(tmp, ".config"), "AppData="+filepath.Join(tmp, ".config"))
	g.env = append(g.env, env...)
	return g
}

// noTelemetry keeps the go command from leaving a process behind, which would write into home while it is removed.
func noTelemetry(t testing.TB, home string) {
	t.Helper()
	for _, config := range []string{".config", filepath.Join("Library", "Application Support")} {
		dir := filepath.Join(home, config, "go", "telemetry")
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "mode"), []byte("off"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// WriteFile writes a file, such as go.mod, into the folder that the command is run in.
func (g *Go) WriteFile(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, name), []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// Run returns what the command prints to stdout, without space around it. The error of a command that fails has what
// it prints to stderr.
func (g *Go) Run(t testing.TB, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), g.program, args...)
	cmd.Dir, cmd.Env = g.dir, g.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return strings.TrimSpace(stdout.String()), fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	return strings.TrimSpace(stdout.String()), nil
}
