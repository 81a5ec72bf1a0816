package facts

import (
	"github.com/goready/goready/internal/editor"
	"github.com/goready/goready/internal/msg"
)

// observe records the running processes of the own user that are instances of a consumer.
func (g *gatherer) observe() {
	g.f.Running = []Running{}
	consumers := map[string]string{"gopls": "vscode-gopls", "dlv": "vscode-debug", "go": "current"}
	for _, p := range g.procs() {
		if id, ok := consumers[processKind(p)]; ok && p.UID == g.user.UID {
			g.addRunning(running{p, g.ownEnv(p)}, processKind(p), id, nil)
		}
	}
	for _, r := range g.extHosts() {
		g.addRunning(r, "extension-host", "vscode-go", g.freshExtHost())
	}
}

func (g *gatherer) addRunning(p running, kind, consumer string, fresh *Consumer) {
	r := Running{PID: p.PID, Kind: kind, Exe: p.Exe, Started: p.Started, Consumer: consumer, Env: p.env, Fresh: fresh}
	if r.Exe == "" {
		r.Exe = p.Name
	}
	if p.env == nil {
		r.Unknown = msg.New("its environment cannot be read, or it has another home folder")
	}
	g.f.Running = append(g.f.Running, r)
}

// freshExtHost is what an extension host would be given if the editor were started now. The consumers cannot tell,
// because they begin with the environment of the editor that runs.
func (g *gatherer) freshExtHost() *Consumer {
	if e := g.editor(); !e.missing.IsZero() {
		return nil
	}
	saved := g.o.EditorFrom
	if saved == "" || saved == "observed" {
		g.o.EditorFrom = "desktop"
	}
	_, resolved := g.window(g.f.Editor.Variant)
	g.o.EditorFrom = saved
	c := &Consumer{ID: "vscode-go", Dir: g.workDir(), Env: editor.ExtHost(resolved.env)}
	g.finish(c, "", "")
	return c
}
