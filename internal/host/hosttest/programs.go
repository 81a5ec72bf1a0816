package hosttest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goready/goready/internal/host"
)

// Role is the variable that turns a test binary into a program of the contract, see [Main].
const Role = "GOREADY_HOSTTEST_ROLE"

// Main must be called by the TestMain of a package that uses TestHost. In a process that the contract started it plays
// its role and does not return.
func Main(m *testing.M) int {
	switch os.Getenv(Role) {
	case "":
		return m.Run()
	case "print":
		wd, _ := os.Getwd()
		fmt.Printf("args %q\nenv %q\ndir %q\n", os.Args[1:], without(os.Environ(), "SYSTEMROOT"), wd)
		n, err := os.Stdin.Read(make([]byte, 1))
		fmt.Fprintf(os.Stderr, "stdin %d %v\n", n, err)
		return 3
	case "flood":
		line := bytes.Repeat([]byte("x"), 1<<16)
		for range 40 {
			os.Stdout.Write(line)
			os.Stderr.Write(line)
		}
		return 0
	case "hang": // with a process that it started and that does not end either
		fmt.Println(child("forever").Process.Pid)
		<-time.After(limit)
	case "forever": // or until nobody can wait for it any more
		<-time.After(limit)
	case "leave": // ends, while a process that it started holds on to its output
		fmt.Println(child("hold").Process.Pid)
	case "hold":
		holdOutput()
	case "wait": // until stdin closes
		os.Stdout.WriteString("ready\n")
		os.Stdin.Read(make([]byte, 1))
	}
	return 0
}

// child starts a process that inherits the output.
func child(role string) *exec.Cmd {
	self, _ := os.Executable()
	cmd := exec.Command(self)
	cmd.Env = append(without(os.Environ(), Role), Role+"="+role)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		panic("hosttest: " + err.Error())
	}
	return cmd
}

func without(env []string, key string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool { return strings.HasPrefix(strings.ToUpper(kv), key+"=") })
}

// programs are the cases about Run.
func programs() []contract {
	self, _ := os.Executable()
	nothing := func(*testing.T, string) {}
	role := func(name string) host.Command { return host.Command{Path: self, Env: []string{Role + "=" + name}} }
	return []contract{
		{"run", nothing, func(r reporter, h host.Host, root string) {
			cmd := role("print")
			cmd.Args, cmd.Dir = []string{"a b", "", "*", `"`}, filepath.Dir(root)
			cmd.Env = append(cmd.Env, "X=1", "EMPTY=", "BYTES=\xff")
			res, err := h.Run(context.Background(), cmd)
			want := fmt.Sprintf("args %q\nenv %q\ndir %q\n", cmd.Args, cmd.Env, cmd.Dir)
			if err != nil || string(res.Stdout) != want || string(res.Stderr) != "stdin 0 EOF\n" || res.ExitCode != 3 || res.TimedOut || res.Duration <= 0 {
				r.Errorf("Run = %q, %q, %d, %v, %v, %v, want\n%q", res.Stdout, res.Stderr, res.ExitCode, res.TimedOut, res.Duration, err, want)
			}
		}},
		{"run_without_environment", nothing, func(r reporter, h host.Host, _ string) {
			cmd := host.Command{Path: "/usr/bin/env"}
			if info, err := host.Stat(h, cmd.Path); err != nil || !host.IsExecutable(info) {
				return // as on Windows
			}
			if res, err := h.Run(context.Background(), cmd); err != nil || len(res.Stdout) > 0 || res.ExitCode != 0 {
				r.Errorf("Run = %+v, %v", res, err)
			}
		}},
		{"run_nothing", write("text", "not a program"), func(r reporter, h host.Host, root string) {
			_, err := h.Run(context.Background(), host.Command{Path: join(root, "none")})
			wantIs(r, "Run of no file", err, fs.ErrNotExist)
			if _, err = h.Run(context.Background(), host.Command{Path: join(root, "text")}); err == nil {
				r.Errorf("Run of a text: no error")
			}
			if _, err = h.Run(context.Background(), host.Command{Path: "sh"}); err == nil {
				r.Errorf("Run of a relative name: no error")
			}
		}},
		{"run_flood", nothing, func(r reporter, h host.Host, _ string) {
			res, err := h.Run(context.Background(), role("flood"))
			if err != nil || len(res.Stdout) != 1<<20 || len(res.Stderr) != 1<<20 || res.ExitCode != 0 {
				r.Errorf("Run = %d, %d bytes, %d, %v", len(res.Stdout), len(res.Stderr), res.ExitCode, err)
			}
		}},
		{"run_timeout", nothing, func(r reporter, h host.Host, _ string) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			began := time.Now()
			res, err := h.Run(ctx, role("hang"))
			if err != nil || res.ExitCode != -1 || !res.TimedOut || res.Duration < time.Second || res.Duration > limit/2 || time.Since(began) > limit/2 {
				r.Errorf("Run = %+v, %v after %v", res, err, time.Since(began))
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(res.Stdout)))
			if err != nil {
				r.Errorf("output before the time limit is %q", res.Stdout)
			}
			list, _ := h.Processes()
			if slices.ContainsFunc(list, func(p host.Process) bool { return p.PID == pid }) {
				r.Errorf("the process %d of the group was not killed", pid)
			}
		}},
		{"run_ends_before_what_it_started", nothing, func(r reporter, h host.Host, _ string) {
			began := time.Now()
			res, err := h.Run(context.Background(), role("leave"))
			if err != nil || res.ExitCode != 0 || res.TimedOut || len(res.Stdout) == 0 || time.Since(began) > limit/2 {
				r.Errorf("Run = %+v, %v after %v", res, err, time.Since(began))
			}
		}},
		{"run_context_ended", nothing, func(r reporter, h host.Host, _ string) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if res, err := h.Run(ctx, role("print")); err == nil && res.ExitCode != -1 {
				r.Errorf("Run with an ended context = %+v", res)
			}
		}},
	}
}

