package serve

import (
	"testing"
	"time"
)

// TestScrubDue: the time of the last scrub outlives the process, and the first is a period after the first start.
func TestScrubDue(t *testing.T) {
	dir, start := t.TempDir(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for _, tt := range []struct {
		at    time.Duration // since the start
		scrub bool          // it is done then
		want  bool
	}{
		{0, false, false}, {6 * day, false, false}, {7 * day, true, true}, {8 * day, false, false}, {14 * day, false, true}, {20 * day, true, true}, {26 * day, false, false},
	} {
		now := start.Add(tt.at)
		u := newUpkeep(dir, now) // as after a restart
		due, err := u.scrubDue(7*day, now)
		if err != nil || due != tt.want {
			t.Errorf("after %s: %v, %v; want %v", tt.at, due, err, tt.want)
		}
		if tt.scrub {
			if err := u.scrubbed(now); err != nil {
				t.Fatal(err)
			}
		}
	}
	if due, err := newUpkeep(dir, start).scrubDue(0, start.Add(365*day)); due || err != nil {
		t.Errorf("off: %v, %v", due, err)
	}
}

// TestTrimDue: once an hour, not at the start.
func TestTrimDue(t *testing.T) {
	start := time.Now()
	u := newUpkeep(t.TempDir(), start)
	for _, tt := range []struct {
		at   time.Duration
		want bool
	}{{0, false}, {59 * time.Minute, false}, {time.Hour, true}, {61 * time.Minute, false}, {2 * time.Hour, true}} {
		if got := u.trimDue(start.Add(tt.at)); got != tt.want {
			t.Errorf("after %s: %v, want %v", tt.at, got, tt.want)
		}
	}
}
