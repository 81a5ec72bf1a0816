// Package goready_test holds the rules of the house that a reviewer would otherwise have to remember. They are
// checked on the source of the whole module, read in this process with go/parser: a test that asks "go list" keeps
// its old answer in the test cache, this one does not.
//
// Each rule is a function from the module's source to its violations, so that testdata/policy can show, with small
// modules that break them, that the rules can fail. The rules are heuristics where a proof would need types of other
// modules; what they say is then a question for the author, to be answered by changing the code or the rule.
package goready_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// rules are all rules, by the name that testdata/policy uses.
var rules = []struct {
	name  string
	check func(*module) []string
}{
	{"imports", importViolations},
	{"closure", closureViolations},
	{"names", nameViolations},
	{"comments", commentViolations},
	{"state", stateViolations},
	{"machine", machineViolations},
	{"shape", shapeViolations},
	{"tests", testViolations},
	{"gomod", goModViolations},
	{"text", textViolations},
	{"links", linkViolations},
}

// imports are the rules about who may import what. Package test files are free, except that they obey the table of
// halves by living in their package's folder only for the tests of that package.
//
// An own package is named by its folder. "x/..." is x and all below it.
var imports = []importRule{
	// 1. The mains are wiring.
	{in: list("cmd/goready"), own: list("internal/cli"), why: "cmd/goready imports only cli"},
	{in: list("cmd/goreadyd"), own: list("internal/serve"), why: "cmd/goreadyd imports only serve"},

	// 2. The machine that runs the code is not the machine described.
	{in: described, not: list("os", "os/...", "path/filepath", "runtime", "syscall", "io/ioutil", "golang.org/x/sys/..."),
		why: "it describes a machine, which is not the one it runs on: use host.Host and host.Platform"},
	{in: cliHalf, except: list("internal/host/local"),
		not: list("os", "os/exec", "os/signal", "os/user", "syscall", "io/ioutil", "golang.org/x/sys/..."),
		why: "on the command line's side only host/local and durable use the operating system"},
	{in: list("internal/..."), except: list("internal/cli"), not: list("internal/host/local"),
		why: "only cli chooses the local machine"},

	// 3. Explanations and findings are values computed from facts.
	{in: list("internal/explain", "internal/check"), not: list("net", "net/http", "crypto/tls", "io/ioutil"),
		why: "a check that can do input and output one day will"},

	// 5. The halves share semantics, messages, files and test servers, nothing else.
	{in: cliHalf, not: serverHalf, why: "the command line and the server never import each other"},
	{in: serverHalf, not: cliHalf, why: "the command line and the server never import each other"},

	// 6. Heavy libraries are the server's.
	{in: list("..."), except: serverHalf,
		not: list("cloud.google.com/...", "github.com/aws/...", "github.com/Azure/...", "github.com/minio/...",
			"github.com/prometheus/...", "go.opentelemetry.io/...", "k8s.io/..."),
		why: "cloud SDKs, Prometheus and OpenTelemetry appear in the server half only"},

	// 7. Inside the server half.
	{in: list("internal/store/..."), own: with(shared, "internal/store"), why: "store knows nothing above it"},
	{in: list("internal/upstream"), own: with(shared, "internal/store"), why: "upstream knows store only"},
	{in: list("internal/proxy"), own: with(shared, "internal/upstream", "internal/store"), why: "proxy knows upstream and store only"},
	{in: list("internal/sumdb"), own: shared, why: "sumdb knows neither upstream nor store"},

	// The bottom, which everything may import.
	{in: list("internal/msg"), own: list(), not: list("os", "os/...", "net", "net/http", "path/filepath", "runtime", "regexp"),
		why: "every package imports msg: it imports little"},
	{in: list("internal/layer"), own: list("internal/msg"), why: "layer knows no rules of any program"},
	{in: list("internal/host"), own: list("internal/msg"), why: "host is what the rest stands on"},

	// A start-up file is never executed; mvdan.cc/sh is there to parse.
	{in: list("..."), not: list("mvdan.cc/sh/v3/interp"), why: "start-up files are read, never run"},
}

// described are the packages about a machine that may be another one.
var described = list("internal/host", "internal/layer", "internal/msg", "internal/goenv", "internal/shell", "internal/sysenv",
	"internal/editor", "internal/facts", "internal/explain", "internal/check", "internal/plan", "internal/scaffold", "internal/snapshot")

// shared are the packages that both halves may use.
var shared = list("internal/goenv", "internal/durable", "internal/msg", "internal/modtest")

// cliHalf are the packages of the command line that the server never imports itself; goenv may stand on some of them.
var cliHalf = list("internal/host/...", "internal/layer", "internal/shell", "internal/sysenv", "internal/editor", "internal/facts",
	"internal/explain", "internal/check", "internal/plan", "internal/netprobe", "internal/sdk", "internal/tools", "internal/team",
	"internal/scaffold", "internal/lsp", "internal/snapshot", "internal/cli")

