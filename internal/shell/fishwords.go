package shell

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/msg"
)

// expandAll expands the words of a command.
func (f *fish) expandAll(words []fishWord) []value {
	var out []value
	for i, w := range words {
		vals := f.expand(w)
		if len(vals) == 0 && i > 0 && hasGlob(w) && !f.dry {
			if first, _ := words[0].lit(); first != "set" && first != "count" && first != "for" {
				f.status = status{code: 124} // no matches for wildcard: the command is not executed
				return nil
			}
		}
		if out = append(out, vals...); len(out) > maxGlob {
			break
		}
	}
	return out
}

func hasGlob(w fishWord) bool {
	return slices.ContainsFunc(w.parts, func(p fishPart) bool { return p.kind == 'l' && strings.ContainsAny(p.text, "*") })
}

// piece is an expansion under construction.
type piece struct {
	value
	pat  string
	glob bool
}

// expand expands a word to a list: the product of what its parts give, with wildcards replaced by file names.
func (f *fish) expand(w fishWord) []value {
	var out []value
	for _, p := range f.product(w) {
		if !p.glob || !p.known() {
			out = append(out, p.value)
			continue
		}
		names, why := f.glob(p.pat)
		if !why.IsZero() {
			out = append(out, unknown(p.s, why))
		}
		for _, n := range names {
			out = append(out, known(n))
		}
	}
	return out
}

// expandRaw expands a word without looking at files; its wildcards stay patterns.
func (f *fish) expandRaw(w fishWord) []value {
	var out []value
	for _, p := range f.product(w) {
		p.s = p.pat
		out = append(out, p.value)
	}
	return out
}

// product combines what the parts of a word stand for. fish expands command substitutions, then variables from the
// last to the first, then braces, which decides the order.
func (f *fish) product(w fishWord) []piece {
	choices := make([][]piece, len(w.parts))
	total := 1
	for i, p := range w.parts {
		choices[i] = f.partValues(p, i == 0)
		total = min(total*len(choices[i]), maxGlob)
	}
	slow := slowestFirst(w.parts)
	at := make([]int, len(w.parts))
	out := make([]piece, 0, total)
	for range total {
		var sum piece
		for i, n := range at {
			c := choices[i][n]
			sum = piece{sum.value.append(c.value), sum.pat + c.pat, sum.glob || c.glob}
		}
		out = append(out, sum)
		for _, i := range slices.Backward(slow) {
			if at[i]++; at[i] < len(choices[i]) {
				break
			}
			at[i] = 0
		}
	}
	return out
}

// slowestFirst returns the indexes of parts in the order in which they vary, the slowest first.
func slowestFirst(parts []fishPart) []int {
	var subs, vars, rest []int
	for i, p := range parts {
		switch p.kind {
		case 'c':
			subs = append(subs, i)
		case 'v':
			vars = append(vars, i)
		default:
			rest = append(rest, i)
		}
	}
	slices.Reverse(vars)
	return slices.Concat(subs, vars, rest)
}

// partValues returns the strings a part of a word stands for.
func (f *fish) partValues(p fishPart, first bool) []piece {
	var vals []value
	switch p.kind {
	case 'l':
		text := p.text
		if first && strings.HasPrefix(text, "~") {
			user, rest, _ := strings.Cut(text[1:], "/")
			home := known(f.home())
			ok := true
			if user != "" {
				home, ok = f.e.homeOf(user)
			}
			if ok {
				head := piece{value: home, pat: quotePattern(home.s)}
				if len(text) > 1+len(user) {
					rest = "/" + rest
					head = piece{home.append(known(rest)), head.pat + rest, strings.Contains(rest, "*")}
				}
				return []piece{head}
			}
		}
		return []piece{{known(text), text, strings.Contains(text, "*")}}
	case 'q':
		return []piece{{value: known(p.text), pat: quotePattern(p.text)}}
	case 'b':
		var out []piece
		if len(p.alts) < 2 {
			out = append(out, piece{value: known("{"), pat: "{"})
			for _, alt := range p.alts {
				out = f.product(fishWord{parts: append([]fishPart{{kind: 'q', text: "{"}}, append(alt.parts, fishPart{kind: 'q', text: "}"})...)})
			}
			return out
		}
		for _, alt := range p.alts {
			out = append(out, f.product(alt)...)
		}
		return out
	case 'v':
		vals = f.variableValues(p)
	case 'c':
		vals = f.substitute(p)
	}
	out := make([]piece, len(vals))
	for i, v := range vals {
		out[i] = piece{value: v, pat: quotePattern(v.s)}
	}
	return out
}

func (f *fish) home() string {
	if v, _, ok := f.lookup("HOME"); ok && len(v.list) == 1 {
		return v.list[0]
	}
	return f.e.home()
}

