package upstream

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/modtest"
)

// startProxy serves the corpus and returns an HTTP that asks it.
func startProxy(t *testing.T, config HTTPConfig) (*modtest.Proxy, *HTTP) {
	t.Helper()
	p := modtest.NewProxy(modtest.Corpus())
	return p, startHandler(t, p, config)
}

func startHandler(t *testing.T, handler http.Handler, config HTTPConfig) *HTTP {
	t.Helper()
	server := httptest.NewServer(handler)
	transport := NewTransport(nil)
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	config.URL = server.URL + "/" // with a slash, as people write it
	config.Transport = transport
	return newHTTP(t, config)
}

func newHTTP(t *testing.T, config HTTPConfig) *HTTP {
	t.Helper()
	h, err := NewHTTP(config)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(s Source, m module.Version, kind Kind) ([]byte, error) {
	f, err := s.Open(context.Background(), m, kind)
	if err != nil {
		return nil, err
	}
	return readAll(f)
}

// kindText names the kind of an error: the sentinels that it is, in the order of this list.
func kindText(err error) string {
	var names []string
	for _, k := range []struct {
		err  error
		name string
	}{{fs.ErrNotExist, "not_exist"}, {ErrRefused, "refused"}, {ErrUnavailable, "unavailable"}, {ErrTooLarge, "too_large"},
		{context.DeadlineExceeded, "deadline"}, {context.Canceled, "canceled"}} {
		if errors.Is(err, k.err) {
			names = append(names, k.name)
		}
	}
	if err == nil {
		return "ok"
	}
	return strings.Join(names, "+")
}

func wantKind(t *testing.T, err error, want string) {
	t.Helper()
	if got := kindText(err); got != want {
		t.Errorf("error is %q, want %q: %v", got, want, err)
	}
}

func TestHTTPAnswers(t *testing.T) {
	p, h := startProxy(t, HTTPConfig{})
	p.UnsortLists()
	ctx := t.Context()
	for _, tt := range []struct{ name, path, want string }{
		{"basic", "mod.example.com/basic", "v1.0.0 v1.1.0 v1.2.0 v1.10.0 v1.11.0-rc.1"},
		{"capitals", "mod.example.com/Upper/CaseMod", "v1.0.0 v1.1.0-RC1"},
		{"no_tags", "mod.example.com/pseudo", ""},
		{"known_but_empty", "mod.example.com/empty", ""},
		{"incompatible", "mod.example.com/incompatible", "v1.5.0 v2.0.0+incompatible v3.1.0+incompatible"},
	} {
		t.Run("versions_"+tt.name, func(t *testing.T) {
			a, err := h.Versions(ctx, tt.path)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(strings.Fields(string(a.Body)), " "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	for _, tt := range []struct{ name, path, query, want string }{
		{"version", "mod.example.com/basic", "v1.2.0", "v1.2.0"},
		{"branch", "mod.example.com/basic", "main", "v1.10.1-0.20231105060708-0123456789ab"},
		{"latest", "mod.example.com/basic", "latest", "v1.10.0"},
		{"latest_pseudo", "mod.example.com/pseudo", "latest", "v0.0.0-20240303030303-bbbbbbbbbbbb"},
		{"capitals", "mod.example.com/Upper/CaseMod", "latest", "v1.0.0"},
	} {
		t.Run("resolve_"+tt.name, func(t *testing.T) {
			a, err := h.Resolve(ctx, tt.path, tt.query)
			if err != nil {
				t.Fatal(err)
			}
			want, _ := modtest.Corpus().Info(tt.path, tt.want)
			if a.Version != tt.want || !bytes.Equal(a.Body, want) || a.From != h.label {
				t.Errorf("got %s from %s, want %s\n%s\n%s", a.Version, a.From, tt.want, a.Body, want)
			}
		})
	}
	corpus := modtest.Corpus()
	for _, m := range corpus.All() {
		info, _ := corpus.Info(m.Path, m.Version)
		mod, _ := corpus.Mod(m.Path, m.Version)
		zip, _ := corpus.Zip(m.Path, m.Version)
		for kind, want := range map[Kind][]byte{Info: info, Mod: mod, Zip: zip} {
			f, err := h.Open(ctx, m, kind)
			if err != nil {
				t.Errorf("%s %s: %v", m, kind, err)
				continue
			}
			got, err := readAll(f)
			if err != nil || !bytes.Equal(got, want) || f.Size != int64(len(want)) || f.From != h.label {
				t.Errorf("%s %s: %d bytes (%d declared), want %d: %v", m, kind, len(got), f.Size, len(want), err)
			}
		}
	}
	for _, tt := range []struct{ name, path, query string }{
		{"no_such_version", "mod.example.com/basic", "v1.99.0"},
		{"no_such_module", "mod.example.com/none", "latest"},
		{"no_latest", "mod.example.com/empty", "latest"},
		{"slash_cannot_be_asked", "mod.example.com/basic", "feature/x"},
		{"up_cannot_be_asked", "mod.example.com/basic", ".."},
		{"bang_cannot_be_asked", "mod.example.com/basic", "!main"},
	} {
		t.Run("resolve_"+tt.name, func(t *testing.T) {
			_, err := h.Resolve(ctx, tt.path, tt.query)
			wantKind(t, err, "not_exist")
		})
	}
}

// What is asked for is spelled as the go command does, or servers and their caches would see two files.
func TestHTTPSpelling(t *testing.T) {
	var asked []string
	h := startHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.RequestURI)
		http.NotFound(w, r)
	}), HTTPConfig{})
	h.base.Path = "/a b/" // as in http://host/a%20b/
	h.base.RawQuery = "token=secret"
	ctx := t.Context()
	h.Versions(ctx, "mod.example.com/Upper/CaseMod")
	h.Resolve(ctx, "mod.example.com/x~y", "latest")
	h.Open(ctx, module.Version{Path: "mod.example.com/inc", Version: "v2.0.0+incompatible"}, Zip)
	h.Open(ctx, module.Version{Path: "mod.example.com/inc", Version: "v1.0.0-RC1"}, Mod)
	h.Get(ctx, "sumdb/sum.example.com/lookup/mod.example.com/!upper@v1.0.0", 1)
	const query = "?token=secret"
	want := []string{
		"/a%20b/mod.example.com/%21upper/%21case%21mod/@v/list" + query,
		"/a%20b/mod.example.com/x~y/@latest" + query,
		"/a%20b/mod.example.com/x~y/@v/list" + query,
		"/a%20b/mod.example.com/inc/@v/v2.0.0+incompatible.zip" + query,
		"/a%20b/mod.example.com/inc/@v/v1.0.0-%21r%21c1.mod" + query,
		"/a%20b/sumdb/sum.example.com/lookup/mod.example.com/%21upper@v1.0.0" + query,
	}
	if !slices.Equal(asked, want) {
		t.Errorf("got  %q\nwant %q", asked, want)
	}
	for _, path := range []string{"", "/etc/passwd", "../x", "a//b", "a/../b", "a/"} {
		if _, _, err := h.Get(ctx, path, 1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Get(%q): %v", path, err)
		}
	}
	if len(asked) != len(want) {
		t.Errorf("invalid paths were asked for: %q", asked[len(want):])
	}
}

func TestHTTPStatus(t *testing.T) {
	for _, tt := range []struct {
		status int
		want   string
	}{
		{404, "not_exist"}, {410, "not_exist"},
		{400, "refused"}, {401, "refused"}, {403, "refused"}, {405, "refused"}, {451, "refused"},
		{408, "unavailable+deadline"}, {425, "unavailable"}, {429, "unavailable"},
		{500, "unavailable"}, {502, "unavailable"}, {503, "unavailable"}, {504, "unavailable+deadline"},
		{204, "unavailable"}, {206, "unavailable"}, {300, "unavailable"}, {304, "unavailable"}, {599, "unavailable"},
	} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			p, h := startProxy(t, HTTPConfig{})
			p.SetFault("/", modtest.Fault{Status: tt.status, Body: "why it is so", Header: http.Header{"Retry-After": {"7"}}})
			_, err := h.Versions(t.Context(), "mod.example.com/basic")
			wantKind(t, err, tt.want)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("no *Error: %v", err)
			}
			if e.Status != tt.status || e.From != h.label {
				t.Errorf("status %d from %s", e.Status, e.From)
			}
			if tt.status != 204 && tt.status != 304 && e.Text != "why it is so" { // these have no body
				t.Errorf("text %q", e.Text)
			}
			if wait := e.RetryAfter; (wait == 7*time.Second) != strings.HasPrefix(tt.want, "unavailable") {
				t.Errorf("retry after %v", wait)
			}
			if n := p.Count("/"); n != 1 {
				t.Errorf("asked %d times: an answer is not asked for again", n)
			}
		})
	}
}

