package proxy

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// calls runs one function for each key at a time, and lets all who ask for the key meanwhile share its result. The
// function belongs to none of them: it goes on when they leave. No result is kept, be it an error or a value.
type calls[T any] struct {
	mu      sync.Mutex // guards running
	running map[string]*call[T]
	wait    sync.WaitGroup
}

type call[T any] struct {
	done  chan struct{} // closed when value and err are set
	value T
	err   error
}

// start returns the call that runs for key, and whether it was running already. If none was, it runs f, within timeout.
func (c *calls[T]) start(ctx context.Context, key string, timeout time.Duration, f func(context.Context) (T, error)) (k *call[T], joined bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.running[key]; k != nil {
		return k, true
	}
	if c.running == nil {
		c.running = map[string]*call[T]{}
	}
	k = &call[T]{done: make(chan struct{})}
	c.running[key] = k
	c.wait.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		k.value, k.err = protect(ctx, f)
		c.mu.Lock()
		delete(c.running, key)
		c.mu.Unlock()
		close(k.done)
	})
	return k, false
}

// result waits for the call to end, or for ctx.
func (k *call[T]) result(ctx context.Context) (T, error) {
	select {
	case <-k.done:
		return k.value, k.err
	case <-ctx.Done():
		var zero T
		return zero, context.Cause(ctx)
	}
}

// protect turns a panic of f into an error: many wait for it, and none of them caused it.
func protect[T any](ctx context.Context, f func(context.Context) (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f(ctx)
}
