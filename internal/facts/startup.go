package facts

import (
	"context"
	"slices"
	"sync"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/shell"
)

// Startup is what is known of the start-up files of the user's shell besides the environments of the consumers.
type Startup struct {
	Kind shell.Kind
	// Modes are the four ways to start the shell, by Flags: "-ilc", "-lc", "-ic", "-c". Empty if goready does not read
	// the start-up files of this shell.
	Modes []ShellMode
	// Texts are the contents of the start-up files that were read, by name, and of the user's own ones in any case: what
	// comes before them may be more than can be followed.
	Texts map[string]string
	// Direnv is the file of direnv that applies to the workspace; nil if there is none, or no direnv.
	Direnv *Direnv
}

// ShellMode is a way to start the user's shell, in what a login gives: what its files say, and what it really did.
type ShellMode struct {
	Flags   string
	Session shell.Session
	shell.Result
	// Run is what the shell did; nil unless [SectionShellRuns] was wanted and it could be started.
	Run *shell.ProbeResult
}

// Mode returns the way to start the shell that has these flags, or nil.
func (s *Startup) Mode(flags string) *ShellMode {
	if s == nil {
		return nil
	}
	for i := range s.Modes {
		if s.Modes[i].Flags == flags {
			return &s.Modes[i]
		}
	}
	return nil
}

// shellModes returns the ways to start the shell. -ilc is what an editor asks for the environment of the user, -ic a
// terminal window, -lc a login that runs a command, and -c is started as sshd starts it, where bash may read ~/.bashrc.
func (g *gatherer) shellModes() []ShellMode {
	kind := shell.KindOf(g.p, g.user.Shell)
	if g.p.Windows() || !kind.Supported() {
		return nil
	}
	dir := g.user.Home
	if !g.isDir(dir) {
		dir = "/"
	}
	session := func(login, interactive bool) shell.Session {
		return shell.Session{Kind: kind, Path: g.user.Shell, Dir: dir, Login: login, Interactive: interactive, SSHCommand: !login && !interactive, TTY: shell.No}
	}
	return []ShellMode{
		{Flags: "-ilc", Session: session(true, true)},
		{Flags: "-lc", Session: session(true, false)},
		{Flags: "-ic", Session: session(false, true)},
		{Flags: "-c", Session: session(false, false)},
	}
}

// modeBase is the environment that the shell of a mode is given: the same for all, so that what differs afterwards
// comes from the start-up files, but for what tells the shell who starts it.
func (g *gatherer) modeBase(m *ShellMode) *layer.Env {
	env := g.loginBase().env.Clone()
	add := func(name, value string) {
		env.Add(name, layer.Set{Layer: layer.OSEnv, From: "goready, as it starts the shell", Value: value})
	}
	switch {
	case m.Session.SSHCommand:
		add("SSH_CLIENT", "127.0.0.1 50000 22")
		add("SSH_CONNECTION", "127.0.0.1 50000 127.0.0.1 22")
	case m.Session.Login && m.Session.Interactive:
		add(resolving, "1")
	}
	return env
}

// startShells runs the user's shell in all modes at once, in the background, if that is wanted: it takes longer than
// everything else together. The returned function waits for the end, or ends the shells if nobody has.
func (g *gatherer) startShells(ctx context.Context) (wait func()) {
	g.shellRuns = func() []*shell.ProbeResult { return nil }
	modes := g.shellModes()
	if !slices.Contains(g.o.Sections, SectionShellRuns) || len(modes) == 0 || !g.isProgram(g.user.Shell) || g.writesWhenRun(&modes[0]) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	runs := make([]*shell.ProbeResult, len(modes))
	var wg sync.WaitGroup
	for i := range modes {
		o := shell.ProbeOptions{Session: modes[i].Session, Env: g.modeBase(&modes[i]).List()}
		wg.Go(func() {
			// What cannot be started, or was not recorded, has no result: nothing is known then.
			if r, err := shell.Probe(ctx, g.h, o); err == nil && ctx.Err() == nil {
				runs[i] = &r
			}
		})
	}
	g.shellRuns = func() []*shell.ProbeResult {
		wg.Wait()
		return runs
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// writesWhenRun reports whether the shell would change the machine by being started. fish, however it is started, makes
// its folders for configuration and data where there are none.
func (g *gatherer) writesWhenRun(m *ShellMode) bool {
	if m.Session.Kind != shell.Fish {
		return false
	}
	env := g.modeBase(m)
	folder := func(variable string, below ...string) string {
		if dir := env.Get(variable); dir != "" {
			return g.p.Join(dir, "fish")
		}
		home := env.Get("HOME")
		if home == "" {
			home = g.user.Home
		}
		return g.p.Join(append(append([]string{home}, below...), "fish")...)
	}
	return !g.isDir(folder("XDG_CONFIG_HOME", ".config")) || !g.isDir(folder("XDG_DATA_HOME", ".local", "share"))
}

// startup evaluates and reads the start-up files.
func (g *gatherer) startup() *Startup {
	s := &Startup{Kind: shell.KindOf(g.p, g.user.Shell), Modes: g.shellModes(), Texts: map[string]string{}}
	total := 0
	read := func(name string) {
		if _, ok := s.Texts[name]; ok {
			return
		}
		if data, err := g.h.ReadFile(name); err == nil && len(data) <= maxStartupFile && total+len(data) <= maxStartupFiles {
			s.Texts[name] = string(data)
			total += len(data)
		}
	}
	for i := range s.Modes {
		m := &s.Modes[i]
		m.Result = g.eval.Start(m.Session, g.modeBase(m))
		for _, v := range m.Files {
			if v.State != shell.Missing && v.State != shell.Unreadable {
				read(v.File)
			}
		}
	}
	if len(s.Modes) > 0 && g.user.Home != "" {
		for _, name := range ownFiles(s.Kind) {
			read(g.p.Join(g.user.Home, name))
		}
	}
	s.Direnv = g.direnv(s)
	return s
}

// addRuns lays what the shell did beside what its files say. It comes after everything else, since it waits.
func (g *gatherer) addRuns() {
	if s := g.f.Startup; s != nil {
		for i, r := range g.shellRuns() {
			s.Modes[i].Run = r
		}
	}
}

// ownFiles are the start-up files of a user, as they are usually named.
func ownFiles(k shell.Kind) []string {
	switch k {
	case shell.Bash:
		return []string{".bash_profile", ".bash_login", ".profile", ".bashrc"}
	case shell.Zsh:
		return []string{".zshenv", ".zprofile", ".zshrc", ".zlogin"}
	case shell.Fish:
		return []string{".config/fish/config.fish"}
	}
	return []string{".profile"}
}

// Bounds of Startup.Texts, in bytes.
const (
	maxStartupFile  = 256 << 10
	maxStartupFiles = 4 << 20
)
