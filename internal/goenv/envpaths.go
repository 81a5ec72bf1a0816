package goenv

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// gopath resolves GOPATH. A default that is not absolute, because HOME is not, is dropped by cmd/go/main.go.
func (v *envView) gopath() Result {
	r := v.gopathListed()
	if v.sameAsRoot(r.Value) {
		if r.Value != "" {
			r.Notes = append(r.Notes, msg.New("GOPATH and GOROOT are the same directory (%s)", r.Value))
		}
		return r
	}
	if len(r.Trail) == 0 || r.Trail[0].Layer != layer.GoDefault || !r.Trail[0].Won {
		return r
	}
	for _, dir := range v.q.Platform.SplitList(r.Value) {
		if dir != "" && !v.q.Platform.IsAbs(dir) {
			r.Trail[0].Won = false
			r.Trail[0].Why = msg.New("the home folder is not absolute, so there is no default")
			r.Value, r.Set = "", false
			break
		}
	}
	return r
}

func (v *envView) sameAsRoot(gopath string) bool {
	p := v.q.Platform
	return p.Clean(gopath) == p.Clean(v.get("GOROOT"))
}

// gopathListed is what cmd/go/internal/cfg has for GOPATH before main looks at it.
func (v *envView) gopathListed() Result {
	h := v.hits("GOPATH")
	return h.withDefault(v.gopathDefault())
}

// gopathDefault is go/build.defaultGOPATH. Its guard against GOPATH=GOROOT compares with runtime.GOROOT, which in a
// release is the variable GOROOT of the process environment, and empty without it.
func (v *envView) gopathDefault() layer.Reason {
	p := v.q.Platform
	key := "HOME"
	switch p.OS {
	case "windows":
		key = "USERPROFILE"
	case "plan9":
		key = "home"
	}
	home := v.os(key)
	if home == "" {
		return layer.Reason{}
	}
	def := p.Join(home, "go")
	if root := v.getenv("GOROOT"); root != "" && p.Clean(root) == def && v.os("GOROOT") == root {
		return layer.Reason{}
	}
	return v.fixed(def, msg.New("the default is the folder go in the home folder"))
}

// modcache resolves GOMODCACHE; the first entry of GOPATH must not be empty.
func (v *envView) modcache() Result {
	p := v.q.Platform
	h := v.hits("GOMODCACHE")
	gopath := v.gopathListed()
	def := layer.Reason{}
	if list := p.SplitList(gopath.Value); len(list) > 0 && list[0] != "" {
		def = envDerived(p.Join(list[0], "pkg/mod"), "GOPATH", gopath)
		def.Why = msg.New("pkg/mod in the first folder of GOPATH")
	}
	r := h.withDefault(def)
	if len(r.Trail) > 0 && r.Trail[0].Layer == layer.GoDerived && r.Trail[0].Won {
		r.Via = "GOPATH"
	}
	return r
}

// cache is cmd/go/internal/cache.DefaultDir.
func (v *envView) cache() Result {
	h := v.hits("GOCACHE")
	dir, err := UserCacheDir(v.q.Platform, v.os)
	def := v.fixed("off", msg.New("there is no default: %s", "GOCACHE is not defined"))
	if err == nil {
		def = v.fixed(v.q.Platform.Join(dir, "go-build"), msg.New("the default is go-build in the user's cache folder"))
	} else {
		def.Why = msg.New("there is no default: %s", err.Error())
	}
	explicit := h.value() != ""
	r := h.withDefault(def)
	if explicit && r.Value != "off" && !v.q.Platform.IsAbs(r.Value) {
		r.Notes = append(r.Notes, msg.New("GOCACHE is not an absolute path, which is the same as off"))
		r.Value = "off"
		envRewriteWinner(&r)
	}
	if r.Value == "off" {
		r.Notes = append(r.Notes, msg.New("every build fails without a build cache"))
	}
	return r
}

// goroot resolves GOROOT: as given in the process environment; cleaned, from the user's file; or where the go command
// is. A line in $GOROOT/go.env does not count, and an empty one in the user's file does not either.
func (v *envView) goroot() Result {
	os := v.os("GOROOT")
	user, _, _ := v.q.User.Lookup("GOROOT")
	if os != "" || user != "" {
		v.decided()
	}
	h := envHits{}
	h.addUser(v.q, "GOROOT")
	for i := range h.reasons {
		if h.reasons[i].Value != "" {
			h.reasons[i].Value = v.q.Platform.Clean(h.reasons[i].Value)
		}
	}
	if os != "" && !v.rootSet {
		h.reasons = append(h.reasons, layer.Reason{Layer: layer.OSEnv, Value: os})
	}
	h.won = len(h.reasons) - 1
	for h.won >= 0 && !h.says(h.won) {
		h.won--
	}
	h.explain()
	v.settle()
	r := h.withDefault(v.rootDefault())
	if v.rootSet && v.root != "" {
		v.winDefault(&r)
	}
	if r.Value == "" {
		r.Set = false
	}
	return r
}

// rootDefault is the GOROOT without the variable.
func (v *envView) rootDefault() layer.Reason {
	if v.sdk.Root == "" {
		return layer.Reason{}
	}
	r := v.fixed(v.sdk.Root, msg.New("the GOROOT that the go command is in"))
	r.From = v.sdk.GoCommand
	if v.sdk.Root != v.q.SDK.Root || v.rootSet {
		r.Why = msg.New("the GOROOT of the selected toolchain")
		r.From = ""
	}
	return r
}

