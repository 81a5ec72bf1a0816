package proxy

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/store"
)

// Server answers the GOPROXY protocol. It is an http.Handler for the whole of a listener; what belongs to operators
// (metrics, readiness) is elsewhere.
type Server struct {
	config  Config
	tenant  *Tenant
	store   store.Store
	log     *slog.Logger
	now     func() time.Time
	headers *headers
	answers *answers
	metrics *Metrics

	hot         *hotMap
	negative    negatives
	flights     flights
	smallCalls  calls[fetched] // .info and .mod
	answerCalls calls[fetched]
	sumCalls    calls[hashes]
	limiter     limiter
	serving     serving
	// trouble is true from when upstream fails to answer until it answers again. Then nobody who has an old answer waits
	// for a new one.
	trouble atomic.Bool
	debug   bool // hits are logged
}

// New returns a server. [Server.Close] ends what it does in the background.
func New(c Config) (*Server, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("proxy: no store")
	case c.Tenant.Private != "" && c.Tenant.PrivateSource == nil:
		return nil, errors.New("proxy: private patterns, but no source for private modules")
	}
	c = c.withDefaults()
	kept, err := openAnswers(c.AnswerDir)
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: c, tenant: &c.Tenant, store: c.Store, log: c.Log, now: c.Now,
		headers: newHeaders(c), answers: kept, metrics: c.Metrics, hot: newHotMap(c.HotBytes),
		negative: negatives{now: c.Now},
		limiter:  limiter{max: int64(c.MaxRequests), maxPerClient: int64(c.MaxPerClient)},
		debug:    c.Log.Enabled(context.Background(), slog.LevelDebug),
	}
	return s, nil
}

// Close waits until all fetches that are under way have ended. No request may be served any more.
func (s *Server) Close() error {
	s.flights.wait.Wait()
	s.smallCalls.wait.Wait()
	s.answerCalls.wait.Wait()
	s.sumCalls.wait.Wait()
	return s.answers.close()
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	client, err := s.limiter.enter(r.RemoteAddr)
	if err != nil {
		s.reject(w, err)
		return
	}
	defer s.limiter.leave(client)
	// The path of a hot entry is that of a module file or answer: it was checked when the entry was made.
	if e := s.hot.get(r.URL.Path); e != nil && s.current(e) && get(r) && s.serveHot(w, r, r.URL.Path[1:], e, start) {
		return
	}
	s.serveSlow(w, r, start)
}

// serveHot answers with what is known of a file or answer, with as little work as can be. It reports whether it did: a
// stored file may be gone.
func (s *Server) serveHot(w http.ResponseWriter, r *http.Request, key string, e *hotEntry, start time.Time) bool {
	o := outcome{result: resultHit}
	if e.body != nil {
		http.NewResponseController(w).SetWriteDeadline(start.Add(s.config.WriteTimeout))
		s.touch(r.Context(), key, e)
		s.sendBody(w, r, e, o)
		s.metrics.hit(e, r.Method, time.Since(start))
		s.logHit(r, e)
		return true
	}
	pw := newPacedWriter(w, s.config.WriteTimeout)
	leave := s.serving.enter(key)
	s.touch(r.Context(), key, e)
	err := s.sendFile(pw, r, key, e, o)
	leave()
	switch {
	case err != nil:
		s.hot.remove(r.URL.Path)
		return false
	case pw.err != nil:
		s.record(r, requestIDOf(r), request{kind: e.kind}, o, pw, errors.Join(errClientGone, pw.err), true, time.Since(start))
		panic(http.ErrAbortHandler)
	}
	s.metrics.hit(e, r.Method, time.Since(start))
	s.logHit(r, e)
	return true
}

// logHit records an answer from the cache, if anybody wants to know.
func (s *Server) logHit(r *http.Request, e *hotEntry) {
	if s.debug {
		s.log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.String("client", r.RemoteAddr), slog.String("cache", resultHit.String()), slog.Int64("size", e.size))
	}
}

// get reports whether a method only reads.
func get(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// current reports whether an entry may be sent without asking anybody.
func (s *Server) current(e *hotEntry) bool { return e.until.IsZero() || s.now().Before(e.until) }

// reject answers a request that is too much, as cheaply as can be.
func (s *Server) reject(w http.ResponseWriter, err error) {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.config.WriteTimeout))
	w.Header().Set("Retry-After", "1")
	s.fail(w, err, outcome{})
	s.metrics.rejected(err)
}

