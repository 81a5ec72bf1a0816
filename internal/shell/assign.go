package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// lookup returns a variable: the shell's own, or else that of the environment.
func (r *posix) lookup(name string) variable {
	if v, ok := r.vars[name]; ok {
		return v
	}
	if scalar, ok := r.ties[name]; ok {
		return r.tied(scalar)
	}
	if v, ok := r.special(name); ok {
		return v
	}
	if !r.lost.IsZero() {
		return variable{value: unknown("", r.lost), set: true, export: true}
	}
	s, ok, why := r.env.Lookup(name)
	if !why.IsZero() {
		return variable{value: unknown(s, why), set: true, export: true}
	}
	return variable{value: known(s), set: ok, export: ok}
}

// tied returns the array that zsh ties to a scalar such as PATH.
func (r *posix) tied(scalar string) variable {
	v := r.lookup(scalar)
	v.array, v.list = true, []string{}
	if v.s != "" {
		v.list = strings.Split(v.s, ":")
	}
	return v
}

func (r *posix) scalarOf(name string) string {
	if scalar, ok := r.ties[name]; ok {
		return scalar
	}
	return name
}

// assign sets a variable to a string or, if v has a list, to an array.
func (r *posix) assign(name string, v value) {
	if r.dry {
		return
	}
	r.charge(len(v.s))
	single := r.unique[name] // typeset -U path and typeset -U PATH are not the same
	if scalar, ok := r.ties[name]; ok && !r.vars[name].local {
		name, v = scalar, joined(v)
	}
	if single {
		v = unique(v)
	}
	old := r.lookup(name)
	if old.readonly {
		if r.kind == Bash {
			r.status, r.flow = failure, flowLine
		} else {
			r.fail(name, flowLine)
		}
		return
	}
	nv := old
	nv.value, nv.set, nv.array = v.capped(), true, v.list != nil
	if !r.maybe.IsZero() {
		if old.set && old.known() && v.known() && old.s == nv.s && slices.Equal(old.list, nv.list) {
			return
		}
		nv.value = value{s: nv.s, list: nv.list, why: r.maybe}
	}
	if all := r.option("allexport"); all && r.mayExport.IsZero() {
		nv.export, nv.may = true, msg.Text{}
	} else if (all || !r.mayExport.IsZero()) && !nv.export {
		nv.export, nv.may = true, r.mayExport
	}
	nv.from, nv.at, nv.hidden = r.at(), r.f.env, !nv.export
	r.put(name, nv)
	if nv.export && !nv.local {
		r.recordScalar(name, old, nv)
	}
}

// recordScalar records an assignment to an exported variable. Arrays are never in the environment.
func (r *posix) recordScalar(name string, old, v variable) {
	if !v.array {
		r.record(name, v)
	} else if old.set && !old.array {
		r.record(name, variable{from: v.from, at: v.at})
	}
}

// put stores a variable.
func (r *posix) put(name string, v variable) {
	if _, ok := r.vars[name]; !ok {
		r.order = append(r.order, name)
	}
	r.vars[name] = v
}

func joined(v value) value {
	if v.list != nil {
		v.s, v.list = strings.Join(v.list, ":"), nil
	}
	return v
}

// unique drops the repeated entries of a path, as typeset -U does.
func unique(v value) value {
	if !v.known() {
		return v
	}
	var kept []string
	for e := range strings.SplitSeq(v.s, ":") {
		if !slices.Contains(kept, e) {
			kept = append(kept, e)
		}
	}
	v.s = strings.Join(kept, ":")
	return v
}

// export gives variables to the environment.
func (r *posix) export(name string) {
	name = r.scalarOf(name)
	v := r.lookup(name)
	if r.dry || v.export && !v.hidden && (v.may.IsZero() || !r.maybe.IsZero()) {
		return
	}
	v.export, v.hidden, v.may = true, false, r.maybe
	if v.from == "" {
		v.from, v.at = r.at(), r.f.env
	}
	r.put(name, v)
	if v.set && !v.local && !v.array {
		r.record(name, v)
	}
}

// unexport takes a variable from the environment (export -n, typeset +x).
func (r *posix) unexport(name string) {
	v := r.lookup(name)
	if r.dry || !v.export {
		return
	}
	gone := variable{from: r.at(), at: r.f.env}
	if !r.maybe.IsZero() {
		v.may = r.maybe
		gone.value, gone.set = unknown(v.s, r.maybe), true
	} else {
		v.export = false
	}
	r.put(name, v)
	r.record(name, gone)
}

