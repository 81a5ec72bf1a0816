package facts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/shell"
	"github.com/goready/goready/internal/sysenv"
)

// Options says what to gather.
type Options struct {
	// Workspace is the absolute name of the folder to look at, or of a .code-workspace file.
	Workspace string
	// Consumers are ids of consumers, narrowed or not; empty means all that exist on the machine.
	Consumers []string
	// EditorFrom says where the editor's environment comes from: "observed", "desktop", "terminal"; empty means from
	// the running editor if there is one, else from the desktop.
	EditorFrom string
	// Observe gathers the running processes.
	Observe bool
	// Probe starts the user's shell to learn what its start-up files do.
	Probe bool
	// Variables are the names that will be asked about; units and jobs that mention them are added to the consumers.
	Variables []string
	// Sections are the parts that are gathered only when they are wanted.
	Sections []Section
	// Now is the time at which the machine is looked at; zero if it does not matter.
	Now time.Time
}

// Gather asks h for everything the options need. The error is about the options; what the machine cannot answer is
// recorded in the Facts.
func Gather(ctx context.Context, h host.Host, o Options) (*Facts, error) {
	for _, id := range o.Consumers {
		kind, _, narrowed := strings.Cut(id, ":")
		if !slices.ContainsFunc(Kinds(), func(k Kind) bool { return k.ID == kind }) {
			return nil, fmt.Errorf("unknown consumer %q%s", id, nearestKind(kind))
		}
		if narrowed && !slices.Contains([]string{"vscode-debug", "vscode-task", "systemd-system", "systemd-user", "cron"}, kind) {
			return nil, fmt.Errorf("consumer %q cannot be narrowed to %q", kind, id)
		}
	}
	g := newGatherer(ctx, h, o)
	defer g.startShells(ctx)()
	defer g.scanProcesses()()
	if slices.Contains(o.Sections, SectionCompiler) {
		g.compiled = g.startCompile(ctx)
		defer g.compiled()
	}
	for _, id := range g.wanted() {
		c, shown := g.guarded(id)
		if shown {
			g.f.Consumers = append(g.f.Consumers, c)
		}
	}
	if g.broken {
		return g.f, nil // nothing that builds on all consumers
	}
	g.safely(SectionSettings, g.problems)
	if o.Observe {
		g.safely(SectionProcesses, g.observe)
	}
	for _, s := range o.Sections {
		g.safely(s, func() { g.section(s) })
	}
	g.addRuns()
	return g.f, nil
}

// safely gathers a section; a panic on the way makes that section unknown, and hides no other.
func (g *gatherer) safely(s Section, gather func()) {
	defer func() {
		if p := recover(); p != nil {
			g.f.Unknown[s] = msg.New("a bug in goready: %s", fmt.Sprint(p))
		}
	}()
	gather()
}

// section gathers what was wanted besides the consumers.
func (g *gatherer) section(s Section) {
	switch s {
	case SectionToolchain:
		g.f.Toolchain = g.toolchain()
	case SectionStartup, SectionShellRuns:
		if g.f.Startup == nil {
			g.f.Startup = g.startup()
		}
	case SectionProject:
		g.f.Project = g.project()
	case SectionPaths:
		g.f.Paths = g.paths()
	}
}

func nearestKind(kind string) string {
	if near := goenv.Nearest(kind, kindIDs()); near != "" {
		return fmt.Sprintf(", did you mean %q", near)
	}
	return ""
}

func kindIDs() []string {
	var ids []string
	for _, k := range Kinds() {
		ids = append(ids, k.ID)
	}
	return ids
}

// gatherer is one run of Gather. It remembers what consumers have in common.
type gatherer struct {
	h       host.Host
	p       host.Platform
	o       Options
	f       *Facts
	user    sysenv.User
	environ *layer.Env // goready's own
	eval    *shell.Evaluator
	modules map[goenv.ModuleSearch]goenv.Module
	procs   func() []host.Process // waits for the scan of processes
	linted  map[string]bool       // go env files whose problems are recorded
	parts   map[string]start
	ed      *editorParts
	system  manager // of system services
	session manager // of the user's services
	broken  bool    // a consumer could not be gathered
	// compiled waits for the answer of the compiler; nil unless SectionCompiler is wanted.
	compiled func() Compile
	// shellRuns waits for the shells that startShells has started; nil elements are unknown.
	shellRuns func() []*shell.ProbeResult
	run       func(shell.ProbeOptions) (shell.ProbeResult, error) // runs a shell; nil without Options.Probe
}

type sdkAnswer struct {
	sdk goenv.SDK
	err error
}

// start is an environment that processes are started with, and how it came about.
type start struct {
	env   *layer.Env
	chain []Link
	notes []msg.Text
}

// then returns s with one more step.
func (s start) then(env *layer.Env, link Link, notes ...msg.Text) start {
	return start{env, append(slices.Clone(s.chain), link), append(slices.Clone(s.notes), notes...)}
}

