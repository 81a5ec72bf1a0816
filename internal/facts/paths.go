package facts

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Paths is what is known of the files and folders that variables of the consumers name: entries of PATH, GOBIN, GOPATH
// and GOMODCACHE, and the go env files.
type Paths struct {
	// Files has what was asked about, by name as [Paths.At] is asked.
	Files map[string]PathInfo
	// Bins are the folders into which go install puts programs, by name.
	Bins map[string]Bin
	// Usual are the go env files that are not read because GOENV names another one or none, by name. A file that does
	// not exist is not here.
	Usual map[string]*goenv.File
	// Programs are the folders among the entries of PATH that have a go command.
	Programs map[string]bool
	// Plain are the variables of the Windows registry, as layers name them, whose type is REG_SZ: Windows leaves %NAME%
	// in them as it is.
	Plain map[string]bool
}

// PathInfo is what is known about a name.
type PathInfo struct {
	// Unknown, if not zero, says why nothing is known.
	Unknown msg.Text
	// Missing: there is nothing with this name.
	Missing bool
	// Info describes it, symbolic links followed; of a missing name, it describes Above.
	Info host.Info
	// Above is the nearest name above a missing one that exists.
	Above string
	// Real is the name without symbolic links, where that matters: entries of PATH and folders for programs.
	Real string
}

// Bin is a folder for programs.
type Bin struct {
	// Programs are the names of programs in it, at most [MaxPrograms].
	Programs []string
	// Targets are the folders in it that are named for a system and an architecture ("linux_386"): go install puts
	// programs for others than the host there.
	Targets []string
}

// MaxPrograms is how many programs of a folder are listed: to know that there are some is enough.
const MaxPrograms = 8

// Limits of what is asked.
const (
	maxPaths      = 400 // names
	maxBinEntries = 400 // entries of a folder for programs
	maxLevels     = 40  // folders above a missing name
)

// At returns what is known about name.
func (p *Paths) At(name string) PathInfo {
	if p != nil {
		if info, ok := p.Files[name]; ok {
			return info
		}
	}
	return PathInfo{Unknown: msg.New("it was not looked at")}
}

// Private reports whether nobody but its owner can be sure to write in what i describes, and that the user uid does
// not own it or has taken the right from himself: then uid cannot write there. The superuser always can, and where a
// system has no user ids nothing is said. Members of a group that may write are not known here.
func (i PathInfo) Private(uid int) bool {
	switch {
	case !i.Unknown.IsZero() || uid <= 0 || i.Info.UID < 0:
		return false
	case i.Info.UID == uid:
		return i.Info.Mode&0o200 == 0
	}
	return i.Info.Mode&0o022 == 0
}

// paths looks at what the variables of the consumers name.
func (g *gatherer) paths() *Paths {
	p := &Paths{Files: map[string]PathInfo{}, Bins: map[string]Bin{}, Usual: map[string]*goenv.File{}, Programs: map[string]bool{}, Plain: map[string]bool{}}
	for i := range g.f.Consumers {
		c := &g.f.Consumers[i]
		if !c.Absent.IsZero() || !c.Failed.IsZero() {
			continue
		}
		g.envFilePaths(p, c)
		g.installPaths(p, c)
		g.searchPaths(p, c)
	}
	if g.p.Windows() {
		g.plainValues(p)
	}
	return p
}

