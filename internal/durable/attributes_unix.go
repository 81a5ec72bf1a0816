//go:build unix

package durable

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// keepAttributes gives f the mode and owner of the file it replaces. An owner that this process may not set is not
// kept; a set-id bit then goes too.
func keepAttributes(f *os.File, old fs.FileInfo) error {
	if st, ok := old.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return f.Chmod(old.Mode())
}
