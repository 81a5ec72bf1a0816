package check

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// shellChecks are the checks of the category shell: what the start-up files of the user's shell do.
func shellChecks() []Check {
	unix := []string{"linux", "darwin"}
	read := []facts.Section{facts.SectionStartup}
	run := []facts.Section{facts.SectionStartup, facts.SectionShellRuns}
	return []Check{
		{ID: "shell.exports", Severity: Info, Platforms: unix, Facts: read, Run: shellExports,
			Title: msg.New("what the start-up files of the shell set for Go")},
		{ID: "shell.duplicate-exports", Severity: Warning, Platforms: unix, Facts: read, Run: duplicateExports,
			Title: msg.New("start-up files that set one variable to different values")},
		{ID: "shell.interactive-guard", Severity: Warning, Platforms: unix, Facts: read, Run: interactiveGuard,
			AfterLine: append(valueCauses(), "env.shadowed"),
			Title:     msg.New("exports that only interactive shells reach")},
		{ID: "shell.mode-divergence", Severity: Warning, Platforms: unix, Facts: run, Run: modeDivergence,
			After: []string{"shell.duplicate-exports", "shell.interactive-guard"}, AfterLine: append(valueCauses(), "go.binary-found", "go.consumer-mismatch"),
			Title: msg.New("variables that depend on how the shell is started")},
		{ID: "shell.resolve-slow", Severity: Error, Platforms: unix, Facts: run, Run: resolveSlow,
			Title: msg.New("whether the shell starts in time for the editor")},
		{ID: "shell.output-noise", Severity: Warning, Platforms: unix, Facts: run, Run: outputNoise,
			Title: msg.New("start-up files that print something in a shell that nobody sees")},
		{ID: "shell.direnv", Severity: Info, Platforms: unix, Facts: read, Run: direnvBlocked,
			Title: msg.New("a .envrc for Go that direnv does not load")},
	}
}

// isProxy reports whether a variable names an HTTP proxy.
func isProxy(name string) bool {
	switch strings.ToUpper(name) {
	case "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY":
		return name == strings.ToUpper(name) || name == strings.ToLower(name)
	}
	return false
}

// isForGo reports whether a variable, other than PATH, matters to Go.
func isForGo(name string) bool {
	switch name {
	case "GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GOTRACEBACK":
		return true
	}
	return goenv.IsGoVariable(name) || isProxy(name)
}

// goVariables returns the names for which isForGo holds, and PATH, that any way to start the shell mentions.
func goVariables(s *facts.Startup) []string {
	var names []string
	add := func(name string) {
		if (name == "PATH" || isForGo(name)) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for i := range s.Modes {
		for _, name := range s.Modes[i].Env.Names() {
			add(name)
		}
		if r := s.Modes[i].Run; r != nil {
			for name := range r.Env {
				add(name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// goFolders returns the entries of a PATH that are about Go: folders of go commands and of programs installed with go.
func goFolders(f *facts.Facts, path string) []string {
	var out []string
	for _, dir := range f.Platform.SplitList(path) {
		if f.Platform.IsAbs(dir) && isGoFolder(f, dir) && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

func isGoFolder(f *facts.Facts, dir string) bool {
	for i := range f.Consumers {
		if c := &f.Consumers[i]; c.Go.Path != "" && f.Platform.Dir(c.Go.Path) == f.Platform.Clean(dir) {
			return !isSystemFolder(dir)
		}
	}
	dir = f.Platform.Clean(dir)
	parent := f.Platform.Base(f.Platform.Dir(dir))
	switch f.Platform.Base(dir) {
	case "bin":
		return parent == "go" || parent == "gopath" || strings.HasPrefix(parent, "go1.") || strings.HasPrefix(parent, "go-1.")
	case "shims":
		return parent == "goenv" || parent == ".goenv"
	}
	return false
}

func isSystemFolder(dir string) bool {
	switch dir {
	case "/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/snap/bin":
		return true
	}
	return false
}

// isDefault reports whether a variable changes nothing with this value: go behaves as if it were not set.
func isDefault(f *facts.Facts, name, value string) bool {
	switch name {
	case "GO111MODULE":
		return value == "on"
	case "GOPATH":
		return f.Platform.Clean(value) == f.Platform.Join(f.Home, "go")
	case "GOBIN":
		return f.Platform.Clean(value) == f.Platform.Join(f.Home, "go", "bin")
	case "GOROOT":
		return slices.ContainsFunc(f.Consumers, func(c facts.Consumer) bool {
			return c.Go.SDK.Root != "" && c.Go.SDK.Root == f.Platform.Clean(value)
		})
	}
	return false
}

// place returns the file and line of a change that a line of a start-up file made.
func place(s layer.Set) (file string, line int, ok bool) {
	if s.Layer != layer.ShellFile && s.Layer != layer.ProfileD {
		return "", 0, false
	}
	e := at(s.From, "")
	return e.Path, e.Line, e.Line > 0
}

// lineText returns a line of a start-up file, "" if it was not read.
func lineText(s *facts.Startup, file string, line int) string {
	for text := range strings.Lines(s.Texts[file]) {
		if line--; line == 0 {
			return strings.TrimRight(text, "\r\n")
		}
	}
	return ""
}

// isOpaque reports whether a change is that of a line which names no variable, and may have set any.
func isOpaque(s layer.Set) bool { return !s.Unknown.IsZero() && s.Value == "" }

// winner returns the last change of a variable that names it, if a line of a start-up file made it.
func winner(env *layer.Env, name string) (layer.Set, bool) {
	trail := env.Trail(name)
	for i := len(trail) - 1; i >= 0; i-- {
		if trail[i].Skipped.IsZero() && !isOpaque(trail[i]) {
			_, _, ok := place(trail[i])
			return trail[i], ok
		}
	}
	return layer.Set{}, false
}

// guardOf returns the line that skipped a change, which the reason names.
func guardOf(s layer.Set) (Evidence, bool) {
	for _, arg := range s.Skipped.Args {
		if text, ok := arg.(string); ok {
			if e := at(text, ""); e.Line > 0 {
				return e, true
			}
		}
	}
	return Evidence{}, false
}

// addEvidence appends places that are not there yet.
func addEvidence(list []Evidence, more ...Evidence) []Evidence {
	for _, e := range more {
		if !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	return list
}

// shown is a value as it may be shown.
func shown(name, value string) string {
	value = strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(layer.Redact(name, value))
	return wholeWords(value, 200)
}

// wholeWords returns as many words of text as fit into limit bytes. A word that may not fit is left out as a whole: of a
// secret that is cut in two nobody can tell any more that it is one.
func wholeWords(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	text = text[:limit]
	end := strings.LastIndexFunc(text, func(r rune) bool { // secrets are ASCII
		return strings.ContainsRune(" \t\r\n,;:|", r) || r >= 0x80 && r != utf8.RuneError
	})
	if end < 0 {
		return "…"
	}
	_, size := utf8.DecodeRuneInString(text[end:])
	return strings.TrimRight(text[:end+size], " \t\r\n") + "…"
}
