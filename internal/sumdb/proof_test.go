package sumdb

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/goready/goready/internal/modtest"
)

// lies are what a proxy or a network may do to answers. Each is told by a proxy in front of an honest database of the
// corpus and 300 more records, to a DB that knows nothing.
var lies = []struct {
	name, request string
	path          string // of the answers that are changed
	change        func(t *testing.T, u *upstream, honest []byte) modtest.Fault
	want          error
}{
	{"hash_in_lookup", basicLookup, "lookup/", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		return replace(bytes.Replace(b, []byte(" h1:"), []byte(" h1:AAAA"), 1))
	}, ErrSecurity},
	{"number_of_record", basicLookup, "lookup/", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		return replace(append([]byte("7"), b...))
	}, ErrSecurity},
	{"number_beyond_tree", basicLookup, "lookup/", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		return replace(append([]byte("99999"), b...))
	}, ErrSecurity},
	{"negative_number", basicLookup, "lookup/", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		return replace(append([]byte("-"), b...))
	}, ErrSecurity},
	{"record_of_another_version", basicLookup, "lookup/", func(t *testing.T, u *upstream, _ []byte) modtest.Fault {
		return replace([]byte(u.direct(t, "lookup/mod.example.com/basic@v1.1.0")))
	}, ErrSecurity},
	{"signature", basicLookup, "lookup/", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		return replace(append(bytes.Clone(b[:len(b)-9]), "AAAAAAA=\n"...))
	}, ErrSecurity},
	{"other_key", basicLookup, "lookup/", otherKey, ErrSecurity},
	{"other_key_of_latest", "latest", "latest", otherKey, ErrSecurity},
	{"no_signature", basicLookup, "lookup/", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		return replace(b[:bytes.LastIndex(b, []byte("\n\n"))+2])
	}, ErrUnavailable},
	{"not_a_record", basicLookup, "lookup/", func(*testing.T, *upstream, []byte) modtest.Fault {
		return replace([]byte("<html>\n<p>Please log in</p>\n\n</html>\n"))
	}, ErrUnavailable},
	{"empty_lookup", basicLookup, "lookup/", empty, ErrUnavailable},
	{"empty_latest", "latest", "latest", empty, ErrUnavailable},
	{"lookup_cut_short", basicLookup, "lookup/", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		return replace(b[:len(b)/2])
	}, ErrUnavailable},
	{"transfer_cut_short", basicLookup, "lookup/", func(*testing.T, *upstream, []byte) modtest.Fault {
		return modtest.Fault{TruncateAt: 10}
	}, ErrUnavailable},
	{"huge_lookup", basicLookup, "lookup/", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		return replace(append(bytes.Clone(b), bytes.Repeat([]byte("x"), maxLookup)...))
	}, ErrUnavailable},
	{"tile_for_lookup", basicLookup, "tile/8/0/", flip, ErrSecurity},
	{"tile", "tile/8/0/000", "tile/8/0/000", flip, ErrSecurity},
	{"tile_in_part_not_asked_for", "tile/8/0/000.p/5", "tile/8/0/000", flip, ErrSecurity},
	{"upper_tile", "tile/8/0/000", "tile/8/1/", flip, ErrSecurity},
	{"tile_cut_short", "tile/8/0/000", "tile/8/0/000", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		return replace(b[:len(b)-1])
	}, ErrUnavailable},
	{"tile_cut_at_hash", "tile/8/0/000", "tile/8/0/000", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		return replace(b[:len(b)-tlog.HashSize])
	}, ErrUnavailable},
	{"empty_tile", "tile/8/0/000", "tile/8/0/000", empty, ErrUnavailable},
	{"tile_too_long", "tile/8/0/001.p/9", "tile/8/0/001", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		return replace(append(bytes.Clone(b), b...))
	}, ErrUnavailable},
	{"record_in_data", "tile/8/data/000", "tile/8/data/000", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		i := bytes.LastIndex(b, []byte("h1:"))
		return replace(slices.Concat(b[:i], []byte("h1:AAAA"), b[i+7:]))
	}, ErrSecurity},
	{"order_of_data", "tile/8/data/000", "tile/8/data/000", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		i := bytes.Index(b, []byte("\n\n")) + 2
		return replace(slices.Concat(b[i:], b[:i]))
	}, ErrSecurity},
	{"data_cut_short", "tile/8/data/000", "tile/8/data/000", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		return replace(b[:len(b)-1])
	}, ErrUnavailable},
	{"data_with_more", "tile/8/data/001.p/9", "tile/8/data/001", func(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
		return replace(append(bytes.Clone(b), "more\n"...))
	}, ErrUnavailable},
	{"forbidden", basicLookup, "lookup/", func(*testing.T, *upstream, []byte) modtest.Fault {
		return modtest.Fault{Status: http.StatusForbidden}
	}, ErrUnavailable},
	{"server_error_for_tile", basicLookup, "tile/", func(*testing.T, *upstream, []byte) modtest.Fault {
		return modtest.Fault{Status: http.StatusInternalServerError}
	}, ErrUnavailable},
}

