// Package local is the machine that goready runs on, as a [host.Host] and [host.Mutable].
//
// It is the only package of the command line half that imports os or os/exec. Its one invariant: a question never
// waits for anyone else. Named pipes, devices and terminals are not opened, files are read up to host.MaxFile, and a
// program that is run loses its terminal and its time limit is kept even if what it started holds on to its output.
// (A file on a network or FUSE file system that hangs in the kernel does hang goready.)
package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/goready/goready/internal/host"
)

// maxEntries is the number of entries of the largest directory that ReadDir returns.
const maxEntries = 1 << 20

// Machine is the machine that goready runs on.
type Machine struct {
	platform host.Platform
}

// New returns this machine.
func New() *Machine { return &Machine{platform: platform()} }

// Platform implements [host.Host]. Its Arch is that of the machine, which is not runtime.GOARCH where goready is
// translated (Rosetta on macOS, x86 emulation on Windows for ARM) or a 32-bit program on a 64-bit kernel.
func (m *Machine) Platform() host.Platform { return m.platform }

// Environ implements [host.Host].
func (m *Machine) Environ() []string { return os.Environ() }

var (
	errRelative   = errors.New("not an absolute name")
	errNotRegular = errors.New("not a regular file")
	errNotDir     = errors.New("not a directory")
	errNotLink    = errors.New("not a symbolic link")
)

// ReadFile implements [host.Host].
func (m *Machine) ReadFile(name string) ([]byte, error) {
	if strings.HasPrefix(name, host.RegistryPrefix) {
		data, err := readRegistry(name)
		return data, fail("read", name, err)
	}
	if !m.platform.IsAbs(name) {
		return nil, fail("read", name, errRelative)
	}
	data, err := readFile(name)
	return data, fail("read", name, err)
}

// ReadHead implements [host.HeadReader].
func (m *Machine) ReadHead(name string, n int) ([]byte, error) {
	if strings.HasPrefix(name, host.RegistryPrefix) {
		data, err := readRegistry(name)
		return data[:min(len(data), max(n, 0), host.MaxHead)], fail("read", name, err)
	}
	if !m.platform.IsAbs(name) {
		return nil, fail("read", name, errRelative)
	}
	data, err := readHead(name, min(max(n, 0), host.MaxHead))
	return data, fail("read", name, err)
}

// ReadDir implements [host.Host].
func (m *Machine) ReadDir(name string) ([]host.Entry, error) {
	if !m.platform.IsAbs(name) {
		return nil, fail("readdir", name, errRelative)
	}
	list, err := readDir(name)
	if err != nil {
		return nil, fail("readdir", name, err)
	}
	entries := make([]host.Entry, len(list))
	for i, e := range list {
		entries[i] = host.Entry{Name: e.Name(), Type: e.Type()}
	}
	return entries, nil
}

func readDir(name string) ([]fs.DirEntry, error) {
	dir, err := openDir(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	list, err := dir.ReadDir(maxEntries + 1)
	if len(list) > maxEntries {
		return nil, host.ErrTooLarge
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

// Lstat implements [host.Host].
func (m *Machine) Lstat(name string) (host.Info, error) {
	if !m.platform.IsAbs(name) {
		return host.Info{}, fail("lstat", name, errRelative)
	}
	fi, err := os.Lstat(name)
	if err != nil {
		return host.Info{}, fail("lstat", name, err)
	}
	uid, gid := owner(fi)
	return host.Info{Mode: fi.Mode(), Size: fi.Size(), ModTime: fi.ModTime().UTC(), UID: uid, GID: gid}, nil
}

// ReadLink implements [host.Host].
func (m *Machine) ReadLink(name string) (string, error) {
	if !m.platform.IsAbs(name) {
		return "", fail("readlink", name, errRelative)
	}
	target, err := os.Readlink(name)
	if isNotLink(err) {
		err = errNotLink
	}
	return target, fail("readlink", name, err)
}

// fail returns err as the contract of host.Host wants it: the same sentinel for the same thing on every system.
func fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		err = fs.ErrNotExist
	case errors.Is(err, fs.ErrPermission):
		err = fs.ErrPermission
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

var (
	_ host.Host       = (*Machine)(nil)
	_ host.HeadReader = (*Machine)(nil)
)
