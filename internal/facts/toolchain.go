package facts

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/sysenv"
)

// Toolchain is what is known of the go commands of a machine, whoever finds them.
type Toolchain struct {
	// Commands are the programs called go that a consumer finds, in the order in which they were found, and then those
	// in well-known places. Toolchains that the go command downloads into the module cache are not among them: it runs
	// those itself.
	Commands []GoProgram
	// Uses says which of them each consumer finds, in the order of Facts.Consumers, and then for jobs that run go.
	Uses []GoUse
	// Roots are the folders that GOROOT names for a consumer, or the setting go.goroot, by that value.
	Roots map[string]Root
	// Compile is what the compiler of the SDK that "current" runs says of its version.
	Compile Compile
	// Managers are the version managers that have a Go installed and that something makes active.
	Managers []VersionManager
	// Drives are the folders at which WSL mounts the drives of Windows.
	Drives []string
	// Broken are the files called go that a system does not run, in folders of a PATH and in /usr/local/go.
	Broken []BrokenGo
	// Installed: the folder /usr/local/go exists.
	Installed bool
}

// BrokenGo is a file called go that nobody can run: a link that leads nowhere, or a file without permission.
type BrokenGo struct {
	Path string
	// Missing is where the last of its links leads, and nothing is; "" if it is there and may not be executed.
	Missing string
	UID     int // the owner
}

// GoProgram is a program called go.
type GoProgram struct {
	// Path is the name as it was found, and Links are the names it has on the way along its symbolic links, itself first.
	Path  string
	Links []string
	// Real is Path with all links followed; "" if that cannot be told.
	Real string
	// Program is what the file is.
	Program Program
	// SDK is the Go SDK it belongs to; its Root is "" if it belongs to none. RealRoot is Root with all links followed, in
	// lower case on Windows: two programs with the same one are of the same SDK.
	SDK      goenv.SDK
	RealRoot string
	// Time is when the SDK was made, as its VERSION says; zero if it does not.
	Time   time.Time
	Origin Origin
	// Shim names the manager whose stand-in this is, "snap", or "script"; "" if it is a go command itself.
	Shim string
	// Spare: it is in a well-known place, and no consumer finds it.
	Spare bool
}

// GoUse is what one consumer finds of go commands.
type GoUse struct {
	Consumer string
	// OnPath are indexes in Commands of those on its PATH, in order.
	OnPath []int
	// Runs is the index of the one it runs; -1 if it finds none.
	Runs int
	// By says how it finds the one it runs: "PATH", or how the editor does.
	By string
	// Broken are indexes in Toolchain.Broken of those on its PATH.
	Broken []int
	// Exe is the first go.exe on the PATH of a consumer under WSL.
	Exe string
	// Job is "file:line" of the cron job or unit that runs go; "" for what is no job.
	Job string
	// Unknown, if not zero, says why it is not known what it finds.
	Unknown msg.Text
}

// Root is a folder that is said to be a GOROOT.
type Root struct {
	SDK    goenv.SDK
	Real   string // as RealRoot of a GoProgram
	Exists bool   // it is a folder
	Tools  bool   // it has pkg/tool
	Go     bool   // it has bin/go
	// Unknown, if not zero, says why nothing of that is known.
	Unknown msg.Text
}

// Compile is the answer of a compiler to "compile -V".
type Compile struct {
	Path     string // "" if it was not asked
	Root     string // of its SDK
	Output   string
	TimedOut bool
	// Missing: its folder could be listed, and it is not there.
	Missing bool
}

// GoCommandOf returns the program that a consumer runs as go, or false if it runs none or that is not known.
func (t *Toolchain) GoCommandOf(consumer string) (*GoProgram, bool) {
	if u := t.Use(consumer); u != nil && u.Runs >= 0 {
		return &t.Commands[u.Runs], true
	}
	return nil, false
}

// Use returns what a consumer finds, nil if that consumer does not exist here.
func (t *Toolchain) Use(consumer string) *GoUse {
	for i := range t.Uses {
		if t.Uses[i].Consumer == consumer {
			return &t.Uses[i]
		}
	}
	return nil
}

// toolchains is a Toolchain in the making.
type toolchains struct {
	g    *gatherer
	t    *Toolchain
	seen map[string]int   // index in Commands, by path
	dirs map[string]inDir // by folder of a PATH
}

// inDir is the go command in a folder: -1 if there is none.
type inDir struct {
	index   int
	broken  int // index in Broken, -1 if there is none
	unknown msg.Text
}

