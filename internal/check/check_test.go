package check_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// TestCatalogue holds what every check has.
func TestCatalogue(t *testing.T) {
	all := check.All()
	seen := map[string]bool{}
	for i := range all {
		c := &all[i]
		if !regexp.MustCompile(`^[a-z]+\.[a-z0-9-]+$`).MatchString(c.ID) || seen[c.ID] {
			t.Errorf("%q is no id, or there twice", c.ID)
		}
		if c.Title.IsZero() || c.Run == nil || !slices.Contains([]check.Severity{check.Error, check.Warning, check.Info}, c.Severity) {
			t.Errorf("%s lacks a title, a severity or a function", c.ID)
		}
		seen[c.ID] = true
	}
	for len(seen) > 0 { // take away what depends on nothing, until nothing is left
		free := 0
		for i := range all {
			if seen[all[i].ID] && !slices.ContainsFunc(slices.Concat(all[i].Needs, all[i].After, all[i].AfterLine), func(id string) bool { return seen[id] }) {
				delete(seen, all[i].ID)
				free++
			}
		}
		if free == 0 {
			t.Fatalf("checks depend on each other in a circle: %v", slices.Sorted(maps.Keys(seen)))
		}
	}
}

// TestDependencies: checks name only checks that exist.
func TestDependencies(t *testing.T) {
	all := check.All()
	seen := map[string]bool{}
	for i := range all {
		seen[all[i].ID] = true
	}
	for i := range all {
		for _, id := range slices.Concat(all[i].Needs, all[i].After, all[i].AfterLine) {
			if !seen[id] || id == all[i].ID {
				t.Errorf("%s depends on %q", all[i].ID, id)
			}
		}
	}
}

var machine = &facts.Facts{Platform: host.Platform{OS: "linux", Arch: "amd64"}}

func found(findings ...check.Finding) func(*facts.Facts) []check.Finding {
	return func(*facts.Facts) []check.Finding { return findings }
}

func object(name string) check.Finding {
	return check.Finding{Object: name, Message: check.Message{Text: msg.New("%s", name)}}
}

func line(n int) check.Finding {
	return check.Finding{Evidence: []check.Evidence{{Path: "/f", Line: n}}}
}

func withLine(name string, n int) check.Finding {
	f := line(n)
	f.Object = name
	return f
}

