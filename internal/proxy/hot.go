package proxy

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// maxHotBody is the size of the largest file that is kept in memory, in bytes.
const maxHotBody = 64 << 10

// hotEntry is what is known of a file or an answer, ready to be sent. Only the atomic fields change.
type hotEntry struct {
	kind    kind
	private bool
	body    []byte // nil if it is not in memory: a zip
	size    int64
	etag    string
	// The values of response headers, made once: a header is then an assignment.
	etagHeader, sizeHeader []string
	// until is when an answer that can change is no longer fresh; zero for files.
	until time.Time
	// used is set by each hit and cleared when the entry is passed over instead of removed.
	used atomic.Bool
	// touched is when the store was last told of a use, in Unix seconds.
	touched atomic.Int64
}

// cost is what an entry takes in memory, in bytes, roughly.
func (e *hotEntry) cost(key string) int64 { return int64(len(e.body) + 2*len(key) + 512) }

// hotMap finds entries by the path of the request. It is bounded by bytes: when it is full, entries go that were not
// used since they were last looked at (the clock algorithm), so that a hit takes no lock for writing.
type hotMap struct {
	seed   maphash.Seed
	shards [16]hotShard
}

type hotShard struct {
	mu      sync.RWMutex // guards all below
	entries map[string]*hotEntry
	ring    []string // keys in the order in which they are looked at; some may be gone
	hand    int
	bytes   int64
	limit   int64
}

func newHotMap(limit int64) *hotMap {
	h := &hotMap{seed: maphash.MakeSeed()}
	for i := range h.shards {
		h.shards[i].entries = map[string]*hotEntry{}
		h.shards[i].limit = limit / int64(len(h.shards))
	}
	return h
}

func (h *hotMap) shard(key string) *hotShard {
	return &h.shards[maphash.String(h.seed, key)%uint64(len(h.shards))]
}

// get returns the entry of key or nil.
func (h *hotMap) get(key string) *hotEntry {
	s := h.shard(key)
	s.mu.RLock()
	e := s.entries[key]
	s.mu.RUnlock()
	if e != nil && !e.used.Load() {
		e.used.Store(true)
	}
	return e
}

func (h *hotMap) put(key string, e *hotEntry) {
	s := h.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.entries[key]; old != nil {
		s.bytes -= old.cost(key)
	} else {
		s.ring = append(s.ring, key)
	}
	s.entries[key] = e
	s.bytes += e.cost(key)
	s.evict(key)
}

func (h *hotMap) remove(key string) {
	s := h.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		s.bytes -= e.cost(key)
		delete(s.entries, key)
		// The ring forgets the key when the hand comes by.
	}
}

// evict removes entries other than keep until the shard is within its limit. Twice around is enough: the first time
// clears the marks.
func (s *hotShard) evict(keep string) {
	for steps := 2 * len(s.ring); steps > 0 && len(s.ring) > 0 && (s.bytes > s.limit || len(s.ring) > 2*len(s.entries)+16); steps-- {
		s.hand %= len(s.ring)
		key := s.ring[s.hand]
		e := s.entries[key]
		if e != nil && (key == keep || s.bytes <= s.limit || e.used.Swap(false)) {
			s.hand++
			continue
		}
		if e != nil {
			s.bytes -= e.cost(key)
			delete(s.entries, key)
		}
		last := len(s.ring) - 1
		s.ring[s.hand] = s.ring[last]
		s.ring[last] = ""
		s.ring = s.ring[:last]
	}
}
