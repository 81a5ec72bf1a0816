package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/goready/goready/internal/testreq"
)

// TestDoctorShell runs goready doctor with real shells and start-up files. Besides testscript's own commands there are:
//
//	shell PROGRAM        the user's shell
//	needs PROGRAM        it is installed
//	informs ID           this check has something to say, or not
//	fires [ID [PLACE]]   exactly this check finds something at warning or error, or none; its first evidence ends in PLACE
func TestDoctorShell(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/doctor_shell",
		Setup: setupRealGo,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"shell": func(ts *testscript.TestScript, neg bool, args []string) {
				file := testreq.Program(t, args[0])
				ts.Setenv("SHELL", file)
			},
			"fires":   cmdFires,
			"informs": cmdInforms,
			"needs": func(ts *testscript.TestScript, neg bool, args []string) {
				testreq.Program(t, args[0])
			},
		},
	})
}

// setupRealGo makes a machine whose only go command is the real one.
func setupRealGo(env *testscript.Env) error {
	if err := setup(env); err != nil {
		return err
	}
	file, err := exec.LookPath("go")
	if err != nil {
		return err
	}
	bin := filepath.Dir(file)
	env.Setenv("SDK", filepath.Dir(bin))
	env.Setenv("PATH", strings.Join([]string{env.Getenv("BIN"), bin, "/usr/local/bin", "/usr/bin", "/bin"}, ":"))
	return nil
}

func cmdInforms(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(ts.Exec("goready", "doctor", "--format", "json", args[0]))
	if out := ts.ReadFile("stdout"); strings.Contains(out, `"state": "info"`) == neg {
		ts.Fatalf("%s", out)
	}
}

func cmdFires(ts *testscript.TestScript, neg bool, args []string) {
	// The start-up files of the script say @SDK@ for the real SDK.
	ts.Check(filepath.WalkDir(ts.Getenv("HOME"), func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(name, []byte(strings.ReplaceAll(string(data), "@SDK@", ts.Getenv("SDK"))), 0o666)
	}))
	// The status is 1 for an error and 0 for a warning; the report says which.
	if err := ts.Exec("goready", "doctor", "--format", "json", "--fail-on", "never"); err != nil {
		ts.Fatalf("%v\n%s%s", err, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
	var report struct {
		Results []struct {
			ID, State string
			Message   struct{ Text string }
			Evidence  []struct {
				Path string
				Line int
			}
		}
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &report))
	var ids []string
	place := ""
	for _, r := range report.Results {
		if r.State == "warning" || r.State == "error" {
			ids = append(ids, r.ID)
			if place == "" && len(r.Evidence) > 0 {
				place = fmt.Sprintf("%s:%d", r.Evidence[0].Path, r.Evidence[0].Line)
			}
		}
	}
	if slices.Sort(ids); !slices.Equal(slices.Compact(ids), args[:min(1, len(args))]) {
		ts.Fatalf("%q fire, want %q\n%s", ids, args, ts.ReadFile("stdout"))
	}
	if len(args) > 1 && !strings.HasSuffix(place, args[1]) {
		ts.Fatalf("the evidence is %q, want %q\n%s", place, args[1], ts.ReadFile("stdout"))
	}
}
