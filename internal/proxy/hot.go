package proxy

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// maxHotZip is the size of the largest zip that is kept in memory, in bytes.
const maxHotZip = 64 << 10

// hotEntry is what is known of a file or an answer, ready to be sent. Only the atomic fields change.
type hotEntry struct {
	kind    kind
	private bool
	inStore bool   // body is not in memory: it is sent from the store
	body    []byte // not nil if it is in memory
	size    int64
	// The values of response headers, made once: a header is then an assignment.
	etag, length []string
	// Of answers that can change: when upstream gave it, and when it is no longer fresh. Zero for files.
	at, until time.Time
	// head is what a hit begins with if it does not go through net/http; see [Server.head].
	head atomic.Pointer[[]byte]
	// used is set by each hit and cleared when the entry is passed over instead of removed.
	used atomic.Bool
	// touched is when the store was last told of a use, in Unix seconds.
	touched atomic.Int64
}

// key returns the key in the store of the entry that answers for a path.
func (e *hotEntry) key(path string) string {
	if e.private {
		return privateScope + path[1:]
	}
	return path[1:]
}

// hotMap finds entries by the path of the request. It is bounded by bytes: when it is full, entries go that were not
// used since they were last looked at (the clock algorithm), so that a hit takes no lock for writing.
type hotMap struct {
	seed   maphash.Seed
	shards [16]hotShard
}

type hotShard struct {
	mu    sync.RWMutex // guards all below
	slots map[string]*hotSlot
	ring  []*hotSlot
	hand  int
	bytes int64
	limit int64
}

type hotSlot struct {
	key   string
	entry *hotEntry
	place int // in the ring
}

// cost is what a slot takes in memory, in bytes, roughly.
func (s *hotSlot) cost() int64 { return int64(len(s.entry.body) + 2*len(s.key) + 1024) }

func newHotMap(limit int64) *hotMap {
	h := &hotMap{seed: maphash.MakeSeed()}
	for i := range h.shards {
		h.shards[i].slots = map[string]*hotSlot{}
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
	var e *hotEntry
	if slot := s.slots[key]; slot != nil {
		e = slot.entry
	}
	s.mu.RUnlock()
	if e != nil && !e.used.Load() {
		e.used.Store(true)
	}
	return e
}

// put keeps an entry, unless it is so large that it would drive out many others.
func (h *hotMap) put(key string, e *hotEntry) {
	s := h.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.slots[key]; old != nil {
		s.drop(old)
	}
	slot := &hotSlot{key: key, entry: e, place: len(s.ring)}
	if slot.cost() > s.limit/4 {
		return
	}
	s.slots[key] = slot
	s.ring = append(s.ring, slot)
	s.bytes += slot.cost()
	s.evict(slot)
}

func (h *hotMap) remove(key string) {
	s := h.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if slot := s.slots[key]; slot != nil {
		s.drop(slot)
	}
}

// evict removes slots other than keep until the shard is within its limit. Twice around is enough: the first time clears
// the marks.
func (s *hotShard) evict(keep *hotSlot) {
	for steps := 2 * len(s.ring); steps > 0 && s.bytes > s.limit; steps-- {
		s.hand %= len(s.ring)
		slot := s.ring[s.hand]
		if slot == keep || slot.entry.used.Swap(false) {
			s.hand++
			continue
		}
		s.drop(slot)
	}
}

// drop removes a slot; the last one of the ring takes its place.
func (s *hotShard) drop(slot *hotSlot) {
	s.bytes -= slot.cost()
	delete(s.slots, slot.key)
	last := len(s.ring) - 1
	s.ring[slot.place] = s.ring[last]
	s.ring[slot.place].place = slot.place
	s.ring[last] = nil
	s.ring = s.ring[:last]
}
