package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/goready/goready/internal/explain"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/shell"
)

// export is a line of a start-up file that sets a variable, or would.
type export struct {
	set     layer.Set
	at      Evidence
	reached bool
	login   bool // what an interactive login shell ends with
	other   bool // what another way to start the shell ends with
}

// exportsOf returns the lines that set a variable in any way to start the shell: those that decide, those of an
// interactive login shell first, then those that are overwritten, then those that no shell reaches. Of PATH only those that add a folder for Go.
func exportsOf(f *facts.Facts, name string) []export {
	var list []export
	for i := range f.Startup.Modes {
		env := f.Startup.Modes[i].Env
		last, _ := winner(env, name)
		before := ""
		for _, s := range env.Trail(name) {
			_, _, ok := place(s)
			if ok && !isOpaque(s) && (name != "PATH" || addsGoFolder(f, before, s.Value)) {
				decides := s.Skipped.IsZero() && s.From == last.From
				login := f.Startup.Modes[i].Flags == "-ilc"
				merge(&list, export{set: s, at: at(s.From, ""), reached: s.Skipped.IsZero(), login: decides && login, other: decides && !login})
			}
			if s.Skipped.IsZero() {
				before = s.Value
			}
		}
	}
	slices.SortStableFunc(list, func(a, b export) int { return b.rank() - a.rank() })
	return list
}

func (e *export) rank() int {
	switch {
	case e.login:
		return 3
	case e.other:
		return 2
	case e.reached:
		return 1
	}
	return 0
}

func merge(list *[]export, e export) {
	for i := range *list {
		old := &(*list)[i]
		if old.at != e.at {
			continue
		}
		if e.rank() > old.rank() {
			old.reached, old.set.Value = e.reached, e.set.Value
		}
		old.login, old.other = old.login || e.login, old.other || e.other
		if old.set.Skipped.IsZero() { // whatever else: say when it is skipped
			old.set.Skipped = e.set.Skipped
		}
		return
	}
	*list = append(*list, e)
}

func addsGoFolder(f *facts.Facts, before, after string) bool {
	had := goFolders(f, before)
	return slices.ContainsFunc(goFolders(f, after), func(dir string) bool { return !slices.Contains(had, dir) })
}

// shellExports is shell.exports.
func shellExports(f *facts.Facts) []Finding {
	if f.Startup == nil {
		return nil
	}
	var out []Finding
	for _, name := range goVariables(f.Startup) {
		list := exportsOf(f, name)
		if len(list) == 0 {
			continue
		}
		finding := Finding{Object: name, Message: exportsMessage(name, list)}
		var conditions []msg.Text
		for i := range list {
			finding.Evidence = addEvidence(finding.Evidence, list[i].at)
			if why := list[i].set.Skipped; !why.IsZero() && len(conditions) < 4 {
				conditions = append(conditions, msg.New("%s: %s", list[i].set.From, why))
			}
		}
		for i := range list {
			if guard, ok := guardOf(list[i].set); ok {
				finding.Evidence = addEvidence(finding.Evidence, guard)
			}
		}
		if len(conditions) > 0 {
			finding.Cause = join(conditions)
		}
		out = append(out, finding)
	}
	return out
}

func exportsMessage(name string, list []export) Message {
	switch first := list[0]; {
	case !first.reached:
		return say("shell.exports.unreached", "variable from", msg.New("no start of the shell reaches the line that sets %s, %s", name, first.set.From))
	case len(list) == 1:
		return say("shell.exports.set", "variable from", msg.New("%s is set by %s", name, first.set.From))
	case first.login && !list[1].login && list[1].other:
		return say("shell.exports.sessions", "variable lines from otherFrom",
			msg.New("%s is set by %d lines; an interactive login shell ends with %s, other sessions with %s", name, len(list), first.set.From, list[1].set.From))
	default:
		return say("shell.exports.several", "variable lines from", msg.New("%s is set by %d lines; %s decides", name, len(list), first.set.From))
	}
}

// duplicateExports is shell.duplicate-exports.
func duplicateExports(f *facts.Facts) []Finding {
	if f.Startup == nil {
		return nil
	}
	var out []Finding
	for _, name := range goVariables(f.Startup) {
		if name == "PATH" {
			out = append(out, pathGrowth(f)...)
			continue
		}
		for i := range f.Startup.Modes {
			if finding, ok := contradiction(f, &f.Startup.Modes[i], name); ok {
				out = append(out, finding)
				break
			}
		}
	}
	return out
}