// variableValues expands $name, $$name and $name[index].
func (f *fish) variableValues(p fishPart) []value {
	names := []string{p.text}
	var v fishVar
	for d := 0; d <= p.deref; d++ {
		sum := fishVar{list: []string{}}
		for _, n := range names {
			name := n[:nameLength(n)]
			f.bad = f.bad || name == ""
			x := f.special(name)
			for _, s := range x.list {
				sum.list = append(sum.list, s+n[len(name):])
			}
			sum.path = x.path
			if !x.why.IsZero() {
				sum.why, sum.cmd = x.why, x.cmd
			}
		}
		v, names = sum, sum.list
	}
	vals := indexed(v, f.indexes(p.index, len(v.list)))
	if !p.quote {
		return vals
	}
	if !v.why.IsZero() {
		return []value{{s: v.joined(), why: v.why, cmd: v.cmd}}
	}
	list := make([]string, len(vals))
	for i := range vals {
		list[i] = vals[i].s
	}
	return []value{known(fishVar{list: list, path: v.path}.joined())}
}

// nameLength returns the length of the variable name that s begins with.
func nameLength(s string) int {
	n := 0
	for n < len(s) && isNameByte(s[n]) {
		n++
	}
	return n
}

// special returns a variable, or one that fish computes.
func (f *fish) special(name string) fishVar {
	if v, _, ok := f.lookup(name); ok {
		return v
	}
	switch name {
	case "status":
		if f.status.known() {
			return fishVar{list: []string{itoa(int64(f.status.code))}}
		}
		return fishVar{list: []string{"0"}, why: f.status.why}
	case "version", "FISH_VERSION", "fish_pid", "hostname", "COLUMNS", "LINES", "pipestatus", "history", "umask", "last_pid", "CMD_DURATION":
		if name == "hostname" && f.e.o.Hostname != "" {
			return fishVar{list: []string{f.e.o.Hostname}}
		}
		return fishVar{list: []string{"3"}, why: msg.New("the shell computes it")}
	case "__fish_config_dir":
		return fishVar{list: []string{f.config}}
	case "__fish_data_dir":
		return fishVar{list: []string{f.data}}
	case "__fish_sysconf_dir":
		return fishVar{list: []string{f.sysconf()}}
	}
	return fishVar{}
}

// index is a range of elements, counted from 0.
type index struct{ from, to int }

// indexes parses [1 3..-1]; nil means all.
func (f *fish) indexes(w *fishWord, size int) []index {
	if w == nil {
		return nil
	}
	out := []index{}
	for _, v := range f.expandRaw(*w) {
		for text := range strings.FieldsSeq(v.s) {
			a, b, isRange := strings.Cut(text, "..")
			from, ok1 := position(a, 1, size)
			to := from
			ok2 := ok1
			if isRange {
				to, ok2 = position(b, size, size)
			}
			if ok1 && ok2 {
				out = append(out, index{from, to})
			}
		}
	}
	return out
}

func position(s string, none, size int) (int, bool) {
	if s == "" {
		return none - 1, true
	}
	n, ok := atoi(s)
	if n < 0 {
		n += size + 1
	}
	return n - 1, ok
}

func indexed(v fishVar, ranges []index) []value {
	all := make([]value, len(v.list))
	for i, s := range v.list {
		all[i] = value{s: s, why: v.why, cmd: v.cmd}
	}
	if len(all) == 0 && !v.why.IsZero() {
		all = []value{{why: v.why, cmd: v.cmd}}
	}
	if ranges == nil || !v.why.IsZero() {
		return all
	}
	var out []value
	for _, r := range ranges {
		if r.to >= len(all) && r.from < len(all) {
			r.to = len(all) - 1
		}
		for i := r.from; i <= r.to && r.from <= r.to; i++ {
			if i >= 0 && i < len(all) {
				out = append(out, all[i])
			}
		}
		for i := r.from; i >= r.to && r.from > r.to; i-- {
			if i >= 0 && i < len(all) {
				out = append(out, all[i])
			}
		}
	}
	return out
}

// substitute returns the lines of the output of a command.
func (f *fish) substitute(p fishPart) []value {
	if f.dry {
		return []value{unknown(p.text, msg.New("the output of a command"))}
	}
	s := f.sub()
	var out value
	s.out = &out
	s.jobs(p.jobs)
	f.status = s.status
	f.asking |= s.asking
	if !out.known() {
		out.s = p.text
		return []value{out}
	}
	text := strings.TrimSuffix(out.s, "\n")
	if p.quote {
		return []value{known(strings.TrimRight(out.s, "\n"))}
	}
	if text == "" && out.s == "" {
		return nil
	}
	v := fishVar{list: strings.Split(text, "\n")}
	return indexed(v, f.indexes(p.index, len(v.list)))
}

// glob returns the files a pattern names.
func (f *fish) glob(pat string) ([]string, msg.Text) {
	if strings.Contains(pat, "**") {
		return nil, msg.New("goready does not follow the pattern %s", pat)
	}
	p := posix{trace: f.trace, kind: Sh, vars: map[string]variable{"PWD": {value: known(f.cwd), set: true}}}
	names, why := p.glob(pat, "")
	return names, why
}
