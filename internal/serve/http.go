package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxBody is how large the body of a request may be, which nobody reads: a module proxy is only asked.
const maxBody = 64 << 10

// public is the handler of the public listener: the module protocol and /healthz.
type public struct {
	modules  http.Handler
	draining *atomic.Bool
	// agent is how this server names itself as a client. Who asks with it is this server, by way of its upstream.
	agent        string
	writeTimeout time.Duration
}

// ServeHTTP implements http.Handler. It touches nothing on the way of what leaves fast.
func (p *public) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.draining.Load() {
		w.Header()["Connection"] = []string{"close"} // for HTTP/2, net/http makes a GOAWAY of it
	}
	if r.ContentLength != 0 {
		// It is never read: after the answer the connection is closed.
		w.Header()["Connection"] = []string{"close"}
		if r.ContentLength > maxBody {
			p.say(w, http.StatusRequestEntityTooLarge, "request body too large: a module proxy is only read")
			return
		}
	}
	if agent := r.Header["User-Agent"]; len(agent) > 0 && agent[0] == p.agent {
		p.say(w, http.StatusLoopDetected, "this module proxy is asked by itself: one of its upstreams leads back to it")
		return
	}
	if r.URL.Path == "/healthz" {
		p.say(w, http.StatusOK, "ok")
		return
	}
	p.modules.ServeHTTP(w, r)
}

// say sends a line of text, to clients that read it.
func (p *public) say(w http.ResponseWriter, status int, line string) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(p.writeTimeout)) // all our connections have deadlines
	h := w.Header()
	h["Content-Type"] = []string{"text/plain; charset=utf-8"}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	w.WriteHeader(status)
	io.WriteString(w, line+"\n")
}

// httpServer is an http.Server on one listener that can end without losing a request.
type httpServer struct {
	*http.Server
	listener *listener
	secure   bool // TLS
	fresh    freshConns
	done     chan error // what Serve returned
}

// startHTTP serves a listener. With a TLS configuration in s it speaks TLS.
func startHTTP(l *listener, s *http.Server, name string, log *slog.Logger) *httpServer {
	h := &httpServer{Server: s, listener: l, secure: s.TLSConfig != nil, done: make(chan error, 1)}
	s.ConnState = h.changed
	s.ErrorLog = errorLog(log.With("listener", name))
	go func() {
		if h.secure {
			h.done <- s.ServeTLS(l, "", "")
			return
		}
		h.done <- s.Serve(l)
	}()
	return h
}

// changed implements http.Server.ConnState.
func (h *httpServer) changed(conn net.Conn, state http.ConnState) {
	h.fresh.changed(conn, state)
	if c, ok := conn.(*fastConn); ok && state == http.StateIdle {
		c.idle()
	}
}

const (
	// lameDuck is how long clients are told to close their connections before connections are closed.
	lameDuck = 300 * time.Millisecond
	// freshWait is how long connections are waited for whose first request has not come.
	freshWait = 250 * time.Millisecond
)

// drain ends the server without losing a request, until ctx ends at the latest. The handler says "Connection: close"
// by now. net/http drops a request that it has just read when a shutdown begins (golang/go#65802), and closes idle
// connections under a client that is just writing (golang/go#23829): the steps before it make both rare to impossible.
func (h *httpServer) drain(ctx context.Context) error {
	if err := h.listener.stop(); err != nil {
		return err
	}
	if err := <-h.done; err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	wait(ctx, lameDuck)
	h.fresh.wait(ctx, freshWait)
	if !h.listener.inherited {
		// Nobody else will take who waits in the backlog: better refused than left waiting.
		h.listener.release()
	}
	return h.Shutdown(ctx)
}

// end ends the server without the care that clients of modules deserve.
func (h *httpServer) end(ctx context.Context) error {
	h.listener.release()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		return h.Close() // somebody takes a profile
	}
	return nil
}

// wait waits for a time, or for ctx.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// freshConns counts the connections on which no request has begun.
type freshConns struct {
	n     atomic.Int64
	conns sync.Map // of net.Conn
}

// changed notes the state of a connection. Nearly all connections it is called for are not fresh: that is found out
// without looking.
func (f *freshConns) changed(conn net.Conn, state http.ConnState) {
	if state == http.StateNew {
		f.conns.Store(conn, nil)
		f.n.Add(1)
		return
	}
	if f.n.Load() == 0 {
		return
	}
	if _, was := f.conns.LoadAndDelete(conn); was {
		f.n.Add(-1)
	}
}

// wait waits until there are none, or for a time.
func (f *freshConns) wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for f.n.Load() > 0 && ctx.Err() == nil {
		wait(ctx, 5*time.Millisecond)
	}
}

// errorLog returns the logger for what net/http has to say.
func errorLog(l *slog.Logger) *log.Logger { return log.New(&errorWriter{l}, "", 0) }

type errorWriter struct{ log *slog.Logger }

// Write logs a line. Handshakes that fail are everyday life where there are scanners and health checks.
func (w *errorWriter) Write(p []byte) (int, error) {
	line := strings.TrimSpace(string(p))
	level := slog.LevelWarn
	if strings.HasPrefix(line, "http: TLS handshake error") {
		level = slog.LevelDebug
	}
	w.log.Log(context.Background(), level, "http", "message", line)
	return len(p), nil
}

// url returns how a client on this machine reaches a listener.
func (h *httpServer) url() string {
	scheme := "http"
	if h.secure {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s", scheme, shown(h.listener.Addr()))
}
