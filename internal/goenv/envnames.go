package goenv

// IsGoVariable reports whether the go command itself looks up key in its files and defaults, or computes it: all that
// "go env" prints and what internal/cfg.KnownEnv lists. Other variables, also those that the Go runtime reads, can only
// be set in the process environment.
func IsGoVariable(key string) bool { return false }

// Variables returns the names for which [IsGoVariable] holds, sorted.
func Variables() []string { return nil }

// Nearest returns the candidate that word was probably meant to be, or "" if none is close.
func Nearest(word string, candidates []string) string { return "" }
