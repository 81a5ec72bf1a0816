package shell

import (
	"maps"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// posix evaluates bash, zsh and POSIX sh.
type posix struct {
	trace
	kind Kind
	lang syntax.LangVariant
	// strict: bash in POSIX mode or under the name sh.
	strict bool
	script *script
	vars   map[string]variable
	order  []string // names in the order of their first assignment
	funcs  map[string]*function
	opts   map[string]bool
	ties   map[string]string // zsh: array name -> name of the scalar
	unique map[string]bool   // zsh: arrays and scalars that drop repeated entries
	// status is $?, subst the status of the last command substitution.
	status, subst status
	out           *value // where output goes in a command substitution; nil: elsewhere
	in            *input // redirected standard input; nil: the terminal
	guarded       int    // in a condition, where set -e does not apply
	failed        bool   // an argument of a declaration was an error
	// mayExport, if not zero, says why it is not known whether set -a is in effect.
	mayExport msg.Text
	// lost, in a subshell, is why variables of the environment are unknown.
	lost msg.Text
}

// input is a redirected standard input.
type input struct {
	rest string
	why  msg.Text // it is not known
	cmd  []string // the command whose output it is
}

// function is a shell function.
type function struct {
	name   string
	body   *syntax.Stmt
	script *script
	lazy   *body
	file   string
	env    layer.ID
	// maybe says why it may not be defined, or differently.
	maybe msg.Text
}

// option reports whether a shell option is on.
func (r *posix) option(name string) bool { return r.opts[name] }

// sub returns an evaluator for a subshell: what it does to variables is lost.
func (r *posix) sub() *posix {
	s := *r
	s.quiet = true
	s.vars, s.funcs, s.opts = maps.Clone(r.vars), maps.Clone(r.funcs), maps.Clone(r.opts)
	f := *r.f
	s.f = &f
	return &s
}

// run executes the statements of a file or of a text for eval.
func (r *posix) run(s *script) {
	saved := r.script
	defer func() { r.script = saved }()
	r.script = s
	gaps := s.gaps
	for i := 0; i <= len(s.stmts); i++ {
		for len(gaps) > 0 && gaps[0].before == i {
			r.gap(gaps[0])
			gaps = gaps[1:]
		}
		if i < len(s.stmts) {
			r.stmt(s.stmts[i])
			if r.flow == flowLine {
				r.flow = flowNext
				line := s.stmts[i].End().Line()
				for i+1 < len(s.stmts) && s.stmts[i+1].Pos().Line() == line {
					i++
				}
			}
			if r.flow != flowNext {
				r.skipRest(s.stmts[i+1:])
				return
			}
		}
	}
	if s.errLine > 0 {
		r.syntaxError(s)
	}
}

func (r *posix) syntaxError(s *script) {
	if !r.f.fixed {
		r.f.line = s.errLine + s.base
	}
	if s.errText == errComplex.Error() {
		r.note(msg.New("goready stops reading here: %s", s.errText))
		r.forget(msg.New("goready does not read %s to its end", r.f.file))
		return
	}
	r.note(msg.New("syntax error, the shell reads no further: %s", s.errText))
	r.status = status{code: 2}
	if r.kind == Sh {
		r.fail(r.f.file, flowNext)
	}
}

// gap makes unknown what a part of a zsh file that cannot be parsed may assign.
func (r *posix) gap(g gap) {
	line := g.from + r.script.base
	r.f.line = line
	last := g.to + r.script.base
	r.note(msg.New("goready does not understand lines %d to %d", line, last))
	why := msg.New("lines %d to %d of %s use syntax that goready does not understand", line, last, r.f.file)
	for text := range strings.Lines(g.text) {
		for _, name := range assignedIn(text) {
			r.f.line = line
			r.assign(name, unknown(strings.TrimSpace(decode(text)), why))
			if strings.Contains(text, "export") || strings.Contains(text, "typeset") {
				r.export(name)
			}
		}
		line++
	}
}

// assignedIn returns the names that seem to be assigned in a line.
func assignedIn(text string) []string {
	var names []string
	for i := range len(text) {
		if text[i] != '=' && text[i] != '(' {
			continue
		}
		end := i
		if end > 0 && text[end-1] == '+' {
			end--
		}
		start := end
		for start > 0 && isNameByte(text[start-1]) {
			start--
		}
		if text[i] == '=' && start < end && (text[start] < '0' || text[start] > '9') {
			names = append(names, text[start:end])
		}
	}
	return names
}

func (r *posix) stmts(list []*syntax.Stmt) {
	for i, s := range list {
		r.stmt(s)
		if r.flow != flowNext {
			r.skipRest(list[i+1:])
			return
		}
	}
}

// stmt executes a statement and sets r.status.
func (r *posix) stmt(s *syntax.Stmt) {
	if !r.step() {
		return
	}
	r.line(s)
	if s.Background || s.Disown || s.Coprocess {
		r.status = success
		return
	}
	restore, ok := r.redirect(s.Redirs)
	if ok {
		r.command(s.Cmd)
	} else {
		r.status = failure
	}
	restore()
	if s.Negated {
		r.status = r.status.not()
	} else if r.status.failed() && r.option("errexit") && r.guarded == 0 && r.flow == flowNext {
		r.end(msg.New("a command fails after set -e"), r.at())
	}
}

func (r *posix) line(n syntax.Node) {
	if !r.f.fixed {
		r.f.line = int(n.Pos().Line()) + r.script.base
	}
}

func (r *posix) command(c syntax.Command) {
	switch c := c.(type) {
	case nil:
		r.status = success
	case *syntax.CallExpr:
		r.call(c)
	case *syntax.DeclClause:
		r.declClause(c)
	case *syntax.BinaryCmd:
		r.binary(c)
	case *syntax.IfClause:
		r.ifClause(c)
	case *syntax.CaseClause:
		r.caseClause(c)
	case *syntax.ForClause:
		r.loop(func() { r.forClause(c) })
	case *syntax.WhileClause:
		r.loop(func() { r.whileClause(c) })
	case *syntax.Block:
		r.stmts(c.Stmts)
	case *syntax.Subshell:
		r.subshell(c.Stmts)
	case *syntax.FuncDecl:
		r.define(c)
	case *syntax.TestClause:
		r.status = r.test(c.X)
	case *syntax.ArithmCmd:
		r.status = r.arithStatus(c.X)
	case *syntax.LetClause:
		for _, x := range c.Exprs {
			r.status = r.arithStatus(x)
		}
	case *syntax.TimeClause:
		if c.Stmt != nil {
			r.stmt(c.Stmt)
		}
	default: // coproc, bats tests
		r.status = success
	}
}

// subshell executes statements whose effects are lost, for their status and output.
func (r *posix) subshell(list []*syntax.Stmt) {
	s := r.sub()
	s.stmts(list)
	r.status = s.status
}

// redirect applies the redirections of a statement as far as they matter: where input comes from and whether output
// is captured. ok is false if one fails.
func (r *posix) redirect(list []*syntax.Redirect) (restore func(), ok bool) {
	in, out := r.in, r.out
	restore = func() { r.in, r.out = in, out }
	for _, d := range list {
		switch d.Op {
		case syntax.RdrIn:
			name := r.word(d.Word)
			data, st := r.readNamed(name)
			if st.failed() {
				return restore, false
			}
			r.in = &input{rest: data, why: st.why}
		case syntax.WordHdoc:
			v := r.word(d.Word)
			r.in = &input{rest: v.s + "\n", why: v.why}
		case syntax.Hdoc, syntax.DashHdoc:
			r.in = &input{}
			if d.Hdoc != nil {
				v := r.hereDoc(d)
				r.in = &input{rest: v.s, why: v.why}
			}
		case syntax.DplIn, syntax.RdrInOut:
		default:
			if fd := d.N; fd == nil || fd.Value == "1" {
				r.out = nil
			}
		}
	}
	return restore, true
}

func (r *posix) hereDoc(d *syntax.Redirect) value {
	if len(d.Word.Parts) != 1 || d.Word.Lit() == "" || strings.Contains(d.Word.Lit(), `\`) {
		return known(r.text(d.Hdoc))
	}
	return r.quotedWord(d.Hdoc)
}

func (r *posix) binary(c *syntax.BinaryCmd) {
	if c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
		r.pipe(c)
		return
	}
	left, at, asks := r.condition(func() { r.stmt(c.X) })
	if r.flow != flowNext {
		r.skipRest([]*syntax.Stmt{c.Y})
		return
	}
	and := c.Op == syntax.AndStmt
	switch {
	case left.known() && left.ok() == and:
		r.guard(asks, func() { r.stmt(c.Y) })
		return
	case left.known():
		r.skipStmts([]*syntax.Stmt{c.Y}, r.branchWhy(asks, at))
		r.status = left
		return
	}
	r.uncertain(dependsOn(at, left.why), false, func() { r.stmt(c.Y) })
	if and {
		r.status = left.and(r.status)
	} else {
		r.status = left.or(r.status)
	}
}

func dependsOn(at string, why msg.Text) msg.Text {
	return msg.New("depends on the condition at %s: %s", at, why)
}

// condition evaluates something for its status; it returns where it stands and what about the session it asks.
func (r *posix) condition(eval func()) (st status, at string, asks asked) {
	saved := r.asking
	r.asking = 0
	r.guarded++
	at = r.at()
	eval()
	r.guarded--
	asks = r.asking
	r.asking |= saved
	return r.status, at, asks
}

// guard executes a branch whose condition asked something about the session.
func (r *posix) guard(asks asked, branch func()) {
	saved := r.asked
	r.asked |= asks
	branch()
	r.asked = saved
}

func (r *posix) ifClause(c *syntax.IfClause) {
	r.line(c)
	if len(c.Cond) == 0 { // else
		r.stmts(c.Then)
		return
	}
	st, at, asks := r.condition(func() { r.stmts(c.Cond) })
	otherwise := func() {
		r.status = success
		if c.Else != nil {
			r.ifClause(c.Else)
		}
	}
	switch {
	case r.flow != flowNext:
		r.skipRest(c.Then)
	case !st.known():
		r.uncertain(dependsOn(at, st.why), true, func() { r.stmts(c.Then) }, otherwise)
		if r.status.known() {
			r.status = unknownStatus(st.why)
		}
	case st.code == 0:
		r.guard(asks, func() { r.stmts(c.Then) })
		why := r.branchWhy(asks, at)
		for e := c.Else; e != nil; e = e.Else {
			r.skipStmts(e.Then, why)
		}
	default:
		r.skipStmts(c.Then, r.branchWhy(asks, at))
		r.guard(asks, otherwise)
	}
}

func (r *posix) caseClause(c *syntax.CaseClause) {
	at := r.at()
	saved := r.asking
	r.asking = 0
	word := r.word(c.Word)
	asks := r.asking
	r.asking = saved
	if r.kind == Bash && !r.option("extglob") && slices.ContainsFunc(c.Items, hasExtGlob) {
		r.note(msg.New("syntax error, the shell reads no further: %s", "extglob"))
		r.flow = flowReturn
		return
	}
	r.status = success
	var open []func() // items that may be taken
	var why msg.Text
	for i := 0; i < len(c.Items); i++ {
		item := c.Items[i]
		st := r.matchAny(word, item.Patterns)
		switch {
		case st.failed():
			r.skipStmts(item.Stmts, r.branchWhy(asks, at))
		case !st.known():
			why = dependsOn(at, st.why)
			open = append(open, func() { r.stmts(item.Stmts) })
		case len(open) > 0:
			open = append(open, func() { r.stmts(item.Stmts) })
			r.uncertain(why, true, open...)
			return
		default:
			i = r.caseItem(c.Items, i, asks)
			if r.flow != flowNext {
				return
			}
			why := r.branchWhy(asks, at)
			for _, rest := range c.Items[i+1:] {
				r.skipStmts(rest.Stmts, why)
			}
			return
		}
	}
	if len(open) > 0 {
		r.uncertain(why, false, open...)
	}
}

// hasExtGlob reports whether an item of a case has a pattern such as @(a|b), which bash does not parse unless the
// option extglob is on.
func hasExtGlob(item *syntax.CaseItem) bool {
	return slices.ContainsFunc(item.Patterns, func(w *syntax.Word) bool {
		return slices.ContainsFunc(w.Parts, func(p syntax.WordPart) bool {
			_, ok := p.(*syntax.ExtGlob)
			return ok
		})
	})
}

// caseItem executes an item and those it falls through to; it returns the last.
func (r *posix) caseItem(items []*syntax.CaseItem, i int, asks asked) int {
	for ; ; i++ {
		r.guard(asks, func() { r.stmts(items[i].Stmts) })
		if items[i].Op != syntax.Fallthrough || r.flow != flowNext || i+1 == len(items) {
			return i
		}
	}
}

func (r *posix) matchAny(word value, patterns []*syntax.Word) status {
	result := failure
	for _, p := range patterns {
		result = result.or(r.match(word, r.pattern(p)))
		if result.ok() {
			break
		}
	}
	return result
}

// loop executes a loop; breaks end it.
func (r *posix) loop(body func()) {
	saved, loose := r.maybe, r.f.loose
	r.f.loose = msg.Text{}
	body()
	if r.flow == flowBreak || r.flow == flowContinue {
		r.flow = flowNext
	}
	r.maybe, r.f.loose = saved, loose
	r.settle()
}

// iterate executes the body of a loop once; false means that the loop ends.
func (r *posix) iterate(list []*syntax.Stmt) bool {
	r.stmts(list)
	if r.flow == flowContinue {
		r.flow = flowNext
	}
	return r.flow == flowNext
}

func (r *posix) forClause(c *syntax.ForClause) {
	iter, ok := c.Loop.(*syntax.WordIter)
	switch {
	case !ok:
		r.cLoop(c)
		return
	case c.Select:
		r.uncertain(msg.New("depends on what the user types at %s", r.at()), false, func() { r.stmts(c.Do) })
		return
	}
	items := r.fields(iter.Items)
	if !iter.InPos.IsValid() && len(iter.Items) == 0 {
		items = r.positional()
	}
	r.status = success
	for i, item := range items {
		if i >= maxLoop*5 {
			r.note(msg.New("goready follows only %d rounds of this loop", maxLoop*5))
			r.forget(msg.New("the loop at %s is too long", r.at()))
			return
		}
		r.line(iter)
		if !item.known() && !item.soft {
			at := r.at()
			r.uncertain(dependsOn(at, item.why), false, func() { r.assign(iter.Name.Value, item.value); r.iterate(c.Do) })
			continue
		}
		r.assign(iter.Name.Value, item.value)
		if !r.iterate(c.Do) {
			return
		}
	}
	if len(items) == 0 {
		r.skipStmts(c.Do, msg.New("the loop at %s has nothing to go through", r.at()))
	}
}

// cLoop executes for ((init; cond; post)).
func (r *posix) cLoop(c *syntax.ForClause) {
	l := c.Loop.(*syntax.CStyleLoop)
	if l.Init != nil {
		r.arith(l.Init)
	}
	r.repeat(func() status {
		if l.Cond == nil {
			return success
		}
		return r.arithStatus(l.Cond)
	}, func() bool {
		ok := r.iterate(c.Do)
		if ok && l.Post != nil {
			r.arith(l.Post)
		}
		return ok
	}, c.Do)
}

func (r *posix) whileClause(c *syntax.WhileClause) {
	r.repeat(func() status {
		st, _, _ := r.condition(func() { r.stmts(c.Cond) })
		if c.Until {
			return st.not()
		}
		return st
	}, func() bool { return r.iterate(c.Do) }, c.Do)
}

// repeat executes a loop while its condition holds. A loop that does not end in maxLoop rounds is taken for endless if
// nothing about it is uncertain.
func (r *posix) repeat(cond func() status, body func() bool, stmts []*syntax.Stmt) {
	at := r.at()
	for range maxLoop {
		st := cond()
		switch {
		case r.flow != flowNext:
			return
		case !st.known():
			r.uncertain(dependsOn(at, st.why), false, func() { body() })
			return
		case st.code != 0:
			r.status = success
			return
		}
		if !body() {
			return
		}
		if *r.steps > maxSteps {
			return
		}
	}
	r.end(msg.New("the loop does not end within %d rounds", maxLoop), at)
}

// pipe executes a pipeline. All of it is lost, but for the last command in zsh.
func (r *posix) pipe(c *syntax.BinaryCmd) {
	left := r.sub()
	left.out = &value{}
	left.stmt(c.X)
	in := &input{rest: left.out.s, why: left.out.why}
	right := r
	if r.kind != Zsh {
		right = r.sub()
	}
	saved := right.in
	right.in = in
	right.stmt(c.Y)
	right.in = saved
	r.status = right.status
	if v := left.out; !v.known() && v.cmd != nil && r.status.known() && r.status.code == 127 {
		r.status = unknownStatus(v.why)
	}
}

// define defines a function.
func (r *posix) define(c *syntax.FuncDecl) {
	r.status = success
	names := c.Names
	if c.Name != nil {
		names = []*syntax.Lit{c.Name}
	}
	fn := function{body: c.Body, script: r.script, file: r.f.file, env: r.f.env, maybe: r.maybe}
	if len(names) == 0 { // anonymous in zsh: called at once
		r.invoke(&fn, nil)
		return
	}
	if b, ok := c.Body.Cmd.(*syntax.Block); ok && len(b.Stmts) == 1 {
		if text, ok := r.script.lazy[b.Stmts[0].Pos().Offset()]; ok {
			fn.lazy = &text
		}
	}
	for _, n := range names {
		fn := fn
		fn.name = decode(n.Value)
		if r.dry {
			return
		}
		r.funcs[fn.name] = &fn
	}
}

// invoke calls a function.
func (r *posix) invoke(fn *function, args []field) {
	if r.f.calls >= maxCalls {
		r.note(msg.New("goready follows function calls only %d deep", maxCalls))
		r.status = unknownStatus(msg.New("function calls are nested too deeply"))
		return
	}
	saved, script := r.maybe, r.script
	if r.maybe.IsZero() {
		r.maybe = fn.maybe
	}
	r.push(frame{file: fn.file, fn: fn.name, args: values(args), saved: map[string]variable{}})
	if fn.name == "" {
		r.f.fn = "()"
	}
	if r.script = fn.script; fn.lazy != nil {
		r.runLazy(fn)
	} else {
		r.stmt(fn.body)
	}
	if r.flow == flowReturn {
		r.flow = flowNext
	}
	if r.f.trap.s != "" && r.flow == flowNext {
		st := r.status
		r.evalText(r.f.trap)
		r.status = st
	}
	r.leave()
	r.maybe, r.script = saved, script
}

func (r *posix) runLazy(fn *function) {
	s := r.e.body(fn.lazy, r.lang, fn.script.coded)
	r.run(s)
}

// leave ends a function: its local variables disappear.
func (r *posix) leave() {
	for name, old := range r.f.saved {
		r.vars[name] = old
	}
	r.pop()
}

// skipRest records what follows a return or an end in the same list.
func (r *posix) skipRest(list []*syntax.Stmt) {
	if r.flow >= flowReturn && r.flow != flowLine && r.f.fn == "" && !r.over.IsZero() && r.maybe.IsZero() {
		r.skipStmts(list, r.over)
	}
}