// serveSlow answers what is not an entry in memory, and records how it went.
func (s *Server) serveSlow(w http.ResponseWriter, r *http.Request, start time.Time) {
	pw := newPacedWriter(w, s.config.WriteTimeout)
	id := requestIDOf(r)
	pw.Header()["X-Request-Id"] = []string{id}
	var req request
	var o outcome
	var err error
	defer func() {
		aborted := recover()
		if aborted != nil && aborted != http.ErrAbortHandler {
			s.log.Error("panic", "request", id, "path", r.URL.Path, "panic", aborted)
			aborted = http.ErrAbortHandler
		}
		s.record(r, id, req, o, pw, err, aborted != nil, time.Since(start))
		if aborted != nil {
			panic(aborted)
		}
	}()
	if !get(r) {
		pw.Header()["Allow"] = []string{"GET, HEAD"}
		http.Error(pw, "method not allowed: a module proxy is only read", http.StatusMethodNotAllowed)
		return
	}
	if req, err = parsePath(r.URL.Path); err == nil {
		if v := r.Header["Disable-Module-Fetch"]; len(v) > 0 && strings.EqualFold(v[0], "true") {
			req.cachedOnly = true
		}
		o, err = s.route(pw, r, req)
	}
	if err == nil && pw.err != nil {
		err = errors.Join(errClientGone, pw.err)
	}
	if err == nil {
		if pw.status == 0 {
			pw.status = http.StatusOK // a HEAD
		}
		return
	}
	if pw.status != 0 {
		panic(http.ErrAbortHandler) // part of the answer is sent: it must not look whole
	}
	s.fail(pw, err, o)
}

// route answers a request of the protocol. An error before anything is sent is answered by the caller.
func (s *Server) route(w *pacedWriter, r *http.Request, req request) (outcome, error) {
	switch req.kind {
	case kindIndex:
		return outcome{}, s.serveIndex(w, r)
	case kindSumDB:
		return s.serveSumDB(w, r, req)
	case kindList, kindLatest, kindQuery:
		e, o, err := s.answer(r.Context(), req)
		if err != nil {
			return o, err
		}
		s.sendBody(w, r, e, o)
		return o, nil
	}
	return s.serveFile(w, r, req)
}

// serveFile answers for a file of a version.
func (s *Server) serveFile(w *pacedWriter, r *http.Request, req request) (outcome, error) {
	defer s.serving.enter(req.key)()
	for range 3 {
		e := s.hot.get("/" + req.key)
		if e == nil {
			var err error
			if e, err = s.load(r.Context(), req); errors.Is(err, fs.ErrNotExist) {
				return s.fetch(w, r, req)
			} else if err != nil {
				return outcome{}, err
			}
		}
		o := outcome{result: resultHit}
		if err := s.send(w, r, req, e, o); !errors.Is(err, fs.ErrNotExist) {
			return o, err
		}
		s.hot.remove("/" + req.key) // the store has no such file any more
	}
	return outcome{}, errors.New("stored file comes and goes: " + req.key)
}

// send sends a file that is in memory or in the store.
func (s *Server) send(w *pacedWriter, r *http.Request, req request, e *hotEntry, o outcome) error {
	s.touch(r.Context(), req.key, e)
	if e.body != nil {
		s.sendBody(w, r, e, o)
		return nil
	}
	return s.sendFile(w, r, req.key, e, o)
}

// touch tells the store from time to time that a file is in use.
func (s *Server) touch(ctx context.Context, key string, e *hotEntry) {
	if e.kind.mutable() {
		return
	}
	now, last := s.now().Unix(), e.touched.Load()
	if now-last < int64(touchEvery/time.Second) || !e.touched.CompareAndSwap(last, now) {
		return
	}
	if t, ok := s.store.(store.Toucher); ok {
		if err := t.Touch(ctx, key); err != nil {
			s.log.Warn("use of a file not noted", "key", key, "error", err.Error())
		}
	}
}

// fetch answers for a file that is not stored.
func (s *Server) fetch(w *pacedWriter, r *http.Request, req request) (outcome, error) {
	if req.cachedOnly || s.tenant.source(req.mod.Path) == nil {
		return outcome{}, &noSource{cachedOnly: req.cachedOnly}
	}
	if err := s.negative.get(req.key); err != nil {
		return outcome{result: resultNegative}, err
	}
	if req.kind == kindZip {
		return s.fetchZip(w, r, req)
	}
	k, joined := s.smallCalls.start(r.Context(), req.key, s.config.FetchTimeout, func(ctx context.Context) (fetched, error) {
		got, err := s.fetchSmall(ctx, req)
		s.judge(req, err)
		return got, err
	})
	got, err := k.result(r.Context())
	o := outcome{result: resultMiss, from: got.from, joined: joined}
	if err != nil {
		return o, err
	}
	if !got.stored {
		o.result = resultBypass
	}
	s.sendBody(w, r, got.entry, o)
	return o, nil
}

// judge remembers refusals, and raises the alarm.
func (s *Server) judge(req request, err error) {
	switch {
	case err == nil:
	case errors.Is(err, ErrSecurity):
		s.log.Error("SECURITY: verification failed", "module", req.mod.Path, "version", req.mod.Version, "kind", req.kind.String(), "error", err.Error())
		s.metrics.verification.Inc()
		s.negative.put(req.key, err, securityPause)
	case definite(err) && errors.Is(err, fs.ErrNotExist):
		s.negative.put(req.key, err, s.config.Negative)
	}
}

