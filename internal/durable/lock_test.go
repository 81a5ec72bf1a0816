package durable

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	first, second := open(), open()
	if err := Lock(first); err != nil {
		t.Fatal(err)
	}
	if locked, err := TryLock(second); locked || err != nil {
		t.Errorf("TryLock of a locked file = %t, %v", locked, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if locked, err := TryLock(second); !locked || err != nil {
		t.Errorf("TryLock after the lock was closed = %t, %v", locked, err)
	}
	second.Close()
	if locked, err := TryLock(second); locked || err == nil {
		t.Errorf("TryLock of a closed file = %t, %v", locked, err)
	}
}
