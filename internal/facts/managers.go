package facts

import (
	"slices"
	"strings"

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
	marks    []string // parts of a line that makes it active, or of a folder on PATH
}

var managerKinds = []managerKind{
	{"gvm", "GVM_ROOT", ".gvm", "gos", []string{"/.gvm/scripts/gvm", "/.gvm/gos/", "/.gvm/bin"}},
	{"g", "", ".g", "versions", []string{"/.g/env", "/.g/go/bin", "/.g/bin"}},
	{"gobrew", "", ".gobrew", "versions", []string{"/.gobrew/current/", "/.gobrew/bin"}},
	{"goenv", "GOENV_ROOT", ".goenv", "versions", []string{"goenv init", "/.goenv/shims", "/.goenv/bin", "/.goenv/versions/"}},
	{"asdf", "ASDF_DATA_DIR", ".asdf", "installs/golang", []string{"/asdf.sh", "/asdf.fish", "/.asdf/shims", "asdf/shims"}},
	{"mise", "MISE_DATA_DIR", ".local/share/mise", "installs/go", []string{"mise activate", "mise/shims", "mise/installs/go/", "mise hook-env"}},
}

// managers finds the version managers that have a Go and are active: by a line of a start-up file that was read, or by
// a folder on the PATH of a consumer.
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
		m := VersionManager{Name: k.name, Dir: dir, Consumers: g.pathHas(k.marks)}
		for _, l := range lines {
			if hasMark(l.text, k.marks) && !slices.Contains(m.Lines, l.from) {
				m.Lines = append(m.Lines, l.from)
			}
		}
		if len(m.Lines)+len(m.Consumers) > 0 {
			all = append(all, m)
		}
	}
	return all
}

func hasMark(text string, marks []string) bool {
	return slices.ContainsFunc(marks, func(m string) bool { return strings.Contains(text, m) })
}

// pathHas returns the consumers whose PATH has an entry with one of the marks.
func (g *gatherer) pathHas(marks []string) []string {
	var ids []string
	for i := range g.f.Consumers {
		if c := &g.f.Consumers[i]; hasMark(c.Env.Get("PATH"), marks) {
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
			lines = append(lines, startupLine{at(name, n), text})
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
