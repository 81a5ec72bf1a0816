//go:build linux

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/modfile"
	modzip "golang.org/x/mod/zip"

	"github.com/goready/goready/bench/proxytest/load"
	"github.com/goready/goready/internal/testreq"
)

// TestMain lets the program under test start itself as a server.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-serve-floor" {
		main()
	}
	os.Exit(m.Run())
}

// TestSmoke measures everything, far too shortly for the figures to mean something.
func TestSmoke(t *testing.T) {
	nginx, err := findNginx()
	if err != nil {
		testreq.Missing(t, err.Error())
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), []string{"-json", "-nginx", nginx, "-also", "nginx-proxy,net/http", "-rounds", "1", "-duration", "30ms", "-conns", "4",
		"-modules", "20", "-clients", "5", "-big", "2", "-rate", "20", "-memory", "4", "-versions", "1200"}, &stdout, &stderr)
	if status != 0 {
		t.Fatalf("status %d\n%s%s", status, &stderr, &stdout)
	}
	var r report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	figures := map[string]float64{}
	for _, f := range r.Figures {
		part, _, _ := strings.Cut(f.Part, " ")
		figures[part+": "+f.Name] = f.Value
		if f.Pass == nil && (f.AtLeast != nil || f.AtMost != nil) || f.Low > f.High {
			t.Errorf("figure %+v", f)
		}
	}
	for name, want := range map[string]float64{
		"ci: wrong answers": 0, "small: wrong answers": 0, "zips: wrong answers": 0, "developer: wrong answers": 0, "cold: upstream fetches": 1,
	} {
		if got, ok := figures[name]; !ok || got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"ci: requests/s", "ci: CPU us/request", "zips: MB/s", "go: s, against nginx", "go: s, against file://", "cold: peak memory MiB",
		"cold: first byte / direct download", "cold: disk MiB", "memory: peak MiB with 4 MiB, against 1 MiB", "outage: slowest cached answer ms, upstream refused",
		"outage: slowest cached answer ms, upstream silent", "1200: start until healthy ms", "1200: warm hit CPU us/request", "1200: peak memory MiB"} {
		if figures[name] <= 0 {
			t.Errorf("%s: %v", name, figures[name])
		}
	}
	if want := 4*4 + 2; len(r.Loads) != want {
		t.Errorf("load on %d servers, want %d", len(r.Loads), want)
	}
	for _, l := range r.Loads {
		if l.Errors > 0 || l.Requests == 0 || l.Rate <= 0 || l.MB <= 0 || l.P50 > l.P99 || l.P99 > l.Max || l.GeneratorCPU <= 0 {
			t.Errorf("load %+v", l)
		}
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	if pids, err := descendants(os.Getpid()); err != nil || len(pids) > 1 {
		t.Errorf("processes left behind: %v (%v)", pids, err)
	}
}

func TestUsage(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"part", []string{"-parts", "mixes,cpu"}, `unknown part "cpu": there are mixes, download,`},
		{"mix", []string{"-mixes", "ci,big"}, `unknown mix "big": there are ci, small,`},
		{"server", []string{"-also", "caddy"}, `unknown server "caddy": there are nginx-proxy,`},
		{"argument", []string{"ci"}, `unknown argument "ci"`},
		{"number", []string{"-rounds", "0"}, "numbers are at least 1"},
		{"flag", []string{"-round", "1"}, "flag provided but not defined"},
		{"url", []string{"-url", "127.0.0.1:80", "-modules", "1"}, `"127.0.0.1:80" does not begin with http://`},
		{"other_machine", []string{"-url", "http://192.0.2.1:80", "-modules", "1"}, "load is for 127.0.0.0/8 only"},
		{"no_program", []string{"-goreadyd", "/dev/null/goreadyd", "-parts", "memory", "-memory", "1"}, "memory: fork/exec /dev/null/goreadyd: not a directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), tt.args, &stdout, &stderr)
			if status != 2 || !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("status %d, stderr %q, want %s", status, &stderr, tt.want)
			}
		})
	}
}

