package facts

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/shell"
)

// VersionManager is a program that switches between Go versions, with a Go that it has installed.
type VersionManager struct {
	Name string
	// Dir is the folder it keeps versions in.
	Dir string
	// Lines are where a start-up file makes it active, as "file:line".
	Lines []string
	// Consumers are those whose PATH has a folder of it.
	Consumers []string
}

// managerKind is how a version manager shows.
type managerKind struct {
	name     string
	variable string   // names its folder
	dir      string   // below the home folder, without the variable
	versions string   // below that folder: the folder of installed versions
	lines    []string // parts of a line that makes it active
	folders  []string // parts of a folder on PATH that makes it active if there is a go in it
}

var managerKinds = []managerKind{
	{"gvm", "GVM_ROOT", ".gvm", "gos", []string{"/.gvm/scripts/gvm"}, []string{"/.gvm/gos/", "/.gvm/bin/"}},
	{"g", "", ".g", "versions", []string{"/.g/env"}, []string{"/.g/go/bin/", "/.g/bin/"}},
	{"gobrew", "", ".gobrew", "versions", nil, []string{"/.gobrew/current/", "/.gobrew/bin/"}},
	{"goenv", "GOENV_ROOT", ".goenv", "versions", []string{"goenv init"}, []string{"/.goenv/shims/", "/.goenv/bin/", "/.goenv/versions/"}},
	{"asdf", "ASDF_DATA_DIR", ".asdf", "installs/golang", []string{"/asdf.sh", "/asdf.fish"}, []string{"asdf/shims/", "asdf/installs/golang/"}},
	{"mise", "MISE_DATA_DIR", ".local/share/mise", "installs/go", []string{"mise activate", "mise hook-env"}, []string{"mise/shims/", "mise/installs/go/"}},
}

// managers finds the version managers that have a Go and are active: by a line of a start-up file that was read, or by
// a folder with a go command on the PATH of a consumer, which the line that names that folder then shows.
func (g *gatherer) managers() []VersionManager {
	if g.p.Windows() || g.user.Home == "" {
		return nil
	}
	var all []VersionManager
	var lines []startupLine
	for _, k := range managerKinds {
		dir := g.environ.Get(k.variable)
		if dir == "" || k.variable == "" {
			dir = g.p.Join(g.user.Home, k.dir)
		}
		entries, err := g.h.ReadDir(g.p.Join(dir, k.versions))
		if err != nil || len(entries) == 0 {
			continue
		}
		if lines == nil {
			lines = g.startupLines()
		}
		m := VersionManager{Name: k.name, Dir: dir, Consumers: g.pathHas(k.folders)}
		withGo := bare(g.foldersWithGo(k.folders))
		if len(m.Consumers) == 0 && !slices.ContainsFunc(lines, func(l startupLine) bool {
			return hasMark(l.text, k.lines) || hasMark(l.text, withGo) && strings.Contains(strings.ToUpper(l.text), "PATH")
		}) {
			continue
		}
		marks := slices.Concat(k.lines, bare(k.folders))
		for _, l := range lines {
			if hasMark(l.text, marks) && !slices.Contains(m.Lines, l.from) {
				m.Lines = append(m.Lines, l.from)
			}
		}
		all = append(all, m)
	}
	return all
}

func hasMark(text string, marks []string) bool {
	return slices.ContainsFunc(marks, func(m string) bool { return strings.Contains(text, m) })
}

// foldersWithGo returns those of the folders below the home folder that have a go command. A line that puts one on PATH
// counts also where PATH is not known in the end.
func (g *gatherer) foldersWithGo(folders []string) []string {
	var out []string
	for _, dir := range folders {
		if _, err := host.LookPath(g.h, "go", g.p.Join(g.user.Home, dir), "/"); err == nil && strings.HasPrefix(dir, "/") {
			out = append(out, dir)
		}
	}
	return out
}

// bare returns folders without the slash at their end, as lines may name them.
func bare(folders []string) []string {
	var out []string
	for _, dir := range folders {
		out = append(out, strings.TrimSuffix(dir, "/"))
	}
	return out
}

// pathHas returns the consumers whose PATH has a folder with one of the marks and a go command.
func (g *gatherer) pathHas(marks []string) []string {
	var ids []string
	hasGo := map[string]bool{}
	active := func(dir string) bool {
		if !g.p.IsAbs(dir) || !hasMark(dir+"/", marks) {
			return false
		}
		has, ok := hasGo[dir]
		if !ok {
			_, err := host.LookPath(g.h, "go", dir, dir)
			has = err == nil
			hasGo[dir] = has
		}
		return has
	}
	for i := range g.f.Consumers {
		c := &g.f.Consumers[i]
		list := g.p.SplitList(c.Env.Get("PATH"))
		if slices.ContainsFunc(list[:min(len(list), maxPath)], active) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

type startupLine struct{ from, text string }

const (
	maxScannedFiles = 64
	maxScannedSize  = 256 << 10
)

// startupLines returns the lines, without comments, of the start-up files of shells that consumers read.
func (g *gatherer) startupLines() []startupLine {
	lines := []startupLine{}
	seen := map[string]bool{}
	for i := range g.f.Consumers {
		for _, link := range g.f.Consumers[i].Chain {
			for _, v := range link.Files {
				if v.State != shell.Read || seen[v.File] || len(seen) >= maxScannedFiles || g.f.Files[v.File] != nil {
					continue
				}
				seen[v.File] = true
				lines = append(lines, g.linesOf(v.File)...)
			}
		}
	}
	return lines
}

func (g *gatherer) linesOf(name string) []startupLine {
	data, err := g.h.ReadFile(name)
	if err != nil || len(data) > maxScannedSize {
		return nil
	}
	var lines []startupLine
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		if text := strings.TrimSpace(line); text != "" && !strings.HasPrefix(text, "#") {
			lines = append(lines, startupLine{layer.Place(name, n), text})
		}
	}
	return lines
}

// maxVersions is the number of installed versions of one manager that are looked at, the last by name first.
const maxVersions = 16

// managedGo returns the go commands that version managers and package managers keep in folders of their own.
func (b *toolchains) managedGo() []string {
	g := b.g
	var cmds []string
	add := func(dir, below string) {
		entries, err := g.h.ReadDir(dir)
		if err != nil {
			return
		}
		for i := len(entries) - 1; i >= max(0, len(entries)-maxVersions); i-- {
			if cmd := g.p.Join(dir, entries[i].Name, below, "bin", "go"); !g.p.Windows() && g.exists(cmd) {
				cmds = append(cmds, cmd)
			}
		}
	}
	if g.p.Windows() || g.user.Home == "" {
		return nil
	}
	for _, k := range managerKinds {
		below := ""
		if k.name == "asdf" || k.name == "gobrew" {
			below = "go"
		}
		add(g.p.Join(g.user.Home, k.dir, k.versions), below)
	}
	add("/opt/homebrew/Cellar/go", "libexec")
	add("/home/linuxbrew/.linuxbrew/Cellar/go", "libexec")
	return cmds
}
