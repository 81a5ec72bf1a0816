package sumdb

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"github.com/goready/goready/internal/modtest"
)

// seen are requests of all kinds, of a database with a full tile.
var seen = []string{
	"lookup/big.example.com/many@v1.0.7", "lookup/mod.example.com/!upper/!case!mod@v1.0.0",
	"tile/8/0/000", "tile/8/0/001.p/12", "tile/8/1/000.p/1", "tile/8/data/000.p/30",
}

// TestOutage asks again for what was seen, with nobody there to answer; also after a restart.
func TestOutage(t *testing.T) {
	for name, fault := range map[string]modtest.Fault{
		"no_connection": {Drop: true},
		"server_error":  {Status: http.StatusBadGateway},
		"forbidden":     {Status: http.StatusForbidden},
		"not_supported": {Status: http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			u, dir := newUpstream(t, many(300, "big.example.com")), t.TempDir()
			d := u.open(t, inDir(dir))
			want := map[string]string{"latest": string(get(t, d, "latest").Body)}
			for _, path := range seen {
				want[path] = string(get(t, d, path).Body)
			}
			u.fault("", fault)
			for range 2 {
				for _, path := range seen {
					wantGet(t, d, path, want[path], Hit)
				}
				zip, gomod := u.mods.Sums("big.example.com/many", "v1.0.7")
				h, err := d.Lookup(t.Context(), "big.example.com/many", "v1.0.7")
				if err != nil || h != (Hashes{zip, gomod}) {
					t.Errorf("Lookup = %v, %v", h, err)
				}
				_, err = d.Lookup(t.Context(), basic, "v1.0.0")
				if name == "not_supported" && d.route != nil {
					wantErr(t, err, os.ErrNotExist)
				} else {
					wantErr(t, err, ErrUnavailable)
				}
				d = u.open(t, inDir(dir))
			}
			if r := get(t, d, "latest"); string(r.Body) != want["latest"] || r.State != Stale {
				t.Errorf("latest is a %s with %q, want a stale %q", r.State, r.Body, want["latest"])
			}
			u.fault("", modtest.Fault{})
			if _, err := d.Lookup(t.Context(), basic, "v1.0.0"); err != nil {
				t.Errorf("after the outage: %v", err)
			}
		})
	}
}

// TestDamage does to each file on disk what crashes, disks and people do to files. It must be fetched again, and not be
// served if that is not possible.
func TestDamage(t *testing.T) {
	damages := []struct {
		name string
		do   func(data, other []byte) []byte
	}{
		{"empty", func(data, _ []byte) []byte { return nil }},
		{"torn", func(data, _ []byte) []byte { return data[:len(data)/2] }},
		{"torn_at_hash", func(data, _ []byte) []byte { return data[:len(data)-32] }},
		{"zeroes", func(data, _ []byte) []byte { return make([]byte, len(data)) }},
		{"one_bit", func(data, _ []byte) []byte { data[len(data)/3] ^= 4; return data }},
		{"longer", func(data, _ []byte) []byte { return append(data, data...) }},
		{"another_file", func(_, other []byte) []byte { return other }},
	}
	for _, tt := range damages {
		t.Run(tt.name, func(t *testing.T) {
			u, dir := newUpstream(t, many(300, "big.example.com")), t.TempDir()
			d := u.open(t, inDir(dir))
			want := map[string]string{}
			for _, path := range seen {
				want[path] = string(get(t, d, path).Body)
			}
			before := contents(t, dir)
			names := slices.Sorted(maps.Keys(before))
			if len(names) < len(seen)+1 {
				t.Fatalf("files %q", names)
			}
			for i, name := range names {
				other := before[names[(i+1)%len(names)]]
				if err := os.WriteFile(filepath.Join(dir, name), tt.do([]byte(before[name]), []byte(other)), 0o644); err != nil {
					t.Fatal(err)
				}
			}

			u.fault("", modtest.Fault{Status: http.StatusBadGateway})
			d = u.open(t, inDir(dir))
			for _, path := range append(seen, "latest") {
				_, err := d.Get(t.Context(), path)
				wantErr(t, err, ErrUnavailable)
			}
			u.fault("", modtest.Fault{})
			for _, path := range seen {
				if r := get(t, d, path); string(r.Body) != want[path] {
					t.Errorf("%s is a %s of %q", path, r.State, r.Body)
				}
			}
			if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
				t.Errorf("the files are not as before:\n%s", diff)
			}
		})
	}
}

