package editor

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// LintLaunch returns what is wrong with the debug configurations of type go.
func LintLaunch(s *Settings, m Model, configs []LaunchConfig) []Problem {
	l := linter{s: s, m: m}
	for i := range configs {
		if configs[i].Type == "go" {
			l.launch(&configs[i])
		}
	}
	return l.problems
}

// launchAttributes are the attributes of debug configurations: those of the extension (package.json) and those VS Code
// has for every debugger.
func launchAttributes() []string {
	return strings.Fields(`debugAdapter program mode traceDirPath coreFilePath stopOnEntry args showLog cwd env substitutePath
		buildFlags dlvFlags port host trace envFile backend output logOutput logDest dlvLoadConfig apiVersion stackTraceDepth
		showGlobalVariables showRegisters showPprofLabels hideSystemGoroutines console asRoot processId remotePath waitFor
		followExec followExecRegex useApiV1 dlvCwd guessSubstitutePath
		name type request preLaunchTask postDebugTask internalConsoleOptions debugServer serverReadyAction presentation
		suppressMultipleSessionWarning noDebug windows osx linux`)
}

func (l *linter) launch(c *LaunchConfig) {
	for _, f := range c.Node.Fields {
		l.launchAttribute(c, f)
	}
	l.launchMode(c)
	if c.Request == "attach" {
		for _, key := range []string{"env", "envFile"} {
			if f := c.Node.field(key); f != nil {
				l.add(NoEffect, f.Pos, key, msg.New("attaching changes no environment, the process keeps the one it was started with"), msg.Text{})
			}
		}
		return
	}
	l.launchEnv(c)
}

func (l *linter) launchAttribute(c *LaunchConfig, f Field) {
	legacy := c.DebugAdapter == "legacy"
	switch f.Key {
	case "dlvToolPath":
		l.add(NoEffect, f.Pos, f.Key, msg.New("the extension overwrites dlvToolPath"), msg.New(`"go.alternateTools": {"dlv": %s}`, f.Value.JSON(200)))
	case "remotePath":
		l.add(NoEffect, f.Pos, f.Key, msg.New("dlv-dap ignores %s", f.Key), msg.New("substitutePath"))
	case "apiVersion", "dlvLoadConfig", "useApiV1":
		if !legacy {
			l.add(NoEffect, f.Pos, f.Key, msg.New("dlv-dap ignores %s", f.Key), msg.Text{})
		}
	case "debugAdapter":
		if legacy {
			l.add(Advice, f.Pos, f.Key, msg.New("the legacy debug adapter is deprecated"), msg.New("dlv-dap"))
		}
	case "trace":
		levels := []string{"verbose", "trace", "log", "info", "warn", "error"}
		if v, _ := f.Value.Str(); !slices.Contains(levels, v) {
			l.add(NoEffect, f.Pos, f.Key, msg.New("%s knows the values %s", f.Key, strings.Join(levels, ", ")), msg.New(`"verbose"`))
		}
	case "buildFlags":
		if strings.Contains(strings.Join(f.Value.Strings(), " "), "-gcflags") {
			l.add(NoEffect, f.Pos, f.Key, msg.New("the extension removes -gcflags from buildFlags"), msg.Text{})
		}
	default:
		if known := launchAttributes(); !slices.Contains(known, f.Key) {
			instead := msg.Text{}
			if near := nearest(f.Key, known); near != "" {
				instead = msg.New("%s", near)
			}
			l.add(NoEffect, f.Pos, f.Key, msg.New("debug configurations of type go have no attribute %s", f.Key), instead)
		}
	}
}

func (l *linter) launchMode(c *LaunchConfig) {
	if c.Request != "launch" && c.Request != "attach" {
		l.add(Broken, c.Pos, "request", msg.New("request must be launch or attach"), msg.Text{})
		return
	}
	f := c.Node.field("mode")
	if f == nil {
		return
	}
	modes := []string{"auto", "debug", "test", "exec", "replay", "core"}
	if c.Request == "attach" {
		modes = []string{"local", "remote"}
	}
	if slices.Contains(modes, c.Mode) {
		return
	}
	instead := msg.Text{}
	switch {
	case c.Request == "attach" && c.Mode == "core":
		instead = msg.New(`"request": "launch", "mode": "core", "coreFilePath": …`)
	case c.Request == "launch" && c.Mode == "remote":
		instead = msg.New(`"request": "attach", "mode": "remote"`)
	}
	l.add(Broken, f.Pos, "mode", msg.New("with request %s the mode must be one of %s", c.Request, strings.Join(modes, ", ")), instead)
}

// launchEnv checks env and envFile, the files by looking whether they are there.
func (l *linter) launchEnv(c *LaunchConfig) {
	for _, mb := range c.Env {
		key := "env." + mb.Key
		if mb.Value.Kind != String && mb.Value.Kind != Null {
			l.add(Broken, mb.Pos, key, msg.New("dlv refuses to start, the value of %s is a %s, not a string", mb.Key, mb.Value.Kind.String()), msg.New("put the value in quotes"))
		}
		l.envValue(key, Field{Key: mb.Key, Pos: mb.Pos, Value: mb.Value})
		if mb.Key == "GOFLAGS" && strings.Contains(mb.Value.Text, "-gcflags") {
			l.add(NoEffect, mb.Pos, key, msg.New("the extension removes -gcflags from GOFLAGS"), msg.Text{})
		}
	}
	scope := l.s.scope(&layer.Env{}, c.Folder)
	for _, mb := range c.EnvFile {
		if name, _ := mb.Value.Str(); !strings.Contains(name, "${env:") {
			l.envFile(scope.VSCode(name), mb.Pos)
		}
	}
}

func (l *linter) envFile(name Text, pos Position) {
	file, problem := l.s.envFile(name, pos, "envFile", &layer.Env{})
	if problem != nil {
		if name.Unknown.IsZero() {
			l.problems = append(l.problems, *problem)
		}
		return
	}
	for _, n := range file.Ignored {
		l.add(NoEffect, Position{File: file.Name, Line: n}, "envFile", msg.New("the line is no assignment and is skipped"), msg.Text{})
	}
	for _, v := range file.Lines {
		if !v.Taken {
			l.add(NoEffect, Position{File: file.Name, Line: v.Line}, v.Key, msg.New("a later line sets %s again", v.Key), msg.Text{})
		} else if why := oddText(v.Text.Value); goVariable(v.Key) && !why.IsZero() {
			l.add(Broken, Position{File: file.Name, Line: v.Line}, v.Key, why, msg.Text{})
		}
	}
}

// LintTasks returns what is wrong with tasks.
func LintTasks(s *Settings, m Model, tasks []Task) []Problem {
	l := linter{s: s, m: m}
	for _, t := range tasks {
		if f := t.Node.field("problemMatcher"); f != nil && t.Node.Get("isBackground").True() && f.Value.Kind == Array && len(f.Value.Elems) == 0 {
			l.add(Broken, f.Pos, "problemMatcher", msg.New("VS Code cannot see when a background task without a problem matcher is ready"), msg.New(`"isBackground": false`))
		}
		for _, mb := range t.Env {
			key := "options.env." + mb.Key
			if mb.Value.Kind == Null {
				l.add(Broken, mb.Pos, key, msg.New("the task fails, null is no value for a variable here"), msg.Text{})
			}
			l.envValue(key, Field{Key: mb.Key, Pos: mb.Pos, Value: mb.Value})
		}
	}
	return l.problems
}
