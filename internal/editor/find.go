package editor

import (
	"errors"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Found is a program that the extension found.
type Found struct {
	Path string   // "" if not found
	Via  string   // alternateTool, gobin, gopath, goroot, path, default
	From string   // where that is written: "file:line" or a description
	Why  msg.Text // in words
	// Unknown, if not zero: a place that is searched earlier cannot be seen, so that another program may be meant.
	Unknown msg.Text
}

// FindGo returns the go command that the extension uses (util.ts getBinPathWithExplanation). exthost is the
// extension host's environment; currentGoroot is the GOROOT that the last snapshot answered, "" before the first.
// A Go that was chosen in the status bar is in a database that is not read here.
func (m Model) FindGo(exthost *layer.Env, s *Settings, folder int, currentGoroot string) Found {
	f := finder{s: s, env: exthost, name: "go"}
	f.goroot(folder, currentGoroot)
	if f.alternate(folder) || f.gobin() || f.inGoroot() || f.path() || f.defaults() {
		return f.found
	}
	f.found.Why = msg.New("the extension finds no go command")
	return f.found
}

// FindTool returns a tool such as gopls or dlv.
func (m Model) FindTool(name string, exthost *layer.Env, s *Settings, folder int, currentGoroot string) Found {
	f := finder{s: s, env: exthost, name: name, root: currentGoroot, rootFrom: extensionItself}
	if currentGoroot == "" {
		f.root, f.rootFrom = exthost.Get("GOROOT"), "GOROOT"
	}
	if f.alternate(folder) || f.gobin() || f.gopaths(m, folder) || f.inGoroot() || f.path() {
		return f.found
	}
	f.found.Why = msg.New("the extension does not find %s", name)
	return f.found
}

// finder searches the places of pathUtils.ts getBinPathWithPreferredGopathGorootWithExplanation.
type finder struct {
	s              *Settings
	env            *layer.Env
	name           string // the tool
	base           string // the file searched for, if go.alternateTools names another
	root, rootFrom string
	found          Found
}

func (f *finder) goroot(folder int, current string) {
	st := f.s.Lookup("go.goroot", folder)
	if text, ok := st.Value.Str(); ok && text != "" {
		t := f.s.scope(f.env, folder).Extension(text)
		if f.root, f.rootFrom = t.Value, winner(st).From(); !t.Unknown.IsZero() {
			f.doubt(t.Unknown)
		}
	}
	if f.root == "" {
		f.root, f.rootFrom = current, extensionItself
	}
	if f.root == "" {
		v, _, unknown := f.env.Lookup("GOROOT")
		f.root, f.rootFrom = v, fromOf(f.env, "GOROOT")
		f.doubt(unknown)
	}
}

// fromOf returns where the value of a variable is written.
func fromOf(env *layer.Env, name string) string {
	from := name
	for _, set := range env.Trail(name) {
		if set.Skipped.IsZero() {
			from = set.From
		}
	}
	return from
}

func (f *finder) doubt(unknown msg.Text) {
	if f.found.Unknown.IsZero() {
		f.found.Unknown = unknown
	}
}

// alternate looks at go.alternateTools. A name without a path is searched for in the usual places instead.
func (f *finder) alternate(folder int) bool {
	f.base = f.name
	for _, mb := range f.s.Object("go.alternateTools", folder) {
		text, ok := mb.Value.Str()
		if mb.Key != f.name || !ok || text == "" {
			continue
		}
		t := f.s.scope(f.env, folder).Extension(text)
		f.doubt(t.Unknown)
		p := f.s.platform()
		if !p.IsAbs(t.Value) {
			f.base = t.Value
			return false
		}
		if f.executable(t.Value) {
			return f.set(t.Value, "alternateTool", mb.Pos.String(), msg.New("go.alternateTools names it"))
		}
		return false
	}
	return false
}

func (f *finder) set(path, via, from string, why msg.Text) bool {
	if f.base != f.name {
		via = "alternateTool"
	}
	f.found.Path, f.found.Via, f.found.From, f.found.Why = path, via, from, why
	return true
}

func (f *finder) gobin() bool {
	v, _, unknown := f.env.Lookup("GOBIN")
	f.doubt(unknown)
	return f.search(v, "", "gobin", fromOf(f.env, "GOBIN"), msg.New("it is in GOBIN"))
}

func (f *finder) gopaths(m Model, folder int) bool {
	st := f.s.Lookup("go.toolsGopath", folder)
	if text, ok := st.Value.Str(); ok && text != "" {
		t := f.s.scope(f.env, folder).Extension(text)
		f.doubt(t.Unknown)
		if f.search(t.Value, "bin", "gopath", winner(st).From(), msg.New("it is in go.toolsGopath")) {
			return true
		}
	}
	g := m.currentGopath(f.env, f.s, folder)
	f.doubt(g.Unknown)
	return f.search(g.Value, "bin", "gopath", g.From, msg.New("it is in GOPATH/bin"))
}

func (f *finder) inGoroot() bool {
	return f.search(f.root, "bin", "goroot", f.rootFrom, msg.New("it is in the bin folder of GOROOT"))
}

func (f *finder) path() bool {
	v, _, unknown := f.env.Lookup("PATH")
	f.doubt(unknown)
	if !f.search(v, "", "path", fromOf(f.env, "PATH"), msg.New("it is on PATH")) {
		return false
	}
	if f.name == "go" && f.found.Path == "/snap/bin/go" {
		f.found.Path = "/snap/go/current/bin/go"
	}
	return true
}

func (f *finder) defaults() bool {
	list := []string{"/usr/local/go/bin/go", "/usr/local/bin/go"}
	if f.s.platform().Windows() {
		list = []string{`C:\Program Files\Go\bin\go.exe`, `C:\Program Files (x86)\Go\bin\go.exe`}
	}
	for _, path := range list {
		if f.executable(path) {
			f.base = f.name
			return f.set(path, "default", extensionItself, msg.New("it is where Go is usually installed"))
		}
	}
	return false
}

// search looks for the program in the folders of a list, below sub.
func (f *finder) search(list, sub, via, from string, why msg.Text) bool {
	p := f.s.platform()
	file := f.base
	if p.Windows() {
		file += ".exe"
	}
	for _, dir := range strings.Split(list, p.ListSeparator()) {
		if !p.IsAbs(dir) {
			continue // relative to the folder the editor was started in, which nobody means
		}
		if path := p.Join(dir, sub, file); f.executable(path) {
			return f.set(path, via, from, why)
		}
	}
	return false
}

func (f *finder) executable(path string) bool {
	info, err := host.Stat(f.s.h, path)
	if errors.Is(err, host.ErrUnknown) {
		f.doubt(msg.New("it is not known whether %s exists", path))
	}
	return err == nil && (host.IsExecutable(info) || f.s.platform().Windows() && info.Mode.IsRegular())
}

func (s *Settings) isDir(path string) bool {
	info, err := host.Stat(s.h, path)
	return err == nil && info.Mode.IsDir()
}

func (s *Settings) exists(path string) bool {
	_, err := host.Stat(s.h, path)
	return err == nil
}