// contradiction looks for two lines that both set a variable to a fixed value in one way to start the shell. A line
// that uses the value there was, or stands under a condition, says on purpose that it adds or makes an exception.
func contradiction(f *facts.Facts, m *facts.ShellMode, name string) (Finding, bool) {
	var sets []layer.Set
	for _, s := range m.Env.Trail(name) {
		if !s.Skipped.IsZero() {
			continue
		}
		file, line, ok := place(s)
		if !ok || s.Unset || s.Value == "" || !s.Unknown.IsZero() || !isFixed(lineText(f.Startup, file, line), name) {
			sets = nil
			continue
		}
		sets = append(sets, s)
	}
	if len(sets) < 2 {
		return Finding{}, false
	}
	last := sets[len(sets)-1]
	file, line, _ := place(last)
	if isConditional(lineText(f.Startup, file, line)) {
		return Finding{}, false
	}
	finding := Finding{Object: name, Evidence: []Evidence{at(last.From, "")}}
	severity := Info
	other := layer.Set{}
	for _, s := range slices.Backward(sets[:len(sets)-1]) {
		if s.Value == last.Value || s.From == last.From {
			continue
		}
		if other.From == "" {
			other = s
		}
		finding.Evidence = addEvidence(finding.Evidence, at(s.From, ""))
		if earlier, _, _ := place(s); isSystemFile(earlier) == isSystemFile(file) {
			severity = Warning // a user's file that overrides the system's is no contradiction
		}
	}
	if other.From == "" {
		return Finding{}, false
	}
	finding.Severity = severity
	finding.Message = say("shell.duplicate-exports.values", "variable value from other otherFrom",
		msg.New("%s is set to \"%s\" by %s, and before that to \"%s\" by %s", name, shown(name, last.Value), last.From, shown(name, other.Value), other.From))
	finding.Cause = msg.New("the last line wins; whoever changes the other one sees no effect")
	if list := exportsOf(f, name); len(list) > 1 && list[0].login && !list[1].login && list[1].other {
		finding.Cause = msg.New("an interactive login shell ends with %s, other sessions with %s: whoever changes one of the lines sees no effect elsewhere", list[0].set.From, list[1].set.From)
	}
	finding.Steps = []Step{{Text: msg.New("keep the line with the value you want, and remove the others")}}
	return finding, true
}

func isSystemFile(name string) bool { return strings.HasPrefix(name, "/etc/") }

// isFixed reports whether a line gives a variable a value that depends neither on the one it had nor on a program.
func isFixed(text, name string) bool {
	switch {
	case text == "" || strings.Contains(text, "$"+name) || strings.Contains(text, "${"+name), strings.Contains(text, "$("), strings.Contains(text, "`"):
		return false
	case strings.Contains(text, name+"+="):
		return false
	case strings.HasPrefix(strings.TrimSpace(text), "set "): // fish
		return !strings.Contains(text, "(") && !slices.ContainsFunc(strings.Fields(text), func(flag string) bool {
			return flag == "--append" || flag == "--prepend" || strings.HasPrefix(flag, "-") && !strings.HasPrefix(flag, "--") && strings.ContainsAny(flag, "ap")
		})
	}
	return strings.Contains(text, name)
}

