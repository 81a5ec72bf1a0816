package facts

import (
	"github.com/goready/goready/internal/editor"
	"github.com/goready/goready/internal/msg"
)

// observe records the running processes of the own user that are instances of a consumer.
func (g *gatherer) observe() {
	g.f.Running = []Running{}
	consumers := map[string]string{"gopls": "vscode-gopls", "dlv": "vscode-debug", "go": "current",
		"editor": "vscode-go", "extension-host": "vscode-go"}
	for _, p := range g.processes() {
		kind := processKind(p)
		if kind == "" || p.UID != g.user.UID {
			continue
		}
		r := Running{PID: p.PID, Kind: kind, Exe: p.Exe, Started: p.Started, Consumer: consumers[kind]}
		if r.Exe == "" {
			r.Exe = p.Name
		}
		if r.Env = g.processEnv(p); r.Env == nil {
			r.Unknown = msg.New("its environment cannot be read")
		}
		if kind == "editor" || kind == "extension-host" {
			r.Fresh = g.freshEditor(kind == "extension-host")
		}
		g.f.Running = append(g.f.Running, r)
	}
}

// freshEditor is what an editor that is started now would be given: its process, or its extension host. The consumers
// cannot tell, because they begin with the environment of the editor that runs.
func (g *gatherer) freshEditor(exthost bool) *Consumer {
	if e := g.editor(); !e.missing.IsZero() {
		return nil
	}
	saved := g.o.EditorFrom
	if saved == "" || saved == "observed" {
		g.o.EditorFrom = "desktop"
	}
	process, resolved := g.window(g.f.Editor.Variant)
	g.o.EditorFrom = saved
	c := &Consumer{ID: "vscode-go", Dir: g.workDir(), Env: process.env}
	if exthost {
		c.Env = editor.ExtHost(resolved.env)
	}
	g.finish(c, "", "")
	return c
}
