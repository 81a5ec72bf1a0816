package serve

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/goready/goready/internal/modtest"
	"github.com/goready/goready/internal/proxy"
	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
)

const (
	hotMod  = "/mod.example.com/basic/@v/v1.0.0.mod"
	bigZip  = "/mod.example.com/big/@v/v1.0.0.zip"
	bigSize = 24 << 20 // more than the buffers of a connection take
)

// fastRig is a module proxy behind two listeners: one with the shortcut before net/http, and one without.
type fastRig struct {
	t        testing.TB
	modules  *modtest.Modules
	store    *store.Dir
	source   upstream.Source
	metrics  *proxy.Metrics
	current  current
	draining atomic.Bool
	fast     *httpServer
	slow     *httpServer
	passed   atomic.Int64 // requests that net/http got from fast
	asked    atomic.Int64 // and from slow
	idle     sync.Map     // has the addresses of clients that net/http has done with once
	ahead    atomic.Value // a string: what new connections of fast have read before anything comes
}

// newFastRig starts both; change changes what is common to all connections.
func newFastRig(t testing.TB, change ...func(*fast)) *fastRig {
	t.Helper()
	g := &fastRig{t: t, modules: modtest.Corpus(), metrics: proxy.NewMetrics()}
	g.modules.AddBig("mod.example.com/big", "v1.0.0", bigSize)
	g.modules.AddBig("mod.example.com/medium", "v1.0.0", 100<<10)
	up := httptest.NewServer(modtest.NewProxy(g.modules))
	t.Cleanup(up.Close)
	source, err := upstream.NewHTTP(upstream.HTTPConfig{URL: up.URL, NoProgress: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	g.source = upstream.NewChain([]upstream.Entry{{Source: source, Name: "upstream"}})
	if g.store, err = store.OpenDir(store.Config{Root: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.store.Close() })
	g.generation(time.Minute)
	t.Cleanup(func() { g.current.p.Load().server.Close() })
	f := &fast{current: &g.current, draining: &g.draining, agent: "goreadyd/test", headerTimeout: time.Minute, idleTimeout: time.Minute}
	for _, c := range change {
		c(f)
	}
	handler := &public{modules: &g.current, draining: &g.draining, agent: f.agent, writeTimeout: time.Minute}
	counted := func(n *atomic.Int64) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n.Add(1)
			handler.ServeHTTP(w, r)
		})
	}
	g.slow = g.listen(counted(&g.asked), f, nil)
	g.fast = g.listen(counted(&g.passed), f, f)
	return g
}

// await waits until something is so.
func await(t testing.TB, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !so(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not so after half a minute: %s", what)
		}
	}
}

// generation makes another server the current one, and returns the one before, which is not retired.
func (g *fastRig) generation(writeTimeout time.Duration) (old *generation) {
	g.t.Helper()
	server, err := proxy.New(proxy.Config{
		Tenant: proxy.Tenant{PublicSource: g.source, Private: "mod.example.com/medium", PrivateSource: g.source},
		Store:  g.store, AnswerDir: g.t.TempDir(), WriteTimeout: writeTimeout, Metrics: g.metrics, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		g.t.Fatal(err)
	}
	next := &generation{server: server, idle: make(chan struct{}), stop: func() {}, sources: &sources{}}
	next.refs.Store(1)
	return g.current.p.Swap(next)
}

// aheadListener gives connections that have read something already.
type aheadListener struct {
	*listener
	g *fastRig
}

func (l aheadListener) Accept() (net.Conn, error) {
	conn, err := l.listener.Accept()
	if c, ok := conn.(*fastConn); ok {
		ahead, _ := l.g.ahead.Load().(string)
		c.extra = []byte(ahead)
	}
	return conn, err
}

func (g *fastRig) listen(h http.Handler, times, shortcut *fast) *httpServer {
	g.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.t.Fatal(err)
	}
	server := &httpServer{
		Server:   &http.Server{Handler: h, ReadHeaderTimeout: times.headerTimeout, IdleTimeout: times.idleTimeout, MaxHeaderBytes: 16 << 10},
		listener: &listener{socket: l.(*net.TCPListener), fast: shortcut}, done: make(chan error, 1),
	}
	server.ErrorLog = errorLog(slog.New(slog.DiscardHandler))
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		server.changed(conn, state)
		if state == http.StateIdle {
			g.idle.Store(conn.RemoteAddr().String(), nil)
		}
	}
	go func() { server.done <- server.Serve(aheadListener{server.listener, g}) }()
	g.t.Cleanup(func() {
		server.listener.release()
		server.Close()
	})
	return server
}

