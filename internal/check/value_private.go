package check

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/goready/goready/internal/explain"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// privacy is what decides for one consumer where the name of a module is sent.
type privacy struct {
	consumer                                        *facts.Consumer
	proxy, noproxy, nosumdb, sumdb, private, broken seenValue
	first                                           string // the entry of GOPROXY that is asked first, if it is a public server
	database                                        string // the checksum database, "" if there is none
}

// leak is a private module, or several that one pattern covers, whose name would be sent away.
type leak struct {
	pattern  string
	why      msg.Text
	evidence []Evidence // of the requirement, then of why it is private
	modules  []string
	privacy  *privacy
	ids      []string
	toProxy  bool
	toSumDB  bool
}

// checkPrivateLeak finds required modules that are private and that no pattern keeps from public servers, and patterns
// that match nothing.
func checkPrivateLeak(f *facts.Facts) []Finding {
	out := brokenPatterns(f)
	for _, l := range leaks(f) {
		if !slices.Equal(l.ids, []string{"current"}) || len(developers(f)) == 1 {
			out = append(out, l.finding(f))
		}
	}
	return out
}

// brokenPatterns finds patterns that match nothing.
func brokenPatterns(f *facts.Facts) []Finding {
	var out []Finding
	for _, name := range []string{"GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE"} {
		for _, v := range seenValues(f, name) {
			if v.layer == layer.GoDerived {
				continue
			}
			j := judge(v.value, deadPatterns(v.value), deadPatterns, false)
			if j.severity == Info {
				continue
			}
			j.severity = Warning
			finding := v.finding(f, "env.private-leak.pattern", j)
			finding.Cause = msg.New("modules that the pattern was meant for are treated like all others: their names are sent to the proxy and the checksum database")
			if name == "GOINSECURE" {
				finding.Cause = msg.New("the pattern has no effect")
			}
			out = append(out, finding)
		}
	}
	return out
}

// deadPatterns are the remarks on patterns that do not work; what works too well is another check's.
func deadPatterns(value string) []goenv.ValueProblem {
	return slices.DeleteFunc(goenv.LintPatterns(value), func(p goenv.ValueProblem) bool { return p.Grade == goenv.GradeRisky })
}

// leaks returns the private modules of the workspace whose names are sent away, by the pattern that would cover them.
func leaks(f *facts.Facts) []*leak {
	var out []*leak
	for _, c := range developers(f) {
		p, ok := privacyOf(f, c)
		if !ok || p.first == "" && p.database == "" {
			continue
		}
		for i := range f.Project.Modules {
			for _, r := range f.Project.Modules[i].Requires {
				out = addLeak(f, out, p, r)
			}
		}
	}
	return out
}

func addLeak(f *facts.Facts, out []*leak, p *privacy, r facts.Requirement) []*leak {
	pattern, why, from := privateBy(f, r.Path)
	if pattern == "" {
		return out
	}
	_, noproxy := goenv.MatchPattern(p.noproxy.value, r.Path)
	_, nosumdb := goenv.MatchPattern(p.nosumdb.value, r.Path)
	toProxy, toSumDB := p.first != "" && !noproxy && !ownProxy(p.first, r.Path), p.database != "" && !nosumdb
	if _, meant := goenv.MatchPattern(p.broken.value, r.Path); meant || !toProxy && !toSumDB {
		return out
	}
	i := slices.IndexFunc(out, func(l *leak) bool {
		return l.pattern == pattern && l.toProxy == toProxy && l.toSumDB == toSumDB && l.privacy.first == p.first && l.privacy.database == p.database
	})
	if i < 0 {
		l := &leak{pattern: pattern, why: why, privacy: p, toProxy: toProxy, toSumDB: toSumDB,
			evidence: []Evidence{{Path: r.File, Line: r.Line}}}
		if from != "" {
			l.evidence = append(l.evidence, at(from, ""))
		}
		out, i = append(out, l), len(out)
	}
	if !slices.Contains(out[i].modules, r.Path) {
		out[i].modules = append(out[i].modules, r.Path)
	}
	if !slices.Contains(out[i].ids, p.consumer.ID) {
		out[i].ids = append(out[i].ids, p.consumer.ID)
	}
	return out
}

