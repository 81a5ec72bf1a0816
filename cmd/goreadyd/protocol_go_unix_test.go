//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/goready/goready/internal/modtest"
)

const sums = "/sumdb/sum.example.com"

func sumRules() []rule {
	return []rule{
		{must, "sum-supported", func(p *probe) { p.get(sums + "/supported").ok() }},
		{must, "sum-unsupported", func(p *probe) {
			p.get("/sumdb/other.example.org/supported").absent()
			p.get("/sumdb/other.example.org/lookup/mod.example.com/basic@v1.0.0").absent()
			p.get("/sumdb/sum.example.com.example.org/supported").absent()
		}},
		{must, "sum-lookup", func(p *probe) {
			p.lookedUp("mod.example.com/basic", "v1.0.0")
			p.lookedUp("mod.example.com/incompatible", "v2.0.0+incompatible")
			p.lookedUp("golang.org/toolchain", toolVersion)
			p.lookedUp(p.fresh(), "v1.1.0")
		}},
		{must, "sum-lookup-esc", func(p *probe) {
			p.lookedUp("mod.example.com/Upper/CaseMod", "v1.0.0")
			p.lookedUp("mod.example.com/Upper/CaseMod", "v1.1.0-RC1")
			p.get(sums + "/lookup/mod.example.com/%21upper/%21case%21mod@v1.0.0").ok()
		}},
		{must, "sum-lookup-miss", func(p *probe) {
			p.get(sums + "/lookup/mod.example.com/basic@v1.99.0").absent()
			p.get(sums + "/lookup/mod.example.com/unknown@v1.0.0").absent()
		}},
		{must, "sum-latest", func(p *probe) {
			if tree := p.signedTree(p.get(sums + "/latest").ok()); tree.N < 1 {
				p.errorf("a tree of %d records", tree.N)
			}
		}},
		{must, "sum-tile", func(p *probe) {
			for _, tile := range []string{"/tile/8/0/000.p/1", "/tile/8/data/000.p/1"} {
				p.get(sums + tile).is(p.sumFile(tile))
			}
			record := p.get(sums + "/tile/8/data/000.p/1").body
			hash := tlog.RecordHash(record[:max(0, len(record)-1)])
			if g := p.get(sums + "/tile/8/0/000.p/1"); !bytes.Equal(g.body, hash[:]) {
				g.errorf("it is not the hash of the record %q", record)
			}
		}},
		{should, "sum-tile-cache", func(p *probe) {
			for _, tile := range []string{"/tile/8/0/000.p/2", "/tile/8/data/000.p/3"} {
				for range 3 {
					p.get(sums + tile).is(p.sumFile(tile))
				}
				p.fetches(sums+tile, 1)
			}
		}},
		{should, "sum-lookup-cache", func(p *probe) {
			path := p.fresh()
			for range 3 {
				p.lookedUp(path, "v1.0.0")
			}
			p.fetches(sums+"/lookup/"+path, 1)
		}},
		{should, "sum-stale", func(p *probe) {
			path := p.fresh()
			p.lookedUp(path, "v1.0.0")
			tile := p.get(sums + "/tile/8/0/000.p/1").ok().body
			for _, outage := range []modtest.Fault{{Drop: true}, {Status: 500}} {
				p.up.proxy.SetFault("/", outage)
				p.lookedUp(path, "v1.0.0")
				p.get(sums + "/tile/8/0/000.p/1").is(tile)
				p.get(sums + "/supported").ok()
				p.signedTree(p.get(sums + "/latest").ok())
			}
		}},
		{must, "sum-client", func(p *probe) {
			c := &sumClient{p: p, config: map[string][]byte{"key": []byte(p.up.sums.Key())}}
			client := sumdb.NewClient(c)
			paths := []string{"mod.example.com/basic", "mod.example.com/deps", "mod.example.com/Upper/CaseMod", p.fresh(), p.fresh()}
			for _, path := range paths { // the last ones make the tree grow under the client
				for _, suffix := range []string{"", "/go.mod"} {
					got, err := client.Lookup(path, "v1.0.0"+suffix)
					zip, mod := p.up.modules.Sums(path, "v1.0.0")
					want := path + " v1.0.0" + suffix + " " + map[string]string{"": zip, "/go.mod": mod}[suffix]
					if err != nil || len(got) != 1 || got[0] != want {
						p.errorf("%s: %q, %v, want %q", path, got, err, want)
					}
				}
			}
			if c.security != "" {
				p.errorf("%s", c.security)
			}
		}},
	}
}

