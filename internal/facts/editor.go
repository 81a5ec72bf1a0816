package facts

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/editor"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/shell"
)

// editorParts is what the consumers of one editor have in common.
type editorParts struct {
	missing  msg.Text // why there is no editor
	remote   bool     // the extension host runs in a server on this machine
	process  start    // the environment of the window or server before the shell was asked
	resolved start    // after
	exthost  start    // the extension host's, after the Go extension was activated
	initial  start    // before
	tool     *layer.Env
	found    editor.Found
	goroot   string // what go env GOROOT answered at activation
	prefix   string // what integrated terminals get in front of PATH
	launch   []editor.LaunchConfig
	tasks    []editor.Task
	loaded   bool // launch and tasks
}

// editorConsumer gathers a consumer whose environment VS Code makes.
func (g *gatherer) editorConsumer(id, kind, name string) (Consumer, bool) {
	c := Consumer{ID: id, Dir: g.workDir()}
	if kind == "vscode-remote-server" {
		return g.remoteServer(c)
	}
	e := g.editor()
	if !e.missing.IsZero() {
		c.Absent = e.missing
		return c, g.explicit()
	}
	found, how := e.found.Path, e.found.Via
	if folders := g.f.Editor.Settings.Folders(); len(folders) > 0 {
		c.Dir = folders[0].Path // where the extension starts what it starts
	}
	switch kind {
	case "vscode-go":
		g.fromExthost(&c, e, e.tool, msg.New("the Go extension starts go and its tools"))
	case "vscode-gopls":
		env, problems := g.f.Editor.Model.GoplsEnv(e.tool, g.f.Editor.Settings, 0)
		g.editorProblems(problems)
		g.fromExthost(&c, e, env, msg.New("the Go extension starts gopls, and gopls starts go"))
		found = ""
		c.Tools = g.tool(e, "gopls")
	case "vscode-install":
		g.fromExthost(&c, e, g.f.Editor.Model.InstallEnv(e.exthost.env, g.f.Editor.Settings, 0), msg.New("the Go extension runs go install"))
	case "vscode-test":
		env, problems := g.f.Editor.Model.TestEnv(e.exthost.env, g.f.Editor.Settings, 0)
		g.editorProblems(problems)
		g.fromExthost(&c, e, env, msg.New("the Go extension runs go test"))
	case "vscode-terminal":
		s := g.terminal(e)
		c.Env, c.Chain, c.Notes = s.env, s.chain, s.notes
		found = ""
	case "vscode-debug":
		return g.debugConsumer(c, e, name)
	case "vscode-task":
		return g.taskConsumer(c, e, name)
	}
	g.finish(&c, found, how)
	return c, true
}

// tool returns where the Go extension finds a tool.
func (g *gatherer) tool(e *editorParts, name string) map[string]string {
	found := g.f.Editor.Model.FindTool(name, e.exthost.env, g.f.Editor.Settings, 0, e.goroot)
	return map[string]string{name: found.Path}
}

func (g *gatherer) fromExthost(c *Consumer, e *editorParts, env *layer.Env, what msg.Text) {
	c.Env = env
	s := e.exthost.then(env, Link{What: what})
	c.Chain, c.Notes = s.chain, s.notes
}

// editor finds the editor and what its consumers have in common, once.
func (g *gatherer) editor() *editorParts {
	if g.ed != nil {
		return g.ed
	}
	g.ed = &editorParts{}
	e := g.ed
	v, ok := g.variant(func(v editor.Variant) bool { return !v.Remote || v.ID == "code-server" || v.ID == "vscode-server" })
	if !ok {
		e.missing = msg.New("no VS Code was found on this machine: neither its settings nor its extensions nor a running one")
		return e
	}
	g.loadEditor(v)
	e.remote = v.Remote
	e.process, e.resolved = g.window(v)
	e.initial = e.resolved
	e.initial.env = editor.ExtHost(e.resolved.env)
	g.activate(e)
	return e
}

// variant chooses the editor to describe: the first that is present, and with --editor-from, or in a workspace with
// VS Code's files, the usual one even if nothing else shows it.
func (g *gatherer) variant(fits func(editor.Variant) bool) (editor.Variant, bool) {
	all := editor.Variants(g.h, g.user.Home, g.environ.Get)
	for _, v := range all {
		if v.Present && fits(v) {
			return v, true
		}
	}
	assumed := g.o.EditorFrom != "" || g.isDir(g.p.Join(g.workDir(), ".vscode")) || strings.HasSuffix(g.o.Workspace, ".code-workspace")
	if assumed && len(all) > 0 && fits(all[0]) {
		return all[0], true
	}
	return editor.Variant{}, false
}

