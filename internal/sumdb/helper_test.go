package sumdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"

	"github.com/goready/goready/internal/modtest"
)

const dbName = "sum.example.com"

// upstream is a module proxy with a checksum database, on loopback.
type upstream struct {
	mods  *modtest.Modules
	sum   *modtest.SumDB
	proxy *modtest.Proxy
	url   string
}

func newUpstream(t testing.TB, mods *modtest.Modules) *upstream {
	t.Helper()
	u := &upstream{mods: mods, sum: modtest.NewSumDB(dbName, mods), proxy: modtest.NewProxy(mods)}
	u.proxy.ServeSumDB(u.sum)
	srv := httptest.NewServer(u.proxy)
	t.Cleanup(srv.Close)
	u.url = srv.URL
	return u
}

// remote is the database by way of the proxy.
func (u *upstream) remote() Remote { return httpRemote(u.url + below) }

// below is where a proxy has the database.
const below = "/sumdb/" + dbName + "/"

// fault sets what goes wrong with paths of the database; a zero one removes it.
func (u *upstream) fault(path string, f modtest.Fault) { u.proxy.SetFault(below+path, f) }

// count returns how often a path of the database, or one that begins with it, was asked for.
func (u *upstream) count(path string) int { return u.proxy.Count(below + path) }

// open returns a DB that asks the proxy.
func (u *upstream) open(t testing.TB, edit ...func(*Config)) *DB {
	t.Helper()
	cfg := Config{Name: dbName, Key: u.sum.Key(), Proxies: []Remote{u.remote()}, Dir: t.TempDir(), Log: testLog(t)}
	for _, f := range edit {
		f(&cfg)
	}
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func inDir(dir string) func(*Config) { return func(c *Config) { c.Dir = dir } }

// direct asks the database itself, without a trace in u.
func (u *upstream) direct(t testing.TB, path string) string {
	t.Helper()
	data, err := handlerRemote{u.sum}.Get(t.Context(), path, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// grow puts n new records into the tree, of modules that exist nowhere else.
func (u *upstream) grow(t testing.TB, host string, n int) {
	t.Helper()
	for i := range n {
		m := module.Version{Path: host + "/grown", Version: fmt.Sprintf("v1.0.%d", i)}
		u.sum.Override(m.Path, m.Version, "h1:zip", "h1:gomod")
		u.direct(t, "lookup/"+m.String())
	}
}

// many returns n versions of a module, besides the corpus.
func many(n int, host string) *modtest.Modules {
	mods := modtest.Corpus()
	for i := range n {
		mods.Add(modtest.Version{Path: host + "/many", Version: fmt.Sprintf("v1.0.%d", i), Files: map[string]string{"go.mod": "module " + host + "/many\n"}})
	}
	return mods
}

// httpRemote is a Remote as simple as one can be: the URL of the database with a slash.
type httpRemote string

func (r httpRemote) Get(ctx context.Context, path string, max int64) ([]byte, error) {
	u := string(r) + (&url.URL{Path: path}).EscapedPath()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, max+1))
	if err != nil {
		return nil, err
	}
	return data, remoteError(resp.StatusCode, data)
}

// handlerRemote asks a server without a network between, for tests with a clock of their own.
type handlerRemote struct{ http.Handler }

func (r handlerRemote) Get(ctx context.Context, path string, _ int64) ([]byte, error) {
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	req.URL.Path = "/" + path
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w.Body.Bytes(), remoteError(w.Code, w.Body.Bytes())
}

func remoteError(status int, body []byte) error {
	switch status {
	case http.StatusOK:
		return nil
	case http.StatusNotFound, http.StatusGone:
		return &absentError{strings.TrimSpace(string(body))}
	}
	return fmt.Errorf("status %d", status)
}

type absentError struct{ text string }

func (e *absentError) Error() string        { return e.text }
func (e *absentError) Is(target error) bool { return target == fs.ErrNotExist }

// gate is a remote that counts, and waits before it answers.
type gate struct {
	Remote
	open chan struct{} // nil: it is open

	mu     sync.Mutex
	counts map[string]int
}

func newGate(r Remote) *gate {
	return &gate{Remote: r, open: make(chan struct{}), counts: map[string]int{}}
}

func (g *gate) Get(ctx context.Context, path string, max int64) ([]byte, error) {
	g.mu.Lock()
	g.counts[path]++
	open := g.open
	g.mu.Unlock()
	select {
	case <-open:
		return g.Remote.Get(ctx, path, max)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (g *gate) count(path string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counts[path]
}

// close lets nothing more through.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
}

// client is golang.org/x/mod/sumdb.Client, which believes nothing that is not proved, over any way to get files.
type client struct {
	key  string
	get  func(path string) ([]byte, error)
	mu   sync.Mutex
	head []byte
	bad  string
}

func newClient(key string, get func(path string) ([]byte, error)) (*sumdb.Client, *client) {
	c := &client{key: key, get: get}
	return sumdb.NewClient(c), c
}

func (c *client) ReadRemote(path string) ([]byte, error) { return c.get(strings.TrimPrefix(path, "/")) }
func (c *client) ReadCache(string) ([]byte, error)       { return nil, fs.ErrNotExist }
func (c *client) WriteCache(string, []byte)              {}
func (c *client) Log(string)                             {}

func (c *client) ReadConfig(file string) ([]byte, error) {
	if file == "key" {
		return []byte(c.key), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.head, nil
}

func (c *client) WriteConfig(_ string, old, new []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if string(c.head) != string(old) {
		return sumdb.ErrWriteConflict
	}
	c.head = new
	return nil
}

func (c *client) SecurityError(msg string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bad = msg
}

func get(t testing.TB, d *DB, path string) *Response {
	t.Helper()
	r, err := d.Get(t.Context(), path)
	if err != nil {
		t.Fatalf("Get(%s): %v", path, err)
	}
	return r
}

// wantGet checks the body and the state of an answer.
func wantGet(t testing.TB, d *DB, path, body string, state State) {
	t.Helper()
	if r := get(t, d, path); string(r.Body) != body || r.State != state {
		t.Errorf("Get(%s) is a %s with %q, want a %s with %q", path, r.State, r.Body, state, body)
	}
}

// wantErr checks the kind of an error, and that it is no other.
func wantErr(t testing.TB, err, want error) {
	t.Helper()
	for _, kind := range []error{fs.ErrNotExist, ErrUnavailable, ErrSecurity, ErrBadPath} {
		if is := errors.Is(err, kind); is != (kind == want) {
			t.Errorf("error %v: is %v: %t; want %v", err, kind, is, want)
		}
	}
}

// testLog fails nothing, but shows what is logged.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// clock is a clock that stands still.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// files returns the names of all files below a folder, with slashes.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, err := filepath.Rel(dir, name)
			names = append(names, filepath.ToSlash(rel))
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// contents returns all files below a folder.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range files(t, dir) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(data)
	}
	return all
}