// unset removes a variable.
func (r *posix) unset(name string) {
	name = r.scalarOf(name)
	v := r.lookup(name)
	if r.dry || v.readonly {
		return
	}
	gone := variable{from: r.at(), at: r.f.env}
	if !r.maybe.IsZero() && v.set {
		gone.value, gone.set, gone.export, gone.may = unknown(v.s, r.maybe), true, v.export, r.maybe
	}
	r.put(name, gone)
	if v.export && !v.local {
		r.record(name, gone)
	}
}

// forget makes every variable unknown.
func (r *posix) forget(why msg.Text) {
	if r.dry {
		return
	}
	r.opaque(why)
	r.lost = why
	if !r.quiet {
		r.lost = msg.Text{}
	}
	for name, v := range r.vars {
		if !v.readonly && v.from != "" {
			v.value = unknown(v.s, why)
			v.set = true
			r.vars[name] = v
		}
	}
}

// taintNames makes variables unknown, as a command that may set them does.
func (r *posix) taintNames(why msg.Text, names ...string) {
	for _, name := range names {
		v := r.lookup(name)
		r.assign(name, unknown(v.s, why))
		r.export(name)
	}
}

// assignment executes name=value.
func (r *posix) assignment(a *syntax.Assign) {
	r.line(a)
	name := decode(a.Name.Value)
	if v := r.assigned(name, a); r.flow == flowNext {
		r.assign(name, v)
	}
}

// assigned returns the value an assignment gives to the variable name.
func (r *posix) assigned(name string, a *syntax.Assign) value {
	old := r.lookup(name)
	switch {
	case a.Array != nil:
		v := r.arrayValue(a.Array)
		if a.Append {
			v = concat(old, v)
		}
		if len(v.list) > 0 && r.kind != Zsh {
			v.s = v.list[0]
		}
		return v
	case a.Index != nil:
		return r.indexed(old, a)
	case a.Value == nil && !a.Append:
		return known("")
	}
	v := known("")
	if a.Value != nil {
		v = r.word(a.Value)
	}
	if !a.Append || !old.set {
		return v
	}
	if old.array && r.kind == Zsh {
		return concat(old, value{s: v.s, list: []string{v.s}, why: v.why})
	}
	sum := old.value.append(v)
	if old.array {
		sum.list = append([]string{sum.s}, old.list[min(1, len(old.list)):]...)
	}
	return sum
}

func concat(old variable, v value) value {
	if !old.set {
		return v
	}
	why := old.why
	if why.IsZero() {
		why = v.why
	}
	list := slices.Concat(old.elems(), v.list)
	if len(list) > maxGlob {
		list, why = list[:0], tooMany()
	}
	return value{s: old.s, list: list, why: why}
}

func tooMany() msg.Text { return msg.New("a list has more than %d elements", maxGlob) }

func (r *posix) arrayValue(a *syntax.ArrayExpr) value {
	v := value{list: []string{}}
	for _, e := range a.Elems {
		if e.Index != nil {
			v.why = msg.New("goready does not follow arrays with keys")
		}
		if e.Value == nil {
			continue
		}
		if len(v.list) > maxGlob {
			v.list, v.why = v.list[:0], tooMany()
			break
		}
		for _, f := range r.fields([]*syntax.Word{e.Value}) {
			v.list = append(v.list, f.s)
			if !f.known() {
				v.why = f.why
			}
		}
	}
	if r.kind == Zsh {
		v.s = strings.Join(v.list, " ")
	}
	return v
}

// indexed returns the array old after name[index]=value.
func (r *posix) indexed(old variable, a *syntax.Assign) value {
	v := known("")
	if a.Value != nil {
		v = r.word(a.Value)
	}
	i, why := r.arith(a.Index)
	base := int64(0)
	if r.kind == Zsh {
		base = 1
	}
	i -= base
	list := slices.Clone(old.list)
	if old.set && !old.array {
		list = []string{old.s}
	}
	if !why.IsZero() || !v.known() || !old.known() || i < 0 || i > int64(len(list)) || a.Append {
		return value{s: old.s, list: list, why: msg.New("goready does not follow this assignment to an element")}
	}
	if int(i) == len(list) {
		list = append(list, "")
	}
	list[i] = v.s
	return value{s: list[0], list: list}
}

// recordHidden records, at the end, the variables that were assigned but never exported.
func (r *posix) recordHidden() {
	for _, name := range r.order {
		v := r.vars[name]
		if v.hidden && v.set && !v.export && v.from != "" {
			r.env.Add(name, layer.Set{Layer: v.at, From: v.from, Value: v.s, Skipped: msg.New("assigned but not exported")})
		}
	}
}
