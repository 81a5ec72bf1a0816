package modtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/goready/goready/internal/modtest"
)

// basic is the folder of the module most requests are for.
const basic = "/mod.example.com/basic/@v/"

func newProxy(t *testing.T, m *modtest.Modules) (*modtest.Proxy, *httptest.Server) {
	t.Helper()
	p := modtest.NewProxy(m)
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	return p, srv
}

// reply is a whole response; err is what ended the body.
type reply struct {
	*http.Response
	body string
	err  error
}

// get asks for a URL on a connection of its own. It returns an error if there is no answer.
func get(t *testing.T, method, url string, header ...string) (reply, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp, string(body), err}, nil
}

func mustGet(t *testing.T, url string, header ...string) reply {
	t.Helper()
	r, err := get(t, http.MethodGet, url, header...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestProxyAnswers(t *testing.T) {
	m := modtest.Corpus()
	_, srv := newProxy(t, m)
	zip, _ := m.Zip("mod.example.com/Upper/CaseMod", "v1.0.0")
	const textType, jsonType = "text/plain; charset=utf-8", "application/json"
	tests := []struct {
		path   string
		status int
		ctype  string
		body   string
	}{
		{basic + "list", 200, textType, "v1.0.0\nv1.1.0\nv1.2.0\nv1.10.0\nv1.11.0-rc.1\n"},
		{basic + "v1.0.0.info", 200, jsonType, `{"Version":"v1.0.0","Time":"2023-01-10T10:00:00Z"}`},
		{basic + "v1.0.0.mod", 200, textType, "module mod.example.com/basic\n\ngo 1.21\n"},
		{basic + "main.info", 200, jsonType, `{"Version":"v1.10.1-0.20231105060708-0123456789ab","Time":"2023-11-05T06:07:08Z"}`},
		{"/mod.example.com/basic/@latest", 200, jsonType, `{"Version":"v1.10.0","Time":"2023-10-01T08:15:30Z"}`},
		{"/mod.example.com/!upper/!case!mod/@v/v1.0.0.zip", 200, "application/zip", string(zip)},
		{"/mod.example.com/%21upper/%21case%21mod/@v/v1.0.0.zip", 200, "application/zip", string(zip)},
		{"/mod.example.com/incompatible/@v/v2.0.0%2Bincompatible.mod", 200, textType, "module mod.example.com/incompatible\n"},
		{"/mod.example.com/fork/@v/v1.0.1.mod", 200, textType, "module mod.example.com/basic\n\ngo 1.21\n"},
		{"/mod.example.com/pseudo/@v/list", 200, textType, ""},
		{"/mod.example.com/empty/@v/list", 200, textType, ""},
		{"/mod.example.com/empty/@latest", 404, textType, "not found: module mod.example.com/empty: no matching versions for query \"latest\""},
		{"/mod.example.com/unknown/@v/list", 404, textType, "not found: module mod.example.com/unknown: unknown module"},
		{basic + "v1.99.0.info", 404, textType, "not found: mod.example.com/basic@v1.99.0: invalid version: unknown revision v1.99.0"},
		{basic + "v2.0.0.info", 404, textType, "not found: mod.example.com/basic@v2.0.0: invalid version: unknown revision v2.0.0"},
		{basic + "main.zip", 404, textType, "not found: mod.example.com/basic@main: invalid version: unknown revision main"},
		{"/mod.example.com/Upper/CaseMod/@v/list", 400, textType, `bad request: invalid escaped module path "mod.example.com/Upper/CaseMod"`},
		{basic + "v1.0.0.exe", 400, textType, `bad request: unknown extension ".exe"`},
		{basic + "nothing", 400, textType, `bad request: "nothing" has no extension`},
		{basic + "!!.info", 400, textType, `bad request: invalid escaped version "!!"`},
		{"/", 404, textType, "not found: no path of a module proxy"},
		{"/sumdb/sum.example.com/supported", 404, textType, "not found: this proxy has no database sum.example.com"},
	}
	for _, tt := range tests {
		r := mustGet(t, srv.URL+tt.path)
		if r.StatusCode != tt.status || r.Header.Get("Content-Type") != tt.ctype || r.body != tt.body || r.err != nil {
			t.Errorf("GET %s: %d %s\n%q, want %d %s\n%q (%v)", tt.path, r.StatusCode, r.Header.Get("Content-Type"), r.body, tt.status, tt.ctype, tt.body, r.err)
		}
		if r.ContentLength != int64(len(tt.body)) {
			t.Errorf("GET %s: Content-Length %d, want %d", tt.path, r.ContentLength, len(tt.body))
		}
		head, err := get(t, http.MethodHead, srv.URL+tt.path)
		if err != nil || head.StatusCode != tt.status || head.ContentLength != int64(len(tt.body)) || head.body != "" {
			t.Errorf("HEAD %s: %d, length %d, body %q (%v)", tt.path, head.StatusCode, head.ContentLength, head.body, err)
		}
	}
}

func TestProxyHTTP(t *testing.T) {
	m := modtest.Corpus()
	_, srv := newProxy(t, m)
	zip, _ := m.Zip("mod.example.com/basic", "v1.0.0")
	whole := mustGet(t, srv.URL+basic+"v1.0.0.zip")
	if r := mustGet(t, srv.URL+basic+"v1.0.0.zip", "If-None-Match", whole.Header.Get("Etag")); r.StatusCode != http.StatusNotModified {
		t.Errorf("the ETag again: %d", r.StatusCode)
	}
	if r := mustGet(t, srv.URL+basic+"v1.1.0.zip", "If-None-Match", whole.Header.Get("Etag")); r.StatusCode != http.StatusOK {
		t.Errorf("the ETag of another file: %d", r.StatusCode)
	}
	if r := mustGet(t, srv.URL+basic+"v1.0.0.zip", "Range", "bytes=10-19"); r.StatusCode != http.StatusPartialContent || r.body != string(zip[10:20]) {
		t.Errorf("a range: %d %q", r.StatusCode, r.body)
	}
	if r, err := get(t, http.MethodPut, srv.URL+basic+"v1.0.0.zip"); err != nil || r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d, %v", r.StatusCode, err)
	}
}

func TestProxyIsAddedTo(t *testing.T) {
	m := &modtest.Modules{}
	p, srv := newProxy(t, m)
	const list = "/example.com/new/@v/list"
	if r := mustGet(t, srv.URL+list); r.StatusCode != http.StatusNotFound {
		t.Errorf("before: %d", r.StatusCode)
	}
	m.Add(modtest.Version{Path: "example.com/new", Version: "v0.1.0"})
	m.Add(modtest.Version{Path: "example.com/new", Version: "v0.2.0"})
	if r := mustGet(t, srv.URL+list); r.body != "v0.1.0\nv0.2.0\n" {
		t.Errorf("after: %q", r.body)
	}
	p.UnsortLists()
	if r := mustGet(t, srv.URL+list); r.body != "v0.2.0\nv0.1.0\n" {
		t.Errorf("unsorted: %q", r.body)
	}
}

func TestProxyRecords(t *testing.T) {
	p, srv := newProxy(t, modtest.Corpus())
	p.SetFault(basic, modtest.Fault{Status: 500})
	get(t, http.MethodHead, srv.URL+basic+"list")
	mustGet(t, srv.URL+"/mod.example.com/%21upper/@v/list")
	want := []string{"HEAD /mod.example.com/basic/@v/list", "GET /mod.example.com/!upper/@v/list"}
	if diff := cmp.Diff(want, p.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if n := p.Count("/mod.example.com/!upper/"); n != 1 {
		t.Errorf("%d requests below the prefix, want 1", n)
	}
	p.Reset()
	if r := mustGet(t, srv.URL+basic+"list"); r.StatusCode != 200 || len(p.Requests()) != 1 {
		t.Errorf("after Reset: %d, requests %q", r.StatusCode, p.Requests())
	}
}

func TestProxyAwait(t *testing.T) {
	p, srv := newProxy(t, modtest.Corpus())
	stall := make(chan struct{})
	p.SetFault("/", modtest.Fault{Stall: stall})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { get(t, http.MethodGet, srv.URL+basic+"list") })
	}
	if err := p.Await(t.Context(), basic, 3); err != nil {
		t.Error(err)
	}
	close(stall)
	wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Await(ctx, basic, 4); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// fault sets a fault for the zip of basic v1.0.0 and returns its URL and right bytes.
func fault(t *testing.T, f modtest.Fault) (url string, zip []byte, p *modtest.Proxy) {
	t.Helper()
	m := modtest.Corpus()
	p, srv := newProxy(t, m)
	p.SetFault(basic+"v1.0.0.zip", f)
	zip, _ = m.Zip("mod.example.com/basic", "v1.0.0")
	return srv.URL + basic + "v1.0.0.zip", zip, p
}

func TestFaultStatus(t *testing.T) {
	url, _, _ := fault(t, modtest.Fault{Status: 503, Header: http.Header{"retry-after": {"7"}}})
	if r := mustGet(t, url); r.StatusCode != 503 || r.body != "Service Unavailable" || r.Header.Get("Retry-After") != "7" || r.Header.Get("Etag") != "" {
		t.Errorf("%d %q %v", r.StatusCode, r.body, r.Header)
	}
	url, _, _ = fault(t, modtest.Fault{Status: 403, Body: "why", Header: http.Header{"content-type": {"text/html"}}})
	if r := mustGet(t, url); r.StatusCode != 403 || r.body != "why" || !slices.Equal(r.Header["Content-Type"], []string{"text/html"}) {
		t.Errorf("%d %q %v", r.StatusCode, r.body, r.Header)
	}
}

func TestFaultReplace(t *testing.T) {
	for _, bytes := range []string{"<html>other</html>", ""} {
		url, _, _ := fault(t, modtest.Fault{Replace: []byte(bytes)})
		if r := mustGet(t, url); r.StatusCode != 200 || r.body != bytes || r.ContentLength != int64(len(bytes)) || r.Header.Get("Etag") != "" || r.err != nil {
			t.Errorf("%d %q, length %d, %v, %v", r.StatusCode, r.body, r.ContentLength, r.Header, r.err)
		}
	}
}

func TestFaultDrop(t *testing.T) {
	url, _, _ := fault(t, modtest.Fault{Drop: true})
	if r, err := get(t, http.MethodGet, url); !errors.Is(err, io.EOF) {
		t.Errorf("answer %v, error %v, want EOF", r.Response, err)
	}
}

func TestFaultTruncate(t *testing.T) {
	for _, at := range []int64{-1, 1, 100} {
		url, zip, _ := fault(t, modtest.Fault{TruncateAt: at})
		r := mustGet(t, url)
		if r.ContentLength != int64(len(zip)) || r.body != string(zip[:max(at, 0)]) || !errors.Is(r.err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: declared %d, sent %d, error %v", at, r.ContentLength, len(r.body), r.err)
		}
	}
	url, zip, _ := fault(t, modtest.Fault{TruncateAt: 100, NoLength: true})
	if r := mustGet(t, url); r.ContentLength != -1 || r.body != string(zip[:100]) || !errors.Is(r.err, io.ErrUnexpectedEOF) {
		t.Errorf("chunked: declared %d, sent %d, error %v", r.ContentLength, len(r.body), r.err)
	}
	url, zip, _ = fault(t, modtest.Fault{TruncateAt: 1 << 20})
	if r := mustGet(t, url); r.body != string(zip) || r.err != nil {
		t.Errorf("cut behind the end: sent %d, error %v", len(r.body), r.err)
	}
}

func TestFaultNoLength(t *testing.T) {
	url, zip, _ := fault(t, modtest.Fault{NoLength: true})
	if r := mustGet(t, url); r.ContentLength != -1 || !slices.Equal(r.TransferEncoding, []string{"chunked"}) || r.body != string(zip) || r.err != nil {
		t.Errorf("length %d, %v, sent %d, error %v", r.ContentLength, r.TransferEncoding, len(r.body), r.err)
	}
}

func TestFaultStall(t *testing.T) {
	stall := make(chan struct{})
	url, zip, p := fault(t, modtest.Fault{Stall: stall})
	got := make(chan reply)
	go func() {
		r, _ := get(t, http.MethodGet, url)
		got <- r
	}()
	if err := p.Await(t.Context(), basic, 1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-got:
		t.Error("it did not stall")
	case <-time.After(20 * time.Millisecond):
	}
	close(stall)
	if r := <-got; r.body != string(zip) || r.err != nil {
		t.Errorf("sent %d bytes, error %v", len(r.body), r.err)
	}
}

// TestFaultStallEnds shows that a request ends with its client: the server can be closed, though the channel never is.
func TestFaultStallEnds(t *testing.T) {
	url, _, p := fault(t, modtest.Fault{Stall: make(chan struct{})})
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := http.DefaultClient.Do(req)
		done <- err
	}()
	if err := p.Await(t.Context(), basic, 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v: it was answered", err)
	}
}

