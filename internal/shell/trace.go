package shell

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Limits of one evaluation.
const (
	maxSteps  = 100_000
	maxLoop   = 1_000
	maxSource = 32
	maxCalls  = 60
	maxGlob   = 5_000
)

// trace is what the evaluators of all languages share: where they are, the environment they change, and the limits.
type trace struct {
	e   *Evaluator
	s   Session
	env *layer.Env
	res *Result
	// quiet: this is a subshell; nothing of what it does is recorded.
	quiet bool
	f     *frame

	steps *int
	// maybe, if not zero, says why it is not known whether the current statement is executed at all.
	maybe msg.Text
	// dry: expand for display only; nothing is changed and no command substitution is followed.
	dry  bool
	flow flow
	// over says why the statements after an end, or after a return from a file, are not reached.
	over msg.Text
	// asking collects what the condition that is being evaluated asks about, asked holds what the conditions around
	// the current statement asked about.
	asking, asked asked
}

// flow is what the last statement did to the flow of control.
type flow int

const (
	flowNext flow = iota
	flowBreak
	flowContinue
	flowReturn
	flowLine  // an error of bash: the rest of the line is not executed
	flowAbort // an error: the start-up file and the files it reads are abandoned
	flowExit
)

// asked is a set of questions about the session, for the wording of guards.
type asked uint8

const (
	askedInteractive asked = 1 << iota
	askedLogin
)

// frame is a file or a function that is being executed.
type frame struct {
	file  string
	line  int
	fixed bool   // the text is not in the file (eval): statements keep the line
	fn    string // the function's name; "" for a file
	call  string // "file:line" of the call or source; "" for what the shell reads itself
	up    *frame
	depth int // of files
	calls int // of functions
	args  []value
	// saved holds what the function's local variables hide.
	saved map[string]variable
	trap  value // zsh: what a function executes at its end
	// taint, if not zero, says that the function or file may have returned already.
	taint msg.Text
	// loose, if not zero, says that the current loop may have ended already.
	loose msg.Text
	env   layer.ID
}

// function returns the function that is being executed, if any; a file it reads is part of it.
func (f *frame) function() *frame {
	for ; f != nil; f = f.up {
		if f.fn != "" {
			return f
		}
	}
	return nil
}

// variable is a shell variable.
type variable struct {
	value
	set, export, readonly, array bool
	from                         string // where it was assigned
	at                           layer.ID
	// hidden: assigned and not exported since. local: it disappears with the function, so the trail does not show it.
	hidden, local bool
	// may, if not zero, says why it is not known whether an exported variable is exported.
	may msg.Text
}

func (t *trace) at() string { return t.f.at() }

func (f *frame) at() string {
	if f == nil {
		return ""
	}
	return layer.Place(f.file, f.line)
}

// push enters a file or a function.
func (t *trace) push(f frame) {
	f.up, f.call = t.f, t.at()
	if f.fn == "" {
		f.env = layer.ShellFile
		if strings.HasPrefix(f.file, "/etc/profile.d/") {
			f.env = layer.ProfileD
		}
	}
	if up := t.f; up != nil {
		f.depth, f.calls = up.depth, up.calls
		if f.fn != "" {
			f.env = up.env
		}
	}
	if f.fn == "" {
		f.depth++
	} else {
		f.calls++
	}
	t.f = &f
}

func (t *trace) pop() { t.f = t.f.up }

// step counts a statement; false means that the limit is reached and evaluation ends.
func (t *trace) step() bool {
	*t.steps++
	if *t.steps <= maxSteps {
		return true
	}
	if t.flow != flowExit {
		t.end(msg.New("start-up takes more than %d steps: it probably never completes", maxSteps), t.at())
	}
	return false
}

// charge counts the handling of a long value as the steps it takes.
func (t *trace) charge(bytes int) { *t.steps += bytes >> 8 }

// end records that start-up ends here, or may end here, and stops the evaluation of this branch.
func (t *trace) end(why msg.Text, from string) {
	t.flow = flowExit
	if t.maybe.IsZero() {
		t.over = msg.New("not reached: start-up ends at %s", from)
	}
	if t.quiet || t.dry || !t.res.End.Why.IsZero() && !t.res.End.Maybe {
		return
	}
	if t.res.End.Why.IsZero() || t.maybe.IsZero() {
		t.res.End = End{Why: why, From: from, Maybe: !t.maybe.IsZero()}
	}
}

func (t *trace) note(text msg.Text) { t.noteAt(t.at(), text) }

func (t *trace) noteAt(from string, text msg.Text) {
	if !t.quiet && !t.dry && len(t.res.Notes) < 100 {
		t.res.Notes = append(t.res.Notes, Note{From: from, Text: text})
	}
}

func (t *trace) visit(file string, state State, why msg.Text) {
	if t.quiet || len(t.res.Files) >= 2_000 {
		return
	}
	depth := 0
	if t.f != nil {
		depth = t.f.depth
	}
	t.res.Files = append(t.res.Files, Visit{File: file, By: t.at(), State: state, Why: why, Depth: depth})
}

// record writes a change of an exported variable into the trail.
func (t *trace) record(name string, v variable) {
	if t.quiet {
		return
	}
	set := layer.Set{Layer: v.at, From: v.from, Value: v.s, Unset: !v.set, Unknown: v.why}
	switch {
	case set.Unset:
		set.Value = ""
	case set.Unknown.IsZero():
		set.Unknown = v.may
	}
	if t.f != nil && t.f.fn != "" {
		set.Why = msg.New("set by the function %s called at %s", t.f.fn, t.f.call)
	}
	t.env.Add(name, set)
}

