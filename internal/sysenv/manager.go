package sysenv

import (
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Manager is a service manager of systemd: the system's, or that of one user. It is not safe for concurrent use.
type Manager struct {
	// Problems are what is wrong with the manager's own settings.
	Problems []Problem
}

// SystemManager returns the manager of system services. If there is no systemd on the host, ok is false.
func SystemManager(h host.Host) (m *Manager, ok bool) { return nil, false }

// UserManager returns the manager of u's services (systemd --user). If there is no systemd on the host, ok is false.
func UserManager(h host.Host, u User) (m *Manager, ok bool) { return nil, false }

// Env returns a new environment: what the manager gives a service whose unit sets nothing. For the system it is the
// default PATH, the locale and DefaultEnvironment=; for a user in addition what user@.service, PAM and environment.d
// give. Values set at run time with "systemctl set-environment" are not in any file and hence not seen.
func (m *Manager) Env() *layer.Env { return nil }

// Unit reads the unit name ("app.service", "app@x.service") with its drop-ins. fs.ErrNotExist: there is no such unit.
func (m *Manager) Unit(name string) (*Unit, error) { return nil, nil }

// Units returns the names of all services in the manager's search path, sorted. Templates are not included.
func (m *Manager) Units() []string { return nil }

// UnitsMentioning returns the names of services whose unit or drop-ins, in the folders where administrators and users
// write (not in /usr/lib), contain one of the words; sorted.
func (m *Manager) UnitsMentioning(words ...string) []string { return nil }

// ServiceEnv returns a new environment: what the processes of u's ExecStart= are started with, every assignment
// traced. Problems are those of files that u names.
func (m *Manager) ServiceEnv(u *Unit) (*layer.Env, []Problem) { return nil, nil }

// Unit is a service as its manager reads it.
type Unit struct {
	Name     string
	Path     string   // the file that defines it
	DropIns  []string // in the order in which they are read
	Masked   bool     // linked to /dev/null or empty: cannot be started
	Template bool     // name@.service without an instance

	User             string // as written, after specifiers; "" is root or the manager's user
	Group            string
	DynamicUser      bool
	PAMName          string
	WorkingDirectory string
	ExecStart        []Assignment // Key is "ExecStart", ExecStartPre, …; Value the command line after joining lines

	// In effect, in the order in which they are laid over each other.
	Environment      []Assignment
	EnvironmentFiles []Assignment // Value is the path, with its leading "-"
	PassEnvironment  []Assignment // Key is the variable
	UnsetEnvironment []Assignment // Key is the variable; Value, if not empty, must be equal

	Problems []Problem
}

// HasHome reports whether processes of the unit get the variable HOME, and why not.
func (u *Unit) HasHome() (bool, msg.Text) { return false, msg.Text{} }
