package check_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/host/hosttest"
)

// TestHealthyMachines: on the usual set-ups of all systems nothing is wrong, whatever TestCases was told to want, and a
// go command is found by those who run one there. Each machine says whether it was recorded or is synthetic.
func TestHealthyMachines(t *testing.T) {
	files, err := filepath.Glob("testdata/machine_*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d machines: %v", len(files), err)
	}
	origin := regexp.MustCompile(`^# (Synthetic|Recorded on [^:]+): `)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !origin.Match(archive.Comment) {
				t.Errorf("its first line does not say where it is from: %.60q", archive.Comment)
			}
			m := hosttest.ParseMachine(t, archive)
			f, results := diagnose(t, m.Host, m.Dir, check.All())
			for i := range results {
				if s := results[i].State; s == check.StateError || s == check.StateWarning {
					t.Errorf("%s", finding(&results[i]))
				}
			}
			for i := range f.Consumers {
				c := &f.Consumers[i]
				if c.ID == "current" && c.Go.SDK.Version != "go1.26.8" {
					t.Errorf("%s runs %+v", c.ID, c.Go)
				}
				if !c.Failed.IsZero() {
					t.Errorf("%s: %s", c.ID, c.Failed)
				}
			}
		})
	}
}
