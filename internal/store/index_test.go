package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/goready/goready/internal/store"
)

func openIndex(t testing.TB, root string) *store.Index {
	t.Helper()
	x, err := store.OpenIndex(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

func appendVersion(t testing.TB, x *store.Index, path, version string, at time.Time) {
	t.Helper()
	if err := x.Append(path, version, at); err != nil {
		t.Fatal(err)
	}
}

func since(t *testing.T, x *store.Index, at time.Time, limit int) []store.IndexEntry {
	t.Helper()
	got, err := x.Since(at, limit)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func versions(entries []store.IndexEntry) (v []string) {
	for _, e := range entries {
		v = append(v, e.Version)
	}
	return v
}

func day(h, m, s, ns int) time.Time { return time.Date(2026, 5, 6, h, m, s, ns, time.UTC) }

func TestIndexLines(t *testing.T) {
	root := t.TempDir()
	x := openIndex(t, root)
	appendVersion(t, x, "github.com/BurntSushi/toml", "v1.2.0", day(1, 2, 3, 456789012).In(time.FixedZone("east", 3600)))
	appendVersion(t, x, "example.com/m", "v2.0.0+incompatible", day(1, 2, 4, 0))
	data, err := os.ReadFile(filepath.Join(root, "index.jsonl"))
	want := `{"Path":"github.com/BurntSushi/toml","Version":"v1.2.0","Timestamp":"2026-05-06T01:02:03.456789Z"}
{"Path":"example.com/m","Version":"v2.0.0+incompatible","Timestamp":"2026-05-06T01:02:04Z"}
`
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("index.jsonl (-want +got):\n%s", diff)
	}
	for name, err := range map[string]error{
		"no path": x.Append("", "v1.0.0", day(2, 0, 0, 0)), "no version": x.Append("a", "", day(2, 0, 0, 0)),
		"too long": x.Append(strings.Repeat("a", 9000), "v1.0.0", day(2, 0, 0, 0)),
	} {
		if !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := since(t, x, time.Time{}, 0); len(got) != 2 {
		t.Errorf("entries %v", got)
	}
}

// TestIndexTimes checks that the clock of the index goes on when that of the machine stands still or goes back, also
// after a restart.
func TestIndexTimes(t *testing.T) {
	root := t.TempDir()
	x := openIndex(t, root)
	noon := day(12, 0, 0, 0)
	for i, at := range []time.Time{noon, noon, noon.Add(-time.Hour), noon.Add(time.Nanosecond), noon.Add(time.Minute), noon} {
		if i == 3 {
			x = openIndex(t, root)
		}
		appendVersion(t, x, "m", fmt.Sprint(i), at)
	}
	var got []time.Duration
	for _, e := range since(t, x, time.Time{}, 0) {
		got = append(got, e.Timestamp.Sub(noon))
	}
	const us = time.Microsecond
	if want := []time.Duration{0, us, 2 * us, 3 * us, time.Minute, time.Minute + us}; !slices.Equal(got, want) {
		t.Errorf("times after noon %v, want %v", got, want)
	}
}

// TestIndexPages reads an index of some thousand entries as clients do, page by page.
func TestIndexPages(t *testing.T) {
	x := openIndex(t, t.TempDir())
	const n = 4500
	for i := range n {
		appendVersion(t, x, "m", fmt.Sprint(i), day(0, 0, i, 0))
	}
	for _, limit := range []int{0, -1, 2001, 2000, 999} {
		var got []string
		at := time.Time{}
		most := limit
		if limit <= 0 || limit > 2000 {
			most = 2000
		}
		for {
			page := since(t, x, at, limit)
			if len(page) > most {
				t.Fatalf("a page of %d entries", len(page))
			}
			if len(got) > 0 {
				if page[0].Version != got[len(got)-1] {
					t.Fatalf("a page begins with %v after %s", page[0], got[len(got)-1])
				}
				page = page[1:]
			}
			if len(page) == 0 {
				break
			}
			got = append(got, versions(page)...)
			at = page[len(page)-1].Timestamp
		}
		if len(got) != n || got[0] != "0" || got[n-1] != fmt.Sprint(n-1) {
			t.Errorf("limit %d: %d entries from pages", limit, len(got))
		}
	}
	for at, want := range map[time.Time]int{day(0, 0, n-1, 0): 1, day(0, 0, n-1, 1): 0, day(0, 0, n-10, 1): 9, day(0, 0, 1, 0): 2000} {
		if got := since(t, x, at, 0); len(got) != want {
			t.Errorf("%d entries since %v, want %d", len(got), at, want)
		}
	}
}

// TestIndexTorn has what a crash, a full disk or another program can leave in the file: lines that are no entries are
// passed over, and what is appended later is not lost with them.
func TestIndexTorn(t *testing.T) {
	entry := func(v string, s int) string {
		return fmt.Sprintf(`{"Path":"m","Version":%q,"Timestamp":"2026-05-06T00:00:%02dZ"}`, v, s)
	}
	for _, tt := range []struct{ name, file, want string }{
		{"empty", "", "new"},
		{"torn_at_the_end", entry("1", 1) + "\n" + entry("2", 2)[:30], "1 new"},
		{"no_line_end", entry("1", 1) + "\n" + entry("2", 2), "1 2 new"},
		{"only_torn", entry("1", 1)[:20], "new"},
		{"torn_in_the_middle", entry("1", 1) + "\n" + entry("2", 2)[:30] + "\n" + entry("3", 3) + "\n", "1 3 new"},
		{"zeros", entry("1", 1) + "\n" + strings.Repeat("\x00", 100_000) + "\n" + entry("3", 3) + "\n", "1 3 new"},
		{"zeros_at_the_end", entry("1", 1) + "\n" + strings.Repeat("\x00", 100_000), "1 new"},
		{"zeros_and_entry", strings.Repeat("\x00", 20_000) + entry("2", 2) + "\n" + entry("3", 3) + "\n", "3 new"},
		{"zeros_of_a_buffer_and_entry", strings.Repeat("\x00", 16<<10) + entry("2", 2) + "\n" + entry("3", 3) + "\n", "3 new"},
		{"long_line", strings.Repeat("x", 50_000) + "\n" + entry("3", 3) + "\n", "3 new"},
		{"blank_lines", "\n\n" + entry("1", 1) + "\r\n\n" + entry("2", 2) + "\n\n", "1 2 new"},
		{"other_json", "null\n[1]\n\"x\"\n{}\n{\"Path\":\"m\"}\n{\"Path\":1}\n" + entry("1", 1) + "\n", "1 new"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.WriteFile(filepath.Join(root, "index.jsonl"), []byte(tt.file), 0o644); err != nil {
				t.Fatal(err)
			}
			other := openIndex(t, root) // which saw the file before
			x := openIndex(t, root)
			before := strings.Join(versions(since(t, x, time.Time{}, 0)), " ")
			if want := strings.TrimSpace(strings.TrimSuffix(tt.want, "new")); before != want && tt.name != "no_line_end" {
				t.Errorf("entries %q, want %q", before, want)
			}
			appendVersion(t, x, "m", "new", day(1, 0, 0, 0))
			for _, x := range []*store.Index{x, other} {
				if got := strings.Join(versions(since(t, x, time.Time{}, 0)), " "); got != tt.want {
					t.Errorf("entries %q, want %q", got, tt.want)
				}
				if got := versions(since(t, x, day(0, 59, 0, 0), 0)); !slices.Equal(got, []string{"new"}) {
					t.Errorf("entries %q since an hour, want the new one", got)
				}
			}
		})
	}
}

// TestIndexDisorder compares Since with a plain search, on an index whose lines are out of order by some seconds, have
// different lengths and garbage in between.
func TestIndexDisorder(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		root := t.TempDir()
		writers := []*store.Index{openIndex(t, root), openIndex(t, root), openIndex(t, root)}
		clock := day(0, 0, 0, 0)
		for i := range 2500 {
			clock = clock.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
			at := clock.Add(-time.Duration(r.IntN(9900)) * time.Millisecond)
			e := store.IndexEntry{Path: strings.Repeat("m", 1+r.IntN(300)), Version: fmt.Sprint(i), Timestamp: at}
			appendVersion(t, writers[r.IntN(len(writers))], e.Path, e.Version, e.Timestamp)
			if r.IntN(100) == 0 {
				garbage(t, root, strings.Repeat("?", r.IntN(30_000))+"\n")
			}
		}
		all := readLines(t, root)
		slices.SortStableFunc(all, func(a, b store.IndexEntry) int { return a.Timestamp.Compare(b.Timestamp) })
		for range 100 {
			at := day(0, 0, 0, 0).Add(time.Duration(r.Int64N(int64(clock.Sub(day(0, 0, 0, 0))))))
			limit := 1 + r.IntN(300)
			first, _ := slices.BinarySearchFunc(all, at, func(e store.IndexEntry, at time.Time) int { return e.Timestamp.Compare(at) })
			want := all[first:min(first+limit, len(all))]
			got := since(t, writers[0], at, limit)
			if !slices.Equal(versions(got), versions(want)) {
				t.Fatalf("seed %d, since %v, limit %d: %v, want %v", seed, at, limit, versions(got), versions(want))
			}
		}
	}
}

// garbage appends what is no entry.
func garbage(t *testing.T, root, text string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(root, "index.jsonl"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// readLines reads all entries, one after the other.
func readLines(t *testing.T, root string) (all []store.IndexEntry) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "index.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var e store.IndexEntry
		if strings.HasPrefix(line, "{") {
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			all = append(all, e)
		}
	}
	return all
}
