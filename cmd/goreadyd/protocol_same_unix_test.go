//go:build unix

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/modtest"
)

// TestProtocolSame: a go command gets the same results from the server as from its upstream.
func TestProtocolSame(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	// Who asks for v2.0.0 of a module without a go.mod file means v2.0.0+incompatible.
	b.up.modules.SetQuery("mod.example.com/incompatible", "v2.0.0", "v2.0.0+incompatible")
	direct := modtest.NewGo(t, "GOPROXY="+b.up.url, "GOSUMDB="+b.up.sums.Key())
	through := modtest.NewGo(t, "GOPROXY="+b.url, "GOSUMDB="+b.up.sums.Key())
	for _, g := range []*modtest.Go{direct, through} {
		g.WriteFile(t, "go.mod", "module example.com/m\n\ngo 1.21\n\nrequire (\n\tmod.example.com/deps v1.0.0\n\tmod.example.com/basic v1.2.0\n\tmod.example.com/retract v1.1.0\n)\n")
		g.WriteFile(t, "m.go", "package m\n\nimport (\n\t_ \"mod.example.com/basic\"\n\t_ \"mod.example.com/deps\"\n\t_ \"mod.example.com/retract\"\n)\n")
	}
	commands := map[string]string{
		"a-tidy": "mod tidy", "b-verify": "mod verify", "c-graph": "mod graph", "d-build": "build ./...", "e-updates": "list -m -u -retracted all", "e-versions": "list -m -versions all",
		"q-v1": "list -m mod.example.com/basic@v1", "q-v1.1": "list -m mod.example.com/basic@v1.1", "q-greater": "list -m mod.example.com/basic@>v1.2.0", "q-less": "list -m mod.example.com/basic@<v1.2.0",
		"q-upgrade": "list -m mod.example.com/basic@upgrade", "q-patch": "list -m mod.example.com/basic@patch", "q-branch": "list -m mod.example.com/basic@main", "q-revision": "list -m mod.example.com/basic@0123456789ab",
		"q-pre": "list -m mod.example.com/basic@>=v1.11.0-rc.1", "q-incompatible": "list -m mod.example.com/incompatible@v2.0.0", "q-incompatible-latest": "list -m mod.example.com/incompatible@latest",
		"q-retracted": "list -m mod.example.com/retract@v1.1.0", "q-retract-latest": "list -m mod.example.com/retract@latest", "q-case": "list -m mod.example.com/Upper/CaseMod@v1.1.0-RC1",
		"x-version": "list -m mod.example.com/basic@v1.99.0", "x-branch": "list -m mod.example.com/basic@nosuchbranch", "x-module": "list -m mod.example.com/unknown@latest", "x-empty": "list -m mod.example.com/empty@latest",
		"x-major": "list -m mod.example.com/basic@v2.0.0", "x-case": "list -m mod.example.com/upper/casemod@latest", "x-package": "get mod.example.com/basic/nothing@latest", "x-slash": "list -m mod.example.com/basic@a/b",
		"x-v3": "list -m mod.example.com/basic/v3@latest", "x-pseudo": "list -m mod.example.com/basic@v1.10.1-0.20231105060708-ffffffffffff",
	}
	for _, name := range sortedKeys(commands) {
		b.run(t, name, func(p *probe) {
			args := commands[name]
			fields := strings.Fields(args)
			wantOut, wantErr := direct.Run(t, fields...)
			out, err := through.Run(t, fields...)
			if out != wantOut || (err == nil) != (wantErr == nil) {
				p.errorf("go %s prints %q (%v), with upstream itself %q (%v)", args, out, err, wantOut, wantErr)
			}
			if err != nil && wantErr != nil && reason(err) != reason(wantErr) {
				p.errorf("go %s says %q, with upstream itself %q", args, reason(err), reason(wantErr))
			}
		})
	}
}

// TestProtocolToolchain: the go command gets a toolchain from the server, verified, and runs it.
func TestProtocolToolchain(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the toolchain of the corpus is for linux/amd64")
	}
	b := newBench(t)
	b.run(t, "switch", func(p *probe) {
		g := modtest.NewGo(t, "GOPROXY="+b.url, "GOSUMDB="+b.up.sums.Key(), "GOTOOLCHAIN=go1.99.0")
		p.goPrints(g, "go1.99.0 was run: version -m", "version", "-m")
	})
}

