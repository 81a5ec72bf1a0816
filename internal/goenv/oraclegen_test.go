package goenv

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
)

// oracleValues has what the generator gives to variables: usual values, and those that rules treat specially.
var oracleValues = map[string][]string{
	"GOPROXY":      {"https://proxy.example.com,direct", "off", "http://127.0.0.1:1/a|http://127.0.0.1:1/b", "", " ", "file:///nowhere", "direct", "a,b"},
	"GOPRIVATE":    {"corp.example.com", "*.a.example,b.example/*", "", " "},
	"GONOPROXY":    {"none", "", "corp.example.com"},
	"GONOSUMDB":    {"*", "", "x.example"},
	"GOSUMDB":      {"off", "sum.golang.org", "", "sum.golang.google.cn", "a b c", "nokey"},
	"GOINSECURE":   {"*.corp.example.com", ""},
	"GOVCS":        {"*:all", "", "private:all,public:off"},
	"GOAUTH":       {"off", "", "netrc", "git /tmp", " "},
	"GOPATH":       {"$R/gopath", "$R/gp1:$R/gp2", "rel", "~/go", "", ":", ":$R/gp", "$R/home/go", "$S/a", "$R/x/../y", "$R/gopath/"},
	"GOMODCACHE":   {"$R/mod", "rel/mod", "", "off"},
	"GOBIN":        {"$R/bin", "rel", ""},
	"GOCACHE":      {"$R/cache", "off", "rel", "", " "},
	"GOCACHEPROG":  {"", " "},
	"GOTMPDIR":     {"$R/tmp", ""},
	"GOROOT":       {"$S/a", "$S/b", "$S/b/", "$S/bare", "$S/bare", "/nonexistent", "", "$S/x/../b", "../..", "$S/b/go.env"},
	"GOFLAGS":      {"-mod=mod", "-x", "", "-json", "-json=maybe", "\"", "'-tags=a b' -v", "foo", "-", "--", "-=", "=x", "-n=0", "--changed=x", "-C=/", "--C", "xC=/", "''", "-mod=vendor -insecure", "-buildvcs=false", " "},
	"GOOS":         {"linux", "windows", "darwin", "js", "", "nosuch"},
	"GOARCH":       {"amd64", "arm64", "386", "arm", "wasm", "riscv64", "", "mips64le", "ppc64"},
	"GOAMD64":      {"v1", "v3", "v9", ""},
	"GOARM64":      {"v8.2,lse", "v9.0", "v7", "", "v8.0,crypto,lse", "v9.6", "v8.", "v8.10"},
	"GOARM":        {"6", "7,softfloat", "9", ""},
	"GO386":        {"softfloat", "sse2", "", "x"},
	"GOMIPS":       {"softfloat", "", "bad"},
	"GOMIPS64":     {"hardfloat", "", "bad"},
	"GOPPC64":      {"power9", "", "bad"},
	"GORISCV64":    {"rva22u64", "", "bad"},
	"GOWASM":       {"satconv,signext", "", "bad", ",satconv"},
	"GOFIPS140":    {"off", "latest", "v9", "v1.99.0", "", "v1.99.0-rc1", "v1.2.3-12345678", "v1.0"},
	"GOEXPERIMENT": {"none", "boringcrypto", "", "nosuch", "jsonv2,noarenas", "regabi,,nodwarf5", "nonosuch"},
	"GO111MODULE":  {"on", "off", "auto", "", "maybe", "ON"},
	"GOWORK":       {"off", "auto", "", "rel.work", "$R/w/other.work", "$R/nowhere/go.work"},
	"GOTOOLCHAIN": {"local", "auto", "path", "", "go1.99.0", "go1.22", "1.22.0", "bash", "auto+path", "local+auto", "local+path", "go1.20+auto", "$V", "$V+path", "$V+auto",
		"go1.22.3-foo", "go1.2.3+x", "gccgo-go1.2", "go2", "go1.21rc1", "go1.x", "go1.22.3 foo", "$L", "$L+auto", "go/../x", "default", "local+", "$L-custom", "$L-custom+auto"},
	"GODEBUG":             {"http2client=0", ""},
	"CC":                  {"clang", "", "a b", "/usr/bin/cc"},
	"CXX":                 {"clang++", ""},
	"AR":                  {"llvm-ar", ""},
	"FC":                  {"f77", ""},
	"GCCGO":               {"nosuchgccgo", "sh", ""},
	"PKG_CONFIG":          {"pkgconf", "", "p q"},
	"CGO_ENABLED":         {"0", "1", "", "yes"},
	"CGO_CFLAGS":          {"-O0", "", "'-D a=b'  -g", "-DX=\"y z\""},
	"CGO_CPPFLAGS":        {"-I/x", ""},
	"CGO_LDFLAGS":         {"-L/x 'a\"b'", ""},
	"CGO_LDFLAGS_ALLOW":   {".*", ""},
	"GO_EXTLINK_ENABLED":  {"0", ""},
	"GOENV":               {"$R/alt.env", "off", "OFF", "", "rel.env", "$R/home"},
	"GOEXE":               {".x", ""},
	"GOHOSTOS":            {"plan9"},
	"GOTOOLDIR":           {"/x"},
	"GOVERSION":           {"go9"},
	"GOMOD":               {"/x/go.mod"},
	"GOTELEMETRY":         {"on"},
	"GOTELEMETRYDIR":      {"/x"},
	"HTTP_X":              {"1", ""},
	"FOO":                 {"bar", ""},
	"GOFOO":               {"bar"},
	"TEST_TELEMETRY_DIR":  {"$R/teldir", ""},
	"XDG_CONFIG_HOME":     {"$R/xdg", "rel", "", "$R/xdg/"},
	"XDG_CACHE_HOME":      {"$R/xdgcache", "rel", ""},
	"HOME":                {"$R/home", "", "rel", "~x", "$S", "/"},
	"TMPDIR":              {"$R/w", "$R/w/", "$R", ""},
	"PATH":                {"/usr/bin:/bin", "$S/empty", "$S/path:/usr/bin:/bin", "$S/path", ""},
	"GIT_TERMINAL_PROMPT": {"1"},
}

