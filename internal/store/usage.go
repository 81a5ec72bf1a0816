package store

import (
	"context"
	"encoding/json"
	"path"
	"sync"
	"time"
)

// usageFile remembers, below the root of a Dir, how much is in it. The processes that share the store add to it what
// they have put and removed; it is a number to decide by when to evict, not an account.
const usageFile = "usage"

const (
	// saveEvery is how often a process that is busy adds to the file.
	saveEvery = time.Minute
	// recountAfter is how long the number is believed: a crash loses what was not saved, and writes to the file race.
	recountAfter = 24 * time.Hour
)

// usage is the number of bytes in a Dir, as far as this process knows.
type usage struct {
	jobs sync.WaitGroup // counting

	mu       sync.Mutex         // guards the rest, and that this process writes the file once at a time
	stop     context.CancelFunc // ends counting; nil if that never began
	known    savedUsage         // as last read, counted or saved; Counted is zero if nobody ever counted
	change   int64              // what this process changed since
	total    int64              // what this process changed since it opened the store
	saved    time.Time          // when
	counting bool
	closed   bool
}

// savedUsage is the contents of usageFile.
type savedUsage struct {
	Bytes   int64
	Counted time.Time // when all files were counted
}

// Usage returns how many bytes are stored, about. It is false while they are being counted for the first time; then the
// number is too small. Files in quarantine and temporary files are not part of it, nor what a file system adds.
func (d *Dir) Usage() (int64, bool) {
	u := &d.usage
	u.mu.Lock()
	defer u.mu.Unlock()
	return max(0, u.known.Bytes+u.change), !u.known.Counted.IsZero()
}

// openUsage reads what is known and starts counting if that is nothing or long ago.
func (d *Dir) openUsage() {
	u := &d.usage
	u.mu.Lock()
	defer u.mu.Unlock()
	u.known, _ = d.readUsage() // not known is counted
	u.saved = d.now()
	d.recountIfStale()
}

func (d *Dir) readUsage() (savedUsage, error) {
	var s savedUsage
	data, err := d.root.ReadFile(usageFile)
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return savedUsage{}, err
	}
	return s, nil
}

// addUsage notes that n bytes were added.
func (d *Dir) addUsage(n int64) {
	u := &d.usage
	u.mu.Lock()
	defer u.mu.Unlock()
	u.change += n
	u.total += n
	if age := d.now().Sub(u.saved); age >= 0 && age < saveEvery || u.closed {
		return
	}
	_ = d.saveUsage() // it is tried again, and counted anew if that never works
	d.recountIfStale()
}

// saveUsage adds the change to what is saved. The mutex is held.
func (d *Dir) saveUsage() error {
	u := &d.usage
	s, err := d.readUsage()
	if err != nil || s.Counted.Before(u.known.Counted) {
		s = u.known
	}
	return d.addToUsage(s)
}

// addToUsage saves s with the change added. The mutex is held.
func (d *Dir) addToUsage(s savedUsage) error {
	u := &d.usage
	u.saved = d.now()
	if s.Counted.IsZero() {
		return nil // a number without a beginning is no use
	}
	s.Bytes += u.change
	if err := d.writeUsage(s); err != nil {
		return err
	}
	u.known, u.change = s, 0
	return nil
}

// writeUsage replaces the file, without a sync: if a crash tears it, it is counted anew.
func (d *Dir) writeUsage(s savedUsage) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err // unreachable: it is a struct of numbers
	}
	name := path.Join(d.own.folder, usageFile)
	if err := d.root.WriteFile(name, append(data, '\n'), 0o644); err != nil {
		return err
	}
	return d.root.Rename(name, usageFile)
}

// recountIfStale starts counting in the background, unless that is not needed or happening. The mutex is held.
func (d *Dir) recountIfStale() {
	u := &d.usage
	age := d.now().Sub(u.known.Counted)
	if age >= 0 && age < recountAfter || u.counting || u.closed {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	u.counting, u.stop = true, stop
	u.jobs.Go(func() {
		defer stop()
		_ = d.count(ctx, func(Entry) {}) // a Put tries again, a minute later at the earliest
		u.mu.Lock()
		defer u.mu.Unlock()
		u.counting = false
	})
}

// count goes over all files, calls each with them, and makes their number of bytes the usage. What is put or removed
// meanwhile may be counted twice or not at all.
func (d *Dir) count(ctx context.Context, each func(Entry)) error {
	u := &d.usage
	u.mu.Lock()
	start := u.total
	u.mu.Unlock()
	var bytes int64
	for e, err := range d.List(ctx, "") {
		if err != nil {
			return err
		}
		bytes += e.Size
		each(e)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.known = savedUsage{Bytes: bytes, Counted: d.now().UTC()}
	u.change = u.total - start
	_ = d.addToUsage(u.known) // as in addUsage
	return nil
}

// closeUsage ends counting and saves the change.
func (d *Dir) closeUsage() error {
	u := &d.usage
	u.mu.Lock()
	u.closed = true
	if u.stop != nil {
		u.stop()
	}
	u.mu.Unlock()
	u.jobs.Wait()
	u.mu.Lock()
	defer u.mu.Unlock()
	return d.saveUsage()
}
