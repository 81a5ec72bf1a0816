package goenv

import (
	"path"
	"strings"

	"github.com/goready/goready/internal/msg"
)

// LintPatterns remarks on a list of module patterns: the value of GOPRIVATE, GONOPROXY, GONOSUMDB or GOINSECURE.
func LintPatterns(patterns string) []ValueProblem {
	r := valueRemarks{value: patterns}
	r.addCharacters()
	offset := 0
	for p := range strings.SplitSeq(patterns, ",") {
		if p != "" {
			r.addPattern(offset, p)
		}
		offset += len(p) + 1
	}
	return r.sorted()
}

// addPattern remarks on a pattern: the first thing about it that does not work.
func (r *valueRemarks) addPattern(offset int, p string) {
	trimmed := strings.TrimSpace(p)
	_, afterScheme, scheme := strings.Cut(trimmed, "://")
	_, matchErr := path.Match(strings.TrimSuffix(p, "/"), "")
	switch {
	case trimmed == "":
		r.add(offset, p, GradeIneffective, "", msg.New("a blank pattern matches nothing"))
	case strings.ContainsAny(trimmed, " \t;|"):
		fields := strings.FieldsFunc(trimmed, func(c rune) bool { return strings.ContainsRune(" \t;|", c) })
		r.add(offset, p, GradeIneffective, strings.Join(fields, ","), msg.New("only commas separate patterns: this one matches nothing"))
	case trimmed != p:
		r.add(offset, p, GradeIneffective, trimmed, msg.New("blanks are part of the pattern: this one matches nothing"))
	case scheme:
		r.add(offset, p, GradeIneffective, afterScheme[strings.LastIndex(afterScheme, "@")+1:], msg.New("a pattern is a module path, without a scheme: this one matches nothing"))
	case matchErr != nil:
		r.add(offset, p, GradeIneffective, "", msg.New("Go ignores a malformed pattern"))
	case strings.HasPrefix(p, "/") || strings.Contains(p, "//"):
		r.add(offset, p, GradeIneffective, "", msg.New("no module path has an empty element: this pattern matches nothing"))
	case strings.Contains(p, ":"):
		r.add(offset, p, GradeIneffective, "", msg.New("no module path has a colon: this pattern matches nothing"))
	default:
		r.addPatternNote(offset, p)
	}
}

// addPatternNote remarks on patterns that work.
func (r *valueRemarks) addPatternNote(offset int, p string) {
	switch {
	case p == "*":
		r.add(offset, p, GradeRisky, "", msg.New("this pattern matches every module"))
	case strings.HasSuffix(p, "/..."):
		r.add(offset, p, GradeIneffective, strings.TrimSuffix(p, "/..."), msg.New("dots are no wildcard here; a pattern matches everything below it anyway"))
	case strings.HasPrefix(p, "."):
		r.add(offset, p, GradeIneffective, "*"+p, msg.New("a leading dot is literal here: this pattern matches nothing"))
	case strings.HasSuffix(p, ".git"):
		r.add(offset, p, GradeNote, "", msg.New("this matches only module paths that end in .git"))
	}
}
