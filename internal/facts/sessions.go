package facts

import (
	"strconv"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/shell"
	"github.com/goready/goready/internal/sysenv"
)

// consumer gathers one consumer. shown is false if it does not exist here and was not asked for by name.
func (g *gatherer) consumer(id string) (c Consumer, shown bool) {
	kind, name, _ := strings.Cut(id, ":")
	c = Consumer{ID: id, Dir: g.workDir()}
	var s start
	var missing msg.Text
	switch kind {
	case "current":
		s = g.current()
	case "shell-login":
		s, missing = g.login(true)
	case "login-command":
		s, missing = g.login(false)
	case "shell-interactive":
		s = g.interactive()
	case "ssh-command":
		s, missing = g.sshCommand()
	case "desktop-app":
		s, missing = g.desktopApp()
	case "systemd-system":
		return g.systemd(id, name, false)
	case "systemd-user":
		return g.systemd(id, name, true)
	case "cron":
		return g.cron(id, name)
	case "devcontainer":
		return g.devContainer(id)
	default:
		return g.editorConsumer(id, kind, name)
	}
	if !missing.IsZero() {
		c.Absent = missing
		return c, g.explicit()
	}
	c.Env, c.Chain, c.Notes = s.env, s.chain, s.notes
	g.finish(&c, "", "")
	return c, true
}

// workDir is the folder in which go commands are taken to run.
func (g *gatherer) workDir() string {
	if strings.HasSuffix(g.o.Workspace, ".code-workspace") {
		return g.p.Dir(g.o.Workspace)
	}
	return g.o.Workspace
}

func (g *gatherer) current() start {
	return start{env: g.environ.Clone(), chain: []Link{{What: msg.New("goready was started with this environment")}}}
}

// login is a login shell on a console or through ssh, or with -c.
func (g *gatherer) login(interactive bool) (start, msg.Text) {
	if g.p.Windows() {
		return start{}, msg.New("Windows has no login shells")
	}
	if interactive {
		return g.memo("login", func() start {
			s := g.runShell(g.loginBase(), shell.Session{Login: true, Interactive: true})
			g.layRun(&s, "-ilc")
			return s
		}), msg.Text{}
	}
	return g.memo("login-command", func() start {
		s := g.runShell(g.loginBase(), shell.Session{Login: true})
		g.layRun(&s, "-lc")
		s.notes = append(s.notes, g.sudoNotes()...)
		return s
	}), msg.Text{}
}

// sudoNotes names the variables asked for that PAM gives to a login, and not to a shell of sudo -i: on Debian sudo's
// PAM service does not read /etc/environment.
func (g *gatherer) sudoNotes() []msg.Text {
	if g.p.OS != "linux" {
		return nil
	}
	var notes []msg.Text
	var sudo *layer.Env
	for _, name := range g.o.Variables {
		login, ok, _ := g.loginBase().env.Lookup(name)
		if !ok || name == "PATH" {
			continue
		}
		if sudo == nil {
			sudo, _ = sysenv.SessionEnv(g.h, sysenv.SudoLogin, g.user, nil)
		}
		if v, ok, unknown := sudo.Lookup(name); unknown.IsZero() && (!ok || v != login) {
			notes = append(notes, msg.New("a shell of sudo -i does not get this %s from /etc/environment", name))
		}
	}
	return notes
}

// loginBase is what a login gives before the shell reads its files.
func (g *gatherer) loginBase() start {
	return g.memo("login-base", func() start {
		if g.p.OS == "darwin" {
			return g.launchd()
		}
		env, _ := sysenv.SessionEnv(g.h, sysenv.ConsoleLogin, g.user, nil)
		return start{env: env, chain: []Link{{What: msg.New("login gives HOME, SHELL, PATH and what PAM reads")}}}
	})
}

// launchd is what macOS gives to every program of the user's session.
func (g *gatherer) launchd() start {
	env := sysenv.LaunchdEnv(g.user)
	return start{env: env, chain: []Link{{What: msg.New("launchd gives HOME, USER, SHELL, a short PATH and what launchctl setenv set, which is not seen here; it reads no shell file and no /etc/paths")}},
		notes: nil}
}

