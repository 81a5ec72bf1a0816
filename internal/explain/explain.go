// Package explain turns facts into decisions: for one variable and one consumer, the value, and every layer that was
// considered with the reason why it won or lost.
//
// It is pure: package facts gathered everything, nothing here asks the machine. Its one invariant: a decision whose
// state is "set" has exactly one reason that won, and that reason's value is the decision's value.
package explain

import (
	"strings"
	"time"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// State says what is known about a variable for a consumer.
type State string

// The states.
const (
	Set     State = "set"     // Value is what the consumer sees; it may be empty
	Unset   State = "unset"   // no layer gives it a value
	Unknown State = "unknown" // cannot be told without running something; see Reason
	Absent  State = "absent"  // the consumer does not exist on this machine; see Reason
)

// Decision is the answer for one variable and one consumer.
type Decision struct {
	Consumer string   `json:"id"`
	State    State    `json:"state"`
	Value    string   `json:"value"`
	Reason   msg.Text `json:"reason,omitzero"` // why the state is unknown or absent
	// Error is what the go command of this consumer would stop with, whatever it is asked.
	Error msg.Text   `json:"error,omitzero"`
	Notes []msg.Text `json:"-"`
	// Note is all notes in one English sentence.
	Note string `json:"note,omitempty"`
	// GoEnv is what "go env NAME" prints where that is not what takes effect.
	GoEnv    *string        `json:"goEnv,omitempty"`
	Trail    []layer.Reason `json:"trail"`
	Observed []Observation  `json:"observed,omitzero"`
}

// Observation is a running process and the value it really has.
type Observation struct {
	PID     int       `json:"pid"`
	Exe     string    `json:"exe"`
	Value   string    `json:"value"`
	State   State     `json:"state"`
	Started time.Time `json:"started"`
	Agrees  bool      `json:"agrees"`
	Note    msg.Text  `json:"note,omitzero"` // for a stale process: how to restart it
}

// Winner returns the reason that decided, or false if none did.
func (d *Decision) Winner() (layer.Reason, bool) {
	for _, r := range d.Trail {
		if r.Won {
			return r, true
		}
	}
	return layer.Reason{}, false
}

// Variable is a variable with the decisions of all consumers.
type Variable struct {
	Name      string     `json:"name"`
	Notes     []msg.Text `json:"notes,omitempty"` // about the name itself, such as a misspelling
	Consumers []Decision `json:"consumers"`
}

// Variables explains the variables names for every consumer of f, in the order of f.Consumers.
func Variables(f *facts.Facts, names []string) []Variable {
	vars := make([]Variable, len(names))
	for i, name := range names {
		vars[i].Name = name
		vars[i].Notes = nameNotes(f, name)
		for j := range f.Consumers {
			vars[i].Consumers = append(vars[i].Consumers, Decide(f, &f.Consumers[j], name))
		}
	}
	return vars
}

// Decide explains one variable for one consumer, and compares it with the processes that run now.
func Decide(f *facts.Facts, c *facts.Consumer, name string) Decision {
	d := decide(f, c, name)
	if d.State == Absent || !c.Failed.IsZero() {
		return d
	}
	observe(f, c, name, &d)
	d.joinNotes()
	return d
}

// Value explains one variable for one consumer, without regard to running processes. For the consumers of f it is
// computed once, so that it may be asked for often; the caller must not change it.
func Value(f *facts.Facts, c *facts.Consumer, name string) *Decision {
	build := func() any {
		d := decide(f, c, name)
		return &d
	}
	for i := range f.Consumers {
		if c == &f.Consumers[i] {
			return f.Once("explain\x00"+c.ID+"\x00"+name, build).(*Decision)
		}
	}
	return build().(*Decision)
}

func decide(f *facts.Facts, c *facts.Consumer, name string) Decision {
	d := Decision{Consumer: c.ID, Trail: []layer.Reason{}}
	if !c.Absent.IsZero() {
		d.State, d.Reason = Absent, c.Absent
		return d
	}
	if !c.Failed.IsZero() {
		d.State, d.Reason = Unknown, c.Failed
		return d
	}
	if goenv.IsGoVariable(name) {
		decideGo(f, c, name, &d)
	} else {
		decidePlain(f, c, name, &d)
	}
	d.Notes = append(d.Notes, c.Notes...)
	return d
}

// joinNotes makes Note of Notes.
func (d *Decision) joinNotes() {
	d.Note = ""
	for i, n := range d.Notes {
		if i > 0 {
			d.Note += "; "
		}
		d.Note += n.String()
	}
}

// decideGo explains a variable that the go command resolves itself: its own files and defaults lie below the process
// environment.
func decideGo(f *facts.Facts, c *facts.Consumer, name string, d *Decision) {
	q := f.Query(c)
	taint := watch(q, c.Env)
	res := goenv.Resolve(q, name)
	d.Notes = append(d.Notes, res.Notes...)
	if c.Go.SDK.Root != "" { // without an SDK there is no go command that could complain
		d.Error = res.Err
	}
	switch {
	case name == "GOTOOLCHAIN":
		d.Notes = append(d.Notes, toolchainNotes(q)...)
	case name == "GOPROXY" && c.ID == "vscode-gopls":
		d.Notes = append(d.Notes, msg.New("gopls runs go with GOPROXY=off except for the first load and explicit commands"))
	}
	osWins := false
	var ignored msg.Text // why the variable in the process environment does not count
	for _, r := range res.Trail {
		switch {
		case r.Layer != layer.OSEnv || r.From != "": // with a From it is about another variable, which decided
			d.Trail = append(d.Trail, r)
		case r.Won:
			osWins = true
		default:
			ignored = r.Why
		}
	}
	history, unknown := history(c.Env, name, osWins, ignored)
	d.Trail = append(d.Trail, history...)
	if osWins {
		d.State, d.Value = Set, res.Value
		fixWinner(d)
		return
	}
	if unknown.IsZero() {
		unknown = res.Unknown
	}
	if unknown.IsZero() {
		unknown = *taint
	}
	if unknown.IsZero() && c.User.Unknown {
		unknown = msg.New("what the go env file says is not known: %s", c.User.Err)
	}
	if unknown.IsZero() && c.Go.SDK.Root == "" && dependsOnSDK(d, name) {
		unknown = c.Go.Note
	}
	switch {
	case !unknown.IsZero():
		d.State, d.Reason = Unknown, unknown
		lose(d.Trail, unknown)
	case res.Set:
		d.State, d.Value = Set, res.Value
		d.noteGo(c)
	default:
		d.State = Unset
		d.noteGo(c)
	}
}

// dependsOnSDK reports whether the value of a variable that no file and no environment gives depends on which SDK it is.
func dependsOnSDK(d *Decision, name string) bool {
	if w, ok := d.Winner(); ok && w.Layer == layer.GoEnvFile {
		return false
	}
	switch name {
	case "GOPROXY", "GOSUMDB", "GOTOOLCHAIN", "GOROOT", "GOTOOLDIR", "GOVERSION":
		return true
	}
	return false
}

// toolchainNotes says what becomes of GOTOOLCHAIN in this folder: which toolchain runs, or why none does.
func toolchainNotes(q *goenv.Query) []msg.Text {
	s := goenv.SelectToolchain(q)
	var notes []msg.Text
	switch {
	case !s.Err.IsZero():
		notes = append(notes, msg.New("every other go command here stops with: %s", s.Err))
	case !s.Unknown.IsZero():
		notes = append(notes, msg.New("which toolchain runs here is unknown: %s", s.Unknown))
	case s.Toolchain != "" && s.Toolchain != "local":
		notes = append(notes, msg.New("go commands here run %s, which reads its own go.env", s.Toolchain))
	}
	if !s.ModuleErr.IsZero() {
		notes = append(notes, msg.New("go build, go list and go mod stop with: %s", s.ModuleErr))
	}
	return notes
}

// noteGo adds that the consumer itself finds no go command, when the value depends on that.
func (d *Decision) noteGo(c *facts.Consumer) {
	if !c.Go.Note.IsZero() {
		d.Notes = append(d.Notes, c.Go.Note)
	}
}

// watch makes q's view of the environment remember the first variable it was asked for whose value is unknown.
func watch(q *goenv.Query, env *layer.Env) *msg.Text {
	taint := new(msg.Text)
	q.Getenv = func(key string) string {
		v, ok, unknown := env.Lookup(key)
		if !unknown.IsZero() && taint.IsZero() {
			*taint = msg.New("it depends on %s, which is unknown: %s", key, unknown)
		}
		if !ok {
			return ""
		}
		return v
	}
	return taint
}

// decidePlain explains a variable that only the process environment can hold.
func decidePlain(f *facts.Facts, c *facts.Consumer, name string, d *Decision) {
	if c.User.File != nil {
		if v, line, ok := c.User.File.Lookup(name); ok {
			d.GoEnv = &v
			d.Trail = append(d.Trail, layer.Reason{Layer: layer.GoEnvFile, From: layer.Place(c.User.Name, line), Value: v,
				Why: msg.New("\"go env %s\" prints it, but nothing uses it: %s is read from the process environment only", name, name)})
		}
	}
	value, ok, _ := c.Env.Lookup(name)
	history, unknown := history(c.Env, name, ok, msg.Text{})
	d.Trail = append(d.Trail, history...)
	switch {
	case !unknown.IsZero():
		d.State, d.Reason = Unknown, unknown
	case ok:
		d.State, d.Value = Set, value
		if value != "" {
			d.GoEnv = nil
		}
	default:
		d.State = Unset
	}
}

// history turns what happened to a variable in the process environment into reasons. wins: the last change decides;
// if not, ignored is why, where that is not because it is empty.
func history(env *layer.Env, name string, wins bool, ignored msg.Text) ([]layer.Reason, msg.Text) {
	sets := env.Trail(name)
	_, _, unknown := env.Lookup(name)
	last := -1
	for i, s := range sets {
		if s.Skipped.IsZero() {
			last = i
		}
	}
	var out []layer.Reason
	for i, s := range sets {
		r := layer.Reason{Layer: s.Layer, From: s.From, Value: s.Value}
		switch {
		case !s.Skipped.IsZero():
			r.Why = s.Skipped
		case i < last:
			r.Why = overwritten(sets[last])
		case !s.Unknown.IsZero():
			r.Why = s.Unknown
		case s.Unset:
			r.Why = firstOf(s.Why, msg.New("removes the variable"))
		case wins:
			r.Won = true
			r.Why = firstOf(s.Why, msg.New("the process environment comes first"))
		default:
			r.Why = firstOf(ignored, msg.New("empty, which counts as unset"))
		}
		out = append(out, r)
	}
	if n := len(sets); n > 0 && !unknown.IsZero() && !strings.Contains(unknown.String(), sets[n-1].From) {
		unknown = msg.New("%s: %s", sets[n-1].From, unknown)
	}
	return out, unknown
}

func overwritten(by layer.Set) msg.Text {
	switch {
	case by.Unset:
		return msg.New("removed later by %s", by.From)
	case !by.Unknown.IsZero():
		return msg.New("perhaps overwritten later by %s", by.From)
	}
	return msg.New("overwritten later by %s", by.From)
}

func firstOf(a, b msg.Text) msg.Text {
	if a.IsZero() {
		return b
	}
	return a
}

// fixWinner keeps the invariant: Resolve may normalise what the environment holds (a GOROOT is cleaned), and the
// reason that won shows the value that takes effect.
func fixWinner(d *Decision) {
	for i := range d.Trail {
		if d.Trail[i].Won {
			d.Trail[i].Value = d.Value
		}
	}
}

// lose withdraws a win that an unknown layer makes doubtful.
func lose(trail []layer.Reason, why msg.Text) {
	for i := range trail {
		if trail[i].Won {
			trail[i].Won = false
			trail[i].Why = msg.New("would win, but: %s", why)
		}
	}
}
