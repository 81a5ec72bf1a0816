package local

import (
	"bytes"
	"context"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/goready/goready/internal/host"
)

const (
	// maxOutput is the number of bytes kept of each output stream of a program.
	maxOutput = 1 << 20
	// drain is how long the output of a program that has ended is still read, for those it started that hold on to it.
	drain = 250 * time.Millisecond
)

// Run implements [host.Host]. The program gets a session of its own, so that neither it nor anything it starts can
// ask the user something on the terminal, or be stopped for trying to. On Windows it gets SYSTEMROOT even if Env lacks
// it, since nothing works without.
func (m *Machine) Run(ctx context.Context, c host.Command) (host.Result, error) {
	if !m.platform.IsAbs(c.Path) {
		return host.Result{}, fail("run", c.Path, errRelative)
	}
	stdout, stderr := &output{}, &output{}
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Env = append([]string{}, c.Env...) // nil would mean our own
	cmd.Dir = c.Dir
	if cmd.Dir == "" {
		cmd.Dir = rootDir()
	}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = drain
	g := &group{cmd: cmd}
	var killed atomic.Bool
	cmd.Cancel = func() error {
		killed.Store(true)
		return g.kill()
	}
	start := time.Now()
	if err := g.start(); err != nil {
		return host.Result{}, fail("run", c.Path, err)
	}
	defer g.close()
	err := cmd.Wait()
	if cmd.ProcessState == nil {
		return host.Result{}, fail("run", c.Path, err)
	}
	r := host.Result{Stdout: stdout.buf.Bytes(), Stderr: stderr.buf.Bytes(), ExitCode: cmd.ProcessState.ExitCode(), Duration: time.Since(start)}
	if killed.Load() && !cmd.ProcessState.Success() {
		r.TimedOut, r.ExitCode = true, -1
	}
	return r, nil
}

// output keeps the first maxOutput bytes written to it and discards the rest, so that the program does not notice.
// The goroutine of os/exec that writes it has ended when Wait returns, also after WaitDelay.
type output struct{ buf bytes.Buffer }

func (o *output) Write(p []byte) (int, error) {
	o.buf.Write(p[:min(len(p), maxOutput-o.buf.Len())])
	return len(p), nil
}
