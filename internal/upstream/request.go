package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Causes of [ErrUnavailable].
var (
	errNoHeader   = fmt.Errorf("the answer does not begin: %w", context.DeadlineExceeded)
	errNoProgress = fmt.Errorf("the answer does not go on: %w", context.DeadlineExceeded)
	errWebPage    = errors.New("a web page instead of an answer, as from the sign-in page of a network")
	errRedirect   = errors.New("redirected") // wrapped by whatever is wrong with a redirect
)

// attempts is how often a request is sent that does not arrive.
const attempts = 3

// request is a request of an [HTTP] from the time it may be sent until its answer has ended.
type request struct {
	h           *HTTP
	url         *url.URL
	credentials http.Header
	ticket      *ticket
	limit       int64
	finish      func(err error) // ends everything; later calls do nothing
}

// fetch asks for a path, once the breaker and the limit of requests allow it. The path is not escaped.
func (h *HTTP) fetch(ctx context.Context, path string, limit int64) (*File, http.Header, error) {
	u, err := h.target(path)
	if err != nil {
		return nil, nil, err
	}
	ticket, err := h.meter.enter()
	if err != nil {
		return nil, nil, err
	}
	if err := h.acquire(ctx); err != nil {
		ticket.drop()
		return nil, nil, err
	}
	r := &request{h: h, url: u, ticket: ticket, limit: limit}
	var once sync.Once
	r.finish = func(err error) {
		once.Do(func() {
			if err == errClosed || err != nil && ctx.Err() != nil {
				ticket.drop()
			} else {
				ticket.end(err)
			}
			<-h.slots
		})
	}
	f, header, err := r.try(ctx)
	if err != nil {
		r.finish(err)
		return nil, nil, err
	}
	ticket.begin()
	return f, header, nil
}

// acquire waits for a slot, not for ever: the holders may be waiting for who asks.
func (h *HTTP) acquire(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(h.config.Timeout)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return unavailable(h.label, ctx.Err())
	case <-timer.C:
		return unavailable(h.label, fmt.Errorf("%d requests are under way: %w", cap(h.slots), context.DeadlineExceeded))
	}
}

// noRetry is the key of what [WithoutRetry] puts into a context.
type noRetry struct{}

// WithoutRetry returns a context with which a source tries once: for who has something else to go on with.
func WithoutRetry(ctx context.Context) context.Context {
	return context.WithValue(ctx, noRetry{}, true)
}

// try sends the request until there is an answer.
func (r *request) try(ctx context.Context) (*File, http.Header, error) {
	var err error
	if r.credentials, err = r.h.credentials(ctx, r.url); err != nil {
		return nil, nil, err
	}
	for attempt := 1; ; attempt++ {
		f, header, err := r.send(ctx)
		if err == nil || attempt == attempts || !worthAgain(err) || ctx.Err() != nil || ctx.Value(noRetry{}) != nil {
			return f, header, err
		}
		// 100 ms, then 400 ms, give or take a half.
		pause := time.NewTimer(time.Duration((0.5 + r.h.config.Rand()) * float64(100*time.Millisecond<<(2*(attempt-1)))))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, nil, err
		}
	}
}

// credentials returns the headers that say who we are; none if others could read them on the way.
func (h *HTTP) credentials(ctx context.Context, u *url.URL) (http.Header, error) {
	header := http.Header{}
	if !secure(u) {
		return header, nil
	}
	if h.config.Credentials != nil {
		given, err := h.config.Credentials(ctx, u)
		if err != nil {
			return nil, unavailable(h.label, fmt.Errorf("credentials: %w", err))
		}
		for name, values := range given {
			header[http.CanonicalHeaderKey(name)] = values
		}
	}
	if h.user != nil {
		password, _ := h.user.Password()
		(&http.Request{Header: header}).SetBasicAuth(h.user.Username(), password) // what is in the URL is the most particular
	}
	return header, nil
}

// worthAgain reports whether a request may arrive if it is sent again: it got no answer, which was not a matter of time
// and will not be the same for ever. [request.send] returns such errors before the first byte only.
func worthAgain(err error) bool {
	var answer *Error
	if errors.As(err, &answer) && answer.Status != 0 {
		return false
	}
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	return errors.Is(err, ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) &&
		!errors.Is(err, errRedirect) && !errors.Is(err, errWebPage) &&
		!(errors.As(err, &dns) && dns.IsNotFound) && !errors.As(err, &certificate)
}

