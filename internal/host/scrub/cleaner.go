package scrub

import (
	"strings"

	"github.com/goready/goready/internal/host"
)

// Cleaner removes secrets from what is said about one machine, as [Fixture] removes them from its recording: to clean
// what was said about the machine, or what was said about its scrubbed recording, gives the same. Cleaning twice is
// cleaning once.
type Cleaner struct{ known *strings.Replacer }

// rest removes the secrets that were found elsewhere, and makes all marks alike.
func (c *Cleaner) rest(text string) string { return plainMarks(c.known.Replace(text)) }

// NewCleaner returns a Cleaner that knows the secrets of f.
func NewCleaner(f *host.Fixture) *Cleaner {
	s, _ := find(f, false)
	return &Cleaner{s.known()}
}

// File returns the contents of a file without secrets, line by line what it was.
func (c *Cleaner) File(name string, content []byte) []byte {
	s := &scrubber{found: map[string]bool{}}
	clean := s.content(name, content)
	return mapText(clean, c.rest)
}

// Value returns the value of a variable without secrets; all of it is one if the name says so.
func (c *Cleaner) Value(name, value string) string {
	if name == "" {
		return c.Line(value)
	}
	s := &scrubber{found: map[string]bool{}}
	kv := s.environ(name + "=" + value)
	return c.rest(strings.TrimPrefix(kv, name+"="))
}

// Line returns a piece of text without secrets: a word or a line of a file, the message of an error.
func (c *Cleaner) Line(text string) string {
	s := &scrubber{found: map[string]bool{}}
	return c.rest(s.line(text))
}

// Name returns the name of a file or program without secrets.
func (c *Cleaner) Name(name string) string {
	s := &scrubber{found: map[string]bool{}}
	return c.rest(s.tokens(name))
}

// Output is the last guard over all that is printed, whole pages of text or JSON: it removes only what is sure to be
// secret, wherever it stands, and so breaks neither sentences nor JSON.
func (c *Cleaner) Output(text string) string {
	s := &scrubber{found: map[string]bool{}}
	return c.rest(s.tokens(s.urls(s.schemes(text))))
}
