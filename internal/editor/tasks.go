package editor

import (
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Task is a task of tasks.json, with the overrides of the window's platform applied.
type Task struct {
	Label, Type, Command string
	Args                 []string
	Env                  []Member // options.env
	Cwd                  string
	Shell                TaskShell // options.shell
	Node                 *Node
	Pos                  Position
	Folder               int // index of the workspace folder it belongs to, -1 for the workspace or user
}

// TaskShell is an explicit shell of a task.
type TaskShell struct {
	Executable string
	Args       []string
	ArgsSet    bool
	Pos        Position
}

// LoadTasks returns the tasks of a window: of each folder, the .code-workspace file and the user.
func LoadTasks(s *Settings) ([]Task, []Problem) {
	var list []Task
	var problems []Problem
	load := func(file string, folder int) {
		root, bad := s.optional(file)
		problems = append(problems, bad...)
		list = append(list, s.tasks(root, folder)...)
	}
	p := s.platform()
	for i, f := range s.folders {
		load(p.Join(f.Path, ".vscode", "tasks.json"), i)
	}
	list = append(list, s.tasks(s.workspaceRoot.Get("tasks"), -1)...)
	if dir := s.in.Variant.UserDir; dir != "" {
		if s.Profile != "" {
			dir = p.Join(dir, "profiles", s.Profile)
		}
		load(p.Join(dir, "tasks.json"), -1)
	}
	return list, problems
}

func (s *Settings) tasks(root *Node, folder int) []Task {
	tasks := root.Get("tasks")
	if tasks == nil {
		return nil
	}
	var list []Task
	for _, e := range tasks.Elems[:min(len(tasks.Elems), maxConfigs)] {
		if e.Kind == Object {
			list = append(list, s.task(root, e, folder))
		}
	}
	return list
}

func (s *Settings) task(root, n *Node, folder int) Task {
	str := func(keys ...string) string {
		for _, key := range keys {
			if v, ok := n.Get(s.osName()).Get(key).Str(); ok {
				return v
			}
			if v, ok := n.Get(key).Str(); ok {
				return v
			}
		}
		return ""
	}
	t := Task{Label: str("label", "taskName"), Type: str("type"), Command: str("command"), Node: n, Pos: n.Pos, Folder: folder,
		Args: n.Get("args").Strings()}
	if t.Label == "" {
		t.Label = t.Command
	}
	if t.Type == "" {
		t.Type = "process"
	}
	// Later ones win; the file's own options hold only where the task says nothing.
	own := []*Node{n.Get("options"), n.Get(s.osName()).Get("options")}
	global := []*Node{root.Get("options"), root.Get(s.osName()).Get("options")}
	if t.Env = optionsEnv(own); t.Env == nil {
		t.Env = optionsEnv(global)
	}
	for _, o := range append(global, own...) {
		if cwd, ok := o.Get("cwd").Str(); ok {
			t.Cwd = cwd
		}
		t.Shell.over(o.Get("shell"))
	}
	return t
}

// optionsEnv merges the env of options key by key (taskConfiguration.ts CommandOptions.assignProperties).
func optionsEnv(options []*Node) []Member {
	var list []Member
	index := map[string]int{}
	for _, o := range options {
		for _, mb := range envMembers(o.field("env"), layer.TaskEnv) {
			if i, ok := index[mb.Key]; ok {
				list[i].add(mb.Trail[0])
				continue
			}
			index[mb.Key] = len(list)
			list = append(list, mb)
		}
	}
	return list
}

func (t *TaskShell) over(n *Node) {
	if n == nil {
		return
	}
	if v, ok := n.Get("executable").Str(); ok {
		*t = TaskShell{Executable: v, Pos: n.Pos}
	}
	if a := n.Get("args"); a != nil {
		t.Args, t.ArgsSet, t.Pos = a.Strings(), true, n.Pos
	}
}

// TaskEnv returns the environment of a task before any shell start-up file. terminal is what TaskTerminalEnv returns.
func (m Model) TaskEnv(exthost, terminal *layer.Env, s *Settings, t *Task) (*layer.Env, []Problem) {
	env := terminal.Clone()
	if t.Type == "shell" {
		s.addProfileEnv(env, terminal, s.taskProfile())
	}
	if t.Type == "go" {
		// goTaskProvider.ts mergedToolExecutionEnv: the tools' environment without process.env.
		m.addTools(env, exthost, s, t.Folder)
		m.addGopath(env, exthost, s, t.Folder)
	}
	var problems []Problem
	scope := s.scope(exthost, t.Folder)
	for _, mb := range t.Env {
		if mb.Value.Kind == Null {
			problems = append(problems, Problem{Pos: mb.Pos, Severity: Broken, Key: "options.env." + mb.Key, Text: msg.New("the task fails, null is no value for a variable here")})
			continue
		}
		for _, o := range mb.Trail {
			set := layer.Set{Layer: layer.TaskEnv, From: o.From(), Value: o.Value.Env(), Why: msg.New("the options of the task are laid over the environment of the terminal")}
			if text, ok := o.Value.Str(); ok {
				v := scope.VSCode(text)
				set.Value, set.Unknown = v.Value, v.Unknown
			}
			env.Add(mb.Key, set)
		}
	}
	return env, problems
}
