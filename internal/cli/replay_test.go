package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/hosttest"
	"github.com/goready/goready/internal/host/local"
	"github.com/goready/goready/internal/snapshot"
)

// testNow is when the machines of the tests are looked at.
var testNow = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// goready runs goready and returns what it printed.
func goready(t *testing.T, h host.Host, dir string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errors bytes.Buffer
	status = Main(t.Context(), Program{Host: h, Args: args, Dir: func() (string, error) { return dir, nil }, Now: testNow,
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errors})
	return out.String(), errors.String(), status
}

// questions are command lines whose answers a snapshot must reproduce.
func questions() [][]string {
	all := slices.Concat(goenv.Variables(), []string{"PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"})
	return [][]string{
		{"doctor", "--format", "json", "--severity", "info"},
		{"doctor", "-v"},
		{"doctor", "--severity", "info", "--lang", "zh-CN"},
		slices.Concat([]string{"explain", "--format", "json", "--observe"}, all),
		slices.Concat([]string{"explain", "--format", "json", "--editor-from", "terminal"}, all),
		slices.Concat([]string{"explain", "--format", "json", "--editor-from", "desktop", "--chain"}, all),
		{"explain", "-v", "GOPROXY", "GOFLAGS", "--module", "git.example.com/a/b", "--answers", "404,ok", "--url", "https://example.com"},
	}
}

// tester is the machine on which the tests run, with an environment that does not depend on the tester.
type tester struct{ host.Host }

func (tester) Environ() []string { return []string{"GOREADY_LANG=en", "LC_ALL=C.UTF-8"} }

// replayed compares the answers of a machine to qs with those of its snapshot.
func replayed(t *testing.T, h host.Host, dir string, qs [][]string, args ...string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "snapshot.json.gz")
	if _, stderr, status := goready(t, h, dir, append([]string{"snapshot", "-o", file}, args...)...); status != 0 {
		t.Fatalf("snapshot: status %d, %s", status, stderr)
	}
	for _, q := range qs {
		live, liveErr, liveStatus := goready(t, h, dir, q...)
		again, againErr, againStatus := goready(t, tester{local.New()}, "/nowhere", append(slices.Clone(q), "--from", file)...)
		if liveStatus > int(Findings) && liveStatus != int(Incomplete) || liveStatus != againStatus {
			t.Errorf("%.60q: status %d, and %d from the snapshot\n%s%s", q, liveStatus, againStatus, liveErr, againErr)
		}
		if diff := cmp.Diff(comparable(t, live), comparable(t, again)); diff != "" {
			t.Errorf("%.60q: -live +snapshot:\n%.3000s", q, diff)
		}
	}
	return file
}

// comparable returns an answer without what differs each time: how long it took.
func comparable(t *testing.T, out string) any {
	t.Helper()
	if !strings.HasPrefix(out, "{") {
		return out
	}
	var v any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err)
	}
	return untimed(v)
}

func untimed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "durationMs")
		for k := range v {
			v[k] = untimed(v[k])
		}
	case []any:
		for i := range v {
			v[i] = untimed(v[i])
		}
	}
	return v
}

// TestReplayMachines: every machine that is described for a test gives the same answers when it is replayed. Those that
// are described for one check are asked only for the findings.
func TestReplayMachines(t *testing.T) {
	var files []string
	for _, pattern := range []string{"testdata/machines/*.txtar", "../check/testdata/*.txtar"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no machines in %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		qs := questions()
		if strings.Contains(file, "check") && !strings.HasPrefix(name, "machine_") {
			qs = qs[:1]
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m := hosttest.ParseMachine(t, archive)
			m.Host.Env = append(m.Host.Env, "GOREADY_LANG=en", "LC_ALL=C.UTF-8")
			replayed(t, m.Host, m.Dir, qs)
		})
	}
}

