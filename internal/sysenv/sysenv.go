// Package sysenv knows the files outside the shells that give processes their environment: /etc/environment and
// pam_env.conf as PAM reads them, environment.d, units and settings of systemd's managers, crontabs, login.defs,
// sudoers and sshd_config as far as they decide variables, path_helper's files on macOS, the registry on Windows.
//
// Every function reads through a [host.Host], never starts a program, and adds what it finds to a [layer.Env] with the
// line it came from. Its one invariant: a file that cannot be read makes the variables it may set unknown; it is never
// taken for an absent one.
//
// What a login shell or ~/.bashrc adds on top is package shell's.
package sysenv

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Assignment is one line of a file that sets or removes a variable, as the program that reads the file understands it.
type Assignment struct {
	Key   string
	Value string
	File  string
	Line  int
	// Unset: the line removes the variable; Value is empty.
	Unset bool
	// Unknown, if not zero, says why it cannot be told what the line does; Value is then a guess.
	Unknown msg.Text
}

// From returns "file:line", or the file alone if the line is not known.
func (a Assignment) From() string { return layer.Place(a.File, a.Line) }

// Problem is something that a file says and that does not do what its writer most likely wanted, or that could not be
// read.
type Problem struct {
	File string
	Line int    // 0 if it is about the whole file
	Key  string // the variable it is about, or ""
	Why  msg.Text
}

// set returns what the assignment does, for a trail.
func (a Assignment) set(id layer.ID) layer.Set {
	return layer.Set{Layer: id, From: a.From(), Value: a.Value, Unset: a.Unset, Unknown: a.Unknown}
}

// maxFile is the size in bytes of the largest file this package reads. Files of settings are a thousand times smaller,
// and the limit bounds the memory that a hostile one costs.
const maxFile = 1 << 20

// read returns the contents of a file of settings. found is false, without a problem, if it is known to be absent.
func read(h host.Host, name string) (data []byte, found bool, problem msg.Text) {
	data, err := h.ReadFile(name)
	if err == nil && len(data) > maxFile {
		data, err = nil, host.ErrTooLarge
	}
	if err != nil {
		return nil, false, unread(name, err)
	}
	return data, true, msg.Text{}
}

// unread says why a file is not read; the zero Text if it is known to be absent.
func unread(name string, err error) msg.Text {
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return msg.Text{}
	case errors.Is(err, fs.ErrPermission):
		return msg.New("this user may not read %s", name)
	case errors.Is(err, host.ErrUnknown):
		return msg.New("%s was not recorded", name)
	case errors.Is(err, host.ErrTooLarge):
		return msg.New("%s is too large to be read", name)
	}
	return msg.New("%s cannot be read: %s", name, err.Error())
}

// opaque notes in env that a file which could not be read may have set anything.
func opaque(env *layer.Env, id layer.ID, file string, why msg.Text) {
	env.Opaque(layer.Set{Layer: id, From: file, Unknown: why})
}

// words splits s at blanks and tabs.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' })
}
