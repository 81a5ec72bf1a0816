package store

import (
	"os"
	"syscall"
)

// WithoutLinks makes the file system of d one that has no hard links.
func WithoutLinks(d *Dir) {
	d.link = func(oldname, newname string) error {
		if _, err := d.root.Lstat(newname); err == nil {
			return &os.LinkError{Op: "link", Old: oldname, New: newname, Err: syscall.EEXIST}
		}
		return &os.LinkError{Op: "link", Old: oldname, New: newname, Err: syscall.EPERM}
	}
}

// OnSync has f called instead of syncing a file or folder of d.
func OnSync(d *Dir, f func(*os.File) error) { d.fsync = f }

// SameClass tells whether Evict takes two files to be of the same age.
func (e EvictConfig) SameClass(a, b Entry) bool {
	return ageClass(e.Now().Sub(a.Used)) == ageClass(e.Now().Sub(b.Used))
}
