package editor

import (
	"regexp"
	"strings"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Debug is what happens when a launch configuration is started.
type Debug struct {
	Env      *layer.Env // of dlv, the build and the debuggee; nil if there is no session or it is out of reach
	Problems []Problem
	// NoSession, if not zero, says why no debug session starts.
	NoSession msg.Text
	// External, if not zero, says why VS Code does not make the environment: a server that is already running, an
	// attached process. Env then holds what the configuration adds.
	External msg.Text
}

// DebugEnv returns what a launch configuration of type go leads to (goDebugConfiguration.ts
// resolveDebugConfigurationWithSubstitutedVariables, goDebugFactory.ts, and dlv's service/dap/server.go
// onLaunchRequest). terminal is the environment of an integrated terminal with its start-up files, for configurations
// that start dlv there; nil is an unknown one.
func (m Model) DebugEnv(exthost, terminal *layer.Env, s *Settings, c *LaunchConfig) Debug {
	d := debugger{Model: m, s: s, c: c, exthost: exthost, scope: s.scope(exthost, c.Folder)}
	if c.Request == "attach" {
		d.External = msg.New("attaching changes no environment, the process keeps the one it was started with")
		return d.Debug
	}
	d.base(terminal)
	d.addTools(d.Env, exthost, s, c.Folder)
	d.addGopath(d.Env, exthost, s, c.Folder)
	d.dropToolsJSON()
	d.checkTools()
	d.addEnvFiles()
	d.addEnv()
	if !d.NoSession.IsZero() {
		d.Env = nil
	}
	return d.Debug
}

// debugger puts the environment of a debug session together.
type debugger struct {
	Model
	Debug
	s       *Settings
	c       *LaunchConfig
	exthost *layer.Env
	scope   Scope
}

// base chooses the environment that everything is laid over.
func (d *debugger) base(terminal *layer.Env) {
	switch {
	case d.c.Port:
		d.External = msg.New("a debug server that is already running gets only what the configuration adds")
		d.Env = &layer.Env{FoldCase: d.exthost.FoldCase}
	case d.c.Console == "integratedTerminal" || d.c.Console == "externalTerminal":
		d.Env = terminal.Clone()
		d.Env.FoldCase = d.exthost.FoldCase
		if terminal == nil {
			d.Env.Opaque(layer.Set{Layer: layer.OSEnv, Unknown: msg.New("dlv is started in a terminal")})
		}
	default:
		d.Env = d.exthost.Clone()
	}
}

// dropToolsJSON removes -json from the GOFLAGS of go.toolsEnvVars, but not from those of the extension host, which are
// merged in later, unchanged.
func (d *debugger) dropToolsJSON() {
	for _, mb := range d.s.Object("go.toolsEnvVars", d.c.Folder) {
		if mb.Key == "GOFLAGS" && mb.Value != nil {
			dropJSON(d.Env)
		}
	}
}

// checkTools looks for values in go.toolsEnvVars that dlv does not take: they are part of the launch request.
func (d *debugger) checkTools() {
	for _, mb := range d.s.Object("go.toolsEnvVars", d.c.Folder) {
		switch {
		case mb.Value == nil || mb.Value.Kind == String:
		case mb.Value.Kind == Null:
			d.Env.Add(mb.Key, layer.Set{Layer: mb.Layer, From: mb.Pos.String(), Unset: true, Why: msg.New("dlv unsets what is null")})
		default:
			d.refuse(mb, "go.toolsEnvVars."+mb.Key)
		}
	}
}

// refuse records that dlv refuses the launch request because of a value.
func (d *debugger) refuse(mb Member, key string) {
	why := msg.New("dlv refuses to start, the value of %s is a %s, not a string", mb.Key, mb.Value.Kind.String())
	d.Problems = append(d.Problems, Problem{Pos: mb.Pos, Severity: Broken, Key: key, Text: why, Instead: msg.New("put the value in quotes")})
	if d.NoSession.IsZero() {
		d.NoSession = why
	}
}

func (d *debugger) addEnvFiles() {
	if len(d.c.EnvFile) == 0 {
		return
	}
	vars := d.ToolEnv(d.exthost, d.s, d.c.Folder)
	for _, mb := range d.c.EnvFile {
		name, _ := mb.Value.Str()
		file, problem := d.s.envFile(d.scope.VSCode(name), mb.Pos, "envFile", vars)
		if problem != nil {
			d.Problems = append(d.Problems, *problem)
			if d.NoSession.IsZero() {
				d.NoSession = problem.Text
			}
			continue
		}
		addEnvFile(d.Env, file, layer.LaunchEnvFile, nil)
	}
}

func (d *debugger) addEnv() {
	for _, mb := range d.c.Env {
		set := layer.Set{Layer: mb.Layer, From: mb.Pos.String(), Why: msg.New("dlv sets the env of the configuration before it builds")}
		switch mb.Value.Kind {
		case String:
			t := d.scope.VSCode(mb.Value.Text)
			set.Value, set.Unknown = t.Value, t.Unknown
		case Null:
			set.Unset, set.Why = true, msg.New("dlv unsets what is null")
		default:
			d.refuse(mb, "env."+mb.Key)
			continue
		}
		if mb.Key == "GOFLAGS" && strings.Contains(set.Value, "-gcflags") {
			set.Value = withoutGcflags(set.Value)
			d.Problems = append(d.Problems, Problem{Pos: mb.Pos, Severity: NoEffect, Key: "env.GOFLAGS", Text: msg.New("the extension removes -gcflags from GOFLAGS")})
		}
		key := d.scope.VSCode(mb.Key)
		d.Env.Add(key.Value, set)
	}
}

// withoutGcflags removes -gcflags and its value (GoDebugConfigurationProvider.removeGcflags).
func withoutGcflags(flags string) string {
	re := regexp.MustCompile(`(^|\s)(-gcflags)(=| )('[^']*'|"[^"]*"|[^'"\s]+)+`)
	for range 100 {
		loc := re.FindStringIndex(flags)
		if loc == nil {
			break
		}
		flags = flags[:loc[0]] + flags[loc[1]:]
	}
	return flags
}
