package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/store/storetest"
	"github.com/goready/goready/internal/testreq"
)

// mountTmpfs mounts a file system in memory for the test and returns its folder.
func mountTmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	mount := exec.Command(testreq.Program(t, "mount"), "-t", "tmpfs", "-o", options, "tmpfs", dir)
	if out, err := mount.CombinedOutput(); err != nil {
		testreq.Missing(t, fmt.Sprintf("cannot mount (%v): %s", err, out))
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil { // which also shows that no file is left open
			t.Error("unmount: ", err)
			_ = syscall.Unmount(dir, syscall.MNT_DETACH)
		}
	})
	return dir
}

func readOnly(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk fills a small disk while a file is written, read at the same time and stored.
func TestFullDisk(t *testing.T) {
	root := mountTmpfs(t, "size=1m")
	d, err := store.OpenDir(store.Config{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	defer closeDir(t, d)
	storetest.PutString(t, d, "small/1", "x")

	f := storetest.NewTemp(t, d, "")
	part := []byte(strings.Repeat("0123456789abcdef", 1000))
	for err == nil && f.Size() < 2<<20 {
		_, err = f.Write(part)
	}
	if !errors.Is(err, store.ErrFull) || !errors.Is(err, syscall.ENOSPC) || f.Size() == 0 {
		t.Fatalf("writing 2 MB: %v after %d bytes", err, f.Size())
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, f.Size()-1); err != nil || last[0] != part[(f.Size()-1)%int64(len(part))] {
		t.Errorf("the last byte written is %q, %v", last, err)
	}

	// Everything that needs space fails the same way, and what is there can be read and deleted.
	foreign, err := store.NewTemp(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	if _, err := foreign.Write(part); err != nil {
		t.Fatal(err)
	}
	if err := d.Put(t.Context(), "foreign", foreign); !errors.Is(err, store.ErrFull) {
		t.Errorf("put of a file from elsewhere: %v", err)
	}
	if got, err := storetest.ReadString(t, d, "small/1"); err != nil || got != "x" {
		t.Errorf("get: %q, %v", got, err)
	}
	if _, err := storetest.ReadString(t, d, "foreign"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("get of what was not stored: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Put(t.Context(), "foreign", foreign); err != nil {
		t.Errorf("put again, with space: %v", err)
	}
	if got, err := storetest.ReadString(t, d, "foreign"); err != nil || got != string(part) {
		t.Errorf("stored then: %d bytes, %v", len(got), err)
	}
}

// TestNoInodes has space for contents but not for names.
func TestNoInodes(t *testing.T) {
	root := mountTmpfs(t, "size=1m,nr_inodes=14")
	d, err := store.OpenDir(store.Config{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	defer closeDir(t, d)
	f := storetest.NewTemp(t, d, "x")
	defer f.Close()
	const deep = "a/b/c/d/e/f/g/h/i/j/k/l"
	if err := d.Put(t.Context(), deep, f); !errors.Is(err, store.ErrFull) {
		t.Errorf("put: %v", err)
	}
	if _, err := d.Temp(); !errors.Is(err, store.ErrFull) {
		t.Errorf("temporary file: %v", err)
	}
	if _, err := store.OpenDir(store.Config{Root: root}); !errors.Is(err, store.ErrFull) {
		t.Errorf("open: %v", err)
	}
	if _, err := store.OpenIndex(root); !errors.Is(err, store.ErrFull) {
		t.Errorf("open index: %v", err)
	}
}

// TestFullIndex appends to an index on a full disk: what does not fit is torn, and does no harm later.
func TestFullIndex(t *testing.T) {
	root := mountTmpfs(t, "size=64k")
	x := openIndexUntilEnd(t, root)
	defer x.Close()
	var err error
	n := 0
	for ; err == nil && n < 10_000; n++ {
		err = x.Append("example.com/m", fmt.Sprint(n), time.Now())
	}
	if !errors.Is(err, store.ErrFull) {
		t.Fatalf("after %d entries: %v", n, err)
	}
	if err := syscall.Mount("", root, "", syscall.MS_REMOUNT, "size=1m"); err != nil {
		t.Fatal(err)
	}
	appendVersion(t, x, "example.com/m", "last", time.Now())
	got := versions(since(t, x, time.Time{}, 0))
	if len(got) != n || got[n-2] != fmt.Sprint(n-2) || got[n-1] != "last" {
		t.Errorf("%d entries, want %d: those that were told to be there and the last", len(got), n)
	}
}

func openIndexUntilEnd(t *testing.T, root string) *store.Index {
	t.Helper()
	x, err := store.OpenIndex(root)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestReadOnlyDisk(t *testing.T) {
	root := mountTmpfs(t, "size=1m")
	d, err := store.OpenDir(store.Config{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	storetest.PutString(t, d, "some/file", "x")
	storetest.PutString(t, d, "some/other", "x")
	closeDir(t, d)
	readOnly(t, root)
	_, err = store.OpenDir(store.Config{Root: root})
	if !errors.Is(err, syscall.EROFS) || !strings.HasPrefix(err.Error(), fmt.Sprintf("open store %q: ", root)) {
		t.Errorf("open: %v", err)
	}
}

// TestCannotRemove has a file in the store that the system does not let go.
func TestCannotRemove(t *testing.T) {
	root := mountTmpfs(t, "size=1m")
	later := time.Now().Add(time.Hour)
	d, err := store.OpenDir(store.Config{Root: root, Now: func() time.Time { return later }})
	if err != nil {
		t.Fatal(err)
	}
	defer closeDir(t, d)
	for key, content := range map[string]string{"some/held": "x", "some/other": "xx", "some/third": "xxx"} {
		storetest.PutString(t, d, key, content)
	}
	held := root + "/modules/some/held"
	if err := syscall.Mount(held, held, "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Unmount(held, 0); err != nil {
			t.Error(err)
		}
	}()
	for op, err := range map[string]error{
		"delete": d.Delete(t.Context(), "some/held"), "quarantine": d.Quarantine(t.Context(), "some/held"),
	} {
		if !errors.Is(err, syscall.EBUSY) {
			t.Errorf("%s: %v", op, err)
		}
	}
	res, err := store.Evict(t.Context(), d, store.EvictConfig{Limit: 1})
	if err != nil || res.Failed != 1 || res.Removed != 2 || res.Before != 6 || res.After != 1 || !errors.Is(res.LastError, syscall.EBUSY) {
		t.Errorf("evict: %+v, %v", res, err)
	}
	awaitUsage(t, d, 1)
}
