// Package editor describes Visual Studio Code and its relatives: where they keep their files, which settings hold in
// a window, what launch.json, tasks.json and devcontainer.json say, and what the Go extension does with all of it to
// the environment of the processes it starts.
//
// Its one invariant: everything that is said about a value has a [Position]. Files are read through host.Host and
// parsed the forgiving way VS Code itself parses them; what VS Code would ignore is kept with the reason.
// The behaviour of the Go extension is data with a version ([Model]); an extension outside the known range is
// predicted with the nearest model and said to be so.
//
// The package runs nothing: values that only `go env` can tell are answers given to it ([Answers]).
package editor

import (
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Position is a place in a file. Line and Col start at 1 and Col counts bytes; Line 0 means the file as a whole.
type Position struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
}

// String returns "file:line", or "file" if there is no line.
func (p Position) String() string { return layer.Place(p.File, p.Line) }

// Severity says how sure and how bad a problem is.
type Severity string

// The severities of a Problem.
const (
	Broken   Severity = "broken"   // a file or value that is not read, or that makes something fail
	NoEffect Severity = "noeffect" // written down, and nothing reads it
	Advice   Severity = "advice"   // works, but there is something to know
)

// Problem is something wrong, without effect or worth knowing in one of the editor's files.
type Problem struct {
	Pos      Position
	Severity Severity
	Key      string   // the setting or attribute, "" for a file as a whole
	Text     msg.Text // what is wrong
	Instead  msg.Text // what works instead; may be zero
}

// Origin is what one layer had to say about a setting. It is an entry of a trail, in the order considered.
type Origin struct {
	Layer   layer.ID
	Pos     Position
	Value   *Node
	Applied bool
	Why     msg.Text // why it is not applied, or what to know about it; may be zero
}

// From returns where the origin is written, as "file:line".
func (o Origin) From() string { return o.Pos.String() }

// Setting is the effective value of a setting: for an object the values of all layers merged key by key.
type Setting struct {
	Key   string
	Value *Node    // nil if no layer that applies sets it (the extension's or VS Code's default holds)
	Trail []Origin // weakest first; the last one that is applied wins, unless Value is an object
}

// Set reports whether any layer that applies sets the setting.
func (s Setting) Set() bool { return s.Value != nil }

// Member is one key of an object setting such as go.toolsEnvVars, or of an "env" attribute.
type Member struct {
	Key   string
	Value *Node
	Layer layer.ID
	Pos   Position
	Trail []Origin // every layer that has the key, weakest first
}
