package proxy

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/modtest"
	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
)

// TestStoreFailureIsNotAbsence loses the folder for temporary files: nothing is said to be absent for that.
func TestStoreFailureIsNotAbsence(t *testing.T) {
	g := newRig(t)
	if err := os.RemoveAll(filepath.Join(g.dir, "tmp")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		g.want(500, basic+"/@v/v1.0.0.zip")
	}
	g.wantBody(basic+"/@v/v1.0.0.mod", g.mod("mod.example.com/basic", "v1.0.0"), "BYPASS")
}

// repack returns a zip with the same files, packed otherwise: its hash as go.sum has it is the same.
func repack(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Store, Comment: "packed again"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(out, in); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(b.Bytes(), data) {
		t.Fatal("packed as before")
	}
	return b.Bytes()
}

// putFile stores a file as another server would that shares the store.
func putFile(t *testing.T, s store.Store, key string, data []byte) {
	t.Helper()
	tmp, err := store.MakeTemp(s)
	if err != nil {
		t.Fatal(err)
	}
	defer tmp.Close()
	if _, err := tmp.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), key, tmp); err != nil {
		t.Fatal(err)
	}
}

// TestOtherReplica has another server store the same version, packed otherwise, before this one can. Its file is the one.
func TestOtherReplica(t *testing.T) {
	for _, size := range []int{1 << 10, bigSize} {
		g := newRig(t)
		g.modules.AddBig(bigPath, "v1.0.0", size)
		theirs := repack(t, g.zip(bigPath, "v1.0.0"))
		g.server.store = &beforePut{Store: g.store, do: func(s store.Store, key string) {
			if strings.HasSuffix(key, ".zip") {
				putFile(t, s, key, theirs)
			}
		}}
		if s := g.get(bigZip); s.status != 200 || s.err != nil {
			t.Errorf("the first client: %v", s)
		}
		g.wantBody(bigZip, theirs, "HIT")
		// It is evicted, and stored again by another one.
		if err := g.store.Delete(t.Context(), bigZip[1:]); err != nil {
			t.Fatal(err)
		}
		putFile(t, g.store, bigZip[1:], g.zip(bigPath, "v1.0.0"))
		if s := g.want(200, bigZip); size == bigSize && !bytes.Equal(s.body, g.zip(bigPath, "v1.0.0")) {
			t.Errorf("the file of the store is not the one that is served")
		}
		if n := g.metric("goreadyd_quarantined_total"); n != 0 {
			t.Errorf("%v good files were put away", n)
		}
	}
}

// beforePut does something before each Put.
type beforePut struct {
	store.Store
	do func(s store.Store, key string)
}

func (s *beforePut) Put(ctx context.Context, key string, src *store.Temp) error {
	s.do(s.Store, key)
	return s.Store.Put(ctx, key, src)
}

