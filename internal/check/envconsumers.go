package check

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goready/goready/internal/explain"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// envCompared are the variables that shells and editor should agree on, the roots before what is derived from them.
func envCompared() []string {
	return []string{"GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOFLAGS", "GOTOOLCHAIN", "GOROOT", "GOPATH", "GOBIN",
		"GOMODCACHE", "GOCACHE", "HTTPS_PROXY", "NO_PROXY"}
}

// divergence finds variables that the developer's shells and the editor see differently.
func divergence(f *facts.Facts) []Finding {
	consumers := envComparable(f)
	var out []Finding
	for _, name := range envCompared() {
		values := divergent(f, consumers, name)
		if len(values) < 2 {
			continue
		}
		finding := Finding{Object: name, Cause: msg.New("what works in one place fails in the other, or downloads, builds and installs somewhere else")}
		var parts []any
		for _, v := range values {
			finding.Consumers = append(finding.Consumers, v.ids...)
			finding.Evidence = append(finding.Evidence, v.evidence()...)
			parts = append(parts, v.sight())
			if v.value != "" && v.projectOnly() {
				finding.Severity = Info // somebody wanted it so for this project
			}
		}
		if len(parts) == 2 {
			finding.Message = say("env.consumer-divergence.two", "variable first second", msg.New("%s differs: %s; %s", name, parts[0], parts[1]))
		} else {
			finding.Message = say("env.consumer-divergence.many", "variable first second more", msg.New("%s differs: %s; %s; and %d more", name, parts[0], parts[1], len(parts)-2))
		}
		finding.Steps = divergenceSteps(f, name, values)
		out = append(out, finding)
	}
	return out
}

// divergenceSteps name the lines to change. Which value was meant is for the user to say: what a setting of the editor
// says alone is taken out first, what a shell has is offered to all.
func divergenceSteps(f *facts.Facts, name string, values []*envValue) []Step {
	var chosen []*envValue
	for _, v := range values {
		if v.value != "" && v.explicit() {
			chosen = append(chosen, v)
		}
	}
	slices.SortStableFunc(chosen, func(a, b *envValue) int { return b.editorRank() - a.editorRank() })
	if len(chosen) == 0 {
		return []Step{{Text: msg.New("set %s in one place that all of them read", name)}}
	}
	first := chosen[0]
	if len(chosen) > 1 {
		steps := first.removal(f, "")
		if first.editorRank() == 0 {
			steps = []Step{{Text: msg.New("set %s in one place that all of them read", name)}}
			if value := chosen[1].proposal(f); value != "" {
				steps = append(steps, first.removal(f, value)...)
			}
		}
		if value := first.proposal(f); value != "" {
			steps = append(steps, alternatives(chosen[1].removal(f, value))...)
		}
		return steps
	}
	everywhere := Step{Text: msg.New("or, to use it everywhere, set %s in a file that login shells read", name)}
	value := first.proposal(f)
	switch {
	case name == "GOROOT" || value == "":
		return first.removal(f, "")
	case name != "HTTPS_PROXY" && name != "NO_PROXY":
		everywhere = Step{Text: msg.New("or, to use it everywhere"), Command: goCommand(f, "env -w "+name+"="+quote(f, value))}
	case first.editorRank() == 0:
		everywhere = Step{}
	}
	if first.editorRank() > 0 {
		return append(first.removal(f, ""), everywhere)
	}
	steps := []Step{{Text: msg.New("set %s in one place that all of them read", name), Command: everywhere.Command}}
	return append(steps, alternatives(first.removal(f, ""))...)
}

// alternatives offers steps in place of those before.
func alternatives(steps []Step) []Step {
	for i := range steps {
		if steps[i].Text.IsZero() {
			steps[i].Text = msg.New("or, the other way round")
		} else {
			steps[i].Text = msg.New("or %s", steps[i].Text)
		}
	}
	return steps
}

// editorRank is above 0 for a value that only settings of the editor give.
func (v *envValue) editorRank() int {
	if slices.ContainsFunc(v.places, func(r layer.Reason) bool { return !envEditor(r.Layer) && r.Layer != layer.HTTPProxy }) {
		return 0
	}
	return 1
}

