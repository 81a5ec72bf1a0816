package sumdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/goready/goready/internal/modtest"
)

const (
	basic       = "mod.example.com/basic"
	basicLookup = "lookup/mod.example.com/basic@v1.0.0"
)

func TestNew(t *testing.T) {
	_, key, err := note.GenerateKey(nil, dbName)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, db, key string
		ok            bool
	}{
		{"fits", dbName, key, true},
		{"no_key", dbName, "", false},
		{"no_verifier_key", dbName, dbName + "+12345678+AAAA", false},
		{"key_of_another", "sum.golang.org", key, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := New(Config{Name: tt.db, Key: tt.key})
			if (err == nil) != tt.ok {
				t.Fatalf("New: %v, want success: %t", err, tt.ok)
			}
			if tt.ok && d.Name() != tt.db {
				t.Errorf("Name() = %q", d.Name())
			}
		})
	}
}

func TestLookup(t *testing.T) {
	u := newUpstream(t, modtest.Corpus())
	d := u.open(t)
	for _, m := range u.mods.All() {
		zip, gomod := u.mods.Sums(m.Path, m.Version)
		h, err := d.Lookup(t.Context(), m.Path, m.Version)
		if want := (Hashes{Zip: zip, GoMod: gomod}); err != nil || h != want {
			t.Errorf("Lookup(%v) = %v, %v; want %v", m, h, err, want)
		}
	}
	asked := u.count("")
	for _, m := range u.mods.All() {
		if _, err := d.Lookup(t.Context(), m.Path, m.Version); err != nil {
			t.Error(err)
		}
	}
	if n := u.count(""); n != asked {
		t.Errorf("the proxy was asked %d times for what was looked up before", n-asked)
	}
	if n := u.count("supported"); n != 1 {
		t.Errorf("the proxy was asked %d times whether it supports the database, want once", n)
	}
}

// TestTilesOfLookup counts the tiles that the proofs of one lookup need, in a tree that has grown.
func TestTilesOfLookup(t *testing.T) {
	u := newUpstream(t, many(600, "big.example.com"))
	d := u.open(t)
	get(t, d, basicLookup)
	u.grow(t, "later.example.com", 300)
	get(t, d, "lookup/later.example.com/grown@v1.0.7")
	asked := map[string]int{}
	for _, r := range u.proxy.Requests() {
		if asked[r]++; asked[r] > 1 {
			t.Errorf("%s %d times", r, asked[r])
		}
	}
	if len(asked) < 6 {
		t.Errorf("asked only for %v", asked)
	}
}

func TestLookupErrors(t *testing.T) {
	u := newUpstream(t, modtest.Corpus())
	d := u.open(t)
	tests := []struct {
		name, path, version string
		want                error
		asked               int
	}{
		{"unknown_version", basic, "v1.99.0", fs.ErrNotExist, 1},
		{"unknown_module", "nowhere.example.com/m", "v1.0.0", fs.ErrNotExist, 1},
		{"major_version_not_of_path", basic, "v3.0.0", fs.ErrNotExist, 0},
		{"not_canonical", basic, "v1.0", ErrBadPath, 0},
		{"branch", basic, "main", ErrBadPath, 0},
		{"build_metadata", basic, "v1.0.0+x", ErrBadPath, 0},
		{"no_version", basic, "", ErrBadPath, 0},
		{"gomod_suffix", basic, "v1.0.0/go.mod", ErrBadPath, 0},
		{"no_dot_in_host", "std", "v1.0.0", ErrBadPath, 0},
		{"parent", "../basic", "v1.0.0", ErrBadPath, 0},
		{"no_path", "", "v1.0.0", ErrBadPath, 0},
		{"long_path", "example.com/" + strings.Repeat("long/", 420) + "m", "v1.0.0", ErrBadPath, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := u.count("lookup/")
			for range 3 {
				_, err := d.Lookup(t.Context(), tt.path, tt.version)
				wantErr(t, err, tt.want)
			}
			if n := u.count("lookup/") - before; n != tt.asked {
				t.Errorf("asked %d times, want %d", n, tt.asked)
			}
		})
	}
}

