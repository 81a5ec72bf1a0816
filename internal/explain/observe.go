package explain

import (
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/msg"
)

// observe compares a decision with the processes that run now.
func observe(f *facts.Facts, c *facts.Consumer, name string, d *Decision) {
	if f.Running == nil {
		return
	}
	d.Observed = []Observation{}
	for i := range f.Running {
		r := &f.Running[i]
		if r.Consumer != c.ID {
			continue
		}
		d.Observed = append(d.Observed, observation(f, c, name, d, r))
	}
}

func observation(f *facts.Facts, c *facts.Consumer, name string, d *Decision, r *facts.Running) Observation {
	o := Observation{PID: r.PID, Exe: r.Exe, Started: r.Started}
	if r.Env == nil {
		o.State, o.Note, o.Agrees = Unknown, r.Unknown, true
		return o
	}
	predicted := value{d.State, d.Value}
	if r.Fresh != nil {
		predicted = valueFor(f, r.Fresh, name)
	}
	running := *c
	if r.Fresh != nil {
		running = *r.Fresh
	}
	running.Env = r.Env
	seen := valueFor(f, &running, name)
	o.State, o.Value = seen.state, seen.text
	o.Agrees = seen == predicted || predicted.state == Unknown
	if !o.Agrees {
		o.Note = msg.New("stale: a new one would get %s; %s", predicted.show(), Restart(r.Kind, f))
	}
	return o
}

// value is a decision reduced to what can be compared.
type value struct {
	state State
	text  string
}

func (v value) show() string {
	if v.state == Set {
		return v.text
	}
	return "(" + string(v.state) + ")"
}

func valueFor(f *facts.Facts, c *facts.Consumer, name string) value {
	plain := *c
	plain.ID = "" // its own observations are not wanted
	d := Decide(f, &plain, name)
	return value{d.State, d.Value}
}

// Restart says how a running process of a kind of facts.Running gets its new environment.
func Restart(kind string, f *facts.Facts) msg.Text {
	switch kind {
	case "gopls":
		return msg.New("run \"Go: Restart Language Server\"; if it stays, \"Developer: Reload Window\", because the Go extension keeps what it copied at activation")
	case "dlv":
		return msg.New("end the debug session and start it again")
	case "go":
		return msg.New("it keeps its environment until it ends")
	}
	if f.Editor != nil && f.Editor.Variant.Remote {
		return msg.New("stop the server (\"Remote-SSH: Kill VS Code Server on Host\") and connect again; reloading the window is not enough")
	}
	return msg.New("quit the editor completely and start it again; reloading the window is not enough")
}
