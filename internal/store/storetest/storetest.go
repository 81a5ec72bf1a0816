// Package storetest is the contract of store.Store as a test: [Test] runs it against any implementation, and [Faulty]
// makes the operations of a store fail as planned, for the tests of those who use one.
//
// Its one invariant: what it demands is what the comments of store.Store say, and nothing that only one implementation
// has. It does not test what happens when a process or a machine ends in the middle.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/goready/goready/internal/store"
)

// Test runs the contract. Each call of open returns an empty store.
func Test(t *testing.T, open func(t *testing.T) store.Store) {
	cases := []struct {
		name string
		test func(*testing.T, store.Store)
	}{
		{"put_and_get", testPutAndGet},
		{"sizes", testSizes},
		{"create_only", testCreateOnly},
		{"concurrent_puts", testConcurrentPuts},
		{"absent", testAbsent},
		{"invalid_keys", testInvalidKeys},
		{"longest_key", testLongestKey},
		{"foreign_temp", testForeignTemp},
		{"delete", testDelete},
		{"read_after_delete", testReadAfterDelete},
		{"whole_while_put_and_deleted", testWhole},
		{"list", testList},
		{"list_may_stop", testListStops},
		{"touch", testTouch},
		{"cancelled", testCancelled},
		{"put_failed_and_stored", func(t *testing.T, s store.Store) { testPutFault(t, s, true) }},
		{"put_failed_and_not_stored", func(t *testing.T, s store.Store) { testPutFault(t, s, false) }},
		{"delete_failed_and_done", func(t *testing.T, s store.Store) { testDeleteFault(t, s, true) }},
		{"delete_failed_and_not_done", func(t *testing.T, s store.Store) { testDeleteFault(t, s, false) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// NewTemp returns a temporary file of s with some contents, which is closed at the end of the test.
func NewTemp(t testing.TB, s store.Store, content string) *store.Temp {
	t.Helper()
	f, err := store.MakeTemp(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := io.WriteString(f, content); err != nil {
		t.Fatal(err)
	}
	return f
}

// PutString stores content, which must succeed.
func PutString(t testing.TB, s store.Store, key, content string) {
	t.Helper()
	f := NewTemp(t, s, content)
	if err := s.Put(t.Context(), key, f); err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// ReadString returns the contents of key.
func ReadString(t testing.TB, s store.Store, key string) (string, error) {
	t.Helper()
	b, err := s.Get(t.Context(), key)
	if err != nil {
		return "", err
	}
	defer b.Close()
	data, err := io.ReadAll(b)
	if err == nil && (b.Size != int64(len(data)) || b.Key != key) {
		t.Errorf("the blob of %q is called %q and said to have %d bytes, but has %d", key, b.Key, b.Size, len(data))
	}
	return string(data), err
}

func wantContent(t *testing.T, s store.Store, key, want string) {
	t.Helper()
	got, err := ReadString(t, s, key)
	if err != nil || got != want {
		t.Errorf("%q has %q, %v; want %q", key, shorten(got), err, shorten(want))
	}
}

func wantAbsent(t *testing.T, s store.Store, key string) {
	t.Helper()
	if _, err := ReadString(t, s, key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("get %q: %v, want fs.ErrNotExist", key, err)
	}
}

func shorten(s string) string {
	if len(s) > 80 {
		return fmt.Sprintf("%s… (%d bytes)", s[:80], len(s))
	}
	return s
}

const someKey = "github.com/!burnt!sushi/toml/@v/v1.2.0.zip"

func testPutAndGet(t *testing.T, s store.Store) {
	f := NewTemp(t, s, "some ")
	if _, err := f.Write([]byte("contents")); err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-time.Minute)
	if err := s.Put(t.Context(), someKey, f); err != nil {
		t.Fatal(err)
	}
	wantContent(t, s, someKey, "some contents")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, s, someKey, "some contents")
	b, err := s.Get(t.Context(), someKey)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.Used.Before(before) || b.Used.After(time.Now().Add(time.Minute)) {
		t.Errorf("used at %v, want about now", b.Used)
	}
	if _, err := b.Seek(5, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(b); err != nil || string(rest) != "contents" {
		t.Errorf("from the sixth byte on: %q, %v", rest, err)
	}
}

func testSizes(t *testing.T, s store.Store) {
	for _, n := range []int{0, 1, 4095, 4096, 4097, 3 << 20} {
		key := fmt.Sprintf("example.com/size/@v/v0.0.%d.zip", n)
		content := strings.Repeat("x", n)
		PutString(t, s, key, content)
		wantContent(t, s, key, content)
	}
}

func testCreateOnly(t *testing.T, s store.Store) {
	PutString(t, s, someKey, "first")
	for _, content := range []string{"second", "first"} {
		if err := s.Put(t.Context(), someKey, NewTemp(t, s, content)); !errors.Is(err, fs.ErrExist) {
			t.Errorf("put again: %v, want fs.ErrExist", err)
		}
		wantContent(t, s, someKey, "first")
	}
}

// testConcurrentPuts puts different contents under each of some keys at once. The folders are new too.
func testConcurrentPuts(t *testing.T, s store.Store) {
	const writers, keys = 8, 20
	won := make([][]int, keys)
	var mu sync.Mutex
	var wg sync.WaitGroup
	key := func(k int) string { return fmt.Sprintf("example.com/m%d/@v/v1.0.0.mod", k/2) + fmt.Sprint(k%2) }
	content := func(k, w int) string { return strings.Repeat(fmt.Sprintf("key %d of writer %d\n", k, w), 1000) }
	for w := range writers {
		temps := make([]*store.Temp, keys)
		for k := range temps {
			temps[k] = NewTemp(t, s, content(k, w))
		}
		wg.Go(func() {
			for k, f := range temps {
				err := s.Put(t.Context(), key(k), f)
				if err != nil && !errors.Is(err, fs.ErrExist) {
					t.Errorf("put %d by %d: %v", k, w, err)
				}
				if got, err := ReadString(t, s, key(k)); err != nil || len(got) != len(content(k, w)) {
					t.Errorf("get %d after put: %q, %v", k, shorten(got), err)
				}
				mu.Lock()
				if err == nil {
					won[k] = append(won[k], w)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for k, w := range won {
		if len(w) != 1 {
			t.Errorf("%d writers were told that they stored key %d, want 1", len(w), k)
			continue
		}
		wantContent(t, s, key(k), content(k, w[0]))
	}
}

func testAbsent(t *testing.T, s store.Store) {
	PutString(t, s, someKey, "x")
	for _, key := range []string{
		"example.com/absent/@v/v1.0.0.zip",
		"github.com/!burnt!sushi/toml/@v/v1.2.0.mod",
		"github.com/!burnt!sushi/toml", // has keys below
		"github.com",
		someKey + "/below", // is below a key
		someKey + "/below/too",
	} {
		wantAbsent(t, s, key)
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("delete %q: %v", key, err)
		}
	}
	wantContent(t, s, someKey, "x")
}

func testInvalidKeys(t *testing.T, s store.Store) {
	for _, key := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b", `a\b`, "a b", "a\x00b", "a\nb", "é", "a\x7f",
		strings.Repeat("a", 251), strings.Repeat("a/", 1024) + "a",
	} {
		for op, err := range map[Op]error{
			Get:    second(s.Get(t.Context(), key)),
			Put:    s.Put(t.Context(), key, NewTemp(t, s, "x")),
			Delete: s.Delete(t.Context(), key),
			Touch:  touch(t, s, key, fs.ErrInvalid),
		} {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%s %q: %v, want fs.ErrInvalid", op, shorten(key), err)
			}
		}
	}
	for _, prefix := range []string{"/", "a//", "../", "a/../b", "a b"} {
		if got, err := keys(t, s, prefix); !errors.Is(err, fs.ErrInvalid) || len(got) > 0 {
			t.Errorf("list %q: %q, %v, want fs.ErrInvalid", prefix, got, err)
		}
	}
	if got, err := keys(t, s, ""); err != nil || len(got) > 0 {
		t.Errorf("in the end there are %q, %v", got, err)
	}
}

// second returns the error of a Get that must fail.
func second(b *store.Blob, err error) error {
	if err == nil {
		return b.Close()
	}
	return err
}

// touch touches a key, if s can; else it returns unable.
func touch(t *testing.T, s store.Store, key string, unable error) error {
	if toucher, ok := s.(store.Toucher); ok {
		return toucher.Touch(t.Context(), key)
	}
	return unable
}

func testLongestKey(t *testing.T, s store.Store) {
	key := strings.Repeat(strings.Repeat("a", 227)+"/", 8) + strings.Repeat("b", 224)
	if len(key) != 2048 {
		t.Fatalf("the key has %d bytes", len(key))
	}
	for _, key := range []string{key, strings.Repeat("a", 250)} {
		PutString(t, s, key, "x")
		wantContent(t, s, key, "x")
		if got, err := keys(t, s, key[:240]); err != nil || !slices.Equal(got, []string{key}) {
			t.Errorf("list: %q, %v", got, err)
		}
		if err := s.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
	}
}

// testForeignTemp puts a file that was not made for the store.
func testForeignTemp(t *testing.T, s store.Store) {
	f, err := store.NewTemp(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, "from elsewhere"); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), someKey, f); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), someKey, f); !errors.Is(err, fs.ErrExist) {
		t.Errorf("put again: %v, want fs.ErrExist", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	wantContent(t, s, someKey, "from elsewhere")
}

func testDelete(t *testing.T, s store.Store) {
	other := strings.TrimSuffix(someKey, "zip") + "mod"
	PutString(t, s, other, "other")
	for i := range 3 {
		content := fmt.Sprint("version ", i)
		PutString(t, s, someKey, content) // possible again after Delete
		wantContent(t, s, someKey, content)
		for range 2 { // the second one deletes nothing
			if err := s.Delete(t.Context(), someKey); err != nil {
				t.Fatal(err)
			}
			wantAbsent(t, s, someKey)
		}
	}
	wantContent(t, s, other, "other")
}

func testReadAfterDelete(t *testing.T, s store.Store) {
	content := strings.Repeat("0123456789", 100_000)
	PutString(t, s, someKey, content)
	b, err := s.Get(t.Context(), someKey)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	first := make([]byte, 1000)
	if _, err := io.ReadFull(b, first); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), someKey); err != nil {
		t.Fatal(err)
	}
	PutString(t, s, someKey, "another")
	rest, err := io.ReadAll(b)
	if err != nil || string(first)+string(rest) != content {
		t.Errorf("read %d bytes after Delete, %v; want the %d that were there", len(first)+len(rest), err, len(content))
	}
}

// testWhole reads a key all the time while others put and delete it: it is absent or whole, and listed with its size.
func testWhole(t *testing.T, s store.Store) {
	content := strings.Repeat("whole or nothing\n", 20_000)
	done := make(chan struct{})
	var readers sync.WaitGroup
	read := func() {
		if got, err := ReadString(t, s, someKey); err == nil && got != content {
			t.Errorf("read %d bytes of %d", len(got), len(content))
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get: %v", err)
		}
		for e, err := range s.List(t.Context(), someKey) {
			if err != nil || e.Size != int64(len(content)) {
				t.Errorf("listed %+v, %v", e, err)
			}
		}
	}
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					read()
				}
			}
		})
	}
	for range 30 {
		PutString(t, s, someKey, content)
		if err := s.Delete(t.Context(), someKey); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

// keys returns the sorted keys of a list.
func keys(t *testing.T, s store.Store, prefix string) ([]string, error) {
	t.Helper()
	found := map[string]bool{}
	for e, err := range s.List(t.Context(), prefix) {
		if err != nil {
			return slices.Sorted(maps.Keys(found)), err
		}
		if found[e.Key] {
			t.Errorf("%q is listed twice", e.Key)
		}
		found[e.Key] = true
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func testList(t *testing.T, s store.Store) {
	if got, err := keys(t, s, ""); err != nil || len(got) > 0 {
		t.Errorf("an empty store lists %q, %v", got, err)
	}
	all := map[string]string{
		"a/@v/v1.0.0.mod":   "x",
		"a/@v/v1.0.0.zip":   "xx",
		"a/@v/v1.1.0.mod":   "xxx",
		"a/b/@v/v1.0.0.mod": "xxxx",
		"ab/@v/v1.0.0.mod":  "",
		"b":                 "single",
		".hidden/.file":     "dots",
		"-/-x":              "dashes",
	}
	for i := range 600 { // more than a folder is read at once
		all[fmt.Sprintf("many/@v/v0.0.%d.info", i)] = "{}"
	}
	for key, content := range all {
		PutString(t, s, key, content)
	}
	for _, prefix := range []string{
		"", "a", "a/", "a/@", "a/@v/v1.", "a/@v/v1.0.0.mod", "a/@v/v1.0.0.mod/", "ab", "b", "b/", "c", "many/", "many/@v/v0.0.59",
		".", ".hidden/.", "-", "a/b/@v/v1.0.0.modx", "nothing/here/",
	} {
		var want []string
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if strings.HasPrefix(key, prefix) {
				want = append(want, key)
			}
		}
		got, err := keys(t, s, prefix)
		if err != nil {
			t.Errorf("list %q: %v", prefix, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("list %q (-want +got):\n%s", prefix, diff)
		}
	}
	for e, err := range s.List(t.Context(), "") {
		if err != nil || e.Size != int64(len(all[e.Key])) || time.Since(e.Used).Abs() > time.Hour {
			t.Errorf("listed %+v, %v; want %d bytes", e, err, len(all[e.Key]))
		}
	}
}

func testListStops(t *testing.T, s store.Store) {
	for i := range 5 {
		PutString(t, s, fmt.Sprintf("m%d/@v/v1.0.0.mod", i%2)+fmt.Sprint(i), "x")
	}
	for most := range 5 {
		n := 0
		for _, err := range s.List(t.Context(), "") {
			if err != nil {
				t.Error(err)
			}
			if n++; n > most {
				break
			}
		}
		if n != most+1 {
			t.Errorf("%d entries, want %d", n, most+1)
		}
	}
}

func testTouch(t *testing.T, s store.Store) {
	toucher, ok := s.(store.Toucher)
	if !ok {
		t.Skip("the store does not remember when its files were used")
	}
	PutString(t, s, someKey, "x")
	used := func() time.Time {
		b, err := s.Get(t.Context(), someKey)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		return b.Used
	}
	before := used()
	for try := 0; !used().After(before); try++ { // a clock may stand still for a moment
		if err := toucher.Touch(t.Context(), someKey); err != nil {
			t.Fatal(err)
		}
		if try > 1_000_000 {
			t.Fatal("touching does not change the time")
		}
	}
	wantContent(t, s, someKey, "x")
	if err := toucher.Touch(t.Context(), "example.com/absent"); err != nil {
		t.Errorf("touching an absent key: %v", err)
	}
	wantAbsent(t, s, "example.com/absent")
}

func testCancelled(t *testing.T, s store.Store) {
	PutString(t, s, someKey, "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for op, err := range map[Op]error{
		Get:    second(s.Get(ctx, someKey)),
		Put:    s.Put(ctx, someKey+"2", NewTemp(t, s, "x")),
		Delete: s.Delete(ctx, someKey),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", op, err)
		}
	}
	for e, err := range s.List(ctx, "") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("list: %+v, %v, want context.Canceled", e, err)
		}
	}
	wantContent(t, s, someKey, "x")
	wantAbsent(t, s, someKey+"2")
}