// TestGet has the requests of a go command: what they get, and that it is fetched once.
func TestGet(t *testing.T) {
	u := newUpstream(t, modtest.Corpus())
	d := u.open(t)
	tests := []struct {
		name, path, fetched string
		ctype               string
		immutable           bool
	}{
		{"lookup", basicLookup, basicLookup, "text/plain; charset=UTF-8", true},
		{"lookup_upper", "lookup/mod.example.com/!upper/!case!mod@v1.0.0", "lookup/mod.example.com/!upper/", "text/plain; charset=UTF-8", true},
		{"lookup_incompatible", "lookup/mod.example.com/incompatible@v2.0.0+incompatible", "lookup/mod.example.com/incompatible@v2", "text/plain; charset=UTF-8", true},
		{"latest", "latest", "latest", "text/plain; charset=UTF-8", false},
		{"tile", "tile/8/0/000.p/1", "tile/8/0/", "application/octet-stream", true},
		{"tile_wider", "tile/8/0/000.p/5", "tile/8/0/", "application/octet-stream", true},
		{"data", "tile/8/data/000.p/1", "tile/8/data/", "text/plain; charset=UTF-8", true},
		{"data_wider", "tile/8/data/000.p/7", "tile/8/data/", "text/plain; charset=UTF-8", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := u.direct(t, tt.path)
			for range 3 {
				r := get(t, d, tt.path)
				if string(r.Body) != want || r.ContentType != tt.ctype || r.Immutable != tt.immutable {
					t.Errorf("Get: %q, %q, immutable %t; want %q, %q, %t", r.Body, r.ContentType, r.Immutable, want, tt.ctype, tt.immutable)
				}
			}
			if n := u.count(tt.fetched); n > 1 {
				t.Errorf("asked for %d times", n)
			}
		})
	}
	wantGet(t, d, "supported", "", Hit)
}

// TestFullClient has golang.org/x/mod/sumdb.Client prove what it gets from Get, in a tree with full and partial tiles.
func TestFullClient(t *testing.T) {
	u := newUpstream(t, many(600, "big.example.com"))
	d := u.open(t)
	for round := range 2 {
		c, state := newClient(u.sum.Key(), func(path string) ([]byte, error) {
			r, err := d.Get(t.Context(), path)
			if err != nil {
				return nil, err
			}
			return r.Body, nil
		})
		for _, v := range []string{"v1.0.0", "v1.0.255", "v1.0.256", "v1.0.599"} {
			zip, _ := u.mods.Sums("big.example.com/many", v)
			lines, err := c.Lookup("big.example.com/many", v)
			if want := []string{"big.example.com/many " + v + " " + zip}; err != nil || !slices.Equal(lines, want) {
				t.Errorf("lookup of %s: %q, %v; want %q", v, lines, err, want)
			}
		}
		if state.bad != "" {
			t.Error(state.bad)
		}
		u.grow(t, fmt.Sprintf("round%d.example.com", round), 3)
	}
}

