package editor

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/goready/goready/internal/msg"
)

// Limits of Parse. VS Code has none of its own, but its parser gives up on deep nesting when the stack of the
// JavaScript engine ends, and then reads nothing at all from the file.
const (
	MaxJSON     = 8 << 20 // bytes of a settings file that are parsed
	maxDepth    = 4000    // brackets inside brackets
	maxProblems = 20      // reported for one file
)

// Parse reads JSON with comments as forgivingly as VS Code does and returns its value, nil if there is none, and the
// errors it got over. It follows the recovery of VS Code's own parser (vs/base/common/json.ts visit, which the npm
// package jsonc-parser is a copy of), so that a half-written file yields exactly the settings that VS Code reads.
func Parse(file string, data []byte) (*Node, []Problem) {
	if len(data) > MaxJSON {
		return nil, []Problem{{Pos: Position{File: file}, Severity: Broken, Text: msg.New("the file has %d bytes; goready reads settings of at most %d bytes", len(data), MaxJSON)}}
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	p := &parser{scanner: scanner{data: data}, file: file, line: 1}
	root := p.document()
	if p.tooDeep {
		return nil, p.problems
	}
	return root, p.problems
}

type token uint8

const (
	tokOpenBrace token = iota
	tokCloseBrace
	tokOpenBracket
	tokCloseBracket
	tokComma
	tokColon
	tokNull
	tokTrue
	tokFalse
	tokString
	tokNumber
	tokTrivia // white space, line break or comment
	tokUnknown
	tokEOF
)

type scanError uint8

const (
	scanOK scanError = iota
	unexpectedEndOfComment
	unexpectedEndOfString
	unexpectedEndOfNumber
	invalidUnicode
	invalidEscape
	invalidCharacter
)

// scanner splits a text into tokens. The fields describe the last token.
type scanner struct {
	data  []byte
	pos   int // after the token
	start int
	tok   token
	text  string // of strings, decoded, and numbers
	err   scanError
}

func (s *scanner) peek(i int) byte {
	if i < len(s.data) {
		return s.data[i]
	}
	return 0
}

func (s *scanner) rune(i int) (rune, int) {
	if i >= len(s.data) {
		return utf8.RuneError, 0
	}
	if c := s.data[i]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	return utf8.DecodeRune(s.data[i:])
}

func isBlank(r rune) bool {
	switch r {
	case ' ', '\t', '\v', '\f', 0xA0, 0x1680, 0x202F, 0x205F, 0x3000, 0xFEFF:
		return true
	}
	return 0x2000 <= r && r <= 0x200B
}

func isLineBreak(r rune) bool { return r == '\n' || r == '\r' || r == 0x2028 || r == 0x2029 }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// next reads one token.
func (s *scanner) next() token {
	s.text, s.err, s.start = "", scanOK, s.pos
	if s.pos >= len(s.data) {
		s.pos, s.start = len(s.data), len(s.data)
		s.tok = tokEOF
		return tokEOF
	}
	s.tok = s.scan()
	return s.tok
}

func (s *scanner) scan() token {
	r, w := s.rune(s.pos)
	if isBlank(r) || isLineBreak(r) {
		for w > 0 && (isBlank(r) || isLineBreak(r)) {
			s.pos += w
			r, w = s.rune(s.pos)
		}
		return tokTrivia
	}
	switch c := s.data[s.pos]; c {
	case '{', '}', '[', ']', ',', ':':
		s.pos++
		return punctuation(c)
	case '"':
		s.pos++
		s.text = s.scanString()
		return tokString
	case '/':
		return s.scanComment()
	case '-':
		s.pos++
		if !isDigit(s.peek(s.pos)) {
			return tokUnknown
		}
		s.text = "-" + s.scanNumber()
		return tokNumber
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		s.text = s.scanNumber()
		return tokNumber
	}
	return s.scanWord()
}

func punctuation(c byte) token {
	switch c {
	case '{':
		return tokOpenBrace
	case '}':
		return tokCloseBrace
	case '[':
		return tokOpenBracket
	case ']':
		return tokCloseBracket
	case ',':
		return tokComma
	}
	return tokColon
}

// scanWord reads what is no punctuation: a keyword, or an unknown symbol.
func (s *scanner) scanWord() token {
	for {
		r, w := s.rune(s.pos)
		if w == 0 || isBlank(r) || isLineBreak(r) || r < utf8.RuneSelf && strings.IndexByte("{}[]\":,/", byte(r)) >= 0 {
			break
		}
		s.pos += w
	}
	switch string(s.data[s.start:s.pos]) {
	case "true":
		return tokTrue
	case "false":
		return tokFalse
	case "null":
		return tokNull
	}
	return tokUnknown
}

func (s *scanner) scanComment() token {
	switch s.peek(s.pos + 1) {
	case '/':
		for s.pos += 2; ; {
			r, w := s.rune(s.pos)
			if w == 0 || isLineBreak(r) {
				return tokTrivia
			}
			s.pos += w
		}
	case '*':
		end := bytes.Index(s.data[min(s.pos+2, len(s.data)):], []byte("*/"))
		if end < 0 {
			s.pos = len(s.data)
			s.err = unexpectedEndOfComment
			return tokTrivia
		}
		s.pos += 2 + end + 2
		return tokTrivia
	}
	s.pos++
	return tokUnknown
}

// scanNumber reads a number without its sign. Like the original, it stops after a leading zero, and an exponent
// without digits is not part of its text.
func (s *scanner) scanNumber() string {
	start := s.pos
	s.pos++
	if s.data[start] != '0' {
		s.digits()
	}
	if s.peek(s.pos) == '.' {
		s.pos++
		if !isDigit(s.peek(s.pos)) {
			s.err = unexpectedEndOfNumber
			return string(s.data[start:s.pos])
		}
		s.digits()
	}
	end := s.pos
	if c := s.peek(s.pos); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(s.pos); c == '+' || c == '-' {
			s.pos++
		}
		if isDigit(s.peek(s.pos)) {
			s.digits()
			end = s.pos
		} else {
			s.err = unexpectedEndOfNumber
		}
	}
	return string(s.data[start:end])
}