func replace(b []byte) modtest.Fault { return modtest.Fault{Replace: b} }

func empty(*testing.T, *upstream, []byte) modtest.Fault { return replace([]byte{}) }

// flip changes a bit in the last hash.
func flip(_ *testing.T, _ *upstream, b []byte) modtest.Fault {
	b = bytes.Clone(b)
	b[len(b)-1] ^= 1
	return replace(b)
}

// otherKey signs the tree head again, as a database of the same name with another key.
func otherKey(t *testing.T, _ *upstream, b []byte) modtest.Fault {
	skey, _, err := note.GenerateKey(nil, dbName)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	start := bytes.Index(b, []byte("go.sum database tree\n"))
	end := start + bytes.Index(b[start:], []byte("\n\n")) + 1
	msg, err := note.Sign(&note.Note{Text: string(b[start:end])}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return replace(slices.Concat(b[:start], msg))
}

// TestLies tells each lie to a DB that knows nothing. The DB must not keep it, neither on disk nor as an error.
func TestLies(t *testing.T) {
	mods := many(300, "big.example.com")
	for _, tt := range lies {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t, mods)
			want := get(t, u.open(t), tt.request).Body
			u.fault(tt.path, tt.change(t, u, []byte(u.direct(t, fetched(t, u, tt.path)))))

			dir := t.TempDir()
			d := u.open(t, inDir(dir))
			for range 2 {
				before := u.count("")
				_, err := d.Get(t.Context(), tt.request)
				wantErr(t, err, tt.want)
				if u.count("") == before {
					t.Error("the second time nobody was asked: the error is remembered")
				}
			}
			u.fault("", modtest.Fault{Drop: true})
			u.fault(tt.path, modtest.Fault{})
			_, err := u.open(t, inDir(dir)).Get(t.Context(), tt.request)
			wantErr(t, err, ErrUnavailable)
			u.fault("", modtest.Fault{})
			if r := get(t, d, tt.request); !bytes.Equal(r.Body, want) {
				t.Errorf("honest again, Get: %q, want %q", r.Body, want)
			}
		})
	}
}

// fetched returns the path of the database with the prefix that was last fetched.
func fetched(t *testing.T, u *upstream, prefix string) string {
	t.Helper()
	for _, r := range slices.Backward(u.proxy.Requests()) {
		if path, ok := strings.CutPrefix(r, "GET "+below+prefix); ok {
			return prefix + path
		}
	}
	t.Fatalf("nothing like %s was fetched", prefix)
	return ""
}

