//go:build unix

package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/modtest"
)

// Paths of the modules of modtest.Corpus.
const (
	basic        = "/mod.example.com/basic"
	basicV2      = "/mod.example.com/basic/v2"
	upper        = "/mod.example.com/!upper/!case!mod"
	upperPct     = "/mod.example.com/%21upper/%21case%21mod"
	incompatible = "/mod.example.com/incompatible"
	pseudo       = "/mod.example.com/pseudo"
	retract      = "/mod.example.com/retract"
	empty        = "/mod.example.com/empty"
	unknown      = "/mod.example.com/unknown"
	toolchain    = "/golang.org/toolchain"

	v100          = "/@v/v1.0.0"
	basicMain     = "v1.10.1-0.20231105060708-0123456789ab"
	pseudoVersion = "v0.0.0-20240303030303-bbbbbbbbbbbb"
	toolVersion   = "v0.0.1-go1.99.0.linux-amd64"
)

func basicVersions() []string {
	return []string{"v1.0.0", "v1.1.0", "v1.2.0", "v1.10.0", "v1.11.0-rc.1"}
}

func extensions() []string { return []string{".info", ".mod", ".zip"} }

func listRules() []rule {
	return []rule{
		{must, "list-all", func(p *probe) {
			g := p.get(basic + "/@v/list").ok()
			all := strings.Fields(string(g.body))
			slices.Sort(all)
			want := basicVersions()
			slices.Sort(want)
			if !slices.Equal(all, want) {
				g.errorf("%q, want %q", all, want)
			}
			p.get(basicV2+"/@v/list").lines("v2.0.0", "v2.1.0")
			p.get(incompatible+"/@v/list").lines("v1.5.0", "v2.0.0+incompatible", "v3.1.0+incompatible")
		}},
		{must, "list-lines", func(p *probe) {
			g := p.get(basic + "/@v/list").ok()
			if bytes.ContainsAny(g.body, "\r<> ") || bytes.Contains(g.body, []byte("\n\n")) || bytes.Count(g.body, []byte("\n")) != len(basicVersions()) {
				g.errorf("%q", g.body)
			}
		}},
		{may, "list-sorted", func(p *probe) {
			p.up.proxy.UnsortLists() // for good: no rule needs another order
			p.get("/"+p.fresh()+"/@v/list").lines("v1.0.0", "v1.1.0", "v1.10.0", "v1.11.0-rc.1")
		}},
		{must, "list-empty", func(p *probe) {
			p.get(pseudo + "/@v/list").is(nil)
			p.get(empty + "/@v/list").is(nil)
		}},
		{should, "list-retracted", func(p *probe) { p.get(retract+"/@v/list").lines("v1.0.0", "v1.1.0", "v1.2.0") }},
		{should, "list-ctype", func(p *probe) {
			p.get(basic + "/@v/list").ok().mediaType("text/plain")
			p.get(empty + "/@v/list").ok().mediaType("text/plain")
		}},
	}
}