func (s *scanner) digits() {
	for isDigit(s.peek(s.pos)) {
		s.pos++
	}
}

// scanString reads a string after its opening quote. A line break ends it, too.
func (s *scanner) scanString() string {
	start := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return validUTF8(s.data[start : s.pos-1])
		case c == '\\' || c < 0x20:
			return validUTF8(s.data[start:s.pos]) + s.scanRest()
		}
		s.pos++
	}
	s.err = unexpectedEndOfString
	return validUTF8(s.data[start:s.pos])
}

// scanRest reads the rest of a string that is not plain.
func (s *scanner) scanRest() string {
	var b strings.Builder
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		switch {
		case c == '"':
			s.pos++
			return strings.ToValidUTF8(b.String(), "\uFFFD")
		case c == '\\':
			s.pos++
			s.escape(&b)
			continue
		case c == '\n' || c == '\r':
			s.err = unexpectedEndOfString
			return strings.ToValidUTF8(b.String(), "\uFFFD")
		case c < 0x20:
			s.err = invalidCharacter
		}
		b.WriteByte(c)
		s.pos++
	}
	s.err = unexpectedEndOfString
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

// escape reads an escape sequence after its backslash. An invalid one is left out.
func (s *scanner) escape(b *strings.Builder) {
	if s.pos >= len(s.data) {
		s.err = unexpectedEndOfString
		return
	}
	c, w := s.rune(s.pos)
	s.pos += w
	switch c {
	case '"', '\\', '/':
		b.WriteRune(c)
	case 'b':
		b.WriteByte('\b')
	case 'f':
		b.WriteByte('\f')
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'u':
		r, ok := s.hex4()
		if !ok {
			s.err = invalidUnicode
			return
		}
		b.WriteRune(s.surrogate(r))
	default:
		s.err = invalidEscape
	}
}

// surrogate returns the character that starts with the code unit r, reading a second \u sequence if it is its other
// half. Halves without the other become U+FFFD.
func (s *scanner) surrogate(r rune) rune {
	if !utf16.IsSurrogate(r) || s.peek(s.pos) != '\\' || s.peek(s.pos+1) != 'u' {
		return r
	}
	before := s.pos
	s.pos += 2
	if low, ok := s.hex4(); ok {
		if c := utf16.DecodeRune(r, low); c != utf8.RuneError {
			return c
		}
	}
	s.pos = before
	return r
}

