package sysenv

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// defaultSecurePath is what distributions write into sudoers.
const defaultSecurePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// SecurePath returns the value of secure_path in sudoers, which becomes PATH under sudo, and where it is set; "" if it
// is not set, so that the caller's PATH stays. unknown is not zero if the files cannot be read, which is usual for
// users other than root; path is then what distributions ship.
func SecurePath(h host.Host) (path, from string, unknown msg.Text) {
	c := readSudoers(h)
	if !c.unknown.IsZero() {
		return defaultSecurePath, sudoersFile, c.unknown
	}
	return c.securePath.Value, c.securePath.From(), msg.Text{}
}

const sudoersFile = "/etc/sudoers"

// sudoers is what the Defaults lines for everybody say about environments.
type sudoers struct {
	reset      bool
	keep       []string
	securePath Assignment
	unknown    msg.Text
	files      int
}

// readSudoers reads /etc/sudoers and the files it includes.
func readSudoers(h host.Host) sudoers {
	c := sudoers{reset: true, keep: []string{
		// plugins/sudoers/env.c, initial_keepenv_table and initial_checkenv_table
		"COLORS", "DISPLAY", "HOSTNAME", "KRB5CCNAME", "LS_COLORS", "PATH", "PS1", "PS2", "XAUTHORITY",
		"XAUTHORIZATION", "XDG_CURRENT_DESKTOP", "COLORTERM", "LANG", "LANGUAGE", "LC_*", "LINGUAS", "TERM", "TZ",
	}}
	c.file(h, sudoersFile, 0)
	return c
}

func (c *sudoers) file(h host.Host, name string, depth int) {
	if c.files++; depth > 128 || c.files > 1000 {
		return
	}
	data, found, why := read(h, name)
	if !found {
		if !why.IsZero() {
			c.unknown = why
		}
		return
	}
	n := 1
	text := strings.ReplaceAll(string(data), "\\\n", "\\\x00") // keeps the count of lines below
	for line := range strings.Lines(text) {
		joined := strings.ReplaceAll(line, "\\\x00", " ")
		c.line(h, name, n, strings.TrimSpace(joined), depth)
		n += 1 + strings.Count(line, "\\\x00")
	}
}

func (c *sudoers) line(h host.Host, name string, n int, line string, depth int) {
	word, rest := cutWord(line)
	rest = strings.TrimSpace(rest)
	switch word {
	case "@include", "#include":
		c.file(h, sudoersPath(rest), depth+1)
	case "@includedir", "#includedir":
		c.dir(h, sudoersPath(rest), depth+1)
	case "Defaults":
		for _, opt := range splitDefaults(rest) {
			c.option(name, n, opt)
		}
	}
}

func sudoersPath(s string) string {
	s = strings.Trim(s, `"`)
	if !strings.HasPrefix(s, "/") {
		s = "/etc/" + s
	}
	return s
}

func (c *sudoers) dir(h host.Host, dir string, depth int) {
	entries, err := h.ReadDir(dir)
	if why := unread(dir, err); err != nil && !why.IsZero() {
		c.unknown = why
	}
	for _, e := range entries {
		if !strings.Contains(e.Name, ".") && !strings.HasSuffix(e.Name, "~") {
			c.file(h, dir+"/"+e.Name, depth)
		}
	}
}

// splitDefaults splits the options of a Defaults line at commas outside quotes, and cuts a comment.
func splitDefaults(s string) []string {
	var opts []string
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			opts = append(opts, strings.TrimSpace(s[start:i]))
			start = i + 1
		case s[i] == '#' && !quoted:
			s = s[:i]
		}
	}
	return append(opts, strings.TrimSpace(s[start:]))
}

func (c *sudoers) option(file string, line int, opt string) {
	opt, negated := strings.CutPrefix(opt, "!")
	name, value, _ := strings.Cut(opt, "=")
	name, op := strings.TrimSpace(name), ""
	if n := len(name); n > 0 && strings.ContainsRune("+-", rune(name[n-1])) {
		name, op = strings.TrimSpace(name[:n-1]), name[n-1:]
	}
	value = strings.Trim(strings.TrimSpace(value), `"`)
	switch name {
	case "env_reset":
		c.reset = !negated
	case "secure_path":
		c.securePath = Assignment{Key: "PATH", Value: value, File: file, Line: line}
	case "env_keep":
		c.envKeep(op, words(value))
	}
}

func (c *sudoers) envKeep(op string, names []string) {
	switch op {
	case "+":
		c.keep = append(c.keep, names...)
	case "-":
		c.keep = slices.DeleteFunc(c.keep, func(k string) bool { return slices.Contains(names, k) })
	default:
		c.keep = names
	}
}

// keeps reports whether env_keep names a variable; "NAME=value" patterns compare the value too.
func (c *sudoers) keeps(name, value string) bool {
	return matchAny(c.keep, name) || matchAny(c.keep, name+"="+value)
}

// sudo builds the environment of a command under sudo (plugins/sudoers/env.c, rebuild_env).
func (b *sessionBuilder) sudo() {
	c := readSudoers(b.h)
	if !c.unknown.IsZero() {
		b.problems = append(b.problems, Problem{File: sudoersFile, Why: c.unknown})
	}
	b.env = &layer.Env{}
	for _, name := range b.caller.Names() {
		b.pass(name, c)
	}
	b.identity("HOME", "SHELL", "LOGNAME", "USER")
	path := c.securePath.set(layer.OSEnv)
	path.Why = msg.New("%s of sudoers replaces the PATH", "secure_path")
	if !c.unknown.IsZero() {
		path.From, path.Value, path.Unknown = sudoersFile, defaultSecurePath, c.unknown
	}
	if path.Value != "" {
		b.env.Add("PATH", path)
	}
	b.pam()
}

// pass takes a variable from the caller, if sudo keeps it.
func (b *sessionBuilder) pass(name string, c sudoers) {
	v, ok, unknown := b.caller.Lookup(name)
	if !ok && unknown.IsZero() {
		return
	}
	s := layer.Set{Layer: layer.OSEnv, From: "caller", Value: v, Unknown: unknown}
	switch {
	case !c.reset || c.keeps(name, v):
	case !c.unknown.IsZero():
		s.Unknown = msg.New("sudo drops it unless env_keep names it: %s", c.unknown)
	default:
		s.Skipped = msg.New("sudo drops variables that env_keep does not name")
	}
	b.env.Add(name, s)
}
