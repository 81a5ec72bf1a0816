package bench

import (
	"debug/buildinfo"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/testreq"
)

// TestBinaryIsSmall bounds what go build makes; what is shipped is smaller.
func TestBinaryIsSmall(t *testing.T) {
	if mb := size(t, binary(t, plain)); mb >= 25 {
		t.Errorf("the binary has %.1f MB, less than 25 are promised", mb)
	}
}

// TestBinaryLinksNoServerLibraries looks at the modules recorded in the binary: the policy test reads our own imports
// only, not those of our dependencies.
func TestBinaryLinksNoServerLibraries(t *testing.T) {
	info, err := buildinfo.ReadFile(binary(t, plain))
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) == 0 {
		t.Fatal("the binary names no modules")
	}
	for _, dep := range info.Deps {
		for _, not := range []string{"cloud.google.com/", "github.com/aws/", "github.com/Azure/", "github.com/minio/",
			"github.com/prometheus/", "go.opentelemetry.io/", "google.golang.org/grpc", "k8s.io/"} {
			if strings.HasPrefix(dep.Path, not) {
				t.Errorf("goready links %s", dep.Path)
			}
		}
	}
}

// TestExplainStartsNoProcess traces explain: without --probe it starts no process, and it never asks the network.
func TestExplainStartsNoProcess(t *testing.T) {
	goready := binary(t, plain)
	m := newMachine(t)
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"text", []string{"explain", "GOPROXY"}},
		{"all_variables_json", []string{"explain", "--format", "json", "GOPROXY", "GOFLAGS", "GOPRIVATE", "HTTPS_PROXY", "PATH", "GOTOOLCHAIN"}},
		{"observe", []string{"explain", "--observe", "GOPROXY"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, line := range trace(t, m, goready, tt.args...) {
				t.Error(line)
			}
		})
	}
}

// TestDoctorStartsFourShells traces doctor: it runs the user's shell in four modes and starts nothing else, and for
// checks that only read the start-up files it starts nothing at all.
func TestDoctorStartsFourShells(t *testing.T) {
	goready := binary(t, plain)
	m := newMachine(t)
	own := func(args ...string) int {
		n := 0
		for _, line := range trace(t, m, goready, args...) {
			if strings.Contains(line, "execve(") && strings.Contains(line, "goready-environ") && !strings.Contains(line, "ENOENT") {
				n++
			}
		}
		return n
	}
	if n := own("doctor", "shell", "--fail-on", "never"); n != 4 {
		t.Errorf("doctor runs the shell %d times, want 4", n)
	}
	for _, id := range []string{"shell.exports", "shell.duplicate-exports", "shell.interactive-guard", "shell.direnv"} {
		for _, line := range trace(t, m, goready, "doctor", id, "--fail-on", "never") {
			t.Errorf("%s: %s", id, line)
		}
	}
}

