package sumdb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/goready/goready/internal/durable"
)

// headFile is the name of the last tree head in the cache folder.
const headFile = "latest"

// maxRecords keeps the arithmetic of tlog from overflowing, whatever is signed.
const maxRecords = 1 << 48

// head is a signed tree head.
type head struct {
	tree tlog.Tree
	note []byte // nil if nothing was ever signed: the tree is empty
}

// openHead returns the head in a note that the database signed.
func (d *DB) openHead(msg []byte) (*head, error) {
	n, err := note.Open(msg, d.verifiers)
	if err != nil {
		_, unknown := errors.AsType[*note.UnverifiedNoteError](err)
		_, invalid := errors.AsType[*note.InvalidSignatureError](err)
		if unknown || invalid {
			return nil, &SecurityError{Name: d.cfg.Name, Err: err}
		}
		return nil, garbled("tree head", err)
	}
	tree, err := tlog.ParseTree([]byte(n.Text))
	if err != nil {
		return nil, garbled("tree head", err)
	}
	if empty, _ := tlog.TreeHash(0, nil); tree.N > maxRecords || tree.N == 0 && tree.Hash != empty {
		return nil, &SecurityError{Name: d.cfg.Name, Err: fmt.Errorf("there is no tree of %d records and hash %v", tree.N, tree.Hash)}
	}
	return &head{tree: tree, note: msg}, nil
}

// merge checks that a note is a signed head of the same history as the largest tree known, makes it that if it is
// larger, and returns the largest.
func (d *DB) merge(p *prover, msg []byte) (*head, error) {
	h, err := d.openHead(msg)
	if err != nil {
		return nil, err
	}
	for {
		known := d.head.Load()
		if h.tree == known.tree && known.note != nil {
			return known, nil
		}
		if known.note != nil && h.tree.N <= known.tree.N {
			return known, p.extends(known, h)
		}
		if err := p.extends(h, known); err != nil {
			return nil, err
		}
		// Another goroutine may have come first: h is then checked against what that one found.
		if d.head.CompareAndSwap(known, h) {
			d.noteSeen(nil)
			d.saveHead()
			return h, nil
		}
	}
}

// latest answers with the largest tree head known.
func (d *DB) latest(ctx context.Context) (answer, error) {
	d.mu.Lock()
	now := d.cfg.Now()
	fresh, hopeless := now.Sub(d.seen) < d.cfg.HeadTTL, now.Sub(d.headless) < headRetry
	d.mu.Unlock()
	h := d.head.Load()
	switch {
	case h.note == nil:
		if err := d.refresh(ctx); err != nil {
			return answer{}, err
		}
	case fresh:
		return answer{body: h.note, state: Hit}, nil
	case hopeless:
		return answer{body: h.note, state: Stale}, nil
	default:
		// An old head is as true as a new one: who asks shall not wait out an outage.
		wait, cancel := context.WithTimeout(ctx, headWait)
		defer cancel()
		if err := d.refresh(wait); errors.Is(err, ErrSecurity) {
			return answer{}, err
		} else if err != nil {
			return answer{body: h.note, state: Stale}, nil
		}
	}
	return answer{body: d.head.Load().note, state: Miss}, nil
}

// refresh fetches the latest tree head.
func (d *DB) refresh(ctx context.Context) error {
	_, err := d.refreshes.do(ctx, "", 2*d.cfg.Timeout, func(ctx context.Context) (struct{}, error) {
		msg, err := d.fetch(ctx, "latest", maxHead)
		if err == nil {
			err = d.proved(ctx, "latest", func(p *prover) error {
				_, err := d.merge(p, msg)
				return err
			})
		}
		d.noteSeen(err)
		return struct{}{}, err
	})
	return err
}

// noteSeen notes that the largest head known is the latest, or why that could not be found out.
func (d *DB) noteSeen(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		d.seen = d.cfg.Now()
	case !errors.Is(err, ErrSecurity): // that shall be heard by everyone who asks
		d.headless = d.cfg.Now()
	}
}

// loadHead reads the head that saveHead wrote. If there is none, or not a whole one, the history begins anew.
func (d *DB) loadHead() {
	h := &head{}
	h.tree.Hash, _ = tlog.TreeHash(0, nil)
	if msg, ok := d.cache.read(headFile); ok {
		if saved, err := d.openHead(msg); err == nil {
			h = saved
		} else {
			d.cfg.Log.Warn("the last tree head of the checksum database is unusable", "error", err)
		}
	}
	d.head.Store(h)
	d.saved = h
}

// saveHead makes the head on disk the largest known. Unlike a file of the cache it cannot be fetched again, as what was
// known, so that it survives a crash.
func (d *DB) saveHead() {
	if d.cfg.Dir == "" {
		return
	}
	d.saveMu.Lock()
	defer d.saveMu.Unlock()
	h := d.head.Load()
	if h == d.saved {
		return // by who came later, while this one waited
	}
	err := durable.WriteFile(filepath.Join(d.cfg.Dir, headFile), d.cache.seal(headFile, h.note), 0o644)
	if err != nil {
		d.cfg.Log.Warn("tree head of the checksum database not saved", "error", err)
		return
	}
	d.saved = h
}
