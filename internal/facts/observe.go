package facts

import (
	"github.com/goready/goready/internal/editor"
	"github.com/goready/goready/internal/msg"
)

// observe records the running processes of the own user that are instances of a consumer.
func (g *gatherer) observe() {
	g.f.Running = []Running{}
	consumers := map[string]string{"gopls": "vscode-gopls", "dlv": "vscode-debug", "go": "current", "extension-host": "vscode-go"}
	for _, p := range g.procs() {
		kind := processKind(p)
		if kind == "" || p.UID != g.user.UID {
			continue
		}
		env := g.ownEnv(p)
		if kind == "node" {
			if !isExtHost(env) {
				continue
			}
			kind = "extension-host"
		}
		r := Running{PID: p.PID, Kind: kind, Exe: p.Exe, Started: p.Started, Consumer: consumers[kind], Env: env}
		if r.Exe == "" {
			r.Exe = p.Name
		}
		if env == nil {
			r.Unknown = msg.New("its environment cannot be read, or it has another home folder")
		}
		if kind == "extension-host" {
			r.Fresh = g.freshExtHost()
		}
		g.f.Running = append(g.f.Running, r)
	}
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
