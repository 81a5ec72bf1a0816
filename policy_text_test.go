package goready_test

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

const (
	namesRegistry = "names the registry host %s"
	hasPath       = "has the path %s of a machine it was written on"
)

// forbiddenText is what no file may contain. The strings are put together here so that this file does not.
var forbiddenText = []struct{ text, message string }{
	{"proxy." + "golang.org", namesRegistry},
	{"goproxy." + "cn", namesRegistry},
	{"goproxy." + "io", namesRegistry},
	{"mirrors." + "aliyun.com", namesRegistry},
	{"registry." + "npmjs", namesRegistry},
	{"registry." + "npmmirror", namesRegistry},
	{"deb." + "debian.org", namesRegistry},
	{"security." + "debian.org", namesRegistry},
	{"archive." + "ubuntu.com", namesRegistry},
	{"pypi." + "org", namesRegistry},
	{"/work" + "/main", hasPath},
	{"/work" + "/shared", hasPath},
	{"/farm" + "/", hasPath},
}

// secretShapes are what fixtures recorded on a real machine could carry. A password in a URL is allowed where the host
// is one that cannot exist.
var secretShapes = []struct{ name, shape string }{
	{"private key", `-----BEGIN [A-Z ]*PRIVATE` + ` KEY-----`},
	{"access token", `\b(gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|npm_[A-Za-z0-9]{30,}|AKIA[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{35})`},
	{"password in a URL", `\b[a-z][a-z0-9+.-]*://[^/\s:@"']+:[^/\s@"']+@[A-Za-z0-9.-]+`},
}

const harmlessHost = `@([A-Za-z0-9-]+\.)*(example(\.[a-z]+)?|test|invalid|local|localhost|127\.[0-9.]+)$`

// textViolations reads every file, fixtures and documents too.
func textViolations(m *module) []string {
	var out []string
	secrets := compileShapes()
	for _, name := range m.names {
		lower := strings.ToLower(string(m.text[name]))
		for _, f := range forbiddenText {
			if i := strings.Index(lower, f.text); i >= 0 {
				out = append(out, fmt.Sprintf("%s:%d: "+f.message, name, lineOf(lower, i), f.text))
			}
		}
		if strings.Contains("/"+name, "/testdata/") {
			out = append(out, secrets.find(name, string(m.text[name]))...)
		}
	}
	return out
}

func lineOf(s string, offset int) int { return 1 + strings.Count(s[:offset], "\n") }

type shapes struct {
	all      []*regexp.Regexp
	harmless *regexp.Regexp
}

func compileShapes() shapes {
	s := shapes{harmless: regexp.MustCompile(harmlessHost)}
	for _, shape := range secretShapes {
		s.all = append(s.all, regexp.MustCompile(shape.shape))
	}
	return s
}

func (s shapes) find(name, text string) []string {
	var out []string
	for i, re := range s.all {
		for _, at := range re.FindAllStringIndex(text, -1) {
			if !s.harmless.MatchString(text[at[0]:at[1]]) {
				out = append(out, fmt.Sprintf("%s:%d: looks like a secret (%s)", name, lineOf(text, at[0]), secretShapes[i].name))
			}
		}
	}
	return out
}

// linkViolations finds links in documents to files that are not there.
func linkViolations(m *module) []string {
	link := regexp.MustCompile(`\]\(([^()\s#]+)(#[^()\s]*)?\)`)
	var out []string
	for _, name := range m.names {
		if !strings.HasSuffix(name, ".md") || strings.Contains("/"+name, "/testdata/") {
			continue
		}
		text := string(m.text[name])
		for _, at := range link.FindAllStringSubmatchIndex(text, -1) {
			target := text[at[2]:at[3]]
			if !strings.Contains(target, ":") && !m.exists(path.Join(path.Dir(name), target)) {
				out = append(out, fmt.Sprintf("%s:%d: links to %s, which does not exist", name, lineOf(text, at[0]), target))
			}
		}
	}
	return out
}

// exists reports whether name is a file, or a folder with one.
func (m *module) exists(name string) bool {
	if _, ok := m.text[name]; ok {
		return true
	}
	for _, n := range m.names {
		if strings.HasPrefix(n, strings.TrimSuffix(name, "/")+"/") {
			return true
		}
	}
	return false
}
