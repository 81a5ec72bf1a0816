package shell

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/goready/goready/internal/msg"
)

// field is a word after expansion.
type field struct {
	value
	pat  string // s as a pattern: what was quoted is escaped
	glob bool   // it contains unquoted pattern characters
}

func values(fields []field) []value {
	list := make([]value, len(fields))
	for i, f := range fields {
		list[i] = f.value
	}
	return list
}

// expander builds fields from the parts of words.
type expander struct {
	r     *posix
	split bool // split the results of unquoted expansions
	out   []field
	cur   field
	begun bool // cur exists even if it is empty
}

func (x *expander) add(v value, pat string, glob bool) {
	x.cur.value = x.cur.value.append(v)
	if len(x.cur.pat) <= maxValue {
		x.cur.pat += pat
	}
	x.cur.glob = x.cur.glob || glob
	x.begun = x.begun || v.s != "" || !v.known()
}

// quoted adds text that is not a pattern.
func (x *expander) quoted(v value) {
	x.begun = true
	x.add(v, quotePattern(v.s), false)
}

// unquoted adds the result of an unquoted expansion.
func (x *expander) unquoted(v value) {
	switch {
	case x.r.kind == Zsh && !x.r.option("shwordsplit"):
		x.add(v, quotePattern(v.s), false)
	case !x.split || !v.known():
		x.add(v, v.s, isPattern(v.s))
	default:
		x.splitInto(v.s)
	}
}

// splitInto splits the result of an expansion into fields at the characters of IFS.
func (x *expander) splitInto(s string) {
	ifs := " \t\n"
	if v := x.r.lookup("IFS"); v.set && v.known() {
		ifs = v.s
	}
	for i := 0; i < len(s); {
		n := strings.IndexAny(s[i:], ifs)
		if n != 0 {
			if n < 0 {
				n = len(s) - i
			}
			x.add(known(s[i:i+n]), s[i:i+n], isPattern(s[i:i+n]) && x.r.kind != Zsh)
			i += n
			continue
		}
		hard := false // a delimiter that is not white space has been passed
		for i < len(s) && strings.IndexByte(ifs, s[i]) >= 0 {
			white := strings.IndexByte(" \t\n", s[i]) >= 0
			if !white && hard {
				break
			}
			hard = hard || !white
			i++
		}
		x.begun = x.begun || hard
		x.flush()
	}
}

// flush ends the current field.
func (x *expander) flush() {
	if x.begun {
		x.r.charge(len(x.cur.s))
		x.out = append(x.out, x.cur)
	}
	x.cur, x.begun = field{}, false
}

// fields expands words as the arguments of a command.
func (r *posix) fields(words []*syntax.Word) []field {
	out := make([]field, 0, len(words))
	for _, w := range words {
		for _, w := range r.braces(w) {
			x := expander{r: r, split: true}
			x.word(w, false)
			x.flush()
			for _, f := range x.out {
				out = r.appendGlob(out, f)
			}
			if len(out) > maxGlob {
				return out
			}
		}
	}
	return out
}

// word expands a word as the value of an assignment: one string, with tildes after colons.
func (r *posix) word(w *syntax.Word) value {
	x := expander{r: r}
	x.word(w, true)
	return x.cur.value
}

// pattern expands a word as a pattern.
func (r *posix) pattern(w *syntax.Word) field {
	x := expander{r: r}
	x.word(w, false)
	return x.cur
}

// quotedWord expands a word as if it were in double quotes.
func (r *posix) quotedWord(w *syntax.Word) value {
	x := expander{r: r}
	for _, p := range w.Parts {
		x.part(p, true)
	}
	return x.cur.value
}

func (x *expander) word(w *syntax.Word, assign bool) {
	for i, p := range w.Parts {
		lit, ok := p.(*syntax.Lit)
		if !ok {
			x.part(p, false)
			continue
		}
		text := x.r.literal(lit.Value)
		if i == 0 || assign {
			text = x.tildes(text, i == 0, assign, i == len(w.Parts)-1)
		}
		x.lit(text)
	}
}

func (r *posix) literal(s string) string {
	if r.script != nil && r.script.coded {
		return decode(s)
	}
	return s
}

// tildes expands the tildes of an unquoted literal; it returns what remains to be added as a literal. last says that
// the literal ends its word.
func (x *expander) tildes(s string, first, assign, last bool) string {
	for i := 0; i < len(s); i++ {
		start := i == 0 && first || assign && i > 0 && s[i-1] == ':'
		if s[i] != '~' || !start {
			continue
		}
		end := i + 1
		for end < len(s) && s[end] != '/' && !(assign && s[end] == ':') {
			end++
		}
		if end == len(s) && !last {
			return s // ~$x and ~"x" are not expanded
		}
		if v, ok := x.r.tilde(s[i+1 : end]); ok {
			x.lit(s[:i])
			x.quoted(v)
			s, i, first = s[end:], -1, false
		} else if x.r.kind == Zsh && i == 0 {
			x.r.fail(s[:end], flowNext)
		}
	}
	return s
}

