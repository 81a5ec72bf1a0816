package shell

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// Limits of what is parsed. The parser recurses, and Go cannot recover from an exhausted stack, so one statement may
// neither be long nor deep.
const (
	maxScript    = 8 << 20
	maxStatement = 64 << 10
	maxDepth     = 1_500
	maxGaps      = 20
	lazyFrom     = 4 << 10 // function bodies of shorter files are parsed at once
)

var errComplex = errors.New("a statement is too long or nested too deeply")

// script is a parsed file or a part of one.
type script struct {
	src   string // as parsed: see encode
	coded bool   // literals must be decoded
	base  int    // number of lines before src in its file
	stmts []*syntax.Stmt
	gaps  []gap
	// lazy holds the bodies of functions that were left out, by the offset of the body.
	lazy map[uint]body
	// errLine is the line of a syntax error after stmts, 0 if there is none.
	errLine int
	errText string
}

// gap is a part of a zsh file that the parser does not understand although zsh may. It lies before stmts[before].
type gap struct {
	before   int
	start    int // offset
	from, to int // lines
	text     string
}

// body is the text of a function's body that is parsed when the function is called.
type body struct {
	text string
	line int // where text begins
}

// parse parses a file the way shells read it: the statements before a syntax error count.
func parse(data []byte, lang syntax.LangVariant) *script {
	src, coded := encode(data)
	if lang == syntax.LangZsh {
		src = plainLoops(src)
	}
	if len(src) >= lazyFrom {
		if text, lazy := withoutBodies(src); len(lazy) > 0 {
			if s := parseText(text, lang); s.errLine == 0 && len(s.gaps) == 0 {
				s.coded, s.lazy = coded, lazy
				return s
			}
		}
	}
	s := parseText(src, lang)
	s.coded = coded
	return s
}

// parseBody parses the body of a function.
func parseBody(b body, lang syntax.LangVariant, coded bool) *script {
	s := parseText(b.text, lang)
	s.coded, s.base = coded, b.line-1
	return s
}

func parseText(src string, lang syntax.LangVariant) *script {
	s := &script{src: src}
	text := src
	for {
		at, err := s.scan(text, lang)
		if err == nil {
			return s
		}
		s.dropLine()
		next := resumeAt(src, at)
		if next < 0 {
			next = len(src)
		}
		real := strings.Contains(src[at:min(next, len(src))], carriageReturn) || strings.HasPrefix(src, "\ufeff") && lineAt(src, at) == 1
		if lang != syntax.LangZsh || real || errors.Is(err, errComplex) || len(s.gaps) >= maxGaps {
			s.errLine, s.errText = lineAt(src, at), errorText(err)
			return s
		}
		s.addGap(next)
		// Blanks in place of what was read keep offsets and lines.
		text = blank(src[:next]) + src[next:]
	}
}

// scan appends the statements of text. On an error it returns the offset of the error.
func (s *script) scan(text string, lang syntax.LangVariant) (at int, err error) {
	in := &limited{src: text}
	p := syntax.NewParser(syntax.Variant(lang))
	for stmt, err := range p.StmtsSeq(in) {
		if err != nil {
			return errorOffset(text, err, in.pos), err
		}
		s.stmts = append(s.stmts, stmt)
		in.size, in.depth = 0, 0
	}
	return 0, nil
}

// dropLine drops the statements on the line on which the statement that cannot be parsed begins: a shell reads a
// whole line before it executes anything of it.
func (s *script) dropLine() {
	for n := len(s.stmts); n > 0; n-- {
		stmt := s.stmts[n-1]
		rest := strings.TrimLeft(s.src[min(int(stmt.End().Offset()), len(s.src)):], " \t;&")
		if len(s.gaps) > 0 && s.gaps[len(s.gaps)-1].before >= n || rest == "" || rest[0] == '\n' || rest[0] == '#' {
			return
		}
		s.stmts = s.stmts[:n-1]
	}
}

func (s *script) addGap(next int) {
	start := 0
	if n := len(s.stmts); n > 0 {
		start = int(s.stmts[n-1].End().Offset())
	}
	if n := len(s.gaps); n > 0 && s.gaps[n-1].before == len(s.stmts) {
		start = s.gaps[n-1].start
		s.gaps = s.gaps[:n-1]
	}
	text := s.src[min(start, next):next]
	from := lineAt(s.src, start+len(text)-len(strings.TrimLeft(text, " \t\n;&")))
	s.gaps = append(s.gaps, gap{before: len(s.stmts), start: start, from: from, to: lineAt(s.src, next) - 1, text: text})
}

// resumeAt returns the offset of the first line after the offset at that begins at the left margin with something
// that can begin a statement, or -1.
func resumeAt(src string, at int) int {
	for i := at; i < len(src); {
		n := strings.IndexByte(src[i:], '\n')
		if n < 0 {
			return -1
		}
		i += n + 1
		if i < len(src) && !strings.ContainsRune(" \t\n})]#;&|", rune(src[i])) && !closes(src[i:]) {
			return i
		}
	}
	return -1
}

// closes reports whether the line continues or ends a compound command.
func closes(line string) bool {
	word := line[:min(len(line), 6)]
	if i := strings.IndexAny(word, " \t\n;"); i >= 0 {
		word = word[:i]
	}
	switch word {
	case "fi", "done", "esac", "then", "else", "elif", "do", "end":
		return true
	}
	return false
}