// TestProtocolTree: an upstream that is a folder or has a path of its own serves the same.
func TestProtocolTree(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, b *bench) {
		for _, r := range slices.Concat(listRules(), fileRules(), queryRules(), absenceRules()) {
			if slices.Contains([]string{"list-sorted", "zip-big", "latest"}, r.id) || strings.HasPrefix(r.id, "up-") {
				continue // they add modules
			}
			b.run(t, r.id, r.check)
		}
	}
	t.Run("folder", func(t *testing.T) {
		up := newUpstream(t)
		dir := t.TempDir()
		if err := up.modules.WriteTree(dir); err != nil {
			t.Fatal(err)
		}
		up.url = "file://" + dir
		check(t, startBench(t, up, newMachine(t), "sumdb.database = \"off\""))
	})
	t.Run("path", func(t *testing.T) {
		up := newUpstream(t)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			below, ok := strings.CutPrefix(r.URL.Path, "/api/go x/go/")
			if !ok {
				http.Error(w, r.RequestURI, http.StatusForbidden)
				return
			}
			r.URL.Path = "/" + below
			up.proxy.ServeHTTP(w, r)
		}))
		t.Cleanup(s.Close)
		up.url = s.URL + "/api/go%20x/go/"
		check(t, startBench(t, up, newMachine(t)))
	})
}

// TestProtocolChain: the server reads a list of upstreams as the go command does, and its answer is a "not found" only if all
// say so. What is secret about their addresses stays so.
func TestProtocolChain(t *testing.T) {
	t.Parallel()
	first, last := newUpstream(t), newUpstream(t)
	for _, separator := range []string{",", "|"} {
		up := *first
		up.url = strings.Replace(first.url, "http://", "http://user:hunter2@", 1) + separator + last.url
		b := startBench(t, &up, newMachine(t), "sumdb.database = \"off\"")
		only := fmt.Sprintf("mod.example.com/last%d", separator[0])
		last.modules.Add(modtest.Version{Path: only, Version: "v1.0.0", Files: map[string]string{"go.mod": "module " + only + "\n"}})
		name := map[string]string{",": "comma", "|": "pipe"}[separator]
		b.run(t, name+"-not-found", func(p *probe) {
			for _, ext := range extensions() {
				p.get("/"+only+v100+ext).ok().field("X-Goready-Upstream", last.url)
			}
			p.get("/" + only + "/@v/list").lines("v1.0.0")
			p.get(unknown + "/@v/list").absent()
			p.get(basic+v100+".mod").ok().field("X-Goready-Upstream", first.url)
		})
		for status, isAnswer := range map[int]bool{500: false, 403: false, 404: true, 410: true} {
			b.run(t, fmt.Sprintf("%s-%d", name, status), func(p *probe) {
				p.settle()
				first.proxy.SetFault("/", modtest.Fault{Status: status, Body: "hunter2"})
				path := fmt.Sprintf("/mod.example.com/last%d", p.modules.Add(1)+1000)
				last.modules.Add(modtest.Version{Path: path[1:], Version: "v1.0.0", Files: map[string]string{"go.mod": "module " + path[1:] + "\n"}})
				last.proxy.Reset()
				g := p.get(path + v100 + ".info")
				if isAnswer || separator == "|" {
					g.ok()
				} else if g.never(); g.code == 404 || g.code == 410 || last.proxy.Count("/") > 0 {
					g.errorf("status %d, the next one was asked %d times", g.code, last.proxy.Count("/"))
				}
				if bytes.Contains(g.body, []byte("hunter2")) {
					g.errorf("a secret: %s", g.body)
				}
				if g := p.get(unknown + fmt.Sprint(status) + "/@v/list"); isAnswer {
					g.absent()
				} else if g.code == 404 || g.code == 410 || g.good() {
					g.errorf("status %d", g.code)
				}
			})
		}
		if log := b.server.log.String(); strings.Contains(log, "hunter2@") {
			t.Errorf("the log has a secret:\n%s", log)
		}
	}
}

// reason returns what an error of the go command says, without what the two cannot have in common.
func reason(err error) string {
	text := regexp.MustCompile(`http://127\.0\.0\.1:\d+|\s+`).ReplaceAllString(err.Error(), " ")
	return strings.TrimSpace(regexp.MustCompile(`not found: `).ReplaceAllString(text, ""))
}