// TestStampede has many clients for many zips that are just larger than what is held back: followers join at every moment
// of a flight.
func TestStampede(t *testing.T) {
	g := newRig(t)
	const zips, clients = 60, 20
	for i := range zips {
		g.modules.AddBig(fmt.Sprintf("mod.example.com/z%d", i), "v1.0.0", 70<<10)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	for i := range zips {
		path := fmt.Sprintf("/mod.example.com/z%d/@v/v1.0.0.zip", i)
		want := g.zip(fmt.Sprintf("mod.example.com/z%d", i), "v1.0.0")
		var wait sync.WaitGroup
		for range clients {
			wait.Go(func() {
				resp, err := client.Get(g.url + path)
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				if body, err := io.ReadAll(resp.Body); resp.StatusCode != 200 || err != nil || !bytes.Equal(body, want) {
					t.Errorf("GET %s: %s, %d bytes, %v", path, resp.Status, len(body), err)
				}
			})
		}
		wait.Wait()
		if n := g.up.Count(path); n != 1 {
			t.Errorf("GET %s: %d upstream fetches", path, n)
		}
	}
}

// liar is a source whose files have another length than it says.
type liar struct {
	upstream.Source
	size int64
}

func (l *liar) Open(ctx context.Context, m module.Version, k upstream.Kind) (*upstream.File, error) {
	f, err := l.Source.Open(ctx, m, k)
	if err == nil {
		f.Size = l.size
	}
	return f, err
}

// TestLyingLength never sends more than it announced, nor a whole answer of a length that is not the file's.
func TestLyingLength(t *testing.T) {
	for _, size := range []int64{1000, 1 << 20, 8 << 20} {
		g, _ := bigRig(t)
		g.server.tenant.PublicSource = &liar{g.server.tenant.PublicSource, size}
		s := g.get(bigZip)
		if s.err == nil && s.status == 200 || int64(len(s.body)) > size {
			t.Errorf("length %d announced: %v", size, s)
		}
		if s.status == 404 {
			t.Errorf("a lie is reported as %v", s)
		}
		wantNothingStored(t, g, bigPath)
	}
}

// TestStoreFailsAfterVerification gives what is verified to those who wait for it, whatever they asked for.
func TestStoreFailsAfterVerification(t *testing.T) {
	for name, headers := range map[string][]string{"whole": nil, "range": {"Range: bytes=0-9"}} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{basic + "/@v/v1.0.0.zip", bigZip} {
				g, big := bigRig(t)
				g.server.store = failOnce(g.store, false)
				want := map[string][]byte{bigZip: big, basic + "/@v/v1.0.0.zip": g.zip("mod.example.com/basic", "v1.0.0")}[path]
				if headers != nil {
					want = want[:10]
				}
				if s := g.get(path, headers...); s.status/100 != 2 || s.err != nil || !bytes.Equal(s.body, want) {
					t.Errorf("GET %s %v: %v", path, headers, s)
				}
			}
		})
	}
}

// TestManyBadNames has a zip with thousands of long bad names: the error says one, and is short.
func TestManyBadNames(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := range 2000 {
		if _, err := w.Create(fmt.Sprintf("elsewhere/%d%s", i, strings.Repeat("x", 10_000))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	g := newRig(t)
	g.modules.Add(modtest.Version{Path: bigPath, Version: "v1.0.0", Zip: b.Bytes()})
	if s := g.get(bigZip); s.err == nil && s.status == 200 || len(s.body) > 1000 && s.status != 200 {
		t.Errorf("%d, %d bytes, %v", s.status, len(s.body), s.err)
	}
	if n := len(g.log.String()); n > 10_000 {
		t.Errorf("%d bytes in the log", n)
	}
	s := g.want(502, bigZip)
	if len(s.body) > 1000 || s.header.Get("X-Cache") != "NEGATIVE" {
		t.Errorf("asked again: %v", s)
	}
}

// TestJunk refuses zips with something before or behind them, which would be taken for damage later.
func TestJunk(t *testing.T) {
	good := newRig(t).zip("mod.example.com/basic", "v1.0.0")
	for name, data := range map[string][]byte{"before": append([]byte("junk"), good...), "behind": append(bytes.Clone(good), "junk"...)} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t)
			g.up.SetFault(basic+"/@v/v1.0.0.zip", modtest.Fault{Replace: data})
			g.want(502, basic+"/@v/v1.0.0.zip")
			wantNothingStored(t, g, "mod.example.com/basic")
			if n := g.metric("goreadyd_quarantined_total") + g.metric("goreadyd_verification_failures_total"); n != 0 {
				t.Errorf("%v alarms", n)
			}
		})
	}
}

