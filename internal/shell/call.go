package shell

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// uncertainError reports whether an error leaves open what a file contains, rather than saying that the shell cannot
// read it either.
func uncertainError(err error) bool {
	return errors.Is(err, host.ErrUnknown) || errors.Is(err, host.ErrTooLarge)
}

// call executes a simple command.
func (r *posix) call(c *syntax.CallExpr) {
	r.subst = success
	if len(c.Args) == 0 {
		r.assignAll(c.Assigns)
		return
	}
	if r.lang == syntax.LangPOSIX && r.declares(c.Args) {
		return
	}
	words := r.fields(c.Args)
	switch {
	case r.flow == flowAbort && r.kind == Zsh && r.external(c.Args[0]):
		r.flow = flowNext // zsh expands the words of a program in the child
		r.status = failure
	case r.flow != flowNext:
	case len(words) == 0:
		r.assignAll(c.Assigns)
	default:
		r.dispatch(words, c.Assigns)
	}
}

// external reports whether a command is certainly a program.
func (r *posix) external(w *syntax.Word) bool {
	name := w.Lit()
	return name != "" && r.funcs[name] == nil && !r.isBuiltin(name)
}

func (r *posix) assignAll(list []*syntax.Assign) {
	r.status = success
	for _, a := range list {
		r.assignment(a)
		if r.flow != flowNext {
			return
		}
	}
	if r.status.ok() {
		r.status = r.subst
	}
}

// declares executes export, readonly and local of POSIX sh, whose arguments are expanded as assignments.
func (r *posix) declares(words []*syntax.Word) bool {
	cmd := words[0].Lit()
	if cmd != "export" && cmd != "readonly" && cmd != "local" {
		return false
	}
	if cmd == "local" && r.f.function() == nil && r.kind != Zsh {
		r.localOutside()
		return true
	}
	flags := ""
	for _, w := range words[1:] {
		name, rest, ok := splitAssignment(w)
		if !ok {
			flags = r.declareWords(cmd, flags, r.fields([]*syntax.Word{w}))
			continue
		}
		r.declareOne(cmd, flags, decode(name), func() value { return r.word(rest) })
	}
	if r.flow == flowNext {
		r.status = success
	}
	return true
}

// splitAssignment splits a word of the form name=value.
func splitAssignment(w *syntax.Word) (string, *syntax.Word, bool) {
	if len(w.Parts) == 0 {
		return "", nil, false
	}
	lit, ok := w.Parts[0].(*syntax.Lit)
	if !ok {
		return "", nil, false
	}
	name, text, ok := strings.Cut(lit.Value, "=")
	if !ok || !isName(name) {
		return "", nil, false
	}
	first := &syntax.Lit{Value: text, ValuePos: lit.ValuePos, ValueEnd: lit.ValueEnd}
	return name, &syntax.Word{Parts: append([]syntax.WordPart{first}, w.Parts[1:]...)}, true
}

// dispatch executes a command whose words are expanded: a function, a builtin, or a program.
func (r *posix) dispatch(words []field, assigns []*syntax.Assign) {
	name, args := words[0], words[1:]
	if !name.known() {
		r.status = unknownStatus(name.why)
		r.write(value{s: name.s, why: name.why})
		return
	}
	special := (r.kind == Sh || r.strict || r.option("posixbuiltins")) && isSpecial(name.s)
	if special {
		r.assignAll(assigns) // they stay
		assigns = nil
	}
	r.temporarily(assigns, func() {
		if fn := r.funcs[name.s]; fn != nil && !special {
			r.invoke(fn, args)
		} else if !r.builtin(name.s, args) {
			r.program(words, len(assigns) > 0)
		}
	})
}

// isSpecial reports whether a builtin is special in POSIX.
func isSpecial(name string) bool {
	switch name {
	case ".", ":", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "trap", "unset", "break", "continue", "times":
		return true
	}
	return false
}

