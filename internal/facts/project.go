package facts

import (
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/goready/goready/internal/editor"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host"
)

// Project is what the workspace asks of Go, and the things on this machine that the values of variables name.
type Project struct {
	// Modules are the modules of the workspace: that of the nearest go.mod, and those that go.work uses, at most 32.
	Modules []ProjectModule
	// Remotes are those of the git repository that the workspace is in.
	Remotes []GitRemote
	// Rewrites are the rules url.*.insteadOf of git, the user's and the repository's.
	Rewrites []GitRewrite
	// Services are services and jobs whose commands run go.
	Services []Service
	// Places are the folders and programs that variables of the developer's consumers name, by their absolute names.
	Places map[string]Place
	// LocalProxyContainer is the devcontainer.json of the workspace if VS Code gives what it runs in that container the
	// setting http.proxy of this machine; "" if there is none, or it has proxy settings of its own.
	LocalProxyContainer string
	// Files are files of the workspace that are usually committed and often hold environments; see [ProjectFile].
	Files []ProjectFile
	// Exposed are the files with user information in URLs that every user of the machine may read.
	Exposed map[string]bool
	// GODEBUG are the keys of GODEBUG that the toolchain of a consumer knows, by the consumer's id. Only consumers that
	// have a GODEBUG, and a toolchain whose sources are there, have an entry.
	GODEBUG map[string]GODEBUGKeys
}

// GODEBUGKeys are the keys of GODEBUG that a toolchain knows.
type GODEBUGKeys struct {
	Version string // of the toolchain: "go1.26.8"
	Keys    []string
}

// ProjectModule is a module of the workspace.
type ProjectModule struct {
	File     string // go.mod
	Path     string
	Requires []Requirement
	// Godebug are its godebug lines, without "default".
	Godebug []GodebugLine
}

// GodebugLine is a godebug line of a go.mod.
type GodebugLine struct {
	Key  string
	Line int
}

// Requirement is a module that is required and not replaced by a folder, and no module of the workspace.
type Requirement struct {
	Path string // of the module that is fetched: the replacement where there is one
	File string
	Line int // of the require line
}

// Place is what is at a name.
type Place struct {
	Absent bool
	Folder bool
	// Unknown: it could not be looked at.
	Unknown bool
}

const (
	maxProjectModules = 32
	maxProjectFile    = 1 << 20
)

func (g *gatherer) project() *Project {
	p := &Project{Places: map[string]Place{}, Exposed: map[string]bool{}, GODEBUG: map[string]GODEBUGKeys{}}
	g.projectModules(p)
	g.git(p)
	g.services(p)
	g.places(p)
	g.projectFiles(p)
	p.LocalProxyContainer = g.localProxyContainer()
	g.exposed(p)
	g.godebug(p)
	return p
}

// read returns a file of moderate size.
func (g *gatherer) read(name string) ([]byte, bool) {
	data, err := g.h.ReadFile(name)
	return data, err == nil && len(data) <= maxProjectFile
}

// projectModules reads go.mod, or what go.work uses.
func (g *gatherer) projectModules(p *Project) {
	var mod, work string
	for i := range g.f.Consumers {
		c := &g.f.Consumers[i]
		if !c.Known() || !ForDevelopers(c.ID) {
			continue
		}
		mod = c.Module.Mod.Name
		if name := goenv.Resolve(g.f.query(c, &asker{g.h}), "GOWORK").Value; g.p.IsAbs(name) {
			work = name
		}
		break
	}
	var names []string
	var common []*modfile.Replace // of go.work
	if data, ok := g.read(work); work != "" && ok {
		if w, err := modfile.ParseWork(work, data, nil); err == nil {
			for _, u := range w.Use[:min(len(w.Use), maxProjectModules)] {
				dir := u.Path
				if !g.p.IsAbs(dir) {
					dir = g.p.Join(g.p.Dir(work), dir)
				}
				names = append(names, g.p.Join(dir, "go.mod"))
			}
			common = w.Replace
		}
	}
	if len(names) == 0 && mod != "" {
		names = []string{mod}
	}
	parsed := map[string]*modfile.File{}
	members := map[string]bool{}
	for _, name := range names {
		if data, ok := g.read(name); ok {
			if f, err := modfile.ParseLax(name, data, nil); err == nil && f.Module != nil {
				parsed[name], members[f.Module.Mod.Path] = f, true
			}
		}
	}
	for _, name := range names {
		if f := parsed[name]; f != nil {
			m := ProjectModule{File: name, Path: f.Module.Mod.Path}
			own := g.strictModule(name)
			replaces := slices.Concat(common, own.Replace)
			for _, d := range own.Godebug {
				if d.Syntax != nil && d.Key != "default" {
					m.Godebug = append(m.Godebug, GodebugLine{Key: d.Key, Line: d.Syntax.Start.Line})
				}
			}
			for _, r := range f.Require {
				path, local := replaced(r, replaces)
				if !local && !members[path] && r.Syntax != nil {
					m.Requires = append(m.Requires, Requirement{Path: path, File: name, Line: r.Syntax.Start.Line})
				}
			}
			p.Modules = append(p.Modules, m)
		}
	}
}

