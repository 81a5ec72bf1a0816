package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/modtest"
	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
)

const (
	bigPath = "mod.example.com/big"
	bigZip  = "/" + bigPath + "/@v/v1.0.0.zip"
	bigSize = 2 << 20
)

// bigRig has a module with a zip of 2 MiB.
func bigRig(t *testing.T, change ...func(*rig, *Config)) (*rig, []byte) {
	t.Helper()
	g := newRig(t, change...)
	g.modules.AddBig(bigPath, "v1.0.0", bigSize)
	return g, g.zip(bigPath, "v1.0.0")
}

// stream starts a GET and returns its answer while the body still comes.
func (g *rig) stream(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+path, nil)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(req)
}

// TestStreaming holds upstream in the middle of a zip: what came so far is there for all, but for 64 KiB.
func TestStreaming(t *testing.T) {
	g, zip := bigRig(t)
	stall := make(chan struct{})
	const at = 1 << 20
	g.up.SetFault(bigZip, modtest.Fault{Stall: stall, StallAt: at})
	var wait sync.WaitGroup
	var half sync.WaitGroup
	const clients = 20
	half.Add(clients)
	for range clients {
		wait.Go(func() {
			resp, err := g.stream(t.Context(), bigZip)
			if err != nil {
				half.Done()
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if resp.ContentLength != int64(len(zip)) {
				t.Errorf("Content-Length %d, want %d", resp.ContentLength, len(zip))
			}
			first := make([]byte, at-holdBack-chunk)
			_, err = io.ReadFull(resp.Body, first)
			half.Done()
			rest, err2 := io.ReadAll(resp.Body)
			if err := errors.Join(err, err2); err != nil || !bytes.Equal(append(first, rest...), zip) {
				t.Errorf("a client got %d bytes of %d, %v", len(first)+len(rest), len(zip), err)
			}
		})
	}
	half.Wait() // all have the beginning while upstream stands still
	close(stall)
	wait.Wait()
	if n := g.up.Count(bigZip); n != 1 {
		t.Errorf("%d upstream fetches", n)
	}
	g.wantBody(bigZip, zip, "HIT")
}

// TestHoldBack checks that nobody has the end of a zip before it is verified, and that one that fails ends broken.
func TestHoldBack(t *testing.T) {
	var sums *modSums
	asked, proceed := make(chan struct{}), make(chan struct{})
	g, zip := bigRig(t, withSums(&sums), func(_ *rig, c *Config) { c.Tenant.Sums = &slowSums{sums, asked, proceed} })
	sums.set(bigPath+"@v1.0.0", "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "")
	resp, err := g.stream(t.Context(), bigZip)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, len(zip)-holdBack)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatalf("the beginning: %v", err)
	}
	<-asked
	close(proceed)
	rest, err := io.ReadAll(resp.Body)
	if err == nil || len(rest) != 0 {
		t.Errorf("an unverified zip went on for %d bytes and ended with %v", len(rest), err)
	}
	wantNothingStored(t, g, bigPath)
	s := g.want(http.StatusBadGateway, bigZip)
	if !bytes.Contains(s.body, []byte("SECURITY")) || g.up.Count(bigZip) != 1 {
		t.Errorf("asked again: %v, %d upstream fetches", s, g.up.Count(bigZip))
	}
}

// slowSums answers when it may.
type slowSums struct {
	*modSums
	asked, proceed chan struct{}
}

func (s *slowSums) Lookup(ctx context.Context, path, version string) (zip, mod string, err error) {
	close(s.asked)
	<-s.proceed
	return s.modSums.Lookup(ctx, path, version)
}

