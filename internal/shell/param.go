package shell

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"

	"github.com/goready/goready/internal/msg"
)

// positional returns $1, $2, … of the nearest function or file that has its own.
func (r *posix) positional() []field {
	var out []field
	for f := r.f; f != nil; f = f.up {
		if f.fn != "" || f.args != nil {
			for _, v := range f.args {
				out = append(out, field{value: v})
			}
			break
		}
	}
	return out
}

// param expands ${…}. list says that it is several words.
func (r *posix) param(p *syntax.ParamExp, quoted bool) (vals []value, list bool) {
	v := r.parameter(p)
	name := ""
	if p.Param != nil {
		name = p.Param.Value
	}
	vals, list = r.elements(p, v, name, quoted)
	switch {
	case p.Names != 0 || p.Width || p.RcExpand == syntax.OptOn:
		return []value{unknown(r.text(p), notFollowed())}, false
	case p.IsSet:
		return []value{isSet(v)}, false
	case p.Length:
		return []value{r.length(v, vals, list, name)}, false
	case p.Excl:
		vals = r.indirect(vals)
	}
	if p.Flags != nil {
		vals, list = r.flags(p.Flags.Value, v, vals, list, quoted)
	}
	if p.Exp != nil {
		return r.operate(p, v, vals, list, quoted)
	}
	for i := range vals {
		switch {
		case p.Slice != nil && !list:
			vals[i] = r.slice(vals[i], p.Slice)
		case p.Slice != nil:
			vals[i] = unknown(vals[i].s, notFollowed())
		case p.Repl != nil:
			vals[i] = r.replace(vals[i], p.Repl)
		}
		for _, m := range p.Modifiers {
			vals[i] = r.modify(vals[i], m.Value)
		}
	}
	return vals, list
}

// parameter returns the variable or special parameter that an expansion is about.
func (r *posix) parameter(p *syntax.ParamExp) variable {
	switch inner := p.NestedParam.(type) {
	case nil:
	case *syntax.ParamExp, *syntax.CmdSubst, *syntax.DblQuoted:
		x := expander{r: r}
		x.part(inner, true)
		return variable{value: x.cur.value, set: true}
	}
	if p.Param == nil {
		return variable{}
	}
	name := decode(p.Param.Value)
	switch name {
	case "?":
		if r.status.known() {
			return variable{value: known(strconv.Itoa(r.status.code)), set: true}
		}
		return variable{value: unknown("0", r.status.why), set: true}
	case "#":
		return variable{value: known(strconv.Itoa(len(r.positional()))), set: true}
	case "@", "*":
		v := variable{array: true, set: true}
		v.list = []string{}
		for _, f := range r.positional() {
			v.list = append(v.list, f.s)
			if !f.known() {
				v.why = f.why
			}
		}
		v.set = len(v.list) > 0
		return v
	}
	if n, err := strconv.Atoi(name); err == nil && n > 0 {
		if args := r.positional(); n <= len(args) {
			return variable{value: args[n-1].value, set: true}
		}
		return variable{}
	}
	if r.kind == Zsh && p.Index != nil {
		if v, ok := r.table(name, p.Index); ok {
			return v
		}
	}
	switch name {
	case "-", "PS1", "PROMPT", "prompt":
		r.asking |= askedInteractive
	}
	return r.lookup(name)
}

// table looks a key up in the tables of zsh that tell about commands and functions.
func (r *posix) table(name string, index syntax.ArithmExpr) (variable, bool) {
	w, ok := index.(*syntax.Word)
	if !ok {
		return variable{}, false
	}
	switch name {
	case "commands":
		key := r.quotedWord(w)
		file, st := r.look(key)
		if !st.known() {
			return variable{value: unknown(file, st.why), set: true}, true
		}
		return variable{value: known(file), set: st.ok()}, true
	case "functions":
		fn, ok := r.funcs[r.quotedWord(w).s]
		return variable{value: known("…"), set: ok && fn != nil}, true
	case "aliases", "galiases", "terminfo", "termcap", "widgets", "modules", "options", "parameters", "builtins",
		"nameddirs", "history", "jobstates", "keymaps":
		return variable{value: unknown("", notFollowed()), set: true}, true
	}
	return variable{}, false
}

