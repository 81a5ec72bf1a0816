//go:build systemd

package systemdtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goready/goready/internal/testreq"
)

// Container is a running Debian whose process 1 is systemd. It has the users root, alice (number 1000: sudo without a
// password, a running user manager, ssh to herself without a password) and bob (1001: nothing special).
type Container struct {
	root   string // of the running system, as this machine sees it
	leader int    // process 1 of the container
	nspawn *exec.Cmd
	log    *bytes.Buffer
}

// Start boots a container and waits until it is up. It is shut down at the end of the test.
func Start(t testing.TB) *Container {
	t.Helper()
	nspawn := testreq.Program(t, "systemd-nspawn")
	if os.Geteuid() != 0 {
		testreq.Missing(t, "root")
	}
	c := &Container{root: overlay(t, rootfs(t)), log: new(bytes.Buffer)}
	ready := listen(t)
	c.nspawn = exec.Command(nspawn, "--quiet", "--directory="+c.root, "--register=no", "--keep-unit", "--notify-ready=yes",
		"--machine=goready-"+strconv.Itoa(os.Getpid()), "--private-network", "--console=pipe", "--boot")
	c.nspawn.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "NOTIFY_SOCKET=" + ready.LocalAddr().String()}
	c.nspawn.Stdout, c.nspawn.Stderr = c.log, c.log
	if err := c.nspawn.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.stop)
	c.await(t, ready)
	return c
}

// listen opens the socket on which systemd-nspawn says how far the container has come; see sd_notify(3).
func listen(t testing.TB) *net.UnixConn {
	t.Helper()
	// Not t.TempDir: the name of a socket has at most 107 bytes.
	dir, err := os.MkdirTemp("", "goready")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// await waits until the system has started.
func (c *Container) await(t testing.TB, ready *net.UnixConn) {
	t.Helper()
	if err := ready.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64<<10)
	for started := false; !started; {
		n, err := ready.Read(buf)
		if err != nil {
			t.Fatalf("the container does not start: %v\n%s", err, tail(c.log.Bytes()))
		}
		for _, line := range strings.Split(string(buf[:n]), "\n") {
			if pid, ok := strings.CutPrefix(line, "X_NSPAWN_LEADER_PID="); ok {
				c.leader, _ = strconv.Atoi(pid)
			}
			started = started || line == "READY=1"
		}
	}
	if c.leader == 0 {
		t.Fatal("systemd-nspawn does not say which process is the container's first")
	}
	// It waits for the last jobs; "degraded" is an error and good enough.
	_, _ = c.command(context.Background(), nil, "systemctl", "is-system-running", "--wait").Output()
}

// overlay mounts a writable layer over a folder, which stays as it is.
func overlay(t testing.TB, lower string) string {
	t.Helper()
	base := t.TempDir()
	// A folder on an overlay cannot be the upper layer of another one, but one on a tmpfs always can.
	run(t, "mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", base)
	t.Cleanup(func() { run(t, "umount", "-l", base) })
	for _, d := range []string{"upper", "work", "root"} {
		if err := os.Mkdir(filepath.Join(base, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	root := filepath.Join(base, "root")
	run(t, "mount", "-t", "overlay", "-o", fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, base, base), "overlay", root)
	t.Cleanup(func() { run(t, "umount", "-l", root) })
	return root
}

func (c *Container) stop() {
	if c.leader != 0 {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_ = c.command(ctx, nil, "systemctl", "poweroff", "--force").Run()
		cancel()
	}
	done := make(chan struct{})
	go func() { _ = c.nspawn.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(15 * time.Second):
		_ = c.nspawn.Process.Signal(syscall.SIGKILL)
		<-done
	}
}

// command returns a command as root inside the container with nothing but env and a PATH in its environment.
func (c *Container) command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--target", strconv.Itoa(c.leader),
		"--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--wd", "--"}, args...)...)
	cmd.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, env...)
	return cmd
}

// Run runs a command as root, with env and a PATH as its environment, and returns what it prints. It fails the test if
// the command does.
func (c *Container) Run(t testing.TB, env []string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := c.command(ctx, env, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, tail(out), tail(errs.Bytes()))
	}
	return out
}

// WriteFile writes a file of the container; its folders are made, and all of it belongs to owner ("root", "alice").
func (c *Container) WriteFile(t testing.TB, name, content string, mode os.FileMode, owner string) {
	t.Helper()
	dir := filepath.Dir(name)
	script := `mkdir -p "$1" && cat > "$2" && chmod "$3" "$2" && chown "$4": "$2"`
	if strings.HasPrefix(name, "/home/") {
		// The folders below a home belong to its owner.
		script = `runuser -u "$4" -- mkdir -p "$1" && cat > "$2" && chmod "$3" "$2" && chown "$4": "$2"`
	}
	cmd := c.command(context.Background(), nil, "sh", "-c", script, "sh", dir, name, fmt.Sprintf("%o", mode.Perm()), owner)
	cmd.Stdin = strings.NewReader(content)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("write %s: %v\n%s", name, err, out)
	}
}

// Install copies a program of this machine to name in the container.
func (c *Container) Install(t testing.TB, file, name string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := c.command(context.Background(), nil, "sh", "-c", `cat > "$1" && chmod 755 "$1"`, "sh", name)
	cmd.Stdin = io.Reader(f)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("install %s: %v\n%s", name, err, out)
	}
}
