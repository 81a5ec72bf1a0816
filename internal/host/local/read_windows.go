package local

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"

	"github.com/goready/goready/internal/host"
)

// readFile reads a regular file.
func readFile(name string) ([]byte, error) {
	f, size, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > host.MaxFile {
		return nil, host.ErrTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(f, host.MaxFile+1))
	if err == nil && len(data) > host.MaxFile {
		return nil, host.ErrTooLarge
	}
	return data, err
}

// readHead reads the first n bytes of a regular file.
func readHead(name string, n int) ([]byte, error) {
	f, _, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(n)))
}

// openRegular opens a regular file and returns its size. Opening neither waits nor reads on Windows; whether a name is
// a device such as CON can only be told from what was opened.
func openRegular(name string) (*os.File, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	typ, err := windows.GetFileType(windows.Handle(f.Fd()))
	if err != nil || typ != windows.FILE_TYPE_DISK {
		f.Close()
		return nil, 0, errNotRegular
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, fi.Size(), nil
}

func openDir(name string) (*os.File, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !fi.IsDir() {
		return nil, errNotDir
	}
	return os.Open(name)
}

func owner(fs.FileInfo) (uid, gid int) { return -1, -1 }

// errorNotAReparsePoint is ERROR_NOT_A_REPARSE_POINT.
const errorNotAReparsePoint = windows.Errno(4390)

func isNotLink(err error) bool {
	return errors.Is(err, errorNotAReparsePoint) || errors.Is(err, windows.ERROR_INVALID_PARAMETER)
}
