//go:build unix

package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goready/goready/internal/modtest"
)

// front is another address of an upstream, at which it can be shut off so that nobody listens.
type front struct {
	up   *upstream
	addr string
	srv  *http.Server
}

func newFront(t *testing.T, up *upstream) *front {
	t.Helper()
	f := &front{up: up, addr: "127.0.0.1:0"}
	f.listen(t)
	t.Cleanup(func() { f.srv.Close() })
	return f
}

func (f *front) listen(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	f.addr = l.Addr().String()
	f.srv = &http.Server{Handler: f.up.proxy}
	go f.srv.Serve(l)
}

// outages are the ways in which an upstream can be down: begin and end of each.
func outages(t *testing.T, p *probe, f *front) map[string][2]func() {
	fault := func(f modtest.Fault) [2]func() {
		return [2]func(){func() { p.up.proxy.SetFault("/", f) }, p.up.proxy.Reset}
	}
	return map[string][2]func(){
		"drop": fault(modtest.Fault{Drop: true}), "500": fault(modtest.Fault{Status: 500}), "503": fault(modtest.Fault{Status: 503}), "504": fault(modtest.Fault{Status: 504}),
		"silent": fault(modtest.Fault{Stall: make(chan struct{})}), "login-page": fault(modtest.Fault{Replace: []byte(page), Header: header("Content-Type", "text/html")}),
		"cut":     fault(modtest.Fault{TruncateAt: -1}),
		"refused": {func() { f.srv.Close() }, func() { f.listen(t) }},
	}
}

// newFrontBench starts a server whose upstream can be shut off.
func newFrontBench(t *testing.T, config ...string) (*bench, *front) {
	t.Helper()
	up := newUpstream(t)
	f := newFront(t, up)
	up.url = "http://" + f.addr
	return startBench(t, up, newMachine(t), append(impatient(), config...)...), f
}

// TestProtocolHeals: whatever kind of outage it was, and however many clients have met with it, upstream is asked again as
// soon as it is well.
func TestProtocolHeals(t *testing.T) {
	b, f := newFrontBench(t)
	for _, name := range sortedKeys(outages(t, b.probe(t), f)) {
		b.run(t, name, func(p *probe) {
			p.settle()
			outage := outages(t, p, f)[name]
			outage[0]()
			for range 3 {
				p.together(10, func(i int, q *probe) { q.get("/" + q.fresh() + everyKind()[i%6]).outage() })
			}
			outage[1]()
			p.together(6, func(i int, q *probe) {
				target := "/" + q.fresh() + everyKind()[i]
				q.answered(healTime+slack, func() bool { return q.get(target).good() })
			})
			for _, file := range everyKind() { // and stays so
				p.get("/" + p.fresh() + file).ok()
			}
		})
	}
	b.run(t, "after-seconds", func(p *probe) { // with clients that go on asking
		p.up.proxy.SetFault("/", modtest.Fault{Status: 503}) // which is not tried again, so that many fail soon
		for start := time.Now(); time.Since(start) < 2*time.Second; {
			p.together(5, func(_ int, q *probe) { q.get("/" + q.fresh() + "/@v/list").outage() })
		}
		p.heals()
	})
	b.run(t, "again-and-again", func(p *probe) {
		for range 15 {
			target := "/" + p.fresh() + v100 + ".mod"
			p.up.proxy.SetFault("/", modtest.Fault{Status: 503})
			p.get(target).outage()
			p.up.proxy.Reset()
			p.answered(healTime+slack, func() bool { return p.get(target).good() })
		}
	})
}

// settle waits until the server has got over what was before, so that one failure is one.
func (p *probe) settle() {
	p.answered(time.Minute, func() bool { return p.get("/" + p.fresh() + v100 + ".mod").good() })
}

// TestProtocolOneBroken: a module that upstream cannot deliver, however often it is asked for, takes nothing from others.
func TestProtocolOneBroken(t *testing.T) {
	b := newUnverified(t, impatient()...)
	for name, fault := range map[string]modtest.Fault{
		"500": {Status: 500}, "502": {Status: 502}, "504": {Status: 504}, "cut": {TruncateAt: 20}, "cut-before-body": {TruncateAt: -1}, "login-page": {Replace: []byte(page), Header: header("Content-Type", "text/html")},
		"nothing": {Status: 204}, "redirect": {Status: 302, Header: header("Location", "file:///x")}, "redirect-nowhere": {Status: 302, Header: header("Location", "http://127.0.0.1:1/x")}, "brotli": {Header: header("Content-Encoding", "br")}, "silent-half-way": {Stall: make(chan struct{}), StallAt: 20},
		"garbage": {Replace: []byte("garbage")},
	} {
		b.run(t, name, func(p *probe) {
			p.settle()
			broken := "/" + p.fresh()
			p.up.proxy.SetFault(broken, fault)
			p.together(8, func(i int, q *probe) {
				q.get(broken + "/@v/" + []string{"v1.0.0", "v1.1.0", "v1.10.0", "v1.11.0-rc.1"}[i%4] + ".zip").never()
			})
			for range 4 {
				p.get(broken + v100 + ".zip").never()
			}
			for _, file := range everyKind() {
				p.get("/" + p.fresh() + file).ok()
			}
		})
	}
	b.run(t, "retry-after", func(p *probe) {
		p.settle()
		busy := "/" + p.fresh() + v100 + ".mod"
		p.up.proxy.SetFault(busy, modtest.Fault{Status: 503, Header: header("Retry-After", "3600"), Times: 1})
		if g := p.get(busy).outage(); g.header.Get("Retry-After") == "" {
			g.errorf("no Retry-After")
		}
		p.get("/" + p.fresh() + v100 + ".mod").ok()
		p.get(busy).ok()
	})
}

