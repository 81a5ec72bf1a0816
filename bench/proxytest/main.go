//go:build linux

// Proxytest measures goreadyd from outside, side by side with nginx, which serves the same files and is the practical
// limit, in one run on one machine, and compares the ratios with what goreadyd promises. It is run by hand and by make
// bench-proxy:
//
//	go run ./bench/proxytest
//
// Its parts are: mixes (warm, four mixes of requests), download (the go command itself), cold (many clients want one
// large module that is not there), memory, outage, and million (a store of a million versions). Each of them makes its
// own processes and files and leaves none behind. A time alone says little on a machine that is shared: figures are
// ratios, taken in rounds whose order is shuffled, and shown with their spread.
//
// With -write and -url it is only the generator of load, for a server that runs already.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// options are the flags.
type options struct {
	parts, mixes     []string
	rounds, conns    int
	duration         time.Duration
	modules          int
	clients, big     int
	rate             float64
	memory, versions int
	goreadyd, nginx  string
	also             []string
	drop             bool
	serveFloor       string
	profile          string
	write, url       string
	json, fail       bool
}

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("proxytest", flag.ContinueOnError)
	f.SetOutput(stderr)
	parts := f.String("parts", strings.Join(partNames(), ","), "what is measured")
	mixes := f.String("mixes", strings.Join(mixNames(), ","), "mixes of requests in the part mixes")
	f.IntVar(&o.rounds, "rounds", 10, "how often each server is measured")
	f.DurationVar(&o.duration, "duration", time.Second, "for how long a server is measured at a time")
	f.IntVar(&o.conns, "conns", 32, "connections of the generator")
	f.IntVar(&o.modules, "modules", 400, "modules in the corpus, of three versions each")
	f.IntVar(&o.clients, "clients", 50, "clients in the part cold")
	f.IntVar(&o.big, "big", 40, "MiB of the module in the part cold")
	f.Float64Var(&o.rate, "rate", 40, "MB/s that upstream sends in the part cold")
	f.IntVar(&o.memory, "memory", 300, "MiB of the module in the part memory")
	f.IntVar(&o.versions, "versions", 1_000_000, "versions in the large store of the part million")
	f.StringVar(&o.goreadyd, "goreadyd", "", "the program to measure, \"\" builds it")
	f.StringVar(&o.nginx, "nginx", "", "the nginx to compare with, \"\" looks for it")
	also := f.String("also", "", "more servers in the part mixes: "+strings.Join(otherServers(), ","))
	f.StringVar(&o.serveFloor, "serve-floor", "", "be the server net/http, at this HOST:PORT, for the folder of -write")
	f.BoolVar(&o.drop, "drop", false, "throw bodies away without reading them, as no client does")
	f.StringVar(&o.profile, "profile", "", "a folder for CPU profiles of goreadyd under each mix")
	f.StringVar(&o.write, "write", "", "only write the corpus, as a GOPROXY file tree, into this folder")
	f.StringVar(&o.url, "url", "", "only send load to this server, such as http://127.0.0.1:8080, which has the corpus of -write")
	f.BoolVar(&o.json, "json", false, "print the results as JSON")
	f.BoolVar(&o.fail, "fail", false, "exit with status 1 if a figure is missed")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.parts, o.mixes = strings.Split(*parts, ","), strings.Split(*mixes, ",")
	if *also != "" {
		o.also = strings.Split(*also, ",")
	}
	return o, o.validate(f.Args())
}

