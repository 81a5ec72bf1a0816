package store_test

import (
	"testing"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Test(t, func(*testing.T) store.Store { return new(store.Memory) })
}

func TestDir(t *testing.T) {
	for _, fast := range []bool{false, true} {
		name := map[bool]string{false: "durable", true: "fast"}[fast]
		t.Run(name, func(t *testing.T) {
			storetest.Test(t, func(t *testing.T) store.Store { return openDir(t, store.Config{Root: t.TempDir(), Fast: fast}) })
		})
	}
}

// TestFaultyIsAStore runs the contract with nothing planned, so that faults are all that Faulty adds.
func TestFaultyIsAStore(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Store {
		none := func(storetest.Op, string) storetest.Fault { return storetest.Fault{} }
		return storetest.Faulty(openDir(t, store.Config{Root: t.TempDir(), Fast: true}), none)
	})
}

func openDir(t testing.TB, cfg store.Config) *store.Dir {
	t.Helper()
	d, err := store.OpenDir(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}
