package shell

import (
	"regexp"
	"slices"
	"strings"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// startFish reads the start-up files of fish in its order. What fish's own share/config.fish does is part of this
// function, because that file is not in a place that can be relied on.
func startFish(t trace) {
	f := &fish{trace: t, universal: map[string]fishVar{}, funcs: map[string]*fishFunction{}, cwd: t.s.Dir}
	f.scopes = []*fishScope{{vars: map[string]fishVar{}}}
	f.importEnv()
	f.begin()
	if f.s.NoRC {
		return
	}
	f.readUniversal()
	f.setLocale()
	if f.s.Login {
		if _, st := f.e.look("/usr/libexec/path_helper", "", "/"); st.ok() {
			f.pathHelper()
		}
	}
	f.rebuildPath()
	f.readConfD()
	for _, file := range []string{f.sysconf() + "/config.fish", f.config + "/config.fish"} {
		if f.flow != flowExit {
			f.source(file, nil)
		}
	}
	f.recordHidden()
}

// begin sets what fish sets before it reads any file.
func (f *fish) begin() {
	own := func(name string, v fishVar) {
		v.from, v.at = "fish", layer.ShellFile
		f.scopes[0].vars[name] = v
		if v.export {
			f.record(name, v.variable())
		}
	}
	if f.cwd == "" {
		f.cwd = f.e.home()
	}
	own("PWD", fishVar{list: []string{f.cwd}, export: true})
	if _, _, ok := f.lookup("HOME"); !ok {
		own("HOME", fishVar{list: []string{f.e.home()}, export: true})
	}
	if _, _, ok := f.lookup("USER"); !ok {
		v := fishVar{list: []string{f.e.user()}, export: true}
		if f.e.user() == "" {
			v.why = msg.New("the user's name is not known")
		}
		own("USER", v)
	}
	if _, _, ok := f.lookup("PATH"); !ok {
		own("PATH", fishVar{list: []string{"/bin", "/usr/bin"}, export: true, path: true, why: msg.New("the shell's own default")})
	}
	if level, _, _ := f.lookup("SHLVL"); f.s.Interactive {
		n, _ := atoi(level.joined())
		own("SHLVL", fishVar{list: []string{itoa(int64(n + 1))}, export: true, why: level.why})
	}
	own("version", fishVar{list: []string{"3.6"}, why: msg.New("the shell computes it")})
	config, _, ok := f.lookup("XDG_CONFIG_HOME")
	if f.config = f.home() + "/.config/fish"; ok && config.joined() != "" {
		f.config = config.joined() + "/fish"
	}
	f.data = "/usr/share/fish"
	if prefix, ok := strings.CutSuffix(f.e.resolve(f.s.Path), "/bin/fish"); ok && prefix != "" {
		f.data = prefix + "/share/fish"
	}
}

// sysconf is the folder of the system's files: /etc/fish, or below the prefix of an own installation.
func (f *fish) sysconf() string {
	prefix := strings.TrimSuffix(f.data, "/share/fish")
	if prefix != "/usr" && prefix != "" {
		if _, st := f.stat(prefix + "/etc/fish"); st.ok() {
			return prefix + "/etc/fish"
		}
	}
	return "/etc/fish"
}

// readUniversal reads the universal variables, which `set -U` keeps in a file.
func (f *fish) readUniversal() {
	file := f.config + "/fish_variables"
	data, err := f.e.read(file)
	if err != nil {
		if uncertainError(err) {
			f.opaque(msg.New("%s is not recorded on this host", file))
		}
		return
	}
	f.visit(file, Read, msg.Text{})
	f.push(frame{file: file})
	for line := range strings.Lines(string(data)) {
		f.f.line++
		rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "SETUVAR ")
		if !ok {
			continue
		}
		v := fishVar{from: f.at(), at: f.f.env}
		for strings.HasPrefix(rest, "--") {
			var flag string
			flag, rest, _ = strings.Cut(rest, " ")
			v.export = v.export || flag == "--export"
			v.path = v.path || flag == "--path"
		}
		name, text, ok := strings.Cut(rest, ":")
		if !ok || !isName(name) {
			continue
		}
		v.list = []string{}
		if text != `\x1d` { // how fish writes the empty list
			v.list = strings.Split(ansiC(text), "\x1e")
		}
		v.path = v.path || isPathName(name)
		f.universal[name] = v
		f.recordFish(name, -1, fishVar{})
	}
	f.pop()
}

