package sumdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/tlog"
)

// prover reads the tiles that the proofs of one request need. It is the tlog.TileReader of all of them, so that a tile
// is fetched once, and keeps what was fetched from the cache until all proofs are done: a tile may be proved to be in a
// tree that then turns out to be a fork.
type prover struct {
	name  string
	cache *cache // nil: everything is fetched
	fetch func(tlog.Tile) ([]byte, error)

	mu      sync.Mutex // guards what follows: tiles are read concurrently
	fetched map[tlog.Tile][]byte
	proved  map[tlog.Tile][]byte // those of fetched that are in a tree
	cached  bool                 // a tile came from the cache
}

// proved runs do, which proves an answer to the request for path, and stores the tiles that do proved if it returns nil.
// A security error is logged here, once, whoever asked: a client may keep it to itself.
func (d *DB) proved(ctx context.Context, path string, do func(*prover) error) error {
	p := d.newProver(ctx, d.cache)
	err := do(p)
	if e, ok := errors.AsType[*SecurityError](err); ok && e.Evidence == "" && p.cached {
		// The tiles of a fork do not fit to cached ones, which only shows that something is wrong. With its own tiles
		// a fork can be shown to be one. A cached tile that is wrong, which should not be, is replaced.
		p = d.newProver(ctx, nil)
		err = do(p)
	}
	if err == nil {
		p.store(d.cache)
		return nil
	}
	if errors.Is(err, ErrSecurity) {
		d.cfg.Log.ErrorContext(ctx, "checksum database misbehaves", "path", path, "error", err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

func (d *DB) newProver(ctx context.Context, c *cache) *prover {
	return &prover{
		name:    d.cfg.Name,
		cache:   c,
		fetch:   func(t tlog.Tile) ([]byte, error) { return d.fetchTile(ctx, t) },
		fetched: map[tlog.Tile][]byte{},
		proved:  map[tlog.Tile][]byte{},
	}
}

// Height implements tlog.TileReader.
func (p *prover) Height() int { return tileHeight }

// ReadTiles implements tlog.TileReader. Its only error is ErrUnavailable.
func (p *prover) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	errs := make([]error, len(tiles))
	var wg sync.WaitGroup
	for i, t := range tiles {
		if data[i] = p.have(t); data[i] == nil {
			wg.Go(func() { data[i], errs[i] = p.read(t) })
		}
	}
	wg.Wait()
	return data, errors.Join(errs...)
}

// have returns a tile that need not be waited for, or nil.
func (p *prover) have(t tlog.Tile) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if data, ok := p.fetched[t]; ok {
		return data
	}
	if p.cache == nil {
		return nil
	}
	file, _ := p.cache.get(fileOf(t))
	data, ok := beginning(t, file)
	if !ok {
		return nil
	}
	p.cached = true
	return data
}

func (p *prover) read(t tlog.Tile) ([]byte, error) {
	data, err := p.fetch(t)
	if err != nil && !errors.Is(err, ErrUnavailable) {
		// Whoever signed the tree has the tile. That it is missing says nothing about what was asked for, so that the
		// error is not wrapped: it is fs.ErrNotExist.
		return nil, fmt.Errorf("%w: %s is missing: %v", ErrUnavailable, t.Path(), err)
	}
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetched[t] = data
	return data, nil
}

// SaveTiles implements tlog.TileReader.
func (p *prover) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, t := range tiles {
		if _, ok := p.fetched[t]; ok {
			p.proved[t] = data[i]
		}
	}
}

// store puts the proved tiles into the cache.
func (p *prover) store(c *cache) {
	for t, data := range p.proved {
		c.putTile(fileOf(t), data)
	}
}

// distrust returns the error for an answer that cannot be true.
func (p *prover) distrust(format string, args ...any) error {
	return &SecurityError{Name: p.name, Err: fmt.Errorf(format, args...)}
}

// judge sorts an error of tlog: what is not a tile that could not be read is a proof that fails.
func (p *prover) judge(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	return p.distrust("%w", err)
}

// tile returns a hash tile, proved to be in a tree that covers it.
func (p *prover) tile(tree tlog.Tree, t tlog.Tile) ([]byte, error) {
	data, err := tlog.ReadTileData(t, tlog.TileHashReader(tree, p))
	return data, p.judge(err)
}

// record proves that a record is in a tree.
func (p *prover) record(tree tlog.Tree, id int64, text []byte) error {
	if id < 0 || id >= tree.N {
		return p.distrust("there is no record %d in a tree of %d records", id, tree.N)
	}
	hashes, err := tlog.TileHashReader(tree, p).ReadHashes([]int64{tlog.StoredHashIndex(0, id)})
	if err != nil {
		return p.judge(err)
	}
	if hashes[0] != tlog.RecordHash(text) {
		return p.distrust("record %d is not the one in the signed tree", id)
	}
	return nil
}

// extends proves that a tree is what another one was before more records were added.
func (p *prover) extends(newer, older *head) error {
	if older.tree.N == 0 {
		return nil
	}
	tiles := tlog.TileHashReader(newer.tree, p)
	hash, err := tlog.TreeHash(older.tree.N, tiles)
	if err != nil {
		return p.judge(err)
	}
	if hash == older.tree.Hash {
		return nil
	}
	var b strings.Builder
	indent := func(note []byte) string { return strings.ReplaceAll(strings.TrimSpace(string(note)), "\n", "\n\t") }
	fmt.Fprintf(&b, "older tree:\n\t%s\nnewer tree:\n\t%s\n", indent(older.note), indent(newer.note))
	fmt.Fprintf(&b, "the first %d records of the newer tree have the hash %v; proof:", older.tree.N, hash)
	proof, err := tlog.ProveTree(newer.tree.N, older.tree.N, tiles)
	if err != nil {
		return p.judge(err)
	}
	for _, h := range proof {
		fmt.Fprintf(&b, "\n\t%v", h)
	}
	return &SecurityError{Name: p.name, Err: errFork, Evidence: b.String()}
}

var errFork = errors.New("it signed two trees of which neither extends the other")

// hashesOf returns the hashes in the text of a record, which must be of the module version.
func hashesOf(m module.Version, text string) (Hashes, error) {
	var h Hashes
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		for _, found := range []struct {
			hash   *string
			prefix string
		}{
			{&h.Zip, m.Path + " " + m.Version + " "},
			{&h.GoMod, m.Path + " " + m.Version + "/go.mod "},
		} {
			hash, ok := strings.CutPrefix(line, found.prefix)
			if !ok || !strings.HasPrefix(hash, "h1:") {
				continue
			}
			if *found.hash != "" && *found.hash != hash {
				return Hashes{}, fmt.Errorf("a record with two hashes of %s", strings.TrimSpace(found.prefix))
			}
			*found.hash = hash
		}
	}
	if h == (Hashes{}) {
		return Hashes{}, fmt.Errorf("a record without a hash of %v", m)
	}
	return h, nil
}