// TestFetchLimit has more clients than fetches are allowed, who leave at once.
func TestFetchLimit(t *testing.T) {
	g := newRig(t, func(_ *rig, c *Config) { c.MaxFetches = 3 })
	stall := make(chan struct{})
	g.up.SetFault("/", modtest.Fault{Stall: stall})
	for i := range 3 {
		ctx, leave := context.WithCancel(t.Context())
		gone := make(chan struct{})
		go func() {
			g.stream(ctx, fmt.Sprintf("/mod.example.com/x%d/@v/v1.0.0.zip", i))
			close(gone)
		}()
		if err := g.up.Await(t.Context(), fmt.Sprintf("/mod.example.com/x%d/", i), 1); err != nil {
			t.Fatal(err)
		}
		leave()
		<-gone
	}
	for _, file := range []string{"/@v/v1.0.0.zip", "/@v/v1.0.0.mod", "/@v/list"} {
		if s := g.want(503, basic+file); s.header.Get("Retry-After") == "" {
			t.Errorf("%s: %v", file, s)
		}
	}
	close(stall)
	g.server.flights.wait.Wait()
	g.want(200, basic+"/@v/v1.0.0.zip")
}

// TestEmptyListIsCached keeps a list without versions in memory too.
func TestEmptyListIsCached(t *testing.T) {
	g := newRig(t, func(_ *rig, c *Config) { c.AnswerDir = "" })
	for range 3 {
		g.want(200, "/mod.example.com/empty/@v/list")
	}
	if n := g.up.Count("/mod.example.com/empty"); n != 1 {
		t.Errorf("%d upstream fetches", n)
	}
}

// TestScrubBelievesNothing does not make a file good that nobody verified.
func TestScrubBelievesNothing(t *testing.T) {
	g := newRig(t) // without a checksum database, as goreadyd gc is
	evil := []byte("module mod.example.com/basic\n\nrequire example.com/evil v1.0.0\n")
	putFile(t, g.store, "mod.example.com/basic/@v/v1.0.0.mod", evil)
	if err := g.server.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sums *modSums
	g.start(withSums(&sums))
	g.wantBody(basic+"/@v/v1.0.0.mod", g.mod("mod.example.com/basic", "v1.0.0"), "MISS")
}

// TestPrivateRefusals are not for shared caches.
func TestPrivateRefusals(t *testing.T) {
	g := newRig(t, func(_ *rig, c *Config) {
		c.Tenant.Private, c.Tenant.PrivateSource = "mod.example.com", c.Tenant.PublicSource
	})
	for _, path := range []string{basic + "/@v/v1.99.0.info", "/mod.example.com/unknown/@v/list"} {
		for range 2 {
			if s := g.want(404, path); s.header.Get("Cache-Control") != "no-store" {
				t.Errorf("GET %s: %v", path, s)
			}
		}
	}
	if s := g.want(200, basic+"/@v/v1.0.0.info"); s.header.Get("X-Goready-Upstream") != "" {
		t.Errorf("the source of a private module is named: %v", s)
	}
}

// TestPrivateIsApart makes modules private that were public: what came from the public source is not theirs.
func TestPrivateIsApart(t *testing.T) {
	g := newRig(t, withIndex)
	files := []string{"/@v/v1.0.0.info", "/@v/v1.0.0.mod", "/@v/v1.0.0.zip", "/@v/list", "/@latest"}
	for _, file := range files {
		g.want(200, basic+file)
	}
	private := newRig(t)
	private.modules.Add(modtest.Version{Path: "mod.example.com/basic", Version: "v1.0.0", Time: time.Unix(1e9, 0), Files: map[string]string{"go.mod": "module mod.example.com/basic\n", "true.go": "package basic\n"}})
	g.start(withIndex, func(_ *rig, c *Config) {
		c.Tenant.Private, c.Tenant.PrivateSource = "mod.example.com/basic", private.server.tenant.PublicSource
	})
	before := len(g.up.Requests())
	for _, cache := range []string{"MISS", "HIT"} {
		g.wantBody(basic+files[0], private.info("mod.example.com/basic", "v1.0.0"), cache)
		g.wantBody(basic+files[1], private.mod("mod.example.com/basic", "v1.0.0"), cache)
		g.wantBody(basic+files[2], private.zip("mod.example.com/basic", "v1.0.0"), cache)
		g.want(200, basic+files[3])
	}
	if n := len(g.up.Requests()); n != before {
		t.Errorf("the public source was asked: %v", g.up.Requests()[before:])
	}
	if s := g.want(200, "/index"); strings.Count(string(s.body), "\n") != 1 {
		t.Errorf("the index has a private module: %s", s.body)
	}
	if err := g.server.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := g.metric("goreadyd_quarantined_total"); n != 0 {
		t.Errorf("%v files put away", n)
	}
}

