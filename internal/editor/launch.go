package editor

import (
	"errors"
	"io/fs"

	"github.com/goready/goready/internal/layer"
)

// LaunchConfig is a debug configuration, with the overrides for the window's platform applied.
type LaunchConfig struct {
	Name, Type, Request, Mode string
	Env                       []Member
	EnvFile                   []Member // Value is the file's name as written
	DebugAdapter, Console     string
	Port                      bool // port or debugServer is given: nothing is spawned
	Node                      *Node
	Pos                       Position
	Folder                    int // index of the workspace folder it belongs to, -1 for the workspace or user
}

// LoadLaunch returns the debug configurations of all types of a window: launch.json of each folder, "launch" of the
// .code-workspace file and of the user's settings.
func LoadLaunch(s *Settings) ([]LaunchConfig, []Problem) {
	var list []LaunchConfig
	var problems []Problem
	for i, f := range s.folders {
		root, bad := s.optional(s.platform().Join(f.Path, ".vscode", "launch.json"))
		problems = append(problems, bad...)
		list = append(list, s.launchConfigs(root, i)...)
	}
	list = append(list, s.launchConfigs(s.workspaceRoot.Get("launch"), -1)...)
	if s.user != nil {
		list = append(list, s.launchConfigs(s.user.root.Get("launch"), -1)...)
	}
	return list, problems
}

// optional parses a file that need not exist.
func (s *Settings) optional(file string) (*Node, []Problem) {
	root, problems, err := s.parse(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return objectOrNil(root), problems
}

// maxConfigs bounds the launch configurations and tasks of one file.
const maxConfigs = 1000

func (s *Settings) launchConfigs(root *Node, folder int) []LaunchConfig {
	configs := root.Get("configurations")
	if configs == nil {
		return nil
	}
	var list []LaunchConfig
	for _, e := range configs.Elems[:min(len(configs.Elems), maxConfigs)] {
		if e.Kind == Object {
			list = append(list, s.launchConfig(e, folder))
		}
	}
	return list
}

func (s *Settings) launchConfig(n *Node, folder int) LaunchConfig {
	n = s.hoist(n)
	str := func(key string) string { v, _ := n.Get(key).Str(); return v }
	c := LaunchConfig{
		Name: str("name"), Type: str("type"), Request: str("request"), Mode: str("mode"),
		DebugAdapter: str("debugAdapter"), Console: str("console"),
		Env:  envMembers(n.field("env"), layer.LaunchEnv),
		Port: truthy(n.Get("port")) || truthy(n.Get("debugServer")),
		Node: n, Pos: n.Pos, Folder: folder,
	}
	if f := n.field("envFile"); f != nil {
		c.EnvFile = envFileMembers(f)
	}
	return c
}

// hoist puts the members of the block for the platform ("linux": {…}) over those of the object.
func (s *Settings) hoist(n *Node) *Node {
	block := n.Get(s.osName())
	if block == nil || block.Kind != Object {
		return n
	}
	n = n.copyObject()
	for _, f := range block.Fields {
		n.put(f)
	}
	return n
}

// osName returns VS Code's name of the platform in settings and configurations.
func (s *Settings) osName() string {
	switch s.platform().OS {
	case "darwin":
		return "osx"
	case "windows":
		return "windows"
	}
	return "linux"
}

// truthy reports whether JavaScript takes a value for true.
func truthy(n *Node) bool {
	if n == nil {
		return false
	}
	switch n.Kind {
	case Null:
		return false
	case Bool:
		return n.Text == "true"
	case Number:
		return jsNumber(n.Text) != "0"
	case String:
		return n.Text != ""
	}
	return true
}

// envMembers returns the members of an "env" object.
func envMembers(f *Field, id layer.ID) []Member {
	if f == nil || f.Value.Kind != Object {
		return nil
	}
	var list []Member
	for _, m := range f.Value.Fields[:min(len(f.Value.Fields), maxMembers)] {
		list = append(list, Member{Key: m.Key, Value: m.Value, Layer: id, Pos: m.Pos,
			Trail: []Origin{{Layer: id, Pos: m.Pos, Value: m.Value, Applied: true}}})
	}
	return list
}

func envFileMembers(f *Field) []Member {
	names := []*Node{f.Value}
	if f.Value.Kind == Array {
		names = f.Value.Elems
	}
	var list []Member
	for _, n := range names[:min(len(names), maxConfigs)] {
		if text, ok := n.Str(); ok && text != "" {
			list = append(list, Member{Key: "envFile", Value: n, Layer: layer.LaunchEnvFile, Pos: n.Pos})
		}
	}
	return list
}