// TestTiles compares all tiles of a tree of three levels with the database's, twice: fetched and cached.
func TestTiles(t *testing.T) {
	signer, key, err := note.GenerateKey(nil, dbName)
	if err != nil {
		t.Fatal(err)
	}
	db := sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		return fmt.Appendf(nil, "%s %s h1:x\n%s %s/go.mod h1:y\n", path, version, path, version), nil
	})
	const records = 256*256 + 300
	for i := range records {
		if _, err := db.Lookup(t.Context(), module.Version{Path: "example.com/m", Version: fmt.Sprintf("v1.0.%d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	remote := handlerRemote{sumdb.NewServer(db)}
	d, err := New(Config{Name: dbName, Key: key, Direct: remote, Dir: t.TempDir(), Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{"tile/8/data/000", "tile/8/data/256.p/17", "tile/8/data/257.p/44", "tile/8/1/001.p/1"}
	for _, tile := range tlog.NewTiles(tileHeight, 0, records) {
		if tile.L > 0 || tile.N%50 == 0 || tile.N > 255 {
			paths = append(paths, tile.Path())
		}
	}
	for range 2 {
		for _, path := range paths {
			want, err := remote.Get(t.Context(), path, 0)
			if err != nil {
				t.Fatal(err)
			}
			if r := get(t, d, path); !bytes.Equal(r.Body, want) || !r.Immutable {
				t.Errorf("Get(%s) has %d bytes that differ from the %d of the database (immutable: %t)", path, len(r.Body), len(want), r.Immutable)
			}
		}
	}
}

// TestTileBeyondHead asks for tiles that need a newer head than the one known.
func TestTileBeyondHead(t *testing.T) {
	u := newUpstream(t, modtest.Corpus())
	clock := newClock()
	d := u.open(t, func(c *Config) { c.Now = clock.Now })
	old := string(get(t, d, "latest").Body)
	u.grow(t, "later.example.com", 300)

	const tile = "tile/8/0/001.p/9"
	r := get(t, d, tile)
	if want := u.direct(t, tile); string(r.Body) != want || !r.Immutable {
		t.Errorf("Get: %q, immutable %t; want %q", r.Body, r.Immutable, want)
	}
	if string(get(t, d, "latest").Body) == old {
		t.Error("the head is the old one")
	}

	// A database whose latest head lags behind: the tile is passed on, but not stored.
	lagging := u.direct(t, "latest")
	u.fault("latest", modtest.Fault{Replace: []byte(lagging)})
	u.grow(t, "more.example.com", 300)
	for range 2 {
		r := get(t, d, "tile/8/0/002.p/20")
		if want := u.direct(t, "tile/8/0/002.p/20"); string(r.Body) != want || r.Immutable || r.State != Miss {
			t.Errorf("Get: %q, %s, immutable %t; want %q, not immutable", r.Body, r.State, r.Immutable, want)
		}
	}
	if n := u.count("tile/8/0/002"); n != 2 {
		t.Errorf("a tile that was not proved was fetched %d times for two requests", n)
	}
	_, err := d.Get(t.Context(), "tile/8/0/x999/999")
	wantErr(t, err, fs.ErrNotExist)
}

// TestTileOnlyFull has a database that keeps no partial tiles which are full by now.
func TestTileOnlyFull(t *testing.T) {
	u := newUpstream(t, many(100, "big.example.com"))
	d := u.open(t)
	get(t, d, "latest")
	u.grow(t, "later.example.com", 300)
	u.fault("tile/8/0/000.p/", modtest.Fault{Status: http.StatusNotFound})
	u.fault("tile/8/data/000.p/", modtest.Fault{Status: http.StatusNotFound})
	for _, path := range []string{"tile/8/0/000.p/40", "tile/8/data/000.p/40"} {
		if r := get(t, d, path); string(r.Body) != u.direct(t, path) || !r.Immutable {
			t.Errorf("Get(%s): %q, immutable %t", path, r.Body, r.Immutable)
		}
	}
}

// TestNoDataTiles has a database that serves no records but in lookups.
func TestNoDataTiles(t *testing.T) {
	u := newUpstream(t, modtest.Corpus())
	u.fault("tile/8/data/", modtest.Fault{Status: http.StatusGone})
	_, err := u.open(t).Get(t.Context(), "tile/8/data/000.p/1")
	wantErr(t, err, fs.ErrNotExist)
}

// TestMissingTile makes sure that a tile which is missing is not taken for a module that is unknown.
func TestMissingTile(t *testing.T) {
	u := newUpstream(t, modtest.Corpus())
	u.fault("tile/", modtest.Fault{Status: http.StatusNotFound})
	d := u.open(t)
	_, err := d.Lookup(t.Context(), basic, "v1.0.0")
	wantErr(t, err, ErrUnavailable)
	u.fault("tile/", modtest.Fault{})
	if _, err := d.Lookup(t.Context(), basic, "v1.0.0"); err != nil {
		t.Error(err)
	}
}

func TestNegative(t *testing.T) {
	u := newUpstream(t, modtest.Corpus())
	clock := newClock()
	d := u.open(t, func(c *Config) { c.Now = clock.Now })
	const path = "lookup/new.example.com/grown@v1.0.0"
	for range 3 {
		_, err := d.Get(t.Context(), path)
		wantErr(t, err, fs.ErrNotExist)
		if err == nil || !strings.Contains(err.Error(), "not found:") {
			t.Errorf("error %v does not have the text of the database", err)
		}
	}
	if n := u.count(path); n != 1 {
		t.Errorf("asked %d times", n)
	}
	u.grow(t, "new.example.com", 1)
	clock.advance(29 * time.Second)
	if _, err := d.Get(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v within 30 seconds", err)
	}
	clock.advance(time.Second)
	get(t, d, path)
}

func TestNegativeIsBounded(t *testing.T) {
	u := newUpstream(t, modtest.Corpus())
	d := u.open(t)
	long := strings.Repeat("x", 200)
	for i := range 3000 {
		d.absent.put(fmt.Sprintf("lookup/%s.example.com/%d@v1.0.0", long, i), absence{}, 300)
	}
	if d.absent.size > maxAbsent {
		t.Errorf("%d bytes of memory for what is not there", d.absent.size)
	}
}

// TestRoutes has proxies that do and do not support the database, as modfetch's dbClient.initBase treats them.
func TestRoutes(t *testing.T) {
	const asked, notAsked = true, false
	no, down := modtest.Fault{Status: http.StatusGone}, modtest.Fault{Drop: true}
	tests := []struct {
		name     string
		supports []modtest.Fault // of the proxies
		direct   bool
		want     error
		used     []bool // the proxies, then the database
	}{
		{"first", []modtest.Fault{{}, {}}, true, nil, []bool{asked, notAsked, notAsked}},
		{"second", []modtest.Fault{no, {}}, true, nil, []bool{notAsked, asked, notAsked}},
		{"database", []modtest.Fault{no, no}, true, nil, []bool{notAsked, notAsked, asked}},
		{"no_proxy", nil, true, nil, []bool{asked}},
		{"nobody", []modtest.Fault{no}, false, ErrUnavailable, []bool{notAsked, notAsked}},
		{"down", []modtest.Fault{down, {}}, true, ErrUnavailable, []bool{notAsked, notAsked, notAsked}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := Config{Name: dbName, Dir: t.TempDir(), Log: testLog(t)}
			var all []*upstream
			for _, f := range append(tt.supports, modtest.Fault{}) {
				u := newUpstream(t, modtest.Corpus())
				u.fault("supported", f)
				all, cfg.Proxies, cfg.Key = append(all, u), append(cfg.Proxies, u.remote()), u.sum.Key()
			}
			last := len(tt.supports)
			if cfg.Proxies = cfg.Proxies[:last]; tt.direct {
				cfg.Direct = all[last].remote()
			}
			d, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			_, err = d.Lookup(t.Context(), basic, "v1.0.0")
			wantErr(t, err, tt.want)
			for i, u := range all {
				if used := u.count("lookup/") > 0; used != tt.used[i] {
					t.Errorf("remote %d was asked: %t, want %t", i, used, tt.used[i])
				}
			}
			if n := all[last].count("supported"); n != 0 {
				t.Errorf("the database was asked %d times whether it supports itself", n)
			}
		})
	}
}

// TestRouteChanges has a proxy that ceases to support the database, and one that is then down.
func TestRouteChanges(t *testing.T) {
	first, second := newUpstream(t, modtest.Corpus()), newUpstream(t, modtest.Corpus())
	clock := newClock()
	d := first.open(t, func(c *Config) { c.Now, c.Direct = clock.Now, second.remote() })
	lookup := func(version string, fromFirst, fromSecond int) {
		t.Helper()
		if _, err := d.Lookup(t.Context(), basic, version); err != nil {
			t.Error(err)
		}
		if a, b := first.count("lookup/"), second.count("lookup/"); a != fromFirst || b != fromSecond {
			t.Errorf("after %s the proxy was asked for %d records and the database for %d, want %d and %d", version, a, b, fromFirst, fromSecond)
		}
	}
	lookup("v1.0.0", 1, 0)
	first.fault("supported", modtest.Fault{Status: http.StatusNotFound})
	lookup("v1.1.0", 2, 0)
	clock.advance(routeTTL)
	lookup("v1.2.0", 2, 1)
	clock.advance(routeTTL)
	first.fault("supported", modtest.Fault{Status: http.StatusBadGateway})
	lookup("v1.10.0", 2, 2)
}

// bubble runs f with a clock of its own and a database behind a gate, which is open.
func bubble(t *testing.T, f func(t *testing.T, d *DB, g *gate, u *modtest.SumDB)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db := modtest.NewSumDB(dbName, modtest.Corpus())
		g := newGate(handlerRemote{db})
		close(g.open)
		d, err := New(Config{Name: dbName, Key: db.Key(), Proxies: []Remote{g}, Dir: dir, Log: testLog(t)})
		if err != nil {
			t.Fatal(err)
		}
		f(t, d, g, db)
	})
}

// TestCoalesce asks for the same thing twenty times at once.
func TestCoalesce(t *testing.T) {
	for _, tt := range []struct{ name, path, fetched string }{
		{"lookup", basicLookup, basicLookup},
		{"tile", "tile/8/0/000.p/20", "tile/8/0/000.p/21"},
		{"data", "tile/8/data/000.p/20", "tile/8/data/000.p/21"},
		{"latest", "latest", "latest"},
		{"supported_upstream", basicLookup, "supported"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, d *DB, g *gate, _ *modtest.SumDB) {
				g.close()
				var wg sync.WaitGroup
				for range 20 {
					wg.Go(func() { get(t, d, tt.path) })
				}
				synctest.Wait()
				close(g.open)
				wg.Wait()
				if n := g.count(tt.fetched); n != 1 {
					t.Errorf("%s was fetched %d times (%v)", tt.fetched, n, g.counts)
				}
			})
		})
	}
}