// runShell lets the user's shell read its start-up files over base.
func (g *gatherer) runShell(base start, s shell.Session) start {
	s.Kind, s.Path = shell.KindOf(g.p, g.user.Shell), g.user.Shell
	res := g.startShell(s, base.env)
	var notes []msg.Text
	if !res.End.Why.IsZero() && !res.End.Maybe {
		notes = append(notes, msg.New("the shell's start-up does not complete: %s (%s)", res.End.Why, res.End.From))
	}
	for _, n := range res.Notes {
		notes = append(notes, msg.New("%s: %s", n.From, n.Text))
	}
	link := Link{What: msg.New("%s starts as %s", g.user.Shell, sessionText(s)), Files: res.Files}
	next := base.then(res.Env, link, notes...)
	if g.run != nil {
		g.probe(&next, base.env, s, false)
	}
	return next
}

// startShell evaluates the start-up of a shell. PowerShell's profiles are not evaluated; most machines have none.
func (g *gatherer) startShell(s shell.Session, base *layer.Env) shell.Result {
	switch s.Kind {
	case "cmd":
		return shell.Result{Env: base.Clone()}
	case "powershell", "pwsh":
		res := shell.Result{Env: base.Clone()}
		for _, name := range g.powerShellProfiles(s.Kind) {
			v := shell.Visit{File: name, State: shell.Missing}
			if g.exists(name) {
				v.State = shell.Maybe
				res.Env.Opaque(layer.Set{Layer: layer.ShellFile, From: name, Unknown: msg.New("goready does not evaluate PowerShell's profiles, and there is %s", name)})
			}
			res.Files = append(res.Files, v)
		}
		return res
	}
	return g.eval.Start(s, base)
}

// windowsShell is PowerShell in a window of its own.
func (g *gatherer) windowsShell(base start) start {
	res := g.startShell(shell.Session{Kind: "powershell", Interactive: true}, base.env)
	return base.then(res.Env, Link{What: msg.New("PowerShell starts"), Files: res.Files})
}

// powerShellProfiles returns the profiles of the console host, in the order in which they are read
// (about_Profiles).
func (g *gatherer) powerShellProfiles(kind shell.Kind) []string {
	home, sep := g.user.Home, g.p.Separator()
	var dirs []string
	switch {
	case !g.p.Windows():
		dirs = []string{"/opt/microsoft/powershell/7", home + "/.config/powershell"}
	case kind == "pwsh":
		dirs = []string{`C:\Program Files\PowerShell\7`, home + `\Documents\PowerShell`}
	default:
		dirs = []string{`C:\Windows\System32\WindowsPowerShell\v1.0`, home + `\Documents\WindowsPowerShell`}
	}
	var names []string
	for _, dir := range dirs {
		names = append(names, dir+sep+"profile.ps1", dir+sep+"Microsoft.PowerShell_profile.ps1")
	}
	return names
}

func sessionText(s shell.Session) msg.Text {
	switch {
	case s.Login && s.Interactive:
		return msg.New("an interactive login shell")
	case s.Login:
		return msg.New("a login shell with a command")
	case s.Interactive:
		return msg.New("an interactive shell")
	}
	return msg.New("a shell with a command")
}

// interactive is a shell in a terminal window of the desktop.
func (g *gatherer) interactive() start {
	return g.memo("interactive", func() start {
		base := g.desktop()
		if g.p.Windows() {
			return g.windowsShell(base)
		}
		return g.runShell(base, shell.Session{Interactive: true})
	})
}

func (g *gatherer) sshCommand() (start, msg.Text) {
	if g.p.Windows() {
		return start{}, msg.New("goready does not know what sshd gives on Windows")
	}
	installed := g.exists("/usr/sbin/sshd", "/usr/bin/sshd", "/etc/ssh/sshd_config")
	if !installed && !g.explicit() {
		return start{}, msg.New("there is no sshd on this machine")
	}
	env, _ := sysenv.SessionEnv(g.h, sysenv.SSH, g.user, nil)
	base := start{env: env, chain: []Link{{What: msg.New("sshd gives HOME, SHELL, PATH and what PAM reads")}}}
	if !installed {
		base.notes = append(base.notes, msg.New("there is no sshd on this machine; this is what a command started by one would see"))
	}
	return g.runShell(base, shell.Session{SSHCommand: true}), msg.Text{}
}

