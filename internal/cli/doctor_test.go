package cli

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/testreq"
)

// validate checks JSON against a schema, and fails if what is left of it without one of the fields named is still valid.
func validate(t *testing.T, schemaFile, text string, fields ...string) {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	parse := func() any {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return value
	}
	if err := schema.Validate(parse()); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	for _, field := range fields {
		value := parse()
		if !without(value, field) {
			t.Errorf("the output has no field %s", field)
		} else if schema.Validate(value) == nil {
			t.Errorf("the schema does not miss %s", field)
		}
	}
}

// without removes a field wherever it is: "a" or "b.a", which is a in objects that are the value of b.
func without(value any, field string) bool {
	parent, name, nested := strings.Cut(field, ".")
	if !nested {
		parent, name = "", parent
	}
	removed := false
	var visit func(key string, value any)
	visit = func(key string, value any) {
		switch v := value.(type) {
		case map[string]any:
			if _, ok := v[name]; ok && key == parent {
				delete(v, name)
				removed = true
			}
			for k, inner := range v {
				visit(k, inner)
			}
		case []any:
			for _, inner := range v {
				visit(key, inner)
			}
		}
	}
	visit("", value)
	return removed
}

func TestDoctorJSON(t *testing.T) {
	r := runMadeUp(t, madeUpMachine(), "--format", "json")
	if r.status != Findings || r.stderr != "" {
		t.Errorf("status %d, stderr %q", r.status, r.stderr)
	}
	harmless(t, r.stdout)
	validate(t, "../../docs/schema/doctor.v1.json", r.stdout, "schema", "version", "host", "workspace", "durationMs", "network", "summary", "results",
		"host.os", "host.arch", "summary.ok", "summary.info", "summary.warning", "summary.error", "summary.skipped", "summary.unknown", "summary.known",
		"results.id", "results.category", "results.state", "results.severity", "results.title", "results.object", "results.consumers", "results.message",
		"results.evidence", "results.causedBy", "results.docs", "results.durationMs", "results.reason", "message.key", "message.args", "message.text",
		"evidence.text", "evidence.path", "fix.kind", "fix.steps", "fix.details")
	golden(t, "json", regexp.MustCompile(`("version": |"durationMs": )[^,\n]*`).ReplaceAllString(r.stdout, "${1}0"))
	var report check.Report
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(report.Results, func(r check.ReportResult) bool { return r.ID == "env.goflags" })
	if e := report.Results[i].Evidence[0]; !strings.HasPrefix(e.Text, hostileLine) || e.Path != "~/src/app/"+hostileName {
		t.Errorf("the escapes changed the evidence: %+v", e)
	}
	if report.Results[i].State != check.StateWarning || report.Summary != (check.Summary{OK: 1, Info: 1, Warning: 1, Error: 2, Skipped: 1, Unknown: 1, Known: 1}) {
		t.Errorf("%+v", report.Summary)
	}
}

func TestDoctorSARIF(t *testing.T) {
	r := runMadeUp(t, madeUpMachine(), "doctor", "--format", "sarif")
	harmless(t, r.stdout)
	validate(t, "testdata/sarif-2.1.0.json", r.stdout, "version", "runs", "runs.tool", "tool.driver", "driver.name", "rules.id", "results.message",
		"invocations.executionSuccessful", "suppressions.kind", "toolExecutionNotifications.message")
	pages := regexp.MustCompile(`("markdown": )"[^\n]*`) // of docs/checks, for those of the checks that are real
	if !pages.MatchString(r.stdout) {
		t.Error("no page of a check is in it")
	}
	golden(t, "sarif", pages.ReplaceAllString(regexp.MustCompile(`("version": )"[^2][^,\n]*`).ReplaceAllString(r.stdout, "${1}0"), `${1}"…"`))

	// What a fingerprint must survive: another line, other messages; and what it must tell apart.
	prints := func(text string) []string {
		var out []string
		for _, m := range regexp.MustCompile(`"goready/v1": "([0-9a-f]{32})"`).FindAllStringSubmatch(text, -1) {
			out = append(out, m[1])
		}
		return out
	}
	first := prints(r.stdout)
	if unique := slices.Compact(slices.Sorted(slices.Values(first))); len(unique) != len(first) || len(first) != 5 {
		t.Errorf("fingerprints: %v", first)
	}
	if again := prints(runMadeUp(t, madeUpMachine(), "doctor", "--format", "sarif", "--lang", "zh-CN").stdout); !slices.Equal(again, first) {
		t.Errorf("fingerprints changed: %v, %v", first, again)
	}
}

