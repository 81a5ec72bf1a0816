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

// trace runs a program under strace and returns the system calls that started a process or used the network.
func trace(t *testing.T, m *machine, program string, args ...string) []string {
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
	return processCalls(t, string(data))
}

func processCalls(t *testing.T, log string) []string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(log), "\n")
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
