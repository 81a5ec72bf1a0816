package local

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"

	"github.com/goready/goready/internal/host"
)

// readFile reads a regular file. Opening neither waits nor reads on Windows; whether a name is a device such as CON
// can only be told from what was opened.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if typ, err := windows.GetFileType(windows.Handle(f.Fd())); err != nil || typ != windows.FILE_TYPE_DISK {
		return nil, errNotRegular
	}
	fi, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !fi.Mode().IsRegular():
		return nil, errNotRegular
	case fi.Size() > host.MaxFile:
		return nil, host.ErrTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(f, host.MaxFile+1))
	if err == nil && len(data) > host.MaxFile {
		return nil, host.ErrTooLarge
	}
	return data, err
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
