//go:build linux

package load_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goready/goready/bench/proxytest/load"
)

// site serves bodies by path and is asked for them.
type site struct {
	*httptest.Server
	requests []load.Request
	asked    sync.Map // path: *atomic.Int64
	conns    atomic.Int64
}

// newSite serves /N, of N bytes, for each of the sizes. What change does comes first; it returns whether it answered.
func newSite(t *testing.T, change func(http.ResponseWriter, *http.Request) bool, sizes ...int) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := s.asked.LoadOrStore(r.URL.Path, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		if change != nil && change(w, r) {
			return
		}
		var size int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &size); err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(size))
		_, _ = w.Write(body(size)) // the client may be gone
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	for _, size := range sizes {
		s.requests = append(s.requests, load.Request{Path: fmt.Sprint("/", size), Size: int64(size), CRC: load.Sum(body(size))})
	}
	return s
}

func body(size int) []byte { return []byte(strings.Repeat("0123456789abcdef", size/16+1)[:size]) }

func (s *site) addr() string { return s.Listener.Addr().String() }

func (s *site) count(path string) int {
	n, ok := s.asked.Load(path)
	if !ok {
		return 0
	}
	return int(n.(*atomic.Int64).Load())
}

func TestCounts(t *testing.T) {
	for _, drop := range []bool{false, true} {
		t.Run(fmt.Sprint("drop_", drop), func(t *testing.T) { testCounts(t, drop) })
	}
}

func testCounts(t *testing.T, drop bool) {
	t.Helper()
	s := newSite(t, nil, 0, 1, 4000, 100_000, 3_000_000)
	r, err := load.Run(t.Context(), load.Config{Addr: s.addr(), Requests: s.requests, Conns: 3, Count: 52, Sample: 2, Drop: drop})
	if err != nil {
		t.Fatal(err)
	}
	if r.Errors != 0 || r.FirstError != nil {
		t.Errorf("%d errors: %v", r.Errors, r.FirstError)
	}
	const want = 10*(0+1+4000+100_000+3_000_000) + 0 + 1
	if r.Requests != 52 || r.Bytes != want || r.Latency.Count() != 52 || r.FirstByte.Count() != 52 {
		t.Errorf("%d requests, %d bytes, %d and %d times; want 52, %d", r.Requests, r.Bytes, r.Latency.Count(), r.FirstByte.Count(), want)
	}
	var asked []int
	for _, req := range s.requests {
		asked = append(asked, s.count(req.Path))
	}
	if !slices.Equal(asked, []int{11, 11, 10, 10, 10}) {
		t.Errorf("asked for %v", asked)
	}
	if n := s.conns.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
	if r.Elapsed <= 0 || r.CPU <= 0 || r.CPU > r.Elapsed || r.Latency.Max() > r.Elapsed || r.FirstByte.Max() > r.Latency.Max() {
		t.Errorf("elapsed %v, CPU %v, slowest %v, slowest first byte %v", r.Elapsed, r.CPU, r.Latency.Max(), r.FirstByte.Max())
	}
}

