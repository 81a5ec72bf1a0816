package editor

import (
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// TerminalEnv returns the environment an integrated terminal's shell is started with, before its start-up files
// (terminalEnvironment.ts createTerminalEnvironment). base is the environment of the window with the resolved shell
// environment; bare is without it, and is used if terminal.integrated.inheritEnv is false. pathPrefix is what Snapshot
// returned; it is put before PATH when the terminal starts, and again after the start-up files.
func TerminalEnv(base, bare *layer.Env, s *Settings, pathPrefix string) *layer.Env {
	env := base.Clone()
	if st := s.Lookup("terminal.integrated.inheritEnv", -1); st.Value.False() {
		env = bare.Clone()
	}
	s.addTerminalEnv(env, base)
	_, prof, _ := s.defaultProfile()
	s.addProfileEnv(env, base, prof)
	s.addPathPrefix(env, pathPrefix)
	return env
}

// TaskTerminalEnv returns the environment of the terminals that tasks run in, before what the task itself sets. Tasks
// always inherit the environment of the window.
func TaskTerminalEnv(base *layer.Env, s *Settings, pathPrefix string) *layer.Env {
	env := base.Clone()
	s.addTerminalEnv(env, base)
	s.addPathPrefix(env, pathPrefix)
	return env
}

// addTerminalEnv removes VS Code's own variables from env and lays terminal.integrated.env over it.
func (s *Settings) addTerminalEnv(env, base *layer.Env) {
	s.sanitize(env)
	s.addTerminalMembers(env, base, s.Object("terminal.integrated.env."+s.osName(), -1))
}

func (s *Settings) addProfileEnv(env, base *layer.Env, p profile) {
	s.addTerminalMembers(env, base, mergeMembers(p.originsOf("env")))
}

func (s *Settings) addTerminalMembers(env, base *layer.Env, members []Member) {
	scope := s.scope(base, terminalFolder(s))
	for _, mb := range members[:min(len(members), maxMembers)] {
		for _, o := range mb.Trail {
			env.Add(mb.Key, terminalSet(scope, o))
		}
	}
}

func (s *Settings) addPathPrefix(env *layer.Env, pathPrefix string) {
	if pathPrefix == "" {
		return
	}
	path, _, unknown := env.Lookup("PATH")
	env.Add("PATH", layer.Set{Layer: layer.Frozen, From: extensionItself, Value: pathPrefix + s.platform().ListSeparator() + path, Unknown: unknown,
		Why: msg.New("the extension puts its Go first in terminals, too")})
}

func terminalFolder(s *Settings) int {
	if len(s.folders) > 0 {
		return 0
	}
	return -1
}

// terminalSet is one entry of terminal.integrated.env.*: strings are set, everything else deletes the variable.
func terminalSet(scope Scope, o Origin) layer.Set {
	set := layer.Set{Layer: layer.TerminalEnv, From: o.From()}
	if text, ok := o.Value.Str(); ok {
		t := scope.VSCode(text)
		set.Value, set.Unknown = t.Value, t.Unknown
	} else {
		set.Unset = true
	}
	if !o.Applied {
		set.Skipped, set.Unknown, set.Unset = o.Why, msg.Text{}, false
	}
	return set
}

// sanitize removes what VS Code does not pass on to terminals (base/common/processes.ts sanitizeProcessEnvironment;
// code-server adds its own).
func (s *Settings) sanitize(env *layer.Env) {
	for _, name := range env.Names() {
		internal := internalVariable(name) || s.in.Variant.ID == "code-server" && strings.HasPrefix(name, "CODE_SERVER_")
		if _, ok, unknown := env.Lookup(name); (ok || !unknown.IsZero()) && internal {
			env.Add(name, layer.Set{Layer: layer.TerminalEnv, From: "the editor", Unset: true, Why: msg.New("VS Code removes its own variables from terminals")})
		}
	}
}

func internalVariable(name string) bool {
	if rest, ok := strings.CutPrefix(name, "VSCODE_"); ok && rest != "" {
		for _, keep := range []string{"PORTABLE", "SHELL_LOGIN", "ENV_REPLACE", "ENV_APPEND", "ENV_PREPEND"} {
			if strings.HasPrefix(rest, keep) {
				return false
			}
		}
		return name != "VSCODE_IPC_HOOK_CLI"
	}
	return len(name) > len("ELECTRON_") && strings.HasPrefix(name, "ELECTRON_") || name == "SNAP" || strings.HasPrefix(name, "SNAP_") ||
		len(name) > len("GDK_PIXBUF_") && strings.HasPrefix(name, "GDK_PIXBUF_")
}

// ShellRun is how VS Code starts a shell.
type ShellRun struct {
	Shell string   // its path
	Args  []string // without the command to run
	Env   []string // "KEY=value" added for the shell only
	// Skip, if not zero, says why the shell is not run at all.
	Skip msg.Text
	// Timeout in seconds, after which the result is thrown away; 0: none.
	Timeout int
	From    string // where the shell or its arguments are written: "file:line" or a description
	// Unknown, if not zero, says why it cannot be told how the shell is started; the rest is a guess.
	Unknown msg.Text
}

// Login reports whether the arguments make it a login shell.
func (r ShellRun) Login() bool { return r.flag('l', "--login", "-Login") }

// Interactive reports whether it is an interactive shell: it is asked to be, or it has no command to run.
func (r ShellRun) Interactive() bool {
	return r.flag('i', "--interactive") || !r.flag('c', "--command", "-Command", "/c")
}

// flag reports whether a flag is among the arguments, alone or in a bundle such as -ilc.
func (r ShellRun) flag(letter byte, long ...string) bool {
	for _, a := range r.Args {
		for _, l := range long {
			if strings.EqualFold(a, l) {
				return true
			}
		}
		if len(a) > 1 && a[0] == '-' && a[1] != '-' && strings.IndexByte(a, letter) > 0 && strings.Trim(a[1:], "abcdefghijklmnopqrstuvwxyz") == "" && len(a) <= 5 {
			return true
		}
	}
	return false
}

// systemShell returns the user's shell as VS Code finds it (base/node/shell.ts getSystemShell). loginShell is the one
// of the user's account, "" if unknown.
func systemShell(env *layer.Env, loginShell string) (shell, from string, unknown msg.Text) {
	shell, _, unknown = env.Lookup("SHELL")
	from = fromOf(env, "SHELL")
	if shell == "" && unknown.IsZero() {
		shell, from = loginShell, "the user's account"
	}
	switch shell {
	case "":
		shell, from = "sh", "the editor"
	case "/bin/false":
		shell, from = "/bin/bash", "the editor"
	}
	return shell, from, unknown
}

// ResolveShell says how VS Code asks the user's shell for its environment (platform/shell/node/shellEnv.ts).
// process is the environment of the editor's main process or server, loginShell the shell of the user's account.
func ResolveShell(process *layer.Env, s *Settings, loginShell string) ShellRun {
	if s.platform().Windows() {
		return ShellRun{Skip: msg.New("VS Code does not ask the shell on Windows")}
	}
	r := ShellRun{Timeout: 10, Env: []string{"ELECTRON_RUN_AS_NODE=1", "ELECTRON_NO_ATTACH_CONSOLE=1", "VSCODE_RESOLVING_ENVIRONMENT=1"}}
	r.Shell, r.From, r.Unknown = systemShell(process, loginShell)
	if process.Get("VSCODE_CLI") == "1" && !s.in.Variant.Remote {
		r.Skip = msg.New("VS Code was started by the code command and keeps the environment of that terminal")
	}
	limit := s.Lookup("application.shellEnvironmentResolutionTimeout", -1).Value
	if s.in.Variant.Remote {
		limit, _ = s.remote.at("application.shellEnvironmentResolutionTimeout") // a server reads only its own settings
	}
	if limit != nil && limit.Kind == Number {
		if n, ok := smallInt(limit.Text); ok {
			r.Timeout = max(1, min(n, 120))
		}
	}
	switch base := s.platform().Base(r.Shell); base {
	case "pwsh", "pwsh-preview":
		r.Args = []string{"-Login", "-Command"}
	case "tcsh", "csh":
		r.Args = []string{"-ic"}
	default:
		r.Args = []string{"-i", "-l", "-c"}
	}
	return r
}

func smallInt(text string) (int, bool) {
	n := 0
	for i := 0; i < len(text); i++ {
		if !isDigit(text[i]) || n > 1e6 {
			return 0, false
		}
		n = 10*n + int(text[i]-'0')
	}
	return n, text != ""
}

// ResolvedEnv returns the environment of a window or server once the user's shell was asked: process is its own
// environment, shell what the shell had after its start-up files (run with ShellRun.Env over process). The shell's
// values are laid over the process's: a start-up file adds and changes variables, but takes none away.
func ResolvedEnv(process, shell *layer.Env) *layer.Env {
	env := shell.Clone()
	back := func(name string, why msg.Text) {
		set, ok := lastSet(process, name)
		if !ok {
			set = layer.Set{Layer: layer.OSEnv, From: "VS Code", Unset: true}
		}
		set.Why = why
		env.Add(name, set)
	}
	for _, name := range process.Names() {
		_, was, _ := process.Lookup(name)
		_, is, unknown := shell.Lookup(name)
		if was && !is && unknown.IsZero() {
			back(name, msg.New("a start-up file cannot take away what the editor was started with"))
		}
	}
	for _, name := range []string{"ELECTRON_RUN_AS_NODE", "ELECTRON_NO_ATTACH_CONSOLE", "VSCODE_RESOLVING_ENVIRONMENT", "XDG_RUNTIME_DIR"} {
		if _, mentioned := lastSet(env, name); mentioned {
			back(name, msg.New("VS Code does not take it from the shell"))
		}
	}
	return env
}

// lastSet returns the set that decides about a variable.
func lastSet(env *layer.Env, name string) (layer.Set, bool) {
	trail := env.Trail(name)
	for i := len(trail) - 1; i >= 0; i-- {
		if trail[i].Skipped.IsZero() {
			return trail[i], true
		}
	}
	return layer.Set{}, false
}

// ExtHost returns the environment the extension host starts with, from the environment of the window or server with
// the resolved shell environment: without the variables that VS Code removes (removeDangerousEnvVariables).
func ExtHost(resolved *layer.Env) *layer.Env {
	env := resolved.Clone()
	for _, name := range env.Names() {
		switch strings.ToUpper(name) {
		case "DEBUG", "NODE_OPTIONS", "VSCODE_NODE_OPTIONS", "LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "VSCODE_RESOLVING_ENVIRONMENT":
			if _, ok, unknown := env.Lookup(name); ok || !unknown.IsZero() {
				env.Add(name, layer.Set{Layer: layer.OSEnv, From: "the editor", Unset: true, Why: msg.New("VS Code removes it from the environment of extensions")})
			}
		}
	}
	return env
}

// profile is a terminal profile of the settings.
type profile struct {
	node    *Node
	origins []Origin // weakest first
}

// originsOf returns what the layers say about a member of the profile.
func (p profile) originsOf(key string) []Origin {
	var list []Origin
	for _, o := range p.origins {
		if f := o.Value.field(key); f != nil {
			list = append(list, Origin{Layer: o.Layer, Pos: f.Pos, Value: f.Value, Applied: o.Applied, Why: o.Why})
		}
	}
	return list
}

// defaultProfile returns the profile that terminal.integrated.defaultProfile names, as far as the settings describe
// it. ok is false if none is named.
func (s *Settings) defaultProfile() (name string, p profile, ok bool) {
	name, ok = s.Lookup("terminal.integrated.defaultProfile."+s.osName(), -1).Value.Str()
	if !ok || name == "" {
		return "", profile{}, false
	}
	for _, mb := range s.Object("terminal.integrated.profiles."+s.osName(), -1) {
		if mb.Key == name && mb.Value != nil && mb.Value.Kind == Object {
			return name, profile{mb.Value, mb.Trail}, true
		}
	}
	return name, profile{}, true
}

// automationProfile returns the profile that shell tasks use, if there is one of their own.
func (s *Settings) automationProfile() (profile, bool) {
	st := s.Lookup("terminal.integrated.automationProfile."+s.osName(), -1)
	if st.Value == nil || st.Value.Kind != Object {
		return profile{}, false
	}
	return profile{st.Value, st.Trail}, true
}

// taskProfile returns the profile whose env shell tasks get, also those that name a shell of their own.
func (s *Settings) taskProfile() profile {
	if prof, ok := s.automationProfile(); ok {
		return prof
	}
	_, prof, _ := s.defaultProfile()
	return prof
}

// builtinProfiles are the names of the profiles VS Code has without any setting (terminalPlatformConfiguration.ts).
// The path of each is its name; on macOS shells get -l.
func builtinProfile(p host.Platform, name string) (args []string, ok bool) {
	switch name {
	case "bash", "zsh", "fish":
		if p.OS == "darwin" {
			args = []string{"-l"}
		}
		return args, !p.Windows()
	case "tmux", "pwsh":
		return nil, !p.Windows()
	}
	return nil, false
}

// TerminalShell says how the integrated terminal starts its default shell. base is the environment of the window.
func TerminalShell(base *layer.Env, s *Settings, loginShell string) ShellRun {
	p := s.platform()
	if name, prof, ok := s.defaultProfile(); ok {
		if r, ok := s.profileShell(base, name, prof); ok {
			return r
		}
	}
	var r ShellRun
	if p.Windows() {
		return ShellRun{Shell: "powershell.exe", From: "the editor", Args: nil}
	}
	r.Shell, r.From, r.Unknown = systemShell(base, loginShell)
	r.Args, _ = builtinProfile(p, p.Base(r.Shell))
	return r
}

// profileShell starts the shell of a named profile; false if the profile is unknown or its program does not exist.
func (s *Settings) profileShell(base *layer.Env, name string, prof profile) (ShellRun, bool) {
	args, builtin := builtinProfile(s.platform(), name)
	if prof.node == nil {
		if !builtin {
			return ShellRun{}, false
		}
		path, ok := s.shellPath(base, name)
		return ShellRun{Shell: path, Args: args, From: "the editor"}, ok
	}
	scope := s.scope(base, terminalFolder(s))
	r := ShellRun{From: prof.node.Pos.String()}
	if v := prof.node.Get("args"); v != nil {
		args = nil
		for _, a := range v.Strings() {
			args = append(args, scope.VSCode(a).Value)
		}
	}
	r.Args = args
	paths := prof.node.Get("path").Strings()
	if len(paths) == 0 && builtin {
		paths = []string{name}
	}
	for _, text := range paths {
		t := scope.VSCode(text)
		if path, ok := s.shellPath(base, t.Value); ok {
			r.Shell, r.Unknown = path, t.Unknown
			return r, true
		}
	}
	return r, false
}

// shellPath finds a shell by path, or by name on PATH.
func (s *Settings) shellPath(base *layer.Env, name string) (string, bool) {
	if s.platform().IsAbs(name) {
		return name, s.exists(name)
	}
	path, err := host.LookPath(s.h, name, base.Get("PATH"), s.in.Home)
	return path, err == nil
}

// TaskShellRun says how a task of type shell starts its shell (terminalTaskSystem.ts createShellLaunchConfig).
func TaskShellRun(base *layer.Env, s *Settings, t *Task, loginShell string) ShellRun {
	r := TerminalShell(base, s, loginShell)
	if prof, ok := s.automationProfile(); ok {
		if a, ok := s.profileShell(base, "", prof); ok {
			r = a
		}
	}
	if t.Shell.Executable != "" {
		if t.Shell.Executable != r.Shell {
			r.Args = nil
		}
		r.Shell, r.From = t.Shell.Executable, t.Shell.Pos.String()
	}
	if t.Shell.ArgsSet {
		r.Args = t.Shell.Args
	}
	if t.Shell.Executable == "" && !r.flag('c') {
		r.Args = append(r.Args[:len(r.Args):len(r.Args)], "-c")
	}
	return r
}