// client is a connection whose client sees every byte.
type client struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func (g *fastRig) dial(s *httpServer) *client {
	g.t.Helper()
	conn, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	return &client{g.t, conn, bufio.NewReader(conn)}
}

// meet returns a connection on which a request was answered by net/http, which has done with it: it may take the first
// byte of one that comes earlier.
func (g *fastRig) meet(s *httpServer) *client {
	g.t.Helper()
	c := g.dial(s)
	if head, _ := c.get("/healthz"); !strings.HasPrefix(head, "HTTP/1.1 200 ") {
		g.t.Fatal(head)
	}
	await(g.t, "the connection is idle", func() bool {
		_, idle := g.idle.Load(c.LocalAddr().String())
		return idle
	})
	return c
}

func request(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: proxy.example.com\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n"
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) get(path string) (head string, body []byte) {
	c.t.Helper()
	c.send(request(path))
	return c.answer()
}

// answer reads an answer with a Content-Length, or without a body.
func (c *client) answer() (head string, body []byte) {
	c.t.Helper()
	var b strings.Builder
	size := int64(0)
	for {
		line, err := c.r.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			c.t.Fatalf("%q: %v", b.String(), err)
		}
		if line == "\r\n" {
			break
		}
		fmt.Sscanf(line, "Content-Length: %d", &size)
	}
	body = make([]byte, size)
	if _, err := io.ReadFull(c.r, body); err != nil {
		c.t.Fatalf("%q: body: %v", b.String(), err)
	}
	return b.String(), body
}

// rest reads until the connection ends.
func (c *client) rest() []byte {
	c.t.Helper()
	b, err := io.ReadAll(c.r)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		c.t.Fatalf("%v after %d bytes", err, len(b))
	}
	return b
}

// steady removes from answers what differs from one time to the next.
func steady(b []byte) string {
	return string(regexp.MustCompile(`(Date|X-Request-Id): [^\r]*\r\n`).ReplaceAll(b, []byte("$1: …\r\n")))
}

// warm makes paths hot, on both sides.
func (g *fastRig) warm(paths ...string) {
	g.t.Helper()
	c := g.dial(g.slow)
	for _, path := range paths {
		await(g.t, path+" is hot", func() bool {
			head, _ := c.get(path)
			return strings.Contains(head, "X-Cache: HIT")
		})
	}
}

// TestFastSame: an answer before net/http is the one of net/http, byte for byte, for all kinds of files and answers.
func TestFastSame(t *testing.T) {
	g := newFastRig(t)
	paths := []string{
		hotMod, "/mod.example.com/basic/@v/v1.0.0.info", "/mod.example.com/basic/@v/v1.0.0.zip", "/mod.example.com/basic/@v/list",
		"/mod.example.com/basic/@latest", bigZip, "/mod.example.com/big/@v/v1.0.0.mod",
		"/mod.example.com/medium/@v/v1.0.0.zip", "/mod.example.com/medium/@v/v1.0.0.mod", "/mod.example.com/medium/@v/list", // private
		"/mod.example.com/!mixed!case/@v/v1.0.0.mod",
	}
	g.modules.Add(modtest.Version{Path: "mod.example.com/MixedCase", Version: "v1.0.0", Files: map[string]string{"go.mod": "module mod.example.com/MixedCase\n"}})
	g.warm(paths...)
	fast, slow := g.meet(g.fast), g.meet(g.slow)
	for _, path := range append(paths, "/mod.example.com/%21mixed!case/@v/v1.0.0.mod") {
		before := g.passed.Load()
		got, gotBody := fast.get(path)
		want, wantBody := slow.get(path)
		if steady([]byte(got)) != steady([]byte(want)) || !bytes.Equal(gotBody, wantBody) {
			t.Errorf("%s:\n%s%d bytes\nwant\n%s%d bytes", path, got, len(gotBody), want, len(wantBody))
		}
		date := got[strings.Index(got, "Date: ")+len("Date: "):]
		if at, err := http.ParseTime(strings.TrimSpace(date)); err != nil || time.Since(at).Abs() > time.Minute {
			t.Errorf("%s: date %q, %v", path, date, err)
		}
		if n := g.passed.Load() - before; n != 0 {
			t.Errorf("%s: answered by net/http", path)
		}
	}
}

