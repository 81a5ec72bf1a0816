package facts

import "sync"

// memo remembers what was computed from Facts.
type memo struct {
	mu    sync.Mutex // guards known
	known map[string]func() any
}

// Once returns what build makes of f, built once for each key: many checks ask for the same values. build must be a pure
// function of f, and the callers must not change what it returns. It is safe for concurrent use.
func (f *Facts) Once(key string, build func() any) any {
	if f.memo == nil {
		return build()
	}
	f.memo.mu.Lock()
	get, ok := f.memo.known[key]
	if !ok {
		get = sync.OnceValue(build)
		f.memo.known[key] = get
	}
	f.memo.mu.Unlock()
	return get()
}