// winDefault makes the first reason win, because a toolchain switch sets the variable for the new process.
func (v *envView) winDefault(r *Result) {
	for i := range r.Trail {
		r.Trail[i].Won = i == 0
		if i > 0 {
			r.Trail[i].Why = msg.New("the selected toolchain is started with its own GOROOT")
		}
	}
	r.Value, r.Set = v.root, true
	r.Trail[0].Value = v.root
}

func (v *envView) tooldir() Result {
	p := v.q.Platform
	root := v.goroot()
	if root.Value == "" {
		return Result{}
	}
	r := v.computed("GOTOOLDIR", envDerived(p.Join(root.Value, "pkg", "tool", p.OS+"_"+v.arch()), "GOROOT", root))
	r.Via = "GOROOT"
	return r
}

// goenv is cmd/go/internal/cfg.EnvFile, which is empty for GOENV=off and without a configuration folder.
func (v *envView) goenv() Result {
	name, off, err := UserFile(v.q.Platform, v.os)
	var r Result
	switch {
	case v.os("GOENV") != "":
		r = Result{Value: name, Set: true, Trail: []layer.Reason{
			{Layer: layer.OSEnv, Value: name, Won: true, Why: msg.New("the process environment comes first")}}}
		if off {
			r.Trail[0].Why = msg.New("GOENV=off: the go env file is not read")
		}
	case err != nil:
		r.Notes = append(r.Notes, msg.New("there is no go env file: %s", err.Error()))
	default:
		def := v.fixed(name, msg.New("the default is go/env in the user's configuration folder"))
		def.Won = true
		r = Result{Value: name, Set: true, Trail: []layer.Reason{def}}
	}
	h := envHits{}
	h.addFile(layer.GoEnvFile, v.q.User, "GOENV")
	for i := range h.reasons {
		h.reasons[i].Why = msg.New("%s is read from the process environment only", "GOENV")
	}
	r.Trail = append(h.reasons, r.Trail...)
	return r
}

// gomod is cmd/go/internal/envcmd.ExtraEnvVars; modules decide, no layer does.
func (v *envView) gomod() Result {
	v.local()
	mode := v.raw("GO111MODULE")
	mod := v.q.Module.Mod
	found := mod.Name != "" && !v.q.Module.ModInTemp
	switch {
	case mode.Value == "off":
		r := v.computed("GOMOD", envDerivedWhy("", "GO111MODULE", mode, msg.New("modules are off: GO111MODULE=off")))
		r.Via = "GO111MODULE"
		return r
	case found:
		r := v.computed("GOMOD", layer.Reason{Layer: layer.GoMod, From: mod.Name, Value: mod.Name,
			Why: msg.New("the nearest %s, here or above", "go.mod")})
		return r
	case mode.Value == "auto":
		r := v.computed("GOMOD", envDerivedWhy("", "GO111MODULE", mode, msg.New("no go.mod here or above, and GO111MODULE=auto")))
		r.Via = "GO111MODULE"
		return r
	}
	r := v.computed("GOMOD", v.fixed(envDevNull(v.q), msg.New("no go.mod here or above")))
	if v.q.Module.ModInTemp {
		r.Notes = append(r.Notes, msg.New("%s is ignored, because it is in the root of the folder for temporary files", mod.Name))
	}
	return r
}

func envDevNull(q *Query) string {
	if q.Platform.Windows() {
		return "NUL"
	}
	return "/dev/null"
}

// gowork is cmd/go/internal/modload.FindGoWork. Unlike documented, a line in a go env file counts too.
func (v *envView) gowork() Result {
	v.local()
	h := v.hits("GOWORK")
	work := v.q.Module.Work
	def := layer.Reason{}
	if work.Name != "" {
		def = layer.Reason{Layer: layer.GoWork, From: work.Name, Value: work.Name, Why: msg.New("the nearest %s, here or above", "go.work")}
	}
	auto := h.value() == "auto"
	if auto {
		h.reasons[h.won].Won = false
		h.reasons[h.won].Why = msg.New("auto is the same as nothing: go.work is searched for")
		h.won = -1
	}
	r := h.withDefault(def)
	if r.Value == "" {
		r.Set = false
		for i := range r.Trail {
			r.Trail[i].Won = false
		}
	}
	return r
}

// telemetryDir is golang.org/x/telemetry.Dir.
func (v *envView) telemetryDir() Result {
	p := v.q.Platform
	if dir := v.os("TEST_TELEMETRY_DIR"); dir != "" {
		return v.computed("GOTELEMETRYDIR", v.fixed(dir, msg.New("taken from %s", "TEST_TELEMETRY_DIR")))
	}
	dir, err := UserConfigDir(p, v.os)
	if err != nil {
		return Result{}
	}
	return v.computed("GOTELEMETRYDIR", v.fixed(p.Join(dir, "go", "telemetry"), msg.New("the default is go/telemetry in the user's configuration folder")))
}

// telemetry is the mode file that "go telemetry" writes (golang.org/x/telemetry.Mode).
func (v *envView) telemetry() Result {
	dir := v.telemetryDir().Value
	if dir == "" {
		return v.computed("GOTELEMETRY", v.fixed("off", msg.New("there is no configuration folder")))
	}
	local := v.fixed("local", envBuiltIn())
	if v.q.ReadFile == nil {
		v.isUnknown(msg.New("what %s says is not known", v.q.Platform.Join(dir, "mode")))
		return v.computed("GOTELEMETRY", local)
	}
	name := v.abs(v.q.Platform.Join(dir, "mode"))
	data, err := v.q.ReadFile(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			v.isUnknown(msg.New("what %s says is not known", name))
		}
		return v.computed("GOTELEMETRY", local)
	}
	mode, _, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	r := v.fixed(mode, msg.New("\"go telemetry\" wrote it"))
	r.From = layer.Place(name, 1)
	return v.computed("GOTELEMETRY", r)
}