// limit bounds how long a case may take that would wait forever if the contract were broken.
const limit = 20 * time.Second

// testProcesses starts a process and demands that it is listed.
func testProcesses(t *testing.T, newHost Make) {
	env := []string{Role + "=wait", "GOREADY_HOSTTEST_MARK=" + t.Name(), "BYTES=\xff", "EMPTY="}
	before := time.Now().Add(-2 * time.Second)
	exe := copySelf(t, t.TempDir())
	cmd := exec.Command(exe, "stdin", "two words")
	cmd.Env = env
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	if _, err := stdout.Read(make([]byte, 1)); err != nil { // it runs
		t.Fatal(err)
	}
	check := func(r reporter, h host.Host, _ string) {
		list, err := h.Processes()
		i := slices.IndexFunc(list, func(p host.Process) bool { return p.PID == cmd.Process.Pid })
		if err != nil || i < 0 {
			r.Errorf("process %d is not listed: %v", cmd.Process.Pid, err)
			return
		}
		checkProcess(r, list[i], exe, env, before)
	}
	contract{"", func(*testing.T, string) {}, check}.run(t, newHost)
}

func checkProcess(r reporter, p host.Process, exe string, env []string, before time.Time) {
	if p.PPID != os.Getpid() || p.UID != os.Geteuid() || !slices.Equal(p.Args, []string{exe, "stdin", "two words"}) {
		r.Errorf("process = %+v", p)
	}
	if got, _ := filepath.EvalSymlinks(p.Exe); got == "" || filepath.Base(got) != filepath.Base(exe) || p.ExeDeleted || p.Name == "" {
		r.Errorf("name %q, program %q, deleted %v, want %q", p.Name, p.Exe, p.ExeDeleted, exe)
	}
	if p.Started.Before(before) || p.Started.After(time.Now().Add(2*time.Second)) {
		r.Errorf("started at %v", p.Started)
	}
	if p.Environ == nil {
		if p.UID >= 0 {
			r.Errorf("no environment")
		}
		return
	}
	if got, err := p.Environ(); err != nil || !slices.Equal(got, env) {
		r.Errorf("environment = %q, %v", got, err)
	}
}
