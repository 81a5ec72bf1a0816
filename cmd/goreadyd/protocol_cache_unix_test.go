//go:build unix

package main

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/goready/goready/internal/modtest"
)

func headerRules() []rule {
	zip := basic + v100 + ".zip"
	files := func(check func(*probe, *got)) func(*probe) {
		return func(p *probe) {
			for _, ext := range extensions() {
				check(p, p.get(basic+v100+ext).ok())
			}
			fresh := "/" + p.fresh() // also while it is fetched
			for _, ext := range extensions() {
				check(p, p.get(fresh+v100+ext).ok())
			}
		}
	}
	return []rule{
		{should, "head", func(p *probe) {
			for _, base := range []string{basic, "/" + p.fresh()} { // stored, and not
				for _, file := range []string{v100 + ".info", v100 + ".mod", v100 + ".zip", "/@v/list", "/@latest"} {
					if g := p.head(base + file).ok(); len(g.after) > 0 {
						g.errorf("it has a body: %.100q", g.after)
					}
				}
			}
		}},
		{should, "head-length", func(p *probe) {
			for _, zip := range []string{zip, "/" + p.freshBig(200<<10) + v100 + ".zip"} {
				p.head(zip).ok().field("Content-Length", fmt.Sprint(len(p.file(zip))))
			}
		}},
		{should, "length", func(p *probe) {
			big := "/" + p.freshBig(1<<20) + v100 + ".zip"
			for _, path := range []string{zip, big} {
				p.get(path).ok()
				p.get(path).ok().field("Content-Length", fmt.Sprint(len(p.file(path))))
			}
		}},
		{should, "immutable", files(func(p *probe, g *got) {
			if cc := g.header.Get("Cache-Control"); !strings.Contains(cc, "public") || maxAge(cc) < 3600 {
				g.errorf("Cache-Control is %q", cc)
			}
		})},
		{should, "mutable", func(p *probe) {
			for _, path := range []string{basic + "/@v/list", basic + "/@latest", empty + "/@v/list", pseudo + "/@latest"} {
				p.get(path).ok().shortLived()
			}
		}},
		{should, "err-no-store", func(p *probe) {
			for _, status := range []int{500, 502, 503, 504, 403} {
				path := "/" + p.fresh() + v100 + ".info"
				p.up.proxy.SetFault(path, modtest.Fault{Status: status})
				g := p.get(path)
				if cc := g.header.Get("Cache-Control"); g.code < 400 || strings.Contains(cc, "public") || maxAge(cc) > 0 {
					g.errorf("status %d, Cache-Control %q", g.code, cc)
				}
			}
		}},
		{should, "validator", func(p *probe) {
			if g := p.get(zip).ok(); g.header.Get("Etag") == "" && g.header.Get("Last-Modified") == "" {
				g.errorf("neither ETag nor Last-Modified")
			}
		}},
		{should, "etag", func(p *probe) {
			seen := map[string]string{}
			for _, v := range basicVersions() {
				for _, ext := range extensions() {
					g := p.get(basic + "/@v/" + v + ext).ok()
					tag := g.header.Get("Etag")
					if !regexp.MustCompile(`^"[!#-~]+"$`).MatchString(tag) {
						g.errorf("ETag is %q", tag)
					}
					// The go.mod files of two versions may be the same.
					if old, ok := seen[tag]; ok && old != string(g.body) {
						g.errorf("ETag %s is that of another file", tag)
					}
					seen[tag] = string(g.body)
				}
			}
		}},
		{should, "not-modified", func(p *probe) {
			for _, ext := range extensions() {
				g := p.get(basic + v100 + ext).ok()
				tag := g.header.Get("Etag")
				for _, match := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
					if g := p.get(basic+v100+ext, "If-None-Match: "+match).status(304); len(g.body)+len(g.after) > 0 || g.header.Get("Etag") != tag {
						g.errorf("a body of %d bytes, ETag %q", len(g.body), g.header.Get("Etag"))
					}
				}
				p.get(basic+v100+ext, `If-None-Match: "other"`).ok()
				if since := g.header.Get("Last-Modified"); since != "" {
					p.get(basic+v100+ext, "If-Modified-Since: "+since).status(304)
				}
			}
		}},
		{should, "range", func(p *probe) {
			want := p.file(zip)
			g := p.get(zip, "Range: bytes=10-109").status(206)
			if string(g.body) != string(want[10:110]) {
				g.errorf("%d bytes %.100q", len(g.body), g.body)
			}
			g.field("Content-Range", fmt.Sprintf("bytes 10-109/%d", len(want))).field("Content-Length", "100")
		}},
		{should, "range-bad", func(p *probe) {
			p.get(zip, "Range: bytes=99999999-").status(416).field("Content-Range", fmt.Sprintf("bytes */%d", len(p.file(zip))))
		}},
		{should, "gzip-zip", func(p *probe) { p.get(zip, "Accept-Encoding: gzip").is(p.file(zip)).field("Content-Encoding", "") }},
		{must, "gzip-text", func(p *probe) {
			for _, path := range []string{basic + v100 + ".mod", basic + v100 + ".info", basic + "/@v/list", "/" + p.fresh() + v100 + ".mod"} {
				for _, accept := range []string{"gzip", "br;q=1.0, gzip;q=0.8, *;q=0.1", "identity;q=0"} {
					if g := p.get(path, "Accept-Encoding: "+accept).ok(); path != basic+"/@v/list" && string(g.plain()) != string(p.file(path)) {
						g.errorf("%.100q", g.plain())
					}
				}
			}
		}},
		{may, "nosniff", files(func(p *probe, g *got) { g.field("X-Content-Type-Options", "nosniff") })},
	}
}

