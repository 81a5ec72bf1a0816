package goenv

import (
	"errors"
	"strings"

	"golang.org/x/mod/modfile"

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

// ModuleProblem is a problem of a go.mod or go.work.
type ModuleProblem struct {
	File string   `json:"file"`
	Line int      `json:"line"` // from 1; 0 if unknown
	Text msg.Text `json:"text"`
}

// maxModuleFile is the size in bytes above which a go.mod is not checked for mistakes.
const maxModuleFile = 1 << 20

// FindModule finds and reads go.mod and go.work as cmd/go/internal/modload.FindGoMod and FindGoWork do. The problems are
// those of files that the go command refuses to load, at most ten for each.
func FindModule(h host.Host, s ModuleSearch) (Module, []ModuleProblem) {
	p := h.Platform()
	var m Module
	var problems []ModuleProblem
	m.Mod, problems = moduleUp(h, s.Dir, "go.mod", "")
	var more []ModuleProblem
	m.Work, more = moduleUp(h, s.Dir, "go.work", s.GOROOT)
	problems = append(problems, more...)
	switch {
	case s.GOWORK == "" || s.GOWORK == "auto" || s.GOWORK == "off":
	case p.IsAbs(s.GOWORK):
		m.Given.Name = s.GOWORK
		if _, err := host.Stat(h, s.GOWORK); err == nil || errors.Is(err, host.ErrUnknown) {
			m.Given, more = moduleRead(h, s.GOWORK)
			problems = append(problems, more...)
		}
	}
	if m.Mod.Name != "" {
		m.ModInTemp = moduleSameDir(h, p.Dir(m.Mod.Name), s.TempDir)
	}
	return m, problems
}

// moduleUp finds and reads the nearest file called base in dir or above, without going up into the folder stop.
func moduleUp(h host.Host, dir, base, stop string) (ModuleFile, []ModuleProblem) {
	p := h.Platform()
	for dir = p.Clean(dir); ; {
		name := p.Join(dir, base)
		if info, err := host.Stat(h, name); err == nil && !info.Mode.IsDir() {
			return moduleRead(h, name)
		}
		up := p.Dir(dir)
		if up == dir || up == stop {
			return ModuleFile{}, nil
		}
		dir = up
	}
}

// moduleSameDir is cmd/go/internal/search.InDir(dir, temp) == ".".
func moduleSameDir(h host.Host, dir, temp string) bool {
	p := h.Platform()
	if temp == "" {
		return false
	}
	if dir == temp || dir == strings.TrimRight(temp, p.Separator()) {
		return true
	}
	realTemp, err := host.EvalSymlinks(h, temp)
	if err != nil {
		realTemp = temp
	}
	realDir, err := host.EvalSymlinks(h, dir)
	if err != nil {
		realDir = dir
	}
	return realDir == realTemp
}

func moduleRead(h host.Host, name string) (ModuleFile, []ModuleProblem) {
	f := ModuleFile{Name: name, Exists: true}
	data, err := h.ReadFile(name)
	if err != nil {
		f.Err = msg.New("%s", err.Error())
		return f, []ModuleProblem{{File: name, Text: f.Err}}
	}
	f.Go = moduleLookup(data, "go")
	f.Toolchain = moduleLookup(data, "toolchain")
	f.ModulePath = modfile.ModulePath(data)
	if len(data) > maxModuleFile {
		return f, nil
	}
	return f, moduleProblems(h.Platform().Base(name), name, data)
}

// moduleLookup is cmd/go/internal/gover.GoModLookup with the number of the line.
func moduleLookup(data []byte, key string) ModuleLine {
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), key)
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '\t' {
			continue
		}
		rest, _, _ = strings.Cut(rest, "//")
		return ModuleLine{Value: strings.TrimSpace(rest), Line: n}
	}
	return ModuleLine{}
}

func moduleProblems(base, name string, data []byte) []ModuleProblem {
	var err error
	if base == "go.mod" {
		_, err = modfile.Parse(name, data, nil)
	} else {
		_, err = modfile.ParseWork(name, data, nil)
	}
	list, ok := errors.AsType[modfile.ErrorList](err)
	if err != nil && !ok {
		return []ModuleProblem{{File: name, Text: msg.New("%s", err.Error())}}
	}
	var problems []ModuleProblem
	for _, e := range list[:min(len(list), 10)] {
		problems = append(problems, ModuleProblem{File: name, Line: e.Pos.Line, Text: msg.New("%s", moduleErrorText(e))})
	}
	return problems
}

// moduleErrorText is the error without the position.
func moduleErrorText(e modfile.Error) string {
	e.Filename = ""
	e.Pos = modfile.Position{}
	return e.Error()
}
