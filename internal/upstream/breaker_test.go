package upstream

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/modtest"
)

// fakeMeter returns a meter and its clock.
func fakeMeter() (*meter, *time.Time) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &meter{name: "test", now: func() time.Time { return now }}, &now
}

var errDown = unavailable("test", &net.OpError{Op: "dial", Err: errors.New("down")})

// tried lets a request through, if the meter does, and ends it with err.
func tried(m *meter, err error) bool {
	t, refused := m.enter()
	if refused != nil {
		return false
	}
	t.end(err)
	return true
}

func TestBreakerOpensAndCloses(t *testing.T) {
	m, now := fakeMeter()
	for i := range breakFailures {
		if !tried(m, errDown) {
			t.Fatalf("open after %d failures", i)
		}
	}
	if h := m.report(); h.Up || h.Failures != breakFailures || h.Errors != breakFailures || h.LastFailure != *now || h.LastError != errDown.Error() {
		t.Errorf("health %+v", h)
	}
	// Closed again by nothing but an answer, after pauses that double.
	for _, pause := range []time.Duration{100, 200, 250, 250, 250} {
		pause *= time.Millisecond
		*now = now.Add(pause - time.Millisecond)
		_, err := m.enter()
		wantKind(t, err, "unavailable")
		var e *Error
		if !errors.As(err, &e) || e.RetryAfter <= 0 {
			t.Errorf("no time to come back: %v", err)
		}
		*now = now.Add(time.Millisecond)
		if !tried(m, errDown) {
			t.Fatalf("no probe after %v", pause)
		}
		if m.report().Up {
			t.Error("up after a failed probe")
		}
	}
	*now = now.Add(time.Minute)
	if !tried(m, nil) || !m.report().Up || !tried(m, nil) {
		t.Error("not closed by a probe")
	}
	if h := m.report(); h.Failures != 0 || h.LastSuccess != *now || h.Requests != breakFailures+7 {
		t.Errorf("health %+v", h)
	}
	// The next outage begins with a short pause.
	for range breakFailures {
		tried(m, errDown)
	}
	*now = now.Add(quickMin)
	if !tried(m, nil) {
		t.Error("the pause did not begin anew")
	}
}

func TestBreakerLetsOneProbeThrough(t *testing.T) {
	m, now := fakeMeter()
	for range breakFailures {
		tried(m, errDown)
	}
	*now = now.Add(quickMin)
	probe, err := m.enter()
	if err != nil {
		t.Fatal(err)
	}
	if tried(m, nil) {
		t.Fatal("a second request went through beside the probe")
	}
	probe.drop() // says nothing, so the next one is the probe
	if probe, err = m.enter(); err != nil {
		t.Fatal(err)
	}
	probe.begin() // a probe that is answered closes the breaker before its body has come
	if !tried(m, nil) {
		t.Fatal("not closed by the beginning of an answer")
	}
	probe.end(errDown)
	if h := m.report(); !h.Up || h.Failures != 1 {
		t.Errorf("health %+v", h)
	}
	probe.end(errDown) // counted once
	if h := m.report(); h.Failures != 1 {
		t.Errorf("health %+v", h)
	}
	// From then on it takes as many failures as ever to open it.
	for i := range breakFailures {
		if !tried(m, errDown) {
			t.Errorf("open after %d failures", i)
		}
	}
	if tried(m, errDown) {
		t.Error("not open")
	}
}

func TestBreakerCountsOutagesOnly(t *testing.T) {
	m, _ := fakeMeter()
	for _, err := range []error{fs.ErrNotExist, ErrRefused, ErrTooLarge, nil} {
		for range 2 * breakFailures {
			if !tried(m, err) {
				t.Fatalf("open, though %v is an answer", err)
			}
		}
		for range 2 {
			for range breakFailures - 1 {
				tried(m, errDown)
			}
			if !tried(m, err) {
				t.Fatalf("open after less than %d failures in a row", breakFailures)
			}
		}
		m.close() // forget the average
	}
	for range 100 {
		ticket, err := m.enter()
		if err != nil {
			t.Fatal("open, though the requests were given up")
		}
		ticket.drop()
	}
}

// Every second request fails: never five in a row, but too many. Every third is too few.
func TestBreakerAverage(t *testing.T) {
	for _, tt := range []struct {
		every int
		want  bool
	}{{2, true}, {3, false}} {
		m, _ := fakeMeter()
		opened := false
		for i := range 1000 {
			var err error
			if i%tt.every == 0 {
				err = errDown
			}
			if !tried(m, err) {
				opened = true
				if i < breakRequests {
					t.Errorf("every %d: open after %d requests, which is no average", tt.every, i)
				}
				break
			}
		}
		if opened != tt.want {
			t.Errorf("every %d: open %v, want %v", tt.every, opened, tt.want)
		}
	}
}

