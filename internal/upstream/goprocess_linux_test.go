package upstream

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// As the first process of a container, which inherits the orphans, this one collects what a command leaves behind
// (gomods/athens#1155).
func TestGoCommandLeavesNoZombies(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	before := zombies(t)
	g := newFakeGo(t, "sleep 1000 & sleep 1000 & "+listed, GoCommandConfig{})
	if _, err := g.Versions(t.Context(), "example.com/m"); err != nil {
		t.Error(err)
	}
	g = newFakeGo(t, "sleep 1000 & sleep 1000 & sleep 1000", GoCommandConfig{})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := g.Versions(ctx, "example.com/m")
	wantKind(t, err, "unavailable+deadline")
	if after := zombies(t); after > before {
		t.Errorf("%d zombies more than before", after-before)
	}
}

// zombies counts the children of this process that are dead and not collected.
func zombies(t *testing.T) (n int) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(names) == 0 {
		t.Fatalf("no processes: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // it is gone
		}
		_, rest, _ := strings.Cut(string(data), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[0] == "Z" && f[1] == strconv.Itoa(os.Getpid()) {
			n++
		}
	}
	return n
}
