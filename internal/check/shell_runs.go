package check

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goready/goready/internal/editor"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/shell"
)

// The times after which the start of a shell is slow, and after which goready, and VS Code unless a setting says
// otherwise, give up.
const (
	slowStart = 3 * time.Second
	runLimit  = 10 * time.Second
)

// timeLimit is the setting that says otherwise.
const timeLimit = "application.shellEnvironmentResolutionTimeout"

// waits returns how long the editor waits for the shell.
func waits(f *facts.Facts) time.Duration {
	if f.Editor == nil {
		return runLimit
	}
	return time.Duration(editor.ResolveShell(&layer.Env{}, f.Editor.Settings, f.Shell).Timeout) * time.Second
}

// completes reports whether a shell that was run got to the command and ended.
func completes(r *shell.ProbeResult) bool { return r.Env != nil && !r.TimedOut }

// seen is what a way to start the shell gives to programs.
type seen struct {
	mode *facts.ShellMode
	run  map[string]string // nil: nothing was run, the files say it
}

// value returns the value of a variable, "" if it is not set. ok is false if it is not known.
func (s *seen) value(name string) (value string, ok bool) {
	if s.run != nil {
		return s.run[name], true
	}
	value, _, unknown := s.mode.Env.Lookup(name)
	return value, unknown.IsZero()
}

// seenBy returns what the ways to start the shell give, by flags. If one was not run then none counts as run: what the
// files say is not compared with what a shell did. A shell that does not get to the command gives nothing.
func seenBy(s *facts.Startup) map[string]*seen {
	out := map[string]*seen{}
	ran := !slices.ContainsFunc(s.Modes, func(m facts.ShellMode) bool { return m.Run == nil })
	for i := range s.Modes {
		m := &s.Modes[i]
		switch {
		case ran && completes(m.Run):
			out[m.Flags] = &seen{m, m.Run.Env}
		case !ran && (m.End.Why.IsZero() || m.End.Maybe):
			out[m.Flags] = &seen{m, nil}
		}
	}
	return out
}

// modeDivergence is shell.mode-divergence.
func modeDivergence(f *facts.Facts) []Finding {
	if f.Startup == nil {
		return nil
	}
	by := seenBy(f.Startup)
	editor, window := by["-ilc"], by["-ic"]
	if editor == nil {
		return nil
	}
	if f.Platform.OS == "darwin" {
		window = nil // terminal windows there, that of VS Code too, are login shells, as is what an editor asks
	}
	var out []Finding
	for _, name := range goVariables(f.Startup) {
		var finding Finding
		var ok bool
		if name == "PATH" {
			finding, ok = pathDivergence(f, editor, window)
		} else {
			finding, ok = valueDivergence(f, editor, window, name)
		}
		if !ok {
			finding, ok = scriptDivergence(f, by, name)
		}
		if ok {
			out = append(out, finding)
		}
	}
	return out
}

// valueDivergence compares a variable in what an editor is given with a terminal window.
func valueDivergence(f *facts.Facts, editor, window *seen, name string) (Finding, bool) {
	if window == nil {
		return Finding{}, false
	}
	a, okA := editor.value(name)
	b, okB := window.value(name)
	if !okA || !okB || a == b || (a == "" || isDefault(f, name, a)) && (b == "" || isDefault(f, name, b)) {
		return Finding{}, false
	}
	finding := Finding{Object: name, Evidence: divergenceEvidence(name, window, editor)}
	switch {
	case a == "":
		finding.Message = say("shell.mode-divergence.not-in-editor", "variable value", msg.New("a terminal window has %s=\"%s\", a program that asks a login shell has none", name, shown(name, b)))
		finding.Cause = msg.New("an editor started from the desktop or on a remote machine asks an interactive login shell (-ilc), and goes without this value")
		finding.Steps = []Step{shareStep(f, name)}
	case b == "":
		finding.Message = say("shell.mode-divergence.not-in-terminal", "variable value", msg.New("only a login shell has %s=\"%s\", a terminal window that is none has not", name, shown(name, a)))
		finding.Cause = msg.New("a terminal window of a desktop session that has read no login files goes without it")
		finding.Steps = []Step{shareStep(f, name)}
		if finding.Severity = Info; sessionLacks(f, name) {
			finding.Severity = Warning
		}
	default:
		finding.Message = say("shell.mode-divergence.values", "variable terminal login",
			msg.New("%s is \"%s\" in a terminal window and \"%s\" in a login shell, which editors ask", name, shown(name, b), shown(name, a)))
		finding.Cause = msg.New("the editor and the terminal give the go command different settings")
		finding.Steps = []Step{shareStep(f, name), {Text: msg.New("remove the other lines that set it")}}
	}
	return finding, true
}