func errorOffset(text string, err error, read int) int {
	var pe syntax.ParseError
	var le syntax.LangError
	switch {
	case errors.As(err, &pe) && pe.Pos.IsValid():
		return min(int(pe.Pos.Offset()), len(text))
	case errors.As(err, &le) && le.Pos.IsValid():
		return min(int(le.Pos.Offset()), len(text))
	}
	return min(read, len(text))
}

func errorText(err error) string {
	var pe syntax.ParseError
	if errors.As(err, &pe) {
		return pe.Text
	}
	var le syntax.LangError
	if errors.As(err, &le) {
		return le.Feature + " is not part of this shell"
	}
	return err.Error()
}

func lineAt(src string, offset int) int {
	return 1 + strings.Count(src[:min(offset, len(src))], "\n")
}

// blank returns s with every byte but the line ends replaced.
func blank(s string) string {
	b := bytes.Repeat([]byte(" "), len(s))
	for i := range len(s) {
		if s[i] == '\n' {
			b[i] = '\n'
		}
	}
	return string(b)
}

// limited is a reader of lines that fails when the current statement gets too long or too deep.
type limited struct {
	src         string
	pos         int
	size, depth int
}

func (l *limited) Read(p []byte) (int, error) {
	rest := l.src[l.pos:]
	if rest == "" {
		return 0, io.EOF
	}
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i+1]
	}
	n := copy(p, rest)
	l.pos += n
	if trimmed := strings.TrimLeft(rest[:n], " \t\n"); trimmed != "" && trimmed[0] != '#' {
		l.size += n
		for i := range len(trimmed) {
			switch trimmed[i] {
			case '(', '{', '[', '`':
				l.depth++
			case ')', '}', ']':
				l.depth = max(0, l.depth-1)
			}
		}
	}
	if l.size > maxStatement || l.depth > maxDepth {
		return 0, errComplex
	}
	return n, nil
}

// Shells take every byte but NUL as it comes, the parser wants UTF-8 and drops carriage returns. Such bytes are
// replaced by characters from a private area while the text is parsed.
const codeBase = 0xF_E000

const carriageReturn = string(rune(codeBase + '\r'))

func encode(data []byte) (string, bool) {
	if bytes.IndexByte(data, '\r') < 0 && bytes.IndexByte(data, 0) < 0 && utf8.Valid(data) {
		return string(data), false
	}
	var b strings.Builder
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && n == 1, r == '\r':
			b.WriteRune(codeBase + rune(data[i]))
		case r != 0:
			b.Write(data[i : i+n])
		}
		i += n
	}
	return b.String(), true
}

func decode(s string) string {
	var b []byte
	for i, r := range s {
		if r >= codeBase && r < codeBase+256 {
			if b == nil {
				b = append(b, s[:i]...)
			}
			b = append(b, byte(r-codeBase))
		} else if b != nil {
			b = utf8.AppendRune(b, r)
		}
	}
	if b == nil {
		return s
	}
	return string(b)
}

// withoutBodies replaces the bodies of functions that are written in the usual way (closing brace at the left margin)
// by an empty command, so that long files of functions cost little. It leaves alone what it is not sure about.
func withoutBodies(src string) (string, map[uint]body) {
	var out []byte
	lazy := map[uint]body{}
	for pos, line := 0, 1; pos < len(src); {
		end := strings.IndexByte(src[pos:], '\n') + pos
		if end < pos {
			end = len(src)
		}
		open := functionOpens(src, pos, end)
		if open >= 0 {
			if stop := bodyEnd(src, open); stop >= 0 {
				text := src[open:stop]
				first := open + len(text) - len(strings.TrimLeft(text, " \t\n"))
				if first < stop {
					if out == nil {
						out = []byte(src)
					}
					copy(out[open:stop], blank(text))
					out[first] = ':'
					lazy[uint(first)] = body{text: text, line: lineAt(src[pos:], open-pos) + line - 1}
					end = stop
					line += strings.Count(src[pos:end], "\n")
					pos = end
					continue
				}
			}
		}
		pos = end + 1
		line++
	}
	return string(out), lazy
}

// functionOpens returns the offset after the opening brace of a function that begins at pos, or -1.
func functionOpens(src string, pos, end int) int {
	line := src[pos:end]
	name := strings.TrimPrefix(line, "function ")
	n := 0
	for n < len(name) && (isNameByte(name[n]) || strings.IndexByte("-:.+@", name[n]) >= 0) {
		n++
	}
	if n == 0 || name[0] == '-' {
		return -1
	}
	rest := strings.TrimLeft(name[n:], " \t")
	parens := strings.HasPrefix(rest, "()")
	rest = strings.TrimSpace(strings.TrimPrefix(rest, "()"))
	switch {
	case !parens && len(name) == len(line):
		return -1
	case rest == "{":
		return pos + strings.LastIndexByte(line, '{') + 1
	case rest == "" && strings.HasPrefix(src[min(end+1, len(src)):], "{\n"):
		return end + 2
	}
	return -1
}

// bodyEnd returns the offset of the brace at the left margin that ends the body that begins at open, or -1.
func bodyEnd(src string, open int) int {
	stop := strings.Index(src[open:], "\n}\n")
	if stop < 0 {
		return -1
	}
	stop += open + 1
	if text := src[open:stop]; strings.Contains(text, "<<") || !balanced(text) {
		return -1
	}
	return stop
}

// balanced reports whether text ends outside quotes.
func balanced(text string) bool {
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && quote != '\'':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == '#' && (i == 0 || strings.IndexByte(" \t\n;", text[i-1]) >= 0):
			n := strings.IndexByte(text[i:], '\n')
			if n < 0 {
				return true
			}
			i += n
		}
	}
	return quote == 0
}

func isNameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
