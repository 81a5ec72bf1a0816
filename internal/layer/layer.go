// Package layer describes where a value comes from: the layers that can set a variable, and an environment that
// remembers, for every variable, each layer that touched it.
//
// Its one invariant: an [Env] never forgets. What a later layer overwrites, removes or could not decide stays in the
// trail of the variable, in the order in which it happened, because the trail is what goready shows to its users.
// The package knows no rules of any program; those are in goenv, shell, sysenv and editor.
package layer

import (
	"strings"

	"github.com/goready/goready/internal/msg"
)

// ID names a kind of source. The ids are part of the output contract (explain --format json) and never change.
type ID string

// The layers, in no particular order: which one wins depends on the consumer.
const (
	OSEnv          ID = "os-env"          // the environment a process was given
	ShellFile      ID = "shell-file"      // a start-up file of a shell
	EtcEnvironment ID = "etc-environment" // /etc/environment, by PAM
	ProfileD       ID = "profile-d"       // a file in /etc/profile.d
	EnvironmentD   ID = "environment-d"   // environment.d of the systemd user manager
	Launchd        ID = "launchd"
	WindowsUser    ID = "windows-user"
	WindowsMachine ID = "windows-machine"
	SystemdUnit    ID = "systemd-unit" // a unit, its drop-ins, or the manager's defaults
	Crontab        ID = "crontab"

	GoEnvFile ID = "go-env-file" // the user's file that go env -w writes
	SDKGoEnv  ID = "sdk-go-env"  // $GOROOT/go.env
	GoDefault ID = "go-default"  // compiled into the go command
	GoDerived ID = "go-derived"  // computed from another variable, or from where the go command was found
	GoMod     ID = "go-mod"
	GoWork    ID = "go-work"

	SettingsDefault   ID = "vscode-settings-default"
	SettingsUser      ID = "vscode-settings-user"
	SettingsRemote    ID = "vscode-settings-remote"
	SettingsWorkspace ID = "vscode-settings-workspace"
	SettingsFolder    ID = "vscode-settings-folder"
	HTTPProxy         ID = "vscode-http-proxy"   // the setting http.proxy
	TerminalEnv       ID = "vscode-terminal-env" // the setting terminal.integrated.env.*
	Frozen            ID = "vscode-frozen"       // values the Go extension copied at activation
	GoplsEnv          ID = "vscode-gopls-env"    // the setting gopls build.env
	LaunchEnv         ID = "launch-env"
	LaunchEnvFile     ID = "launch-env-file"
	TestEnv           ID = "test-env"
	TestEnvFile       ID = "test-env-file"
	TaskEnv           ID = "task-env"
	ContainerEnv      ID = "container-env"
	RemoteEnv         ID = "remote-env"
)

// Reason says what one layer had to say about one variable, and whether that counted. It is an entry of a trail.
type Reason struct {
	Layer ID       `json:"layer"`
	From  string   `json:"from"` // "file:line" as that machine spells it, or a description such as "environment of goready"
	Value string   `json:"value"`
	Won   bool     `json:"won"`
	Why   msg.Text `json:"why"`
}

// Set is what one layer did to one variable of an environment.
type Set struct {
	Layer ID
	From  string // "file:line" as that machine spells it, or a description
	Value string
	// Unset: the layer removed the variable; Value is empty.
	Unset bool
	// Skipped, if not zero, says why this layer was considered but did nothing (an interactivity guard returned before
	// the line, an export is missing, …). Value is what it would have set. A skipped Set never changes the environment.
	Skipped msg.Text
	// Unknown, if not zero, says why the outcome cannot be told without running something. Value is then the text as
	// written, for display only.
	Unknown msg.Text
	// Why, if not zero, is the reason to print when this Set decides the value; otherwise a general one is used.
	Why msg.Text
}

// Env is an environment whose variables remember their history. The zero Env is empty and case-sensitive.
// It is not safe for concurrent use.
type Env struct {
	// FoldCase: names differ only by more than letter case (Windows).
	FoldCase bool
	vars     map[string][]Set
	names    []string // in order of first appearance, as first spelled
	// opaque holds the events that may have changed any variable; see Opaque.
	opaque []opaqueEvent
	clock  int
	at     map[string]int // clock of the last effective Set of a variable
}