func TestHTTPDroppedConnections(t *testing.T) {
	p, h := startProxy(t, HTTPConfig{Rand: func() float64 { return 0 }})
	p.SetFault("/", modtest.Fault{Drop: true, Times: 2})
	if _, err := h.Versions(t.Context(), "mod.example.com/basic"); err != nil {
		t.Errorf("two dropped connections: %v", err)
	}
	if n := p.Count("/"); n != 3 {
		t.Errorf("asked %d times, want 3", n)
	}
	p, h = startProxy(t, HTTPConfig{Rand: func() float64 { return 0 }})
	p.SetFault("/", modtest.Fault{Drop: true})
	_, err := h.Versions(t.Context(), "mod.example.com/basic")
	wantKind(t, err, "unavailable")
	if n := p.Count("/"); n != 3 {
		t.Errorf("asked %d times, want 3", n)
	}
	if got := h.Health(); got.Requests != 1 || got.Errors != 1 || !got.Up || got.LastError == "" || got.Name != h.label {
		t.Errorf("health %+v", got)
	}
}

// roundTrip is a network without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestHTTPRetriesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		h := newHTTP(t, HTTPConfig{URL: "https://proxy.example.com", Rand: func() float64 { return 0.25 },
			Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				at = append(at, time.Since(start))
				return nil, io.EOF
			})})
		_, err := h.Versions(t.Context(), "mod.example.com/basic")
		wantKind(t, err, "unavailable")
		if want := []time.Duration{0, 75 * time.Millisecond, 375 * time.Millisecond}; !slices.Equal(at, want) {
			t.Errorf("asked at %v, want %v", at, want)
		}
		at = nil
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err = h.Versions(ctx, "mod.example.com/basic")
		wantKind(t, err, "unavailable") // the cause is the connection, not the time
		if len(at) != 1 {
			t.Errorf("asked %d times though there was no time", len(at))
		}
		at = nil
		_, err = h.Versions(WithoutRetry(t.Context()), "mod.example.com/basic")
		wantKind(t, err, "unavailable")
		if len(at) != 1 {
			t.Errorf("asked %d times though no retry was wanted", len(at))
		}
	})
}

