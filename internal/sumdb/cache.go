package sumdb

import (
	"bytes"
	"container/list"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
)

// lru keeps values by name, the most recently used ones, up to a number of bytes.
type lru[V any] struct {
	max int64

	mu    sync.Mutex // guards what follows
	size  int64
	order *list.List // of *lruEntry[V], the most recently used first
	names map[string]*list.Element
}

type lruEntry[V any] struct {
	name  string
	value V
	size  int64
}

// lruOverhead is about what an entry takes besides its name and value.
const lruOverhead = 200

func newLRU[V any](max int64) *lru[V] {
	return &lru[V]{max: max, order: list.New(), names: map[string]*list.Element{}}
}

func (l *lru[V]) get(name string) (value V, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.names[name]
	if e == nil {
		return value, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*lruEntry[V]).value, true
}

func (l *lru[V]) put(name string, value V, size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.names[name]; e != nil {
		l.remove(e)
	}
	entry := &lruEntry[V]{name, value, int64(size + len(name) + lruOverhead)}
	l.names[name] = l.order.PushFront(entry)
	l.size += entry.size
	for l.size > l.max {
		l.remove(l.order.Back())
	}
}

// remove requires l.mu.
func (l *lru[V]) remove(e *list.Element) {
	entry := l.order.Remove(e).(*lruEntry[V])
	delete(l.names, entry.name)
	l.size -= entry.size
}

// cache keeps proved files in memory and in a folder. A file is written beside and renamed, but not synced: one that a
// crash took away or tore does not have the right checksum, and can be had again.
type cache struct {
	mem *lru[[]byte]
	dir string // "" for none
	key string // of the database
	log *slog.Logger
	// full is true while files cannot be written, so that an outage of the disk is logged once.
	full atomic.Bool
}

// tempDir holds files that are being written, in a cache folder.
const tempDir = "tmp"

func openCache(dir, key string, memory int64, log *slog.Logger) (*cache, error) {
	c := &cache{mem: newLRU[[]byte](memory), dir: dir, key: key, log: log}
	if dir == "" {
		return c, nil
	}
	temp := filepath.Join(dir, tempDir)
	if err := os.RemoveAll(temp); err != nil {
		return nil, fmt.Errorf("cache of the checksum database: %w", err)
	}
	if err := os.MkdirAll(temp, 0o755); err != nil {
		return nil, fmt.Errorf("cache of the checksum database: %w", err)
	}
	return c, nil
}

// memory returns a file if it is in memory. Nobody may change it.
func (c *cache) memory(name string) ([]byte, bool) { return c.mem.get(name) }

// get returns a file. Nobody may change it.
func (c *cache) get(name string) ([]byte, bool) {
	if data, ok := c.mem.get(name); ok {
		return data, true
	}
	data, ok := c.read(name)
	if ok {
		c.mem.put(name, data, len(data))
	}
	return data, ok
}

// read returns a file from the folder.
func (c *cache) read(name string) ([]byte, bool) {
	if c.dir == "" {
		return nil, false
	}
	f, err := os.Open(c.file(name))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.log.Warn("cached file of the checksum database not read", "error", err)
		}
		return nil, false
	}
	sealed, err := io.ReadAll(io.LimitReader(f, maxData+sha256.Size))
	if err = errors.Join(err, f.Close()); err != nil {
		c.log.Warn("cached file of the checksum database not read", "error", err)
		return nil, false
	}
	size := len(sealed) - sha256.Size
	if size < 0 || !bytes.Equal(sealed, c.seal(name, sealed[:size:size])) {
		c.log.Warn("cached file of the checksum database is damaged, or of another key; it is not used", "file", f.Name())
		return nil, false
	}
	return sealed[:size:size], true
}

// put stores a file. If it cannot be written it is in memory only.
func (c *cache) put(name string, data []byte) {
	c.mem.put(name, data, len(data))
	if c.dir == "" {
		return
	}
	err := c.write(c.file(name), c.seal(name, data))
	if failing := err != nil; c.full.Swap(failing) != failing && failing {
		c.log.Warn("file of the checksum database not cached; the next that cannot be are not logged", "error", err)
	}
}

// putTile stores a tile unless a wider one is there.
func (c *cache) putTile(name string, data []byte) {
	if old, ok := c.get(name); !ok || !bytes.HasPrefix(old, data) {
		c.put(name, data)
	}
}

func (c *cache) write(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Join(c.dir, tempDir), "")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.MkdirAll(filepath.Dir(name), 0o755)
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// seal returns data with the checksum that it has under a name and the key of the database.
func (c *cache) seal(name string, data []byte) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", c.key, name)
	h.Write(data)
	return h.Sum(slices.Clip(data))
}

func (c *cache) file(name string) string { return filepath.Join(c.dir, filepath.FromSlash(name)) }

// trim removes the oldest files. There may be millions: it goes over the folder twice, counting what is of which hour,
// instead of holding all names.
func (c *cache) trim(ctx context.Context, max int64) (left int64, err error) {
	if c.dir == "" {
		return 0, nil
	}
	hours := map[int64]int64{} // bytes of the files of an hour
	err = c.walk(ctx, func(_ string, hour, size int64) error {
		hours[hour] += size
		left += size
		return nil
	})
	excess := left - max
	if err != nil || excess <= 0 {
		return left, err
	}
	var last int64
	for _, last = range slices.Sorted(maps.Keys(hours)) {
		if excess -= hours[last]; excess <= 0 {
			break
		}
	}
	err = c.walk(ctx, func(name string, hour, size int64) error {
		if hour > last || hour == last && left <= max {
			return nil
		}
		left -= size
		return os.Remove(name)
	})
	return left, err
}

// walk calls f for all files that can be fetched again, until it fails.
func (c *cache) walk(ctx context.Context, f func(name string, hour, size int64) error) error {
	return filepath.WalkDir(c.dir, func(name string, e fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if e.IsDir() {
			if name == filepath.Join(c.dir, tempDir) {
				return fs.SkipDir
			}
			return nil
		}
		if name == c.file(headFile) {
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // replaced meanwhile
		}
		if err != nil {
			return err
		}
		return f(name, info.ModTime().Unix()/3600, info.Size())
	})
}
