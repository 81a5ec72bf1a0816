package goenv

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goready/goready/internal/msg"
)

// Problem is something in a file that has no effect, or not the one it seems to have. Go itself says nothing about it.
type Problem struct {
	Line    int      `json:"line"` // from 1
	Key     string   `json:"key"`  // the variable, if the line is about one
	Text    msg.Text `json:"text"`
	Instead msg.Text `json:"instead,omitzero"` // what works; zero if there is nothing better to say
	// Reference: the value has something that a shell would expand.
	Reference bool `json:"reference,omitempty"`
}

// maxProblems is how many problems of one file are worth telling.
const maxProblems = 100

// byteOrderMark is what some editors put before UTF-8.
const byteOrderMark = "\uFEFF"

// Lint returns what in the user's go env file does not do what it seems to do, in the order of the lines, at most 100.
func (f *File) Lint() []Problem {
	if f == nil {
		return nil
	}
	l := &fileLint{last: map[string]int{}}
	if strings.HasPrefix(f.Data, "\xff\xfe") || strings.HasPrefix(f.Data, "\xfe\xff") {
		l.add(1, "", msg.New("the file is UTF-16, in which Go finds no line"), msg.New("save it as UTF-8 without byte order mark"))
		return l.problems
	}
	for _, e := range f.Entries {
		l.last[e.Key] = e.Line
	}
	n := 0
	for line := range strings.Lines(f.Data) {
		n++
		line = strings.TrimSuffix(line, "\n")
		key, value, ok := strings.Cut(line, "=")
		if ok && line[0] >= 'A' && line[0] <= 'Z' {
			l.entry(n, key, value)
		} else {
			l.ignored(n, line)
		}
		if len(l.problems) >= maxProblems {
			return l.problems[:maxProblems]
		}
	}
	return l.problems
}

type fileLint struct {
	problems []Problem
	last     map[string]int // the last line of each key
}

func (l *fileLint) add(line int, key string, text, instead msg.Text) {
	l.problems = append(l.problems, Problem{Line: line, Key: key, Text: text, Instead: instead})
}

// ignored judges a line that Go skips.
func (l *fileLint) ignored(n int, line string) {
	if bare, ok := strings.CutPrefix(line, byteOrderMark); ok && n == 1 {
		key, _, _ := strings.Cut(bare, "=")
		if bare = strings.TrimSpace(bare); bare != "" && bare[0] != '#' {
			l.add(n, strings.TrimSpace(key), msg.New("the line begins with a byte order mark, so Go ignores it"),
				msg.New("save it as UTF-8 without byte order mark"))
		}
		return
	}
	text := strings.TrimFunc(line, fileBlank)
	if text == "" || text[0] == '#' {
		return
	}
	bare := text
	for _, word := range []string{"export ", "set ", "setx ", "declare -x ", "$env:", "go env -w "} {
		bare = strings.TrimPrefix(bare, word)
	}
	key, value, ok := strings.Cut(bare, "=")
	name := strings.ToUpper(strings.TrimFunc(key, fileBlank))
	instead := msg.New("write %s", name+"="+strings.TrimFunc(value, fileBlank))
	switch {
	case !ok || !fileNameLike(name):
		l.add(n, "", msg.New("Go ignores the line: it is not NAME=value"), msg.Text{})
	case bare != text:
		l.add(n, name, msg.New("Go ignores the line: %q does not belong in this file", strings.TrimSpace(text[:len(text)-len(bare)])), instead)
	case line[0] >= 'a' && line[0] <= 'z' || text[0] >= 'a' && text[0] <= 'z':
		l.add(n, name, msg.New("Go ignores the line: the name is not in upper case"), instead)
	default:
		l.add(n, name, msg.New("Go ignores the line: it does not begin with the name"), instead)
	}
}

// entry judges a line that counts.
func (l *fileLint) entry(n int, key, value string) {
	name := strings.TrimFunc(key, fileBlank)
	switch {
	case name != key && IsGoVariable(name):
		l.add(n, name, msg.New("the blank before \"=\" makes it another variable, %q", key), msg.New("write %s", name+"="+strings.TrimFunc(value, fileBlank)))
		return
	case l.last[key] != n:
		l.add(n, key, msg.New("line %d sets %s again and wins", l.last[key], key), msg.New("keep one of them"))
	case !IsGoVariable(key):
		l.unknown(n, key)
	case envInList(fileUnread, key):
		l.add(n, key, msg.New("%s is not read from this file", key), fileInstead(key))
	}
	l.value(n, key, value)
}

// fileUnread has the variables that a go env file cannot set.
const fileUnread = " GODEBUG GOENV GOEXE GOGCCFLAGS GOHOSTARCH GOHOSTOS GOMOD GOTELEMETRY GOTELEMETRYDIR GOTOOLDIR GOVERSION "

func fileInstead(key string) msg.Text {
	switch key {
	case "GODEBUG":
		return msg.New("set %s in the process environment, or write a godebug line in go.mod", key)
	case "GOENV":
		return msg.New("set %s in the process environment", key)
	case "GOTELEMETRY":
		return msg.New("run \"go telemetry\"")
	}
	return msg.Text{}
}

func (l *fileLint) unknown(n int, key string) {
	if envInList(envProcessOnly, key) {
		l.add(n, key, msg.New("%s is not read from this file", key), msg.New("set %s in the process environment", key))
		return
	}
	instead := msg.Text{}
	if near := Nearest(key, Variables()); near != "" {
		instead = msg.New("perhaps %s is meant", near)
	}
	l.add(n, key, msg.New("Go knows no variable %s", key), instead)
}

