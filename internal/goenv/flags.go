package goenv

import "github.com/goready/goready/internal/msg"

// Flag is a flag in GOFLAGS.
type Flag struct {
	Text  string // as written, without quotes around it
	Name  string // without dashes
	Value string
	// HasValue: written as -name=value.
	HasValue bool
}

// ParseGOFLAGS splits the value of GOFLAGS as cmd/go/internal/base.InitGOFLAGS does. err is what every go command but
// env and bug says and then fails with; flags are those before the mistake.
func ParseGOFLAGS(goflags string) (flags []Flag, err msg.Text) { return nil, msg.Text{} }

// SplitQuoted splits s into fields at blanks, tabs and line ends as cmd/internal/quoted.Split does: a field that begins
// with a quote ends at the next one of its kind, with no escapes; quotes inside a field are ordinary characters.
func SplitQuoted(s string) ([]string, error) { return nil, nil }
