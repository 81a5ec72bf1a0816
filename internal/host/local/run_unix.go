//go:build unix

package local

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// group is a program and what it starts: a session, hence a process group, which its own processes may leave.
type group struct{ cmd *exec.Cmd }

func (g *group) start() error {
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return g.cmd.Start()
}

func (g *group) kill() error {
	err := syscall.Kill(-g.cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

func (g *group) close() {}

func rootDir() string { return "/" }
