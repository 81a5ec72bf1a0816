//go:build unix

package local

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/goready/goready/internal/host"
)

// readFile reads a regular file.
func readFile(name string) ([]byte, error) {
	fd, size, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return readAll(fd, size, host.MaxFile)
}

// readHead reads the first n bytes of a regular file.
func readHead(name string, n int) ([]byte, error) {
	fd, _, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := make([]byte, n)
	for have := 0; ; {
		more := 0
		if err := again(func() (err error) { more, err = unix.Read(fd, buf[have:]); return err }); err != nil {
			return nil, err
		}
		if have += max(more, 0); more <= 0 || have == n {
			return buf[:have], nil
		}
	}
}

// openRegular opens a regular file and returns its size. It asks twice what kind of file that is: before opening,
// because opening a device may do something, and after, because it may have been exchanged. O_NONBLOCK is for the
// second case, and for those files of procfs and tracefs that call themselves regular and are not.
func openRegular(name string) (fd int, size int64, err error) {
	var st unix.Stat_t
	if err := again(func() error { return unix.Stat(name, &st) }); err != nil {
		return -1, 0, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return -1, 0, errNotRegular
	}
	err = again(func() (err error) {
		fd, err = unix.Open(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return -1, 0, err
	}
	err = again(func() error { return unix.Fstat(fd, &st) })
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = errNotRegular
	}
	if err != nil {
		unix.Close(fd)
		return -1, 0, err
	}
	return fd, st.Size, nil
}

// readAll reads what is left in fd, which may be more or less than size; above limit it is host.ErrTooLarge.
func readAll(fd int, size int64, limit int) ([]byte, error) {
	if size > int64(limit) {
		return nil, host.ErrTooLarge
	}
	buf := make([]byte, 0, size+512)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n := 0
		err := again(func() (err error) { n, err = unix.Read(fd, buf[len(buf):cap(buf)]); return err })
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			return buf, nil
		}
		if buf = buf[:len(buf)+n]; len(buf) > limit {
			return nil, host.ErrTooLarge
		}
	}
}

// again calls f until it was not interrupted by a signal.
func again(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// openDir opens a directory and nothing else: O_DIRECTORY fails on a named pipe instead of waiting.
func openDir(name string) (*os.File, error) {
	dir, err := os.OpenFile(name, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENOTDIR) {
		if _, statErr := os.Stat(name); statErr != nil {
			return nil, statErr // a directory above is none
		}
		return nil, errNotDir
	}
	return dir, err
}

func owner(fi fs.FileInfo) (uid, gid int) {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}

func isNotLink(err error) bool { return errors.Is(err, syscall.EINVAL) }
