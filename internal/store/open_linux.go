package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openBeneath opens a file below root, of which top is the folder, as root.Open does, but in one system call instead of
// two for each element of the name, which is most of the time of Get.
func openBeneath(root *os.Root, top *os.File, name string) (*os.File, error) {
	how := &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
	}
	c, err := top.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, openErr := -1, error(nil)
	if err := c.Control(func(dir uintptr) { fd, openErr = unix.Openat2(int(dir), name, how) }); err != nil {
		return nil, err
	}
	switch {
	case openErr == nil:
		return os.NewFile(uintptr(fd), name), nil
	case errors.Is(openErr, unix.ENOENT), errors.Is(openErr, unix.ENOTDIR):
		return nil, &os.PathError{Op: "open", Path: name, Err: openErr}
	}
	// Also where the system call is missing, forbidden, or gave up because something was renamed meanwhile.
	return root.Open(name)
}
