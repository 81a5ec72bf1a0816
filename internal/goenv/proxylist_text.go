package goenv

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goready/goready/internal/msg"
)

// maxRemarks bounds the remarks on one value: beyond that nobody reads them.
const maxRemarks = 100

// valueRemarks collects remarks on one value.
type valueRemarks struct {
	value    string
	problems []ValueProblem
}

// add remarks on the part of the value that begins at offset.
func (r *valueRemarks) add(offset int, token string, g ProblemGrade, instead string, text msg.Text) {
	if len(r.problems) == maxRemarks {
		return
	}
	r.problems = append(r.problems, ValueProblem{Offset: offset, Token: redactURLText(token), Grade: g, Text: text, Instead: instead})
}

// sorted returns the remarks in the order of the text.
func (r *valueRemarks) sorted() []ValueProblem {
	slices.SortStableFunc(r.problems, func(a, b ValueProblem) int { return cmp.Compare(a.Offset, b.Offset) })
	return r.problems
}

// addCharacters remarks on characters that programs take literally and people do not mean: quotes, full-width
// punctuation, invisible characters, and variables that nobody expands.
func (r *valueRemarks) addCharacters() {
	for i := 0; i < len(r.value); {
		c, size := utf8.DecodeRuneInString(r.value[i:])
		r.addCharacter(i, c, size)
		i += size
	}
	r.addVariables()
}

func (r *valueRemarks) addCharacter(i int, c rune, size int) {
	token := r.value[i : i+size]
	switch {
	case c == utf8.RuneError && size == 1:
		r.add(i, token, GradeRefused, "", msg.New("this is not UTF-8"))
	case strings.ContainsRune("“”‘’„«»", c):
		r.add(i, token, GradeRefused, "", msg.New("typographic quotes are part of the value: no program removes them"))
	case c == '"' || c == '\'' || c == '`':
		r.add(i, token, GradeRefused, "", msg.New("quotes are part of the value here: only a shell removes them"))
	case fullWidthASCII(c) != "":
		r.add(i, token, GradeRefused, fullWidthASCII(c), msg.New("%q is a full-width character, not the ASCII one", token))
	case c > 0x7f && (unicode.IsSpace(c) || unicode.Is(unicode.Cf, c)):
		r.add(i, token, GradeRefused, "", msg.New("an invisible character (%U) is part of the value", c))
	case c < ' ' && c != '\t' || c == 0x7f:
		r.add(i, token, GradeRefused, "", msg.New("a control character (%U) is part of the value", c))
	}
}

// fullWidthASCII returns the ASCII character that c is a full-width form of, "" if it is none.
func fullWidthASCII(c rune) string {
	switch {
	case c == '、':
		return ","
	case c == '。':
		return "."
	case '！' <= c && c <= '～': // the block of full-width forms has the order of ASCII
		return string(c - '！' + '!')
	}
	return ""
}

// addVariables remarks on $NAME, ${NAME} and %NAME% in the value.
func (r *valueRemarks) addVariables() {
	for i := 0; i < len(r.value); i++ {
		rest := r.value[i:]
		token := variableReference(rest)
		if token == "" {
			continue
		}
		r.add(i, token, GradeRefused, "", msg.New("%s is not expanded: it is part of the value", token))
		i += len(token) - 1
	}
}

// variableReference returns the reference to a variable that s begins with, "" if there is none.
func variableReference(s string) string {
	switch {
	case strings.HasPrefix(s, "${"):
		s = s[:min(len(s), 200)] // bounds the time that a value full of "${" takes
		if i := strings.IndexByte(s, '}'); i > 0 {
			return s[:i+1]
		}
	case strings.HasPrefix(s, "$"):
		if n := nameLength(s[1:]); n > 0 {
			return s[:1+n]
		}
	case strings.HasPrefix(s, "%"):
		// %41 is an escape of URLs; names of variables do not begin with a digit, and an end is needed.
		if n := nameLength(s[1:]); n > 0 && strings.HasPrefix(s[1+n:], "%") {
			return s[:n+2]
		}
	}
	return ""
}

// nameLength returns the length of the name of a variable that s begins with.
func nameLength(s string) int {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || '9' < c) {
			return i
		}
	}
	return len(s)
}
