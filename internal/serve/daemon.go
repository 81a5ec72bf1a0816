package serve

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/goready/goready/internal/proxy"
	"github.com/goready/goready/internal/store"
)

// daemon is "goreadyd serve" while it runs.
type daemon struct {
	program  Program
	flags    *flags
	log      *slog.Logger
	level    *slog.LevelVar
	notify   notifier
	registry *prometheus.Registry
	parts    parts
	maker    sourceMaker
	started  time.Time

	public, admin *httpServer // admin may be nil
	current       current
	draining      atomic.Bool
	reloads       reloads
	retiring      sync.WaitGroup // generations that were replaced
}

// parts are what all generations share.
type parts struct {
	store   *store.Dir
	index   *store.Index
	answers string // a folder
	metrics *proxy.Metrics
	upkeep  *upkeep
	log     *slog.Logger
}

// serve runs the server until a signal ends it.
func (p Program) serve(ctx context.Context, f *flags) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := p.loadUnlessStopped(ctx, f)
	if err != nil {
		return err
	}
	d := &daemon{program: p, flags: f, level: new(slog.LevelVar), notify: newNotifier(), started: time.Now()}
	d.setLevel(c)
	d.log = newLogger(p.Stderr, c.log.format.word, d.level)
	sockets, err := listen(ctx, c)
	if err != nil {
		return err
	}
	defer sockets.release()
	if err := d.open(c); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.parts.close()) }()
	if err := d.first(ctx, c, sockets.public); err != nil {
		return err
	}
	d.listen(c, sockets)
	d.announce()
	return d.run(ctx)
}

// loadUnlessStopped is flags.load, which a signal ends.
func (p Program) loadUnlessStopped(ctx context.Context, f *flags) (*config, error) {
	ctx, stop := p.untilSignal(ctx)
	defer stop()
	c, err := f.load(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return c, err
}

func (d *daemon) setLevel(c *config) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(c.log.level.word)); err != nil {
		panic("serve: " + err.Error()) // unreachable: the words are those of slog
	}
	d.level.Set(l)
}

// newLogger returns the logger of the server. In the format auto people get text and programs JSON.
func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if format == "text" || format == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

// open opens the data folder.
func (d *daemon) open(c *config) error {
	dir := string(c.data)
	hint := "choose a folder that can be written to with --data DIR"
	s, err := store.OpenDir(store.Config{Root: dir, Fast: c.cache.durability.word == "fast"})
	if err != nil {
		return incompletef(hint, "%w", err)
	}
	index, err := store.OpenIndex(dir)
	if err != nil {
		return incompletef(hint, "%w", errors.Join(err, s.Close()))
	}
	d.parts = parts{store: s, index: index, answers: filepath.Join(dir, "answers"), metrics: proxy.NewMetrics(),
		upkeep: newUpkeep(dir, d.started), log: d.log}
	return nil
}

func (p *parts) close() error { return errors.Join(p.index.Close(), p.store.Close()) }

// first makes the first generation current.
func (d *daemon) first(ctx context.Context, c *config, public *listener) error {
	hostname, _ := os.Hostname() // "" is the name of no machine
	addrs := localAddrs()
	d.maker = sourceMaker{
		data: string(c.data), log: d.log,
		agent: fmt.Sprintf("goreadyd/%s (%s)", version(), rand.Text()[:8]),
		own:   func(url string) bool { return leadsTo(public.Addr(), url, hostname, addrs) },
	}
	s, err := d.maker.make(c, nil)
	if err != nil {
		return err
	}
	g, err := d.parts.start(ctx, c, s)
	if err != nil {
		return errors.Join(err, s.drop())
	}
	d.current.p.Store(g)
	d.reloads.succeeded(d.started)
	d.registry = d.newRegistry()
	return nil
}

// listen begins to serve the sockets.
func (d *daemon) listen(c *config, sockets listeners) {
	handler := &public{modules: &d.current, draining: &d.draining, agent: d.maker.agent, writeTimeout: c.limits.writeTimeout.Duration}
	server := func(h http.Handler) *http.Server {
		return &http.Server{
			Handler: h, ReadHeaderTimeout: c.limits.headerTimeout.Duration, IdleTimeout: c.limits.idleTimeout.Duration,
			MaxHeaderBytes: int(c.limits.headerBytes.bytes),
			// No WriteTimeout: a client may take long for a zip as long as it takes some of it.
		}
	}
	s := server(handler)
	if c.tls.cert != "" {
		s.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return d.current.p.Load().cert, nil
		}}
	} else {
		sockets.public.fast = &fast{current: &d.current, draining: &d.draining, agent: d.maker.agent,
			headerTimeout: s.ReadHeaderTimeout, idleTimeout: s.IdleTimeout}
	}
	d.public = startHTTP(sockets.public, s, "public", d.log)
	if sockets.admin != nil {
		d.admin = startHTTP(sockets.admin, server(d.adminHandler()), "admin", d.log)
	}
}

// announce says what is served where: to people in a few lines, to programs as a record.
func (d *daemon) announce() {
	c := d.current.p.Load().config
	admin := off
	if d.admin != nil {
		admin = d.admin.url()
	}
	if isTerminal(d.program.Stderr) {
		fmt.Fprintf(d.program.Stderr, "goreadyd: serves %s from %s, upstream %s, checksum database %s, admin %s\n",
			d.public.url(), c.data, c.upstream.proxy, c.sumdb.database.name(), admin)
		fmt.Fprintf(d.program.Stderr, "goreadyd: use it with: GOPROXY=%s go mod download\n", d.public.url())
	} else {
		d.log.Info("serving", "version", version(), "address", d.public.listener.Addr().String(), "url", d.public.url(), "admin", admin,
			"data", string(c.data), "upstream", c.upstream.proxy.String(), "sumdb", c.sumdb.database.name(),
			"private", string(c.upstream.private), "config", c.origin(), "use", "GOPROXY="+d.public.url()+" go mod download")
	}
	d.warn()
	d.tell(d.notify.ready("serves " + d.public.url()))
}