// sessionLacks reports whether a desktop session that runs now gives a terminal window no such variable.
func sessionLacks(f *facts.Facts, name string) bool {
	has := func(id string) (bool, bool) {
		for i := range f.Consumers {
			if c := &f.Consumers[i]; c.ID == id && c.Absent.IsZero() && c.Failed.IsZero() {
				_, ok, unknown := c.Env.Lookup(name)
				return ok, unknown.IsZero()
			}
		}
		return false, false
	}
	desktop, known := has("desktop-app")
	window, knownToo := has("shell-interactive")
	return known && knownToo && !desktop && !window
}

// shareStep says where to set a variable so that login shells and interactive shells both have it.
func shareStep(f *facts.Facts, name string) Step {
	switch f.Startup.Kind {
	case shell.Zsh:
		return Step{Text: msg.New("set %s in %s, which every such shell reads", name, f.Home+"/.zshenv")}
	case shell.Fish:
		return Step{Text: msg.New("set %s in %s, which every such shell reads", name, f.Home+"/.config/fish/config.fish")}
	case shell.Bash:
		return Step{Text: msg.New("set %s in %s in front of any guard, and let %s read that file", name, f.Home+"/.bashrc", loginFile(f))}
	}
	return Step{Text: msg.New("set %s in %s, and name that file in ENV", name, f.Home+"/.profile")}
}

// divergenceEvidence names the lines that decide, or what the shells print.
func divergenceEvidence(name string, list ...*seen) []Evidence {
	var out []Evidence
	for _, s := range list {
		value, _ := s.value(name)
		if set, ok := winner(s.mode.Env, name); ok && set.Value == value && !set.Unset {
			out = addEvidence(out, at(set.From, ""))
		} else {
			out = addEvidence(out, Evidence{Text: fmt.Sprintf("%s %s: %s=%s", s.mode.Session.Path, s.mode.Flags, name, shown(name, value))})
		}
	}
	return out
}

// pathDivergence looks for folders for Go that a terminal window has on PATH and an editor does not, or the other way
// round.
func pathDivergence(f *facts.Facts, editor, window *seen) (Finding, bool) {
	if window == nil {
		return Finding{}, false
	}
	a, okA := editor.value("PATH")
	b, okB := window.value("PATH")
	if !okA || !okB {
		return Finding{}, false
	}
	inEditor, inWindow := goFolders(f, a), goFolders(f, b)
	if only := without(inWindow, inEditor); len(only) > 0 {
		finding := Finding{Object: "PATH", Evidence: folderEvidence(window, only[0]),
			Message: say("shell.mode-divergence.path-not-in-editor", "folders", msg.New("a terminal window has %s on PATH, a program that asks a login shell has not", strings.Join(only, ", "))),
			Cause:   msg.New("an editor started from the desktop or on a remote machine asks an interactive login shell (-ilc), and does not find the programs there"),
			Steps:   []Step{shareStep(f, "PATH")}}
		return finding, true
	}
	if only := without(inEditor, inWindow); len(only) > 0 {
		return Finding{Severity: Info, Object: "PATH", Evidence: folderEvidence(editor, only[0]),
			Message: say("shell.mode-divergence.path-not-in-terminal", "folders", msg.New("only a login shell has %s on PATH, a terminal window that is none has not", strings.Join(only, ", "))),
			Cause:   msg.New("a terminal window of a desktop session that has read no login files goes without it")}, true
	}
	return Finding{}, false
}

