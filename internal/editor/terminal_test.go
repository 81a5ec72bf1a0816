package editor

import (
	"fmt"
	"testing"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

func TestShells(t *testing.T) {
	const program = "#!"
	linux, darwin := "linux", "darwin"
	for _, tt := range []struct {
		name     string
		os       string
		env      []string
		login    string
		settings string
		task     string
		resolve  string // what asks for the environment
		terminal string
		shell    string // what runs a shell task
	}{
		{"linux_bash", linux, []string{"SHELL=/bin/bash"}, "", `{}`, `{}`,
			"/bin/bash [-i -l -c] login interactive 10", "/bin/bash [] interactive", "/bin/bash [-c]"},
		{"linux_zsh_of_account", linux, nil, "/bin/zsh", `{}`, `{}`,
			"/bin/zsh [-i -l -c] login interactive 10", "/bin/zsh [] interactive", "/bin/zsh [-c]"},
		{"no_shell", linux, nil, "", `{}`, `{}`, "sh [-i -l -c] login interactive 10", "sh [] interactive", "sh [-c]"},
		{"bin_false", linux, []string{"SHELL=/bin/false"}, "", `{}`, `{}`, "/bin/bash [-i -l -c] login interactive 10", "/bin/bash [] interactive", "/bin/bash [-c]"},
		{"macos_zsh", darwin, []string{"SHELL=/bin/zsh"}, "", `{}`, `{}`,
			"/bin/zsh [-i -l -c] login interactive 10", "/bin/zsh [-l] login interactive", "/bin/zsh [-l -c] login"},
		{"macos_other", darwin, []string{"SHELL=/opt/nu"}, "", `{}`, `{}`,
			"/opt/nu [-i -l -c] login interactive 10", "/opt/nu [] interactive", "/opt/nu [-c]"},
		{"tcsh", linux, []string{"SHELL=/bin/tcsh"}, "", `{}`, `{}`, "/bin/tcsh [-ic] interactive 10", "/bin/tcsh [] interactive", "/bin/tcsh [-c]"},
		{"pwsh", linux, []string{"SHELL=/bin/pwsh"}, "", `{}`, `{}`, "/bin/pwsh [-Login -Command] login 10", "/bin/pwsh [] interactive", "/bin/pwsh [-c]"},
		{"code_command", linux, []string{"SHELL=/bin/bash", "VSCODE_CLI=1"}, "", `{}`, `{}`, "skipped", "/bin/bash [] interactive", "/bin/bash [-c]"},
		{"time_limit", linux, []string{"SHELL=/bin/bash"}, "", `{"application.shellEnvironmentResolutionTimeout": 500}`, `{}`,
			"/bin/bash [-i -l -c] login interactive 120", "/bin/bash [] interactive", "/bin/bash [-c]"},
		{"builtin_profile", linux, []string{"SHELL=/bin/bash", "PATH=/bin"}, "", `{"terminal.integrated.defaultProfile.linux": "zsh"}`, `{}`,
			"/bin/bash [-i -l -c] login interactive 10", "/bin/zsh [] interactive", "/bin/zsh [-c]"},
		{"own_profile", linux, []string{"SHELL=/bin/bash", "PATH=/bin"}, "",
			`{"terminal.integrated.defaultProfile.linux": "mine", "terminal.integrated.profiles.linux": {"mine": {"path": ["/none", "zsh"], "args": ["--login", "${env:SHELL}"]}}}`, `{}`,
			"/bin/bash [-i -l -c] login interactive 10", "/bin/zsh [--login /bin/bash] login interactive", "/bin/zsh [--login /bin/bash -c] login"},
		{"builtin_profile_changed", darwin, []string{"SHELL=/bin/bash", "PATH=/bin"}, "",
			`{"terminal.integrated.defaultProfile.osx": "bash", "terminal.integrated.profiles.osx": {"bash": {"path": "/bin/bash"}}}`, `{}`,
			"/bin/bash [-i -l -c] login interactive 10", "/bin/bash [-l] login interactive", "/bin/bash [-l -c] login"},
		{"unknown_profile", linux, []string{"SHELL=/bin/bash"}, "", `{"terminal.integrated.defaultProfile.linux": "none"}`, `{}`,
			"/bin/bash [-i -l -c] login interactive 10", "/bin/bash [] interactive", "/bin/bash [-c]"},
		{"automation_profile", linux, []string{"SHELL=/bin/bash"}, "", `{"terminal.integrated.automationProfile.linux": {"path": "/bin/zsh", "args": ["-l"]}}`, `{}`,
			"/bin/bash [-i -l -c] login interactive 10", "/bin/bash [] interactive", "/bin/zsh [-l -c] login"},
		{"task_shell", linux, []string{"SHELL=/bin/bash"}, "", `{}`, `{"options": {"shell": {"executable": "/bin/zsh", "args": ["-l", "-c"]}}}`,
			"/bin/bash [-i -l -c] login interactive 10", "/bin/bash [] interactive", "/bin/zsh [-l -c] login"},
		{"task_shell_args", linux, []string{"SHELL=/bin/bash"}, "", `{}`, `{"options": {"shell": {"args": ["-ilc"]}}}`,
			"/bin/bash [-i -l -c] login interactive 10", "/bin/bash [] interactive", "/bin/bash [-ilc] login interactive"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := host.Platform{OS: tt.os, Arch: "amd64"}
			h := host.FromFiles(p, nil, map[string]string{userFile: tt.settings, "/bin/bash": program, "/bin/zsh": program,
				"/h/.config/Code/User/tasks.json": `{"tasks": [` + tt.task + `]}`})
			s := Load(h, LoadInput{Home: "/h", Variant: Variant{ID: "code", UserDir: "/h/.config/Code/User"}})
			env := layer.FromList(tt.env, layer.OSEnv, "x", false)
			tasks, _ := LoadTasks(s)
			if got := showRun(ResolveShell(env, s, tt.login)); got != tt.resolve {
				t.Errorf("ResolveShell = %s, want %s", got, tt.resolve)
			}
			if got := showRun(TerminalShell(env, s, tt.login)); got != tt.terminal {
				t.Errorf("TerminalShell = %s, want %s", got, tt.terminal)
			}
			if got := showRun(TaskShellRun(env, s, &tasks[0], tt.login)); got != tt.shell {
				t.Errorf("TaskShellRun = %s, want %s", got, tt.shell)
			}
		})
	}
}

