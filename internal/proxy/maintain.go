package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
)

// evictEvery is how often it is looked whether the store is too large.
const evictEvery = time.Minute

// scrubPause is the least time between two files that are compared with their hashes, so that scrubbing takes little of
// the machine: a million files take some three hours besides the reading.
const scrubPause = 10 * time.Millisecond

// Run evicts the least recently used files whenever the store is too large, until ctx ends.
func (s *Server) Run(ctx context.Context) {
	tick := time.NewTicker(evictEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.evict(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("eviction failed", "error", err.Error())
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

// Scrub compares all stored files with the hashes they were stored with, and puts away those that are damaged. It takes
// its time.
func (s *Server) Scrub(ctx context.Context) error {
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
		case errors.Is(err, errDamaged):
			damaged++
			s.quarantine(ctx, r.store, err.Error())
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			s.log.Warn("stored file not checked", "key", r.store, "error", err.Error())
		}
	}
	s.log.Info("scrubbed", "damaged", damaged)
	return nil
}

// scrubFile compares a stored file with its hash. One without is left to the first request for it, which verifies it.
func (s *Server) scrubFile(ctx context.Context, r request) error {
	if r.kind == kindInfo {
		body, err := s.readBytes(ctx, r.store, upstream.MaxInfo)
		if err == nil {
			if bad := verifyInfo(r, body); bad != nil {
				err = fmt.Errorf("%w: %w", errDamaged, bad)
			}
		}
		return err
	}
	want, err := s.pinned(ctx, r)
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
	s.hot.remove("/" + strings.TrimPrefix(key, privateScope))
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

// Sweep removes answers that are too old to be used, or too many.
func (s *Server) Sweep(ctx context.Context) error {
	return s.answers.sweep(ctx, s.now(), s.config.StaleFor+s.config.Fresh, maxAnswers)
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
