package sysenv

import (
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Session is a way to get a process as a user, before any shell has read its files.
type Session string

// The sessions.
const (
	ConsoleLogin Session = "login"  // a text console
	SSH          Session = "sshd"   // ssh host, ssh host cmd
	Su           Session = "su"     // su alice -c: keeps the caller's environment
	SuLogin      Session = "su-l"   // su - alice
	Sudo         Session = "sudo"   // sudo -u alice cmd
	SudoLogin    Session = "sudo-i" // sudo -i -u alice
)

// SessionEnv returns a new environment: what the first process of the session is started with, before a shell reads
// its files. caller is the environment in which su or sudo was typed; nil is an empty one.
func SessionEnv(h host.Host, s Session, u User, caller *layer.Env) (*layer.Env, []Problem) {
	return nil, nil
}

// SecurePath returns the value of secure_path in sudoers, which becomes PATH under sudo, and where it is set. unknown
// is not zero if the files cannot be read, which is usual for users other than root; path is then what distributions
// ship.
func SecurePath(h host.Host) (path, from string, unknown msg.Text) { return "", "", msg.Text{} }

// PathHelper returns the PATH that path_helper(8) of macOS makes from /etc/paths, /etc/paths.d and the PATH it is
// given; the shells' own files /etc/profile and /etc/zprofile call it.
func PathHelper(h host.Host, path string) (string, []Problem) { return path, nil }