// plainValues looks which values of the registry Windows does not expand.
func (g *gatherer) plainValues(p *Paths) {
	for _, file := range []string{host.RegistryUser, host.RegistryMachine} {
		data, ok := g.read(file)
		if !ok {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if key, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(value, "REG_SZ:") {
				p.Plain[strings.TrimPrefix(file, host.RegistryPrefix)+`\`+key] = true
			}
		}
	}
}

// envFilePaths looks at the go env file that a consumer reads, and at the one it would read without GOENV.
func (g *gatherer) envFilePaths(p *Paths, c *Consumer) {
	if c.User.Name != "" {
		g.path(p, c.User.Name, true)
		g.path(p, g.p.Dir(c.User.Name), true)
	}
	if c.Env.Get("GOENV") == "" {
		return
	}
	name, err := DefaultGoEnv(g.p, c.Env)
	if err != nil || name == c.User.Name || p.Usual[name] != nil {
		return
	}
	if data, err := g.h.ReadFile(name); err == nil {
		p.Usual[name] = goenv.ParseFile(name, data)
	}
}

// DefaultGoEnv returns the name of the go env file in the user's configuration folder, whatever GOENV says.
func DefaultGoEnv(p host.Platform, env *layer.Env) (string, error) {
	name, _, err := goenv.UserFile(p, func(key string) string {
		if key == "GOENV" {
			return ""
		}
		return env.Get(key)
	})
	return name, err
}

// installPaths looks at where a consumer's go command writes programs and modules.
func (g *gatherer) installPaths(p *Paths, c *Consumer) {
	q := g.f.query(c, &asker{g.h})
	for _, dir := range g.p.SplitList(goenv.Resolve(q, "GOPATH").Value) {
		if g.p.IsAbs(dir) {
			g.path(p, dir, false)
			g.bin(p, g.p.Join(dir, "bin"))
		}
	}
	if dir := goenv.Resolve(q, "GOBIN").Value; g.p.IsAbs(dir) {
		g.bin(p, dir)
	}
	if dir := goenv.Resolve(q, "GOMODCACHE").Value; g.p.IsAbs(dir) {
		g.path(p, dir, false)
	}
	if words, err := goenv.SplitQuoted(goenv.Resolve(q, "CC").Value); err == nil && len(words) > 0 {
		_, _ = q.LookPath(words[0]) // the answer is remembered
	}
}

// searchPaths looks at the entries of a consumer's PATH.
func (g *gatherer) searchPaths(p *Paths, c *Consumer) {
	path, ok, _ := c.Env.Lookup("PATH")
	if !ok {
		return
	}
	for _, entry := range g.p.SplitList(path) {
		dir := entry
		if !g.p.IsAbs(dir) {
			dir = g.p.Join(c.Dir, entry)
		}
		if _, seen := p.Files[dir]; seen && p.Files[dir].Real != "" || !g.path(p, dir, true) {
			continue
		}
		if _, err := host.LookPath(g.h, "go", dir, g.p.Separator()); err == nil {
			p.Programs[dir] = true
		}
	}
}

// path looks at one name, if there are not too many yet.
func (g *gatherer) path(p *Paths, name string, real bool) bool {
	old, seen := p.Files[name]
	if !seen {
		if len(p.Files) >= maxPaths {
			return false
		}
		old = g.pathInfo(name)
	}
	if real && old.Real == "" {
		old.Real = name
		if !old.Missing && old.Unknown.IsZero() {
			if target, err := host.EvalSymlinks(g.h, name); err == nil {
				old.Real = target
			}
		}
	}
	p.Files[name] = old
	return true
}

func (g *gatherer) pathInfo(name string) PathInfo {
	info, err := host.Stat(g.h, name)
	if err == nil {
		return PathInfo{Info: info}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return PathInfo{Unknown: msg.New("%s", err.Error())}
	}
	above := name
	for range maxLevels {
		up := g.p.Dir(above)
		if up == above {
			break
		}
		above = up
		switch info, err := host.Stat(g.h, above); {
		case err == nil:
			return PathInfo{Missing: true, Info: info, Above: above}
		case !errors.Is(err, fs.ErrNotExist):
			return PathInfo{Unknown: msg.New("%s", err.Error())}
		}
	}
	return PathInfo{Missing: true, Info: host.Info{UID: -1}}
}

// bin looks at a folder for programs.
func (g *gatherer) bin(p *Paths, dir string) {
	if _, seen := p.Bins[dir]; seen || !g.path(p, dir, true) {
		return
	}
	p.Bins[dir] = Bin{}
	entries, err := g.h.ReadDir(dir)
	if err != nil {
		return
	}
	var b Bin
	for _, e := range entries[:min(len(entries), maxBinEntries)] {
		switch {
		case e.Type.IsDir():
			if goenv.IsPort(strings.Replace(e.Name, "_", "/", 1)) {
				b.Targets = append(b.Targets, e.Name)
			}
		case len(b.Programs) < MaxPrograms && g.isProgram(g.p.Join(dir, e.Name)):
			b.Programs = append(b.Programs, e.Name)
		}
	}
	p.Bins[dir] = b
}

func (g *gatherer) isProgram(name string) bool {
	if g.p.Windows() {
		return strings.HasSuffix(strings.ToLower(name), ".exe")
	}
	info, err := host.Stat(g.h, name)
	return err == nil && host.IsExecutable(info)
}