// TestProtocolStale: an answer that was given once is given during every kind of outage, soon, and the true one after it.
func TestProtocolStale(t *testing.T) {
	b, f := newFrontBench(t, "cache.fresh = \"1ms\"", "cache.refresh-wait = \"500ms\"")
	files := append(everyKind(), "/@v/0123456789ab.info")
	for _, name := range sortedKeys(outages(t, b.probe(t), f)) {
		b.run(t, name, func(p *probe) {
			p.settle()
			path := p.fresh()
			p.up.modules.SetQuery(path, "0123456789ab", freshMain)
			want := map[string][]byte{}
			for _, file := range files {
				want[file] = p.get("/" + path + file).ok().body
			}
			record := p.get(sums + "/lookup/" + path + "@v1.0.0").ok().body
			outage := outages(t, p, f)[name]
			outage[0]()
			for range 3 {
				for _, file := range files {
					if g := p.get("/" + path + file).is(want[file]); g.took > slack {
						g.errorf("it took %v", g.took)
					}
					p.head("/" + path + file).ok()
				}
				p.get(sums + "/lookup/" + path + "@v1.0.0").is(record)
			}
			p.get("/"+path+"/@v/list").field("X-Cache", "STALE").shortLived()
			outage[1]()
			p.up.modules.Add(modtest.Version{Path: path, Version: "v1.12.0", Files: map[string]string{"go.mod": "module " + path + "\n"}})
			p.answered(healTime+500*time.Millisecond+slack, func() bool { return bytes.Contains(p.get("/"+path+"/@v/list").body, []byte("v1.12.0\n")) })
			p.answered(healTime+slack, func() bool { return p.get("/"+path+"/@latest").info().Version == "v1.12.0" })
		})
	}
}

// TestProtocolOffline: a server that begins while nobody can be reached serves what it has, all of it, and nothing else.
func TestProtocolOffline(t *testing.T) {
	t.Parallel()
	up, m := newUpstream(t), newMachine(t)
	f := newFront(t, up)
	up.url = "http://" + f.addr
	before := startBench(t, up, m)
	p := before.probe(t)
	path, part := p.fresh(), p.fresh()
	want := map[string][]byte{}
	for _, file := range everyKind() {
		want[file] = p.get("/" + path + file).ok().body
	}
	for _, file := range []string{v100 + ".info", v100 + ".mod", v100 + ".zip", "/@v/v1.1.0.info"} { // and no list
		p.get("/" + part + file).ok()
	}
	record := p.get(sums + "/lookup/" + path + "@v1.0.0").ok().body
	g := modtest.NewGo(t, "GOPROXY="+before.url, "GOSUMDB="+up.sums.Key())
	g.WriteFile(t, "go.mod", "module example.com/m\n\ngo 1.21\n\nrequire mod.example.com/deps v1.0.0\n")
	if _, err := g.Run(t, "mod", "download", "all"); err != nil {
		t.Fatal(err)
	}
	f.srv.Close()
	report := func(p *probe) {
		for _, problem := range p.problems {
			t.Error(problem)
		}
	}
	report(p)

	b := startBench(t, up, m, append(impatient(), "data = \""+m.home+"/data\"", "cache.fresh = \"1ms\"")...)
	b.run(t, "files", func(p *probe) {
		for range 2 {
			for _, file := range everyKind() {
				p.get("/" + path + file).is(want[file])
				p.get("/cached-only/" + path + file).is(want[file])
			}
		}
	})
	b.run(t, "list-of-what-is-there", func(p *probe) {
		for _, prefix := range []string{"/", "/cached-only/"} {
			p.get(prefix+part+"/@v/list").lines("v1.0.0", "v1.1.0")
			p.get(prefix + part + "/@latest").version("v1.1.0")
		}
	})
	b.run(t, "unknown", func(p *probe) {
		for _, file := range everyKind() {
			p.get(unknown + file).outage()
		}
		p.get("/" + path + "/@v/v1.1.0.info").outage()
		p.get("/" + path + "/@v/nosuchbranch.info").outage()
		p.get(sums + "/lookup/mod.example.com/unknown@v1.0.0").outage()
	})
	b.run(t, "sumdb", func(p *probe) {
		p.get(sums + "/lookup/" + path + "@v1.0.0").is(record)
		p.get(sums + "/supported").ok()
		p.signedTree(p.get(sums + "/latest").ok())
	})
	b.run(t, "go-command", func(p *probe) {
		g := modtest.NewGo(t, "GOPROXY="+p.url, "GOSUMDB="+up.sums.Key())
		g.WriteFile(t, "go.mod", "module example.com/m\n\ngo 1.21\n\nrequire mod.example.com/deps v1.0.0\n")
		if _, err := g.Run(t, "mod", "download", "all"); err != nil {
			p.errorf("%v", err)
		}
	})
	b.run(t, "heals", func(p *probe) {
		f.listen(t)
		p.heals()
	})
}