// TestURL sends load to a server of files with a wrong one among them.
func TestURL(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	tree := t.TempDir()
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"-write", tree, "-modules", "4"}, &stdout, &stderr); status != 0 || stdout.Len() > 0 {
		t.Fatalf("status %d: %s%s", status, &stdout, &stderr)
	}
	s, addr, err := serveHTTP("127.0.0.1:0", http.FileServer(http.Dir(tree)))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.WriteFile(filepath.Join(tree, "mod.example.com", "group0", "module2", "@v", "v1.0.0.mod"), []byte("module x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	status := run(t.Context(), []string{"-url", "http://" + addr + "/", "-mixes", "small,zips", "-duration", "100ms", "-modules", "4", "-json"}, &stdout, &stderr)
	var r report
	if err := json.Unmarshal(stdout.Bytes(), &r); status != 0 || err != nil || len(r.Loads) != 2 {
		t.Fatalf("status %d, %v: %s%s", status, err, &stdout, &stderr)
	}
	if small, zips := r.Loads[0], r.Loads[1]; small.Errors == 0 || small.Requests < small.Errors || zips.Errors != 0 || zips.Requests == 0 {
		t.Errorf("loads %+v", r.Loads)
	}
	if want := "the first wrong answer: GET /mod.example.com/group0/module2/@v/v1.0.0.mod: a body of 9 bytes"; !strings.Contains(stderr.String(), want) {
		t.Errorf("stderr %q, want %s", &stderr, want)
	}
}

// TestCorpus holds the files to the rules of golang.org/x/mod, and to the sizes that were wanted.
func TestCorpus(t *testing.T) {
	const n = 60
	c, err := writeCorpus(t.TempDir(), n)
	if err != nil {
		t.Fatal(err)
	}
	again, err := writeCorpus(t.TempDir(), n)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.versions, again.versions) || len(c.versions) != n*versionsPerModule {
		t.Errorf("two corpora differ, or have not %d versions", n*versionsPerModule)
	}
	known := map[string]bool{}
	for _, v := range c.versions {
		known[v.Version.String()] = true
		file := func(r load.Request) string {
			return filepath.Join(c.dir, filepath.FromSlash(strings.ReplaceAll(r.Path, "%21", "!")))
		}
		if checked, err := modzip.CheckZip(v.Version, file(v.zip)); err != nil || checked.Err() != nil {
			t.Errorf("%s: %v", v.Version, errors.Join(err, checked.Err()))
		}
		data, err := os.ReadFile(file(v.mod))
		if err != nil {
			t.Fatal(err)
		}
		mod, err := modfile.Parse("go.mod", data, nil)
		if err != nil || mod.Module.Mod.Path != v.Path {
			t.Fatalf("%s: %v", v.Version, err)
		}
		for _, r := range mod.Require {
			if !known[r.Mod.String()] || r.Mod.Path == v.Path {
				t.Errorf("%s requires %s, which does not come before it", v.Version, r.Mod)
			}
		}
		info, err := os.ReadFile(file(v.info))
		if err != nil || !json.Valid(info) || load.Sum(info) != v.info.CRC || int64(len(info)) != v.info.Size {
			t.Errorf("%s: info %s (%v)", v.Version, info, err)
		}
		if v.zip.Size < 5<<10 || v.zip.Size > 6<<20 || v.mod.Size < 100 || v.mod.Size > 11<<10 || v.info.Size < 150 || v.info.Size > 250 {
			t.Errorf("%s has %d, %d and %d bytes", v.Version, v.zip.Size, v.mod.Size, v.info.Size)
		}
	}
	slices.SortFunc(c.versions, func(a, b version) int { return cmp.Compare(a.zip.Size, b.zip.Size) })
	if median := c.versions[len(c.versions)/2].zip.Size; median < 80<<10 || median > 320<<10 {
		t.Errorf("the median of the zips is %d bytes", median)
	}
}