// sessionProcesses are the processes that everything in a Linux desktop session is started from.
var sessionProcesses = []string{"gnome-shell", "plasmashell", "ksmserver", "gnome-session-b", "xfce4-session", "cinnamon-session",
	"mate-session", "lxqt-session", "lxsession", "sway", "Hyprland", "i3", "openbox", "cosmic-session", "budgie-wm"}

// desktop is what a program gets that is started from the menu of the desktop.
func (g *gatherer) desktop() start {
	return g.memo("desktop", func() start {
		switch g.p.OS {
		case "darwin":
			return g.launchd()
		case "windows":
			env, _ := sysenv.WindowsEnv(g.h)
			return start{env: env, chain: []Link{{What: msg.New("the desktop gives the environment of the registry")}}}
		}
		if p, env := g.runningSession(); env != nil {
			return start{env: env, chain: []Link{{What: msg.New("the running desktop session (%s, pid %d) passes on its environment", p.Name, p.PID)}}}
		}
		return g.predictDesktop()
	})
}

func (g *gatherer) runningSession() (host.Process, *layer.Env) {
	for _, p := range g.procs() {
		for _, name := range sessionProcesses {
			if p.Name == name && p.UID == g.user.UID {
				if env := g.processEnv(p); env != nil {
					return p, env
				}
			}
		}
	}
	return host.Process{}, nil
}

// processEnv returns the environment a running process was started with, or nil.
func (g *gatherer) processEnv(p host.Process) *layer.Env {
	if p.Environ == nil {
		return nil
	}
	list, err := p.Environ()
	if err != nil || len(list) == 0 {
		return nil
	}
	return layer.FromList(list, layer.OSEnv, "environment of "+p.Name+" (pid "+strconv.Itoa(p.PID)+")", g.p.FoldCase())
}

// predictDesktop is the environment of a desktop session that does not run now. Whether such a session has read the
// login files of the shell depends on the display manager, so what they would change is unknown.
func (g *gatherer) predictDesktop() start {
	var s start
	if m, ok := g.userManager(); ok {
		s = start{env: m.Env(), chain: []Link{{What: msg.New("the systemd user manager gives PAM's variables and environment.d")}}}
	} else {
		s = g.loginBase()
		s.env = s.env.Clone()
	}
	if !g.hasDesktop() {
		return s
	}
	login := g.eval.Start(shell.Session{Kind: shell.KindOf(g.p, g.user.Shell), Path: g.user.Shell, Login: true}, s.env)
	why := msg.New("whether a desktop session has read the login files depends on the display manager, and no session runs now")
	for _, name := range login.Env.Names() {
		before, okBefore, _ := s.env.Lookup(name)
		after, okAfter, unknown := login.Env.Lookup(name)
		if before == after && okBefore == okAfter && unknown.IsZero() || name == "PWD" || name == "SHLVL" || name == "_" {
			continue
		}
		trail := login.Env.Trail(name)
		last := trail[len(trail)-1]
		last.Skipped, last.Unknown = msg.Text{}, why
		s.env.Add(name, last)
	}
	return s.then(s.env, Link{What: msg.New("perhaps the display manager runs a login shell"), Files: login.Files})
}

func (g *gatherer) hasDesktop() bool {
	return g.environ.Get("DISPLAY") != "" || g.environ.Get("WAYLAND_DISPLAY") != "" ||
		g.exists("/usr/share/xsessions", "/usr/share/wayland-sessions")
}

func (g *gatherer) desktopApp() (start, msg.Text) {
	if g.p.OS == "linux" && !g.hasDesktop() && !g.explicit() {
		if p, env := g.runningSession(); env == nil || p.PID == 0 {
			return start{}, msg.New("there is no desktop on this machine")
		}
	}
	return g.desktop(), msg.Text{}
}