// TestProtocolNewVersion: a version that somebody asked for by name is in lists at once, and what was not there is found
// once it is.
func TestProtocolNewVersion(t *testing.T) {
	t.Parallel()
	b := newBench(t, "cache.negative = \"300ms\"")
	b.run(t, "tag", func(p *probe) {
		path := p.fresh()
		p.get("/"+path+"/@v/list").lines("v1.0.0", "v1.1.0", "v1.10.0", "v1.11.0-rc.1")
		p.get("/" + path + "/@latest").version("v1.10.0")
		p.up.modules.Add(modtest.Version{Path: path, Version: "v1.12.0", Files: map[string]string{"go.mod": "module " + path + "\n"}})
		p.get("/" + path + "/@v/v1.12.0.info").version("v1.12.0")
		p.get("/"+path+"/@v/list").lines("v1.0.0", "v1.1.0", "v1.10.0", "v1.11.0-rc.1", "v1.12.0")
		p.get("/" + path + "/@latest").version("v1.12.0")
	})
	b.run(t, "pre-release-is-not-latest", func(p *probe) {
		path := p.fresh()
		p.get("/" + path + "/@latest").version("v1.10.0")
		p.get("/" + path + "/@v/v1.11.0-rc.1.info").ok()
		p.get("/" + path + "/@v/" + freshMain + ".info").ok()
		p.get("/" + path + "/@latest").version("v1.10.0")
		p.get("/"+path+"/@v/list").lines("v1.0.0", "v1.1.0", "v1.10.0", "v1.11.0-rc.1")
	})
	b.run(t, "published", func(p *probe) {
		path := fmt.Sprintf("mod.example.com/late%d", p.modules.Add(1))
		for _, file := range everyKind() {
			p.get("/" + path + file).absent()
		}
		p.up.modules.Add(modtest.Version{Path: path, Version: "v1.0.0", Files: map[string]string{"go.mod": "module " + path + "\n"}})
		p.up.modules.SetQuery(path, "main", "v1.0.0")
		for _, file := range everyKind() {
			p.answered(slack, func() bool { return p.get("/" + path + file).good() })
		}
	})
	b.run(t, "deleted", func(p *probe) { // a branch that is gone is gone; a version stays
		path := p.fresh()
		want := p.get("/" + path + v100 + ".zip").ok().body
		p.up.proxy.SetFault("/"+path+"/", modtest.Fault{Status: 404})
		p.get("/" + path + v100 + ".zip").is(want)
	})
	b.run(t, "replaced", func(p *probe) { // whoever moves a tag is too late
		path := p.fresh()
		want := map[string][]byte{}
		for _, ext := range extensions() {
			want[ext] = p.get("/" + path + v100 + ext).ok().body
		}
		p.up.modules.Add(modtest.Version{Path: path, Version: "v1.0.0", Files: map[string]string{"go.mod": "module " + path + "\n\ngo 1.22\n", "evil.go": "package evil\n"}})
		for _, ext := range extensions() {
			p.get("/" + path + v100 + ext).is(want[ext])
		}
	})
	b.run(t, "many-unknown", func(p *probe) { // names that somebody makes up push nothing out
		path := p.fresh()
		p.get("/" + path + v100 + ".info").ok()
		for i := range 200 {
			p.get(fmt.Sprintf("/mod.example.com/made/up%d/@v/list", i)).absent()
		}
		p.up.proxy.Reset()
		p.get("/"+path+v100+".info").ok().field("X-Cache", "HIT")
		if n := len(strings.Join(p.stored(), "")); n == 0 {
			p.errorf("nothing is stored")
		}
		for _, name := range p.stored() {
			if strings.Contains(name, "made/up") {
				p.errorf("%s is stored", name)
			}
		}
	})
}