// elements returns the strings an expansion starts from.
func (r *posix) elements(p *syntax.ParamExp, v variable, name string, quoted bool) ([]value, bool) {
	all := name == "@" || name == "*"
	if w, ok := p.Index.(*syntax.Word); ok {
		if lit := w.Lit(); lit == "@" || lit == "*" {
			all, name = true, lit
		}
	}
	if w, ok := p.Index.(*syntax.Word); ok && p.Param.Value == "BASH_VERSINFO" && w.Lit() == "0" && r.kind == Bash {
		if major, ok := r.bashMajor(); ok {
			return []value{known(major)}, false
		}
	}
	if p.Index != nil && !all {
		return []value{r.element(v, p.Index)}, false
	}
	flagged := p.Flags != nil && strings.Contains(p.Flags.Value, "@")
	lists := r.kind == Zsh && !r.option("ksharrays")
	if v.array && (all || flagged || lists && !quoted) {
		if quoted && name == "*" && !flagged {
			return []value{{s: strings.Join(v.list, r.joint()), why: v.why}}, false
		}
		vals := make([]value, len(v.list))
		for i, s := range v.list {
			vals[i] = value{s: s, why: v.why}
		}
		return vals, true
	}
	if v.array && r.kind == Zsh {
		if !lists {
			return []value{{s: strings.Join(v.list[:min(1, len(v.list))], ""), why: v.why}}, false
		}
		return []value{{s: strings.Join(v.list, " "), why: v.why}}, false
	}
	if all && !v.set {
		return nil, true
	}
	return []value{v.value}, false
}

// joint is what joins "$*".
func (r *posix) joint() string {
	v := r.lookup("IFS")
	switch {
	case !v.set:
		return " "
	case v.s == "":
		return ""
	}
	return v.s[:1]
}

// element returns ${v[index]}.
func (r *posix) element(v variable, index syntax.ArithmExpr) value {
	i, why := r.arith(index)
	base := int64(0)
	if r.kind == Zsh && !r.option("ksharrays") {
		base = 1
	}
	switch {
	case v.array && len(v.list) == 0 && v.known():
		return known("")
	case !v.known():
		return value{s: v.s, why: v.why, soft: v.soft}
	case !why.IsZero() || !v.array && (r.kind == Zsh || i != 0) && v.set:
		return unknown("", notFollowed())
	case !v.array:
		return v.value
	}
	if i -= base; i < 0 {
		i += int64(len(v.list)) + base
	}
	if i < 0 || i >= int64(len(v.list)) {
		return known("")
	}
	return known(v.list[i])
}

func isSet(v variable) value {
	if !v.known() && !v.soft {
		return unknown("1", v.why)
	}
	if v.set {
		return known("1")
	}
	return known("0")
}

func (r *posix) length(v variable, vals []value, list bool, name string) value {
	if !v.known() {
		return unknown("", v.why)
	}
	if list || v.array && r.kind == Zsh || name == "@" || name == "*" {
		return known(strconv.Itoa(len(v.list)))
	}
	if len(vals) == 0 {
		return known("0")
	}
	return known(strconv.Itoa(utf8.RuneCountInString(vals[0].s)))
}

// indirect replaces names of variables by their values: ${!name}.
func (r *posix) indirect(names []value) []value {
	out := make([]value, len(names))
	for i, n := range names {
		switch {
		case !n.known():
			out[i] = unknown("", n.why)
		case isName(n.s):
			out[i] = r.lookup(n.s).value
		case n.s != "" && strings.Trim(n.s, "0123456789") == "":
			k, _ := strconv.Atoi(n.s)
			if args := r.positional(); k > 0 && k <= len(args) {
				out[i] = args[k-1].value
			}
		case r.kind == Bash:
			r.fail("${!"+n.s+"}", flowLine)
		default:
			out[i] = unknown("", notFollowed())
		}
	}
	return out
}

// operate applies ${x:-y} and the like, and the removal of prefixes and suffixes.
func (r *posix) operate(p *syntax.ParamExp, v variable, vals []value, list, quoted bool) ([]value, bool) {
	empty, sure := v.s == "" && len(v.list) == 0, v.known() || v.soft
	colon := false
	switch p.Exp.Op {
	case syntax.DefaultUnsetOrNull, syntax.AlternateUnsetOrNull, syntax.AssignUnsetOrNull, syntax.ErrorUnsetOrNull:
		colon = true
	}
	missing := !v.set || colon && empty
	if p.Index != nil && len(vals) == 1 && !list {
		missing = vals[0].s == ""
	}
	word := func() value {
		if p.Exp.Word == nil {
			return known("")
		}
		x := expander{r: r}
		if quoted {
			return r.quotedWord(p.Exp.Word)
		}
		x.word(p.Exp.Word, false)
		return x.cur.value
	}
	switch p.Exp.Op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.ErrorUnset, syntax.ErrorUnsetOrNull,
		syntax.AssignUnset, syntax.AssignUnsetOrNull:
		return r.defaulted(p, vals, list, missing, sure, word)
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
		switch {
		case !sure:
			return []value{unknown(word().s, v.why)}, false
		case missing:
			return []value{known("")}, false
		}
		return []value{word()}, false
	}
	for i := range vals {
		vals[i] = r.transform(vals[i], p.Exp)
	}
	return vals, list
}

