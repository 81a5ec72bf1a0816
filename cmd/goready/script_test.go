package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/goready/goready/internal/cli"
	"github.com/goready/goready/internal/snapshot"
	"github.com/goready/goready/internal/testreq"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"goready": main})
}

// TestScripts runs the scripts of testdata/script against the binary. Each has a private HOME, a stand-in for a Go SDK
// on PATH ($SDK) and a workspace ($WS). Besides testscript's own commands there are:
//
//	sees CONSUMER VAR VALUE LAYER [FROM]   the consumer sees the value, the layer decided; FROM is the end of "from"
//	state CONSUMER VAR STATE [REGEXP]      the state, and the reason or note it gives
//	go-agrees VAR...                       the real go command prints what goready says of "current"
//	big FILE                               appends comments until the file is larger than a snapshot keeps
//
// They pass the flags in $FLAGS to goready.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: setup,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"sees": cmdSees, "state": cmdState, "go-agrees": cmdGoAgrees, "big": cmdBig,
		},
		Condition: func(cond string) (bool, error) {
			name, ok := strings.CutPrefix(cond, "has:")
			if !ok {
				return false, nil
			}
			testreq.Program(t, name)
			return true, nil
		},
	})
}

func setup(env *testscript.Env) error {
	home, ws, sdk := filepath.Join(env.WorkDir, "home"), filepath.Join(env.WorkDir, "ws"), filepath.Join(env.WorkDir, "sdk")
	for _, dir := range []string{home, ws, filepath.Join(sdk, "bin"), filepath.Join(sdk, "pkg", "tool")} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	for name, content := range map[string]string{
		"bin/go":  "#!/bin/sh\nexit 1\n",
		"VERSION": "go1.26.8\ntime 2026-10-01T00:00:00Z\n",
		"go.env":  "# defaults\nGOPROXY=https://default.example.com,direct\nGOSUMDB=sum.golang.org\nGOTOOLCHAIN=auto\n",
	} {
		if err := os.WriteFile(filepath.Join(sdk, name), []byte(content), 0o777); err != nil {
			return err
		}
	}
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		sleep = ""
	}
	env.Vars = append(cleanEnv(env.Vars), "SLEEP="+sleep, "HOME="+home, "WS="+ws, "SDK="+sdk, "SHELL=/bin/bash", "USER=tester", "LANG=C.UTF-8", "COLUMNS=1000",
		"XDG_CONFIG_HOME=", "XDG_CACHE_HOME=", "XDG_DATA_HOME=", "GOENVFILE="+filepath.Join(home, ".config", "go", "env"),
		"BIN="+filepath.SplitList(env.Getenv("PATH"))[0], // where goready itself is
		"PATH="+filepath.Join(sdk, "bin")+":"+env.Getenv("PATH"), "FLAGS=")
	env.Cd = ws
	return nil
}

// cleanEnv drops what the machine that runs the tests may have set for Go.
func cleanEnv(vars []string) []string {
	var out []string
	for _, kv := range vars {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "GO") && !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			out = append(out, kv)
		}
	}
	return out
}

type decision struct {
	ID, State, Value, Reason, Note, Error string
	Trail                                 []struct {
		Layer, From, Value, Why string
		Won                     bool
	}
}

// explain runs goready and returns its one decision.
func explain(ts *testscript.TestScript, consumer, variable string) decision {
	args := []string{"explain", variable, "--consumer", consumer, "--format", "json"}
	args = append(args, strings.Fields(ts.Getenv("FLAGS"))...)
	ts.Check(ts.Exec("goready", args...))
	var report struct {
		Variables []struct{ Consumers []decision }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &report))
	if len(report.Variables) != 1 || len(report.Variables[0].Consumers) != 1 {
		ts.Fatalf("want one decision, got %s", ts.ReadFile("stdout"))
	}
	return report.Variables[0].Consumers[0]
}

