package goenv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/testreq"
)

// The oracle is the real go command: what it prints, and whether it fails, is compared with what this package says, for
// generated environments, files, modules and GOROOTs. GOREADY_CASES=n tries n cases instead of the usual number, and
// GOREADY_SEED=n begins elsewhere.
const (
	oracleCases = 1300
	oracleSeed  = 26
)

// oracleCase is one situation of a go command. "$R" in names and values stands for the folder of the case, "$S" for
// that of the SDKs.
type oracleCase struct {
	SDK   string            // which go command
	Env   map[string]string // besides those every case has
	Files map[string]string
	Links map[string]string // name to target
	Dir   string
	Keys  []string // asked together
}

func TestOracle(t *testing.T) {
	sdks, local := oracleSDKs(t)
	n, first := oracleNumber(t, "GOREADY_CASES", oracleCases), oracleNumber(t, "GOREADY_SEED", oracleSeed)
	const workers = 2
	var group sync.WaitGroup
	var failures, switched, failed int
	var mu sync.Mutex // guards the counters
	for w := range workers {
		dir := oracleDir(t)
		group.Go(func() {
			for i := w; i < n; i += workers {
				c := oracleGenerate(rand.New(rand.NewPCG(uint64(first), uint64(i))), local)
				got := c.try(t, sdks, filepath.Join(dir, strconv.Itoa(i)))
				mu.Lock()
				failures += len(got.wrong)
				switched += got.switched
				failed += got.failed
				if len(got.wrong) > 0 && failures < 40 {
					t.Errorf("case %d: %s\n%s", i, strings.Join(got.wrong, "\n\t"), c.describe())
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	t.Logf("%d cases, %d of them refused by go, %d with another toolchain", n, failed, switched)
}

// TestOracleModule compares what a go command says that loads go.mod or go.work.
func TestOracleModule(t *testing.T) {
	sdks, local := oracleSDKs(t)
	n, first, dir := oracleNumber(t, "GOREADY_CASES", oracleCases)/10, oracleNumber(t, "GOREADY_SEED", oracleSeed), oracleDir(t)
	refused := 0
	for i := range n {
		c := oracleModule(rand.New(rand.NewPCG(uint64(first), uint64(i))), local)
		sub := filepath.Join(dir, strconv.Itoa(i))
		q, problems, run := c.setUp(t, sdks, sub)
		if q == nil {
			return
		}
		real := run("list", "-m")
		if real.failed {
			refused++
		}
		if err := oracleCheckModule(real.stderr, SelectToolchain(q), oracleLoaded(q, problems)); err != nil {
			t.Errorf("case %d: go says %q: %v\n%s", i, real.stderr, err, c.describe())
		}
		os.RemoveAll(sub)
	}
	t.Logf("%d cases, %d of them refused by go", n, refused)
}

// oracleLoaded returns the problems of the file that go loads: go.work, or without it go.mod.
func oracleLoaded(q *Query, problems []ModuleProblem) []ModuleProblem {
	work := q.Module.Given.Name
	if work == "" {
		work = q.Module.Work.Name
	}
	return slices.DeleteFunc(problems, func(p ModuleProblem) bool { return work != "" && p.File != work })
}

func oracleCheckModule(stderr string, s Selection, problems []ModuleProblem) error {
	if !s.Err.IsZero() {
		if !strings.Contains(stderr, s.Err.String()) {
			return fmt.Errorf("we say %s", s.Err)
		}
		return nil
	}
	tooNew := strings.Contains(stderr, "requires go >= ") && strings.Contains(stderr, "(running go")
	parsing := strings.Contains(stderr, "errors parsing") || strings.Contains(stderr, "missing module declaration")
	switch {
	case tooNew && !strings.Contains(stderr, s.ModuleErr.String()), tooNew == s.ModuleErr.IsZero() && !parsing:
		return fmt.Errorf("we say %q", s.ModuleErr)
	case parsing && len(problems) == 0:
		return errors.New("we see no problem in the files")
	case !parsing && !tooNew && len(problems) > 0:
		return fmt.Errorf("we see problems: %v", problems)
	}
	return nil
}

func oracleNumber(t *testing.T, key string, def int) int {
	s := os.Getenv(key)
	if s == "" {
		return def
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return n
}

// oracleDir is a new folder without symbolic links in its name, because a go command without PWD sees it so.
func oracleDir(t *testing.T) string {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// oracleOutcome is how one case went.
type oracleOutcome struct {
	wrong            []string
	switched, failed int
}

func (o *oracleOutcome) errorf(format string, args ...any) {
	o.wrong = append(o.wrong, fmt.Sprintf(format, args...))
}

// try sets the case up in dir, asks go, asks this package, and compares.
func (c *oracleCase) try(t *testing.T, sdks, dir string) (o oracleOutcome) {
	defer os.RemoveAll(dir)
	q, _, run := c.setUp(t, sdks, dir)
	if q != nil {
		args := append([]string{"env", "-json"}, c.Keys...)
		if len(c.Keys) == 1 {
			args = []string{"env", c.Keys[0]}
		}
		c.compare(&o, q, oracleParse(run(args...), c.Keys), c.Keys)
	}
	return o
}

// setUp writes the files of the case into dir. run runs its go command; q is nil if the test has failed.
func (c *oracleCase) setUp(t *testing.T, sdks, dir string) (q *Query, problems []ModuleProblem, run func(args ...string) oracleAnswer) {
	expand := strings.NewReplacer("$R", dir, "$S", sdks)
	work := filepath.Clean(expand.Replace(c.Dir))
	err := os.MkdirAll(work, 0o777)
	for name, text := range c.Files {
		name = expand.Replace(name)
		err = errors.Join(err, os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte(expand.Replace(text)), 0o666))
	}
	for name, target := range c.Links {
		name = expand.Replace(name)
		err = errors.Join(err, os.MkdirAll(filepath.Dir(name), 0o777), os.Symlink(expand.Replace(target), name))
	}
	if err != nil {
		t.Errorf("%v\n%s", err, c.describe())
		return nil, nil, nil
	}
	var environ []string
	for _, k := range slices.Sorted(maps.Keys(c.Env)) {
		environ = append(environ, k+"="+expand.Replace(c.Env[k]))
	}
	gocmd := expand.Replace(c.SDK)
	h := osHost{platform: host.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}, env: environ}
	q, problems, err = testQuery(h, environ, work, gocmd)
	if err != nil {
		t.Errorf("%v\n%s", err, c.describe())
		return nil, nil, nil
	}
	// Whatever a go command tries to fetch fails at once on loopback, and it starts no process for its telemetry.
	environ = append(environ, "HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1", "https_proxy=", "no_proxy=", "GO_TELEMETRY_CHILD=2")
	return q, problems, func(args ...string) oracleAnswer { return oracleRun(gocmd, work, environ, args) }
}

// oracleAnswer is what the real go command said.
type oracleAnswer struct {
	values         map[string]string
	failed         bool
	stdout, stderr string
}

func oracleRun(gocmd, dir string, environ, args []string) oracleAnswer {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, gocmd, args...)
	cmd.Dir, cmd.Env = dir, environ
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	return oracleAnswer{failed: err != nil, stdout: stdout.String(), stderr: stderr.String()}
}

// oracleParse reads the values of "go env".
func oracleParse(a oracleAnswer, keys []string) oracleAnswer {
	switch {
	case a.failed:
	case len(keys) == 1 && !strings.HasPrefix(a.stdout, "{"): // a brace is from GOFLAGS=-json
		a.values = map[string]string{keys[0]: strings.TrimSuffix(a.stdout, "\n")}
	default:
		if err := json.Unmarshal([]byte(a.stdout), &a.values); err != nil {
			a.stderr += err.Error()
		}
	}
	return a
}

func (c *oracleCase) compare(o *oracleOutcome, q *Query, real oracleAnswer, keys []string) {
	s := SelectToolchain(q)
	if s.Toolchain != "local" {
		o.switched++
	}
	if real.failed {
		o.failed++
	}
	exempt := len(keys) == 1 && slices.Contains([]string{"GOTOOLCHAIN", "GOMOD", "GOWORK"}, keys[0])
	for _, key := range keys {
		r := Resolve(q, key)
		if !exempt && slices.Contains([]string{"GOTOOLCHAIN", "GOMOD", "GOWORK"}, key) {
			if s.Toolchain != "local" || !s.Err.IsZero() {
				continue // several names at once are not exempt from the switch
			}
		}
		download := s.Download && !exempt
		oracleCheckTrail(o, key, r)
		switch {
		case !s.Unknown.IsZero() && !exempt:
		case real.failed && strings.Contains(real.stderr, "creating work dir") || strings.Contains(real.stderr, "GOCACHEPROG"):
			// GOTMPDIR and GOCACHEPROG are used only to ask the C compiler; what they name is nobody's business here.
		case real.failed && r.Err.IsZero() && !download:
			o.errorf("%s: go fails with %q, we say %q", key, real.stderr, r.Printed)
		case !real.failed && (!r.Err.IsZero() || download):
			o.errorf("%s: go says %q, we say it fails with %q", key, real.values[key], r.Err)
		case download && strings.Contains(real.stderr, "not available") && strings.HasPrefix(Resolve(q, "GOPROXY").Value, "off") && r.Err.IsZero():
			o.errorf("%s: go fails with %q, we only say that it must download", key, real.stderr)
		case real.failed && !download && !strings.Contains(real.stderr, r.Err.String()) && !strings.Contains(real.stderr, "panic:"):
			o.errorf("%s: go fails with %q, we say with %q", key, real.stderr, r.Err)
		case !real.failed && r.Unknown.IsZero() && real.values[key] != oraclePrinted(r.Printed, keys):
			o.errorf("%s: go says %q, we say %q", key, real.values[key], r.Printed)
		}
		if len(o.wrong) > 5 {
			return
		}
	}
}

// oraclePrinted is s as JSON carries it, unless a single name was asked for: invalid UTF-8 is replaced.
func oraclePrinted(s string, keys []string) string {
	if len(keys) == 1 {
		return s
	}
	return string([]rune(s))
}

// oracleCheckTrail checks what holds for every answer.
func oracleCheckTrail(o *oracleOutcome, key string, r Result) {
	won := 0
	for _, t := range r.Trail {
		if t.Why.IsZero() {
			o.errorf("%s: no why in %+v", key, t)
		}
		if t.Won {
			won++
			if t.Value != r.Value {
				o.errorf("%s: the reason that won has %q, the result %q", key, t.Value, r.Value)
			}
		}
	}
	if r.Set && won != 1 || !r.Set && won != 0 || !r.Set && r.Value != "" {
		o.errorf("%s: set %v, value %q, %d reasons won", key, r.Set, r.Value, won)
	}
}

func (c *oracleCase) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sdk %s dir %s\n", c.SDK, c.Dir)
	for _, k := range slices.Sorted(maps.Keys(c.Env)) {
		fmt.Fprintf(&b, "env %s=%q\n", k, c.Env[k])
	}
	for _, k := range slices.Sorted(maps.Keys(c.Files)) {
		fmt.Fprintf(&b, "file %s %q\n", k, c.Files[k])
	}
	return b.String()
}

// oracleNewer is a version newer than any, as long as the real one in bytes.
func oracleNewer(version string) string {
	_, patch, _ := strings.Cut(strings.TrimPrefix(version, "go1."), ".")
	return "go1." + strings.Repeat("9", len(version)-len("go1..")-len(patch)) + "." + patch
}

// oracleSDKs makes GOROOTs out of the installed one: a and b with their own go.env, bare without one, and newer, whose
// go command says it is a newer version. Folder bin has links to their go commands, folder path the newer toolchain as
// a search of PATH finds it.
func oracleSDKs(t *testing.T) (dir, local string) {
	gocmd, err := filepath.EvalSymlinks(testreq.Program(t, "go"))
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Dir(filepath.Dir(gocmd))
	version := oracleVersion(t, root)
	dir = oracleDir(t)
	base := "GOSUMDB=sum.golang.org\nGOTOOLCHAIN=local\n"
	oracleSDK(t, root, filepath.Join(dir, "a"), version, new("# a\nGOPROXY=https://proxy.example.com,direct\n"+base))
	oracleSDK(t, root, filepath.Join(dir, "b"), version, new("GOPROXY=https://b.example.com\nGOAUTH=off\nGOROOT=/nowhere\nGOTOOLCHAIN=auto\nGOPATH=/b/go\nGOFLAGS=-x\n"))
	oracleSDK(t, root, filepath.Join(dir, "bare"), version, nil)
	oracleSDK(t, root, filepath.Join(dir, "newer"), oracleNewer(version), new("GOPROXY=https://newer.example.com\nGOBIN=/newer/bin\n"+base))
	for _, sub := range []string{"bin", "path", "empty"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	oracleLink(t, filepath.Join(dir, "b/bin/go"), filepath.Join(dir, "bin/go"))
	gocmd = filepath.Join(dir, "a/bin/go")
	oracleCopyGo(t, gocmd, filepath.Join(dir, "a/bin", runtime.GOOS+"_"+runtime.GOARCH, "go"), version, version)
	oracleCopyGo(t, gocmd, filepath.Join(dir, "lost/go"), version, version)
	oracleLink(t, filepath.Join(dir, "newer/bin/go"), filepath.Join(dir, "path", oracleNewer(version)))
	return dir, version
}

func oracleVersion(t *testing.T, root string) string {
	sdk, err := LoadRoot(osHost{platform: host.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}}, root)
	if err != nil || toolchainVersion(sdk.Version) == "" {
		testreq.Missing(t, "the go command is not in a GOROOT with a VERSION file")
	}
	return sdk.Version
}

func oracleLink(t *testing.T, old, new string) {
	if err := errors.Join(os.MkdirAll(filepath.Dir(new), 0o777), os.Symlink(old, new)); err != nil {
		t.Fatal(err)
	}
}

func oracleSDK(t *testing.T, root, dir, version string, goEnv *string) {
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"pkg", "lib", "src/internal", "src/go.mod"} {
		oracleLink(t, filepath.Join(root, sub), filepath.Join(dir, sub))
	}
	// A toolchain comes out of a module with this name instead, and go restores go.mod from it unless it is there.
	oracleLink(t, filepath.Join(root, "src/go.mod"), filepath.Join(dir, "src/_go.mod"))
	if err := os.WriteFile(filepath.Join(dir, "VERSION"), []byte(version+"\ntime 2026-01-01T00:00:00Z\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if goEnv != nil {
		if err := os.WriteFile(filepath.Join(dir, "go.env"), []byte(*goEnv), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	real := oracleVersion(t, root)
	oracleCopyGo(t, filepath.Join(root, "bin/go"), filepath.Join(dir, "bin/go"), real, version)
}

// oracleCopyGo copies the go command, by a hard link if it may stay the same.
func oracleCopyGo(t *testing.T, old, new, oldVersion, newVersion string) {
	if err := os.MkdirAll(filepath.Dir(new), 0o777); err != nil {
		t.Fatal(err)
	}
	if oldVersion == newVersion && os.Link(old, new) == nil {
		return
	}
	data, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	if len(oldVersion) != len(newVersion) {
		t.Fatalf("%s and %s differ in length", oldVersion, newVersion)
	}
	if err := os.WriteFile(new, bytes.ReplaceAll(data, []byte(oldVersion), []byte(newVersion)), 0o777); err != nil {
		t.Fatal(err)
	}
}
