package sysenv

import (
	"bytes"
	"slices"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// ApplyEnvironmentD adds to env what systemd's generator 30-systemd-environment-d-generator gives a user manager: the
// files *.conf of the folders environment.d of ~/.config, /etc, /run, /usr/local/lib and /usr/lib in the order of their
// names, values expanded with what env holds. home "" leaves the user's folder out.
//
// A file that is a link to /etc/environment, as most distributions ship one, has the layer etc-environment.
func ApplyEnvironmentD(h host.Host, env *layer.Env, home string) []Problem {
	config := ""
	if home != "" {
		config = h.Platform().Join(home, ".config")
	}
	return applyEnvironmentD(h, env, config)
}

func applyEnvironmentD(h host.Host, env *layer.Env, config string) []Problem {
	var dirs []string
	if config != "" {
		dirs = append(dirs, config+"/environment.d")
	}
	for _, d := range []string{"/etc", "/run", "/usr/local/lib", "/usr/lib"} {
		dirs = append(dirs, d+"/environment.d")
	}
	e := environmentD{h: h, env: env, expander: newExpander(env)}
	files, problems := confFiles(h, dirs, ".conf")
	for _, p := range problems {
		e.unreadable(p.File, p.Why)
	}
	for _, name := range files {
		e.file(name)
	}
	return e.problems
}

// confFiles lists the files with a suffix in folders of falling priority, sorted by name: of files with the same name
// only the one in the first folder counts (systemd, src/basic/conf-files.c, conf_files_list). Problems are the folders
// that cannot be listed.
func confFiles(h host.Host, dirs []string, suffix string) (files []string, problems []Problem) {
	byName := map[string]string{}
	var names []string
	for _, dir := range dirs {
		entries, err := h.ReadDir(dir)
		if err != nil {
			if why := unread(dir, err); !why.IsZero() {
				problems = append(problems, Problem{File: dir, Why: why})
			}
			continue
		}
		for _, entry := range entries {
			if _, ok := byName[entry.Name]; !ok && strings.HasSuffix(entry.Name, suffix) {
				byName[entry.Name] = dir + "/" + entry.Name
				names = append(names, entry.Name)
			}
		}
	}
	slices.Sort(names)
	for _, n := range names {
		files = append(files, byName[n])
	}
	return files, problems
}

type environmentD struct {
	h        host.Host
	env      *layer.Env
	expander *expander
	problems []Problem
}

func (e *environmentD) problem(file string, line int, key string, why msg.Text) {
	e.problems = append(e.problems, Problem{File: file, Line: line, Key: key, Why: why})
}

func (e *environmentD) unreadable(file string, why msg.Text) {
	opaque(e.env, layer.EnvironmentD, file, why)
	e.problem(file, 0, "", why)
}

// file reads one file. A device (a link to /dev/null, which is how a file is switched off) is as an empty one.
func (e *environmentD) file(name string) {
	if info, err := host.Stat(e.h, name); err == nil && !info.Mode.IsRegular() {
		return
	}
	data, found, why := read(e.h, name)
	if !found {
		if !why.IsZero() {
			e.unreadable(name, why)
		}
		return
	}
	id := layer.EnvironmentD
	if target := linkedTo(e.h, name); target != name && target == linkedTo(e.h, "/etc/environment") {
		name, id = "/etc/environment", layer.EtcEnvironment
	}
	raw, ok := parseEnvFile(data, newComments(e.h, data))
	if !ok {
		e.problem(name, 0, "", msg.New("the file contains a NUL byte, so all of it is ignored"))
		return
	}
	for _, r := range raw {
		if !e.assign(name, id, r) {
			return
		}
	}
}

// linkedTo returns the file that name stands for.
func linkedTo(h host.Host, name string) string {
	info, err := h.Lstat(name)
	if err != nil || info.Mode.Type() == 0 {
		return name
	}
	if target, err := host.EvalSymlinks(h, name); err == nil {
		return target
	}
	return name
}

// assign sets one variable (env-file.c, merge_env_file_push). ok is false if systemd stops reading the file there.
func (e *environmentD) assign(name string, id layer.ID, r rawAssignment) (ok bool) {
	a := Assignment{Key: r.key, File: name, Line: r.line}
	if r.none {
		e.problem(name, r.line, r.key, msg.New("systemd ignores an assignment of an empty value here"))
		return true
	}
	if !validEnvName(r.key) {
		e.problem(name, r.line, r.key, badName(r.key))
		return true
	}
	value, err := e.expander.expand(r.value)
	if err != nil {
		a.Value, a.Unknown = r.value, msg.New("the value grows too large when its variables are expanded")
		e.problem(name, r.line, r.key, a.Unknown)
		e.env.Add(a.Key, a.set(id))
		return true
	}
	if !validUTF8(value) {
		e.problem(name, r.line, r.key, msg.New("the line is not UTF-8, so systemd ignores it and the rest of the file"))
		return false
	}
	if r.hash {
		e.problem(name, r.line, r.key, hashInValue())
	}
	a.Value, a.Unknown = generated(value), e.expander.unknown
	e.env.Add(a.Key, a.set(id))
	return true
}

func hashInValue() msg.Text { return msg.New("the text from the %q on is part of the value", "#") }

func badName(name string) msg.Text {
	if rest, ok := strings.CutPrefix(name, "export"); ok && rest != "" && isSpace(rest[0]) {
		return msg.New("a line that begins with %q is ignored here", "export")
	}
	return msg.New("%q is not the name of a variable, so the line is ignored", name)
}

// generated returns value after its way from the generator to the manager, which loses control characters: the
// generator writes them as in C (src/basic/escape.c, shell_maybe_quote), the manager keeps the backslashes.
func generated(value string) string {
	if !strings.ContainsFunc(value, isControl) {
		return value
	}
	var out strings.Builder
	for i := range len(value) {
		c := value[i]
		if c >= ' ' && c != 0x7f {
			out.WriteByte(c)
			continue
		}
		out.WriteByte('\\')
		if j := strings.IndexByte("\a\b\f\n\r\t\v", c); j >= 0 {
			out.WriteByte("abfnrtv"[j])
		} else {
			out.Write([]byte{'0' + c>>6, '0' + c>>3&7, '0' + c&7})
		}
	}
	return out.String()
}

// newComments reports whether the systemd of this host ends a comment at the end of its line even after a backslash,
// as version 254 and later do. Only files with such a comment ask.
func newComments(h host.Host, data []byte) bool {
	if !commentContinues(data) {
		return true
	}
	v := systemdVersion(h)
	return v == 0 || v >= 254
}

// commentContinues reports whether a line of data begins a comment and ends in a backslash.
func commentContinues(data []byte) bool {
	if !bytes.Contains(data, []byte("\\\n")) {
		return false
	}
	for line := range strings.Lines(string(data)) {
		line = strings.Trim(line, systemdSpace)
		if line != "" && strings.IndexByte(systemdComments, line[0]) >= 0 && strings.HasSuffix(line, `\`) {
			return true
		}
	}
	return false
}
