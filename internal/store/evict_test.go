package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/store/storetest"
)

// aged is a store of files that were used at times of the past.
type aged struct {
	*store.Dir
	t *testing.T
	clock
}

// clock is a clock that a test sets, while the store asks for the time.
type clock struct{ at atomic.Pointer[time.Time] }

func (c *clock) set(at time.Time)        { c.at.Store(&at) }
func (c *clock) now() time.Time          { return *c.at.Load() }
func (c *clock) advance(d time.Duration) { c.set(c.now().Add(d)) }

func newAged(t *testing.T) *aged {
	a := &aged{t: t}
	a.set(day(12, 0, 0, 0))
	a.Dir = openDir(t, store.Config{Root: t.TempDir(), Fast: true, Now: a.now})
	awaitUsage(t, a.Dir, 0) // or the count that begins now counts what is put meanwhile twice
	return a
}

// put stores a file of n bytes that was used some time ago.
func (a *aged) put(key string, n int, age time.Duration) {
	a.t.Helper()
	storetest.PutString(a.t, a.Dir, key, strings.Repeat("x", n))
	a.advance(-age)
	defer a.advance(age)
	if err := a.Touch(a.t.Context(), key); err != nil {
		a.t.Fatal(err)
	}
}

func (a *aged) evict(cfg store.EvictConfig) store.EvictResult {
	a.t.Helper()
	res, err := store.Evict(a.t.Context(), a.Dir, cfg)
	if err != nil {
		a.t.Fatal(err)
	}
	if left := a.bytes(); left != res.After || res.LastError != nil || res.Failed != 0 {
		a.t.Errorf("evicted: %+v; %d bytes are left", res, left)
	}
	if used, known := a.Usage(); used != res.After || !known {
		a.t.Errorf("usage after Evict %d, %v; want %d", used, known, res.After)
	}
	return res
}

func (a *aged) bytes() (n int64) {
	a.t.Helper()
	for e, err := range a.List(a.t.Context(), "") {
		if err != nil {
			a.t.Fatal(err)
		}
		n += e.Size
	}
	return n
}

func TestEvictOldest(t *testing.T) {
	a := newAged(t)
	for i := range 100 {
		a.put(fmt.Sprintf("m%d/@v/v0.0.%d.zip", i%7, i), 1000, time.Duration(100-i)*2*time.Hour)
	}
	if res := a.evict(store.EvictConfig{Limit: 100_000}); res != (store.EvictResult{Before: 100_000, After: 100_000}) {
		t.Errorf("at the limit: %+v", res)
	}
	if res := a.evict(store.EvictConfig{Limit: 99_999, LowWater: 98_500}); res.Removed != 2 || res.Before != 100_000 {
		t.Errorf("above the limit: %+v", res)
	}
	if res := a.evict(store.EvictConfig{Limit: 50_000}); res.Removed != 53 || res.After != 45_000 {
		t.Errorf("without a low water: %+v", res)
	}
	oldest := 0.0
	for e, err := range a.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		oldest = max(oldest, a.now().Sub(e.Used).Hours())
	}
	if oldest > 90*1.04 {
		t.Errorf("the oldest file left is %v hours old, want 90 (or 3%% more)", oldest)
	}
}

func TestEvictKeeps(t *testing.T) {
	a := newAged(t)
	const old = 1000 * time.Hour
	for key, age := range map[string]time.Duration{
		"m/@v/v1.ziphash": old, "m/@v/v1.modhash": old, "m/@v/served.zip": old, "m/@v/young.zip": 50 * time.Second,
		"m/@v/future.zip": -time.Hour, "m/@v/old.zip": old, "m/@v/old.mod": old, "m/@v/old.info": 61 * time.Second,
	} {
		a.put(key, 100, age)
	}
	res := a.evict(store.EvictConfig{Limit: 1, Keep: func(key string) bool { return strings.Contains(key, "served") }})
	if res.Removed != 3 || res.Before != 800 {
		t.Errorf("evicted: %+v", res)
	}
	want := []string{"m/@v/future.zip", "m/@v/served.zip", "m/@v/v1.modhash", "m/@v/v1.ziphash", "m/@v/young.zip"}
	if got := listed(t, a.Dir); !slices.Equal(got, want) {
		t.Errorf("left: %q, want %q", got, want)
	}
	later := a.now().Add(2 * time.Minute)
	if res := a.evict(store.EvictConfig{Limit: 1, Now: func() time.Time { return later }}); res.Removed != 2 {
		t.Errorf("evicted two minutes later: %+v", res)
	}
}