// wantNothingStored demands that the store has no file of a module, nor half of one.
func wantNothingStored(t *testing.T, g *rig, path string) {
	t.Helper()
	for e, err := range g.store.List(t.Context(), path+"/") {
		if err != nil || filepath.Ext(e.Key) == ".zip" {
			t.Errorf("stored: %s, %v", e.Key, err)
		}
	}
	g.server.flights.wait.Wait()
	err := filepath.WalkDir(filepath.Join(g.dir, "tmp"), func(name string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != "lock" {
			t.Errorf("left over: %s", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestBrokenUpstream cuts a zip off: the client gets no whole answer, and the next one gets the whole zip.
func TestBrokenUpstream(t *testing.T) {
	for _, at := range []int64{-1, 100, 1 << 20, bigSize} {
		for _, noLength := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d_%t", at, noLength), func(t *testing.T) {
				g, zip := bigRig(t)
				g.up.SetFault(bigZip, modtest.Fault{TruncateAt: at, NoLength: noLength, Times: 1})
				s := g.get(bigZip)
				if s.status == 200 && s.err == nil {
					t.Errorf("a short zip came as a whole one: %v", s)
				}
				if s.status == 404 {
					t.Errorf("an outage is reported as %v", s)
				}
				wantNothingStored(t, g, bigPath)
				g.wantBody(bigZip, zip, "MISS")
			})
		}
	}
}

// TestClientLeaves lets the first client go in the middle: the others do not notice.
func TestClientLeaves(t *testing.T) {
	g, zip := bigRig(t)
	stall := make(chan struct{})
	g.up.SetFault(bigZip, modtest.Fault{Stall: stall, StallAt: 1 << 20})
	ctx, leave := context.WithCancel(t.Context())
	first, err := g.stream(ctx, bigZip)
	if err != nil {
		t.Fatal(err)
	}
	second, err := g.stream(t.Context(), bigZip)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Body.Close()
	leave()
	first.Body.Close()
	close(stall)
	if got, err := io.ReadAll(second.Body); err != nil || !bytes.Equal(got, zip) {
		t.Errorf("the second client got %d bytes, %v", len(got), err)
	}
	if n := g.up.Count(bigZip); n != 1 {
		t.Errorf("%d upstream fetches", n)
	}
}

// TestOnlyClientLeaves checks that a fetch goes on without anybody, so that the next one finds the zip.
func TestOnlyClientLeaves(t *testing.T) {
	g, zip := bigRig(t)
	stall := make(chan struct{})
	g.up.SetFault(bigZip, modtest.Fault{Stall: stall, StallAt: 1 << 20})
	ctx, leave := context.WithCancel(t.Context())
	resp, err := g.stream(ctx, bigZip)
	if err != nil {
		t.Fatal(err)
	}
	leave()
	resp.Body.Close()
	close(stall)
	g.server.flights.wait.Wait()
	g.wantBody(bigZip, zip, "HIT")
}

// TestNoLength fetches from an upstream that does not say how long the zip is.
func TestNoLength(t *testing.T) {
	g, zip := bigRig(t)
	g.up.SetFault(bigZip, modtest.Fault{NoLength: true})
	if s := g.wantBody(bigZip, zip, "MISS"); s.header.Get("Content-Length") == "" {
		t.Errorf("no Content-Length: %v", s)
	}
}

// TestTooLarge refuses a zip that says it is larger than any module.
func TestTooLarge(t *testing.T) {
	g := newRig(t)
	g.server.tenant.PublicSource = &endless{g.server.tenant.PublicSource}
	s := g.get(basic + "/@v/v1.0.0.zip")
	if s.status != http.StatusBadGateway || !bytes.Contains(s.body, []byte("limit")) {
		t.Errorf("an endless zip: %v", s)
	}
	wantNothingStored(t, g, "mod.example.com/basic")
}

// endless is a source whose zips are too large, as a source reports it.
type endless struct{ upstream.Source }

func (e *endless) Open(ctx context.Context, m module.Version, k upstream.Kind) (*upstream.File, error) {
	f, err := e.Source.Open(ctx, m, k)
	if err == nil {
		f.ReadCloser = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(f.ReadCloser, 100), failingReader{upstream.ErrTooLarge}), f.ReadCloser}
		f.Size = -1
	}
	return f, err
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// TestChangedUpstream evicts a zip that no checksum database knows, and changes it upstream: it is not taken.
func TestChangedUpstream(t *testing.T) {
	g, zip := bigRig(t)
	g.wantBody(bigZip, zip, "MISS")
	mod := g.want(200, basic+"/@v/v1.0.0.mod")
	for _, key := range []string{bigZip[1:], "mod.example.com/basic/@v/v1.0.0.mod"} {
		if err := g.store.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		g.server.hot.remove("/" + key)
	}
	g.modules.Add(modtest.Version{Path: bigPath, Version: "v1.0.0", Files: map[string]string{"go.mod": "module mod.example.com/big\n", "evil.go": "package big\n"}})
	g.up.SetFault(basic+"/@v/v1.0.0.mod", modtest.Fault{Replace: []byte("module mod.example.com/basic\n\nrequire example.com/evil v1.0.0\n")})
	for _, path := range []string{bigZip, basic + "/@v/v1.0.0.mod"} {
		if s := g.want(http.StatusBadGateway, path); !bytes.Contains(s.body, []byte("SECURITY")) {
			t.Errorf("GET %s, changed: %v", path, s)
		}
	}
	if log := g.log.String(); !bytes.Contains([]byte(log), []byte("SECURITY")) {
		t.Errorf("no alarm in the log:\n%s", log)
	}
	// When upstream is itself again, so is the proxy, after the pause.
	g.modules.AddBig(bigPath, "v1.0.0", bigSize)
	g.up.Reset()
	g.clock.advance(securityPause + time.Second)
	g.wantBody(bigZip, zip, "MISS")
	g.wantBody(basic+"/@v/v1.0.0.mod", mod.body, "MISS")
}

// TestFaultyStore runs over a store that fails, with the file stored and not stored.
func TestFaultyStore(t *testing.T) {
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored_%t", stored), func(t *testing.T) {
			g := newRig(t)
			g.server.store = failOnce(g.store, stored)
			for _, file := range []string{"/@v/v1.0.0.info", "/@v/v1.0.0.mod", "/@v/v1.0.0.zip"} {
				var want []byte
				for range 3 { // the hash, and the file
					if s := g.get(basic + file); s.status == 200 {
						want = s.body
					} else if s.status != 500 {
						t.Errorf("%s: a store that fails is reported as %v", file, s)
					}
				}
				if len(want) == 0 {
					t.Fatalf("%s: never answered", file)
				}
				g.wantBody(basic+file, want, "HIT")
			}
		})
	}
}

// failOnce fails the first Put of each key.
func failOnce(s store.Store, stored bool) store.Store {
	return &faultyStore{Store: s, stored: stored, failed: map[string]bool{}}
}

type faultyStore struct {
	store.Store
	stored bool
	mu     sync.Mutex
	failed map[string]bool
}

func (s *faultyStore) Put(ctx context.Context, key string, src *store.Temp) error {
	s.mu.Lock()
	first := !s.failed[key]
	s.failed[key] = true
	s.mu.Unlock()
	if !first {
		return s.Store.Put(ctx, key, src)
	}
	if s.stored {
		if err := s.Store.Put(ctx, key, src); err != nil {
			return err
		}
	}
	return errors.New("disk error")
}
