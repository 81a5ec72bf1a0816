package goenv

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/testreq"
)

// TestVariables compares the names with what the installed go command prints and what its sources list.
func TestVariables(t *testing.T) {
	if names := Variables(); !slices.IsSorted(names) {
		t.Error("names are not sorted")
	}
	gocmd := testreq.Program(t, "go")
	home := t.TempDir()
	env := []string{"HOME=" + home, "GO_TELEMETRY_CHILD=2", "GOTOOLCHAIN=local", "PATH="}
	var printed map[string]string
	if a := oracleRun(gocmd, home, env, []string{"env", "-json"}); json.Unmarshal([]byte(a.stdout), &printed) != nil {
		t.Fatal(a.stderr)
	}
	for name := range printed {
		if !IsGoVariable(name) {
			t.Errorf("go env prints %s", name)
		}
	}
	data, err := os.ReadFile(filepath.Join(printed["GOROOT"], "src/internal/cfg/cfg.go"))
	if err != nil {
		t.Skip(err)
	}
	_, list, _ := strings.Cut(string(data), "const KnownEnv = `")
	list, _, _ = strings.Cut(list, "`")
	known := strings.Fields(list)
	for _, name := range known {
		if !IsGoVariable(name) {
			t.Errorf("KnownEnv has %s", name)
		}
	}
	for _, name := range Variables() {
		if _, ok := printed[name]; !ok && !slices.Contains(known, name) {
			t.Errorf("%s is no variable of the go command", name)
		}
	}
	for _, name := range []string{"", " ", "HTTP_PROXY", "GOPROXY ", "GOPROXY GOROOT", "goproxy", "GOMAXPROCS"} {
		if IsGoVariable(name) {
			t.Errorf("IsGoVariable(%q)", name)
		}
	}
}

// TestFlagsKnown gives every flag to the installed go command, which stops at one that none of its commands has.
func TestFlagsKnown(t *testing.T) {
	gocmd := testreq.Program(t, "go")
	home := t.TempDir()
	flags := strings.Fields(flagsKnown)
	for _, f := range strings.Fields(flagsTest) {
		flags = append(flags, "test."+f)
	}
	flags = slices.DeleteFunc(flags, func(f string) bool { return f == "C" })
	goflags := "-" + strings.Join(flags, " -")
	if _, err := ParseGOFLAGS(goflags); !err.IsZero() {
		t.Error(err)
	}
	run := func(goflags string) string {
		return oracleRun(gocmd, home, []string{"HOME=" + home, "GO_TELEMETRY_CHILD=2", "GOTOOLCHAIN=local", "GOFLAGS=" + goflags}, []string{"version"}).stderr
	}
	if s := run(goflags); s != "" {
		t.Error(s)
	}
	for _, goflags := range []string{"-nosuch", "--nosuch=1", "foo", "-", "'", "-test.nosuch", "-mod=mod ---x", "-=", "--=x"} {
		_, err := ParseGOFLAGS(goflags)
		if s := run(goflags); err.IsZero() || !strings.Contains(s, err.String()) {
			t.Errorf("%s: go says %q, we say %q", goflags, s, err)
		}
	}
}