// temporarily executes something with assignments that hold only for it.
func (r *posix) temporarily(assigns []*syntax.Assign, do func()) {
	if len(assigns) == 0 {
		do()
		return
	}
	saved := map[string]variable{}
	var names []string
	for _, a := range assigns {
		name := r.scalarOf(decode(a.Name.Value))
		v := r.assigned(name, a)
		old, ok := r.vars[name]
		if !ok {
			old = r.lookup(name)
		}
		if _, twice := saved[name]; !twice {
			saved[name] = old
			names = append(names, name)
		}
		r.put(name, variable{value: v, set: true, export: true, local: true, from: r.at(), at: r.f.env})
	}
	do()
	for _, name := range names {
		r.vars[name] = saved[name]
	}
}

// source reads a file that a start-up file names with . or source.
func (r *posix) source(cmd string, args []field) {
	if len(args) > 0 && args[0].s == "--" {
		args = args[1:]
	}
	switch {
	case len(args) == 0:
		r.status = status{code: 2}
	case !args[0].known():
		r.sourceUnknown(args[0].value)
	default:
		file, st := r.sourceName(cmd, args[0].s)
		switch {
		case !st.known():
			r.forget(st.why)
			r.status = st
		default:
			r.readStartup(file, args[1:], true)
		}
	}
}

// sourceUnknown sources what only running the shell can tell: the output of a command, or an unknown file.
func (r *posix) sourceUnknown(v value) {
	if v.cmd != nil {
		r.evalOutput(v)
		return
	}
	r.forget(msg.New("it reads a file whose name is not known: %s", v.why))
	r.status = unknownStatus(v.why)
}

// sourceName finds the file that . name means.
func (r *posix) sourceName(cmd, name string) (string, status) {
	if strings.Contains(name, "/") {
		return name, success
	}
	cwd := abs(r.dir(), name)
	if r.kind == Zsh && cmd == "source" {
		if _, st := r.stat(cwd); !st.failed() {
			return cwd, st
		}
	}
	path := r.lookup("PATH")
	if !path.known() {
		return "", unknownStatus(path.why)
	}
	for dir := range strings.SplitSeq(path.s, ":") {
		file := abs(r.dir(), strings.TrimSuffix(dir, "/")+"/"+name)
		if dir == "" {
			file = cwd
		}
		info, st := r.stat(file)
		if !st.known() {
			return "", st
		}
		if st.ok() && info.Mode.IsRegular() {
			return file, success
		}
	}
	if r.kind == Bash && !r.strict {
		return cwd, success
	}
	return name, success
}

// readStartup reads a start-up file. sourced says that a file asked for it rather than the shell itself.
// It reports whether the shell found something to read there, even if reading failed.
func (r *posix) readStartup(name string, args []field, sourced bool) bool {
	file := abs(r.dir(), name)
	if r.sourceKnown(file) {
		return true
	}
	if r.tooDeep(file) {
		return true
	}
	s, err := r.e.script(file, r.lang)
	if err != nil {
		return r.unread(file, err, sourced)
	}
	state := Read
	if !r.maybe.IsZero() {
		state = Maybe
	}
	r.visit(file, state, r.maybe)
	saved, asks := r.maybe, r.asked
	f := frame{file: file}
	if len(args) > 0 && r.kind != Sh {
		f.args = values(args)
	}
	r.push(f)
	r.asked = 0
	r.status = success
	r.run(s)
	r.pop()
	r.maybe, r.asked = saved, asks
	switch {
	case r.flow == flowAbort && r.kind == Zsh:
		r.flow, r.status = flowNext, status{code: 126}
	case r.flow == flowReturn || r.flow == flowAbort && r.f.depth == 0:
		r.flow = flowNext
	}
	return true
}

// tooDeep reports whether files are nested too deeply, which only happens when one reads itself.
func (r *posix) tooDeep(file string) bool {
	depth := 0
	if r.f != nil {
		depth = r.f.depth
	}
	if depth < maxSource {
		return false
	}
	why := msg.New("files are nested more than %d deep", maxSource)
	for f := r.f; f != nil; f = f.up {
		if f.file == file && f.fn == "" {
			why = msg.New("the file reads itself without end")
		}
	}
	r.visit(file, TooDeep, why)
	r.end(why, r.at())
	return true
}