type opaqueEvent struct {
	set  Set
	when int
}

// FromList returns an environment from "KEY=value" strings, all set by the same layer. Entries without a "=" after
// the first character are ignored, as every operating system does.
func FromList(list []string, id ID, from string, foldCase bool) *Env {
	e := &Env{FoldCase: foldCase}
	for _, kv := range list {
		// Windows keeps current directories in names such as "=C:".
		if i := strings.Index(kv[min(1, len(kv)):], "="); i >= 0 {
			e.Add(kv[:i+1], Set{Layer: id, From: from, Value: kv[i+2:]})
		}
	}
	return e
}

func (e *Env) key(name string) string {
	if e.FoldCase {
		return strings.ToUpper(name)
	}
	return name
}

// Add records what a layer did to the variable name.
func (e *Env) Add(name string, s Set) {
	k := e.key(name)
	if e.vars == nil {
		e.vars = map[string][]Set{}
		e.at = map[string]int{}
	}
	if _, ok := e.vars[k]; !ok {
		e.names = append(e.names, name)
	}
	e.vars[k] = append(e.vars[k], s)
	if s.Skipped.IsZero() {
		e.clock++
		e.at[k] = e.clock
	}
}

// Opaque records an event that may have set any variable to anything (an eval of a command's output, say). Every
// variable that is not set again afterwards is unknown for the reason s.Unknown, which must not be zero.
func (e *Env) Opaque(s Set) {
	e.clock++
	e.opaque = append(e.opaque, opaqueEvent{s, e.clock})
}

// Lookup returns the value of the variable name and whether it is set. If that cannot be told, unknown is the reason,
// value is the best guess for display, and ok is false.
func (e *Env) Lookup(name string) (value string, ok bool, unknown msg.Text) {
	if e == nil {
		return "", false, msg.Text{}
	}
	k := e.key(name)
	last, found := e.last(k)
	if n := len(e.opaque); n > 0 && e.opaque[n-1].when > e.at[k] {
		return last.Value, false, e.opaque[n-1].set.Unknown
	}
	if !found || last.Unset {
		return "", false, msg.Text{}
	}
	if !last.Unknown.IsZero() {
		return last.Value, false, last.Unknown
	}
	return last.Value, true, msg.Text{}
}

// Get returns the value of the variable name, or "" if it is unset, empty or unknown.
func (e *Env) Get(name string) string {
	v, ok, _ := e.Lookup(name)
	if !ok {
		return ""
	}
	return v
}

func (e *Env) last(k string) (Set, bool) {
	sets := e.vars[k]
	for i := len(sets) - 1; i >= 0; i-- {
		if sets[i].Skipped.IsZero() {
			return sets[i], true
		}
	}
	return Set{}, false
}

// Trail returns everything that happened to the variable name, oldest first, including the opaque events that came
// after its last change.
func (e *Env) Trail(name string) []Set {
	if e == nil {
		return nil
	}
	k := e.key(name)
	trail := append([]Set(nil), e.vars[k]...)
	for _, o := range e.opaque {
		if o.when > e.at[k] {
			trail = append(trail, o.set)
		}
	}
	return trail
}

// Names returns the names of all variables that any layer mentioned, in order of first appearance.
func (e *Env) Names() []string {
	if e == nil {
		return nil
	}
	return append([]string(nil), e.names...)
}

// Clone returns an independent copy of e.
func (e *Env) Clone() *Env {
	if e == nil {
		return &Env{}
	}
	c := &Env{FoldCase: e.FoldCase, clock: e.clock, names: append([]string(nil), e.names...), opaque: append([]opaqueEvent(nil), e.opaque...)}
	c.vars = make(map[string][]Set, len(e.vars))
	c.at = make(map[string]int, len(e.at))
	for k, v := range e.vars {
		c.vars[k] = v[:len(v):len(v)]
	}
	for k, v := range e.at {
		c.at[k] = v
	}
	return c
}

// List returns the variables that are set and known as "KEY=value", in order of first appearance.
func (e *Env) List() []string {
	var list []string
	for _, name := range e.Names() {
		if v, ok, _ := e.Lookup(name); ok {
			list = append(list, name+"="+v)
		}
	}
	return list
}