// lookedUp checks that a look-up answers the record that upstream has, in a tree that the database signed.
func (p *probe) lookedUp(path, version string) {
	m := module.Version{Path: path, Version: version}
	escapedPath, err := module.EscapePath(path)
	if err != nil {
		p.t.Fatal(err)
	}
	escapedVersion, err := module.EscapeVersion(version)
	if err != nil {
		p.t.Fatal(err)
	}
	g := p.get(sums + "/lookup/" + escapedPath + "@" + escapedVersion).ok()
	id, text, rest, err := tlog.ParseRecord(g.body)
	if err != nil {
		g.errorf("%v: %.300q", err, g.body)
		return
	}
	zip, mod := p.up.modules.Sums(path, version)
	if want := fmt.Sprintf("%s %s %s\n%s %s/go.mod %s\n", path, version, zip, path, version, mod); string(text) != want {
		g.errorf("record of %s is %q, want %q", m, text, want)
	}
	g.body = rest
	if tree := p.signedTree(g); id >= tree.N {
		g.errorf("record %d is not in the tree of %d", id, tree.N)
	}
}

// signedTree returns the tree of a note that the database signed.
func (p *probe) signedTree(g *got) tlog.Tree {
	verifier, err := note.NewVerifier(p.up.sums.Key())
	if err != nil {
		p.t.Fatal(err)
	}
	n, err := note.Open(g.body, note.VerifierList(verifier))
	if err != nil {
		g.errorf("%v: %.300q", err, g.body)
		return tlog.Tree{}
	}
	tree, err := tlog.ParseTree([]byte(n.Text))
	if err != nil {
		g.errorf("%v: %q", err, n.Text)
	}
	return tree
}

// sumFile returns what the database itself answers.
func (p *probe) sumFile(path string) []byte {
	r := httptest.NewRecorder()
	p.up.sums.ServeHTTP(r, httptest.NewRequest(http.MethodGet, path, nil))
	return r.Body.Bytes()
}

// sumClient is a machine for sumdb.Client that reaches the database through the server. The mutex guards what follows.
type sumClient struct {
	p *probe

	mu       sync.Mutex
	config   map[string][]byte
	security string
}

func (c *sumClient) ReadRemote(path string) ([]byte, error) {
	resp, err := http.Get(c.p.url + sums + path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", path, resp.Status, &body)
	}
	return body.Bytes(), nil
}

func (c *sumClient) ReadConfig(file string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.config[file], nil
}

func (c *sumClient) WriteConfig(file string, old, new []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !bytes.Equal(c.config[file], old) {
		return sumdb.ErrWriteConflict
	}
	c.config[file] = new
	return nil
}

func (c *sumClient) ReadCache(file string) ([]byte, error) { return nil, errors.New("no cache") }
func (c *sumClient) WriteCache(file string, data []byte)   {}
func (c *sumClient) Log(msg string)                        {}

func (c *sumClient) SecurityError(msg string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.security = msg
}

