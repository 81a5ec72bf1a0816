package sysenv

import (
	"path"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

const sshConfigFile = "/etc/ssh/sshd_config"

// sshConfig is what sshd_config says about environments. Settings inside Match blocks are left out.
type sshConfig struct {
	usePAM   bool
	accept   []string // patterns of AcceptEnv
	permit   string   // PermitUserEnvironment: "", "no", "yes" or patterns
	setEnv   []Assignment
	problems []Problem
	unknown  msg.Text // why it cannot be told

	hasPAM, hasSetEnv bool // the first value counts
	files             int
}

// readSSHConfig reads sshd_config and the files it includes.
func readSSHConfig(h host.Host) sshConfig {
	var c sshConfig
	c.file(h, sshConfigFile, 0)
	if !c.unknown.IsZero() {
		c.problems = append(c.problems, Problem{File: sshConfigFile, Why: c.unknown})
		c.usePAM = h.Platform().OS == "linux"
	}
	return c
}

// maxSSHFiles bounds the files of a configuration that includes itself; sshd has the limit of 16 levels.
const maxSSHFiles = 100

func (c *sshConfig) file(h host.Host, name string, depth int) {
	if c.files++; depth > 16 || c.files > maxSSHFiles {
		return
	}
	data, found, why := read(h, name)
	if !found {
		if !why.IsZero() {
			c.unknown = why
		}
		return
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		key, args := cutSSHKeyword(line)
		switch key {
		case "match":
			return // up to the end of the file
		case "include":
			c.include(h, args, depth)
		default:
			c.setting(name, n, key, args)
		}
	}
}

func (c *sshConfig) include(h host.Host, args []string, depth int) {
	for _, pattern := range args {
		if !strings.HasPrefix(pattern, "/") {
			pattern = "/etc/ssh/" + pattern
		}
		files, err := glob(h, pattern)
		if why := unread(pattern, err); err != nil && !why.IsZero() {
			c.unknown = why
		}
		for _, f := range files {
			c.file(h, f, depth+1)
		}
	}
}

func (c *sshConfig) setting(file string, line int, key string, args []string) {
	if len(args) == 0 {
		return
	}
	switch key {
	case "usepam":
		if !c.hasPAM {
			c.usePAM, c.hasPAM = args[0] == "yes", true
		}
	case "acceptenv":
		c.accept = append(c.accept, args...)
	case "permituserenvironment":
		if c.permit == "" {
			c.permit = args[0]
		}
	case "setenv":
		if c.hasSetEnv {
			return
		}
		c.hasSetEnv = true
		for _, arg := range args {
			if key, value, ok := strings.Cut(arg, "="); ok {
				c.setEnv = append(c.setEnv, Assignment{Key: key, Value: value, File: file, Line: line})
			}
		}
	}
}

// cutSSHKeyword splits a line of sshd_config into its keyword in lower case and its arguments, which may be quoted.
func cutSSHKeyword(line string) (key string, args []string) {
	line = strings.Trim(line, " \t\r\n\f")
	if line == "" || line[0] == '#' {
		return "", nil
	}
	i := strings.IndexAny(line, " \t=")
	if i < 0 {
		return strings.ToLower(line), nil
	}
	key = strings.ToLower(line[:i])
	rest := strings.TrimPrefix(strings.TrimLeft(line[i:], " \t"), "=")
	for {
		word, after, ok, err := cutQuoted(rest, false)
		if !ok || err != nil || strings.HasPrefix(word, "#") {
			return key, args
		}
		args = append(args, word)
		rest = after
	}
}

func (c *sshConfig) accepts(name string) bool { return matchAny(c.accept, name) }

// permits reports whether a variable of ~/.ssh/environment is used; "" asks whether any is.
func (c *sshConfig) permits(name string) bool {
	switch c.permit {
	case "", "no":
		return false
	case "yes":
		return true
	}
	return name == "" || matchAny(strings.Split(c.permit, ","), name)
}

func matchAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, name); ok && err == nil {
			return true
		}
	}
	return false
}