func TestMixes(t *testing.T) {
	c, err := writeCorpus(t.TempDir(), 30)
	if err != nil {
		t.Fatal(err)
	}
	versions := 30 * versionsPerModule
	count := func(requests []load.Request) map[string]int {
		n := map[string]int{}
		for _, r := range requests {
			n[r.Path[strings.LastIndexAny(r.Path, "./"):]]++
		}
		return n
	}
	for mix, want := range map[string]map[string]int{
		"ci":    {".info": versions, ".mod": versions, ".zip": versions},
		"small": {".info": versions, ".mod": versions},
		"zips":  {".zip": versions},
	} {
		if got := count(c.mix(mix)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("mix %s: %v, want %v", mix, got, want)
		}
	}
	if n := count(c.mix("developer")); n["/list"] != 30 || n[".info"] != 30 || n[".mod"] != 30 || n["/@latest"] == 0 || n[".zip"] == 0 {
		t.Errorf("mix developer: %v", n)
	}
	if n := count(c.all()); n["/list"] != 30 || n["/@latest"] != 30 || n[".zip"] != versions {
		t.Errorf("all: %v", n)
	}
}

func TestInterleave(t *testing.T) {
	var order []int
	got, err := interleave(t.Context(), 40, 3, func(i int) (int, error) {
		order = append(order, i)
		return len(order), nil
	})
	if err != nil || len(got) != 3 {
		t.Fatalf("%v, %v", got, err)
	}
	firsts := map[int]bool{}
	for round := range 40 {
		var at []int
		for i := range 3 {
			at = append(at, got[i][round])
		}
		slices.Sort(at)
		if want := []int{3*round + 1, 3*round + 2, 3*round + 3}; !slices.Equal(at, want) {
			t.Errorf("round %d was measured at %v", round, at)
		}
		firsts[order[3*round]] = true
	}
	if len(firsts) != 3 {
		t.Errorf("only %v came first in a round", firsts)
	}
	broken := errors.New("broken")
	if _, err := interleave(t.Context(), 2, 2, func(int) (int, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestReport(t *testing.T) {
	r := newReport()
	r.add("p", "ratio_reached", []float64{95, 190, 60}, []float64{100, 200, 100}, atLeast(0.95))
	r.add("p", "ratio_missed", []float64{95, 188, 60}, []float64{100, 200, 100}, atLeast(0.95))
	r.add("p", "cost_reached", []float64{105.4, 1}, []float64{100, 1}, atMost(1.03))
	r.add("p", "cost_missed", []float64{107, 1}, []float64{100, 1}, atMost(1.03))
	r.add("p", "value_reached", []float64{1}, nil, atMost(1))
	r.add("p", "value_missed", []float64{2}, nil, atMost(1))
	r.add("p", "shown", []float64{2}, []float64{0}, noPromise())
	var verdicts []string
	for _, f := range r.Figures {
		verdict := ""
		if f.Pass != nil {
			verdict = fmt.Sprint(*f.Pass)
		}
		verdicts = append(verdicts, verdict)
		if want := map[string]string{"true": "reached", "false": "missed", "": "shown"}[verdict]; !strings.HasSuffix(f.Name, want) {
			t.Errorf("%s: %s", f.Name, verdict)
		}
	}
	if r.missed() != 3 || len(verdicts) != 7 {
		t.Errorf("%d missed of %d", r.missed(), len(verdicts))
	}
	f := r.Figures[0]
	if f.Value != 95 || *f.Against != 100 || *f.Ratio != 0.95 || f.Low != 0.6 || f.High != 0.95 {
		t.Errorf("figure %+v", f)
	}
	var text, asJSON bytes.Buffer
	if err := errors.Join(r.print(&text, false), r.print(&asJSON, true)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ratio_missed   95        100      0.94   0.60 to 0.95  >= 0.95     FAIL", "3 figures missed"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	if !strings.Contains(asJSON.String(), `"missed": 3`) {
		t.Errorf("JSON\n%s", &asJSON)
	}
}

// TestCPU measures a shell that does nothing, but has a child that works.
func TestCPU(t *testing.T) {
	p, err := start("busy", "", t.TempDir(), nil, testreq.Program(t, "sh"), "-c",
		"sh -c 'while :; do :; done' & child=$!; trap 'kill $child' TERM; wait")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}()
	for used, began := time.Duration(0), time.Now(); used < 50*time.Millisecond; { // the shell itself takes less
		if used, err = p.cpu(); err != nil || time.Since(began) > 20*time.Second {
			t.Fatalf("used %v (%v)", used, err)
		}
	}
	if own, err := runTime(p.cmd.Process.Pid); err != nil || own > 40*time.Millisecond {
		t.Errorf("the shell itself used %v (%v): the test says nothing of its child", own, err)
	}
	if peak, err := p.peak(); err != nil || peak < 100<<10 || peak > 100<<20 {
		t.Errorf("peak %d (%v)", peak, err)
	}
}

func TestProcessEnds(t *testing.T) {
	sh := testreq.Program(t, "sh")
	p, err := start("failing", "", t.TempDir(), nil, sh, "-c", "echo no such flag >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{p.await(t.Context(), "http://127.0.0.1:1/"), p.stop()} {
		if err == nil || err.Error() != "failing ended (exit status 3): no such flag" {
			t.Errorf("error %v", err)
		}
	}
}

// TestPaced sends at a rate, and not faster in the beginning.
func TestPaced(t *testing.T) {
	up, err := startBig(1<<20, 10e6)
	if err != nil {
		t.Fatal(err)
	}
	defer up.server.Close()
	r, err := load.Run(t.Context(), load.Config{Addr: up.addr, Requests: []load.Request{up.zip}, Count: 1, Sample: 1})
	if err != nil || r.Errors > 0 {
		t.Fatalf("%v, %v", err, r.FirstError)
	}
	if want := time.Duration(float64(up.zip.Size) / 10e6 * float64(time.Second)); r.Latency.Max() < want*9/10 {
		t.Errorf("%d bytes at 10 MB/s took %v, want %v", up.zip.Size, r.Latency.Max(), want)
	}
}

// TestBigStore compares files of a store with what the requests expect of them.
func TestBigStore(t *testing.T) {
	s := &bigStore{t.TempDir(), 130}
	if err := s.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(s.data, "modules", "mod.example.com", "group*", "module*", "@v", "*"))
	if err != nil || len(files) != 3*130 {
		t.Errorf("%d files (%v)", len(files), err)
	}
	srv, addr, err := serveHTTP("127.0.0.1:0", http.FileServer(http.Dir(filepath.Join(s.data, "modules"))))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	requests := s.requests(newRand(), 130)
	r, err := load.Run(t.Context(), load.Config{Addr: addr, Requests: requests, Count: len(requests), Sample: 1})
	if err != nil || r.Errors > 0 || r.Requests != 260 {
		t.Errorf("%d right answers, %v, %v", r.Requests, err, r.FirstError)
	}
	if err := removeAll(s.data); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the store is still there (%v)", err)
	}
}

func TestFindsNginx(t *testing.T) {
	file, err := findNginx()
	if err != nil {
		t.Setenv("PATH", t.TempDir())
		if !strings.Contains(err.Error(), "apt-get install nginx-light") {
			t.Errorf("error %v", err)
		}
		testreq.Missing(t, err.Error())
	}
	if out, err := exec.Command(file, "-v").CombinedOutput(); err != nil || !strings.Contains(string(out), "nginx/") {
		t.Errorf("%s -v: %s (%v)", file, out, err)
	}
}