// TestDamagedMemory makes sure that even a wrong tile in the cache, which should not be, does no lasting harm.
func TestDamagedMemory(t *testing.T) {
	u := newUpstream(t, many(300, "big.example.com"))
	d := u.open(t)
	want := get(t, d, "tile/8/0/000").Body
	wrong := bytes.Clone(want)
	wrong[0] ^= 1
	d.cache.put("tile/8/0/000", wrong)
	if _, err := d.Lookup(t.Context(), "big.example.com/many", "v1.0.7"); err != nil {
		t.Error(err)
	}
	wantGet(t, d, "tile/8/0/000", string(want), Hit)
}

// TestOtherKey opens the folder of a database that has got another key since.
func TestOtherKey(t *testing.T) {
	u, dir := newUpstream(t, modtest.Corpus()), t.TempDir()
	get(t, u.open(t, inDir(dir)), basicLookup)
	_, key, err := note.GenerateKey(nil, dbName)
	if err != nil {
		t.Fatal(err)
	}
	d := u.open(t, inDir(dir), func(c *Config) { c.Key = key })
	_, err = d.Get(t.Context(), basicLookup)
	wantErr(t, err, ErrSecurity)
	_, err = d.Get(t.Context(), "latest")
	wantErr(t, err, ErrSecurity)
}

// TestMemoryOnly has no folder.
func TestMemoryOnly(t *testing.T) {
	u := newUpstream(t, modtest.Corpus())
	d := u.open(t, inDir(""))
	want := string(get(t, d, basicLookup).Body)
	u.fault("", modtest.Fault{Drop: true})
	wantGet(t, d, basicLookup, want, Hit)
	if left, err := d.Trim(t.Context(), 0); left != 0 || err != nil {
		t.Errorf("Trim = %d, %v", left, err)
	}
}

// TestWarmHit makes sure that what is hot needs no disk.
func TestWarmHit(t *testing.T) {
	u, dir := newUpstream(t, many(300, "big.example.com")), t.TempDir()
	d := u.open(t, inDir(dir))
	want := map[string]string{}
	for _, path := range seen {
		want[path] = string(get(t, d, path).Body)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	u.fault("", modtest.Fault{Drop: true})
	for _, path := range seen {
		wantGet(t, d, path, want[path], Hit)
	}
}

// TestMemoryIsBounded has room for less than one tile, so that everything comes from disk.
func TestMemoryIsBounded(t *testing.T) {
	u := newUpstream(t, many(300, "big.example.com"))
	d := u.open(t, func(c *Config) { c.Memory = 1000 })
	want := map[string]string{}
	for _, path := range seen {
		want[path] = string(get(t, d, path).Body)
		if d.cache.mem.size > 1000 {
			t.Errorf("%d bytes in memory", d.cache.mem.size)
		}
	}
	u.fault("", modtest.Fault{Drop: true})
	for _, path := range seen {
		wantGet(t, d, path, want[path], Hit)
	}
}

// TestWidestTileStays has a proof that ends late, with a tile from an older tree.
func TestWidestTileStays(t *testing.T) {
	c, err := openCache(t.TempDir(), "key", 1<<20, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ put, want string }{
		{"narrow", "narrow"}, {"narrow, wide", "narrow, wide"}, {"narrow", "narrow, wide"}, {"other", "other"},
	} {
		c.putTile("tile/8/0/000", []byte(step.put))
		if got, _ := c.get("tile/8/0/000"); string(got) != step.want {
			t.Errorf("after %q the cache has %q, want %q", step.put, got, step.want)
		}
	}
}

func TestLRU(t *testing.T) {
	l := newLRU[string](3 * (lruOverhead + 11))
	for _, name := range []string{"a", "b", "c"} {
		l.put(name, name, 10)
	}
	l.get("a")
	l.put("d", "d", 10)
	l.put("c", "C", 10)
	for name, want := range map[string]string{"a": "a", "b": "", "c": "C", "d": "d"} {
		if got, ok := l.get(name); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %t; want %q", name, got, ok, want)
		}
	}
	l.put("big", "", 1000)
	if _, ok := l.get("big"); ok || l.size != 0 || len(l.names) != 0 || l.order.Len() != 0 {
		t.Errorf("size %d, names %v after a value that does not fit", l.size, l.names)
	}
}

