//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/goready/goready/internal/modtest"
	"github.com/goready/goready/internal/testreq"
)

// TestEndpoints: what belongs to operators is on the admin listener only.
func TestEndpoints(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	s := m.serve(t, "--upstream", up.url+",off")
	get(t, s.url+"/mod.example.com/basic/@v/v1.0.0.info")
	get(t, s.url+"/mod.example.com/basic/@v/v1.0.0.info")
	for _, tt := range []struct {
		path   string
		public int // status
		admin  int
		want   string // in what the admin listener answers
	}{
		{"/healthz", 200, 200, "ok"},
		{"/readyz", 404, 200, "ready"},
		{"/readyz?verbose", 404, 200, "[+] upstream " + up.url + ": up, 1 requests, 0 without an answer"},
		{"/metrics", 404, 200, `goreadyd_requests_total{kind="info",outcome="hit"} 1`},
		{"/-/config", 404, 200, `proxy = "` + up.url + `,off"`},
		{"/debug/pprof/", 404, 200, "goroutine"},
		{"/debug/pprof/goroutine?debug=1", 404, 200, "goroutine profile"},
		{"/debug/pprof/cmdline", 404, 404, ""},
		{"/", 404, 200, "50.0 % of those for modules that exist were answered from the cache"},
		{"/nothing", 404, 404, ""},
	} {
		if r := get(t, s.url+tt.path); r.status != tt.public && (tt.public != 404 || r.status != 400) {
			t.Errorf("public %s: %d %s", tt.path, r.status, r.body)
		}
		if r := get(t, s.admin+tt.path); r.status != tt.admin || !strings.Contains(r.body, tt.want) {
			t.Errorf("admin %s: %d, want %d and %q in\n%s", tt.path, r.status, tt.admin, tt.want, r.body)
		}
	}
	resp, err := http.Post(s.admin+"/-/config", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /-/config: %s", resp.Status)
	}
}

// TestAdminOff: the admin listener can be left out.
func TestAdminOff(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	s := m.serve(t, "--upstream", up.url, "--admin", "off")
	if s.admin != "off" || get(t, s.url+"/healthz").status != 200 {
		t.Errorf("admin %q", s.admin)
	}
}

