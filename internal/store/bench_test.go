package store_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/store/storetest"
)

func BenchmarkGet(b *testing.B) {
	d := openDir(b, store.Config{Root: b.TempDir(), Fast: true})
	storetest.PutString(b, d, "github.com/some/module/v2/@v/v2.3.4.zip", "x")
	b.ReportAllocs()
	for b.Loop() {
		f, err := d.Get(b.Context(), "github.com/some/module/v2/@v/v2.3.4.zip")
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}

// BenchmarkPut stores small files of new modules, three a module, by one and by sixteen writers.
func BenchmarkPut(b *testing.B) {
	for _, fast := range []bool{false, true} {
		for _, writers := range []int{1, 16} {
			b.Run(fmt.Sprintf("fast=%v/writers=%d", fast, writers), func(b *testing.B) {
				d := openDir(b, store.Config{Root: b.TempDir(), Fast: fast})
				content := []byte(strings.Repeat("x", 2000))
				var n atomic.Int64
				b.SetParallelism(max(1, writers/2)) // times GOMAXPROCS
				put := func() {
					i := n.Add(1)
					f, err := d.Temp()
					if err != nil {
						b.Error(err)
						return
					}
					f.Write(content)
					if err := d.Put(b.Context(), fmt.Sprintf("github.com/some/module%d/@v/v1.0.%d.info", i/3, i), f); err != nil {
						b.Error(err)
					}
					f.Close()
				}
				if writers == 1 {
					for b.Loop() {
						put()
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						put()
					}
				})
			})
		}
	}
}

// BenchmarkOpenDir opens a store of 20,000 files whose usage is known.
func BenchmarkOpenDir(b *testing.B) {
	root := b.TempDir()
	d := openDir(b, store.Config{Root: root, Fast: true})
	for i := range 20_000 {
		storetest.PutString(b, d, fmt.Sprintf("example.com/m%d/@v/v0.0.%d.info", i/20, i), "x")
	}
	if _, err := store.Evict(b.Context(), d, store.EvictConfig{Limit: 1 << 40}); err != nil {
		b.Fatal(err)
	}
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		d, err := store.OpenDir(store.Config{Root: root})
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList(b *testing.B) {
	d := openDir(b, store.Config{Root: b.TempDir(), Fast: true})
	for i := range 20_000 {
		storetest.PutString(b, d, fmt.Sprintf("example.com/m%d/@v/v0.0.%d.info", i/20, i), "x")
	}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range d.List(b.Context(), "") {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 20_000 {
			b.Fatal(n)
		}
	}
}

// BenchmarkIndexSince reads a page in the middle of 200,000 entries.
func BenchmarkIndexSince(b *testing.B) {
	x := openIndex(b, b.TempDir())
	start := day(0, 0, 0, 0)
	for i := range 200_000 {
		appendVersion(b, x, "example.com/some/module", fmt.Sprintf("v0.0.%d", i), start.Add(time.Duration(i)*time.Minute))
	}
	for b.Loop() {
		if got, err := x.Since(start.Add(100_000*time.Minute), 10); err != nil || len(got) != 10 {
			b.Fatal(got, err)
		}
	}
}
