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
	g.applyContainer(env, d)
	c.Env = env
	c.Chain = []Link{{What: msg.New("the container is started with its image's environment and containerEnv")},
		{What: msg.New("VS Code asks a shell in the container for its environment (userEnvProbe: %s)", d.UserEnvProbe)},
		{What: msg.New("remoteEnv is laid over it"), Files: []shell.Visit{{File: d.File, State: shell.Read}}}}
	c.Notes = append(c.Notes, msg.New("a start-up file inside the container may still overwrite what containerEnv sets"))
	c.Go.Note = msg.New("the container has its own Go")
	return c, true
}

// applyContainer lays containerEnv and remoteEnv over what is known of the container.
func (g *gatherer) applyContainer(env *layer.Env, d editor.DevContainer) {
	for _, m := range d.ContainerEnv {
		g.addContainerVar(env, layer.ContainerEnv, m, msg.New("containerEnv is given to the container when it is created"))
	}
	for _, m := range d.RemoteEnv {
		g.addContainerVar(env, layer.RemoteEnv, m, msg.New("remoteEnv is laid over the environment of the container"))
	}
}

func (g *gatherer) addContainerVar(env *layer.Env, id layer.ID, m editor.Member, why msg.Text) {
	s := layer.Set{Layer: id, From: m.Pos.String(), Why: why}
	text, isString := m.Value.Str()
	switch {
	case m.Value != nil && m.Value.Kind == editor.Null:
		s.Unset = true
	case !isString:
		s.Skipped = msg.New("the value is not a string")
	default:
		s.Value, s.Unknown = g.substituteContainer(text, env)
	}
	env.Add(m.Key, s)
}

// substituteContainer replaces ${localEnv:NAME}, ${containerEnv:NAME} and the workspace's folder, each with an optional
// default after another colon (Dev Container specification, "Variables in devcontainer.json").
func (g *gatherer) substituteContainer(text string, container *layer.Env) (string, msg.Text) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${")
		b.WriteString(before)
		name, after, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			if ok {
				b.WriteString("${" + rest)
			}
			return b.String(), msg.Text{}
		}
		value, unknown := g.containerVariable(name, container)
		if !unknown.IsZero() {
			return text, unknown
		}
		b.WriteString(value)
		text = after
	}
}

func (g *gatherer) containerVariable(name string, container *layer.Env) (string, msg.Text) {
	kind, rest, _ := strings.Cut(name, ":")
	key, fallback, _ := strings.Cut(rest, ":")
	env := container
	switch kind {
	case "localEnv", "env":
		env = g.environ
	case "containerEnv":
	case "localWorkspaceFolder":
		return g.workDir(), msg.Text{}
	case "localWorkspaceFolderBasename":
		return g.p.Base(g.workDir()), msg.Text{}
	default:
		return "", msg.New("${%s} is known only when the container is made", name)
	}
	v, set, unknown := env.Lookup(key)
	if !set || v == "" {
		v = fallback
	}
	return v, unknown
}
