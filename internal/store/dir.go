package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/goready/goready/internal/durable"
)

// Config says where and how a [Dir] keeps its files.
type Config struct {
	// Root is the folder of the store, made if it is missing. All below it is the store's: the files in "modules",
	// which is a GOPROXY file tree, temporary files in "tmp", what was found to be damaged in "quarantine", and "usage".
	// It is one file system, which "modules" must not leave by a symbolic link.
	Root string
	// Fast leaves out all syncs: a crash of the machine, not one of the process, may then lose or cut what was stored.
	Fast bool
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Dir is a store in a folder, which several processes may share. It is a [Toucher] and a [TempMaker].
//
// A file appears under its key by a hard link to a temporary file that was synced, which is create-only on every system;
// where the file system has no links, by [durable.Move]. When a file was used is its modification time, since access
// times are neither reliable nor cheap. Symbolic links below the root are followed only within it.
//
// In one process, what Put reports as stored survives a crash. Another process may find the folders made by the first
// before they are synced; there, Put relies on a file system that journals in order, as ext4, XFS and Btrfs do.
type Dir struct {
	fast bool
	now  func() time.Time
	root *os.Root
	top  *os.File // the same folder, for openBeneath
	own  *process

	// What tests replace by a file system that has no links, or whose disk fails.
	link  func(oldname, newname string) error // root.Link
	fsync func(*os.File) error                // File.Sync

	mu sync.Mutex // guards unsynced
	// unsynced counts, for each folder, the folders made in it that a crash may still undo.
	unsynced map[string]int

	usage  usage
	closed atomic.Bool
}

// OpenDir opens the store in a folder, in the same short time however much is in it. The caller closes it.
func OpenDir(cfg Config) (*Dir, error) {
	d := &Dir{fast: cfg.Fast, now: cfg.Now, fsync: (*os.File).Sync, unsynced: map[string]int{}}
	if d.now == nil {
		d.now = time.Now
	}
	if err := d.open(cfg.Root); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %q: %w", cfg.Root, noSpace(err)), d.release())
	}
	d.openUsage()
	return d, nil
}

func (d *Dir) open(root string) (err error) {
	if err := durable.MkdirAll(root, 0o755); err != nil {
		return err
	}
	if d.root, err = os.OpenRoot(root); err != nil {
		return err
	}
	d.link = d.root.Link
	if d.top, err = d.root.Open("."); err != nil {
		return err
	}
	for _, name := range []string{modules, tmp, quarantine} {
		if err := d.makeFolder(name); err != nil {
			return err
		}
		if info, err := d.root.Stat(name); err != nil || !info.IsDir() {
			return errors.Join(err, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a folder of the store")})
		}
	}
	d.own, err = startProcess(d.root)
	return err
}

// Close ends the work in the background and removes what temporary files are left. The store must not be in use, but its
// temporary files may be closed later. Closing again does nothing.
func (d *Dir) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	return errors.Join(d.closeUsage(), d.release())
}

func (d *Dir) release() error {
	var errs []error
	if d.own != nil {
		errs = append(errs, d.own.end())
	}
	if d.top != nil {
		errs = append(errs, d.top.Close())
	}
	if d.root != nil {
		errs = append(errs, d.root.Close())
	}
	return errors.Join(errs...)
}

// Temp implements [TempMaker].
func (d *Dir) Temp() (*Temp, error) {
	t, err := newTemp(d.root, d.own.folder+"/")
	if err != nil {
		return nil, err
	}
	t.dir = d
	return t, nil
}

// Get implements [Store]. What is read from the blob is an *os.File.
func (d *Dir) Get(ctx context.Context, key string) (*Blob, error) {
	name, err := fileName("open", key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	f, err := openBeneath(d.root, d.top, name)
	if err != nil {
		return nil, keyError("open", key, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = fs.ErrNotExist // the folder of other keys
	case !info.Mode().IsRegular():
		err = errors.New("not a regular file")
	default:
		return &Blob{ReadSeekCloser: f, Entry: Entry{Key: key, Size: info.Size(), Used: info.ModTime()}, Path: d.path(name)}, nil
	}
	return nil, errors.Join(keyError("open", key, err), f.Close())
}

// Touch implements [Toucher].
func (d *Dir) Touch(ctx context.Context, key string) error {
	name, err := fileName("touch", key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	now := d.now()
	if err := d.root.Chtimes(name, now, now); err != nil && !isAbsent(err) {
		return err
	}
	return nil
}

// Delete implements [Store]. It keeps the folder of the file, even if that is empty now.
func (d *Dir) Delete(ctx context.Context, key string) error {
	name, err := fileName("remove", key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	if removed, err := d.remove(name); err != nil || !removed {
		return err
	}
	return d.sync(path.Dir(name))
}

// remove removes a file, which a crash may undo, and tells whether there was one.
func (d *Dir) remove(name string) (bool, error) {
	info, err := d.root.Lstat(name)
	if err == nil {
		if info.IsDir() {
			return false, nil
		}
		err = d.root.Remove(name)
	}
	if isAbsent(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	d.addUsage(-info.Size())
	return true, nil
}

// List implements [Store]. What is in the folder but has no valid key, or is no regular file, is left out.
func (d *Dir) List(ctx context.Context, prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if !validPrefix(prefix) {
			yield(Entry{}, invalidKey("list", prefix))
			return
		}
		folder, base := path.Split(prefix)
		d.walk(ctx, strings.TrimSuffix(folder, "/"), base, yield)
	}
}

// walk yields the files in and below a folder, of which those in it begin with base. It tells whether to go on.
func (d *Dir) walk(ctx context.Context, folder, base string, yield func(Entry, error) bool) bool {
	const atOnce = 256 // of entries in memory, per level
	f, err := d.root.Open(path.Join(modules, folder))
	if isAbsent(err) {
		return true
	}
	if err != nil {
		yield(Entry{}, err)
		return false
	}
	defer f.Close()
	for {
		err := ctx.Err()
		var entries []fs.DirEntry
		if err == nil {
			entries, err = f.ReadDir(atOnce)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), base) && !d.walkEntry(ctx, path.Join(folder, e.Name()), e, yield) {
				return false
			}
		}
		if errors.Is(err, io.EOF) || isAbsent(err) {
			return true
		}
		if err != nil {
			yield(Entry{}, err)
			return false
		}
	}
}

func (d *Dir) walkEntry(ctx context.Context, key string, e fs.DirEntry, yield func(Entry, error) bool) bool {
	switch {
	case !ValidKey(key):
		return true
	case e.IsDir():
		return d.walk(ctx, key, "", yield)
	case !e.Type().IsRegular():
		return true
	}
	info, err := e.Info()
	if isAbsent(err) {
		return true
	}
	if err != nil {
		yield(Entry{}, err)
		return false
	}
	return yield(Entry{Key: key, Size: info.Size(), Used: info.ModTime()}, nil)
}

// sync makes the names in a folder survive a crash.
func (d *Dir) sync(folder string) error {
	if d.fast || runtime.GOOS == "windows" { // folders cannot be synced there
		return nil
	}
	f, err := d.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.fsync(f), f.Close())
}

// isAbsent tells whether an error means that there is no such file; it is also if the file of another key is where a
// folder would have to be.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// keyError describes an error by key, and not by the path of the file.
func keyError(op, key string, err error) error {
	if isAbsent(err) {
		err = fs.ErrNotExist
	} else if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return &fs.PathError{Op: op, Path: key, Err: err}
}
