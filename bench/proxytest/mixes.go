//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goready/goready/bench/proxytest/load"
)

// sample is one measurement of one server.
type sample struct {
	*load.Result
	serverCPU time.Duration
}

// under sends load to a server and measures what that costs it.
func (p *process) under(ctx context.Context, c load.Config) (sample, error) {
	c.Addr = p.addr
	before, err := p.cpu()
	if err != nil {
		return sample{}, err
	}
	r, err := load.Run(ctx, c)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", p.name, err)
	}
	after, err := p.cpu()
	return sample{r, after - before}, err
}

// interleave measures each of n things in each round, in an order of its own for each round, so that what else goes on
// on the machine hits all. What it returns is by thing and round.
func interleave[T any](ctx context.Context, rounds, n int, measure func(i int) (T, error)) ([][]T, error) {
	rng := rand.New(rand.NewPCG(5, 6))
	out := make([][]T, n)
	for range rounds {
		for _, i := range rng.Perm(n) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			v, err := measure(i)
			if err != nil {
				return nil, err
			}
			out[i] = append(out[i], v)
		}
	}
	return out, nil
}

// collect returns a number of each round.
func collect[T any](rounds []T, number func(T) float64) []float64 {
	var out []float64
	for _, r := range rounds {
		out = append(out, number(r))
	}
	return out
}

func rateOf(s sample) float64       { return s.Rate() }
func throughputOf(s sample) float64 { return s.Throughput() }
func cpuOf(s sample) float64        { return float64(s.serverCPU.Nanoseconds()) / 1000 / float64(s.Requests) }

// mixFigures adds what is promised of a mix, and what it shows besides.
func (r *report) mixFigures(mix string, goreadyd, nginx []sample) {
	rate, cpu := noPromise(), noPromise()
	switch mix {
	case "ci":
		rate, cpu = atLeast(0.95), atMost(1.05)
	case "small":
		rate, cpu = atLeast(0.80), atMost(1.35)
	case "zips":
		r.add(mix, "MB/s", collect(goreadyd, throughputOf), collect(nginx, throughputOf), atLeast(1.00))
	case "developer":
		rate = atLeast(0.90)
	}
	if mix != "zips" {
		r.add(mix, "requests/s", collect(goreadyd, rateOf), collect(nginx, rateOf), rate)
	}
	r.add(mix, "CPU us/request", collect(goreadyd, cpuOf), collect(nginx, cpuOf), cpu)
	wrong := 0
	for _, s := range goreadyd {
		wrong += s.Errors
	}
	r.add(mix, "wrong answers", []float64{float64(wrong)}, nil, atMost(0))
}

// fleet are the servers that have the corpus.
type fleet struct {
	goreadyd *goreadyd
	nginx    *process
	others   []*process
	upstream *http.Server
}

// all returns goreadyd, nginx and the others, in this order.
func (f *fleet) all() []*process {
	return append([]*process{f.goreadyd.process, f.nginx}, f.others...)
}

func (f *fleet) stop() error {
	errs := []error{f.upstream.Close()}
	if f.goreadyd != nil {
		errs = append(errs, f.goreadyd.stop())
	}
	if f.nginx != nil {
		errs = append(errs, f.nginx.stop())
	}
	for _, p := range f.others {
		errs = append(errs, p.stop())
	}
	return errors.Join(errs...)
}

// startFleet starts all servers over one file tree, and asks each for every file once, which it must answer rightly.
func (b *bench) startFleet(ctx context.Context) (f *fleet, err error) {
	c, err := b.corpus()
	if err != nil {
		return nil, err
	}
	f = &fleet{}
	var upstream string
	if f.upstream, upstream, err = serveHTTP("127.0.0.1:0", http.FileServer(http.Dir(c.dir))); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.stop())
		}
	}()
	probe := c.mods[0].list.Path
	if f.nginx, err = b.startNginx(ctx, c.dir, probe); err != nil {
		return nil, err
	}
	for _, name := range b.also {
		p, err := b.startOther(ctx, name, f.nginx.addr, probe)
		if err != nil {
			return nil, err
		}
		f.others = append(f.others, p)
	}
	if f.goreadyd, err = b.startGoreadyd(ctx, filepath.Dir(c.dir), "http://"+upstream); err != nil {
		return nil, err
	}
	for _, p := range f.all() {
		if err := p.warm(ctx, c.all()); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// otherServers are those that are measured on request: nginx as a caching proxy in front of the other nginx, and a
// handler that does nothing but send the files, which is what net/http allows for.
func otherServers() []string { return []string{"nginx-proxy", "net/http"} }

func (b *bench) startOther(ctx context.Context, name, nginx, probe string) (*process, error) {
	if name == "nginx-proxy" {
		return b.startNginxProxy(ctx, nginx, probe)
	}
	return b.startFloor(ctx, b.corp.dir, probe)
}

// warm asks for all that is going to be asked for, and compares all of it with what is right.
func (p *process) warm(ctx context.Context, requests []load.Request) error {
	s, err := p.under(ctx, load.Config{Requests: requests, Conns: 8, Count: len(requests), Sample: 1})
	if err == nil && s.Errors > 0 {
		err = fmt.Errorf("%s: %d of %d answers are wrong, the first: %w", p.name, s.Errors, len(requests), s.FirstError)
	}
	return err
}

func (b *bench) runMixes(ctx context.Context) (err error) {
	f, err := b.startFleet(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	b.say("all servers have answered for the whole corpus")
	for _, mix := range b.mixes {
		config := load.Config{Requests: b.corp.mix(mix), Conns: b.conns, Duration: b.duration, Sample: 97, Drop: b.drop}
		servers := f.all()
		rounds, err := interleave(ctx, b.rounds, len(servers), func(i int) (sample, error) { return servers[i].under(ctx, config) })
		if err != nil {
			return err
		}
		for i, p := range servers {
			b.report.addLoad(mix, p.name, rounds[i])
		}
		b.report.mixFigures(mix, rounds[0], rounds[1])
		if b.profile != "" {
			if err := b.profileMix(ctx, f.goreadyd, mix, config); err != nil {
				return err
			}
		}
		b.say("mix %s", mix)
	}
	return nil
}

// profileMix writes a profile of goreadyd under load.
func (b *bench) profileMix(ctx context.Context, g *goreadyd, mix string, c load.Config) error {
	if err := os.MkdirAll(b.profile, 0o755); err != nil {
		return err
	}
	const seconds = 5
	c.Duration = (seconds + 1) * time.Second
	profiled := make(chan error, 1)
	go func() { profiled <- g.profileTo(ctx, filepath.Join(b.profile, mix+".pprof"), seconds) }()
	_, err := g.under(ctx, c)
	return errors.Join(err, <-profiled)
}

// runURL sends load to a server that somebody else started.
func (b *bench) runURL(ctx context.Context) error {
	addr, ok := strings.CutPrefix(strings.TrimSuffix(b.url, "/"), "http://")
	if !ok {
		return fmt.Errorf("%q does not begin with http://", b.url)
	}
	c, err := b.corpus()
	if err != nil {
		return err
	}
	for _, mix := range b.mixes {
		r, err := load.Run(ctx, load.Config{Addr: addr, Requests: c.mix(mix), Conns: b.conns, Duration: b.duration, Sample: 97, Drop: b.drop})
		if err != nil {
			return err
		}
		if r.Errors > 0 {
			b.say("mix %s: the first wrong answer: %v", mix, r.FirstError)
		}
		b.report.addLoad(mix, addr, []sample{{Result: r}})
	}
	return nil
}