func localeNames() []string {
	return []string{"LANG", "LC_CTYPE", "LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY", "LC_MESSAGES", "LC_PAPER", "LC_NAME",
		"LC_ADDRESS", "LC_TELEPHONE", "LC_MEASUREMENT", "LC_IDENTIFICATION", "LC_ALL"}
}

// setLocale does what __fish_set_locale does: without any locale variable it reads the files of the system.
func (f *fish) setLocale() {
	for _, name := range localeNames() {
		if _, _, ok := f.lookup(name); ok {
			return
		}
	}
	found := false
	files := []string{strings.TrimSuffix(f.config, "/fish") + "/locale.conf", "/etc/locale.conf", "/etc/env.d/02locale", "/etc/sysconfig/i18n", "/etc/default/locale"}
	for _, file := range files {
		text, st := f.readFile(file)
		if !st.ok() {
			continue
		}
		f.push(frame{file: file})
		for line := range strings.Lines(text) {
			f.f.line++
			name, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			if _, _, set := f.lookup(name); ok && !set && slices.Contains(localeNames(), name) && name != "LC_ALL" {
				f.put(name, 0, fishVar{list: []string{strings.Trim(v, `'"`)}, export: true})
				found = true
			}
		}
		f.pop()
	}
	if !found {
		f.put("LC_CTYPE", 0, fishVar{list: []string{"en_US.UTF-8"}, export: true})
	}
}

func (f *fish) pathHelper() {
	v, _, _ := f.lookup("PATH")
	list, ok := f.e.pathHelper(v.joined())
	if v.list = strings.Split(list, ":"); !ok {
		v.why = msg.New("the folders of /etc/paths are not recorded on this host")
	}
	f.put("PATH", 0, fishVar{list: v.list, why: v.why, export: true, path: true})
}

// readConfD reads the files of the conf.d folders. Of files of the same name only the first is read.
func (f *fish) readConfD() {
	dirs := []string{f.config + "/conf.d", f.sysconf() + "/conf.d", f.home() + "/.local/share/fish/vendor_conf.d"}
	if xdg, _, ok := f.lookup("XDG_DATA_DIRS"); ok {
		for d := range strings.SplitSeq(strings.Join(xdg.list, ":"), ":") {
			dirs = append(dirs, strings.TrimRight(d, "/")+"/fish/vendor_conf.d")
		}
	}
	dirs = append(dirs, f.data+"/vendor_conf.d")
	seen := map[string]bool{}
	for _, dir := range dirs {
		entries, err := f.e.readDir(dir)
		if err != nil && uncertainError(err) {
			f.forget(msg.New("the directory %s is not recorded on this host", dir))
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name, ".fish") || strings.HasPrefix(e.Name, ".") || seen[e.Name] || f.flow == flowExit {
				continue
			}
			seen[e.Name] = true
			if info, st := f.stat(dir + "/" + e.Name); st.ok() && info.Mode.IsRegular() {
				f.source(dir+"/"+e.Name, nil)
			}
		}
	}
}

// recordHidden records, at the end, the global variables that were assigned but never exported.
func (f *fish) recordHidden() {
	for _, name := range f.order {
		if v, scope, ok := f.lookup(name); ok && scope <= 0 && v.hidden && v.from != "" {
			f.env.Add(name, layer.Set{Layer: v.at, From: v.from, Value: v.joined(), Skipped: msg.New("assigned but not exported")})
			v.hidden = false
			if scope == 0 {
				f.scopes[0].vars[name] = v
			}
		}
	}
}

