package explain

import (
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/msg"
)

// Cleaner removes secrets from text about the machine that a report is about; scrub.Cleaner is one.
type Cleaner interface {
	Value(name, value string) string // of the variable name
	Line(text string) string
}

// Clean removes every secret from the report. It comes last; everything before works with the true values.
func (r *Report) Clean(c Cleaner) {
	for i := range r.Variables {
		v := &r.Variables[i]
		cleanTexts(c, v.Notes)
		for j := range v.Consumers {
			v.Consumers[j].clean(c, v.Name)
		}
	}
	for _, m := range r.Modules {
		for i := range m.Routes {
			m.Routes[i].clean(c)
		}
	}
	for i := range r.URLs {
		r.URLs[i].clean(c)
	}
	for _, chain := range r.Chains {
		for i := range chain.Links {
			chain.Links[i].clean(c)
		}
	}
	r.Ineffective = cleanProblems(c, r.Ineffective)
}

func (d *Decision) clean(c Cleaner, name string) {
	d.Value = c.Value(name, d.Value)
	if d.GoEnv != nil {
		d.GoEnv = new(c.Value(name, *d.GoEnv))
	}
	d.Reason, d.Error, d.Note = d.Reason.Map(c.Line), d.Error.Map(c.Line), ""
	cleanTexts(c, d.Notes)
	d.joinNotes()
	for i := range d.Trail {
		r := &d.Trail[i]
		r.Value, r.Why = c.Value(name, r.Value), r.Why.Map(c.Line)
	}
	for i := range d.Observed {
		o := &d.Observed[i]
		o.Value, o.Note = c.Value(name, o.Value), o.Note.Map(c.Line)
	}
}

func (r *Route) clean(c Cleaner) {
	for name, value := range r.Variables {
		r.Variables[name] = c.Value(name, value)
	}
	r.Unknown, r.SumDB = r.Unknown.Map(c.Line), r.SumDB.Map(c.Line)
	r.Served, r.Error = c.Line(r.Served), c.Line(r.Error)
	for i := range r.Steps {
		s := &r.Steps[i]
		s.Entry, s.HTTPProxy = c.Line(s.Entry), c.Line(s.HTTPProxy)
		s.Why, s.ProxyWhy = s.Why.Map(c.Line), s.ProxyWhy.Map(c.Line)
		for j, request := range s.Requests {
			s.Requests[j] = c.Line(request)
		}
	}
}

func (u *URL) clean(c Cleaner) {
	u.URL = c.Line(u.URL)
	for i := range u.Routes {
		r := &u.Routes[i]
		r.Proxy, r.Rule, r.Error, r.Why = c.Line(r.Proxy), c.Line(r.Rule), c.Line(r.Error), r.Why.Map(c.Line)
	}
}

func (l *ChainLink) clean(c Cleaner) {
	l.What = l.What.Map(c.Line)
	for i := range l.Files {
		l.Files[i].Why = l.Files[i].Why.Map(c.Line)
	}
}

func cleanProblems(c Cleaner, list []facts.Problem) []facts.Problem {
	var out []facts.Problem
	for _, p := range list {
		p.Text, p.Instead = p.Text.Map(c.Line), p.Instead.Map(c.Line)
		out = append(out, p)
	}
	return out
}

func cleanTexts(c Cleaner, list []msg.Text) {
	for i := range list {
		list[i] = list[i].Map(c.Line)
	}
}