func TestHTTPHeaderTimeout(t *testing.T) {
	p, h := startProxy(t, HTTPConfig{Timeout: 50 * time.Millisecond})
	stall := make(chan struct{})
	defer close(stall)
	p.SetFault("/", modtest.Fault{Stall: stall})
	_, err := h.Versions(t.Context(), "mod.example.com/basic")
	wantKind(t, err, "unavailable+deadline")
	if n := p.Count("/"); n != 1 {
		t.Errorf("asked %d times: what takes too long once is not tried again", n)
	}
}

func TestHTTPStalledBody(t *testing.T) {
	p, h := startProxy(t, HTTPConfig{NoProgress: 500 * time.Millisecond})
	stall := make(chan struct{})
	defer close(stall)
	p.SetFault("/", modtest.Fault{Stall: stall, StallAt: 100})
	data, err := get(h, module.Version{Path: "mod.example.com/basic", Version: "v1.0.0"}, Zip)
	wantKind(t, err, "unavailable+deadline")
	if len(data) != 100 {
		t.Errorf("read %d bytes, want the 100 that came", len(data))
	}
	if got := h.Health(); got.Errors != 1 || got.Failures != 1 {
		t.Errorf("health %+v", got)
	}
}

// A reader that takes its time is no fault of the server.
func TestHTTPSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHTTP(t, HTTPConfig{URL: "https://proxy.example.com", NoProgress: time.Second,
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				body := readerFunc(func(p []byte) (int, error) {
					if err := r.Context().Err(); err != nil {
						return 0, err
					}
					p[0] = 'x'
					return 1, nil
				})
				return &http.Response{StatusCode: 200, ContentLength: -1, Body: io.NopCloser(body), Request: r}, nil
			})})
		f, err := h.Open(t.Context(), module.Version{Path: "mod.example.com/basic", Version: "v1.0.0"}, Zip)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for range 3 {
			pause := time.NewTimer(time.Minute)
			<-pause.C
			if _, err := f.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestHTTPShortBody(t *testing.T) {
	basic := module.Version{Path: "mod.example.com/basic", Version: "v1.0.0"}
	for _, kind := range []Kind{Info, Mod, Zip} {
		for _, at := range []int64{-1, 20} {
			t.Run(fmt.Sprintf("%s_%d", kind, at), func(t *testing.T) {
				p, h := startProxy(t, HTTPConfig{})
				p.SetFault("/", modtest.Fault{TruncateAt: at})
				_, err := get(h, basic, kind)
				wantKind(t, err, "unavailable")
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("error does not say that the body ended early: %v", err)
				}
				if n := p.Count("/"); n != 1 {
					t.Errorf("asked %d times: nothing is asked for again once something came", n)
				}
			})
		}
	}
	t.Run("without_length", func(t *testing.T) {
		p, h := startProxy(t, HTTPConfig{})
		p.SetFault("/", modtest.Fault{TruncateAt: 20, NoLength: true})
		_, err := get(h, basic, Zip)
		wantKind(t, err, "unavailable")
	})
	// A transport may end a body early without saying so.
	t.Run("quietly", func(t *testing.T) {
		h := newHTTP(t, HTTPConfig{URL: "https://proxy.example.com", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, ContentLength: 10, Body: io.NopCloser(strings.NewReader("short")), Request: r}, nil
		})})
		_, err := get(h, basic, Zip)
		wantKind(t, err, "unavailable")
	})
}