func (g *gatherer) loadEditor(v editor.Variant) {
	in := editor.LoadInput{Variant: v, Home: g.user.Home, Folders: []string{g.o.Workspace}, Remote: v.Remote}
	if strings.HasSuffix(g.o.Workspace, ".code-workspace") {
		in.Folders, in.WorkspaceFile = nil, g.o.Workspace
	}
	ed := &Editor{Variant: v, Settings: editor.Load(g.h, in)}
	var installed bool
	ed.Extension, installed = editor.GoExtension(g.h, v)
	ed.Model, ed.Known = editor.ModelFor(ed.Extension.Version)
	if !installed {
		ed.Known = true // nothing is claimed about a version
	}
	g.f.Editor = ed
}

// window returns the environment of the window or server, before and after it asked the user's shell.
func (g *gatherer) window(v editor.Variant) (process, resolved start) {
	if g.o.EditorFrom == "" || g.o.EditorFrom == "observed" {
		if process, exthost, ok := g.runningExtHost(v); ok {
			return process, exthost
		}
		if g.o.EditorFrom == "observed" {
			process.notes = append(process.notes, msg.New("no running editor was found; this starts from the desktop instead"))
		}
	}
	switch {
	case g.o.EditorFrom == "terminal":
		env := g.environ.Clone()
		what := msg.New("the editor is started here, from a terminal")
		if v.Remote {
			what = msg.New("the server is started here, from a terminal")
		} else {
			env.Add("VSCODE_CLI", layer.Set{Layer: layer.OSEnv, From: "the code command", Value: "1"})
		}
		process = start{env: env, chain: []Link{{What: what}}, notes: process.notes}
	case v.Remote:
		s, missing := g.sshCommand()
		if !missing.IsZero() {
			s = g.loginBase()
		}
		process = s.then(s.env, Link{What: msg.New("the server is started through it")}, process.notes...)
	default:
		s := g.desktop()
		process = s.then(s.env, Link{What: msg.New("the editor is started from the desktop")}, process.notes...)
	}
	return process, g.resolveShell(process)
}

// resolveShell is VS Code asking the user's shell for its environment.
func (g *gatherer) resolveShell(process start) start {
	run := editor.ResolveShell(process.env, g.f.Editor.Settings, g.user.Shell)
	if !run.Skip.IsZero() {
		return process.then(process.env, Link{What: msg.New("the editor does not ask the shell for its environment: %s", run.Skip)})
	}
	env := process.env.Clone()
	for _, kv := range run.Env {
		k, v, _ := strings.Cut(kv, "=")
		env.Add(k, layer.Set{Layer: layer.OSEnv, From: "VS Code, while it asks the shell", Value: v})
	}
	s := shell.Session{Kind: shell.KindOf(g.p, run.Shell), Path: run.Shell, Login: run.Login(), Interactive: run.Interactive()}
	res := g.startShell(s, env)
	link := Link{What: msg.New("the editor asks %s for its environment, once", strings.Join(append([]string{run.Shell}, run.Args...), " ")), Files: res.Files}
	if !res.End.Why.IsZero() && !res.End.Maybe {
		return process.then(process.env, link, msg.New("the editor cannot resolve the shell's environment and goes on without it: %s (%s)", res.End.Why, res.End.From))
	}
	asked := start{env: res.Env}
	if g.run != nil {
		g.probe(&asked, env, s, true)
	}
	return process.then(editor.ResolvedEnv(process.env, asked.env), link, asked.notes...)
}

