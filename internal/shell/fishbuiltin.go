package shell

import (
	"strings"

	"github.com/goready/goready/internal/msg"
)

// builtin executes a builtin, or a function that comes with fish and matters.
func (f *fish) builtin(name string, args []value) bool {
	switch name {
	case "set":
		f.set(args)
	case "true", ":":
		f.status = success
	case "false":
		f.status = failure
	case "test", "[":
		if name == "[" && len(args) > 0 {
			args = args[:len(args)-1]
		}
		f.status = testBuiltin(f, asFields(args))
	case "source", ".":
		f.sourceCommand(args)
	case "eval":
		f.eval(joinWords(args))
	case "return", "break", "continue", "exit":
		f.jump(name, args)
	case "exec":
		if len(args) > 0 {
			f.end(msg.New("%s takes the place of the shell", args[0].s), f.at())
		}
	case "status":
		f.statusCommand(args)
	case "contains":
		f.contains(args)
	case "count":
		f.status = statusOf(len(args) > 0)
		f.write(known(itoa(int64(len(args))) + "\n"))
	case "string":
		f.stringCommand(args)
	case "command", "builtin", "type", "functions", "which":
		f.which(name, args)
	case "echo", "printf", "pwd":
		f.print(name, args)
	case "cd", "pushd":
		f.cd(args)
	case "fish_add_path":
		f.addPath(args)
	case "export":
		f.exportFunction(args)
	case "setenv":
		if len(args) > 0 {
			v := listVar(args[1:])
			v.export, v.path = true, isPathName(args[0].s)
			f.put(args[0].s, 0, v)
		}
	case "read":
		f.read(args)
	case "bass", "fenv", "replay", "babelfish", "envsource", "dotenv":
		why := msg.New("%s runs another program and takes over its environment", name)
		f.forget(why)
		f.status = unknownStatus(why)
	default:
		return f.otherBuiltin(name)
	}
	return true
}

// otherBuiltin executes the builtins and functions of fish that change no variable, or none that is followed.
func (f *fish) otherBuiltin(name string) bool {
	switch name {
	case "isatty":
		f.status = f.terminal()
	case "abbr", "alias", "bind", "complete", "emit", "set_color", "ulimit", "umask", "block", "commandline", "history", "jobs", "wait",
		"disown", "fg", "bg", "trap", "breakpoint", "funced", "funcsave", "fish_vi_key_bindings", "fish_default_key_bindings",
		"fish_hybrid_key_bindings", "fish_config", "fish_update_completions", "time", "and", "or", "not":
		f.status = success
	case "math", "random", "argparse", "seq", "path", "realpath":
		why := msg.New("goready does not follow %s", name)
		f.status = unknownStatus(why)
		f.write(unknown("", why))
	default:
		return false
	}
	return true
}

func asFields(args []value) []field {
	fields := make([]field, len(args))
	for i, a := range args {
		fields[i].value = a
	}
	return fields
}

func joinWords(args []value) value {
	v := known("")
	for i, a := range args {
		if i > 0 {
			v = v.append(known(" "))
		}
		v = v.append(a)
	}
	return v
}

func (f *fish) unaryTest(op string, v value) status {
	switch op {
	case "-n":
		return nonEmpty(v)
	case "-z":
		return nonEmpty(v).not()
	case "-t":
		return f.terminal()
	}
	if !v.known() {
		return unknownStatus(v.why)
	}
	if v.s == "" {
		return failure
	}
	return f.fileTest(op, abs(f.cwd, v.s))
}

func (f *fish) compare(op string, a, b value) status { return f.compareIn(f.cwd, op, a, b) }

func (f *fish) sourceCommand(args []value) {
	if len(args) > 0 && args[0].s == "--" {
		args = args[1:]
	}
	switch {
	case len(args) == 0 || args[0].s == "-":
		if f.in == nil {
			f.status = failure
			return
		}
		f.eval(value{s: f.in.rest, why: f.in.why, cmd: f.in.cmd})
	case !args[0].known():
		if args[0].cmd != nil {
			f.evalOutput(args[0].cmd) // source (command | psub)
			return
		}
		f.forget(msg.New("it reads a file whose name is not known: %s", args[0].why))
	default:
		f.source(abs(f.cwd, args[0].s), args[1:])
	}
}

func (f *fish) jump(name string, args []value) {
	if len(args) > 0 {
		n, _ := atoi(args[0].s)
		f.status = status{code: n & 255, why: args[0].why}
	}
	switch name {
	case "break":
		f.flow = flowBreak
	case "continue":
		f.flow = flowContinue
	default:
		if f.flow = flowReturn; name == "exit" {
			f.flow = flowAbort // exit in a configuration file ends only that file
		}
		if f.maybe.IsZero() && (f.f.fn == "" || name == "exit") {
			f.over = f.guardWhy()
		}
	}
}

func (f *fish) statusCommand(args []value) {
	what := ""
	for _, a := range args {
		what = strings.TrimLeft(a.s, "-")
		if what != "" {
			break
		}
	}
	switch what {
	case "is-interactive", "i":
		f.asking |= askedInteractive
		f.status = statusOf(f.s.Interactive)
	case "is-login", "l":
		f.asking |= askedLogin
		f.status = statusOf(f.s.Login)
	case "is-command-substitution", "c", "is-block", "b", "is-breakpoint", "is-no-job-control":
		f.status = failure
	case "filename", "current-filename", "f":
		f.status = success
		f.write(known(f.f.file + "\n"))
	case "dirname", "current-dirname":
		f.status = success
		f.write(known(dirname(f.f.file) + "\n"))
	case "function", "current-function":
		f.status = success
		f.write(known(f.f.fn + "\n"))
	case "fish-path":
		f.write(known(f.s.Path + "\n"))
	case "job-control":
		f.status = success
	default:
		f.status = unknownStatus(notFollowed())
		f.write(unknown("", notFollowed()))
	}
}

