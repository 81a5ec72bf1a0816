package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// quarantine is the folder below the root of a Dir for files that were found to be damaged.
const quarantine = "quarantine"

// maxQuarantine is how many files are kept in quarantine, the newest.
const maxQuarantine = 100

// Quarantine takes a file out of the store and keeps it beside, for people to look at, as quarantine/<time>-<key> with
// "_" for the slashes. As with Delete, it is no error if there is no such key, and who has it open reads on.
func (d *Dir) Quarantine(ctx context.Context, key string) error {
	name, err := fileName("quarantine", key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	info, err := d.root.Lstat(name)
	if err == nil {
		if info.IsDir() {
			return nil
		}
		err = d.root.Rename(name, path.Join(quarantine, d.quarantineName(key)))
	}
	if isAbsent(err) {
		return nil
	}
	if err != nil {
		return noSpace(err)
	}
	d.addUsage(-info.Size())
	return errors.Join(d.sync(quarantine), d.sync(path.Dir(name)), d.boundQuarantine())
}

func (d *Dir) quarantineName(key string) string {
	const most = 200 // of the key, whose end tells more
	flat := strings.ReplaceAll(key, "/", "_")
	now := d.now().UTC()
	return fmt.Sprintf("%s.%09dZ-%s", now.Format("20060102T150405"), now.Nanosecond(), flat[max(0, len(flat)-most):])
}

// boundQuarantine removes the oldest files; their names sort by time.
func (d *Dir) boundQuarantine() error {
	f, err := d.root.Open(quarantine)
	if err != nil {
		return err
	}
	names, err := f.Readdirnames(-1)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	slices.Sort(names)
	var errs []error
	for _, name := range names[:max(0, len(names)-maxQuarantine)] {
		if err := d.root.Remove(path.Join(quarantine, name)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