func cmdSees(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 || len(args) > 5 {
		ts.Fatalf("usage: sees CONSUMER VAR VALUE LAYER [FROM]")
	}
	d := explain(ts, args[0], args[1])
	winners := 0
	for _, r := range d.Trail {
		if !r.Won {
			continue
		}
		winners++
		if r.Layer != args[3] {
			ts.Fatalf("layer %q decided, want %q\n%s", r.Layer, args[3], ts.ReadFile("stdout"))
		}
		if len(args) == 5 && !strings.HasSuffix(r.From, args[4]) {
			ts.Fatalf("decided by %q, want %q\n%s", r.From, args[4], ts.ReadFile("stdout"))
		}
		if r.Value != d.Value {
			ts.Fatalf("the reason that won has value %q, the decision %q", r.Value, d.Value)
		}
	}
	if d.State != "set" || d.Value != args[2] || winners != 1 {
		ts.Fatalf("state %s, value %q, %d winners; want set, %q, 1\n%s", d.State, d.Value, winners, args[2], ts.ReadFile("stdout"))
	}
}

func cmdState(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: state CONSUMER VAR STATE [REGEXP]")
	}
	d := explain(ts, args[0], args[1])
	if d.State != args[2] {
		ts.Fatalf("state %q, want %q\n%s", d.State, args[2], ts.ReadFile("stdout"))
	}
	for _, r := range d.Trail {
		if r.Won && d.State != "set" {
			ts.Fatalf("a layer won although the state is %s\n%s", d.State, ts.ReadFile("stdout"))
		}
	}
	if len(args) == 4 {
		text := d.Reason + "\n" + d.Note + "\n" + d.Error
		if !regexp.MustCompile(args[3]).MatchString(text) {
			ts.Fatalf("reason, note and error do not match %q:\n%s", args[3], text)
		}
	}
}

// cmdGoAgrees compares with the real go command, which replaces the stand-in on PATH.
func cmdGoAgrees(ts *testscript.TestScript, neg bool, args []string) {
	real, err := exec.LookPath("go")
	ts.Check(err)
	saved := ts.Getenv("PATH")
	ts.Setenv("PATH", filepath.Dir(real)+":"+saved)
	defer ts.Setenv("PATH", saved)
	for _, name := range args {
		d := explain(ts, "current", name)
		cmd := exec.Command(real, "env", name)
		cmd.Dir = ts.MkAbs(".")
		cmd.Env = scriptEnv(ts)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if (err != nil) != (d.Error != "") {
			ts.Fatalf("go env %s: %v %s\ngoready says error %q", name, err, stderr.String(), d.Error)
		}
		if got := strings.TrimSuffix(stdout.String(), "\n"); err == nil && got != d.Value {
			ts.Fatalf("go env %s = %q, goready says %q", name, got, d.Value)
		}
	}
}

func cmdBig(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: big FILE")
	}
	text := ts.ReadFile(args[0]) + strings.Repeat("# nothing\n", snapshot.Limits().File/10)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o666))
}

// scriptEnv returns the variables of a script that matter to the go command.
func scriptEnv(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"HOME", "PATH", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "GOPROXY", "GOENV", "GOROOT", "GOFLAGS", "GOPRIVATE",
		"GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOTOOLCHAIN", "GOPATH", "GOBIN", "GOMODCACHE", "GO111MODULE", "GOWORK", "HTTP_PROXY", "TMPDIR"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// TestSchema validates real output against the published schema.
func TestSchema(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	schema, err := compiler.Compile("../../docs/schema/explain.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	for _, args := range [][]string{
		{"GOPROXY", "PATH", "GO_PROXY"},
		{"GOPROXY", "--observe", "--editor-from", "terminal"},
		{"--module", "example.com/m", "--answers", "404,ok", "--url", "https://example.com", "--chain"},
	} {
		var stdout, stderr bytes.Buffer
		status := cli.Main(t.Context(), cli.Program{
			Args: append([]string{"explain", "--format", "json", "-C", home}, args...),
			Dir:  os.Getwd, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		})
		if status != 0 {
			t.Fatalf("%q: status %d, %s", args, status, stderr.String())
		}
		value, err := jsonschema.UnmarshalJSON(&stdout)
		if err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
}