func TestDuration(t *testing.T) {
	s := newSite(t, nil, 100)
	r, err := load.Run(t.Context(), load.Config{Addr: s.addr(), Requests: s.requests, Conns: 2, Duration: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Requests == 0 || r.Requests != s.count("/100") || r.Elapsed < 50*time.Millisecond || r.Errors > 0 {
		t.Errorf("%d requests in %v, the server counts %d; errors: %v", r.Requests, r.Elapsed, s.count("/100"), r.FirstError)
	}
	fixed := load.Result{Requests: 500, Bytes: 3e6, Elapsed: 250 * time.Millisecond}
	if fixed.Rate() != 2000 || fixed.Throughput() != 12 {
		t.Errorf("%f requests/s, %f MB/s", fixed.Rate(), fixed.Throughput())
	}
}

// TestFindsWrongAnswers has one wrong answer among six each: it must be found, and the rest must be right.
func TestFindsWrongAnswers(t *testing.T) {
	raw := func(text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = c.Write([]byte(text)) // the client may be gone
			_ = c.Close()
		}
	}
	tests := []struct {
		name   string
		answer func(http.ResponseWriter)
		want   string
	}{
		{"status", func(w http.ResponseWriter) { http.Error(w, "gone", http.StatusNotFound) }, `GET /9000: status 404: "gone`},
		{"shorter", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "8999")
			_, _ = w.Write(body(8999))
		}, "GET /9000: a body of 8999 bytes, 9000 are wanted"},
		{"longer", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "9001")
			_, _ = w.Write(body(9001))
		}, "GET /9000: a body of 9001 bytes, 9000 are wanted"},
		{"other_bytes", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "9000")
			_, _ = w.Write([]byte(strings.Repeat("x", 9000)))
		}, "GET /9000: the body has another checksum"},
		{"chunked", func(w http.ResponseWriter) {
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(body(9000))
		}, "GET /9000: no Content-Length"},
		{"cut_body", raw("HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n" + string(body(8000))),
			"GET /9000: body, 1000 bytes before its end: the connection was closed"},
		{"cut_header", raw("HTTP/1.1 200 OK\r\nContent-"), "GET /9000: header: the connection was closed"},
		{"no_answer", raw(""), "GET /9000: header: the connection was closed"},
		{"more_than_declared", raw("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + string(body(9001))), "GET /9000: 1 bytes too many after the body"},
		{"not_http", raw("SSH-2.0-OpenSSH\r\n\r\n"), `GET /9000: no HTTP/1.1: "SSH-2.0-OpenSSH`},
		{"http_1_0", raw("HTTP/1.0 200 OK\r\nContent-Length: 9000\r\n\r\n" + string(body(9000))), `GET /9000: no HTTP/1.1: "HTTP/1.0`},
		{"no_status", raw("HTTP/1.1 abc\r\n\r\n"), `GET /9000: no status: "HTTP/1.1 abc`},
		{"endless_header", raw("HTTP/1.1 200 OK\r\nX: " + string(body(40_000))), "GET /9000: header of more than 32768 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var once atomic.Bool
			s := newSite(t, func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/9000" || once.Swap(true) {
					return false
				}
				tt.answer(w)
				return true
			}, 10, 9000)
			r, err := load.Run(t.Context(), load.Config{Addr: s.addr(), Requests: s.requests, Count: 6, Sample: 1})
			if err != nil {
				t.Fatal(err)
			}
			if r.Errors != 1 || r.FirstError == nil || !strings.HasPrefix(r.FirstError.Error(), tt.want) {
				t.Errorf("%d errors, the first: %v, want %s", r.Errors, r.FirstError, tt.want)
			}
			if r.Requests != 5 || r.Bytes != 3*10+2*9000 {
				t.Errorf("%d right answers with %d bytes", r.Requests, r.Bytes)
			}
		})
	}
}

// TestSample shows that bodies outside the sample are not looked at.
func TestSample(t *testing.T) {
	s := newSite(t, nil, 10)
	s.requests[0].CRC++
	for sample, want := range map[int]int{0: 0, 1: 12, 4: 3} {
		r, err := load.Run(t.Context(), load.Config{Addr: s.addr(), Requests: s.requests, Count: 12, Sample: sample})
		if err != nil || r.Errors != want || r.Requests != 12-want {
			t.Errorf("sample %d: %d errors, want %d (%v)", sample, r.Errors, want, err)
		}
	}
}

func TestServerCloses(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Connection", "close")
		return false
	}, 10)
	r, err := load.Run(t.Context(), load.Config{Addr: s.addr(), Requests: s.requests, Conns: 2, Count: 8})
	if err != nil || r.Errors > 0 || r.Requests != 8 {
		t.Errorf("%d right answers (%v, %v)", r.Requests, err, r.FirstError)
	}
	if n := s.conns.Load(); n < 8 {
		t.Errorf("%d connections for 8 answers that close theirs", n)
	}
}

