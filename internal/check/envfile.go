package check

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/goready/goready/internal/explain"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// goenvFile judges the go env files as files: lines that do nothing or not what they seem to do, files that cannot be
// read or that anybody can change, and files that GOENV hides.
func goenvFile(f *facts.Facts) []Finding {
	var out []Finding
	seen := map[string]bool{}
	for _, c := range developers(f) {
		if name := c.User.Name; name != "" && !seen[name] {
			seen[name] = true
			out = append(out, goenvAccess(f, c)...)
			out = append(out, goenvLines(c.User.File)...)
		}
	}
	return append(out, goenvHidden(f)...)
}

// goenvAccess judges who can read and write the file.
func goenvAccess(f *facts.Facts, c *facts.Consumer) []Finding {
	name := c.User.Name
	info := f.Paths.At(name)
	switch {
	case !c.User.Err.IsZero() && !info.Missing:
		step := Step{Text: msg.New("make it a file that you can read and write")}
		if info.Unknown.IsZero() && info.Info.Mode.IsRegular() && info.Info.UID >= 0 {
			step.Command = goenvOwn(f, name, 0o600)
		}
		return []Finding{{Object: name, Message: say("env.goenv-file.unreadable", "file reason", msg.New("the go env file \"%s\" cannot be read (%s)", name, c.User.Err)),
			Cause:    msg.New("the go command says nothing about it and goes on as if the file were empty; \"go env -w\" fails"),
			Evidence: []Evidence{{Path: name}}, Steps: []Step{step}}}
	case goenvLocked(f, name) != "":
		return []Finding{goenvReadonly(f, name, info)}
	case info.Unknown.IsZero() && !info.Missing && info.Info.UID >= 0 && info.Info.Mode.IsRegular() && info.Info.Mode&0o002 != 0:
		return []Finding{{Severity: Warning, Object: name, Message: say("env.goenv-file.writable", "file", msg.New("every user of this machine can change the go env file \"%s\"", name)),
			Cause:    msg.New("whoever writes there decides where your modules come from and which compiler runs"),
			Evidence: []Evidence{{Path: name, Text: info.Info.Mode.String()}}, Steps: []Step{envMode(f, "o-w", name, info.Info.UID)}}}
	}
	return nil
}

// goenvReadonly is the finding about a go env file, or a folder for it, that the user cannot write.
func goenvReadonly(f *facts.Facts, name string, info facts.PathInfo) Finding {
	finding := Finding{Severity: Warning, Object: name,
		Message:  say("env.goenv-file.readonly", "file", msg.New("you can read the go env file \"%s\", but not write it", name)),
		Cause:    msg.New("\"go env -w\" and \"go env -u\" end with \"permission denied\""),
		Evidence: []Evidence{{Path: name, Text: info.Info.Mode.String()}},
		Steps:    []Step{{Text: msg.New("make it yours again"), Command: goenvLocked(f, name)}}}
	if info.Missing {
		finding.Message = say("env.goenv-file.folder", "folder file", msg.New("you cannot write in \"%s\", where the go env file \"%s\" would be", info.Above, name))
		finding.Evidence = []Evidence{{Path: info.Above, Text: info.Info.Mode.String()}}
	}
	return finding
}

// goenvLocked returns the command that lets the user write a go env file in his home again; "" if he can, or nothing is
// known. What a link leads to is somebody else's to manage.
func goenvLocked(f *facts.Facts, name string) string {
	info, dir := f.Paths.At(name), f.Paths.At(f.Platform.Dir(name))
	switch {
	case !info.Private(f.UID) || f.Home == "" || f.User == "" || !f.Platform.Within(f.Home, name):
		return ""
	case info.Missing && (info.Above == f.Home || !f.Platform.Within(f.Home, info.Above)):
		return ""
	case info.Missing:
		if info.Info.UID == f.UID {
			return "chmod u+rwx " + quote(f, info.Above)
		}
		return "sudo chown -R " + quote(f, f.User) + " " + quote(f, info.Above)
	case !info.Info.Mode.IsRegular() || f.Platform.Dir(info.Real) != dir.Real:
		return ""
	}
	return goenvOwn(f, name, 0o600)
}

