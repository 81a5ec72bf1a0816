package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/goready/goready/internal/durable"
)

// Put implements [Store]. It syncs the file before it appears and the folder afterwards. A [Temp] that did not come from
// [Dir.Temp] of this store is copied. Once it was handed to Put, nothing can be written to src any more.
func (d *Dir) Put(ctx context.Context, key string, src *Temp) error {
	name, err := fileName("put", key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	src.sealed.Store(true)
	if src.dir != d {
		t, err := d.copy(ctx, src)
		if err != nil {
			return err
		}
		defer t.Close() // at worst its name in the tmp folder stays, until the next start
		src = t
	}
	return noSpace(d.put(key, name, src))
}

func (d *Dir) put(key, name string, src *Temp) error {
	if !d.fast {
		if err := d.fsync(src.file); err != nil {
			return err
		}
	}
	err := d.publish(src, name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.makeFolder(path.Dir(name)); err != nil {
			return err
		}
		err = d.publish(src, name)
	}
	if errors.Is(err, fs.ErrExist) {
		if info, err := d.root.Lstat(name); err == nil && info.IsDir() {
			return &fs.PathError{Op: "put", Path: key, Err: errors.New("is the folder of other keys")}
		}
		return &fs.PathError{Op: "put", Path: key, Err: fs.ErrExist}
	}
	if err != nil {
		return err
	}
	d.addUsage(src.Size())
	return d.settle(path.Dir(name))
}

// copy makes a temporary file of this store with the contents of src.
func (d *Dir) copy(ctx context.Context, src *Temp) (*Temp, error) {
	t, err := d.Temp()
	if err != nil {
		return nil, err
	}
	const atOnce = 16 << 20 // looking at ctx in between
	for off, size := int64(0), src.Size(); off < size && err == nil; off += atOnce {
		if err = ctx.Err(); err == nil {
			_, err = io.Copy(t, io.NewSectionReader(src, off, min(atOnce, size-off)))
		}
	}
	if err == nil && t.Size() != src.Size() {
		err = &fs.PathError{Op: "read", Path: src.Name(), Err: io.ErrUnexpectedEOF}
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// publish gives the file of t the name, which must be free.
func (d *Dir) publish(t *Temp, name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return &fs.PathError{Op: "put", Path: t.file.Name(), Err: fs.ErrClosed}
	}
	err := d.link(t.name, name)
	if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	// The file system has no hard links (Linux says EPERM then). Move follows symbolic links, but the folder was looked
	// at a moment ago.
	if _, e := d.root.Stat(path.Dir(name)); e != nil {
		return e
	}
	if e := durable.Move(d.path(t.name), d.path(name)); e != nil {
		return e
	}
	t.name, t.moved = name, true
	return nil
}

func (d *Dir) path(name string) string {
	return filepath.Join(d.root.Name(), filepath.FromSlash(name))
}

// makeFolder makes a folder, and those above it, if they are missing.
func (d *Dir) makeFolder(name string) error {
	up := path.Dir(name)
	d.countUnsynced(up, 1)
	err := d.root.Mkdir(name, 0o755)
	if errors.Is(err, fs.ErrNotExist) && up != "." {
		if err = d.makeFolder(up); err == nil {
			err = d.root.Mkdir(name, 0o755)
		}
	}
	if err == nil {
		if err := d.sync(up); err != nil {
			return err // and up stays among the unsynced: every later Put below tries again
		}
	}
	d.countUnsynced(up, -1)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func (d *Dir) countUnsynced(folder string, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unsynced[folder] += n; d.unsynced[folder] == 0 {
		delete(d.unsynced, folder)
	}
}

// settle makes the names in a folder survive a crash, and the folder itself: others may have made it or one above it,
// and not synced it yet.
func (d *Dir) settle(folder string) error {
	if err := d.sync(folder); err != nil {
		return err
	}
	for up := path.Dir(folder); up != "."; up = path.Dir(up) {
		d.mu.Lock()
		unsynced := d.unsynced[up] > 0
		d.mu.Unlock()
		if unsynced {
			if err := d.sync(up); err != nil {
				return err
			}
		}
	}
	return nil
}
