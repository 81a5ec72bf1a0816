package goenv

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Selection is the toolchain that a go command selects before it does anything else.
type Selection struct {
	// Toolchain is the name of the selected one, such as "go1.97.0", or "local" for the go command that was started.
	Toolchain string
	// Version is its Go version, without "go": "1.97.0"; "" if it is local and the SDK does not say.
	Version string
	// Setting is the value of GOTOOLCHAIN, and Mode its "auto" or "path" part; "" if no switch is allowed.
	Setting string
	Mode    string
	// File is the go.work or go.mod that had a say, "" if none did.
	File string
	// Program is the toolchain as found on PATH; "" if it is not there.
	Program string
	// SDK is that of the toolchain that runs in the end, if that is another one; nil if it is not known or not on this
	// machine yet.
	SDK *SDK
	// Download: the toolchain is not on this machine and must be downloaded first.
	Download bool
	// Trail says how it came about, weakest first: the go command that was started, the layers of GOTOOLCHAIN (their
	// Value is that of GOTOOLCHAIN), the lines of go.mod or go.work. Exactly one reason won; its Value is the name of the
	// toolchain.
	Trail []layer.Reason
	// Err, if not zero, is what every go command says and then fails, except "go env GOTOOLCHAIN", "go env GOMOD" and
	// "go env GOWORK".
	Err msg.Text
	// ModuleErr, if not zero, is what those commands say and then fail that load go.mod or go.work: build, list, mod.
	ModuleErr msg.Text
	// Unknown, if not zero, says why the selection cannot be told.
	Unknown msg.Text
}

// SelectToolchain returns the toolchain that runs a command, by the rules of cmd/go/internal/toolchain.Select for
// commands other than "go install m@v" and "go run m@v".
func SelectToolchain(q *Query) Selection { return selectToolchain(q, q.Getenv) }

// modulesOn is cmd/go/internal/modload.State.WillBeEnabled.
func (v *envView) modulesOn() bool {
	switch v.get("GO111MODULE") {
	case "", "on":
		return true
	case "auto":
		m := v.q.Module
		return m.Mod.Name != "" && !m.ModInTemp
	}
	return false
}

func selectToolchain(q *Query, getenv func(string) string) Selection {
	v := newEnvView(q).local()
	v.getenv = getenv
	c := &toolchainChoice{v: v, setting: -1}
	c.version, c.local = toolchainLocal(q.SDK.Version)
	c.name = c.local
	c.s.Toolchain, c.s.Version = "local", c.version
	c.start()
	c.choose()
	c.s.Trail[c.winner].Won = true
	if c.winner > 0 {
		c.s.Trail[c.winner].Value = c.name
	}
	if c.s.Unknown.IsZero() {
		c.s.Unknown = v.unknown
	}
	return c.s
}

// toolchainChoice is a selection in the making.
type toolchainChoice struct {
	v *envView
	s Selection
	// local is the name of the go command that was started; "" if its version is not known.
	local string
	// name and version are those of the toolchain chosen so far.
	name, version string
	setting       int // index in s.Trail of the GOTOOLCHAIN that counts; -1 if there is none
	winner        int // index in s.Trail of what chose name
}

// start puts the go command that was started first.
func (c *toolchainChoice) start() {
	q := c.v.q
	r := layer.Reason{Layer: layer.GoDefault, Value: q.SDK.Version, Why: msg.New("the version of the go command that was started")}
	if q.SDK.Version != "" {
		r.From = layer.Place(q.Platform.Join(q.SDK.Root, "VERSION"), 1)
	}
	c.s.Trail = append(c.s.Trail, r)
}

func (c *toolchainChoice) choose() {
	if c.v.olderThan("1.21") || !c.v.modulesOn() {
		return
	}
	c.readSetting()
	if c.s.Setting != "" && c.parseSetting() {
		c.readModule()
	}
	if c.s.Err.IsZero() && c.s.Unknown.IsZero() && c.name != c.local {
		c.switchTo()
	}
	c.checkModule()
}

// readSetting adds the layers of GOTOOLCHAIN. They are about another variable than the version, so that of the process
// environment is marked by its name.
func (c *toolchainChoice) readSetting() {
	getenv := c.v.getenv
	h := c.v.hits("GOTOOLCHAIN")
	c.v.getenv = getenv // go.mod still matters
	c.s.Setting = h.value()
	for i, r := range h.reasons {
		if r.Layer == layer.OSEnv {
			r.From = "GOTOOLCHAIN"
		}
		if i == h.won {
			c.setting = len(c.s.Trail)
			r.Won, r.Why = false, msg.New("GOTOOLCHAIN=%s leaves the choice to others", r.Value)
		}
		c.s.Trail = append(c.s.Trail, r)
	}
}

