package check

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/explain"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host/scrub"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// envValueChecks are about what values mean.
func envValueChecks() []Check {
	project := []facts.Section{facts.SectionProject, facts.SectionPaths} // a step may have to say who can write a file
	file := []string{"env.goenv-file"}                                   // quotes, line ends and blanks become a part of the value there
	return []Check{
		{ID: "env.home-missing", Severity: Error, Platforms: []string{"linux", "darwin"}, Facts: project, Run: checkHomeMissing,
			Title: msg.New("services and jobs that run go have a HOME, or folders for its caches")},
		{ID: "env.special-chars", Severity: Warning, Facts: project, Run: checkSpecialChars,
			Title: msg.New("folders of Go have names that compilers understand")},
		{ID: "env.cache-paths", Severity: Error, Facts: project, After: file, Run: checkCachePaths,
			Title: msg.New("the caches and the folder for temporary files are usable")},
		{ID: "env.proxyvars", Severity: Warning, Facts: project, Run: checkProxyVars,
			Title: msg.New("HTTP_PROXY, HTTPS_PROXY and NO_PROXY mean what they seem to mean")},
		{ID: "env.goproxy-syntax", Severity: Error, Facts: project, After: file, Run: checkGOPROXY,
			Title: msg.New("GOPROXY is a list that Go accepts and reads to its end")},
		{ID: "env.gosumdb-syntax", Severity: Error, Facts: project, After: file, Run: checkGOSUMDB,
			Title: msg.New("GOSUMDB names a checksum database, and no pattern switches it off for all modules")},
		{ID: "env.private-leak", Severity: Warning, Facts: project, After: file, Run: checkPrivateLeak,
			Title: msg.New("the names of private modules are not sent to public servers")},
		{ID: "env.secrets", Severity: Error, Facts: project, Run: checkSecrets,
			Title: msg.New("no file that others read has credentials in a URL")},
		{ID: "env.godebug-unknown", Severity: Info, Facts: project, Run: checkGODEBUG,
			Title: msg.New("the Go that runs knows the keys of GODEBUG")},
	}
}

// seenValue is a value of a variable that consumers of the developer see, and the place that decided it.
type seenValue struct {
	name, value string
	layer       layer.ID
	from        string // "file:line", or a description
	ids         []string
	consumer    *facts.Consumer // the first of them
}

// decided returns what a consumer sees of a variable, false if nothing is known or nothing is set.
func decided(f *facts.Facts, c *facts.Consumer, name string) (seenValue, bool) {
	d := explain.Value(f, c, name)
	w, ok := d.Winner()
	if !ok || d.State != explain.Set {
		return seenValue{}, false
	}
	v := seenValue{name: name, value: d.Value, layer: w.Layer, from: w.From, ids: []string{c.ID}, consumer: c}
	if v.from == "" {
		v.from = string(w.Layer)
	}
	if v.layer == layer.Frozen && c.User.Name != "" && strings.HasPrefix(v.from, c.User.Name+":") {
		v.layer = layer.GoEnvFile
	}
	return v, true
}

// seenValues returns the values that consumers of the developer see of a variable, one for each value and place. An
// environment that was inherited from who knows where does not count as a place if a file gives the same value.
func seenValues(f *facts.Facts, name string) []seenValue {
	var all []seenValue
	for _, c := range developers(f) {
		if v, ok := decided(f, c, name); ok {
			all = append(all, v)
		}
	}
	return mergeSeen(all)
}

func mergeSeen(all []seenValue) []seenValue {
	var out []seenValue
	for _, v := range all {
		i := slices.IndexFunc(out, func(o seenValue) bool { return o.name == v.name && o.value == v.value && o.from == v.from })
		if i < 0 {
			out = append(out, v)
			continue
		}
		out[i].ids = append(out[i].ids, v.ids...)
	}
	for i := len(out) - 1; i >= 0; i-- {
		v := out[i]
		if !v.inherited() {
			continue
		}
		j := slices.IndexFunc(out, func(o seenValue) bool { return o.name == v.name && o.value == v.value && !o.inherited() })
		if j >= 0 {
			out[j].ids = append(out[j].ids, v.ids...)
			out = slices.Delete(out, i, i+1)
		}
	}
	return out
}

