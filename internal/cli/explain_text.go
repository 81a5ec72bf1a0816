package cli

import (
	"fmt"
	"strings"

	"github.com/goready/goready/internal/explain"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// explainText prints a report for people: for every variable the answers, equal ones folded together, each with what
// decided it; with -v the whole trail of every consumer.
func (a *app) explainText(f *facts.Facts, r *explain.Report) error {
	s, err := a.style(&a.out, f.Home, f.Platform.Separator())
	if err != nil {
		return err
	}
	for i := range r.Variables {
		if i > 0 {
			s.printf("\n")
		}
		a.variableText(s, &r.Variables[i], r.Consumers)
	}
	for i := range r.Modules {
		moduleText(s, &r.Modules[i], a.verbose)
	}
	for i := range r.URLs {
		urlText(s, &r.URLs[i])
	}
	chainsText(s, r.Chains, a.verbose)
	if !a.quiet {
		ineffectiveText(s, r.Ineffective)
	}
	if !a.quiet && !a.verbose && len(r.Variables) > 0 {
		s.printf("\n%s\n", s.faint(s.t(msg.New("-v shows every layer that was considered"))))
	}
	return nil
}

func (a *app) variableText(s style, v *explain.Variable, programs []explain.Consumer) {
	s.printf("%s\n", s.bold(v.Name))
	for _, n := range v.Notes {
		s.printf("  %s %s\n", s.warn("!"), s.t(n))
	}
	for _, g := range explain.Fold(v.Consumers) {
		a.answerText(s, g)
		if a.verbose {
			for _, d := range g.Decisions {
				programText(s, programs, d.Consumer)
				trailText(s, d)
			}
		}
	}
	observedText(s, v)
}

// answerText prints one answer and who gets it.
func (a *app) answerText(s style, g explain.Group) {
	d := g.Decisions[0]
	s.printf("\n  %s\n", s.answer(d))
	if a.quiet {
		s.list(ids(g.Decisions), "    ", "    ")
		return
	}
	if !d.Reason.IsZero() {
		s.printf("    %s\n", s.t(msg.New("because %s", d.Reason)))
	}
	for _, by := range explain.FoldWinners(g.Decisions) {
		s.list(ids(by.Decisions), "    ", "    ")
		if w, ok := by.Decisions[0].Winner(); ok {
			s.printf("      %s\n", s.faint(s.origin(w)))
		}
	}
	for _, n := range explain.FoldNotes(g.Decisions) {
		s.printf("    %s %s\n", s.warn("!"), s.t(n.Text))
		if len(n.IDs) < len(g.Decisions) {
			s.list(n.IDs, "        ", "        ")
		}
	}
}

// answer returns the value, or what stands in for it.
func (s style) answer(d *explain.Decision) string {
	switch d.State {
	case explain.Set:
		return s.good(s.show(d.Value))
	case explain.Unset:
		return s.faint(s.t(msg.New("(not set)")))
	case explain.Absent:
		return s.faint(s.t(msg.New("(does not exist on this machine)")))
	}
	return s.warn(s.t(msg.New("(unknown)")))
}

// origin says in one line which layer decided, and where.
func (s style) origin(w layer.Reason) string {
	name := layerName(w.Layer)
	if w.From == "" || w.From == string(w.Layer) {
		return s.t(name)
	}
	return s.t(msg.New("%s: %s", w.From, name))
}

// programText heads the trail of a consumer with the go command it runs.
func programText(s style, programs []explain.Consumer, id string) {
	s.printf("\n    %s", id)
	for _, p := range programs {
		if p.ID == id && p.Go != "" {
			s.printf("  %s", s.faint(s.tilde(p.Go)+" ("+p.Version+")"))
		}
	}
	s.printf("\n")
}

func trailText(s style, d *explain.Decision) {
	if len(d.Trail) == 0 {
		s.printf("      %s\n", s.faint(s.t(msg.New("no layer mentions it"))))
	}
	for _, r := range d.Trail {
		sign := s.faint(s.mark("·", "-"))
		if r.Won {
			sign = s.good(s.mark("✓", "*"))
		}
		from := r.From
		if from == "" {
			from = string(r.Layer)
		}
		s.printf("      %s %s  %s\n", sign, s.tilde(from), s.show(r.Value))
		s.printf("          %s\n", s.faint(string(r.Layer)+": "+s.t(r.Why)))
	}
}

func ids(ds []*explain.Decision) []string {
	out := make([]string, len(ds))
	for i, d := range ds {
		out[i] = d.Consumer
	}
	return out
}

// observedText prints the running processes, the stale ones with how to restart them.
func observedText(s style, v *explain.Variable) {
	printed := false
	for i := range v.Consumers {
		for _, o := range v.Consumers[i].Observed {
			if !printed {
				s.printf("\n  %s\n", s.t(msg.New("running now")))
				printed = true
			}
			sign, value := s.good(s.mark("✓", "*")), s.show(o.Value)
			if !o.Agrees {
				sign = s.bad(s.mark("✗", "x"))
			}
			if o.State == explain.Unset {
				value = s.faint(s.t(msg.New("(not set)")))
			}
			s.printf("    %s %s (pid %d, %s)  %s\n", sign, s.tilde(o.Exe), o.PID, v.Consumers[i].Consumer, value)
			if !o.Note.IsZero() {
				s.printf("        %s\n", s.t(o.Note))
			}
		}
	}
}

func moduleText(s style, m *explain.Module, verbose bool) {
	s.printf("\n%s\n", s.bold(m.Path))
	for _, r := range m.Routes {
		s.printf("\n")
		s.list(r.Consumers, "  ", "  ")
		for _, line := range r.Lines(verbose) {
			s.printf("    %s%s\n", strings.Repeat("  ", line.Indent), s.t(line.Text))
		}
	}
}

func urlText(s style, u *explain.URL) {
	s.printf("\n%s\n", s.bold(u.URL))
	for _, r := range u.Routes {
		s.printf("\n  %s\n", s.good(s.t(r.Answer())))
		s.list(r.Consumers, "    ", "    ")
		s.printf("      %s\n", s.faint(s.t(r.Why)))
	}
}

func chainsText(s style, chains []explain.Chain, verbose bool) {
	for i, c := range chains {
		if i > 0 {
			s.printf("\n")
		}
		s.printf("%s\n", s.bold(c.Consumer))
		for n, l := range c.Links {
			s.printf("  %2d %s\n", n+1, s.t(l.What))
			for _, v := range l.Files {
				fileText(s, v, verbose)
			}
		}
	}
}

func fileText(s style, v explain.ChainFile, verbose bool) {
	indent := strings.Repeat("  ", v.Depth)
	line := fmt.Sprintf("     %s%s %s", indent, s.mark("→", "->"), s.tilde(v.File))
	switch {
	case v.State == "read":
		s.printf("%s\n", line)
	case verbose || v.State != "missing":
		why := string(v.State)
		if !v.Why.IsZero() {
			why += ": " + s.t(v.Why)
		}
		s.printf("%s  %s\n", line, s.faint(why))
	}
}

func ineffectiveText(s style, problems []facts.Problem) {
	if len(problems) == 0 {
		return
	}
	s.printf("\n%s\n", s.bold(s.t(msg.New("without the effect it seems to have"))))
	for _, p := range problems {
		s.printf("  %s %s  %s\n", s.warn("!"), s.tilde(p.From), s.t(p.Text))
		if !p.Instead.IsZero() {
			s.printf("      %s\n", s.t(msg.New("instead: %s", p.Instead)))
		}
	}
}
