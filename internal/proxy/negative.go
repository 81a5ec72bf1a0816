package proxy

import (
	"maps"
	"sync"
	"time"
)

// maxNegative is how many refusals are remembered, of each kind. Each has a key of at most 2 KiB and a text of about one.
const maxNegative = 10_000

// securityPause is how long a file that failed verification is not fetched again.
const securityPause = 5 * time.Minute

// negatives remembers for a short time what does not exist, so that the same question is not asked again and again.
// Errors that are no answers are never remembered.
type negatives struct {
	now func() time.Time

	mu      sync.Mutex // guards entries
	entries map[string]refusal
}

type refusal struct {
	err   error
	until time.Time
}

func (n *negatives) get(key string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	r, ok := n.entries[key]
	if ok && n.now().After(r.until) {
		delete(n.entries, key)
		return nil
	}
	return r.err
}

func (n *negatives) put(key string, err error, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.entries == nil {
		n.entries = map[string]refusal{}
	}
	now := n.now()
	if len(n.entries) >= maxNegative {
		maps.DeleteFunc(n.entries, func(_ string, r refusal) bool { return now.After(r.until) })
	}
	if len(n.entries) >= maxNegative {
		clear(n.entries) // each costs one question to upstream; somebody is making up names
	}
	n.entries[key] = refusal{err, now.Add(d)}
}

func (n *negatives) remove(keys ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, key := range keys {
		delete(n.entries, key)
	}
}
