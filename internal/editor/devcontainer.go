package editor

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// DevContainer is a dev container configuration.
type DevContainer struct {
	File         string
	Name         string
	ContainerEnv []Member
	RemoteEnv    []Member // a null value deletes
	UserEnvProbe string   // none, loginShell, interactiveShell or loginInteractiveShell, which is the default
	RemoteUser   string
	Image        string
	Dockerfile   string
	Compose      []string
	Features     []Member
	Settings     []Member // customizations.vscode.settings
	Extensions   []string
	Workspace    string // the folder of the workspace inside the container
	Problems     []Problem
	Node         *Node
}

// LoadDevContainers returns the dev container configurations of a folder: .devcontainer/devcontainer.json,
// .devcontainer.json, and .devcontainer/*/devcontainer.json in order of name.
func LoadDevContainers(h host.Host, folder string) []DevContainer {
	p := h.Platform()
	files := []string{p.Join(folder, ".devcontainer", "devcontainer.json"), p.Join(folder, ".devcontainer.json")}
	entries, _ := h.ReadDir(p.Join(folder, ".devcontainer"))
	for _, e := range entries[:min(len(entries), maxConfigs)] {
		if e.Type.IsDir() {
			files = append(files, p.Join(folder, ".devcontainer", e.Name, "devcontainer.json"))
		}
	}
	s := &Settings{h: h}
	var list []DevContainer
	for _, file := range files {
		root, problems, err := s.parse(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		list = append(list, devContainer(p, folder, file, objectOrNil(root), problems))
	}
	return list
}

func devContainer(p host.Platform, folder, file string, n *Node, problems []Problem) DevContainer {
	str := func(key string) string { v, _ := n.Get(key).Str(); return v }
	d := DevContainer{
		File: file, Node: n, Problems: problems, Name: str("name"), Image: str("image"), RemoteUser: str("remoteUser"),
		ContainerEnv: envMembers(n.field("containerEnv"), layer.ContainerEnv),
		RemoteEnv:    envMembers(n.field("remoteEnv"), layer.RemoteEnv),
		UserEnvProbe: str("userEnvProbe"), Dockerfile: str("dockerFile"),
		Compose:   n.Get("dockerComposeFile").Strings(),
		Features:  envMembers(n.field("features"), layer.ContainerEnv),
		Workspace: str("workspaceFolder"),
	}
	if d.UserEnvProbe == "" {
		d.UserEnvProbe = "loginInteractiveShell"
	}
	if v, ok := n.Get("build").Get("dockerfile").Str(); ok {
		d.Dockerfile = v
	}
	if d.Workspace == "" {
		d.Workspace = "/workspaces/" + p.Base(folder)
	}
	vscode := n.Get("customizations").Get("vscode")
	if vscode == nil {
		vscode = n // where settings and extensions used to be
	}
	d.Settings = envMembers(vscode.field("settings"), layer.SettingsRemote)
	d.Extensions = vscode.Get("extensions").Strings()
	return d
}

// Substitute replaces variables the way the dev container CLI does (variableSubstitution.ts): ${localEnv:X} and
// ${localEnv:X:default}, the folders, and ${containerEnv:X} if container is not nil. A missing variable is "".
func (d DevContainer) Substitute(p host.Platform, text string, local, container *layer.Env, folder string) Text {
	var b strings.Builder
	for {
		i, j, ok := nextVariable(text)
		if !ok || b.Len() > maxExpanded {
			break
		}
		b.WriteString(text[:i])
		match := text[i : j+1]
		text = text[j+1:]
		t := d.variable(p, match, local, container, folder)
		b.WriteString(t.Value)
		if !t.Unknown.IsZero() {
			return Text{Value: b.String() + text, Unknown: t.Unknown}
		}
	}
	return known(b.String() + text)
}

func (d DevContainer) variable(p host.Platform, match string, local, container *layer.Env, folder string) Text {
	parts := strings.Split(match[2:len(match)-1], ":")
	env := local
	switch parts[0] {
	case "env", "localEnv":
	case "containerEnv":
		if container == nil {
			return known(match)
		}
		env = container
	case "localWorkspaceFolder":
		return known(folder)
	case "localWorkspaceFolderBasename":
		return known(p.Base(folder))
	case "containerWorkspaceFolder":
		return known(d.Workspace)
	case "containerWorkspaceFolderBasename":
		return known(d.Workspace[strings.LastIndexByte(d.Workspace, '/')+1:])
	case "devcontainerId":
		return Text{Value: match, Unknown: msg.New("%s is made when the container is created", match)}
	default:
		return known(match)
	}
	if len(parts) < 2 || parts[1] == "" {
		return Text{Value: match, Unknown: msg.New("VS Code cannot resolve %s", match)}
	}
	v, ok, unknown := env.Lookup(parts[1])
	if !ok && unknown.IsZero() && len(parts) > 2 {
		v = parts[2]
	}
	if !unknown.IsZero() {
		unknown = msg.New("%s is unknown: %s", parts[1], unknown)
	}
	return Text{Value: v, Unknown: unknown}
}

// AddContainerEnv lays containerEnv over env, in place. local is the environment of the machine that starts the
// container.
func (d DevContainer) AddContainerEnv(p host.Platform, env, local *layer.Env, folder string) {
	d.addEnv(p, env, d.ContainerEnv, local, nil, folder, msg.New("containerEnv is part of the container"))
}

// AddRemoteEnv lays remoteEnv over env, in place; null deletes. container is the environment of the container.
func (d DevContainer) AddRemoteEnv(p host.Platform, env, local, container *layer.Env, folder string) {
	if container == nil {
		container = &layer.Env{}
	}
	d.addEnv(p, env, d.RemoteEnv, local, container, folder, msg.New("remoteEnv is laid over the environment of the container"))
}

func (d DevContainer) addEnv(p host.Platform, env *layer.Env, members []Member, local, container *layer.Env, folder string, why msg.Text) {
	for _, mb := range members {
		set := layer.Set{Layer: mb.Layer, From: mb.Pos.String(), Value: mb.Value.Env(), Why: why}
		switch mb.Value.Kind {
		case String:
			t := d.Substitute(p, mb.Value.Text, local, container, folder)
			set.Value, set.Unknown = t.Value, t.Unknown
		case Null:
			if container != nil {
				set.Value, set.Unset = "", true
			}
		}
		env.Add(mb.Key, set)
	}
}