// TestEvictAny evicts from stores of files of any size and age, and checks what must be true of the result.
func TestEvictAny(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		a := newAged(t)
		sizes := map[string]int64{}
		ages := map[string]time.Duration{}
		var biggest int64
		for i := range 1 + r.IntN(60) {
			key := fmt.Sprintf("m%d/@v/%d.zip", r.IntN(5), i)
			age := time.Minute + time.Duration(r.ExpFloat64()*float64(time.Hour))<<r.IntN(14)
			if r.IntN(3) == 0 {
				age = 5 * time.Hour // many of the same age
			}
			sizes[key], ages[key] = int64(r.IntN(5000)), age
			biggest = max(biggest, sizes[key])
			a.put(key, int(sizes[key]), age)
		}
		cfg := store.EvictConfig{Limit: a.bytes() * int64(r.IntN(11)) / 10, Now: a.now}
		cfg.LowWater = max(1, cfg.Limit*int64(r.IntN(11))/10)
		res := a.evict(cfg)
		if res.Before > cfg.Limit && (res.After > cfg.LowWater || res.After+biggest <= cfg.LowWater && res.Removed > 0) {
			t.Fatalf("seed %d: %+v, low water %d, biggest file %d", seed, res, cfg.LowWater, biggest)
		}
		left := map[string]store.Entry{}
		for e := range a.List(t.Context(), "") {
			left[e.Key] = e
		}
		if len(left)+res.Removed != len(sizes) {
			t.Fatalf("seed %d: %d of %d files left after removing %d", seed, len(left), len(sizes), res.Removed)
		}
		for gone, age := range ages {
			if _, ok := left[gone]; ok {
				continue
			}
			for _, e := range left {
				goneEntry := store.Entry{Used: a.now().Add(-age)}
				if e.Used.Before(goneEntry.Used) && !cfg.SameClass(e, goneEntry) {
					t.Fatalf("seed %d: removed a file used %v ago, kept one used %v ago", seed, age, a.now().Sub(e.Used))
				}
			}
		}
	}
}

// TestEvictMeanwhile uses a file between the two times that Evict goes over the store.
func TestEvictMeanwhile(t *testing.T) {
	a := newAged(t)
	for i := range 10 {
		a.put(fmt.Sprint("m/", i), 100, time.Hour)
	}
	asked := 0
	a.evict(store.EvictConfig{Limit: 1, Keep: func(string) bool {
		if asked++; asked == 10 {
			if err := a.Touch(t.Context(), "m/4"); err != nil {
				t.Error(err)
			}
		}
		return false
	}})
	if got := listed(t, a.Dir); !slices.Equal(got, []string{"m/4"}) {
		t.Errorf("left: %q", got)
	}
}

// TestEvictInterrupted stops Evict in the middle, and lets another one finish.
func TestEvictInterrupted(t *testing.T) {
	a := newAged(t)
	for i := range 1000 {
		a.put(fmt.Sprintf("m%d/%d", i%3, i), 10, time.Hour)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	res, err := store.Evict(ctx, a.Dir, store.EvictConfig{Limit: 10, LowWater: 5, Keep: func(string) bool {
		if asked++; asked == 1100 {
			cancel()
		}
		return false
	}})
	if !errors.Is(err, context.Canceled) || res.Removed < 100 || res.Removed >= 1000 || res.After != a.bytes() {
		t.Errorf("interrupted: %+v, %v; %d bytes are left", res, err, a.bytes())
	}
	if res := a.evict(store.EvictConfig{Limit: 10, LowWater: 5}); res.After != 0 {
		t.Errorf("the next time: %+v", res)
	}
}
