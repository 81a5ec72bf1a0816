package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/goready/goready/internal/modtest"
)

// TestLimits holds some requests, and sends one more.
func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name         string
		all, client  int
		status, held int
	}{
		{"all", 6, 100, http.StatusServiceUnavailable, 3},
		{"client", 100, 4, http.StatusTooManyRequests, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, func(_ *rig, c *Config) { c.MaxRequests, c.MaxPerClient = tt.all, tt.client })
			g.modules.AddBig(bigPath, "v1.0.0", bigSize)
			g.want(200, bigZip)
			g.landed(bigZip)
			await(t, t.Context(), "the request to be over", func() bool { return g.server.requests.all.Load() == 0 })
			stall := make(chan struct{})
			g.up.SetFault("/", modtest.Fault{Stall: stall})
			done := make(chan *seen, tt.held)
			for i := range tt.held {
				go func() { done <- g.get(fmt.Sprintf("%s/@v/v1.%d.0.info", basic, i)) }()
			}
			if err := g.up.Await(t.Context(), basic, tt.held); err != nil {
				t.Fatal(err)
			}
			s := g.get(basic + "/@v/list")
			if s.status != tt.status || s.header.Get("Retry-After") == "" || len(s.body) == 0 || s.header.Get("Cache-Control") != "no-store" {
				t.Errorf("one request more: %v", s)
			}
			// What is stored is served meanwhile.
			g.want(200, bigZip)
			close(stall)
			for range tt.held {
				if s := <-done; s.status != 200 {
					t.Errorf("an admitted request: %v", s)
				}
			}
			g.want(200, basic+"/@v/list")
		})
	}
}

// TestSlowClients has clients that do not read, one of a stored zip and one of a zip on its way, and one that reads
// slowly but does.
func TestSlowClients(t *testing.T) {
	const timeout = 200 * time.Millisecond
	g := newRig(t, func(_ *rig, c *Config) { c.WriteTimeout = timeout })
	g.modules.AddBig(bigPath, "v1.0.0", 64<<20) // more than the buffers of a connection
	for i, stored := range []bool{false, true} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", bigZip)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		await(t, ctx, "the request to be cut off", func() bool { return strings.Count(g.log.String(), "aborted=true") > i })
		n, err := io.Copy(io.Discard, conn)
		if n > 60<<20 {
			t.Errorf("a client that does not read got %d bytes, %v (stored: %t)", n, err, stored)
		}
		g.server.flights.wait.Wait()
	}
	resp, err := g.stream(t.Context(), bigZip)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	tick := time.NewTicker(timeout / 4)
	defer tick.Stop()
	start, total := time.Now(), int64(0)
	for time.Since(start) < 3*timeout {
		<-tick.C
		n, err := io.CopyN(io.Discard, resp.Body, 5<<20)
		if total += n; err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("a slow client is cut off after %d bytes: %v", total, err)
		}
	}
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || total+n != resp.ContentLength {
		t.Errorf("a slow client got %d bytes of %d, %v", total+n, resp.ContentLength, err)
	}
}

// await waits until a condition holds.
func await(t *testing.T, ctx context.Context, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// TestIndex lists what was stored.
func TestIndex(t *testing.T) {
	g := newRig(t, withIndex)
	g.want(200, basic+"/@v/v1.0.0.info")
	g.clock.advance(time.Hour)
	since := g.clock.read().UTC().Format(time.RFC3339)
	g.want(200, basic+"/@v/v1.1.0.info")
	g.want(200, basic+"/@v/v1.1.0.mod")
	for query, want := range map[string]int{"": 2, "?since=" + since: 1, "?limit=1": 1, "?since=" + since + "&limit=5": 1} {
		s := g.want(200, "/index"+query)
		if got := strings.Count(string(s.body), `"Path":"mod.example.com/basic","Version":"v1.`); got != want {
			t.Errorf("/index%s has %d versions, want %d: %s", query, got, want, s.body)
		}
	}
	for _, query := range []string{"?since=yesterday", "?limit=x", "?limit=0"} {
		g.want(400, "/index"+query)
	}
}

// FuzzIndexQuery checks that any query of /index is answered, or refused with a reason.
func FuzzIndexQuery(f *testing.F) {
	for _, q := range []string{"", "since=2026-01-02T15:04:05Z&limit=3", "limit=-1", "since=%zz", "limit=99999999999999999999", "since=2026-01-02T15:04:05%2B01:00", ";", "limit=1&limit=2"} {
		f.Add(q)
	}
	g := newRig(f, withIndex)
	g.want(200, basic+"/@v/v1.0.0.info")
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, "/index", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		g.server.ServeHTTP(w, r)
		if w.Code != 200 && (w.Code != 400 || w.Body.Len() < 10) {
			t.Errorf("%q: %d %q", query, w.Code, w.Body)
		}
	})
}