// still is this machine with the processes that it had at the first question, and with programs that print and take
// what they did the first time.
type still struct {
	host.Host
	procs func() ([]host.Process, error)

	mu   sync.Mutex
	runs map[string]host.Result // guarded by mu
}

func newStill() *still {
	h := local.New()
	return &still{Host: h, procs: sync.OnceValues(h.Processes), runs: map[string]host.Result{}}
}

func (s *still) Run(ctx context.Context, cmd host.Command) (host.Result, error) {
	key := fmt.Sprintf("%q", []any{cmd.Path, cmd.Args, cmd.Env, cmd.Dir})
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.runs[key]; ok {
		return r, nil
	}
	r, err := s.Host.Run(ctx, cmd)
	if err == nil {
		s.runs[key] = r
	}
	return r, err
}

func (s *still) Processes() ([]host.Process, error) { return s.procs() }

// TestReplayLocal: this machine, with a home folder of its own, gives the same answers when it is replayed.
func TestReplayLocal(t *testing.T) {
	home, ws := privateHome(t)
	writeFiles(t, home, map[string]string{
		".bashrc":        "export GOPROXY=https://bashrc.example.com,direct\n. ~/.more\n",
		".more":          "export GOFLAGS=-mod=mod\n",
		".zshrc":         "export GOPROXY=https://zshrc.example.com\n",
		".config/go/env": "GONOSUMDB=*\nGOPRIVATE=git.example.com\n",
	})
	writeFiles(t, ws, map[string]string{"go.mod": "module example.com/app\n\ngo 1.26\n", ".vscode/settings.json": `{"go.toolsEnvVars": {"GOFLAGS": "-x"}}`})
	h := newStill()
	file := replayed(t, h, ws, questions())
	if data := readSnapshot(t, file); runtime.GOOS == "linux" && len(data.Host.Runs) == 0 {
		t.Error("no shell was run: the findings about shells were not compared")
	}
	probed := [][]string{{"explain", "--probe", "--format", "json", "GOPROXY", "GOFLAGS", "GONOSUMDB", "--editor-from", ""}}
	replayed(t, h, ws, probed, "--probe")

	// -C may name another folder that was recorded, and what was not is unknown.
	out, _, status := goready(t, nil, "/nowhere", "explain", "GOFLAGS", "--from", file, "-C", ".", "--format", "json")
	if status != 0 || !strings.Contains(out, `"workspace": `+jsonText(ws)) {
		t.Errorf("-C .: status %d, %.200s", status, out)
	}
	if _, stderr, status := goready(t, nil, "/nowhere", "explain", "GOFLAGS", "--from", file, "-C", "/never/recorded"); status != int(Usage) || stderr == "" {
		t.Errorf("-C /never/recorded: status %d, %s", status, stderr)
	}
}