// unread records a file that cannot be read; it reports whether the shell found something there.
func (r *posix) unread(file string, err error, sourced bool) bool {
	r.status = failure
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case file == "/dev/null":
		r.status = success
		return true
	case file == "/dev/stdin" && r.in != nil:
		r.evalText(value{s: r.in.rest, why: r.in.why})
		return true
	case uncertainError(err):
		why := msg.New("%s is not recorded on this host", file)
		if errors.Is(err, host.ErrTooLarge) {
			why = msg.New("%s is larger than goready reads", file)
		}
		r.visit(file, Unreadable, why)
		r.forget(why)
		r.status = unknownStatus(why)
		return true
	case missing:
		r.visit(file, Missing, msg.Text{})
	case errors.Is(err, fs.ErrPermission):
		r.visit(file, Unreadable, msg.New("permission denied"))
	default:
		r.visit(file, Unreadable, msg.New("it is no regular file"))
	}
	switch {
	case sourced && r.kind == Sh:
		r.fail(". "+file, flowNext)
	case sourced && r.option("posixbuiltins") && !r.s.Interactive:
		r.end(msg.New("the shell exits because %s fails", ". "+file), r.at())
	}
	return !missing
}

// evalText executes a string, as eval does.
func (r *posix) evalText(v value) {
	switch {
	case strings.TrimSpace(v.s) == "" && v.known():
		r.status = success
	case v.cmd != nil:
		r.evalOutput(v)
	case !v.known():
		r.forget(msg.New("it evaluates a text that is not known: %s", v.why))
		r.status = unknownStatus(v.why)
	case r.f.depth+r.f.calls >= maxCalls:
		r.end(msg.New("eval is nested too deeply"), r.at())
	default:
		fixed := r.f.fixed
		r.f.fixed = true
		r.f.calls++
		r.run(parse([]byte(v.s), r.lang))
		r.f.calls--
		r.f.fixed = fixed
		if r.kind == Zsh && r.flow == flowAbort {
			r.flow, r.status = flowNext, failure
		}
	}
}

// write adds to the output of a command substitution.
func (r *posix) write(v value) {
	if r.out != nil {
		*r.out = r.out.append(v)
	}
}

// jump executes return, break, continue and exit.
func (r *posix) jump(name string, args []field) {
	st := r.status
	if len(args) > 0 {
		n, err := strconv.Atoi(args[0].s)
		switch {
		case !args[0].known():
			st = unknownStatus(args[0].why)
		case err == nil:
			st = status{code: n & 255}
		}
	}
	switch name {
	case "break":
		r.flow = flowBreak
	case "continue":
		r.flow = flowContinue
	case "return":
		r.flow = flowReturn
		if r.f.fn == "" && r.maybe.IsZero() {
			r.over = r.guardWhy()
		}
	default:
		if r.quiet {
			r.flow = flowExit
		} else {
			r.end(msg.New("the shell exits"), r.at())
		}
	}
	r.status = st
}

// exec executes the builtin exec: another program takes the shell's place.
func (r *posix) exec(args []field) {
	for len(args) > 0 && strings.HasPrefix(args[0].s, "-") {
		if strings.Contains(args[0].s, "a") && len(args) > 1 {
			args = args[1:]
		}
		args = args[1:]
	}
	if len(args) == 0 {
		r.status = success
		return
	}
	name := args[0].value
	if _, st := r.look(name); st.failed() && r.s.Interactive && !r.quiet {
		// The shell goes on at a terminal, and exits if it was given a command.
		saved := r.maybe
		r.maybe = msg.New("it depends on how the shell is started")
		r.end(msg.New("the shell exits because %s fails", name.s), r.at())
		r.maybe, r.flow, r.status = saved, flowNext, status{code: 127}
		return
	}
	if r.quiet {
		r.program(args, false)
		r.flow = flowExit
		return
	}
	r.end(msg.New("%s takes the place of the shell", name.s), r.at())
}

