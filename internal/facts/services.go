package facts

import (
	"errors"
	"io/fs"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/sysenv"
)

// Service is a command that a service manager or cron starts and that runs go.
type Service struct {
	// Consumer has the environment of the command. Its ID is "systemd-system:UNIT", "systemd-user:UNIT" or "cron:LINE".
	Consumer Consumer
	Name     string // of the unit; the file and line of a job
	Unit     string // the file that defines the unit; "" for a job
	From     string // "file:line" of the command
	Command  string // as written
	Verb     string // the first word after go: build, run, …
	// Modules says whether the command needs modules of the module cache: "yes", "no" or "unknown". A module that
	// requires nothing, or that has a folder vendor, needs none.
	Modules string
}

// goVerbs are the go commands that build, or that look for modules.
var goVerbs = []string{"build", "run", "test", "install", "mod", "generate", "get", "vet", "list", "tool", "work"}

const maxServices = 32

// services finds the services and jobs that run go. Units in /usr/lib are their packager's.
func (g *gatherer) services(p *Project) {
	words := []string{"bin/go "}
	for _, verb := range goVerbs {
		words = append(words, "go "+verb)
	}
	for _, scope := range []struct {
		kind string
		get  func() (*sysenv.Manager, bool)
	}{
		{"systemd-system", g.systemManager},
		{"systemd-user", g.userManager},
	} {
		if g.p.OS != "linux" {
			break
		}
		m, ok := scope.get()
		if !ok {
			continue
		}
		for _, name := range m.UnitsMentioning(words...) {
			if u, err := m.Unit(name); err == nil && !u.Masked && u.Broken.IsZero() {
				g.unitCommands(p, m, u, scope.kind)
			}
		}
	}
	g.jobs(p)
}

func (g *gatherer) unitCommands(p *Project, m *sysenv.Manager, u *sysenv.Unit, kind string) {
	for _, start := range u.ExecStart {
		verb := goVerb(unitWords(start.Value))
		if verb == "" || len(p.Services) >= maxServices {
			continue
		}
		c := Consumer{ID: kind + ":" + u.Name, Dir: "/"}
		if kind == "systemd-user" {
			c.Dir = g.user.Home
		}
		known := u.WorkingDirectory == "" || g.p.IsAbs(strings.TrimPrefix(u.WorkingDirectory, "-"))
		if u.WorkingDirectory != "" && known {
			c.Dir = strings.TrimPrefix(u.WorkingDirectory, "-")
		}
		c.Env, _ = m.ServiceEnv(u)
		g.finish(&c, "", "")
		s := Service{Consumer: c, Name: u.Name, Unit: u.Path, From: start.From(), Command: start.Value, Verb: verb, Modules: "unknown"}
		if known {
			s.Modules = g.needsModules(c.Dir, unitWords(start.Value))
		}
		p.Services = append(p.Services, s)
	}
}

// jobs finds the jobs of crontabs: the user's, and those that the system runs as root.
func (g *gatherer) jobs(p *Project) {
	if g.p.Windows() || !sysenv.HasCron(g.h) {
		return
	}
	g.jobsOf(p, g.user)
	if root, err := sysenv.UserByName(g.h, "root"); err == nil && g.user.Name != root.Name {
		g.jobsOf(p, root)
	}
}

func (g *gatherer) jobsOf(p *Project, u sysenv.User) {
	jobs, _ := sysenv.CronJobs(g.h, u)
	for i := range jobs {
		words := shellWords(jobs[i].Command)
		verb := goVerb(words)
		if verb == "" || len(p.Services) >= maxServices {
			continue
		}
		from := layer.Place(jobs[i].File, jobs[i].Line)
		c := Consumer{ID: "cron:" + from, Dir: u.Home}
		c.Env, _ = sysenv.CronEnv(g.h, u, &jobs[i])
		g.finish(&c, "", "")
		p.Services = append(p.Services, Service{Consumer: c, Name: from, From: from, Command: jobs[i].Command, Verb: verb, Modules: "unknown"})
	}
}

// unitWords splits a command line of a unit: without the marks before the program, and into a shell's text for -c.
func unitWords(line string) []string {
	return shellWords(strings.TrimLeft(line, "-@:+!|"))
}

// shellWords splits a text into words at blanks, quotes and operators, which is enough to find "go build".
func shellWords(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" \t\n\"'`;&|()", c) })
}

// goVerb returns the go command that words run, "" if they run none that builds or looks for modules. Only a word
// that could be a program counts: the first, or one after a shell's.
func goVerb(words []string) string {
	for i, w := range words[:max(0, len(words)-1)] {
		if w != "go" && !strings.HasSuffix(w, "/go") {
			continue
		}
		if i > 0 && !shellInvolved(words[:i]) {
			continue
		}
		for _, verb := range goVerbs {
			if words[i+1] == verb {
				return verb
			}
		}
	}
	return ""
}

// shellInvolved reports whether the words before a go command may start it: a shell's -c, or a program such as env,
// nice or timeout whose arguments are a command.
func shellInvolved(before []string) bool {
	base := before[0][strings.LastIndexByte(before[0], '/')+1:]
	switch base {
	case "sh", "bash", "dash", "zsh", "ksh", "env", "nice", "ionice", "timeout", "flock", "chronic", "time", "cd", "exec", "nohup", "setsid":
		return true
	}
	return strings.Contains(base, "=") // an assignment before the command
}

// needsModules says whether a go command in dir needs the module cache.
func (g *gatherer) needsModules(dir string, words []string) string {
	for _, w := range words {
		if strings.Contains(w, "@") {
			return "yes" // go run example.com/tool@v1
		}
		if w == "cd" || strings.HasPrefix(w, "-C") || strings.HasPrefix(w, "-modfile") {
			return "unknown" // elsewhere
		}
	}
	if _, err := g.h.ReadFile(g.p.Join(dir, "vendor", "modules.txt")); err == nil {
		return "no"
	}
	name := g.p.Join(dir, "go.mod")
	data, ok := g.read(name)
	if !ok {
		return "unknown"
	}
	f, err := modfile.ParseLax(name, data, nil)
	switch {
	case err != nil:
		return "unknown"
	case len(f.Require) > 0:
		return "yes"
	}
	return "no"
}

func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
