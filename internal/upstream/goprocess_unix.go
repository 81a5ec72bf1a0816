//go:build unix

package upstream

import (
	"os/exec"
	"syscall"
	"time"
)

// isolate makes the command the leader of a process group. os/exec kills the leader if it has to, and then finishGroup
// the others.
func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// finishGroup kills what is left of the process group of a command that has ended. If this process has inherited them,
// being the first of a container, it also collects them; else they would remain as zombies.
func finishGroup(leader int) {
	if syscall.Kill(-leader, syscall.SIGKILL) != nil {
		return // there is nobody left
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 200 { // a process that waits for a broken disk does not die
		pid, err := syscall.Wait4(-leader, nil, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR || err == nil && pid > 0:
		case err != nil:
			return // none of them is a child of ours
		default:
			<-tick.C
		}
	}
}
