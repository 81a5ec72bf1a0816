package shell

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

func (e *Evaluator) home() string { return e.dirHome }
func (e *Evaluator) user() string { return e.name }

func (e *Evaluator) stat(name string) (host.Info, error) {
	if s, ok := e.stats[name]; ok {
		return s.info, s.err
	}
	info, err := host.Stat(e.o.Host, name)
	e.stats[name] = statResult{info, err}
	return info, err
}

func (e *Evaluator) isLink(name string) status {
	info, err := e.o.Host.Lstat(name)
	if err != nil && uncertainError(err) {
		return unknownStatus(msg.New("%s is not recorded on this host", name))
	}
	return statusOf(err == nil && info.Mode&fs.ModeSymlink != 0)
}

// resolve returns the name of a file without symbolic links, or name itself.
func (e *Evaluator) resolve(name string) string {
	if target, err := host.EvalSymlinks(e.o.Host, name); err == nil {
		return target
	}
	return name
}

func (e *Evaluator) read(name string) ([]byte, error) { return e.o.Host.ReadFile(name) }

func (e *Evaluator) readDir(name string) ([]host.Entry, error) {
	if entries, ok := e.dirs[name]; ok {
		return entries, nil
	}
	entries, err := e.o.Host.ReadDir(name)
	if err == nil {
		e.dirs[name] = entries
	}
	return entries, err
}

// script reads and parses a file.
func (e *Evaluator) script(name string, lang syntax.LangVariant) (*script, error) {
	key := scriptKey{name, lang}
	if s, ok := e.scripts[key]; ok {
		return s, nil
	}
	data, err := e.read(name)
	if err == nil && len(data) > maxScript {
		err = host.ErrTooLarge
	}
	if err != nil {
		return nil, err
	}
	s := parse(data, lang)
	e.scripts[key] = s
	return s, nil
}

// body parses the body of a function on its first call.
func (e *Evaluator) body(b *body, lang syntax.LangVariant, coded bool) *script {
	if s, ok := e.bodies[b]; ok {
		return s
	}
	s := parseBody(*b, lang, coded)
	e.bodies[b] = s
	return s
}

// uid returns the user's numeric id.
func (e *Evaluator) uid() (int, bool) {
	if e.o.UID != nil {
		return *e.o.UID, true
	}
	info, err := e.stat(e.dirHome)
	return info.UID, err == nil && info.UID >= 0
}

// homeOf returns the home directory of another user, from /etc/passwd.
func (e *Evaluator) homeOf(user string) (value, bool) {
	if user == e.name {
		return known(e.dirHome), true
	}
	data, err := e.read("/etc/passwd")
	if err != nil {
		return unknown("~"+user, msg.New("the home folder of %s is not known", user)), true
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) >= 6 && f[0] == user {
			return known(f[5]), true
		}
	}
	return value{}, false
}

// look finds a program in a search list.
func (e *Evaluator) look(name, path, dir string) (string, status) {
	key := lookKey{name, path, dir}
	if r, ok := e.looks[key]; ok {
		return r.file, r.st
	}
	file, err := host.LookPath(e.o.Host, name, path, dir)
	r := lookResult{file: file, st: failure}
	switch {
	case err == nil:
		r.st = success
	case errors.Is(err, host.ErrUnknown):
		r.st = unknownStatus(msg.New("it is not recorded on this host whether %s exists", name))
	}
	e.looks[key] = r
	return r.file, r.st
}

// pathHelper returns what /usr/libexec/path_helper of macOS makes of a PATH.
func (e *Evaluator) pathHelper(old string) (string, bool) {
	files := []string{"/etc/paths"}
	entries, err := e.readDir("/etc/paths.d")
	if err != nil && uncertainError(err) {
		return "", false
	}
	for _, f := range entries {
		files = append(files, "/etc/paths.d/"+f.Name)
	}
	var list []string
	seen := map[string]bool{"": true}
	add := func(entry string) {
		if !seen[entry] {
			seen[entry] = true
			list = append(list, entry)
		}
	}
	for _, f := range files {
		data, err := e.read(f)
		if err != nil && uncertainError(err) {
			return "", false
		}
		for line := range strings.Lines(string(data)) {
			add(strings.TrimRight(line, "\r\n"))
		}
	}
	for entry := range strings.SplitSeq(old, ":") {
		add(entry)
	}
	return strings.Join(list, ":"), true
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
