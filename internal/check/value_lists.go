package check

import (
	"net/url"
	"slices"
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
		if v.value == "" && v.written() { // an empty variable is none; an empty line of a file counts
			out = append(out, Finding{Object: v.name, Consumers: concerns(f, v.ids),
				Message:  say("env.goproxy-syntax.empty", "variable", msg.New("%s is empty, and hides the default", v.name)),
				Cause:    msg.New("no module can be downloaded: %q", "GOPROXY list is not the empty string, but contains no entries"),
				Evidence: []Evidence{v.evidence()}, Steps: slices.Concat(v.repair(f, ""), v.besideSDK(f))})
			continue
		}
		if names := unsetReferences(f, &v); len(names) > 0 && emptyEntry(v.value) {
			out = append(out, v.missingEntry(f, names))
			continue
		}
		problems := lint(v.value)
		j := judge(v.value, problems, lint, true)
		if j.severity == Info {
			continue
		}
		finding := v.finding(f, "env.goproxy-syntax.value", j)
		if j.instead == "" {
			finding.Steps = v.proxyListSteps(f, problems)
		}
		finding.Cause = v.proxyListCause(f, j, problems)
		out = append(out, finding)
	}
	return out
}

// emptyEntry reports whether an entry of a list of proxies is empty.
func emptyEntry(list string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(strings.NewReplacer(",", " ,", "|", " ,").Replace(list+","), func(c rune) bool { return c == ',' }),
		func(entry string) bool { return strings.TrimSpace(entry) == "" })
}

// unsetReferences returns the variables X that are not set and that a setting of the Go extension names as ${env:X} in
// the value: nothing stands there in the end.
func unsetReferences(f *facts.Facts, v *seenValue) []string {
	if f.Editor == nil || f.Editor.Settings == nil || !envEditor(v.layer) {
		return nil
	}
	var names []string
	for _, m := range f.Editor.Settings.Object("go.toolsEnvVars", 0) {
		text, ok := m.Value.Str()
		if m.Key != v.name || !ok || m.Pos.String() != v.from {
			continue
		}
		for _, part := range strings.Split(text, "${env:")[1:] {
			name, _, closed := strings.Cut(part, "}")
			if value, set, unknown := v.consumer.Env.Lookup(strings.TrimSpace(name)); closed && unknown.IsZero() && (!set || value == "") {
				names = append(names, strings.TrimSpace(name))
			}
		}
	}
	return names
}

// missingEntry is the finding about a list in which a variable that is not set has left nothing.
func (v *seenValue) missingEntry(f *facts.Facts, names []string) Finding {
	unset := strings.Join(names, ", ")
	finding := Finding{Severity: Warning, Object: v.name, Consumers: concerns(f, v.ids),
		Message:  say("env.goproxy-syntax.reference", "variable value references", msg.New("%s is %q: the setting names %s, which is not set, and nothing is left of that entry", v.name, v.shown(), unset)),
		Cause:    msg.New("go passes over the empty entry without a word and asks only the others"),
		Evidence: []Evidence{v.evidence()},
		Steps: []Step{{Text: msg.New("set %s where the editor gets its environment from, a file that login shells read, and start the editor again", unset)},
			{Text: msg.New("or write the value itself in %s", v.from)}}}
	if strings.Trim(v.value, ",| \t") == "" {
		finding.Severity = Error
		finding.Cause = msg.New("no module can be downloaded: %q", "GOPROXY list is not the empty string, but contains no entries")
	}
	return finding
}

// besideSDK gives the variable a value of the user's own where the SDK's is empty.
func (v *seenValue) besideSDK(f *facts.Facts) []Step {
	if v.layer != layer.SDKGoEnv {
		return nil
	}
	return v.repair(f, goenv.ProxyDirect)
}

// proxyListCause says what go does with a list that has problems.
func (v *seenValue) proxyListCause(f *facts.Facts, j judged, problems []goenv.ValueProblem) msg.Text {
	if j.severity != Error {
		if slices.ContainsFunc(problems, func(p goenv.ValueProblem) bool { return p.Grade == goenv.GradeRisky }) {
			return msg.New("what is downloaded can be read and changed on the way")
		}
		return msg.New("a part of the list is never asked, or not in the way that was meant")
	}
	list, err := goenv.ParseProxyList(v.value, "", f.Platform)
	if err != nil {
		return msg.New("go refuses the whole list and asks no server: %q", withoutUsers(err.Error()))
	}
	for _, e := range list {
		u, err := url.Parse(e.URL)
		switch {
		case err != nil || !e.IsURL():
		case u.Scheme == "http" && u.User != nil:
			return msg.New("go does not ask that server: %q", "refusing to pass credentials to insecure URL")
		case u.Scheme != "file" && u.Host == "":
			return msg.New("go cannot ask that server: %q", "no Host in request URL")
		case strings.ContainsAny(u.Host, ";~ $%"):
			return msg.New("go takes %q for the name of one server and does not find it: %q", u.Host, "no such host")
		}
	}
	return msg.New("go asks a server that does not exist, or one that was not meant")
}

// proxyListSteps say what to do about each part of a list for which there is no better whole value to write.
func (v *seenValue) proxyListSteps(f *facts.Facts, problems []goenv.ValueProblem) []Step {
	var steps []Step
	for _, p := range problems {
		switch {
		case gradeSeverity(p.Grade) == Info || slices.ContainsFunc(problems, func(o goenv.ValueProblem) bool { return o.Grade == goenv.GradeIneffective && o.Offset == p.Offset }):
		case p.Grade == goenv.GradeRisky && strings.HasPrefix(p.Token, "http://"):
			steps = append(steps, v.replace(f, p.Token, noUsers("https://"+strings.TrimPrefix(p.Token, "http://"))))
		case p.Instead != "":
			steps = append(steps, v.replace(f, p.Token, noUsers(p.Instead)))
		}
	}
	if len(steps) == 0 {
		return v.repair(f, "")
	}
	return steps
}

// noUsers returns a URL without user information, which does not belong into GOPROXY.
func noUsers(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	name, path, slash := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(name, '@'); ok && i >= 0 {
		text = scheme + "://" + name[i+1:]
		if slash {
			text += "/" + path
		}
	}
	return text
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