// goenvOwn is the command that makes a go env file the user's, with its folder if that is not his either, and with the
// permissions want.
func goenvOwn(f *facts.Facts, name string, want fs.FileMode) string {
	info, dir := f.Paths.At(name), f.Paths.At(f.Platform.Dir(name))
	var commands []string
	switch folder := f.Platform.Dir(name); {
	case info.Info.UID == f.UID || f.User == "":
	case dir.Private(f.UID) && dir.Info.UID != f.UID && f.Platform.Within(f.Home, folder) && folder != f.Home:
		commands = append(commands, "sudo chown -R "+quote(f, f.User)+" "+quote(f, folder))
	default:
		commands = append(commands, "sudo chown "+quote(f, f.User)+" "+quote(f, name))
	}
	if info.Info.Mode&want != want && (info.Info.UID == f.UID || f.User != "") {
		commands = append(commands, "chmod u+rw "+quote(f, name))
	}
	return strings.Join(commands, " && ")
}

// maxLines is how many lines of a file are named one by one.
const maxLines = 8

// goenvLines judges the lines of a go env file.
func goenvLines(file *goenv.File) []Finding {
	var problems []goenv.Problem
	severity := Warning
	for _, p := range file.Lint() {
		value, last := goenvLine(file, p.Line)
		if value == "" && last && p.Key != "" {
			continue // an empty value is a value; what it leads to others say
		}
		if p.Reference && last && goenvStrict(p.Key) {
			continue // the check of that variable says it, wherever the value is set
		}
		if last && goenvStrict(p.Key) {
			severity = Error
		}
		problems = append(problems, p)
	}
	if len(problems) == 0 {
		return nil
	}
	finding := Finding{Severity: severity, Object: file.Name,
		Cause: msg.New("Go takes the lines literally and says nothing about those that it does not know: what is set there is not what takes effect")}
	for i, p := range problems {
		if !slices.ContainsFunc(finding.Evidence, func(e Evidence) bool { return e.Line == p.Line }) {
			finding.Evidence = append(finding.Evidence, Evidence{Path: file.Name, Line: p.Line})
		}
		if i < maxLines {
			finding.Steps = append(finding.Steps, goenvStep(p, len(problems) > 1))
		}
	}
	if p := problems[0]; len(problems) == 1 {
		finding.Message = say("env.goenv-file.line", "file line problem", msg.New("the go env file \"%s\", line %d: %s", file.Name, p.Line, p.Text))
		finding.Steps = slices.DeleteFunc(finding.Steps, func(s Step) bool { return s.Text.IsZero() })
	} else {
		finding.Message = say("env.goenv-file.lines", "file lines", msg.New("the go env file \"%s\" has lines that do not do what they seem to do: %s", file.Name, evidenceLines(finding.Evidence)))
	}
	return []Finding{finding}
}

// evidenceLines are the numbers of the first lines of evidence.
func evidenceLines(evidence []Evidence) string {
	var lines []string
	for _, e := range evidence[:min(len(evidence), maxLines)] {
		lines = append(lines, strconv.Itoa(e.Line))
	}
	if len(evidence) > maxLines {
		lines = append(lines, "…")
	}
	return strings.Join(lines, ", ")
}

// goenvStep says what to do about a line; if there are several, also what is wrong with it.
func goenvStep(p goenv.Problem, several bool) Step {
	switch {
	case !several:
		return Step{Text: p.Instead}
	case p.Instead.IsZero():
		return Step{Text: msg.New("line %d: %s", p.Line, p.Text)}
	}
	return Step{Text: msg.New("line %d: %s; %s", p.Line, p.Text, p.Instead)}
}

// goenvLine returns the value that a line of a file gives, and whether it is the last that sets its variable.
func goenvLine(file *goenv.File, line int) (value string, last bool) {
	for _, e := range file.Entries {
		if e.Line == line {
			_, at, _ := file.Lookup(e.Key)
			return e.Value, at == line
		}
	}
	return "", false
}

// goenvStrict reports whether go commands fail on a value of key that has something besides the value in it.
func goenvStrict(key string) bool {
	switch key {
	case "GOPROXY", "GOSUMDB", "GOTOOLCHAIN", "GOPATH", "GOBIN", "GOROOT", "GOCACHE", "GOMODCACHE", "GOTMPDIR", "GO111MODULE", "GOOS",
		"GOARCH", "GOWORK", "GOFLAGS":
		return true
	}
	return false
}

