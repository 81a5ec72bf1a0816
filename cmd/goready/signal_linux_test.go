package main

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goready/goready/internal/testreq"
)

// TestSignals: whatever ends goready ends the shells that it has started, which have sessions of their own.
func TestSignals(t *testing.T) {
	bash, sleep := testreq.Program(t, "bash"), testreq.Program(t, "sleep")
	goready, err := exec.LookPath("goready")
	if err != nil {
		t.Fatal(err)
	}
	// Under nohup goready rightly ignores SIGHUP. A signal that its parent catches it gets as it usually is.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(strings.ReplaceAll(sig.String(), " ", "_"), func(t *testing.T) {
			home := t.TempDir()
			started := filepath.Join(home, "started")
			script := "echo $$ >> " + started + "\n" + sleep + " 60\n"
			for _, name := range []string{".bash_profile", ".bashrc"} {
				if err := os.WriteFile(filepath.Join(home, name), []byte(script), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), goready, "doctor", "shell")
			cmd.Dir, cmd.Env = home, []string{"HOME=" + home, "PATH=/usr/bin:/bin", "SHELL=" + bash}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			pids := waitForShells(t, started)
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
				t.Errorf("%v, want the exit status 130", err)
			}
			for _, pid := range pids {
				if state, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil && !strings.Contains(string(state), ") Z ") {
					t.Errorf("shell %s is left behind: %s", pid, state)
				}
			}
		})
	}
}

// waitForShells waits until the shells that read a start-up file have said so, and returns their process ids.
func waitForShells(t *testing.T, file string) []string {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(8 * time.Second)
	for {
		data, _ := os.ReadFile(file)
		if pids := strings.Fields(string(data)); len(pids) >= 3 {
			return pids
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("the shells were not started: %q", data)
		}
	}
}