func (s *scanner) hex4() (rune, bool) {
	var v rune
	for range 4 {
		c := s.peek(s.pos)
		switch {
		case isDigit(c):
			v = v<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			v = v<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
		s.pos++
	}
	return v, true
}

func validUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// parser builds nodes from tokens, and gets over errors.
type parser struct {
	scanner
	file     string
	problems []Problem
	depth    int
	tooDeep  bool
	// line is the line of the byte seen, which begins at lineStart. Positions are asked for in increasing order.
	line, lineStart, seen int
}

// at returns the position of a byte that is not before any that was asked for.
func (p *parser) at(off int) Position {
	for p.seen < off {
		i := bytes.IndexAny(p.data[p.seen:off], "\r\n")
		if i < 0 {
			p.seen = off
			break
		}
		p.seen += i + 1
		if p.data[p.seen-1] == '\r' && p.peek(p.seen) == '\n' {
			p.seen++
		}
		p.line++
		p.lineStart = p.seen
	}
	return Position{File: p.file, Line: p.line, Col: off - p.lineStart + 1}
}

func (p *parser) problem(text msg.Text) {
	if len(p.problems) < maxProblems {
		p.problems = append(p.problems, Problem{Pos: p.at(p.start), Severity: Broken, Text: text})
	}
}

// advance reads the next token that means something.
func (p *parser) advance() token {
	for {
		t := p.next()
		if p.err != scanOK {
			p.problem(scanProblem(p.err))
		}
		switch t {
		case tokUnknown:
			p.problem(msg.New("invalid symbol"))
		case tokTrivia:
		default:
			return t
		}
	}
}

func scanProblem(e scanError) msg.Text {
	switch e {
	case unexpectedEndOfComment:
		return msg.New("unexpected end of comment")
	case unexpectedEndOfString:
		return msg.New("unexpected end of string")
	case unexpectedEndOfNumber:
		return msg.New("unexpected end of number")
	case invalidUnicode:
		return msg.New("invalid unicode sequence in string")
	case invalidEscape:
		return msg.New("invalid escape character in string")
	}
	return msg.New("invalid characters in string")
}

// skipTo reads tokens up to a comma or the token end.
func (p *parser) skipTo(end token) {
	for p.tok != tokEOF && p.tok != end && p.tok != tokComma {
		p.advance()
	}
}

func (p *parser) document() *Node {
	if p.advance() == tokEOF {
		p.problem(msg.New("value expected"))
		return nil
	}
	root := p.value()
	if root == nil {
		p.problem(msg.New("value expected"))
		return nil
	}
	if p.tok != tokEOF {
		p.problem(msg.New("end of file expected"))
	}
	return root
}

// value reads a value, or returns nil without reading anything.
func (p *parser) value() *Node {
	pos := p.at(p.start)
	switch p.tok {
	case tokOpenBrace:
		return p.nested(&Node{Kind: Object, Pos: pos}, p.object)
	case tokOpenBracket:
		return p.nested(&Node{Kind: Array, Pos: pos}, p.array)
	case tokString:
		return p.literal(&Node{Kind: String, Text: p.text, Pos: pos})
	case tokNumber:
		return p.literal(&Node{Kind: Number, Text: strings.TrimSuffix(p.text, "."), Pos: pos})
	case tokNull:
		return p.literal(&Node{Kind: Null, Text: "null", Pos: pos})
	case tokTrue:
		return p.literal(&Node{Kind: Bool, Text: "true", Pos: pos})
	case tokFalse:
		return p.literal(&Node{Kind: Bool, Text: "false", Pos: pos})
	}
	return nil
}

func (p *parser) literal(n *Node) *Node {
	p.advance()
	return n
}

// nested reads an object or array unless that would be too deep; then everything is skipped.
func (p *parser) nested(n *Node, read func(*Node)) *Node {
	if p.depth == maxDepth {
		if !p.tooDeep {
			p.problem(msg.New("nested deeper than %d levels; nothing is read from this file", maxDepth))
		}
		p.tooDeep = true
		p.pos, p.tok = len(p.data), tokEOF
		return n
	}
	p.depth++
	read(n)
	p.depth--
	return n
}

func (p *parser) object(n *Node) {
	p.advance()
	needsComma := false
	for p.tok != tokCloseBrace && p.tok != tokEOF {
		if p.tok == tokComma {
			if !needsComma {
				p.problem(msg.New("value expected"))
			}
			if p.advance() == tokCloseBrace {
				break
			}
		} else if needsComma {
			p.problem(msg.New("comma expected"))
		}
		p.property(n)
		needsComma = true
	}
	p.close(tokCloseBrace)
}

func (p *parser) property(n *Node) {
	if p.tok != tokString {
		p.problem(msg.New("property name expected"))
		p.skipTo(tokCloseBrace)
		return
	}
	f := Field{Key: p.text, Pos: p.at(p.start)}
	if p.advance() != tokColon {
		p.problem(msg.New("colon expected"))
		p.skipTo(tokCloseBrace)
		return
	}
	p.advance()
	if f.Value = p.value(); f.Value == nil {
		p.problem(msg.New("value expected"))
		p.skipTo(tokCloseBrace)
		return
	}
	n.put(f)
}

func (p *parser) array(n *Node) {
	p.advance()
	needsComma := false
	for p.tok != tokCloseBracket && p.tok != tokEOF {
		if p.tok == tokComma {
			if !needsComma {
				p.problem(msg.New("value expected"))
			}
			if p.advance() == tokCloseBracket {
				break
			}
		} else if needsComma {
			p.problem(msg.New("comma expected"))
		}
		if v := p.value(); v != nil {
			n.Elems = append(n.Elems, v)
		} else {
			p.problem(msg.New("value expected"))
			p.skipTo(tokCloseBracket)
		}
		needsComma = true
	}
	p.close(tokCloseBracket)
}

// close reads the closing bracket. Where it is missing, only the end of the file can follow.
func (p *parser) close(end token) {
	if p.tok == end {
		p.advance()
		return
	}
	if end == tokCloseBrace {
		p.problem(msg.New("closing brace expected"))
	} else {
		p.problem(msg.New("closing bracket expected"))
	}
}