// rebuildPath puts fish_user_paths before PATH, as __fish_reconstruct_path does when that variable changes.
func (f *fish) rebuildPath() {
	user, _, ok := f.lookup("fish_user_paths")
	if f.rebuilds++; !ok && len(f.added) == 0 || f.rebuilds > 5_000 {
		return
	}
	old, _, _ := f.lookup("PATH")
	list := slices.Clone(old.list)
	for _, a := range f.added {
		if i := slices.Index(list, a); i >= 0 {
			list = slices.Delete(list, i, i+1)
		}
	}
	f.added = nil
	paths := uniqueStrings(strings.Split(strings.Join(user.list, ":"), ":"))
	if len(user.list) == 0 {
		paths = nil
	}
	for _, p := range slices.Backward(paths) {
		if i := slices.Index(list, p); i >= 0 {
			list = slices.Delete(list, i, i+1)
		} else {
			f.added = append(f.added, p)
		}
		list = slices.Insert(list, 0, p)
	}
	why := old.why
	if why.IsZero() {
		why = user.why
	}
	if !slices.Equal(list, old.list) || !why.IsZero() {
		f.put("PATH", 0, fishVar{list: list, why: why, export: true, path: true})
	}
}

func uniqueStrings(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

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
		fields := make([]field, len(args))
		for i, a := range args {
			fields[i].value = a
		}
		f.status = testBuiltin(f, fields)
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
	case "abbr", "alias", "bind", "complete", "emit", "set_color", "ulimit", "umask", "block", "commandline", "history", "jobs", "wait",
		"disown", "fg", "bg", "trap", "breakpoint", "funced", "funcsave", "fish_vi_key_bindings", "fish_default_key_bindings",
		"fish_hybrid_key_bindings", "fish_config", "fish_update_completions", "isatty", "time", "and", "or", "not":
		if f.status = success; name == "isatty" {
			f.status = f.terminal()
		}
	case "math", "random", "argparse", "seq", "path", "realpath":
		why := msg.New("goready does not follow %s", name)
		f.status = unknownStatus(why)
		f.write(unknown("", why))
	default:
		return false
	}
	return true
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
	fields := make([]field, len(args))
	for i, a := range args {
		fields[i].value = a
	}
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

// addPath is the function fish_add_path.
func (f *fish) addPath(args []value) {
	scope, name, atEnd, move := "", "fish_user_paths", false, false
	for len(args) > 0 && strings.HasPrefix(args[0].s, "-") {
		flag := args[0].s
		args = args[1:]
		switch flag {
		case "--":
		case "--global", "--universal":
			scope = map[string]string{"--global": "g", "--universal": "U"}[flag]
		case "--path":
			name = "PATH"
		case "--append":
			atEnd = true
		case "--move":
			move = true
		default:
			for _, c := range strings.TrimLeft(flag, "-") {
				switch c {
				case 'g', 'U':
					scope = string(c)
				case 'P':
					name = "PATH"
				case 'a':
					atEnd = true
				case 'm':
					move = true
				case 'n':
					f.status = success
					return
				}
			}
		}
	}
	if _, _, ok := f.lookup("fish_user_paths"); !ok && scope == "" {
		scope = "U"
	}
	if name == "PATH" {
		scope = "g"
	}
	f.insertPaths(name, scope, args, atEnd, move)
}