func operatorRules() []rule {
	return []rule{
		{may, "liveness", func(p *probe) { p.get("/healthz").ok().mediaType("text/plain") }},
		{may, "readiness", func(p *probe) { p.operator("/readyz").ok().mediaType("text/plain") }},
		{may, "metrics", func(p *probe) {
			if g := p.operator("/metrics").ok().mediaType("text/plain"); !bytes.Contains(g.body, []byte("\n# TYPE goreadyd_requests_total counter\n")) {
				g.errorf("%.300q", g.body)
			}
		}},
		{may, "index", func(p *probe) {
			path := p.fresh()
			p.get("/" + path + v100 + ".info").ok()
			p.answered(slack, func() bool { return bytes.Contains(p.get("/index").body, []byte(path)) })
			for line := range bytes.Lines(p.get("/index").ok().body) {
				var entry struct {
					Path, Version string
					Timestamp     time.Time
				}
				if err := json.Unmarshal(line, &entry); err != nil || module.Check(entry.Path, entry.Version) != nil || entry.Timestamp.IsZero() {
					p.errorf("%q: %v", line, err)
				}
			}
		}},
		{may, "home", func(p *probe) { p.operator("/").ok().mediaType("text/html") }},
	}
}

func goRules() []rule {
	return []rule{
		{must, "go-download", func(p *probe) {
			g := modtest.NewGo(p.t, "GOPROXY="+p.url)
			args := []string{"mod", "download", "-json"}
			for _, m := range []string{"basic@v1.2.0", "basic/v2@v2.1.0", "Upper/CaseMod@v1.0.0", "incompatible@v2.0.0+incompatible", "pseudo@" + pseudoVersion, "deps@v1.0.0"} {
				args = append(args, "mod.example.com/"+m)
			}
			out, err := g.Run(p.t, args...)
			if err != nil || strings.Count(out, `"Zip": `) != 6 {
				p.errorf("%v\n%s", err, out)
			}
		}},
		{must, "go-latest", func(p *probe) {
			g := modtest.NewGo(p.t, "GOPROXY="+p.url)
			p.goPrints(g, "mod.example.com/basic v1.10.0\nmod.example.com/pseudo "+pseudoVersion, "list", "-m", "mod.example.com/basic@latest", "mod.example.com/pseudo@latest")
			p.goPrints(g, "mod.example.com/basic "+basicMain, "list", "-m", "mod.example.com/basic@main")
		}},
		{must, "go-versions", func(p *probe) {
			p.goPrints(modtest.NewGo(p.t, "GOPROXY="+p.url), "mod.example.com/basic "+strings.Join(basicVersions(), " "), "list", "-m", "-versions", "mod.example.com/basic")
		}},
		{must, "go-retract", func(p *probe) {
			p.goPrints(modtest.NewGo(p.t, "GOPROXY="+p.url), "mod.example.com/retract v1.0.0 v1.2.0", "list", "-m", "-versions", "mod.example.com/retract")
		}},
		{must, "go-unknown", func(p *probe) {
			g := modtest.NewGo(p.t, "GOPROXY="+p.url+",off")
			_, err := g.Run(p.t, "list", "-m", "mod.example.com/unknown@latest")
			if err == nil || !strings.Contains(err.Error(), "module lookup disabled by GOPROXY=off") {
				p.errorf("error %v: the next entry was not reached", err)
			}
		}},
		{must, "go-sumdb", func(p *probe) {
			// The name of the database cannot be resolved: it is reached through the server, or not at all.
			g := modtest.NewGo(p.t, "GOPROXY="+p.url, "GOSUMDB="+p.up.sums.Key())
			path := p.fresh()
			out, err := g.Run(p.t, "mod", "download", "-json", "mod.example.com/deps@v1.0.0", "mod.example.com/Upper/CaseMod@v1.1.0-RC1", path+"@v1.0.0")
			zip, mod := p.up.modules.Sums(path, "v1.0.0")
			if err != nil || !strings.Contains(out, `"Sum": "`+zip+`"`) || !strings.Contains(out, `"GoModSum": "`+mod+`"`) {
				p.errorf("%v\n%s", err, out)
			}
		}},
	}
}

// goPrints checks what a go command prints.
func (p *probe) goPrints(g *modtest.Go, want string, args ...string) {
	if out, err := g.Run(p.t, args...); err != nil || out != want {
		p.errorf("go %s prints %q, want %q: %v", strings.Join(args, " "), out, want, err)
	}
}
