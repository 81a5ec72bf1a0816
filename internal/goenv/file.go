package goenv

import "strings"

// File is a go env file: the user's, which "go env -w" writes, or $GOROOT/go.env. A nil *File is an empty one.
type File struct {
	Name    string  `json:"name"`
	Entries []Entry `json:"entries"` // every line that sets a variable, in order
	// Data is the contents of the file, which [File.Lint] looks at.
	Data string `json:"data"`
}

// Entry is a line of a go env file that sets a variable.
type Entry struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Line  int    `json:"line"` // from 1
}

// ParseFile reads a go env file as cmd/go/internal/cfg.readEnvFile does: a line counts if it begins with A to Z and has
// a "="; all after the first "=" is the value. There are no quotes, comments, escapes or expansions, nothing is
// trimmed, not even the carriage return before a line feed, and every other line is ignored without a word.
func ParseFile(name string, data []byte) *File {
	f := &File{Name: name, Data: string(data)}
	rest := f.Data
	for n := 1; rest != ""; n++ {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		key, value, ok := strings.Cut(line, "=")
		if ok && line[0] >= 'A' && line[0] <= 'Z' {
			f.Entries = append(f.Entries, Entry{Key: key, Value: value, Line: n})
		}
	}
	return f
}

// Lookup returns the value that the file gives to key, which is that of the last line for it.
func (f *File) Lookup(key string) (value string, line int, ok bool) {
	if f == nil {
		return "", 0, false
	}
	for i := len(f.Entries) - 1; i >= 0; i-- {
		if e := f.Entries[i]; e.Key == key {
			return e.Value, e.Line, true
		}
	}
	return "", 0, false
}
