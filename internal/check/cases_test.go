package check_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/hosttest"
)

var update = flag.Bool("update", false, "write the findings into the files of testdata")

// now is when all described machines are looked at.
var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// TestCases runs all checks on the machines of testdata, all of them on every system. "want" of each hosttest.Machine
// has every result that is neither ok nor info, as finding writes it. Where its first line is "# with info" it also has
// those that are info and of the category that the name of the case begins with.
func TestCases(t *testing.T) {
	hosttest.Archives(t, "testdata/*.txtar", func(t *testing.T, file string, archive *txtar.Archive) {
		m := hosttest.ParseMachine(t, archive)
		_, results := diagnose(t, m.Host, m.Dir, check.All())
		for i := range archive.Files {
			if want := &archive.Files[i]; want.Name == "want" {
				compare(t, file, archive, want, results)
				return
			}
		}
		t.Fatal("the archive has no file want")
	})
}

// diagnose runs checks on a machine.
func diagnose(t *testing.T, h host.Host, dir string, checks []check.Check) (*facts.Facts, []check.Result) {
	t.Helper()
	f, err := facts.Gather(t.Context(), h, facts.Options{Workspace: dir, Observe: true, Variables: check.Variables(),
		Sections: check.Wanted(checks), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return f, check.Run(t.Context(), f, checks, check.Options{Now: now})
}

func compare(t *testing.T, file string, archive *txtar.Archive, want *txtar.File, results []check.Result) {
	t.Helper()
	const withInfo = "# with info\n"
	var got strings.Builder
	info := strings.HasPrefix(string(want.Data), withInfo)
	if info {
		got.WriteString(withInfo)
	}
	for i := range results {
		r := &results[i]
		if r.State == check.StateOK || r.State == check.StateInfo && !(info && strings.HasPrefix(filepath.Base(file), r.Check.Category()+"_")) {
			continue
		}
		got.WriteString(finding(r))
	}
	if *update {
		want.Data = []byte(got.String())
		if err := os.WriteFile(file, txtar.Format(archive), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(want.Data), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// finding writes a result in a few lines.
func finding(r *check.Result) string {
	f := &r.Finding
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", r.State, r.Check.ID)
	if f.Object != "" {
		fmt.Fprintf(&b, " [%s]", f.Object)
	}
	switch r.State {
	case check.StateSkipped:
		fmt.Fprintf(&b, ": %s\n", r.Reason)
		return b.String()
	case check.StateUnknown:
		fmt.Fprintf(&b, ": %s\n", r.Reason)
	default:
		fmt.Fprintf(&b, ": %s\n", f.Message.Text)
	}
	for _, e := range f.Evidence {
		place := e.Path
		if e.Line > 0 {
			place = fmt.Sprintf("%s:%d", e.Path, e.Line)
		}
		fmt.Fprintf(&b, "  %s\n", strings.TrimRight(strings.TrimSpace(place+"  "+e.Text), " "))
	}
	if len(f.Consumers) > 0 {
		fmt.Fprintf(&b, "  for %s\n", strings.Join(f.Consumers, ", "))
	}
	for _, s := range f.Steps {
		fmt.Fprintf(&b, "  fix %s\n", strings.TrimSpace(s.Text.String()+"  "+s.Command))
	}
	return b.String()
}