// TestLiesToClient checks that golang.org/x/mod/sumdb.Client believes none of the lies about lookups either, so that
// they are lies, and that the DB is no more credulous than it: except where it has no opinion.
func TestLiesToClient(t *testing.T) {
	mods := many(300, "big.example.com")
	for _, tt := range lies {
		if tt.request != basicLookup {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t, mods)
			honest, _ := newClient(u.sum.Key(), func(path string) ([]byte, error) { return u.remote().Get(t.Context(), path, 1<<20) })
			if lines, err := honest.Lookup(basic, "v1.0.0"); err != nil || len(lines) != 1 {
				t.Fatalf("%q, %v", lines, err)
			}
			u.fault(tt.path, tt.change(t, u, []byte(u.direct(t, fetched(t, u, tt.path)))))
			c, _ := newClient(u.sum.Key(), func(path string) ([]byte, error) { return u.remote().Get(t.Context(), path, 1<<20) })
			lines, err := c.Lookup(basic, "v1.0.0")
			switch tt.name {
			case "record_of_another_version": // no line is found, which is no error
				if err != nil || len(lines) != 0 {
					t.Errorf("%q, %v", lines, err)
				}
			case "huge_lookup", "no_signature": // it knows no limit; and takes no head for an old one
			default:
				if err == nil {
					t.Errorf("the client believes %q", lines)
				}
			}
		})
	}
}

// fixed is a remote with a few files.
type fixed map[string][]byte

func (f fixed) Get(_ context.Context, path string, _ int64) ([]byte, error) {
	if data, ok := f[path]; ok {
		return data, nil
	}
	return nil, &absentError{"not found"}
}

// TestImpossibleTrees has heads that the database did sign.
func TestImpossibleTrees(t *testing.T) {
	skey, vkey, err := note.GenerateKey(nil, dbName)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
		want       error
	}{
		{"too_many_records", string(tlog.FormatTree(tlog.Tree{N: 1 << 62})), ErrSecurity},
		{"hash_of_nothing", string(tlog.FormatTree(tlog.Tree{})), ErrSecurity},
		{"no_tree", "go.sum database tree\n-1\n", ErrUnavailable},
		{"other_text", "hello\n", ErrUnavailable},
		{"too_long", string(tlog.FormatTree(tlog.Tree{N: 1})) + strings.Repeat("x\n", maxHead/2), ErrUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			msg, err := note.Sign(&note.Note{Text: tt.text}, signer)
			if err != nil {
				t.Fatal(err)
			}
			d, err := New(Config{Name: dbName, Key: vkey, Direct: fixed{"latest": msg}, Log: testLog(t)})
			if err != nil {
				t.Fatal(err)
			}
			_, err = d.Get(t.Context(), "latest")
			wantErr(t, err, tt.want)
			_, err = d.Get(t.Context(), "tile/8/0/000")
			wantErr(t, err, tt.want)
		})
	}
}