func (f *fish) contains(args []value) {
	show := false
	for len(args) > 0 && strings.HasPrefix(args[0].s, "-") {
		flag := args[0].s
		args = args[1:]
		show = show || flag == "-i" || flag == "--index"
		if flag == "--" {
			break
		}
	}
	f.status = failure
	if len(args) == 0 {
		return
	}
	for i, a := range args[1:] {
		switch st := equal(args[0], a); {
		case !st.known():
			f.status = st
			f.write(unknown("", st.why))
			return
		case st.ok():
			f.status = success
			if show {
				f.write(known(itoa(int64(i+1)) + "\n"))
			}
			return
		}
	}
}

// which answers command -v, type -q, functions -q.
func (f *fish) which(name string, args []value) {
	flags := ""
	for len(args) > 0 && strings.HasPrefix(args[0].s, "-") {
		flags += strings.TrimLeft(args[0].s, "-")
		args = args[1:]
	}
	if (name == "command" || name == "builtin") && strings.Trim(flags, "-") == "" {
		if len(args) > 0 && (name == "command" || !f.builtin(args[0].s, args[1:])) {
			f.program(args[0], args[1:], false)
		}
		return
	}
	if f.status = failure; name == "command" {
		f.status = status{code: 127}
	}
	for _, a := range args {
		_, isFunc := f.funcs[a.s]
		file, st := f.look(a.s)
		switch {
		case !a.known():
			st = unknownStatus(a.why)
		case name == "functions" && strings.HasPrefix(flags, "e"):
			delete(f.funcs, a.s)
			st = success
		case isFunc && name != "command" && name != "builtin":
			st = success
		case name == "command" && st.failed():
			st = status{code: 127}
		case name == "functions" || name == "builtin":
			st = statusOf(name == "builtin" && strings.Contains(" set test echo string cd ", " "+a.s+" "))
		}
		f.status = f.status.or(st)
		if file != "" && !strings.Contains(flags, "q") {
			f.write(known(file + "\n"))
		}
	}
}

func (f *fish) print(name string, args []value) {
	f.status = success
	if f.out == nil {
		return
	}
	p := posix{trace: f.trace, kind: Bash}
	fields := asFields(args)
	switch name {
	case "pwd":
		f.write(known(f.cwd + "\n"))
	case "printf":
		f.write(p.printf(fields))
	default:
		f.write(p.echo(name, fields))
	}
}

func (f *fish) cd(args []value) {
	target := known(f.home())
	if len(args) > 0 {
		target = args[len(args)-1]
	}
	if !target.known() || target.s == "-" {
		f.status = unknownStatus(notFollowed())
		return
	}
	dir := f.e.o.Host.Platform().Clean(abs(f.cwd, target.s))
	info, st := f.stat(dir)
	if f.status = st; st.ok() && !info.Mode.IsDir() {
		f.status = failure
	}
	if f.status.ok() && !f.dry {
		f.cwd = dir
		f.put("PWD", 0, fishVar{list: []string{dir}, export: true})
	}
}

// exportFunction is the function export that comes with fish.
func (f *fish) exportFunction(args []value) {
	f.status = success
	for _, a := range args {
		name, text, ok := strings.Cut(a.s, "=")
		if !isName(name) {
			f.status = failure
			continue
		}
		v := fishVar{list: []string{text}, why: a.why, export: true, path: isPathName(name)}
		if !ok {
			v, _, _ = f.lookup(name)
			v.export = true
		}
		if v.path && ok {
			v.list = strings.Split(text, ":")
		}
		f.put(name, 0, v)
	}
}

// read reads a line into variables.
func (f *fish) read(args []value) {
	scope := ""
	var names []string
	odd := false
	for i := 0; i < len(args); i++ {
		a := args[i].s
		switch {
		case a == "-l" || a == "--local" || a == "-g" || a == "--global" || a == "-U":
			scope = a[len(a)-len(strings.TrimLeft(a, "-")):][:1]
		case a == "-P" || a == "-p" || a == "--prompt" || a == "--prompt-str":
			i++
		case strings.HasPrefix(a, "-"):
			odd = odd || a != "-x" && a != "-s"
		default:
			names = append(names, a)
		}
	}
	why := notFollowed()
	switch {
	case f.in == nil:
		f.note(msg.New("start-up waits here for input if there is a terminal"))
		why = msg.New("it is read from the terminal")
	case !odd:
		why = f.in.why
	}
	if !why.IsZero() {
		for _, n := range names {
			f.put(n, f.scopeOf(scope, n), fishVar{list: []string{""}, why: why})
		}
		f.status = unknownStatus(why)
		return
	}
	line, rest, found := strings.Cut(f.in.rest, "\n")
	f.in.rest = rest
	f.status = statusOf(found || line != "")
	words := strings.Fields(line)
	for i, n := range names {
		v := fishVar{list: []string{""}}
		switch {
		case len(names) == 1:
			v.list[0] = strings.TrimSpace(line)
		case i == len(names)-1 && i < len(words):
			v.list[0] = strings.Join(words[i:], " ")
		case i < len(words):
			v.list[0] = words[i]
		}
		f.put(n, f.scopeOf(scope, n), v)
	}
}