// TestFromHuge: a file of a gigabyte is refused by its size, and the standard input after what a snapshot may have.
func TestFromHuge(t *testing.T) {
	name := filepath.Join(t.TempDir(), "huge.json")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 1<<30); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, stderr, status := goready(t, tester{local.New()}, "/", "doctor", "--from", name)
	runtime.ReadMemStats(&after)
	if status != int(Usage) || !strings.Contains(stderr, "--from: ") || !strings.Contains(stderr, "larger than") {
		t.Errorf("status %d, %s", status, stderr)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 2*snapshot.MaxFile {
		t.Errorf("%d MiB were used", used>>20)
	}
	var out, errors bytes.Buffer
	status = Main(t.Context(), Program{Host: tester{local.New()}, Args: []string{"doctor", "--from", "-"}, Dir: os.Getwd,
		Stdin: endless{}, Stdout: &out, Stderr: &errors})
	if status != int(Usage) || !strings.Contains(errors.String(), "larger than any snapshot") {
		t.Errorf("status %d, %s", status, errors.String())
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func readSnapshot(t *testing.T, file string) *snapshot.Snapshot {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestReplayNames: a snapshot without names has the findings of the machine.
func TestReplayNames(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/machines/readme.txtar")
	if err != nil {
		t.Fatal(err)
	}
	m := hosttest.ParseMachine(t, archive)
	home := strings.TrimPrefix(m.Host.Env[slices.IndexFunc(m.Host.Env, func(kv string) bool { return strings.HasPrefix(kv, "HOME=") })], "HOME=")
	user := filepath.Base(home)
	m.Host.Env = append(m.Host.Env, "GOREADY_LANG=en", "LC_ALL=C.UTF-8", "HOSTNAME=somebodys-laptop")
	file := filepath.Join(t.TempDir(), "snapshot.json")
	if _, stderr, status := goready(t, m.Host, m.Dir, "snapshot", "--names", "-o", file); status != 0 {
		t.Fatalf("status %d, %s", status, stderr)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{home + "/", "somebodys-laptop", `"USER=` + user + `"`} {
		if bytes.Contains(data, []byte(name)) {
			t.Errorf("%q is in the snapshot", name)
		}
	}
	for _, q := range questions() {
		live, _, _ := goready(t, m.Host, m.Dir, q...)
		again, stderr, _ := goready(t, tester{local.New()}, "/nowhere", append(slices.Clone(q), "--from", file)...)
		live, again = strings.ReplaceAll(live, home, "/home/someone"), strings.ReplaceAll(again, "/home/someone2", "/home/someone")
		if diff := cmp.Diff(comparable(t, live), comparable(t, again)); diff != "" {
			t.Errorf("%.60q: %s -live +snapshot:\n%.3000s", q, stderr, diff)
		}
	}
}

// terminalIsUTF8 makes what is printed independent of the tester's terminal.
func terminalIsUTF8(t *testing.T) {
	for name, value := range map[string]string{"LC_ALL": "C.UTF-8", "CLICOLOR_FORCE": "", "GOREADY_FORMAT": "", "GOREADY_LANG": "en"} {
		t.Setenv(name, value)
	}
}

// privateHome makes an empty home folder and workspace, and takes from the environment what the tester's machine has.
func privateHome(t *testing.T) (home, workspace string) {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	terminalIsUTF8(t)
	home, workspace = filepath.Join(root, "home"), filepath.Join(root, "ws")
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		upper := strings.ToUpper(name)
		if strings.HasPrefix(upper, "GO") && !strings.HasPrefix(upper, "GOREADY") || strings.HasSuffix(upper, "_PROXY") || strings.HasPrefix(upper, "XDG_") {
			t.Setenv(name, "") // so that it is restored
			os.Unsetenv(name)
		}
	}
	for name, value := range map[string]string{"HOME": home, "USERPROFILE": home, "AppData": filepath.Join(home, "AppData", "Roaming"),
		"LocalAppData": filepath.Join(home, "AppData", "Local")} {
		t.Setenv(name, value)
	}
	for _, dir := range []string{home, workspace} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return home, workspace
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func jsonText(s string) string {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// TestFromWaits: nothing comes from the standard input, and neither --timeout nor an interrupt waits for it.
func TestFromWaits(t *testing.T) {
	stdin, writer := io.Pipe()
	defer writer.Close()
	run := func(ctx context.Context, args ...string) (int, string) {
		var errors bytes.Buffer
		status := Main(ctx, Program{Host: local.New(), Args: append(args, "--from", "-"), Dir: os.Getwd, Stdin: stdin, Stdout: io.Discard, Stderr: &errors})
		return status, errors.String()
	}
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	for _, command := range [][]string{{"doctor"}, {"explain", "GOPROXY"}} {
		if status, text := run(t.Context(), append(command, "--timeout", "1ms")...); status != int(Incomplete) || !strings.Contains(text, "--from: ") {
			t.Errorf("%s with a time limit: status %d: %s", command, status, text)
		}
		if status, text := run(interrupted, command...); status != int(Interrupted) {
			t.Errorf("%s interrupted: status %d: %s", command, status, text)
		}
	}
}
