//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

const (
	bufferSize = 32 << 10  // a header, and small bodies with it
	gulp       = 128 << 10 // of a body, at once: small enough to stay in a processor's cache
	// maxErrors ends a run in which nothing will be right any more.
	maxErrors = 10000
)

// errClosed means that the server closed a connection.
var errClosed = errors.New("the connection was closed")

// loop waits for all connections of a run on one thread.
type loop struct {
	config  Config
	addr    syscall.SockaddrInet4
	prepped [][]byte // the bytes of each request
	epoll   int
	conns   []conn
	sink    []byte // where bodies would go
	crc     *crc32.Table
	began   time.Time

	next   int // number of requests begun
	busy   int // connections that wait for an answer
	result Result
}

// conn is a connection and the answer it waits for.
type conn struct {
	fd      int
	req     *Request
	sent    time.Duration // when the request was, since the beginning
	buf     []byte
	n       int // bytes of the header in buf
	head    head
	inBody  bool
	left    int64 // bytes of the body to come
	sampled bool
	crc     uint32
	wrong   error // what is wrong with the answer, known before its end
}

func newLoop(c Config) (*loop, error) {
	addr := netip.MustParseAddrPort(c.Addr)
	l := &loop{config: c, sink: make([]byte, gulp), crc: castagnoli()}
	l.addr = syscall.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	for _, r := range c.Requests {
		l.prepped = append(l.prepped, []byte("GET "+r.Path+" HTTP/1.1\r\nHost: "+c.Addr+
			"\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n"))
	}
	var err error
	if l.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	l.conns = make([]conn, c.Conns)
	for i := range l.conns {
		l.conns[i] = conn{fd: -1, buf: make([]byte, bufferSize)}
	}
	for i := range l.conns {
		if err := l.connect(i); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (l *loop) close() {
	for _, c := range l.conns {
		if c.fd >= 0 {
			syscall.Close(c.fd)
		}
	}
	syscall.Close(l.epoll)
}

// connect opens the connection i, anew if it is open.
func (l *loop) connect(i int) error {
	c := &l.conns[i]
	if c.fd >= 0 {
		syscall.Close(c.fd)
	}
	var err error
	if c.fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	if err := syscall.Connect(c.fd, &l.addr); err != nil {
		return fmt.Errorf("connect to %s: %w", l.config.Addr, err)
	}
	if err := syscall.SetNonblock(c.fd, true); err != nil {
		return err
	}
	if err := syscall.SetsockoptInt(c.fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return err
	}
	return syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, c.fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)})
}

// run sends and receives until all is done. It keeps a thread to itself, so that its CPU time can be told.
func (l *loop) run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := threadTime()
	if err != nil {
		return err
	}
	l.began = time.Now()
	for i := range l.conns {
		if err := l.begin(i); err != nil {
			return err
		}
	}
	events := make([]syscall.EpollEvent, len(l.conns))
	patience := int(l.config.Patience / time.Millisecond)
	for quiet := 0; l.busy > 0; {
		const slice = 100 // milliseconds, to look at ctx
		n, err := syscall.EpollWait(l.epoll, events, slice)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case n > 0:
			quiet = 0
		default:
			if quiet += slice; quiet >= patience {
				return fmt.Errorf("no answer within %v, %d requests open, the first for %s", l.config.Patience, l.busy, l.waiting())
			}
		}
		for _, e := range events[:n] {
			if err := l.ready(int(e.Fd)); err != nil {
				return err
			}
		}
	}
	l.result.Elapsed = time.Since(l.began)
	after, err := threadTime()
	l.result.CPU = after - before
	return err
}

// waiting returns the path of a request that has no answer.
func (l *loop) waiting() string {
	for _, c := range l.conns {
		if c.req != nil {
			return c.req.Path
		}
	}
	return ""
}

// begin sends the next request on the connection i, if there is one to send.
func (l *loop) begin(i int) error {
	c := &l.conns[i]
	c.req = nil
	now := time.Since(l.began)
	if l.config.Count > 0 && l.next >= l.config.Count || l.config.Duration > 0 && now >= l.config.Duration {
		return nil
	}
	r := l.next % len(l.config.Requests)
	l.next++
	c.req, c.sent = &l.config.Requests[r], now
	c.n, c.inBody, c.crc, c.wrong = 0, false, 0, nil
	c.sampled = l.config.Sample > 0 && l.next%l.config.Sample == 0
	l.busy++
	n, errno := send(c.fd, l.prepped[r])
	switch {
	case errno != 0:
		return l.broken(i, fmt.Errorf("send: %w", errno))
	case n < len(l.prepped[r]):
		return fmt.Errorf("a request of %d bytes was not taken at once", len(l.prepped[r])) // one is open per connection
	}
	return nil
}

