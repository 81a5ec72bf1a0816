package editor

import "github.com/goready/goready/internal/host"

// LaunchConfig is a debug configuration of type go.
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
func LoadLaunch(h host.Host, s *Settings) ([]LaunchConfig, []Problem) { return nil, nil }

// Task is a task of tasks.json, with the overrides of the window's platform applied.
type Task struct {
	Label, Type, Command string
	Args                 []*Node
	Env                  []Member // options.env
	Cwd                  string
	Shell                TaskShell // options.shell
	Node                 *Node
	Pos                  Position
	Folder               int
}

// TaskShell is an explicit shell of a task.
type TaskShell struct {
	Executable string
	Args       []string
	ArgsSet    bool
	Pos        Position
}

// LoadTasks returns the tasks of a window: of each folder, the .code-workspace file and the user.
func LoadTasks(h host.Host, s *Settings) ([]Task, []Problem) { return nil, nil }

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
	Problems     []Problem
	Node         *Node
}

// LoadDevContainers returns the dev container configurations of a folder.
func LoadDevContainers(h host.Host, folder string) []DevContainer { return nil }