func fileRules() []rule {
	return []rule{
		{must, "info", func(p *probe) {
			for _, v := range append(basicVersions(), basicMain) {
				p.get(basic + "/@v/" + v + ".info").version(v)
			}
		}},
		{must, "info-time", func(p *probe) {
			for path, want := range map[string]string{
				basic + v100: "2023-01-10T10:00:00Z", basic + "/@v/v1.10.0": "2023-10-01T08:15:30Z", pseudo + "/@v/" + pseudoVersion: "2024-03-03T03:03:03Z",
			} {
				if g := p.get(path + ".info"); g.info().Time.Format(time.RFC3339) != want || !bytes.Contains(g.body, []byte(`"`+want+`"`)) {
					g.errorf("%s, want %s", g.body, want)
				}
			}
		}},
		{should, "info-ctype", func(p *probe) { p.get(basic + v100 + ".info").ok().mediaType("application/json") }},
		{must, "mod", func(p *probe) {
			for _, path := range []string{basic + v100, basic + "/@v/v1.11.0-rc.1", "/mod.example.com/fork/@v/v1.0.1", "/mod.example.com/deps/@v/v1.0.0"} {
				p.get(path + ".mod").is(p.file(path + ".mod"))
			}
		}},
		{should, "mod-ctype", func(p *probe) { p.get(basic + v100 + ".mod").ok().mediaType("text/plain") }},
		{must, "zip", func(p *probe) {
			for _, v := range basicVersions() {
				p.get(basic + "/@v/" + v + ".zip").is(p.file(basic + "/@v/" + v + ".zip"))
			}
		}},
		{should, "zip-ctype", func(p *probe) { p.get(basic + v100 + ".zip").ok().mediaType("application/zip") }},
		{must, "zip-big", func(p *probe) {
			zip := "/" + p.freshBig(40<<20) + v100 + ".zip"
			for range 2 { // from upstream, and from the cache
				p.get(zip).is(p.file(zip))
			}
		}},
		{must, "latest", func(p *probe) {
			p.get(basic + "/@latest").version("v1.10.0")
			p.get(basicV2 + "/@latest").version("v2.1.0")
			p.get("/" + p.fresh() + "/@latest").version("v1.10.0")
		}},
		{must, "latest-pseudo", func(p *probe) { p.get(pseudo + "/@latest").version(pseudoVersion) }},
		{should, "latest-ctype", func(p *probe) { p.get(basic + "/@latest").ok().mediaType("application/json") }},
		{must, "upper-info", func(p *probe) {
			p.get(upper + v100 + ".info").version("v1.0.0")
			p.get(upper + "/@v/v1.1.0-!r!c1.info").version("v1.1.0-RC1")
		}},
		{must, "upper-zip", func(p *probe) {
			for _, v := range []string{v100, "/@v/v1.1.0-!r!c1"} {
				p.get(upper + v + ".zip").is(p.file(upper + v + ".zip"))
			}
		}},
		{must, "upper-pct", func(p *probe) {
			for _, ext := range extensions() {
				p.get(upperPct + v100 + ext).is(p.file(upper + v100 + ext))
				p.get(upperPct + "/@v/v1.1.0-%21r%21c1" + ext).is(p.file(upper + "/@v/v1.1.0-!r!c1" + ext))
			}
		}},
		{must, "upper-list", func(p *probe) {
			for _, path := range []string{upper, upperPct} {
				p.get(path+"/@v/list").lines("v1.0.0", "v1.1.0-RC1")
				p.get(path + "/@latest").version("v1.0.0")
			}
		}},
		{must, "incompatible", func(p *probe) {
			for _, ext := range extensions() {
				p.get(incompatible + "/@v/v2.0.0+incompatible" + ext).is(p.file(incompatible + "/@v/v2.0.0+incompatible" + ext))
			}
		}},
		{must, "incompatible-pct", func(p *probe) {
			for _, ext := range extensions() {
				p.get(incompatible + "/@v/v3.1.0%2Bincompatible" + ext).is(p.file(incompatible + "/@v/v3.1.0+incompatible" + ext))
			}
		}},
		{must, "major", func(p *probe) {
			for _, ext := range extensions() {
				p.get(basicV2 + "/@v/v2.1.0" + ext).is(p.file(basicV2 + "/@v/v2.1.0" + ext))
			}
		}},
		{must, "pseudo", func(p *probe) {
			for _, ext := range extensions() {
				p.get(pseudo + "/@v/" + pseudoVersion + ext).is(p.file(pseudo + "/@v/" + pseudoVersion + ext))
			}
		}},
		{must, "toolchain", func(p *probe) {
			for _, ext := range extensions() {
				p.get(toolchain + "/@v/" + toolVersion + ext).is(p.file(toolchain + "/@v/" + toolVersion + ext))
			}
		}},
	}
}

