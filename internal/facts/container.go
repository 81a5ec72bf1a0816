package facts

import (
	"strings"

	"github.com/goready/goready/internal/editor"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/shell"
)

// devContainer is VS Code inside the dev container of the workspace.
func (g *gatherer) devContainer(id string) (Consumer, bool) {
	c := Consumer{ID: id, Dir: g.workDir()}
	all := editor.LoadDevContainers(g.h, g.workDir())
	if len(all) == 0 {
		c.Absent = msg.New("the workspace has no devcontainer.json")
		return c, g.explicit()
	}
	d := all[0]
	g.editorProblems(d.Problems)
	env := &layer.Env{}
	image := firstNonEmpty(d.Image, d.Dockerfile, strings.Join(d.Compose, ", "), d.File)
	env.Opaque(layer.Set{Layer: layer.ContainerEnv, From: d.File,
		Unknown: msg.New("the environment of the image (%s) and of its start-up files is not known here; run goready inside the container", image)})
	d.AddContainerEnv(g.p, env, g.environ, g.workDir())
	d.AddRemoteEnv(g.p, env, g.environ, env.Clone(), g.workDir())
	c.Env = env
	c.Chain = []Link{{What: msg.New("the container is started with its image's environment and containerEnv")},
		{What: msg.New("VS Code asks a shell in the container for its environment (userEnvProbe: %s)", d.UserEnvProbe)},
		{What: msg.New("remoteEnv is laid over it"), Files: []shell.Visit{{File: d.File, State: shell.Read}}}}
	c.Notes = append(c.Notes, msg.New("a start-up file inside the container may still overwrite what containerEnv sets"))
	c.Go.Note = msg.New("the container has its own Go")
	return c, true
}