// isConditional reports whether a line looks as if it stood under a condition: it is indented, or has one in it.
func isConditional(text string) bool {
	if strings.TrimLeft(text, " \t") != text {
		return true
	}
	for _, word := range []string{"&&", "||", "if ", "case ", ";;", "; and ", "; or "} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// pathGrowth finds folders for Go that two lines add to PATH.
func pathGrowth(f *facts.Facts) []Finding {
	var out []Finding
	seen := map[string]bool{}
	for i := range f.Startup.Modes {
		adders := map[string][]layer.Set{}
		before := map[string]int{}
		var order []string
		for _, s := range f.Startup.Modes[i].Env.Trail("PATH") {
			if !s.Skipped.IsZero() || !s.Unknown.IsZero() {
				continue
			}
			now := map[string]int{}
			for _, dir := range f.Platform.SplitList(s.Value) {
				now[dir]++
			}
			for _, dir := range goFolders(f, s.Value) {
				if _, _, ok := place(s); ok && now[dir] > before[dir] {
					if len(adders[dir]) == 0 {
						order = append(order, dir)
					}
					adders[dir] = append(adders[dir], s)
				}
			}
			before = now
		}
		for _, dir := range order {
			if sets := adders[dir]; !seen[dir] && before[dir] > 1 && len(sets) > 1 && sets[0].From != sets[len(sets)-1].From {
				seen[dir] = true
				out = append(out, growthFinding(dir, sets))
			}
		}
	}
	return out
}

func growthFinding(dir string, sets []layer.Set) Finding {
	last := sets[len(sets)-1]
	finding := Finding{Severity: Info, Object: dir,
		Message: say("shell.duplicate-exports.path", "folder from otherFrom", msg.New("%s is added to PATH by %s and by %s", dir, last.From, sets[0].From)),
		Cause:   msg.New("the second entry has no effect; whoever removes one line still finds the folder on PATH"),
		Steps:   []Step{{Text: msg.New("remove one of the lines")}}}
	for _, s := range slices.Backward(sets) {
		finding.Evidence = addEvidence(finding.Evidence, at(s.From, ""))
	}
	return finding
}

// interactiveGuard is shell.interactive-guard.
func interactiveGuard(f *facts.Facts) []Finding {
	full := f.Startup.Mode("-ilc")
	if full == nil {
		return nil
	}
	var out []Finding
	for _, name := range goVariables(f.Startup) {
		if name == "GOROOT" { // go knows its own by itself: who goes without the value lacks nothing
			continue
		}
		var lacking []string
		var hidden layer.Set
		for i := range f.Consumers {
			c := &f.Consumers[i]
			if c.ID != "login-command" && c.ID != "ssh-command" || !c.Absent.IsZero() || !c.Failed.IsZero() {
				continue
			}
			if s, ok := guarded(f, c, name); ok {
				lacking, hidden = append(lacking, c.ID), s
			}
		}
		if len(lacking) > 0 {
			out = append(out, guardFinding(f, name, hidden, lacking))
		}
	}
	return out
}

// guarded returns the change of a variable that a guard hides from a consumer and that an interactive shell sees, if
// the consumer has the value from nowhere else.
func guarded(f *facts.Facts, c *facts.Consumer, name string) (layer.Set, bool) {
	for _, s := range slices.Backward(c.Env.Trail(name)) {
		_, isGuard := guardOf(s)
		if _, _, isLine := place(s); !isGuard || !isLine {
			continue
		}
		if seen, ok := whenInteractive(f, c, s, name); ok && lacks(f, c, name, seen) {
			seen.Skipped = s.Skipped
			return seen, true
		}
	}
	return layer.Set{}, false
}

// whenInteractive returns what a line that the consumer's shell skips does to a variable in the shell that differs from
// that in nothing but that it is interactive: the guard before the line asks for that then. Where the files of that
// shell cannot be followed to the line, what it really did counts, or the other interactive shell.
func whenInteractive(f *facts.Facts, c *facts.Consumer, skipped layer.Set, name string) (layer.Set, bool) {
	with, without, other := "-ilc", "-lc", "-ic"
	if c.ID == "ssh-command" {
		with, without, other = "-ic", "-c", "-ilc"
	}
	if _, reached, _ := lineIn(f, without, skipped.From, name); reached {
		return layer.Set{}, false
	}
	s, reached, passed := lineIn(f, with, skipped.From, name)
	if reached || passed {
		return s, reached
	}
	if r := f.Startup.Mode(with).Run; r != nil && name != "PATH" {
		return skipped, r.Env[name] == skipped.Value && skipped.Value != ""
	}
	s, reached, _ = lineIn(f, other, skipped.From, name)
	return s, reached
}

// lineIn returns what a line does to a variable in one way to start the shell: whether it is reached there, or known to
// be skipped.
func lineIn(f *facts.Facts, flags, from, name string) (s layer.Set, reached, skipped bool) {
	for _, s := range f.Startup.Mode(flags).Env.Trail(name) {
		switch {
		case s.From != from:
		case !s.Skipped.IsZero():
			skipped = true
		case s.Unknown.IsZero() && !s.Unset:
			return s, true, false
		}
	}
	return layer.Set{}, false, skipped
}

// lacks reports whether a consumer goes without what a line would have given it.
func lacks(f *facts.Facts, c *facts.Consumer, name string, s layer.Set) bool {
	if name == "PATH" {
		path, _, unknown := c.Env.Lookup("PATH")
		has := goFolders(f, path)
		return unknown.IsZero() && slices.ContainsFunc(goFolders(f, s.Value), func(dir string) bool { return !slices.Contains(has, dir) })
	}
	if isDefault(f, name, s.Value) || runHas(f, c, name, s.Value) {
		return false
	}
	d := explain.Value(f, c, name)
	return d.State == explain.Unset || d.State == explain.Set && d.Value != s.Value
}

// runHas reports whether the shell, when it was run as the consumer starts it, had the value after all.
func runHas(f *facts.Facts, c *facts.Consumer, name, value string) bool {
	flags := "-lc"
	if c.ID == "ssh-command" {
		flags = "-c"
	}
	m := f.Startup.Mode(flags)
	return m != nil && m.Run != nil && m.Run.Env != nil && m.Run.Env[name] == value
}

func guardFinding(f *facts.Facts, name string, s layer.Set, lacking []string) Finding {
	guard, _ := guardOf(s)
	finding := Finding{Object: name, Consumers: lacking, Evidence: addEvidence([]Evidence{guard}, at(s.From, ""))}
	key, names := "shell.interactive-guard.export", "variable from guard"
	finding.Message = say(key, names, msg.New("only an interactive shell reaches the line that sets %s, %s: see %s", name, s.From, guard.place()))
	finding.Cause = msg.New("a command through ssh, a script of a login shell and what they start go without this %s", name)
	if name == "PATH" {
		if finding.Severity = Info; startsWithoutTerminal(f) && findsNoGo(f, lacking) {
			finding.Severity = Warning
		}
	}
	line := s.From
	if by, ok := readBy(f, at(s.From, "").Path); ok {
		finding.Evidence = addEvidence(finding.Evidence, by)
		line = by.place()
	}
	finding.Steps = []Step{{Text: msg.New("move the line %s in front of %s, or into %s", line, guard.place(), loginFile(f))}}
	if f.Startup.Kind == shell.Fish {
		finding.Steps[0].Text = msg.New("move the line %s in front of %s", line, guard.place())
	}
	return finding
}

// readBy returns the line of a start-up file of the user that reads a file which is none itself: a program has written
// that, a version manager say, and will again.
func readBy(f *facts.Facts, file string) (Evidence, bool) {
	if f.Home == "" || isStartupFile(f, file) {
		return Evidence{}, false
	}
	short := strings.TrimPrefix(file, f.Home)
	for _, name := range slices.Sorted(maps.Keys(f.Startup.Texts)) {
		if !isStartupFile(f, name) || isSystemFile(name) {
			continue
		}
		n := 0
		for line := range strings.Lines(f.Startup.Texts[name]) {
			n++
			text := strings.TrimSpace(line)
			if !strings.HasPrefix(text, "#") && strings.Contains(text, short) && (strings.Contains(text, "source ") || strings.Contains(text, ". ")) {
				return Evidence{Path: name, Line: n}, true
			}
		}
	}
	return Evidence{}, false
}

// isStartupFile reports whether a file is one that a shell reads by itself.
func isStartupFile(f *facts.Facts, name string) bool {
	switch f.Platform.Base(name) {
	case ".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zshenv", ".zprofile", ".zlogin", "config.fish":
		return true
	}
	return isSystemFile(name)
}

// startsWithoutTerminal reports whether programs are started on the machine by an sshd or a server of an editor.
func startsWithoutTerminal(f *facts.Facts) bool {
	return slices.ContainsFunc(f.Consumers, func(c facts.Consumer) bool {
		return (c.ID == "ssh-command" || c.ID == "vscode-remote-server") && c.Absent.IsZero()
	})
}

// findsNoGo reports whether one of the consumers finds no go command.
func findsNoGo(f *facts.Facts, ids []string) bool {
	return slices.ContainsFunc(f.Consumers, func(c facts.Consumer) bool { return slices.Contains(ids, c.ID) && c.Go.Found == "" })
}

// loginFile is the file that a login shell of the user reads, interactive or not.
func loginFile(f *facts.Facts) string {
	home := f.Home + "/"
	switch f.Startup.Kind {
	case shell.Zsh:
		return home + ".zshenv"
	case shell.Bash:
		for _, name := range []string{".bash_profile", ".bash_login"} {
			if _, ok := f.Startup.Texts[home+name]; ok {
				return home + name
			}
		}
	}
	return home + ".profile"
}
