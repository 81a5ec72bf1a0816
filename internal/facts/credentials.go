package facts

import (
	"net/netip"
	"path"
	"regexp"
	"strings"

	"github.com/goready/goready/internal/host/scrub"
	"github.com/goready/goready/internal/layer"
)

// ProjectFile is a file of the workspace that often holds an environment.
type ProjectFile struct {
	Name string
	// Repository: it is in a git repository.
	Repository bool
	// Credentials are its lines with user information in the URL of a web server. The secrets are not kept.
	Credentials []CredentialLine
}

// CredentialLine is a line of a file with user information in a URL.
type CredentialLine struct {
	Line int
	Host string
	Name string // of the variable or setting; "" if none can be told
}

// projectFiles reads the files of the workspace that are usually committed and hold environments. Those that git
// ignores are left out.
func (g *gatherer) projectFiles(p *Project) {
	dir := g.workDir()
	if dir == "" || dir == g.user.Home {
		return // nothing that lies there is a project's
	}
	names := []string{".envrc", ".env", "goready.toml", ".vscode/settings.json", ".vscode/launch.json", ".vscode/tasks.json",
		".devcontainer/devcontainer.json", ".devcontainer.json"}
	var ignore []string
	read, repository := false, false
	for _, rel := range names {
		name := g.p.Join(append([]string{dir}, strings.Split(rel, "/")...)...)
		data, ok := g.read(name)
		if !ok {
			continue
		}
		lines := credentialLines(string(data))
		if len(lines) == 0 {
			continue
		}
		if !read {
			ignore, read = g.ignorePatterns(), true
			repository = g.gitConfig() != ""
		}
		if !repository || !ignored(ignore, rel) {
			p.Files = append(p.Files, ProjectFile{Name: name, Repository: repository, Credentials: lines})
		}
	}
}

// maxCredentials is the number of lines of one file that are named.
const maxCredentials = 64

func credentialLines(text string) []CredentialLine {
	var out []CredentialLine
	n := 0
	for line := range strings.Lines(text) {
		if n++; len(out) == maxCredentials {
			break
		}
		if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, "//") {
			continue
		}
		if hosts := URLCredentials(line); len(hosts) > 0 {
			out = append(out, CredentialLine{Line: n, Host: hosts[0], Name: nameBefore(line[:strings.Index(line, "://")])})
		}
	}
	return out
}

// nameBefore returns the variable or setting that a line gives a value to, from what stands before the value.
func nameBefore(text string) string {
	m := regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_.]*)["']?\s*[:=]`).FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1]
}

// URLCredentials returns the hosts of the URLs of web servers in text that have user information: a password, or a
// token in place of the name. References to variables are none, nor is anything for the machine itself.
func URLCredentials(text string) []string {
	var hosts []string
	for rest := text; ; {
		i := strings.Index(rest, "://")
		if i < 0 {
			return hosts
		}
		scheme := rest[:i]
		rest = rest[i+3:]
		end := strings.IndexAny(rest, "/\\?#,| \t\r\n\"'`<>")
		if end < 0 {
			end = len(rest)
		}
		at := strings.LastIndexByte(rest[:end], '@')
		web := strings.HasSuffix(scheme, "http") || strings.HasSuffix(scheme, "https") || strings.HasSuffix(scheme, "socks5") || strings.HasSuffix(scheme, "socks5h")
		if web && at > 0 && secretUser(rest[:at]) && !loopback(rest[at+1:end]) {
			hosts = append(hosts, rest[at+1:end])
		}
	}
}

// secretUser reports whether the user information of a URL is a secret or stands for one. A name alone is taken for a
// token, because a recording of a machine does not tell them apart.
func secretUser(user string) bool {
	return user != "git" && !strings.HasSuffix(user, ":") && !scrub.Reference(user)
}

// loopback reports whether host, with or without a port, is the machine itself.
func loopback(host string) bool {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// ignorePatterns returns the patterns of the workspace's .gitignore and of the user's that are simple enough to be
// compared with a name.
func (g *gatherer) ignorePatterns() []string {
	names := []string{g.p.Join(g.workDir(), ".gitignore")}
	if config := g.gitConfig(); config != "" {
		names = append(names, g.p.Join(g.p.Dir(config), "info", "exclude"), g.p.Join(g.p.Dir(g.p.Dir(config)), ".gitignore"))
	}
	if g.user.Home != "" {
		names = append(names, g.p.Join(g.user.Home, ".config", "git", "ignore"))
	}
	var patterns []string
	for _, name := range names {
		data, ok := g.read(name)
		if !ok {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				patterns = append(patterns, line)
			}
		}
	}
	return patterns
}

// ignored reports whether the last pattern that matches rel or a folder of it ignores it.
func ignored(patterns []string, rel string) bool {
	is := false
	for _, pattern := range patterns {
		positive, negated := strings.CutPrefix(pattern, "!")
		glob := strings.Trim(positive, "/")
		for part := rel; part != "." && part != ""; part = path.Dir(part) {
			full, _ := path.Match(glob, part)
			base, _ := path.Match(glob, path.Base(part))
			if full || base && !strings.Contains(glob, "/") {
				is = !negated
			}
		}
	}
	return is
}

// exposed finds which of the files that give the developer's consumers user information in URLs every user may read.
func (g *gatherer) exposed(p *Project) {
	look := func(from string) {
		name, _ := layer.SplitPlace(from)
		if _, known := p.Exposed[name]; g.p.IsAbs(name) && !known && len(p.Exposed) < 32 {
			p.Exposed[name] = g.worldReadable(name)
		}
	}
	for i := range p.Files {
		look(p.Files[i].Name)
	}
	for i := range g.f.Consumers {
		c := &g.f.Consumers[i]
		if !c.Known() || !ForDevelopers(c.ID) {
			continue
		}
		for _, name := range c.Env.Names() {
			for _, s := range c.Env.Trail(name) {
				if CarriesURL(name) && len(URLCredentials(s.Value)) > 0 {
					look(s.From)
				}
			}
		}
		if c.User.File == nil {
			continue
		}
		for _, e := range c.User.File.Entries {
			if len(URLCredentials(e.Value)) > 0 {
				look(c.User.File.Name)
			}
		}
	}
}

// CarriesURL reports whether a variable is one of those that Go or its HTTP client take URLs from.
func CarriesURL(name string) bool {
	upper := strings.ToUpper(name)
	return strings.HasPrefix(upper, "GO") || upper == "HTTP_PROXY" || upper == "HTTPS_PROXY" || upper == "ALL_PROXY"
}
