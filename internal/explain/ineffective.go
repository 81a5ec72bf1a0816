package explain

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Ineffective returns the settings that have no effect, or not the one they seem to have: what Gather found in files,
// and what the values of the variables say. Each place is named once.
func Ineffective(f *facts.Facts, names []string) []facts.Problem {
	out := slices.Clone(f.Problems)
	for i := range f.Consumers {
		c := &f.Consumers[i]
		if !c.Absent.IsZero() {
			continue
		}
		for _, name := range names {
			out = append(out, valueProblems(f, c, name)...)
		}
		out = append(out, proxyProblems(c)...)
		out = append(out, unknownVariables(c)...)
	}
	return unique(out)
}

func unique(problems []facts.Problem) []facts.Problem {
	seen := map[string]bool{}
	var out []facts.Problem
	for _, p := range problems {
		key := p.From + "\x00" + p.Text.String()
		if !seen[key] {
			seen[key] = true
			out = append(out, p)
		}
	}
	return out
}

// valueProblems judges the value that takes effect for a consumer.
func valueProblems(f *facts.Facts, c *facts.Consumer, name string) []facts.Problem {
	plain := *c
	plain.ID = ""
	d := Decide(f, &plain, name)
	w, ok := d.Winner()
	if !ok || d.Value == "" {
		return nil
	}
	from := w.From
	if from == "" {
		from = string(w.Layer)
	}
	var out []facts.Problem
	for _, p := range lintValue(f, name, d.Value) {
		if p.Grade == goenv.GradeNote {
			continue
		}
		out = append(out, valueProblem(from, name, p))
	}
	return out
}

func lintValue(f *facts.Facts, name, value string) []goenv.ValueProblem {
	switch name {
	case "GOPROXY":
		return goenv.LintProxyList(value, f.Platform)
	case "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE":
		return goenv.LintPatterns(value)
	case "GOSUMDB":
		return goenv.LintSumDB(value)
	case "GODEBUG":
		return lintGODEBUG(value)
	}
	return nil
}

// proxyProblems judges the HTTP proxy variables of a consumer's environment.
func proxyProblems(c *facts.Consumer) []facts.Problem {
	var out []facts.Problem
	for _, p := range goenv.LintHTTPProxy(c.Env.Get) {
		if p.Grade == goenv.GradeNote {
			continue
		}
		from := "environment"
		if trail := c.Env.Trail(p.Variable); len(trail) > 0 {
			from = trail[len(trail)-1].From
		}
		out = append(out, valueProblem(from, p.Variable, p))
	}
	return out
}

// valueProblem is what is said about a part of a value that is set at from.
func valueProblem(from, name string, p goenv.ValueProblem) facts.Problem {
	problem := facts.Problem{From: from, Subject: name, Text: p.Text}
	if p.Token != "" {
		problem.Text = msg.New("%s: %s", p.Token, p.Text)
	}
	if p.Instead != "" {
		problem.Instead = msg.New("%s", layer.Redact(name, p.Instead))
	}
	return problem
}

// lintGODEBUG names the keys that are widely recommended and do not exist.
func lintGODEBUG(value string) []goenv.ValueProblem {
	var out []goenv.ValueProblem
	for kv := range strings.SplitSeq(value, ",") {
		if key, _, _ := strings.Cut(strings.TrimSpace(kv), "="); key == "proxylookup" {
			out = append(out, goenv.ValueProblem{Token: kv, Grade: goenv.GradeIneffective,
				Text: msg.New("GODEBUG has no such key"), Instead: "go -x, GODEBUG=netdns=2, GODEBUG=http2debug=1"})
		}
	}
	return out
}

// unknownVariables names variables in the environment of a consumer that are meant for Go and that nothing reads. The
// environment of goready itself is not blamed for what other tools put there.
func unknownVariables(c *facts.Consumer) []facts.Problem {
	var out []facts.Problem
	for _, name := range c.Env.Names() {
		if strings.EqualFold(name, "ALL_PROXY") {
			continue // proxyProblems has it
		}
		text, known := misunderstood(name)
		if !known || name == "GO111MODULE" && c.Env.Get(name) != "off" {
			near := ""
			if strings.HasPrefix(name, "GO") && !goenv.IsGoVariable(name) {
				near = goenv.Nearest(name, goenv.Variables())
			}
			if near == "" || near == name || readByRuntime(name) {
				continue
			}
			text = msg.New("Go does not know %s; did you mean %s", name, near)
		}
		trail := c.Env.Trail(name)
		last := trail[len(trail)-1]
		if v, ok, _ := c.Env.Lookup(name); !ok || v == "" {
			continue
		}
		out = append(out, facts.Problem{From: last.From, Subject: name, Text: text})
	}
	return out
}