// tilde returns the home directory of a user; name is "" for the own one.
func (r *posix) tilde(name string) (value, bool) {
	switch name {
	case "":
		if v := r.lookup("HOME"); v.set {
			return v.value, true
		}
		return known(r.e.home()), true
	case "+":
		return r.lookup("PWD").value, true
	case "-":
		v := r.lookup("OLDPWD")
		return v.value, v.set
	}
	for i := range len(name) {
		if !isNameByte(name[i]) && name[i] != '-' && name[i] != '.' {
			return value{}, false
		}
	}
	return r.e.homeOf(name)
}

// lit adds an unquoted literal, with its backslashes.
func (x *expander) lit(s string) {
	if strings.IndexByte(s, '\\') < 0 {
		if s != "" {
			x.add(known(s), s, isPattern(s))
		}
		return
	}
	var text, pat strings.Builder
	glob := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			i++
			if s[i] != '\n' {
				text.WriteByte(s[i])
				pat.WriteString(s[i-1 : i+1])
			}
			continue
		}
		glob = glob || isPattern(s[i:i+1])
		text.WriteByte(c)
		pat.WriteByte(c)
	}
	x.begun = true
	x.add(known(text.String()), pat.String(), glob)
}

// part adds a part of a word.
func (x *expander) part(p syntax.WordPart, quoted bool) {
	switch p := p.(type) {
	case *syntax.Lit:
		if text := x.r.literal(p.Value); quoted {
			x.quoted(known(unescape(text)))
		} else {
			x.lit(text)
		}
	case *syntax.SglQuoted:
		text := x.r.literal(p.Value)
		if p.Dollar {
			text = ansiC(text)
		}
		x.quoted(known(text))
	case *syntax.DblQuoted:
		x.begun = x.begun || len(p.Parts) == 0
		for _, inner := range p.Parts {
			x.part(inner, true)
		}
	case *syntax.ParamExp:
		x.param(p, quoted)
	case *syntax.CmdSubst:
		v := x.r.substitute(p.Stmts, p)
		if x.r.kind == Zsh && x.split && !quoted && v.known() {
			x.splitInto(v.s) // unlike variables, output is split
			return
		}
		x.result(v, quoted)
	case *syntax.ArithmExp:
		n, why := x.r.arith(p.X)
		v := known(itoa(n))
		if !why.IsZero() {
			v = unknown(x.r.text(p), why)
		}
		x.result(v, quoted)
	case *syntax.ProcSubst:
		x.quoted(x.r.process(p))
	case *syntax.ExtGlob:
		text := p.Op.String() + x.r.literal(p.Pattern.Value) + ")"
		x.add(known(text), text, true)
	}
}

func (x *expander) result(v value, quoted bool) {
	if quoted {
		x.quoted(v)
	} else {
		x.unquoted(v)
	}
}

// param adds a parameter expansion, which may be several fields.
func (x *expander) param(p *syntax.ParamExp, quoted bool) {
	vals, list := x.r.param(p, quoted)
	if !list {
		for _, v := range vals {
			x.result(v, quoted)
		}
		return
	}
	x.begun = x.begun && (!quoted || len(vals) > 0 || x.cur.s != "")
	for i, v := range vals {
		if *x.r.steps++; *x.r.steps > maxSteps || len(x.out) > maxGlob {
			return
		}
		if i > 0 && x.split {
			x.flush()
		} else if i > 0 {
			x.add(known(" "), " ", false)
		}
		if quoted || v.s != "" || !v.known() {
			x.result(v, quoted)
		}
	}
}

// unescape removes the backslashes that mean something in double quotes.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\\n", s[i+1]) >= 0 {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// ansiC decodes the text of $'…'.
func ansiC(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if j := strings.IndexByte("abeEfnrtv", s[i]); j >= 0 {
			b.WriteByte("\a\b\x1b\x1b\f\n\r\t\v"[j])
			continue
		}
		digits, base, limit := s[i:], 8, 3
		switch s[i] {
		case 'x':
			digits, base, limit = s[i+1:], 16, 2
		case 'u':
			digits, base, limit = s[i+1:], 16, 4
		case 'U':
			digits, base, limit = s[i+1:], 16, 8
		}
		n := 0
		for n < min(limit, len(digits)) && digitValue(digits[n]) < base {
			n++
		}
		code, err := strconv.ParseUint(digits[:n], base, 32)
		switch {
		case err != nil && strings.IndexByte(`\'"?`, s[i]) >= 0:
			b.WriteByte(s[i])
		case err != nil:
			b.WriteString(s[i-1 : i+1])
		case s[i] == 'u' || s[i] == 'U':
			b.WriteRune(rune(code))
			i += n
		default:
			b.WriteByte(byte(code))
			if i += n; base == 8 {
				i--
			}
		}
	}
	return b.String()
}

func digitValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'z':
		return int(c|0x20-'a') + 10
	}
	return 99
}

// text returns a node as it is written.
func (r *posix) text(n syntax.Node) string {
	if r.script == nil {
		return ""
	}
	start, end := int(n.Pos().Offset()), int(n.End().Offset())
	if start > end || end > len(r.script.src) {
		return ""
	}
	return r.literal(r.script.src[start:end])
}

// braces expands {a,b} and {1..3}, which POSIX sh does not have.
func (r *posix) braces(w *syntax.Word) []*syntax.Word {
	if r.kind == Sh || !hasBrace(w) {
		return []*syntax.Word{w}
	}
	copied := &syntax.Word{Parts: append([]syntax.WordPart(nil), w.Parts...)}
	if !syntax.SplitBraces(copied) {
		return []*syntax.Word{w}
	}
	return expandBraces(copied.Parts)
}

func hasBrace(w *syntax.Word) bool {
	for _, p := range w.Parts {
		if lit, ok := p.(*syntax.Lit); ok && strings.IndexByte(lit.Value, '{') >= 0 {
			return true
		}
	}
	return false
}

// expandBraces returns the words that the parts of a word with brace expressions stand for, at most maxGlob.
func expandBraces(parts []syntax.WordPart) []*syntax.Word {
	for i, p := range parts {
		b, ok := p.(*syntax.BraceExp)
		if !ok {
			continue
		}
		var out []*syntax.Word
		tails := expandBraces(parts[i+1:])
		for _, e := range braceElems(b) {
			for _, head := range expandBraces(e.Parts) {
				for _, tail := range tails {
					if len(out) >= maxGlob {
						return out
					}
					all := append(append(append([]syntax.WordPart(nil), parts[:i]...), head.Parts...), tail.Parts...)
					out = append(out, &syntax.Word{Parts: all})
				}
			}
		}
		return out
	}
	return []*syntax.Word{{Parts: parts}}
}

func braceElems(b *syntax.BraceExp) []*syntax.Word {
	if !b.Sequence || len(b.Elems) < 2 {
		return b.Elems
	}
	from, err1 := strconv.Atoi(b.Elems[0].Lit())
	to, err2 := strconv.Atoi(b.Elems[1].Lit())
	letters := false
	if err1 != nil && err2 != nil && len(b.Elems[0].Lit()) == 1 && len(b.Elems[1].Lit()) == 1 {
		from, to, letters = int(b.Elems[0].Lit()[0]), int(b.Elems[1].Lit()[0]), true
	} else if err1 != nil || err2 != nil {
		return nil
	}
	step := 1
	if len(b.Elems) > 2 {
		if n, err := strconv.Atoi(b.Elems[2].Lit()); err == nil && n != 0 {
			step = max(n, -n)
		}
	}
	var out []*syntax.Word
	for n := from; (from <= to && n <= to || from > to && n >= to) && len(out) < maxGlob; {
		text := strconv.Itoa(n)
		if letters {
			text = string(rune(n))
		}
		out = append(out, &syntax.Word{Parts: []syntax.WordPart{&syntax.Lit{Value: text}}})
		if from <= to {
			n += step
		} else {
			n -= step
		}
	}
	return out
}

// substitute returns the output of $(…).
func (r *posix) substitute(stmts []*syntax.Stmt, n syntax.Node) value {
	if r.dry {
		return unknown(r.text(n), msg.New("the output of a command"))
	}
	if len(stmts) == 1 && stmts[0].Cmd == nil && len(stmts[0].Redirs) == 1 && stmts[0].Redirs[0].Op == syntax.RdrIn {
		data, st := r.readNamed(r.word(stmts[0].Redirs[0].Word)) // $(<file)
		r.subst = st
		return trimOutput(value{s: data, why: st.why})
	}
	s := r.sub()
	var out value
	s.out = &out
	s.stmts(stmts)
	r.asking |= s.asking
	r.subst = s.status
	if s.flow == flowExit && *s.steps > maxSteps {
		r.flow = flowExit
	}
	if !out.known() && !out.soft {
		out.s = r.text(n)
		out.sure = 0
	}
	return trimOutput(out)
}

func trimOutput(v value) value {
	v.s = strings.ReplaceAll(strings.TrimRight(v.s, "\n"), "\x00", "")
	return v.capped()
}

// process returns the file name that <(…) stands for, which remembers the command.
func (r *posix) process(p *syntax.ProcSubst) value {
	v := r.substitute(p.Stmts, p)
	if v.known() {
		v.why = msg.New("the output of a command")
	}
	if v.cmd == nil {
		v.cmd = []string{""}
	}
	v.s = r.text(p)
	return v
}
