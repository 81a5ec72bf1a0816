package check

import (
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// checkGOPROXY judges every value of GOPROXY that the developer's consumers see.
func checkGOPROXY(f *facts.Facts) []Finding {
	lint := func(value string) []goenv.ValueProblem { return goenv.LintProxyList(value, f.Platform) }
	var out []Finding
	for _, v := range seenValues(f, "GOPROXY") {
		if strings.TrimSpace(v.value) == goenv.ProxyOff {
			out = append(out, Finding{Severity: Info, Object: v.name, Consumers: concerns(f, v.ids),
				Message:  say("env.goproxy-syntax.off", "variable", msg.New("%s is off: go downloads no modules", v.name)),
				Evidence: []Evidence{v.evidence()}})
			continue
		}
		j := judge(v.value, lint(v.value), lint, true)
		if j.severity == Info {
			continue
		}
		finding := v.finding(f, "env.goproxy-syntax.value", j)
		finding.Cause = msg.New("a part of the list is never asked, or not in the way that was meant")
		if j.severity == Warning && j.instead == "" {
			finding.Steps = []Step{{Text: msg.New("correct the value of %s there: %s", v.name, v.from)}}
		}
		if j.severity == Error {
			finding.Cause = msg.New("go stops at the list before it asks any server, so no module can be downloaded")
		}
		out = append(out, finding)
	}
	return out
}

// finding makes the finding about a value.
func (v *seenValue) finding(f *facts.Facts, key string, j judged) Finding {
	return Finding{Severity: j.severity, Object: v.name, Consumers: concerns(f, v.ids),
		Message:  say(key, "variable value problem", msg.New("%s is %q: %s", v.name, v.shown(), join(j.texts))),
		Evidence: []Evidence{v.evidence()}, Steps: v.repair(f, j.instead)}
}

// checkGOSUMDB judges the values of GOSUMDB, and patterns that exempt every module.
func checkGOSUMDB(f *facts.Facts) []Finding {
	var out []Finding
	for _, v := range seenValues(f, "GOSUMDB") {
		j := judge(v.value, goenv.LintSumDB(v.value), goenv.LintSumDB, false)
		if j.severity == Info {
			continue
		}
		finding := v.finding(f, "env.gosumdb-syntax.value", j)
		switch {
		case v.value == "off":
			finding.Cause = msg.New("go accepts modules that somebody changed on the way, and refuses to download Go toolchains")
			finding.Steps = v.repair(f, "")
			if v.layer == layer.SDKGoEnv || v.layer == layer.GoDefault {
				finding.Severity = Info // whoever packaged the SDK decided so
				finding.Steps = v.repair(f, j.instead)
			}
		case j.severity == Error:
			finding.Cause = msg.New("go cannot verify modules that go.sum does not have, and stops")
			if j.instead == "" || j.instead == "off" || !strings.Contains(j.instead, " ") && !strings.Contains(j.instead, "+") {
				finding.Steps = v.repair(f, "") // the default is the database that was meant
			}
		}
		out = append(out, finding)
	}
	return append(append(out, everyModule(f)...), noSumCheck(f)...)
}

// everyModule finds patterns that match every module.
func everyModule(f *facts.Facts) []Finding {
	var out []Finding
	for _, name := range []string{"GONOSUMDB", "GOPRIVATE", "GOINSECURE"} {
		for _, v := range seenValues(f, name) {
			if v.layer == layer.GoDerived || !hasPattern(v.value, "*") {
				continue
			}
			finding := Finding{Severity: Warning, Object: name, Consumers: concerns(f, v.ids),
				Message:  say("env.gosumdb-syntax.every-module", "variable value", msg.New("%s is %q, which matches every module", name, v.value)),
				Evidence: []Evidence{v.evidence()}, Steps: v.repair(f, "")}
			switch name {
			case "GONOSUMDB":
				finding.Cause = msg.New("go accepts modules that somebody changed on the way")
			case "GOPRIVATE":
				finding.Cause = msg.New("go asks no proxy for any module, and accepts modules that somebody changed on the way")
			case "GOINSECURE":
				finding.Cause = msg.New("go fetches over plain http and accepts certificates that nobody trusts, so others can change what is downloaded")
			}
			out = append(out, finding)
		}
	}
	return out
}

func hasPattern(list, pattern string) bool {
	for p := range strings.SplitSeq(list, ",") {
		if strings.TrimSuffix(strings.TrimSpace(p), "/") == pattern {
			return true
		}
	}
	return false
}

// noSumCheck finds GONOSUMCHECK, which instructions on the web name and nothing reads.
func noSumCheck(f *facts.Facts) []Finding {
	const name = "GONOSUMCHECK"
	var all []seenValue
	for _, c := range developers(f) {
		value, ok, _ := c.Env.Lookup(name)
		if trail := c.Env.Trail(name); ok && value != "" {
			last := trail[len(trail)-1]
			all = append(all, seenValue{name: name, value: value, layer: last.Layer, from: last.From, ids: []string{c.ID}, consumer: c})
		}
	}
	var out []Finding
	for _, v := range mergeSeen(all) {
		out = append(out, Finding{Severity: Warning, Object: name, Consumers: concerns(f, v.ids),
			Message:  say("env.gosumdb-syntax.no-such-variable", "variable", msg.New("%s is set, and go reads no variable of that name", name)),
			Cause:    msg.New("modules are verified as before; GONOSUMDB names those that are not to be looked up"),
			Evidence: []Evidence{v.evidence()}, Steps: v.repair(f, "")})
	}
	return out
}