// folderEvidence names the line that adds a folder to PATH.
func folderEvidence(s *seen, dir string) []Evidence {
	for _, set := range s.mode.Env.Trail("PATH") {
		if _, _, ok := place(set); ok && set.Skipped.IsZero() && strings.Contains(":"+set.Value+":", ":"+dir+":") {
			return []Evidence{at(set.From, "")}
		}
	}
	value, _ := s.value("PATH")
	return []Evidence{{Text: fmt.Sprintf("%s %s: PATH=%s", s.mode.Session.Path, s.mode.Flags, shown("PATH", value))}}
}

func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// scriptDivergence says what a command of a login shell lacks that an editor is given. That is as most people want it.
func scriptDivergence(f *facts.Facts, by map[string]*seen, name string) (Finding, bool) {
	editor, script := by["-ilc"], by["-lc"]
	if script == nil {
		return Finding{}, false
	}
	a, okA := editor.value(name)
	b, okB := script.value(name)
	if name == "PATH" {
		a, b = strings.Join(goFolders(f, a), ":"), strings.Join(goFolders(f, b), ":")
	}
	if !okA || !okB || a == b || a == "" {
		return Finding{}, false
	}
	finding := Finding{Severity: Info, Object: name, Evidence: divergenceEvidence(name, editor)}
	finding.Message = say("shell.mode-divergence.script", "variable value",
		msg.New("only interactive shells have %s=\"%s\", a command of a login shell has not", name, shown(name, a)))
	if name == "PATH" {
		only := without(goFolders(f, a), goFolders(f, b))
		if len(only) == 0 {
			return Finding{}, false
		}
		finding.Evidence = folderEvidence(editor, only[0])
		finding.Message = say("shell.mode-divergence.path-script", "folders",
			msg.New("only interactive shells have %s on PATH, a command of a login shell has not", strings.Join(only, ", ")))
	}
	finding.Cause = msg.New("scripts, scheduled jobs and commands through ssh do not see it")
	return finding, true
}

// resolveSlow is shell.resolve-slow.
func resolveSlow(f *facts.Facts) []Finding {
	editor, window := f.Startup.Mode("-ilc"), f.Startup.Mode("-ic")
	if editor == nil {
		return nil
	}
	if finding, ok := slow(f, editor, waits(f)); ok {
		return []Finding{finding}
	}
	// What an interactive shell ends with, a terminal multiplexer say, needs a terminal, which it has in a window.
	if f.Platform.OS != "darwin" && window != nil && window.Run != nil && window.Run.Duration > slowStart {
		if finding, ok := slow(f, window, runLimit); ok {
			finding.Severity = Warning
			finding.Cause = msg.New("each terminal window takes that long to open")
			return []Finding{finding}
		}
	}
	return nil
}