func TestBreakerHeedsRetryAfter(t *testing.T) {
	for _, tt := range []struct{ asked, want time.Duration }{{0, 1}, {1, 1}, {30, 30}, {3600, 60}} {
		m, now := fakeMeter()
		start := *now
		for range breakFailures {
			tried(m, &Error{Status: 503, Err: ErrUnavailable, RetryAfter: tt.asked * time.Second})
		}
		for !tried(m, nil) {
			*now = now.Add(time.Second)
		}
		if got := now.Sub(start); got != tt.want*time.Second {
			t.Errorf("asked for %v: left alone for %v", tt.asked*time.Second, got)
		}
	}
}

// A source that lets people wait before it fails is left alone for longer.
func TestBreakerSlowFailures(t *testing.T) {
	m, now := fakeMeter()
	for range breakFailures {
		ticket, err := m.enter()
		if err != nil {
			t.Fatal(err)
		}
		*now = now.Add(10 * time.Second)
		ticket.end(errDown)
	}
	*now = now.Add(slowMin - 1)
	if tried(m, nil) {
		t.Error("asked before the pause was over")
	}
	*now = now.Add(1)
	if !tried(m, nil) {
		t.Error("not asked after the pause")
	}
}

func TestHTTPCountsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHTTP(t, HTTPConfig{URL: "https://proxy.example.com", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-time.After(2 * time.Second)
			return &http.Response{StatusCode: map[bool]int{true: 200, false: 404}[r.URL.Path == "/yes"], Body: http.NoBody, Request: r}, nil
		})})
		h.Get(t.Context(), "yes", 1)
		h.Get(t.Context(), "no", 1)
		if got := h.Health(); got.Seconds != 4 || got.Requests != 2 || got.LastSuccess != time.Now() {
			t.Errorf("health %+v", got)
		}
	})
}

// The whole thing with a server: while the breaker is open it is not asked. What may be about one module never opens it.
func TestHTTPBreaker(t *testing.T) {
	now := time.Now()
	p, h := startProxy(t, HTTPConfig{Now: func() time.Time { return now }})
	ctx := t.Context()
	for _, status := range []int{404, 403, 400, 500, 502, 504} {
		p.Reset()
		p.SetFault("/", modtest.Fault{Status: status})
		for range 50 {
			h.Versions(ctx, "mod.example.com/basic")
		}
		if n := p.Count("/"); n != 50 {
			t.Fatalf("asked %d times of 50 while it answers %d", n, status)
		}
	}
	p.Reset()
	p.SetFault("/", modtest.Fault{Status: 503})
	for range 10 {
		_, err := h.Versions(ctx, "mod.example.com/basic")
		wantKind(t, err, "unavailable")
	}
	if n := p.Count("/"); n != breakFailures || h.Health().Up {
		t.Errorf("asked %d times, up %v", n, h.Health().Up)
	}
	p.Reset()
	now = now.Add(quickMin)
	p.SetFault("/", modtest.Fault{Status: 404})
	if _, err := h.Versions(ctx, "mod.example.com/basic"); !errors.Is(err, fs.ErrNotExist) || !h.Health().Up {
		t.Errorf("a 404 is an answer to a probe: %v", err)
	}
	p.Reset()
	// Bodies that break off are failures, but may be those of one module.
	p.SetFault("/", modtest.Fault{TruncateAt: 10})
	for range breakFailures {
		get(h, module.Version{Path: "mod.example.com/basic", Version: "v1.0.0"}, Zip)
	}
	if got := h.Health(); got.Failures != breakFailures || got.Up {
		t.Errorf("after %d bodies broke off: %+v", breakFailures, got)
	}
	p.Reset()
	if _, err := h.Versions(ctx, "mod.example.com/basic"); err != nil || !h.Health().Up {
		t.Errorf("not asked after %d bodies broke off: %v", breakFailures, err)
	}
}

// With the clock of the package: one of many requests at once is the probe.
func TestHTTPProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, answer := 0, make(chan struct{})
		h := newHTTP(t, HTTPConfig{URL: "https://proxy.example.com", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked++
			if asked <= breakFailures {
				return &http.Response{StatusCode: 503, Body: http.NoBody, Request: r}, nil
			}
			<-answer
			return &http.Response{StatusCode: 404, Body: http.NoBody, Request: r}, nil
		})})
		for range breakFailures {
			h.Versions(t.Context(), "mod.example.com/basic")
		}
		pause := time.NewTimer(quickMin)
		<-pause.C
		kinds := make(chan string)
		for range 10 {
			go func() {
				_, err := h.Versions(context.Background(), "mod.example.com/basic")
				kinds <- kindText(err)
			}()
		}
		var got []string
		for range 9 {
			got = append(got, <-kinds)
		}
		close(answer)
		got = append(got, <-kinds)
		want := append(slices.Repeat([]string{"unavailable"}, 9), "not_exist")
		if !slices.Equal(got, want) || asked != breakFailures+1 {
			t.Errorf("asked %d times, got %v", asked, got)
		}
	})
}
