//go:build linux

package load

import (
	"math/bits"
	"time"
)

// Histogram counts times, each to within 3 %. The zero value is empty.
type Histogram struct {
	counts [64 << fine]int
	total  int
	max    time.Duration
}

// fine is the number of bits that are kept below the highest one.
const fine = 5

// bucket returns where a time is counted: exactly if it is small, else by its highest bits.
func bucket(d time.Duration) int {
	v := uint64(max(d, 0))
	shift := max(bits.Len64(v)-fine-1, 0)
	return shift<<fine + int(v>>shift)
}

// bound returns the longest time that is counted in a bucket.
func bound(bucket int) time.Duration {
	shift := max(bucket>>fine-1, 0)
	return time.Duration((uint64(bucket-shift<<fine)+1)<<shift - 1)
}

// Add counts a time.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucket(d)]++
	h.total++
	h.max = max(h.max, d)
}

// Count returns how many times were counted.
func (h *Histogram) Count() int { return h.total }

// Max returns the longest of them, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns the time that q, from 0 to 1, of all are not longer than; 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(int(q*float64(h.total)+0.999999), 1)
	seen := 0
	for b, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			return min(bound(b), h.max)
		}
	}
	return h.max
}

// Merge adds what another one counted.
func (h *Histogram) Merge(o *Histogram) {
	for b, n := range o.counts {
		h.counts[b] += n
	}
	h.total += o.total
	h.max = max(h.max, o.max)
}