func TestHTTPWebPage(t *testing.T) {
	page := "<!DOCTYPE html>\n<title>Welcome to the hotel</title>\n"
	ctx := t.Context()
	for _, ctype := range []string{"text/html; charset=utf-8", "application/xhtml+xml", "text/plain"} {
		p, h := startProxy(t, HTTPConfig{})
		p.SetFault("/", modtest.Fault{Replace: []byte(page), Header: http.Header{"Content-Type": {ctype}}})
		_, err := h.Versions(ctx, "mod.example.com/basic")
		wantKind(t, err, "unavailable")
		_, err = h.Resolve(ctx, "mod.example.com/basic", "latest")
		wantKind(t, err, "unavailable")
		_, err = h.Resolve(ctx, "mod.example.com/basic", "v1.0.0")
		wantKind(t, err, "unavailable")
		if ctype == "text/plain" {
			continue // whoever verifies a .mod or a .zip sees it
		}
		for _, kind := range []Kind{Mod, Zip} {
			_, err = get(h, module.Version{Path: "mod.example.com/basic", Version: "v1.0.0"}, kind)
			wantKind(t, err, "unavailable")
		}
		_, _, err = h.Get(ctx, "sumdb/sum.example.com/latest", 100)
		wantKind(t, err, "unavailable")
	}
}

