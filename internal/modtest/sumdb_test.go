package modtest_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"

	"github.com/goready/goready/internal/modtest"
)

// clientOps is a client of a database at a URL, which starts with nothing.
type clientOps struct {
	t        *testing.T
	url, key string

	mu       sync.Mutex
	latest   []byte
	security string // what is said of a database that lies: the errors of the client do not match sumdb.ErrSecurity
}

func (c *clientOps) ReadRemote(path string) ([]byte, error) {
	r, err := get(c.t, http.MethodGet, c.url+path)
	if err == nil && r.StatusCode != 200 {
		err = fmt.Errorf("%d: %s", r.StatusCode, r.body)
	}
	return []byte(r.body), err
}

func (c *clientOps) ReadConfig(file string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if file == "key" {
		return []byte(c.key), nil
	}
	return c.latest, nil
}

func (c *clientOps) WriteConfig(_ string, _, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latest = data
	return nil
}

func (c *clientOps) ReadCache(string) ([]byte, error) { return nil, fs.ErrNotExist }
func (c *clientOps) WriteCache(string, []byte)        {}
func (c *clientOps) Log(msg string)                   { c.t.Log(msg) }

func (c *clientOps) SecurityError(msg string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.security = msg
}

// newDB serves a database of the corpus and 300 more modules, so that there are full tiles.
func newDB(t *testing.T) (*modtest.SumDB, *modtest.Modules, *clientOps) {
	t.Helper()
	m := modtest.Corpus()
	for i := range 300 {
		m.Add(modtest.Version{Path: "example.com/many", Version: fmt.Sprintf("v1.0.%d", i)})
	}
	db := modtest.NewSumDB("sum.example.com", m)
	srv := httptest.NewServer(db)
	t.Cleanup(srv.Close)
	return db, m, &clientOps{t: t, url: srv.URL, key: db.Key()}
}

func TestSumDBClient(t *testing.T) {
	_, m, ops := newDB(t)
	client := sumdb.NewClient(ops)
	for _, v := range m.All() {
		zip, gomod := m.Sums(v.Path, v.Version)
		lines, err := client.Lookup(v.Path, v.Version)
		if want := v.Path + " " + v.Version + " " + zip; err != nil || len(lines) != 1 || lines[0] != want {
			t.Fatalf("%v: %q, want %q (%v)", v, lines, want, err)
		}
		lines, err = client.Lookup(v.Path, v.Version+"/go.mod")
		if want := v.Path + " " + v.Version + "/go.mod " + gomod; err != nil || len(lines) != 1 || lines[0] != want {
			t.Fatalf("%v: %q, want %q (%v)", v, lines, want, err)
		}
	}
	m.Add(modtest.Version{Path: "example.com/new", Version: "v1.0.0"})
	if _, err := client.Lookup("example.com/new", "v1.0.0"); err != nil {
		t.Errorf("a module added later: %v", err)
	}
	if _, err := client.Lookup("example.com/unknown", "v1.0.0"); err == nil || !strings.Contains(err.Error(), "404: not found: example.com/unknown@v1.0.0") {
		t.Errorf("an unknown module: error %v", err)
	}
}

func TestSumDBAnswers(t *testing.T) {
	_, _, ops := newDB(t)
	tests := []struct {
		path   string
		status int
	}{
		{"/supported", 200},
		{"/latest", 200},
		{"/lookup/mod.example.com/!upper/!case!mod@v1.0.0", 200},
		{"/lookup/mod.example.com/Upper/CaseMod@v1.0.0", 500}, // as in x/mod
		{"/lookup/mod.example.com/basic@v1.99.0", 404},
		{"/lookup/mod.example.com/basic@main", 400},
		{"/tile/8/0/000.p/1", 200},
		{"/tile/8/0/000", 200},
		{"/tile/8/0/001.p/1", 200},
		{"/tile/8/0/001", 404},
		{"/tile/8/1/000.p/1", 200},
		{"/tile/8/1/000.p/2", 404},
		{"/tile/8/9/000.p/1", 404},
		{"/tile/8/data/000.p/1", 200},
		{"/tile/8/data/001", 404},
		{"/tile/8/data/x999/999", 404},
		{"/tile/x", 400},
		{"/", 404},
	}
	for _, tt := range tests {
		if r := mustGet(t, ops.url+tt.path); r.StatusCode != tt.status {
			t.Errorf("GET %s: %d %q, want %d", tt.path, r.StatusCode, r.body, tt.status)
		}
	}
	if r, err := get(t, http.MethodPost, ops.url+"/latest"); err != nil || r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d, %v", r.StatusCode, err)
	}
}