// systemd gathers a service of the system's or the user's manager.
func (g *gatherer) systemd(id, unit string, user bool) (Consumer, bool) {
	c := Consumer{ID: id, Dir: "/"}
	m, ok := g.systemManager()
	what := msg.New("the system manager starts the service; no shell and no profile file is involved")
	if user {
		m, ok = g.userManager()
		c.Dir = g.user.Home
		what = msg.New("the user manager starts the service; no shell and no profile file is involved")
	}
	if !ok {
		c.Absent = msg.New("there is no systemd on this machine")
		return c, g.explicit()
	}
	c.Chain = []Link{{What: what}}
	if unit == "" {
		plain := m.AnyService()
		c.Env, _ = m.ServiceEnv(plain)
		c.Chain[0].Files = dropIns(plain)
		if _, ok, unknown := c.Env.Lookup("HOME"); !user && !ok && unknown.IsZero() {
			c.Notes = append(c.Notes, msg.New("a service without User= has no HOME, so it reads no go env file"))
		}
		g.finish(&c, "", "")
		return c, true
	}
	return g.unit(c, m, unit), true
}

func (g *gatherer) unit(c Consumer, m *sysenv.Manager, name string) Consumer {
	if !strings.Contains(name, ".") {
		name += ".service"
	}
	u, err := m.Unit(name)
	if err != nil {
		c.Absent = msg.New("%s", err.Error())
		return c
	}
	var problems []sysenv.Problem
	c.Env, problems = m.ServiceEnv(u)
	for _, p := range append(u.Problems, problems...) {
		g.f.Problems = append(g.f.Problems, Problem{From: layer.Place(p.File, p.Line), Subject: p.Key, Text: p.Why})
	}
	if u.WorkingDirectory != "" {
		c.Dir = strings.TrimPrefix(u.WorkingDirectory, "-")
	}
	if _, ok, unknown := c.Env.Lookup("HOME"); !ok && unknown.IsZero() {
		c.Notes = append(c.Notes, msg.New("this service has no HOME, so it reads no go env file and has no GOPATH and no GOCACHE"))
	}
	c.Chain[0].Files = append(c.Chain[0].Files, shell.Visit{File: u.Path, State: shell.Read})
	c.Chain[0].Files = append(c.Chain[0].Files, dropIns(u)...)
	g.finish(&c, "", "")
	return c
}

func dropIns(u *sysenv.Unit) []shell.Visit {
	var files []shell.Visit
	for _, d := range u.DropIns {
		files = append(files, shell.Visit{File: d, State: shell.Read})
	}
	return files
}

// cron gathers a job of the user's crontab: the one that begins at a line, or one like the last.
func (g *gatherer) cron(id, line string) (Consumer, bool) {
	c := Consumer{ID: id, Dir: g.user.Home}
	if g.p.Windows() {
		c.Absent = msg.New("Windows has no cron")
		return c, g.explicit()
	}
	installed := sysenv.HasCron(g.h)
	if !installed && !g.explicit() {
		return c, false
	}
	var job *sysenv.Job
	if line != "" {
		jobs, _ := sysenv.CronJobs(g.h, g.user)
		for i := range jobs {
			if strconv.Itoa(jobs[i].Line) == line || layer.Place(jobs[i].File, jobs[i].Line) == line {
				job = &jobs[i]
			}
		}
		if job == nil {
			c.Absent = msg.New("no job of %s begins at line %s of a crontab", g.user.Name, line)
			return c, true
		}
	}
	c.Env, _ = sysenv.CronEnv(g.h, g.user, job)
	c.Chain = []Link{{What: msg.New("cron starts /bin/sh -c with HOME, LOGNAME, a short PATH and the lines of the crontab; no start-up file is read")}}
	if !installed {
		c.Notes = append(c.Notes, msg.New("there is no cron on this machine; this is what a job would see"))
	}
	g.finish(&c, "", "")
	return c, true
}
