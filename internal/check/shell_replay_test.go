package check_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/local"
	"github.com/goready/goready/internal/testreq"
)

// privateHome is this machine for a user with a home folder of its own.
type privateHome struct {
	host.Host
	env []string
}

func (h privateHome) Environ() []string { return h.env }

// shellFindings runs the checks of the category shell.
func shellFindings(t *testing.T, h host.Host, dir string) (*facts.Facts, string) {
	t.Helper()
	checks, _ := check.Select(check.All(), []string{"shell"}, nil)
	f, err := facts.Gather(t.Context(), h, facts.Options{Workspace: dir, Variables: check.Variables(), Sections: check.Wanted(checks), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	results := check.Run(t.Context(), f, checks, check.Options{Now: now})
	for i := range results {
		out.WriteString(finding(&results[i]))
	}
	return f, out.String()
}

// TestShellRunsReplay: the run of a real shell, recorded and replayed after a way through JSON, gives the same findings,
// and still does where the environment it was given has been scrubbed.
func TestShellRunsReplay(t *testing.T) {
	bash, home := testreq.Program(t, "bash"), t.TempDir()
	for name, text := range map[string]string{
		".bash_profile": "echo hello from the profile\nexport GOPROXY=https://a.example.com\n",
		".bashrc":       "export GOPROXY=https://b.example.com\n",
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	real := privateHome{local.New(), []string{"HOME=" + home, "SHELL=" + bash, "PATH=/usr/bin:/bin"}}
	recorder := host.Record(real, host.Limits{})
	f, want := shellFindings(t, recorder, home)
	for i := range f.Startup.Modes {
		if m := &f.Startup.Modes[i]; m.Run == nil || m.Run.Env == nil || m.Run.Duration <= 0 {
			t.Errorf("%s did not run: %+v", m.Flags, m.Run)
		}
	}
	for _, id := range []string{"warning shell.mode-divergence [GOPROXY]", "warning shell.output-noise"} {
		if !strings.Contains(want, id) {
			t.Errorf("no %q in\n%s", id, want)
		}
	}
	recorded := recorder.Fixture()
	for _, scrubbed := range []bool{false, true} {
		data, err := json.Marshal(recorded)
		if err != nil {
			t.Fatal(err)
		}
		replay := &host.Fixture{}
		if err := json.Unmarshal(data, replay); err != nil {
			t.Fatal(err)
		}
		if _, got := shellFindings(t, replay, home); got != want {
			t.Errorf("scrubbed: %t: -real +replayed:\n%s", scrubbed, cmp.Diff(want, got))
		}
		for i := range recorded.Runs {
			recorded.Runs[i].Command.Env = []string{"SCRUBBED=1"}
		}
	}
}

// TestShellIsRunOnlyIfWanted: what reads files only starts no shell, although the machine would answer.
func TestShellIsRunOnlyIfWanted(t *testing.T) {
	bash, home := testreq.Program(t, "bash"), t.TempDir()
	real := privateHome{local.New(), []string{"HOME=" + home, "SHELL=" + bash, "PATH=/usr/bin:/bin"}}
	for _, tt := range []struct {
		ids  []string
		runs int
	}{
		{[]string{"shell.exports", "shell.duplicate-exports", "shell.interactive-guard", "shell.direnv"}, 0},
		{[]string{"shell.mode-divergence"}, 4},
		{[]string{"shell"}, 4},
	} {
		recorder := host.Record(real, host.Limits{})
		checks, unknown := check.Select(check.All(), tt.ids, nil)
		if unknown != "" {
			t.Fatal(unknown)
		}
		if _, err := facts.Gather(t.Context(), recorder, facts.Options{Workspace: home, Sections: check.Wanted(checks)}); err != nil {
			t.Fatal(err)
		}
		runs := recorder.Fixture().Runs
		if len(runs) != tt.runs || slices.ContainsFunc(runs, func(r host.Run) bool { return r.Command.Path != bash }) {
			t.Errorf("%q start %d programs, want %d: %+v", tt.ids, len(runs), tt.runs, runs)
		}
	}
}
