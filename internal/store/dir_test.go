package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/store/storetest"
)

const someKey = "example.com/m/@v/v1.0.0.zip"

// TestDirIsAProxyTree checks that the files are where GOPROXY=file://…/modules has them, and may be read as the umask
// says.
func TestDirIsAProxyTree(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, store.Config{Root: root})
	storetest.PutString(t, d, someKey, "x")
	name := filepath.Join(root, "modules", filepath.FromSlash(someKey))
	data, err := os.ReadFile(name)
	if err != nil || string(data) != "x" {
		t.Errorf("%s has %q, %v", name, data, err)
	}
	plain := filepath.Join(root, "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, want := mode(t, name), mode(t, plain); got != want {
		t.Errorf("mode %v, want %v", got, want)
	}
	b, err := d.Get(t.Context(), someKey)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, ok := b.ReadSeekCloser.(*os.File); !ok {
		t.Errorf("a blob is read from a %T, want an *os.File, which net/http sends without copying", b.ReadSeekCloser)
	}
}

func mode(t *testing.T, name string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func TestDirWithoutLinks(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Store {
		d := openDir(t, store.Config{Root: t.TempDir(), Fast: true})
		store.WithoutLinks(d)
		return d
	})
	t.Run("temp_after_put", func(t *testing.T) {
		d := openDir(t, store.Config{Root: t.TempDir(), Fast: true})
		store.WithoutLinks(d)
		f := storetest.NewTemp(t, d, "x")
		if err := d.Put(t.Context(), someKey, f); err != nil {
			t.Fatal(err)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := storetest.ReadString(t, d, someKey); err != nil || got != "x" {
			t.Errorf("after Close: %q, %v", got, err)
		}
	})
}

// TestDirStaysInside plants symbolic links in the tree that lead out of it.
func TestDirStaysInside(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	d := openDir(t, store.Config{Root: root})
	modules := filepath.Join(root, "modules")
	storetest.PutString(t, d, "inside/file", "inside")
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(secret, old, old); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"folder": outside, "file": secret, "up": "../../..", "absolute": "/", "within": "inside", "dangling": filepath.Join(outside, "new"),
	} {
		if err := os.Symlink(target, filepath.Join(modules, name)); err != nil {
			t.Skip("no symbolic links: ", err)
		}
	}
	for _, key := range []string{"folder/secret", "file", "up" + filepath.ToSlash(secret), "absolute" + filepath.ToSlash(secret)} {
		if got, err := storetest.ReadString(t, d, key); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get %q: %q, %v; want an error that does not say that it is absent", key, got, err)
		}
		_ = d.Touch(t.Context(), key)
	}
	for _, key := range []string{"folder/secret", "up" + filepath.ToSlash(secret), "folder/new", "folder/a/new", "dangling"} {
		if err := d.Put(t.Context(), key, storetest.NewTemp(t, d, "x")); err == nil {
			t.Errorf("put %q succeeds", key)
		}
		if key != "dangling" {
			if err := d.Delete(t.Context(), key); err == nil {
				t.Errorf("delete %q succeeds", key)
			}
			if err := d.Quarantine(t.Context(), key); err == nil {
				t.Errorf("quarantine %q succeeds", key)
			}
		}
	}
	if got := listed(t, d); !slices.Equal(got, []string{"inside/file"}) {
		t.Errorf("list: %q", got)
	}
	if got, err := storetest.ReadString(t, d, "within/file"); err != nil || got != "inside" {
		t.Errorf("a link that stays inside: %q, %v", got, err)
	}
	info, err := os.Stat(secret)
	if err != nil || !info.ModTime().Equal(old) {
		t.Errorf("the file outside was touched at %v, %v", info.ModTime(), err)
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) != 1 {
		t.Errorf("outside there are %v, %v", entries, err)
	}
}

func listed(t *testing.T, s store.Store) []string {
	t.Helper()
	var got []string
	for e, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Key)
	}
	slices.Sort(got)
	return got
}

// TestDirOddities has files in the tree that did not come from Put.
func TestDirOddities(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, store.Config{Root: root})
	storetest.PutString(t, d, someKey, "x")
	for _, key := range []string{"example.com/m", "example.com"} {
		err := d.Put(t.Context(), key, storetest.NewTemp(t, d, "x"))
		if err == nil || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("put where a folder is: %v", err)
		}
		if err := d.Quarantine(t.Context(), key); err != nil {
			t.Errorf("quarantine a folder: %v", err)
		}
	}
	err := d.Put(t.Context(), someKey+"/below/it", storetest.NewTemp(t, d, "x"))
	if err == nil || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("put below a file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(root, "modules", "no key"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, d); !slices.Equal(got, []string{someKey}) {
		t.Errorf("list: %q", got)
	}
}

// TestDirSyncs counts the syncs: one of the file, one of its folder, and one for each new folder.
func TestDirSyncs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders are not synced on windows")
	}
	for _, tt := range []struct {
		name string
		fast bool
		want []int // after each Put
	}{
		{"durable", false, []int{6, 2, 2, 4}},
		{"fast", true, []int{0, 0, 0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := openDir(t, store.Config{Root: t.TempDir(), Fast: tt.fast})
			n := 0
			store.OnSync(d, func(*os.File) error { n++; return nil })
			var got []int
			for _, key := range []string{"a.b/c/d/@v/1", "a.b/c/d/@v/2", "a.b/c/d/@v/3", "a.b/c/e/@v/1"} {
				n = 0
				storetest.PutString(t, d, key, "x")
				got = append(got, n)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v syncs, want %v", got, tt.want)
			}
		})
	}
}

