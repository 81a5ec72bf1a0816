// Package msg holds the sentences goready says and their translations.
//
// A sentence is a [Text]: an English format string and its arguments. The English format is the key of the
// catalogue, so packages write plain English where they decide something, and the translation is looked up only
// when the sentence is printed. Its one invariant, checked by a test that reads the whole module's source: every
// format given to [New] has a Simplified Chinese entry that uses the same arguments.
//
// The package does not choose a language and does no output.
package msg

import (
	"encoding/json"
	"fmt"
)

// Text is a sentence that has not been put into words yet. The zero Text is the empty sentence.
type Text struct {
	Format string
	Args   []any // strings, integers, or other Texts, which are translated too
}

// New returns the sentence made from an English format (lower case, no full stop, fmt verbs) and its arguments.
// The format must be a constant: the catalogue test finds it by reading the source.
func New(format string, args ...any) Text {
	return Text{Format: format, Args: args}
}

// IsZero reports whether t is the empty sentence.
func (t Text) IsZero() bool { return t.Format == "" }

// Map returns the sentence with f applied to each argument that is a string, also in sentences within it.
func (t Text) Map(f func(string) string) Text {
	if len(t.Args) == 0 {
		return t
	}
	args := make([]any, len(t.Args))
	for i, a := range t.Args {
		switch a := a.(type) {
		case string:
			args[i] = f(a)
		case Text:
			args[i] = a.Map(f)
		default:
			args[i] = a
		}
	}
	return Text{t.Format, args}
}

// String returns the sentence in English.
func (t Text) String() string { return t.In(English) }

// Lang is a language that the catalogue has.
type Lang string

// The languages of the catalogue.
const (
	English Lang = "en"
	Chinese Lang = "zh-CN"
)

// In returns the sentence in the language l; a sentence that l lacks is given in English.
func (t Text) In(l Lang) string {
	if t.Format == "" {
		return ""
	}
	format := t.Format
	if l == Chinese {
		if s, ok := chinese()[format]; ok {
			format = s
		}
	}
	if len(t.Args) == 0 {
		return format
	}
	args := make([]any, len(t.Args))
	for i, a := range t.Args {
		if inner, ok := a.(Text); ok {
			a = inner.In(l)
		}
		args[i] = a
	}
	return fmt.Sprintf(format, args...)
}

// MarshalJSON writes the English sentence: JSON output does not depend on the user's language.
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// UnmarshalJSON reads a sentence that was written by MarshalJSON; it can no longer be translated.
func (t *Text) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	*t = Text{}
	if s != "" {
		*t = Text{Format: "%s", Args: []any{s}}
	}
	return nil
}
