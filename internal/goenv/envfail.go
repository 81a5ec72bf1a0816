package goenv

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// envFailure returns what "go env KEY" says if it fails, in the order in which the go command looks: the toolchain
// (cmd/go/internal/toolchain.Select), GOROOT and GOPATH (cmd/go/main.go), GOWORK, GOFLAGS, the build configuration
// (internal/buildcfg), modules (cmd/go/internal/modload.Init), and for the flags of C compilers those compilers.
func envFailure(q *Query, key string) msg.Text {
	v := newEnvView(q)
	v.decided()
	switch key {
	case "GOTOOLCHAIN", "GOMOD", "GOWORK":
		v.local()
	default:
		if s := selectToolchain(q, v.getenv); !s.Err.IsZero() {
			return s.Err
		}
		v.settle()
	}
	checks := []func() msg.Text{v.failRoot, v.failGopath, v.failWorkEarly, v.failFlags, v.failBuildConfig, v.failExperiment,
		v.failFIPS, v.failModules, v.failWork}
	if envNeedsCompiler(key) {
		checks = append(checks, v.failCompilers)
	}
	for _, check := range checks {
		if err := check(); !err.IsZero() {
			return err
		}
	}
	return msg.Text{}
}

func (v *envView) failRoot() msg.Text {
	root := v.get("GOROOT")
	if root == "" {
		return msg.New("cannot find GOROOT directory: 'go' binary is trimmed and GOROOT is not set")
	}
	if root == v.sdk.Root || v.q.Root == nil {
		return msg.Text{}
	}
	if _, err := v.q.Root(v.abs(root)); err != nil && !errors.Is(err, host.ErrUnknown) {
		return msg.New("cannot find GOROOT directory: %s", root)
	}
	return msg.Text{}
}

func (v *envView) failGopath() msg.Text {
	list := v.gopathListed().Value
	if v.sameAsRoot(list) {
		return msg.Text{}
	}
	for _, dir := range v.q.Platform.SplitList(list) {
		if strings.HasPrefix(dir, "~") {
			return msg.New("GOPATH entry cannot start with shell metacharacter '~': %q", dir)
		}
		if dir != "" && !v.q.Platform.IsAbs(dir) && v.get("GOPATH") != "" {
			return msg.New("GOPATH entry is relative; must be absolute path: %q", dir)
		}
	}
	return msg.Text{}
}

// failFlags covers the flags of "go env" itself (cmd/go/internal/base.SetFromGOFLAGS); other mistakes in GOFLAGS are
// forgiven there. A word without a dash loses its first byte instead, and an empty one crashes the go command.
func (v *envView) failFlags() msg.Text {
	fields, err := SplitQuoted(v.get("GOFLAGS"))
	if err != nil {
		return msg.Text{}
	}
	for _, f := range fields {
		if f == "" {
			return msg.New("the go command crashes on an empty word in GOFLAGS")
		}
		name, value, has := strings.Cut(f, "=")
		if name == "" {
			continue
		}
		if strings.HasPrefix(name, "--") {
			name = name[1:]
		}
		switch name[1:] {
		case "C":
			if !has {
				return msg.New("flag needs an argument: %s (from %s)", name, v.flagsName())
			}
			return msg.New("invalid value %q for flag %s (from %s): -C flag must be first flag on command line", value, name, v.flagsName())
		case "json", "u", "w", "changed", "n", "x":
			if _, err := strconv.ParseBool(value); has && err != nil {
				return msg.New("invalid boolean value %q for flag %s (from %s)", value, name, v.flagsName())
			}
		}
	}
	return msg.Text{}
}

func (v *envView) flagsName() string {
	if v.q.Platform.Windows() {
		return "%GOFLAGS%"
	}
	return "$GOFLAGS"
}

