// Package team reads goready.toml, in which a project or a team says what its machines should be like.
//
// [Find] looks for the file through a host.Host, so that a snapshot contains it, and [Decode] reads it strictly. Its one
// invariant: what the file says is either understood or an [Error] that names the line; nothing in it is passed over.
// The package applies nothing: who uses a section decides what it means.
package team

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/goready/goready/internal/host"
)

// Name is the name of the file.
const Name = "goready.toml"

// MaxSize is the size in bytes of the largest file that is read.
const MaxSize = 256 << 10

// File is a goready.toml.
type File struct {
	Name string `toml:"-"` // absolute
	// Go is the Go SDK wanted ("1.26", "1.26.8"); "" if any.
	Go     string            `toml:"go"`
	Env    Env               `toml:"env"`
	Tools  map[string]string `toml:"tools"` // by program: package@version
	VSCode VSCode            `toml:"vscode"`
	CA     CA                `toml:"ca"`
	Doctor Doctor            `toml:"doctor"`
}

// Env are the variables wanted, by the scope in which they are to be set.
type Env struct {
	User    map[string]string `toml:"user"`
	Session map[string]string `toml:"session"`
	Service map[string]string `toml:"service"`
	Machine map[string]string `toml:"machine"`
	Project map[string]string `toml:"project"`
}

// VSCode is what is wanted of VS Code.
type VSCode struct {
	Settings map[string]any `toml:"settings"`
}

// CA are certificates of authorities, as names of PEM files relative to the folder of goready.toml.
type CA struct {
	Files []string `toml:"files"`
}

// Doctor are the wishes about goready doctor. Empty fields have none.
type Doctor struct {
	FailOn   string   `toml:"fail-on"`  // error, warning or never
	Severity string   `toml:"severity"` // error, warning or info
	Skip     []string `toml:"skip"`     // ids or categories
	Known    []Known  `toml:"known"`
}

// Known is a finding that is declared as known.
type Known struct {
	ID     string `toml:"id"`
	Object string `toml:"object"` // empty: whatever the object is
	// Until is the last day on which it is known; zero: for ever.
	Until  toml.LocalDate `toml:"until"`
	Reason string         `toml:"reason"`
	Line   int            `toml:"-"` // of the declaration
}

// Day returns the last day on which k is known, zero if there is none.
func (k *Known) Day() time.Time {
	if k.Until == (toml.LocalDate{}) {
		return time.Time{}
	}
	return k.Until.AsTime(time.UTC)
}

// Error says what is wrong in a file.
type Error struct {
	File string
	Line int // 0 if it concerns the whole file
	Text string
	Near string // what was probably meant; "" if that is not known
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Text
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text)
}

// maxLevels is how many folders are looked into, from the workspace upwards.
const maxLevels = 64

// Find returns the contents of the goready.toml that concerns the folder dir: the nearest one in it or above, up to the
// root of its repository, or else to home. Where there is no such end, only dir itself counts: what lies further up
// (/tmp/goready.toml) may be anybody's. name is "" if there is none.
func Find(h host.Host, dir, home string) (name string, data []byte, err error) {
	p := h.Platform()
	for _, folder := range folders(h, dir, home) {
		name := p.Join(folder, Name)
		data, err := h.ReadFile(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case errors.Is(err, host.ErrTooLarge), err == nil && len(data) > MaxSize:
			return name, nil, &Error{File: name, Text: fmt.Sprintf("larger than %d bytes", MaxSize)}
		case err != nil:
			return name, nil, fmt.Errorf("%s: %w", name, err)
		}
		return name, data, nil
	}
	return "", nil, nil
}

// folders returns dir and those above it that may hold its goready.toml.
func folders(h host.Host, dir, home string) []string {
	p := h.Platform()
	var out []string
	for folder := p.Clean(dir); len(out) < maxLevels; folder = p.Dir(folder) {
		out = append(out, folder)
		if _, err := h.Lstat(p.Join(folder, ".git")); err == nil || home != "" && folder == p.Clean(home) {
			return out
		}
		if p.Dir(folder) == folder {
			break
		}
	}
	return out[:1]
}