// warn logs what of the configuration has no effect.
func (d *daemon) warn() {
	for _, o := range d.current.p.Load().sources.omitted {
		d.log.Warn("upstream left out", "upstream", o.Name, "why", o.Why)
	}
}

// tell logs why systemd could not be told something.
func (d *daemon) tell(err error) {
	if err != nil {
		d.log.Warn("systemd not notified", "error", err.Error())
	}
}

// run waits for signals, and for what should not happen.
func (d *daemon) run(ctx context.Context) error {
	var watchdog <-chan time.Time
	if d.notify.watchdog > 0 {
		tick := time.NewTicker(d.notify.watchdog / 2)
		defer tick.Stop()
		watchdog = tick.C
	}
	var admin <-chan error
	if d.admin != nil {
		admin = d.admin.done
	}
	for {
		select {
		case sig := <-d.program.Signals:
			if sig == syscall.SIGHUP {
				d.tell(d.notify.reloading())
				d.reload(ctx)
				d.tell(d.notify.ready("serves " + d.public.url()))
				continue
			}
			return d.end(ctx, sig)
		case err := <-d.public.done:
			return incompletef("", "public listener: %w", err)
		case err := <-admin:
			return incompletef("", "admin listener: %w", err)
		case <-watchdog:
			d.tell(d.notify.alive())
		}
	}
}

// echo is how soon after a signal the same one is taken for its echo: timeout(1), and shells with several programs to
// end, send it to a process and to its group.
const echo = 100 * time.Millisecond

// end drains the server; another signal ends it at once.
func (d *daemon) end(ctx context.Context, sig os.Signal) error {
	d.draining.Store(true)
	d.log.Info("draining", "signal", sig.String())
	ctx, cancel := context.WithTimeout(ctx, d.current.p.Load().config.limits.drainTimeout.Duration)
	defer cancel()
	start, done := time.Now(), make(chan error, 1)
	go func() { done <- d.drain(ctx) }()
	for {
		select {
		case err := <-done:
			return err
		case again := <-d.program.Signals:
			if again == syscall.SIGHUP || again == sig && time.Since(start) < echo {
				continue
			}
			return statusOfSignal(again)
		}
	}
}

// drain ends the server. What takes longer than ctx is broken off, which is no failure: somebody wanted it to end.
func (d *daemon) drain(ctx context.Context) error {
	d.tell(d.notify.stopping())
	start := time.Now()
	err := d.public.drain(ctx)
	if d.admin != nil {
		err = errors.Join(err, d.admin.end(ctx))
	}
	if ctx.Err() == nil {
		err = errors.Join(err, d.current.p.Load().retire(ctx))
		waitFor(ctx, &d.retiring)
	}
	switch ctx.Err() {
	case context.Canceled:
		return err // another signal ended it, and the process ends
	case context.DeadlineExceeded:
		d.log.Warn("requests broken off: they took longer than limits.drain-timeout")
		err = errors.Join(d.public.Close(), d.closeAdmin())
	}
	d.log.Info("stopped", "took", time.Since(start))
	return err
}

// waitFor waits for all of a group, or for ctx.
func waitFor(ctx context.Context, group *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

func (d *daemon) closeAdmin() error {
	if d.admin == nil {
		return nil
	}
	return d.admin.Close()
}

// reload reads the configuration anew and makes it the current one if it is good.
func (d *daemon) reload(ctx context.Context) {
	if err := d.tryReload(ctx); err != nil {
		d.reloads.fail()
		attrs := []any{"error", err.Error()}
		if f, ok := errors.AsType[*failure](err); ok && f.hint != "" {
			attrs = append(attrs, "hint", f.hint)
		}
		d.log.Error("configuration not reloaded: the old one stays", attrs...)
		return
	}
	d.reloads.succeeded(time.Now())
	d.log.Info("configuration reloaded", "config", d.current.p.Load().config.origin())
	d.warn()
}

func (d *daemon) tryReload(ctx context.Context) error {
	c, err := d.flags.load(ctx)
	if err != nil {
		return err
	}
	old := d.current.p.Load()
	if kept := c.keepFixed(old.config); len(kept) > 0 {
		d.log.Warn("options cannot be changed while the server runs: restart it", "options", strings.Join(kept, ", "))
	}
	s := old.sources
	if s.fits(c) {
		s.share()
	} else if s, err = d.maker.make(c, s); err != nil {
		return err
	}
	next, err := d.parts.start(ctx, c, s)
	if err != nil {
		return errors.Join(err, s.drop())
	}
	d.setLevel(c)
	d.current.p.Store(next)
	d.retiring.Go(func() {
		if err := old.retire(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("old configuration not closed", "error", err.Error())
		}
	})
	return nil
}

// keepFixed gives the options that cannot be changed while the server runs the values that they have, and returns the
// names of those that were to be changed.
func (c *config) keepFixed(old *config) []string {
	var kept []string
	before := old.options()
	for i, o := range c.options() {
		was, _ := before[i].value.MarshalText() // no value has an error to return
		is, _ := o.value.MarshalText()
		if !o.fixed || string(is) == string(was) {
			continue
		}
		kept = append(kept, o.name)
		if err := o.value.UnmarshalText(was); err != nil {
			panic("serve: " + err.Error()) // unreachable: it was read before
		}
	}
	if (c.tls.cert == "") != (old.tls.cert == "") {
		kept = append(kept, optCert)
		c.tls = old.tls
	}
	return kept
}
