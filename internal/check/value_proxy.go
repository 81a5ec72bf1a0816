package check

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// proxySeen is what there is to say about a proxy variable of some consumers.
type proxySeen struct {
	seenValue
	problems []goenv.ValueProblem
	kind     proxyKind
}

// proxyKind is what the remarks on a proxy variable are about.
type proxyKind uint8

const (
	proxyValue    proxyKind = iota
	proxyConflict           // the other spelling has another value
	proxyLoopback           // the proxy is the machine itself
)

// checkProxyVars judges the proxy variables of the environments of the developer's consumers.
func checkProxyVars(f *facts.Facts) []Finding {
	var all []proxySeen
	for _, c := range developers(f) {
		all = append(all, proxyProblems(f, c)...)
	}
	var out []Finding
	for _, p := range mergeProxies(all) {
		lint := func(value string) []goenv.ValueProblem { return lintProxyVariable(p.name, value) }
		var finding Finding
		switch p.kind {
		case proxyLoopback:
			finding = loopbackFinding(f, &p)
		case proxyConflict:
			finding = conflictFinding(f, &p)
		case proxyValue:
			j := judge(p.value, p.problems, lint, false)
			j.severity = Warning
			if slices.ContainsFunc(p.problems, func(p goenv.ValueProblem) bool { return p.Instead == "HTTPS_PROXY" }) {
				j.instead = "" // that is a name, not a value
			}
			finding = p.finding(f, "env.proxyvars.value", j)
			finding.Cause = msg.New("programs take different ways to the same server, or not the one that was meant")
			if j.instead == "" {
				finding.Steps = proxySteps(f, &p)
			}
		}
		out = append(out, finding)
	}
	return out
}

// proxySteps says what to write in place of the parts of a value.
func proxySteps(f *facts.Facts, p *proxySeen) []Step {
	var steps []Step
	for _, problem := range p.problems {
		switch {
		case problem.Instead == "HTTPS_PROXY" || strings.EqualFold(p.name, "ALL_PROXY") && lintsClean(p.value):
			both := p.seenValue
			both.name = "HTTPS_PROXY"
			if p.inherited() || withoutUsers(p.value) != p.value {
				steps = append(steps, Step{Text: msg.New("set %s too, where %s is set: %s", "HTTPS_PROXY", p.name, p.from)})
			} else if fishUniversal(f, at(p.from, "").Path) {
				steps = append(steps, fishStep(both.name, p.value))
			} else {
				steps = append(steps, Step{Text: msg.New("in %s add %s", p.from, both.assignment(f, p.value))})
			}
		case problem.Instead != "":
			steps = append(steps, p.replace(f, problem.Token, problem.Instead))
		case strings.ContainsAny(problem.Token, "\"'`“”‘’„«»"):
			steps = append(steps, Step{Text: msg.New("remove the quotes from the value of %s (%s)", p.name, p.from)})
		case strings.EqualFold(p.name, "NO_PROXY") && problem.Token != "" && problem.Token != p.value:
			steps = append(steps, Step{Text: msg.New("take %s out of the value of %s (%s)", problem.Token, p.name, p.from)})
		default:
			steps = append(steps, p.repair(f, "")...)
		}
	}
	return slices.CompactFunc(steps, func(a, b Step) bool { return a.Text.String() == b.Text.String() })
}

// lintsClean reports whether Go can use a value as a proxy.
func lintsClean(value string) bool {
	return !slices.ContainsFunc(goenv.LintProxyURL(value), func(p goenv.ValueProblem) bool { return p.Grade != goenv.GradeNote })
}

// conflictFinding is about two spellings of a variable with different values.
func conflictFinding(f *facts.Facts, p *proxySeen) Finding {
	lower := fromTrail(p.consumer, strings.ToLower(p.name))
	lower.ids = p.ids
	finding := Finding{Severity: Warning, Object: p.name, Consumers: concerns(f, p.ids), Evidence: []Evidence{p.evidence(), lower.evidence()},
		Message: say("env.proxyvars.conflict", "variable value lower lowerValue", msg.New("%s is %q, which Go uses, and %s is %q, which VS Code and curl prefer",
			p.name, p.shown(), lower.name, lower.shown())),
		Cause: msg.New("programs take different ways to the same server, or not the one that was meant")}
	switch first, second := at(p.from, ""), at(lower.from, ""); {
	case withoutUsers(p.value) != p.value || withoutUsers(lower.value) != lower.value:
		finding.Steps = []Step{{Text: msg.New("give both the same value, in %s and %s", p.from, lower.from)}}
	case first.Line > 0 && second.Line > 0 && !fishUniversal(f, first.Path) && !fishUniversal(f, second.Path):
		finding.Steps = []Step{{Text: msg.New("make both alike: in %s write %s, or in %s write %s", lower.from, lower.assignment(f, p.value), p.from, p.assignment(f, lower.value))}}
	default:
		finding.Steps = lower.repair(f, p.value)
	}
	return finding
}

func lintProxyVariable(name, value string) []goenv.ValueProblem {
	if strings.EqualFold(name, "NO_PROXY") {
		return goenv.LintNoProxy(value)
	}
	return goenv.LintProxyURL(value)
}

