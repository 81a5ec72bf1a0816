package store

import (
	"context"
	"math/bits"
	"path"
	"time"
)

// EvictConfig says what [Evict] may remove.
type EvictConfig struct {
	// Limit is how many bytes may be stored. Up to there, Evict removes nothing.
	Limit int64
	// LowWater is how many bytes to leave above the limit; 0 means nine tenths of Limit.
	LowWater int64
	// Keep tells of keys that are not to be removed, such as those being served; nil means none. (Who has a file open
	// reads on in any case.)
	Keep func(key string) bool
	// Now tells the time; nil means that of the store.
	Now func() time.Time
}

// EvictResult is what [Evict] found and did.
type EvictResult struct {
	Before, After int64 // bytes stored
	Removed       int   // files
	// Failed is the number of files that could not be removed; LastError is why the last could not.
	Failed    int
	LastError error
}

// evictAge is how old a file has to be for Evict: a younger one may belong to a version that is just being stored.
const evictAge = time.Minute

// Evict removes the files that were used least recently, if more than the limit is stored, until no more than the low
// water is left. It keeps the hashes that files were verified with (.ziphash, .modhash), since they are what a file that
// is fetched again has to agree with.
//
// It goes over the store twice and keeps a table of constant size. The first time it adds up the bytes by age; so it
// knows the age from which on everything goes, and how much of the class of age next to it, of which it removes what it
// meets first. A class is a second up to a minute of age, and 3 % of the age at most above.
//
// Each file stands for itself: a crash in between leaves a store with less in it and nothing to repair. Of a version,
// some files may be gone and others not. Evict syncs nothing: after a crash of the machine, files may be back.
func Evict(ctx context.Context, d *Dir, cfg EvictConfig) (EvictResult, error) {
	e := evictor{dir: d, keep: cfg.Keep, now: d.now()}
	if cfg.Now != nil {
		e.now = cfg.Now()
	}
	var sum int64
	err := d.count(ctx, func(f Entry) {
		sum += f.Size
		if c, ok := e.class(f); ok {
			e.bytes[c] += f.Size
		}
	})
	res := EvictResult{Before: sum, After: sum}
	if err != nil || sum <= cfg.Limit {
		return res, err
	}
	low := cfg.LowWater
	if low == 0 {
		low = cfg.Limit / 10 * 9
	}
	e.cut(sum - low)
	return res, e.remove(ctx, &res)
}

// evictor is one run of Evict.
type evictor struct {
	dir   *Dir
	keep  func(string) bool
	now   time.Time
	bytes [classes]int64 // that may be removed, by class of age
	// All classes from oldest on are removed, and of the class below as long as rest is positive.
	oldest int
	rest   int64
}

// class returns the class of the age of a file that may be removed.
func (e *evictor) class(f Entry) (int, bool) {
	age := e.now.Sub(f.Used)
	if age < evictAge || isSidecar(f.Key) || e.keep != nil && e.keep(f.Key) {
		return 0, false
	}
	return ageClass(age), true
}

// cut sets oldest and rest so that about n bytes are removed.
func (e *evictor) cut(n int64) {
	for e.oldest = classes; e.oldest > 0; e.oldest-- {
		if n <= e.bytes[e.oldest-1] {
			break
		}
		n -= e.bytes[e.oldest-1]
	}
	e.rest = n
}

// remove goes over the store again. Whoever used a file meanwhile has made it younger.
func (e *evictor) remove(ctx context.Context, res *EvictResult) error {
	for f, err := range e.dir.List(ctx, "") {
		if err != nil {
			return err
		}
		c, ok := e.class(f)
		if !ok || c < e.oldest-1 || c == e.oldest-1 && e.rest <= 0 {
			continue
		}
		removed, err := e.dir.remove(path.Join(modules, f.Key))
		if err != nil {
			res.Failed++
			res.LastError = err
		}
		if !removed {
			continue
		}
		res.Removed++
		res.After -= f.Size
		if c == e.oldest-1 {
			e.rest -= f.Size
		}
	}
	return nil
}

// classes is the number of classes of age: the age of 292 years, the longest time.Duration, is in the last.
const classes = 64 + 28*32

// ageClass returns the class of an age: the number of seconds up to a minute, and from then on 32 classes for each
// doubling.
func ageClass(age time.Duration) int {
	s := uint64(max(0, age) / time.Second)
	e := bits.Len64(s >> 6)
	return e<<5 + int(s>>e)
}
