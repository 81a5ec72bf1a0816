package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/goready/goready/internal/durable"
)

// tmp is the folder of temporary files below the root of a Dir. Each process has a folder of its own in it, with a file
// "lock" that it keeps locked as long as it lives: numbers of processes mean nothing among containers and machines that
// share the store. The file "lock" in tmp itself is locked by who makes or sweeps such folders.
const tmp = "tmp"

// process is the place of this process in tmp.
type process struct {
	root   *os.Root
	folder string // below root
	lock   *os.File
}

// startProcess makes a place in tmp, after it removed what processes left there that are gone.
func startProcess(root *os.Root) (_ *process, err error) {
	gate, err := openLock(root, tmp)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, gate.Close()) }()
	if err := durable.Lock(gate); err != nil {
		return nil, lockError(gate, err)
	}
	if err := sweep(root); err != nil {
		return nil, err
	}
	p := &process{root: root, folder: fmt.Sprintf("%s/%d-%s", tmp, os.Getpid(), rand.Text())}
	if err := root.Mkdir(p.folder, 0o755); err != nil {
		return nil, err
	}
	if p.lock, err = openLock(root, p.folder); err != nil {
		return nil, err
	}
	if err := durable.Lock(p.lock); err != nil {
		return nil, errors.Join(lockError(p.lock, err), p.lock.Close())
	}
	return p, nil
}

// end removes the place.
func (p *process) end() error {
	return errors.Join(p.lock.Close(), p.root.RemoveAll(p.folder))
}

func openLock(root *os.Root, folder string) (*os.File, error) {
	return root.OpenFile(path.Join(folder, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
}

func lockError(f *os.File, err error) error {
	return &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
}

// sweep removes the folders of processes that are gone. The gate is locked.
func sweep(root *os.Root) error {
	f, err := root.Open(tmp)
	if err != nil {
		return err
	}
	entries, err := f.ReadDir(-1)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	for _, e := range entries {
		folder := path.Join(tmp, e.Name())
		if !e.IsDir() || !isGone(root, folder) {
			continue
		}
		if err := root.RemoveAll(folder); err != nil {
			return err
		}
	}
	return nil
}

// isGone tells whether the process that has a folder in tmp is gone, as far as can be told.
func isGone(root *os.Root, folder string) bool {
	f, err := root.OpenFile(path.Join(folder, "lock"), os.O_RDWR, 0)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) // it ended before it had locked it: both happen inside the gate
	}
	defer f.Close()
	locked, err := durable.TryLock(f)
	return err == nil && locked
}
