package modtest

import (
	"net/http"
	"reflect"
	"time"
)

// Fault is what goes wrong with an answer of a [Proxy]. Fields can be combined, so that an answer is first changed
// (Status, Replace), then sent badly (NoLength, Rate, StallAt, TruncateAt). The zero value is no fault.
type Fault struct {
	Status  int         // another status, with Body instead of the answer's
	Body    string      // for Status; "": the name of the status
	Replace []byte      // not nil: other bytes, with a 200 and the right length
	Header  http.Header // set in the answer, whatever it is

	Drop       bool            // the connection is closed without an answer; an http.Client tries again if it had used it before
	Stall      <-chan struct{} // nothing is answered until it is closed, or the client gone
	StallAt    int64           // so many bytes are sent before Stall is waited for
	TruncateAt int64           // the connection is closed after so many bytes of the body, negative: after none; the length is declared
	Rate       int             // bytes of the body per second
	NoLength   bool            // no Content-Length (chunked)

	Times int // how many requests it happens to, 0: all
}

func (f Fault) isZero() bool { return reflect.ValueOf(f).IsZero() }

// change returns what is sent instead of the right answer.
func (f Fault) change(a answer) answer {
	switch {
	case f.Status != 0:
		body := f.Body
		if body == "" {
			body = http.StatusText(f.Status)
		}
		a = text(f.Status, body)
	case f.Replace != nil:
		a = answer{http.StatusOK, a.header.Clone(), f.Replace}
		a.header.Del("Etag")
	}
	a.header = a.header.Clone()
	for key, values := range f.Header {
		a.header[http.CanonicalHeaderKey(key)] = values
	}
	return a
}

// send sends an answer badly.
func (f Fault) send(w http.ResponseWriter, r *http.Request, a answer) {
	serve(&faultyWriter{ResponseWriter: w, r: r, fault: f}, r, a)
}

// faultyWriter hides io.ReaderFrom, so that the whole body comes through Write.
type faultyWriter struct {
	http.ResponseWriter
	r       *http.Request
	fault   Fault
	sent    int64
	stalled bool
}

func (w *faultyWriter) WriteHeader(status int) {
	if w.fault.NoLength {
		w.Header().Del("Content-Length")
	}
	w.ResponseWriter.WriteHeader(status)
	if w.fault.NoLength {
		w.flush() // else net/http counts a short body
	}
	if w.fault.TruncateAt < 0 {
		w.cut()
	}
}

func (w *faultyWriter) Write(data []byte) (int, error) {
	f, written := &w.fault, 0
	for len(data) > 0 {
		if f.Stall != nil && f.StallAt > 0 && w.sent >= f.StallAt && !w.stalled {
			w.flush()
			wait(w.r, f.Stall)
			w.stalled = true
		}
		if f.TruncateAt > 0 && w.sent >= f.TruncateAt {
			w.cut()
		}
		n, err := w.ResponseWriter.Write(data[:w.step(len(data))])
		w.sent, written, data = w.sent+int64(n), written+n, data[n:]
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// step returns how many of n bytes can be written at once, having waited for the time to write them.
func (w *faultyWriter) step(n int) int {
	if w.fault.Stall != nil && w.sent < w.fault.StallAt {
		n = int(min(int64(n), w.fault.StallAt-w.sent))
	}
	if w.fault.TruncateAt > 0 {
		n = int(min(int64(n), w.fault.TruncateAt-w.sent))
	}
	if w.fault.Rate > 0 {
		const perSecond = 50
		w.flush()
		n = min(n, max(1, w.fault.Rate/perSecond))
		due := make(chan struct{})
		timer := time.AfterFunc(time.Duration(n)*time.Second/time.Duration(w.fault.Rate), func() { close(due) })
		defer timer.Stop()
		wait(w.r, due)
	}
	return n
}

func (w *faultyWriter) flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // the client may be gone
}

// cut ends the connection in the middle of an answer.
func (w *faultyWriter) cut() {
	w.flush()
	panic(http.ErrAbortHandler)
}

// wait waits for the channel, and ends the request if the client goes.
func wait(r *http.Request, c <-chan struct{}) {
	select {
	case <-c:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}
