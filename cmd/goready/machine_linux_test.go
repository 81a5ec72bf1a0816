package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/testreq"
)

// machine is a root file system of its own: this machine's, with a writable layer over it that is thrown away. In it
// lives dev (number 5000), with the home folder that Debian gives a new user.
type machine struct {
	t    testing.TB
	root string
	home string // as processes in the machine see it
	env  []string
	uid  uint32 // who runs goready, and where
	dir  string
	// saved has what files outside the home folder were before a test changed them; nil if they did not exist.
	saved map[string][]byte
}

const devUID = 5000

// newMachine makes a machine. It needs root, because it mounts and changes its root directory.
func newMachine(t testing.TB) *machine {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		testreq.Missing(t, "root on Linux")
	}
	base := t.TempDir()
	mount(t, base, "-t", "tmpfs", "-o", "mode=755", "tmpfs")
	for _, d := range []string{"upper", "work", "root"} {
		must(t, os.Mkdir(filepath.Join(base, d), 0o755))
	}
	m := &machine{t: t, root: filepath.Join(base, "root"), home: "/home/dev"}
	mount(t, m.root, "-t", "overlay", "-o", fmt.Sprintf("lowerdir=/,upperdir=%[1]s/upper,workdir=%[1]s/work", base), "overlay")
	mount(t, m.path("/proc"), "-t", "proc", "proc")
	mount(t, m.path("/dev"), "--bind", "/dev")
	mount(t, m.path("/root"), "-t", "tmpfs", "-o", "mode=700", "tmpfs") // nothing of who runs the tests
	m.users()
	self, err := os.Executable()
	must(t, err)
	data, err := os.ReadFile(self) // testscript's main runs the command it is called by
	must(t, err)
	m.write("/opt/goready/goready", string(data))
	must(t, os.Chmod(m.path("/opt/goready/goready"), 0o755))
	// What only the machine that runs the tests has.
	for _, name := range []string{"/etc/environment", "/etc/goready.toml", "/.dockerenv", "/run/.containerenv"} {
		_ = os.Remove(m.path(name))
	}
	m.saved = nil
	m.reset()
	return m
}