// send sends the request once.
func (r *request) send(ctx context.Context) (*File, http.Header, error) {
	watched, cancel := context.WithCancelCause(ctx)
	why := func(err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if cause := context.Cause(watched); cause != nil {
			return cause
		}
		return err
	}
	req := &http.Request{Method: http.MethodGet, URL: r.url, Host: r.url.Host, Header: r.header()}
	timer := time.AfterFunc(r.h.config.Timeout, func() { cancel(errNoHeader) })
	redirected := false
	resp, err := r.client(&redirected).Do(req.WithContext(watched))
	if !timer.Stop() && err == nil {
		resp.Body.Close()
		err = errNoHeader
	}
	if err != nil {
		e := unavailable(r.h.label, why(err))
		if redirected && !errors.Is(e, errRedirect) {
			e.Err = fmt.Errorf("%w (%w)", e.Err, errRedirect)
		}
		cancel(nil)
		return nil, nil, e
	}
	stall := time.AfterFunc(r.h.config.NoProgress, func() { cancel(errNoProgress) })
	stall.Stop()
	f, err := r.accept(resp, &watchedBody{resp.Body, stall, r.h.config.NoProgress, why}, func(err error) {
		cancel(nil)
		r.finish(err)
	})
	if err != nil {
		resp.Body.Close()
		cancel(nil)
		return nil, nil, err
	}
	return f, resp.Header, nil
}

// header returns the headers of the request.
func (r *request) header() http.Header {
	header := r.credentials.Clone()
	if r.h.config.UserAgent != "" {
		header.Set("User-Agent", r.h.config.UserAgent)
	}
	if strings.HasSuffix(r.url.Path, ".zip") || strings.HasSuffix(r.url.Path, ".mod") {
		header.Set("Accept-Encoding", "identity") // so that the length is known; a zip is packed already
	}
	return header
}

// client returns a client that follows redirects as the go command does, except that credentials never go to another
// host, not even to one below the first. It notes whether there was one.
func (r *request) client(redirected *bool) *http.Client {
	return &http.Client{Transport: r.h.config.Transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		*redirected = true
		if len(via) >= 10 {
			return fmt.Errorf("%w 10 times", errRedirect)
		}
		req.Header.Del("Referer") // it would have the query of the proxy's URL
		if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
			return fmt.Errorf("%w from https to an insecure URL", errRedirect)
		}
		if !strings.EqualFold(req.URL.Host, r.url.Host) || !secure(req.URL) {
			for name := range r.credentials {
				req.Header.Del(name)
			}
		}
		return nil
	}}
}

// accept judges an answer by its header and, if it is not a good one, by its text. If it is, end is called when its
// body has ended.
func (r *request) accept(resp *http.Response, w *watchedBody, end func(error)) (*File, error) {
	from := r.h.label
	if resp.StatusCode != http.StatusOK {
		e := &Error{From: from, Status: resp.StatusCode, Err: kindOf(resp.StatusCode)}
		// What came is shown; it need not be whole. Reading it all lets the connection be used again.
		text, _ := io.ReadAll(io.LimitReader(w, maxErrorBody))
		if readableText(resp.Header) {
			e.Text = redactorOf(r.url.RawQuery, r.credentials).clean(string(text))
		}
		if errors.Is(e, ErrUnavailable) {
			e.RetryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), r.h.config.Now())
		}
		return nil, e
	}
	if webPage(resp.Header) {
		return nil, unavailable(from, errWebPage)
	}
	if enc := resp.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return nil, unavailable(from, fmt.Errorf("content encoding %q, which was not asked for", cut(enc, 40)))
	}
	if err := checkSize(from, resp.ContentLength, r.limit); err != nil {
		return nil, err
	}
	b := &body{r: w, from: from, size: resp.ContentLength, limit: r.limit, end: end}
	return &File{ReadCloser: b, Size: resp.ContentLength, From: from}, nil
}

// maxErrorBody is how much of the text of an error is read.
const maxErrorBody = 16 << 10

// kindOf returns the kind of error that a status is.
func kindOf(status int) error {
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return fs.ErrNotExist
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return fmt.Errorf("%w: %w", ErrUnavailable, context.DeadlineExceeded)
	case http.StatusTooEarly, http.StatusTooManyRequests:
		return ErrUnavailable
	}
	if 400 <= status && status < 500 {
		return ErrRefused
	}
	return ErrUnavailable // a 204 or 304 too: nothing of the kind was asked for
}

// readableText reports whether the body is meant to be read by people as it is.
func readableText(h http.Header) bool {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil && h.Get("Content-Type") != "" {
		return false
	}
	switch strings.ToLower(params["charset"]) {
	case "", "utf-8", "us-ascii":
		return kind == "" || kind == "text/plain" || kind == "application/json" || kind == "application/problem+json"
	}
	return false
}

// webPage reports whether the body is HTML, which nothing in a proxy is.
func webPage(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "text/html" || kind == "application/xhtml+xml"
}

// watchedBody fails if the answer does not go on while it is read. The time that the reader takes between reads does
// not count.
type watchedBody struct {
	io.ReadCloser
	stall    *time.Timer // ends the request
	patience time.Duration
	why      func(error) error // what ended the request, if that is why reading fails
}

func (w *watchedBody) Read(p []byte) (int, error) {
	w.stall.Reset(w.patience)
	n, err := w.ReadCloser.Read(p)
	w.stall.Stop()
	if err != nil && err != io.EOF {
		err = w.why(err)
	}
	return n, err
}