// TestDoctorSARIFWindows: names of files become URIs, and those of the workspace relative ones.
func TestDoctorSARIFWindows(t *testing.T) {
	p := host.Platform{OS: "windows", Arch: "amd64"}
	for name, want := range map[string]string{`C:\Users\ana\go env`: "file:///C:/Users/ana/go%20env", `\\srv\share\x`: "file://srv/share/x"} {
		if got := fileURI(p, name); got != want {
			t.Errorf("fileURI(%s) = %s, want %s", name, got, want)
		}
	}
	if got := fileURI(host.Platform{OS: "linux"}, "/home/a b/#x%"); got != "file:///home/a%20b/%23x%25" {
		t.Error(got)
	}
	if got := relativeURI("a:b/c d"); got != "./a:b/c%20d" {
		t.Error(got)
	}
}

func TestDoctorJUnit(t *testing.T) {
	r := runMadeUp(t, madeUpMachine(), "doctor", "--format", "junit", "--fail-on", "warning")
	harmless(t, r.stdout)
	times := regexp.MustCompile(`time="[0-9.]+"`)
	golden(t, "junit", times.ReplaceAllString(r.stdout, `time="0.000"`))
	schema := "../../docs/schema/junit.xsd"
	xmllint := testreq.Program(t, "xmllint")
	valid := func(text string) error {
		cmd := exec.Command(xmllint, "--noout", "--schema", schema, "-")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	if err := valid(r.stdout); err != nil {
		t.Error(err)
	}
	for _, broken := range [][2]string{{` classname="goready.env"`, ""}, {` failures="2"`, ""}, {`<failure message=`, `<failure text=`}, {`name="env.gopath"`, `name="env.goflags"`},
		{`<system-out>`, `<system-err>`}, {`tests="7"`, `tests="x"`}} {
		if text := strings.Replace(r.stdout, broken[0], broken[1], 1); text == r.stdout || valid(text) == nil {
			t.Errorf("%q instead of %q is not noticed", broken[1], broken[0])
		}
	}
	for failOn, want := range map[string]string{"never": "0 1", "error": "1 1", "warning": "2 1"} {
		var suites junitSuites
		if err := xml.Unmarshal([]byte(runMadeUp(t, madeUpMachine(), "doctor", "--format", "junit", "--fail-on", failOn).stdout), &suites); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(suites.Failures, " ", suites.Errors); strings.ReplaceAll(got, "  ", " ") != want || suites.Tests != 7 {
			t.Errorf("--fail-on %s: %s of %d, want %s of 7", failOn, got, suites.Tests, want)
		}
	}
}

// workflowCommand is a workflow command as the documentation of GitHub Actions and its toolkit describe it:
// ::name key=value,key=value::message, where % CR LF in messages, and also : and , in values, are written as %25 %0D %0A
// %3A %2C. ok is false for a line that is no command.
func workflowCommand(t *testing.T, line string) (name string, properties map[string]string, message string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), "::")
	if !ok {
		return "", nil, "", false
	}
	head, data, ok := strings.Cut(rest, "::")
	if !ok {
		t.Errorf("no end of the command: %q", line)
	}
	name, list, _ := strings.Cut(head, " ")
	properties = map[string]string{}
	for _, p := range strings.Split(list, ",") {
		key, value, ok := strings.Cut(p, "=")
		if !ok || strings.ContainsAny(value, ":,") {
			t.Errorf("property %q of %q", p, line)
		}
		properties[key] = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%").Replace(value)
	}
	return name, properties, strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(data), true
}

