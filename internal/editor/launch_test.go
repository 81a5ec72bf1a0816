package editor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

func TestLoadLaunch(t *testing.T) {
	s := window(map[string]string{
		"/w/x.code-workspace":      `{"folders": [{"path": "a"}], "launch": {"configurations": [{"name": "W", "type": "go", "request": "launch"}]}}`,
		"/w/a/.vscode/launch.json": "{\n\"configurations\": [\n{\"name\": \"A\", \"type\": \"go\", \"request\": \"launch\",\n\"env\": {\"X\": \"1\"}, \"linux\": {\"mode\": \"test\"}, \"debugServer\": 4711},\n5, {\"name\": \"N\", \"type\": \"node\"}]}",
		userFile:                   `{"launch": {"configurations": [{"name": "U", "type": "go", "request": "attach", "envFile": ["a", 5, ""]}]}}`,
	}, LoadInput{WorkspaceFile: "/w/x.code-workspace"})
	configs, problems := LoadLaunch(s)
	var got []string
	for _, c := range configs {
		got = append(got, fmt.Sprintf("%s %s %s folder=%d env=%d files=%d port=%v %s", c.Name, c.Type, c.Mode, c.Folder, len(c.Env), len(c.EnvFile), c.Port, c.Pos))
	}
	want := []string{
		"A go test folder=0 env=1 files=0 port=true /w/a/.vscode/launch.json:3",
		"N node  folder=0 env=0 files=0 port=false /w/a/.vscode/launch.json:5",
		"W go  folder=-1 env=0 files=0 port=false /w/x.code-workspace:1",
		"U go  folder=-1 env=0 files=1 port=false " + userFile + ":1",
	}
	if len(problems) != 0 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nproblems %v, want\n%s", strings.Join(got, "\n"), problems, strings.Join(want, "\n"))
	}
	if pos := configs[0].Env[0].Pos; pos.Line != 4 || pos.Col != 9 {
		t.Errorf("env.X at %+v", pos)
	}
}

func TestLoadTasks(t *testing.T) {
	s := window(map[string]string{
		"/w/.vscode/tasks.json": `{"tasks": [
			{"label": "b", "type": "shell", "command": "go", "args": ["build", {"value": "x"}], "options": {"cwd": "/c", "env": {"A": "1", "B": "1"}},
			 "linux": {"command": "go1.26", "options": {"env": {"B": "2"}, "shell": {"executable": "/bin/dash", "args": ["-e", "-c"]}}}},
			{"taskName": "old"}, 7]}`,
		"/h/.config/Code/User/tasks.json": `{"tasks": [{"label": "u", "type": "process"}]}`,
	}, LoadInput{Folders: []string{"/w"}})
	tasks, problems := LoadTasks(s)
	var got []string
	for _, k := range tasks {
		var env []string
		for _, m := range k.Env {
			env = append(env, m.Key+"="+m.Value.Text)
		}
		got = append(got, fmt.Sprintf("%s %s %s %v %v %s %s%v %d", k.Label, k.Type, k.Command, k.Args, env, k.Cwd, k.Shell.Executable, k.Shell.Args, k.Folder))
	}
	want := "[b shell go1.26 [build] [A=1 B=2] /c /bin/dash[-e -c] 0 old process  [] []  [] 0 u process  [] []  [] -1]"
	if fmt.Sprint(got) != want || len(problems) != 0 {
		t.Errorf("tasks = %v, want %s; problems %v", got, want, problems)
	}
}