var errLost = errors.New("the answer was lost")

// testPutFault shows that whoever puts again after an error gets to a key that is stored, whole.
func testPutFault(t *testing.T, s store.Store, stored bool) {
	faults := map[Op]Fault{Put: {Err: errLost, Done: stored}}
	faulty := Faulty(s, func(op Op, _ string) Fault { return faults[op] })
	f := NewTemp(t, faulty, "x")
	if err := faulty.Put(t.Context(), someKey, f); !errors.Is(err, errLost) {
		t.Fatalf("put: %v, want %v", err, errLost)
	}
	if stored {
		wantContent(t, s, someKey, "x")
	} else {
		wantAbsent(t, s, someKey)
	}
	clear(faults)
	err := faulty.Put(t.Context(), someKey, f)
	if stored && !errors.Is(err, fs.ErrExist) || !stored && err != nil {
		t.Errorf("put again: %v", err)
	}
	wantContent(t, s, someKey, "x")
}

// testDeleteFault shows that whoever deletes again after an error gets to a key that is absent.
func testDeleteFault(t *testing.T, s store.Store, done bool) {
	faults := map[Op]Fault{Delete: {Err: errLost, Done: done}}
	faulty := Faulty(s, func(op Op, _ string) Fault { return faults[op] })
	PutString(t, faulty, someKey, "x")
	if err := faulty.Delete(t.Context(), someKey); !errors.Is(err, errLost) {
		t.Fatalf("delete: %v, want %v", err, errLost)
	}
	if done {
		wantAbsent(t, faulty, someKey)
	} else {
		wantContent(t, faulty, someKey, "x")
	}
	clear(faults)
	if err := faulty.Delete(t.Context(), someKey); err != nil {
		t.Errorf("delete again: %v", err)
	}
	wantAbsent(t, faulty, someKey)
}