// parseSetting reads GOTOOLCHAIN: auto, path, or NAME[+auto|+path], where NAME may be local.
func (c *toolchainChoice) parseSetting() bool {
	if c.s.Setting == "auto" || c.s.Setting == "path" {
		c.s.Mode = c.s.Setting
		return true
	}
	name, mode, plus := strings.Cut(c.s.Setting, "+")
	if name != "local" {
		v := toolchainVersion(name)
		switch {
		case v == "" && plus:
			c.s.Err = msg.New("invalid GOTOOLCHAIN %q: invalid minimum toolchain %q", c.s.Setting, name)
			return false
		case v == "":
			c.s.Err = msg.New("invalid GOTOOLCHAIN %q", c.s.Setting)
			return false
		}
		c.name, c.version, c.winner = name, v, c.setting
		c.s.Trail[c.setting].Why = msg.New("GOTOOLCHAIN names the toolchain")
	} else if !plus {
		c.s.Trail[c.setting].Why = msg.New("GOTOOLCHAIN=local keeps the go command that was started")
	}
	if plus && mode != "auto" && mode != "path" {
		c.s.Err = msg.New("invalid GOTOOLCHAIN %q: only version suffixes are +auto and +path", c.s.Setting)
		return false
	}
	c.s.Mode = mode
	return true
}

// readModule is cmd/go/internal/toolchain.modGoToolchain and what Select makes of it.
func (c *toolchainChoice) readModule() {
	if c.s.Mode == "" {
		c.v.decided() // the lines are shown, but do not count
	}
	file, id, err := c.moduleFile()
	if c.s.Mode != "" {
		c.s.Err = err
	}
	if !err.IsZero() || file.Name == "" {
		return
	}
	if c.s.Mode == "" {
		why := msg.New("GOTOOLCHAIN=%s: no line of a file chooses a toolchain", c.s.Setting)
		c.addLine(file, id, file.Toolchain, why)
		c.addLine(file, id, file.Go, why)
		return
	}
	c.s.File = file.Name
	if !file.Err.IsZero() {
		c.s.Err = file.Err
		return
	}
	if c.local == "" && c.winner == 0 && (file.Go.Line > 0 || file.Toolchain.Line > 0) {
		c.s.Unknown = msg.New("the version of the go command in %s is not known", c.v.sdk.Root)
		return
	}
	if file.Toolchain.Value == "default" {
		c.addLine(file, id, file.Toolchain, msg.New("\"toolchain default\" keeps the toolchain that GOTOOLCHAIN names"))
		c.addLine(file, id, file.Go, msg.New("\"toolchain default\" keeps the toolchain that GOTOOLCHAIN names"))
		return
	}
	c.toolchainLine(file, id)
	if c.s.Err.IsZero() {
		c.goLine(file, id)
	}
}

// moduleFile returns the go.work or go.mod that may choose the toolchain; its Name is "" if there is none.
func (c *toolchainChoice) moduleFile() (ModuleFile, layer.ID, msg.Text) {
	m := c.v.q.Module
	switch work := c.v.get("GOWORK"); {
	case work == "off":
	case work == "" || work == "auto":
		if m.Work.Name != "" {
			return m.Work, layer.GoWork, msg.Text{}
		}
	case !c.v.q.Platform.IsAbs(work):
		return ModuleFile{}, layer.GoWork, msg.New("invalid GOWORK: not an absolute path")
	case m.Given.Name != work:
		c.v.isUnknown(msg.New("what %s says is not known", work))
		return ModuleFile{}, layer.GoWork, msg.Text{}
	case m.Given.Exists:
		return m.Given, layer.GoWork, msg.Text{}
	}
	if m.ModInTemp {
		return ModuleFile{}, layer.GoMod, msg.Text{}
	}
	return m.Mod, layer.GoMod, msg.Text{}
}

func (c *toolchainChoice) addLine(f ModuleFile, id layer.ID, l ModuleLine, why msg.Text) {
	if l.Line > 0 {
		c.s.Trail = append(c.s.Trail, layer.Reason{Layer: id, From: layer.Place(f.Name, l.Line), Value: l.Value, Why: why})
	}
}