func queryRules() []rule {
	return []rule{
		{should, "branch", func(p *probe) {
			p.get(basic + "/@v/main.info").version(basicMain)
			p.get(pseudo + "/@v/main.info").version(pseudoVersion)
		}},
		{should, "revision", func(p *probe) {
			for _, rev := range []string{"0123456789ab", "0123456789abcdef0123456789abcdef01234567"} {
				g := p.get(basic + "/@v/" + rev + ".info").version(basicMain)
				if v := g.info().Version; v == "" || module.CanonicalVersion(v) != v {
					g.errorf("version %q is not canonical", v)
				}
			}
		}},
		{should, "branch-fresh", func(p *probe) {
			p.get(basic + "/@v/main.info").ok().shortLived()
			p.get(basic + "/@v/0123456789ab.info").ok().shortLived()
		}},
	}
}

func absenceRules() []rule {
	absent := func(targets ...string) func(*probe) {
		return func(p *probe) {
			for _, target := range targets {
				p.get(target).absent()
			}
		}
	}
	faulty := func(status int, files ...string) func(*probe, func(*got)) {
		return func(p *probe, check func(*got)) {
			for _, file := range files {
				path := "/" + p.fresh()
				p.up.proxy.SetFault(path+"/", modtest.Fault{Status: status, Body: "says upstream"})
				check(p.get(path + file))
			}
		}
	}
	return []rule{
		{must, "unknown-list", absent(unknown+"/@v/list", basic+"/v3/@v/list", basic+"/internal/deep/@v/list", "/mod.example.com/@v/list")},
		{must, "unknown-latest", absent(unknown+"/@latest", basic+"/v3/@latest")},
		{must, "unknown-info", absent(basic+"/@v/v1.99.0.info", unknown+v100+".info", basic+"/@v/v1.10.1-0.20231105060708-ffffffffffff.info")},
		{must, "unknown-mod", absent(basic+"/@v/v1.99.0.mod", unknown+v100+".mod")},
		{must, "unknown-zip", absent(basic+"/@v/v1.99.0.zip", unknown+v100+".zip")},
		{must, "unknown-branch", absent(basic+"/@v/nosuchbranch.info", basic+"/@v/deadbeefdead.info")},
		{must, "empty-latest", absent(empty + "/@latest")},
		{must, "wrong-major", absent(basic+"/@v/v2.0.0.info", basic+"/@v/v2.0.0.mod", basic+"/@v/v2.0.0.zip")},
		{must, "wrong-major-v2", absent(basicV2+v100+".info", basicV2+v100+".mod", basicV2+v100+".zip")},
		{should, "error-text", func(p *probe) { p.get(basic + "/@v/v1.99.0.info").absent().errorText() }},
		{should, "error-text-list", func(p *probe) { p.get(unknown + "/@v/list").absent().errorText() }},
		{must, "up-410", func(p *probe) {
			faulty(410, v100+".info", v100+".mod", v100+".zip", "/@v/list", "/@latest", "/@v/main.info")(p, func(g *got) { g.absent() })
		}},
		{must, "up-403", func(p *probe) {
			faulty(403, v100+".info", v100+".mod", v100+".zip", "/@v/list", "/@latest", "/@v/main.info")(p, func(g *got) {
				if g.code < 400 || g.code == 404 || g.code == 410 {
					g.errorf("status %d", g.code)
				}
			})
		}},
		{must, "up-500", func(p *probe) {
			faulty(500, v100+".info", v100+".mod", v100+".zip", "/@v/main.info", "/@latest")(p, func(g *got) { g.outage() })
		}},
		{must, "up-500-list", func(p *probe) { faulty(500, "/@v/list")(p, func(g *got) { g.outage() }) }},
		{must, "up-down", func(p *probe) {
			p.down()
			for _, file := range []string{v100 + ".info", "/@v/list"} {
				p.get("/" + p.fresh() + file).outage()
			}
			p.heals()
		}},
		{must, "up-down-heals", func(p *probe) {
			for _, file := range []string{v100 + ".info", v100 + ".mod", v100 + ".zip", "/@v/list"} {
				target := "/" + p.fresh() + file
				p.down()
				p.get(target).outage()
				p.up.proxy.Reset()
				p.get(target).is(p.file(target))
			}
		}},
	}
}

