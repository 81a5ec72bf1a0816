// Package host is the boundary between goready and the machine it describes.
//
// A [Host] answers questions about one machine: the one goready runs on (package host/local), or one that was recorded
// in a file ([Fixture]). Names of files are absolute and spelled the way that machine spells them; [Platform] has the
// path rules of each system, so that the rest of goready never uses path/filepath or runtime, which describe the
// machine that runs the code.
//
// Its one invariant: unknown is never absence. A host that knows that a file does not exist answers fs.ErrNotExist; a
// host that cannot say (a recording that was never asked) answers [ErrUnknown], and no caller may treat the second as
// the first.
package host

import (
	"context"
	"errors"
	"io/fs"
	"time"
)

// ErrUnknown means that this host cannot answer the question. It is not fs.ErrNotExist.
var ErrUnknown = errors.New("not recorded on this host")

// ErrTooLarge means that a file is larger than MaxFile and was not read.
var ErrTooLarge = errors.New("file is larger than goready reads")

// MaxFile is the size in bytes of the largest file that ReadFile returns.
const MaxFile = 64 << 20

// Host answers questions about one machine. It changes nothing there; see [Mutable] for what does.
//
// All methods may be called concurrently. None retries. Every error matches, through errors.Is, one of fs.ErrNotExist
// (known to be absent), fs.ErrPermission (exists or not, this user may not know or read it), ErrUnknown, ErrTooLarge,
// or is another error of that machine (a loop of symbolic links, a read error).
type Host interface {
	// Platform returns the operating system, architecture and path rules of the machine.
	Platform() Platform
	// Environ returns the environment that goready itself was given there, as "KEY=value", in its order.
	Environ() []string
	// ReadFile returns the contents of a regular file, following symbolic links. A directory, device, socket or named
	// pipe is an error, never a wait. Files above MaxFile bytes give ErrTooLarge.
	ReadFile(name string) ([]byte, error)
	// ReadDir returns the entries of a directory sorted by name.
	ReadDir(name string) ([]Entry, error)
	// Lstat describes name itself, without following a symbolic link.
	Lstat(name string) (Info, error)
	// ReadLink returns the target of a symbolic link as it is written there.
	ReadLink(name string) (string, error)
	// Run runs a program and waits for it, at most until ctx ends; then its whole process group is killed.
	// A program that was started and failed gives a Result with its exit code and a nil error.
	Run(ctx context.Context, cmd Command) (Result, error)
	// Processes lists running processes. Those of other users are listed without their environment.
	Processes() ([]Process, error)
}

// Entry is an entry of a directory.
type Entry struct {
	Name string      `json:"name"`
	Type fs.FileMode `json:"type"` // type bits only
}

// Info describes a file.
type Info struct {
	Mode    fs.FileMode `json:"mode"`
	Size    int64       `json:"size"`
	ModTime time.Time   `json:"modTime"`
	UID     int         `json:"uid"` // -1 where the system has none
	GID     int         `json:"gid"`
}

// Command is a program to run. Path is absolute. Its standard input is empty, and it gets exactly Env.
type Command struct {
	Path string   `json:"path"`
	Args []string `json:"args"` // without the program's name
	Env  []string `json:"env"`
	Dir  string   `json:"dir"` // "" is the root directory
}

// Result is what a program printed. Each stream is cut after 1 MiB.
type Result struct {
	Stdout   []byte `json:"stdout"`
	Stderr   []byte `json:"stderr"`
	ExitCode int    `json:"exitCode"` // -1 if it was ended by a signal or by the time limit
	TimedOut bool   `json:"timedOut"`
	// Duration is how long it ran.
	Duration time.Duration `json:"duration"`
}

// Process is a running process.
type Process struct {
	PID     int       `json:"pid"`
	PPID    int       `json:"ppid"`
	UID     int       `json:"uid"` // -1 where the system has none
	Name    string    `json:"name"`
	Exe     string    `json:"exe"` // "" if it cannot be read
	Args    []string  `json:"args"`
	Started time.Time `json:"started"`
	// ExeDeleted: the program's file was replaced or removed after the process started.
	ExeDeleted bool `json:"exeDeleted"`
	// Environ returns the environment the process was started with. nil: not readable; otherwise it is asked only for
	// the processes that matter.
	Environ func() ([]string, error) `json:"-"`
}

// Mutable is a Host that can be changed. Only package plan may accept one.
//
// Each method is atomic: after a crash the machine is as before or as wanted. Errors: ErrChanged if the machine is not
// as the caller thought, else as for Host.
type Mutable interface {
	Host
	// Replace makes the contents of name new if they are old now; a nil old means that name must not exist, a nil new
	// removes it. Mode, owner and symbolic links are kept; a new file gets mode 0600.
	Replace(name string, old, new []byte) error
	// Move renames oldname to newname, which must not exist, on the same file system.
	Move(oldname, newname string) error
	// WriteTree writes files (names relative to dir, with forward slashes) below dir, which must not exist.
	WriteTree(dir string, files map[string][]byte) error
	// SetUserEnv sets (or with a nil value removes) a variable in the user's environment on Windows; elsewhere it is
	// errors.ErrUnsupported.
	SetUserEnv(key string, old, new *string) error
}

// ErrChanged means that a file was not as the caller expected.
var ErrChanged = errors.New("changed since it was read")