func TestHTTPTooLarge(t *testing.T) {
	p, h := startProxy(t, HTTPConfig{})
	ctx := t.Context()
	line := []byte("v1.0.0\n")
	for _, noLength := range []bool{false, true} {
		p.SetFault("/mod.example.com/basic/@v/list", modtest.Fault{Replace: bytes.Repeat(line, MaxList/len(line)+1), NoLength: noLength})
		p.SetFault("/mod.example.com/basic/@latest", modtest.Fault{Replace: make([]byte, MaxInfo+1), NoLength: noLength})
		p.SetFault("/mod.example.com/basic/@v/v1.0.0.mod", modtest.Fault{Replace: make([]byte, MaxMod+1), NoLength: noLength})
		_, err := h.Versions(ctx, "mod.example.com/basic")
		wantKind(t, err, "too_large")
		_, err = h.Resolve(ctx, "mod.example.com/basic", "latest")
		wantKind(t, err, "too_large")
		data, err := get(h, module.Version{Path: "mod.example.com/basic", Version: "v1.0.0"}, Mod)
		wantKind(t, err, "too_large")
		if len(data) > MaxMod {
			t.Errorf("%d bytes were handed out", len(data))
		}
	}
	p.SetFault("/mod.example.com/basic/@v/v1.0.0.mod", modtest.Fault{Replace: make([]byte, MaxMod+1)})
	_, err := h.Open(ctx, module.Version{Path: "mod.example.com/basic", Version: "v1.0.0"}, Mod)
	wantKind(t, err, "too_large") // what is declared to be too large is not read at all
	// Exactly as much as is allowed is fine.
	p.SetFault("/", modtest.Fault{Replace: []byte("12345")})
	if data, _, err := h.Get(ctx, "sumdb/x/latest", 5); string(data) != "12345" || err != nil {
		t.Errorf("at the limit: %q, %v", data, err)
	}
	_, _, err = h.Get(ctx, "sumdb/x/latest", 4)
	wantKind(t, err, "too_large")
	if got := h.Health(); got.Errors != 0 {
		t.Errorf("counted as outages: %+v", got)
	}
}

