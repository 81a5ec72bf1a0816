//go:build e2e && linux

package e2e

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	update   = flag.Bool("update", false, "write what is observed to testdata/*.json instead of comparing with it")
	program  = flag.String("goready", "", "the goready to ask, absolute; built if empty")
	observed = flag.Bool("observe-only", false, "do not ask goready")
)

// enough is the number of configurations in which every single prediction must come true.
const enough = 12

// TestEditor opens each configuration in a real editor. What goready predicts must be what the probe observes there,
// and what the probe observes must be what it observed when it was recorded.
func TestEditor(t *testing.T) {
	ed := installEditor(t)
	g := findGo(t)
	b := startBrowser(t)
	var prog goready
	if !*observed {
		prog = buildGoready(t)
	}
	agreed, ran := 0, 0
	for _, c := range configs(t) {
		if testing.Short() && !c.short {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			started := time.Now()
			s, r := perform(t, ed, g, b, c)
			t.Logf("observed after %v", time.Since(started).Round(time.Millisecond))
			for what, err := range r.Errors {
				t.Errorf("the probe could not see %s: %s", what, err)
			}
			rec := s.observe(t, g, r)
			s.checkRecord(t, rec)
			if *observed {
				return
			}
			ran++
			if s.checkPredictions(t, prog, rec) {
				agreed++
			}
		})
	}
	t.Logf("predicted equals observed in %d of %d configurations", agreed, ran)
	if ran >= enough && agreed < enough {
		t.Errorf("predicted equals observed in %d configurations, want at least %d", agreed, enough)
	}
}

func (s *stage) checkRecord(t *testing.T, rec *record) {
	t.Helper()
	if *update {
		rec.portable(s.goTool.vars).save(t, s.name)
		return
	}
	if diff := cmp.Diff(readRecord(t, s.name), rec.portable(s.goTool.vars)); diff != "" {
		t.Errorf("the editor behaves differently from the record (-recorded +observed):\n%s", diff)
	}
}

// checkPredictions asks goready twice: once as if the server were about to be started, and once with the server there.
func (s *stage) checkPredictions(t *testing.T, prog goready, rec *record) bool {
	t.Helper()
	agreed := 0
	sources := []string{"terminal", "observed"}
	for _, from := range sources {
		t.Run(from, func(t *testing.T) {
			if s.compare(t, rec, s.predict(t, prog, from, rec)) {
				agreed++
			}
		})
	}
	return agreed == len(sources)
}

// scrub replaces what varies from run to run and from machine to machine.
func (s *stage) scrub(data []byte) []byte {
	return []byte(strings.NewReplacer(
		s.home, "/home/gopher",
		filepath.Dir(s.home), "/tmp",
		filepath.Join(s.ed.root, "cs/node_modules/code-server/lib/vscode"), "/opt/code-server",
		filepath.Dir(s.ed.node), "/opt/node/bin",
		s.goTool.root, "/usr/local/go",
	).Replace(string(data)))
}