// oracleEnvOnly are variables that make little sense in a go env file; they appear there seldom.
var oracleEnvOnly = []string{"HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TMPDIR", "PATH", "TEST_TELEMETRY_DIR", "GIT_TERMINAL_PROMPT"}

var oracleCostly = []string{"CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_FFLAGS", "CGO_LDFLAGS", "PKG_CONFIG"}

// oracleVersions stand in values for the newer toolchain and the one that runs; set by the test from what is installed.
func oraclePlaceholders(local string) *strings.Replacer {
	newer := oracleNewer(local)
	return strings.NewReplacer("$V", newer, "$L", local, "$N", strings.TrimPrefix(newer, "go"))
}

type oracleGenerator struct {
	r     *rand.Rand
	names []string
	c     *oracleCase
}

func oracleGenerate(r *rand.Rand, local string) *oracleCase {
	g := &oracleGenerator{r: r, c: &oracleCase{SDK: "$S/a/bin/go", Env: map[string]string{}, Files: map[string]string{}, Dir: "$R/w/sub"}}
	for name := range oracleValues {
		g.names = append(g.names, name)
	}
	slices.Sort(g.names)
	g.sdk()
	g.environ()
	g.envFiles()
	g.module()
	if g.chance(12) {
		g.toolchain()
	}
	g.keys()
	p := oraclePlaceholders(local)
	g.c.SDK = strings.ReplaceAll(g.c.SDK, "$P", runtime.GOOS+"_"+runtime.GOARCH)
	for k, v := range g.c.Env {
		g.c.Env[k] = p.Replace(v)
	}
	for _, m := range []map[string]string{g.c.Files, g.c.Links} {
		for k, v := range maps.Clone(m) {
			delete(m, k)
			m[p.Replace(k)] = p.Replace(v)
		}
	}
	return g.c
}

func (g *oracleGenerator) chance(percent int) bool { return g.r.IntN(100) < percent }

func (g *oracleGenerator) pick(list []string) string { return list[g.r.IntN(len(list))] }

// value returns a value for name. The first two of each list are ordinary; most of the others make the go command fail
// if they are what it takes for true, so there must not be too many in one case.
func (g *oracleGenerator) value(name string) string {
	list := oracleValues[name]
	if g.chance(60) {
		list = list[:min(2, len(list))]
	}
	return g.pick(list)
}

func (g *oracleGenerator) sdk() {
	if g.chance(40) {
		g.c.SDK = g.pick([]string{"$S/b/bin/go", "$S/bare/bin/go", "$S/bin/go", "$S/newer/bin/go", "$S/a/bin/$P/go", "$S/lost/go"})
	}
}