func TestFaultStallAt(t *testing.T) {
	stall := make(chan struct{})
	url, zip, _ := fault(t, modtest.Fault{Stall: stall, StallAt: 100})
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 100)
	if _, err := io.ReadFull(resp.Body, first); err != nil || !bytes.Equal(first, zip[:100]) {
		t.Fatalf("the first bytes: %q, %v", first, err)
	}
	rest := make(chan string)
	go func() {
		data, _ := io.ReadAll(resp.Body)
		rest <- string(data)
	}()
	select {
	case <-rest:
		t.Fatal("it did not stall")
	case <-time.After(20 * time.Millisecond):
	}
	close(stall)
	if got := <-rest; got != string(zip[100:]) {
		t.Errorf("the rest has %d bytes, want %d", len(got), len(zip)-100)
	}
}

func TestFaultRate(t *testing.T) {
	body := strings.Repeat("x", 2000)
	url, _, _ := fault(t, modtest.Fault{Replace: []byte(body), Rate: 10_000})
	start := time.Now()
	r := mustGet(t, url)
	if took := time.Since(start); r.body != body || took < 200*time.Millisecond {
		t.Errorf("%d bytes at 10 kB/s came within %v", len(r.body), took)
	}
}

func TestFaultTimes(t *testing.T) {
	url, _, p := fault(t, modtest.Fault{Status: 500, Times: 2})
	var got []int
	p.SetFault(basic, modtest.Fault{Status: 403, Times: 1})
	for range 4 {
		got = append(got, mustGet(t, url).StatusCode)
	}
	if want := []int{500, 500, 403, 200}; !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
}

func TestFaultPrefixes(t *testing.T) {
	p, srv := newProxy(t, modtest.Corpus())
	p.SetFault("", modtest.Fault{Status: 500})
	p.SetFault("/mod.example.com/basic/", modtest.Fault{Status: 403})
	p.SetFault("HEAD /mod.example.com/basic/@v/list", modtest.Fault{Status: 405})
	status := func(method, path string) int {
		r, err := get(t, method, srv.URL+path)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode
	}
	got := []int{
		status("GET", "/mod.example.com/pseudo/@v/list"), status("GET", basic+"list"), status("HEAD", basic+"list"),
	}
	p.SetFault("/mod.example.com/basic/", modtest.Fault{})
	p.SetFault("", modtest.Fault{})
	got = append(got, status("GET", basic+"list"), status("HEAD", basic+"list"))
	if want := []int{500, 403, 405, 200, 405}; !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
}