func showRun(r ShellRun) string {
	if !r.Skip.IsZero() {
		return "skipped"
	}
	s := fmt.Sprintf("%s %v", r.Shell, r.Args)
	if r.Login() {
		s += " login"
	}
	if r.Interactive() {
		s += " interactive"
	}
	if r.Timeout != 0 {
		s += fmt.Sprintf(" %d", r.Timeout)
	}
	return s
}

func TestShellOnWindows(t *testing.T) {
	s := Load(host.FromFiles(host.Platform{OS: "windows"}, nil, nil), LoadInput{})
	if r := ResolveShell(&layer.Env{}, s, ""); r.Skip.IsZero() {
		t.Error("the shell is asked on Windows")
	}
	if r := TerminalShell(&layer.Env{}, s, ""); r.Shell != "powershell.exe" {
		t.Errorf("terminal = %+v", r)
	}
}

func TestShellUnknown(t *testing.T) {
	env := &layer.Env{}
	env.Add("SHELL", layer.Set{Unknown: msg.New("reason")})
	if r := ResolveShell(env, window(nil, LoadInput{}), "/bin/bash"); r.Unknown.IsZero() {
		t.Errorf("ResolveShell = %+v", r)
	}
}

func TestServerAsksShellThoughStartedByCode(t *testing.T) {
	s := window(nil, LoadInput{Variant: Variant{ID: "code-server", Remote: true}})
	env := layer.FromList([]string{"SHELL=/bin/bash", "VSCODE_CLI=1"}, layer.OSEnv, "x", false)
	if r := ResolveShell(env, s, ""); !r.Skip.IsZero() {
		t.Errorf("skipped: %s", r.Skip)
	}
}

func TestServerTimeLimit(t *testing.T) {
	files := map[string]string{"/u/User/settings.json": `{"application.shellEnvironmentResolutionTimeout": 3}`}
	server := LoadInput{Variant: Variant{ID: "code-server", UserDir: "/u/User", MachineSettings: "/u/Machine/settings.json", Remote: true}}
	env := layer.FromList([]string{"SHELL=/bin/bash"}, layer.OSEnv, "x", false)
	if r := ResolveShell(env, window(files, server), ""); r.Timeout != 10 {
		t.Errorf("the limit of the user reaches a server: %d", r.Timeout)
	}
	files["/u/Machine/settings.json"] = `{"application.shellEnvironmentResolutionTimeout": 1}`
	if r := ResolveShell(env, window(files, server), ""); r.Timeout != 1 {
		t.Errorf("limit = %d", r.Timeout)
	}
}

// TestResolvedEnv: seen in code-server 4.139.1.
func TestResolvedEnv(t *testing.T) {
	process := layer.FromList([]string{"GOPROXY=server", "GOPRIVATE=server", "PATH=/bin", "XDG_RUNTIME_DIR=/run/user/1", "U=1"}, layer.OSEnv, "server", false)
	shell := process.Clone()
	set := func(name, value string) {
		shell.Add(name, layer.Set{Layer: layer.ShellFile, From: "/h/.profile:1", Value: value})
	}
	set("ELECTRON_RUN_AS_NODE", "1")
	set("VSCODE_RESOLVING_ENVIRONMENT", "1")
	shell.Add("GOPROXY", layer.Set{Layer: layer.ShellFile, From: "/h/.profile:1", Unset: true})
	set("GOPRIVATE", "")
	set("PATH", "/usr/bin")
	set("NEW", "1")
	set("XDG_RUNTIME_DIR", "/none")
	shell.Add("U", layer.Set{Layer: layer.ShellFile, Unknown: msg.New("reason")})
	env := ResolvedEnv(process, shell)
	want := "[GOPROXY=server GOPRIVATE= PATH=/usr/bin XDG_RUNTIME_DIR=/run/user/1 NEW=1]"
	if got := fmt.Sprint(env.List()); got != want {
		t.Errorf("ResolvedEnv = %s, want %s", got, want)
	}
	if id, _ := decided(env, "GOPROXY"); id != layer.OSEnv {
		t.Errorf("GOPROXY from %s", id)
	}
	if _, _, unknown := env.Lookup("U"); unknown.IsZero() {
		t.Error("U is known")
	}
}

func TestExtHost(t *testing.T) {
	env := ExtHost(layer.FromList([]string{"A=1", "NODE_OPTIONS=x", "LD_PRELOAD=y", "DEBUG=*", "VSCODE_RESOLVING_ENVIRONMENT=1"}, layer.OSEnv, "x", false))
	if got := env.List(); len(got) != 1 || got[0] != "A=1" {
		t.Errorf("ExtHost = %q", got)
	}
}
