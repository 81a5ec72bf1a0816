package facts

import (
	"strings"

	"github.com/goready/goready/internal/layer"
)

// GitRemote is a remote of a git repository.
type GitRemote struct {
	Name string
	URL  string // as written; it may hold a password
	From string // "file:line"
}

// GitRewrite is a rule of git: URLs that begin with Prefix are fetched as if they began with Base.
type GitRewrite struct {
	Base   string // it may hold a password
	Prefix string
	From   string // "file:line"
}

// gitEntry is a line of a git configuration that sets a variable.
type gitEntry struct {
	section, subsection, key string // section and key in lower case
	value                    string
	line                     int
}

// git reads the configuration of the repository that the workspace is in, and the user's. What [include] names is not
// read.
func (g *gatherer) git(p *Project) {
	var names []string
	if !g.p.Windows() {
		names = append(names, "/etc/gitconfig")
	}
	if home := g.user.Home; home != "" {
		config := g.environ.Get("XDG_CONFIG_HOME")
		if config == "" {
			config = g.p.Join(home, ".config")
		}
		names = append(names, g.p.Join(config, "git", "config"), g.p.Join(home, ".gitconfig"))
	}
	repository := g.gitConfig()
	if repository != "" {
		names = append(names, repository)
	}
	for _, name := range names {
		data, ok := g.read(name)
		if !ok {
			continue
		}
		for _, e := range parseGitConfig(string(data)) {
			switch {
			case e.section == "remote" && e.key == "url" && name == repository:
				p.Remotes = append(p.Remotes, GitRemote{Name: e.subsection, URL: e.value, From: layer.Place(name, e.line)})
			case e.section == "url" && e.key == "insteadof":
				p.Rewrites = append(p.Rewrites, GitRewrite{Base: e.subsection, Prefix: e.value, From: layer.Place(name, e.line)})
			}
		}
	}
}

// gitConfig returns the name of the configuration of the repository that the workspace is in, "" if there is none.
func (g *gatherer) gitConfig() string {
	dir := g.workDir()
	for range 32 {
		dot := g.p.Join(dir, ".git")
		if g.isDir(dot) {
			return g.p.Join(dot, "config")
		}
		if data, ok := g.read(dot); ok { // a worktree or submodule
			if gitDir, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "gitdir: "); ok {
				return g.commonConfig(dir, gitDir)
			}
		}
		up := g.p.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
	return ""
}

// commonConfig returns the configuration of the repository that the git folder of a worktree belongs to.
func (g *gatherer) commonConfig(dir, gitDir string) string {
	if !g.p.IsAbs(gitDir) {
		gitDir = g.p.Join(dir, gitDir)
	}
	if data, ok := g.read(g.p.Join(gitDir, "commondir")); ok {
		if common := strings.TrimSpace(string(data)); g.p.IsAbs(common) {
			gitDir = common
		} else {
			gitDir = g.p.Join(gitDir, common)
		}
	}
	return g.p.Join(gitDir, "config")
}

// parseGitConfig reads a configuration of git (git-config(1), "Syntax"). Values over several lines are cut at the first.
func parseGitConfig(text string) []gitEntry {
	var entries []gitEntry
	var section, subsection string
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "["); ok {
			head, after, _ := strings.Cut(rest, "]")
			if i := strings.IndexByte(rest, '"'); i >= 0 && i < len(head) { // the name may have a "]"
				name, tail, _ := cutQuoted(rest[i+1:])
				section, subsection = strings.ToLower(strings.TrimSpace(rest[:i])), name
				_, after, _ = strings.Cut(tail, "]")
			} else {
				section, subsection, _ = strings.Cut(strings.ToLower(head), ".")
			}
			line = strings.TrimSpace(after)
		}
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		entries = append(entries, gitEntry{section, subsection, strings.ToLower(strings.TrimSpace(key)), gitValue(value), n})
	}
	return entries
}

// cutQuoted returns what stands before the closing quote, and after it.
func cutQuoted(text string) (name, after string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case text[i] == '"':
			return b.String(), text[i+1:], true
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String(), "", false
}

// gitValue removes quotes and the comment from a value.
func gitValue(text string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case c == '"':
			quoted = !quoted
		case (c == '#' || c == ';') && !quoted:
			return strings.TrimSpace(b.String())
		default:
			b.WriteByte(c)
		}
	}
	return strings.TrimSpace(b.String())
}