// defaulted applies ${x:-y}, ${x:=y} and ${x:?y}.
func (r *posix) defaulted(p *syntax.ParamExp, vals []value, list, missing, sure bool, word func() value) ([]value, bool) {
	op := p.Exp.Op
	assigns := op == syntax.AssignUnset || op == syntax.AssignUnsetOrNull
	switch {
	case sure && !missing:
		return vals, list
	case op == syntax.ErrorUnset || op == syntax.ErrorUnsetOrNull:
		if sure {
			r.failedExpansion(r.text(p))
			return []value{known("")}, false
		}
		return vals, list
	case !sure:
		guess := word()
		if len(vals) > 0 && vals[0].s != "" {
			guess = vals[0]
		}
		why := notFollowed()
		if len(vals) > 0 && !vals[0].known() {
			why = vals[0].why
		}
		if assigns {
			r.assign(p.Param.Value, unknown(guess.s, why))
		}
		return []value{unknown(guess.s, why)}, false
	}
	v := word()
	if assigns && isName(p.Param.Value) {
		r.assign(p.Param.Value, v)
	}
	return []value{v}, false
}

// failedExpansion is what ${x:?y} does without x: the rest of the file is not read, and dash exits.
func (r *posix) failedExpansion(text string) {
	if r.dry {
		return
	}
	if r.kind == Zsh && !r.s.Interactive {
		r.status = failure
		r.end(msg.New("the shell exits because %s fails", text), r.at())
		return
	}
	if r.kind == Bash && !r.s.Interactive {
		r.note(msg.New("%s fails, so the shell abandons the file", text))
		r.abort()
		return
	}
	r.fail(text, flowLine)
}

// fail handles an error that ends more than a command. dash exits if it is not interactive; zsh, and dash if it is,
// abandon the start-up file; bash does what inBash says.
func (r *posix) fail(text string, inBash flow) {
	r.status = failure
	switch {
	case r.dry:
	case r.kind == Sh && !r.s.Interactive:
		r.end(msg.New("the shell exits because %s fails", text), r.at())
	case r.kind == Bash:
		r.flow = inBash
	default:
		r.note(msg.New("%s fails, so the shell abandons the file", text))
		r.abort()
	}
}

// abort stops the evaluation of all functions and of the files that are being read.
func (r *posix) abort() {
	r.flow = flowAbort
	if r.maybe.IsZero() {
		r.over = msg.New("the file ends with an error at %s", r.at())
	}
}

// transform applies ${x#p}, ${x%p}, ${x^^} and the like.
func (r *posix) transform(v value, e *syntax.Expansion) value {
	var pat field
	if e.Word != nil {
		pat = r.pattern(e.Word)
	}
	switch e.Op {
	case syntax.RemSmallPrefix, syntax.RemLargePrefix, syntax.RemSmallSuffix, syntax.RemLargeSuffix:
		if !v.known() {
			return unknown(v.s, v.why)
		}
		if !pat.known() {
			return unknown(v.s, pat.why)
		}
		return r.remove(v.s, pat.pat, e.Op)
	case syntax.UpperAll, syntax.LowerAll, syntax.UpperFirst, syntax.LowerFirst:
		if pat.s != "" || !v.known() {
			return unknown(v.s, notFollowed())
		}
		return known(changeCase(v.s, e.Op))
	case syntax.MatchEmpty: // zsh: ${x:#pattern}
		if st := r.match(v, pat); !st.known() {
			return unknown(v.s, st.why)
		} else if st.ok() {
			return known("")
		}
		return v
	}
	return unknown(v.s, notFollowed())
}

func changeCase(s string, op syntax.ParExpOperator) string {
	_, n := utf8.DecodeRuneInString(s)
	switch op {
	case syntax.UpperAll:
		return strings.ToUpper(s)
	case syntax.LowerAll:
		return strings.ToLower(s)
	case syntax.UpperFirst:
		return strings.ToUpper(s[:n]) + s[n:]
	}
	return strings.ToLower(s[:n]) + s[n:]
}

// replace applies ${x/a/b}.
func (r *posix) replace(v value, p *syntax.Replace) value {
	pat, with := r.pattern(p.Orig), known("")
	if p.With != nil {
		with = r.quotedOrNot(p.With)
	}
	for _, part := range []value{v, pat.value, with} {
		if !part.known() {
			return unknown(v.s, part.why)
		}
	}
	r.charge(len(v.s) + len(with.s))
	return r.substituteAll(v.s, pat.pat, with.s, p.All)
}

func (r *posix) quotedOrNot(w *syntax.Word) value {
	x := expander{r: r}
	x.word(w, false)
	return x.cur.value
}

// slice applies ${x:offset:length}.
func (r *posix) slice(v value, s *syntax.Slice) value {
	if !v.known() {
		return unknown(v.s, v.why)
	}
	runes := []rune(v.s)
	from, why := r.arith(s.Offset)
	if !why.IsZero() {
		return unknown(v.s, why)
	}
	size := int64(len(runes))
	if from < 0 {
		from += size
	}
	if from < 0 || from > size {
		return known("")
	}
	to := size
	if s.Length != nil {
		n, why := r.arith(s.Length)
		if !why.IsZero() {
			return unknown(v.s, why)
		}
		if to = from + n; n < 0 {
			to = size + n
		}
		if to > size || to < 0 {
			to = size
		}
	}
	if to < from {
		return known("")
	}
	return known(string(runes[from:to]))
}
