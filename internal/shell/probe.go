package shell

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goready/goready/internal/host"
)

// ProbeResult is what a shell that was really run printed.
type ProbeResult struct {
	// Env is the environment a program started from the shell gets. nil if the shell never got there.
	Env map[string]string
	// Noise is what the start-up files wrote to standard output before the command.
	Noise []byte
	// Duration is how long the shell ran.
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
// The command prints the environment after a mark, so that what start-up files print does not matter; the same session and
// environment give the same command, so that a recording of it can be replayed. An error means that the shell could not
// be started; a shell that ends or hangs during start-up gives a result.
func Probe(ctx context.Context, h host.Host, o ProbeOptions) (ProbeResult, error) {
	timeout := o.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	res, err := h.Run(ctx, o.Command())
	if err != nil {
		return ProbeResult{}, fmt.Errorf("run %s: %w", o.path(), err)
	}
	noise, list, found := cutMark(res.Stdout)
	p := ProbeResult{Noise: noise, Duration: res.Duration, TimedOut: res.TimedOut, ExitCode: res.ExitCode}
	if found {
		p.Env = parseEnv(list)
		// bash and zsh, and fish if it is interactive, count themselves out when they become another program.
		counts := o.Session.Kind == Bash || o.Session.Kind == Zsh || o.Session.Kind == Fish && o.Session.Interactive
		if n, err := strconv.Atoi(p.Env["SHLVL"]); err == nil && counts {
			p.Env["SHLVL"] = strconv.Itoa(n + 1)
		}
	}
	return p, nil
}

// Command returns the command that [Probe] runs.
func (o ProbeOptions) Command() host.Command {
	env := o.Env
	if o.Resolving {
		env = append(env[:len(env):len(env)], "VSCODE_RESOLVING_ENVIRONMENT=1")
	}
	return host.Command{Path: o.path(), Args: o.args(), Env: env, Dir: o.Session.Dir}
}

// ProbeOutput returns what a shell prints that writes noise during start-up and then runs the command of [Probe] in an
// environment. It is for the description of machines.
func ProbeOutput(noise string, env []string) []byte {
	var b bytes.Buffer
	b.WriteString(noise + mark + "\x00")
	for _, kv := range env {
		b.WriteString(kv + "\x00")
	}
	return b.Bytes()
}

func (o ProbeOptions) path() string {
	if o.Session.Path == "" {
		return "/bin/" + string(o.Session.Kind)
	}
	return o.Session.Path
}

// mark stands before the environment. The command has it in two pieces: a start-up file may print the
// command line, and a variable may hold a word of it (set -a exports $_).
const mark = markHead + markTail

const (
	markHead = "goready-environ"
	markTail = "ment-follows"
)

// args returns the shell's arguments; the flags are apart, as VS Code gives them. The shell becomes the program that prints
// the environment, so that no second process is needed.
func (o ProbeOptions) args() []string {
	var args []string
	s := o.Session
	switch {
	case s.NoRC && s.Kind == Bash:
		args = append(args, "--norc", "--noprofile")
	case s.NoRC && s.Kind == Zsh:
		args = append(args, "-f")
	case s.NoRC && s.Kind == Fish:
		args = append(args, "-N")
	}
	if s.Posix && s.Kind == Bash {
		args = append(args, "--posix")
	}
	if s.Interactive {
		args = append(args, "-i")
	}
	if s.Login {
		args = append(args, "-l")
	}
	return append(args, "-c", `printf '%s%s\0' `+markHead+" "+markTail+"; exec /usr/bin/env -0")
}

// maxOutput is where a Host cuts what a program prints.
const maxOutput = 1 << 20

// cutMark returns what is before the mark, and the environment after it: each variable ends in a zero byte, and what is
// printed after the last one, by a program that a start-up file left in the background, is no variable.
func cutMark(out []byte) (noise, list []byte, found bool) {
	noise, rest, ok := bytes.Cut(out, []byte(mark+"\x00"))
	if !ok {
		return out, nil, false
	}
	list = rest[:bytes.LastIndexByte(rest, 0)+1]
	return noise, list, len(list) > 0 && len(out) < maxOutput
}

func parseEnv(list []byte) map[string]string {
	env := map[string]string{}
	for entry := range strings.SplitSeq(string(list), "\x00") {
		if name, text, ok := strings.Cut(entry, "="); ok && name != "" {
			env[name] = text
		}
	}
	return env
}