func (g *gatherer) toolchain() *Toolchain {
	b := &toolchains{g: g, t: &Toolchain{Roots: map[string]Root{}}, seen: map[string]int{}, dirs: map[string]inDir{}}
	b.t.Drives = g.windowsDrives()
	for i := range g.f.Consumers {
		if c := &g.f.Consumers[i]; c.Absent.IsZero() && c.Failed.IsZero() && c.ID != "devcontainer" {
			b.use(c, g.unitJob(c.ID))
			b.root(c.Env.Get("GOROOT"))
			if c.User.File != nil {
				root, _, _ := c.User.File.Lookup("GOROOT")
				b.root(root)
			}
		}
	}
	b.cronJobs()
	if g.f.Editor != nil {
		root, _ := g.f.Editor.Settings.Lookup("go.goroot", 0).Value.Str()
		b.root(root)
	}
	found := len(b.t.Commands)
	for _, cmd := range append(g.wellKnownGo(), b.managedGo()...) {
		b.command(cmd)
	}
	b.local()
	for i := found; i < len(b.t.Commands); i++ {
		b.t.Commands[i].Spare = true
	}
	b.t.Managers = g.managers()
	if g.compiled != nil {
		b.t.Compile = g.compiled()
	}
	return b.t
}

// use records what a consumer finds.
func (b *toolchains) use(c *Consumer, job string) {
	u := GoUse{Consumer: c.ID, Runs: -1, By: "PATH", Job: job}
	path, _, unknown := c.Env.Lookup("PATH")
	if u.Unknown = unknown; unknown.IsZero() {
		u.OnPath, u.Broken, u.Unknown = b.onPath(path, c.Dir)
		u.Exe = b.exe(path, c.Dir)
	}
	if len(u.OnPath) > 0 {
		u.Runs = u.OnPath[0]
	}
	if c.Go.Path != "" && c.Go.Found != "" && c.Go.Found != "PATH" { // the editor's own search
		u.Unknown = msg.Text{}
		if i := b.command(c.Go.Path); i >= 0 {
			u.Runs, u.By = i, c.Go.Found
		}
	}
	b.t.Uses = append(b.t.Uses, u)
}

// maxPath is the number of entries of a PATH that are searched.
const maxPath = 1024

// onPath returns the go commands in the folders of a search list, in order. What lies behind a find need not be known.
func (b *toolchains) onPath(path, dir string) (found, broken []int, unknown msg.Text) {
	p := b.g.p
	list := p.SplitList(path)
	for _, entry := range list[:min(len(list), maxPath)] {
		if p.Windows() && entry == "" {
			continue
		}
		if !p.IsAbs(entry) {
			entry = p.Join(dir, entry)
		}
		in := b.inDirOnce(entry)
		if len(found) == 0 && unknown.IsZero() {
			unknown = in.unknown
		}
		if in.index >= 0 && !slices.Contains(found, in.index) {
			found = append(found, in.index)
		}
		if in.broken >= 0 && !slices.Contains(broken, in.broken) {
			broken = append(broken, in.broken)
		}
	}
	return found, broken, unknown
}

func (b *toolchains) inDir(dir string) inDir {
	cmd, err := host.LookPath(b.g.h, "go", dir, dir)
	switch {
	case err == nil:
		return inDir{index: b.command(cmd), broken: -1}
	case errors.Is(err, host.ErrUnknown):
		return inDir{-1, -1, msg.New("whether there is a go command on its PATH is not known (%s)", err.Error())}
	}
	return inDir{index: -1, broken: b.broken(b.g.p.Join(dir, "go"))}
}

// broken returns the index in Broken of a file that is no program, -1 if it does not exist.
func (b *toolchains) broken(name string) int {
	own, err := b.g.h.Lstat(name)
	if b.g.p.Windows() || err != nil {
		return -1
	}
	if i := slices.IndexFunc(b.t.Broken, func(old BrokenGo) bool { return old.Path == name }); i >= 0 {
		return i
	}
	broken := BrokenGo{Path: name, UID: own.UID}
	switch info, err := host.Stat(b.g.h, name); {
	case err == nil && info.Mode.IsRegular() && !host.IsExecutable(info):
		broken.UID = info.UID
	case own.Mode&fs.ModeSymlink != 0 && errors.Is(err, fs.ErrNotExist):
		links := b.g.links(name)
		broken.Missing = links[len(links)-1]
	default:
		return -1
	}
	b.t.Broken = append(b.t.Broken, broken)
	return len(b.t.Broken) - 1
}

// local looks at the folder in which an archive is usually unpacked.
func (b *toolchains) local() {
	const root = "/usr/local/go"
	if b.g.p.Windows() {
		return
	}
	info, err := host.Stat(b.g.h, root)
	if b.t.Installed = err == nil && info.Mode.IsDir(); b.t.Installed {
		b.inDirOnce(root + "/bin")
	}
}

