package shell

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/msg"
)

// setOptions are the flags of set.
type setOptions struct {
	scope                        string // l, f, g, U or ""
	erase, query, append, before bool
	export, unexport, path       bool
	show                         bool
	args                         []value
}

func setFlags(args []value) setOptions {
	var o setOptions
	long := map[string]string{"--local": "l", "--function": "f", "--global": "g", "--universal": "U", "--erase": "e", "--query": "q",
		"--append": "a", "--prepend": "p", "--export": "x", "--unexport": "u", "--path": "P", "--unpath": "", "--show": "S", "--names": "n"}
	for i, a := range args {
		flags, short := strings.CutPrefix(a.s, "-")
		if a.s == "--" {
			o.args = args[i+1:]
			return o
		}
		if name, ok := long[a.s]; ok {
			flags = name
		} else if !short || flags == "" {
			o.args = args[i:]
			return o
		}
		for _, c := range flags {
			switch c {
			case 'l', 'f', 'g', 'U':
				o.scope = string(c)
			case 'e':
				o.erase = true
			case 'q':
				o.query = true
			case 'a':
				o.append = true
			case 'p':
				o.before = true
			case 'x':
				o.export = true
			case 'u':
				o.unexport = true
			case 'P':
				o.path = true
			case 'S', 'n':
				o.show = true
			}
		}
	}
	return o
}

// scopeOf returns the scope that set means: that of the variable if it exists, else the function or the global one.
func (f *fish) scopeOf(flag, name string) int {
	innermost := 0
	for i := len(f.scopes) - 1; i > 0; i-- {
		if f.scopes[i].function {
			innermost = i
			break
		}
	}
	switch flag {
	case "l":
		return len(f.scopes) - 1
	case "f":
		return innermost
	case "g":
		return 0
	case "U":
		return -1
	}
	if _, scope, ok := f.lookup(name); ok {
		return scope
	}
	return innermost
}

func (f *fish) set(args []value) {
	o := setFlags(args)
	switch {
	case o.show || len(o.args) == 0:
		f.status = success
		return
	case o.query:
		f.query(o)
		return
	case o.erase:
		f.eraseAll(o)
		return
	case !o.args[0].known():
		f.forget(msg.New("it sets a variable whose name is not known: %s", o.args[0].why))
		return
	}
	name, ranges := f.indexedName(o.args[0].s)
	if !isName(name) || slices.Contains([]string{"status", "PWD", "SHLVL", "history", "version", "hostname"}, name) {
		f.status = failure
		return
	}
	scope := f.scopeOf(o.scope, name)
	old, had := f.inScope(name, scope)
	v := listVar(o.args[1:])
	switch {
	case ranges != nil:
		v = replaceElements(old, ranges, v)
	case o.append || o.before:
		seen, _, _ := f.lookup(name) // whatever its scope
		v = extend(seen, v, o)
	}
	v.export = o.export || had && old.export && !o.unexport
	if v.export && !o.export {
		v.may = old.may
	}
	if v.path = o.path || isPathName(name) || had && old.path; v.path {
		v.list = strings.Split(strings.Join(v.list, ":"), ":")
		if len(v.list) == 1 && v.list[0] == "" && len(o.args) == 1 {
			v.list = []string{}
		}
	}
	f.put(name, scope, v) // the status stays: that of a command substitution, or of the command before
}

// inScope returns the variable that a scope holds itself.
func (f *fish) inScope(name string, scope int) (fishVar, bool) {
	vars := f.universal
	if scope >= 0 {
		vars = f.scopes[scope].vars
	}
	v, ok := vars[name]
	return v, ok
}

// indexedName splits name[1..2].
func (f *fish) indexedName(s string) (string, []index) {
	name, rest, ok := strings.Cut(s, "[")
	if !ok {
		return s, nil
	}
	v, _, _ := f.lookup(name)
	w := fishWord{parts: []fishPart{{kind: 'l', text: strings.TrimSuffix(rest, "]")}}}
	return name, f.indexes(&w, len(v.list))
}

func replaceElements(old fishVar, ranges []index, v fishVar) fishVar {
	list := slices.Clone(old.list)
	k := 0
	for _, r := range ranges {
		for i := r.from; i <= r.to && i >= 0 && i < maxGlob; i++ {
			for i >= len(list) {
				list = append(list, "")
			}
			if k < len(v.list) {
				list[i] = v.list[k]
				k++
			}
		}
	}
	v.list = list
	if v.why.IsZero() {
		v.why = old.why
	}
	return v
}

func extend(old, v fishVar, o setOptions) fishVar {
	list := v.list
	if o.append {
		list = slices.Concat(old.list, v.list)
	}
	if o.before && o.append {
		list = slices.Concat(v.list, list)
	} else if o.before {
		list = slices.Concat(v.list, old.list)
	}
	v.list = list
	if v.why.IsZero() {
		v.why = old.why
	}
	return v
}

func (f *fish) query(o setOptions) {
	missing := 0
	for _, a := range o.args {
		name, ranges := f.indexedName(a.s)
		v, _, ok := f.lookup(name)
		if x := f.special(name); !ok && (len(x.list) > 0) && name != "hostname" {
			v, ok = x, true
		}
		if !v.why.IsZero() && name != "version" || !a.known() {
			f.status = unknownStatus(msg.New("it is not known whether %s is set", a.s))
			return
		}
		if o.scope != "" {
			v, ok = f.inScope(name, f.scopeOf(o.scope, name))
		}
		ok = ok && (!o.export || v.export) && (!o.unexport || !v.export)
		for _, r := range ranges {
			ok = ok && r.from >= 0 && r.from < len(v.list)
		}
		if !ok {
			missing++
		}
	}
	f.status = status{code: min(missing, 255)}
}

func (f *fish) eraseAll(o setOptions) {
	f.status = success
	for _, a := range o.args {
		name, ranges := f.indexedName(a.s)
		old, scope, ok := f.lookup(name)
		if o.scope != "" {
			if want := f.scopeOf(o.scope, name); want != scope {
				scope, ok = want, want < 0 && len(f.universal[name].list) > 0
			}
		}
		switch {
		case !ok:
			f.status = status{code: 4}
		case ranges != nil:
			drop := map[int]bool{}
			for _, r := range ranges {
				for i := r.from; i <= r.to && i < len(old.list); i++ {
					drop[i] = true
				}
			}
			var list []string
			for i, s := range old.list {
				if !drop[i] {
					list = append(list, s)
				}
			}
			old.list = list
			f.put(name, scope, old)
		default:
			f.erase(name, scope)
			if name == "fish_user_paths" {
				f.rebuildPath()
			}
		}
	}
}