// TestMetrics: Prometheus can read the metrics, and finds nothing to complain about.
func TestMetrics(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	s := m.serve(t, "--upstream", up.url)
	for _, path := range []string{"/mod.example.com/basic/@v/list", "/mod.example.com/basic/@v/v1.0.0.zip", "/mod.example.com/none/@v/list", "/x"} {
		get(t, s.url+path)
	}
	body := get(t, s.admin+"/metrics").body
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"goreadyd_build_info", "goreadyd_requests_total", "goreadyd_upstream_up", "go_goroutines", "goreadyd_config_last_reload_successful"} {
		if families[name] == nil {
			t.Errorf("no metric %s", name)
		}
	}
	for name, f := range families {
		for _, metric := range f.GetMetric() {
			for _, l := range metric.GetLabel() {
				if strings.Contains(l.GetValue(), "mod.example.com") {
					t.Errorf("%s has a module in a label: %s", name, l)
				}
			}
		}
	}
	t.Run("promtool", func(t *testing.T) {
		cmd := exec.Command(testreq.Program(t, "promtool"), "check", "metrics")
		cmd.Stdin = strings.NewReader(body)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// TestUpstreamDown: the server is ready although no upstream answers, says which, and serves what it has.
func TestUpstreamDown(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	s := m.serve(t, "--upstream", up.url, "--config", m.write(t, "c.toml", "[sumdb]\ndatabase = \"off\"\n"))
	get(t, s.url+"/mod.example.com/basic/@v/v1.0.0.mod")
	up.proxy.SetFault("/", modtest.Fault{Status: 503, Body: "gone\nfishing"})
	if r := get(t, s.url+"/mod.example.com/basic/@v/v1.1.0.mod"); r.status != http.StatusBadGateway {
		t.Errorf("what is not stored: %d %s", r.status, r.body)
	}
	if r := get(t, s.url+"/mod.example.com/basic/@v/v1.0.0.mod"); r.status != http.StatusOK {
		t.Errorf("what is stored: %d %s", r.status, r.body)
	}
	if r := get(t, s.admin+"/readyz"); r.status != http.StatusOK || r.body != "ready\n" {
		t.Errorf("/readyz: %d %s", r.status, r.body)
	}
	r := get(t, s.admin+"/readyz?verbose")
	if r.status != http.StatusOK || !strings.Contains(r.body, "1 without an answer, last error ") || !strings.Contains(r.body, "503 Service Unavailable: gone fishing\n") {
		t.Errorf("/readyz?verbose: %d %s", r.status, r.body)
	}
}

// TestNotReady: a store that cannot be written to makes the server not ready.
func TestNotReady(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	data := filepath.Join(m.home, "data")
	s := m.serve(t, "--upstream", up.url, "--data", data)
	if err := os.Rename(filepath.Join(data, "tmp"), filepath.Join(data, "away")); err != nil {
		t.Fatal(err)
	}
	defer os.Rename(filepath.Join(data, "away"), filepath.Join(data, "tmp"))
	if r := get(t, s.admin+"/readyz"); r.status != http.StatusServiceUnavailable || !strings.Contains(r.body, "[-] store writable: ") {
		t.Errorf("/readyz: %d %s", r.status, r.body)
	}
}

// dial connects to a server.
func dial(t *testing.T, s *server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

// TestHostileClients: who sends headers slowly, or too many, or a body, is got rid of.
func TestHostileClients(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	s := m.serve(t, "--upstream", up.url, "--config", m.write(t, "c.toml", "[limits]\nheader-timeout = \"200ms\"\nidle-timeout = \"300ms\"\nheader-bytes = \"8KiB\"\nwrite-timeout = \"300ms\"\n[sumdb]\ndatabase = \"off\"\n"))
	const file = "GET /mod.example.com/basic/@v/v1.0.0.mod HTTP/1.1\r\nHost: x\r\n"

	t.Run("slow_header", func(t *testing.T) {
		conn := dial(t, s)
		if _, err := io.WriteString(conn, file); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil {
			t.Errorf("the connection is not closed: %v", err)
		}
	})
	t.Run("idle", func(t *testing.T) {
		conn := dial(t, s)
		if _, err := io.WriteString(conn, file+"\r\n"); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(conn)
		if err != nil || !bytes.HasPrefix(got, []byte("HTTP/1.1 200 OK")) {
			t.Errorf("%v, %q", err, got)
		}
	})
	t.Run("large_header", func(t *testing.T) {
		conn := dial(t, s)
		// It may be cut off while it is sent.
		io.WriteString(conn, file+"X-Large: "+strings.Repeat("x", 20<<10)+"\r\n\r\n")
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 431 ") {
			t.Errorf("%v, %q", err, line)
		}
	})
	t.Run("reads_nothing", func(t *testing.T) {
		conn := dial(t, s)
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		many := []byte(strings.Repeat("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 1000))
		var err error
		for err == nil {
			_, err = conn.Write(many)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the connection is not closed")
		}
	})
	for _, tt := range []struct{ name, header, body, want string }{
		{"small_body", "Content-Length: 5", "12345", "HTTP/1.1 200 OK"},
		{"chunked_body", "Transfer-Encoding: chunked", "5\r\n12345\r\n", "HTTP/1.1 200 OK"},
		{"large_body", "Content-Length: 1000000000", "12345", "HTTP/1.1 413 Request Entity Too Large"},
		{"expected_body", "Content-Length: 1000\r\nExpect: 100-continue", "", "HTTP/1.1 200 OK"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := dial(t, s)
			if _, err := fmt.Fprintf(conn, "%s%s\r\n\r\n%s", file, tt.header, tt.body); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := io.ReadAll(resp.Body); err != nil || resp.Proto+" "+resp.Status != tt.want || !resp.Close {
				t.Errorf("%v, %s %s, close %v; want %s and that the connection is closed", err, resp.Proto, resp.Status, resp.Close, tt.want)
			}
		})
	}
}

// TestKeepAlive: connections are kept, also after a refusal, and longer than an earlier answer had time.
func TestKeepAlive(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	s := m.serve(t, "--upstream", up.url, "--config", m.write(t, "c.toml", "[limits]\nwrite-timeout = \"50ms\"\n[sumdb]\ndatabase = \"off\"\n"))
	conn := dial(t, s)
	r := bufio.NewReader(conn)
	for i, tt := range []struct {
		path   string
		status int
	}{{"/mod.example.com/basic/@v/v1.0.0.mod", 200}, {"/nothing", 404}, {"/healthz", 200}, {"/healthz", 200}, {"/mod.example.com/basic/@v/v1.0.0.mod", 200}} {
		pause := time.NewTimer(100 * time.Millisecond)
		<-pause.C
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", tt.path); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.Close || resp.StatusCode != tt.status {
			t.Errorf("request %d: %v, %s, close %v", i, err, resp.Status, resp.Close)
		}
	}
}

// TestLoop: a server that is its own upstream in a way that cannot be seen says so, and does not ask itself for ever.
func TestLoop(t *testing.T) {
	m := newMachine(t)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse("http://127.0.0.1:" + port)
	if err != nil {
		t.Fatal(err)
	}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	balancer := &http.Server{Handler: httputil.NewSingleHostReverseProxy(target)}
	go balancer.Serve(front)
	t.Cleanup(func() { balancer.Close() })
	s := m.serve(t, "--listen", "127.0.0.1:"+port, "--upstream", "http://"+front.Addr().String(), "--config", m.write(t, "c.toml", "[sumdb]\ndatabase = \"off\"\n"))
	r := get(t, s.url+"/mod.example.com/basic/@v/list")
	if r.status != http.StatusBadGateway || !strings.Contains(r.body, "this module proxy is asked by itself") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestOwnAddress: an entry that is this server itself is left out with a warning.
func TestOwnAddress(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	m.write(t, "goenv", "GOPROXY=http://localhost:"+port+","+up.url+"\nGOSUMDB=off\n")
	s := m.serve(t, "--listen", "127.0.0.1:"+port)
	if r := s.await("upstream left out"); r["upstream"] != "http://localhost:"+port || r["why"] != "it is this server itself" {
		t.Errorf("%v", r)
	}
	if r := get(t, s.url+"/mod.example.com/basic/@v/list"); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestAddressInUse: status 3 and the way out.
func TestAddressInUse(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	taken := strings.TrimPrefix(up.url, "http://")
	out, err := m.goreadyd(t, "serve", "--listen", taken, "--admin", "off", "--upstream", up.url).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "goreadyd: listen: listen tcp "+taken+": bind: address already in use\nhint: ") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestGC: files go when there are too many of them, also while a server uses the folder, and damaged ones are found.
func TestGC(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	s := m.serve(t, "--upstream", up.url, "--config", m.write(t, "c.toml", "[sumdb]\ndatabase = \"off\"\n"))
	const path = "/mod.example.com/basic/@v/v1.0.0.zip"
	for _, p := range []string{path, "/mod.example.com/basic/@v/v1.1.0.zip"} {
		if r := get(t, s.url+p); r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	data := filepath.Join(m.home, "cache", "goreadyd")
	gc := func(want int, args ...string) string {
		t.Helper()
		cmd := m.goreadyd(t, append([]string{"gc"}, args...)...)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("gc %q: exit status %d, want %d\n%s", args, got, want, out)
		}
		return string(out)
	}
	if out := gc(0, "--scrub"); !strings.Contains(out, "compared 2 files with their hashes: 0 damaged\n") {
		t.Errorf("gc --scrub:\n%s", out)
	}
	file := filepath.Join(data, "modules", filepath.FromSlash(path))
	if err := os.Truncate(file, 100); err != nil {
		t.Fatal(err)
	}
	if out := gc(1, "--scrub"); !strings.Contains(out, "compared 2 files with their hashes: 1 damaged\n") || !strings.Contains(out, "1 damaged files are in "+filepath.Join(data, "quarantine")) {
		t.Errorf("gc --scrub of a damaged file:\n%s", out)
	}
	before := up.proxy.Count(path)
	if r := get(t, s.url+path); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if n := up.proxy.Count(path) - before; n > 1 {
		t.Errorf("fetched %d times", n)
	}
	if out := gc(0, "--max-size", "1B"); !strings.Contains(out, "of at most 1 B") {
		t.Errorf("gc --max-size:\n%s", out)
	}
	s.stop(syscall.SIGTERM, 0)
	if out := gc(0); !strings.Contains(out, "of at most 50.0 GiB") {
		t.Errorf("gc:\n%s", out)
	}
}

// TestScrub: a scrub that is due is done when the server starts, and a damaged file is fetched again.
func TestScrub(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	args := []string{"--upstream", up.url, "--config", m.write(t, "c.toml", "[sumdb]\ndatabase = \"off\"\n[cache]\nscrub = \"1h\"\n")}
	const path = "/mod.example.com/basic/@v/v1.0.0.zip"
	s := m.serve(t, args...)
	want := get(t, s.url+path)
	s.stop(syscall.SIGTERM, 0)
	data := filepath.Join(m.home, "cache", "goreadyd")
	if err := os.Truncate(filepath.Join(data, "modules", filepath.FromSlash(path)), 100); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(data, "scrubbed"), long, long); err != nil {
		t.Fatal(err)
	}
	s = m.serve(t, args...)
	if r := s.await("stored file is damaged: put away"); r["key"] != strings.TrimPrefix(path, "/") {
		t.Errorf("%v", r)
	}
	s.await("scrubbed")
	if r := get(t, s.url+path); r.status != 200 || r.body != want.body {
		t.Errorf("%d, %d bytes, want %d", r.status, len(r.body), len(want.body))
	}
}