// decidedOrDefault is decided, with what the SDK says where no other layer does: a GOROOT that is wrong hides its go.env,
// and is repaired first.
func decidedOrDefault(f *facts.Facts, c *facts.Consumer, name string) (seenValue, bool) {
	v, ok := decided(f, c, name)
	if ok || c.Go.SDK.GoEnv == nil || explain.Value(f, c, name).State != explain.Unset {
		return v, ok
	}
	value, _, ok := c.Go.SDK.GoEnv.Lookup(name)
	return seenValue{name: name, value: value, layer: layer.SDKGoEnv, from: c.Go.SDK.GoEnv.Name, ids: []string{c.ID}, consumer: c}, ok
}

// privacyOf returns what decides for a consumer; false if a part of it is unknown.
func privacyOf(f *facts.Facts, c *facts.Consumer) (*privacy, bool) {
	p := &privacy{consumer: c}
	var known [2]bool
	p.proxy, known[0] = decidedOrDefault(f, c, "GOPROXY")
	p.sumdb, known[1] = decidedOrDefault(f, c, "GOSUMDB")
	if !known[0] || !known[1] {
		return nil, false
	}
	for _, v := range []struct {
		name string
		to   *seenValue
	}{{"GONOPROXY", &p.noproxy}, {"GONOSUMDB", &p.nosumdb}, {"GOPRIVATE", &p.private}} {
		if explicit(f, c, v.name) == uncertain {
			return nil, false
		}
		*v.to, _ = decided(f, c, v.name)
		v.to.name = v.name
	}
	// What a pattern with a mistake was meant to cover is that pattern's finding.
	for _, v := range []*seenValue{&p.private, &p.noproxy, &p.nosumdb} {
		if j := judge(v.value, deadPatterns(v.value), deadPatterns, false); j.severity != Info && j.instead != "" {
			p.broken.value = j.instead
		}
	}
	list, err := goenv.ParseProxyList(p.proxy.value, "", f.Platform)
	if err != nil || len(list) == 0 {
		return nil, false // nothing is asked at all
	}
	if e := list[0]; e.IsURL() && !strings.HasPrefix(e.URL, "file:") && !p.namesNone() {
		p.first = hostOf(e.URL)
		if nonPublic(p.first) || strings.Contains(e.URL, "@") {
			p.first = ""
		}
	}
	if p.proxy.value == goenv.ProxyOff {
		return nil, false
	}
	if db, err := goenv.ParseSumDB(p.sumdb.value); err == nil && !db.Off && !nonPublic(db.Name) {
		p.database, _, _ = strings.Cut(db.Name, "/")
		if db.URL != "" && nonPublic(hostOf(db.URL)) {
			p.database = ""
		}
	}
	return p, true
}

// namesNone reports whether GONOPROXY says on purpose that everything goes through the proxy.
func (p *privacy) namesNone() bool {
	return p.noproxy.layer != layer.GoDerived && p.noproxy.value == "none"
}

// privateBy returns the pattern that covers a module and why the module is private, "" if nothing says that it is.
func privateBy(f *facts.Facts, path string) (pattern string, why msg.Text, from string) {
	name, _, _ := strings.Cut(path, "/")
	if !strings.Contains(name, ".") {
		return "", msg.Text{}, "" // go refuses such a path before it asks anybody
	}
	if nonPublic(name) {
		return name, msg.New("%s is no name of the public internet", name), ""
	}
	for _, r := range f.Project.Rewrites {
		if prefix, ok := rewritten(r); ok && (path == prefix || strings.HasPrefix(path, prefix+"/")) {
			return prefix, msg.New("git fetches %s with credentials", prefix), r.From
		}
	}
	for _, r := range f.Project.Remotes {
		if r.Name != "origin" && len(f.Project.Remotes) > 1 {
			continue // whoever forked it has other rights there
		}
		if remote := remoteHost(r.URL); remote == name && !publicForge(name) {
			return name, msg.New("the repository of this workspace is on %s too", name), r.From
		}
	}
	return "", msg.Text{}, ""
}

// rewritten returns the path of modules that a rule of git sends to ssh or to a host with credentials. A rule for the
// whole of a public forge is a way to push, and says nothing about what is private.
func rewritten(r facts.GitRewrite) (prefix string, ok bool) {
	secret := strings.HasPrefix(r.Base, "ssh://") || strings.HasPrefix(r.Base, "git+ssh://") || strings.Contains(r.Base, "@")
	scheme, rest, found := strings.Cut(r.Prefix, "://")
	if !secret || !found || scheme != "https" && scheme != "http" {
		return "", false
	}
	rest = strings.TrimSuffix(strings.Trim(rest[strings.LastIndexByte(rest, '@')+1:], "/"), ".git")
	name, path, _ := strings.Cut(rest, "/")
	if name == "" || path == "" && publicForge(name) || strings.Contains(name, ":") {
		return "", false
	}
	return rest, true
}