// TestLeaderLeaves has the client go whose request was the first.
func TestLeaderLeaves(t *testing.T) {
	bubble(t, func(t *testing.T, d *DB, g *gate, _ *modtest.SumDB) {
		g.close()
		ctx, cancel := context.WithCancel(t.Context())
		var first, second error
		var wg sync.WaitGroup
		wg.Go(func() { _, first = d.Get(ctx, basicLookup) })
		synctest.Wait()
		wg.Go(func() { _, second = d.Get(t.Context(), basicLookup) })
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !errors.Is(first, context.Canceled) {
			t.Errorf("the client who left got %v", first)
		}
		close(g.open)
		wg.Wait()
		if second != nil || g.count(basicLookup) != 1 {
			t.Errorf("the client who stayed got %v, after %d fetches", second, g.count(basicLookup))
		}
	})
}

// TestSlow has a server that does not answer within the time-out.
func TestSlow(t *testing.T) {
	bubble(t, func(t *testing.T, d *DB, g *gate, _ *modtest.SumDB) {
		get(t, d, "tile/8/0/000.p/1")
		g.close()
		for _, path := range []string{basicLookup, "tile/8/data/000.p/1"} {
			start := time.Now()
			_, err := d.Get(t.Context(), path)
			wantErr(t, err, ErrUnavailable)
			if took := time.Since(start); took != d.cfg.Timeout || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v after %v, want a time-out after %v", path, err, took, d.cfg.Timeout)
			}
		}
		close(g.open)
		get(t, d, basicLookup)
	})
}

