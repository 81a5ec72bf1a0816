// Package durable writes files so that a crash at any moment leaves either the old contents or the new ones.
//
// Its one invariant: a file is never truncated in place. The new contents are written beside it, synced, and renamed
// over it, and then the folder is synced. Mode and owner of a file that exists are kept, and symbolic links are
// followed, so that a linked file stays one. For files that several processes share there are locks.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// WriteFile makes data the contents of the file name. A new file gets the permissions perm, less the umask; one that
// exists keeps its mode, and its owner where this process may set it. What is not a regular file, such as /dev/stdout,
// is written to directly. After an error the file is as it was.
func WriteFile(name string, data []byte, perm fs.FileMode) error {
	target, err := filepath.EvalSymlinks(name)
	if errors.Is(err, fs.ErrNotExist) {
		target, err = missingTarget(name)
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		info = nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return writeThrough(target, data)
	}
	return replace(target, data, perm, info)
}

// missingTarget returns the file to create for name: name itself, or what a dangling symbolic link points to.
func missingTarget(name string) (string, error) {
	target, err := os.Readlink(name)
	if err != nil {
		return name, nil // not a link: it does not exist
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(name), target)
	}
	if _, err := os.Lstat(target); err == nil {
		return "", fmt.Errorf("%s: a chain of symbolic links that leads nowhere", name)
	}
	return target, nil
}

func writeThrough(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// replace writes data beside target and renames it over target. old describes target; nil if it does not exist.
func replace(target string, data []byte, perm fs.FileMode, old fs.FileInfo) (err error) {
	dir := filepath.Dir(target)
	f, err := createBeside(target, perm)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(os.Remove(f.Name())))
		}
	}()
	if old != nil {
		err = keepAttributes(f, old)
	}
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), target); err != nil {
		return err
	}
	return syncDir(dir)
}

// createBeside creates a new file in the folder of target; unlike os.CreateTemp, with perm less the umask.
func createBeside(target string, perm fs.FileMode) (*os.File, error) {
	for i := 0; ; i++ {
		name := fmt.Sprintf("%s.goready-%d-%d", target, os.Getpid(), i)
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		if !errors.Is(err, fs.ErrExist) || i > 1000 {
			return f, err
		}
	}
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
