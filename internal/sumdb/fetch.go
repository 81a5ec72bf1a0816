package sumdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// flights makes requests for the same thing at the same time one request. The zero value is ready for use.
type flights[T any] struct {
	mu sync.Mutex
	m  map[string]*flight[T] // guarded by mu
}

type flight[T any] struct {
	done  chan struct{} // closed when value and err are there
	value T
	err   error
}

// do returns what fn returns, which may have been called for somebody else. It leaves when ctx ends; fn goes on, until
// limit, for the others and for the cache. Nothing is remembered after fn has returned.
func (g *flights[T]) do(ctx context.Context, key string, limit time.Duration, fn func(context.Context) (T, error)) (T, error) {
	g.mu.Lock()
	f := g.m[key]
	if f == nil {
		f = &flight[T]{done: make(chan struct{})}
		if g.m == nil {
			g.m = map[string]*flight[T]{}
		}
		g.m[key] = f
		go g.run(context.WithoutCancel(ctx), key, f, limit, fn)
	}
	g.mu.Unlock()
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var none T
		return none, noAnswer(ctx.Err())
	}
}

func (g *flights[T]) run(ctx context.Context, key string, f *flight[T], limit time.Duration, fn func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	f.value, f.err = fn(ctx)
	g.mu.Lock()
	delete(g.m, key)
	g.mu.Unlock()
	close(f.done)
}

// fetch asks the remote for a path. Its errors are fs.ErrNotExist or ErrUnavailable.
func (d *DB) fetch(ctx context.Context, path string, max int64) ([]byte, error) {
	return d.fetches.do(ctx, path, d.cfg.Timeout, func(ctx context.Context) ([]byte, error) {
		r, err := d.remote(ctx)
		if err != nil {
			return nil, err
		}
		data, err := r.Get(ctx, path, max)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, err
		case err != nil:
			return nil, noAnswer(err)
		case int64(len(data)) > max:
			return nil, garbled(path, fmt.Errorf("longer than %d bytes", max))
		}
		return data, nil
	})
}

// fetchTile fetches a tile, unproved. If a tile is not there that is not full, it should be because it is full now.
func (d *DB) fetchTile(ctx context.Context, t tlog.Tile) ([]byte, error) {
	data, err := d.fetch(ctx, t.Path(), maxTile(t))
	got := t
	if full := fullTile(t); errors.Is(err, fs.ErrNotExist) && t != full {
		got = full
		data, err = d.fetch(ctx, full.Path(), maxTile(full))
	}
	if err != nil {
		return nil, err
	}
	if !whole(got, data) {
		return nil, garbled(got.Path(), fmt.Errorf("a tile of another size, of %d bytes", len(data)))
	}
	data, _ = beginning(t, data)
	return data, nil
}

// remote returns who is to be asked. The choice is remembered, but not for ever: what a proxy supports may change. If
// it cannot be made anew, the old one stands.
func (d *DB) remote(ctx context.Context) (Remote, error) {
	d.mu.Lock()
	route, fresh := d.route, d.route != nil && d.cfg.Now().Sub(d.routed) < routeTTL
	d.mu.Unlock()
	if fresh {
		return route, nil
	}
	chosen, err := d.routes.do(ctx, "", d.cfg.Timeout, d.choose)
	if err != nil && route != nil {
		return route, nil
	}
	return chosen, err
}

// choose asks the proxies, in order, whether they support the database.
func (d *DB) choose(ctx context.Context) (Remote, error) {
	chosen := d.cfg.Direct
	for _, p := range d.cfg.Proxies {
		_, err := p.Get(ctx, "supported", maxHead)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, noAnswer(fmt.Errorf("supported: %w", err))
		}
		chosen = p
		break
	}
	if chosen == nil {
		return nil, noAnswer(errors.New("no proxy supports it, and it is not asked directly"))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.route, d.routed = chosen, d.cfg.Now()
	return chosen, nil
}
