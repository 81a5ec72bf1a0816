package serve

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// upkeepEvery is how often it is looked whether there is something to do.
	upkeepEvery = 10 * time.Minute
	// trimEvery is how often what sources keep on disk is bounded.
	trimEvery = time.Hour
)

// upkeep knows when what has to be done seldom was done last, across reloads and restarts: what is done once a week must
// not wait for a week without either.
type upkeep struct {
	// mark is a file whose time is that of the last scrub, or of the first start.
	mark string

	mu      sync.Mutex // guards trimmed
	trimmed time.Time
}

func newUpkeep(data string, now time.Time) *upkeep {
	return &upkeep{mark: filepath.Join(data, "scrubbed"), trimmed: now}
}

// run does what is due for a generation, until ctx ends.
func (u *upkeep) run(ctx context.Context, g *generation, log *slog.Logger) {
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	for {
		if err := u.do(ctx, g, time.Now()); err != nil && ctx.Err() == nil {
			log.Error("upkeep failed", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (u *upkeep) do(ctx context.Context, g *generation, now time.Time) error {
	var errs []error
	if u.trimDue(now) {
		errs = append(errs, g.sources.trim(ctx), g.server.Sweep(ctx))
	}
	due, err := u.scrubDue(g.config.cache.scrub.Duration, now)
	errs = append(errs, err)
	if due {
		if err = g.server.Scrub(ctx); err == nil { // one that did not come to its end is begun again
			err = u.scrubbed(time.Now())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (u *upkeep) trimDue(now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.Sub(u.trimmed) < trimEvery {
		return false
	}
	u.trimmed = now
	return true
}

// scrubDue reports whether the last scrub was longer ago than period; 0 is never.
func (u *upkeep) scrubDue(period time.Duration, now time.Time) (bool, error) {
	if period == 0 {
		return false, nil
	}
	info, err := os.Stat(u.mark)
	if errors.Is(err, fs.ErrNotExist) {
		return false, u.scrubbed(now) // the first start: there is little to scrub
	}
	return err == nil && now.Sub(info.ModTime()) >= period, err
}

// scrubbed notes that all stored files are good at a time.
func (u *upkeep) scrubbed(at time.Time) error {
	f, err := os.OpenFile(u.mark, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Chtimes(u.mark, at, at))
}