// TestLatest follows a head from fresh to stale and back, with a server that hangs.
func TestLatest(t *testing.T) {
	bubble(t, func(t *testing.T, d *DB, g *gate, db *modtest.SumDB) {
		old := string(get(t, d, "latest").Body)
		<-time.After(59 * time.Second)
		wantGet(t, d, "latest", old, Hit)
		<-time.After(time.Second)
		g.close()
		start := time.Now()
		wantGet(t, d, "latest", old, Stale)
		if took := time.Since(start); took != headWait {
			t.Errorf("waited %v for a head that is no better than the old one", took)
		}
		<-time.After(time.Minute)
		wantGet(t, d, "latest", old, Stale)
		<-time.After(31 * time.Second) // that request has failed now
		start = time.Now()
		wantGet(t, d, "latest", old, Stale)
		if took := time.Since(start); took != 0 {
			t.Errorf("waited %v although nobody answered a moment ago", took)
		}
		<-time.After(headRetry)
		close(g.open)
		db.Override("later.example.com/m", "v1.0.0", "h1:x", "h1:y")
		handlerRemote{db}.Get(t.Context(), "lookup/later.example.com/m@v1.0.0", 0)
		r := get(t, d, "latest")
		if string(r.Body) == old || r.State != Miss {
			t.Errorf("a %s with %q after the outage", r.State, r.Body)
		}
	})
}

