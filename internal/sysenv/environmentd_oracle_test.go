package sysenv

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host/local"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/testreq"
)

// environmentDGenerator is the program of systemd that reads environment.d.
func environmentDGenerator(t *testing.T) string {
	t.Helper()
	name := "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator"
	if _, err := os.Stat(name); err != nil {
		testreq.Missing(t, "systemd's environment.d generator is not installed")
	}
	return name
}

// TestEnvironmentDAgainstSystemd compares what the package makes of generated files with what systemd's own generator
// makes of them. Both see the rest of the machine too (/etc/environment by way of /usr/lib/environment.d).
func TestEnvironmentDAgainstSystemd(t *testing.T) {
	program := environmentDGenerator(t)
	const cases = 400
	g := newGenerator(1)
	for i := range cases {
		home := filepath.Join(t.TempDir(), "home")
		dir := filepath.Join(home, ".config", "environment.d")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		for range 1 + g.IntN(3) {
			files[g.confName()] = g.envFile()
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		environ := []string{"HOME=" + home, "PATH=/usr/bin:/bin", "GOA=from manager"}
		want := runEnvironmentD(t, program, environ)
		env := layer.FromList(environ, layer.OSEnv, "test", false)
		ApplyEnvironmentD(local.New(), env, home)
		if got := environMap(env.List()); !maps.Equal(got, want) {
			t.Errorf("case %d\n%s\ngot  %q\nwant %q", i, showFiles(files), got, want)
		}
	}
}

// runEnvironmentD returns the environment of a manager after the generator ran.
func runEnvironmentD(t *testing.T, program string, environ []string) map[string]string {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Env = append(environ, "SYSTEMD_LOG_LEVEL=emerg")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	env := environMap(environ)
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env[key] = unquoteGenerated(value)
	}
	return env
}

// unquoteGenerated reads a value as the manager reads what a generator prints, where it is never continued.
func unquoteGenerated(s string) string {
	if !strings.HasPrefix(s, `"`) {
		return s
	}
	s = s[1 : len(s)-1]
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && strings.IndexByte("\"\\`$", s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func environMap(list []string) map[string]string {
	m := map[string]string{}
	for _, kv := range list {
		key, value, _ := strings.Cut(kv, "=")
		m[key] = value
	}
	return m
}

func showFiles(files map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		b.WriteString("-- " + name + " --\n")
		for line := range strings.Lines(files[name]) {
			b.WriteString(strings.NewReplacer("\r", "\\r", "\t", "\\t").Replace(strings.TrimSuffix(line, "\n")) + "¶\n")
		}
	}
	return b.String()
}
