package check_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/host/local"
	"github.com/goready/goready/internal/testreq"
)

// valueLab is a private home, a module in it, and a proxy that is a folder.
type valueLab struct {
	goCommand, dir, module, proxy string
}

func newValueLab(t *testing.T) *valueLab {
	t.Helper()
	if runtime.GOOS == "windows" {
		testreq.Missing(t, "a system without drive letters in file URLs")
	}
	goCommand, err := filepath.EvalSymlinks(testreq.Program(t, "go"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l := &valueLab{goCommand: goCommand, dir: dir, module: filepath.Join(dir, "home", "app"), proxy: filepath.Join(dir, "proxy")}
	l.write(t, filepath.Join(l.module, "go.mod"), "module example.com/app\n\ngo 1.21\n")
	l.write(t, filepath.Join(l.module, "app.go"), "package app\n")
	l.write(t, filepath.Join(l.proxy, "example.com", "dep", "@v", "v1.0.0.info"), `{"Version":"v1.0.0"}`)
	l.write(t, filepath.Join(l.proxy, "example.com", "dep", "@v", "v1.0.0.mod"), "module example.com/dep\n")
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create("example.com/dep@v1.0.0/go.mod")
	if err == nil {
		_, err = io.WriteString(w, "module example.com/dep\n")
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	l.write(t, filepath.Join(l.proxy, "example.com", "dep", "@v", "v1.0.0.zip"), archive.String())
	return l
}

func (l *valueLab) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// environ returns the environment of a case: "$D" stands for the lab, "NAME=" without a value removes NAME.
func (l *valueLab) environ(extra []string) []string {
	env := map[string]string{"HOME": filepath.Join(l.dir, "home"), "PATH": filepath.Dir(l.goCommand) + ":/usr/bin:/bin", "GOTOOLCHAIN": "local",
		"GOPROXY": "file://" + l.proxy, "GOFLAGS": "-modcacherw", "GOTELEMETRY": "off", "SHELL": "/bin/sh"}
	for _, kv := range extra {
		name, value, _ := strings.Cut(strings.ReplaceAll(kv, "$D", l.dir), "=")
		env[name] = value
		if value == "" {
			delete(env, name)
		}
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// run runs the real go command.
func (l *valueLab) run(t *testing.T, env, args []string) (output string, ok bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), l.goCommand, args...)
	cmd.Dir, cmd.Env = l.module, env
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// diagnose runs the checks of values and returns the ids that found something, with their severities.
func (l *valueLab) diagnose(t *testing.T, env []string) []string {
	t.Helper()
	var ids []string
	for _, r := range l.results(t, env) {
		if r.State != check.StateOK {
			ids = append(ids, string(r.State)+" "+r.Check.ID)
		}
	}
	return ids
}

// results runs the checks of values.
func (l *valueLab) results(t *testing.T, env []string) []check.Result {
	t.Helper()
	f, err := facts.Gather(t.Context(), withEnviron{local.New(), env}, facts.Options{Workspace: l.module, Consumers: []string{"current"},
		Variables: check.Variables(), Sections: []facts.Section{facts.SectionProject}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	checks, unknown := check.Select(check.All(), []string{"env.home-missing", "env.special-chars", "env.cache-paths", "env.proxyvars",
		"env.goproxy-syntax", "env.gosumdb-syntax", "env.private-leak", "env.secrets", "env.godebug-unknown"}, nil)
	if unknown != "" {
		t.Fatal(unknown)
	}
	return check.Run(t.Context(), f, checks, check.Options{Now: now})
}

// TestValueOracle compares what the real go command does in an environment with what the checks say about it: where
// they find an error go fails, with the words that they quote, and where go works they find none.
func TestValueOracle(t *testing.T) {
	build, download := []string{"build", "./..."}, []string{"mod", "download", "example.com/dep@v1.0.0"}
	noSum := "GONOSUMDB=example.com"
	tests := []struct {
		name string
		env  []string
		args []string
		says string // what go says when it fails; "" if it works
		want string
	}{
		{"home", nil, build, "", ""},
		{"no_home", []string{"HOME="}, build, "GOCACHE is not defined and neither $XDG_CACHE_HOME nor $HOME are defined", "error env.home-missing"},
		{"no_home_with_cache", []string{"HOME=", "GOCACHE=$D/c"}, build, "", ""},
		{"no_home_with_cache_home", []string{"HOME=", "XDG_CACHE_HOME=$D/c"}, build, "", ""},
		{"cache_off", []string{"GOCACHE=off"}, build, "build cache is disabled by GOCACHE=off, but required as of Go 1.12", "error env.cache-paths"},
		{"cache_relative", []string{"GOCACHE=c"}, build, "build cache is required, but could not be located: GOCACHE is not an absolute path", "error env.cache-paths"},
		{"cache_home_relative", []string{"XDG_CACHE_HOME=c"}, build, "GOCACHE is not defined and path in $XDG_CACHE_HOME is relative", "error env.cache-paths"},
		{"modcache_relative", []string{"GOMODCACHE=c", noSum}, download, "GOMODCACHE entry is relative; must be absolute path", "error env.cache-paths"},
		{"modcache", []string{"GOMODCACHE=$D/m", noSum}, download, "", ""},
		{"gotmpdir_missing", []string{"GOTMPDIR=$D/none"}, build, "creating work dir", "error env.cache-paths"},
		{"gotmpdir_file", []string{"GOTMPDIR=$D/home/app/go.mod"}, build, "creating work dir", "error env.cache-paths"},
		{"tmpdir_missing", []string{"TMPDIR=$D/none"}, build, "creating work dir", "error env.cache-paths"},
		{"tmpdir_unused", []string{"TMPDIR=$D/none", "GOTMPDIR=$D/home"}, build, "", ""},
		{"goproxy", []string{noSum}, download, "", ""},
		{"goproxy_scheme", []string{"GOPROXY=ftp://a.example.com", noSum}, download, "invalid proxy URL scheme (must be https, http, file)", "error env.goproxy-syntax"},
		{"goproxy_second_entry", []string{"GOPROXY=file://$D/proxy,b", noSum}, download, "invalid proxy URL missing scheme", "error env.goproxy-syntax"},
		{"goproxy_upper_case", []string{"GOPROXY=Direct", noSum}, download, "invalid proxy URL missing scheme", "error env.goproxy-syntax"},
		{"goproxy_unexpanded", []string{"GOPROXY=${CORP},file://$D/proxy", noSum}, download, "invalid proxy URL missing scheme", "error env.goproxy-syntax"},
		{"goproxy_folder", []string{"GOPROXY=$D/proxy", noSum}, download, "invalid proxy URL missing scheme", "error env.goproxy-syntax"},
		{"goproxy_after_direct", []string{"GOPROXY=file://$D/proxy,direct,ftp://b", noSum}, download, "", "warning env.goproxy-syntax"},
		{"goproxy_empty_line", []string{"GOENV=$D/no-proxy", "GOPROXY=", noSum}, download, "GOPROXY list is not the empty string, but contains no entries", "error env.goproxy-syntax"},
		{"gosumdb_empty_line", []string{"GOENV=$D/no-database"}, download, "missing GOSUMDB", "error env.gosumdb-syntax"},
		{"gotmpdir_tilde", []string{"GOTMPDIR=~/tmp"}, build, "creating work dir", "error env.cache-paths"},
		{"gotmpdir_relative", []string{"GOTMPDIR=tmp"}, build, "creating work dir", "error env.cache-paths"},
		{"gosumdb_on", []string{"GOSUMDB=on"}, download, "malformed verifier id", "error env.gosumdb-syntax"},
		{"gosumdb_plus", []string{"GOSUMDB=sum.golang.org+https://sum.example.com"}, download, "malformed verifier id", "error env.gosumdb-syntax"},
		{"gosumdb_key", []string{"GOSUMDB=sum.example.com+00000000+AAAA"}, download, "invalid GOSUMDB", "error env.gosumdb-syntax"},
		{"gosumdb_off", []string{"GOSUMDB=off"}, download, "", "warning env.gosumdb-syntax"},
		{"gonosumdb_all", []string{"GONOSUMDB=*"}, download, "", "warning env.gosumdb-syntax"},
	}
	l := newValueLab(t)
	l.write(t, filepath.Join(l.dir, "no-proxy"), "GOPROXY=\n")
	l.write(t, filepath.Join(l.dir, "no-database"), "GOSUMDB=\n")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := l.environ(tt.env)
			out, ok := l.run(t, env, tt.args)
			if ok != (tt.says == "") || !strings.Contains(out, tt.says) {
				t.Errorf("go says %q, not %q", out, tt.says)
			}
			if got := strings.Join(l.diagnose(t, env), ", "); got != tt.want {
				t.Errorf("the checks say %q, want %q", got, tt.want)
			}
		})
	}
}

// TestGOPROXYCauseOracle: what is said to happen with a list is what the real go command says.
func TestGOPROXYCauseOracle(t *testing.T) {
	l := newValueLab(t)
	for value, says := range map[string]string{
		"https://":                               "no Host in request URL",
		"http://bob:" + "hunter22@proxy.invalid": "refusing to pass credentials to insecure URL",
		"https://a.invalid;https://b.invalid":    "no such host",
		"https://a.invalid;direct":               "no such host",
		"~/proxy":                                "no such host",
		"https://a.invalid direct":               "invalid character \" \" in host name",
		"Direct":                                 "invalid proxy URL missing scheme",
		"ftp://a.invalid,direct":                 "invalid proxy URL scheme (must be https, http, file)",
		",":                                      "GOPROXY list is not the empty string, but contains no entries",
	} {
		env := l.environ([]string{"GOPROXY=" + value, "GONOSUMDB=example.com", "GOMODCACHE=$D/none"})
		if out, ok := l.run(t, env, []string{"mod", "download", "example.com/dep@v1.0.0"}); ok || !strings.Contains(out, says) && !(says == "no such host" && strings.Contains(out, "lookup ")) {
			t.Errorf("%s: go says %q, not %q", value, out, says)
		}
		for _, r := range l.results(t, env) {
			if r.Check.ID == "env.goproxy-syntax" && !strings.Contains(strings.ReplaceAll(r.Finding.Cause.String(), `\"`, `"`), says) {
				t.Errorf("%s: the cause is %q, not %q", value, r.Finding.Cause, says)
			}
		}
	}
}

// TestGODEBUGOracle: go refuses a key in go.mod if the table of its SDK lacks it. The runtime's own keys are no
// settings of go.mod, and known all the same.
func TestGODEBUGOracle(t *testing.T) {
	l := newValueLab(t)
	for key, known := range map[string]bool{"http2client": true, "panicnil": true, "netdns": true, "gctrce": false, "http2cleint": false, "proxylookup": false} {
		l.write(t, filepath.Join(l.module, "go.mod"), "module example.com/app\n\ngo 1.23\n\ngodebug "+key+"=1\n")
		out, ok := l.run(t, l.environ(nil), []string{"build", "./..."})
		if ok != known || !known && !strings.Contains(out, "unknown") {
			t.Errorf("%s: go says %q", key, out)
		}
		l.write(t, filepath.Join(l.module, "go.mod"), "module example.com/app\n\ngo 1.21\n")
		want := "info env.godebug-unknown"
		if known {
			want = ""
		}
		if got := strings.Join(l.diagnose(t, l.environ([]string{"GODEBUG=" + key + "=1"})), ", "); got != want {
			t.Errorf("%s: the checks say %q, want %q", key, got, want)
		}
	}
	for _, key := range []string{"gctrace", "schedtrace", "inittrace", "madvdontneed", "memprofilerate", "cpu.avx2", "http2debug"} {
		if got := l.diagnose(t, l.environ([]string{"GODEBUG=" + key + "=1"})); len(got) > 0 {
			t.Errorf("%s: the checks say %q", key, got)
		}
	}
}
