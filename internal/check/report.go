package check

import (
	"strings"
	"time"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// Schema names the JSON form of a [Report].
const Schema = "goready.doctor/v1"

// Report is what goready doctor says, as it is written in JSON. Fields may be added to it, never changed.
type Report struct {
	Schema     string         `json:"schema"`
	Version    string         `json:"version"` // of goready
	Host       ReportHost     `json:"host"`
	Workspace  string         `json:"workspace"`
	DurationMS int64          `json:"durationMs"`
	Network    bool           `json:"network"` // the network was asked
	Summary    Summary        `json:"summary"`
	Results    []ReportResult `json:"results"`
}

// ReportHost is the machine that was looked at.
type ReportHost struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
}

// Summary counts results by state.
type Summary struct {
	OK      int `json:"ok"`
	Info    int `json:"info"`
	Warning int `json:"warning"`
	Error   int `json:"error"`
	Skipped int `json:"skipped"`
	Unknown int `json:"unknown"`
	Known   int `json:"known"`
}

// ReportResult is a [Result] in a [Report]. The texts are English.
type ReportResult struct {
	ID         string           `json:"id"`
	Category   string           `json:"category"`
	State      State            `json:"state"`
	Severity   Severity         `json:"severity"` // of the finding; of the check's worst ones if there is none
	Title      msg.Text         `json:"title"`
	Object     string           `json:"object"`
	Consumers  []string         `json:"consumers"`
	Message    *ReportMessage   `json:"message,omitempty"` // absent if nothing was found
	Cause      msg.Text         `json:"cause,omitzero"`
	Reason     msg.Text         `json:"reason,omitzero"` // of skipped, unknown, known
	Evidence   []ReportEvidence `json:"evidence"`
	CausedBy   []string         `json:"causedBy"`
	Fix        *ReportFix       `json:"fix,omitempty"`
	Docs       string           `json:"docs"`
	DurationMS float64          `json:"durationMs"`
}

// ReportMessage is a [Message].
type ReportMessage struct {
	Key  string         `json:"key"`
	Args map[string]any `json:"args"`
	Text msg.Text       `json:"text"`
}

// ReportEvidence is an [Evidence]. A path below the home folder begins with "~".
type ReportEvidence struct {
	Path string `json:"path,omitempty"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

// ReportFix says how to repair something. Kind is "guided": the steps are for the reader. Each of Steps is the text
// of a step and its command, or what there is of them; Details has them apart.
type ReportFix struct {
	Kind    string       `json:"kind"`
	Steps   []string     `json:"steps"`
	Details []ReportStep `json:"details"`
}

// ReportStep is a [Step].
type ReportStep struct {
	Text    msg.Text `json:"text"`
	Command string   `json:"command,omitempty"`
}

// Docs returns the name of the page about a check, below docs/ and without its ending.
func Docs(id string) string { return "checks/" + id }

// NewReport returns the report of results about the machine of f.
func NewReport(version string, f *facts.Facts, took time.Duration, results []Result) *Report {
	r := &Report{Schema: Schema, Version: version, Host: ReportHost{f.Platform.OS, f.Platform.Arch}, Workspace: f.Workspace,
		DurationMS: took.Milliseconds(), Results: []ReportResult{}}
	for i := range results {
		r.Summary.add(results[i].State)
		r.Results = append(r.Results, reportResult(&results[i], f))
	}
	return r
}

// Tilde returns a path with the home folder home written as "~".
func Tilde(p host.Platform, home, path string) string {
	rest, ok := strings.CutPrefix(path, home)
	if !ok || len(home) < 2 || rest != "" && !strings.HasPrefix(rest, p.Separator()) {
		return path
	}
	return "~" + rest
}

func (s *Summary) add(state State) {
	switch state {
	case StateOK:
		s.OK++
	case StateInfo:
		s.Info++
	case StateWarning:
		s.Warning++
	case StateError:
		s.Error++
	case StateSkipped:
		s.Skipped++
	case StateUnknown:
		s.Unknown++
	case StateKnown:
		s.Known++
	}
}

func reportResult(r *Result, machine *facts.Facts) ReportResult {
	f := &r.Finding
	out := ReportResult{ID: r.Check.ID, Category: r.Check.Category(), State: r.State, Severity: f.Severity, Title: r.Check.Title,
		Object: f.Object, Consumers: append([]string{}, f.Consumers...), Cause: f.Cause, Reason: r.Reason,
		Evidence: []ReportEvidence{}, CausedBy: append([]string{}, r.CausedBy...), Docs: Docs(r.Check.ID),
		DurationMS: float64(r.Duration.Microseconds()) / 1e3}
	if out.Severity == "" {
		out.Severity = r.Check.Severity
	}
	if !f.Message.Text.IsZero() {
		out.Message = &ReportMessage{f.Message.Key, f.Message.Args, f.Message.Text}
		if out.Message.Args == nil {
			out.Message.Args = map[string]any{}
		}
	}
	for _, e := range f.Evidence {
		out.Evidence = append(out.Evidence, ReportEvidence{Tilde(machine.Platform, machine.Home, e.Path), e.Line, e.Text})
	}
	if len(f.Steps) > 0 {
		out.Fix = &ReportFix{Kind: "guided"}
		for _, s := range f.Steps {
			step := s.Text.String()
			switch {
			case step == "":
				step = s.Command
			case s.Command != "":
				step += ": " + s.Command
			}
			out.Fix.Steps = append(out.Fix.Steps, step)
			out.Fix.Details = append(out.Fix.Details, ReportStep(s))
		}
	}
	return out
}
