package goenv

import (
	"errors"
	"io/fs"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// variable resolves a variable for which [IsGoVariable] holds. It is one switch because that is how the rules read in
// cmd/go/internal/envcmd.MkEnv.
func (v *envView) variable(key string) Result {
	switch key {
	case "GOARCH":
		return v.defaulted(key, v.arch(), msg.New("the architecture of the go command"))
	case "GOOS":
		return v.defaulted(key, v.q.Platform.OS, msg.New("the system of the go command"))
	case "GOHOSTARCH":
		return v.computed(key, v.fixed(v.arch(), msg.New("the architecture of the go command")))
	case "GOHOSTOS":
		return v.computed(key, v.fixed(v.q.Platform.OS, msg.New("the system of the go command")))
	case "GOAUTH":
		return v.defaulted(key, "netrc", envBuiltIn())
	case "GOPROXY", "GOSUMDB":
		return v.proxyOrSumDB(key)
	case "GOFIPS140":
		return v.defaulted(key, "off", envBuiltIn())
	case "AR":
		return v.defaulted(key, "ar", envBuiltIn())
	case "CC", "CXX":
		return v.compiler(key)
	case "GCCGO":
		return v.gccgo()
	case "CGO_ENABLED":
		return v.cgoEnabled()
	case "CGO_CFLAGS", "CGO_CXXFLAGS", "CGO_FFLAGS", "CGO_LDFLAGS":
		return envRequoted(v.defaulted(key, "-O2 -g", envBuiltIn()))
	case "CGO_CPPFLAGS":
		return envRequoted(v.raw(key))
	case "PKG_CONFIG":
		return envFirstField(v.defaulted(key, "pkg-config", envBuiltIn()))
	case "GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64":
		return v.archFeature(key)
	case "GONOPROXY", "GONOSUMDB":
		return v.fromPrivate(key)
	case "GOPATH":
		return v.gopath()
	case "GOMODCACHE":
		return v.modcache()
	case "GOCACHE":
		return v.cache()
	case "GOROOT":
		return v.goroot()
	case "GOTOOLDIR":
		return v.tooldir()
	case "GOEXE":
		return v.exe()
	case "GOENV":
		return v.goenv()
	case "GODEBUG":
		return v.processOnly(key)
	case "GOMOD":
		return v.gomod()
	case "GOWORK":
		return v.gowork()
	case "GOTOOLCHAIN":
		return v.local().gotoolchain()
	case "GOVERSION":
		return v.goversion()
	case "GOTELEMETRY":
		return v.telemetry()
	case "GOTELEMETRYDIR":
		return v.telemetryDir()
	case "GOGCCFLAGS":
		return Result{Unknown: msg.New("the go command asks the C compiler for it each time")}
	case "GOFLAGS":
		return v.goflags()
	}
	return v.raw(key)
}

func envBuiltIn() msg.Text { return msg.New("the default that is built into the go command") }

// raw resolves a variable without a default.
func (v *envView) raw(key string) Result {
	h := v.hits(key)
	return h.withDefault(layer.Reason{})
}

// defaulted resolves a variable with a default, which is built in.
func (v *envView) defaulted(key, def string, why msg.Text) Result {
	h := v.hits(key)
	return h.withDefault(v.fixed(def, why))
}

// proxyOrSumDB resolves GOPROXY or GOSUMDB. Before Go 1.21 there was no go.env; both had a default built in.
func (v *envView) proxyOrSumDB(key string) Result {
	h := v.hits(key)
	v.settle()
	switch {
	case !v.olderThan("1.21"):
		return h.withDefault(layer.Reason{})
	case key == "GOSUMDB":
		return h.withDefault(v.fixed("sum.golang.org", envBuiltIn()))
	case h.value() == "":
		v.isUnknown(msg.New("%s has its default of %s built in", v.sdk.Version, key))
	}
	return h.withDefault(layer.Reason{})
}

func (v *envView) fixed(value string, why msg.Text) layer.Reason {
	return layer.Reason{Layer: layer.GoDefault, Value: value, Why: why}
}

// computed resolves a variable that the go command computes, whatever the layers say.
func (v *envView) computed(key string, r layer.Reason) Result {
	r.Won = true
	res := Result{Value: r.Value, Set: true, Trail: []layer.Reason{r}}
	v.decided()
	v.ignored(key, &res, msg.New("the go command computes %s and never reads it", key))
	return res
}

// ignored adds to the front of the trail the layers that set key in vain.
func (v *envView) ignored(key string, r *Result, why msg.Text) {
	h := envHits{won: -1}
	h.addFile(layer.GoEnvFile, v.q.User, key)
	if s := v.os(key); s != "" {
		h.reasons = append(h.reasons, layer.Reason{Layer: layer.OSEnv, Value: s})
	}
	for i := range h.reasons {
		h.reasons[i].Why = why
	}
	r.Trail = append(h.reasons, r.Trail...)
}

// processOnly resolves a variable that the go command reads from the process environment only.
func (v *envView) processOnly(key string) Result {
	r := Result{Value: v.os(key)}
	v.decided()
	r.Set = r.Value != ""
	if r.Set {
		r.Trail = []layer.Reason{{Layer: layer.OSEnv, Value: r.Value, Won: true, Why: msg.New("the process environment comes first")}}
	}
	h := envHits{won: -1}
	h.addFile(layer.SDKGoEnv, v.local().goEnvFile(), key)
	h.addFile(layer.GoEnvFile, v.q.User, key)
	for i := range h.reasons {
		h.reasons[i].Why = msg.New("%s is read from the process environment only", key)
	}
	r.Trail = append(h.reasons, r.Trail...)
	return r
}

// plain resolves a variable that is not the go command's. What "go env" prints for one, if a file names it, is what
// cmd/go/internal/envcmd.findEnv finds, and nothing else in Go looks there.
func (v *envView) plain(key string) Result {
	r := v.processOnly(key)
	_, _, inUser := v.q.User.Lookup(key)
	_, _, inRoot := v.goEnvFile().Lookup(key)
	if !inUser && !inRoot {
		return r
	}
	r.Printed = v.get(key)
	if r.Printed != r.Value {
		r.Notes = append(r.Notes, msg.New("\"go env %s\" prints it, but nothing uses it: %s is read from the process environment only", key, key))
	}
	return r
}

func (v *envView) arch() string {
	if v.sdk.Arch != "" {
		return v.sdk.Arch
	}
	return v.q.Platform.Arch
}

// value returns the value of another variable, without taking its trail.
func (v *envView) value(key string) string { return v.variable(key).Value }

// derived returns the reason for a value that was taken from the variable via.
func envDerived(value, via string, from Result) layer.Reason {
	r := layer.Reason{Layer: layer.GoDerived, From: via, Value: value, Why: msg.New("taken from %s", via)}
	for _, t := range from.Trail {
		if t.Won && t.From != "" {
			r.From = t.From
		}
	}
	return r
}

func (v *envView) fromPrivate(key string) Result {
	h := v.hits(key)
	private := v.raw("GOPRIVATE")
	def := layer.Reason{}
	if private.Value != "" {
		def = envDerived(private.Value, "GOPRIVATE", private)
	}
	r := h.withDefault(def)
	if len(r.Trail) > 0 && r.Trail[0].Layer == layer.GoDerived && r.Trail[0].Won {
		r.Via = "GOPRIVATE"
	}
	return r
}

func (v *envView) compiler(key string) Result {
	h := v.hits(key)
	cc, cxx := envCompilers(v.value("GOOS"))
	if key == "CXX" {
		cc = cxx
	}
	return h.withDefault(v.fixed(cc, envBuiltIn()))
}

// envCompilers is cmd/go/internal/cfg.DefaultCC and DefaultCXX.
func envCompilers(goos string) (cc, cxx string) {
	switch goos {
	case "darwin", "ios", "freebsd", "openbsd":
		return "clang", "clang++"
	}
	return "gcc", "g++"
}

// gccgo is the program as it is found on PATH, which is what "go env" prints (cmd/go/internal/work).
func (v *envView) gccgo() Result {
	r := v.defaulted("GCCGO", "gccgo", envBuiltIn())
	path, err := v.lookPath(r.Value)
	if err == nil {
		r.Value = path
		envRewriteWinner(&r)
	} else if !errors.Is(err, fs.ErrNotExist) {
		v.isUnknown(msg.New("whether %s is on PATH is not known", r.Value))
	}
	return r
}

// lookPath is os/exec.LookPath with the PATH of the go command.
func (v *envView) lookPath(program string) (string, error) {
	if v.q.LookPath == nil {
		return "", errors.ErrUnsupported
	}
	return v.q.LookPath(program)
}

func envRewriteWinner(r *Result) {
	for i := range r.Trail {
		if r.Trail[i].Won {
			r.Trail[i].Value = r.Value
		}
	}
}

// envRequoted gives the value the quoting that "go env" prints (cmd/go/internal/envcmd.ExtraEnvVarsCostly).
func envRequoted(r Result) Result {
	if fields, err := SplitQuoted(r.Value); err == nil {
		r.Value = joinQuoted(fields)
		envRewriteWinner(&r)
	}
	return r
}

func envFirstField(r Result) Result {
	if fields, err := SplitQuoted(r.Value); err == nil && len(fields) > 0 {
		r.Value = fields[0]
		envRewriteWinner(&r)
	}
	return r
}

// cgoEnabled is the rule in cmd/go/internal/cfg.defaultContext: an explicit 0 or 1 in any layer; else off when cross
// compiling, where the port has no cgo, and where the default C compiler is not on PATH while CC is not in the process
// environment (CC in a file does not count there).
func (v *envView) cgoEnabled() Result {
	h := v.hits("CGO_ENABLED")
	if s := h.value(); s == "0" || s == "1" {
		return h.withDefault(v.fixed("", envBuiltIn()))
	}
	for i := range h.reasons {
		if h.reasons[i].Won {
			h.reasons[i].Won = false
			h.reasons[i].Why = msg.New("neither 0 nor 1, so it does not count")
		}
	}
	h.won = -1
	return h.withDefault(v.cgoDefault())
}

func (v *envView) cgoDefault() layer.Reason {
	goos, goarch := v.variable("GOOS"), v.variable("GOARCH")
	if goos.Value != v.q.Platform.OS {
		return envDerivedWhy("0", "GOOS", goos, msg.New("cgo is off when cross compiling"))
	}
	if goarch.Value != v.arch() {
		return envDerivedWhy("0", "GOARCH", goarch, msg.New("cgo is off when cross compiling"))
	}
	if !envCgoSupported(goos.Value, goarch.Value) {
		return v.fixed("0", msg.New("%s/%s has no cgo", goos.Value, goarch.Value))
	}
	if v.olderThan("1.20") {
		return v.fixed("1", envBuiltIn())
	}
	if v.os("CC") != "" {
		return v.fixed("1", msg.New("on, because CC is set in the process environment"))
	}
	cc, _ := envCompilers(goos.Value)
	_, err := v.lookPath(cc)
	if err == nil {
		return v.fixed("1", msg.New("on, because the C compiler %s is on PATH", cc))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		v.isUnknown(msg.New("whether %s is on PATH is not known", cc))
	}
	return v.fixed("0", msg.New("off, because the C compiler %s is not on PATH and CC is not set in the process environment", cc))
}

func envDerivedWhy(value, via string, from Result, why msg.Text) layer.Reason {
	r := envDerived(value, via, from)
	r.Why = why
	return r
}

// envPorts is internal/platform.List of Go 1.26.
const envPorts = " aix/ppc64 android/386 android/amd64 android/arm android/arm64 darwin/amd64 darwin/arm64 " +
	"dragonfly/amd64 freebsd/386 freebsd/amd64 freebsd/arm freebsd/arm64 freebsd/riscv64 " +
	"illumos/amd64 ios/amd64 ios/arm64 js/wasm linux/386 linux/amd64 linux/arm linux/arm64 " +
	"linux/loong64 linux/mips linux/mips64 linux/mips64le linux/mipsle linux/ppc64 linux/ppc64le " +
	"linux/riscv64 linux/s390x linux/sparc64 netbsd/386 netbsd/amd64 netbsd/arm netbsd/arm64 " +
	"openbsd/386 openbsd/amd64 openbsd/arm openbsd/arm64 openbsd/mips64 openbsd/ppc64 " +
	"openbsd/riscv64 plan9/386 plan9/amd64 plan9/arm solaris/amd64 wasip1/wasm windows/386 " +
	"windows/amd64 windows/arm64 "

// IsPort reports whether name, such as "linux/386", is a system and an architecture that Go compiles for.
func IsPort(name string) bool { return envInList(envPorts, name) }

// envCgoSupported is internal/platform.CgoSupported.
func envCgoSupported(goos, goarch string) bool {
	switch goos {
	case "js", "plan9", "wasip1":
		return false
	}
	return (goarch != "ppc64" || goos == "aix") && envInList(envPorts, goos+"/"+goarch)
}

// archFeature resolves a variable that has its default only if it belongs to the GOARCH in effect.
func (v *envView) archFeature(key string) Result {
	h := v.hits(key)
	arch := v.value("GOARCH")
	name, def := envArchFeature(arch)
	if name != key {
		r := h.withDefault(layer.Reason{})
		if r.Set {
			r.Notes = append(r.Notes, msg.New("GOARCH is %s, so %s is not used", arch, key))
		}
		return r
	}
	if key == "GOARM" && h.value() == "" && v.q.Platform.Arch == "arm" {
		v.isUnknown(msg.New("the default of GOARM was chosen when this go command was built"))
	}
	return h.withDefault(v.fixed(def, envBuiltIn()))
}

// envArchFeature is cmd/go/internal/cfg.GetArchEnv with the defaults of internal/buildcfg.
func envArchFeature(arch string) (name, def string) {
	switch arch {
	case "386":
		return "GO386", "sse2"
	case "amd64":
		return "GOAMD64", "v1"
	case "arm":
		return "GOARM", "7"
	case "arm64":
		return "GOARM64", "v8.0"
	case "mips", "mipsle":
		return "GOMIPS", "hardfloat"
	case "mips64", "mips64le":
		return "GOMIPS64", "hardfloat"
	case "ppc64", "ppc64le":
		return "GOPPC64", "power8"
	case "riscv64":
		return "GORISCV64", "rva20u64"
	case "wasm":
		return "GOWASM", ""
	}
	return "", ""
}

func (v *envView) exe() Result {
	goos := v.variable("GOOS")
	ext := ""
	if goos.Value == "windows" {
		ext = ".exe"
	}
	r := v.computed("GOEXE", envDerived(ext, "GOOS", goos))
	r.Via = "GOOS"
	return r
}

func (v *envView) goflags() Result {
	r := v.raw("GOFLAGS")
	if _, err := ParseGOFLAGS(r.Value); !err.IsZero() {
		r.Notes = append(r.Notes, msg.New("go commands other than env and bug stop with: %s", err))
	}
	return r
}

// gotoolchain is the raw setting; see [SelectToolchain] for what it leads to.
func (v *envView) gotoolchain() Result {
	r := v.raw("GOTOOLCHAIN")
	if r.Value == "" {
		r.Notes = append(r.Notes, msg.New("without a value the go command behaves as with GOTOOLCHAIN=local"))
	}
	return r
}

// goversion is the version of the toolchain that runs in the end, decided by whatever selected it.
func (v *envView) goversion() Result {
	v.settled = true
	s := selectToolchain(v.q, v.getenv)
	r := Result{Trail: s.Trail, Unknown: s.Unknown}
	for _, t := range s.Trail {
		if t.Won {
			r.Value, r.Set = t.Value, true
		}
	}
	if r.Value == "" && r.Unknown.IsZero() {
		r.Unknown = msg.New("the version of the go command in %s is not known", v.q.SDK.Root)
	}
	if s.Download {
		r.Notes = append(r.Notes, msg.New("the toolchain %s must be downloaded first", s.Toolchain))
	}
	if !s.ModuleErr.IsZero() {
		r.Notes = append(r.Notes, msg.New("go commands that load the module stop with: %s", s.ModuleErr))
	}
	v.decided()
	v.ignored("GOVERSION", &r, msg.New("the go command computes %s and never reads it", "GOVERSION"))
	return r
}
