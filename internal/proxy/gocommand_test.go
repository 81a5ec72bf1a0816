package proxy

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/goready/goready/internal/modtest"
	"github.com/goready/goready/internal/sumdb"
	"github.com/goready/goready/internal/upstream"
)

// checksums is a real checksum database behind the interface of this package, reached by way of the upstream proxy.
type checksums struct{ *sumdb.DB }

func (c checksums) Lookup(ctx context.Context, path, version string) (zip, mod string, err error) {
	h, err := c.DB.Lookup(ctx, path, version)
	return h.Zip, h.GoMod, sumError(err)
}

func (c checksums) Get(ctx context.Context, path string) (*SumFile, error) {
	r, err := c.DB.Get(ctx, path)
	if err != nil {
		return nil, sumError(err)
	}
	return &SumFile{Body: r.Body, ContentType: r.ContentType, Result: map[sumdb.State]Result{sumdb.Hit: Hit, sumdb.Miss: Miss, sumdb.Stale: Stale}[r.State], Immutable: r.Immutable}, nil
}

func sumError(err error) error {
	switch {
	case errors.Is(err, sumdb.ErrSecurity):
		return errors.Join(ErrSecurity, err)
	case errors.Is(err, sumdb.ErrUnavailable):
		return errors.Join(upstream.ErrUnavailable, err)
	case errors.Is(err, sumdb.ErrBadPath):
		return errors.Join(fs.ErrInvalid, err)
	}
	return err
}

// viaUpstream fetches files of the database as proxies pass them on.
type viaUpstream struct {
	h    *upstream.HTTP
	name string
}

func (v viaUpstream) Get(ctx context.Context, path string, max int64) ([]byte, error) {
	data, _, err := v.h.Get(ctx, "sumdb/"+v.name+"/"+path, max)
	return data, err
}

// withDatabase gives the upstream proxy a checksum database, and the proxy a view of it. The key is returned when the
// proxy is made.
func withDatabase(key *string) func(*rig, *Config) {
	return func(g *rig, c *Config) {
		db := modtest.NewSumDB("sum.example.com", g.modules)
		g.up.ServeSumDB(db)
		*key = db.Key()
		h, err := upstream.NewHTTP(upstream.HTTPConfig{URL: g.upURL})
		if err != nil {
			g.t.Fatal(err)
		}
		view, err := sumdb.New(sumdb.Config{Name: db.Name(), Key: db.Key(), Proxies: []sumdb.Remote{viaUpstream{h, db.Name()}}, Dir: g.dir + "/sumdb"})
		if err != nil {
			g.t.Fatal(err)
		}
		c.Tenant.Sums = checksums{view}
	}
}