// TestFork has a database that shows two trees, to a DB that has seen one of them.
func TestFork(t *testing.T) {
	const honest, forked = "honest.example.com", "forked.example.com"
	common, other := many(300, "big.example.com"), map[int]*modtest.Modules{}
	for _, n := range []int{30, 320, 350, 600} {
		other[n] = many(n, forked)
	}
	tests := []struct {
		name string
		fork func(t *testing.T) *upstream // beside an upstream with common records and 20 more
	}{
		{"larger", func(t *testing.T) *upstream { return newUpstream(t, other[600]) }},
		{"little_larger", func(t *testing.T) *upstream { return newUpstream(t, other[350]) }},
		{"smaller", func(t *testing.T) *upstream { return newUpstream(t, other[30]) }},
		{"same_size", func(t *testing.T) *upstream { return newUpstream(t, other[320]) }},
		{"larger_later", func(t *testing.T) *upstream {
			u := newUpstream(t, common)
			u.grow(t, forked, 400)
			return u
		}},
		{"smaller_later", func(t *testing.T) *upstream {
			u := newUpstream(t, common)
			u.grow(t, forked, 5)
			return u
		}},
		{"same_size_later", func(t *testing.T) *upstream {
			u := newUpstream(t, common)
			u.grow(t, forked, 20)
			return u
		}},
	}
	for _, tt := range tests {
		for _, ask := range []string{basicLookup, "latest"} {
			kind, _, _ := strings.Cut(ask, "/")
			for _, restart := range []string{"running", "restarted"} {
				t.Run(tt.name+"_"+kind+"_"+restart, func(t *testing.T) {
					u, dir := newUpstream(t, common), t.TempDir()
					u.grow(t, honest, 20)
					var log bytes.Buffer
					logged := func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }
					clock := newClock()
					timed := func(c *Config) { c.Now = clock.Now }
					d := u.open(t, inDir(dir), logged, timed)
					const seen = "lookup/big.example.com/many@v1.0.7"
					want := string(get(t, d, seen).Body)
					head := string(get(t, d, "latest").Body)
					kept := contents(t, dir)

					fork := tt.fork(t)
					u.proxy.ServeSumDB(fork.sum)
					forkHead := fork.direct(t, "latest")
					if restart == "restarted" {
						d = u.open(t, inDir(dir), logged, timed)
					}
					clock.advance(2 * d.cfg.HeadTTL)
					for i := range 2 {
						_, err := d.Get(t.Context(), ask)
						wantErr(t, err, ErrSecurity)
						e, ok := errors.AsType[*SecurityError](err)
						if !ok || !errors.Is(err, errFork) {
							t.Fatalf("error %v, want a fork", err)
						}
						for _, note := range []string{head, forkHead} {
							if !strings.Contains(err.Error(), indented(note)) || !strings.Contains(e.Evidence, indented(note)) {
								t.Errorf("the error does not have the tree head\n%s\n%v", note, err)
							}
						}
						if n := strings.Count(log.String(), "level=ERROR"); n != i+1 {
							t.Errorf("%d errors logged after %d requests:\n%s", n, i+1, &log)
						}
					}
					wantGet(t, d, seen, want, Hit)
					if diff := cmp.Diff(kept, contents(t, dir)); diff != "" {
						t.Errorf("the fork has changed the cache (-before +after):\n%s", diff)
					}

					u.proxy.ServeSumDB(u.sum)
					u.grow(t, honest+".later", 3)
					if _, err := d.Lookup(t.Context(), honest+".later/grown", "v1.0.1"); err != nil {
						t.Errorf("honest again: %v", err)
					}
					for _, tile := range []string{"tile/8/0/000", "tile/8/0/001.p/80", "tile/8/1/000.p/1"} {
						if r := get(t, d, tile); string(r.Body) != u.direct(t, tile) {
							t.Errorf("%s is not the honest one (%s)", tile, r.State)
						}
					}
				})
			}
		}
	}
}

func indented(note string) string {
	return strings.ReplaceAll(strings.TrimSpace(note), "\n", "\n\t")
}

func TestHashesOf(t *testing.T) {
	m := module.Version{Path: "example.com/m", Version: "v1.0.0"}
	tests := []struct {
		name, text string
		want       Hashes
		ok         bool
	}{
		{"both", "example.com/m v1.0.0 h1:z\nexample.com/m v1.0.0/go.mod h1:g\n", Hashes{"h1:z", "h1:g"}, true},
		{"zip", "example.com/m v1.0.0 h1:z\n", Hashes{Zip: "h1:z"}, true},
		{"gomod", "example.com/m v1.0.0/go.mod h1:g\n", Hashes{GoMod: "h1:g"}, true},
		{"twice_the_same", "example.com/m v1.0.0 h1:z\nexample.com/m v1.0.0 h1:z\n", Hashes{Zip: "h1:z"}, true},
		{"two_hashes", "example.com/m v1.0.0 h1:z\nexample.com/m v1.0.0 h1:y\n", Hashes{}, false},
		{"other_algorithm_too", "example.com/m v1.0.0 h2:x\nexample.com/m v1.0.0 h1:z\n", Hashes{Zip: "h1:z"}, true},
		{"other_algorithm", "example.com/m v1.0.0 h2:x\n", Hashes{}, false},
		{"longer_version", "example.com/m v1.0.01 h1:z\n", Hashes{}, false},
		{"longer_path", "an.example.com/m v1.0.0 h1:z\n", Hashes{}, false},
		{"empty", "", Hashes{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := hashesOf(m, tt.text)
			if h != tt.want || (err == nil) != tt.ok {
				t.Errorf("hashesOf = %v, %v", h, err)
			}
		})
	}
}
