// Package goenv holds the go command's own rules as pure functions: which value a variable has for a go command, and
// which layer decided; which toolchain go.mod, go.work and GOTOOLCHAIN select; what GOPROXY, GOPRIVATE, GOSUMDB, GOAUTH
// and the HTTP proxy variables mean for a module or a URL.
//
// Its one invariant: the answers are those of the real go command, quirks and failures included. Where a rule is
// surprising its source in the Go tree is named; oracle tests compare both. What cannot be told from the given data (a
// toolchain that would be downloaded first, a file nobody read) is Unknown or said in a note, never guessed silently.
//
// The package describes any machine, not the one it runs on: it imports none of os, path/filepath and runtime, and
// takes files, environments and path rules as data. It starts no process and no request, writes no file, and has no
// opinion on what the values should be, except for settings that have no effect at all ([File.Lint]).
package goenv