func (b *toolchains) inDirOnce(dir string) inDir {
	in, ok := b.dirs[dir]
	if !ok {
		in = b.inDir(dir)
		b.dirs[dir] = in
	}
	return in
}

// exe returns the first go.exe on a PATH, under WSL, where that of Windows is appended.
func (b *toolchains) exe(path, dir string) string {
	if !b.g.f.WSL {
		return ""
	}
	exe, err := host.LookPath(b.g.h, "go.exe", path, dir)
	if err != nil {
		return ""
	}
	return exe
}

// command returns the index of a go command; -1 for a toolchain in the module cache.
func (b *toolchains) command(path string) int {
	if inModuleCache(path) {
		return -1
	}
	if i, ok := b.seen[path]; ok {
		return i
	}
	c := b.g.goProgram(path)
	if inModuleCache(c.Real) {
		return -1
	}
	b.seen[path] = len(b.t.Commands)
	b.t.Commands = append(b.t.Commands, c)
	return b.seen[path]
}

// inModuleCache reports whether a file belongs to a toolchain that the go command downloaded.
func inModuleCache(name string) bool {
	return strings.Contains(strings.ReplaceAll(name, `\`, "/"), "/golang.org/toolchain@")
}

// goProgram looks at a go command.
func (g *gatherer) goProgram(path string) GoProgram {
	c := GoProgram{Path: path, Links: g.links(path)}
	if real, err := host.EvalSymlinks(g.h, path); err == nil {
		c.Real = real
	}
	if head, err := host.Head(g.h, path, host.MaxHead); err == nil {
		c.Program = programOf(head)
		if info, err := host.Stat(g.h, path); err == nil {
			c.Program.Size = info.Size
		} else {
			c.Program.Format = "" // what is not known is not judged
		}
	}
	if sdk, err := g.sdk(path); err == nil {
		c.SDK = sdk
		c.RealRoot = g.realDir(sdk.Root)
		c.Time = g.versionTime(sdk.Root)
	}
	c.Shim = g.shim(&c)
	c.Origin = g.origin(&c)
	return c
}

// links returns the names that a file has along its own symbolic links.
func (g *gatherer) links(name string) []string {
	names := []string{name}
	for range 16 {
		target, err := g.h.ReadLink(name)
		if err != nil {
			break
		}
		if !g.p.IsAbs(target) {
			target = g.p.Join(g.p.Dir(name), target)
		}
		name = target
		names = append(names, name)
	}
	return names
}

// realDir returns what names a folder whatever way it was found: its name with all links followed, or as it is if that
// cannot be told; on Windows in lower case.
func (g *gatherer) realDir(dir string) string {
	real, err := host.EvalSymlinks(g.h, dir)
	if err != nil {
		real = g.p.Clean(dir)
	}
	if g.p.Windows() {
		real = strings.ToLower(real)
	}
	return real
}

// versionTime returns the time in the second line of the VERSION of an SDK.
func (g *gatherer) versionTime(root string) time.Time {
	data, err := g.h.ReadFile(g.p.Join(root, "VERSION"))
	if err != nil {
		return time.Time{}
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "time "); ok {
			at, _ := time.Parse(time.RFC3339, value)
			return at
		}
	}
	return time.Time{}
}

// root looks at a folder that is said to be a GOROOT.
func (b *toolchains) root(name string) {
	if _, ok := b.t.Roots[name]; ok || name == "" {
		return
	}
	g, r := b.g, Root{}
	if !g.p.IsAbs(name) {
		b.t.Roots[name] = r
		return
	}
	sdk, err := goenv.LoadRoot(g.h, name)
	switch {
	case err == nil:
		r.SDK, r.Real, r.Exists = sdk, g.realDir(name), true
		tools, toolsErr := host.Stat(g.h, g.p.Join(name, "pkg", "tool"))
		_, goErr := host.LookPath(g.h, "go", g.p.Join(name, "bin"), "/")
		r.Tools, r.Go = toolsErr == nil && tools.Mode.IsDir(), goErr == nil
		for _, err := range []error{toolsErr, goErr} {
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				r.Unknown = msg.New("%s", err.Error())
			}
		}
	case !errors.Is(err, fs.ErrNotExist):
		r.Unknown = msg.New("%s", err.Error())
	}
	b.t.Roots[name] = r
}

// compileLimit is how long "compile -V" may take.
const compileLimit = 2 * time.Second

// startCompile asks the compiler of the SDK that goready's own PATH finds for its version, in the background: it takes
// as long as everything else. The returned function waits for the answer.
func (g *gatherer) startCompile(ctx context.Context) func() Compile {
	sdk, ok := g.ownSDK()
	if !ok || sdk.Arch == "" {
		return func() Compile { return Compile{} }
	}
	name := "compile"
	if g.p.Windows() {
		name += ".exe"
	}
	c := Compile{Root: sdk.Root, Path: g.p.Join(sdk.Root, "pkg", "tool", g.p.OS+"_"+sdk.Arch, name)}
	if entries, err := g.h.ReadDir(g.p.Dir(c.Path)); err == nil && !slices.ContainsFunc(entries, func(e host.Entry) bool { return e.Name == name }) {
		c.Missing = true
		return func() Compile { return c }
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(ctx, compileLimit)
		defer cancel()
		r, err := g.h.Run(ctx, host.Command{Path: c.Path, Args: []string{"-V"}})
		if c.TimedOut = r.TimedOut; err == nil && r.ExitCode == 0 {
			c.Output = strings.TrimSpace(string(r.Stdout))
		}
	}()
	return func() Compile { <-done; return c }
}

// ownSDK returns the SDK of the first go command on goready's own PATH that is not in the module cache. Its compiler is
// run, so that what a relative entry finds, which is in the workspace and may be anybody's, does not count.
func (g *gatherer) ownSDK() (goenv.SDK, bool) {
	list := g.p.SplitList(g.environ.Get("PATH"))
	for _, entry := range list[:min(len(list), maxPath)] {
		if !g.p.IsAbs(entry) {
			continue
		}
		cmd, err := host.LookPath(g.h, "go", entry, entry)
		if err != nil || inModuleCache(cmd) {
			continue
		}
		sdk, err := g.sdk(cmd)
		return sdk, err == nil && !inModuleCache(g.realDir(sdk.Root))
	}
	return goenv.SDK{}, false
}

// unitJob returns where the unit of a consumer runs go, "" if it does not or is no unit.
func (g *gatherer) unitJob(id string) string {
	kind, name, narrowed := strings.Cut(id, ":")
	get := g.systemManager
	if kind == "systemd-user" {
		get = g.userManager
	}
	if !narrowed || !strings.HasPrefix(kind, "systemd-") {
		return ""
	}
	m, ok := get()
	if !ok {
		return ""
	}
	if u, err := m.Unit(name); err == nil {
		for _, e := range u.ExecStart {
			if runsGo(e.Value) {
				return e.From()
			}
		}
	}
	return ""
}

// maxJobs is the number of cron jobs that are looked at.
const maxJobs = 32

// cronJobs adds the jobs of the user's crontab that run go.
func (b *toolchains) cronJobs() {
	g := b.g
	if len(g.o.Consumers) > 0 || !slices.ContainsFunc(g.f.Consumers, func(c Consumer) bool { return c.ID == "cron" }) {
		return
	}
	jobs, _ := sysenv.CronJobs(g.h, g.user)
	for i := range jobs[:min(len(jobs), maxJobs)] {
		j := &jobs[i]
		if !runsGo(j.Command) {
			continue
		}
		c := Consumer{ID: "cron:" + strconv.Itoa(j.Line), Dir: g.user.Home}
		c.Env, _ = sysenv.CronEnv(g.h, g.user, j)
		if c.Env == nil {
			c.Env = &layer.Env{}
		}
		b.use(&c, layer.Place(j.File, j.Line))
	}
}

// runsGo reports whether a command line starts go by its bare name. It is right about plain lines; a job that hides go
// in a script is not seen.
func runsGo(line string) bool {
	start := true
	for _, word := range strings.FieldsFunc(spaced(line), func(r rune) bool { return r == ' ' || r == '\t' || r == '"' || r == '\'' }) {
		switch {
		case slices.Contains(beforeCommand(), word):
			start = true
		case start && word == "go":
			return true
		case !strings.Contains(word, "=") && !strings.HasPrefix(word, "-"):
			start = false
			if base := word[strings.LastIndexByte(word, '/')+1:]; base == "sh" || base == "bash" || base == "env" {
				start = true
			}
		}
	}
	return false
}

// beforeCommand returns words that a command may follow.
func beforeCommand() []string {
	return []string{";", "&&", "||", "|", "(", "{", "&", "do", "then", "-c", "-lc", "exec", "nice", "time"}
}

// spaced puts blanks around what separates commands.
func spaced(line string) string {
	return strings.NewReplacer(";", " ; ", "&&", " && ", "||", " || ", "(", " ( ", "{", " { ").Replace(line)
}
