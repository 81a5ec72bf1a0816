package shell

import (
	"path"
	"slices"
	"strings"

	"github.com/goready/goready/internal/msg"
)

// plainLoops rewrites the short loops of zsh, for x (words) …, as for x in words, which the parser understands.
func plainLoops(src string) string {
	if !strings.Contains(src, "for") {
		return src
	}
	var b strings.Builder
	for line := range strings.Lines(src) {
		b.WriteString(plainLoop(line))
	}
	return b.String()
}

func plainLoop(line string) string {
	text := strings.TrimLeft(line, " \t")
	rest, ok := strings.CutPrefix(text, "for ")
	if !ok {
		if rest, ok = strings.CutPrefix(text, "foreach "); !ok {
			return line
		}
	}
	name, words, ok := strings.Cut(rest, "(")
	if name = strings.TrimSpace(name); !ok || !isName(name) {
		return line
	}
	depth, end := 1, 0
	for ; end < len(words) && depth > 0; end++ {
		switch words[end] {
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	if depth > 0 {
		return line
	}
	head := line[:len(line)-len(text)] + "for " + name + " in " + words[:end-1]
	after := strings.TrimSpace(words[end:])
	switch {
	case after == "" || after[0] == ';':
		return head + after + "\n"
	case after[0] == '{' || strings.HasPrefix(after, "do"):
		return head + "; " + after + "\n"
	}
	return head + "; do " + after + "; done\n"
}

// flags applies the flags of ${(flags)name} that are common in start-up files.
func (r *posix) flags(flags string, v variable, vals []value, list, quoted bool) ([]value, bool) {
	for i := 0; i < len(flags); i++ {
		switch c := flags[i]; c {
		case '@', 'Q', 'q':
			if c != '@' {
				return []value{unknown(v.s, notFollowed())}, false
			}
		case 'U', 'L':
			for i := range vals {
				vals[i].s = caseOf(c, vals[i].s)
			}
		case 'P':
			vals = r.indirect(vals)
		case 'j', 's':
			sep, n, ok := flagArgument(flags[i+1:])
			if !ok {
				return []value{unknown(v.s, notFollowed())}, false
			}
			i += n
			if vals, list = joinOrSplit(c, sep, v, vals, list); false {
				return vals, list
			}
		case 'f':
			vals, list = joinOrSplit('s', "\n", v, vals, list)
		case 'F':
			vals, list = joinOrSplit('j', "\n", v, vals, list)
		case 'u':
			vals = uniqueValues(vals)
		case 'o', 'O':
			slices.SortFunc(vals, func(a, b value) int { return strings.Compare(a.s, b.s) })
			if c == 'O' {
				slices.Reverse(vals)
			}
		case '%':
			for i := range vals {
				vals[i] = r.promptText(vals[i])
			}
		default:
			return []value{unknown(v.s, msg.New("goready does not follow the flag (%s)", string(c)))}, false
		}
	}
	return vals, list
}

func caseOf(c byte, s string) string {
	if c == 'U' {
		return strings.ToUpper(s)
	}
	return strings.ToLower(s)
}

// flagArgument returns the argument of a flag such as j:sep: and its length.
func flagArgument(s string) (arg string, n int, ok bool) {
	if s == "" {
		return "", 0, false
	}
	end := strings.IndexByte("([{<", s[0])
	stop := s[:1]
	if end >= 0 {
		stop = ")]}>"[end : end+1]
	}
	i := strings.Index(s[1:], stop)
	if i < 0 {
		return "", 0, false
	}
	return s[1 : 1+i], i + 2, true
}

func joinOrSplit(c byte, sep string, v variable, vals []value, list bool) ([]value, bool) {
	if c == 'j' {
		words := vals
		if !list && v.array {
			words = nil
			for _, s := range v.list {
				words = append(words, value{s: s, why: v.why})
			}
		}
		out := known("")
		for i, w := range words {
			if i > 0 {
				out = out.append(known(sep))
			}
			out = out.append(w)
		}
		return []value{out}, false
	}
	var out []value
	for _, w := range vals {
		if !w.known() {
			return []value{w}, false
		}
		for part := range strings.SplitSeq(w.s, sep) {
			out = append(out, known(part))
		}
	}
	return out, true
}

func uniqueValues(vals []value) []value {
	var out []value
	for _, v := range vals {
		if !slices.ContainsFunc(out, func(o value) bool { return o.s == v.s }) {
			out = append(out, v)
		}
	}
	return out
}

// promptText expands the prompt sequences %x and %N, the file or function being read.
func (r *posix) promptText(v value) value {
	switch {
	case !v.known():
	case v.s == "%x" || v.s == "%N" && r.f.fn == "":
		return known(r.f.file)
	case v.s == "%N":
		return known(r.f.fn)
	case !strings.Contains(v.s, "%"):
		return v
	}
	return unknown(v.s, notFollowed())
}

// modify applies a modifier such as :h.
func (r *posix) modify(v value, mod string) value {
	if !v.known() {
		return v
	}
	dir := r.e.o.Host.Platform()
	switch mod {
	case "h":
		return known(dirname(v.s))
	case "t":
		return known(path.Base(v.s))
	case "r":
		return known(strings.TrimSuffix(v.s, path.Ext(v.s)))
	case "e":
		return known(strings.TrimPrefix(path.Ext(v.s), "."))
	case "a":
		return known(dir.Clean(abs(r.dir(), v.s)))
	case "A", "P":
		return known(r.e.resolve(dir.Clean(abs(r.dir(), v.s))))
	case "l":
		return known(strings.ToLower(v.s))
	case "u":
		return known(strings.ToUpper(v.s))
	}
	return unknown(v.s, msg.New("goready does not follow the modifier :%s", mod))
}