// remoteHost returns the host of the URL of a git remote, "" if it is a folder.
func remoteHost(remote string) string {
	if strings.Contains(remote, "://") {
		return hostOf(remote)
	}
	before, _, ok := strings.Cut(remote, ":")
	if !ok || strings.ContainsAny(before, `/\`) || len(before) == 1 {
		return ""
	}
	return strings.ToLower(before[strings.LastIndexByte(before, '@')+1:])
}

func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// nonPublic reports whether a host has a name or an address that means something in a private network only.
func nonPublic(name string) bool {
	name, _, _ = strings.Cut(strings.ToLower(name), "/")
	if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(name, ".") {
		return true
	}
	for _, tld := range []string{".internal", ".local", ".lan", ".corp", ".intranet", ".home.arpa", ".test", ".localhost", ".private", ".localdomain"} {
		if strings.HasSuffix(name, tld) {
			return true
		}
	}
	return false
}

// publicForge reports whether a host has repositories of everybody.
func publicForge(name string) bool {
	switch name {
	case "github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitee.com", "gitcode.com", "git.sr.ht", "sr.ht", "hg.sr.ht",
		"go.googlesource.com", "framagit.org", "salsa.debian.org", "invent.kde.org", "gitlab.gnome.org", "gitlab.freedesktop.org",
		"git.kernel.org", "git.savannah.gnu.org", "notabug.org", "launchpad.net", "git.launchpad.net", "jihulab.com", "gitea.com", "tangled.sh":
		return true
	}
	return false
}

// ownProxy reports whether a proxy belongs to whom the module does: their hosts are in the same domain.
func ownProxy(proxy, module string) bool {
	name, _, _ := strings.Cut(module, "/")
	return domain(proxy) == domain(name)
}

func domain(name string) string {
	labels := strings.Split(name, ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
}

func (l *leak) finding(f *facts.Facts) Finding {
	p := l.privacy
	module := l.modules[0]
	var text msg.Text
	names := "module proxy database"
	switch {
	case l.toProxy && l.toSumDB:
		text = msg.New("module %s would be asked from the proxy %s, and its name sent to the checksum database %s", module, p.first, p.database)
	case l.toProxy:
		text, names = msg.New("module %s would be asked from the proxy %s", module, p.first), "module proxy"
	default:
		text, names = msg.New("the name of module %s would be sent to the checksum database %s", module, p.database), "module database"
	}
	cause := msg.New("%s: a public server learns the name, and the download fails with 404 or 410", l.why)
	if len(l.modules) > 1 {
		more := slices.Clone(l.modules[1:min(len(l.modules), 5)])
		if len(l.modules) > 5 {
			more = append(more, "…")
		}
		cause = msg.New("%s; the same holds for %s", cause, strings.Join(more, ", "))
	}
	return Finding{Object: l.pattern, Consumers: concerns(f, l.ids), Message: say("env.private-leak.module", names, text),
		Cause: cause, Evidence: l.evidence, Steps: l.steps(f)}
}

// steps add the pattern where it counts: to GOPRIVATE, and to what was set apart from it.
func (l *leak) steps(f *facts.Facts) []Step {
	var steps []Step
	add := func(v seenValue) {
		value := l.pattern
		if v.value != "" {
			value = strings.TrimRight(v.value, ",") + "," + l.pattern
		}
		if v.value == "" || v.layer == layer.GoDerived {
			v.layer = layer.GoEnvFile
		}
		for _, s := range v.repair(f, value) {
			if !slices.ContainsFunc(steps, func(o Step) bool { return o.Command == s.Command && o.Text.String() == s.Text.String() }) {
				steps = append(steps, s)
			}
		}
	}
	own := func(v *seenValue) bool { return v.value != "" && v.layer != layer.GoDerived }
	p := l.privacy
	if l.toProxy && !own(&p.noproxy) || l.toSumDB && !own(&p.nosumdb) {
		add(p.private)
	}
	if l.toProxy && own(&p.noproxy) {
		add(p.noproxy)
	}
	if l.toSumDB && own(&p.nosumdb) {
		add(p.nosumdb)
	}
	return steps
}
