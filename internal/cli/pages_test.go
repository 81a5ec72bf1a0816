package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/host/hosttest"
)

const pagesDir = "../../docs/checks"

// example is a block of a page that shows what the doctor says of a case of internal/check/testdata:
//
//	<!-- example: NAME -->
//	```
//	$ goready doctor ID
//	…
//	```
var example = regexp.MustCompile("(?s)(<!-- example: ([a-z0-9_]+) -->\n```\n)(.*?)(```\n)")

// TestPages: every check has a page of one form, whose example is what goready really prints.
func TestPages(t *testing.T) {
	all := check.All()
	for i := range all {
		c := &all[i]
		t.Run(c.ID, func(t *testing.T) {
			name := filepath.Join(pagesDir, c.ID+".md")
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			page := string(data)
			for _, want := range []string{"# " + c.ID + "\n", "\nSeverity: " + string(c.Severity), "\n## Why it matters\n", "\n## Repair\n"} {
				if !strings.Contains("\n"+page, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			found := example.FindStringSubmatch(page)
			if found == nil {
				t.Fatal("the page has no example")
			}
			got := doctorOn(t, found[2], c.ID)
			if *update {
				page = strings.Replace(page, found[0], found[1]+got+found[4], 1)
				if err := os.WriteFile(name, []byte(page), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(found[3], got); diff != "" {
				t.Errorf("-page +goready:\n%s", diff)
			}
			if !strings.Contains(got, " "+c.ID+"  ") {
				t.Errorf("the example does not show the check:\n%s", got)
			}
		})
	}
}

// doctorOn runs one check on the machine of a case and returns what is printed.
func doctorOn(t *testing.T, name, id string) string {
	t.Helper()
	archive, err := txtar.ParseFile("../check/testdata/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	m := hosttest.ParseMachine(t, archive)
	m.Host.Env = append(m.Host.Env, "LC_ALL=C.UTF-8")
	var stdout, stderr bytes.Buffer
	Main(t.Context(), Program{Host: m.Host, Args: []string{"doctor", id, "--severity", "info"}, Dir: func() (string, error) { return m.Dir, nil },
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
	return "$ goready doctor " + id + "\n" + stdout.String() + stderr.String()
}

// TestPageIndex: the list of pages has every check, in the order of the catalogue, with its title.
func TestPageIndex(t *testing.T) {
	var want strings.Builder
	all := check.All()
	for i := range all {
		c := &all[i]
		want.WriteString("| [" + c.ID + "](" + c.ID + ".md) | " + string(c.Severity) + " | " + c.Title.String() + " |\n")
	}
	name := filepath.Join(pagesDir, "README.md")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const head = "|---|---|---|\n"
	before, shown, ok := strings.Cut(string(data), head)
	if !ok {
		t.Fatal("the list has no table")
	}
	if *update {
		if err := os.WriteFile(name, []byte(before+head+want.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want.String(), shown); diff != "" {
		t.Errorf("-README +catalogue:\n%s", diff)
	}
}
