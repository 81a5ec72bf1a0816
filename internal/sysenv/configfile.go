package sysenv

import (
	"strings"

	"github.com/goready/goready/internal/msg"
)

// configLine is an assignment in a file of systemd's own format (units, system.conf).
type configLine struct {
	section, key, value string
	line                int // where it begins
}

// parseConfig parses a file of systemd's own format (src/shared/conf-parser.c, config_parse). broken is not zero if
// systemd gives up at a line; the lines before it are returned.
func parseConfig(name string, data []byte) (lines []configLine, problems []Problem, broken msg.Text) {
	p := configParser{name: name}
	for text, rest := "", string(data); rest != "" && p.broken.IsZero(); {
		var ends int
		text, rest, ends = readLine(rest)
		p.line++
		p.physical(text)
		p.line += ends - 1
	}
	if p.continued && p.broken.IsZero() {
		p.logical(p.text.String())
	}
	return p.out, p.problems, p.broken
}

// readLine cuts a line as systemd does (src/basic/fileio.c, read_line_full): CR, LF and NUL end a line, and a
// sequence of different ones ends it once. ends is the number of line feeds in that sequence, at least 1.
func readLine(s string) (line, rest string, ends int) {
	i := strings.IndexAny(s, "\n\r\x00")
	if i < 0 {
		return s, "", 1
	}
	line = s[:i]
	seen := ""
	for i < len(s) && strings.IndexByte("\n\r\x00", s[i]) >= 0 {
		if strings.IndexByte(seen, s[i]) >= 0 || strings.IndexByte(seen, 0) >= 0 {
			break
		}
		seen += s[i : i+1]
		i++
	}
	if seen == "\r" || seen == "\x00" {
		return line, s[i:], 0
	}
	return line, s[i:], 1
}

type configParser struct {
	name      string
	line      int // of the physical line looked at
	start     int // of the logical line
	text      strings.Builder
	continued bool
	bomSeen   bool
	section   string
	out       []configLine
	problems  []Problem
	broken    msg.Text
}

func (p *configParser) problem(why msg.Text) {
	p.problems = append(p.problems, Problem{File: p.name, Line: p.start, Why: why})
}

// physical takes a line of the file: comments between continued lines are left out.
func (p *configParser) physical(text string) {
	if s := strings.TrimLeft(text, systemdSpace); s != "" && strings.IndexByte(systemdComments, s[0]) >= 0 {
		return
	}
	if !p.bomSeen {
		text, p.bomSeen = strings.CutPrefix(text, "\uFEFF")
	}
	if !p.continued {
		p.start = p.line
	}
	if n := len(text) - len(strings.TrimRight(text, `\`)); n%2 == 1 {
		p.continued = true
		p.text.WriteString(text[:len(text)-1])
		p.text.WriteByte(' ')
		return
	}
	if p.continued {
		p.text.WriteString(text)
		text = p.text.String()
		p.text.Reset()
		p.continued = false
	}
	p.logical(text)
}

// logical takes a line after joining (parse_line).
func (p *configParser) logical(text string) {
	text = strings.Trim(text, systemdSpace)
	switch {
	case text == "":
		return
	case !validUTF8(text):
		p.broken = msg.New("line %d of %s is not UTF-8, so systemd refuses the file", p.start, p.name)
		return
	case text[0] == '[':
		p.header(text)
		return
	case p.section == "":
		p.problem(msg.New("the line is before the first section, so it is ignored"))
		return
	}
	key, value, ok := strings.Cut(text, "=")
	if !ok || key == "" {
		p.problem(msg.New("the line is not NAME=VALUE, so it is ignored"))
		return
	}
	p.out = append(p.out, configLine{
		section: p.section,
		key:     strings.Trim(key, systemdSpace),
		value:   strings.Trim(value, systemdSpace),
		line:    p.start,
	})
}

func (p *configParser) header(text string) {
	if !strings.HasSuffix(text, "]") || strings.ContainsAny(text, "\"\\'") || strings.ContainsFunc(text, isControl) {
		p.broken = msg.New("line %d of %s is not a section, so systemd refuses the file", p.start, p.name)
		return
	}
	p.section = text[1 : len(text)-1]
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