func (g *oracleGenerator) environ() {
	g.c.Env["HOME"] = "$R/home"
	g.c.Env["PATH"] = "/usr/bin:/bin"
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TMPDIR", "PATH", "GOENV"} {
		if g.chance(12) {
			g.c.Env[name] = g.value(name)
		}
	}
	for range g.r.IntN(5) {
		name := g.pick(g.names)
		if !slices.Contains(oracleEnvOnly, name) {
			g.c.Env[name] = g.value(name)
		}
	}
	if g.chance(30) {
		g.c.Env["GOTOOLCHAIN"] = g.value("GOTOOLCHAIN")
	}
	if g.chance(5) {
		delete(g.c.Env, "HOME")
	}
}

// envFiles writes the user's file where some variable may name it, and others nearby that must not be read.
func (g *oracleGenerator) envFiles() {
	if g.chance(80) {
		g.c.Files["$R/home/.config/go/env"] = g.envFile()
	}
	for _, name := range []string{"$R/xdg/go/env", "$R/alt.env", "$R/w/sub/rel.env", "$R/w/sub/OFF", "$R/home/go/env", "$R/w/sub/.env", "$R/w/sub/rel/go/env", "$R/w/sub/rel/.config/go/env"} {
		if g.chance(15) {
			g.c.Files[name] = g.envFile()
		}
	}
	switch g.r.IntN(8) {
	case 0:
		g.c.Files["$R/home/.config/go/telemetry/mode"] = "local 2024-01-01"
	case 1:
		g.c.Files["$R/teldir/mode"] = " off \n"
	default:
		g.c.Files["$R/home/.config/go/telemetry/mode"] = "off 2024-01-01"
	}
}

func (g *oracleGenerator) envFile() string {
	var b strings.Builder
	if g.chance(4) {
		b.WriteString("\ufeff")
	}
	for range g.r.IntN(7) {
		b.WriteString(g.envLine())
		b.WriteString(g.pick([]string{"\n", "\n", "\n", "\n", "\n", "\n", "\n", "\n", "\r\n", ""}))
	}
	return b.String()
}

func (g *oracleGenerator) envLine() string {
	name := g.pick(g.names)
	if slices.Contains(oracleEnvOnly, name) && g.chance(80) {
		name = g.pick([]string{"GOPROXY", "GOTOOLCHAIN", "GOFLAGS"})
	}
	value := g.value(name)
	switch g.r.IntN(40) {
	case 0:
		return " " + name + "=" + value
	case 1:
		return "export " + name + "=" + value
	case 2:
		return name + " = " + value
	case 3:
		return strings.ToLower(name) + "=" + value
	case 4:
		return "# " + name + "=" + value
	case 5:
		return name + "=\"" + value + "\""
	case 6:
		return name + "=" + value + " # comment"
	case 7:
		return name
	case 8:
		return name + "=$HOME/x"
	case 9:
		return "=" + value
	case 10:
		return name + "=\xff" + value
	case 11:
		return name + "=a=b"
	}
	return name + "=" + value
}

func (g *oracleGenerator) module() {
	goLines := []string{"go 1.20", "go 1.21", "go 1.99", "go 1.99.3", "go 1.26", "go 1.27rc1", "go", "go 1.22.x", "\tgo\t1.98 // x", "go 2", "go $W"}
	toolLines := []string{"", "", "", "toolchain go1.98.1", "toolchain default", "toolchain $V", "toolchain local", "toolchain go1.20.1", "toolchain bash", "toolchain go1.99.0-foo", "toolchain gccgo-go1.99", "toolchain // x"}
	text := func(first string) string {
		s := first + "\n" + g.pick(goLines) + "\n" + g.pick(toolLines) + "\n"
		if g.chance(5) {
			s = strings.ReplaceAll(s, "\n", "\r\n")
		}
		if g.chance(5) {
			s += "}{ broken\n"
		}
		return strings.ReplaceAll(s, "$W", "1.99.0")
	}
	names := []string{"$R/w/sub/go.mod", "$R/w/go.mod", "$R/go.mod"}
	if g.chance(75) {
		g.c.Files[g.pick(names)] = text("module example.com/m")
	}
	if g.chance(20) {
		g.c.Files[g.pick([]string{"$R/w/sub/go.work", "$R/w/go.work", "$R/go.work", "$R/w/other.work"})] = text("use ./m")
	}
	if g.chance(3) {
		g.c.Files["$R/w/sub/go.mod/x"] = "a directory"
		delete(g.c.Files, "$R/w/sub/go.mod")
	}
	if g.chance(10) {
		g.c.Env["GOWORK"] = g.pick(oracleValues["GOWORK"])
	}
}

