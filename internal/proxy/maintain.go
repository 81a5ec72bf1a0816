package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
)

// How often the background work looks whether there is something to do.
const (
	evictEvery = time.Minute
	sweepEvery = 6 * time.Hour
)

// scrubPause is the least time between two files that are compared with their hashes, so that scrubbing takes little of
// the machine: a million files take some three hours besides the reading.
const scrubPause = 10 * time.Millisecond

// Run does what has to be done from time to time, until ctx ends: it evicts the least recently used files when the store
// is too large, compares stored files with their hashes, and removes answers that are too old.
func (s *Server) Run(ctx context.Context) {
	var wait sync.WaitGroup
	defer wait.Wait()
	wait.Go(func() { s.every(ctx, evictEvery, s.evict) })
	wait.Go(func() { s.every(ctx, sweepEvery, s.Sweep) })
	if s.config.ScrubEvery > 0 {
		wait.Go(func() { s.every(ctx, s.config.ScrubEvery, s.scrub) })
	}
}

// every calls f after each period, and not while it still runs.
func (s *Server) every(ctx context.Context, period time.Duration, f func(context.Context) error) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := f(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("background work failed", "error", err.Error())
		}
	}
}

// evict removes the least recently used files if the store is larger than its limit.
func (s *Server) evict(ctx context.Context) error {
	d, ok := s.store.(*store.Dir)
	if !ok || s.config.MaxBytes <= 0 {
		return nil
	}
	if n, known := d.Usage(); !known || n <= s.config.MaxBytes {
		return nil
	}
	// What is still in memory of an evicted file stays right.
	done, err := store.Evict(ctx, d, store.EvictConfig{Limit: s.config.MaxBytes, Keep: s.inUse, Now: s.now})
	s.metrics.evictions.Add(float64(done.Removed))
	s.metrics.evictedBytes.Add(float64(done.Before - done.After))
	if done.Removed > 0 {
		s.log.Info("evicted", "files", done.Removed, "bytes", done.Before-done.After)
	}
	if done.Failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d files not evicted: %w", done.Failed, done.LastError))
	}
	return err
}

// inUse reports whether a file is being sent or fetched.
func (s *Server) inUse(key string) bool { return s.serving.serves(key) || s.flights.flying(key) }

// scrub compares all stored files with the hashes they were stored with, and puts away those that are damaged.
func (s *Server) scrub(ctx context.Context) error {
	pause := time.NewTicker(scrubPause)
	defer pause.Stop()
	damaged := 0
	for e, err := range s.store.List(ctx, "") {
		if err != nil {
			return err
		}
		r, ok := requestOf(e.Key)
		if !ok {
			continue
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := s.scrubFile(ctx, r)
		s.metrics.scrubbed.Inc()
		switch {
		case errors.Is(err, ErrSecurity), errors.Is(err, errDamaged):
			damaged++
			s.quarantine(ctx, r.key, err.Error())
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			s.log.Warn("stored file not checked", "key", r.key, "error", err.Error())
		}
	}
	s.log.Info("scrubbed", "damaged", damaged)
	return nil
}

// scrubFile compares a stored file with its hash.
func (s *Server) scrubFile(ctx context.Context, r request) error {
	if r.kind == kindInfo {
		body, err := s.readBytes(ctx, r.key, upstream.MaxInfo)
		if err != nil {
			return err
		}
		return verifyInfo(r.mod, body)
	}
	want, err := s.pinned(ctx, r)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = s.adopt(ctx, r)
		return err
	}
	if err != nil {
		return err
	}
	got, err := s.hashStored(ctx, r)
	if err == nil && got != want {
		err = fmt.Errorf("%w: its hash is %s, it was %s", errDamaged, got, want)
	}
	return err
}

// quarantine puts a damaged file where it can be looked at, so that it is fetched again.
func (s *Server) quarantine(ctx context.Context, key, why string) {
	s.hot.remove("/" + key)
	s.metrics.quarantined.Inc()
	s.log.Error("stored file is damaged: put away", "key", key, "why", why)
	var err error
	if q, ok := s.store.(interface {
		Quarantine(ctx context.Context, key string) error
	}); ok {
		err = q.Quarantine(ctx, key)
	} else {
		err = s.store.Delete(ctx, key)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Error("damaged file not put away", "key", key, "error", err.Error())
	}
}

// serving counts who is being served which file.
type serving struct {
	mu   sync.Mutex // guards keys
	keys map[string]int
}

// enter notes that key is being served, until the function it returns is called.
func (s *serving) enter(key string) (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = map[string]int{}
	}
	s.keys[key]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.keys[key]--; s.keys[key] == 0 {
			delete(s.keys, key)
		}
	}
}

func (s *serving) serves(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[key] > 0
}

// Scrub compares all stored files with their hashes now. See [Server.Run].
func (s *Server) Scrub(ctx context.Context) error { return s.scrub(ctx) }

// Sweep removes answers that are too old to be used, now. See [Server.Run].
func (s *Server) Sweep(ctx context.Context) error {
	return s.answers.sweep(ctx, s.now().Add(-s.config.StaleFor-s.config.Fresh))
}

// CheckStore returns nil if files can be stored at this moment.
func (s *Server) CheckStore() error {
	tmp, err := store.MakeTemp(s.store)
	if err != nil {
		return err
	}
	defer tmp.Close()
	if _, err := io.WriteString(tmp, "ok"); err != nil {
		return fmt.Errorf("%s: %w", tmp.Name(), err)
	}
	return nil
}