func newGatherer(ctx context.Context, h host.Host, o Options) *gatherer {
	h = host.Cached(h)
	p := h.Platform()
	g := &gatherer{
		h: h, p: p, o: o,
		f: &Facts{Platform: p, Workspace: o.Workspace, Files: map[string]*goenv.File{}, answers: newAnswers(), memo: &memo{known: map[string]func() any{}},
			Unknown: map[Section]msg.Text{}},
		environ: layer.FromList(h.Environ(), layer.OSEnv, "environment of goready", p.FoldCase()),
		modules: map[goenv.ModuleSearch]goenv.Module{},
		linted:  map[string]bool{},
		parts:   map[string]start{},
	}
	if o.Probe {
		g.run = func(o shell.ProbeOptions) (shell.ProbeResult, error) { return shell.Probe(ctx, h, o) }
	}
	g.user = g.findUser()
	g.f.Home, g.f.User, g.f.Shell, g.f.UID = g.user.Home, g.user.Name, g.user.Shell, g.user.UID
	g.f.WSL, g.f.Container, g.f.Now = g.isWSL(), g.container(), o.Now
	if o.Probe {
		g.probeSystem(ctx)
	}
	g.eval = shell.New(shell.Options{Host: g.h, Home: g.user.Home, User: g.user.Name, UID: &g.user.UID, GoEnv: g.goEnvHook})
	return g
}

// findUser returns who goready runs as: the owner of the process where that can be seen, with the home folder and
// shell that goready's environment names, which are the user database's unless somebody changed them on purpose.
func (g *gatherer) findUser() sysenv.User {
	var u sysenv.User
	if g.p.Windows() {
		u.Name, u.Home, u.UID = g.environ.Get("USERNAME"), g.environ.Get("USERPROFILE"), -1
		return u
	}
	home := g.environ.Get("HOME")
	name := g.environ.Get("USER")
	if name == "" {
		name = g.environ.Get("LOGNAME")
	}
	err := error(fs.ErrNotExist)
	for _, owned := range []string{"/proc/self", home} {
		if owned == "" {
			continue
		}
		if info, statErr := host.Stat(g.h, owned); statErr == nil && info.UID >= 0 {
			u.UID = info.UID
			u, err = sysenv.UserByID(g.h, info.UID)
			break
		}
	}
	if err != nil && name != "" {
		if byName, nameErr := sysenv.UserByName(g.h, name); nameErr == nil {
			u = byName
		}
	}
	if u.Name == "" {
		u.Name = name
	}
	if home != "" {
		u.Home = home
	}
	if sh := g.environ.Get("SHELL"); sh != "" {
		u.Shell = sh
	}
	if u.Shell == "" {
		u.Shell = "/bin/sh"
	}
	return u
}

// wanted returns the ids of the consumers to gather, in the order of Kinds.
func (g *gatherer) wanted() []string {
	if len(g.o.Consumers) > 0 {
		return g.o.Consumers
	}
	ids := kindIDs()
	if g.p.OS == "linux" {
		ids = append(ids, g.mentioningUnits()...)
	}
	return ids
}

// guarded gathers one consumer; a panic on the way costs this consumer only.
func (g *gatherer) guarded(id string) (c Consumer, shown bool) {
	defer func() {
		if p := recover(); p != nil {
			g.broken = true
			c, shown = Consumer{ID: id, Env: &layer.Env{}, Failed: msg.New("a bug in goready: %s", fmt.Sprint(p))}, true
		}
	}()
	return g.consumer(id)
}

// explicit reports whether the consumer was asked for by name.
func (g *gatherer) explicit() bool { return len(g.o.Consumers) > 0 }

// memo returns the part named key, made once.
func (g *gatherer) memo(key string, build func() start) start {
	s, ok := g.parts[key]
	if !ok {
		s = build()
		g.parts[key] = s
	}
	return s
}

// manager is a service manager of systemd, looked for once.
type manager struct {
	m      *sysenv.Manager // nil if there is no systemd
	looked bool
}

func (g *gatherer) systemManager() (*sysenv.Manager, bool) {
	if !g.system.looked {
		g.system.looked = true
		g.system.m, _ = sysenv.SystemManager(g.h)
	}
	return g.system.m, g.system.m != nil
}

func (g *gatherer) userManager() (*sysenv.Manager, bool) {
	if !g.session.looked {
		g.session.looked = true
		if m, ok := g.systemManager(); ok {
			g.session.m = m.ForUser(g.user)
		}
	}
	return g.session.m, g.session.m != nil
}

// isDir reports whether name is a directory. What cannot be known is taken as no: it is only asked for evidence.
func (g *gatherer) isDir(name string) bool {
	info, err := host.Stat(g.h, name)
	return err == nil && info.Mode.IsDir()
}

func (g *gatherer) exists(names ...string) bool {
	for _, name := range names {
		if _, err := g.h.Lstat(name); err == nil || errors.Is(err, fs.ErrPermission) {
			return true
		}
	}
	return false
}

// scanProcesses lists the processes in the background, if a consumer may ask for them: nothing else takes as long. The
// returned function waits for the end of the scan.
func (g *gatherer) scanProcesses() (wait func()) {
	if !g.needsProcesses() {
		g.procs = func() []host.Process { return nil }
		return func() {}
	}
	var procs []host.Process
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		procs, err = g.h.Processes()
	}()
	g.procs = func() []host.Process {
		if <-done; err != nil {
			g.f.Unknown[SectionProcesses] = msg.New("%s", err.Error())
		}
		return procs
	}
	return func() { <-done }
}

// needsProcesses reports whether a running desktop session or editor matters.
func (g *gatherer) needsProcesses() bool {
	return g.o.Observe || slices.ContainsFunc(g.o.Consumers, func(id string) bool {
		return strings.HasPrefix(id, "vscode-") || id == "desktop-app" || id == "shell-interactive"
	}) || len(g.o.Consumers) == 0
}