// oracleModule generates go.mod and go.work for a go command that loads them with the toolchain it has.
func oracleModule(r *rand.Rand, local string) *oracleCase {
	g := &oracleGenerator{r: r, c: &oracleCase{SDK: "$S/a/bin/go", Dir: "$R/w/sub", Files: map[string]string{},
		Env: map[string]string{"HOME": "$R/home", "PATH": "$S/empty", "GOPROXY": "off"}}}
	goLines := []string{"go 1.20", "go 1.99", "go 1.99.3", "go 1.26", "go 1.98rc1", "", "go 1.x", "go 1.99 // x"}
	toolLines := []string{"", "", "toolchain default", "toolchain " + local, "toolchain go1.20.1", "toolchain go1.99.9", "toolchain bash"}
	g.c.Env["GOTOOLCHAIN"] = g.pick([]string{"local", "local", local, local + "+path", "auto", "local+auto", ""})
	mod := func(first string) string { return first + "\n" + g.pick(goLines) + "\n" + g.pick(toolLines) + "\n" }
	g.c.Files[g.pick([]string{"$R/w/sub/go.mod", "$R/w/go.mod", "$R/go.mod"})] = mod(g.pick([]string{"module example.com/m", "module example.com/m", "modul x"}))
	if g.chance(25) {
		name := g.pick([]string{"$R/w/sub/go.work", "$R/w/go.work", "$R/x.work"})
		g.c.Files[name] = mod(g.pick([]string{"", "", "use"}))
		if strings.HasSuffix(name, "x.work") {
			g.c.Env["GOWORK"] = name
		}
	}
	return g.c
}

// toolchain makes the newer toolchain wanted, and puts it on PATH or into the module cache.
func (g *oracleGenerator) toolchain() {
	c := g.c
	c.Env["GOTOOLCHAIN"] = g.pick([]string{"$V", "auto", "local+auto", "$V+auto", "path"})
	delete(c.Files, "$R/w/sub/go.mod/x")
	c.Files["$R/w/sub/go.mod"] = "module m\n" + g.pick([]string{"toolchain $V\n", "go " + "$N\n", "toolchain $V\ngo 1.20\n"})
	for _, name := range []string{"GO111MODULE", "GOMODCACHE", "GOWORK"} {
		delete(c.Env, name)
	}
	if g.chance(40) {
		c.Env["GOROOT"] = g.pick([]string{"$S/a", "$S/b/", "$R/home/go"})
	}
	if g.chance(50) {
		c.Env["PATH"] = "$S/path:/usr/bin:/bin"
		return
	}
	module := "golang.org/toolchain@v0.0.1-$V." + runtime.GOOS + "-" + runtime.GOARCH
	c.Links = map[string]string{"$R/mod/" + module: "$S/newer"}
	c.Files["$R/mod/cache/download/"+strings.Replace(module, "@", "/@v/", 1)+".ziphash"] = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	c.Env["GOMODCACHE"] = "$R/mod"
	c.Env["GOSUMDB"] = "off"
	c.Env["GOPROXY"] = g.pick([]string{"file:///nowhere", "file:///nowhere,direct", "direct"})
}

// keys chooses what to ask: usually everything cheap at once, sometimes one of the names that are treated specially, and
// seldom what needs the C compiler.
func (g *oracleGenerator) keys() {
	switch n := g.r.IntN(20); {
	case n < 2:
		g.c.Keys = []string{g.pick([]string{"GOTOOLCHAIN", "GOMOD", "GOWORK", "GOVERSION", "GOPROXY"})}
		return
	case n == 2 && g.chance(30):
		g.c.Keys = oracleCostly
		g.c.Files["$R/tmp/x"] = ""
		return
	}
	for _, name := range Variables() {
		if !slices.Contains(oracleCostly, name) && name != "GOGCCFLAGS" {
			g.c.Keys = append(g.c.Keys, name)
		}
	}
	g.c.Keys = append(g.c.Keys, "FOO", "GOFOO", "HTTP_X", "HOME", "GOPROXY ", fmt.Sprint("GOPROXY", g.r.IntN(2)))
}
