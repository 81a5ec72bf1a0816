package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/goready/goready/internal/msg"
)

// declClause executes export, declare, typeset, local, readonly.
func (r *posix) declClause(c *syntax.DeclClause) {
	cmd := c.Variant.Value
	if cmd == "local" && r.f.function() == nil && r.kind != Zsh {
		r.localOutside()
		return
	}
	flags := ""
	r.failed = false
	for _, a := range c.Args {
		if a.Naked && a.Name == nil {
			flags = r.declareWords(cmd, flags, r.fields([]*syntax.Word{a.Value}))
			continue
		}
		r.line(a)
		name := decode(a.Name.Value)
		var set func() value
		if !a.Naked {
			set = func() value { return r.assigned(name, a) }
		}
		r.declareOne(cmd, flags, name, set)
	}
	if r.flow == flowNext {
		r.status = statusOf(!r.failed)
	}
}

// localOutside: local is an error outside a function, except in zsh.
func (r *posix) localOutside() {
	if r.kind != Zsh {
		r.fail("local", flowNext)
	}
}

// declareWords executes a declaration whose arguments are already expanded; it returns the flags seen so far.
func (r *posix) declareWords(cmd, flags string, args []field) string {
	for _, f := range args {
		name, text, has := strings.Cut(f.s, "=")
		switch {
		case !f.known() && !f.soft && f.sure <= len(name):
			if cmd == "export" || strings.Contains(flags, "x") {
				r.forget(msg.New("it exports what only running the shell can tell: %s", f.why))
			}
		case strings.HasPrefix(f.s, "-") && len(f.s) > 1 && !has:
			flags += f.s[1:]
		case strings.HasPrefix(f.s, "+") && len(f.s) > 1 && !has:
			flags += strings.ReplaceAll(f.s[1:], "x", "n+")
		case isName(strings.TrimSuffix(name, "+")):
			var set func() value
			if has {
				v := value{s: text, why: f.why, soft: f.soft, cmd: f.cmd}
				if base, ok := strings.CutSuffix(name, "+"); ok {
					name = base
					v = r.lookup(name).value.append(v)
				}
				set = func() value { return v }
			}
			r.declareOne(cmd, flags, name, set)
		case r.kind != Bash:
			r.fail(cmd+" "+f.s, flowNext)
		default:
			r.failed = true
		}
	}
	return flags
}

// declareOne declares a variable; set is nil if no value is given.
func (r *posix) declareOne(cmd, flags, name string, set func() value) {
	if strings.ContainsAny(flags, "fFp") && cmd != "readonly" || r.dry {
		return // functions
	}
	if flags == "T" || strings.Contains(flags, "T") && r.kind == Zsh {
		r.tie(flags, name)
		return
	}
	local := r.f.function() != nil && (cmd == "local" || cmd == "declare" || cmd == "typeset" || cmd == "integer" || cmd == "float") &&
		!strings.Contains(flags, "g") && !(r.kind == Zsh && strings.Contains(flags, "x") && cmd != "local")
	var v value
	if r.kind == Bash && set != nil && r.lookup(name).readonly && !local {
		set()
		r.failed = true
		return
	}
	if set != nil {
		if v = set(); r.flow != flowNext {
			return
		}
		if strings.Contains(flags, "i") || cmd == "integer" {
			v = r.integer(v)
		}
	}
	if local {
		r.local(name)
	}
	if strings.Contains(flags, "U") && !local {
		r.setUnique(name)
	}
	if scalar := r.scalarOf(name); set == nil && r.kind == Zsh && r.maybe.IsZero() && !r.lookup(scalar).set {
		// zsh has no variables without a value, but the environment gets it only with the next assignment.
		r.put(scalar, variable{set: true, local: r.vars[scalar].local, export: cmd == "export" || strings.Contains(flags, "x"), hidden: true})
		return
	}
	if set != nil {
		v.list = arrayIf(v, strings.ContainsAny(flags, "aA"))
		if cmd == "export" && !strings.Contains(flags, "n") {
			r.exportNext(name)
		}
		r.assign(name, v)
	}
	switch {
	case cmd == "export" && strings.Contains(flags, "n") || strings.Contains(flags, "n+"):
		r.unexport(name)
	case cmd == "export" || strings.Contains(flags, "x"):
		r.export(name)
	}
	if (cmd == "readonly" || strings.Contains(flags, "r")) && r.maybe.IsZero() {
		old := r.lookup(name)
		old.readonly = true
		r.put(name, old)
	}
}

// exportNext makes the next assignment to name go to the environment at once, so that the trail has one entry.
func (r *posix) exportNext(name string) {
	name = r.scalarOf(name)
	if v := r.lookup(name); r.maybe.IsZero() && !v.export && !v.readonly {
		v.export = true
		r.put(name, v)
	}
}

func arrayIf(v value, array bool) []string {
	if array && v.list == nil {
		return []string{v.s}
	}
	return v.list
}

// local saves the variable that a local one hides.
func (r *posix) local(name string) {
	saved := r.f.function().saved
	if _, ok := saved[name]; ok {
		return
	}
	old := r.lookup(name)
	saved[name] = old
	if r.kind == Sh { // dash keeps value and export
		old.local = true
		r.put(name, old)
		return
	}
	r.put(name, variable{at: r.f.env, local: true, export: old.export && r.kind == Bash})
}

// setUnique executes typeset -U.
func (r *posix) setUnique(name string) {
	if r.unique == nil {
		r.unique = map[string]bool{}
	}
	r.unique[name] = true
	name = r.scalarOf(name)
	v := r.lookup(name)
	if !v.set || !r.maybe.IsZero() {
		return
	}
	before := v.s
	v.value = unique(v.value)
	if v.s != before && v.export {
		v.from, v.at = r.at(), r.f.env
		r.record(name, v)
	}
	r.put(name, v)
}

// tie ties an array to a scalar: typeset -T SCALAR array.
func (r *posix) tie(flags, name string) {
	if r.f.function() != nil && !strings.Contains(flags, "g") {
		return
	}
	upper, pending := "", r.ties["-T"]
	if pending == "" {
		r.ties["-T"] = name
		if strings.Contains(flags, "x") {
			r.export(name)
		}
		return
	}
	upper = pending
	delete(r.ties, "-T")
	r.ties[name] = upper
	if strings.Contains(flags, "U") {
		r.setUnique(upper)
	}
}

func (r *posix) integer(v value) value {
	if !v.known() {
		return v
	}
	n, why := r.arithText(v.s, 0)
	if !why.IsZero() {
		return unknown(v.s, why)
	}
	return known(itoa(n))
}

func isName(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i]) || i == 0 && '0' <= s[i] && s[i] <= '9' {
			return false
		}
	}
	return s != ""
}