// mount mounts something on dir until the end of the test.
func mount(t testing.TB, dir string, args ...string) {
	t.Helper()
	if out, err := exec.Command("mount", append(args, dir)...).CombinedOutput(); err != nil {
		testreq.Missing(t, fmt.Sprintf("the right to mount: %v: %s", err, out))
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// passwd is dev's line in the user database.
const passwd = "dev:x:5000:5000::/home/dev:/bin/bash"

// users adds dev to the user database.
func (m *machine) users() {
	m.append("/etc/passwd", passwd+"\n")
	m.append("/etc/group", fmt.Sprintf("dev:x:%d:\n", devUID))
}

// path returns the name under which the test sees a file of the machine.
func (m *machine) path(name string) string { return filepath.Join(m.root, name) }

// write writes a file of the machine. One that begins with "#!" can be executed; below the home folder it belongs to dev.
func (m *machine) write(name, content string) {
	m.t.Helper()
	file := m.path(name)
	mode := os.FileMode(0o644)
	if strings.HasPrefix(content, "#!") {
		mode = 0o755
	}
	inHome := strings.HasPrefix(name, m.home+"/")
	if !inHome && m.saved != nil {
		if _, known := m.saved[name]; !known {
			m.saved[name], _ = os.ReadFile(file)
		}
	}
	must(m.t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(m.t, os.WriteFile(file, []byte(content), mode))
	must(m.t, os.Chmod(file, mode))
	if inHome {
		for dir := file; dir != m.path(m.home); dir = filepath.Dir(dir) {
			must(m.t, os.Lchown(dir, devUID, devUID))
		}
	}
}

// append adds lines to a file of the machine.
func (m *machine) append(name, lines string) {
	m.t.Helper()
	old, _ := os.ReadFile(m.path(name))
	m.write(name, string(old)+lines)
}

// homeFile writes a file below dev's home folder.
func (m *machine) homeFile(name, content string) { m.write(m.home+"/"+name, content) }

// goEnv adds a line to dev's go env file.
func (m *machine) goEnv(line string) { m.append(m.home+"/.config/go/env", line+"\n") }

// set sets a variable of the environment that goready is started in; an empty value removes it.
func (m *machine) set(name, value string) {
	m.env = slices.DeleteFunc(m.env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
	if value != "" {
		m.env = append(m.env, name+"="+value)
	}
}

func (m *machine) get(name string) string {
	for _, kv := range m.env {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v
		}
	}
	return ""
}

// profilePath is how the installation page of Go says to extend PATH.
const profilePath = "export PATH=$PATH:/usr/local/go/bin:$HOME/go/bin\n"

// reset gives dev a new home folder with a healthy set-up: the Go SDK of this machine as /usr/local/go, PATH in
// ~/.profile, a workspace in ~/app; and undoes what was written elsewhere.
func (m *machine) reset() {
	m.t.Helper()
	for name, old := range m.saved {
		if old == nil {
			must(m.t, os.Remove(m.path(name)))
		} else {
			must(m.t, os.WriteFile(m.path(name), old, 0o644))
		}
	}
	m.saved = map[string][]byte{}
	must(m.t, os.RemoveAll(m.path(m.home)))
	must(m.t, os.MkdirAll(m.path(m.home), 0o755))
	must(m.t, os.Chown(m.path(m.home), devUID, devUID))
	for _, name := range []string{".bashrc", ".profile", ".bash_logout"} {
		data, err := os.ReadFile("/etc/skel/" + name)
		must(m.t, err)
		m.homeFile(name, string(data))
	}
	m.append(m.home+"/.profile", profilePath)
	m.homeFile("app/go.mod", "module example.com/app\n\ngo 1.26.0\n")
	m.homeFile("app/main.go", "package main\n\nfunc main() {}\n")
	m.uid, m.dir = devUID, m.home+"/app"
	m.env = []string{"HOME=" + m.home, "USER=dev", "LOGNAME=dev", "SHELL=/bin/bash", "LANG=C.UTF-8", "TERM=dumb",
		"PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/go/bin:" + m.home + "/go/bin"}
}

// sdk makes a stand-in for a Go SDK.
func (m *machine) sdk(root, version string) {
	m.write(root+"/bin/go", "#!/bin/sh\necho go version "+version+" linux/"+runtime.GOARCH+"\n")
	m.write(root+"/pkg/tool/linux_"+runtime.GOARCH+"/compile", "#!/bin/sh\necho compile version "+version+"\n")
	m.write(root+"/VERSION", version+"\ntime 2026-10-01T00:00:00Z\n")
	m.write(root+"/go.env", "GOPROXY=https://proxy.example.com,direct\nGOSUMDB=sum.golang.org\nGOTOOLCHAIN=auto\n")
	m.write(root+"/src/runtime/runtime.go", "package runtime\n")
}

// command returns a command that m's user gives in the workspace.
func (m *machine) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = m.dir, m.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: m.root, Credential: &syscall.Credential{Uid: m.uid, Gid: m.uid}}
	return cmd
}

// goready runs goready in the workspace and returns what it prints and its exit status.
func (m *machine) goready(args ...string) (stdout, stderr string, status int) {
	m.t.Helper()
	cmd := m.command("/opt/goready/goready", args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := err.(*exec.ExitError); ok {
		status = exit.ExitCode()
	} else {
		must(m.t, err)
	}
	return out.String(), errs.String(), status
}

// doctor returns the report of goready doctor.
func (m *machine) doctor(args ...string) *check.Report {
	m.t.Helper()
	stdout, stderr, status := m.goready(append([]string{"doctor", "-q", "--format", "json"}, args...)...)
	var r check.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || stderr != "" {
		m.t.Fatalf("goready doctor: status %d, %v\n%s\n%s", status, err, stderr, stdout)
	}
	return &r
}

// bad returns the ids of the checks with a result that is a warning, an error or unknown, each once, sorted.
func bad(r *check.Report) []string {
	var ids []string
	for _, res := range r.Results {
		switch res.State {
		case check.StateWarning, check.StateError, check.StateUnknown:
			ids = append(ids, res.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// try makes the machine anew for a test, changes it and returns the report of goready doctor.
func (m *machine) try(t *testing.T, change ...func(*machine)) *check.Report {
	t.Helper()
	m.t = t
	m.reset()
	for _, apply := range change {
		apply(m)
	}
	return m.doctor()
}

// finds is try for a machine on which the checks want speak, which may be named twice, and no other one.
func (m *machine) finds(t *testing.T, want []string, change ...func(*machine)) {
	t.Helper()
	r := m.try(t, change...)
	want = slices.Concat([]string{}, want)
	slices.Sort(want)
	if diff := cmp.Diff(slices.Compact(want), slices.Concat([]string{}, bad(r))); diff != "" {
		t.Errorf("-want +got:\n%s%s", diff, describe(r))
	}
}

// describe writes the results that are not ok, for a failed test.
func describe(r *check.Report) string {
	var b strings.Builder
	for _, res := range r.Results {
		if res.State == check.StateOK {
			continue
		}
		text := res.Reason.String()
		if res.Message != nil {
			text = res.Message.Text.String() + " " + text
		}
		fmt.Fprintf(&b, "%s %s [%s] %s %v\n", res.State, res.ID, res.Object, text, res.CausedBy)
		for _, e := range res.Evidence {
			b.WriteString("    " + e.Path + ":" + strconv.Itoa(e.Line) + " " + e.Text + "\n")
		}
	}
	return b.String()
}
