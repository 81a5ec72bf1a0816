package facts

import (
	"strings"

	"github.com/goready/goready/internal/editor"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/sysenv"
)

// problems adds what has no effect in the files that were read: the go env files, the editor's settings, files that
// many take for Go's configuration.
func (g *gatherer) problems() {
	for i := range g.f.Consumers {
		u := &g.f.Consumers[i].User
		if u.File == nil || g.linted[u.Name] {
			continue
		}
		g.linted[u.Name] = true
		for _, p := range u.File.Lint() {
			g.f.Problems = append(g.f.Problems, Problem{From: layer.Place(u.File.Name, p.Line), Subject: p.Key, Text: p.Text, Instead: p.Instead})
		}
	}
	if g.f.Editor != nil {
		g.editorProblems(g.f.Editor.Settings.Problems)
		g.editorProblems(g.f.Editor.Settings.Lint(g.f.Editor.Model))
		g.editorProblems(editor.LintExtensions(g.h, g.f.Editor.Variant))
		if g.ed != nil && g.ed.loaded {
			g.editorProblems(editor.LintLaunch(g.f.Editor.Settings, g.f.Editor.Model, g.ed.launch))
			g.editorProblems(editor.LintTasks(g.f.Editor.Settings, g.f.Editor.Model, g.ed.tasks))
		}
	}
	g.strayFiles()
}

// strayFiles names files with Go variables that no Go program reads, although it is widely said that they are read.
func (g *gatherer) strayFiles() {
	if g.user.Home != "" && !g.p.Windows() {
		g.strayFile(g.p.Join(g.user.Home, "go", "env"), msg.New("the file that \"go env -w\" writes and every go command reads is %s", g.goEnvName()))
	}
	g.strayFile(g.p.Join(g.workDir(), ".env"), msg.New("in VS Code name it in go.testEnvFile or in envFile of launch.json; in a shell use direnv or \"set -a; . ./.env\""))
}

func (g *gatherer) goEnvName() string {
	name, _, err := goenv.UserFile(g.p, g.environ.Get)
	if err != nil || name == "" {
		return "the go env file"
	}
	return name
}

func (g *gatherer) strayFile(name string, instead msg.Text) {
	for i := range g.f.Consumers {
		if g.f.Consumers[i].User.Name == name {
			return // GOENV says so
		}
	}
	data, err := g.h.ReadFile(name)
	if err != nil {
		return
	}
	f := goenv.ParseFile(name, data)
	for _, e := range f.Entries {
		if g.reads(name, e.Key) {
			return // a test or launch configuration names it
		}
	}
	for _, e := range f.Entries {
		if goenv.IsGoVariable(e.Key) {
			g.f.Problems = append(g.f.Problems, Problem{From: layer.Place(name, e.Line), Subject: e.Key,
				Text: msg.New("no Go program reads this file"), Instead: instead})
			return
		}
	}
}

// reads reports whether a consumer has the variable key from the file name.
func (g *gatherer) reads(name, key string) bool {
	for i := range g.f.Consumers {
		for _, s := range g.f.Consumers[i].Env.Trail(key) {
			if strings.HasPrefix(s.From, name+":") {
				return true
			}
		}
	}
	return false
}

// maxUnits is how many units that mention a variable are shown without being asked for.
const maxUnits = 8

// mentioningUnits returns the narrowed ids of services whose units set one of the variables asked for, and records
// what is wrong with units that try to configure Go.
func (g *gatherer) mentioningUnits() []string {
	var ids []string
	for _, scope := range []struct {
		kind string
		get  func() (*sysenv.Manager, bool)
	}{
		{"systemd-user", g.userManager},
		{"systemd-system", g.systemManager},
	} {
		m, ok := scope.get()
		if !ok {
			continue
		}
		for _, name := range m.UnitsMentioning(append([]string{"go env -w"}, g.o.Variables...)...) {
			if u, err := m.Unit(name); err == nil && len(ids) < maxUnits && g.unitMatters(m, u) {
				ids = append(ids, scope.kind+":"+name)
			}
		}
	}
	return ids
}

// unitMatters reports whether a unit sets a variable that was asked for; it records a "go env -w" that must fail.
func (g *gatherer) unitMatters(m *sysenv.Manager, u *sysenv.Unit) bool {
	for _, e := range u.ExecStart {
		if strings.Contains(e.Value, "go env -w") && hasNoHome(m, u) {
			g.f.Problems = append(g.f.Problems, Problem{From: e.From(), Subject: "go env -w",
				Text:    msg.New("this service has no HOME, so \"go env -w\" fails; with User= it would change that user's file only"),
				Instead: msg.New("for services DefaultEnvironment= in /etc/systemd/system.conf.d, for logins /etc/environment, for every user of an SDK its go.env")})
		}
	}
	for _, list := range [][]sysenv.Assignment{u.Environment, u.PassEnvironment, u.UnsetEnvironment} {
		for _, a := range list {
			for _, name := range g.o.Variables {
				if a.Key == name {
					return true
				}
			}
		}
	}
	return len(u.EnvironmentFiles) > 0
}

func hasNoHome(m *sysenv.Manager, u *sysenv.Unit) bool {
	env, _ := m.ServiceEnv(u)
	_, ok, unknown := env.Lookup("HOME")
	return !ok && unknown.IsZero()
}
