package proxy

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// ServeHot answers a GET request for path, without conditions and parts, of the client with the address remote, if that
// takes nothing but sending what is known. conn then gets, byte by byte, what it would get from net/http and
// [Server.ServeHTTP], for a fraction of the work. It reports whether it did: if not, nothing is sent and the request is
// for ServeHTTP. After an error the answer may be sent in part, and conn is to be closed.
//
// It leaves a deadline for writing on conn.
func (s *Server) ServeHot(ctx context.Context, conn *net.TCPConn, path, remote string) (bool, error) {
	start := time.Now()
	e := s.hot.get(path)
	if e == nil || !s.current(e) {
		return false, nil
	}
	if e.inStore {
		return s.hotStored(ctx, conn, e, path, remote, start)
	}
	s.touch(ctx, e.key(path), e)
	conn.SetWriteDeadline(start.Add(s.config.WriteTimeout)) // if it fails, so does writing
	answer := net.Buffers{s.head(e), date(start), e.body}
	if _, err := answer.WriteTo(conn); err != nil {
		return true, err
	}
	s.hotSent(e, path, remote, start)
	return true, nil
}

// hotStored is ServeHot for an entry that is in the store.
func (s *Server) hotStored(ctx context.Context, conn *net.TCPConn, e *hotEntry, path, remote string, start time.Time) (bool, error) {
	client, err := s.requests.enter(remote)
	if err != nil {
		return false, nil // ServeHTTP says it to the client
	}
	defer s.requests.leave(client)
	key := e.key(path)
	defer s.serving.enter(key)()
	s.touch(ctx, key, e)
	blob, err := s.get(ctx, key)
	if err != nil {
		return false, nil // ServeHTTP finds out
	}
	defer blob.Close()
	if blob.Size != e.size {
		return false, nil // likewise
	}
	defer cork(conn)()
	w := newPacedWriter(bareWriter{conn}, s.config.WriteTimeout)
	w.begin(http.StatusOK)
	head := net.Buffers{s.head(e), date(start)}
	if _, err := head.WriteTo(conn); err != nil {
		w.count(0, err)
	} else if n, err := w.ReadFrom(&io.LimitedReader{R: blob.ReadSeekCloser, N: e.size}); err == nil && n < e.size {
		w.count(0, &storeError{io.ErrUnexpectedEOF})
	}
	if err := w.failure(); err != nil {
		r := hotRequest(path, remote)
		s.record(r, requestIDOf(r), request{kind: e.kind}, outcome{result: Hit}, w, err, true, time.Since(start))
		return true, err
	}
	s.hotSent(e, path, remote, start)
	return true, nil
}

// hotSent records an answer of ServeHot.
func (s *Server) hotSent(e *hotEntry, path, remote string, start time.Time) {
	s.metrics.hit(e, http.MethodGet, time.Since(start))
	if s.debug {
		s.logHit(hotRequest(path, remote), e)
	}
}

// hotRequest is the request that net/http would have made of one to ServeHot, as far as it is logged.
func hotRequest(path, remote string) *http.Request {
	return &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, RemoteAddr: remote}
}

// head returns what net/http sends of a hit before the date: it writes the headers in this order.
func (s *Server) head(e *hotEntry) []byte {
	if head := e.head.Load(); head != nil {
		return *head
	}
	h := http.Header{}
	s.describe(h, e, outcome{result: Hit})
	s.size(h, e)
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\n")
	h.Write(&b) // a buffer takes all
	b.WriteString("Date: ")
	head := bytes.Clone(b.Bytes())
	e.head.Store(&head)
	return head
}

// date returns the end of a head.
func date(now time.Time) []byte {
	b := make([]byte, 0, len(http.TimeFormat)+len("\r\n\r\n"))
	return append(now.UTC().AppendFormat(b, http.TimeFormat), "\r\n\r\n"...)
}

// bareWriter sends a body on a connection whose head is sent already.
type bareWriter struct{ *net.TCPConn }

// Header implements http.ResponseWriter.
func (bareWriter) Header() http.Header { return nil }

// WriteHeader implements http.ResponseWriter.
func (bareWriter) WriteHeader(int) {}
