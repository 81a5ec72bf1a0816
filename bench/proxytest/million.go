//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/goready/goready/bench/proxytest/load"
)

const (
	smallStore = 1000 // versions
	perModule  = 50   // versions of a module in these stores
	hotKeys    = 500
)

// bigStore is a store of synthetic versions, whose content follows from their numbers.
type bigStore struct {
	data     string
	versions int
}

func (s *bigStore) module(i int) string {
	m := i / perModule
	return fmt.Sprintf("mod.example.com/group%d/module%d", m/100, m)
}

func (s *bigStore) version(i int) string { return fmt.Sprintf("v1.%d.0", i%perModule) }

func (s *bigStore) info(i int) []byte {
	return fmt.Appendf(nil, `{"Version":%q,"Time":"2025-01-02T03:%02d:%02dZ","Origin":{"VCS":"git","URL":"https://%s","Hash":"%040x"}}`,
		s.version(i), i/60%60, i%60, s.module(i), i)
}

// gomod returns the go.mod of a version, which is that of all versions of the module.
func (s *bigStore) gomod(i int) []byte { return []byte("module " + s.module(i) + "\n\ngo 1.21\n") }

// write writes the store. It is worth two threads: most of it is the kernel's work.
func (s *bigStore) write(ctx context.Context) error {
	errs := make([]error, 2)
	var wait sync.WaitGroup
	for w := range errs {
		wait.Go(func() {
			for m := w * perModule; m < s.versions && errs[w] == nil; m += len(errs) * perModule {
				if errs[w] = ctx.Err(); errs[w] == nil {
					errs[w] = s.writeModule(m)
				}
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// writeModule writes the versions of one module, from number first on. As files that do not change, their go.mod is one
// file with many names, which saves a minute for a million.
func (s *bigStore) writeModule(first int) error {
	dir := filepath.Join(s.data, "modules", filepath.FromSlash(s.module(first)), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	gomod := s.gomod(first)
	hash, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(gomod))), nil
	})
	if err != nil {
		return err
	}
	name := func(i int, ext string) string { return filepath.Join(dir, s.version(i)+ext) }
	for i := first; i < min(first+perModule, s.versions); i++ {
		if err := os.WriteFile(name(i, ".info"), s.info(i), 0o644); err != nil {
			return err
		}
		for ext, body := range map[string]string{".mod": string(gomod), ".modhash": hash} {
			if i > first && os.Link(name(first, ext), name(i, ext)) == nil {
				continue
			}
			if err := os.WriteFile(name(i, ext), []byte(body), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// requests returns those for the .info and .mod of some versions, each in a random place.
func (s *bigStore) requests(rng *rand.Rand, versions int) []load.Request {
	var out []load.Request
	seen := map[int]bool{}
	for len(seen) < versions {
		i := rng.IntN(s.versions)
		if seen[i] {
			continue
		}
		seen[i] = true
		for _, f := range []struct {
			ext  string
			body []byte
		}{{".info", s.info(i)}, {".mod", s.gomod(i)}} {
			out = append(out, load.Request{Path: urlPath(s.module(i) + "/@v/" + s.version(i) + f.ext), Size: int64(len(f.body)), CRC: load.Sum(f.body)})
		}
	}
	return out
}

// stored is a store that is being served.
type stored struct {
	bigStore
	*goreadyd
	requests         []load.Request
	started, settled time.Duration
	first            sample
	peakMiB          float64
}

// runMillion compares a store of a thousand versions with one of a million: when it starts, when a file is asked for the
// first time, and when it is asked for again.
func (b *bench) runMillion(ctx context.Context) (err error) {
	stores := []*stored{{bigStore: bigStore{filepath.Join(b.dir, "small"), min(smallStore, b.versions)}}, {bigStore: bigStore{filepath.Join(b.dir, "large"), b.versions}}}
	defer func() {
		for _, s := range stores {
			if s.goreadyd != nil {
				err = errors.Join(err, s.stop())
			}
		}
		b.say("removing the stores")
		err = errors.Join(err, removeAll(stores[0].bigStore.data, stores[1].bigStore.data))
		b.say("removed")
	}()
	for _, s := range stores {
		if err := s.write(ctx); err != nil {
			return err
		}
		b.say("a store of %d versions", s.versions)
		s.requests = s.bigStore.requests(newRand(), stores[0].versions)
		if err := b.serveStored(ctx, s); err != nil {
			return err
		}
	}
	hot := stores[0].requests[:min(hotKeys, len(stores[0].requests))]
	rounds, err := interleave(ctx, b.rounds, len(stores), func(i int) (sample, error) {
		return stores[i].under(ctx, load.Config{Requests: stores[i].requests[:len(hot)], Conns: b.conns, Duration: b.duration, Sample: 97})
	})
	if err != nil {
		return err
	}
	return b.reportMillion(stores, rounds)
}

// serveStored starts goreadyd with a store, waits until it is done with what it does in the beginning, and asks for each
// of the requests once.
func (b *bench) serveStored(ctx context.Context, s *stored) error {
	nobody, err := freeAddrs(1)
	if err != nil {
		return err
	}
	if s.goreadyd, err = b.startGoreadyd(ctx, s.bigStore.data, "http://"+nobody[0]); err != nil {
		return err
	}
	s.started = s.goreadyd.started
	if s.settled, err = s.settle(ctx); err != nil {
		return err
	}
	s.first, err = s.under(ctx, load.Config{Requests: s.requests, Conns: 8, Count: len(s.requests), Sample: 1})
	if err == nil {
		err = s.first.FirstError
	}
	return err
}

func (b *bench) reportMillion(stores []*stored, rounds [][]sample) error {
	small, large := stores[0], stores[1]
	part := fmt.Sprintf("%d versions against %d", large.versions, small.versions)
	one := func(name string, number func(*stored) float64, p promise) {
		b.report.add(part, name, []float64{number(large)}, []float64{number(small)}, p)
	}
	one("start until healthy ms", func(s *stored) float64 { return ms(s.started) }, noPromise())
	one("CPU ms after start", func(s *stored) float64 { return ms(s.settled) }, noPromise())
	one("first hit CPU us/request", func(s *stored) float64 { return cpuOf(s.first) }, noPromise())
	one("first hit requests/s", func(s *stored) float64 { return s.first.Rate() }, noPromise())
	b.report.add(part, "warm hit CPU us/request", collect(rounds[1], cpuOf), collect(rounds[0], cpuOf), atMost(1.10))
	b.report.add(part, "warm hit requests/s", collect(rounds[1], rateOf), collect(rounds[0], rateOf), noPromise())
	for _, s := range stores {
		peak, err := s.peak()
		if err != nil {
			return err
		}
		s.peakMiB = float64(peak) / (1 << 20)
	}
	one("peak memory MiB", func(s *stored) float64 { return s.peakMiB }, atMost(1.25))
	b.report.addLoad(fmt.Sprint("warm ", small.versions), "goreadyd", rounds[0])
	b.report.addLoad(fmt.Sprint("warm ", large.versions), "goreadyd", rounds[1])
	return nil
}

// removeAll removes folders with very many files on two threads.
func removeAll(dirs ...string) error {
	var names []string
	for _, dir := range dirs {
		found, err := filepath.Glob(filepath.Join(dir, "modules", "*", "*"))
		if err != nil {
			return err
		}
		names = append(names, found...)
	}
	errs := make([]error, 2)
	var wait sync.WaitGroup
	for w := range errs {
		wait.Go(func() {
			for i := w; i < len(names); i += len(errs) {
				errs[w] = errors.Join(errs[w], os.RemoveAll(names[i]))
			}
		})
	}
	wait.Wait()
	for _, dir := range dirs {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// newRand returns the generator that chooses the keys.
func newRand() *rand.Rand { return rand.New(rand.NewPCG(7, 8)) }
