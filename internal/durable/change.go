package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// ErrLinked means that a file has several names (hard links), of which a rename would change only one.
var ErrLinked = errors.New("file has several hard links")

var errNotRegular = errors.New("not a regular file")

// Swap is like [WriteFile], but changes only what a user could change with an editor: it calls check when everything is
// ready, and changes nothing if that fails; a file that this user may not write is not replaced either
// (fs.ErrPermission), nor one whose owner cannot be kept, nor what is no regular file. A file that came into being only
// after Swap was called is kept too (fs.ErrExist).
func Swap(name string, data []byte, perm fs.FileMode, check func() error) error {
	target, err := follow(name)
	if err != nil {
		return err
	}
	rename := renameOver
	old, err := os.Lstat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		old, rename = nil, renameNew
	case err != nil:
		return err
	default:
		if err := replaceable(target, old); err != nil {
			return &fs.PathError{Op: "replace", Path: name, Err: err}
		}
	}
	tmp, err := writeBeside(target, data, perm, old)
	if err != nil {
		return err
	}
	if err = check(); err == nil {
		err = rename(tmp, target)
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(tmp)))
	}
	return syncDir(filepath.Dir(target))
}

// writeBeside writes a file beside target, with the mode and owner of old unless that is nil.
func writeBeside(target string, data []byte, perm fs.FileMode, old fs.FileInfo) (name string, err error) {
	f, err := createBeside(target, perm)
	if err != nil {
		return "", err
	}
	if old != nil {
		err = errors.Join(keepOwner(f, old), f.Chmod(old.Mode()))
	}
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, ignoreMissing(os.Remove(f.Name())))
	}
	return f.Name(), nil
}

// replaceable returns why a file must not be replaced.
func replaceable(name string, fi fs.FileInfo) error {
	switch {
	case !fi.Mode().IsRegular():
		return errNotRegular
	case links(fi) > 1:
		return ErrLinked
	}
	return writable(name)
}

// Remove removes the file name; if it is a symbolic link, the file it leads to, so that writing it again restores
// what was. It first calls check and changes nothing if that fails.
func Remove(name string, check func() error) error {
	target, err := follow(name)
	if err != nil {
		return err
	}
	fi, err := os.Lstat(target)
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() {
		return &fs.PathError{Op: "remove", Path: name, Err: errNotRegular}
	}
	if err := check(); err != nil {
		return err
	}
	if err := os.Remove(target); err != nil {
		return err
	}
	return syncDir(filepath.Dir(target))
}

// Move renames a file or directory. The new name must not exist (fs.ErrExist) and be on the same file system.
func Move(oldname, newname string) error {
	if err := renameNew(oldname, newname); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(newname)); err != nil {
		return err
	}
	return syncDir(filepath.Dir(oldname))
}

// MkdirAll makes a directory and those above it that are missing.
func MkdirAll(dir string, perm fs.FileMode) error {
	if fi, err := os.Stat(dir); err == nil && fi.IsDir() {
		return nil
	}
	up := filepath.Dir(dir)
	if up != dir {
		if err := MkdirAll(up, perm); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(up)
}

// WriteTree writes files, whose names are relative to dir and have slashes, with the modes 0644 and 0755 that the umask
// allows. The directory dir must not exist (fs.ErrExist); the one above must. It appears with all files or not at all.
func WriteTree(dir string, files map[string][]byte) (err error) {
	dirs := []string{"."}
	for name := range files {
		if !fs.ValidPath(name) || name == "." || !filepath.IsLocal(filepath.FromSlash(name)) {
			return fmt.Errorf("file %q: %w", name, fs.ErrInvalid)
		}
		for up := path.Dir(name); up != "."; up = path.Dir(up) {
			dirs = append(dirs, up)
		}
	}
	slices.Sort(dirs) // those above first
	dirs = slices.Compact(dirs)
	tmp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".goready-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(tmp)
		}
	}()
	if err := fill(filepath.Join(tmp, "tree"), dirs, files); err != nil {
		return err
	}
	if err := renameNew(filepath.Join(tmp, "tree"), dir); err != nil {
		return err
	}
	if err := os.Remove(tmp); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func fill(root string, dirs []string, files map[string][]byte) error {
	for _, d := range dirs {
		if err := os.Mkdir(filepath.Join(root, filepath.FromSlash(d)), 0o755); err != nil {
			return err
		}
	}
	for name, data := range files {
		if err := create(filepath.Join(root, filepath.FromSlash(name)), data); err != nil {
			return err
		}
	}
	for _, d := range dirs {
		if err := syncDir(filepath.Join(root, filepath.FromSlash(d))); err != nil {
			return err
		}
	}
	return nil
}

func create(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// follow returns name with all symbolic links followed, also if what the last one leads to does not exist.
func follow(name string) (string, error) {
	const most = 40 // as Linux
	asked := name
	for range most {
		// Not filepath.Dir: a ".." after a symbolic link must not be cleaned away.
		i := strings.LastIndexFunc(name, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) })
		dir, err := filepath.EvalSymlinks(name[:i+1])
		if err != nil {
			return "", err
		}
		base := name[i+1:]
		if base == "" || base == "." || base == ".." {
			break
		}
		name = filepath.Join(dir, base)
		target, err := os.Readlink(name)
		if err != nil {
			return name, nil // not a link
		}
		if name = target; !filepath.IsAbs(target) {
			name = dir + string(filepath.Separator) + target
		}
	}
	return "", &fs.PathError{Op: "follow", Path: asked, Err: errNotRegular}
}
