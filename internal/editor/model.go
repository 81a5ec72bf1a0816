package editor

import (
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Model is what a range of versions of the Go extension does, as data.
type Model struct {
	First, Last string // versions of the extension, inclusive
	// FrozenVars are copied from `go env` into the extension host's environment if unset there (SNAPSHOT).
	FrozenVars []string
	// ProxyVars get the value of the setting http.proxy.
	ProxyVars []string
	// InstallDeletes are removed from the process environment for the installation of tools.
	InstallDeletes   []string
	InstallToolchain string // GOTOOLCHAIN for the installation of tools
	InstallMinGo     string // older Go is refused
	// GoplsFlags are the command-line flags of gopls; with any other it does not start.
	GoplsFlags []string
	// Tools are the tools that the extension knows; settings that name others do nothing.
	Tools []Tool
	// LintTools are the values of go.lintTool.
	LintTools []string
	// GoplsOffline is laid over the environment of go commands that gopls does not allow network: type-checking after a
	// change, and the diagnostics of go.mod. The first load of a workspace and explicit commands run without it.
	GoplsOffline []string
}

// Tool is a program that the extension installs (goToolsInformation.ts).
type Tool struct {
	Name, ImportPath string
	Version          string // what is installed; "" is the latest
	MinGo            string
}

// extensionItself is where values come from that are written in the code of the extension.
const extensionItself = "the Go extension"

// Models returns the known models, oldest first. Each states where it was read.
func Models() []Model {
	frozen := []string{"GOPATH", "GOPROXY", "GOBIN", "GOMODCACHE"}
	proxy := []string{"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"}
	flags := []string{"remote", "v", "verbose", "vv", "veryverbose", "otel", "logfile", "mode", "listen", "listen.timeout", "rpc.trace",
		"debug", "remote.listen.timeout", "remote.debug", "remote.logfile", "mcp.listen", "profile.cpu", "profile.mem", "profile.alloc",
		"profile.trace", "profile.block"}
	return []Model{{
		// extension/src of golang/vscode-go up to 28e27ffd (v0.57.2); flags: gopls v0.23.0.
		First: "v0.40.0", Last: "v0.57.2",
		FrozenVars:       frozen,
		ProxyVars:        proxy,
		InstallDeletes:   []string{"GOOS", "GOARCH", "GOROOT", "GOFLAGS", "GOENV", "GO111MODULE"},
		InstallToolchain: "auto",
		InstallMinGo:     "1.21.0",
		GoplsFlags:       flags,
		LintTools:        []string{"staticcheck", "golint", "golangci-lint", "golangci-lint-v2", "revive"},
		GoplsOffline:     []string{"GOPROXY=off"},
		Tools: []Tool{
			{"gopls", "golang.org/x/tools/gopls", "", "1.19"},
			{"dlv", "github.com/go-delve/delve/cmd/dlv", "", "1.18"},
			{"impl", "github.com/josharian/impl", "v1.5.0", ""},
			{"goplay", "github.com/haya14busa/goplay/cmd/goplay", "v1.0.0", ""},
			{"gotests", "github.com/cweill/gotests/gotests", "v1.6.0", "1.9"},
			{"goimports", "golang.org/x/tools/cmd/goimports", "", ""},
			{"gofumpt", "mvdan.cc/gofumpt", "v0.10.0", ""},
			{"staticcheck", "honnef.co/go/tools/cmd/staticcheck", "", ""},
			{"golangci-lint", "github.com/golangci/golangci-lint/cmd/golangci-lint", "", "1.20"},
			{"golangci-lint-v2", "github.com/golangci/golangci-lint/v2/cmd/golangci-lint", "", "1.23"},
			{"revive", "github.com/mgechev/revive", "v1.15.0", ""},
			{"golint", "golang.org/x/lint/golint", "", "1.9"},
			{"vscgo", "github.com/golang/vscode-go/vscgo", "", "1.18"},
		},
	}}
}

// ModelFor returns the model of a version of the Go extension ("0.57.2" or "v0.57.2"). If the version is outside the
// known range, or "", the nearest model is returned and known is false: callers must say so.
func ModelFor(version string) (m Model, known bool) {
	models := Models()
	if version != "" && version[0] != 'v' {
		version = "v" + version
	}
	for _, m := range models {
		if semver.IsValid(version) && semver.Compare(version, m.First) >= 0 && semver.Compare(version, m.Last) <= 0 {
			return m, true
		}
	}
	if semver.IsValid(version) && semver.Compare(version, models[0].First) < 0 {
		return models[0], false
	}
	return models[len(models)-1], false
}

// Answers are what `go env` said when the extension asked it, as the caller resolved it under ToolEnv.
type Answers struct {
	GOROOT string
	Vars   map[string]Answer // by FrozenVars; a missing key is an empty answer
}

// Answer is the value of one variable and where go has it from.
type Answer struct {
	Value string
	Layer layer.ID
	From  string
	// Unknown, if not zero: what go would answer cannot be told.
	Unknown msg.Text
}

// SetGoroot applies the setting go.goroot to the extension host's environment, in place (goEnv.ts setGOROOTEnvVar).
func (m Model) SetGoroot(exthost *layer.Env, s *Settings, folder int) {
	st := s.Lookup("go.goroot", folder)
	text, ok := st.Value.Str()
	if !ok || text == "" {
		return
	}
	t := s.scope(exthost, folder).Extension(text)
	set := layer.Set{Layer: winner(st).Layer, From: winner(st).From(), Value: t.Value, Unknown: t.Unknown,
		Why: msg.New("the extension sets GOROOT to go.goroot")}
	if t.Unknown.IsZero() && !s.isDir(t.Value) {
		set.Skipped = msg.New("go.goroot is ignored, it is not a directory")
	}
	exthost.Add("GOROOT", set)
}

// winner returns the strongest origin of a setting that is applied.
func winner(st Setting) Origin {
	for i := len(st.Trail) - 1; i >= 0; i-- {
		if st.Trail[i].Applied {
			return st.Trail[i]
		}
	}
	return Origin{}
}

// Snapshot copies the answers into the extension host's environment, in place, as the extension does at activation
// (goInstallTools.ts updateGoVarsFromConfig), and prefixes PATH if go was not found through PATH. It returns that
// prefix, which integrated terminals get too, or "".
func (m Model) Snapshot(exthost *layer.Env, s *Settings, folder int, found Found, a Answers) (pathPrefix string) {
	if found.Path == "" {
		return "" // the extension asks for Go to be installed, and copies nothing
	}
	for _, name := range m.FrozenVars {
		m.freeze(exthost, name, a.Vars[name])
	}
	goroot := a.GOROOT
	if goroot == "" {
		goroot = exthost.Get("GOROOT")
	}
	st := s.Lookup("go.terminal.activateEnvironment", folder)
	if found.Via == "path" || st.Value.False() || goroot == "" {
		return ""
	}
	p := s.platform()
	path, ok, unknown := exthost.Lookup("PATH")
	if !ok && unknown.IsZero() {
		return ""
	}
	bin := p.Join(goroot, "bin")
	exthost.Add("PATH", layer.Set{Layer: layer.Frozen, From: found.From, Value: prefixPath(p.ListSeparator(), bin, path), Unknown: unknown,
		Why: msg.New("the extension puts its Go first, because it was not found on PATH")})
	return bin
}

func (m Model) freeze(exthost *layer.Env, name string, a Answer) {
	old, _, unknown := exthost.Lookup(name)
	value := trimJS(a.Value)
	if value == "" && a.Unknown.IsZero() {
		return
	}
	set := layer.Set{Layer: layer.Frozen, From: a.From, Value: value, Unknown: a.Unknown,
		Why: msg.New("the extension copied what go env said when it started; later changes count after a reload of the window")}
	switch {
	case !unknown.IsZero():
		set.Unknown = unknown
	case old != "":
		set.Unknown = msg.Text{}
		set.Skipped = msg.New("already set in the environment of the extension host")
	}
	exthost.Add(name, set)
}

// prefixPath puts dir first in a search list, removing it elsewhere (goEnvironmentStatus.ts addGoRuntimeBaseToPATH).
func prefixPath(sep, dir, path string) string {
	list := slices.DeleteFunc(strings.Split(path, sep), func(e string) bool { return e == dir })
	return strings.Join(append([]string{dir}, list...), sep)
}

// ToolEnv returns the environment of the go commands and tools that the extension runs, and of gopls
// (goEnv.ts toolExecutionEnvironment).
func (m Model) ToolEnv(exthost *layer.Env, s *Settings, folder int) *layer.Env {
	env := exthost.Clone()
	m.addTools(env, exthost, s, folder)
	m.addGopath(env, exthost, s, folder)
	dropJSON(env)
	return env
}

// addTools adds go.toolsEnvVars and http.proxy to env (goEnv.ts newEnvironment).
func (m Model) addTools(env, exthost *layer.Env, s *Settings, folder int) {
	scope := s.scope(exthost, folder)
	addMembers(env, s.Object("go.toolsEnvVars", folder), scope.Extension, msg.New("go.toolsEnvVars is laid over the extension's environment"))
	st := s.Lookup("http.proxy", -1)
	proxy, ok := st.Value.Str()
	if !ok || proxy == "" {
		return
	}
	for _, name := range m.ProxyVars {
		env.Add(name, layer.Set{Layer: layer.HTTPProxy, From: winner(st).From(), Value: proxy,
			Why: msg.New("the setting http.proxy beats the environment and go.toolsEnvVars")})
	}
}

// maxMembers bounds the variables that one object of a settings file may set.
const maxMembers = 4096

// addMembers lays an object of variables over env. resolve substitutes in strings; other values become what node makes
// of them in a child's environment.
func addMembers(env *layer.Env, members []Member, resolve func(string) Text, why msg.Text) {
	for _, mb := range members[:min(len(members), maxMembers)] {
		for _, o := range mb.Trail {
			set := layer.Set{Layer: o.Layer, From: o.From(), Value: o.Value.Env(), Why: why}
			if text, ok := o.Value.Str(); ok {
				t := resolve(text)
				set.Value, set.Unknown = t.Value, t.Unknown
			}
			if !o.Applied {
				set.Skipped, set.Unknown = o.Why, msg.Text{}
			}
			env.Add(mb.Key, set)
		}
	}
}

// addGopath sets GOPATH to what the extension calls the current GOPATH (util.ts getCurrentGoPath), which beats
// go.toolsEnvVars.
func (m Model) addGopath(env, exthost *layer.Env, s *Settings, folder int) {
	g := m.currentGopath(exthost, s, folder)
	if g.Value == "" && g.Unknown.IsZero() {
		return
	}
	if v, _, unknown := env.Lookup("GOPATH"); v == g.Value && unknown.IsZero() == g.Unknown.IsZero() {
		return // as it is; the trail says where from
	}
	env.Add("GOPATH", g)
}

func (m Model) currentGopath(exthost *layer.Env, s *Settings, folder int) layer.Set {
	if g, ok := s.inferredGopath(exthost, folder); ok {
		return g
	}
	st := s.Lookup("go.gopath", folder)
	if text, ok := st.Value.Str(); ok && text != "" {
		t := s.scope(exthost, folder).Extension(text)
		return layer.Set{Layer: winner(st).Layer, From: winner(st).From(), Value: t.Value, Unknown: t.Unknown,
			Why: msg.New("go.gopath beats go.toolsEnvVars and the environment")}
	}
	v, ok, unknown := exthost.Lookup("GOPATH")
	if !ok && unknown.IsZero() {
		return layer.Set{}
	}
	set, _ := lastSet(exthost, "GOPATH")
	return layer.Set{Layer: set.Layer, From: set.From, Value: v, Unknown: unknown, Why: msg.New("the GOPATH of the extension host beats go.toolsEnvVars")}
}

// inferredGopath applies go.inferGopath: the closest folder above the workspace that has a src in between, or the
// workspace itself if it has one, unless that is a module.
func (s *Settings) inferredGopath(exthost *layer.Env, folder int) (layer.Set, bool) {
	st := s.Lookup("go.inferGopath", folder)
	root := s.folderPath(folder)
	if !st.Value.True() || root == "" {
		return layer.Set{}, false
	}
	p := s.platform()
	sep := p.Separator()
	dir := ""
	elems := strings.Split(strings.ToLower(root), sep)
	if i := lastIndex(elems, "src"); i > 0 {
		dir = root[:len(strings.Join(elems[:i], sep))]
	} else if s.isDir(p.Join(root, "src")) {
		dir = root
	}
	if dir == "" || s.exists(p.Join(dir, "go.mod")) {
		return layer.Set{}, false
	}
	set := layer.Set{Layer: winner(st).Layer, From: winner(st).From(), Value: dir,
		Why: msg.New("go.inferGopath takes GOPATH from the folder of the workspace")}
	v, _, unknown := exthost.Lookup("GOPATH")
	if v != "" && v != dir {
		set.Value += p.ListSeparator() + v
	}
	set.Unknown = unknown
	return set, true
}

func lastIndex(list []string, s string) int {
	for i, e := range slices.Backward(list) {
		if e == s {
			return i
		}
	}
	return -1
}

// dropJSON removes -json and --json=… from GOFLAGS.
func dropJSON(env *layer.Env) {
	v := env.Get("GOFLAGS")
	if !strings.Contains(v, "-json") {
		return
	}
	sets := env.Trail("GOFLAGS")
	last := sets[len(sets)-1]
	last.Value = withoutJSONFlag(v)
	last.Why = msg.New("the extension removes -json from GOFLAGS")
	env.Add("GOFLAGS", last)
}

// withoutJSONFlag deletes what /(^|\s+)-?-json[^\s]*/ matches.
func withoutJSONFlag(v string) string {
	var b strings.Builder
	for v != "" {
		field := strings.TrimLeftFunc(v, isSpaceJS)
		blank := v[:len(v)-len(field)]
		end := strings.IndexFunc(field, isSpaceJS)
		if end < 0 {
			end = len(field)
		}
		if f := field[:end]; !strings.HasPrefix(f, "-json") && !strings.HasPrefix(f, "--json") {
			b.WriteString(blank + f)
		}
		v = field[end:]
	}
	return b.String()
}

// InstallEnv returns the environment in which the extension installs tools (toolInstallationEnvironment). If the
// project's Go is newer than the one used for installing, the extension names it in GOTOOLCHAIN; versions are known
// only to callers, see InstallToolchainFor.
func (m Model) InstallEnv(exthost *layer.Env, s *Settings, folder int) *layer.Env {
	env := exthost.Clone()
	m.addTools(env, exthost, s, folder)
	st := s.Lookup("go.toolsGopath", folder)
	if text, ok := st.Value.Str(); ok && trimJS(text) != "" {
		t := s.scope(exthost, folder).Extension(text)
		set := layer.Set{Layer: winner(st).Layer, From: winner(st).From(), Value: t.Value, Unknown: t.Unknown, Why: msg.New("tools are installed in go.toolsGopath")}
		env.Add("GOPATH", set)
		set.Value, set.Unknown = "", msg.Text{}
		set.Why = msg.New("the extension empties GOBIN because go.toolsGopath is set; go then reads GOBIN from its env file")
		env.Add("GOBIN", set)
	} else {
		g := m.currentGopath(exthost, s, folder)
		if g.Layer == "" {
			g = layer.Set{Layer: layer.SettingsDefault, From: extensionItself, Why: msg.New("the extension knows no GOPATH and sets an empty one")}
		}
		env.Add("GOPATH", g)
	}
	env.Add("GOTOOLCHAIN", layer.Set{Layer: layer.SettingsDefault, From: extensionItself, Value: m.InstallToolchain,
		Why: msg.New("the extension sets GOTOOLCHAIN=%s to install tools", m.InstallToolchain)})
	for _, name := range m.InstallDeletes {
		if _, ok, unknown := env.Lookup(name); ok || !unknown.IsZero() {
			env.Add(name, layer.Set{Layer: layer.SettingsDefault, From: extensionItself, Unset: true,
				Why: msg.New("the extension removes %s from the environment to install tools", name)})
		}
	}
	return env
}

// InstallToolchainFor returns GOTOOLCHAIN for the installation of tools when the versions of the project's Go and of
// the Go used for installing are known ("1.26.8").
func (m Model) InstallToolchainFor(project, install string) string {
	if project != "" && install != "" && semver.Compare("v"+project, "v"+install) > 0 {
		return "go" + project + "+auto"
	}
	return m.InstallToolchain
}

// GoplsEnv returns the environment of the go commands that gopls runs: its own plus the setting gopls build.env. The
// program `go` itself is still looked up on the PATH of tool.
func (m Model) GoplsEnv(tool *layer.Env, s *Settings, folder int) (*layer.Env, []Problem) {
	env := tool.Clone()
	names := 0
	var problems []Problem
	var members []Member
	for _, opt := range s.Object("gopls", folder) {
		if goplsOption(opt.Key) != "env" || opt.Value == nil {
			continue
		}
		names++
		list, bad := goplsEnvMembers(opt)
		members = append(members, list...)
		problems = append(problems, bad...)
	}
	if names > 1 {
		problems = append(problems, Problem{Pos: members[len(members)-1].Pos, Severity: Broken, Key: "gopls", Text: msg.New("env is set under two names; gopls reports it and takes them in no certain order")})
	}
	for _, mb := range members[:min(len(members), maxMembers)] {
		for _, o := range mb.Trail {
			set := layer.Set{Layer: layer.GoplsEnv, From: o.From(), Value: o.Value.Env(), Why: msg.New("gopls build.env beats the environment gopls was started with")}
			switch {
			case !o.Applied:
				set.Skipped = o.Why
			case names > 1 && mb.Value != nil:
				set.Unknown = msg.New("env is set under two names; gopls reports it and takes them in no certain order")
			}
			env.Add(mb.Key, set)
		}
	}
	return env, problems
}

// goplsOption returns the name gopls gives an option: what follows the last dot (settings.go Options.Set).
func goplsOption(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// goplsEnvMembers returns the variables of the option env. One value that is no string makes gopls refuse all of it.
func goplsEnvMembers(opt Member) ([]Member, []Problem) {
	if opt.Value.Kind != Object {
		return nil, []Problem{{Pos: opt.Pos, Severity: Broken, Key: "gopls." + opt.Key, Text: msg.New("gopls ignores env, it must be an object of strings")}}
	}
	var problems []Problem
	for _, f := range opt.Value.Fields {
		if f.Value.Kind != String {
			problems = append(problems, Problem{Pos: f.Pos, Severity: Broken, Key: "gopls." + opt.Key + "." + f.Key,
				Text: msg.New("gopls refuses the whole setting env because the value of %s is a %s, not a string", f.Key, f.Value.Kind.String()), Instead: msg.New("put the value in quotes")})
		}
	}
	members := mergeMembers(opt.Trail)
	if len(problems) == 0 {
		return members, nil
	}
	for i := range members {
		members[i].Value = nil
		for j := range members[i].Trail {
			members[i].Trail[j].Applied = false
			members[i].Trail[j].Why = problems[0].Text
		}
	}
	return members, problems
}

// TestEnv returns the environment of tests run by the extension (testUtils.ts getTestEnvVars).
func (m Model) TestEnv(exthost *layer.Env, s *Settings, folder int) (*layer.Env, []Problem) {
	env := m.ToolEnv(exthost, s, folder)
	scope := s.scope(exthost, folder)
	var problems []Problem
	st := s.Lookup("go.testEnvFile", folder)
	if name, ok := st.Value.Str(); ok && name != "" {
		t := scope.ExtensionPath(name)
		file, problem := s.envFile(t, winner(st).Pos, "go.testEnvFile", env)
		if problem != nil {
			problem.Text = msg.New("%s; the extension goes on without it and says nothing", problem.Text)
			problems = append(problems, *problem)
		}
		addEnvFile(env, file, layer.TestEnvFile, scope.ExtensionPath)
	}
	members := s.Object("go.testEnvVars", folder)
	for i := range members {
		for j := range members[i].Trail {
			members[i].Trail[j].Layer = layer.TestEnv
		}
	}
	addMembers(env, members, scope.ExtensionPath, msg.New("go.testEnvVars is laid over the environment of tests"))
	return env, problems
}

// envFile reads an env file named in a setting or a launch configuration.
func (s *Settings) envFile(name Text, pos Position, key string, env *layer.Env) (EnvFile, *Problem) {
	problem := func(text msg.Text) *Problem {
		return &Problem{Pos: pos, Severity: Broken, Key: key, Text: text}
	}
	if !name.Unknown.IsZero() {
		return EnvFile{}, problem(msg.New("the name of the env file is unknown: %s", name.Unknown))
	}
	if !s.platform().IsAbs(name.Value) {
		return EnvFile{}, problem(msg.New("the name of the env file %s is relative; it is looked up in the folder the editor was started in", name.Value))
	}
	data, err := s.readLimited(name.Value)
	if err != nil {
		return EnvFile{}, problem(msg.New("the env file %s cannot be read: %s", name.Value, readProblem(err)))
	}
	return ParseEnvFile(name.Value, data, env), nil
}

func addEnvFile(env *layer.Env, file EnvFile, id layer.ID, resolve func(string) Text) {
	for _, l := range file.Lines {
		t := l.Text
		if t.Unknown.IsZero() && resolve != nil {
			t = resolve(t.Value)
		}
		env.Add(l.Key, layer.Set{Layer: id, From: Position{File: file.Name, Line: l.Line}.String(), Value: t.Value, Unknown: t.Unknown})
	}
}
