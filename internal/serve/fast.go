package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// fast answers requests for what is hot before they reach net/http, which takes longer to understand and to frame them
// than it takes to answer them.
type fast struct {
	current       *current
	draining      *atomic.Bool
	agent         string // of ourselves: see [public]
	headerTimeout time.Duration
	idleTimeout   time.Duration
}

// fastConn is a connection as net/http sees it, less the requests that fast answers. net/http asks it for bytes when it
// waits for a request. As long as what comes are requests that fast knows to answer, it answers them and waits on, in
// place of net/http; the first one that is none net/http gets, as it came.
//
// To know where requests begin, it hands over one request at a time, as long as all are of the kind whose end it is
// certain of (see parseHead). The first one of another kind makes it stand back for good. So does what it does not
// expect: then net/http does all, as if it was not there.
//
// The first request of a connection is always left to net/http, so that it counts the connection among those that have
// begun, and closes it as an idle one when the server ends.
type fastConn struct {
	*net.TCPConn
	fast   *fast
	remote string // address of the client, as text, from when it is needed

	// What follows belongs to who reads: net/http sees to it that only one goroutine does at a time.

	phase phase
	met   bool   // net/http has answered a request
	began bool   // net/http has the "G" of the request that is waited for
	extra []byte // was read, and comes before what is still to be read
	dirty bool   // there is a deadline for writing

	mu        sync.Mutex // guards what follows
	answering bool
	closing   bool // is closed when the answer is sent
}

// phase is what net/http does with a fastConn.
type phase uint8

const (
	waiting phase = iota // it has nothing, and waits for a request
	serving              // it has one whole request and has not answered it
	aloof                // we do not care any more
)

// Read implements net.Conn.
func (c *fastConn) Read(p []byte) (int, error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case c.phase == waiting:
		return c.wait(p)
	case c.phase == serving:
		// While it serves, net/http reads one byte in advance, to see when the client leaves.
		n, err := c.fill(p)
		if n > 0 {
			if n > 1 || c.began || p[0] != method[0] {
				c.phase = aloof
			}
			c.began = true
		}
		return n, err
	}
	return c.fill(p)
}

// fill reads what has come.
func (c *fastConn) fill(p []byte) (int, error) {
	if len(c.extra) > 0 {
		n := copy(p, c.extra)
		c.extra = c.extra[n:]
		return n, nil
	}
	return c.TCPConn.Read(p)
}

// idle is called when net/http has answered a request.
func (c *fastConn) idle() {
	c.met = true
	if c.phase == serving {
		c.phase = waiting
	}
}

// wait answers requests until there is one for net/http, which it returns. p serves as the buffer.
func (c *fastConn) wait(p []byte) (int, error) {
	n, partial := 0, false
	for {
		m, err := c.fill(p[n:])
		n += m
		switch {
		case n > 0 && errors.Is(err, io.EOF):
			c.phase = aloof
			return n, nil
		case err != nil:
			return 0, err // net/http does not answer part of a request whose rest does not come
		}
		left, size, err := c.answerAll(p[:n])
		if err != nil {
			return 0, err
		}
		answered := len(left) < n
		n = copy(p, left)
		if size != incomplete || n == len(p) {
			return c.pass(p[:n], size), nil
		}
		begins := n > 0 && (answered || !partial)
		partial = n > 0
		if err := c.renew(answered, begins); err != nil {
			return 0, err
		}
	}
}

// renew gives the client new time: net/http believes that it waits for one request all the while.
func (c *fastConn) renew(answered, begins bool) error {
	switch {
	case !c.met: // net/http has set the time for the first request
	case begins:
		return c.SetReadDeadline(time.Now().Add(c.fast.headerTimeout))
	case answered:
		return c.SetReadDeadline(time.Now().Add(c.fast.idleTimeout))
	}
	return nil
}

// answerAll answers the requests that b begins with, as far as it can. It returns what is left of b and the size of the
// head that this begins with.
func (c *fastConn) answerAll(b []byte) (left []byte, size int, err error) {
	for len(b) > 0 {
		h, size := parseHead(b, c.began)
		if size <= 0 {
			return b, size, nil
		}
		if done, err := c.answer(h); !done || err != nil {
			return b, size, err
		}
		b = b[size:]
	}
	return b, incomplete, nil
}

