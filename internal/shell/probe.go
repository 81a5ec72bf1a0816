package shell

import (
	"context"
	"errors"
	"time"

	"github.com/goready/goready/internal/host"
)

// ProbeResult is what a shell that was really run printed.
type ProbeResult struct {
	// Env is the environment a program started from the shell gets. nil if the shell never got there.
	Env map[string]string
	// Noise is what the start-up files wrote to standard output before the command.
	Noise    []byte
	Duration time.Duration
	TimedOut bool
	ExitCode int
}

// ProbeOptions says how to run the shell.
type ProbeOptions struct {
	Session Session
	Env     []string // the environment the shell is given
	// Resolving adds VSCODE_RESOLVING_ENVIRONMENT=1, as VS Code does.
	Resolving bool
	Timeout   time.Duration // 0 is 10 s, VS Code's limit
}

// Probe runs the shell as the session says, with an empty standard input and in its own process group, and returns
// the environment its command sees. It executes the user's start-up files with all their effects: only on request.
func Probe(ctx context.Context, h host.Host, o ProbeOptions) (ProbeResult, error) {
	return ProbeResult{}, errors.ErrUnsupported
}
