package modtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/module"
)

// order is how a list is sorted.
type order int

const (
	ascending order = iota
	descending
)

// Proxy serves [Modules] as a correct GOPROXY does, except for its faults, and remembers what it was asked for. It
// answers HEAD, Range and If-None-Match too. It is an http.Handler, safe for concurrent use.
//
// Paths are those of URLs without percent-encoding, in which modules are escaped: /mod.example.com/!upper/@v/list.
type Proxy struct {
	modules *Modules

	mu       sync.Mutex // guards what follows
	faults   map[string]*Fault
	sumdbs   map[string]*SumDB
	requests []request
	order    order
	changed  chan struct{} // closed, and made anew, with each request
}

type request struct{ method, path string }

// NewProxy returns a proxy without faults.
func NewProxy(m *Modules) *Proxy {
	return &Proxy{modules: m, faults: map[string]*Fault{}, sumdbs: map[string]*SumDB{}, changed: make(chan struct{})}
}

// ServeSumDB also serves a checksum database below /sumdb/, in place of an earlier one of its name. Without it clients
// are told, by a 404, to ask the database themselves.
func (p *Proxy) ServeSumDB(s *SumDB) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sumdbs[s.Name()] = s
}

// UnsortLists makes the proxy send @v/list from the highest version down, as some proxies send it in no order.
func (p *Proxy) UnsortLists() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.order = descending
}

// SetFault sets what goes wrong with requests whose path begins with the prefix, or whose "METHOD /path" does. The
// longest prefix decides. A zero fault removes one.
func (p *Proxy) SetFault(prefix string, f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.isZero() {
		delete(p.faults, prefix)
	} else {
		p.faults[prefix] = &f
	}
}

// Requests returns what was asked for, such as "GET /mod.example.com/basic/@v/list", in the order of arrival. A
// request is counted before it is answered, or goes wrong.
func (p *Proxy) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, r := range p.requests {
		out = append(out, r.method+" "+r.path)
	}
	return out
}

// Count returns how many requests had a path that begins with the prefix.
func (p *Proxy) Count(prefix string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count(prefix)
}

func (p *Proxy) count(prefix string) int {
	n := 0
	for _, r := range p.requests {
		if strings.HasPrefix(r.path, prefix) {
			n++
		}
	}
	return n
}

// Await waits until Count(prefix) is at least n.
func (p *Proxy) Await(ctx context.Context, prefix string, n int) error {
	for {
		p.mu.Lock()
		count, changed := p.count(prefix), p.changed
		p.mu.Unlock()
		if count >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d requests for %s: %w", count, n, prefix, ctx.Err())
		}
	}
}

// Reset forgets requests and faults.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = nil
	clear(p.faults)
}

// ServeHTTP answers, or does what the fault says.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := p.arrived(r)
	if fault.Stall != nil && fault.StallAt == 0 {
		wait(r, fault.Stall)
	}
	if fault.Drop {
		panic(http.ErrAbortHandler) // net/http closes the connection
	}
	fault.send(w, r, fault.change(p.answer(r)))
}

// arrived records a request and returns its fault.
func (p *Proxy) arrived(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, request{r.Method, r.URL.Path})
	close(p.changed)
	p.changed = make(chan struct{})
	best := ""
	for prefix := range p.faults {
		if len(prefix) >= len(best) && (strings.HasPrefix(r.URL.Path, prefix) || strings.HasPrefix(r.Method+" "+r.URL.Path, prefix)) {
			best = prefix
		}
	}
	f, ok := p.faults[best]
	if !ok {
		return Fault{}
	}
	if f.Times > 0 {
		f.Times--
		if f.Times == 0 {
			delete(p.faults, best)
		}
	}
	return *f
}

// answer is a whole response.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func text(status int, s string) answer {
	return answer{status, http.Header{"Content-Type": {textType}}, []byte(s)}
}