// slow judges how one way to start the shell went.
func slow(f *facts.Facts, m *facts.ShellMode, limit time.Duration) (Finding, bool) {
	s, command, seconds := f.Startup, m.Session.Path+" "+m.Flags, int(limit.Seconds())
	finding := Finding{Severity: Error, Object: m.Session.Path,
		Cause: msg.New("an editor that is started from the desktop or on a remote machine waits %d seconds for it, then goes on without PATH and everything else that the start-up files set", seconds),
		Steps: []Step{{Text: msg.New("see which line it is")}}}
	finding.Steps[0].Command = "VSCODE_RESOLVING_ENVIRONMENT=1 " + trace(m) + " </dev/null"
	r := m.Run
	switch {
	case r == nil && !m.End.Why.IsZero() && !m.End.Maybe:
		finding.Message = say("shell.resolve-slow.ends", "command reason", msg.New("%s does not complete its start-up: %s", command, m.End.Why))
	case r == nil:
		return Finding{}, false
	case r.TimedOut || r.Duration >= runLimit:
		finding.Message = say("shell.resolve-slow.timeout", "command seconds", msg.New("%s had not completed its start-up after %d seconds", command, int(runLimit.Seconds())))
		if limit > runLimit {
			finding.Severity = Warning
			finding.Cause = msg.New("an editor waits for it each time it is started, at most %d seconds", seconds)
		}
	case r.Env == nil:
		finding.Message = say("shell.resolve-slow.never", "command status", msg.New("%s ends with status %d before it runs the command it was given", command, r.ExitCode))
	case r.Duration > min(slowStart, limit):
		finding.Message = say("shell.resolve-slow.slow", "command seconds", msg.New("%s takes %s seconds to start", command, strconv.FormatFloat(r.Duration.Seconds(), 'f', 1, 64)))
		if r.Duration < limit {
			finding.Severity = Warning
			finding.Cause = msg.New("an editor waits for it each time it is started, at most %d seconds", seconds)
		}
	default:
		return Finding{}, false
	}
	finding.Evidence = slowEvidence(s, m, command)
	if finding.Evidence[0].Line > 0 {
		finding.Steps = []Step{{Text: msg.New("skip the line when VSCODE_RESOLVING_ENVIRONMENT is set, or when standard output is no terminal")}}
	}
	if limit != runLimit {
		finding.Evidence = addEvidence(finding.Evidence, settingEvidence(f, timeLimit)...)
	}
	return finding, true
}

// trace is a command that shows the lines of the start-up files as they are executed.
func trace(m *facts.ShellMode) string {
	if m.Session.Kind == shell.Fish {
		return m.Session.Path + " --profile-startup=/dev/stderr -i -l -c true"
	}
	flags := " -x -i -c true"
	if m.Session.Login {
		flags = " -x -i -l -c true"
	}
	return m.Session.Path + flags
}

// slowEvidence names the line at fault where the files show it: where start-up ends, or a sleep.
func slowEvidence(s *facts.Startup, m *facts.ShellMode, command string) []Evidence {
	if m.End.From != "" && (m.Run == nil || !completes(m.Run)) {
		return []Evidence{at(m.End.From, "")}
	}
	e, ok := findLine(s, m, func(line string) bool {
		return slices.ContainsFunc(commandsOf(line), func(words []string) bool { return len(words) > 1 && words[0] == "sleep" })
	})
	if !ok {
		e = Evidence{Text: command}
	}
	return []Evidence{e}
}

// commandsOf returns the words of the commands in a line of a start-up file, as far as plain lines go. What is in quotes
// or between the brackets of a substitution is no command of its own.
func commandsOf(line string) [][]string {
	var all [][]string
	var words []string
	var word strings.Builder
	quote, depth := rune(0), 0
	flush := func() {
		if text := word.String(); text != "" && (len(words) > 0 || !slices.Contains(beforeCommand(), text)) {
			words = append(words, text)
		}
		word.Reset()
	}
	end := func() {
		if flush(); len(words) > 0 {
			all = append(all, words)
		}
		words = nil
	}
	last := ' '
	for _, r := range line {
		switch {
		case quote != 0:
			if word.WriteRune(r); r == quote {
				quote = 0
			}
		case r == '#' && (last == ' ' || last == '\t'):
			end()
			return all
		case r == '\'' || r == '"' || r == '`':
			quote = r
			word.WriteRune(r)
		case r == '(' && (last == '$' || depth > 0):
			depth++
			word.WriteRune(r)
		case r == ')' && depth > 0:
			depth--
			word.WriteRune(r)
		case depth > 0:
			word.WriteRune(r)
		case r == ';' || r == '&' || r == '|' || r == ')' || r == '{' || r == '\n':
			end()
		case r == ' ' || r == '\t' || r == '\r':
			flush()
		default:
			word.WriteRune(r)
		}
		last = r
	}
	end()
	return all
}