func TestHTTPLatestWithoutLatest(t *testing.T) {
	gone := modtest.Fault{Status: 404}
	for _, tt := range []struct{ name, path, list, want string }{
		{"release", "mod.example.com/basic", "", "v1.10.0"},
		{"release_before_prerelease", "mod.example.com/basic", "v1.11.0-rc.1\nv1.2.0\n", "v1.2.0"},
		{"prerelease", "mod.example.com/basic", "v1.11.0-rc.1\n", "v1.11.0-rc.1"},
		{"incompatible_without_go_mod", "mod.example.com/incompatible", "", "v3.1.0+incompatible"},
		{"incompatible_with_go_mod", "mod.example.com/basic", "v1.0.0\nv2.0.0+incompatible\n", "v1.0.0"},
		{"pseudo_by_time", "mod.example.com/pseudo", "v0.0.0-20240303030303-bbbbbbbbbbbb\nv0.0.0-20240101120000-aaaaaaaaaaaa\n", "v0.0.0-20240303030303-bbbbbbbbbbbb"},
		{"pseudo_by_time_in_line", "mod.example.com/pseudo", "v0.0.0-20240303030303-bbbbbbbbbbbb 2020-01-01T00:00:00Z\nv0.0.0-20240101120000-aaaaaaaaaaaa 2021-01-01T00:00:00Z\n", "v0.0.0-20240101120000-aaaaaaaaaaaa"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, h := startProxy(t, HTTPConfig{})
			p.SetFault("/"+tt.path+"/@latest", gone)
			if tt.list != "" {
				p.SetFault("/"+tt.path+"/@v/list", modtest.Fault{Replace: []byte(tt.list)})
			}
			a, err := h.Resolve(t.Context(), tt.path, "latest")
			if err != nil || a.Version != tt.want {
				t.Errorf("got %+v, %v, want %s", a, err, tt.want)
			}
		})
	}
	t.Run("nothing_in_list", func(t *testing.T) {
		p, h := startProxy(t, HTTPConfig{})
		p.SetFault("/mod.example.com/pseudo/@latest", gone)
		_, err := h.Resolve(t.Context(), "mod.example.com/pseudo", "latest")
		wantKind(t, err, "not_exist")
	})
	t.Run("list_unavailable", func(t *testing.T) {
		p, h := startProxy(t, HTTPConfig{})
		p.SetFault("/mod.example.com/basic/@latest", gone)
		p.SetFault("/mod.example.com/basic/@v/list", modtest.Fault{Status: 503})
		_, err := h.Resolve(t.Context(), "mod.example.com/basic", "latest")
		wantKind(t, err, "unavailable")
	})
	t.Run("latest_unavailable", func(t *testing.T) {
		p, h := startProxy(t, HTTPConfig{})
		p.SetFault("/mod.example.com/basic/@latest", modtest.Fault{Status: 500})
		_, err := h.Resolve(t.Context(), "mod.example.com/basic", "latest")
		wantKind(t, err, "unavailable")
		if n := p.Count("/mod.example.com/basic/@v/list"); n != 0 {
			t.Errorf("the list was asked for, though it is not known that there is no @latest")
		}
	})
}

func TestHTTPCompression(t *testing.T) {
	big := strings.Repeat("v1.0.0\n", 1000)
	var encodings []string
	lie := false
	h := startHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		encodings = append(encodings, r.Header.Get("Accept-Encoding"))
		if lie || r.Header.Get("Accept-Encoding") == "gzip" {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			io.WriteString(z, big)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(big)))
		io.WriteString(w, big)
	}), HTTPConfig{})
	if a, err := h.Versions(t.Context(), "mod.example.com/basic"); err != nil || string(a.Body) != "v1.0.0\n" {
		t.Errorf("a list: %+v, %v", a, err)
	}
	basic := module.Version{Path: "mod.example.com/basic", Version: "v1.0.0"}
	f, err := h.Open(t.Context(), basic, Zip)
	if err != nil || f.Size != int64(len(big)) {
		t.Fatalf("a zip: %+v, %v", f, err)
	}
	f.Close()
	if want := []string{"gzip", "identity"}; !slices.Equal(encodings, want) {
		t.Errorf("asked for %q, want %q", encodings, want)
	}
	lie = true
	_, err = h.Open(t.Context(), basic, Zip)
	wantKind(t, err, "unavailable")
}

func TestHTTPInvalidInfo(t *testing.T) {
	for _, tt := range []struct{ name, query, body, want string }{
		{"not_json", "v1.0.0", "v1.0.0", "unavailable"},
		{"other_version", "v1.0.0", `{"Version":"v1.1.0"}`, "unavailable"},
		{"no_version", "v1.0.0", `{}`, "unavailable"},
		{"short", "main", `{"Version":"v1.0"}`, "unavailable"},
		{"metadata", "main", `{"Version":"v1.0.0+meta"}`, "unavailable"},
		{"wrong_major", "main", `{"Version":"v2.0.0"}`, "unavailable"},
		{"latest_wrong_major", "latest", `{"Version":"v2.0.0"}`, "unavailable"},
		{"latest_no_version", "latest", `{"Version":""}`, "unavailable"},
		{"becomes_incompatible", "v2.0.0", `{"Version":"v2.0.0+incompatible"}`, "ok"},
		{"branch", "main", `{"Version":"v1.0.1-0.20231105060708-0123456789ab","Time":"2023-11-05T06:07:08Z"}`, "ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, h := startProxy(t, HTTPConfig{})
			p.SetFault("/", modtest.Fault{Replace: []byte(tt.body)})
			a, err := h.Resolve(t.Context(), "mod.example.com/basic", tt.query)
			wantKind(t, err, tt.want)
			if err == nil && string(a.Body) != tt.body {
				t.Errorf("body %s", a.Body)
			}
		})
	}
	p, h := startProxy(t, HTTPConfig{})
	p.SetFault("/", modtest.Fault{Replace: []byte(`{"Version":"v1.1.0"}`)})
	_, err := get(h, module.Version{Path: "mod.example.com/basic", Version: "v1.0.0"}, Info)
	wantKind(t, err, "unavailable")
}