// proposal is the value if it may be shown, and is one that no check objects to; otherwise "".
func (v *envValue) proposal(f *facts.Facts) string {
	bad := func(problems []goenv.ValueProblem) bool {
		return slices.ContainsFunc(problems, func(p goenv.ValueProblem) bool { return gradeSeverity(p.Grade) != Info })
	}
	wrong := withoutUsers(layer.Redact(v.name, v.value)) != v.value || len(facts.URLCredentials(v.value)) > 0
	switch v.name {
	case "GOPROXY":
		wrong = wrong || bad(goenv.LintProxyList(v.value, f.Platform)) || emptyEntry(v.value)
	case "GOSUMDB":
		wrong = wrong || bad(goenv.LintSumDB(v.value))
	case "HTTPS_PROXY":
		wrong = wrong || !lintsClean(v.value)
	case "NO_PROXY":
		wrong = wrong || bad(goenv.LintNoProxy(v.value))
	case "GOPRIVATE", "GONOPROXY", "GONOSUMDB":
		wrong = wrong || hasPattern(v.value, "*") || len(deadPatterns(v.value)) > 0
	case "GOFLAGS":
		flags, err := goenv.ParseGOFLAGS(v.value)
		wrong = wrong || !err.IsZero() || slices.ContainsFunc(flags, func(flag goenv.Flag) bool {
			severity, _ := judgeFlag(flag)
			return severity != ""
		})
	case "GOPATH", "GOBIN", "GOMODCACHE", "GOCACHE":
		wrong = wrong || !f.Platform.IsAbs(v.value)
	}
	if wrong {
		return ""
	}
	return v.value
}

// sight says who sees the value.
func (v *envValue) sight() msg.Text {
	who := v.ids[0]
	value := layer.Redact(v.name, v.value)
	switch {
	case v.value == "" && len(v.ids) > 1:
		return msg.New("not set in %s and %d more", who, len(v.ids)-1)
	case v.value == "":
		return msg.New("not set in %s", who)
	case len(v.ids) > 1:
		return msg.New("\"%s\" in %s and %d more", value, who, len(v.ids)-1)
	}
	return msg.New("\"%s\" in %s", value, who)
}

// envComparable returns the consumers that should see the same. A shell that is no login shell is one of them only
// where there is a desktop whose terminal windows start such shells: elsewhere they inherit from a login shell.
func envComparable(f *facts.Facts) []*facts.Consumer {
	desktop := f.Platform.OS != "linux" || slices.ContainsFunc(f.Consumers, func(c facts.Consumer) bool { return c.ID == "desktop-app" && c.Absent.IsZero() })
	var out []*facts.Consumer
	for _, c := range developers(f) {
		switch c.ID {
		case "shell-interactive":
			if desktop {
				out = append(out, c)
			}
		case "shell-login", "vscode-terminal", "vscode-go", "vscode-gopls", "vscode-install", "vscode-test":
			out = append(out, c)
		}
	}
	return out
}

// divergent returns the different values of a variable that somebody is to blame for. What an SDK, or another variable
// that is compared itself, gives is not; neither is what the Go extension does on purpose, nor what a process has from
// before.
func divergent(f *facts.Facts, consumers []*facts.Consumer, name string) []*envValue {
	var out, settings []*envValue
	for _, c := range consumers {
		for _, v := range envValues(f, []*facts.Consumer{c}, name) {
			v = proxySpelling(f, c, v)
			if name == "HTTPS_PROXY" && v.places != nil && v.places[0].Layer == layer.HTTPProxy {
				settings = append(settings, v)
			}
			if v.onPurpose() || c.ID == "vscode-install" && installsOtherwise(f, name) || !v.explicit() && editorRuns(f, c) {
				continue
			}
			out = addDivergent(out, v)
		}
	}
	// The setting http.proxy is there for the editor alone, but not where the shells have another proxy.
	if slices.ContainsFunc(out, func(v *envValue) bool { return v.value != "" }) {
		for _, v := range settings {
			out = addDivergent(out, v)
		}
	}
	if !slices.ContainsFunc(out, (*envValue).explicit) {
		return nil
	}
	return out
}

// addDivergent adds a value to others. A slash behind a proxy makes no other one of it.
func addDivergent(list []*envValue, v *envValue) []*envValue {
	same := func(old *envValue) bool {
		return old.value == v.value || v.name == "HTTPS_PROXY" && strings.TrimSuffix(old.value, "/") == strings.TrimSuffix(v.value, "/")
	}
	i := slices.IndexFunc(list, same)
	if i < 0 {
		return append(list, v)
	}
	list[i].ids = append(list[i].ids, v.ids...)
	for _, r := range v.places {
		list[i].addPlace(r)
	}
	return list
}

// installsOtherwise reports whether the Go extension gives the installation of tools a value of its own, or none.
func installsOtherwise(f *facts.Facts, name string) bool {
	switch {
	case f.Editor == nil:
		return false
	case name == "GOPATH" || name == "GOBIN" || name == "GOMODCACHE":
		return f.Editor.Settings.Lookup("go.toolsGopath", 0).Set()
	}
	return name == "GOTOOLCHAIN" || slices.Contains(f.Editor.Model.InstallDeletes, name)
}

