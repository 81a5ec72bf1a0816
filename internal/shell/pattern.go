package shell

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"mvdan.cc/sh/v3/pattern"
	"mvdan.cc/sh/v3/syntax"

	"github.com/goready/goready/internal/msg"
)

const patternBytes = `*?[]\()|!@+^~#<>-`

// isPattern reports whether s contains a character that begins a pattern.
func isPattern(s string) bool { return strings.ContainsAny(s, "*?[(") }

// hasMeta reports whether a pattern can match more than one name: a bracket alone is nothing special.
func hasMeta(pat string) bool {
	for i := 0; i < len(pat); i++ {
		switch pat[i] {
		case '\\':
			i++
		case '*', '?', '(':
			return true
		case '[':
			if classEnd(pat[i:]) > 0 {
				return true
			}
		}
	}
	return false
}

// badBracket reports whether a pattern has a bracket that is not closed, which is an error in zsh.
func badBracket(pat string) bool {
	for i := 0; i < len(pat); i++ {
		switch pat[i] {
		case '\\':
			i++
		case '[':
			n := classEnd(pat[i:])
			if n < 0 {
				return true
			}
			i += n
		}
	}
	return false
}

// quotePattern returns the pattern that matches exactly s.
func quotePattern(s string) string {
	if !strings.ContainsAny(s, patternBytes) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(patternBytes, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// match reports whether v matches the pattern.
func (r *posix) match(v value, pat field) status {
	if (v.known() || v.soft) && pat.known() && pat.pat == "*" {
		return success
	}
	if !pat.known() {
		if !pat.soft || hasDigit(v.s) {
			return unknownStatus(pat.why)
		}
		return failure
	}
	if !v.known() && !(v.soft && !hasDigit(pat.s) && !pat.glob) {
		return unknownStatus(v.why)
	}
	return r.matches(pat.pat, v.s)
}

func (r *posix) matches(pat, s string) status {
	mode := pattern.EntireString | pattern.ExtendedOperators
	if r.option("nocasematch") {
		mode |= pattern.NoGlobCase
	}
	re, err := r.e.compile(r.groups(pat), mode, "^(?:", ")$")
	if err != nil {
		return unknownStatus(msg.New("a pattern is too complex"))
	}
	return statusOf(re.MatchString(s))
}

// groups marks the groups of zsh, which need no prefix, the way the other shells write them.
func (r *posix) groups(pat string) string {
	if r.kind != Zsh || !strings.Contains(pat, "(") {
		return pat
	}
	var b strings.Builder
	for i := 0; i < len(pat); i++ {
		switch {
		case pat[i] == '\\' && i+1 < len(pat):
			b.WriteByte(pat[i])
			i++
		case pat[i] == '(':
			b.WriteByte('@')
		}
		b.WriteByte(pat[i])
	}
	return b.String()
}

type patternKey struct {
	pattern, before, after string
	mode                   pattern.Mode
}

// compile returns the regular expression of a pattern between two others.
func (e *Evaluator) compile(pat string, mode pattern.Mode, before, after string) (*regexp.Regexp, error) {
	key := patternKey{pat, before, after, mode}
	if re, ok := e.patterns[key]; ok {
		return re, nil
	}
	if len(pat) > 4<<10 {
		return nil, errComplex
	}
	expr, err := pattern.Regexp(pat, mode&^pattern.EntireString)
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(before + expr + after)
	if err == nil {
		e.patterns[key] = re
	}
	return re, err
}

// remove removes the shortest or longest prefix or suffix that matches.
func (r *posix) remove(s, pat string, op syntax.ParExpOperator) value {
	mode, before, after := pattern.ExtendedOperators, "^(?:", ")(?s:(.*))$"
	switch op {
	case syntax.RemSmallPrefix:
		mode |= pattern.Shortest
	case syntax.RemSmallSuffix:
		before, after = "^(?s:(.*))(?:", ")$"
	case syntax.RemLargeSuffix:
		before, after = "^(?s:(.*?))(?:", ")$"
	}
	re, err := r.e.compile(r.groups(pat), mode, before, after)
	if err != nil {
		return unknown(s, msg.New("a pattern is too complex"))
	}
	if m := re.FindStringSubmatch(s); m != nil {
		return known(m[1])
	}
	return known(s)
}

// substituteAll replaces what a pattern matches: once, everywhere, or at the beginning or end.
func (r *posix) substituteAll(s, pat, with string, all bool) value {
	before, after := "(?:", ")"
	if pat != "" && !all {
		switch pat[0] {
		case '#':
			pat, before = pat[1:], "^(?:"
		case '%':
			pat, after = pat[1:], ")$"
		}
	}
	re, err := r.e.compile(r.groups(pat), pattern.ExtendedOperators, before, after)
	if err != nil {
		return unknown(s, msg.New("a pattern is too complex"))
	}
	n := 1
	if all {
		n = -1
	}
	var b strings.Builder
	last := 0
	for _, m := range re.FindAllStringIndex(s, n) {
		if m[0] == m[1] && before+after == "(?:)" || b.Len() > maxValue {
			continue
		}
		b.WriteString(s[last:m[0]] + with)
		last = m[1]
	}
	return known(b.String() + s[last:]).capped()
}

// classEnd returns the index of the bracket that closes the one p begins with, or -1.
func classEnd(p string) int {
	i := 1
	if i < len(p) && (p[i] == '!' || p[i] == '^') {
		i++
	}
	if i < len(p) && p[i] == ']' {
		i++
	}
	for i < len(p) {
		switch {
		case strings.HasPrefix(p[i:], "[:"):
			n := strings.Index(p[i:], ":]")
			if n < 0 {
				return -1
			}
			i += n + 1
		case p[i] == '\\':
			i++
		case p[i] == ']':
			return i
		}
		i++
	}
	return -1
}

// appendGlob appends a field, or the files it names if it is a pattern.
func (r *posix) appendGlob(out []field, f field) []field {
	pat, null := f.pat, r.option("nullglob")
	quals := ""
	if r.kind == Zsh && f.glob && len(pat) > 1 && badBracket(pat) && !r.dry {
		r.fail(f.s, flowNext)
		return out
	}
	if r.kind == Zsh {
		pat, quals = globQualifiers(pat)
		null = null || strings.Contains(quals, "N")
	}
	if !f.glob || !f.known() || r.option("noglob") || quals == "" && !hasMeta(pat) {
		return append(out, f)
	}
	names, why := r.glob(pat, quals)
	switch {
	case !why.IsZero():
		return append(out, field{value: unknown(f.s, why)})
	case len(names) > 0:
		for _, n := range names {
			out = append(out, field{value: known(n)})
		}
	case null:
	case r.kind == Zsh && !r.option("nonomatch") && !r.dry:
		r.note(msg.New("no file matches %s, so zsh reads no further", f.s))
		r.abort()
	default:
		f.glob = false
		out = append(out, f)
	}
	return out
}

// globQualifiers splits the qualifiers of zsh, such as (N) or (.), off a pattern.
func globQualifiers(pat string) (string, string) {
	i := strings.LastIndexByte(pat, '(')
	if i < 0 || !strings.HasSuffix(pat, ")") || strings.ContainsAny(pat[i:], "|*?[") || i > 0 && pat[i-1] == '\\' {
		return pat, ""
	}
	return pat[:i], pat[i+1 : len(pat)-1]
}

// glob returns the files that a pattern names.
func (r *posix) glob(pat, quals string) ([]string, msg.Text) {
	if strings.Contains(pat, "**/") && r.kind == Zsh || strings.Trim(quals, "N./-@D*rxn") != "" {
		return nil, msg.New("goready does not follow the pattern %s", pat)
	}
	prefix, rest := "", pat
	if strings.HasPrefix(pat, "/") {
		prefix, rest = "/", strings.TrimLeft(pat, "/")
	}
	names := []string{prefix}
	var why msg.Text
	for rest != "" && len(names) > 0 {
		var seg string
		seg, rest, _ = strings.Cut(rest, "/")
		names, why = r.globSegment(names, seg, rest != "", strings.Contains(quals, "D") || r.option("dotglob"))
		if !why.IsZero() {
			return nil, why
		}
	}
	return r.qualified(names, quals), msg.Text{}
}

// globSegment extends each of the names by what matches one element of a path.
func (r *posix) globSegment(names []string, seg string, more, dots bool) ([]string, msg.Text) {
	var out []string
	slash := ""
	if more {
		slash = "/"
	}
	for _, name := range names {
		if !hasMeta(seg) {
			next := name + unquotePattern(seg)
			if _, st := r.stat(abs(r.dir(), next)); st.ok() {
				out = append(out, next+slash)
			} else if !st.known() {
				return nil, st.why
			}
			continue
		}
		dir := name
		if dir == "" {
			dir = "."
		}
		entries, err := r.e.readDir(abs(r.dir(), dir))
		if err != nil && uncertainError(err) {
			return nil, msg.New("the directory %s is not recorded on this host", dir)
		}
		for _, e := range entries {
			hidden := strings.HasPrefix(e.Name, ".") && !dots && !strings.HasPrefix(seg, ".")
			if len(out) >= maxGlob || hidden || !r.matches(seg, e.Name).ok() {
				continue
			}
			if more && e.Type.IsRegular() {
				continue
			}
			out = append(out, name+e.Name+slash)
		}
	}
	if r.sortsByLocale() {
		slices.SortStableFunc(out, collate)
	}
	return out, msg.Text{}
}

func unquotePattern(p string) string {
	if strings.IndexByte(p, '\\') < 0 {
		return p
	}
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] == '\\' && i+1 < len(p) {
			i++
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

// qualified keeps the files that the qualifiers of zsh ask for.
func (r *posix) qualified(names []string, quals string) []string {
	want := func(q string, ok func(fs.FileMode) bool) {
		if strings.Contains(quals, q) {
			names = slices.DeleteFunc(names, func(n string) bool {
				info, st := r.stat(abs(r.dir(), n))
				return !st.ok() || !ok(info.Mode)
			})
		}
	}
	want(".", fs.FileMode.IsRegular)
	want("/", fs.FileMode.IsDir)
	return names
}

// sortsByLocale reports whether file names are sorted by the rules of a language rather than by bytes.
func (r *posix) sortsByLocale() bool {
	if r.kind == Sh && !r.strict {
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_COLLATE", "LANG"} {
		if v := r.lookup(name); v.set && v.s != "" {
			return v.s != "C" && v.s != "POSIX" && !strings.HasPrefix(v.s, "C.")
		}
	}
	return false
}

// collate compares names about as glibc does for most languages: punctuation, digits, letters without case; then
// lower case first.
func collate(a, b string) int {
	key := func(c rune) rune {
		if unicode.IsLetter(c) {
			return unicode.ToLower(c) + 1<<22
		}
		if unicode.IsDigit(c) {
			return c + 1<<21
		}
		return c
	}
	x, y := []rune(a), []rune(b)
	for i := range min(len(x), len(y)) {
		if d := int(key(x[i]) - key(y[i])); d != 0 {
			return d
		}
	}
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return strings.Compare(b, a)
}