func pathRules() []rule {
	refused := func(targets ...string) func(*probe) {
		return func(p *probe) {
			for _, target := range targets {
				p.get(target).refused()
			}
			p.fetches("/", 0)
		}
	}
	traversal := func(target string) func(*probe) {
		return func(p *probe) {
			if g := p.get(target); g.code < 300 || g.code >= 500 || bytes.Contains(g.body, []byte("root:")) {
				g.errorf("status %d: %.200q", g.code, g.body)
			}
			p.fetches("/", 0)
		}
	}
	return []rule{
		{must, "raw-upper", refused("/mod.example.com/Upper/CaseMod/@v/list", "/mod.example.com/Upper/CaseMod/@latest")},
		{must, "raw-upper-mod", func(p *probe) {
			p.get(upper + v100 + ".mod").ok()
			p.get("/mod.example.com/Upper/CaseMod/@v/v1.0.0.mod").refused()
			p.get("/mod.example.com/!upper/CaseMod/@v/v1.0.0.mod").refused()
			p.get(upper + "/@v/v1.1.0-RC1.mod").refused()
		}},
		{must, "bang-end", refused(basic + "!/@v/list")},
		{must, "bang-bang", refused("/mod.example.com/!!upper/@v/list", "/mod.example.com/!Upper/@v/list", "/mod.example.com/!1/@v/list")},
		{should, "no-dot", refused("/std/@v/list", "/cmd/@v/list", "/fmt/@latest", "/basic/@v/v1.0.0.info")},
		{must, "dotdot-elem", func(p *probe) {
			for _, target := range []string{"/mod.example.com/basic/../basic/@v/list", "/mod.example.com/./basic/@v/list", basic + "/@v/../@v/list"} {
				if g := p.get(target); g.code < 300 || g.code >= 500 {
					g.errorf("status %d", g.code)
				}
			}
		}},
		{must, "dir", refused(basic+"/@v/", basic+"/@v", basic+"/", basic)},
		{should, "dir-module", refused("/mod.example.com/", "/mod.example.com", "/modules/", "/tmp/", "/quarantine/")},
		{should, "list-slash", refused(basic+"/@v/list/", basic+"/@latest/", basic+v100+".info/")},
		{must, "bad-ext", refused(basic+v100+".exe", basic+v100+".ziphash", basic+v100+".modhash", basic+v100+".zip.tmp", basic+v100+".INFO")},
		{must, "no-ext", refused(basic+v100, basic+"/@v/main", basic+"/@v/.info", basic+"/@v/.zip", basic+"/@v/.")},
		{must, "lock-file", refused(basic+v100+".lock", basic+"/@v/list.lock", basic+"/@v/lock", "/cache/lock")},
		{should, "noncanon-zip", refused(basic+"/@v/main.zip", basic+"/@v/v1.zip", basic+"/@v/v1.0.0+meta.zip", basic+"/@v/v01.0.0.zip")},
		{should, "noncanon-mod", refused(basic+"/@v/v1.mod", basic+"/@v/main.mod", basic+"/@v/v1.0.mod", basic+"/@v/1.0.0.mod")},
		{must, "nul", refused(basic+v100+"%00.info", basic+"%00/@v/list", basic+v100+".info%00", basic+v100+"\x00.info")},
		{must, "newline", refused(basic+"%0a/@v/list", basic+"%0d%0aEvil:%20yes/@v/list", basic+"/@v/main%0a.info")},
		{should, "space", refused(basic+"%20x/@v/list", basic+"%20/@v/list", "/%20mod.example.com/basic/@v/list", basic+"%09/@v/list")},
		{must, "backslash", refused("/..%5c..%5cetc/@v/list", basic+"%5c/@v/list", basic+`\x/@v/list`, basic+"/@v/..%5cv1.0.0.info")},
		{must, "dash", refused("/-oProxyCommand=x.com/a/@v/list", "/-x.com/a/@latest", "/mod.example.com/-a/@v/-x.info")},
		{must, "dash-ver", refused(basic+"/@v/--upload-pack=x.info", basic+"/@v/-.info", basic+"/@v/-v1.0.0.zip")},
		{must, "non-ascii", refused("/mod.example.com/b%C3%A4sic/@v/list", "/mod.example.com/bäsic/@v/list", basic+"/@v/v1.0.0-%C3%A4.zip", "/mod.example.com/%ff/@v/list")},
		{should, "long-path", refused("/mod.example.com/"+strings.Repeat("a", 6<<10)+"/@v/list", "/mod.example.com"+strings.Repeat("/a", 3<<10)+"/@v/list")},
		{must, "traversal-1", traversal("/../../../../../../etc/passwd")},
		{must, "traversal-2", traversal("/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd")},
		{must, "traversal-4", traversal("/x.com/@v/../../../../../../../../etc/passwd")},
		{must, "traversal-6", traversal("//etc/passwd")},
	}
}

