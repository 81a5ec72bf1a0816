package upstream

import (
	"errors"
	"sync"
	"time"
)

// When a breaker opens, and for how long.
const (
	breakFailures = 5   // in a row
	breakRate     = 0.5 // of the moving average of failures
	breakWeight   = 0.1 // of the last request in that average
	breakRequests = 20  // that the average needs to mean something
)

// The pauses of a breaker: the first, and the longest. A source that fails at once costs little, and is looked at again
// soon; one that lets people wait for a failure is not.
const (
	quickMin = 100 * time.Millisecond
	quickMax = 250 * time.Millisecond
	slowMin  = 5 * time.Second
	slowMax  = time.Minute
	slow     = time.Second // from when on a failure is slow
)

// errOpen is the cause of errors while a breaker is open.
var errOpen = errors.New("not asked, for it did not answer lately")

// meter counts what is asked of a source, and is a circuit breaker: after too many outages the source is left alone for
// a while, twice as long each time, and then a single request goes through to see whether it is well again. What counts
// is whether the source was reached and wants to be ([silences]); every other answer is one, whatever it says.
type meter struct {
	name string
	now  func() time.Time
	// always is a meter that counts only and never opens.
	always bool
	// any is a meter for which every outage is one of the whole source.
	any bool

	mu      sync.Mutex // guards what follows
	health  Health
	rate    float64       // moving average of failures since the breaker was closed
	seen    int           // requests since then
	streak  int           // failures in a row since then
	pause   time.Duration // of the last opening, 0: the breaker is closed
	until   time.Time     // when it may be probed
	probing bool
}

// ticket is a request that a meter let through. Exactly one of its ends is called by end; later calls do nothing.
type ticket struct {
	m     *meter
	start time.Time
	probe bool

	mu          sync.Mutex // guards what follows
	began, over bool
}

// enter lets a request through, or says why not.
func (m *meter) enter() (*ticket, error) {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &ticket{m: m, start: now}
	if m.pause == 0 {
		return t, nil
	}
	if wait := m.until.Sub(now); wait > 0 || m.probing {
		e := unavailable(m.name, errOpen)
		e.RetryAfter = max(wait, time.Second)
		return nil, e
	}
	m.probing, t.probe = true, true
	return t, nil
}

// begin notes that the answer has begun. For a probe that is enough: how long the body takes is another matter.
func (t *ticket) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.began || t.over {
		return
	}
	t.began = true
	t.m.waited(t.m.now().Sub(t.start))
	if t.probe {
		t.m.close()
	}
}

// end notes how the request ended. A nil error is an answer; cancelled requests, which say nothing, are ended by
// [ticket.drop].
func (t *ticket) end(err error) {
	if began, first := t.finish(); first {
		if !began {
			t.m.waited(t.m.now().Sub(t.start))
		}
		if err != nil && isOutage(err) {
			t.m.failed(err, t.probe && !began, began || !t.m.any && !silences(err), t.m.now().Sub(t.start))
		} else {
			t.m.answered(t.probe && !began)
		}
	}
}

// drop notes that the request was given up by who made it.
func (t *ticket) drop() {
	began, first := t.finish()
	if !first {
		return
	}
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	t.m.health.Requests++
	if t.probe && !began {
		t.m.probing = false // the next request is the probe
	}
}

func (t *ticket) finish() (began, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	began, first = t.began, !t.over
	t.over = true
	return began, first
}

func (m *meter) waited(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.health.Seconds += d.Seconds()
}

// close closes the breaker.
func (m *meter) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closeLocked()
}

func (m *meter) closeLocked() {
	m.rate, m.seen, m.streak, m.pause, m.probing = 0, 0, 0, 0, false
}

func (m *meter) answered(probe bool) {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.health.Requests++
	m.health.Failures = 0
	m.health.LastSuccess = now
	m.reached(probe)
}

// reached notes for the breaker that the source can be reached. The caller holds mu.
func (m *meter) reached(probe bool) {
	m.streak = 0
	m.rate *= 1 - breakWeight
	m.seen++
	if probe {
		m.closeLocked()
	}
}

// failed counts a request without an answer, or with half of one. alive: the source was reached all the same; what is
// wrong may be one module, as a body that always breaks off.
func (m *meter) failed(err error, probe, alive bool, took time.Duration) {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.health.Requests++
	m.health.Errors++
	m.health.Failures++
	m.health.LastError = err.Error()
	m.health.LastFailure = now
	if alive {
		m.reached(probe)
		return
	}
	m.streak++
	m.rate += (1 - m.rate) * breakWeight
	m.seen++
	broken := m.streak >= breakFailures || m.seen >= breakRequests && m.rate > breakRate
	if m.always || !probe && (m.pause > 0 || !broken) {
		return // a request that was under way when the breaker opened says nothing new
	}
	m.probing = false
	shortest, longest := quickMin, quickMax
	if took >= slow {
		shortest, longest = slowMin, slowMax
	}
	m.pause = min(max(2*m.pause, shortest), longest)
	wait := m.pause
	var e *Error
	if errors.As(err, &e) {
		wait = max(wait, min(e.RetryAfter, slowMax)) // no longer, for one odd answer must not silence a source for hours
	}
	m.until = now.Add(wait)
}

// Health is up while the breaker is closed, which after the pause only a probe can do, and not everything fails.
func (m *meter) report() Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.health
	h.Name, h.Up = m.name, m.pause == 0 && (m.always || h.Failures < breakFailures)
	return h
}

// idle reports whether the meter could be forgotten without loss.
func (m *meter) idle() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pause == 0 && m.health.Failures == 0
}
