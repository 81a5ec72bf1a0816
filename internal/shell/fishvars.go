package shell

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// fishVar is a list of strings.
type fishVar struct {
	list         []string
	why          msg.Text
	export, path bool
	from         string
	at           layer.ID
	hidden       bool
	cmd          []string
	may          msg.Text // why it is not known whether it is exported
}

func (v fishVar) joined() string {
	if v.path {
		return strings.Join(v.list, ":")
	}
	return strings.Join(v.list, " ")
}

// isPathName reports whether fish splits the variable at colons.
func isPathName(name string) bool { return strings.HasSuffix(name, "PATH") }

// lookup finds a variable in the innermost scope that has it.
func (f *fish) lookup(name string) (fishVar, int, bool) {
	for i := len(f.scopes) - 1; i >= 0; i-- {
		if v, ok := f.scopes[i].vars[name]; ok {
			return v, i, true
		}
		if i > 0 && f.scopes[i].function {
			i = 1 // what the caller's scopes hold is not visible
		}
	}
	if v, ok := f.universal[name]; ok {
		return v, -1, true
	}
	return fishVar{}, 0, false
}

// global returns a variable of the environment or of the global scope.
func (f *fish) importEnv() {
	for _, name := range f.env.Names() {
		s, ok, why := f.env.Lookup(name)
		if !ok && why.IsZero() || !isName(name) {
			continue
		}
		v := fishVar{list: []string{s}, why: why, export: true, path: isPathName(name)}
		if v.path {
			v.list = strings.Split(s, ":")
			if s == "" {
				v.list = []string{}
			}
		}
		f.scopes[0].vars[name] = v
	}
}

// put stores a variable in a scope (-1: universal) and records what that does to the environment.
func (f *fish) put(name string, scope int, v fishVar) {
	if f.dry {
		return
	}
	joined := v.joined()
	f.charge(len(joined) + len(v.list)<<4)
	if len(joined) > maxValue {
		v.list, v.why = []string{joined[:64] + "…"}, msg.New("the value is longer than %d bytes", maxValue)
	}
	old, had := f.inScope(name, scope)
	if !f.maybe.IsZero() && !(had && old.why.IsZero() && v.why.IsZero() && slices.Equal(old.list, v.list) && old.export == v.export) {
		v.why = f.maybe
		if v.export != old.export {
			v.may = f.maybe
		}
		v.export = v.export || old.export
	}
	if place := f.at(); v.from == "" || !f.quiet && place != "" {
		v.from, v.at = place, f.f.env
	}
	v.hidden = !v.export
	if scope < 0 {
		f.universal[name] = v
	} else {
		f.scopes[scope].vars[name] = v
	}
	f.order = append(f.order, name)
	f.recordFish(name, scope, old)
	if name == "fish_user_paths" {
		f.rebuildPath()
	}
}

// recordFish writes a change that children see into the trail. Local variables are left out: they disappear. A global
// variable that is exported hides a universal one from children; one that is not exported does not.
func (f *fish) recordFish(name string, scope int, old fishVar) {
	if scope > 0 || f.quiet {
		return
	}
	global, universal := f.scopes[0].vars[name], f.universal[name]
	now := variable{from: f.at(), at: f.f.env}
	switch {
	case scope < 0 && global.export:
		if universal.export {
			f.skip(name, value{s: universal.joined()}, msg.New("a global variable of the same name, inherited or set before, hides the universal one"))
		}
		return
	case global.export:
		now = global.variable()
	case universal.export:
		now = universal.variable()
	case !old.export:
		return
	}
	if place := f.at(); place != "" { // else what the shell does between its files, because of a line of one
		now.from, now.at = place, f.f.env
	}
	f.record(name, now)
}

func (v fishVar) variable() variable {
	return variable{value: value{s: v.joined(), why: v.why}, set: true, from: v.from, at: v.at, may: v.may}
}

// erase removes a variable from a scope.
func (f *fish) erase(name string, scope int) {
	old, had := f.inScope(name, scope)
	if f.dry || !had {
		return
	}
	if !f.maybe.IsZero() {
		old.may = f.maybe
		f.put(name, scope, old)
		return
	}
	if scope < 0 {
		delete(f.universal, name)
	} else {
		delete(f.scopes[scope].vars, name)
	}
	f.recordFish(name, scope, old)
}