// activate is the Go extension at its start: it asks `go env` and copies answers into the extension host.
func (g *gatherer) activate(e *editorParts) {
	ed := g.f.Editor
	e.exthost = e.initial
	e.exthost.env = e.initial.env.Clone()
	env := e.exthost.env
	g.unreadSettings(env)
	ed.Model.SetGoroot(env, ed.Settings, 0)
	e.found = ed.Model.FindGo(env, ed.Settings, 0, "")
	asked := Consumer{ID: "vscode-go", Env: ed.Model.ToolEnv(env, ed.Settings, 0), Dir: g.workDir()}
	g.finish(&asked, e.found.Path, e.found.Via)
	answers := editor.Answers{Vars: map[string]editor.Answer{}}
	if asked.Go.Note.IsZero() && asked.Go.SDK.Root != "" {
		q := g.f.query(&asked, &asker{g.h})
		answers.GOROOT = goenv.Resolve(q, "GOROOT").Value
		e.goroot = answers.GOROOT
		for _, name := range ed.Model.FrozenVars {
			answers.Vars[name] = g.answer(&asked, name)
		}
	}
	e.prefix = ed.Model.Snapshot(env, ed.Settings, 0, e.found, answers)
	e.exthost.chain = append(e.exthost.chain, Link{What: msg.New("the Go extension is activated and copies answers of go env into its environment")})
	e.exthost.notes = append(e.exthost.notes, g.extensionNotes()...)
	e.tool = ed.Model.ToolEnv(env, ed.Settings, 0)
}

// unreadSettings makes everything unknown that a settings file might set which goready could not read.
func (g *gatherer) unreadSettings(env *layer.Env) {
	for _, p := range g.f.Editor.Settings.Problems {
		if p.Severity == editor.Broken && p.Pos.Line == 0 {
			env.Opaque(layer.Set{Layer: layer.SettingsUser, From: p.Pos.File, Unknown: msg.New("%s: %s", p.Pos.File, p.Text)})
		}
	}
}

// answer is what `go env` tells the extension about one variable, and where it has that from.
func (g *gatherer) answer(c *Consumer, name string) editor.Answer {
	q := g.f.query(c, &asker{g.h})
	var tainted msg.Text
	q.Getenv = func(key string) string {
		v, ok, unknown := c.Env.Lookup(key)
		if !unknown.IsZero() {
			tainted = unknown
		}
		if !ok {
			return ""
		}
		return v
	}
	res := goenv.Resolve(q, name)
	a := editor.Answer{Value: res.Value, Unknown: res.Unknown}
	for _, r := range res.Trail {
		if r.Won {
			a.Layer, a.From = r.Layer, r.From
			if r.Layer == layer.OSEnv {
				trail := c.Env.Trail(name)
				a.From = trail[len(trail)-1].From
			}
		}
	}
	if a.Unknown.IsZero() && a.Layer != layer.OSEnv {
		a.Unknown = tainted
	}
	return a
}

func (g *gatherer) extensionNotes() []msg.Text {
	ed := g.f.Editor
	switch {
	case ed.Extension.Version == "":
		return []msg.Text{msg.New("the Go extension was not found in %s; this is what version %s would do", g.extensionsDir(), ed.Model.Last)}
	case !ed.Known:
		return []msg.Text{msg.New("version %s of the Go extension is not one goready knows; this is what version %s does", ed.Extension.Version, ed.Model.Last)}
	}
	return nil
}

func (g *gatherer) extensionsDir() string {
	if dir := g.f.Editor.Variant.ExtensionsDir; dir != "" {
		return dir
	}
	return "the editor"
}

// terminal is the integrated terminal with its default shell.
func (g *gatherer) terminal(e *editorParts) start {
	return g.memo("vscode-terminal", func() start {
		env := editor.TerminalEnv(e.resolved.env, e.process.env, g.f.Editor.Settings, e.prefix)
		g.unreadSettings(env)
		base := e.resolved.then(env, Link{What: msg.New("the editor opens a terminal and lays terminal.integrated.env over the environment")})
		run := editor.TerminalShell(e.resolved.env, g.f.Editor.Settings, g.user.Shell)
		return g.runEditorShell(base, run)
	})
}

// runEditorShell lets a shell that the editor starts read its files.
func (g *gatherer) runEditorShell(base start, run editor.ShellRun) start {
	if !run.Skip.IsZero() {
		return base.then(base.env, Link{What: run.Skip}, run.Skip)
	}
	s := shell.Session{Kind: shell.KindOf(g.p, run.Shell), Path: run.Shell, Login: run.Login(), Interactive: run.Interactive()}
	res := g.startShell(s, base.env)
	next := base.then(res.Env, Link{What: msg.New("%s starts as %s", run.Shell, sessionText(s)), Files: res.Files})
	if !res.End.Why.IsZero() && !res.End.Maybe {
		next.notes = append(next.notes, msg.New("the shell's start-up does not complete: %s (%s)", res.End.Why, res.End.From))
	}
	if g.run != nil {
		g.probe(&next, base.env, s, false)
	}
	return next
}

