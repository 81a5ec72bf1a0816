package goenv

import "github.com/goready/goready/internal/msg"

// Problem is something in a file that has no effect, or not the one it seems to have. Go itself says nothing about it.
type Problem struct {
	Line    int      `json:"line"` // from 1
	Key     string   `json:"key"`  // the variable, if the line is about one
	Text    msg.Text `json:"text"`
	Instead msg.Text `json:"instead"` // what works; zero if there is nothing better to say
}

// Lint returns what in the user's go env file does not do what it seems to do, in the order of the lines, at most 100.
func (f *File) Lint() []Problem { return nil }