func (o *options) validate(rest []string) error {
	for _, l := range []struct {
		what         string
		given, known []string
	}{{"part", o.parts, partNames()}, {"mix", o.mixes, mixNames()}, {"server", o.also, otherServers()}} {
		for _, name := range l.given {
			if !slices.Contains(l.known, name) {
				return fmt.Errorf("unknown %s %q: there are %s", l.what, name, strings.Join(l.known, ", "))
			}
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("unknown argument %q", rest[0])
	}
	for _, n := range []int{o.rounds, o.conns, o.modules, o.clients, o.big, o.memory, o.versions} {
		if n < 1 {
			return errors.New("numbers are at least 1")
		}
	}
	return nil
}

// run returns the exit status: 2 if something could not be measured, with -fail 1 if a figure is missed.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "proxytest: %v\n", err)
		return 2
	}
	r, err := measure(ctx, o, stderr)
	if r != nil && len(r.Figures)+len(r.Loads) > 0 {
		if e := r.print(stdout, o.json); e != nil && err == nil {
			err = e
		}
	}
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "proxytest: %v\n", err)
		return 2
	case o.fail && r.missed() > 0:
		return 1
	}
	return 0
}

// bench is a run: its options, its folder, the programs it measures and what came out so far.
type bench struct {
	*options
	dir    string // removed at the end
	log    io.Writer
	report *report
	corp   *corpus
}

// part is something that can be measured by itself.
type part struct {
	name string
	run  func(*bench, context.Context) error
}

func allParts() []part {
	return []part{
		{"mixes", (*bench).runMixes},
		{"download", (*bench).runDownload},
		{"cold", (*bench).runCold},
		{"memory", (*bench).runMemory},
		{"outage", (*bench).runOutage},
		{"million", (*bench).runMillion},
	}
}

func partNames() []string {
	var names []string
	for _, p := range allParts() {
		names = append(names, p.name)
	}
	return names
}

// measure does what the options say. The report has what was measured before an error.
func measure(ctx context.Context, o *options, log io.Writer) (*report, error) {
	dir, err := os.MkdirTemp("", "goready-proxytest-")
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, dir: dir, log: log, report: newReport()}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintf(log, "proxytest: %v\n", err)
		}
	}()
	switch {
	case o.serveFloor != "":
		return b.report, serveFloor(ctx, o.serveFloor, o.write)
	case o.write != "":
		_, err := writeCorpus(o.write, o.modules)
		return b.report, err
	case o.url != "":
		return b.report, b.runURL(ctx)
	}
	if err := b.programs(ctx); err != nil {
		return b.report, err
	}
	for _, p := range allParts() {
		if !slices.Contains(o.parts, p.name) {
			continue
		}
		b.say("%s", p.name)
		if err := p.run(b, ctx); err != nil {
			return b.report, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return b.report, ctx.Err()
}

// say tells the user what is going on.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.log, "%7.1f s  %s\n", time.Since(b.report.began).Seconds(), fmt.Sprintf(format, args...))
}

// programs finds nginx and builds goreadyd, as it is shipped.
func (b *bench) programs(ctx context.Context) error {
	if b.nginx == "" && (slices.Contains(b.parts, "mixes") || slices.Contains(b.parts, "download")) {
		var err error
		if b.nginx, err = findNginx(); err != nil {
			return err
		}
	}
	if b.goreadyd != "" {
		return nil
	}
	b.goreadyd = filepath.Join(b.dir, "goreadyd")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", b.goreadyd,
		"github.com/goready/goready/cmd/goreadyd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// findNginx looks where nginx is installed to: users' PATH often leaves out sbin.
func findNginx() (string, error) {
	for _, name := range []string{"nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"} {
		if file, err := exec.LookPath(name); err == nil {
			return file, nil
		}
	}
	return "", errors.New("nginx is not installed (apt-get install nginx-light): " +
		"it is what goreadyd is compared with; -parts cold,memory,outage,million does without")
}

// corpus returns the modules, written at the first call.
func (b *bench) corpus() (*corpus, error) {
	if b.corp == nil {
		var err error
		if b.corp, err = writeCorpus(filepath.Join(b.dir, "corpus", "modules"), b.modules); err != nil {
			return nil, err
		}
		b.say("corpus: %d versions, %.0f MB", len(b.corp.versions), float64(b.corp.bytes)/1e6)
	}
	return b.corp, nil
}
