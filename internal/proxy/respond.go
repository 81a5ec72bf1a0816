package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
)

// Result says where an answer came from; it is the header X-Cache.
type Result uint8

// The results.
const (
	None     Result = iota // there is no answer from the cache or upstream to speak of
	Hit                    // from the cache
	Miss                   // from upstream, now
	Stale                  // from the cache, older than wanted, because upstream gives none
	Negative               // "not found", remembered
	Bypass                 // from upstream, and not stored
	resultCount
)

func (r Result) String() string {
	return [...]string{"", "HIT", "MISS", "STALE", "NEGATIVE", "BYPASS"}[r]
}

// outcome is what is reported of an answer besides the answer.
type outcome struct {
	result Result
	from   string // the upstream that gave it now
	joined bool   // it was on its way for somebody else
}

// headers are the header values that are the same for many answers. They are shared: nobody appends to them.
type headers struct {
	contentType [kindCount][]string
	result      [resultCount][]string
	// cacheControl by what kind of answer it is.
	immutable, private, fresh, freshPrivate, notFound, noStore []string

	nosniff, vary, ranges, text []string
}

func newHeaders(c Config) *headers {
	seconds := func(d time.Duration) string { return strconv.Itoa(max(1, int(d/time.Second))) }
	fresh := "max-age=" + seconds(min(c.Fresh, 5*time.Minute))
	h := &headers{
		immutable:    []string{"public, max-age=31536000, immutable"},
		private:      []string{"private, max-age=31536000, immutable"},
		fresh:        []string{"public, " + fresh},
		freshPrivate: []string{"private, " + fresh},
		notFound:     []string{"public, max-age=" + seconds(min(c.Negative, 5*time.Minute))},
		noStore:      []string{"no-store"},
		nosniff:      []string{"nosniff"},
		vary:         []string{"Disable-Module-Fetch"},
		ranges:       []string{"bytes"},
		text:         []string{"text/plain; charset=utf-8"},
	}
	for k := range kindCount {
		h.contentType[k] = h.text
	}
	for _, k := range []kind{kindInfo, kindLatest, kindQuery, kindIndex} {
		h.contentType[k] = []string{"application/json"}
	}
	h.contentType[kindZip] = []string{"application/zip"}
	for r := range resultCount {
		h.result[r] = []string{r.String()}
	}
	return h
}

// describe sets the headers of an entry.
func (s *Server) describe(h http.Header, e *hotEntry, o outcome) {
	hs := s.headers
	h["Content-Type"] = hs.contentType[e.kind]
	h["Etag"] = e.etag
	h["X-Cache"] = hs.result[o.result]
	h["X-Content-Type-Options"] = hs.nosniff
	h["Vary"] = hs.vary
	switch {
	case e.kind.mutable() && e.private:
		h["Cache-Control"] = hs.freshPrivate
	case e.kind.mutable():
		h["Cache-Control"] = hs.fresh
	case e.private:
		h["Cache-Control"] = hs.private
	default:
		h["Cache-Control"] = hs.immutable
	}
	if o.from != "" && !e.private {
		h["X-Goready-Upstream"] = []string{o.from}
	}
}

// plain reports whether a request is for the whole of something, unconditionally.
func plain(r *http.Request) bool {
	return r.Header["Range"] == nil && r.Header["If-None-Match"] == nil && r.Header["If-Range"] == nil && r.Header["If-Match"] == nil
}

// sendBody sends an entry that is in memory.
func (s *Server) sendBody(w http.ResponseWriter, r *http.Request, e *hotEntry, o outcome) {
	s.describe(w.Header(), e, o)
	if !plain(r) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(e.body))
		return
	}
	s.size(w.Header(), e)
	if r.Method != http.MethodHead {
		w.Write(e.body)
	}
}

// sendFile sends a stored file. It returns fs.ErrNotExist, with nothing sent, if the file is not there or not as it was.
func (s *Server) sendFile(w *pacedWriter, r *http.Request, key string, e *hotEntry, o outcome) error {
	blob, err := s.get(r.Context(), key)
	if err != nil {
		return err
	}
	defer blob.Close()
	if blob.Size != e.size {
		return absent(key) // another one has taken its place, or it is damaged: load will tell
	}
	s.sendReader(w, r, blob.ReadSeekCloser, e, o)
	return nil
}

// sendReader sends an entry whose bytes are in a file; w keeps the error.
func (s *Server) sendReader(w *pacedWriter, r *http.Request, file io.ReadSeeker, e *hotEntry, o outcome) {
	s.describe(w.Header(), e, o)
	if !plain(r) {
		http.ServeContent(w, r, "", time.Time{}, file)
		return
	}
	s.size(w.Header(), e)
	if r.Method != http.MethodHead {
		w.ReadFrom(&io.LimitedReader{R: file, N: e.size})
	}
}