// failBuildConfig is internal/buildcfg.Check. It sees the process environment only, so the same value in a file passes.
// The last mistake is the one reported; since Go 1.23 a valid GOARM64 also forgets those in GOAMD64 and GOARM.
func (v *envView) failBuildConfig() msg.Text {
	var err msg.Text
	if v.olderThan("1.23") {
		if !envOneOf(v.os("GOAMD64"), "v1", "v2", "v3", "v4") {
			err = msg.New("invalid GOAMD64: must be v1, v2, v3, v4")
		}
	} else if !envValidARM64(v.os("GOARM64")) {
		err = msg.New("invalid GOARM64: must start with v8.{0-9} or v9.{0-5} and may optionally end in %q and/or %q", ",lse", ",crypto")
	}
	for _, key := range []string{"GOMIPS", "GOMIPS64"} {
		if !envOneOf(v.os(key), "hardfloat", "softfloat") {
			err = msg.New("invalid %s: must be hardfloat, softfloat", key)
		}
	}
	if !envOneOf(v.os("GOPPC64"), "power8", "power9", "power10") {
		err = msg.New("invalid GOPPC64: must be power8, power9, power10")
	}
	if !v.olderThan("1.23") && !envOneOf(v.os("GORISCV64"), "rva20u64", "rva22u64", "rva23u64") {
		err = msg.New("invalid GORISCV64: must be rva20u64, rva22u64, rva23u64")
	}
	for _, opt := range strings.Split(v.os("GOWASM"), ",") {
		if !envOneOf(opt, "satconv", "signext") {
			err = msg.New("invalid GOWASM: no such feature %q", opt)
		}
	}
	if name := v.unknownExperiment(v.os("GOEXPERIMENT")); name != "" {
		err = msg.New("unknown GOEXPERIMENT %s", name)
	}
	if fips := v.os("GOFIPS140"); !v.olderThan("1.24") && !envOneOf(fips, "off", "latest", "inprocess", "certified") && !envFIPSVersion(fips) {
		err = msg.New("invalid GOFIPS140: must be off, latest, inprocess, certified, or v1.Y.Z")
	}
	return err
}

// olderThan reports whether the go command is known to be older than Go version.
func (v *envView) olderThan(version string) bool {
	local := toolchainVersion(v.sdk.Version)
	return local != "" && toolchainCompare(local, version) < 0
}

// envOneOf reports whether s is empty or one of values.
func envOneOf(s string, values ...string) bool { return s == "" || slices.Contains(values, s) }

func envValidARM64(s string) bool {
	for {
		cut := strings.TrimSuffix(strings.TrimSuffix(s, ",lse"), ",crypto")
		if cut == s {
			break
		}
		s = cut
	}
	if s == "" {
		return true
	}
	major, minor, _ := strings.Cut(s, ".")
	last := map[string]string{"v8": "9", "v9": "5"}[major]
	return len(minor) == 1 && minor >= "0" && minor <= last
}

// envFIPSVersion is internal/buildcfg.isFIPSVersion: v1.Y.Z, v1.Y.Z-rcN or v1.Y.Z-hhhhhhhh.
func envFIPSVersion(s string) bool {
	s, ok := strings.CutPrefix(s, "v1.")
	minor, patch, dot := strings.Cut(s, ".")
	patch, suffix, dash := strings.Cut(patch, "-")
	if !ok || !dot || !envIsNumber(minor) || !envIsNumber(patch) {
		return false
	}
	rc, isRC := strings.CutPrefix(suffix, "rc")
	if isRC {
		return envIsNumber(rc)
	}
	return !dash || len(suffix) == 8
}

func envIsNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// failExperiment is internal/buildcfg.ParseGOEXPERIMENT for a value from any layer.
func (v *envView) failExperiment() msg.Text {
	if name := v.unknownExperiment(v.get("GOEXPERIMENT")); name != "" {
		return msg.New("unknown GOEXPERIMENT %s", name)
	}
	return msg.Text{}
}

// unknownExperiment returns the first name in list that the Go version does not know. What it knows is in its sources.
func (v *envView) unknownExperiment(list string) string {
	if list == "" || v.q.ReadFile == nil {
		return ""
	}
	data, err := v.q.ReadFile(v.q.Platform.Join(v.sdk.Root, "src", "internal", "goexperiment", "flags.go"))
	if err != nil {
		return ""
	}
	known := " none regabi "
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 2 && f[1] == "bool" {
			known += strings.ToLower(f[0]) + " "
		}
	}
	for name := range strings.SplitSeq(list, ",") {
		if name != "" && name != "none" && !envInList(known, strings.TrimPrefix(name, "no")) {
			return strings.TrimPrefix(name, "no")
		}
	}
	return ""
}