// proxyProblems returns what there is to say about the proxy variables of one consumer.
func proxyProblems(f *facts.Facts, c *facts.Consumer) []proxySeen {
	var out []proxySeen
	config := goenv.HTTPProxyFromEnv(c.Env.Get)
	for _, p := range goenv.LintHTTPProxy(c.Env.Get) {
		switch {
		case gradeSeverity(p.Grade) == Info:
			continue
		case strings.EqualFold(p.Variable, "ALL_PROXY") && config.HTTPSProxy != "":
			continue // for the programs that read it; Go has a proxy of its own
		case strings.EqualFold(p.Variable, "NO_PROXY") && harmlessExemption(c, &config, p.Token):
			continue
		case p.Variable == "REQUEST_METHOD":
			continue // a CGI program is no developer's environment
		}
		v := fromTrail(c, p.Variable)
		kind := proxyValue
		if p.Other != "" {
			kind = proxyConflict
		}
		i := slices.IndexFunc(out, func(o proxySeen) bool { return o.name == v.name && o.kind == kind })
		if i < 0 {
			i = len(out)
			out = append(out, proxySeen{seenValue: v, kind: kind})
		}
		out[i].problems = append(out[i].problems, p)
	}
	for _, name := range []string{config.HTTPSProxyVar, config.HTTPProxyVar} {
		if name == "" || !loopbackProxy(c.Env.Get(name)) {
			continue
		}
		v := fromTrail(c, name)
		if meantForAnother(f, &v) {
			return append(out, proxySeen{seenValue: v, kind: proxyLoopback})
		}
	}
	return out
}

// harmlessExemption reports whether a mistake in NO_PROXY changes nothing: there is no proxy, the entry is for the
// machine itself, which is never asked through a proxy, or it is a word that desktops add for other programs.
func harmlessExemption(c *facts.Consumer, config *goenv.HTTPProxyConfig, entry string) bool {
	switch entry {
	case "[::1]", "<local>", "<-loopback>":
		return true
	case c.Env.Get("no_proxy"): // the other spelling has another value; the order of the entries does not count
		if entry != "" && slices.Equal(exemptions(entry), exemptions(c.Env.Get("NO_PROXY"))) {
			return true
		}
	}
	return strings.HasPrefix(entry, "127.") || config.HTTPProxy == "" && config.HTTPSProxy == ""
}

// exemptions returns the entries of NO_PROXY, sorted, each once.
func exemptions(value string) []string {
	var list []string
	for entry := range strings.SplitSeq(value, ",") {
		if entry = strings.ToLower(strings.TrimSpace(entry)); entry != "" {
			list = append(list, entry)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// fromTrail returns a variable of a consumer's environment and the place that set it last.
func fromTrail(c *facts.Consumer, name string) seenValue {
	v := seenValue{name: name, value: c.Env.Get(name), from: "environment", layer: layer.OSEnv, ids: []string{c.ID}, consumer: c}
	for _, s := range slices.Backward(c.Env.Trail(name)) {
		if s.Skipped.IsZero() {
			v.layer, v.from = s.Layer, s.From
			break
		}
	}
	return v
}

func mergeProxies(all []proxySeen) []proxySeen {
	var out []proxySeen
	for _, kind := range []proxyKind{proxyValue, proxyConflict, proxyLoopback} {
		var values []seenValue
		for _, p := range all {
			if p.kind == kind {
				values = append(values, p.seenValue)
			}
		}
		for _, v := range mergeSeen(values) {
			i := slices.IndexFunc(all, func(p proxySeen) bool {
				return p.kind == kind && p.name == v.name && p.value == v.value
			})
			out = append(out, proxySeen{seenValue: v, problems: all[i].problems, kind: kind})
		}
	}
	return out
}

// loopbackProxy reports whether a proxy is on the machine itself.
func loopbackProxy(value string) bool {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(strings.TrimSpace(value))
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
}

// meantForAnother reports whether a proxy on the loopback interface was most likely meant for another machine: goready
// runs in a container (the containers of a pod share theirs), or the setting of an editor reaches into a container.
func meantForAnother(f *facts.Facts, v *seenValue) bool {
	if v.layer == layer.HTTPProxy {
		return f.Project.LocalProxyContainer != ""
	}
	return f.Container == "docker" || f.Container == "podman"
}

func loopbackFinding(f *facts.Facts, p *proxySeen) Finding {
	finding := Finding{Severity: Warning, Object: p.name, Consumers: concerns(f, p.ids),
		Message: say("env.proxyvars.loopback", "variable value",
			msg.New("%s is %q, a proxy on this machine itself", p.name, p.shown())),
		Evidence: []Evidence{p.evidence()}}
	if p.layer == layer.HTTPProxy {
		container := f.Project.LocalProxyContainer
		finding.Object, finding.Consumers = "http.proxy", []string{"devcontainer"}
		finding.Message = say("env.proxyvars.loopback-setting", "setting value container",
			msg.New("%s is %q, and VS Code hands it to what it runs in the container of %s", "http.proxy", p.shown(), container))
		finding.Evidence = append(finding.Evidence, Evidence{Path: container})
		finding.Cause = msg.New("inside the container that address is the container itself: the Go extension cannot download its tools there")
		finding.Steps = []Step{{Text: msg.New("in the settings of %s write %s", container, "\"http.useLocalProxyConfiguration\": false")}}
		return finding
	}
	finding.Cause = msg.New("inside a container that is the container, not the host: downloads fail with \"connection refused\" unless the proxy runs inside or the network is the host's")
	finding.Steps = []Step{{Text: msg.New("name the host in place of %s: host.docker.internal with Docker, host.containers.internal with Podman; the proxy has to listen there", "127.0.0.1")}}
	return finding
}