// outcomes returns "id state" of results, with what caused a skipped one.
func outcomes(results []check.Result) string {
	var out []string
	for i := range results {
		r := &results[i]
		text := r.Check.ID + " " + string(r.State)
		if len(r.CausedBy) > 0 {
			text += " " + strings.Join(r.CausedBy, "+")
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}

func TestRun(t *testing.T) {
	info := object("i")
	info.Severity = check.Info
	unknown := check.Finding{Unknown: msg.New("%s", "no permission")}
	tests := []struct {
		name   string
		checks []check.Check
		want   string
	}{
		{"ok_and_error", []check.Check{
			{ID: "a.one", Severity: check.Error, Run: found()},
			{ID: "a.two", Severity: check.Error, Run: found(object("x"), object("y"))},
		}, "a.one ok\na.two error\na.two error"},
		{"other_platform", []check.Check{{ID: "a.one", Platforms: []string{"windows", "wsl"}, Run: found(object("x"))}}, ""},
		{"panic_is_a_result", []check.Check{
			{ID: "a.one", Run: func(f *facts.Facts) []check.Finding { return []check.Finding{{Object: f.Consumers[7].ID}} }},
			{ID: "a.two", Severity: check.Warning, Run: found(object("x"))},
		}, "a.one unknown\na.two warning"},
		{"unknown_is_no_finding", []check.Check{
			{ID: "a.one", Severity: check.Error, Run: found(unknown)},
			{ID: "a.two", Severity: check.Error, Needs: []string{"a.one"}, Run: found()},
		}, "a.one unknown\na.two ok"},
		{"needs", []check.Check{
			{ID: "a.two", Severity: check.Error, Needs: []string{"a.one"}, Run: found(object("y"))},
			{ID: "a.one", Severity: check.Error, Run: found(object("x"))},
		}, "a.two skipped a.one\na.one error"},
		{"needs_only_errors", []check.Check{
			{ID: "a.one", Severity: check.Warning, Run: found(object("x"))},
			{ID: "a.two", Severity: check.Error, Needs: []string{"a.one"}, Run: found(object("y"))},
		}, "a.one warning\na.two error"},
		{"after_same_object", []check.Check{
			{ID: "a.one", Severity: check.Error, Run: found(object("x"))},
			{ID: "a.two", Severity: check.Error, After: []string{"a.one"}, Run: found(object("x"), object("y"))},
		}, "a.one error\na.two skipped a.one\na.two error"},
		{"after_same_line", []check.Check{
			{ID: "a.one", Severity: check.Error, Run: found(line(3))},
			{ID: "a.two", Severity: check.Error, After: []string{"a.one"}, Run: found(line(3), line(4))},
		}, "a.one error\na.two skipped a.one\na.two error"},
		{"after_line_is_not_by_object", []check.Check{
			{ID: "a.one", Severity: check.Error, Run: found(withLine("x", 3))},
			{ID: "a.two", Severity: check.Error, AfterLine: []string{"a.one"}, Run: found(withLine("x", 3), withLine("x", 4))},
		}, "a.one error\na.two skipped a.one\na.two error"},
		{"cause_is_as_bad_as_what_follows", []check.Check{
			{ID: "a.one", Severity: check.Warning, Run: found(object("y"), object("x"))},
			{ID: "a.two", Severity: check.Warning, After: []string{"a.one"}, Run: found(object("x"))},
			{ID: "a.three", Severity: check.Error, After: []string{"a.two"}, Run: found(object("x"))},
		}, "a.one error\na.one warning\na.two skipped a.one\na.three skipped a.one"},
		{"after_info_is_no_cause", []check.Check{
			{ID: "a.one", Severity: check.Error, Run: found(info)},
			{ID: "a.two", Severity: check.Error, After: []string{"a.one"}, Run: found(object("i"))},
		}, "a.one info\na.two error"},
		{"first_cause_is_named", []check.Check{
			{ID: "a.one", Severity: check.Error, Run: found(object("x"))},
			{ID: "a.two", Severity: check.Error, After: []string{"a.one"}, Run: found(object("x"))},
			{ID: "a.three", Severity: check.Error, After: []string{"a.two"}, Run: found(object("x"))},
		}, "a.one error\na.two skipped a.one\na.three skipped a.one"},
		{"worst_first", []check.Check{
			{ID: "a.one", Severity: check.Error, Run: found(info, object("x"))},
		}, "a.one error\na.one info"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, outcomes(check.Run(t.Context(), machine, tt.checks, check.Options{}))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestFailedConsumer: where a consumer could not be gathered, a check that finds nothing does not say that all is well.
func TestFailedConsumer(t *testing.T) {
	f := &facts.Facts{Platform: machine.Platform, Consumers: []facts.Consumer{{ID: "current"}, {ID: "shell-login", Failed: msg.New("a bug in goready: %s", "x")}}}
	results := check.Run(t.Context(), f, []check.Check{
		{ID: "a.one", Severity: check.Error, Run: found()},
		{ID: "a.two", Severity: check.Error, Run: found(object("x"))},
	}, check.Options{})
	if got := outcomes(results); got != "a.one unknown\na.two error" || results[0].Reason.String() != "a bug in goready: x" {
		t.Errorf("%s (%s)", got, results[0].Reason)
	}
}

// TestUnknownSection: a check does not look at what could not be gathered.
func TestUnknownSection(t *testing.T) {
	f := &facts.Facts{Platform: machine.Platform, Unknown: map[facts.Section]msg.Text{facts.SectionProject: msg.New("%s", "a bug")}}
	got := outcomes(check.Run(t.Context(), f, []check.Check{
		{ID: "a.one", Severity: check.Error, Facts: []facts.Section{facts.SectionPaths, facts.SectionProject}, Run: found(object("x"))},
		{ID: "a.two", Severity: check.Error, Facts: []facts.Section{facts.SectionPaths}, Run: found(object("x"))},
	}, check.Options{}))
	if got != "a.one unknown\na.two error" {
		t.Error(got)
	}
}

// TestTimeLimit: a check that does not end is a result, and keeps nobody waiting.
func TestTimeLimit(t *testing.T) {
	block := make(chan struct{})
	defer close(block)
	results := check.Run(t.Context(), machine, []check.Check{
		{ID: "a.one", Run: func(*facts.Facts) []check.Finding { <-block; return nil }},
		{ID: "a.two", Run: found()},
	}, check.Options{Limit: time.Millisecond})
	if got := outcomes(results[:1]); got != "a.one unknown" || !strings.Contains(results[0].Reason.String(), "1ms") {
		t.Errorf("%s: %s", got, results[0].Reason)
	}
}

func TestKnown(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	noon := day("2026-11-25").Add(12 * time.Hour)
	tests := []struct {
		name  string
		o     check.Options
		state check.State
	}{
		{"for_ever", check.Options{Known: []check.Known{{ID: "a.one", Object: "x"}}}, check.StateKnown},
		{"any_object", check.Options{Known: []check.Known{{ID: "a.one"}}}, check.StateKnown},
		{"another_object", check.Options{Known: []check.Known{{ID: "a.one", Object: "y"}}}, check.StateError},
		{"another_check", check.Options{Known: []check.Known{{ID: "a.two"}}}, check.StateError},
		{"on_the_last_day", check.Options{Now: noon, Known: []check.Known{{ID: "a.one", Until: day("2026-11-25")}}}, check.StateKnown},
		{"expired", check.Options{Now: noon, Known: []check.Known{{ID: "a.one", Until: day("2026-11-24")}}}, check.StateError},
		{"expired_and_another", check.Options{Now: noon, Known: []check.Known{{ID: "a.one", Until: day("2026-11-24")}, {ID: "a.one", Object: "x"}}}, check.StateKnown},
		{"expired_and_baseline", check.Options{Now: noon, Known: []check.Known{{ID: "a.one", Until: day("2026-11-24")}},
			Baseline: map[string]bool{check.Identity("a.one", "x"): true}}, check.StateKnown},
		{"baseline", check.Options{Baseline: map[string]bool{check.Identity("a.one", "x"): true}}, check.StateKnown},
		{"baseline_of_what_is_shown", check.Options{Shown: func(o string) string { return o + "!" }, Baseline: map[string]bool{check.Identity("a.one", "x!"): true}}, check.StateKnown},
		{"other_baseline", check.Options{Baseline: map[string]bool{check.Identity("a.one", "y"): true}}, check.StateError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := check.Run(t.Context(), machine, []check.Check{{ID: "a.one", Severity: check.Error, Run: found(object("x"))}}, tt.o)[0]
			if r.State != tt.state {
				t.Errorf("state %s, want %s", r.State, tt.state)
			}
			if expired := tt.name == "expired"; (r.State == check.StateKnown || expired) == r.Reason.IsZero() {
				t.Errorf("state %s with the reason %q", r.State, r.Reason)
			}
		})
	}
}

func TestSelect(t *testing.T) {
	checks := []check.Check{{ID: "go.a"}, {ID: "go.b"}, {ID: "env.a"}}
	tests := []struct{ name, names, skip, want string }{
		{"all", "", "", "go.a go.b env.a"},
		{"category", "go", "", "go.a go.b"},
		{"star", "go.*", "", "go.a go.b"},
		{"id", "env.a", "", "env.a"},
		{"without", "", "go.a env", "go.b"},
		{"unknown", "go.c", "", "?go.c"},
		{"unknown_skip", "", "x", "?x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			selected, unknown := check.Select(checks, strings.Fields(tt.names), strings.Fields(tt.skip))
			var got []string
			for _, c := range selected {
				got = append(got, c.ID)
			}
			if unknown != "" {
				got = []string{"?" + unknown}
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("%q, want %q", text, tt.want)
			}
		})
	}
}
