package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/store/storetest"
)

// awaitUsage waits until the store has counted its files.
func awaitUsage(t *testing.T, d *store.Dir, want int64) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		got, known := d.Usage()
		if known && got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("usage %d, %v; want %d", got, known, want)
		}
		runtime.Gosched()
	}
}

// plant writes a file of n bytes that the store is not told of.
func plant(t *testing.T, root, key string, n int) {
	t.Helper()
	name := filepath.Join(root, "modules", filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, make([]byte, n), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestUsage follows the usage through the life of a store. That files were counted, or not, is seen by those that were
// planted.
func TestUsage(t *testing.T) {
	root := t.TempDir()
	var c clock
	c.set(day(12, 0, 0, 0))
	cfg := store.Config{Root: root, Fast: true, Now: c.now}
	plant(t, root, "planted/a", 1000)
	d := openDir(t, cfg)
	awaitUsage(t, d, 1000)
	storetest.PutString(t, d, "put/a", "12345")
	storetest.PutString(t, d, "put/b", "123")
	_ = d.Put(t.Context(), "put/b", storetest.NewTemp(t, d, "123456789")) // exists
	if err := d.Delete(t.Context(), "put/b"); err != nil {
		t.Fatal(err)
	}
	awaitUsage(t, d, 1005)

	plant(t, root, "planted/b", 2000)
	closeDir(t, d)
	d = openDir(t, cfg)
	awaitUsage(t, d, 1005) // remembered, not counted
	closeDir(t, d)

	c.advance(25 * time.Hour)
	d = openDir(t, cfg)
	awaitUsage(t, d, 3005)
	closeDir(t, d) // waits for the end of counting

	// A process that runs for long counts again too, when it is busy.
	d = openDir(t, cfg)
	plant(t, root, "planted/c", 3000)
	c.advance(25 * time.Hour)
	storetest.PutString(t, d, "put/c", "1")
	awaitUsage(t, d, 6006)
	plant(t, root, "planted/d", 4000)
	c.advance(25 * time.Hour)
	for i := 0; ; i++ { // and again; the first count may not have ended yet
		if got, _ := d.Usage(); got >= 10006 {
			break
		}
		if i > 10_000 {
			t.Fatal("a process counts only once")
		}
		c.advance(2 * time.Minute)
		if err := d.Delete(t.Context(), "put/c"); err != nil {
			t.Fatal(err)
		}
		storetest.PutString(t, d, "put/c", "1")
	}
	closeDir(t, d)

	for name, content := range map[string]string{"torn": `{"Bytes":1`, "empty": "", "zeros": "\x00\x00", "other": "[]"} {
		if err := os.WriteFile(filepath.Join(root, "usage"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		d = openDir(t, cfg)
		t.Log(name)
		awaitUsage(t, d, 10006)
		closeDir(t, d)
	}
}

func closeDir(t *testing.T, d *store.Dir) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestUsageIsShared has two users of one folder, as two processes are. Each learns of the other by the file.
func TestUsageIsShared(t *testing.T) {
	root := t.TempDir()
	var c clock
	c.set(day(12, 0, 0, 0))
	cfg := store.Config{Root: root, Fast: true, Now: c.now}
	one := openDir(t, cfg)
	awaitUsage(t, one, 0)
	two := openDir(t, cfg)
	awaitUsage(t, two, 0)
	for i := range 10 {
		storetest.PutString(t, one, fmt.Sprint("one/", i), "1")
		storetest.PutString(t, two, fmt.Sprint("two/", i), "22")
	}
	awaitUsage(t, one, 10)
	awaitUsage(t, two, 20)
	c.advance(2 * time.Minute)
	storetest.PutString(t, one, "one/last", "1") // saves
	storetest.PutString(t, two, "two/last", "22")
	awaitUsage(t, two, 11+22)
	c.advance(2 * time.Minute)
	if err := one.Delete(t.Context(), "one/last"); err != nil {
		t.Fatal(err)
	}
	awaitUsage(t, one, 10+22)
	closeDir(t, one)
	closeDir(t, two)
	awaitUsage(t, openDir(t, cfg), 32)
}

// TestUsageWhileClosing closes a store that is counting.
func TestUsageWhileClosing(t *testing.T) {
	root := t.TempDir()
	for i := range 2000 {
		plant(t, root, fmt.Sprintf("planted/%d/%d", i%40, i), 1)
	}
	for range 3 {
		d, err := store.OpenDir(store.Config{Root: root})
		if err != nil {
			t.Fatal(err)
		}
		closeDir(t, d)
	}
	awaitUsage(t, openDir(t, store.Config{Root: root}), 2000)
}