// TestDiskFails has a disk that takes nothing more: answers are not affected, and it is logged once.
func TestDiskFails(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders are not made read-only there")
	}
	u, dir := newUpstream(t, modtest.Corpus()), t.TempDir()
	var log bytes.Buffer
	d := u.open(t, inDir(dir), func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{basicLookup, "tile/8/data/000.p/3"} {
		if r := get(t, d, path); string(r.Body) != u.direct(t, path) {
			t.Errorf("Get(%s): %q", path, r.Body)
		}
	}
	if n := strings.Count(log.String(), "not cached"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &log)
	}
}

// TestCrash finds what a process left that was killed while it wrote.
func TestCrash(t *testing.T) {
	u, dir := newUpstream(t, modtest.Corpus()), t.TempDir()
	want := string(get(t, u.open(t, inDir(dir)), basicLookup).Body)
	half := filepath.Join(dir, tempDir, "1234")
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := u.open(t, inDir(dir))
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Errorf("the temporary file is still there (%v)", err)
	}
	wantGet(t, d, basicLookup, want, Hit)
}

// TestNames checks that no two names differ by case, and that nothing but the cache is in the folder.
func TestNames(t *testing.T) {
	u, dir := newUpstream(t, modtest.Corpus()), t.TempDir()
	d := u.open(t, inDir(dir))
	for _, m := range u.mods.All() {
		if _, err := d.Lookup(t.Context(), m.Path, m.Version); err != nil {
			t.Error(err)
		}
	}
	names := files(t, dir)
	for _, name := range names {
		if name != strings.ToLower(name) {
			t.Errorf("file %s has capitals", name)
		}
	}
	if want := "lookup/mod.example.com/!upper/!case!mod/@v/v1.0.0"; !slices.Contains(names, want) {
		t.Errorf("no %s in %q", want, names)
	}
}

func TestTrim(t *testing.T) {
	u, dir := newUpstream(t, modtest.Corpus()), t.TempDir()
	d := u.open(t, inDir(dir))
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var names []string
	for i := range 5 {
		// One file in the first hour, four in the second.
		name := fmt.Sprintf("lookup/example.com/%d/@v/v1.0.0", i)
		d.cache.put(name, make([]byte, 68)) // 100 bytes with the checksum
		at := start.Add(time.Duration(min(i, 1)) * time.Hour)
		if err := os.Chtimes(d.cache.file(name), at, at); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	get(t, d, "latest") // not counted
	tests := []struct {
		name      string
		max, left int64
	}{
		{"enough", 500, 500},
		{"oldest", 450, 400},
		{"some_of_an_hour", 299, 200},
		{"nothing", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			left, err := d.Trim(t.Context(), tt.max)
			kept := slices.DeleteFunc(files(t, dir), func(name string) bool { return name == headFile })
			if err != nil || left != tt.left || int64(len(kept))*100 != left {
				t.Errorf("Trim(%d) = %d, %v; want %d; files %q", tt.max, left, err, tt.left, kept)
			}
			if tt.max < 500 && slices.Contains(kept, names[0]) {
				t.Error("the oldest file is still there")
			}
		})
	}
	if !slices.Contains(files(t, dir), headFile) {
		t.Error("the tree head is gone")
	}
}

func BenchmarkWarm(b *testing.B) {
	u := newUpstream(b, many(300, "big.example.com"))
	d := u.open(b)
	for _, path := range seen {
		get(b, d, path)
	}
	for name, path := range map[string]string{"lookup": seen[0], "tile": seen[3], "data": seen[5]} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				get(b, d, path)
			}
		})
	}
}