// TestHeadOfLookup makes sure that the head in a lookup is the latest for a while.
func TestHeadOfLookup(t *testing.T) {
	u := newUpstream(t, modtest.Corpus())
	d := u.open(t)
	get(t, d, basicLookup)
	wantGet(t, d, "latest", u.direct(t, "latest"), Hit)
	if n := u.count("latest"); n != 0 {
		t.Errorf("asked %d times for the latest head", n)
	}
}

// TestEmptyDatabase has a tree without records.
func TestEmptyDatabase(t *testing.T) {
	u := newUpstream(t, &modtest.Modules{})
	d := u.open(t)
	wantGet(t, d, "latest", u.direct(t, "latest"), Miss)
	u.grow(t, "first.example.com", 1)
	if _, err := d.Lookup(t.Context(), "first.example.com/grown", "v1.0.0"); err != nil {
		t.Error(err)
	}
}

// TestConcurrent looks up, in a database that grows, from many goroutines; for the race detector, and to see the
// heads that they bring become one.
func TestConcurrent(t *testing.T) {
	u := newUpstream(t, many(40, "big.example.com"))
	dir := t.TempDir()
	d := u.open(t, inDir(dir))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			host := fmt.Sprintf("host%d.example.com", i)
			for j := range 20 {
				u.mods.Add(modtest.Version{Path: host + "/m", Version: fmt.Sprintf("v1.0.%d", j), Files: map[string]string{"x": host}})
				for _, m := range []module.Version{{Path: host + "/m", Version: fmt.Sprintf("v1.0.%d", j)}, {Path: "big.example.com/many", Version: fmt.Sprintf("v1.0.%d", j)}} {
					zip, _ := u.mods.Sums(m.Path, m.Version)
					if h, err := d.Lookup(t.Context(), m.Path, m.Version); err != nil || h.Zip != zip {
						t.Errorf("Lookup(%v) = %v, %v", m, h, err)
					}
				}
				if _, err := d.Get(t.Context(), fmt.Sprintf("tile/8/0/000.p/%d", 40+j)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	want := u.direct(t, "latest")
	wantGet(t, d, "latest", want, Hit)
	u.fault("", modtest.Fault{Status: http.StatusServiceUnavailable})
	wantGet(t, u.open(t, inDir(dir)), "latest", want, Stale)
}