// answer returns the right answer.
func (p *Proxy) answer(r *http.Request) answer {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return text(http.StatusMethodNotAllowed, "method not allowed")
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	p.mu.Lock()
	order := p.order
	p.mu.Unlock()
	if rest, ok := strings.CutPrefix(name, "sumdb/"); ok {
		return p.sumdb(r, rest)
	}
	body, ctype, err := p.modules.file(name, order)
	if errors.Is(err, fs.ErrNotExist) {
		return text(http.StatusNotFound, err.Error())
	}
	if err != nil {
		return text(http.StatusBadRequest, "bad request: "+err.Error())
	}
	h := http.Header{"Content-Type": {ctype}, "Etag": {fmt.Sprintf(`"%x-%08x"`, len(body), crc32.ChecksumIEEE(body))}}
	return answer{http.StatusOK, h, body}
}

// sumdb asks a database, rest being its name and the path below it.
func (p *Proxy) sumdb(r *http.Request, rest string) answer {
	name, below, _ := strings.Cut(rest, "/")
	p.mu.Lock()
	db := p.sumdbs[name]
	p.mu.Unlock()
	if db == nil {
		return text(http.StatusNotFound, "not found: this proxy has no database "+name)
	}
	inner := r.Clone(r.Context())
	inner.URL.Path, inner.URL.RawPath = "/"+below, ""
	rec := httptest.NewRecorder()
	db.ServeHTTP(rec, inner)
	return answer{rec.Code, rec.Header(), rec.Body.Bytes()}
}

// notFound is an error as proxies print them, and fs.ErrNotExist.
type notFound string

func (e notFound) Error() string        { return "not found: " + string(e) }
func (e notFound) Is(target error) bool { return target == fs.ErrNotExist }

const (
	textType = "text/plain; charset=utf-8"
	jsonType = "application/json"
	zipType  = "application/zip"
)

// file returns what a proxy answers for a path, without the slash at its beginning. It returns an error that is
// fs.ErrNotExist if there is no such thing, another if there can be none.
func (m *Modules) file(name string, order order) (body []byte, ctype string, err error) {
	escaped, query, ok := strings.Cut(name, "/@v/")
	latest := false
	if !ok {
		if escaped, latest = strings.CutSuffix(name, "/@latest"); !latest {
			return nil, "", notFound("no path of a module proxy")
		}
	}
	path, err := module.UnescapePath(escaped)
	if err != nil {
		return nil, "", err
	}
	list, known := m.List(path)
	switch {
	case !known:
		return nil, "", notFound("module " + path + ": unknown module")
	case latest:
		body, ok := m.Info(path, m.Latest(path))
		if !ok {
			return nil, "", notFound("module " + path + ": no matching versions for query \"latest\"")
		}
		return body, jsonType, nil
	case query == "list":
		if order == descending {
			slices.Reverse(list)
		}
		for _, v := range list {
			body = append(body, v+"\n"...)
		}
		return body, textType, nil
	}
	return m.versionFile(path, query)
}

// versionFile returns the file of a version, such as v1.0.0.mod.
func (m *Modules) versionFile(path, name string) (body []byte, ctype string, err error) {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return nil, "", fmt.Errorf("%q has no extension", name)
	}
	version, err := module.UnescapeVersion(name[:dot])
	if err != nil {
		return nil, "", err
	}
	var ok bool
	switch name[dot:] {
	case ".info":
		body, ok = m.Info(path, version)
		ctype = jsonType
	case ".mod":
		body, ok = m.Mod(path, version)
		ctype = textType
	case ".zip":
		body, ok = m.Zip(path, version)
		ctype = zipType
	default:
		return nil, "", fmt.Errorf("unknown extension %q", name[dot:])
	}
	if !ok {
		return nil, "", notFound(path + "@" + version + ": invalid version: unknown revision " + version)
	}
	return body, ctype, nil
}

// serve writes an answer as http.ServeContent does if it is a good one.
func serve(w http.ResponseWriter, r *http.Request, a answer) {
	for key, values := range a.header {
		w.Header()[key] = values
	}
	if a.status == http.StatusOK {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(a.body)))
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // the client may be gone
	}
}