// size sets the headers about the length of an entry that is sent whole.
func (s *Server) size(h http.Header, e *hotEntry) {
	h["Content-Length"] = e.length
	h["Accept-Ranges"] = s.headers.ranges
}

// fail sends why there is no answer. The go command prints the text: one line that says what and, where possible, why.
// What is said of private modules is not for shared caches.
func (s *Server) fail(w http.ResponseWriter, err error, o outcome, private bool) {
	status, text := explainError(err)
	h := w.Header()
	for _, name := range []string{"Content-Length", "Etag", "Accept-Ranges", "X-Goready-Upstream"} {
		delete(h, name) // of an answer that could not be sent after all
	}
	h["Content-Type"] = s.headers.text
	h["X-Content-Type-Options"] = s.headers.nosniff
	h["Vary"] = s.headers.vary
	if o.result != None {
		h["X-Cache"] = s.headers.result[o.result]
	}
	h["Cache-Control"] = s.headers.noStore
	if _, none := errors.AsType[*noSource](err); status == http.StatusNotFound && !none && !private {
		h["Cache-Control"] = s.headers.notFound
	}
	if d := retryAfter(err); d > 0 {
		h["Retry-After"] = []string{strconv.Itoa(int((d + time.Second - 1) / time.Second))}
	}
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}

// retryAfter returns when it makes sense to ask again; 0 if nobody knows.
func retryAfter(err error) time.Duration {
	if _, ok := errors.AsType[*limitError](err); ok {
		return time.Second
	}
	if up, ok := errors.AsType[*upstream.Error](err); ok && errors.Is(err, upstream.ErrUnavailable) {
		return up.RetryAfter
	}
	return 0
}

// explainError returns the status for an error and the text for the client, which tells nothing of the inside: where
// files lie and what is behind a refusal is in the log.
func explainError(err error) (status int, text string) {
	if limit, ok := errors.AsType[*limitError](err); ok {
		return limit.status, limit.Error()
	}
	if bad, ok := errors.AsType[*pathError](err); ok {
		if bad.notFound {
			return http.StatusNotFound, bad.Error()
		}
		return http.StatusBadRequest, bad.Error()
	}
	if policy, ok := errors.AsType[*policyError](err); ok {
		return http.StatusForbidden, policy.Error()
	}
	if _, ok := errors.AsType[*storeError](err); ok && !errors.Is(err, store.ErrFull) {
		return http.StatusInternalServerError, "the disk of this module proxy fails; its log says more"
	}
	up, _ := errors.AsType[*upstream.Error](err)
	switch {
	case errors.Is(err, store.ErrFull):
		return http.StatusInsufficientStorage, "the disk of this module proxy is full: what is stored is still served"
	case errors.Is(err, ErrSecurity):
		return http.StatusBadGateway, "SECURITY: " + firstLine(err)
	case errors.Is(err, errMalformed):
		return http.StatusBadGateway, firstLine(err)
	case errors.Is(err, upstream.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded):
		return unavailable(err, up)
	case errors.Is(err, upstream.ErrTooLarge):
		return http.StatusBadGateway, "upstream sends more than the size limit for module files allows"
	case errors.Is(err, upstream.ErrRefused):
		return refused(up)
	case errors.Is(err, fs.ErrNotExist):
		if none, ok := errors.AsType[*noSource](err); ok {
			return http.StatusNotFound, none.Error()
		}
		return http.StatusNotFound, notFoundText(up)
	}
	return http.StatusInternalServerError, "internal error of this module proxy; its log says more"
}

// firstLine is the error without what is joined to it.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

func unavailable(err error, up *upstream.Error) (status int, text string) {
	status, text = http.StatusBadGateway, "upstream gives no answer"
	if errors.Is(err, context.DeadlineExceeded) {
		status, text = http.StatusGatewayTimeout, "upstream did not answer in time"
	}
	if up != nil && up.Status != 0 {
		text += " (status " + strconv.Itoa(up.Status) + ")"
	}
	if up != nil && up.Text != "" {
		text += ": " + up.Text
	}
	return status, text
}

// refused passes a refusal on. 401 becomes 403: the client has no credentials for what is behind this server.
func refused(up *upstream.Error) (status int, text string) {
	status, text = http.StatusForbidden, "refused by upstream"
	if up == nil {
		return status, text
	}
	if up.Status > 401 && up.Status < 500 && up.Status != http.StatusNotFound && up.Status != http.StatusGone && up.Status != http.StatusProxyAuthRequired {
		status = up.Status
	}
	if up.Text != "" {
		text += ": " + up.Text
	}
	return status, text
}

func notFoundText(up *upstream.Error) string {
	switch {
	case up == nil || up.Text == "":
		return "not found"
	case strings.HasPrefix(up.Text, "not found"):
		return up.Text
	}
	return "not found: " + up.Text
}