// TestFastSplit: requests are the same ones wherever what comes is cut.
func TestFastSplit(t *testing.T) {
	g := newFastRig(t)
	g.warm(hotMod)
	text := request("/healthz") + request(hotMod) + request("/nothing") + request(hotMod) + request(hotMod) + request(hotMod+"?x") +
		"GET " + hotMod + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	slow := g.dial(g.slow)
	slow.send(text)
	want := steady(slow.rest())
	for i := range len(text) {
		g.ahead.Store(text[:i])
		fast := g.dial(g.fast)
		fast.send(text[i:])
		if got := steady(fast.rest()); got != want {
			t.Fatalf("cut before byte %d, %q:\n%q\nwant\n%q", i, text[i:], got, want)
		}
	}
}

// TestFastMixed: requests for what is hot and for what is not, one by one and several at once, are answered in order.
func TestFastMixed(t *testing.T) {
	g := newFastRig(t)
	paths := []string{hotMod, "/nothing", "/mod.example.com/basic/@v/list", "/mod.example.com/medium/@v/v1.0.0.zip", "/healthz", hotMod + "?x"}
	g.warm(paths[0], paths[2], paths[3])
	rng := rand.New(rand.NewPCG(1, 2))
	var wait sync.WaitGroup
	defer func() {
		wait.Wait()
		if g.passed.Load() >= g.asked.Load() {
			t.Error("net/http got all")
		}
	}()
	for range 4 {
		fast, slow := g.dial(g.fast), g.dial(g.slow)
		var bursts [][]string
		for range 200 {
			var burst []string
			for range 1 + rng.IntN(4) {
				burst = append(burst, paths[rng.IntN(len(paths))])
			}
			bursts = append(bursts, burst)
		}
		wait.Go(func() {
			for i, burst := range bursts {
				var text strings.Builder
				for _, path := range burst {
					text.WriteString(request(path))
				}
				for _, c := range []*client{fast, slow} {
					if _, err := io.WriteString(c, text.String()); err != nil {
						t.Error(err)
						return
					}
				}
				for _, path := range burst {
					got, err1 := http.ReadResponse(fast.r, nil)
					want, err2 := http.ReadResponse(slow.r, nil)
					if err := errors.Join(err1, err2); err != nil {
						t.Errorf("burst %d, %s: %v", i, path, err)
						return
					}
					gotBody, err1 := io.ReadAll(got.Body)
					wantBody, err2 := io.ReadAll(want.Body)
					if got.StatusCode != want.StatusCode || !bytes.Equal(gotBody, wantBody) || err1 != nil || err2 != nil {
						t.Errorf("burst %d, %s: %s, %d bytes, %v; want %s, %d bytes, %v", i, path, got.Status, len(gotBody), err1, want.Status, len(wantBody), err2)
						return
					}
				}
			}
		})
	}
}

// TestFastAgain: after a request that net/http has answered, and after one that came while it did, hot ones are
// answered before it again.
func TestFastAgain(t *testing.T) {
	g := newFastRig(t)
	g.warm(hotMod)
	c := g.meet(g.fast)
	c.get("/nothing")
	c.send(request("/nothing") + request(hotMod))
	c.answer()
	c.answer()
	await(t, "net/http is left out", func() bool { // a request that comes before net/http has done with one is for it too
		before := g.passed.Load()
		head, _ := c.get(hotMod)
		return strings.Contains(head, "X-Cache: HIT") && g.passed.Load() == before
	})
}

// TestFastIdle: a connection lives as long as requests come, and not longer.
func TestFastIdle(t *testing.T) {
	const idle = 300 * time.Millisecond
	g := newFastRig(t, func(f *fast) { f.idleTimeout = idle })
	g.warm(hotMod)
	c := g.meet(g.fast)
	tick := time.NewTicker(idle / 3)
	defer tick.Stop()
	for range 6 {
		c.get(hotMod)
		<-tick.C
	}
	c.get(hotMod)
	start := time.Now()
	if b := c.rest(); len(b) > 0 || time.Since(start) < idle/2 || time.Since(start) > 30*time.Second {
		t.Errorf("%q after %v", b, time.Since(start))
	}
	if n := g.passed.Load(); n != 1 {
		t.Errorf("net/http got %d requests", n)
	}
}

// TestFastSlowHead: a request that does not come to its end is waited for as long as net/http does.
func TestFastSlowHead(t *testing.T) {
	g := newFastRig(t, func(f *fast) { f.headerTimeout = 200 * time.Millisecond })
	g.warm(hotMod)
	for _, first := range []string{"", request(hotMod)} {
		c := g.meet(g.fast)
		c.send(first + request(hotMod)[:60])
		if first != "" {
			c.answer()
		}
		start := time.Now()
		if b := c.rest(); len(b) > 0 || time.Since(start) > 30*time.Second {
			t.Errorf("%q after %v", b, time.Since(start))
		}
	}
}

