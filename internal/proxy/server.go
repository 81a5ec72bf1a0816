package proxy

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
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
	negative    negatives // what does not exist, or cannot be had
	alarms      negatives // what failed verification
	flights     flights
	smallCalls  calls[fetched] // .info and .mod
	answerCalls calls[fetched]
	sumCalls    calls[hashes]
	adoptCalls  calls[string]
	requests    *limiter      // requests that are served, except from memory
	waiters     *limiter      // those of them that wait for upstream
	fetches     chan struct{} // has an element for each fetch under way
	serving     serving
	adding      sync.Mutex // held while an answer is changed, not replaced
	// trouble is true from when the public or private source fails to answer until it answers again. Then nobody who has
	// an old answer waits for a new one. See inTrouble.
	trouble [2]atomic.Bool
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
	return &Server{
		config: c, tenant: &c.Tenant, store: c.Store, log: c.Log, now: c.Now,
		headers: newHeaders(c), answers: kept, metrics: c.Metrics, hot: newHotMap(c.HotBytes),
		negative: negatives{now: c.Now}, alarms: negatives{now: c.Now},
		requests: newLimiter(c.MaxRequests, c.MaxPerClient),
		waiters:  newLimiter(max(1, c.MaxRequests/2), max(1, c.MaxPerClient/2)),
		fetches:  make(chan struct{}, c.MaxFetches),
		debug:    c.Log.Enabled(context.Background(), slog.LevelDebug),
	}, nil
}

// Close waits until all fetches that are under way have ended. No request may be served any more.
func (s *Server) Close() error {
	s.flights.wait.Wait()
	s.smallCalls.wait.Wait()
	s.answerCalls.wait.Wait()
	s.sumCalls.wait.Wait()
	s.adoptCalls.wait.Wait()
	return s.answers.close()
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	// The path of a hot entry is that of a module file or answer: it was checked when the entry was made.
	e := s.hot.get(r.URL.Path)
	if e != nil && !(s.current(e) && get(r) && plain(r)) {
		e = nil
	}
	if e != nil && !e.inStore {
		s.serveMemory(w, r, e, start)
		return
	}
	client, err := s.requests.enter(r.RemoteAddr)
	if err != nil {
		s.reject(w, err)
		return
	}
	defer s.requests.leave(client)
	if e == nil || !s.serveStored(w, r, e, start) {
		s.serveSlow(w, r, start)
	}
}

// serveMemory answers with what is in memory, with as little work as can be.
func (s *Server) serveMemory(w http.ResponseWriter, r *http.Request, e *hotEntry, start time.Time) {
	http.NewResponseController(w).SetWriteDeadline(start.Add(s.config.WriteTimeout))
	s.touch(r.Context(), e.key(r.URL.Path), e)
	s.sendBody(w, r, e, outcome{result: Hit})
	s.metrics.hit(e, r.Method, time.Since(start))
	s.logHit(r, e)
}

// serveStored answers with a file of the store that is known. It reports whether it did: the file may be gone.
func (s *Server) serveStored(w http.ResponseWriter, r *http.Request, e *hotEntry, start time.Time) bool {
	o := outcome{result: Hit}
	key := e.key(r.URL.Path)
	pw := newPacedWriter(w, s.config.WriteTimeout)
	leave := s.serving.enter(key)
	s.touch(r.Context(), key, e)
	err := s.sendFile(pw, r, key, e, o)
	leave()
	if err != nil {
		s.hot.remove(r.URL.Path)
		return false
	}
	if err := pw.failure(); err != nil {
		s.record(r, requestIDOf(r), request{kind: e.kind}, o, pw, err, true, time.Since(start))
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
			slog.String("client", r.RemoteAddr), slog.String("cache", Hit.String()), slog.Int64("size", e.size))
	}
}