// ready reads what came on the connection i.
func (l *loop) ready(i int) error {
	c := &l.conns[i]
	if c.req == nil { // nothing was asked: the server closes what is idle, or says too much
		return l.idle(i)
	}
	if c.inBody {
		return l.body(i)
	}
	n, errno := recv(c.fd, c.buf[c.n:], 0)
	switch {
	case errno == syscall.EAGAIN || errno == syscall.EINTR:
		return nil
	case errno != 0:
		return l.broken(i, fmt.Errorf("header: %w", errno))
	case n == 0:
		return l.broken(i, fmt.Errorf("header: %w", errClosed))
	}
	c.n += n
	h, ok, err := parseHead(c.buf[:c.n])
	switch {
	case err != nil:
		return l.broken(i, err)
	case !ok && c.n == len(c.buf):
		return l.broken(i, fmt.Errorf("header of more than %d bytes", len(c.buf)))
	case !ok:
		return nil
	}
	l.result.FirstByte.Add(time.Since(l.began) - c.sent)
	return l.header(i, h)
}

// header takes the header of an answer and what came of the body with it.
func (l *loop) header(i int, h head) error {
	c := &l.conns[i]
	c.head, c.inBody = h, true
	came := c.buf[h.size:c.n]
	switch {
	case h.status != 200:
		c.wrong = fmt.Errorf("status %d: %.200q", h.status, came)
	case h.length < 0:
		return l.broken(i, errors.New("no Content-Length"))
	case h.length != c.req.Size:
		c.wrong = fmt.Errorf("a body of %d bytes, %d are wanted", h.length, c.req.Size)
	}
	if h.length < 0 {
		return l.broken(i, c.wrong)
	}
	c.left = h.length - int64(len(came))
	if c.left < 0 {
		return l.broken(i, fmt.Errorf("%d bytes too many after the body", -c.left))
	}
	if c.sampled {
		c.crc = crc32.Update(0, l.crc, came)
	}
	if c.left == 0 {
		return l.done(i)
	}
	return nil
}

// body reads more of the body.
func (l *loop) body(i int) error {
	c := &l.conns[i]
	flags := 0
	if l.config.Drop && !c.sampled {
		flags = syscall.MSG_TRUNC // TCP drops what it would have copied
	}
	n, errno := recv(c.fd, l.sink[:min(c.left, int64(len(l.sink)))], flags)
	switch {
	case errno == syscall.EAGAIN || errno == syscall.EINTR:
		return nil
	case errno != 0:
		return l.broken(i, fmt.Errorf("body, %d bytes before its end: %w", c.left, errno))
	case n == 0:
		return l.broken(i, fmt.Errorf("body, %d bytes before its end: %w", c.left, errClosed))
	}
	if c.sampled {
		c.crc = crc32.Update(c.crc, l.crc, l.sink[:n])
	}
	if c.left -= int64(n); c.left == 0 {
		return l.done(i)
	}
	return nil
}

// done takes an answer that came to its end, and begins the next one.
func (l *loop) done(i int) error {
	c := &l.conns[i]
	l.busy--
	if c.wrong == nil && c.sampled && c.crc != c.req.CRC {
		c.wrong = errors.New("the body has another checksum")
	}
	if c.wrong != nil {
		if err := l.wrong(c); err != nil {
			return err
		}
	} else {
		l.result.Requests++
		l.result.Bytes += c.head.length
		l.result.Latency.Add(time.Since(l.began) - c.sent)
	}
	if c.head.close {
		if err := l.connect(i); err != nil {
			return err
		}
	}
	return l.begin(i)
}

// broken counts an answer after which the connection is of no use, and begins the next one on a new connection.
func (l *loop) broken(i int, err error) error {
	c := &l.conns[i]
	l.busy--
	c.wrong = err
	if err := l.wrong(c); err != nil {
		return err
	}
	if err := l.connect(i); err != nil {
		return fmt.Errorf("%w, after: %w", err, l.result.FirstError)
	}
	return l.begin(i)
}

// wrong counts an error.
func (l *loop) wrong(c *conn) error {
	l.result.Errors++
	if l.result.FirstError == nil {
		l.result.FirstError = fmt.Errorf("GET %s: %w", c.req.Path, c.wrong)
	}
	if l.result.Errors >= maxErrors {
		return fmt.Errorf("%d wrong answers, the first: %w", l.result.Errors, l.result.FirstError)
	}
	return nil
}

// idle reads from a connection on which there is nothing more to be asked.
func (l *loop) idle(i int) error {
	c := &l.conns[i]
	if n, errno := recv(c.fd, l.sink, 0); errno == 0 && n > 0 {
		l.result.Errors++
		l.result.FirstError = errors.Join(l.result.FirstError, fmt.Errorf("%d bytes came that nobody asked for", n))
	}
	return syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_DEL, c.fd, nil)
}

// send and recv do not tell the scheduler: the sockets never block.
func send(fd int, p []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)),
		syscall.MSG_NOSIGNAL, 0, 0)
	return int(n), errno
}

func recv(fd int, p []byte, flags int) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)),
		uintptr(flags), 0, 0)
	return int(n), errno
}

// threadTime returns the CPU time of the thread.
func threadTime() (time.Duration, error) {
	const thread = 1 // RUSAGE_THREAD, which package syscall has no name for
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
