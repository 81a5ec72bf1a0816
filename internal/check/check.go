// Package check holds the catalogue of what goready doctor looks for, and runs it.
//
// A [Check] is a pure function over facts.Facts: data in, findings out. [Run] runs many of them at once, survives those
// that panic or hang, and leaves out what is only the consequence of another finding. The package's one invariant: a
// finding names evidence that a person can look at, and what could not be known is never reported as broken. It asks no
// machine, changes nothing and prints nothing; facts gathers, cli prints.
package check

import (
	"strconv"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Severity says how bad a finding is.
type Severity string

// The severities, the worst first.
const (
	Error   Severity = "error"   // something does not work
	Warning Severity = "warning" // something will surprise, or works by luck
	Info    Severity = "info"    // worth knowing
)

// AtLeast reports whether s is as bad as t or worse.
func (s Severity) AtLeast(t Severity) bool { return s.rank() <= t.rank() }

func (s Severity) rank() int {
	switch s {
	case Error:
		return 0
	case Warning:
		return 1
	}
	return 2
}

// Check is one thing the doctor looks for. Its id is stable and never reused.
type Check struct {
	ID string // "category.name"
	// Severity is that of its worst findings.
	Severity Severity
	// Platforms are the systems it applies to: "linux", "darwin", "windows", "wsl" (which is linux too). Empty means all.
	Platforms []string
	// Title says what is looked for, in one line.
	Title msg.Text
	// Facts are the sections it reads besides what is always gathered.
	Facts []facts.Section
	// Needs are ids of checks without which this one cannot look: where one of them has found an error, this check is
	// skipped.
	Needs []string
	// After are ids of checks whose findings may be the cause of findings of this one. A finding that shares its object
	// or a line of evidence with one of theirs is a consequence, and not reported as a cause.
	After []string
	// AfterLine are the same, but only a shared line makes a consequence: two lines can set one variable, and be wrong in
	// different ways.
	AfterLine []string
	// Run returns what is wrong, nothing if all is well. It must not change the Facts.
	Run func(f *facts.Facts) []Finding
}

// Category returns the part of the id before the first dot.
func (c *Check) Category() string {
	category, _, _ := strings.Cut(c.ID, ".")
	return category
}

// AppliesTo reports whether the machine of f is one that the check is for.
func (c *Check) AppliesTo(f *facts.Facts) bool {
	if len(c.Platforms) == 0 {
		return true
	}
	for _, p := range c.Platforms {
		if p == f.Platform.OS || p == "wsl" && f.WSL {
			return true
		}
	}
	return false
}

// Finding is one thing that is wrong.
type Finding struct {
	// Severity is that of this finding; empty means the check's.
	Severity Severity
	// Object is what it is about: a variable, a file, a program. Two findings of a check have different objects or
	// different evidence.
	Object string
	// Consumers are the ids of the consumers it concerns; empty if it concerns all.
	Consumers []string
	Message   Message
	// Cause says why that is bad: what fails because of it.
	Cause msg.Text
	// Evidence is where to look, the deciding place first.
	Evidence []Evidence
	// Steps say how to repair it, in order.
	Steps []Step
	// Unknown, if not zero, says why it could not be found out whether something is wrong. It is no finding then.
	Unknown msg.Text

	raised bool
}

// Raised reports whether [Run] gave a finding the severity of what follows from it: by itself it is less bad.
func (f *Finding) Raised() bool { return f.raised }

// Message is what a finding says. Key and Args are for programs and never translated.
type Message struct {
	Key  string // check id and a word
	Args map[string]any
	Text msg.Text
}

// say makes a Message. names names the arguments of text, in order, separated by blanks.
func say(key, names string, text msg.Text) Message {
	m := Message{Key: key, Args: map[string]any{}, Text: text}
	fields := strings.Fields(names)
	if len(fields) != len(text.Args) {
		panic("check: " + key + " names " + strconv.Itoa(len(fields)) + " of " + strconv.Itoa(len(text.Args)) + " arguments")
	}
	for i, name := range fields {
		value := text.Args[i]
		if inner, ok := value.(msg.Text); ok {
			value = inner.String()
		}
		m.Args[name] = value
	}
	return m
}

// Evidence is a place that shows what a finding says. Path is absolute, and empty for what is in no file (a process, a
// program's output), which Text then describes. Line is 0 where there is none. Text is the line, or what was seen; empty
// means that the line itself says it.
type Evidence struct {
	Path string
	Line int
	Text string
}

// at returns the evidence for a place as facts name it: "file:line", a file, or a description.
func at(from, text string) Evidence {
	path, line := layer.SplitPlace(from)
	if !strings.HasPrefix(path, "/") && (len(path) < 3 || path[1] != ':' && path[:2] != `\\`) {
		if text != "" {
			text = from + ": " + text
		} else {
			text = from
		}
		return Evidence{Text: text}
	}
	return Evidence{Path: path, Line: line, Text: text}
}

// place is how messages name it.
func (e *Evidence) place() string { return layer.Place(e.Path, e.Line) }

// Step is a part of a repair: what to do, and a command that does it where there is one. Command is for the shell of
// the machine described, ready to be copied.
type Step struct {
	Text    msg.Text
	Command string
}