// editorRuns reports whether a consumer begins with the environment of an editor that runs: what that lacks it may lack
// because it is old, which frozen tells.
func editorRuns(f *facts.Facts, c *facts.Consumer) bool {
	return strings.HasPrefix(c.ID, "vscode-") && slices.ContainsFunc(f.Running, func(r facts.Running) bool { return r.Kind == "extension-host" })
}

// proxySpelling gives an HTTP proxy variable that is not set the value of its other spelling, which Go reads then.
func proxySpelling(f *facts.Facts, c *facts.Consumer, v *envValue) *envValue {
	if v.value != "" || v.name != "HTTPS_PROXY" && v.name != "NO_PROXY" {
		return v
	}
	for _, lower := range envValues(f, []*facts.Consumer{c}, strings.ToLower(v.name)) {
		lower.name = v.name
		return lower
	}
	return v
}

// onPurpose reports whether the value is what the editor makes by itself, or what a running process was given once.
func (v *envValue) onPurpose() bool {
	return slices.ContainsFunc(v.places, func(r layer.Reason) bool {
		return r.Layer == layer.HTTPProxy || r.Layer == layer.SettingsDefault ||
			(r.Layer == layer.OSEnv || r.Layer == layer.Frozen) && strings.HasPrefix(r.From, "environment of ") && r.From != envOwn
	})
}

// frozen finds running processes of the editor that have an environment from before something was changed.
func frozen(f *facts.Facts) []Finding {
	var out []Finding
	for i := range f.Running {
		r := &f.Running[i]
		c := consumerOf(f, r.Consumer)
		if r.Kind == "go" || r.Env == nil || c == nil || r.Kind != "extension-host" && !startedByEditor(r.Env) {
			continue
		}
		finding := Finding{Object: r.Kind, Consumers: []string{r.Consumer},
			Cause: msg.New("a process keeps the environment that it was started with, whatever files say later"),
			Steps: []Step{{Text: explain.Restart(r.Kind, f)}}}
		if r.Env.Get("VSCODE_CLI") != "" {
			finding.Severity = Info // started from a terminal, whose environment may have been another on purpose
		}
		var names []string
		for _, name := range envCompared() {
			if then, now, ok := stale(f, r, c, name); ok {
				names = append(names, name)
				finding.Evidence = append(finding.Evidence, then, now)
			}
		}
		if len(names) == 0 {
			continue
		}
		finding.Message = say("env.frozen.stale", "program pid variables", msg.New("the running %s (pid %d) has an old %s", r.Kind, r.PID, strings.Join(names, ", ")))
		out = append(out, finding)
	}
	return out
}

// startedByEditor reports whether a process with this environment descends from an extension host, and not from a shell
// in the editor's terminal.
func startedByEditor(env *layer.Env) bool {
	return env.Get("TERM_PROGRAM") == "" && slices.ContainsFunc(env.Names(), func(name string) bool { return strings.HasPrefix(name, "VSCODE_") })
}

// stale compares a variable of a running process with what a new one would get. A value that a shell has now is not
// old: the editor was started from there.
func stale(f *facts.Facts, r *facts.Running, c *facts.Consumer, name string) (then, now Evidence, ok bool) {
	fresh, running := c, *c
	if r.Fresh != nil {
		fresh, running = r.Fresh, *r.Fresh
	}
	running.ID, running.Env = "", r.Env
	seen, want := envValues(f, []*facts.Consumer{&running}, name), envValues(f, []*facts.Consumer{fresh}, name)
	if len(seen) == 0 || len(want) == 0 || seen[0].value == want[0].value || !want[0].explicit() && !seen[0].explicit() {
		return then, now, false
	}
	for _, id := range []string{"shell-login", "shell-interactive"} {
		if shell := consumerOf(f, id); seen[0].value != "" && shell != nil && envOne(f, shell, name) == seen[0].value {
			return then, now, false
		}
	}
	value := name + "=" + layer.Redact(name, seen[0].value)
	if f.Platform.OS == "linux" {
		then = Evidence{Path: "/proc/" + strconv.Itoa(r.PID) + "/environ", Text: value}
	} else {
		then = Evidence{Text: r.Kind + " " + strconv.Itoa(r.PID) + ": " + value}
	}
	now = Evidence{Text: name + "=" + layer.Redact(name, want[0].value)}
	if e := want[0].evidence(); len(e) > 0 {
		now = e[0]
	}
	return then, now, true
}