// inherited reports whether a process was given the value by nobody knows whom.
func (v *seenValue) inherited() bool { return v.layer == layer.OSEnv && at(v.from, "").Path == "" }

// concerns returns ids in the order of the consumers, nil if they are all that a developer has.
func concerns(f *facts.Facts, ids []string) []string {
	var out []string
	all := true
	for _, c := range developers(f) {
		if slices.Contains(ids, c.ID) {
			out = append(out, c.ID)
		} else {
			all = false
		}
	}
	if all {
		return nil
	}
	return out
}

// evidence is the place that decided a value.
func (v *seenValue) evidence() Evidence {
	if !v.written() {
		return Evidence{Text: v.name + "=" + v.shown()}
	}
	e := at(v.from, "")
	if e.Path == "" {
		return at(v.from, v.name+"="+v.shown())
	}
	return e
}

// shown is the value as it may be shown.
func (v *seenValue) shown() string { return withoutUsers(layer.Redact(v.name, v.value)) }

// withoutUsers masks all user information in URLs, as recordings of machines do: a finding is the same on both.
func withoutUsers(text string) string {
	var b strings.Builder
	for {
		i := strings.Index(text, "://")
		if i < 0 {
			return b.String() + text
		}
		b.WriteString(text[:i+3])
		text = text[i+3:]
		end := strings.IndexAny(text, "/\\?#,| \t\r\n\"'`<>")
		if end < 0 {
			end = len(text)
		}
		if at := strings.LastIndexByte(text[:end], '@'); at > 0 && text[:at] != "git" && !scrub.Reference(text[:at]) {
			b.WriteString(layer.Masked)
			text = text[at:]
		}
	}
}

// assignment gives the variable a value, in the words of the place that decided it.
func (v *seenValue) assignment(f *facts.Facts, value string) string {
	if v.layer == layer.ShellFile || v.layer == layer.ProfileD {
		return v.name + "=" + quote(f, value)
	}
	return v.name + "=" + value
}

// repair says how to give a variable another value where this one was decided, or none if value is "".
func (v *seenValue) repair(f *facts.Facts, value string) []Step {
	assignment := v.assignment(f, value)
	switch v.layer {
	case layer.GoEnvFile:
		if value == "" {
			return []Step{{Text: msg.New("remove %s from the go env file", v.name), Command: goCommand(f, "env -u "+v.name, envGuard(f, v.name, asWritten(v))...)}}
		}
		return []Step{{Text: msg.New("write the value into the go env file"), Command: goCommand(f, "env -w "+quote(f, assignment))}}
	case layer.SDKGoEnv, layer.GoDefault, layer.GoDerived:
		if value == "" {
			return nil
		}
		return []Step{{Text: msg.New("set another value for yourself: it comes before %s", v.from), Command: goCommand(f, "env -w "+quote(f, assignment))}}
	case layer.OSEnv:
		return v.repairProcess(f, value)
	case layer.WindowsUser, layer.WindowsMachine:
		to, whose, text := "$null", "User", msg.New("change it in your environment variables, and open a new window")
		if value != "" {
			to = quotePowerShell(value)
		}
		if v.layer == layer.WindowsMachine {
			whose, text = "Machine", msg.New("as administrator change it in the environment variables of the machine, and log in again")
		}
		return []Step{{Text: text, Command: "[Environment]::SetEnvironmentVariable(" + quotePowerShell(v.name) + ", " + to + ", '" + whose + "')"}}
	}
	return v.repairFile(f, value, assignment)
}

// repairFile says how to change a variable that a line of a file sets.
func (v *seenValue) repairFile(f *facts.Facts, value, assignment string) []Step {
	e := at(v.from, "")
	switch {
	case fishUniversal(f, e.Path):
		return []Step{fishStep(v.name, value)}
	case value != "":
		return []Step{{Text: msg.New("in %s write %s", v.from, assignment)}}
	case e.Path != "" && e.Line > 0:
		return []Step{{Text: msg.New("remove %s from line %d of %s, and start what was started with it again", v.name, e.Line, e.Path)}}
	case e.Path != "":
		return []Step{{Text: msg.New("remove %s from %s, and start what was started with it again", v.name, e.Path)}}
	}
	return []Step{{Text: msg.New("remove %s where it comes from (%s)", v.name, v.from)}}
}

