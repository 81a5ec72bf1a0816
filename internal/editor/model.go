package editor

import (
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
}

// ModelFor returns the model of a version of the Go extension. If the version is outside the known range, or "", the
// nearest model is returned and known is false: callers must say so.
func ModelFor(version string) (m Model, known bool) { return Model{}, false }

// Found is a program that the extension found.
type Found struct {
	Path string   // "" if not found
	Via  string   // alternateTool, gobin, gopath, goroot, path, default
	From string   // where that is written: "file:line" or a description
	Why  msg.Text // in words
}

// FindGo returns the go command that the extension uses (util.ts getBinPathWithExplanation). exthost is the
// extension host's environment; currentGoroot is the GOROOT that the last snapshot answered, "" before the first.
func (m Model) FindGo(exthost *layer.Env, s *Settings, folder int, currentGoroot string) Found {
	return Found{}
}

// FindTool returns a tool such as gopls or dlv.
func (m Model) FindTool(name string, exthost *layer.Env, s *Settings, folder int, currentGoroot string) Found {
	return Found{}
}

// SetGoroot applies the setting go.goroot to the extension host's environment, in place (goEnv.ts setGOROOTEnvVar).
func (m Model) SetGoroot(exthost *layer.Env, s *Settings, folder int) {}

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

// Snapshot copies the answers into the extension host's environment, in place, as the extension does at activation
// (goInstallTools.ts updateGoVarsFromConfig), and prefixes PATH if go was not found through PATH. It returns that
// prefix, which integrated terminals get too, or "".
func (m Model) Snapshot(exthost *layer.Env, s *Settings, folder int, found Found, a Answers) (pathPrefix string) {
	return ""
}

// ToolEnv returns the environment of the go commands and tools that the extension runs, and of gopls
// (goEnv.ts toolExecutionEnvironment).
func (m Model) ToolEnv(exthost *layer.Env, s *Settings, folder int) *layer.Env {
	return exthost.Clone()
}

// GoplsEnv returns the environment of the go commands that gopls runs: its own plus the setting gopls build.env.
func (m Model) GoplsEnv(tool *layer.Env, s *Settings, folder int) (*layer.Env, []Problem) {
	return tool.Clone(), nil
}

// InstallEnv returns the environment in which the extension installs tools (toolInstallationEnvironment).
func (m Model) InstallEnv(exthost *layer.Env, s *Settings, folder int) *layer.Env {
	return exthost.Clone()
}

// TestEnv returns the environment of tests run by the extension (testUtils.ts getTestEnvVars).
func (m Model) TestEnv(exthost *layer.Env, s *Settings, folder int) (*layer.Env, []Problem) {
	return exthost.Clone(), nil
}

// Debug is what happens when a launch configuration is started.
type Debug struct {
	Env      *layer.Env // of dlv, the build and the debuggee; nil if there is no session or it is out of reach
	Problems []Problem
	// NoSession, if not zero, says why no debug session starts.
	NoSession msg.Text
	// External, if not zero, says why the environment is not made by VS Code (a running server, an attached process).
	External msg.Text
}

// DebugEnv returns what a launch configuration leads to. terminal is the environment of an integrated terminal, for
// configurations that start dlv there (nil: unknown).
func (m Model) DebugEnv(exthost, terminal *layer.Env, s *Settings, c *LaunchConfig) Debug {
	return Debug{Env: exthost.Clone()}
}

// TaskEnv returns the environment of a task before any shell start-up file. terminal is TerminalEnv's result.
func (m Model) TaskEnv(exthost, terminal *layer.Env, s *Settings, t *Task) *layer.Env {
	return terminal.Clone()
}

// TerminalEnv returns the environment an integrated terminal's shell is started with, before its start-up files.
// base is the environment of the window with the resolved shell environment; bare is without it, and is used if
// terminal.integrated.inheritEnv is false. pathPrefix is what Snapshot returned.
func TerminalEnv(base, bare *layer.Env, s *Settings, pathPrefix string) *layer.Env {
	return base.Clone()
}