// TestTraceSeesProcesses shows that the test above can fail.
func TestTraceSeesProcesses(t *testing.T) {
	m := newMachine(t)
	if got := trace(t, m, "/bin/sh", "-c", "/bin/true; exit 0"); len(got) == 0 {
		t.Error("a shell that starts a program was not seen")
	}
	if got := children(t, traceAll(t, m, "/bin/sh", "-c", "/bin/true; (exec /bin/echo x); exit 0")); !slices.Equal(got, []string{"/bin/true", "/bin/echo"}) {
		t.Errorf("the children of a shell: %q", got)
	}
	if got := trace(t, m, "/bin/sh", "-c", "exec /bin/true"); len(got) != 1 {
		t.Errorf("a shell that becomes a program: %q", got)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if got := trace(t, m, self, "-test.run=^$"); len(got) != 0 {
		t.Errorf("a Go program that starts threads only: %q", got)
	}
}

// maxProcesses is how many processes a run of the doctor starts at most: the compiler, to tell its version, and the
// user's shell in its four modes.
const maxProcesses = 5

// TestDoctorStartsFewProcesses traces the doctor: the few processes it starts are those that its page names, and neither
// it nor they ask the network.
func TestDoctorStartsFewProcesses(t *testing.T) {
	goready := binary(t, plain)
	m := newMachine(t)
	lines := traceAll(t, m, goready, "doctor")
	for _, line := range lines {
		if strings.Contains(line, "socket(") && strings.Contains(line, "AF_INET") {
			t.Error(line)
		}
	}
	started := children(t, lines)
	if len(started) > maxProcesses {
		t.Errorf("%d processes, at most %d are promised: %q", len(started), maxProcesses, started)
	}
	shells := 0
	for _, program := range started {
		switch filepath.Base(program) {
		case "bash":
			shells++
		case "compile":
		default:
			t.Errorf("starts %s", program)
		}
	}
	if shells == 0 {
		t.Error("the shell was not started: the test sees nothing")
	}
	if started := children(t, traceAll(t, m, goready, "doctor", "--skip", "shell,go.goroot-mixed")); len(started) != 0 {
		t.Errorf("without the checks that need them it starts %q", started)
	}
}

// children returns the programs of the processes that the traced program itself started, not those that they started.
func children(t *testing.T, lines []string) []string {
	t.Helper()
	var first string                 // the traced program's process
	began := map[string]string{}     // system calls whose end is on another line, by thread
	threads := map[string]string{}   // the thread that started a thread
	processes := map[string]string{} // the thread that started a process
	programs := map[string]string{}  // what a process became first
	var order []string
	for _, line := range lines {
		pid, call, _ := strings.Cut(line, " ")
		call = strings.TrimSpace(call)
		if before, _, ok := strings.Cut(call, " <unfinished"); ok {
			began[pid], call = before, before
		} else if _, rest, ok := strings.Cut(call, " resumed>"); ok {
			call = began[pid] + rest
		}
		result := ""
		if i := strings.LastIndex(call, "= "); i >= 0 {
			result = call[i+len("= "):]
		}
		switch {
		case first == "":
			first = pid
		case strings.HasPrefix(call, "execve"):
			if _, known := programs[pid]; !known && pid != first {
				_, rest, _ := strings.Cut(call, `"`)
				programs[pid], _, _ = strings.Cut(rest, `"`)
				order = append(order, pid)
			}
		case result == "" || strings.HasPrefix(call, "socket"):
		case strings.Contains(call, "CLONE_THREAD"):
			threads[result] = pid
		default:
			processes[result] = pid
		}
	}
	var out []string
	for _, pid := range order {
		by := processes[pid]
		for threads[by] != "" {
			by = threads[by]
		}
		if by == first {
			out = append(out, programs[pid])
		}
	}
	return out
}

// trace runs a program under strace and returns the system calls that started a process or used the network.
func trace(t *testing.T, m *machine, program string, args ...string) []string {
	t.Helper()
	return processCalls(t, traceAll(t, m, program, args...))
}

// traceAll returns all lines of the trace. Of a thread that dies as it enters a system call strace cannot tell which one
// it is, and writes "???(": such a trace says too little, and is taken again.
func traceAll(t *testing.T, m *machine, program string, args ...string) []string {
	t.Helper()
	for range 5 {
		lines := traceOnce(t, m, program, args...)
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, " ???(") }) {
			return lines
		}
	}
	t.Fatal("no trace in five names every system call")
	return nil
}

func traceOnce(t *testing.T, m *machine, program string, args ...string) []string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs strace, which is a Linux program")
	}
	log := filepath.Join(t.TempDir(), "strace")
	args = append([]string{"-f", "-qq", "-o", log, "-e", "trace=execve,execveat,fork,vfork,clone,clone3,socket", program}, args...)
	out, err := m.command(testreq.Program(t, "strace"), args...).CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		t.Fatalf("strace: %v\n%s", err, out)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

func processCalls(t *testing.T, lines []string) []string {
	t.Helper()
	if !strings.Contains(lines[0], "execve(") {
		t.Fatalf("not a trace: %q", lines[0])
	}
	return slices.DeleteFunc(lines[1:], func(line string) bool {
		switch {
		case strings.Contains(line, " resumed>"), strings.Contains(line, "+++"), strings.Contains(line, "--- SIG"):
			return true
		case strings.Contains(line, "clone"):
			return strings.Contains(line, "CLONE_THREAD")
		case strings.Contains(line, "socket("):
			return !strings.Contains(line, "AF_INET") // the C library asks a local daemon for users
		}
		return false
	})
}