// TestTornAnswer does not believe an answer that a crash cut.
func TestTornAnswer(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{"empty": func([]byte) []byte { return nil }, "cut": func(b []byte) []byte { return b[:len(b)-3] }} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t)
			want := g.want(200, basic+"/@v/list").body
			file := filepath.Join(g.dir, "answers", basic, "@v/list")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, change(data), 0o644); err != nil {
				t.Fatal(err)
			}
			g.start()
			g.wantBody(basic+"/@v/list", want, "MISS")
		})
	}
}

// TestImpatientClient leaves while it waits: that is neither an error nor logged as one.
func TestImpatientClient(t *testing.T) {
	g := newRig(t)
	stall := make(chan struct{})
	g.up.SetFault("/", modtest.Fault{Stall: stall})
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := g.stream(ctx, basic+"/@v/v1.0.0.mod")
		gone <- err
	}()
	if err := g.up.Await(t.Context(), basic, 1); err != nil {
		t.Fatal(err)
	}
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	await(t, t.Context(), "the log", func() bool { return strings.Contains(g.log.String(), "aborted=true") })
	if log := g.log.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "status=500") {
		t.Error("a client that leaves is logged as a failure")
	}
	if n := g.metric("goreadyd_requests_total", "kind", "mod", "outcome", "gone"); n != 1 {
		t.Errorf("counted %v times as gone", n)
	}
	close(stall)
}

// TestIdleFlight gives up a zip that nobody wants any more, and starts anew for the next client.
func TestIdleFlight(t *testing.T) {
	f := &flight{cancel: func() {}, changed: make(chan struct{}), flightState: flightState{size: 100}}
	cancelled := make(chan struct{})
	f.cancel = func() { close(cancelled) }
	f.enter()
	f.leave()
	if f.idle == nil {
		t.Fatal("a flight without followers goes on for ever")
	}
	f.enter()
	if f.idle != nil {
		t.Error("a flight with a follower will be given up")
	}
	f.update(func(st *flightState) { st.ready = 60 })
	f.leave()
	if f.idle != nil {
		t.Error("a flight that is more than half done will be given up")
	}
	select {
	case <-cancelled:
		t.Error("given up")
	default:
	}
}

// TestConcurrentVersions adds versions to a known list from many requests at once: none is lost.
func TestConcurrentVersions(t *testing.T) {
	g := newRig(t)
	g.want(200, basic+"/@v/list")
	var wait sync.WaitGroup
	for i := range 20 {
		v := fmt.Sprintf("v1.20.%d", i)
		g.modules.Add(modtest.Version{Path: "mod.example.com/basic", Version: v, Files: map[string]string{"go.mod": "module mod.example.com/basic\n"}})
		wait.Go(func() { g.want(200, basic+"/@v/"+v+".info") })
	}
	wait.Wait()
	if s := g.want(200, basic+"/@v/list"); strings.Count(string(s.body), "v1.20.") != 20 {
		t.Errorf("list: %s", s.body)
	}
}

// TestAnswersBound removes the oldest answers when there are too many bytes of them.
func TestAnswersBound(t *testing.T) {
	g := newRig(t)
	now := g.clock.read()
	for i := range 30 {
		if err := g.server.answers.write(fmt.Sprintf("mod.example.com/m%d/@v/list", i), make([]byte, 1000), now.Add(-time.Duration(i)*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.server.answers.sweep(t.Context(), now, 60*24*time.Hour, 20_000); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		_, _, err := g.server.answers.read(fmt.Sprintf("mod.example.com/m%d/@v/list", i))
		if i < 10 && err != nil || i == 29 && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("an answer of %d days: %v", i, err)
		}
	}
}