func TestSumDBIsTheSameEachTime(t *testing.T) {
	_, _, a := newDB(t)
	db, _, b := newDB(t)
	mustGet(t, a.url+"/lookup/mod.example.com/retract@v1.0.0") // the order of requests does not matter
	one, two := mustGet(t, a.url+"/latest"), mustGet(t, b.url+"/latest")
	if one.body != two.body || a.key != b.key {
		t.Errorf("two databases with the same modules\n%s%s\n%s%s", a.key, one.body, b.key, two.body)
	}
	if name := modtest.NewSumDB("other.example.com", modtest.Corpus()).Key(); name == db.Key() {
		t.Error("another name has the same key")
	}
	verifier, err := note.NewVerifier(db.Key())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open([]byte(one.body), note.VerifierList(verifier)); err != nil {
		t.Error(err)
	}
}

func TestSumDBOverride(t *testing.T) {
	db, m, ops := newDB(t)
	db.Override("mod.example.com/basic", "v1.0.0", "h1:zip", "h1:mod")
	db.Override("mod.example.com/basic", "v1.1.0", "", "h1:mod")
	db.Override("mod.example.com/nowhere", "v1.0.0", "h1:zip", "h1:mod")
	client := sumdb.NewClient(ops)
	zip, _ := m.Sums("mod.example.com/basic", "v1.1.0")
	for _, tt := range [][3]string{
		{"basic", "v1.0.0", "h1:zip"}, {"basic", "v1.0.0/go.mod", "h1:mod"}, {"basic", "v1.1.0", zip}, {"basic", "v1.1.0/go.mod", "h1:mod"},
		{"nowhere", "v1.0.0", "h1:zip"},
	} {
		lines, err := client.Lookup("mod.example.com/"+tt[0], tt[1])
		if want := "mod.example.com/" + tt[0] + " " + tt[1] + " " + tt[2]; err != nil || len(lines) != 1 || lines[0] != want {
			t.Errorf("%q, want %q (%v)", lines, want, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("the tree was changed")
		}
	}()
	db.Override("mod.example.com/basic", "v1.2.0", "h1:zip", "")
}

// TestSumDBThroughProxy also shows what a database with two faces is: a second one of the same name.
func TestSumDBThroughProxy(t *testing.T) {
	m := modtest.Corpus()
	db := modtest.NewSumDB("sum.example.com", m)
	p, srv := newProxy(t, m)
	p.ServeSumDB(db)
	base := srv.URL + "/sumdb/sum.example.com"
	for path, want := range map[string]int{"/supported": 200, "/latest": 200, "/lookup/mod.example.com/basic@v1.99.0": 404} {
		if r := mustGet(t, base+path); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
	}
	if r := mustGet(t, srv.URL+"/sumdb/other.example.com/supported"); r.StatusCode != 404 {
		t.Errorf("another database: %d", r.StatusCode)
	}
	if r, err := get(t, http.MethodHead, base+"/latest"); err != nil || r.StatusCode != 200 || r.ContentLength <= 0 {
		t.Errorf("HEAD: %d, %v", r.StatusCode, err)
	}
	p.SetFault("/sumdb/sum.example.com/tile/", modtest.Fault{Status: 500})
	if r := mustGet(t, base+"/tile/8/0/000.p/1"); r.StatusCode != 500 {
		t.Errorf("a fault: %d", r.StatusCode)
	}
	p.Reset()
	ops := &clientOps{t: t, url: base, key: db.Key()}
	client := sumdb.NewClient(ops)
	if _, err := client.Lookup("mod.example.com/basic", "v1.0.0"); err != nil {
		t.Error(err)
	}
	other := modtest.NewSumDB("sum.example.com", &modtest.Modules{})
	other.Override("mod.example.com/basic", "v1.1.0", "h1:zip", "h1:mod")
	p.ServeSumDB(other)
	if _, err := client.Lookup("mod.example.com/basic", "v1.1.0"); err == nil || !strings.Contains(ops.security, "misbehavior detected") {
		t.Errorf("another tree with the same key: error %v, %q", err, ops.security)
	}
}