func methodRules() []rule {
	return []rule{
		{should, "method-post", func(p *probe) {
			p.get(basic + v100 + ".info").ok()
			for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "PROPFIND", "MOVE", "get", "X"} {
				g := p.ask(method, basic+v100+".info", "Content-Length: 0").refused()
				if g.code == 405 && !strings.Contains(g.header.Get("Allow"), "GET") {
					g.errorf("Allow is %q", g.header.Get("Allow"))
				}
			}
		}},
		{must, "method-keep", func(p *probe) {
			want := p.file(basic + v100 + ".info")
			for _, method := range []string{"POST", "PUT", "DELETE"} {
				p.ask(method, basic+v100+".info", "Content-Length: 0").never()
				p.get(basic + v100 + ".info").is(want)
			}
			for _, name := range p.stored() {
				if !strings.HasSuffix(name, basic+v100+".info") {
					continue
				}
				if data, err := os.ReadFile(name); err != nil || !bytes.Equal(data, want) {
					p.errorf("%s: %v, %q", name, err, data)
				}
			}
		}},
	}
}

// bodyRules are about what must not be served.
func bodyRules() []rule {
	return []rule{
		{must, "bad-zip", func(p *probe) {
			path := p.freshZip(p.file(basic + v100 + ".zip"))
			p.get("/" + path + v100 + ".zip").never()
			p.get("/" + path + v100 + ".zip").never()
		}},
		{must, "truncated-up", func(p *probe) {
			for _, size := range []int{300 << 10, 40 << 10} { // more and less than is held back
				zip := "/" + p.freshBig(size) + v100 + ".zip"
				p.up.proxy.SetFault(zip, modtest.Fault{TruncateAt: int64(size / 2), Times: 1})
				if g := p.get(zip); g.good() {
					g.is(p.file(zip))
				} else if g.code == 404 || g.code == 410 {
					g.errorf("status %d", g.code)
				}
			}
		}},
		{must, "truncated-heals", func(p *probe) {
			for _, size := range []int{300 << 10, 40 << 10} {
				zip := "/" + p.freshBig(size) + v100 + ".zip"
				p.up.proxy.SetFault(zip, modtest.Fault{TruncateAt: int64(size / 2), Times: 1})
				p.get(zip)
				p.get(zip).is(p.file(zip))
				p.get(zip).is(p.file(zip))
			}
		}},
		{should, "tampered", func(p *probe) {
			const lie = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
			small, big, mod := p.fresh(), p.freshBig(1<<20), p.fresh()
			p.up.sums.Override(small, "v1.0.0", lie, "")
			p.up.sums.Override(big, "v1.0.0", lie, "")
			p.up.sums.Override(mod, "v1.0.0", "", lie)
			for range 2 {
				p.get("/" + small + v100 + ".zip").never()
				p.get("/" + big + v100 + ".zip").never()
				p.get("/" + mod + v100 + ".mod").never()
			}
			for _, name := range p.stored() {
				if strings.Contains(name, small+v100+".zip") || strings.Contains(name, big+v100+".zip") || strings.Contains(name, mod+v100+".mod") {
					p.errorf("%s is stored", name)
				}
			}
			p.get("/" + small + "/@v/v1.1.0.zip").ok()
		}},
	}
}
