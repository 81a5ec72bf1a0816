package facts

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/goready/goready/internal/host"
)

// TestOnce: what is asked for by many is built once, and each key on its own.
func TestOnce(t *testing.T) {
	f := gather(t, laptop(nil), Options{Consumers: []string{"current"}})
	var built atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		key := []string{"a", "b"}[i%2]
		wg.Go(func() {
			if got := f.Once(key, func() any { built.Add(1); return key }); got != key {
				t.Errorf("Once(%q) = %v", key, got)
			}
		})
	}
	wg.Wait()
	if n := built.Load(); n != 2 {
		t.Errorf("built %d times, want 2", n)
	}
	plain := &Facts{Platform: host.Platform{OS: "linux"}}
	if got := plain.Once("a", func() any { return 7 }); got != 7 {
		t.Errorf("Facts that were not gathered: %v", got)
	}
}
