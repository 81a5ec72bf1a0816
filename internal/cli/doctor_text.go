package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/msg"
)

// doctorText prints a diagnosis for people: what is wrong, the worst first, each with its evidence and remedy; then in
// one line how much is well. -v shows that too, check by check.
func (a *app) doctorText(d *diagnosis, flags *doctorFlags) error {
	s, err := a.style(&a.out, d.facts.Home, d.facts.Platform.Separator())
	if err != nil {
		return err
	}
	threshold := check.Severity(flags.severity)
	if threshold == "" {
		threshold = check.Warning
		if a.verbose {
			threshold = check.Info
		}
	}
	shown := 0
	for _, state := range []check.State{check.StateError, check.StateUnknown, check.StateWarning, check.StateInfo} {
		for i := range d.results {
			if r := &d.results[i]; r.State == state && (state == check.StateUnknown || r.Finding.Severity.AtLeast(threshold)) {
				if shown > 0 && !a.quiet {
					s.printf("\n")
				}
				a.findingText(s, r)
				shown++
			}
		}
	}
	if a.quiet {
		return nil
	}
	if shown > 0 {
		s.printf("\n")
	}
	if a.verbose {
		restText(s, d.results)
	}
	summaryText(s, &d.report.Summary, threshold)
	return nil
}

// findingText prints one finding.
func (a *app) findingText(s style, r *check.Result) {
	f := &r.Finding
	sign := map[check.State]string{
		check.StateError:   s.bad(s.mark("✗", "x")),
		check.StateWarning: s.warn("!"),
		check.StateInfo:    s.faint(s.mark("·", "-")),
		check.StateUnknown: s.warn("?"),
	}[r.State]
	text := f.Message.Text
	if r.State == check.StateUnknown {
		text = r.Reason
	}
	s.printf("%s %s  %s\n", sign, s.bold(r.Check.ID), s.t(text))
	if a.quiet {
		return
	}
	s.evidence(f.Evidence)
	if !f.Cause.IsZero() {
		s.wrapped("    ", s.t(f.Cause))
	}
	if r.State != check.StateUnknown && !r.Reason.IsZero() {
		s.wrapped("    ", s.t(r.Reason))
	}
	if len(f.Consumers) > 0 {
		s.labelled(msg.New("for"), strings.Join(f.Consumers, ", "))
	}
	for _, step := range f.Steps {
		switch {
		case step.Command == "":
			s.labelled(msg.New("fix"), s.t(step.Text))
		case step.Text.IsZero():
			s.labelled(msg.New("fix"), s.good(s.tilde(step.Command)))
		default:
			s.labelled(msg.New("fix"), s.t(step.Text)+":")
			s.labelled(msg.Text{}, s.good(s.tilde(step.Command)))
		}
	}
	s.printf("    %s\n", s.faint("goready explain "+r.Check.ID))
}

// maxEvidence is how many places are shown for a finding without -v.
const maxEvidence = 8

// evidence prints places, with what stands there in a column of its own.
func (s style) evidence(list []check.Evidence) {
	width := 0
	for _, e := range list {
		if w := columns(s.place(e)); w < 48 {
			width = max(width, w)
		}
	}
	for i, e := range list {
		if i == maxEvidence {
			s.printf("    %s\n", s.faint(s.t(msg.New("and %d more", len(list)-i))))
			return
		}
		place, text := s.place(e), s.clean(e.Text)
		switch {
		case place == "":
			s.wrapped("    ", text)
		case text == "":
			s.printf("    %s\n", place)
		default:
			s.printf("    %s%s  %s\n", place, strings.Repeat(" ", max(0, width-columns(place))), s.faint(text))
		}
	}
}

func (s style) place(e check.Evidence) string {
	switch {
	case e.Path == "":
		return ""
	case e.Line == 0:
		return s.tilde(e.Path)
	}
	return fmt.Sprintf("%s:%d", s.tilde(e.Path), e.Line)
}

// clean makes text from a file fit for a terminal: no control characters, ~ for the home folder.
func (s style) clean(text string) string {
	return s.tilde(strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0:
			return -1
		}
		return r
	}, text))
}

// labelColumns is the width of the words before the lines of a finding.
const labelColumns = 6

func (s style) labelled(label msg.Text, text string) {
	name := s.t(label)
	pad := strings.Repeat(" ", max(1, labelColumns-columns(name)))
	s.printf("    %s%s%s\n", s.faint(name), pad, text)
}

// wrapped prints text in lines that fit the output, each indented.
func (s style) wrapped(indent, text string) {
	line := indent
	for _, word := range strings.Fields(text) {
		if columns(line)+1+columns(word) > s.width && columns(line) > columns(indent) {
			s.printf("%s\n", strings.TrimRight(line, " "))
			line = indent
		}
		line += word + " "
	}
	s.printf("%s\n", strings.TrimRight(line, " "))
}

// restText lists the checks that found nothing, or nothing that counts.
func restText(s style, results []check.Result) {
	for i := range results {
		r := &results[i]
		switch r.State {
		case check.StateOK:
			s.printf("%s %s  %s\n", s.good(s.mark("✓", "+")), r.Check.ID, s.faint(s.t(r.Check.Title)))
		case check.StateSkipped, check.StateKnown:
			text := s.t(r.Reason)
			if !r.Finding.Message.Text.IsZero() {
				text = s.t(r.Finding.Message.Text) + " (" + text + ")"
			}
			s.printf("%s %s  %s\n", s.faint("-"), r.Check.ID, s.faint(text))
		}
	}
	s.printf("\n")
}

// summaryText counts, in one line.
func summaryText(s style, sum *check.Summary, threshold check.Severity) {
	var parts []string
	add := func(n int, text msg.Text, paint func(string) string) {
		if n > 0 {
			parts = append(parts, paint(s.t(text)))
		}
	}
	add(sum.Error, msg.New("errors: %d", sum.Error), s.bad)
	add(sum.Warning, msg.New("warnings: %d", sum.Warning), s.warn)
	add(sum.Unknown, msg.New("unknown: %d", sum.Unknown), s.warn)
	add(sum.OK, msg.New("ok: %d", sum.OK), s.good)
	add(sum.Info, msg.New("info: %d", sum.Info), s.faint)
	add(sum.Skipped, msg.New("skipped: %d", sum.Skipped), s.faint)
	add(sum.Known, msg.New("known: %d", sum.Known), s.faint)
	s.printf("%s\n", strings.Join(parts, s.mark(" · ", ", ")))
	if sum.Info > 0 && threshold != check.Info {
		s.printf("%s\n", s.faint(s.t(msg.New("--severity info shows the rest, -v every check"))))
	}
}

// printChecks lists checks with their severity and title.
func printChecks(w io.Writer, l msg.Lang, checks []check.Check) {
	for i := range checks {
		c := &checks[i]
		fmt.Fprintf(w, "%-26s %-8s %s\n", c.ID, c.Severity, c.Title.In(l))
	}
}