// get reports whether a method only reads.
func get(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// current reports whether an entry may be sent without asking anybody.
func (s *Server) current(e *hotEntry) bool { return e.until.IsZero() || s.now().Before(e.until) }

// reject answers a request that is too much, as cheaply as can be.
func (s *Server) reject(w http.ResponseWriter, err error) {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.config.WriteTimeout))
	s.fail(w, err, outcome{}, false)
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
		req.store = s.storeKey(req.key, req.mod.Path)
		if v := r.Header["Disable-Module-Fetch"]; len(v) > 0 && strings.EqualFold(v[0], "true") {
			req.cachedOnly = true
		}
		o, err = s.route(pw, r, req)
	}
	if err == nil {
		err = pw.failure()
	}
	switch {
	case err == nil && pw.status == 0:
		pw.status = http.StatusOK // a HEAD
	case err == nil:
	case r.Context().Err() != nil:
		err = errors.Join(errClientGone, err)
		panic(http.ErrAbortHandler)
	case pw.status != 0:
		panic(http.ErrAbortHandler) // part of the answer is sent: it must not look whole
	default:
		s.fail(pw, err, o, s.tenant.privateModule(req.mod.Path))
	}
}

// route answers a request of the protocol. An error before anything is sent is answered by the caller.
func (s *Server) route(w *pacedWriter, r *http.Request, req request) (outcome, error) {
	switch req.kind {
	case kindIndex:
		return outcome{}, s.serveIndex(w, r)
	case kindSumDB:
		return s.serveSumDB(w, r, req)
	case kindList, kindLatest, kindQuery:
		e, o, err := s.answer(r.Context(), req, r.RemoteAddr)
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
	defer s.serving.enter(req.store)()
	for range 2 {
		e := s.hot.get("/" + req.key)
		if e == nil {
			var err error
			if e, err = s.load(r.Context(), req); err != nil {
				if definite(err) {
					break
				}
				return outcome{}, err
			}
		}
		o := outcome{result: Hit}
		if err := s.send(w, r, req, e, o); !errors.Is(err, fs.ErrNotExist) {
			return o, err
		}
		s.hot.remove("/" + req.key) // the store has no such file any more, or another one
	}
	return s.fetch(w, r, req)
}

// send sends a file that is in memory or in the store.
func (s *Server) send(w *pacedWriter, r *http.Request, req request, e *hotEntry, o outcome) error {
	s.touch(r.Context(), req.store, e)
	if e.inStore {
		return s.sendFile(w, r, req.store, e, o)
	}
	s.sendBody(w, r, e, o)
	return nil
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
	if err := s.refusal(req); err != nil {
		return outcome{result: Negative}, err
	}
	addr, err := s.waiters.enter(r.RemoteAddr)
	if err != nil {
		return outcome{}, err
	}
	defer s.waiters.leave(addr)
	if req.kind == kindZip {
		return s.fetchZip(w, r, req)
	}
	k, joined := s.smallCalls.start(r.Context(), req.store, s.config.FetchTimeout, func(ctx context.Context) (fetched, error) {
		leave, err := s.beginFetch()
		if err != nil {
			return fetched{}, err
		}
		defer leave()
		if e, err := s.again(ctx, req); e != nil || err != nil {
			return fetched{entry: e, stored: true}, err
		}
		got, err := s.fetchSmall(ctx, req)
		s.judge(req, err)
		return got, err
	})
	got, err := k.result(r.Context())
	o := outcome{result: Miss, from: got.from, joined: joined}
	if err != nil {
		return o, err
	}
	if !got.stored {
		o.result = Bypass
	}
	s.sendBody(w, r, got.entry, o)
	return o, nil
}

// beginFetch admits one more fetch from upstream.
func (s *Server) beginFetch() (leave func(), err error) {
	select {
	case s.fetches <- struct{}{}:
		return func() { <-s.fetches }, nil
	default:
		return nil, &limitError{http.StatusServiceUnavailable}
	}
}

// refusal returns the refusal of a file that is remembered, or nil.
func (s *Server) refusal(req request) error {
	if err := s.alarms.get(req.key); err != nil {
		return err
	}
	return s.negative.get(req.key)
}

// again looks once more, at the beginning of a fetch, for what another one may have fetched since the client was told
// that it is not there. Without an error, a nil entry means that it is still not.
func (s *Server) again(ctx context.Context, req request) (*hotEntry, error) {
	if err := s.refusal(req); err != nil {
		return nil, err
	}
	if e := s.hot.get("/" + req.key); e != nil {
		return e, nil
	}
	e, err := s.load(ctx, req)
	if err != nil && definite(err) {
		return nil, nil
	}
	return e, err
}

// judge remembers refusals, and raises the alarm.
func (s *Server) judge(req request, err error) {
	_, policy := errors.AsType[*policyError](err)
	switch {
	case err == nil:
	case errors.Is(err, ErrSecurity):
		s.log.Error("SECURITY: verification failed", "module", req.mod.Path, "version", req.mod.Version, "kind", req.kind.String(), "error", err.Error())
		s.metrics.verification.Inc()
		s.alarms.put(req.key, err, securityPause)
	case policy, definite(err) && errors.Is(err, fs.ErrNotExist), errors.Is(err, errMalformed) && !errors.Is(err, upstream.ErrUnavailable):
		s.negative.put(req.key, err, s.config.Negative)
	}
}

// fetchZip answers with a zip that is on its way.
func (s *Server) fetchZip(w *pacedWriter, r *http.Request, req request) (outcome, error) {
	f, joined := s.flights.join(r.Context(), req.store, func(ctx context.Context, f *flight) (*hotEntry, bool, error) {
		leave, err := s.beginFetch()
		if err != nil {
			return nil, false, err
		}
		defer leave()
		if e, err := s.again(ctx, req); e != nil || err != nil {
			return e, true, err
		}
		e, stored, err := s.fly(ctx, req, f)
		if err == nil {
			s.published(ctx, req, e, stored)
		}
		s.judge(req, err)
		return e, stored, err
	})
	defer f.leave()
	o := outcome{result: Miss, joined: joined}
	whole := r.Method == http.MethodGet && plain(r)
	state, err := f.await(r.Context(), func(st flightState) bool {
		return st.done || whole && st.ready > 0 && st.size >= 0 && !st.verified // else it is a hit in a moment
	})
	o.from = state.from
	switch {
	case err != nil:
		return o, err
	case !state.done:
		return o, s.follow(w, r, req, f, state, o)
	case state.err != nil:
		return o, state.err
	case !state.stored && state.entry.inStore:
		o.result = Bypass
		file, err := f.open()
		if err != nil {
			return o, err
		}
		defer file.Close()
		s.sendReader(w, r, file, state.entry, o)
		return o, nil
	case !state.stored:
		o.result = Bypass
	}
	if err = s.send(w, r, req, state.entry, o); errors.Is(err, fs.ErrNotExist) {
		err = &storeError{err} // it was there a moment ago
	}
	return o, err
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
	w.Header()["Content-Length"] = e.length
	for sent := int64(0); ; {
		for ready := min(state.ready, e.size); sent < ready; {
			n, err := w.ReadFrom(&io.LimitedReader{R: file, N: ready - sent})
			sent += n
			if err != nil || n == 0 {
				return errors.Join(w.failure(), io.ErrUnexpectedEOF)
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
	if req.cachedOnly && rest != "supported" {
		return outcome{}, &noSource{cachedOnly: true}
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
		return outcome{result: Miss}, err
	}
	h := w.Header()
	h["Content-Type"] = []string{f.ContentType}
	h["X-Content-Type-Options"] = s.headers.nosniff
	h["X-Cache"] = s.headers.result[f.Result]
	h["Cache-Control"] = s.headers.fresh
	if f.Immutable {
		h["Cache-Control"] = s.headers.immutable
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.Body))
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
	case errors.Is(err, errClientGone):
	case w.status >= 500 || aborted:
		level = slog.LevelWarn
	case o.result == Hit || o.result == Negative:
		level = slog.LevelDebug
	}
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request", id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.String("client", r.RemoteAddr), slog.Int("status", w.status), slog.Int64("bytes", w.bytes),
		slog.Float64("seconds", took.Seconds()),
	}
	if o.result != None {
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