// files reads launch.json and tasks.json, once.
func (g *gatherer) loadLaunch(e *editorParts) {
	if e.loaded {
		return
	}
	e.loaded = true
	var problems []editor.Problem
	e.launch, problems = editor.LoadLaunch(g.f.Editor.Settings)
	g.editorProblems(problems)
	e.tasks, problems = editor.LoadTasks(g.f.Editor.Settings)
	g.editorProblems(problems)
}

// debugConsumer is a debug session: of the configuration named, or of the first that starts a Go program.
func (g *gatherer) debugConsumer(c Consumer, e *editorParts, name string) (Consumer, bool) {
	g.loadLaunch(e)
	chosen, others := choose(e.launch, func(c *editor.LaunchConfig) bool {
		return c.Type == "go" && (name == "" || c.Name == name)
	})
	if chosen == nil {
		c.Absent = msg.New("launch.json has no configuration of type go")
		if name != "" {
			c.Absent = msg.New("launch.json has no configuration of type go named %q", name)
		}
		return c, g.explicit()
	}
	d := g.f.Editor.Model.DebugEnv(e.exthost.env, g.terminal(e).env, g.f.Editor.Settings, chosen)
	g.editorProblems(d.Problems)
	if d.Env == nil {
		c.Absent = firstText(d.NoSession, d.External)
		return c, true
	}
	g.fromExthost(&c, e, d.Env, msg.New("debug configuration %q (%s): dlv, the build and the program", chosen.Name, chosen.Pos.String()))
	for _, n := range []msg.Text{d.NoSession, d.External} {
		if !n.IsZero() {
			c.Notes = append(c.Notes, n)
		}
	}
	c.Tools = g.tool(e, "dlv")
	if name == "" && others > 0 {
		c.Notes = append(c.Notes, msg.New("this is configuration %q; %d more are narrowed with --consumer 'vscode-debug:NAME'", chosen.Name, others))
	}
	g.finish(&c, "", "")
	return c, true
}

// choose returns the first of list that fits, and how many more do.
func choose[T any](list []T, fits func(*T) bool) (chosen *T, others int) {
	for i := range list {
		switch {
		case !fits(&list[i]):
		case chosen == nil:
			chosen = &list[i]
		default:
			others++
		}
	}
	return chosen, others
}

func firstText(texts ...msg.Text) msg.Text {
	for _, t := range texts {
		if !t.IsZero() {
			return t
		}
	}
	return msg.Text{}
}

// taskConsumer is a task: the one named, or the first.
func (g *gatherer) taskConsumer(c Consumer, e *editorParts, name string) (Consumer, bool) {
	g.loadLaunch(e)
	chosen, others := choose(e.tasks, func(t *editor.Task) bool { return name == "" || t.Label == name })
	if chosen == nil {
		c.Absent = msg.New("tasks.json has no tasks")
		if name != "" {
			c.Absent = msg.New("tasks.json has no task named %q", name)
		}
		return c, g.explicit()
	}
	terminal := editor.TaskTerminalEnv(e.resolved.env, g.f.Editor.Settings, e.prefix)
	env, problems := g.f.Editor.Model.TaskEnv(e.exthost.env, terminal, g.f.Editor.Settings, chosen)
	g.editorProblems(problems)
	s := e.exthost.then(env, Link{What: msg.New("task %q of type %s (%s)", chosen.Label, chosen.Type, chosen.Pos.String())})
	found := ""
	switch chosen.Type {
	case "shell":
		s = g.runEditorShell(s, editor.TaskShellRun(e.resolved.env, g.f.Editor.Settings, chosen, g.user.Shell))
	case "go":
		found = e.found.Path
	}
	c.Env, c.Chain, c.Notes = s.env, s.chain, s.notes
	if chosen.Cwd != "" && g.p.IsAbs(chosen.Cwd) {
		c.Dir = chosen.Cwd
	}
	if name == "" && others > 0 {
		c.Notes = append(c.Notes, msg.New("this is task %q; %d more are narrowed with --consumer 'vscode-task:LABEL'", chosen.Label, others))
	}
	g.finish(&c, found, e.found.Via)
	return c, true
}

