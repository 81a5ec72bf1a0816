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

// idleFlight is how long a fetch that is less than half done goes on without anybody who wants it.
const idleFlight = 10 * time.Second

// flight is a zip on its way from upstream into the store, which any number of clients follow.
type flight struct {
	cancel context.CancelFunc // ends the fetch

	mu sync.Mutex // guards all below
	flightState
	changed   chan struct{} // closed, and replaced, when the state changes
	tmp       *store.Temp   // once it has begun; closed when it is done and the last follower has left
	followers int
	idle      *time.Timer // will end the fetch, while nobody follows
}

// flightState is what a follower sees at one moment.
type flightState struct {
	begun    bool  // size and from are known
	size     int64 // bytes in all; -1 if upstream does not say
	from     string
	ready    int64 // bytes that may be sent
	verified bool  // all of them may be
	done     bool  // entry or err is set
	entry    *hotEntry
	stored   bool // if not, the file is good all the same, but only for those who follow
	err      error
}

// state returns the present state, and a channel that is closed when it is no longer true.
func (f *flight) state() (flightState, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.flightState, f.changed
}

// update changes the state and tells the followers.
func (f *flight) update(change func(*flightState)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.flightState)
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

// begin makes the growing file known.
func (f *flight) begin(file *upstream.File, tmp *store.Temp) {
	f.update(func(st *flightState) {
		st.begun, st.size, st.from = true, file.Size, file.From
		f.tmp = tmp
	})
}

// open returns a descriptor of its own for a follower.
func (f *flight) open() (*os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file, err := f.tmp.Open()
	if err != nil {
		return nil, &storeError{err}
	}
	return file, nil
}

// enter notes a follower.
func (f *flight) enter() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.followers++
	if f.idle != nil {
		f.idle.Stop()
		f.idle = nil
	}
}

// leave notes that a follower is gone. It is no reason to stop what is half done; who was interrupted often comes again.
func (f *flight) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.followers--
	switch {
	case f.followers > 0:
	case f.done:
		f.closeTemp()
	case f.size < 0 || f.ready < f.size/2:
		f.idle = time.AfterFunc(idleFlight, f.cancel)
	}
}

// finish notes how it ended.
func (f *flight) finish(entry *hotEntry, stored bool, err error) {
	f.update(func(st *flightState) {
		st.done, st.entry, st.stored, st.err = true, entry, stored, err
		if err == nil {
			st.size, st.ready = entry.size, entry.size
		}
		if f.followers == 0 {
			f.closeTemp()
		}
	})
}

// closeTemp is called with mu held.
func (f *flight) closeTemp() {
	if f.tmp != nil {
		f.tmp.Close() // what cannot be removed is swept at the next start
	}
}

// flights are the zips on their way, by key.
type flights struct {
	mu      sync.Mutex // guards running
	running map[string]*flight
	wait    sync.WaitGroup
}

// join makes the caller a follower of the flight of a key, and reports whether it was under way already. If none was, it
// starts one. The caller leaves it.
func (all *flights) join(ctx context.Context, key string, fly func(context.Context, *flight) (*hotEntry, bool, error)) (f *flight, joined bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if f := all.running[key]; f != nil {
		f.enter()
		return f, true
	}
	if all.running == nil {
		all.running = map[string]*flight{}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxFlight)
	f = &flight{cancel: cancel, changed: make(chan struct{}), followers: 1, flightState: flightState{size: -1}}
	all.running[key] = f
	all.wait.Go(func() {
		defer cancel()
		stored := false
		entry, err := protect(ctx, func(ctx context.Context) (e *hotEntry, err error) {
			e, stored, err = fly(ctx, f)
			return e, err
		})
		all.mu.Lock()
		delete(all.running, key)
		all.mu.Unlock()
		f.finish(entry, stored, err)
	})
	return f, false
}

// flying reports whether the key is on its way.
func (all *flights) flying(key string) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.running[key] != nil
}

// fly fetches a zip, lets the followers read it as it grows, verifies it and stores it. stored is false if it is good,
// but the store failed.
func (s *Server) fly(ctx context.Context, r request, f *flight) (entry *hotEntry, stored bool, err error) {
	sums := s.lookUp(ctx, r.mod)
	file, err := s.tenant.source(r.mod.Path).Open(ctx, r.mod, upstream.Zip)
	if err != nil {
		return nil, false, err
	}
	defer file.Close()
	tmp, err := store.MakeTemp(s.store)
	if err != nil {
		return nil, false, &storeError{err}
	}
	f.begin(file, tmp)
	if err := s.receive(r, file, f, tmp, sums); err != nil {
		return nil, false, err
	}
	hash, err := s.verifyZip(ctx, r, tmp.Name(), tmp.Size(), sums)
	if errors.Is(err, errMalformed) && file.Size < 0 {
		err = fmt.Errorf("%w: %w", upstream.ErrUnavailable, err) // it may have been cut off
	}
	if err != nil {
		return nil, false, err
	}
	// Those who have the beginning get the rest now: that it is stored is nothing to them.
	f.update(func(st *flightState) { st.verified, st.size, st.ready = true, tmp.Size(), tmp.Size() })
	if err = s.pin(ctx, r, hash); err == nil {
		err = s.put(ctx, r.store, tmp)
	}
	if errors.Is(err, ErrSecurity) {
		return nil, false, err // another server pinned another one at this moment
	}
	if errors.Is(err, fs.ErrExist) {
		entry, err := s.loadExisting(ctx, r)
		return entry, true, err
	}
	if err != nil {
		s.log.Error("not stored", "key", r.store, "error", err.Error())
	}
	body, err2 := smallBody(tmp)
	return s.newEntry(r, body, tmp.Size(), hash), err == nil, err2
}

// smallBody returns the contents of a zip that is small enough to be kept in memory, else nil.
func smallBody(tmp *store.Temp) ([]byte, error) {
	if tmp.Size() > maxHotZip {
		return nil, nil
	}
	body := make([]byte, tmp.Size())
	if _, err := tmp.ReadAt(body, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, &storeError{err}
	}
	return body, nil
}

// receive appends what upstream sends to tmp, and lets the followers have all but the last 64 KiB. It stops when the
// checksum database says no meanwhile.
func (s *Server) receive(r request, file *upstream.File, f *flight, tmp *store.Temp, sums *call[hashes]) error {
	buf := make([]byte, chunk)
	for {
		n, err := io.ReadAtLeast(file, buf, 1)
		if n > 0 {
			if _, err := tmp.Write(buf[:n]); err != nil {
				return &storeError{err}
			}
			if file.Size >= 0 && tmp.Size() > file.Size {
				return &upstream.Error{From: file.From, Err: fmt.Errorf("%w: more than the %d bytes it announced", upstream.ErrUnavailable, file.Size)}
			}
			if refused := s.refusedBy(r.mod, sums); refused != nil {
				return refused
			}
			if ready := tmp.Size() - holdBack; ready > 0 {
				f.update(func(st *flightState) { st.ready = ready })
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