func TestDevContainers(t *testing.T) {
	h := host.FromFiles(host.Platform{OS: "linux"}, nil, map[string]string{
		"/w/.devcontainer.json":                 `{"name": "root", "dockerComposeFile": ["a.yml", "b.yml"], "settings": {"go.gopath": "/x"}, "extensions": ["golang.go"]}`,
		"/w/.devcontainer/go/devcontainer.json": `{"build": {"dockerfile": "Dockerfile"}, "userEnvProbe": "none"}`,
		"/w/.devcontainer/devcontainer.json": `{
			"name": "main", "image": "golang:1.26", "remoteUser": "dev",
			"containerEnv": {"A": "${localEnv:L}", "B": "${localEnv:NO:dflt}", "C": "${containerEnv:PATH}", "W": "${localWorkspaceFolderBasename}:${containerWorkspaceFolder}"},
			"remoteEnv": {
				"PATH": "/x:${containerEnv:PATH}", "GONE": null, "U": "${localEnv:U}", "D": "${devcontainerId}"
			},
			"features": {"ghcr.io/devcontainers/features/go:1": {"version": "1.26"}},
			"customizations": {"vscode": {"settings": {"go.toolsEnvVars": {"X": "1"}}, "extensions": ["golang.go"]}},
		}`,
	})
	list := LoadDevContainers(h, "/w")
	if len(list) != 3 || list[0].Name != "main" || list[1].Name != "root" || list[2].Dockerfile != "Dockerfile" {
		t.Fatalf("found %+v", list)
	}
	if list[1].Compose[1] != "b.yml" || len(list[1].Settings) != 1 || list[1].Extensions[0] != "golang.go" || list[2].UserEnvProbe != "none" {
		t.Errorf("found %+v", list)
	}
	d := list[0]
	if d.Image != "golang:1.26" || d.UserEnvProbe != "loginInteractiveShell" || d.RemoteUser != "dev" || d.Features[0].Key != "ghcr.io/devcontainers/features/go:1" ||
		len(d.Settings) != 1 || d.Workspace != "/workspaces/w" || len(d.Problems) != 0 {
		t.Errorf("main = %+v", d)
	}
	local := layer.FromList([]string{"L=local"}, layer.OSEnv, "x", false)
	local.Add("U", layer.Set{Unknown: msg.New("reason")})
	container := layer.FromList([]string{"PATH=/go/bin", "GONE=1"}, layer.OSEnv, "image", false)
	d.AddContainerEnv(h.Platform(), container, local, "/w")
	remote := container.Clone()
	d.AddRemoteEnv(h.Platform(), remote, local, container, "/w")
	for name, want := range map[string]string{"A": "local", "B": "dflt", "C": "${containerEnv:PATH}", "W": "w:/workspaces/w", "PATH": "/x:/go/bin"} {
		if got, ok, _ := remote.Lookup(name); got != want || !ok {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if _, ok, _ := remote.Lookup("GONE"); ok {
		t.Error("null does not delete")
	}
	for _, name := range []string{"U", "D"} {
		if _, _, unknown := remote.Lookup(name); unknown.IsZero() {
			t.Errorf("%s is known", name)
		}
	}
	if id, from := decided(remote, "PATH"); id != layer.RemoteEnv || from != "/w/.devcontainer/devcontainer.json:5" {
		t.Errorf("PATH from %s %s", id, from)
	}
}

// FuzzWindow puts the same text into every file of a window and asks everything of it.
func FuzzWindow(f *testing.F) {
	for _, s := range []string{
		`{"go.toolsEnvVars": {"A": "${env:A}", "B": 1, "C": null}, "http.proxy": "http://p", "gopls": {"env": {"A": 1}}, "go.gopath": "~"}`,
		`{"configurations": [{"name": "L", "type": "go", "request": "launch", "env": {"A": null, "B": 1}, "envFile": "/w/.vscode/launch.json"}]}`,
		`{"tasks": [{"label": "t", "type": "go", "options": {"env": {"A": 1}, "shell": {"executable": "x"}}}], "folders": [{"path": "/w"}]}`,
		`{"containerEnv": {"A": "${localEnv:A:b}"}, "remoteEnv": {"B": null}, "go.testEnvFile": "/w/.vscode/launch.json"}`,
		`{"terminal.integrated.defaultProfile.linux": "x", "terminal.integrated.profiles.linux": {"x": {"path": ["a"], "args": ["-l"], "env": {"A": null}}}}`,
		`{"go": {"x": 1}, "go.x.y": 2, "": 3, ".": 4, "go.": 5, "go..x": 6}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		files := map[string]string{}
		for _, name := range []string{userFile, "/w/.vscode/settings.json", "/w/.vscode/launch.json", "/w/.vscode/tasks.json", "/w/x.code-workspace",
			"/w/.devcontainer.json", "/h/.config/Code/User/tasks.json", "/u/Machine/settings.json"} {
			files[name] = in
		}
		askEverything(window(files, LoadInput{Folders: []string{"/w"}}))
		askEverything(window(files, LoadInput{WorkspaceFile: "/w/x.code-workspace"}))
		askEverything(window(files, LoadInput{Folders: []string{"/w", "/v"}, Variant: Variant{ID: "code-server", UserDir: "/h/.config/Code/User", MachineSettings: "/u/Machine/settings.json", Remote: true}}))
	})
}

func askEverything(s *Settings) {
	m, _ := ModelFor("")
	exthost := layer.FromList([]string{"PATH=/usr/bin", "HOME=/h", "A=1"}, layer.OSEnv, "x", false)
	m.SetGoroot(exthost, s, 0)
	found := m.FindGo(exthost, s, 0, "")
	m.FindTool("gopls", exthost, s, 0, "/r")
	prefix := m.Snapshot(exthost, s, 0, found, Answers{GOROOT: "/r"})
	m.GoplsEnv(m.ToolEnv(exthost, s, 0), s, 0)
	m.InstallEnv(exthost, s, 0)
	m.TestEnv(exthost, s, 0)
	terminal := TerminalEnv(exthost, nil, s, prefix)
	configs, _ := LoadLaunch(s)
	for i := range configs {
		m.DebugEnv(exthost, terminal, s, &configs[i])
	}
	tasks, _ := LoadTasks(s)
	for i := range tasks {
		m.TaskEnv(exthost, terminal, s, &tasks[i])
		TaskShellRun(exthost, s, &tasks[i], "/bin/sh")
	}
	ResolveShell(exthost, s, "/bin/sh")
	TerminalShell(exthost, s, "/bin/sh")
	s.Lint(m)
	LintLaunch(s, m, configs)
	LintTasks(s, m, tasks)
	for _, d := range LoadDevContainers(s.Host(), "/w") {
		d.AddContainerEnv(s.platform(), exthost, exthost, "/w")
		d.AddRemoteEnv(s.platform(), exthost, exthost, nil, "/w")
	}
}
