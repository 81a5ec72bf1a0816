package sysenv

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// The character classes of systemd (src/basic/string-util.h).
const (
	systemdSpace    = " \t\n\r"
	systemdNewline  = "\n\r"
	systemdComments = "#;"
	shellNeedEscape = "\"\\`$"
)

// rawAssignment is an assignment of a systemd environment file before anybody looked at its name.
type rawAssignment struct {
	key   string
	value string
	none  bool // nothing but quotes follows the "=", which systemd keeps apart from an empty value
	hash  bool // has a "#" that looks like a comment and is part of the value
	line  int
}

type envFileState int

const (
	preKey envFileState = iota
	inKey
	preValue
	inValue
	valueEscape
	singleQuote
	doubleQuote
	doubleQuoteEscape
	inComment
	commentEscape
)

// envFileParser is the state machine of systemd's src/basic/env-file.c, parse_env_file_internal, which reads
// EnvironmentFile=, environment.d, locale.conf and the output of environment generators.
type envFileParser struct {
	// endComment: a backslash at the end of a comment does not continue it (since systemd 254).
	endComment bool

	state      envFileState
	key, value []byte
	keyEnd     int // length without the blanks at the end, or -1
	valueEnd   int
	line       int // of the character looked at
	start      int // of the key
	hash       bool
	out        []rawAssignment
}

// parseEnvFile returns the assignments of an environment file in their order. ok is false if the file contains a NUL,
// for which systemd refuses all of it.
func parseEnvFile(data []byte, endComment bool) (out []rawAssignment, ok bool) {
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, false
	}
	p := &envFileParser{endComment: endComment, line: 1, keyEnd: -1, valueEnd: -1}
	for _, c := range data {
		p.step(c)
		if c == '\n' {
			p.line++
		}
	}
	switch p.state {
	case preValue, valueEscape, singleQuote, doubleQuote, doubleQuoteEscape:
		p.valueEnd = -1
		p.push()
	case inValue:
		p.push()
	}
	return p.out, true
}

func (p *envFileParser) step(c byte) {
	switch p.state {
	case preKey:
		p.stepPreKey(c)
	case inKey:
		p.stepKey(c)
	case preValue:
		p.stepPreValue(c)
	case inValue:
		p.stepValue(c)
	case valueEscape:
		p.state = inValue
		if !isNewline(c) {
			p.value = append(p.value, c)
		}
	case singleQuote:
		p.stepQuote(c, '\'')
	case doubleQuote:
		p.stepQuote(c, '"')
	case doubleQuoteEscape:
		p.stepDoubleQuoteEscape(c)
	case inComment:
		p.stepComment(c)
	case commentEscape:
		p.state = inComment
		if p.endComment && isNewline(c) {
			p.state = preKey
		}
	}
}

func (p *envFileParser) stepPreKey(c byte) {
	switch {
	case strings.IndexByte(systemdComments, c) >= 0:
		p.state = inComment
	case !isSpace(c):
		p.state, p.keyEnd, p.start = inKey, -1, p.line
		p.key = append(p.key[:0], c)
	}
}

func (p *envFileParser) stepKey(c byte) {
	switch {
	case isNewline(c):
		p.state = preKey
	case c == '=':
		p.state, p.valueEnd = preValue, -1
	default:
		p.keyEnd = trackSpace(p.keyEnd, len(p.key), c)
		p.key = append(p.key, c)
	}
}

func (p *envFileParser) stepPreValue(c byte) {
	switch {
	case isNewline(c):
		p.valueEnd = -1
		p.push()
	case c == '\'':
		p.state = singleQuote
	case c == '"':
		p.state = doubleQuote
	case c == '\\':
		p.state = valueEscape
	case !isSpace(c):
		p.state = inValue
		p.hash = p.hash || c == '#'
		p.value = append(p.value, c)
	}
}

func (p *envFileParser) stepValue(c byte) {
	switch {
	case isNewline(c):
		p.push()
	case c == '\\':
		p.state, p.valueEnd = valueEscape, -1
	default:
		p.hash = p.hash || c == '#' && p.valueEnd >= 0
		p.valueEnd = trackSpace(p.valueEnd, len(p.value), c)
		p.value = append(p.value, c)
	}
}

func (p *envFileParser) stepQuote(c, quote byte) {
	switch {
	case c == quote:
		p.state = preValue
	case c == '\\' && quote == '"':
		p.state = doubleQuoteEscape
	default:
		p.value = append(p.value, c)
	}
}

func (p *envFileParser) stepDoubleQuoteEscape(c byte) {
	p.state = doubleQuote
	switch {
	case strings.IndexByte(shellNeedEscape, c) >= 0:
		p.value = append(p.value, c)
	case c != '\n':
		p.value = append(p.value, '\\', c)
	}
}

func (p *envFileParser) stepComment(c byte) {
	switch {
	case c == '\\':
		p.state = commentEscape
	case isNewline(c):
		p.state = preKey
	}
}

// push ends an assignment.
func (p *envFileParser) push() {
	key, value := p.key, p.value
	if p.keyEnd >= 0 {
		key = key[:p.keyEnd]
	}
	if p.valueEnd >= 0 {
		value = value[:p.valueEnd]
	}
	p.out = append(p.out, rawAssignment{key: string(key), value: string(value), none: p.value == nil, hash: p.hash, line: p.start})
	p.state, p.value, p.hash = preKey, nil, false
}

// trackSpace returns the length without blanks at the end when c is added to n characters.
func trackSpace(end, n int, c byte) int {
	if !isSpace(c) {
		return -1
	}
	if end < 0 {
		return n
	}
	return end
}

func isSpace(c byte) bool   { return strings.IndexByte(systemdSpace, c) >= 0 }
func isNewline(c byte) bool { return strings.IndexByte(systemdNewline, c) >= 0 }

// validEnvName reports whether systemd accepts name as the name of a variable (src/basic/env-util.c,
// env_name_is_valid).
func validEnvName(name string) bool {
	if name == "" || '0' <= name[0] && name[0] <= '9' {
		return false
	}
	for i := range len(name) {
		if !isNameByte(name[i]) {
			return false
		}
	}
	return true
}

func isNameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// validUTF8 reports whether systemd accepts s as UTF-8: it refuses the code points that Unicode calls noncharacters
// (src/basic/utf8.c, unichar_is_valid).
func validUTF8(s string) bool {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n <= 1 || 0xfdd0 <= r && r <= 0xfdef || r&0xfffe == 0xfffe {
			return false
		}
		i += n
	}
	return true
}
