package upstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/mod/module"
)

// HTTPConfig says which module proxy is asked, and how. Only URL must be given.
type HTTPConfig struct {
	// URL is the proxy's, as in GOPROXY. User and password in it are sent, but never printed; so is a query.
	URL string
	// Transport sends the requests; nil: [NewTransport] with Proxy.
	Transport http.RoundTripper
	// Proxy is the HTTP proxy for a request, as in http.Transport; nil: none.
	Proxy func(*http.Request) (*url.URL, error)
	// Credentials returns headers to be sent with a request, from netrc or GOAUTH; nil: none. It is asked, and they are
	// sent, only for URLs that are https or on loopback. It may be called concurrently.
	Credentials func(ctx context.Context, u *url.URL) (http.Header, error)
	// UserAgent is sent with requests; "": that of net/http.
	UserAgent string
	// Timeout is how long the answer may take to begin, each time it is tried; 0: a minute, since a proxy may have to
	// fetch the module itself.
	Timeout time.Duration
	// NoProgress is how long a body may take to go on; 0: 30 seconds. There is no limit to the whole.
	NoProgress time.Duration
	// MaxInFlight is how many requests may be under way, bodies included; 0: 64. More of them wait.
	MaxInFlight int
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Rand returns a number in [0, 1), for the jitter of retries; nil: that of math/rand.
	Rand func() float64
}

const (
	defaultTimeout    = time.Minute
	defaultNoProgress = 30 * time.Second
	defaultInFlight   = 64
)

// HTTP is a module proxy on the network. Requests that do not reach it are tried again twice; a circuit breaker leaves
// it alone while it is down.
type HTTP struct {
	config HTTPConfig
	base   *url.URL // without user information, which is in user
	user   *url.Userinfo
	label  string
	slots  chan struct{}
	meter  *meter
}

// NewHTTP returns the proxy at a URL with the scheme http or https.
func NewHTTP(config HTTPConfig) (*HTTP, error) {
	base, err := url.Parse(config.URL)
	if err != nil {
		return nil, errors.New("invalid proxy URL") // the error of url.Parse quotes it, and what it says may be a secret
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.Opaque != "" {
		return nil, fmt.Errorf("invalid proxy URL %q: it must begin with https:// or http:// and name a host", label(base))
	}
	if base.User != nil && !secure(base) {
		return nil, fmt.Errorf("refusing to pass credentials to insecure URL: %s", label(base))
	}
	h := &HTTP{config: config, base: base, user: base.User, label: label(base)}
	base.User, base.Fragment, base.RawFragment = nil, "", ""
	c := &h.config
	if c.Transport == nil {
		c.Transport = NewTransport(c.Proxy)
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.NoProgress <= 0 {
		c.NoProgress = defaultNoProgress
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = defaultInFlight
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	h.slots = make(chan struct{}, c.MaxInFlight)
	h.meter = &meter{name: h.label, now: c.Now}
	return h, nil
}

// NewTransport returns the transport of an [HTTP]: HTTP/2 where it is spoken, and a limit to everything that comes
// before an answer. The server's certificate is verified.
func NewTransport(proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    32,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    15 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// label returns a URL without all that may be secret.
func label(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimSuffix(u.Path, "/")}).String()
}

// secure reports whether nobody on the way can read what is sent to a URL.
func secure(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// Versions returns the list of versions; see [Source].
func (h *HTTP) Versions(ctx context.Context, path string) (*Answer, error) {
	return treeVersions(ctx, h, path)
}

// Resolve returns the .info of a query; see [Source].
func (h *HTTP) Resolve(ctx context.Context, path, query string) (*Answer, error) {
	return treeResolve(ctx, h, path, query)
}

// Open opens a file of a version; see [Source].
func (h *HTTP) Open(ctx context.Context, m module.Version, kind Kind) (*File, error) {
	return treeOpen(ctx, h, m, kind)
}

// Get returns what is at a path below the proxy, such as "sumdb/sum.golang.org/latest": at most limit bytes, and the
// header. The path is not escaped for URLs. Errors are those of [Source].
func (h *HTTP) Get(ctx context.Context, path string, limit int64) ([]byte, http.Header, error) {
	f, header, err := h.fetch(ctx, path, limit)
	if err != nil {
		return nil, nil, err
	}
	data, err := readAll(f)
	return data, header, err
}

// Health returns the state of the proxy, whoever asks it.
func (h *HTTP) Health() Health { return h.meter.report() }

func (h *HTTP) name() string { return h.label }

func (h *HTTP) open(ctx context.Context, path string, limit int64) (*File, error) {
	f, _, err := h.fetch(ctx, path, limit)
	return f, err
}

// target returns the URL of a path below the proxy, spelled as the go command does.
func (h *HTTP) target(path string) (*url.URL, error) {
	if !fs.ValidPath(path) {
		return nil, refuse(h.label, fs.ErrNotExist, "invalid path")
	}
	u := *h.base
	u.Path = strings.TrimSuffix(h.base.Path, "/") + "/" + path
	u.RawPath = strings.TrimSuffix(h.base.EscapedPath(), "/") + "/" + strings.ReplaceAll(url.PathEscape(path), "%2F", "/")
	return &u, nil
}