func TestNearest(t *testing.T) {
	for _, tt := range []struct{ word, want string }{
		{"GOPROXYS", "GOPROXY"}, {"GOPRXOY", "GOPROXY"}, {"goproxy", "GOPROXY"}, {"GO_PROXY", "GOPROXY"}, {"GONOSUMCHECK", ""},
		{"GOOS", "GOOS"}, {"XX", ""}, {"", ""}, {strings.Repeat("G", 1000), ""}, {"GOTOOLCHAINS", "GOTOOLCHAIN"},
	} {
		if got := Nearest(tt.word, Variables()); got != tt.want {
			t.Errorf("Nearest(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}

func TestLintIsBounded(t *testing.T) {
	f := ParseFile("f", []byte(strings.Repeat("GONOSUCH=$X “ #\nx\n", 20000)))
	if n := len(f.Lint()); n != maxProblems {
		t.Errorf("%d problems", n)
	}
	if (*File)(nil).Lint() != nil {
		t.Error("a nil file has problems")
	}
	if _, _, ok := (*File)(nil).Lookup("A"); ok {
		t.Error("a nil file has variables")
	}
}

// TestAsks checks that a variable which cannot change the answer is asked for by Peek only.
func TestAsks(t *testing.T) {
	for _, tt := range []struct {
		key   string
		env   map[string]string
		asked []string
	}{
		{"GOPROXY", map[string]string{"GOPROXY": "x"}, []string{"GOPROXY"}},
		{"GOPRIVATE", map[string]string{"GOPRIVATE": "x"}, []string{"GOPRIVATE"}},
		{"GONOPROXY", map[string]string{"GONOPROXY": "x"}, []string{"GONOPROXY"}},
		{"GOMODCACHE", map[string]string{"GOMODCACHE": "/m"}, []string{"GOMODCACHE"}},
		{"GOPROXY", nil, []string{"GO111MODULE", "GOPROXY", "GOROOT", "GOTOOLCHAIN", "GOWORK"}},
		{"GOTOOLCHAIN", nil, []string{"GOROOT", "GOTOOLCHAIN"}},
		{"GODEBUG", nil, []string{"GODEBUG"}},
		{"FOO", nil, []string{"FOO"}},
	} {
		q := fuzzQuery(nil, "module m\ngo 1.20\n", "")
		var asked []string
		q.Peek = func(key string) string { return tt.env[key] }
		q.Getenv = func(key string) string {
			if !slices.Contains(asked, key) {
				asked = append(asked, key)
			}
			return tt.env[key]
		}
		Resolve(q, tt.key)
		slices.Sort(asked)
		if !slices.Equal(asked, tt.asked) {
			t.Errorf("%s with %v asks for %v, want %v", tt.key, tt.env, asked, tt.asked)
		}
	}
}

// TestUnknown checks that what the caller does not know makes the answer unknown only where it matters.
func TestUnknown(t *testing.T) {
	env := map[string]string{"GOROOT": "/other", "GOSUMDB": "off", "HOME": "/home/u"}
	q := fuzzQuery(env, "", "")
	q.Root, q.LookPath, q.ReadFile, q.Find = nil, nil, nil, nil
	for key, unknown := range map[string]bool{"GOPROXY": true, "GOSUMDB": false, "GOROOT": false, "GOTELEMETRY": true, "CGO_ENABLED": true, "GCCGO": true} {
		if r := Resolve(q, key); r.Unknown.IsZero() == unknown {
			t.Errorf("%s: unknown: %q, value %q", key, r.Unknown, r.Value)
		}
	}
	q = fuzzQuery(nil, "module m\ngo 1.99\n", "")
	for _, hide := range []func(){func() {}, func() { q.Root = nil }, func() { q.LookPath = nil }} {
		hide()
		s := SelectToolchain(q)
		if s.Toolchain != "go1.99.0" {
			t.Errorf("toolchain %s", s.Toolchain)
		}
		if wantUnknown := q.Root == nil; wantUnknown == s.Unknown.IsZero() && s.Err.IsZero() {
			t.Errorf("unknown: %q", s.Unknown)
		}
	}
}

func TestUserErr(t *testing.T) {
	q := fuzzQuery(nil, "", "")
	q.UserErr = msg.New("a reason")
	r := Resolve(q, "GOPROXY")
	if len(r.Trail) != 2 || r.Trail[1].Layer != layer.GoEnvFile || r.Trail[1].Won || !strings.Contains(r.Trail[1].Why.String(), "a reason") {
		t.Errorf("%+v", r.Trail)
	}
}

func TestFindSDKErrors(t *testing.T) {
	h := host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, nil, map[string]string{"/usr/bin/go": "#!/bin/sh\n"})
	if _, err := FindSDK(h, "/usr/bin/go"); !errors.Is(err, ErrNoRoot) {
		t.Errorf("a script: %v", err)
	}
	if _, err := FindSDK(h, "/nowhere/go"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	if _, err := LoadRoot(h, "/nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := LoadRoot(h, "/usr/bin/go"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file: %v", err)
	}
	open := &host.Fixture{Machine: host.Platform{OS: "linux", Arch: "amd64"}}
	if _, err := FindSDK(open, "/usr/bin/go"); !errors.Is(err, host.ErrUnknown) {
		t.Errorf("unknown: %v", err)
	}
}
