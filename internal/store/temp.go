package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// TempMaker is a store that has a place for temporary files, from where Put takes them without copying.
type TempMaker interface {
	// Temp creates an empty temporary file. The caller closes it, also after Put.
	Temp() (*Temp, error)
}

// MakeTemp creates a temporary file for s: of its own if it is a [TempMaker], else in the folder of the system.
func MakeTemp(s Store) (*Temp, error) {
	if m, ok := s.(TempMaker); ok {
		return m.Temp()
	}
	return NewTemp("")
}

// Temp is a file in the making: one writer appends to it, any number of readers read what is written so far, and at the
// end it is handed to [Store.Put]. Its methods may be called concurrently, except that there is one writer, which is
// also who calls Put.
type Temp struct {
	file *os.File // for writing and ReadAt
	size atomic.Int64
	// sealed means that Put published the file: whoever wrote to it now would change what is stored.
	sealed atomic.Bool
	// done is called once by Close, to give back what the maker of the file holds; may be nil.
	done func() error
	dir  *Dir // whose tmp folder the file is in, or nil

	mu     sync.Mutex // guards the rest
	root   *os.Root   // holds the file
	name   string     // in root
	moved  bool       // name is the stored file itself, which Close keeps
	closed bool
}

// NewTemp creates a temporary file in the folder dir, "" being the system's, for a store that has no such place itself.
func NewTemp(dir string) (*Temp, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, noSpace(err)
	}
	t, err := newTemp(root, "goready-")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	t.done = root.Close
	return t, nil
}

// newTemp creates a temporary file in root, with a name that begins with prefix.
func newTemp(root *os.Root, prefix string) (*Temp, error) {
	name := prefix + rand.Text()
	// The file is going to be the stored one: the umask decides who may read it, not os.CreateTemp.
	f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, noSpace(err)
	}
	return &Temp{file: f, root: root, name: name}, nil
}

// Write appends p. The error is [ErrFull] if the disk is, or the quota used up; what was written before can still be
// read. After Put or Close it is fs.ErrClosed.
func (t *Temp) Write(p []byte) (int, error) {
	if t.sealed.Load() {
		return 0, &fs.PathError{Op: "write", Path: t.Name(), Err: fs.ErrClosed}
	}
	n, err := t.file.Write(p)
	t.size.Add(int64(n))
	return n, noSpace(err)
}

// ReadAt reads what was written; see [io.ReaderAt].
func (t *Temp) ReadAt(p []byte, off int64) (int, error) { return t.file.ReadAt(p, off) }

// Size returns the number of bytes written.
func (t *Temp) Size() int64 { return t.size.Load() }

// Open opens the file once more, at its beginning. What it returns is the caller's, and stays readable after Put and
// Close. Open itself fails after Close (fs.ErrClosed).
func (t *Temp) Open() (*os.File, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, &fs.PathError{Op: "open", Path: t.file.Name(), Err: fs.ErrClosed}
	}
	return t.root.Open(t.name)
}

// Name returns the path of the file, for messages.
func (t *Temp) Name() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return filepath.Join(t.root.Name(), t.name)
}

// Close closes the file and removes its temporary name. Closing again does nothing.
func (t *Temp) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	t.closed = true
	t.sealed.Store(true)
	err := t.file.Close()
	if !t.moved {
		e := t.root.Remove(t.name)
		if !errors.Is(e, fs.ErrNotExist) && !errors.Is(e, fs.ErrClosed) { // the Dir was closed before
			err = errors.Join(err, e)
		}
	}
	if t.done != nil {
		err = errors.Join(err, t.done())
	}
	return err
}

// noSpace adds ErrFull to an error of the operating system that means it.
func noSpace(err error) error {
	if isNoSpace(err) && !errors.Is(err, ErrFull) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
