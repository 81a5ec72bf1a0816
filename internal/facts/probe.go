package facts

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/shell"
	"github.com/goready/goready/internal/sysenv"
)

// probe really runs the shell and lays what it printed over the prediction.
func (g *gatherer) probe(s *start, base *layer.Env, session shell.Session, resolving bool) {
	env := base.List()
	if session.SSHCommand {
		// Debian's and Fedora's bash, when sshd starts it, reads ~/.bashrc, and this is how it knows.
		env = append(env, "SSH_CLIENT=127.0.0.1 50000 22", "SSH_CONNECTION=127.0.0.1 50000 127.0.0.1 22")
	}
	r, err := g.run(shell.ProbeOptions{Session: session, Env: env, Resolving: resolving})
	switch {
	case err != nil:
		s.notes = append(s.notes, msg.New("%s could not be started for --probe: %s", session.Path, err.Error()))
		return
	case r.Env == nil && r.TimedOut:
		s.notes = append(s.notes, msg.New("%s did not finish its start-up within 10 seconds", session.Path))
		return
	case r.Env == nil:
		s.notes = append(s.notes, msg.New("%s ended with exit code %d before it ran the command", session.Path, r.ExitCode))
		return
	}
	g.lay(s.env, session.Path+" (--probe)", session, r.Env, func(string) bool { return true })
}

// lay lays what a shell really gave over the prediction, for the variables that are wanted.
func (g *gatherer) lay(env *layer.Env, from string, session shell.Session, got map[string]string, wanted func(name string) bool) {
	names := append(env.Names(), g.o.Variables...)
	for name := range got {
		names = append(names, name)
	}
	for _, name := range names {
		if session.SSHCommand && (name == "SSH_CLIENT" || name == "SSH_CONNECTION") || !wanted(name) {
			continue
		}
		predicted, ok, unknown := env.Lookup(name)
		value, set := got[name]
		if unknown.IsZero() && ok == set && predicted == value {
			continue
		}
		env.Add(name, layer.Set{Layer: layer.ShellFile, From: from, Value: value, Unset: !set,
			Why: msg.New("the shell was run, and this is what it gave")})
	}
}

// layRun answers what the start-up files of a login leave unknown with what the shell did when it was run, if it was.
func (g *gatherer) layRun(s *start, flags string) {
	unknown := func(name string) bool {
		_, _, why := s.env.Lookup(name)
		return !why.IsZero() && name != resolving
	}
	if g.run != nil || !slices.Contains(g.o.Sections, SectionShellRuns) || !slices.ContainsFunc(append(s.env.Names(), g.o.Variables...), unknown) {
		return
	}
	runs := g.shellRuns()
	for i, m := range g.shellModes() {
		if m.Flags != flags || i >= len(runs) || runs[i] == nil || runs[i].Env == nil || runs[i].TimedOut {
			continue
		}
		env := s.env.Clone()
		g.lay(env, g.user.Shell+" "+flags+", which goready has run", m.Session, runs[i].Env, unknown)
		s.env = env
	}
}

// resolving is a variable that only the shell which VS Code asks has.
const resolving = "VSCODE_RESOLVING_ENVIRONMENT"

// probeSystem asks the programs that may read what this user may not: crontab, and the running service managers.
func (g *gatherer) probeSystem(ctx context.Context) {
	name := "/var/spool/cron/crontabs/" + g.user.Name
	if _, err := g.h.ReadFile(name); errors.Is(err, fs.ErrPermission) {
		if out, ok := g.output(ctx, "crontab", "-l"); ok {
			g.h = host.WithFile(g.h, name, out)
		}
	}
	if !g.isDir("/run/systemd/system") {
		return
	}
	if m, ok := g.systemManager(); ok {
		g.overlay(ctx, m, "systemctl", "show-environment")
	}
	if m, ok := g.userManager(); ok {
		g.overlay(ctx, m, "systemctl", "--user", "show-environment")
	}
}

func (g *gatherer) overlay(ctx context.Context, m *sysenv.Manager, program string, args ...string) {
	if out, ok := g.output(ctx, program, args...); ok {
		m.Overlay(strings.Split(strings.TrimSpace(string(out)), "\n"), program+" "+strings.Join(args, " "))
	}
}

// output runs a program with goready's own environment and returns what it printed, if it succeeded within 5 seconds.
func (g *gatherer) output(ctx context.Context, program string, args ...string) ([]byte, bool) {
	path, err := host.LookPath(g.h, program, "/usr/bin:/bin", "/")
	if err != nil {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := g.h.Run(ctx, host.Command{Path: path, Args: args, Env: g.h.Environ()})
	return r.Stdout, err == nil && r.ExitCode == 0
}
