//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/goready/goready/bench/proxytest/load"
)

// fresh is how long goreadyd is told to use an answer that can change without asking again.
const fresh = time.Second

// runOutage fills a cache, waits until lists are no longer fresh, takes upstream away and asks for everything again:
// once with an upstream that refuses connections, and once with one that takes them and says nothing, as behind a dead
// link.
func (b *bench) runOutage(ctx context.Context) error {
	c, err := b.corpus()
	if err != nil {
		return err
	}
	some := *c
	some.mods = c.mods[:min(len(c.mods), 60)]
	some.versions = c.versions[:len(some.mods)*versionsPerModule]
	for _, kind := range []string{"refused", "silent"} {
		slowest, err := b.outage(ctx, kind, c.dir, some.all())
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		b.report.add("outage", "slowest cached answer ms, upstream "+kind, []float64{slowest}, nil, atMost(50))
	}
	return nil
}

// outage returns the time of the slowest answer, in milliseconds.
func (b *bench) outage(ctx context.Context, kind, tree string, requests []load.Request) (slowest float64, err error) {
	srv, addr, err := serveHTTP("127.0.0.1:0", http.FileServer(http.Dir(tree)))
	if err != nil {
		return 0, err
	}
	defer srv.Close()
	data := filepath.Join(b.dir, "outage-"+kind)
	config := data + ".toml"
	if err := os.WriteFile(config, fmt.Appendf(nil, "[cache]\nfresh = %q\n", fresh), 0o644); err != nil {
		return 0, err
	}
	g, err := b.startGoreadyd(ctx, data, "http://"+addr, "--config", config)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, g.stop()) }()
	if err := g.warm(ctx, requests); err != nil {
		return 0, err
	}
	if err := srv.Close(); err != nil {
		return 0, err
	}
	if kind == "silent" {
		l, err := net.Listen("tcp", addr) // the kernel takes connections, and nobody reads what they say
		if err != nil {
			return 0, err
		}
		defer l.Close()
	}
	select {
	case <-time.After(fresh + 200*time.Millisecond):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	s, err := g.under(ctx, load.Config{Requests: requests, Conns: 4, Count: 2 * len(requests), Sample: 1})
	if err == nil {
		err = s.FirstError
	}
	if err != nil {
		return 0, err
	}
	b.say("upstream %s: %d answers, the median took %.2f ms, 99 %% took %.2f ms, the slowest %.2f ms", kind, s.Requests,
		ms(s.Latency.Quantile(0.5)), ms(s.Latency.Quantile(0.99)), ms(s.Latency.Max()))
	return ms(s.Latency.Max()), nil
}
