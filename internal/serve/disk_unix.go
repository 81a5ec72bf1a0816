//go:build unix

package serve

import (
	"os"

	"golang.org/x/sys/unix"
)

// freeBytes returns how many bytes this user may still write to the file system of a folder.
func freeBytes(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