func TestRefuses(t *testing.T) {
	some := []load.Request{{Path: "/"}}
	tests := []struct {
		name   string
		config load.Config
		want   string
	}{
		{"other_machine", load.Config{Addr: "192.0.2.1:80", Requests: some, Count: 1}, "load is for 127.0.0.0/8 only, not for 192.0.2.1"},
		{"any_address", load.Config{Addr: "0.0.0.0:80", Requests: some, Count: 1}, "load is for 127.0.0.0/8 only"},
		{"ipv6", load.Config{Addr: "[::1]:80", Requests: some, Count: 1}, "load is for 127.0.0.0/8 only"},
		{"mapped", load.Config{Addr: "[::ffff:127.0.0.1]:80", Requests: some, Count: 1}, "load is for 127.0.0.0/8 only"},
		{"name", load.Config{Addr: "localhost:80", Requests: some, Count: 1}, "address of the server: "},
		{"no_requests", load.Config{Addr: "127.0.0.1:80", Count: 1}, "no requests"},
		{"no_end", load.Config{Addr: "127.0.0.1:80", Requests: some}, "neither a duration nor a number"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := load.Run(t.Context(), tt.config)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("result %v, error %v, want %s", r, err, tt.want)
			}
		})
	}
}

// TestGivesUp has servers with which there is no result to be had.
func TestGivesUp(t *testing.T) {
	closed := newSite(t, nil, 10)
	closed.Close()
	if _, err := load.Run(t.Context(), load.Config{Addr: closed.addr(), Requests: closed.requests, Count: 1}); err == nil ||
		!strings.HasPrefix(err.Error(), "connect to 127.0.0.1:") {
		t.Errorf("a server that is gone: error %v", err)
	}

	wrong := newSite(t, func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	}, 10)
	if _, err := load.Run(t.Context(), load.Config{Addr: wrong.addr(), Requests: wrong.requests, Duration: time.Hour}); err == nil ||
		!strings.HasPrefix(err.Error(), "10000 wrong answers, the first: GET /10: status 500") {
		t.Errorf("a server that is always wrong: error %v", err)
	}

	release := make(chan struct{})
	mute := newSite(t, func(http.ResponseWriter, *http.Request) bool { <-release; return true }, 10)
	defer close(release)
	config := load.Config{Addr: mute.addr(), Requests: mute.requests, Conns: 2, Count: 5, Patience: 200 * time.Millisecond}
	if _, err := load.Run(t.Context(), config); err == nil || err.Error() != "no answer within 200ms, 2 requests open, the first for /10" {
		t.Errorf("a server that does not answer: error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := load.Run(ctx, config); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that was ended: error %v", err)
	}
}

func TestHistogram(t *testing.T) {
	var a, b load.Histogram
	if a.Quantile(0.5) != 0 || a.Max() != 0 || a.Count() != 0 {
		t.Error("an empty histogram has times")
	}
	for i := 1; i <= 1000; i++ {
		h := &a
		if i%2 == 0 {
			h = &b
		}
		h.Add(time.Duration(i) * time.Microsecond)
	}
	a.Merge(&b)
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 500, 0.9: 900, 0.99: 990, 1: 1000} {
		want *= time.Microsecond
		if got := a.Quantile(q); got < want || float64(got) > 1.04*float64(want) {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if a.Max() != time.Millisecond || a.Count() != 1000 {
		t.Errorf("longest %v of %d", a.Max(), a.Count())
	}
	var small load.Histogram
	for d := range time.Duration(64) {
		small.Add(d)
	}
	if got := small.Quantile(0.5); got != 31 {
		t.Errorf("the median of 0 to 63 ns is %d", got)
	}
	small.Add(1 << 62)
	if got := small.Quantile(1); got != 1<<62 {
		t.Errorf("the longest is %d", got)
	}
}