// value judges what Go takes literally. Only the first remark on a value is made of those that come from the same mistake.
func (l *fileLint) value(n int, key, value string) {
	if cut, ok := strings.CutSuffix(value, "\r"); ok {
		l.add(n, key, msg.New("the value ends in a carriage return"), msg.New("save the file with Unix line ends"))
		value = cut
	}
	trimmed := strings.TrimFunc(value, fileBlank)
	switch {
	case value == "":
		l.empty(n, key)
	case !utf8.ValidString(value):
		l.add(n, key, msg.New("the value is not valid UTF-8"), msg.New("save it as UTF-8 without byte order mark"))
	case len(trimmed) >= 2 && (trimmed[0] == '"' || trimmed[0] == '\'') && !fileQuotable(key):
		l.add(n, key, msg.New("the quotes are part of the value"), msg.New("write %s", key+"="+strings.Trim(trimmed, trimmed[:1])))
	case trimmed != value:
		l.add(n, key, msg.New("the blanks around the value are part of it"), msg.New("write %s", key+"="+trimmed))
	}
	if i := strings.Index(value, " #"); i >= 0 {
		l.add(n, key, msg.New("the comment behind the value is part of it"), msg.New("put the comment on a line of its own"))
	}
	if ref := fileReference(value); ref != "" {
		l.add(n, key, msg.New("%s is not expanded in this file", ref), msg.New("write what it stands for"))
		l.problems[len(l.problems)-1].Reference = true
	}
	if r, ok := fileOddRune(value); ok {
		l.add(n, key, msg.New("the value contains %s, which looks like an ordinary character", r), msg.New("write %s", key+"="+filePlain(value)))
	}
}

func (l *fileLint) empty(n int, key string) {
	switch key {
	case "GOPROXY", "GOSUMDB", "GOTOOLCHAIN":
		l.add(n, key, msg.New("an empty value hides the default in $GOROOT/go.env"), msg.New("remove the line, with \"go env -u %s\"", key))
	default:
		l.add(n, key, msg.New("the value is empty"), msg.New("remove the line, with \"go env -u %s\"", key))
	}
}

// fileQuotable reports whether Go takes quotes out of the value of key, because it is a list of words.
func fileQuotable(key string) bool {
	switch key {
	case "CC", "CXX", "FC", "AR", "PKG_CONFIG", "GOFLAGS", "GOCACHEPROG", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_FFLAGS", "CGO_LDFLAGS":
		return true
	}
	return false
}

// fileReference returns the first thing in value that a shell would expand, or "".
func fileReference(value string) string {
	if strings.HasPrefix(value, "~") {
		return "~"
	}
	if i := strings.Index(value, "$"); i >= 0 {
		rest := value[i+1:]
		if end := strings.Index(rest, "}"); strings.HasPrefix(rest, "{") && end > 0 {
			return value[i : i+end+2]
		}
		if n := fileNameLen(rest); n > 0 {
			return value[i : i+1+n]
		}
	}
	if i := strings.Index(value, "%"); i >= 0 {
		if n := fileNameLen(value[i+1:]); n > 0 && strings.HasPrefix(value[i+1+n:], "%") {
			return value[i : i+n+2]
		}
	}
	return ""
}

// fileNameLen returns the length of the variable name that s begins with.
func fileNameLen(s string) int {
	n := 0
	for n < len(s) && (s[n] == '_' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || n > 0 && s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return n
}

func fileNameLike(s string) bool { return s != "" && fileNameLen(s) == len(s) }

// fileOddRune returns the name of a character in value that is easily taken for another one.
func fileOddRune(value string) (name msg.Text, ok bool) {
	for _, r := range value {
		switch {
		case r == '\u00A0' || r == '\u3000' || r == '\u202F':
			return msg.New("the blank U+%04X", int(r)), true
		case r == '\u200B' || r == '\u200C' || r == '\u200D' || r == '\uFEFF' || r == '\u2060':
			return msg.New("the invisible character U+%04X", int(r)), true
		case r == '\u201C' || r == '\u201D' || r == '\u2018' || r == '\u2019' || r == '\u3001' || r == '\u3002' || r == '\u2013' || r == '\u2014' || r >= '\uFF01' && r <= '\uFF5E':
			return msg.New("the character %s (U+%04X)", string(r), int(r)), true
		case unicode.IsControl(r) && r != '\t':
			return msg.New("the control character U+%04X", int(r)), true
		}
	}
	return msg.Text{}, false
}

// filePlain returns a value with ordinary characters in place of those that only look like them.
func filePlain(value string) string {
	return strings.TrimFunc(strings.Map(func(r rune) rune {
		switch {
		case r == '\u00A0' || r == '\u3000' || r == '\u202F':
			return ' '
		case r == '\u3001':
			return ','
		case r == '\u3002':
			return '.'
		case r == '\u2013' || r == '\u2014':
			return '-'
		case r >= '\uFF01' && r <= '\uFF5E':
			return r - 0xFEE0
		case r >= '\u2018' && r <= '\u201D' || r >= '\u200B' && r <= '\u200D' || r == '\uFEFF' || r == '\u2060' || unicode.IsControl(r) && r != '\t':
			return -1
		}
		return r
	}, value), fileBlank)
}

// fileBlank reports whether r is invisible at the ends of a line.
func fileBlank(r rune) bool { return unicode.IsSpace(r) || r == '\u200B' || r == '\uFEFF' }