// skip records an assignment that is not reached.
func (t *trace) skip(name string, v value, why msg.Text) {
	if t.quiet {
		return
	}
	t.env.Add(name, layer.Set{Layer: t.f.env, From: t.at(), Value: v.s, Skipped: why})
}

// opaque records that anything may have changed.
func (t *trace) opaque(why msg.Text) {
	if !t.quiet && !t.dry {
		id := layer.ShellFile
		if t.f != nil {
			id = t.f.env
		}
		t.env.Opaque(layer.Set{Layer: id, From: t.at(), Unknown: why})
	}
}

// uncertain runs branches of which at most one is really executed, nobody knows which. all says that one of them is.
func (t *trace) uncertain(why msg.Text, all bool, branches ...func()) {
	saved := t.maybe
	ends := make([]flow, len(branches))
	for i, branch := range branches {
		if t.maybe.IsZero() {
			t.maybe = why
		}
		t.flow = flowNext
		branch()
		if *t.steps > maxSteps {
			return
		}
		ends[i] = t.flow
	}
	t.maybe, t.flow = saved, flowNext
	if all && ends[0] != flowNext && len(slices.Compact(slices.Clone(ends))) == 1 {
		t.flow = ends[0]
		if t.flow == flowExit {
			t.end(t.res.End.Why, t.res.End.From)
		}
		return
	}
	if t.f == nil {
		return
	}
	// An exit that may have happened taints nothing: what asks about the environment exists only if it did not.
	if (slices.Contains(ends, flowReturn) || slices.Contains(ends, flowAbort)) && t.f.taint.IsZero() {
		t.f.taint = why
	}
	if (slices.Contains(ends, flowBreak) || slices.Contains(ends, flowContinue)) && t.f.loose.IsZero() {
		t.f.loose = why
	}
	t.settle()
}

// settle applies what is known to be uncertain about the rest of the frame after a branch.
func (t *trace) settle() {
	if t.maybe.IsZero() {
		t.maybe = t.f.taint
	}
	if t.maybe.IsZero() {
		t.maybe = t.f.loose
	}
}

// guardWhy words why what follows a return is not reached.
func (t *trace) guardWhy() msg.Text {
	switch {
	case t.asked&askedInteractive != 0 && !t.s.Interactive:
		return msg.New("the file returns at %s when the shell is not interactive", t.at())
	case t.asked&askedInteractive != 0:
		return msg.New("the file returns at %s when the shell is interactive", t.at())
	case t.asked&askedLogin != 0 && !t.s.Login:
		return msg.New("the file returns at %s when the shell is not a login shell", t.at())
	case t.asked&askedLogin != 0:
		return msg.New("the file returns at %s when the shell is a login shell", t.at())
	}
	return msg.New("the file returns at %s", t.at())
}

// branchWhy words why a branch is not taken.
func (t *trace) branchWhy(a asked, at string) msg.Text {
	switch {
	case a&askedInteractive != 0 && !t.s.Interactive:
		return msg.New("skipped at %s because the shell is not interactive", at)
	case a&askedInteractive != 0:
		return msg.New("skipped at %s because the shell is interactive", at)
	case a&askedLogin != 0 && !t.s.Login:
		return msg.New("skipped at %s because the shell is not a login shell", at)
	case a&askedLogin != 0:
		return msg.New("skipped at %s because the shell is a login shell", at)
	}
	return msg.New("skipped by the condition at %s", at)
}

// abs makes a file name absolute in the directory dir, keeping its spelling otherwise.
func abs(dir, name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return strings.TrimSuffix(dir, "/") + "/" + name
}

// stat describes a file; the status says whether it exists.
func (t *trace) stat(name string) (host.Info, status) {
	info, err := t.e.stat(name)
	switch {
	case err == nil:
		return info, success
	case errors.Is(err, host.ErrUnknown):
		return info, unknownStatus(msg.New("%s is not recorded on this host", name))
	}
	return info, failure
}

// access reports whether the user may use a file; bit is 4 to read, 2 to write, 1 to execute.
func (t *trace) access(name string, bit fs.FileMode) status {
	info, st := t.stat(name)
	if !st.ok() {
		return st
	}
	uid, ok := t.e.uid()
	mode := info.Mode.Perm()
	switch {
	case !ok:
		return unknownStatus(msg.New("the user id is not known"))
	case uid == 0 && bit == 1:
		return statusOf(info.Mode.IsDir() || mode&0o111 != 0)
	case uid == 0:
		return success
	case info.UID == uid:
		return statusOf(mode>>6&bit != 0)
	case (mode>>3&bit != 0) != (mode&bit != 0):
		return unknownStatus(msg.New("the permissions of %s depend on the user's groups", name))
	}
	return statusOf(mode&bit != 0)
}

// readFile returns the contents of a file for a redirection or for cat.
func (t *trace) readFile(file string) (string, status) {
	if file == "/dev/null" {
		return "", success
	}
	data, err := t.e.read(file)
	switch {
	case err == nil && len(data) <= maxScript:
		return string(data), success
	case err != nil && !uncertainError(err):
		return "", failure
	}
	return "", unknownStatus(msg.New("the contents of %s are not known", file))
}