// remoteServer is the extension host of a server on this machine, before any extension changed its environment.
func (g *gatherer) remoteServer(c Consumer) (Consumer, bool) {
	v, ok := g.variant(func(v editor.Variant) bool { return v.Remote })
	if !ok {
		c.Absent = msg.New("no VS Code server was found on this machine")
		return c, g.explicit()
	}
	var resolved start
	if e := g.editor(); e.missing.IsZero() && e.remote {
		resolved = e.initial
	} else {
		saved := g.f.Editor
		g.loadEditor(v)
		_, resolved = g.window(v)
		resolved.env = editor.ExtHost(resolved.env)
		if saved != nil {
			g.f.Editor = saved
		}
	}
	c.Env, c.Chain, c.Notes = resolved.env, resolved.chain, resolved.notes
	c.Notes = append(c.Notes, msg.New("a server keeps the environment it was started with until it is stopped, also over window reloads"))
	g.finish(&c, "", "")
	return c, true
}

func firstNonEmpty(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func (g *gatherer) editorProblems(problems []editor.Problem) {
	for _, p := range problems {
		g.f.Problems = append(g.f.Problems, Problem{From: p.Pos.String(), Subject: p.Key, Text: p.Text, Instead: p.Instead})
	}
}

// running is a process and the environment it was started with.
type running struct {
	host.Process
	env *layer.Env
}

// extHosts returns the extension hosts that run now. Language servers that an extension forks inherit the mark of an
// extension host; they are left out.
func (g *gatherer) extHosts() []running {
	var all []running
	marked := map[int]bool{}
	for _, p := range g.procs() {
		if processKind(p) != "node" {
			continue
		}
		if env := g.ownEnv(p); isExtHost(env) {
			marked[p.PID] = true
			all = append(all, running{p, env})
		}
	}
	return slices.DeleteFunc(all, func(r running) bool { return marked[r.PPID] })
}

// runningExtHost returns what the newest running extension host of the editor, and the process that started it (the
// server, or the desktop editor's main process), were started with.
func (g *gatherer) runningExtHost(v editor.Variant) (process, exthost start, ok bool) {
	var newest running
	for _, r := range g.extHosts() {
		if g.isServer(r.Process) == v.Remote && (!ok || r.Started.After(newest.Started)) {
			newest, ok = r, true
		}
	}
	if !ok {
		return start{}, start{}, false
	}
	exthost = start{env: newest.env, chain: []Link{{What: msg.New("the extension host runs now (pid %d) and was started with this environment", newest.PID)}}}
	process = exthost
	for _, p := range g.procs() {
		if p.PID != newest.PPID {
			continue
		}
		if env := g.ownEnv(p); env != nil {
			process = start{env: env, chain: []Link{{What: msg.New("the editor runs now (pid %d) and was started with this environment", p.PID)}}}
		}
	}
	return process, exthost, true
}

// ownEnv returns the environment of a process of the user whose home folder is looked at, or nil.
func (g *gatherer) ownEnv(p host.Process) *layer.Env {
	if p.UID != g.user.UID {
		return nil
	}
	env := g.processEnv(p)
	if env == nil || g.user.Home != "" && env.Get("HOME") != g.user.Home {
		return nil
	}
	return env
}

// isExtHost reports whether a process with this environment is an extension host: VS Code names the module that each
// of its processes runs (bootstrap-fork.ts).
func isExtHost(env *layer.Env) bool {
	if env == nil {
		return false
	}
	for _, name := range []string{"VSCODE_ESM_ENTRYPOINT", "VSCODE_AMD_ENTRYPOINT"} {
		if strings.HasSuffix(env.Get(name), "/extensionHostProcess") {
			return true
		}
	}
	return false
}

// isServer reports whether a process of VS Code belongs to a server: those run under node, the desktop's do not.
func (g *gatherer) isServer(p host.Process) bool { return strings.HasPrefix(baseName(p), "node") }

// processKind says what a running process is to goready: "gopls", "dlv", "go", or "node" for what may be a process of
// VS Code; "" is nothing.
func processKind(p host.Process) string {
	switch name := strings.ToLower(strings.TrimSuffix(baseName(p), ".exe")); {
	case name == "gopls", name == "dlv", name == "go":
		return name
	case strings.HasPrefix(name, "node"), strings.HasPrefix(name, "code"), strings.HasPrefix(name, "codium"),
		strings.HasPrefix(name, "cursor"), strings.HasPrefix(name, "electron"), strings.HasPrefix(name, "vscodium"):
		return "node"
	}
	return ""
}

func baseName(p host.Process) string {
	name := p.Exe
	if name == "" {
		name = p.Name
	}
	return name[strings.LastIndexAny(name, `/\`)+1:]
}
