package goenv

import (
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// Module is what a go command finds of go.mod and go.work in its working directory and above.
type Module struct {
	// Mod is the nearest go.mod; its Name is "" if there is none.
	Mod ModuleFile `json:"mod"`
	// Work is the go.work that is found by walking up, and Given the one that GOWORK names, if it names one.
	Work  ModuleFile `json:"work"`
	Given ModuleFile `json:"given"`
	// ModInTemp: Mod is in the root of the system's folder for temporary files, where Go ignores it.
	ModInTemp bool `json:"modInTemp,omitempty"`
}

// ModuleFile is a go.mod or go.work.
type ModuleFile struct {
	Name string `json:"name"` // absolute, "" if there is none
	// Exists: the file is there (GOWORK may name one that is not).
	Exists bool `json:"exists"`
	// Err, if not zero, says why it cannot be read.
	Err msg.Text `json:"err,omitzero"`
	// Go and Toolchain are the lines that cmd/go/internal/gover.GoModLookup finds, which is less strict than the parser.
	Go        ModuleLine `json:"go"`
	Toolchain ModuleLine `json:"toolchain"`
	// ModulePath is the path of the module; "" in a go.work.
	ModulePath string `json:"modulePath,omitempty"`
}

// ModuleLine is the value of a go or toolchain line.
type ModuleLine struct {
	Value string `json:"value"`
	Line  int    `json:"line"` // from 1; 0 if there is no such line
}

// ModuleSearch says where FindModule looks.
type ModuleSearch struct {
	Dir string // absolute
	// GOWORK is the value of that variable, from [Getenv]: go.work may be elsewhere.
	GOWORK string
	// GOROOT is the value of that variable; the search for go.work does not go up into it.
	GOROOT string
	// TempDir is what [TempDir] returns.
	TempDir string
}

// FindModule finds and reads go.mod and go.work as cmd/go/internal/modload.FindGoMod and FindGoWork do. The problems are
// those of files that the go command refuses to load.
func FindModule(h host.Host, s ModuleSearch) (Module, []ModuleProblem) { return Module{}, nil }

// ModuleProblem is a problem of a go.mod or go.work.
type ModuleProblem struct {
	File string   `json:"file"`
	Line int      `json:"line"` // from 1; 0 if unknown
	Text msg.Text `json:"text"`
}

// Getenv returns what cmd/go/internal/cfg.Getenv returns for key in q: the layers without defaults and derived values.
// It needs q.Module for nothing but a toolchain that brings another $GOROOT/go.env.
func Getenv(q *Query, key string) string { return "" }