// run runs the real go command.
func run(t *testing.T, g *modtest.Go, args ...string) string {
	t.Helper()
	out, err := g.Run(t, args...)
	if err != nil {
		t.Errorf("go %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// fails demands that the go command fails, and says why.
func fails(t *testing.T, g *modtest.Go, text string, args ...string) {
	t.Helper()
	if out, err := g.Run(t, args...); err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("go %s: %q, %v, want an error with %q", strings.Join(args, " "), out, err, text)
	}
}

const project = `module example.com/project

go 1.21

require (
	mod.example.com/Upper/CaseMod v1.0.0
	mod.example.com/basic v1.2.0
	mod.example.com/basic/v2 v2.1.0
	mod.example.com/deps v1.0.0
	mod.example.com/incompatible v2.0.0+incompatible
	mod.example.com/pseudo v0.0.0-20240101120000-aaaaaaaaaaaa
)

replace mod.example.com/basic v1.2.0 => mod.example.com/fork v1.0.1
`

// TestGoCommand has the go command as the client, with the checksum database off, and on by way of the proxy.
func TestGoCommand(t *testing.T) {
	for _, sums := range []bool{false, true} {
		name := map[bool]string{false: "sumdb_off", true: "sumdb_on"}[sums]
		t.Run(name, func(t *testing.T) {
			var g *rig
			env := []string{}
			if sums {
				var key string
				g = newRig(t, withDatabase(&key))
				env = append(env, "GOSUMDB="+key)
			} else {
				g = newRig(t)
			}
			env = append(env, "GOPROXY="+g.url)
			client := modtest.NewGo(t, env...)
			client.WriteFile(t, "go.mod", project)
			run(t, client, "mod", "download")
			for _, tt := range [][]string{
				{"mod.example.com/basic v1.10.0", "list", "-m", "mod.example.com/basic@latest"},
				{"mod.example.com/pseudo v0.0.0-20240303030303-bbbbbbbbbbbb", "list", "-m", "mod.example.com/pseudo@latest"},
				{"mod.example.com/basic v1.10.1-0.20231105060708-0123456789ab", "list", "-m", "mod.example.com/basic@main"},
				{"mod.example.com/basic v1.0.0 v1.1.0 v1.2.0 v1.10.0 v1.11.0-rc.1", "list", "-m", "-versions", "mod.example.com/basic"},
				{"mod.example.com/retract v1.0.0 v1.2.0", "list", "-m", "-versions", "mod.example.com/retract"},
			} {
				if got := run(t, client, tt[1:]...); got != tt[0] {
					t.Errorf("go %v: %q, want %q", tt[1:], got, tt[0])
				}
			}
			fails(t, client, "mod.example.com/unknown", "list", "-m", "mod.example.com/unknown@latest")
			fails(t, client, "no matching versions", "list", "-m", "mod.example.com/empty@latest")

			// A second machine, without upstream.
			g.up.SetFault("/", modtest.Fault{Drop: true})
			second := modtest.NewGo(t, env...)
			second.WriteFile(t, "go.mod", project)
			run(t, second, "mod", "download")
		})
	}
}

// TestGoCommandFallsThrough checks which answers send the go command to its next proxy.
func TestGoCommandFallsThrough(t *testing.T) {
	g := newRig(t)
	next := newRig(t)
	next.modules.Add(modtest.Version{Path: "mod.example.com/elsewhere", Version: "v1.0.0"})
	for path, f := range map[string]modtest.Fault{"/mod.example.com/forbidden": {Status: 403, Body: "not approved"}, "/mod.example.com/broken": {Status: 500}, "/mod.example.com/down": {Drop: true}} {
		g.up.SetFault(path, f)
		next.modules.Add(modtest.Version{Path: path[1:], Version: "v1.0.0"})
	}
	client := modtest.NewGo(t, "GOPROXY="+g.url+","+next.url)
	run(t, client, "list", "-m", "mod.example.com/elsewhere@latest")
	for module, text := range map[string]string{"forbidden": "not approved", "broken": "502", "down": "502"} {
		fails(t, client, text, "list", "-m", "mod.example.com/"+module+"@latest")
	}
}

// TestGoToolchain lets the go command fetch another Go, verified.
func TestGoToolchain(t *testing.T) {
	var key string
	g := newRig(t, withDatabase(&key))
	client := modtest.NewGo(t, "GOPROXY="+g.url, "GOSUMDB="+key, "GOTOOLCHAIN=go1.99.0")
	if got := run(t, client, "version"); !strings.Contains(got, "version") {
		t.Errorf("go version of the other Go: %q", got)
	}
	if n := g.up.Count("/golang.org/toolchain/@v/v0.0.1-go1.99.0.linux-amd64.zip"); n != 1 {
		t.Errorf("%d upstream fetches", n)
	}
}

// TestGoPrivate keeps private modules from the public upstream and from the checksum database.
func TestGoPrivate(t *testing.T) {
	var key string
	private := newRig(t)
	private.modules.Add(modtest.Version{Path: "mod.example.com/Team/secret", Version: "v1.0.0"})
	g := newRig(t, withDatabase(&key), func(_ *rig, c *Config) {
		c.Tenant.Private, c.Tenant.PrivateSource = "mod.example.com/Team", private.server.tenant.PublicSource
	})
	client := modtest.NewGo(t, "GOPROXY="+g.url, "GOSUMDB="+key, "GONOSUMDB=mod.example.com/Team")
	run(t, client, "mod", "download", "mod.example.com/Team/secret@v1.0.0")
	run(t, client, "mod", "download", "mod.example.com/Team/secret@latest")
	// A client that does not know that it is private.
	other := modtest.NewGo(t, "GOPROXY="+g.url, "GOSUMDB="+key)
	fails(t, other, "GONOSUMDB", "mod", "download", "mod.example.com/Team/secret@v1.0.0")
	for _, r := range g.up.Requests() {
		if strings.Contains(r, "secret") {
			t.Errorf("the public upstream learnt of a private module: %s", r)
		}
	}
	const path = "/mod.example.com/!team/secret/@v/v1.0.0"
	for _, ext := range []string{".info", ".mod", ".zip"} {
		if s := g.want(200, path+ext); !strings.HasPrefix(s.header.Get("Cache-Control"), "private") {
			t.Errorf("%s: %v", ext, s.header)
		}
	}
	if s := g.want(200, "/mod.example.com/!team/secret/@v/list"); !strings.HasPrefix(s.header.Get("Cache-Control"), "private") {
		t.Errorf("list: %v", s.header)
	}
	// An outage of the private source is not made up for by the public one.
	g.modules.Add(modtest.Version{Path: "mod.example.com/Team/secret", Version: "v1.9.9"})
	private.up.SetFault("/", modtest.Fault{Drop: true})
	if s := g.get("/mod.example.com/!team/secret/@v/v1.9.9.info"); s.status < 500 {
		t.Errorf("dependency confusion: %v", s)
	}
}

// TestTampered has an upstream whose files are not those that the checksum database knows.
func TestTampered(t *testing.T) {
	var key string
	g := newRig(t, withDatabase(&key))
	other := modtest.Version{Path: "mod.example.com/basic", Version: "v1.0.0", Files: map[string]string{"go.mod": "module mod.example.com/basic\n\ngo 1.20\n", "evil.go": "package basic\n"}}
	g.want(200, basic+"/@v/v1.1.0.mod") // the database has its tree
	g.modules.Add(other)
	for _, path := range []string{basic + "/@v/v1.0.0.zip", basic + "/@v/v1.0.0.mod"} {
		if s := g.want(502, path); !strings.Contains(string(s.body), "SECURITY") {
			t.Errorf("GET %s: %v", path, s)
		}
	}
	for _, ext := range []string{".zip", ".ziphash", ".mod", ".modhash"} {
		if _, err := g.store.Get(t.Context(), "mod.example.com/basic/@v/v1.0.0"+ext); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s of a tampered version is stored: %v", ext, err)
		}
	}
	if n := g.metric("goreadyd_verification_failures_total"); n != 2 {
		t.Errorf("%v alarms", n)
	}
}

// TestUnknownToDatabase refuses what cannot be verified, and says what to do.
func TestUnknownToDatabase(t *testing.T) {
	var sums *modSums
	g := newRig(t, withSums(&sums))
	g.modules.Add(modtest.Version{Path: "mod.example.com/internal", Version: "v1.0.0"})
	for _, ext := range []string{".mod", ".zip"} {
		if s := g.want(403, "/mod.example.com/internal/@v/v1.0.0"+ext); !strings.Contains(string(s.body), "GONOSUMDB") {
			t.Errorf("%s: %v", ext, s)
		}
	}
	sums.fail(upstream.ErrUnavailable)
	for _, ext := range []string{".mod", ".zip"} {
		g.want(502, basic+"/@v/v1.0.0"+ext)
	}
	wantNothingStored(t, g, "mod.example.com/basic")
	sums.fail(nil)
	for _, ext := range []string{".mod", ".zip"} {
		g.want(200, basic+"/@v/v1.0.0"+ext)
	}
}

// TestSumDB serves the files of the database.
func TestSumDB(t *testing.T) {
	var key string
	g := newRig(t, withDatabase(&key))
	g.want(200, "/sumdb/sum.example.com/supported")
	g.want(404, "/sumdb/other.example.org/supported")
	g.want(404, "/sumdb/other.example.org/latest")
	g.want(404, "/sumdb/")
	lookup := "/sumdb/sum.example.com/lookup/mod.example.com/!upper/!case!mod@v1.0.0"
	first := g.want(200, lookup)
	for _, path := range []string{lookup, "/sumdb/sum.example.com/tile/8/0/000.p/1", "/sumdb/sum.example.com/tile/8/data/000.p/1", "/sumdb/sum.example.com/latest"} {
		for range 3 {
			g.want(200, path)
		}
		if n := g.up.Count(path); n > 1 {
			t.Errorf("GET %s three times: %d upstream fetches", path, n)
		}
	}
	g.want(404, "/sumdb/sum.example.com/lookup/mod.example.com/basic@v1.99.0")
	g.want(400, "/sumdb/sum.example.com/lookup/mod.example.com/Upper@v1.0.0")
	g.want(400, "/sumdb/sum.example.com/tile/x")
	g.want(400, "/sumdb/sum.example.com/../../etc/passwd")
	g.up.SetFault("/", modtest.Fault{Drop: true})
	if s := g.want(200, lookup); string(s.body) != string(first.body) {
		t.Errorf("without upstream: %v", s)
	}
}