func TestHTTPGivenUp(t *testing.T) {
	p, h := startProxy(t, HTTPConfig{})
	stall := make(chan struct{})
	defer close(stall)
	p.SetFault("/", modtest.Fault{Stall: stall})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		_ = p.Await(t.Context(), "/", 1)
	}()
	_, err := h.Versions(ctx, "mod.example.com/basic")
	wantKind(t, err, "unavailable+canceled")
	p.SetFault("/", modtest.Fault{Stall: stall, StallAt: 50})
	ctx, cancel = context.WithCancel(t.Context())
	f, err := h.Open(ctx, module.Version{Path: "mod.example.com/basic", Version: "v1.0.0"}, Zip)
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(f, make([]byte, 50))
	cancel()
	_, err = f.Read(make([]byte, 1))
	wantKind(t, err, "unavailable+canceled")
	f.Close()
	if got := h.Health(); got.Requests != 2 || got.Errors != 0 || got.Failures != 0 {
		t.Errorf("counted as outages: %+v", got)
	}
	if len(h.slots) != 0 {
		t.Errorf("%d slots are still taken", len(h.slots))
	}
}

func TestHTTPMaxInFlight(t *testing.T) {
	p, h := startProxy(t, HTTPConfig{MaxInFlight: 1, Timeout: 500 * time.Millisecond})
	basic := module.Version{Path: "mod.example.com/basic", Version: "v1.0.0"}
	first, err := h.Open(t.Context(), basic, Zip)
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Versions(t.Context(), basic.Path)
	wantKind(t, err, "unavailable+deadline")
	if n := p.Count("/mod.example.com/basic/@v/list"); n != 0 {
		t.Errorf("a second request was sent")
	}
	io.Copy(io.Discard, first) // the end of the body is enough: the holder may ask for something else before it closes
	if _, err = h.Versions(t.Context(), basic.Path); err != nil {
		t.Error(err)
	}
	first.Close()
	second, err := h.Open(t.Context(), basic, Zip)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
	if _, err = h.Versions(t.Context(), basic.Path); err != nil {
		t.Error(err)
	}
	if got := h.Health(); got.Errors != 0 {
		t.Errorf("waiting was counted as an outage: %+v", got)
	}
}

func TestHTTPGet(t *testing.T) {
	p, h := startProxy(t, HTTPConfig{})
	db := modtest.NewSumDB("sum.example.com", modtest.Corpus())
	p.ServeSumDB(db)
	data, header, err := h.Get(t.Context(), "sumdb/sum.example.com/lookup/mod.example.com/!upper/!case!mod@v1.0.0", 1<<20)
	if err != nil || !strings.Contains(string(data), "mod.example.com/Upper/CaseMod v1.0.0/go.mod h1:") || header.Get("Content-Length") == "" {
		t.Errorf("%s, %v, %v", data, header, err)
	}
	_, _, err = h.Get(t.Context(), "sumdb/other.example.com/latest", 1<<20)
	wantKind(t, err, "not_exist")
}
