package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/goready/goready/internal/proxy"
)

// generation is a configuration and the module proxy that serves by it. It does not change. A request holds the one it
// began with; when it is replaced and the last request has ended, it is closed.
type generation struct {
	config  *config
	server  *proxy.Server
	sources *sources
	cert    *tls.Certificate

	refs       atomic.Int64  // requests, and one as long as it is the current one
	idle       chan struct{} // closed when refs is zero
	stop       context.CancelFunc
	background sync.WaitGroup
}

// start returns a generation that is in use. It ends its background work when ctx ends, or is retired.
func (p parts) start(ctx context.Context, c *config, s *sources) (*generation, error) {
	cert, err := c.certificate()
	if err != nil {
		return nil, err
	}
	ca, limits := &c.cache, &c.limits
	server, err := proxy.New(proxy.Config{
		Tenant: s.tenant(), Store: p.store, AnswerDir: p.answers, Index: p.index,
		Fresh: ca.fresh.Duration, RefreshWait: ca.refreshWait.Duration, StaleFor: ca.stale.Duration, Negative: ca.negative.Duration,
		HotBytes: ca.memory.bytes, MaxRequests: int(limits.requests), MaxPerClient: int(limits.perClient), MaxFetches: int(limits.fetches),
		WriteTimeout: limits.writeTimeout.Duration, MaxBytes: ca.maxSize.bytes,
		Log: p.log, Metrics: p.metrics,
	})
	if err != nil {
		return nil, err
	}
	g := &generation{config: c, server: server, sources: s, cert: cert, idle: make(chan struct{})}
	g.refs.Store(1)
	ctx, g.stop = context.WithCancel(ctx)
	g.background.Go(func() { server.Run(ctx) })
	g.background.Go(func() { p.upkeep.run(ctx, g, p.log) })
	return g, nil
}

// enter holds the generation, unless it is closed already.
func (g *generation) enter() bool {
	for {
		n := g.refs.Load()
		if n == 0 {
			return false
		}
		if g.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// leave ends what enter began.
func (g *generation) leave() {
	if g.refs.Add(-1) == 0 {
		close(g.idle)
	}
}

// retire closes a generation that is not the current one any more, when the last request has left it or ctx ends.
func (g *generation) retire(ctx context.Context) error {
	g.stop()
	g.leave()
	g.background.Wait()
	select {
	case <-g.idle:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	closed := make(chan error, 1)
	go func() { closed <- errors.Join(g.server.Close(), g.sources.drop()) }()
	select {
	case err := <-closed:
		return err
	case <-ctx.Done():
		return context.Cause(ctx) // the process ends, and with it what is left
	}
}

// current holds a pointer to the generation that new requests are served by.
type current struct{ p atomic.Pointer[generation] }

// enter returns the generation for a request. Its leave must be called.
func (c *current) enter() *generation {
	for {
		if g := c.p.Load(); g.enter() {
			return g
		}
		// It was replaced just now; the next one is there already.
	}
}

// ServeHTTP serves a request of the module proxy.
func (c *current) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g := c.enter()
	defer g.leave()
	g.server.ServeHTTP(w, r)
}