// TestProtocolNextProxy: the go command asks the next proxy of its list for what is not there, and for nothing else.
func TestProtocolNextProxy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	second := modtest.NewProxy(modtest.Corpus())
	s := httptest.NewServer(second)
	defer s.Close()
	download := func(p *probe, separator, path string) error {
		second.Reset()
		_, err := modtest.NewGo(t, "GOPROXY="+p.url+separator+s.URL).Run(t, "mod", "download", path+"@v1.0.0")
		return err
	}
	for name, fault := range map[string]modtest.Fault{"500": {Status: 500}, "403": {Status: 403, Body: "says the policy"}, "drop": {Drop: true}, "login-page": {Replace: []byte(page), Header: header("Content-Type", "text/html")}} {
		b.run(t, name, func(p *probe) {
			path := p.fresh()
			p.up.proxy.SetFault("/"+path, fault)
			if err := download(p, ",", path); err == nil || second.Count("/") > 0 {
				p.errorf("%v, the next proxy was asked %d times", err, second.Count("/"))
			} else if fault.Body != "" && !strings.Contains(err.Error(), fault.Body) {
				p.errorf("the reason is not told: %v", err)
			}
			if err := download(p, "|", path); err == nil || second.Count("/") == 0 {
				p.errorf("with |: %v, the next proxy was asked %d times", err, second.Count("/"))
			}
		})
	}
	for name, status := range map[string]int{"404": 404, "410": 410} {
		b.run(t, name, func(p *probe) {
			p.up.proxy.SetFault(basic, modtest.Fault{Status: status})
			if err := download(p, ",", "mod.example.com/basic"); err != nil || second.Count(basic) == 0 {
				p.errorf("%v, the next proxy was asked %d times", err, second.Count("/"))
			}
		})
	}
}

// TestProtocolGoFindsLies: what the server or its upstream would have to change in a module, the go command notices; what
// the server itself can notice does not get that far.
func TestProtocolGoFindsLies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run(t, "zip", func(p *probe) {
		path, other := p.fresh(), p.fresh()
		p.up.proxy.SetFault("/"+path+v100+".zip", modtest.Fault{Replace: p.file("/" + other + v100 + ".zip")})
		_, err := modtest.NewGo(t, "GOPROXY="+p.url, "GOSUMDB="+p.up.sums.Key()).Run(t, "mod", "download", path+"@v1.0.0")
		if err == nil || !strings.Contains(err.Error(), "SECURITY") {
			p.errorf("%v", err)
		}
	})
	b.run(t, "database", func(p *probe) {
		for name, fault := range map[string]modtest.Fault{
			"page": {Replace: []byte(page)}, "tree": {Replace: []byte("go.sum database tree\n1\nAAAA\n\n— sum.example.com AAAA\n")}, "500": {Status: 500}, "empty": {Replace: []byte{}},
		} {
			path := p.fresh()
			p.up.proxy.SetFault(sums+"/lookup/"+path, fault)
			for _, target := range []string{sums + "/lookup/" + path + "@v1.0.0", "/" + path + v100 + ".mod", "/" + path + v100 + ".zip"} {
				if g := p.get(target).outage(); len(p.problems) > 0 {
					g.errorf("with %s", name)
					return
				}
			}
		}
	})
	b.run(t, "forked-database", func(p *probe) { // one that shows two trees
		p.get(sums + "/lookup/mod.example.com/basic@v1.0.0").ok()
		p.up.proxy.ServeSumDB(modtest.NewSumDB("sum.example.com", modtest.Corpus()))
		fork := modtest.NewSumDB("sum.example.com", &modtest.Modules{})
		fork.Override("mod.example.com/deps", "v1.0.0", "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
		p.up.proxy.ServeSumDB(fork)
		p.get(sums + "/lookup/mod.example.com/deps@v1.0.0").outage()
		p.up.proxy.ServeSumDB(p.up.sums)
	})
}

// TestProtocolWithoutSumDB: a server without a checksum database says so, and clients go to it themselves.
func TestProtocolWithoutSumDB(t *testing.T) {
	t.Parallel()
	b := newUnverified(t)
	b.run(t, "supported", func(p *probe) {
		p.get(sums + "/supported").absent()
		p.get(sums + "/latest").absent()
		p.get(sums + "/lookup/mod.example.com/basic@v1.0.0").absent()
		p.fetches(sums, 0)
	})
	b.run(t, "files", func(p *probe) {
		for _, ext := range extensions() {
			p.get(basic + v100 + ext).is(p.file(basic + v100 + ext))
		}
		p.fetches(sums, 0)
	})
	b.run(t, "first-hash-counts", func(p *probe) {
		path := p.freshBig(200 << 10)
		p.answered(slack, func() bool { return p.get("/"+path+v100+".zip").ok().header.Get("X-Cache") == "HIT" })
		for _, name := range p.stored() {
			if strings.HasSuffix(name, path+v100+".zip") {
				if err := os.Remove(name); err != nil { // as if it had not been used for long
					t.Fatal(err)
				}
			}
		}
		p.up.modules.Add(modtest.Version{Path: path, Version: "v1.0.0", Files: map[string]string{"go.mod": "module " + path + "\n", "evil.go": strings.Repeat("package evil\n", 20<<10)}})
		p.get("/" + path + v100 + ".zip").never()
	})
}