// strictModule returns a go.mod with the lines that modfile.ParseLax leaves out; nothing if the file has a mistake.
func (g *gatherer) strictModule(name string) *modfile.File {
	data, _ := g.read(name)
	f, err := modfile.Parse(name, data, nil)
	if err != nil {
		return &modfile.File{}
	}
	return f
}

// replaced returns the module that is fetched for a requirement; local: it is a folder.
func replaced(r *modfile.Require, replaces []*modfile.Replace) (path string, local bool) {
	for _, rep := range replaces {
		if rep.Old.Path == r.Mod.Path && (rep.Old.Version == "" || rep.Old.Version == r.Mod.Version) {
			return rep.New.Path, rep.New.Version == ""
		}
	}
	return r.Mod.Path, false
}

// places looks at the folders for temporary files, and at a C compiler whose name has blanks.
func (g *gatherer) places(p *Project) {
	for i := range g.f.Consumers {
		c := &g.f.Consumers[i]
		if !c.Known() || !ForDevelopers(c.ID) {
			continue
		}
		q := g.f.query(c, &asker{g.h})
		g.place(p, c, goenv.Resolve(q, "GOTMPDIR").Value)
		if name := goenv.TempDir(g.p, c.Env.Get); name != "" {
			g.place(p, c, name)
		}
		v := goenv.Resolve(q, "CC").Value
		if first, _, blank := strings.Cut(v, " "); blank && g.p.IsAbs(first) {
			g.place(p, c, first)
			g.place(p, c, v)
		}
	}
}

func (g *gatherer) place(p *Project, c *Consumer, name string) {
	if name == "" || len(p.Places) >= 64 {
		return
	}
	if !g.p.IsAbs(name) {
		name = g.p.Join(c.Dir, name)
	}
	if _, ok := p.Places[name]; ok {
		return
	}
	info, err := host.Stat(g.h, name)
	switch {
	case err == nil:
		p.Places[name] = Place{Folder: info.Mode.IsDir()}
	case isAbsent(err):
		p.Places[name] = Place{Absent: true}
	default:
		p.Places[name] = Place{Unknown: true}
	}
}

// localProxyContainer looks whether the dev container of the workspace has proxy settings of its own.
func (g *gatherer) localProxyContainer() string {
	all := editor.LoadDevContainers(g.h, g.workDir())
	if len(all) == 0 || slices.ContainsFunc(all[0].Settings, func(m editor.Member) bool {
		return m.Key == "http.useLocalProxyConfiguration" && m.Value.False()
	}) {
		return ""
	}
	return all[0].File
}

// worldReadable reports whether every user of the machine may read a file: others may read it, and search all folders
// above it. What cannot be known is taken as no.
func (g *gatherer) worldReadable(name string) bool {
	if g.p.Windows() {
		return false
	}
	info, err := host.Stat(g.h, name)
	if err != nil || info.Mode.Perm()&0o004 == 0 {
		return false
	}
	for dir := g.p.Dir(name); ; dir = g.p.Dir(dir) {
		info, err := host.Stat(g.h, dir)
		if err != nil || info.Mode&fs.ModePerm&0o001 == 0 {
			return false
		}
		if dir == g.p.Dir(dir) {
			return true
		}
	}
}