// goenvHidden names usual go env files that are not read because of GOENV.
func goenvHidden(f *facts.Facts) []Finding {
	if f.Paths == nil {
		return nil
	}
	subjects := developers(f)
	var out []Finding
	for _, v := range envValues(f, subjects, "GOENV") {
		usual, err := facts.DefaultGoEnv(f.Platform, v.consumer.Env)
		file := f.Paths.Usual[usual]
		if err != nil || !v.explicit() || file == nil || len(file.Entries) == 0 || usual == v.value {
			continue
		}
		for i := range v.places {
			v.places[i].Value = v.consumer.Env.Get("GOENV") // which is "" where the value says that there is none
		}
		message := say("env.goenv-file.elsewhere", "value file", msg.New("GOENV=%s makes go ignore the settings in \"%s\"", v.consumer.Env.Get("GOENV"), usual))
		evidence := v.evidence()
		for _, e := range file.Entries[:min(len(file.Entries), maxLines)] {
			evidence = append(evidence, Evidence{Path: usual, Line: e.Line})
		}
		severity := Warning
		if !v.lasting() && f.Container == "" {
			severity = Info // this terminal only
		}
		out = append(out, Finding{Severity: severity, Object: "GOENV", Consumers: v.concerned(subjects), Message: message,
			Cause: msg.New("what \"go env -w\" has written has no effect there"), Evidence: evidence, Steps: v.removal(f, "")})
	}
	return out
}

// shadowed finds lines of the go env file that do nothing because the process environment says something else.
func shadowed(f *facts.Facts) []Finding {
	subjects := developers(f)
	var out []Finding
	for _, name := range goenvKeys(subjects) {
		var shadows []*shadow
		for _, c := range subjects {
			shadows = addShadow(shadows, f, c, name)
		}
		for _, s := range shadows {
			out = append(out, s.finding(f, subjects))
		}
	}
	return out
}

// goenvKeys returns the variables that the go env files of consumers set and that can be set there.
func goenvKeys(consumers []*facts.Consumer) []string {
	var keys []string
	for _, c := range consumers {
		if c.User.File == nil {
			continue
		}
		for _, e := range c.User.File.Entries {
			if goenv.IsGoVariable(e.Key) && e.Key != "GODEBUG" && e.Key != "GOENV" && !slices.Contains(keys, e.Key) {
				keys = append(keys, e.Key)
			}
		}
	}
	return keys
}

// shadow is a line of a go env file that a value of the process environment hides.
type shadow struct {
	envValue
	hidden string
	line   string // "file:line"
}

func addShadow(list []*shadow, f *facts.Facts, c *facts.Consumer, name string) []*shadow {
	if c.User.File == nil {
		return list
	}
	hidden, line, ok := c.User.File.Lookup(name)
	d := explain.Value(f, c, name)
	w, won := d.Winner()
	if !ok || !won || w.Layer == layer.GoEnvFile || w.Layer == layer.Frozen || envEditor(w.Layer) || !envExplicit(w) || strings.TrimSpace(hidden) == d.Value {
		return list
	}
	from := layer.Place(c.User.Name, line)
	i := slices.IndexFunc(list, func(s *shadow) bool { return s.value == d.Value && s.line == from })
	if i < 0 {
		i = len(list)
		list = append(list, &shadow{envValue: envValue{name: name, value: d.Value, consumer: c}, hidden: hidden, line: from})
	}
	list[i].ids = append(list[i].ids, c.ID)
	list[i].addPlace(w)
	return list
}

func (s *shadow) finding(f *facts.Facts, subjects []*facts.Consumer) Finding {
	slices.SortStableFunc(s.places, func(a, b layer.Reason) int { return envRank(a) - envRank(b) })
	severity := Warning
	if !s.lasting() && f.Container == "" {
		severity = Info // set by hand in this terminal
	}
	return Finding{Severity: severity, Object: s.name, Consumers: s.concerned(subjects),
		Message: say("env.shadowed.hidden", "variable value fileValue", msg.New("%s=%s of the process environment hides \"%s\" in the go env file",
			s.name, layer.Redact(s.name, s.value), layer.Redact(s.name, s.hidden))),
		Cause:    msg.New("the process environment comes first, so \"go env -w\" changes nothing for these programs"),
		Evidence: append(s.evidence(), at(s.line, "")),
		Steps:    append(s.removal(f, ""), Step{Text: msg.New("or, to keep the value of the process environment"), Command: goCommand(f, "env -u "+s.name)})}
}
