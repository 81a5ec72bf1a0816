package local

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goready/goready/internal/durable"
	"github.com/goready/goready/internal/host"
)

// Replace implements [host.Mutable]. The contents are compared right before the new ones take their place, and a file
// that comes into being in between is kept; an existing file that somebody else writes in between is lost, as with any
// editor. Directories above a new file are made (with what the umask allows) and stay if it is removed again. A file
// with several hard links is not changed (durable.ErrLinked), nor one that this user may not write.
func (m *Machine) Replace(name string, old, new []byte) error {
	if !m.platform.IsAbs(name) {
		return fail("replace", name, errRelative)
	}
	check := func() error { return unchanged(name, old) }
	if err := check(); err != nil {
		return fail("replace", name, err)
	}
	var err error
	switch {
	case old == nil && new == nil:
	case new == nil:
		err = durable.Remove(name, check)
	default:
		if old == nil {
			err = durable.MkdirAll(filepath.Dir(name), 0o777)
		}
		if err == nil {
			err = durable.Swap(name, new, 0o600, check)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		err = host.ErrChanged
	}
	return fail("replace", name, err)
}

// unchanged returns host.ErrChanged if the contents of name are not old, where nil means that there is no such file.
func unchanged(name string, old []byte) error {
	now, err := readFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		now, err = nil, nil
	case err != nil:
		return err
	case now == nil:
		now = []byte{}
	}
	if (now == nil) != (old == nil) || !bytes.Equal(now, old) {
		return host.ErrChanged
	}
	return nil
}

// Move implements [host.Mutable].
func (m *Machine) Move(oldname, newname string) error {
	if !m.platform.IsAbs(oldname) || !m.platform.IsAbs(newname) {
		return fail("move", oldname, errRelative)
	}
	err := durable.Move(oldname, newname)
	if errors.Is(err, fs.ErrExist) {
		return fail("move", newname, host.ErrChanged)
	}
	return fail("move", oldname, err)
}

// WriteTree implements [host.Mutable]. Directories above dir are made; files get the mode 0644 as far as the umask
// allows.
func (m *Machine) WriteTree(dir string, files map[string][]byte) error {
	if !m.platform.IsAbs(dir) {
		return fail("writetree", dir, errRelative)
	}
	if _, err := os.Lstat(dir); err == nil {
		return fail("writetree", dir, host.ErrChanged)
	}
	err := durable.MkdirAll(filepath.Dir(dir), 0o777)
	if err == nil {
		err = durable.WriteTree(dir, files)
	}
	if errors.Is(err, fs.ErrExist) {
		err = host.ErrChanged
	}
	return fail("writetree", dir, err)
}

var _ host.Mutable = (*Machine)(nil)
