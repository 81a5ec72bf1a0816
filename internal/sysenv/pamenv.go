package sysenv

import (
	"bytes"
	"strings"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// pamLineSize is BUF_SIZE of pam_env before Linux-PAM 1.6: those versions stop reading a file at a longer line.
const pamLineSize = 1024

const pamSpace = " \n\t"

// pamLine is a logical line of a file of pam_env.
type pamLine struct {
	text    string
	line    int
	tooLong int // the line at or before this one where some versions stop reading; 0: none
}

// pamLines joins the lines of a file as pam_env.c does (_assemble_line): "#" ends a line wherever it is, a backslash
// before the blanks at the end joins the next line that is neither blank nor a comment, and what is begun at the end
// of the file is lost; then and after a NUL, complete is false.
func pamLines(data []byte) (lines []pamLine, complete bool) {
	var joined []byte
	start, n, tooLong := 0, 0, 0
	for len(data) > 0 {
		var l []byte
		l, data = cutLine(data)
		n++
		if tooLong == 0 && len(joined)+len(l) >= pamLineSize {
			tooLong = n
		}
		if bytes.IndexByte(l, 0) >= 0 {
			return lines, false // no version reads on after a NUL
		}
		s := bytes.TrimLeft(l, pamSpace)
		if len(s) == 0 || s[0] == '#' {
			continue
		}
		if start == 0 {
			start = n
		}
		more := false
		l, more = pamPart(l)
		joined = append(joined, l...)
		if more {
			continue
		}
		lines = append(lines, pamLine{text: string(joined), line: start, tooLong: tooLong})
		joined, start = joined[:0], 0
	}
	return lines, start == 0
}

// cutLine returns the first line of data with its line feed, and the rest.
func cutLine(data []byte) (line, rest []byte) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return data[:i+1], data[i+1:]
	}
	return data, nil
}

// pamPart returns what counts of a physical line, and whether the next one is joined to it.
func pamPart(l []byte) (part []byte, more bool) {
	if i := bytes.IndexByte(l, '#'); i >= 0 {
		return l[:i], false
	}
	if s := bytes.TrimRight(l, pamSpace); bytes.HasSuffix(s, []byte(`\`)) {
		return s[:len(s)-1], true
	}
	return l, false
}

// ParsePAMEnvironment parses a file in the format of /etc/environment by the rules of pam_env (Linux-PAM,
// modules/pam_env/pam_env.c, _parse_env_file). An Assignment with Unset removes a variable that pam_env set before.
func ParsePAMEnvironment(name string, data []byte) ([]Assignment, []Problem) {
	var out []Assignment
	var problems []Problem
	var unknown msg.Text
	lines, _ := pamLines(data)
	for _, l := range lines {
		if l.tooLong > 0 && unknown.IsZero() {
			unknown = msg.New("versions of PAM before 1.6 stop reading at line %d, which is longer than %d bytes", l.tooLong, pamLineSize-1)
			problems = append(problems, Problem{File: name, Line: l.tooLong, Why: unknown})
		}
		a, why := parsePAMLine(l.text)
		a.File, a.Line, a.Unknown = name, l.line, unknown
		if !why.IsZero() {
			problems = append(problems, Problem{File: name, Line: l.line, Key: a.Key, Why: why})
		}
		if a.Key != "" {
			out = append(out, a)
		}
	}
	return out, problems
}

// parsePAMLine parses one logical line. An Assignment without a Key does nothing.
func parsePAMLine(text string) (Assignment, msg.Text) {
	text = strings.TrimLeft(text, pamSpace)
	text = strings.TrimPrefix(text, "export ")
	text, _, _ = strings.Cut(text, "\n")
	key, value, isSet := strings.Cut(text, "=")
	if key == "" && isSet {
		return Assignment{}, msg.New("there is no name before the %q", "=")
	}
	for i := range len(key) {
		if !isNameByte(key[i]) {
			return Assignment{}, msg.New("%q is not a name made of letters, digits and underscores, so the line is ignored", key)
		}
	}
	if !isSet {
		return Assignment{Key: key, Unset: true}, msg.Text{}
	}
	value = pamUnquote(value)
	return Assignment{Key: key, Value: value}, suspectValue(value)
}

// pamUnquote removes the quote that begins a value, and the one that ends it, of whatever kind; those between stay.
func pamUnquote(value string) string {
	if value == "" || value[0] != '"' && value[0] != '\'' {
		return value
	}
	value = value[1:]
	if n := len(value); n > 0 && (value[n-1] == '"' || value[n-1] == '\'') {
		value = value[:n-1]
	}
	return value
}

// suspectValue says what is most likely not meant in a value that is used as it is written.
func suspectValue(value string) msg.Text {
	switch {
	case strings.HasSuffix(value, "\r"):
		return msg.New("the value ends in a carriage return, because the line ends as on Windows")
	case strings.HasSuffix(value, " ") || strings.HasSuffix(value, "\t"):
		return msg.New("the value keeps the blanks at its end")
	case strings.ContainsAny(value, `"'`):
		return msg.New("the quotes are part of the value")
	}
	if v := findVariable(value); v != "" {
		return msg.New("%s is not expanded in this file", v)
	}
	return msg.Text{}
}

// findVariable returns the first "$NAME" or "${NAME" in s, or "".
func findVariable(s string) string {
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			return ""
		}
		s = s[i:]
		n := 1
		if strings.HasPrefix(s, "${") {
			n = 2
		}
		end := n
		for end < len(s) && isNameByte(s[end]) {
			end++
		}
		if end > n {
			if n == 2 && strings.HasPrefix(s[end:], "}") {
				end++
			}
			return s[:end]
		}
		s = s[1:]
	}
}

