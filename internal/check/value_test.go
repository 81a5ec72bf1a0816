package check_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/hosttest"
	"github.com/goready/goready/internal/host/scrub"
)

// TestScrubbedCases: a recording without secrets gives the findings of the machine, and no finding has a secret.
func TestScrubbedCases(t *testing.T) {
	files, err := filepath.Glob("testdata/env_*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	found := 0
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := hosttest.ParseMachine(t, archive)
		live, scrubbed := findings(t, m.Host, m.Dir), findings(t, scrub.Fixture(m.Host, scrub.Options{}), m.Dir)
		if diff := cmp.Diff(live, scrubbed); diff != "" {
			t.Errorf("%s (-machine +recording):\n%s", file, diff)
		}
		if strings.Contains(live, "hunter22") {
			t.Errorf("%s: a finding has the password:\n%s", file, live)
		}
		found += strings.Count(live, "\n")
	}
	if found == 0 {
		t.Error("no case has a finding")
	}
}

// findings returns everything that all checks find on a machine, with causes.
func findings(t *testing.T, h host.Host, dir string) string {
	t.Helper()
	var b strings.Builder
	_, results := diagnose(t, h, dir, check.All())
	for i := range results {
		if results[i].State != check.StateOK {
			b.WriteString(finding(&results[i]) + "  " + results[i].Finding.Cause.String() + "\n")
		}
	}
	return b.String()
}