// failFIPS is cmd/go/internal/fips140.Init.
func (v *envView) failFIPS() msg.Text {
	p := v.q.Platform
	version := v.get("GOFIPS140")
	switch {
	case version == "" || version == "off" || v.olderThan("1.24"):
		return msg.Text{}
	case version == "latest":
		return v.failBoring()
	case strings.ContainsAny(version, `/\`) || strings.Contains(version, ".."):
		return msg.New("malformed GOFIPS140 version %q", version)
	case v.q.ReadFile == nil:
		return msg.Text{}
	}
	dir := p.Join(v.get("GOROOT"), "lib", "fips140")
	from := ""
	if data, err := v.q.ReadFile(v.abs(p.Join(dir, version+".txt"))); err == nil {
		version, from = strings.TrimSpace(string(data)), version
	}
	_, err := v.q.ReadFile(v.abs(p.Join(dir, version+".zip")))
	switch {
	case err == nil || errors.Is(err, host.ErrUnknown):
		return v.failBoring()
	case from != "":
		return msg.New("unknown GOFIPS140 version %q (from %q)", version, from)
	}
	return msg.New("unknown GOFIPS140 version %q", version)
}

func (v *envView) failBoring() msg.Text {
	if strings.Contains(","+v.get("GOEXPERIMENT")+",", ",boringcrypto,") {
		return msg.New("cannot use GOFIPS140 with GOEXPERIMENT=boringcrypto")
	}
	return msg.Text{}
}

func (v *envView) failModules() msg.Text {
	switch mode := v.get("GO111MODULE"); mode {
	case "", "on", "off", "auto":
	default:
		return msg.New("unknown environment setting GO111MODULE=%s", mode)
	}
	return msg.Text{}
}

// failWorkEarly is failWork as cmd/go/internal/telemetrystats calls it before any command runs.
func (v *envView) failWorkEarly() msg.Text {
	if !v.modulesOn() {
		return msg.Text{}
	}
	return v.failWork()
}

// failWork is cmd/go/internal/modload.FindGoWork.
func (v *envView) failWork() msg.Text {
	switch work := v.get("GOWORK"); work {
	case "", "off", "auto":
	default:
		if !v.q.Platform.IsAbs(work) {
			return msg.New("invalid GOWORK: not an absolute path")
		}
	}
	return msg.Text{}
}

// envNeedsCompiler reports whether "go env KEY" prepares a build to find the answer.
func envNeedsCompiler(key string) bool {
	switch key {
	case "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_FFLAGS", "CGO_LDFLAGS", "PKG_CONFIG", "GOGCCFLAGS":
		return true
	}
	return false
}

// failCompilers is cmd/go/internal/work.BuildInit, and what crashes in cmd/go/internal/envcmd.ExtraEnvVarsCostly.
func (v *envView) failCompilers() msg.Text {
	for _, key := range []string{"CC", "CXX", "FC"} {
		fields, err := SplitQuoted(v.get(key))
		if err != nil {
			return msg.New("%s environment variable could not be parsed: %s", key, err.Error())
		}
		if len(fields) > 0 && !v.q.Platform.IsAbs(fields[0]) && fields[0] != v.q.Platform.Base(fields[0]) {
			return msg.New("%s environment variable is relative; must be absolute path: %s", key, fields[0])
		}
	}
	if goos, goarch := v.value("GOOS"), v.value("GOARCH"); !envInList(envPorts, goos+"/"+goarch) {
		return msg.New("unsupported GOOS/GOARCH pair %s/%s", goos, goarch)
	}
	for _, key := range []string{"CGO_CPPFLAGS", "CGO_CFLAGS", "CGO_CXXFLAGS", "CGO_FFLAGS", "CGO_LDFLAGS", "PKG_CONFIG"} {
		if _, err := SplitQuoted(v.get(key)); err != nil {
			return msg.New("the go command crashes on the value of %s: %s", key, err.Error())
		}
	}
	for _, key := range []string{"CC", "PKG_CONFIG"} {
		if s := v.get(key); s != "" && strings.Trim(s, " \t\r\n") == "" {
			return msg.New("the go command crashes on the value of %s: %s", key, "only blanks")
		}
	}
	return v.failCache()
}

// failCache is cmd/go/internal/cache.Default, which remembers what the C compiler said.
func (v *envView) failCache() msg.Text {
	cc, err := SplitQuoted(v.value("CC"))
	if err != nil || len(cc) == 0 || v.value("GOCACHE") != "off" {
		return msg.Text{}
	}
	if _, err := v.lookPath(cc[0]); err != nil {
		return msg.Text{}
	}
	if v.get("GOCACHE") == "off" {
		return msg.New("build cache is disabled by GOCACHE=off, but required as of Go 1.12")
	}
	return msg.New("build cache is required, but could not be located")
}
