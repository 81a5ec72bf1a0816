package sumdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/tlog"
)

// answer is what a request gets.
type answer struct {
	body      []byte
	state     State
	immutable bool
}

// lookup answers a lookup with the record and the signed tree head that came with it. Both stay true, so that they are
// given as they are for ever.
func (d *DB) lookup(ctx context.Context, req request) (answer, error) {
	if data, ok := d.cache.memory(req.file); ok {
		return answer{data, Hit, true}, nil
	}
	if err := d.knownAbsent(req); err != nil {
		return answer{}, err
	}
	return d.answers.do(ctx, req.path, 2*d.cfg.Timeout, func(ctx context.Context) (answer, error) {
		if data, ok := d.cache.get(req.file); ok {
			return answer{data, Hit, true}, nil
		}
		if err := d.knownAbsent(req); err != nil {
			return answer{}, err
		}
		data, err := d.fetch(ctx, req.path, maxLookup)
		if errors.Is(err, fs.ErrNotExist) {
			d.absent.put(req.path, absence{err, d.cfg.Now().Add(d.cfg.NegativeTTL)}, len(err.Error()))
		}
		if err != nil {
			return answer{}, err
		}
		err = d.proved(ctx, req.path, func(p *prover) error { return d.proveLookup(p, req.mod, data) })
		if err != nil {
			return answer{}, err
		}
		d.cache.put(req.file, data)
		return answer{data, Miss, true}, nil
	})
}

// knownAbsent returns what the database said of a record that it did not have a moment ago.
func (d *DB) knownAbsent(req request) error {
	if no, ok := d.absent.get(req.path); ok && d.cfg.Now().Before(no.until) {
		return no.err
	}
	return nil
}

// proveLookup proves all parts of the answer to a lookup.
func (d *DB) proveLookup(p *prover, m module.Version, data []byte) error {
	id, text, msg, err := tlog.ParseRecord(data)
	if err != nil {
		return garbled("record", err)
	}
	h, err := d.merge(p, msg)
	if err != nil {
		return err
	}
	if err := p.record(h.tree, id, text); err != nil {
		return err
	}
	// A go command that is given the record of another module finds nothing to compare with, and is content.
	if _, err := hashesOf(m, string(text)); err != nil {
		return p.distrust("%w", err)
	}
	return nil
}

// tile answers with a tile, which is proved at its full present width and cached so.
func (d *DB) tile(ctx context.Context, req request) (answer, error) {
	file, _ := d.cache.memory(req.file)
	if data, ok := beginning(req.tile, file); ok {
		return answer{data, Hit, true}, nil
	}
	return d.answers.do(ctx, req.path, 2*d.cfg.Timeout, func(ctx context.Context) (answer, error) {
		file, _ := d.cache.get(req.file)
		if data, ok := beginning(req.tile, file); ok {
			return answer{data, Hit, true}, nil
		}
		h, err := d.covering(ctx, req.tile)
		if err != nil {
			return answer{}, err
		}
		if h == nil {
			data, err := d.fetchTile(ctx, req.tile)
			return answer{data, Miss, false}, err
		}
		var data []byte
		err = d.proved(ctx, req.path, func(p *prover) error {
			var err error
			if req.tile.L < 0 {
				data, err = d.proveData(ctx, p, h, req.tile)
			} else {
				data, err = p.tile(h.tree, req.tile)
			}
			return err
		})
		return answer{data, Miss, true}, err
	})
}

// covering returns the largest tree head, asking for the latest if the tree does not have the tile; nil if that does
// not have it either. A remote need not have a latest head: go commands do not ask for it.
func (d *DB) covering(ctx context.Context, t tlog.Tile) (*head, error) {
	h := d.head.Load()
	if covers(h.tree.N, t) {
		return h, nil
	}
	if err := d.refresh(ctx); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if h = d.head.Load(); covers(h.tree.N, t) {
		return h, nil
	}
	return nil, nil
}

// proveData fetches a data tile, as wide as the tree has it, and compares its records with their hashes in the tree.
func (d *DB) proveData(ctx context.Context, p *prover, h *head, t tlog.Tile) ([]byte, error) {
	wide := widest(h.tree.N, t)
	leaves := wide
	leaves.L = 0
	hashes, err := p.tile(h.tree, leaves)
	if err != nil {
		return nil, err
	}
	data, err := d.fetchTile(ctx, wide)
	if err != nil {
		return nil, err
	}
	for i, rest := 0, data; i < wide.W; i++ {
		text, _ := firstRecord(rest) // fetchTile counted them
		rest = rest[len(text)+1:]
		if want := tlog.Hash(hashes[i*tlog.HashSize:][:tlog.HashSize]); tlog.RecordHash(text) != want {
			return nil, p.distrust("record %d of %s is not the one in the signed tree", i, wide.Path())
		}
	}
	d.cache.putTile(fileOf(t), data)
	data, ok := beginning(t, data)
	if !ok {
		return nil, fmt.Errorf("sumdb: %s is not in %s", t.Path(), wide.Path()) // unreachable: it covers it
	}
	return data, nil
}
