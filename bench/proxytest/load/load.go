//go:build linux

// Package load replays requests against an HTTP server on loopback as fast as the server answers, checks each answer,
// and says how fast that was.
//
// It is made to take little of the machine that it shares with the server: one thread waits for all connections, sends
// prepared requests and reads bodies into one buffer, where only those of a sample are looked at. It speaks as much of HTTP/1.1 as that needs: GET, keep-alive, Content-Length. An
// answer without a Content-Length counts as an error.
//
// Load goes to 127.0.0.0/8 only: everything else is refused.
package load

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
	"time"
)

// Request is a GET and the answer it must get.
type Request struct {
	// Path is that of the URL, as it is sent.
	Path string
	// Size and CRC are those of the body; see [Sum].
	Size int64
	CRC  uint32
}

// Sum returns the checksum of a body, as [Request] has it.
func Sum(body []byte) uint32 { return crc32.Checksum(body, castagnoli()) }

// Config is what is sent to whom.
type Config struct {
	// Addr is the server's address, such as 127.0.0.1:8080.
	Addr string
	// Requests are sent in order, and again from the beginning. They are shared by all connections: each takes the next
	// one when it has its answer.
	Requests []Request
	// Conns is the number of connections, kept alive and opened before time starts to run; 0 is 1.
	Conns int
	// Duration is for how long requests are sent, Count how many; 0 is no limit, but one of the two is wanted. The
	// answers to what was sent are awaited.
	Duration time.Duration
	Count    int
	// Sample says that one body in so many is compared with its checksum: 1 is all, 0 none.
	Sample int
	// Drop lets the kernel throw bodies away without copying them, which no real client does: it leaves more of the
	// machine to the server, and shows small differences between servers larger than users see them. Those of the sample
	// are read all the same.
	Drop bool
	// Patience is how long nothing may happen before the run is given up; 0 is 30 seconds.
	Patience time.Duration
}

// Result is what was measured. An answer is either right, and in the histograms, or an error.
type Result struct {
	// Requests is the number of right answers, Bytes that of their bodies' bytes.
	Requests int
	Bytes    int64
	// Elapsed is the time from the first request to the last answer.
	Elapsed time.Duration
	// FirstByte and Latency are the times from a request to the header and to the end of its answer.
	FirstByte, Latency Histogram
	// Errors counts wrong answers; FirstError says what was wrong with the first of them.
	Errors     int
	FirstError error
	// CPU is what the thread of the generator used, in user and kernel mode.
	CPU time.Duration
}

// Rate returns right answers per second.
func (r *Result) Rate() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// Throughput returns the bytes of bodies per second, in units of a million.
func (r *Result) Throughput() float64 { return float64(r.Bytes) / 1e6 / r.Elapsed.Seconds() }

func (c *Config) validate() error {
	addr, err := netip.ParseAddrPort(c.Addr)
	switch {
	case err != nil:
		return fmt.Errorf("address of the server: %w", err)
	case !addr.Addr().Is4() || !addr.Addr().IsLoopback():
		return fmt.Errorf("load is for 127.0.0.0/8 only, not for %s", addr.Addr())
	case len(c.Requests) == 0:
		return errors.New("no requests to send")
	case c.Duration <= 0 && c.Count <= 0:
		return errors.New("neither a duration nor a number of requests is given")
	}
	return nil
}

// Run sends the requests. The error says why it could not: the server is gone, or stopped answering. Wrong answers are
// in the result.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	c.Conns = max(c.Conns, 1)
	if c.Count > 0 {
		c.Conns = min(c.Conns, c.Count)
	}
	if c.Patience == 0 {
		c.Patience = 30 * time.Second
	}
	l, err := newLoop(c)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.run(ctx); err != nil {
		return nil, err
	}
	return &l.result, nil
}
