package shell

import (
	"io/fs"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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
func (r *posix) match(v value, pattern field) status {
	if (v.known() || v.soft) && pattern.known() && pattern.pat == "*" {
		return success
	}
	if !pattern.known() {
		if !pattern.soft || hasDigit(v.s) {
			return unknownStatus(pattern.why)
		}
		return failure
	}
	if !v.known() && !(v.soft && !hasDigit(pattern.s) && !pattern.glob) {
		return unknownStatus(v.why)
	}
	return r.matches(pattern.pat, v.s)
}

func (r *posix) matches(pattern, s string) status {
	m := matcher{budget: 50_000, plain: r.kind == Zsh, folded: r.option("nocasematch")}
	ok := m.match(pattern, s)
	if m.budget <= 0 {
		return unknownStatus(msg.New("a pattern is too complex"))
	}
	return statusOf(ok)
}

// matcher matches shell patterns by backtracking, within a budget.
type matcher struct {
	budget int
	plain  bool // parentheses without a prefix group, as in zsh
	folded bool
}

func (m *matcher) match(p, s string) bool {
	for p != "" {
		if m.budget--; m.budget <= 0 {
			return false
		}
		if op, alts, rest, ok := m.group(p); ok {
			return m.matchGroup(op, alts, p, rest, s)
		}
		switch p[0] {
		case '*':
			for strings.HasPrefix(p, "*") && !strings.HasPrefix(p[1:], "(") {
				p = p[1:]
			}
			if p == "" {
				return true
			}
			for i := 0; i <= len(s); i++ {
				if m.match(p, s[i:]) {
					return true
				}
				if m.budget <= 0 {
					return false
				}
			}
			return false
		case '?':
			if s == "" {
				return false
			}
			_, n := utf8.DecodeRuneInString(s)
			p, s = p[1:], s[n:]
		case '[':
			ok, pn, sn := m.class(p, s)
			if !ok {
				return false
			}
			p, s = p[pn:], s[sn:]
		default:
			if p[0] == '\\' && len(p) > 1 {
				p = p[1:]
			}
			if s == "" || !m.same(p[0], s[0]) {
				return false
			}
			p, s = p[1:], s[1:]
		}
	}
	return s == ""
}

func (m *matcher) same(a, b byte) bool {
	return a == b || m.folded && a|0x20 == b|0x20 && 'a' <= a|0x20 && a|0x20 <= 'z'
}

// group splits a pattern that begins with a group such as @(a|b).
func (m *matcher) group(p string) (op byte, alts []string, rest string, ok bool) {
	open := 0
	switch {
	case len(p) > 1 && p[1] == '(' && strings.IndexByte("@?*+!", p[0]) >= 0 && !m.plain:
		op, open = p[0], 1
	case m.plain && p[0] == '(':
		op = '@'
	default:
		return 0, nil, "", false
	}
	depth, start := 0, open+1
	for i := open; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i++
		case '(':
			depth++
		case '|':
			if depth == 1 {
				alts = append(alts, p[start:i])
				start = i + 1
			}
		case ')':
			if depth--; depth == 0 {
				return op, append(alts, p[start:i]), p[i+1:], true
			}
		}
	}
	return 0, nil, "", false
}

func (m *matcher) matchGroup(op byte, alts []string, p, rest, s string) bool {
	if op == '!' {
		for i := 0; i <= len(s); i++ {
			inner := slices.ContainsFunc(alts, func(a string) bool { return m.match(a, s[:i]) })
			if !inner && m.match(rest, s[i:]) {
				return true
			}
		}
		return false
	}
	if (op == '?' || op == '*') && m.match(rest, s) {
		return true
	}
	again := rest
	if op == '*' || op == '+' {
		again = "*" + p[1:]
	}
	return slices.ContainsFunc(alts, func(a string) bool {
		return (a != "" || op == '@' || op == '?') && m.match(a+again, s)
	})
}

// class matches one character against a bracket expression; pn and sn are the lengths of both.
func (m *matcher) class(p, s string) (ok bool, pn, sn int) {
	end := classEnd(p)
	if end < 0 { // an ordinary bracket
		return s != "" && s[0] == '[', 1, 1
	}
	if s == "" {
		return false, 0, 0
	}
	c, n := utf8.DecodeRuneInString(s)
	body := p[1:end]
	negated := strings.HasPrefix(body, "!") || strings.HasPrefix(body, "^")
	if negated {
		body = body[1:]
	}
	return inClass(body, c) != negated, end + 1, n
}

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

func inClass(body string, c rune) bool {
	for i := 0; i < len(body); {
		if strings.HasPrefix(body[i:], "[:") {
			n := strings.Index(body[i:], ":]")
			if n > 0 {
				if inNamedClass(body[i+2:i+n], c) {
					return true
				}
				i += n + 2
				continue
			}
		}
		lo, n := classRune(body[i:])
		i += n
		hi := lo
		if i+1 < len(body) && body[i] == '-' {
			hi, n = classRune(body[i+1:])
			i += 1 + n
		}
		if lo <= c && c <= hi {
			return true
		}
	}
	return false
}

func classRune(s string) (rune, int) {
	if s[0] == '\\' && len(s) > 1 {
		c, n := utf8.DecodeRuneInString(s[1:])
		return c, n + 1
	}
	return utf8.DecodeRuneInString(s)
}

func inNamedClass(name string, c rune) bool {
	switch name {
	case "alpha":
		return unicode.IsLetter(c)
	case "digit":
		return '0' <= c && c <= '9'
	case "alnum":
		return unicode.IsLetter(c) || unicode.IsDigit(c)
	case "upper":
		return unicode.IsUpper(c)
	case "lower":
		return unicode.IsLower(c)
	case "space":
		return unicode.IsSpace(c)
	case "blank":
		return c == ' ' || c == '\t'
	case "punct":
		return unicode.IsPunct(c) || unicode.IsSymbol(c)
	case "xdigit":
		return strings.ContainsRune("0123456789abcdefABCDEF", c)
	}
	return false
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