// fetchZip answers with a zip that is on its way.
func (s *Server) fetchZip(w *pacedWriter, r *http.Request, req request) (outcome, error) {
	f, joined := s.flights.join(r.Context(), req.key, func(ctx context.Context, f *flight) (*hotEntry, error) {
		e, err := s.fly(ctx, req, f)
		if err == nil {
			e.touched.Store(s.now().Unix())
			s.published(ctx, req, e)
		}
		s.judge(req, err)
		return e, err
	})
	o := outcome{result: resultMiss, joined: joined}
	whole := r.Method == http.MethodGet && plain(r)
	state, err := f.await(r.Context(), func(st flightState) bool {
		return st.done || whole && st.ready > 0 && st.size >= 0
	})
	o.from = state.from
	switch {
	case err != nil:
		return o, err
	case state.done && state.err != nil:
		return o, state.err
	case state.done:
		return o, s.send(w, r, req, state.entry, o)
	}
	return o, s.follow(w, r, req, f, state, o)
}

// follow sends a zip of known size while it arrives.
func (s *Server) follow(w *pacedWriter, r *http.Request, req request, f *flight, state flightState, o outcome) error {
	file, err := f.open()
	if err != nil {
		return err
	}
	defer file.Close()
	e := s.newEntry(req, nil, state.size, "-") // its hash is not known yet
	s.describe(w.Header(), e, o)
	w.Header().Del("Etag")
	w.Header()["Content-Length"] = e.sizeHeader
	for sent := int64(0); ; {
		for sent < state.ready {
			n, err := w.ReadFrom(&io.LimitedReader{R: file, N: state.ready - sent})
			sent += n
			if err != nil || n == 0 {
				return errors.Join(errClientGone, err)
			}
		}
		switch {
		case sent == e.size:
			return nil
		case state.done:
			return errors.Join(state.err, io.ErrUnexpectedEOF)
		}
		if state, err = f.await(r.Context(), func(st flightState) bool { return st.done || st.ready > sent }); err != nil {
			return err
		}
	}
}

// errClientGone means that the client does not take what is sent.
var errClientGone = errors.New("client is gone or does not read")

// serveSumDB answers for a file of the checksum database. This is no relay for other databases, and private names are
// not told to one.
func (s *Server) serveSumDB(w http.ResponseWriter, r *http.Request, req request) (outcome, error) {
	db := s.tenant.Sums
	if db == nil {
		return outcome{}, &pathError{text: "not found: this module proxy serves no checksum database", notFound: true}
	}
	rest, ok := strings.CutPrefix(req.key, db.Name()+"/")
	if !ok {
		return outcome{}, &pathError{text: "not found: this module proxy serves only the checksum database " + db.Name(), notFound: true}
	}
	if mv, ok := strings.CutPrefix(rest, "lookup/"); ok {
		escaped, _, _ := strings.Cut(mv, "@")
		path, err := module.UnescapePath(escaped)
		if err != nil {
			return outcome{}, &pathError{text: "bad request: " + err.Error()}
		}
		if !s.tenant.summed(path) {
			return outcome{}, &policyError{"this module proxy does not tell the checksum database about " + path +
				": set GONOSUMDB (or GOPRIVATE) for it on your machine too"}
		}
	}
	f, err := db.Get(r.Context(), rest)
	if errors.Is(err, fs.ErrInvalid) {
		return outcome{}, &pathError{text: "bad request: no path of a checksum database"}
	}
	if err != nil {
		if errors.Is(err, ErrSecurity) {
			s.log.Error("SECURITY: checksum database", "path", rest, "error", err.Error())
			s.metrics.verification.Inc()
		}
		return outcome{result: resultMiss}, err
	}
	h := w.Header()
	h["Content-Type"] = []string{f.ContentType}
	h["X-Content-Type-Options"] = s.headers.nosniff
	h["X-Cache"] = s.headers.result[f.Result]
	h["Cache-Control"] = s.headers.fresh
	if f.Immutable {
		h["Cache-Control"] = s.headers.immutable
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(f.Body)))
	return outcome{result: f.Result}, nil
}

// requestIDOf returns the id that the client gave the request, if it is a sensible one, else a new one.
func requestIDOf(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	bad := func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '"' || c == '\\' }
	if id == "" || len(id) > 64 || strings.ContainsFunc(id, bad) {
		return randomID()
	}
	return id
}

func randomID() string { return rand.Text()[:16] }

// record writes what happened into the log and the metrics.
func (s *Server) record(r *http.Request, id string, req request, o outcome, w *pacedWriter, err error, aborted bool, took time.Duration) {
	s.metrics.request(req.kind, o, w, err, aborted, took)
	level := slog.LevelInfo
	switch {
	case o.result == resultHit || o.result == resultNegative:
		level = slog.LevelDebug
	case w.status >= 500 || aborted && !errors.Is(err, errClientGone):
		level = slog.LevelWarn
	}
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request", id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.String("client", r.RemoteAddr), slog.Int("status", w.status), slog.Int64("bytes", w.bytes),
		slog.Float64("seconds", took.Seconds()),
	}
	if o.result != resultNone {
		attrs = append(attrs, slog.String("cache", o.result.String()))
	}
	if o.from != "" {
		attrs = append(attrs, slog.String("upstream", o.from))
	}
	if o.joined {
		attrs = append(attrs, slog.Bool("joined", true))
	}
	if aborted {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	s.log.LogAttrs(r.Context(), level, "request", attrs...)
}