// TestFastStalled: a client that does not read is cut off.
func TestFastStalled(t *testing.T) {
	g := newFastRig(t)
	g.generation(200 * time.Millisecond).server.Close()
	g.warm(hotMod)
	if err := g.heat(bigZip); err != nil {
		t.Fatal(err)
	}
	c := g.meet(g.fast)
	c.send(request(bigZip))
	await(t, "the answer begins", func() bool { return g.current.p.Load().refs.Load() > 1 })
	await(t, "the answer is broken off", func() bool { return g.current.p.Load().refs.Load() == 1 })
	if b := c.rest(); len(b) == 0 || len(b) >= bigSize {
		t.Errorf("%d bytes", len(b))
	}
}

// heat is warm for a path whose answers take long.
func (g *fastRig) heat(path string) error {
	for range 1000 {
		resp, err := http.Get("http://" + g.slow.listener.Addr().String() + path)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err == nil && resp.Header.Get("X-Cache") == "HIT" {
			return nil
		}
	}
	return errors.New(path + " does not get hot")
}

// TestFastGone: a zip that the store does not have any more, or another one in its place, is not answered before
// net/http, which finds out.
func TestFastGone(t *testing.T) {
	for _, tt := range []struct {
		name string
		lose func(file string) error
	}{
		{"removed", os.Remove},
		{"cut", func(file string) error { return os.Truncate(file, 1000) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newFastRig(t)
			g.warm(bigZip)
			want, _ := g.modules.Zip("mod.example.com/big", "v1.0.0")
			blob, err := g.store.Get(t.Context(), bigZip[1:])
			if err != nil {
				t.Fatal(err)
			}
			blob.Close()
			if err := tt.lose(blob.Path); err != nil {
				t.Fatal(err)
			}
			head, body := g.meet(g.fast).get(bigZip)
			if !bytes.Equal(body, want) || !strings.Contains(head, "X-Cache: MISS") {
				t.Errorf("%d bytes, want %d:\n%s", len(body), len(want), head)
			}
		})
	}
}

// TestFastGenerations: a connection goes on with a new configuration, and an old one ends when its answers have.
func TestFastGenerations(t *testing.T) {
	g := newFastRig(t)
	g.warm(hotMod, bigZip)
	c := g.meet(g.fast)
	c.send(request(bigZip))
	if _, err := c.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	old := g.generation(time.Minute)
	g.warm(hotMod)
	retired := make(chan error, 1)
	go func() { retired <- old.retire(t.Context()) }()
	select {
	case err := <-retired:
		t.Fatalf("retired in the middle of an answer: %v", err)
	default:
	}
	before := g.passed.Load()
	if head, body := c.answer(); len(body) < bigSize {
		t.Errorf("%d bytes: %s", len(body), head)
	}
	if err := <-retired; err != nil {
		t.Error(err)
	}
	if head, _ := c.get(hotMod); !strings.Contains(head, "X-Cache: HIT") || g.passed.Load() != before {
		t.Error(head)
	}
}

// TestFastDrain: when the server ends, clients that go on asking are told so by the last answer, and lose none; an
// answer that takes long is sent to its end, and is waited for.
func TestFastDrain(t *testing.T) {
	g := newFastRig(t)
	g.warm(hotMod, bigZip)
	long := g.meet(g.fast)
	long.send(request(bigZip))
	if _, err := long.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	var answered atomic.Int64
	var wait sync.WaitGroup
	for range 8 {
		c := g.meet(g.fast)
		wait.Go(func() {
			for {
				if _, err := io.WriteString(c, request(hotMod)); err != nil {
					t.Error(err)
					return
				}
				resp, err := http.ReadResponse(c.r, nil)
				if err != nil {
					t.Errorf("request lost: %v", err)
					return
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("%s, %v", resp.Status, err)
				}
				answered.Add(1)
				if resp.Close {
					return
				}
			}
		})
	}
	await(t, "clients ask", func() bool { return answered.Load() > 1000 })
	g.draining.Store(true)
	if err := g.fast.drain(t.Context()); err != nil {
		t.Error(err)
	}
	wait.Wait()
	if g.current.p.Load().refs.Load() != 2 {
		t.Error("the long answer has ended already: it proves nothing")
	}
	if _, body := long.answer(); len(body) < bigSize {
		t.Errorf("%d bytes", len(body))
	}
	if b := long.rest(); len(b) > 0 {
		t.Errorf("%q after the last answer", b)
	}
}