// pamConf evaluates a file in the format of pam_env.conf over the environment of PAM so far (pam_env.c,
// _parse_config_file). ok is false if pam_env gives up there and reads no further file.
func (p *pamSession) pamConf(name string, data []byte) (ok bool) {
	lines, complete := pamLines(data)
	for _, l := range lines {
		c, why := parsePAMConfLine(l.text)
		if !why.IsZero() {
			p.problem(name, l.line, c.name, why)
			continue
		}
		if c.name == "" {
			continue
		}
		a, ok := p.confValue(c)
		if !ok {
			p.problem(name, l.line, c.name, msg.New("the braces of a variable are not closed, so pam_env stops here"))
			return false
		}
		a.Key, a.File, a.Line = c.name, name, l.line
		if p.assign(&a); a.Key != "" {
			p.put(a)
		}
	}
	return complete
}

// assign does what pam_putenv makes of a name with a "=" in it, as in the line NAME=value that is meant for
// /etc/environment: pam_env takes the word for a name and passes it on to remove it or to put "=" and a value after it.
func (p *pamSession) assign(a *Assignment) {
	key, value, ok := strings.Cut(a.Key, "=")
	if !ok {
		return
	}
	if !a.Unset {
		value += "=" + a.Value
	}
	a.Key, a.Value, a.Unset = key, value, false
}

// pamConfLine is a line "NAME [DEFAULT=value] [OVERRIDE=value]".
type pamConfLine struct {
	name          string
	def, override string
	hasDef        bool // DEFAULT= with a value, or with ""
}

func parsePAMConfLine(text string) (pamConfLine, msg.Text) {
	text = strings.TrimRight(text, "\n")
	n := strings.IndexAny(text, " \t\n")
	if n < 0 {
		n = len(text)
	}
	c := pamConfLine{name: text[:n]}
	rest := text[n:]
	for {
		trimmed := strings.TrimLeft(rest, " \t")
		if len(trimmed) == len(rest) {
			return c, msg.Text{}
		}
		isDef := strings.HasPrefix(trimmed, "DEFAULT=")
		if !isDef && !strings.HasPrefix(trimmed, "OVERRIDE=") {
			return pamConfLine{}, msg.New("only DEFAULT= and OVERRIDE= can follow the name, so the line is ignored")
		}
		_, trimmed, _ = strings.Cut(trimmed, "=")
		value, quoted, after, ok := pamConfWord(trimmed)
		if !ok {
			return pamConfLine{}, msg.New("the quotes do not enclose the whole value, so the line is ignored")
		}
		if isDef && (value != "" || quoted) {
			c.def, c.hasDef = value, true
		} else if !isDef && value != "" {
			c.override = value
		}
		rest = after
	}
}

// pamConfWord cuts a value, which may be in double quotes, from the start of s.
func pamConfWord(s string) (value string, quoted bool, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		n := strings.IndexAny(s, " \t\n")
		if n < 0 {
			n = len(s)
		}
		return s[:n], false, s[n:], true
	}
	value, rest, ok = strings.Cut(s[1:], `"`)
	if !ok || rest != "" && strings.IndexByte(pamSpace, rest[0]) < 0 {
		return "", true, "", false
	}
	return value, true, rest, true
}