// beforeCommand returns words of the shell that a command follows.
func beforeCommand() []string {
	return []string{"if", "then", "else", "elif", "do", "while", "until", "!", "time", "and", "or", "not", "command", "builtin"}
}

// findLine finds a line of a start-up file: of those that a way to start the shell reads, then of all others.
func findLine(s *facts.Startup, m *facts.ShellMode, want func(line string) bool) (Evidence, bool) {
	var files []string
	for _, v := range m.Files {
		if v.State == shell.Read || v.State == shell.Maybe {
			files = append(files, v.File)
		}
	}
	for _, name := range slices.Concat(files, slices.Sorted(maps.Keys(s.Texts))) {
		n := 0
		for line := range strings.Lines(s.Texts[name]) {
			if n++; want(line) {
				return Evidence{Path: name, Line: n}, true
			}
		}
	}
	return Evidence{}, false
}

// outputNoise is shell.output-noise.
func outputNoise(f *facts.Facts) []Finding {
	var out []Finding
	for _, flags := range []string{"-lc", "-c"} {
		m := f.Startup.Mode(flags)
		if m == nil || m.Run == nil || m.Run.Env == nil || len(m.Run.Noise) == 0 {
			continue
		}
		if login := f.Startup.Mode("-lc").Run; len(out) > 0 && bytes.Equal(login.Noise, m.Run.Noise) {
			continue
		}
		out = append(out, noiseFinding(f.Startup, m))
	}
	return out
}

// maxNoise is the number of bytes shown at most of what a shell prints.
const maxNoise = 40

func noiseFinding(s *facts.Startup, m *facts.ShellMode) Finding {
	noise := m.Run.Noise
	text := wholeWords(string(noise), maxNoise)
	command := m.Session.Path + " " + m.Flags
	finding := Finding{Object: m.Session.Path + " " + m.Flags,
		Message: say("shell.output-noise.prints", "command bytes output", msg.New("%s prints %d bytes before it runs its command: %q", command, len(noise), text)),
		Cause:   msg.New("scp, rsync and git over ssh, and tools that read what a command prints, take it for the answer and fail"),
		Steps:   []Step{{Text: msg.New("print only if the shell is interactive, or to standard error")}}}
	if e, ok := printingLine(s, m, noise); ok {
		finding.Object = e.Path
		finding.Evidence = []Evidence{e}
		return finding
	}
	finding.Evidence = []Evidence{{Text: fmt.Sprintf("%s: %q", command, text)}}
	switch lines := printers(s, m); {
	case len(lines) == 1:
		finding.Object, finding.Evidence = lines[0].Path, lines
	case len(lines) > 1 && len(lines) <= maxPrinters:
		finding.Evidence = append(finding.Evidence, lines...)
		finding.Steps = append([]Step{{Text: msg.New("see which of these lines it is")}}, finding.Steps...)
	}
	return finding
}

// maxPrinters is the number of lines that may be at fault and are worth naming.
const maxPrinters = 3

// printers returns the lines of the files that a way to start the shell reads which may print something: with a command
// that does nothing else.
func printers(s *facts.Startup, m *facts.ShellMode) []Evidence {
	var list []Evidence
	for _, v := range m.Files {
		if v.State != shell.Read && v.State != shell.Maybe {
			continue
		}
		n, depth := 0, 0
		for line := range strings.Lines(s.Texts[v.File]) {
			n++
			switch text := strings.TrimSpace(line); {
			case strings.HasPrefix(text, "}"):
				depth = max(0, depth-1)
				continue
			case strings.HasSuffix(text, "{"): // a function, whose body is not executed here
				depth++
				continue
			case depth > 0:
				continue
			}
			if isGuard(line) {
				break
			}
			if !piped(line) && slices.ContainsFunc(commandsOf(line), func(words []string) bool { return prints(words, m.Run.Noise) }) {
				list = addEvidence(list, Evidence{Path: v.File, Line: n})
			}
		}
	}
	return list
}