func (c *toolchainChoice) toolchainLine(f ModuleFile, id layer.ID) {
	l := f.Toolchain
	if l.Value == "" {
		return
	}
	v := toolchainVersion(l.Value)
	if v == "" {
		c.s.Err = msg.New("invalid toolchain %q in %s", l.Value, c.shortPath(f.Name))
		return
	}
	if toolchainCompare(v, c.version) <= 0 {
		c.addLine(f, id, l, msg.New("not newer than %s", c.name))
		return
	}
	c.take(f, id, l, l.Value, v, msg.New("the toolchain line asks for a newer toolchain"))
}

func (c *toolchainChoice) goLine(f ModuleFile, id layer.ID) {
	l := f.Go
	if l.Line == 0 {
		return
	}
	if toolchainCompare(l.Value, c.version) <= 0 {
		c.addLine(f, id, l, msg.New("not newer than %s", c.name))
		return
	}
	name := "go" + l.Value
	if toolchainIsLang(l.Value) {
		name += ".0" // the first release of that version of the language
	}
	c.take(f, id, l, name, l.Value, msg.New("the go line asks for a newer toolchain"))
}

// take makes a line of a file choose the toolchain.
func (c *toolchainChoice) take(f ModuleFile, id layer.ID, l ModuleLine, name, version string, why msg.Text) {
	if c.winner > 0 {
		c.s.Trail[c.winner].Why = msg.New("%s asks for a newer one", layer.Place(f.Name, l.Line))
	}
	c.addLine(f, id, l, why)
	c.winner = len(c.s.Trail) - 1
	c.name, c.version = name, version
}

// switchTo is cmd/go/internal/toolchain.Exec.
func (c *toolchainChoice) switchTo() {
	if !strings.HasPrefix(c.name, "go1") && !strings.Contains(c.name, "-go1") {
		c.s.Err = msg.New("invalid GOTOOLCHAIN %q", c.name)
		return
	}
	c.version = toolchainVersion(c.name) // 1.22 has become 1.22.0
	c.s.Toolchain, c.s.Version = c.name, c.version
	program, err := c.v.lookPath(c.name)
	switch {
	case err == nil:
		c.s.Program = program
		c.foundProgram()
	case !errors.Is(err, fs.ErrNotExist):
		c.s.Unknown = msg.New("whether %s is on PATH is not known", c.name)
	case c.s.Mode == "path":
		c.s.Err = msg.New("cannot find %q in PATH", c.name)
	default:
		c.fromCache()
	}
}

func (c *toolchainChoice) foundProgram() {
	if c.v.q.Find == nil {
		c.s.Unknown = msg.New("what %s says is not known", c.s.Program)
		return
	}
	sdk, err := c.v.q.Find(c.s.Program)
	if err != nil {
		c.s.Unknown = msg.New("the Go SDK of %s is not known: %s", c.s.Program, err.Error())
		return
	}
	c.s.SDK = &sdk
}

// checkModule sets what commands say that load go.work, or without it go.mod, with a toolchain that is too old for it
// (cmd/go/internal/gover.TooNewError). The modules that a go.work uses are not looked at.
func (c *toolchainChoice) checkModule() {
	if !c.s.Err.IsZero() || c.s.Version == "" {
		return
	}
	c.v.decided()
	unknown := c.v.unknown
	f, _, err := c.moduleFile()
	c.v.unknown = unknown
	switch {
	case !err.IsZero():
		c.s.ModuleErr = err
	case f.Name != "" && toolchainCompare(f.Go.Value, c.s.Version) > 0:
		c.s.ModuleErr = msg.New("%s requires go >= %s (running go %s%s)", c.shortPath(f.Name), f.Go.Value, c.s.Version, c.tooNewBecause(f))
	}
}

func (c *toolchainChoice) tooNewBecause(f ModuleFile) string {
	because := ""
	if c.s.Setting != "" && c.s.Setting != "auto" {
		because = "; GOTOOLCHAIN=" + c.s.Setting
	}
	if c.s.File != "" && f.Toolchain.Value == "default" {
		because += "; " + c.shortPath(f.Name) + " sets toolchain default"
	}
	return because
}

// shortPath is cmd/go/internal/base.ShortPath: relative to the working directory if that is shorter.
func (c *toolchainChoice) shortPath(name string) string {
	p, up := c.v.q.Platform, ""
	for dir := p.Clean(c.v.q.Dir); ; dir = p.Dir(dir) {
		prefix := strings.TrimSuffix(dir, p.Separator()) + p.Separator()
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			if short := up + rest; len(short) < len(name) {
				return short
			}
			return name
		}
		if dir == p.Dir(dir) {
			return name
		}
		up += ".." + p.Separator()
	}
}
