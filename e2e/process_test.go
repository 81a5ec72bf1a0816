//go:build e2e && linux

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// start starts a program in its own process group; when the test ends, so does every process it left behind. All of
// them have home as their HOME, which nothing else on this machine has, and that is how they are found: shells that an
// editor opens are in process groups of their own, and an interactive bash does not end when it is asked to.
func start(t *testing.T, home string, cmd *exec.Cmd) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended already
		_ = cmd.Wait()                                      // killed: no other error is expected
		if !within(5*time.Second, func() bool { return endAll(home) == 0 }) {
			t.Errorf("processes with HOME=%s are still running", home)
		}
	})
	return &out
}

// endAll kills every process whose HOME is home and returns how many there were.
func endAll(home string) int {
	names, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is well formed
	found := 0
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(append([]byte{0}, data...), []byte("\x00HOME="+home+"\x00")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			found++
		}
	}
	return found
}

// within polls a condition that another process will make true, and says whether it came true in time.
func within(limit time.Duration, condition func() bool) bool {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); time.Now().Before(end); <-tick.C {
		if condition() {
			return true
		}
	}
	return condition()
}

// privateDir returns a new folder with a short name: the sockets an editor makes below it have long ones.
func privateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "goready-e2e")
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// A process that was just killed may still be writing.
		if !within(5*time.Second, func() bool { err = os.RemoveAll(dir); return err == nil }) {
			t.Error(err)
		}
	})
	return dir
}