// TestDirSyncFails lets the disk fail at the first, second … sync of a Put. Whatever it was, the key is absent or whole,
// and putting again makes it so that everything on the way to it is synced.
func TestDirSyncFails(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders are not synced on windows")
	}
	broken := errors.New("disk is broken")
	for nth := range 4 {
		t.Run(fmt.Sprint("sync_", nth), func(t *testing.T) {
			root := t.TempDir()
			d := openDir(t, store.Config{Root: root})
			n := 0
			store.OnSync(d, func(*os.File) error {
				if n++; n == nth+1 {
					return broken
				}
				return nil
			})
			f := storetest.NewTemp(t, d, "x")
			if err := d.Put(t.Context(), "a/b/file", f); !errors.Is(err, broken) {
				t.Fatalf("put: %v", err)
			}
			stored := false
			if got, err := storetest.ReadString(t, d, "a/b/file"); err == nil {
				stored = true
				if got != "x" {
					t.Errorf("stored is %q", got)
				}
			}
			var synced []string
			store.OnSync(d, func(f *os.File) error {
				rel, err := filepath.Rel(root, f.Name())
				synced = append(synced, filepath.ToSlash(rel))
				return err
			})
			if err := d.Put(t.Context(), "a/b/file", f); stored != errors.Is(err, fs.ErrExist) || !stored && err != nil {
				t.Errorf("put again: %v", err)
			}
			if got, err := storetest.ReadString(t, d, "a/b/file"); err != nil || got != "x" {
				t.Errorf("after putting again: %q, %v", got, err)
			}
			storetest.PutString(t, d, "a/b/other", "x")
			want := map[int]string{0: "modules", 1: "modules", 2: "modules/a", 3: "modules/a/b"}[nth]
			if !slices.Contains(synced, want) {
				t.Errorf("synced are %q, without %q", synced, want)
			}
		})
	}
}

// TestDirWaitsForTheFoldersOfOthers stops one Put while the folder that it has made is not synced. Another Put into that
// folder must sync it itself before it says that its file is stored.
func TestDirWaitsForTheFoldersOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders are not synced on windows")
	}
	root := t.TempDir()
	d := openDir(t, store.Config{Root: root})
	held, release := make(chan struct{}), make(chan struct{})
	var holding atomic.Bool
	var mu sync.Mutex
	var synced []string
	store.OnSync(d, func(f *os.File) error {
		rel, err := filepath.Rel(root, f.Name())
		if rel == "modules" && holding.CompareAndSwap(false, true) {
			close(held)
			<-release
		}
		mu.Lock()
		defer mu.Unlock()
		synced = append(synced, filepath.ToSlash(rel))
		return err
	})
	var first sync.WaitGroup
	one := storetest.NewTemp(t, d, "x")
	first.Go(func() {
		if err := d.Put(t.Context(), "new/one", one); err != nil {
			t.Error(err)
		}
	})
	<-held
	storetest.PutString(t, d, "new/two", "x")
	mu.Lock()
	if !slices.Contains(synced, "modules") {
		t.Errorf("stored without syncing the folder that has the new one; synced are %q", synced)
	}
	mu.Unlock()
	close(release)
	first.Wait()
}

func TestQuarantine(t *testing.T) {
	root := t.TempDir()
	var c clock
	c.set(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
	d := openDir(t, store.Config{Root: root, Fast: true, Now: c.now})
	awaitUsage(t, d, 0)
	if err := d.Quarantine(t.Context(), someKey); err != nil {
		t.Errorf("of an absent key: %v", err)
	}
	const n = 130
	for i := range n {
		c.advance(time.Millisecond)
		storetest.PutString(t, d, someKey, fmt.Sprint("damaged ", i))
		b, err := d.Get(t.Context(), someKey)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Quarantine(t.Context(), someKey); err != nil {
			t.Fatal(err)
		}
		if _, err := storetest.ReadString(t, d, someKey); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("still there: %v", err)
		}
		buf := make([]byte, 7)
		if _, err := b.Read(buf); err != nil || string(buf) != "damaged" {
			t.Errorf("who has it open reads %q, %v", buf, err)
		}
		b.Close()
	}
	entries, err := os.ReadDir(filepath.Join(root, "quarantine"))
	if err != nil || len(entries) != 100 {
		t.Fatalf("%d files in quarantine, %v; want 100", len(entries), err)
	}
	for i, e := range entries {
		data, err := os.ReadFile(filepath.Join(root, "quarantine", e.Name()))
		if err != nil || string(data) != fmt.Sprint("damaged ", n-100+i) {
			t.Errorf("%s has %q, %v", e.Name(), data, err)
		}
		if !strings.HasPrefix(e.Name(), "20260102T030") || !strings.HasSuffix(e.Name(), "Z-example.com_m_@v_v1.0.0.zip") {
			t.Errorf("a file in quarantine is called %q", e.Name())
		}
	}
	long := strings.Repeat("long/", 400) + "end"
	storetest.PutString(t, d, long, "x")
	if err := d.Quarantine(t.Context(), long); err != nil {
		t.Errorf("of a long key: %v", err)
	}
	if got, _ := d.Usage(); got != 0 {
		t.Errorf("usage %d, want 0", got)
	}
}

func TestOpenDirFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{file, filepath.Join(file, "below"), ""} {
		_, err := store.OpenDir(store.Config{Root: root})
		if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("open store %q: ", root)) {
			t.Errorf("open %q: %v", root, err)
		}
	}
	outside := t.TempDir()
	root := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(root, "modules")); err != nil {
		t.Skip("no symbolic links: ", err)
	}
	if _, err := store.OpenDir(store.Config{Root: root}); err == nil {
		t.Error("a tree that is a link to elsewhere is taken")
	}
}