func cacheRules() []rule {
	thrice := func(file string, check func(*got)) func(*probe) {
		return func(p *probe) {
			path := "/" + p.fresh() + file
			for range 3 {
				check(p.get(path))
			}
			p.fetches(path, 1)
		}
	}
	ok := func(g *got) { g.ok() }
	return []rule{
		{must, "cache-info", thrice(v100+".info", ok)},
		{must, "cache-mod", thrice(v100+".mod", ok)},
		{must, "cache-zip", thrice(v100+".zip", ok)},
		{should, "cache-list", thrice("/@v/list", ok)},
		{should, "cache-latest", thrice("/@latest", ok)},
		{should, "neg-info", thrice("/@v/v1.99.0.info", func(g *got) { g.absent() })},
	}
}

func staleRules() []rule {
	outlives := func(file string, within time.Duration) func(*probe) {
		return func(p *probe) {
			path := "/" + p.fresh() + file
			first := p.get(path).ok()
			for _, outage := range []modtest.Fault{{Drop: true}, {Status: 500}, {Status: 503}, {Status: 429}} {
				p.up.proxy.SetFault("/", outage)
				if g := p.get(path).is(first.body); g.took > within {
					g.errorf("it took %v", g.took)
				}
			}
		}
	}
	return []rule{
		{must, "stale-info", outlives(v100+".info", time.Minute)},
		{must, "stale-mod", outlives(v100+".mod", time.Minute)},
		{must, "stale-zip", outlives(v100+".zip", time.Minute)},
		{should, "stale-list", outlives("/@v/list", time.Minute)},
		{may, "stale-branch", outlives("/@v/main.info", time.Minute)},
		{should, "stale-fast", outlives("/@v/list", 2*time.Second)},
	}
}

func fetchRules() []rule {
	return []rule{
		{should, "nofetch-hit", func(p *probe) {
			path := "/" + p.fresh()
			for _, file := range []string{v100 + ".info", v100 + ".mod", v100 + ".zip", "/@v/list", "/@latest", "/@v/main.info"} {
				want := p.get(path + file).ok().body
				p.get(path+file, "Disable-Module-Fetch: true").is(want)
			}
		}},
		{may, "cachedonly-miss", func(p *probe) {
			path := "/cached-only/" + p.fresh()
			for _, file := range []string{v100 + ".info", v100 + ".mod", v100 + ".zip", "/@v/list", "/@latest", "/@v/main.info"} {
				p.get(path + file).absent()
			}
			p.fetches("/", 0)
		}},
		{may, "cachedonly-hit", func(p *probe) {
			path := "/" + p.fresh()
			files := []string{v100 + ".info", v100 + ".mod", v100 + ".zip", "/@v/list", "/@latest", "/@v/main.info"}
			want := map[string][]byte{}
			for _, file := range files {
				want[file] = p.get(path + file).ok().body
			}
			p.up.proxy.Reset()
			for _, file := range files {
				p.get("/cached-only" + path + file).is(want[file])
			}
			p.fetches("/", 0)
		}},
		{may, "x-cache", func(p *probe) {
			for _, file := range []string{v100 + ".mod", v100 + ".info", v100 + ".zip", "/@v/list"} {
				path := "/" + p.fresh() + file
				p.get(path).ok().field("X-Cache", "MISS").field("X-Goready-Upstream", p.up.url)
				p.get(path).ok().field("X-Cache", "HIT").field("X-Goready-Upstream", "")
			}
			path := "/" + p.fresh() + "/@v/v1.99.0.mod"
			p.get(path).absent()
			p.get(path).absent().field("X-Cache", "NEGATIVE")
		}},
		{should, "stampede", func(p *probe) {
			zip := "/" + p.freshBig(8<<20) + v100 + ".zip"
			want := p.file(zip)
			p.together(20, func(_ int, q *probe) { q.get(zip).is(want) })
			p.fetches(zip, 1)
		}},
		{may, "streams", func(p *probe) {
			zip := "/" + p.freshBig(2<<20) + v100 + ".zip"
			p.up.proxy.SetFault(zip, modtest.Fault{Rate: 1 << 20})
			if g := p.get(zip).is(p.file(zip)); g.first > g.took/2 || g.took < time.Second {
				g.errorf("the first byte after %v of %v", g.first, g.took)
			}
		}},
	}
}

// together runs n checks at the same time.
func (p *probe) together(n int, check func(i int, q *probe)) {
	var mu sync.Mutex // guards p.problems
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			q := p.probe(p.t)
			check(i, q)
			mu.Lock()
			defer mu.Unlock()
			p.problems = append(p.problems, q.problems...)
		})
	}
	wait.Wait()
}
