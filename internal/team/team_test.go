package team

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"github.com/goready/goready/internal/host"
)

var ids = []string{"go.binary-found", "env.persisted-target", "fs.network"}

const full = `go = "1.26"
[env.user]
GOPROXY   = "https://proxy.example.com|https://mirror.example.com,direct"
GOPRIVATE = "git.example.com/*"
[env.service]
GOCACHE = "/var/cache/go"
[tools]
gopls = "golang.org/x/tools/gopls@v0.21.0"
[vscode.settings]
"go.toolsManagement.autoUpdate" = false
"gopls" = { "ui.semanticTokens" = true, "build.buildFlags" = ["-tags=x"] }
[ca]
files = ["corp-ca.pem"]
[doctor]
fail-on = "warning"
severity = "info"
skip = ["fs", "go.*", "env.persisted-target"]

[[doctor.known]]
id = "fs.network"
object = "/mnt/c/src"
until = 2027-01-31
reason = "moving in January"

[[doctor.known]]
id = "go.binary-found"
until = "2020-01-01"
`

func TestDecode(t *testing.T) {
	f, err := Decode("/ws/goready.toml", []byte("\uFEFF"+full), ids)
	if err != nil {
		t.Fatal(err)
	}
	want := &File{Name: "/ws/goready.toml", Go: "1.26",
		Env: Env{User: map[string]string{"GOPROXY": "https://proxy.example.com|https://mirror.example.com,direct", "GOPRIVATE": "git.example.com/*"},
			Service: map[string]string{"GOCACHE": "/var/cache/go"}},
		Tools: map[string]string{"gopls": "golang.org/x/tools/gopls@v0.21.0"},
		VSCode: VSCode{Settings: map[string]any{"go.toolsManagement.autoUpdate": false,
			"gopls": map[string]any{"ui.semanticTokens": true, "build.buildFlags": []any{"-tags=x"}}}},
		CA: CA{Files: []string{"corp-ca.pem"}},
		Doctor: Doctor{FailOn: "warning", Severity: "info", Skip: []string{"fs", "go.*", "env.persisted-target"}, Known: []Known{
			{"fs.network", "/mnt/c/src", toml.LocalDate{Year: 2027, Month: 1, Day: 31}, "moving in January", 19},
			{ID: "go.binary-found", Until: toml.LocalDate{Year: 2020, Month: 1, Day: 1}, Line: 25},
		}}}
	if got := f.Doctor.Known[0].Day(); !got.Equal(time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("until %s", got)
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// refused are files that must not be accepted, with the error and what was probably meant.
var refused = []struct{ name, file, want, near string }{
	{"unknown_top", "tolls = 1\n", `goready.toml:1: unknown key "tolls"`, "tools"},
	{"unknown_table", "\n[docter]\n", `goready.toml:2: unknown key "docter"`, "doctor"},
	{"unknown_key", "[doctor]\n\nfailon = \"error\"\n", `goready.toml:3: unknown key "failon" in doctor`, "fail-on"},
	{"other_case", "[doctor]\nFail-On = \"error\"\n", `goready.toml:2: unknown key "Fail-On" in doctor`, "fail-on"},
	{"unknown_dotted", "doctor.severty = \"info\"\n", `goready.toml:1: unknown key "severty" in doctor`, "severity"},
	{"unknown_inline", "doctor = {skip = [], sevrity = \"info\"}\n", `goready.toml:1: unknown key "sevrity" in doctor`, "severity"},
	{"unknown_in_known", "[[doctor.known]]\nid = \"fs.network\"\nuntill = 2027-01-31\n", `goready.toml:3: unknown key "untill" in doctor.known`, "until"},
	{"unknown_in_inline_known", "[doctor]\nknown = [\n {id = \"fs.network\"},\n {id = \"fs.network\", reson = \"x\"},\n]\n", `goready.toml:4: unknown key "reson" in doctor.known`, "reason"},
	{"unknown_scope", "[env.users]\nX = \"1\"\n", `goready.toml:1: unknown key "users" in env`, "user"},
	{"number_for_text", "go = 1.26\n", "goready.toml:1: go must be a string, not a number", ""},
	{"text_for_list", "[doctor]\nskip = \"fs\"\n", "goready.toml:2: doctor.skip must be a list, not a string", ""},
	{"number_in_list", "[doctor]\nskip = [\n \"fs\",\n 1]\n", "goready.toml:4: doctor.skip must be a string, not a number", ""},
	{"list_for_table", "[[doctor]]\n", "goready.toml:1: doctor must be a table, not a list", ""},
	{"table_for_list", "[doctor.known]\nid = \"fs.network\"\n", "goready.toml:1: doctor.known must be a list, not a table", ""},
	{"table_for_text", "[go]\n", "goready.toml:1: go must be a string, not a table", ""},
	{"key_below_text", "go.version = \"1.26\"\n", "goready.toml:1: go must be a string, not a table", ""},
	{"boolean_in_env", "[env.user]\nGOFLAGS = true\n", "goready.toml:2: env.user.GOFLAGS must be a string, not a boolean", ""},
	{"bad_date", "[[doctor.known]]\nid = \"fs.network\"\nuntil = 2027-02-30\n", "goready.toml:3: ", ""},
	{"bad_date_text", "[[doctor.known]]\nid = \"fs.network\"\nuntil = \"soon\"\n", "goready.toml:3: doctor.known.until must be a date, not a string", ""},
	{"time_for_date", "[[doctor.known]]\nid = \"fs.network\"\nuntil = 2027-01-31T00:00:00Z\n", "goready.toml:3: doctor.known.until must be a date, not a time", ""},
	{"no_id", "[[doctor.known]]\nreason = \"x\"\n", "goready.toml:1: doctor.known without an id", ""},
	{"bad_go", "go = \"go1.26\"\n", `goready.toml:1: go: "go1.26" is not a Go version such as 1.26 or 1.26.8`, ""},
	{"empty_go", "go = \"\"\n", "goready.toml:1: go is empty", ""},
	{"bad_variable", "[env.user]\n\"GO PROXY\" = \"x\"\n", `goready.toml:2: "GO PROXY" is not the name of a variable`, ""},
	{"line_break", "[env.user]\nGOPROXY = \"a\\nb\"\n", "goready.toml:2: the value of GOPROXY has a line break", ""},
	{"tool_without_version", "[tools]\ngopls = \"golang.org/x/tools/gopls\"\n", `goready.toml:2: tools.gopls: "golang.org/x/tools/gopls" is not a package and a version, PACKAGE@VERSION`, ""},
	{"empty_tool", "[tools]\ngopls = \"\"\n", "goready.toml:2: tools.gopls is empty", ""},
	{"empty_ca", "[ca]\nfiles = [\"\"]\n", "goready.toml:2: ca.files has an empty name", ""},
	{"bad_fail_on", "[doctor]\nfail-on = \"warn\"\n", `goready.toml:2: doctor.fail-on: unknown value "warn", want error, warning, never`, ""},
	{"bad_severity", "[doctor]\nseverity = \"never\"\n", `goready.toml:2: doctor.severity: unknown value "never", want error, warning, info`, ""},
	{"empty_severity", "[doctor]\nseverity = \"\"\n", `goready.toml:2: doctor.severity: unknown value "", want error, warning, info`, ""},
	{"syntax", "a = \"\nb\"", "goready.toml:1: ", ""},
	{"twice", "go = \"1.26\"\ngo = \"1.25\"\n", "goready.toml:2: ", ""},
	{"deep", "a = " + strings.Repeat("[", 100_000), "goready.toml:1: nested too deeply", ""},
	{"large", "# " + strings.Repeat("x", MaxSize), "goready.toml: larger than 262144 bytes", ""},
	{"not_utf8", "go = \"1.26\" # \xff\n", "goready.toml:1: ", ""},
}

// refusedIDs are refused because of the catalogue, which the schema does not know.
var refusedIDs = []struct{ name, file, want, near string }{
	{"unknown_id", "[[doctor.known]]\nid = \"fs.netwrk\"\n", `goready.toml:2: no check "fs.netwrk"`, "fs.network"},
	{"unknown_skip", "[doctor]\nskip = [\"fs\",\n\"go.binary-fund\"]\n", `goready.toml:3: no check or category "go.binary-fund"`, "go.binary-found"},
	{"category_for_id", "[[doctor.known]]\nid = \"fs\"\n", `goready.toml:2: no check "fs"`, ""},
}

func TestRefused(t *testing.T) {
	for _, tt := range append(refused, refusedIDs...) {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Decode("goready.toml", []byte(tt.file), ids)
			e, ok := errors.AsType[*Error](err)
			if f != nil || !ok {
				t.Fatalf("accepted: %+v, %v", f, err)
			}
			if got := e.Error(); got != tt.want && (!strings.HasSuffix(tt.want, ": ") || !strings.HasPrefix(got, tt.want)) || e.Near != tt.near {
				t.Errorf("error %q, near %q\nwant  %q, near %q", got, e.Near, tt.want, tt.near)
			}
		})
	}
}

