// Package shell tells which start-up files a shell reads for each kind of session and what they do to its
// environment, without running anything.
//
// It evaluates bash, zsh, fish and POSIX sh files statement by statement over a [layer.Env]: every assignment gets its
// file and line, every line that a guard or a branch skipped stays visible as a skipped entry of the trail. Its one
// invariant: it never guesses. What only running the shell can tell (the output of a program, a condition that depends
// on one) is unknown with its reason, and so is everything that follows from it. It evaluates nothing that happens
// after start-up (prompt hooks, direnv, mise activate), and executes nothing except in [Probe], which runs the shell.
package shell

import (
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Kind is a family of shells that share a language and start-up files.
type Kind string

// The kinds whose start-up files are evaluated. Any other Kind is the base name of a program ("tcsh", "nu", …): its
// start-up files are not evaluated and make every variable unknown.
const (
	Bash Kind = "bash"
	Zsh  Kind = "zsh"
	Fish Kind = "fish"
	Sh   Kind = "sh" // dash, ash, or whatever sh is; see [Session.Path]
)

// Supported reports whether the start-up files of k are evaluated.
func (k Kind) Supported() bool { return k == Bash || k == Zsh || k == Fish || k == Sh }

// KindOf returns the kind of the shell whose program is shellPath, by its base name.
func KindOf(p host.Platform, shellPath string) Kind {
	base := strings.TrimPrefix(p.Base(shellPath), "-")
	if p.Windows() {
		base = strings.TrimSuffix(strings.ToLower(base), ".exe")
	}
	switch base {
	case "bash", "rbash":
		return Bash
	case "zsh", "rzsh", "zsh5":
		return Zsh
	case "fish":
		return Fish
	case "sh", "dash", "ash":
		return Sh
	}
	return Kind(base)
}

// Session is one way to start a shell.
type Session struct {
	Kind Kind
	// Path is the program, as $SHELL would name it. For Sh it decides which program sh really is (a symbolic link to
	// bash, busybox, …). "" is the kind's own name in /bin.
	Path string
	// Dir is the working directory; "" is the home directory.
	Dir         string
	Login       bool
	Interactive bool
	// SSHCommand: sshd started the shell with -c. The bash of Debian, Ubuntu, Fedora and RHEL then reads bashrc
	// (compile option SSH_SOURCE_BASHRC).
	SSHCommand bool
	// Posix: bash was started with --posix.
	Posix bool
	// TTY says whether the shell has a terminal, which start-up files can ask ([ -t 0 ]).
	TTY Answer
	// NoRC: no start-up files (zsh -f, fish -N, bash --norc --noprofile).
	NoRC bool
}

// Answer is yes, no, or not known.
type Answer int8

// The answers.
const (
	NotKnown Answer = iota
	Yes
	No
)

// Options is what an Evaluator needs to know about the machine.
type Options struct {
	Host host.Host
	// Home is the user's home directory; "" is HOME of the environment the session starts with.
	Home string
	// User is the login name; "" is USER or LOGNAME of the environment.
	User string
	// UID is the numeric user id, answer of `id -u`. nil: the owner of Home.
	UID *int
	// Hostname is the answer of `hostname`; "" is unknown.
	Hostname string
	// GoEnv resolves `$(go env KEY)` in the environment as it is at that line. nil: unknown.
	GoEnv func(env *layer.Env, key string) (string, bool)
}

// Result is what the start-up files of a session did.
type Result struct {
	// Env is the environment that programs started from this shell get. Values the shell sets by itself (PWD, SHLVL)
	// are in it. A shell variable that is not exported appears in its trail as a skipped entry.
	Env *layer.Env
	// Files lists the start-up files in the order in which they were looked at, including those that do not exist.
	Files []Visit
	// End says that start-up does not complete, or that it may not.
	End End
	// Notes are remarks about files (syntax errors, what could not be followed), in the order found.
	Notes []Note
}

// End says where start-up ends early: an exit, an exec of another program, an endless loop. A consumer that runs a
// command through such a shell gets nothing.
type End struct {
	Why  msg.Text // zero: start-up completes
	From string   // "file:line"
	// Maybe: it depends on something that only running the shell can tell. Env assumes that it goes on.
	Maybe bool
}

// Note is a remark about a line of a start-up file.
type Note struct {
	From string `json:"from"` // "file:line" or a file
	Text msg.Text
}

// Visit is one look at a start-up file.
type Visit struct {
	File string `json:"file"`
	// By is the "file:line" that sourced it; "" means that the shell reads it by itself.
	By    string   `json:"by"`
	State State    `json:"state"`
	Why   msg.Text `json:"why"` // zero for Read and for an ordinary Missing
	Depth int      `json:"depth"`
}

// State is what became of a start-up file.
type State string

// The states of a Visit.
const (
	Read       State = "read"
	Missing    State = "missing"
	Skipped    State = "skipped" // a guard or a branch was not taken
	Maybe      State = "maybe"   // whether it is read depends on something that cannot be told
	Unreadable State = "unreadable"
	TooDeep    State = "too-deep" // sources itself, or the nesting or step limit was reached
)
