package proxy

import (
	"fmt"
	"testing"
)

// checkShards demands that the books of a map are right, and returns how many entries and bytes it has.
func checkShards(t *testing.T, h *hotMap) (entries int, bytes int64) {
	t.Helper()
	for i := range h.shards {
		s := &h.shards[i]
		sum := int64(0)
		for place, slot := range s.ring {
			if slot.place != place || s.slots[slot.key] != slot {
				t.Fatalf("slot %d of the ring is that of %q at %d", place, slot.key, slot.place)
			}
			sum += slot.cost()
		}
		if len(s.ring) != len(s.slots) || sum != s.bytes || s.bytes > s.limit {
			t.Fatalf("%d in the ring, %d in the map, %d bytes of %d, counted %d", len(s.ring), len(s.slots), s.bytes, s.limit, sum)
		}
		entries, bytes = entries+len(s.ring), bytes+sum
	}
	return entries, bytes
}

func TestHotMap(t *testing.T) {
	h := newHotMap(1 << 20)
	used := &hotEntry{body: make([]byte, 1000)}
	h.put("used", used)
	for i := range 10_000 {
		key := fmt.Sprint(i)
		h.put(key, &hotEntry{body: make([]byte, 1000)})
		if h.shard(key).slots[key] == nil {
			t.Fatalf("entry %d is gone at once", i)
		}
		if h.get("used") != used {
			t.Fatalf("the entry that is used is gone after %d others", i)
		}
		h.remove(fmt.Sprint(i / 2))
	}
	if n, bytes := checkShards(t, h); n < 300 || bytes < 1<<19 {
		t.Errorf("%d entries, %d bytes: hardly anything is kept", n, bytes)
	}
	h.put("large", &hotEntry{body: make([]byte, 100_000)})
	if h.get("large") != nil {
		t.Error("an entry is kept that would drive out all others")
	}
	for range 100_000 { // the same key again and again
		h.put("again", &hotEntry{})
		h.remove("again")
	}
	checkShards(t, h)
	h.put("used", &hotEntry{body: make([]byte, 2000)})
	checkShards(t, h)
}
