//go:build unix

package hosttest

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func makeSpecial(t *testing.T, root string) {
	if err := syscall.Mkfifo(join(root, "fifo"), 0o666); err != nil {
		t.Fatal(err)
	}
	symlink(t, "fifo", join(root, "to-fifo"))
}

// holdOutput waits until nobody can read stdout any more.
func holdOutput() {
	for {
		fds := []unix.PollFd{{Fd: 1}}
		if n, err := unix.Poll(fds, -1); n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// asNobody makes cmd run with the user and group id of nobody.
func asNobody(cmd *exec.Cmd) {
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}