func TestDoctorGitHub(t *testing.T) {
	r := runMadeUp(t, madeUpMachine(), "doctor", "--format", "github", "--severity", "info")
	harmless(t, r.stdout)
	golden(t, "github", r.stdout)
	var got []string
	for line := range strings.Lines(r.stdout) {
		line = strings.TrimSuffix(line, "\n")
		name, p, message, ok := workflowCommand(t, line)
		if !ok {
			got = append(got, line)
			continue
		}
		first, _, _ := strings.Cut(message, "\n")
		got = append(got, fmt.Sprintf("%s %s %s:%s %s", name, p["title"], p["file"], p["line"], first))
	}
	want := []string{
		"error env.persisted-target : GOARCH=386 is saved in the go env file, and every build of this user is for it",
		`error env.persisted-target : CC=/opt/\x1b[2Jgcc is saved in the go env file`,
		`warning env.goflags a,b:c%\u202e\x1b]0;x\x07.env:1 "-x\u202e" in GOFLAGS: 100% unknown`,
		"notice env.gopath go.mod: GOPATH has two folders",
		`warning shell.resolve-slow : the shell /bin/zsh cannot be started: permission denied\n::error::x`,
		"goready doctor: errors: 2, warnings: 1, unknown: 1, ok: 1, info: 1, skipped: 1, known: 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if n := strings.Count(runMadeUp(t, madeUpMachine(), "doctor", "--format", "github").stdout, "::notice"); n != 0 {
		t.Errorf("%d notices without --severity info", n)
	}
}

// TestSeverityAndFailOn: what is printed and what fails have nothing to do with each other; flags come before
// goready.toml.
func TestSeverityAndFailOn(t *testing.T) {
	for _, tt := range []struct {
		name, team string
		args       []string
		want       Status
		findings   string
	}{
		{"defaults", "", []string{"env"}, Findings, "error error warning"},
		{"errors_only_printed", "", []string{"env", "--severity", "error"}, Findings, "error error"},
		{"info_printed", "", []string{"env", "--severity", "info"}, Findings, "error error info warning"},
		{"never_fails", "", []string{"env", "--fail-on", "never"}, OK, "error error warning"},
		{"warning_does_not_fail", "", []string{"env.goflags"}, OK, "warning"},
		{"warning_fails_unseen", "", []string{"env.goflags", "--severity", "error", "--fail-on", "warning"}, Findings, ""},
		{"unknown", "", []string{"shell"}, Incomplete, "unknown"},
		{"unknown_and_error", "", []string{"shell", "env"}, Findings, "error error unknown warning"},
		{"unknown_is_never_hidden", "", []string{"shell", "--severity", "error", "--fail-on", "never"}, Incomplete, "unknown"},
		{"team", "[doctor]\nfail-on = \"warning\"\nseverity = \"info\"\nskip = [\"env.persisted-target\"]\n", []string{"env"}, Findings, "info warning"},
		{"flags_before_team", "[doctor]\nfail-on = \"warning\"\nseverity = \"info\"\nskip = [\"env.persisted-target\"]\n",
			[]string{"env", "--fail-on", "never", "--severity", "error", "--skip", "shell"}, OK, "error error"},
		{"known", "[[doctor.known]]\nid = \"env.persisted-target\"\nobject = \"CC\"\n[[doctor.known]]\nid = \"env.goflags\"\n", []string{"env"}, Findings, "error"},
		{"all_known", "[[doctor.known]]\nid = \"env.persisted-target\"\n[[doctor.known]]\nid = \"env.goflags\"\n", []string{"env", "--fail-on", "warning"}, OK, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := madeUpTeamMachine(tt.team)
			r := runMadeUp(t, h, append([]string{"doctor", "-q"}, tt.args...)...)
			var states []string
			for line := range strings.Lines(r.stdout) {
				states = append(states, map[string]string{"✗": "error", "!": "warning", "?": "unknown", "·": "info"}[strings.Fields(line)[0]])
			}
			slices.Sort(states)
			if got := strings.Join(states, " "); r.status != tt.want || got != tt.findings {
				t.Errorf("status %d, %q; want %d, %q\n%s%s", r.status, got, tt.want, tt.findings, r.stdout, r.stderr)
			}
		})
	}
}

