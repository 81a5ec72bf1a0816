//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	"github.com/goready/goready/bench/proxytest/load"
	"github.com/goready/goready/internal/modtest"
)

// bigModule is a module with a large zip.
const bigModule, bigVersion = "mod.example.com/big", "v1.0.0"

// bigUpstream is a proxy that has it.
type bigUpstream struct {
	*modtest.Proxy
	server *http.Server
	addr   string
	zip    load.Request
}

// startBig serves a zip of a little more than size bytes, at so many bytes per second; 0 is no limit.
func startBig(size int, rate float64) (u *bigUpstream, err error) {
	m := &modtest.Modules{}
	m.AddBig(bigModule, bigVersion, size)
	zip, _ := m.Zip(bigModule, bigVersion)
	u = &bigUpstream{Proxy: modtest.NewProxy(m)}
	u.zip = load.Request{Path: "/" + bigModule + "/@v/" + bigVersion + ".zip", Size: int64(len(zip)), CRC: load.Sum(zip)}
	u.server, u.addr, err = serveHTTP("127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rate > 0 {
			w = &paced{ResponseWriter: w, done: r.Context().Done(), rate: rate, began: time.Now()}
		}
		u.ServeHTTP(w, r)
	}))
	return u, err
}

// paced writes no faster than a link with a bandwidth lets through. It goes by the time since the first byte, so that a
// busy machine delays what is sent, but does not narrow the link. It hides io.ReaderFrom.
type paced struct {
	http.ResponseWriter
	done  <-chan struct{} // the client is gone
	rate  float64
	began time.Time
	sent  int
}

func (w *paced) Write(p []byte) (int, error) {
	const atOnce = 64 << 10
	written := 0
	for len(p) > 0 {
		n, err := w.ResponseWriter.Write(p[:min(len(p), atOnce)])
		w.sent, written, p = w.sent+n, written+n, p[n:]
		if err != nil {
			return written, err
		}
		due := w.began.Add(time.Duration(float64(w.sent) / w.rate * float64(time.Second)))
		select {
		case <-time.After(time.Until(due)):
		case <-w.done:
			return written, http.ErrAbortHandler
		}
	}
	return written, nil
}

// coldRun is one stampede, and a download without any proxy just before it.
type coldRun struct {
	fetches, firstByte, last, peakMiB, diskMiB float64
}

// runCold lets many clients ask at once for a large zip that is not there yet.
func (b *bench) runCold(ctx context.Context) error {
	up, err := startBig(b.big<<20, b.rate*1e6)
	if err != nil {
		return err
	}
	defer up.server.Close()
	var runs []coldRun
	for i := range max(b.rounds/2, 1) {
		r, err := b.stampede(ctx, up, filepath.Join(b.dir, fmt.Sprint("cold", i)))
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	part := fmt.Sprintf("cold (%d clients, %d MiB)", b.clients, b.big)
	b.report.add(part, "upstream fetches", collect(runs, func(r coldRun) float64 { return r.fetches }), nil, atMost(1))
	b.report.add(part, "first byte / direct download", collect(runs, func(r coldRun) float64 { return r.firstByte }), nil, atMost(0.05))
	b.report.add(part, "last client / direct download", collect(runs, func(r coldRun) float64 { return r.last }), nil, atMost(1.03))
	b.report.add(part, "peak memory MiB", collect(runs, func(r coldRun) float64 { return r.peakMiB }), nil, atMost(30))
	b.report.add(part, "disk MiB", collect(runs, func(r coldRun) float64 { return r.diskMiB }), nil, atMost(float64(b.big)))
	return nil
}

func (b *bench) stampede(ctx context.Context, up *bigUpstream, data string) (r coldRun, err error) {
	direct, err := load.Run(ctx, load.Config{Addr: up.addr, Requests: []load.Request{up.zip}, Count: 1})
	if err == nil {
		err = direct.FirstError
	}
	if err != nil {
		return r, fmt.Errorf("direct download: %w", err)
	}
	before := up.Count(up.zip.Path)
	g, err := b.startGoreadyd(ctx, data, "http://"+up.addr)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, g.stop()) }()
	s, err := g.under(ctx, load.Config{Requests: []load.Request{up.zip}, Conns: b.clients, Count: b.clients, Sample: b.clients})
	if err == nil {
		err = s.FirstError
	}
	if err != nil {
		return r, err
	}
	peak, err := g.peak()
	if err != nil {
		return r, err
	}
	disk, err := diskUsage(data)
	whole := direct.Latency.Max().Seconds()
	b.say("direct download %.3f s; first byte after %.3f s, last client after %.3f s, CPU %.2f s", whole,
		s.FirstByte.Max().Seconds(), s.Latency.Max().Seconds(), s.serverCPU.Seconds())
	return coldRun{float64(up.Count(up.zip.Path) - before), s.FirstByte.Max().Seconds() / whole, s.Latency.Max().Seconds() / whole,
		float64(peak) / (1 << 20), float64(disk / (1 << 20))}, err
}

// diskUsage returns the bytes that the files below dir take on disk.
func diskUsage(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().IsRegular() {
			sum += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return err
	})
	return sum, err
}

// runMemory fetches a small and a very large module, each with a server of its own: the second must not need more memory.
func (b *bench) runMemory(ctx context.Context) error {
	var peaks []float64
	for i, size := range []int{1, b.memory} {
		peak, err := b.peakFor(ctx, size<<20, filepath.Join(b.dir, fmt.Sprint("memory", i)))
		if err != nil {
			return err
		}
		peaks = append(peaks, peak)
	}
	name := fmt.Sprintf("peak MiB with %d MiB, against 1 MiB", b.memory)
	b.report.add("memory", name, peaks[1:], peaks[:1], atMost(1.25))
	return nil
}

// peakFor returns the most memory that goreadyd needs to fetch and then serve a zip, in MiB.
func (b *bench) peakFor(ctx context.Context, size int, data string) (mib float64, err error) {
	up, err := startBig(size, 0)
	if err != nil {
		return 0, err
	}
	defer up.server.Close()
	g, err := b.startGoreadyd(ctx, data, "http://"+up.addr)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, g.stop()) }()
	for _, want := range []int{1, 4} { // the first from upstream, then some from the store
		s, err := g.under(ctx, load.Config{Requests: []load.Request{up.zip}, Conns: want, Count: want, Sample: 1})
		if err == nil {
			err = s.FirstError
		}
		if err != nil {
			return 0, fmt.Errorf("a zip of %d MiB: %w", size>>20, err)
		}
	}
	peak, err := g.peak()
	return float64(peak) / (1 << 20), err
}
