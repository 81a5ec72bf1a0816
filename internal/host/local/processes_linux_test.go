package local

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goready/goready/internal/host"
)

func TestParseStat(t *testing.T) {
	tail := " S 12 1 1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3\n"
	tests := []struct {
		in   string
		want stat
		ok   bool
	}{
		{"7 (bash)" + tail, stat{"bash", 12, 987654}, true},
		{"7 (a) b (c)" + tail, stat{"a) b (c", 12, 987654}, true},
		{"7 (\n)" + tail, stat{"\n", 12, 987654}, true},
		{"7 ()" + tail, stat{"", 12, 987654}, true},
		{"7 (x) S 12", stat{}, false},
		{"", stat{}, false},
		{") (", stat{}, false},
		{"7 bash" + tail, stat{}, false},
	}
	for _, tt := range tests {
		got, ok := parseStat([]byte(tt.in))
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("parseStat(%q) = %+v, %v", tt.in, got, ok)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("7 (bash) S 12 1 1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3\n"))
	f.Add([]byte("((( ) ) )"))
	f.Fuzz(func(_ *testing.T, data []byte) { parseStat(data) })
}

// started is a program that runs until the test ends.
func running(t *testing.T, exe string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(exe, "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = []string{"A=b"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	in.Write([]byte("x"))
	if _, err := out.Read(make([]byte, 1)); err != nil { // it has begun: its arguments and program are its own
		t.Fatal(err)
	}
	return cmd
}

func find(t *testing.T, pid int) (host.Process, bool) {
	t.Helper()
	list, err := New().Processes()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(p host.Process) bool { return p.PID == pid })
	if i < 0 {
		return host.Process{}, false
	}
	return list[i], true
}

func TestReplacedProgram(t *testing.T) {
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(cat)
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(t.TempDir(), "tool (deleted)x")
	if err := os.WriteFile(exe, data, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := running(t, exe)
	if p, ok := find(t, cmd.Process.Pid); !ok || p.ExeDeleted || filepath.Base(p.Exe) != "tool (deleted)x" || p.Name != "tool (deleted)x" {
		t.Errorf("before: %+v", p)
	}
	if err := os.Rename(exe, exe+"2"); err != nil { // a rename is none
		t.Fatal(err)
	}
	if p, _ := find(t, cmd.Process.Pid); p.ExeDeleted || p.Exe != exe+"2" {
		t.Errorf("after a rename: %+v", p)
	}
	if err := os.Remove(exe + "2"); err != nil {
		t.Fatal(err)
	}
	if p, _ := find(t, cmd.Process.Pid); !p.ExeDeleted || p.Exe != exe+"2" {
		t.Errorf("after its removal: %+v", p)
	}
}

// TestEndedProcess asks for the environment of a process that has ended since it was listed.
func TestEndedProcess(t *testing.T) {
	cmd := running(t, "/bin/cat")
	p, ok := find(t, cmd.Process.Pid)
	if !ok {
		t.Fatal("not listed")
	}
	if env, err := p.Environ(); err != nil || !slices.Equal(env, []string{"A=b"}) {
		t.Errorf("environment = %q, %v", env, err)
	}
	if _, err := environ(p.PID, 12345); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("environment of another process with this number: %v", err)
	}
	cmd.Process.Kill()
	// Until somebody waits for it, it has a number and an entry in /proc.
	for {
		if _, ok := find(t, cmd.Process.Pid); !ok {
			break
		}
	}
	if _, err := p.Environ(); err == nil {
		t.Error("a process that has ended has an environment")
	}
	cmd.Wait()
	if _, err := p.Environ(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("environment of no process: %v", err)
	}
}

// TestProcFiles: files of procfs say that they are empty, and some would wait for the next message.
func TestProcFiles(t *testing.T) {
	m := New()
	if data, err := m.ReadFile("/proc/self/status"); err != nil || len(data) == 0 {
		t.Errorf("ReadFile = %q, %v", data, err)
	}
	for _, name := range []string{"/proc/kmsg", "/proc/self/mem", "/sys/kernel/tracing/trace_pipe"} {
		if data, err := m.ReadFile(name); err == nil && name != "/proc/kmsg" {
			t.Errorf("ReadFile(%s) = %d bytes", name, len(data))
		}
	}
}
