package shell

import (
	"maps"
	"path"
	"strconv"
	"strings"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// fish evaluates fish.
type fish struct {
	trace
	scopes    []*fishScope // the global scope first
	universal map[string]fishVar
	funcs     map[string]*fishFunction
	status    status
	out       *value
	in        *input
	cwd       string
	config    string // ~/.config/fish
	data      string // /usr/share/fish
	added     []string
	order     []string
	rebuilds  int
	bad       bool // an expansion failed: the command is not executed
}

type fishScope struct {
	vars     map[string]fishVar
	function bool
}

type fishFile struct {
	jobs    []fishJob
	errLine int
	errText string
}

type fishFunction struct {
	name   string
	params []string
	body   []fishJob
	file   string
	env    layer.ID
	maybe  msg.Text
	shadow bool // --no-scope-shadowing
}

// forget makes every variable unknown.
func (f *fish) forget(why msg.Text) {
	if f.dry {
		return
	}
	f.opaque(why)
	for _, s := range f.scopes {
		for name, v := range s.vars {
			v.why = why
			s.vars[name] = v
		}
	}
}

func (f *fish) sub() *fish {
	s := *f
	s.quiet = true
	s.scopes = nil
	for _, sc := range f.scopes {
		vars := make(map[string]fishVar, len(sc.vars))
		for k, v := range sc.vars {
			vars[k] = v
		}
		s.scopes = append(s.scopes, &fishScope{vars: vars, function: sc.function})
	}
	fr := *f.f
	s.f = &fr
	return &s
}

// jobs executes a list of jobs.
func (f *fish) jobs(list []fishJob) {
	for i := 0; i < len(list); i++ {
		if f.flow != flowNext || !f.step() {
			if f.flow != flowNext && !f.over.IsZero() && f.f.fn == "" && f.maybe.IsZero() && f.flow != flowBreak && f.flow != flowContinue {
				f.skipJobs(list[i:], f.over)
			}
			return
		}
		f.conditional(list[i])
	}
}

// conditional executes a job, or not, depending on the status of the one before.
func (f *fish) conditional(j fishJob) {
	before := f.status
	switch {
	case j.cond == 0:
		f.asking = 0
		f.joined(j)
	case before.known() && before.ok() == (j.cond == '&'):
		saved := f.asked
		f.asked |= f.asking
		f.joined(j)
		f.asked = saved
	case before.known():
		f.skipJobs([]fishJob{j}, f.branchWhy(f.asking, f.at()))
	default:
		f.uncertain(dependsOn(f.at(), before.why), false, func() { f.joined(j) })
		if j.cond == '&' {
			f.status = before.and(f.status)
		} else {
			f.status = before.or(f.status)
		}
	}
}

// joined executes a job and what is joined to it by && and ||.
func (f *fish) joined(j fishJob) {
	f.job(j)
	for _, next := range j.rest {
		if f.flow == flowNext {
			f.conditional(next)
		}
	}
}

func (f *fish) job(j fishJob) {
	if !f.f.fixed {
		f.f.line = j.line
	}
	if j.async {
		f.status = success
		return
	}
	switch n := len(j.pipe); n {
	case 0:
	case 1:
		f.command(j.pipe[0])
	default:
		f.pipeline(j.pipe)
	}
	if j.negate {
		f.status = f.status.not()
	}
}

// pipeline executes commands that are joined by pipes. They all run in the shell itself: builtins and blocks in them
// have lasting effects.
func (f *fish) pipeline(cmds []*fishCmd) {
	out, in := f.out, f.in
	for i, c := range cmds {
		var v value
		if f.out = &v; i == len(cmds)-1 {
			f.out = out
		}
		f.command(c)
		f.in = &input{rest: v.s, why: v.why, cmd: v.cmd}
	}
	f.out, f.in = out, in
}

func (f *fish) command(c *fishCmd) {
	out, in := f.out, f.in
	defer func() { f.out, f.in = out, in }()
	for _, d := range c.redir {
		switch d.op {
		case "<", "<?":
			words := f.expand(d.word)
			if len(words) != 1 {
				f.status = failure
				return
			}
			text, st := f.readFile(abs(f.cwd, words[0].s))
			if st.failed() {
				f.status = failure
				return
			}
			f.in = &input{rest: text, why: st.why}
		case ">", ">>", ">?", ">&":
			f.out = nil
		}
	}
	switch c.kind {
	case "":
		f.simple(c)
	case "begin":
		f.scoped(false, func() { f.jobs(c.arms[0].body) })
	case "if":
		f.ifBlock(c.arms)
	case "switch":
		f.switchBlock(c)
	case "for":
		f.forBlock(c)
	case "while":
		f.whileBlock(c)
	case "function":
		f.define(c)
	}
}

// scoped executes something in a scope of its own.
func (f *fish) scoped(function bool, do func()) {
	f.scopes = append(f.scopes, &fishScope{vars: map[string]fishVar{}, function: function})
	do()
	f.scopes = f.scopes[:len(f.scopes)-1]
}

func (f *fish) condition(cond []fishJob) (st status, at string, asks asked) {
	saved := f.asking
	at = f.at()
	f.jobs(cond)
	asks = f.asking
	f.asking = saved
	return f.status, at, asks
}

func (f *fish) ifBlock(arms []fishArm) {
	if len(arms) == 0 {
		f.status = success
		return
	}
	arm := arms[0]
	if len(arm.cond) == 0 { // else
		f.scoped(false, func() { f.jobs(arm.body) })
		return
	}
	st, at, asks := f.condition(arm.cond)
	body := func() { f.scoped(false, func() { f.jobs(arm.body) }) }
	saved := f.asked
	switch {
	case !st.known():
		f.uncertain(dependsOn(at, st.why), true, body, func() { f.ifBlock(arms[1:]) })
	case st.ok():
		f.asked |= asks
		body()
		for _, rest := range arms[1:] {
			f.skipJobs(rest.body, f.branchWhy(asks, at))
		}
	default:
		f.skipJobs(arm.body, f.branchWhy(asks, at))
		f.asked |= asks
		f.ifBlock(arms[1:])
	}
	f.asked = saved
}

func (f *fish) switchBlock(c *fishCmd) {
	at := f.at()
	var words []value
	if len(c.words) > 0 {
		words = f.expand(c.words[0])
	}
	word := known("")
	switch len(words) {
	case 0:
	case 1:
		word = words[0]
	default: // an error
		f.status = status{code: 2}
		return
	}
	for i, arm := range c.arms {
		if !word.known() {
			f.uncertain(dependsOn(at, word.why), false, func() { f.jobs(arm.body) })
			continue
		}
		for _, w := range arm.words {
			for _, p := range f.expand(w) {
				if f.matches(p.s, word.s) {
					f.scoped(false, func() { f.jobs(arm.body) })
					for _, rest := range c.arms[i+1:] {
						f.skipJobs(rest.body, f.branchWhy(0, at))
					}
					return
				}
			}
		}
		f.skipJobs(arm.body, f.branchWhy(0, at))
	}
}

func (f *fish) forBlock(c *fishCmd) {
	if len(c.words) < 2 {
		return
	}
	name, _ := c.words[0].lit()
	items := f.expandAll(c.words[2:])
	if old, _, ok := f.lookup(name); len(f.scopes) > 1 { // the variable is local to the enclosing block
		if old.export = false; !ok {
			old = fishVar{list: []string{}}
		}
		f.put(name, len(f.scopes)-1, old)
	}
	saved, loose := f.maybe, f.f.loose
	f.f.loose = msg.Text{}
	for i, item := range items {
		if i >= maxLoop*5 || f.flow != flowNext {
			break
		}
		round := func() {
			f.put(name, f.scopeOf("", name), fishVar{list: []string{item.s}, why: item.why})
			f.scoped(false, func() { f.jobs(c.arms[0].body) })
			if f.flow == flowContinue {
				f.flow = flowNext
			}
		}
		if item.known() {
			round()
		} else {
			f.uncertain(dependsOn(f.at(), item.why), false, round)
		}
	}
	f.endLoop(saved, loose)
}

func (f *fish) endLoop(saved, loose msg.Text) {
	if f.flow == flowBreak || f.flow == flowContinue {
		f.flow = flowNext
	}
	f.maybe, f.f.loose = saved, loose
	f.settle()
}

func (f *fish) whileBlock(c *fishCmd) {
	saved, loose := f.maybe, f.f.loose
	f.f.loose = msg.Text{}
	defer func() { f.endLoop(saved, loose) }()
	at := f.at()
	for range maxLoop {
		st, _, _ := f.condition(c.arms[0].cond)
		body := func() {
			f.scoped(false, func() { f.jobs(c.arms[0].body) })
			if f.flow == flowContinue {
				f.flow = flowNext
			}
		}
		switch {
		case f.flow != flowNext:
			return
		case !st.known():
			f.uncertain(dependsOn(at, st.why), false, body)
			return
		case !st.ok():
			f.status = success
			return
		}
		if body(); f.flow != flowNext {
			return
		}
	}
	f.end(msg.New("the loop does not end within %d rounds", maxLoop), at)
}

// define defines a function; those that wait for events are never called during start-up.
func (f *fish) define(c *fishCmd) {
	f.status = success
	words := f.expandAll(c.words)
	if len(words) == 0 || f.dry {
		return
	}
	fn := &fishFunction{name: words[0].s, body: c.arms[0].body, file: f.f.file, env: f.f.env, maybe: f.maybe}
	named := false
	for _, w := range words[1:] {
		switch {
		case w.s == "-a" || w.s == "--argument-names":
			named = true
		case w.s == "-S" || w.s == "--no-scope-shadowing":
			fn.shadow, named = true, false
		case strings.HasPrefix(w.s, "-"):
			named = false
		case named:
			fn.params = append(fn.params, w.s)
		}
	}
	f.funcs[fn.name] = fn
}

func (f *fish) invoke(fn *fishFunction, args []value) {
	if f.f.calls >= maxCalls {
		f.note(msg.New("goready follows function calls only %d deep", maxCalls))
		f.status = unknownStatus(msg.New("function calls are nested too deeply"))
		return
	}
	saved := f.maybe
	if f.maybe.IsZero() {
		f.maybe = fn.maybe
	}
	f.push(frame{file: fn.file, fn: fn.name})
	f.f.env = fn.env
	exported := f.exportedLocals()
	f.scoped(!fn.shadow, func() {
		vars := f.scopes[len(f.scopes)-1].vars
		maps.Copy(vars, exported)
		vars["argv"] = listVar(args)
		for i, p := range fn.params {
			vars[p] = listVar(args[min(i, len(args)):min(i+1, len(args))])
		}
		f.jobs(fn.body)
	})
	if f.flow == flowReturn {
		f.flow = flowNext
	}
	f.pop()
	f.maybe = saved
}

// exportedLocals returns the local variables that a function gets copies of because they are exported.
func (f *fish) exportedLocals() map[string]fishVar {
	out := map[string]fishVar{}
	for i := len(f.scopes) - 1; i > 0; i-- {
		for name, v := range f.scopes[i].vars {
			if _, ok := out[name]; !ok && v.export {
				out[name] = v
			}
		}
		if f.scopes[i].function {
			break
		}
	}
	return out
}

func listVar(vals []value) fishVar {
	v := fishVar{list: []string{}}
	for _, a := range vals {
		v.list = append(v.list, a.s)
		if !a.known() {
			v.why, v.cmd = a.why, a.cmd
		}
	}
	return v
}

// simple executes a simple command.
func (f *fish) simple(c *fishCmd) {
	words := c.words
	var temp []fishWord
	for len(words) > 0 && len(words[0].parts) > 0 && words[0].parts[0].kind == 'l' {
		name, _, ok := strings.Cut(words[0].parts[0].text, "=")
		if !ok || !isName(name) {
			break
		}
		temp, words = append(temp, words[0]), words[1:]
	}
	run := func() {
		f.bad = false
		args := f.expandAll(words)
		switch {
		case f.bad:
			f.status = status{code: 121}
		case f.flow == flowNext && len(args) > 0:
			f.dispatch(args[0], args[1:], len(temp) > 0)
		}
	}
	if len(temp) == 0 {
		run()
		return
	}
	f.scoped(false, func() {
		for _, w := range temp {
			name, text, _ := strings.Cut(w.parts[0].text, "=")
			rest := fishWord{parts: append([]fishPart{{kind: 'l', text: text}}, w.parts[1:]...)}
			v := listVar(f.expand(rest))
			v.export, v.path = true, isPathName(name)
			f.put(name, len(f.scopes)-1, v)
		}
		run()
	})
}

// dispatch executes a command: a function, a builtin, or a program.
func (f *fish) dispatch(name value, args []value, changed bool) {
	if !name.known() {
		f.status = unknownStatus(name.why)
		return
	}
	if fn := f.funcs[name.s]; fn != nil {
		f.invoke(fn, args)
		return
	}
	if f.builtin(name.s, args) {
		return
	}
	if fn := f.autoload(name.s); fn != nil {
		f.invoke(fn, args)
		return
	}
	f.program(name, args, changed)
}

// autoload reads the function that fish would load from a file of the user or of the system. The functions that come
// with fish itself are left out: those that matter are builtins here, the others change no variable we report.
func (f *fish) autoload(name string) *fishFunction {
	if strings.Contains(name, "/") {
		return nil
	}
	dirs := []string{f.config + "/functions", f.sysconf() + "/functions", f.data + "/vendor_functions.d"}
	for _, dir := range dirs {
		file := dir + "/" + name + ".fish"
		if _, st := f.stat(file); !st.ok() {
			continue
		}
		f.source(file, nil)
		return f.funcs[name]
	}
	return nil
}

func (f *fish) program(name value, args []value, changed bool) {
	_, st := f.look(name.s)
	if st.failed() {
		if _, st := f.stat(f.data + "/functions/" + name.s + ".fish"); st.failed() {
			f.status = status{code: 127}
			return
		}
	}
	why := msg.New("the output of %s is known only by running it", name.s)
	out := value{why: why, cmd: []string{name.s}}
	for _, a := range args {
		out.cmd = append(out.cmd, a.s)
	}
	f.status = unknownStatus(msg.New("the exit status of %s is known only by running it", name.s))
	p := programs{t: &f.trace, dir: f.cwd, in: f.in}
	if !changed && !f.quiet {
		p.env = func() *layer.Env { return f.env }
	}
	if answer, st, ok := p.answer(path.Base(name.s), asFields(args)); ok {
		f.status = st
		if answer.known() {
			out = answer
		}
	}
	f.write(out)
}

// look finds a program; without any PATH fish has a default.
func (f *fish) look(name string) (string, status) {
	v, _, _ := f.lookup("PATH")
	list := strings.Join(v.list, ":")
	if list == "" {
		list = "/bin:/usr/bin"
	}
	if !v.why.IsZero() && !strings.Contains(name, "/") {
		return "", unknownStatus(v.why)
	}
	return f.e.look(name, list, f.cwd)
}

func (f *fish) write(v value) {
	if f.out != nil {
		*f.out = f.out.append(v)
	}
}

// source reads a file; it reports whether there was one.
func (f *fish) source(file string, args []value) bool {
	if f.f.depth >= maxSource {
		why := msg.New("files are nested more than %d deep", maxSource)
		f.visit(file, TooDeep, why)
		f.end(why, f.at())
		return true
	}
	s, st, why := f.parsed(file)
	if !st.ok() {
		f.status = st
		switch {
		case !st.known():
			f.visit(file, Unreadable, st.why)
			f.forget(st.why)
		case why.IsZero():
			f.visit(file, Missing, why)
		default:
			f.visit(file, Unreadable, why)
		}
		return !st.known() || !why.IsZero()
	}
	state := Read
	if !f.maybe.IsZero() {
		state = Maybe
	}
	f.visit(file, state, f.maybe)
	saved, asks := f.maybe, f.asked
	f.push(frame{file: file})
	if f.asked = 0; f.f.depth == 1 {
		f.status = unknownStatus(msg.New("the shell's own start-up left it"))
	}
	if s.errLine > 0 {
		f.f.line = s.errLine
		f.note(msg.New("syntax error, fish executes nothing of this file: %s", s.errText))
		f.status = status{code: 1}
	}
	f.scoped(false, func() {
		if args != nil {
			f.scopes[len(f.scopes)-1].vars["argv"] = listVar(args)
		}
		f.jobs(s.jobs)
	})
	f.pop()
	f.maybe, f.asked = saved, asks
	if f.flow == flowReturn || f.flow == flowAbort {
		f.flow, f.over = flowNext, msg.Text{}
	}
	return true
}

func (f *fish) parsed(file string) (*fishFile, status, msg.Text) {
	if s, ok := f.e.fishFiles[file]; ok {
		return s, success, msg.Text{}
	}
	data, err := f.e.read(file)
	switch {
	case err != nil && uncertainError(err):
		return nil, unknownStatus(msg.New("%s is not recorded on this host", file)), msg.Text{}
	case err != nil && isMissing(err):
		return nil, failure, msg.Text{}
	case err != nil:
		return nil, failure, msg.New("it cannot be read")
	case len(data) > maxScript:
		return nil, unknownStatus(msg.New("%s is larger than goready reads", file)), msg.Text{}
	}
	s := &fishFile{}
	s.jobs, s.errLine, s.errText = parseFish(data)
	if s.errLine > 0 {
		s.jobs = nil
	}
	f.e.fishFiles[file] = s
	return s, success, msg.Text{}
}

// eval executes a text.
func (f *fish) eval(v value) {
	switch {
	case v.cmd != nil:
		f.evalOutput(v.cmd)
	case !v.known():
		f.forget(msg.New("it evaluates a text that is not known: %s", v.why))
		f.status = unknownStatus(v.why)
	case f.f.calls+f.f.depth >= maxCalls:
		f.end(msg.New("eval is nested too deeply"), f.at())
	default:
		jobs, errLine, _ := parseFish([]byte(v.s))
		if errLine > 0 {
			f.status = failure
			return
		}
		fixed := f.f.fixed
		f.f.fixed = true
		f.f.calls++
		f.jobs(jobs)
		f.f.calls--
		f.f.fixed = fixed
	}
}

// evalOutput evaluates the output of a command that is not run.
func (f *fish) evalOutput(cmd []string) {
	why := msg.New("it evaluates the output of %s, which is known only by running it", strings.Join(cmd, " "))
	e, ok := evalEffect(cmd)
	f.status = unknownStatus(why)
	if !ok {
		f.forget(why)
		return
	}
	names := e.names
	if e.path {
		names = append([]string{"PATH"}, names...)
	}
	if e.golang {
		names = append(names, goNames()...)
	}
	for _, name := range names {
		v, _, _ := f.lookup(name)
		v.why, v.export, v.path = why, true, isPathName(name)
		if name == "PATH" && path.Base(cmd[0]) == "brew" && strings.HasSuffix(cmd[0], "/bin/brew") {
			prefix := strings.TrimSuffix(cmd[0], "/bin/brew")
			v.list = append([]string{prefix + "/bin", prefix + "/sbin"}, v.list...)
		}
		f.put(name, 0, v)
	}
}

// skipJobs records the assignments of jobs that are not reached.
func (f *fish) skipJobs(list []fishJob, why msg.Text) {
	if f.quiet || f.dry || !f.maybe.IsZero() {
		return
	}
	line := f.f.line
	f.dry = true
	f.skipAll(list, why)
	f.dry = false
	f.f.line = line
}

func (f *fish) skipAll(list []fishJob, why msg.Text) {
	for _, j := range list {
		f.skipAll(j.rest, why)
		for _, c := range j.pipe {
			if !f.step() {
				return
			}
			if f.f.line = c.line; c.kind == "" {
				f.skipCommand(c, why)
			}
			for _, arm := range c.arms {
				if c.kind != "function" {
					f.skipAll(arm.cond, why)
					f.skipAll(arm.body, why)
				}
			}
		}
	}
}

func (f *fish) skipCommand(c *fishCmd, why msg.Text) {
	if len(c.words) < 2 {
		return
	}
	name, _ := c.words[0].lit()
	args := f.expandAll(c.words[1:])
	if len(args) == 0 {
		return
	}
	switch name {
	case "set":
		o := setFlags(args)
		if len(o.args) > 0 && !o.erase && !o.query && o.scope != "l" {
			v := listVar(o.args[1:])
			v.path = isPathName(o.args[0].s)
			f.skip(o.args[0].s, value{s: v.joined()}, why)
		}
	case "export":
		if name, text, ok := strings.Cut(args[0].s, "="); ok {
			f.skip(name, value{s: text}, why)
		}
	case "fish_add_path":
		pathVar, _, _ := f.lookup("PATH")
		f.skip("PATH", value{s: strings.Join(append(texts(args), pathVar.list...), ":")}, why)
	case "source", ".":
		if _, st := f.stat(args[0].s); st.ok() && strings.HasPrefix(args[0].s, "/") {
			f.visit(args[0].s, Skipped, why)
		}
	}
}

func texts(vals []value) []string {
	var list []string
	for _, v := range vals {
		if !strings.HasPrefix(v.s, "-") {
			list = append(list, v.s)
		}
	}
	return list
}

func atoi(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil
}