func (f *fish) insertPaths(name, scope string, args []value, atEnd, move bool) {
	old, _, _ := f.lookup(name)
	v := old
	v.list = slices.Clone(old.list)
	var added []string
	for _, a := range args {
		dir := f.e.o.Host.Platform().Clean(abs(f.cwd, a.s))
		info, st := f.stat(dir)
		if !a.known() || !st.known() {
			v.why = a.why
			if v.why.IsZero() {
				v.why = st.why
			}
		} else if !st.ok() || !info.Mode.IsDir() || slices.Contains(added, dir) {
			continue
		}
		if i := slices.Index(v.list, dir); i >= 0 {
			if !move {
				continue
			}
			v.list = slices.Delete(v.list, i, i+1)
		}
		added = append(added, dir)
	}
	if f.status = statusOf(len(added) > 0); len(added) == 0 {
		return
	}
	if atEnd {
		v.list = append(v.list, added...)
	} else {
		v.list = append(added, v.list...)
	}
	v.path = v.path || isPathName(name)
	v.export = old.export
	f.put(name, f.scopeOf(scope, name), v)
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

// stringCommand executes the subcommands of string that start-up files use.
func (f *fish) stringCommand(args []value) {
	if len(args) == 0 {
		f.status = failure
		return
	}
	sub, flags := args[0].s, ""
	args = args[1:]
	for len(args) > 0 && strings.HasPrefix(args[0].s, "-") && len(args[0].s) > 1 {
		flag := args[0].s
		args = args[1:]
		if flag == "--" {
			break
		}
		flags += " " + flag
	}
	if f.in != nil && len(args) < 2 && (sub == "split" || sub == "join" || sub == "match" || sub == "trim" || sub == "upper" || sub == "lower") {
		for line := range strings.Lines(f.in.rest) {
			args = append(args, value{s: strings.TrimSuffix(line, "\n"), why: f.in.why})
		}
	}
	for _, a := range args {
		if !a.known() {
			f.status = unknownStatus(a.why)
			f.write(unknown("", a.why))
			return
		}
	}
	if !f.stringKnown(sub, strings.TrimSpace(flags), args) {
		f.status = unknownStatus(notFollowed())
		f.write(unknown("", notFollowed()))
	}
}

// stringKnown executes a subcommand of string on known words; false if it is not followed.
func (f *fish) stringKnown(sub, flags string, args []value) bool {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a.s
	}
	each := func(do func(string) string) bool {
		changed := false
		for _, w := range words {
			out := do(w)
			changed = changed || out != w
			f.write(known(out + "\n"))
		}
		f.status = statusOf(changed)
		return true
	}
	switch {
	case sub == "upper" && flags == "":
		return each(strings.ToUpper)
	case sub == "lower" && flags == "":
		return each(strings.ToLower)
	case sub == "trim" && flags == "":
		return each(strings.TrimSpace)
	case sub == "length" && (flags == "" || flags == "-q"):
		each(func(s string) string { return itoa(int64(len([]rune(s)))) })
		f.status = statusOf(strings.Join(words, "") != "")
		return true
	case (sub == "join" || sub == "split") && flags == "" && len(words) > 0:
		if sub == "join" {
			f.write(known(strings.Join(words[1:], words[0]) + "\n"))
			f.status = statusOf(len(words) > 2)
			return true
		}
		f.status = failure
		for _, w := range words[1:] {
			if strings.Contains(w, words[0]) {
				f.status = success
			}
			f.write(known(strings.ReplaceAll(w, words[0], "\n") + "\n"))
		}
		return true
	case sub == "replace" && (flags == "" || flags == "-a" || flags == "--all") && len(words) >= 2:
		n := 1
		if flags != "" {
			n = -1
		}
		from, to := words[0], words[1]
		words = words[2:]
		return from != "" && len(to) < 1000 && each(func(s string) string { return strings.Replace(s, from, to, n) })
	case sub == "match":
		return f.stringMatch(flags, words)
	}
	return false
}

func (f *fish) stringMatch(flags string, words []string) bool {
	if len(words) == 0 {
		return false
	}
	re, isRegexp := (*regexp.Regexp)(nil), false
	quiet, invert := false, false
	for flag := range strings.FieldsSeq(strings.NewReplacer("--quiet", "-q", "--regex", "-r", "--invert", "-v", "--all", "-a").Replace(flags)) {
		for _, c := range flag[1:] {
			quiet, invert, isRegexp = quiet || c == 'q', invert || c == 'v', isRegexp || c == 'r'
			if !strings.ContainsRune("qvra", c) {
				return false
			}
		}
	}
	if isRegexp {
		var err error
		if re, err = regexp.Compile(words[0]); err != nil || !quiet {
			return false
		}
	}
	f.status = failure
	for _, w := range words[1:] {
		m := matcher{budget: 20_000}
		ok := re != nil && re.MatchString(w) || re == nil && m.match(words[0], w)
		if ok != invert {
			f.status = success
			if !quiet {
				f.write(known(w + "\n"))
			}
		}
	}
	return true
}