// look finds a program on PATH. The name must be known.
func (r *posix) look(name value) (string, status) {
	if !name.known() {
		return "", unknownStatus(name.why)
	}
	path := r.lookup("PATH")
	if !path.set {
		path.value = known("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
	if !path.known() && !strings.Contains(name.s, "/") {
		return "", unknownStatus(path.why)
	}
	return r.e.look(name.s, path.s, r.dir())
}

// dir is the working directory.
func (r *posix) dir() string {
	if v := r.lookup("PWD"); v.set && v.known() && strings.HasPrefix(v.s, "/") {
		return v.s
	}
	return "/"
}

// changeDir executes cd and the like.
func (r *posix) changeDir(name string, args []field) {
	for len(args) > 1 && strings.HasPrefix(args[0].s, "-") && len(args[0].s) > 1 {
		args = args[1:]
	}
	target := r.lookup("HOME").value
	if len(args) > 0 {
		target = args[0].value
	}
	old := r.lookup("PWD")
	if target.s == "-" {
		target = r.lookup("OLDPWD").value
	}
	if !target.known() || name != "cd" && name != "chdir" {
		r.assign("OLDPWD", old.value)
		r.assign("PWD", unknown(old.s, msg.New("the working directory is not followed")))
		r.status = unknownStatus(target.why)
		if r.status.known() {
			r.status = unknownStatus(notFollowed())
		}
		return
	}
	dir := r.e.o.Host.Platform().Clean(abs(r.dir(), target.s))
	info, st := r.stat(dir)
	if st.ok() && !info.Mode.IsDir() {
		st = failure
	}
	if r.status = st; st.ok() {
		r.assign("OLDPWD", old.value)
		r.assign("PWD", known(dir))
		r.export("OLDPWD")
	}
}

// read executes the builtin read.
func (r *posix) read(args []field) {
	names, odd := readNames(args)
	why := msg.Text{}
	switch {
	case odd:
		why = notFollowed()
	case r.in == nil:
		if !slices.ContainsFunc(args, func(f field) bool { return f.s == "-t" }) {
			r.note(msg.New("start-up waits here for input if there is a terminal"))
		}
		why = msg.New("it is read from the terminal")
	default:
		why = r.in.why
	}
	if !why.IsZero() {
		for _, n := range names {
			r.assign(n, unknown("", why))
		}
		r.status = unknownStatus(why)
		return
	}
	line, rest, found := strings.Cut(r.in.rest, "\n")
	r.in.rest = rest
	r.status = statusOf(found)
	x := expander{r: r, split: true}
	x.splitInto(line)
	x.flush()
	for i, n := range names {
		v := ""
		switch {
		case len(names) == 1:
			v = strings.Trim(line, " \t")
		case i == len(names)-1 && i < len(x.out):
			var rest []string
			for _, f := range x.out[i:] {
				rest = append(rest, f.s)
			}
			v = strings.Join(rest, " ")
		case i < len(x.out):
			v = x.out[i].s
		}
		r.assign(n, known(v))
	}
}

// readNames returns the variables that read sets; odd says that it reads in an unusual way.
func readNames(args []field) (names []string, odd bool) {
	for i := 0; i < len(args); i++ {
		switch a := args[i].s; {
		case a == "-p" || a == "-t" || a == "-u" || a == "-i":
			i++
		case strings.HasPrefix(a, "-"):
			odd = odd || strings.ContainsAny(a, "aAdnNkq")
		case isName(a):
			names = append(names, a)
		}
	}
	if len(names) == 0 {
		names = []string{"REPLY"}
	}
	return names, odd
}

func (r *posix) readNamed(name value) (string, status) {
	if !name.known() {
		return "", unknownStatus(name.why)
	}
	return r.readFile(abs(r.dir(), name.s))
}