// replace says what to write in place of a part of a value, where the whole value is better not repeated.
func (v *seenValue) replace(f *facts.Facts, part, by string) Step {
	part, by = withoutUsers(part), withoutUsers(by)
	if fishUniversal(f, at(v.from, "").Path) {
		return Step{Text: msg.New("set %s again with \"set -Ux\" in fish, with %s in place of %s", v.name, by, part)}
	}
	return Step{Text: msg.New("in %s write %s in place of %s", v.from, by, part)}
}

// repairProcess says how to change a variable that a process was given by nobody knows whom.
func (v *seenValue) repairProcess(f *facts.Facts, value string) []Step {
	text, command := msg.New("set it where this environment comes from; for this session"), ""
	switch {
	case value == "":
		command = envUnset(f, v.name)
	case f.Platform.Windows():
		command = "$env:" + v.name + " = " + quotePowerShell(value)
	default:
		command = "export " + quote(f, v.name+"="+value)
	}
	if value == "" {
		text = msg.New("remove %s where this environment comes from; for this session", v.name)
	}
	return []Step{{Text: text, Command: command}}
}

// join puts remarks into one sentence.
func join(texts []msg.Text) msg.Text {
	out := texts[0]
	for _, t := range texts[1:] {
		out = msg.New("%s; %s", out, t)
	}
	return out
}

// judged are the remarks on a value that are worth a finding, and what the value should be.
type judged struct {
	severity Severity
	texts    []msg.Text
	instead  string // the whole value; "" if there is no better one to propose
}

// judge sorts out remarks on a value: what is refused is an error, what does nothing or is risky is a warning. lint
// judges the corrected value again. Entries that do nothing are left out of a list if they are droppable.
func judge(value string, problems []goenv.ValueProblem, lint func(string) []goenv.ValueProblem, droppable bool) judged {
	j := judged{severity: Info, instead: value}
	for _, p := range slices.Backward(problems) {
		severity := gradeSeverity(p.Grade)
		if severity == Info {
			continue
		}
		if !j.severity.AtLeast(severity) {
			j.severity = severity
		}
		about := p.Text.Map(withoutUsers)
		text := about
		if p.Token != "" && p.Token != value && withoutUsers(p.Token) != withoutUsers(value) {
			text = msg.New("%q: %s", withoutUsers(p.Token), about)
		}
		j.texts = slices.DeleteFunc(j.texts, func(t msg.Text) bool { return said(t) == about.String() })
		j.texts = append(j.texts, text)
		j.instead = corrected(j.instead, p, droppable)
	}
	slices.Reverse(j.texts)
	j.texts = j.texts[:min(len(j.texts), 5)]
	if j.instead == value || strings.Contains(value, "@") {
		j.instead = ""
	}
	if j.instead != "" && slices.ContainsFunc(lint(j.instead), func(p goenv.ValueProblem) bool { return gradeSeverity(p.Grade) != Info }) {
		j.instead = ""
	}
	return j
}

// said returns a remark without the part of the value that it is about.
func said(t msg.Text) string {
	if n := len(t.Args); t.Format == "%q: %s" && n == 2 {
		if inner, ok := t.Args[1].(msg.Text); ok {
			return inner.String()
		}
	}
	return t.String()
}

func gradeSeverity(g goenv.ProblemGrade) Severity {
	switch g {
	case goenv.GradeRefused:
		return Error
	case goenv.GradeIneffective, goenv.GradeRisky:
		return Warning
	}
	return Info
}

// corrected replaces what a remark is about, "" if it cannot.
func corrected(value string, p goenv.ValueProblem, droppable bool) string {
	end := p.Offset + len(p.Token)
	if end > len(value) || value[p.Offset:end] != p.Token || p.Token == "" {
		return ""
	}
	before, after := value[:p.Offset], value[end:]
	switch {
	case p.Instead != "":
		return before + p.Instead + after
	case droppable && p.Grade == goenv.GradeIneffective:
		return strings.Trim(strings.TrimRight(before, ",| ")+after, ",| ")
	}
	return ""
}