func TestFind(t *testing.T) {
	for _, tt := range []struct {
		name, dir, home string
		files           []string
		want            string
	}{
		{"in_the_workspace", "/home/u/app", "/home/u", []string{"/home/u/app/goready.toml", "/home/u/goready.toml"}, "/home/u/app/goready.toml"},
		{"in_the_repository", "/srv/app/cmd/x", "/home/u", []string{"/srv/app/goready.toml", "/srv/app/.git/HEAD"}, "/srv/app/goready.toml"},
		{"in_a_worktree", "/srv/app/cmd/x", "/home/u", []string{"/srv/app/goready.toml", "/srv/app/.git"}, "/srv/app/goready.toml"},
		{"not_above_the_repository", "/home/u/app/cmd", "/home/u", []string{"/home/u/app/.git/HEAD", "/home/u/goready.toml"}, ""},
		{"in_home", "/home/u/src/app", "/home/u", []string{"/home/u/goready.toml"}, "/home/u/goready.toml"},
		{"not_above_home", "/home/u/src/app", "/home/u", []string{"/home/goready.toml"}, ""},
		{"of_anybody", "/tmp/x/y", "/home/u", []string{"/tmp/goready.toml"}, ""},
		{"outside_in_the_workspace", "/tmp/x", "", []string{"/tmp/x/goready.toml"}, "/tmp/x/goready.toml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"/etc/hostname": "x\n"}
			for _, f := range tt.files {
				files[f] = "# " + f
			}
			h := host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, nil, files)
			name, data, err := Find(h, tt.dir, tt.home)
			if err != nil || name != tt.want || tt.want != "" && string(data) != "# "+tt.want {
				t.Errorf("Find = %q, %q, %v; want %q", name, data, err, tt.want)
			}
		})
	}
}

// FuzzDecode: no file makes Decode panic, and an error names a line of the file.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(full))
	for _, tt := range refused {
		if len(tt.file) < 1000 {
			f.Add([]byte(tt.file))
		}
	}
	f.Add([]byte("[doctor]\nknown = [{id = \"fs.network\"}]\n[[doctor.known]]\n"))
	f.Add([]byte("[vscode.settings.a]\nb.c = 1\n[[vscode.settings.d]]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Decode("goready.toml", data, ids)
		if (file == nil) == (err == nil) {
			t.Fatalf("%v, %v", file, err)
		}
		if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Line > 1+strings.Count(string(data), "\n")) {
			t.Fatalf("%#v", err)
		}
	})
}