// serverHalf are the packages of the server.
var serverHalf = list("internal/upstream", "internal/store/...", "internal/sumdb", "internal/proxy", "internal/serve", "cmd/goreadyd")

func list(s ...string) []string { return append([]string{}, s...) }

func with(some []string, more ...string) []string { return append(list(some...), more...) }

func TestPolicy(t *testing.T) {
	m, err := loadModule(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.files) < 10 {
		t.Fatalf("only %d Go files found: the test does not run in the root of the module", len(m.files))
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, v := range r.check(m) {
				t.Error(v)
			}
		})
	}
}

var update = flag.Bool("update", false, "write the violations found into testdata/policy")

// TestRulesCanFail runs all rules on the small modules in testdata/policy. The file "want" of each has the violations
// as "rule: violation", in order.
func TestRulesCanFail(t *testing.T) {
	cases, err := filepath.Glob("testdata/policy/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range txtar.Parse(data).Files {
				files[f.Name] = string(f.Data)
			}
			want := files["want"]
			delete(files, "want")
			got := allViolations(t, files)
			if *update {
				rewriteWant(t, name, string(data), got)
				return
			}
			if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// rewriteWant replaces the last file of a case, which is "want".
func rewriteWant(t *testing.T, name, archive, want string) {
	t.Helper()
	before, _, _ := strings.Cut(archive, "-- want --\n")
	if err := os.WriteFile(name, []byte(before+"-- want --\n"+want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func allViolations(t *testing.T, files map[string]string) string {
	t.Helper()
	m, err := loadModule(mapFS(files))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, r := range rules {
		for _, v := range r.check(m) {
			got.WriteString(r.name + ": " + v + "\n")
		}
	}
	return got.String()
}

// TestForbiddenTextIsFound has the cases that cannot stand in a file of their own, because every file is checked for
// them: their strings are put together here.
func TestForbiddenTextIsFound(t *testing.T) {
	tests := []struct{ name, file, content, want string }{
		{"go_proxy_host", "README.md", "see https://proxy." + "golang.org/x\n", "text: README.md:1: names the registry host proxy." + "golang.org\n"},
		{"host_ignores_case", "x.txt", "\nRegistry." + "NPMJS.org", "text: x.txt:2: names the registry host registry." + "npmjs\n"},
		{"debian_mirror", "a/b.sh", "http://deb." + "debian.org/debian", "text: a/b.sh:1: names the registry host deb." + "debian.org\n"},
		{"path_of_a_work_machine", "x.go", "package x // /work" + "/main/x\n", "text: x.go:1: has the path /work" + "/main of a machine it was written on\n"},
		{"private_key", "testdata/k.pem", "-----BEGIN RSA PRIVATE" + " KEY-----\n", "text: testdata/k.pem:1: looks like a secret (private key)\n"},
		{"token_in_fixture", "a/testdata/x.json", "{\n\"t\":\"gh" + "p_0123456789abcdefghijABCDEFGHIJ012345\"}\n", "text: a/testdata/x.json:2: looks like a secret (access token)\n"},
		{"password_of_a_real_host", "testdata/env", "GOPROXY=https://u:" + "hunter2@goproxy.corp.com/\n", "text: testdata/env:1: looks like a secret (password in a URL)\n"},
		{"password_of_an_example_host", "testdata/env", "GOPROXY=https://u:" + "hunter2@proxy.example.com/\n", ""},
		{"password_of_loopback", "testdata/env", "GOPROXY=http://u:" + "pw@127.0.0.1:8081\n", ""},
		{"token_outside_fixtures", "redact_test.go", "package x\n\nconst t = \"gh" + "p_0123456789abcdefghijABCDEFGHIJ012345\"\n", ""},
		{"checksum_database_name", "README.md", "sum.golang.org\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := allViolations(t, map[string]string{tt.file: tt.content})
			got = keepLines(got, "text: ")
			if got != tt.want {
				t.Errorf("violations %q, want %q", got, tt.want)
			}
		})
	}
}

func keepLines(s, prefix string) string {
	var kept strings.Builder
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, prefix) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// FuzzLoadModule checks that no Go file, however broken, makes a rule panic.
func FuzzLoadModule(f *testing.F) {
	f.Add("package x\n\nvar a, b = c(), map[string]int{}\n\nfunc (T[P]) M() { a[0].b++; t.Run(\"x y\", nil) }\n")
	f.Add("package main\n\nimport . \"os\"\n\nfunc init() { Getenv(`x`) }\n")
	f.Fuzz(func(t *testing.T, src string) {
		m, err := loadModule(mapFS(map[string]string{"internal/x/x.go": src, "internal/x/x_test.go": src, "cmd/goready/main.go": src}))
		if err != nil {
			return
		}
		for _, r := range rules {
			r.check(m)
		}
	})
}