func TestExpired(t *testing.T) {
	h := madeUpTeamMachine(strings.ReplaceAll(madeUpTeam, "2999", "2021"))
	out := runMadeUp(t, h, "doctor").stdout
	for _, want := range []string{"it was known until 2021-01-31 (goready.toml:2)", "! goready.toml:8: go.binary-found was known until 2020-01-31; it is not found any more"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
}

func TestTeamErrors(t *testing.T) {
	h := madeUpTeamMachine("[doctor]\n\nskipp = []\n")
	r := runMadeUp(t, h, "doctor")
	want := result{Usage, "", "goready: /home/ana/src/app/goready.toml:3: unknown key \"skipp\" in doctor\nhint: did you mean skip\n"}
	if r != want {
		t.Errorf("got %+v, want %+v", r, want)
	}
}

func TestBaseline(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	earlier := runMadeUp(t, madeUpMachine(), "doctor", "--format", "json", "--skip", "env.goflags,shell").stdout
	r := runMadeUp(t, madeUpMachine(), "doctor", "-v", "--fail-on", "warning", "--skip", "shell", "--baseline", file("old", earlier))
	if !strings.Contains(r.stdout, "it is in the baseline") || strings.Contains(r.stdout, "✗") || !strings.Contains(r.stdout, "warnings: 1") || r.status != Findings {
		t.Errorf("status %d\n%s%s", r.status, r.stdout, r.stderr)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"text", "errors: 1\n", "is no report of goready doctor: invalid character 'e'"},
		{"list", "[]", "is no report of goready doctor: json: cannot unmarshal array"},
		{"no_schema", "{}", "is no report of goready doctor: it has no schema"},
		{"explain", `{"schema":"goready.explain/v1"}`, `its schema is "goready.explain/v1", not "goready.doctor/v1"`},
		{"cut", `{"schema":"goready.doctor/v1"}`, "it has no results"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := runMadeUp(t, madeUpMachine(), "doctor", "--baseline", file(tt.name, tt.text))
			if r.status != Usage || !strings.Contains(r.stderr, tt.want) || !strings.Contains(r.stderr, "hint: a baseline is written by") || r.stdout != "" {
				t.Errorf("%+v", r)
			}
		})
	}
	if r := runMadeUp(t, madeUpMachine(), "doctor", "--baseline", filepath.Join(dir, "missing")); r.status != Usage || !strings.Contains(r.stderr, "missing: file does not exist") {
		t.Errorf("%+v", r)
	}
}

func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		env, args, want string
		status          Status
	}{
		{"GOREADY_FORMAT=github", "doctor", "::error ", Findings},
		{"GOREADY_FORMAT=sarif", "doctor", "\"$schema\"", Findings},
		{"GOREADY_FORMAT=sarif", "doctor --format junit", "<?xml", Findings},
		{"GOREADY_FORMAT=sarif", "explain GOPROXY", "GOPROXY\n", OK},
		{"GOREADY_FORMAT=sarif", "doctor --list", "go.binary-found", OK},
		{"GOREADY_FORMAT=sraif", "doctor", `GOREADY_FORMAT: unknown format "sraif", want text, json, junit, sarif or github`, Usage},
		{"X=1", "doctor --format jsno", "hint: did you mean json", Usage},
		{"X=1", "explain GOPROXY --format sarif", `--format: unknown format "sarif", want text or json`, Usage},
	} {
		r := runMadeUp(t, madeUpMachine(tt.env), strings.Fields(tt.args)...)
		if r.status != tt.status || !strings.Contains(r.stdout+r.stderr, tt.want) {
			t.Errorf("%s goready %s: status %d\n%s%s", tt.env, tt.args, r.status, r.stdout, r.stderr)
		}
	}
}

// changing is a machine on which a file has other contents each time it is read.
type changing struct {
	host.Host
	name string
	text []string
}

func (c *changing) ReadFile(name string) ([]byte, error) {
	if name != c.name {
		return c.Host.ReadFile(name)
	}
	text := c.text[0]
	if len(c.text) > 1 {
		c.text = c.text[1:]
	}
	return []byte(text), nil
}

// TestQuoteOfChangedFile: the line that is quoted is the one that was judged.
func TestQuoteOfChangedFile(t *testing.T) {
	const judged, later = "# x\nGOARCH=386\nCC=gcc\n", "# x\n# all is well now\nCC=gcc\n"
	r := runMadeUp(t, &changing{madeUpMachine(), "/home/ana/.config/go/env", []string{judged, later}})
	if !strings.Contains(r.stdout, "GOARCH=386\n") || strings.Contains(r.stdout, "all is well") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}
