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
	"strconv"

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
}

// From returns "file:line", or the file alone if the line is not known.
func (a Assignment) From() string { return from(a.File, a.Line) }

// Problem is something that a file says and that does not do what its writer most likely wanted, or that could not be
// read.
type Problem struct {
	File string
	Line int    // 0 if it is about the whole file
	Key  string // the variable it is about, or ""
	Why  msg.Text
}

func from(file string, line int) string {
	if line == 0 {
		return file
	}
	return file + ":" + strconv.Itoa(line)
}