// isGuard reports whether a line ends a start-up file for shells that are not interactive.
func isGuard(line string) bool {
	return strings.Contains(line, "return") && (strings.Contains(line, "*)") || strings.Contains(line, "$-") || strings.Contains(line, "PS1") || strings.Contains(line, "interactive"))
}

// piped reports whether a line sends what it prints elsewhere.
func piped(line string) bool {
	return strings.Contains(line, ">") || strings.Contains(strings.ReplaceAll(line, "||", ""), "|")
}

// prints reports whether a command is one that prints and is written for that. One that prints a fixed text which is not
// in noise is another.
func prints(words []string, noise []byte) bool {
	switch words[0] {
	case "echo", "printf", "print":
		text := strings.Trim(words[len(words)-1], "\"'")
		return strings.ContainsAny(text, "$`\\%") || bytes.Contains(noise, []byte(text))
	case "cat", "date", "uptime", "cal", "uname", "hostname", "whoami", "id", "who", "w", "last", "df", "free", "ls",
		"fortune", "cowsay", "figlet", "toilet", "lolcat", "neofetch", "fastfetch", "screenfetch", "pfetch", "archey", "landscape-sysinfo", "curl", "tput":
		return true
	case "printenv", "env", "set", "export", "declare", "alias":
		return len(words) == 1
	}
	return false
}

// printingLine finds the line of a start-up file that has the beginning of what was printed: all of its first line, or
// as much as stands before a value.
func printingLine(s *facts.Startup, m *facts.ShellMode, noise []byte) (Evidence, bool) {
	first := ""
	for line := range bytes.Lines(noise[:min(len(noise), 4<<10)]) {
		if first = strings.TrimSpace(string(line)); len(first) > 2 {
			break
		}
	}
	first = first[:min(len(first), 200)]
	for _, part := range []int{len(first), len(first) * 3 / 4, len(first) / 2} {
		if part < 3 || part < len(first) && part < 6 {
			break
		}
		e, ok := findLine(s, m, func(line string) bool {
			return strings.Contains(line, first[:part]) && !strings.HasPrefix(strings.TrimSpace(line), "#") &&
				(strings.Contains(line, "echo") || strings.Contains(line, "print") || strings.Contains(line, "cat"))
		})
		if ok {
			return e, true
		}
	}
	return Evidence{}, false
}

// direnvBlocked is shell.direnv.
func direnvBlocked(f *facts.Facts) []Finding {
	if f.Startup == nil || f.Startup.Direnv == nil || !f.Startup.Direnv.Blocked {
		return nil
	}
	d := f.Startup.Direnv
	finding := Finding{Object: d.File}
	var names []string
	n := 0
	for line := range strings.Lines(d.Text) {
		n++
		for _, name := range envrcSets(line) {
			if !slices.Contains(names, name) {
				names = append(names, name)
				finding.Evidence = addEvidence(finding.Evidence, Evidence{Path: d.File, Line: n})
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	finding.Message = say("shell.direnv.blocked", "file variables", msg.New("direnv does not load %s, which sets %s: nobody has allowed it as it is now", d.File, strings.Join(names, ", ")))
	finding.Cause = msg.New("terminals in this folder, and editors with direnv, go without these values")
	finding.Steps = []Step{{Text: msg.New("read the file, it can run any program; then allow it"), Command: "direnv allow " + quote(f, d.File)}}
	return []Finding{finding}
}

// envrcSets returns the variables that matter to Go which a line of a .envrc sets.
func envrcSets(line string) []string {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return nil
	}
	switch fields[0] {
	case "PATH_add":
		return []string{"PATH"}
	case "path_add":
		if len(fields) > 1 && fields[1] == "PATH" {
			return []string{"PATH"}
		}
	case "layout":
		if len(fields) > 1 && fields[1] == "go" {
			return []string{"GOPATH", "PATH"}
		}
	case "export":
		var names []string
		for _, word := range fields[1:] {
			if name, _, ok := strings.Cut(word, "="); ok && (name == "PATH" || isForGo(name)) {
				names = append(names, name)
			}
		}
		return names
	}
	return nil
}
