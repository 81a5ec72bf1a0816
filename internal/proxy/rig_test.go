package proxy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goready/goready/internal/modtest"
	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
)

// rig is a module proxy over the corpus of modtest, both on loopback.
type rig struct {
	t       testing.TB
	modules *modtest.Modules
	up      *modtest.Proxy
	upURL   string
	store   store.Store
	dir     string // of the store, if it is a folder
	server  *Server
	url     string
	log     *syncBuffer
	clock   *clock
}

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// newRig starts a proxy with a store in a folder and no checksum database; change changes its configuration.
func newRig(t testing.TB, change ...func(*rig, *Config)) *rig {
	t.Helper()
	g := &rig{t: t, modules: modtest.Corpus(), dir: t.TempDir(), log: &syncBuffer{}, clock: &clock{now: time.Now()}}
	g.up = modtest.NewProxy(g.modules)
	up := httptest.NewServer(g.up)
	t.Cleanup(up.Close)
	g.upURL = up.URL
	g.start(change...)
	return g
}

// start starts the proxy, or another one over the same store.
func (g *rig) start(change ...func(*rig, *Config)) {
	g.t.Helper()
	source, err := upstream.NewHTTP(upstream.HTTPConfig{URL: g.upURL, NoProgress: 10 * time.Second, Rand: func() float64 { return 0 }, Now: g.clock.read})
	if err != nil {
		g.t.Fatal(err)
	}
	dir := openDir(g.t, g)
	c := Config{
		Tenant: Tenant{PublicSource: upstream.NewChain([]upstream.Entry{{Source: source, Name: g.upURL}})}, Store: dir, AnswerDir: g.dir + "/answers", Now: g.clock.read,
		Log: slog.New(slog.NewTextHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(g, &c)
	}
	g.store = c.Store
	if g.server, err = New(c); err != nil {
		g.t.Fatal(err)
	}
	server := httptest.NewServer(g.server)
	g.url = server.URL
	g.t.Cleanup(func() {
		server.Close()
		if err := g.server.Close(); err != nil {
			g.t.Error(err)
		}
		if g.t.Failed() {
			g.t.Log(g.log.String())
		}
	})
}

// openDir opens the store in the folder of the rig.
func openDir(t testing.TB, g *rig) *store.Dir {
	t.Helper()
	dir, err := store.OpenDir(store.Config{Root: g.dir, Now: g.clock.read})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir
}

// withIndex keeps an index beside the store.
func withIndex(g *rig, c *Config) {
	index, err := store.OpenIndex(g.dir)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { index.Close() })
	c.Index = index
}

// seen is an answer as a client sees it.
type seen struct {
	status int
	header http.Header
	body   []byte
	err    error // of the transfer
}

func (s *seen) String() string {
	body := s.body
	if len(body) > 200 {
		body = body[:200]
	}
	return fmt.Sprintf("%d %v %q (%d bytes), %v", s.status, s.header, body, len(s.body), s.err)
}

// do sends a request whose path is sent as it is written. headers are "Name: value".
func (g *rig) do(method, path string, headers ...string) *seen {
	g.t.Helper()
	return rawRequest(g.t, g.url, method, path, headers...)
}

func rawRequest(t testing.TB, base, method, path string, headers ...string) *seen {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	req := method + " " + path + " HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: close\r\n"
	for _, h := range headers {
		req += h + "\r\n"
	}
	if _, err := io.WriteString(conn, req+"\r\n"); err != nil {
		t.Fatal(err)
	}
	return readAnswer(conn, method)
}

func (g *rig) get(path string, headers ...string) *seen {
	g.t.Helper()
	return g.do(http.MethodGet, path, headers...)
}

// want demands a status, and returns the answer.
func (g *rig) want(status int, path string, headers ...string) *seen {
	g.t.Helper()
	s := g.get(path, headers...)
	if s.status != status || s.err != nil {
		g.t.Errorf("GET %s: %v, want %d", path, s, status)
	}
	return s
}

// landed waits until a zip that its clients have already is stored too.
func (g *rig) landed(path string) {
	g.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); g.server.flights.flying(path[1:]); {
		if time.Now().After(deadline) {
			g.t.Fatalf("%s does not land", path)
		}
	}
}

// wantBody demands 200 and a body, and where it came from.
func (g *rig) wantBody(path string, body []byte, cache string) *seen {
	g.t.Helper()
	if cache == "HIT" {
		g.landed(path)
	}
	s := g.want(http.StatusOK, path)
	if !bytes.Equal(s.body, body) {
		g.t.Errorf("GET %s: %d bytes, want %d other ones", path, len(s.body), len(body))
	}
	if got := s.header.Get("X-Cache"); got != cache {
		g.t.Errorf("GET %s: X-Cache %q, want %q", path, got, cache)
	}
	return s
}

// zip, mod and info return what upstream has.
func (g *rig) zip(path, version string) []byte  { return g.have(g.modules.Zip(path, version)) }
func (g *rig) mod(path, version string) []byte  { return g.have(g.modules.Mod(path, version)) }
func (g *rig) info(path, version string) []byte { return g.have(g.modules.Info(path, version)) }

func (g *rig) have(data []byte, ok bool) []byte {
	g.t.Helper()
	if !ok {
		g.t.Fatal("the corpus has no such file")
	}
	return data
}

// modSums is a checksum database that knows what it was told, without a tree.
type modSums struct {
	mu   sync.Mutex
	sums map[string][2]string // by path@version: zip, mod
	err  error                // of every look-up
}

func sumsOf(m *modtest.Modules) *modSums {
	s := &modSums{sums: map[string][2]string{}}
	for _, v := range m.All() {
		zip, mod := m.Sums(v.Path, v.Version)
		s.sums[v.String()] = [2]string{zip, mod}
	}
	return s
}

func (s *modSums) set(key, zip, mod string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sums[key] = [2]string{zip, mod}
}

func (s *modSums) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *modSums) Name() string { return "sum.example.com" }

func (s *modSums) Lookup(_ context.Context, path, version string) (zip, mod string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return "", "", s.err
	}
	h, ok := s.sums[path+"@"+version]
	if !ok {
		return "", "", fs.ErrNotExist
	}
	return h[0], h[1], nil
}

func (s *modSums) Get(_ context.Context, path string) (*SumFile, error) {
	if path == "supported" {
		return &SumFile{ContentType: "text/plain; charset=utf-8", Result: Hit}, nil
	}
	return nil, fs.ErrInvalid
}

// withSums makes the proxy verify with a database over the corpus.
func withSums(sums **modSums) func(*rig, *Config) {
	return func(g *rig, c *Config) {
		*sums = sumsOf(g.modules)
		c.Tenant.Sums = *sums
	}
}

// readAnswer reads an answer from a connection, and all that comes of its body.
func readAnswer(r io.Reader, method string) *seen {
	resp, err := http.ReadResponse(bufio.NewReader(r), &http.Request{Method: method})
	if err != nil {
		return &seen{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return &seen{status: resp.StatusCode, header: resp.Header, body: body, err: err}
}
