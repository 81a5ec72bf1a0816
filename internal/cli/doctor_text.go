package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// doctorText prints a diagnosis for people: what is wrong, the worst first, each with its evidence and remedy; then in
// one line how much is well. -v shows that too, check by check; -q only what is wrong, in a line each.
func (a *app) doctorText(d *diagnosis) error {
	s, err := a.style(&a.out, d.facts.Home, d.facts.Platform.Separator())
	if err != nil {
		return err
	}
	shown := d.worstFirst()
	if a.quiet {
		s.overview(shown)
		return nil
	}
	explained := map[string]bool{}
	for i, r := range shown {
		last := i+1 == len(shown) || shown[i+1].Check.ID != r.Check.ID
		var follows []*check.Result
		if r.Finding.Raised() && !explained[r.Check.ID] {
			explained[r.Check.ID] = true
			follows = d.errorsBecauseOf(r.Check.ID)
		}
		s.finding(r, follows, a.verbose, last)
		s.printf("\n")
	}
	if a.verbose {
		s.rest(d.results)
	}
	s.expired(d)
	s.summary(d)
	return nil
}

// worstFirst returns the results that are printed at length, the worst first.
func (d *diagnosis) worstFirst() []*check.Result {
	var out []*check.Result
	for _, state := range []check.State{check.StateError, check.StateUnknown, check.StateWarning, check.StateInfo} {
		for i := range d.results {
			if r := &d.results[i]; r.State == state && d.shown(r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// errorsBecauseOf returns the errors that are left out because they follow from findings of a check. They are why a
// raised finding is an error; of another they would repeat what it says.
func (d *diagnosis) errorsBecauseOf(id string) []*check.Result {
	var out []*check.Result
	for i := range d.results {
		r := &d.results[i]
		if r.State == check.StateSkipped && r.Finding.Severity == check.Error && slices.Contains(r.CausedBy, id) {
			out = append(out, r)
		}
	}
	return out
}

// sign is the mark of a state.
func (s style) sign(state check.State) string {
	switch state {
	case check.StateError:
		return s.bad(s.mark("✗", "x"))
	case check.StateWarning:
		return s.warn("!")
	case check.StateUnknown:
		return s.warn("?")
	case check.StateInfo:
		return s.faint(s.mark("·", "."))
	case check.StateOK:
		return s.good(s.mark("✓", "+"))
	}
	return s.faint("-")
}

// idWidth returns the width of the column of ids.
func idWidth(results []*check.Result) int {
	w := 0
	for _, r := range results {
		w = max(w, len(r.Check.ID))
	}
	return w
}

// overview prints a line for each result.
func (s style) overview(results []*check.Result) {
	w := idWidth(results)
	for _, r := range results {
		pad := strings.Repeat(" ", w-len(r.Check.ID))
		s.printf("%s %s%s  %s\n", s.sign(r.State), s.bold(r.Check.ID), pad, s.headline(r))
	}
}

// headline says in one sentence what a result is.
func (s style) headline(r *check.Result) string {
	if r.State == check.StateUnknown || r.Finding.Message.Text.IsZero() {
		return s.t(r.Reason)
	}
	return s.t(r.Finding.Message.Text)
}

// The indents of a finding: of the sentence that says what is wrong, and of what belongs to it.
const (
	messageIndent = "  "
	detailIndent  = "    "
)

// finding prints one finding, and which errors follow from it. page: it ends with where to read more.
func (s style) finding(r *check.Result, follows []*check.Result, all, page bool) {
	f := &r.Finding
	head := len(r.Check.ID) + 4
	text := s.headline(r)
	if first := s.prose() - head; first >= 30 || columns(text) <= first {
		lines := wrap(text, first, s.prose()-len(messageIndent))
		s.printf("%s %s  %s\n", s.sign(r.State), s.bold(r.Check.ID), lines[0])
		s.indented(messageIndent, lines[1:])
	} else {
		s.printf("%s %s\n", s.sign(r.State), s.bold(r.Check.ID))
		s.wrapped(messageIndent, text)
	}
	s.evidence(f.Evidence, all)
	if !f.Cause.IsZero() {
		s.wrapped(detailIndent, s.t(f.Cause))
	}
	if r.State != check.StateUnknown && !r.Reason.IsZero() {
		s.wrapped(detailIndent, s.t(r.Reason))
	}
	for _, c := range follows {
		s.wrapped(detailIndent, s.t(msg.New("because of it %s: %s", c.Check.ID, c.Finding.Message.Text)))
	}
	if len(f.Consumers) > 0 {
		s.labelled(msg.New("for"), strings.Join(f.Consumers, ", "))
	}
	for _, step := range f.Steps {
		s.step(step)
	}
	if page {
		s.printf("%s%s\n", detailIndent, s.faint("goready explain "+r.Check.ID))
	}
}

// step prints what to do. A command stays on a line of its own, whole, to be copied.
func (s style) step(step check.Step) {
	label := msg.New("fix")
	if !step.Text.IsZero() {
		text := s.t(step.Text)
		if step.Command != "" {
			text += s.colon()
		}
		s.labelled(label, text)
		label = msg.Text{}
	}
	for line := range strings.Lines(step.Command) {
		s.printf("%s%s%s\n", detailIndent, s.label(label), s.good(s.command(strings.TrimRight(line, "\r\n"))))
		label = msg.Text{}
	}
}

// bracketed is a remark after a sentence.
func (s style) bracketed(text string) string {
	if s.lang == msg.Chinese {
		return "（" + text + "）"
	}
	return " (" + text + ")"
}

// colon ends a sentence that a command follows.
func (s style) colon() string {
	if s.lang == msg.Chinese {
		return "："
	}
	return ":"
}

// maxEvidence is how many places are shown for a finding without -v.
const maxEvidence = 8

// maxPlace is the width beyond which a place does not widen the column of places.
const maxPlace = 48

// evidence prints places, with what stands there in a column of its own.
func (s style) evidence(list []check.Evidence, all bool) {
	column := 0
	for _, e := range list {
		if w := columns(s.place(e)); w <= maxPlace && w <= s.width/2 {
			column = max(column, w)
		}
	}
	for i, e := range list {
		if i == maxEvidence && !all {
			s.printf("%s%s\n", detailIndent, s.faint(s.t(msg.New("and %d more", len(list)-i))))
			return
		}
		place, text := s.place(e), s.verbatim(e.Text)
		switch room := s.width - len(detailIndent) - max(column, columns(place)) - 2; {
		case place == "":
			s.wrapped(detailIndent, text)
		case text == "":
			s.printf("%s%s\n", detailIndent, place)
		case room < 12 && s.cuts: // a narrow terminal
			s.printf("%s%s\n%s%s\n", detailIndent, place, detailIndent+"  ", s.faint(s.cut(text, s.width-len(detailIndent)-2)))
		default:
			s.printf("%s%s%s  %s\n", detailIndent, place, strings.Repeat(" ", max(0, column-columns(place))), s.faint(s.cut(text, room)))
		}
	}
}

// cut shortens what is shown of a line of a file.
func (s style) cut(text string, limit int) string {
	if !s.cuts {
		return text
	}
	return cut(text, limit, s.mark("…", "..."))
}

func (s style) place(e check.Evidence) string {
	if e.Path == "" {
		return ""
	}
	return layer.Place(s.clean(e.Path), e.Line)
}

// labelColumns is the width of the words before the lines of a finding.
const labelColumns = 5

// label returns a word and blanks up to the column of what follows.
func (s style) label(text msg.Text) string {
	name := s.t(text)
	return s.faint(name) + strings.Repeat(" ", max(1, labelColumns-columns(name)))
}

// labelled prints text with a word before it, in lines that fit.
func (s style) labelled(label msg.Text, text string) {
	before := columns(s.label(label))
	room := s.prose() - len(detailIndent) - before
	lines := wrap(text, room, room)
	s.printf("%s%s%s\n", detailIndent, s.label(label), lines[0])
	s.indented(detailIndent+strings.Repeat(" ", before), lines[1:])
}

// maxProse is the width of sentences on a wide terminal: longer lines are hard to read.
const maxProse = 100

func (s style) prose() int {
	if s.wide {
		return s.width
	}
	return min(s.width, maxProse)
}

// wrapped prints text in lines that fit the output, each indented.
func (s style) wrapped(indent, text string) {
	room := s.prose() - len(indent)
	s.indented(indent, wrap(text, room, room))
}

func (s style) indented(indent string, lines []string) {
	for _, line := range lines {
		s.printf("%s%s\n", indent, line)
	}
}

// rest lists the checks that found nothing, or nothing that counts.
func (s style) rest(results []check.Result) {
	var list []*check.Result
	for i := range results {
		if r := &results[i]; slices.Contains([]check.State{check.StateOK, check.StateSkipped, check.StateKnown}, r.State) {
			list = append(list, r)
		}
	}
	w := idWidth(list)
	for _, r := range list {
		text := s.t(r.Check.Title)
		if r.State != check.StateOK {
			text = s.headline(r)
			if !r.Finding.Message.Text.IsZero() {
				text += s.bracketed(s.t(r.Reason))
			}
		}
		lines := wrap(text, max(20, s.prose()-w-4), s.prose()-w-4)
		s.printf("%s %-*s  %s\n", s.sign(r.State), w, r.Check.ID, s.faint(lines[0]))
		for _, line := range lines[1:] {
			s.printf("%s%s\n", strings.Repeat(" ", w+4), s.faint(line))
		}
	}
	if len(list) > 0 {
		s.printf("\n")
	}
}

// expired names what was declared as known, no longer is, and is not found any more either. What is found says so
// itself.
func (s style) expired(d *diagnosis) {
	for _, k := range d.known {
		if k.Until.IsZero() || d.facts.Now.Before(k.Until.AddDate(0, 0, 1)) || slices.ContainsFunc(d.results, func(r check.Result) bool {
			return r.Check.ID == k.ID && found(&r) &&
				(k.Object == "" || k.Object == r.Finding.Object)
		}) {
			continue
		}
		s.printf("%s %s\n", s.warn("!"), s.t(msg.New("%s: %s was known until %s; it is not found any more", k.From, k.ID, k.Until.Format(time.DateOnly))))
	}
}

// count is a part of the summary.
type count struct {
	state check.State
	n     int
	text  msg.Text
}

// counts returns the parts of a summary that are not zero, and at least one.
func counts(sum *check.Summary) []count {
	all := []count{
		{check.StateError, sum.Error, msg.New("errors: %d", sum.Error)},
		{check.StateWarning, sum.Warning, msg.New("warnings: %d", sum.Warning)},
		{check.StateUnknown, sum.Unknown, msg.New("unknown: %d", sum.Unknown)},
		{check.StateOK, sum.OK, msg.New("ok: %d", sum.OK)},
		{check.StateInfo, sum.Info, msg.New("info: %d", sum.Info)},
		{check.StateSkipped, sum.Skipped, msg.New("skipped: %d", sum.Skipped)},
		{check.StateKnown, sum.Known, msg.New("known: %d", sum.Known)},
	}
	some := slices.DeleteFunc(slices.Clone(all), func(c count) bool { return c.n == 0 })
	if len(some) == 0 {
		return all[3:4]
	}
	return some
}

// summary counts, in one line.
func (s style) summary(d *diagnosis) {
	var parts []string
	for _, c := range counts(&d.report.Summary) {
		text := s.t(c.text)
		switch c.state {
		case check.StateError:
			text = s.bad(text)
		case check.StateWarning, check.StateUnknown:
			text = s.warn(text)
		case check.StateOK:
			text = s.good(text)
		default:
			text = s.faint(text)
		}
		parts = append(parts, text)
	}
	s.joined(parts, s.mark(" · ", ", "))
	if d.report.Summary.Info > 0 && d.threshold != check.Info {
		for _, line := range wrap(s.t(msg.New("--severity info shows the rest, -v every check")), s.prose(), s.prose()) {
			s.printf("%s\n", s.faint(line))
		}
	}
}

// joined prints parts with a separator between them, in lines that fit.
func (s style) joined(parts []string, separator string) {
	line := ""
	for _, part := range parts {
		switch {
		case line == "":
			line = part
		case columns(line)+columns(separator)+columns(part) > s.width:
			s.printf("%s\n", line)
			line = part
		default:
			line += separator + part
		}
	}
	s.printf("%s\n", line)
}

// printChecks lists checks with their severity and title.
func printChecks(w io.Writer, l msg.Lang, checks []check.Check) {
	for i := range checks {
		c := &checks[i]
		fmt.Fprintf(w, "%-26s %-8s %s\n", c.ID, c.Severity, c.Title.In(l))
	}
}