// confValue decides between the two values of a line (pam_env.c, _check_var).
func (p *pamSession) confValue(c pamConfLine) (Assignment, bool) {
	def, unknown, ok := p.expand(c.def)
	if !ok {
		return Assignment{}, false
	}
	override, unknown2, ok := p.expand(c.override)
	switch {
	case !ok:
		return Assignment{}, false
	case override != "" || !unknown2.IsZero():
		return Assignment{Value: override, Unknown: unknown2}, true
	case c.hasDef:
		return Assignment{Value: def, Unknown: unknown}, true
	}
	return Assignment{Unset: true}, true
}

// expand replaces ${NAME} by the variable of PAM's environment, and @{ITEM} by a PAM item (pam_env.c, _expand_arg).
func (p *pamSession) expand(s string) (string, msg.Text, bool) {
	var out strings.Builder
	var unknown msg.Text
	for s != "" {
		c := s[0]
		switch {
		case c == '\\':
			s = s[1:]
			if s != "" && (s[0] == '$' || s[0] == '@') {
				out.WriteByte(s[0])
				s = s[1:]
			}
			continue
		case c != '$' && c != '@', len(s) < 2 || s[1] != '{':
			out.WriteByte(c)
			s = s[1:]
			continue
		}
		name, rest, ok := strings.Cut(s[2:], "}")
		if !ok {
			return "", unknown, false
		}
		value, why := p.item(c, name)
		out.WriteString(value)
		if !why.IsZero() {
			unknown = why
		}
		s = rest
		if out.Len() > pamLineSize*8 {
			return "", unknown, false // MAX_ENV
		}
	}
	return out.String(), unknown, true
}

// item returns the value of a variable or of a PAM item.
func (p *pamSession) item(kind byte, name string) (string, msg.Text) {
	if kind == '$' {
		return p.get(name)
	}
	if p.user == (User{}) {
		return "", msg.New("it depends on the user")
	}
	switch name {
	case "PAM_USER":
		return p.user.Name, msg.Text{}
	case "HOME":
		return p.user.Home, msg.Text{}
	case "SHELL":
		return p.user.Shell, msg.Text{}
	case "PAM_RHOST", "PAM_TTY", "PAM_RUSER", "PAM_USER_PROMPT":
		return "", msg.New("it depends on where the user logs in from")
	}
	return "", msg.Text{}
}

// pamSession is the environment that PAM builds for one session.
type pamSession struct {
	user     User
	base     *layer.Env // what the program put into it first (systemd); nil: nothing
	sets     []Assignment
	last     map[string]int // index in sets of what decides a variable
	readEtc  bool           // /etc/environment was read, or cannot be
	problems []Problem
}

func (p *pamSession) problem(file string, line int, key string, why msg.Text) {
	p.problems = append(p.problems, Problem{File: file, Line: line, Key: key, Why: why})
}

func (p *pamSession) get(name string) (string, msg.Text) {
	if i, ok := p.last[name]; ok {
		return p.sets[i].Value, p.sets[i].Unknown
	}
	v, _, unknown := p.base.Lookup(name)
	return v, unknown
}

func (p *pamSession) has(name string) bool {
	if i, ok := p.last[name]; ok {
		return !p.sets[i].Unset
	}
	_, ok, unknown := p.base.Lookup(name)
	return ok || !unknown.IsZero()
}

// put does what pam_putenv does: removing a variable that PAM does not have is nothing.
func (p *pamSession) put(a Assignment) {
	if a.Unset && !p.has(a.Key) {
		return
	}
	if p.last == nil {
		p.last = map[string]int{}
	}
	p.last[a.Key] = len(p.sets)
	p.sets = append(p.sets, a)
}

// export lays PAM's environment over env. A variable that a later line removed again is PAM's no more, so what env
// had stays, unless env itself was what PAM started from.
func (p *pamSession) export(env *layer.Env) {
	for i, a := range p.sets {
		s := a.set(layer.EtcEnvironment)
		end := p.sets[p.last[a.Key]]
		if p.base == nil && end.Unset {
			if i == p.last[a.Key] {
				continue
			}
			s.Skipped = msg.New("%s removes it again", end.From())
		}
		env.Add(a.Key, s)
	}
}
