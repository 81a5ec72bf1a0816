package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/host/hosttest"
)

var update = flag.Bool("update", false, "write what goready prints into the files of testdata")

// TestMachines runs goready on described machines, all of them on every system. A file of testdata/machines is a
// hosttest.Machine; "want" is the output.
func TestMachines(t *testing.T) {
	hosttest.Archives(t, "testdata/machines/*.txtar", func(t *testing.T, file string, archive *txtar.Archive) {
		got := runMachine(t, archive)
		compareWant(t, file, archive, got)
	})
}

func runMachine(t *testing.T, archive *txtar.Archive) string {
	m := hosttest.ParseMachine(t, archive)
	var out strings.Builder
	for i, args := range m.Runs {
		if i > 0 {
			out.WriteString("\n")
		}
		var stdout, stderr bytes.Buffer
		status := Main(t.Context(), Program{Host: m.Host, Args: args, Dir: func() (string, error) { return m.Dir, nil },
			Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
		out.WriteString("$ goready " + strings.Join(args, " ") + "\n" + stdout.String() + stderr.String())
		if status > int(Findings) {
			t.Errorf("%q: status %d", args, status)
		}
	}
	return out.String()
}

func compareWant(t *testing.T, file string, archive *txtar.Archive, got string) {
	for i := range archive.Files {
		f := &archive.Files[i]
		if f.Name != "want" {
			continue
		}
		if *update {
			f.Data = []byte(got)
			if err := os.WriteFile(file, txtar.Format(archive), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(string(f.Data), got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		return
	}
	t.Fatal("the archive has no file want")
}

// TestREADME: the run that the README shows is a real one, on the machine of testdata/machines/readme.txtar.
func TestREADME(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/machines/readme.txtar")
	if err != nil {
		t.Fatal(err)
	}
	const name = "../../README.md"
	readme, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- begin transcript -->\n```\n", "```\n<!-- end transcript -->"
	before, rest, ok1 := strings.Cut(string(readme), begin)
	shown, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatal("the README has no transcript between its marks")
	}
	if count := fmt.Sprintf("[%d checks]", len(check.All())); !strings.Contains(string(readme), count) {
		t.Errorf("the README does not say %q", count)
	}
	got := runMachine(t, archive)
	if *update {
		if err := os.WriteFile(name, []byte(before+begin+got+end+after), 0o666); err != nil {
			t.Fatal(err)
		}
		shown = got
	}
	if diff := cmp.Diff(shown, got); diff != "" {
		t.Errorf("-README +goready:\n%s", diff)
	}
}
