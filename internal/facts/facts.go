// Package facts gathers what goready needs to know about a machine: which processes could start there (the
// consumers), the environment each of them would see with the history of every variable, the go command each would
// run, and the files and running processes behind that.
//
// [Gather] is the only input: it asks a host.Host and returns [Facts], plain data. Its one invariant: what could not
// be learnt is recorded as unknown, with the reason, never left out as if it were absent. The package gives no
// opinions; explain and check do.
package facts

import (
	"time"

	"github.com/goready/goready/internal/editor"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/shell"
)

// Facts is what is known about a machine and a workspace on it.
type Facts struct {
	Platform  host.Platform
	Home      string // "" if unknown
	User      string
	Workspace string // absolute
	Shell     string // the user's shell: $SHELL, else from the user database
	UID       int    // of the user; -1 where the system has none
	// WSL: the machine is Linux under Windows.
	WSL bool
	// Container names what goready runs in ("docker", "podman", …); "" if it is no container, or one that does not show.
	Container string
	// Now is when the machine was looked at; zero if Options.Now was.
	Now time.Time

	// Consumers are the kinds of process that were asked for, in the order of [Kinds].
	Consumers []Consumer

	// Files are the go env files that were read, by name.
	Files map[string]*goenv.File
	// Editor is what was found of the editor whose consumers are described; nil if none exists here.
	Editor *Editor
	// Running are the running processes that matter for observed values; nil unless asked for.
	Running []Running

	// Toolchain, Startup, Project and Paths are nil unless their sections were wanted.
	Toolchain *Toolchain
	Startup   *Startup
	Project   *Project
	Paths     *Paths

	// Problems are settings that have no effect, or not the one they seem to have.
	Problems []Problem
	// Unknown says which sections could not be gathered, and why.
	Unknown map[Section]msg.Text

	answers answers
	memo    *memo // nil: nothing is remembered
}

// Section is a part of Facts that may be unknown as a whole, and that may be gathered only when it is wanted.
type Section string

// The sections.
const (
	SectionProcesses Section = "processes"
	SectionSettings  Section = "settings"
	SectionToolchain Section = "toolchain"  // the go commands of the machine; see [Toolchain]
	SectionCompiler  Section = "compiler"   // what the compiler says of its version, which is run for it; [Toolchain.Compile]
	SectionStartup   Section = "startup"    // the shell's start-up files; see [Startup]
	SectionShellRuns Section = "shell-runs" // what the shell does when it is really run, besides
	SectionProject   Section = "project"    // what the workspace requires; see [Project]
	SectionPaths     Section = "paths"      // the files and folders that variables name; see [Paths]
)

// Consumer is a kind of process on this machine, and what it would be given.
type Consumer struct {
	// ID is one of the ids in [Kinds], for some kinds followed by ":" and a name ("vscode-debug:Launch Package").
	ID string
	// Absent, if not zero, says why this consumer does not exist here; nothing else is set then.
	Absent msg.Text
	// Failed, if not zero, says why nothing could be found out: a bug in goready, which must not hide the other
	// consumers.
	Failed msg.Text
	// Env is the environment a go command (or the program of this consumer) is started with.
	Env *layer.Env
	// Dir is its working directory.
	Dir string
	// Go is the go command it finds. Go.SDK.Root is "" if there is none at all.
	Go GoCommand
	// User is the go env file its go command reads; see [goenv.UserFile].
	User UserFile
	// Module is the go.mod and go.work its go command finds.
	Module goenv.Module
	// Chain is how its environment came about, step by step.
	Chain []Link
	// Tools are the programs besides go that this consumer is about, by name: gopls or dlv as the Go extension finds
	// them. A name with an empty path was not found.
	Tools map[string]string
	// Notes are remarks on this consumer as a whole.
	Notes []msg.Text
}

// GoCommand is the go command a consumer runs.
type GoCommand struct {
	SDK goenv.SDK
	// Path is the program that the consumer starts as go, whether or not it is part of an SDK; "" if it finds none.
	Path string
	// Found says how it was found; "" if it was not found by the consumer itself and another SDK stands in for it.
	Found string
	// Note, if not zero, says that the consumer itself finds no go command.
	Note msg.Text
}

// UserFile is the user's go env file as a consumer's go command finds it.
type UserFile struct {
	Name string
	Off  bool
	Err  msg.Text // why there is none
	// Unknown: Err is that goready cannot know the file; the go command may well read it.
	Unknown bool
	File    *goenv.File
}

// Link is a step of the start-up chain of a consumer.
type Link struct {
	What  msg.Text
	Files []shell.Visit
}

// Editor is an installation of VS Code or a relative.
type Editor struct {
	Variant   editor.Variant
	Extension editor.Extension // zero if the Go extension is not installed
	Model     editor.Model
	Known     bool // the model was made for this version of the extension
	Settings  *editor.Settings
	// Base says where the extension host's environment comes from: "observed", "desktop" or "terminal".
	Base string
}

// Running is a process that runs now and its environment.
type Running struct {
	PID      int
	Kind     string // "gopls", "dlv", "go", "extension-host"
	Exe      string
	Started  time.Time
	Consumer string // the consumer it is an instance of
	Env      *layer.Env
	Unknown  msg.Text // why Env is nil
	// Fresh, if not nil, is what such a process would be given if it were started now; otherwise that is the consumer.
	Fresh *Consumer
}

// Problem is a setting that has no effect, or not the one it seems to have, and what works instead.
type Problem struct {
	From    string   `json:"from"` // file:line
	Subject string   `json:"subject"`
	Text    msg.Text `json:"text"`
	Instead msg.Text `json:"instead,omitzero"`
}
