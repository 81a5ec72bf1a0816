package proxy

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// limitError says that there are too many requests at once.
type limitError struct {
	status int // 429 if they are of one client, else 503
}

func (e *limitError) Error() string {
	if e.status == http.StatusTooManyRequests {
		return "too many requests at once from this address; try again in a second"
	}
	return "too many requests at once; try again in a second"
}

// limiter counts the requests that are served at this moment.
type limiter struct {
	max, maxPerClient int64
	all               atomic.Int64

	clients [16]clientCounts
}

type clientCounts struct {
	mu     sync.Mutex // guards counts
	counts map[netip.Addr]int64
}

func newLimiter(max, maxPerClient int) *limiter {
	return &limiter{max: int64(max), maxPerClient: int64(maxPerClient)}
}

// enter admits a request of the client with the address remote ("host:port"), or says why not. leave is called after a
// request that was admitted.
func (l *limiter) enter(remote string) (addr netip.Addr, err error) {
	if l.all.Add(1) > l.max {
		l.all.Add(-1)
		return addr, &limitError{http.StatusServiceUnavailable}
	}
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		addr = ap.Addr().Unmap()
	}
	c := l.of(addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[netip.Addr]int64{}
	}
	if c.counts[addr] >= l.maxPerClient {
		l.all.Add(-1)
		return addr, &limitError{http.StatusTooManyRequests}
	}
	c.counts[addr]++
	return addr, nil
}

func (l *limiter) leave(addr netip.Addr) {
	l.all.Add(-1)
	c := l.of(addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts[addr]--; c.counts[addr] == 0 {
		delete(c.counts, addr)
	}
}

func (l *limiter) of(addr netip.Addr) *clientCounts {
	b := addr.As16()
	return &l.clients[(b[15]^b[14]^b[7])%byte(len(l.clients))]
}

// pacedWriter counts what is sent, and gives a client time for each part of it instead of for all: one that reads slowly
// may take long, one that does not read is cut off. It passes on what net/http needs to send files without copying.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	status  int
	bytes   int64
	err     error // the first one of a write, or of reading what is written
}

// pace is how much is sent before a client gets new time, in bytes.
const pace = 512 << 10

func newPacedWriter(w http.ResponseWriter, timeout time.Duration) *pacedWriter {
	return &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w), timeout: timeout}
}

// Unwrap is for http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// begin is called before anything is sent.
func (w *pacedWriter) begin(status int) {
	w.control.SetWriteDeadline(time.Now().Add(w.timeout)) // the connection's clock; a writer without deadlines waits
	if w.status == 0 {
		w.status = status
	}
}

func (w *pacedWriter) WriteHeader(status int) {
	w.begin(status)
	if status == http.StatusPreconditionFailed || status == http.StatusRequestedRangeNotSatisfiable {
		w.Header()["Cache-Control"] = []string{"no-store"} // http.ServeContent leaves that of the content
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *pacedWriter) Write(p []byte) (sent int, err error) {
	for {
		w.begin(http.StatusOK)
		n, err := w.ResponseWriter.Write(p[sent:min(len(p), sent+pace)])
		sent += n
		w.count(int64(n), err)
		if err != nil || sent == len(p) {
			return sent, err
		}
	}
}

func (w *pacedWriter) count(n int64, err error) {
	w.bytes += n
	if w.err == nil {
		w.err = err
	}
}

// ReadFrom sends src, a part at a time. The file itself must be seen below one LimitedReader, or it is copied.
func (w *pacedWriter) ReadFrom(src io.Reader) (sent int64, err error) {
	limited, ok := src.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: src, N: math.MaxInt64}
	}
	for {
		w.begin(http.StatusOK)
		part := &io.LimitedReader{R: limited.R, N: min(limited.N, pace)}
		want := part.N
		n, err := io.Copy(w.ResponseWriter, part)
		sent += n
		limited.N -= n
		w.count(n, err)
		if err != nil || n < want || limited.N <= 0 {
			return sent, err
		}
	}
}

// failure returns what went wrong with sending, or nil: that the client is gone, or that what was sent could not be read.
func (w *pacedWriter) failure() error {
	if w.err == nil {
		return nil
	}
	if _, disk := errors.AsType[*fs.PathError](w.err); disk {
		return &storeError{w.err}
	}
	return errors.Join(errClientGone, w.err)
}