// pass hands p over to net/http, if that begins with a head of a known size nothing but this. It returns how much.
func (c *fastConn) pass(p []byte, size int) int {
	if c.dirty {
		c.dirty = false
		c.SetWriteDeadline(time.Time{}) // net/http relies on it; if it fails, so does writing
	}
	if size <= 0 {
		c.phase = aloof
		return len(p)
	}
	c.phase, c.began = serving, false
	if size < len(p) {
		c.extra = append(bytes.Clone(p[size:]), c.extra...)
	}
	return size
}

// answer answers a request. It reports whether it did.
func (c *fastConn) answer(h head) (bool, error) {
	path, plain := h.plainPath()
	if !c.met || c.began || !plain || c.fast.draining.Load() || string(h.agent) == c.fast.agent {
		return false, nil
	}
	if !c.begin() {
		return false, net.ErrClosed
	}
	defer c.end()
	if c.remote == "" {
		c.remote = c.RemoteAddr().String()
	}
	g := c.fast.current.enter()
	defer g.leave()
	c.dirty = true
	return g.server.ServeHot(context.Background(), c.TCPConn, path, c.remote)
}

// begin notes that an answer is being sent, unless the connection is closed.
func (c *fastConn) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answering = !c.closing
	return c.answering
}

// end ends what begin began.
func (c *fastConn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answering = false
	if c.closing {
		c.TCPConn.Close() // who asked for it does not wait
	}
}

// Close implements net.Conn. An answer that is being sent is sent first: when the server ends, net/http closes the
// connections that it believes to be idle. It does not wait for it: the answer holds a generation, for which the server
// waits.
func (c *fastConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	if c.answering {
		return nil
	}
	return c.TCPConn.Close()
}

// head is what counts of the head of a request.
type head struct{ path, agent []byte }

// The sizes of heads that have none.
const (
	incomplete = 0
	odd        = -1
)

const method = "GET"

// parseHead reads the head of a request that b begins with, and returns its size. It takes nothing but what the usual
// clients send: GET in HTTP/1.1 with one Host, and at most one User-Agent, Accept and Accept-Encoding each, in
// well-formed lines of printable ASCII. That is understood by everybody in the same way, and no body follows. All else
// is odd, as soon as it can be seen. If began, the first byte of the head is not in b.
func parseHead(b []byte, began bool) (h head, size int) {
	first := true
	var seen uint8
	start := method + " /"
	if began {
		start = start[1:]
	}
	if n := min(len(b), len(start)); string(b[:n]) != start[:n] {
		return h, odd
	}
	for {
		n := bytes.IndexByte(b[size:], '\n')
		if n < 0 {
			return h, incomplete
		}
		line, ok := bytes.CutSuffix(b[size:size+n], []byte("\r"))
		size += n + 1
		switch {
		case !ok || !printable(line):
			return h, odd
		case first:
			target, version, _ := bytes.Cut(line[len(start)-1:], []byte(" "))
			if string(version) != "HTTP/1.1" {
				return h, odd
			}
			h.path, first = target, false
		case len(line) == 0:
			if seen&1 == 0 {
				return h, odd // there is no Host
			}
			return h, size
		default:
			bit := h.field(line)
			if bit == 0 || seen&bit != 0 {
				return h, odd
			}
			seen |= bit
		}
	}
}

// field reads a line with a header. It returns a bit for each header it knows, 1 for Host, and 0 for all others.
func (h *head) field(line []byte) uint8 {
	name, value, ok := bytes.Cut(line, []byte(":"))
	value = bytes.Trim(value, " ")
	switch {
	case !ok:
		return 0
	case bytes.EqualFold(name, []byte("Host")):
		if len(value) == 0 || bytes.ContainsFunc(value, notOfHost) {
			return 0
		}
		return 1
	case bytes.EqualFold(name, []byte("User-Agent")):
		h.agent = value
		return 2
	case bytes.EqualFold(name, []byte("Accept")):
		return 4
	case bytes.EqualFold(name, []byte("Accept-Encoding")):
		return 8
	}
	return 0
}

// notOfHost reports whether a character is in no usual name or address of a host.
func notOfHost(c rune) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-._:[]", c))
}

// printable reports whether b has nothing but printable ASCII characters and blanks.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// plainPath returns the path as net/http understands it, if that takes nothing but to read %21, as which many clients
// send the "!" of module paths.
func (h head) plainPath() (string, bool) {
	path := string(h.path)
	if strings.IndexByte(path, '%') >= 0 {
		path = strings.ReplaceAll(path, "%21", "!")
	}
	return path, !strings.ContainsAny(path, "%?#")
}
