package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
)

// holdBack is how much of a zip is kept until it has been verified, in bytes. A zip is read from its end.
const holdBack = 64 << 10

// chunk is how much is read from upstream at a time, in bytes.
const chunk = 256 << 10

// maxFlight bounds a fetch of a zip in all; what usually ends a fetch is that nothing arrives for a while.
const maxFlight = 2 * time.Hour

// flight is a zip on its way from upstream into the store, which any number of clients follow.
type flight struct {
	mu      sync.Mutex    // guards all below
	changed chan struct{} // closed, and replaced, when something below changes
	begun   bool          // size, from and tmp are set
	size    int64         // bytes in all; -1 if upstream does not say
	from    string
	tmp     *store.Temp
	ready   int64     // bytes that may be sent; all of them when the zip is verified and stored, as far as it can be
	done    bool      // entry or err is set
	entry   *hotEntry // of the file, stored
	err     error
}

// flightState is what a follower sees at one moment.
type flightState struct {
	begun, done bool
	size, ready int64
	from        string
	entry       *hotEntry
	err         error
}

func newFlight() *flight { return &flight{changed: make(chan struct{})} }

// state returns the present state, and a channel that is closed when it is no longer true.
func (f *flight) state() (flightState, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return flightState{f.begun, f.done, f.size, f.ready, f.from, f.entry, f.err}, f.changed
}

// update changes the state and tells the followers.
func (f *flight) update(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	close(f.changed)
	f.changed = make(chan struct{})
}

// await waits until the state is as wanted, or ctx ends.
func (f *flight) await(ctx context.Context, wanted func(flightState) bool) (flightState, error) {
	for {
		state, changed := f.state()
		if wanted(state) {
			return state, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return state, context.Cause(ctx)
		}
	}
}

// open returns a descriptor of the growing file. It is valid only when the flight has begun.
func (f *flight) open() (*os.File, error) {
	f.mu.Lock()
	tmp := f.tmp
	f.mu.Unlock()
	return tmp.Open()
}

// flights are the zips on their way, by key.
type flights struct {
	mu      sync.Mutex // guards running
	running map[string]*flight
	wait    sync.WaitGroup
}

// join returns the flight of a key, and whether it was under way already. If none was, it starts one.
func (fs *flights) join(ctx context.Context, key string, fly func(context.Context, *flight) (*hotEntry, error)) (f *flight, joined bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.running[key]; f != nil {
		return f, true
	}
	if fs.running == nil {
		fs.running = map[string]*flight{}
	}
	f = newFlight()
	fs.running[key] = f
	fs.wait.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxFlight)
		defer cancel()
		entry, err := protect(ctx, func(ctx context.Context) (*hotEntry, error) { return fly(ctx, f) })
		fs.mu.Lock()
		delete(fs.running, key)
		fs.mu.Unlock()
		f.update(func() {
			f.done, f.entry, f.err = true, entry, err
			if err == nil {
				f.ready = entry.size
			}
		})
		if f.tmp != nil {
			f.tmp.Close() // followers have descriptors of their own
		}
	})
	return f, false
}

// flying reports whether the key is on its way.
func (fs *flights) flying(key string) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.running[key] != nil
}

// fly fetches a zip, lets the followers read it as it grows, verifies it and stores it.
func (s *Server) fly(ctx context.Context, r request, f *flight) (*hotEntry, error) {
	sums := s.lookUp(ctx, r.mod)
	file, err := s.tenant.source(r.mod.Path).Open(ctx, r.mod, upstream.Zip)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	tmp, err := store.MakeTemp(s.store)
	if err != nil {
		return nil, err
	}
	f.update(func() { f.begun, f.size, f.from, f.tmp = true, file.Size, file.From, tmp })
	if err := receive(file, f, tmp); err != nil {
		return nil, err
	}
	hash, err := s.verifyZip(ctx, r, tmp.Name(), sums)
	if err != nil {
		return nil, err
	}
	if err := s.put(ctx, r.key, tmp); err != nil && !errors.Is(err, fs.ErrExist) {
		// It is verified all the same: those who follow get it.
		f.update(func() { f.ready, f.size = tmp.Size(), tmp.Size() })
		return nil, err
	}
	return s.newEntry(r, nil, tmp.Size(), hash), nil
}

// receive appends what upstream sends to tmp, and lets the followers have all but the last 64 KiB.
func receive(file *upstream.File, f *flight, tmp *store.Temp) error {
	buf := make([]byte, chunk)
	for {
		n, err := io.ReadAtLeast(file, buf, 1)
		if n > 0 {
			if _, err := tmp.Write(buf[:n]); err != nil {
				return err
			}
			if ready := tmp.Size() - holdBack; ready > 0 {
				f.update(func() { f.ready = ready })
			}
		}
		switch {
		case err == nil:
		case !errors.Is(err, io.EOF):
			return err
		case file.Size >= 0 && tmp.Size() != file.Size:
			return &upstream.Error{From: file.From, Err: errors.Join(upstream.ErrUnavailable,
				fmt.Errorf("%d bytes of %d: %w", tmp.Size(), file.Size, io.ErrUnexpectedEOF))}
		default:
			return nil
		}
	}
}
