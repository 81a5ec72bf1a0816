//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/modtest"
)

// TestProtocolPaths: what is no path of the protocol is refused, and upstream never hears of it.
func TestProtocolPaths(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	long := strings.Repeat("a", 300)
	paths := map[string][]string{
		"dots":             {"/mod.example.com/%2e%2e/basic/@v/list", "/mod.example.com/%2e/basic/@v/list", "/.%2e/.%2e/etc/passwd", basic + "/@v/%2e%2e/%2e%2e/list"},
		"dots-file":        {basic + "/@v/..info", basic + "/@v/...zip", basic + "/@v/%2e%2e.info", basic + "/@v/..%2f..%2fx.info"},
		"double-encoded":   {"/mod.example.com/%252e%252e/basic/@v/list", "/mod.example.com%252fbasic/@v/list", "/%2521upper/@v/list", basic + "%2500/@v/list"},
		"overlong-utf8":    {"/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd", "/mod.example.com/%e0%80%ae/@v/list", "/mod.example.com/%ef%bc%8e/@v/list"},
		"bad-percent":      {basic + "%/@v/list", basic + "%zz/@v/list", basic + "%2/@v/list"},
		"encoded-slash":    {basic + "/@v%2f%2e%2e%2fv1.0.0.info", basic + "/@v/v1.0.0%2finfo", basic + "/@v/a%2fb.info"},
		"slashes":          {"//mod.example.com/basic/@v/list", "/mod.example.com//basic/@v/list", basic + "//@v/list", basic + "/@v//list", "///@v/list", "//"},
		"slash-end":        {"/mod.example.com/basic/", basic + "/@v//", basic + "/@latest/x", basic + "/@v/list/x"},
		"no-module":        {"/@v/list", "/@latest", "/@v/v1.0.0.info", "/@", "/@/@", "/v1.0.0.info"},
		"at":               {basic + "@v1.0.0/@v/list", basic + "/@v/@v/list", basic + "/@v/x@v1.0.0.info/", basic + "/@x/list", basic + "/@V/list", basic + "/@v/LIST", basic + "/@LATEST"},
		"long-version":     {basic + "/@v/v1.0.0-" + long + ".info", basic + "/@v/" + long + ".info", basic + "/@v/v1.0.0-" + long + ".zip"},
		"long-element":     {"/mod.example.com/" + long + "/@v/list", "/" + long + ".com/a/@latest", "/mod.example.com/" + strings.Repeat("!a", 130) + "/@v/list"},
		"long-target":      {"/mod.example.com/" + strings.Repeat("a", 20<<10) + "/@v/list", "/" + strings.Repeat("../", 5<<10), basic + "/@v/list?" + strings.Repeat("x", 60<<10)},
		"odd-elements":     {"/mod.example.com/.hidden/@v/list", "/mod.example.com/a./@v/list", "/mod.example.com/con/@v/list", "/mod.example.com/aux.x/@v/list", "/mod.example.com/foo~1/@v/list"},
		"odd-hosts":        {"/localhost/a/@v/list", "/127.0.0.1:80/a/@v/list", "/mod.example.com:80/a/@v/list", "/!mod.example.com/a/@v/list", "/.com/a/@v/list", "/_x.com/a/@v/list", "/mod.example.com./a/@v/list"},
		"odd-letters":      {basic + "'/@v/list", basic + "%22/@v/list", basic + "*/@v/list", basic + "%3f/@v/list", basic + "%23/@v/list", basic + "|x/@v/list", basic + "%60id%60/@v/list", basic + "$(id)/@v/list", basic + ";x/@v/list", basic + "%3cscript%3e/@v/list"},
		"del":              {basic + "%7f/@v/list", basic + "%1b[31m/@v/list", basic + "/@v/%1b.info", basic + "/@v/%e2%80%ae.info"},
		"capital-version":  {upper + "/@v/v1.1.0-RC1.info", basic + "/@v/V1.0.0.info", basic + "/@v/HEAD.info", upper + "/@v/v1.1.0-!RC1.zip"},
		"bad-escape":       {basic + "/@v/!.info", basic + "/@v/main!.info", basic + "/@v/!!m.info", "/!/@v/list", "/mod.example.com/!/@v/list"},
		"non-canonical":    {basic + "/@v/v1.0.0+meta.zip", basic + "/@v/v1.0.zip", basic + "/@v/v1.0.0.0.mod", basic + "/@v/v1.00.0.mod", basic + "/@v/v1.0.0-01.zip", basic + "/@v/latest.zip", basic + "/@v/list.mod"},
		"gopkg-in":         {"/gopkg.in/yaml/@v/list", "/gopkg.in/@v/list", "/gopkg.in/yaml.v/@v/list", "/gopkg.in/yaml.v01/@v/list", "/gopkg.in/a/b/yaml/@latest"},
		"major-suffix":     {basic + "/v1/@v/list", basic + "/v0/@v/list", basic + "/v02/@v/list", basic + "/v1/@latest"},
		"store":            {"/modules/mod.example.com/basic/@v/list", "/../data/modules/" + basic + v100 + ".info", basic + v100 + ".ziphash", basic + v100 + ".modhash", "/tmp/x", "/answers/x", "/sumdb/"},
		"sumdb":            {sums, sums + "/", sums + "/nothing", sums + "/supported/", sums + "/SUPPORTED", sums + "/lookup/", sums + "/lookup/mod.example.com/basic", sums + "/lookup/mod.example.com/basic@", sums + "/lookup/@v1.0.0", sums + "/lookup/mod.example.com/basic@main", sums + "/lookup/mod.example.com/basic@v1.0.0/x", sums + "/lookup/mod.example.com/basic@v1.0.0/go.mod", sums + "/lookup/mod.example.com/Upper/CaseMod@v1.0.0", sums + "/lookup/mod.example.com/basic@v1.0.0@v1.1.0"},
		"sumdb-tiles":      {sums + "/tile/", sums + "/tile/8/0/000.p/0", sums + "/tile/8/0/000.p/257", sums + "/tile/8/0/0", sums + "/tile/8/0/x999", sums + "/tile/8/0/-01", sums + "/tile/0/0/000", sums + "/tile/99/0/000", sums + "/tile/8/-1/000", sums + "/tile/8/data/../../latest", sums + "/tile/8/0/000.p/1/", sums + "/tile/8/0/x99999999999/999"},
		"sumdb-traversal":  {"/sumdb/../mod.example.com/basic/@v/list", "/sumdb/%2e%2e/etc/passwd", "/sumdb//supported", sums + "//supported", sums + "/../latest", sums + "%2flatest%00", "/sumdb/sum.example.com%00/latest"},
		"sumdb-relay":      {"/sumdb/127.0.0.1:80/latest", "/sumdb/localhost/latest", "/sumdb/user@sum.example.com/latest", "/sumdb/SUM.example.com/latest", "/sumdb/sum.example.com:443/latest"},
		"cached-only":      {"/cached-only", "/cached-only/", "/cached-only/x", "/cached-only/cached-only" + basic + v100 + ".info", "/cached-only/../mod.example.com/basic/@v/list", "/Cached-Only" + basic + "/@v/list", "/cached-only//mod.example.com/basic/@v/list"},
		"operators":        {"/metrics", "/readyz", "/-/config", "/debug/pprof/", "/debug/pprof/heap", "/-/", "/admin", "/.git/config", "/favicon.ico", "/robots.txt"},
		"package-prefixes": {"/github.com/@v/list", "/github.com/x/@v/list", "/gitlab.com/x/@latest"},
	}
	for _, name := range sortedKeys(paths) {
		b.run(t, name, func(p *probe) {
			for _, target := range paths[name] {
				p.get(target).refused()
			}
			p.fetches("/", 0)
		})
	}
}

// TestProtocolSpellings: a path is what it is once percent-decoded, whatever is behind the question mark.
func TestProtocolSpellings(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	list := basic + "/@v/list"
	b.run(t, "percent", func(p *probe) {
		want := p.get(list).ok().body
		for _, target := range []string{"/%6d%6Fd.example.com/basic/%40v/list", "/mod.example.com/basic/@v/%6cist", basic + "/%40%76/list"} {
			p.get(target).is(want)
		}
		p.get(upperPct + "/%40latest").version("v1.0.0")
	})
	b.run(t, "encoded-slash", func(p *probe) {
		for _, target := range []string{"/mod.example.com%2fbasic/@v/list", basic + "%2F@v%2Flist"} {
			if g := p.get(target); g.code >= 500 || g.good() && !bytes.Equal(g.body, p.get(list).body) {
				g.errorf("status %d: %q", g.code, g.body)
			}
		}
	})
	b.run(t, "query", func(p *probe) {
		want := p.get(list).ok().body
		p.up.proxy.Reset()
		for _, query := range []string{"?go-get=1", "?", "?x=%00", "?../../etc/passwd", "?a=1&a=2;b", "?%zz"} {
			p.get(list + query).is(want)
		}
		p.fetches("/", 0)
		p.get("/mod.example.com/basic?go-get=1").refused()
		p.get("/?go-get=1").refused()
	})
	b.run(t, "index-query", func(p *probe) {
		p.get(basic + v100 + ".info").ok()
		for _, query := range []string{"?since=2019-01-01T00:00:00Z", "?limit=1", "?limit=100000&since=2050-01-01T00:00:00Z"} {
			p.get("/index" + query).ok()
		}
		for _, query := range []string{"?since=yesterday", "?limit=-1", "?limit=x", "?limit=99999999999999999999"} {
			if g := p.get("/index" + query); g.code >= 500 {
				g.errorf("status %d", g.code)
			}
		}
	})
	// A branch may have nearly any name; what is encoded twice means a percent sign in it.
	b.run(t, "branches", func(p *probe) {
		name := p.fresh()
		for branch, sent := range map[string]string{
			"a%20b": "a%2520b", "Release": "!release", "x.zip": "x.zip", "v1": "v1", "v1.0": "v1.0", "a+b": "a+b", "c+d": "c%2Bd", "e=f&g": "e=f&g", "h@i": "h%40i",
			"j#k": "j%23k", "[l]": "%5Bl%5D", "m~n": "m~n", "list": "list", "o,p": "o,p", "{q}": "%7Bq%7D", "r^s": "r%5Es", "v1.0.0+meta": "v1.0.0+meta", ".t": ".t",
		} {
			p.up.modules.SetQuery(name, branch, "v1.1.0")
			if g := p.get("/" + name + "/@v/" + sent + ".info"); g.code != 200 {
				g.errorf("branch %q: status %d: %s", branch, g.code, g.body)
			} else {
				g.version("v1.1.0").shortLived()
			}
		}
		p.get("/" + name + "/@v/a%20b.info").refused() // is not the branch a%20b
	})
	b.run(t, "gopkg-in", func(p *probe) {
		p.up.modules.Add(modtest.Version{Path: "gopkg.in/yaml.v3", Version: "v3.0.1", Files: map[string]string{"go.mod": "module gopkg.in/yaml.v3\n"}})
		p.get("/gopkg.in/yaml.v3/@v/list").lines("v3.0.1")
		p.get("/gopkg.in/yaml.v3/@latest").version("v3.0.1")
		p.get("/gopkg.in/yaml.v3/@v/v3.0.1.zip").ok()
		p.get("/gopkg.in/yaml.v3/@v/v2.0.0.info").absent()
		p.get("/gopkg.in/yaml.v2/@v/list").absent()
		p.get("/gopkg.in/user/pkg.v1-unstable/@v/list").absent()
	})
	b.run(t, "versions-that-cannot-be", func(p *probe) {
		for _, target := range []string{
			basic + "/@v/v2.0.0-20231105060708-0123456789ab.info", basicV2 + "/@v/v1.10.1-0.20231105060708-0123456789ab.info", // another major version
			basic + "/@v/v9.10.1-0.20231105060708-0123456789ab.mod", basic + "/@v/v1.9.9-0.20231105060708-0123456789ab.info",
			basic + "/@v/v1.10.0-20231105060708-0123456789ab.info", basic + "/@v/v1.10.1-0.20231105060708-0123456789AB.info",
			basic + "/@v/v1.10.1-0.20239905060708-0123456789ab.info",
			basicV2 + "/@v/v2.1.0+incompatible.info", basicV2 + "/@v/v2.1.0+incompatible.zip", basic + "/@v/v1.0.0+incompatible.info", basic + "/@v/v1.0.0+incompatible.mod",
			incompatible + "/@v/v2.0.0.mod", incompatible + "/@v/v2.0.0.zip",
		} {
			p.get(target).refused()
		}
	})
}

// TestProtocolRequests: requests that only a test or an attacker sends.
func TestProtocolRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	list := basic + "/@v/list"
	mod := basic + v100 + ".mod"
	send := func(p *probe, request string) *got { return p.raw(p.url, "GET", request) }
	b.run(t, "absolute-form", func(p *probe) {
		want := p.file(mod)
		for _, target := range []string{"http://proxy.example.com", "https://127.0.0.1:1", "http://user:pw@evil.example.com:80", p.up.url} {
			send(p, "GET "+target+mod+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").is(want)
		}
		p.get(p.up.url + "/nothing").refused() // it is no relay
	})
	b.run(t, "no-relay", func(p *probe) {
		p.ask("CONNECT", strings.TrimPrefix(p.up.url, "http://")).refused()
		p.ask("CONNECT", list).refused()
		if g := p.ask("TRACE", list, "X-Secret: a").refused(); bytes.Contains(g.body, []byte("X-Secret")) {
			g.errorf("%s", g.body)
		}
		if g := p.ask("OPTIONS", "*"); g.code >= 500 {
			g.errorf("status %d", g.code)
		}
		p.fetches("/", 0)
	})
	b.run(t, "http-1.0", func(p *probe) {
		zip := "/" + p.freshBig(200<<10) + v100 + ".zip"
		for range 2 {
			if g := send(p, "GET "+zip+" HTTP/1.0\r\n\r\n").is(p.file(zip)); g.header.Get("Transfer-Encoding") != "" {
				g.errorf("it is chunked")
			}
		}
		send(p, "GET "+list+" HTTP/1.0\r\nConnection: keep-alive\r\nHost:\r\n\r\n").ok()
		send(p, "GET /x HTTP/1.0\r\n\r\n").absent()
	})
	b.run(t, "other-versions", func(p *probe) {
		for _, first := range []string{"GET " + list, "GET  " + list + " HTTP/1.1", "GET " + list + " HTTP/3.0", "GET " + list + " http/1.1", "PRI * HTTP/2.0", list, " ", "GET " + list + " x HTTP/1.1", "\x16\x03\x01\x02"} {
			if g := send(p, first+"\r\nHost: x\r\n\r\n"); g.code != 0 && g.code < 400 || g.code == 500 {
				g.errorf("status %d: %q", g.code, g.body)
			}
		}
	})
	b.run(t, "host", func(p *probe) {
		want := p.get(list).ok().body
		p.up.proxy.Reset()
		for _, host := range []string{"", "evil.example.com", "127.0.0.1:99999", "[::1]", "proxy.example.com.", "PROXY.example.com:8081"} {
			send(p, "GET "+list+" HTTP/1.1\r\nHost: "+host+"\r\nX-Forwarded-Host: evil\r\nX-Original-URL: /x\r\nConnection: close\r\n\r\n").is(want)
		}
		for _, lines := range []string{"", "Host: a\r\nHost: b\r\n", "Host: a b\r\n", "Host : x\r\n", "Host: x\r\n folded: y\r\n"} {
			send(p, "GET "+list+" HTTP/1.1\r\n"+lines+"Connection: close\r\n\r\n").refused()
		}
		p.fetches("/", 0)
	})
	b.run(t, "body", func(p *probe) {
		want := p.file(mod)
		smuggled := "GET " + list + " HTTP/1.1\r\nHost: x\r\n\r\n"
		send(p, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", mod, len(smuggled), smuggled)).is(want)
		send(p, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", mod, len(smuggled), smuggled)).is(want)
		for _, lines := range []string{"Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: -1\r\n", "Content-Length: x\r\n", "Transfer-Encoding: x\r\n", "Content-Length: 99999999999\r\n"} {
			if g := send(p, "GET "+mod+" HTTP/1.1\r\nHost: x\r\n"+lines+"Connection: close\r\n\r\n12345"); g.code < 400 || g.code == 500 {
				g.errorf("%q: status %d", lines, g.code)
			}
		}
		// Two lengths: whoever believes the other one must get no second answer.
		if g := send(p, "GET "+mod+" HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+smuggled); !g.good() {
			g.refused()
		}
	})
	b.run(t, "pipeline", func(p *probe) { p.pipelined(t, mod, unknown+"/@v/list", "/x", list, mod) })
	b.run(t, "headers", func(p *probe) {
		large := strings.Repeat("x", 100<<10)
		if g := p.get(list, "X-Large: "+large); g.code != 0 && g.code != 431 { // it may be cut off
			g.errorf("status %d", g.code)
		}
		for _, id := range []string{`a"b`, "a\tb", "ä", strings.Repeat("x", 200)} {
			if g := p.get(unknown+"/@v/list", "X-Request-Id: "+id).absent(); g.header.Get("X-Request-Id") == id {
				g.errorf("X-Request-Id %q comes back", id)
			}
		}
		p.get(list, "Accept: application/xml;q=0", "Accept-Charset: x", "TE: trailers", "Expect: 100-continue", "Upgrade: websocket", "Upgrade: h2c").ok()
		p.get(list, "Authorization: Basic eDp5", "Cookie: a=b", "Forwarded: for=_x", "Cache-Control: no-cache", "Pragma: no-cache").ok()
	})
}

// pipelined sends requests in one go and checks that the answers come in order.
func (p *probe) pipelined(t *testing.T, targets ...string) {
	want := map[string]*got{}
	request := ""
	for _, target := range targets {
		want[target] = p.get(target)
		request += "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"
	}
	conn := dial(t, &server{url: p.url})
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	for _, target := range targets {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if w := want[target]; err != nil || resp.StatusCode != w.code || !bytes.Equal(body, w.body) {
			p.errorf("%s: %s %q, %v, want %d %q", target, resp.Status, body, err, w.code, w.body)
		}
	}
}

// TestProtocolHead: HEAD answers what GET does, without the body.
func TestProtocolHead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run(t, "same", func(p *probe) {
		forbidden := "/" + p.fresh()
		p.up.proxy.SetFault(forbidden, modtest.Fault{Status: 403, Body: "no"})
		for _, target := range []string{
			basic + v100 + ".info", basic + v100 + ".mod", basic + v100 + ".zip", basic + "/@v/list", basic + "/@latest", empty + "/@v/list", basic + "/@v/main.info",
			unknown + "/@v/list", basic + "/@v/v1.99.0.zip", empty + "/@latest", forbidden + v100 + ".info", "/x", basic + "/@v/", "/index", "/healthz",
			sums + "/supported", sums + "/latest", sums + "/lookup/mod.example.com/basic@v1.0.0", sums + "/tile/8/0/000.p/1", sums + "/lookup/mod.example.com/basic@v1.99.0",
		} {
			p.get(target) // so that both find it in the cache
			g, h := p.get(target), p.head(target)
			if h.status(g.code); len(h.after) > 0 {
				h.errorf("a body %.100q", h.after)
			}
			for _, name := range []string{"Content-Type", "Etag", "Cache-Control", "Content-Length", "Vary", "X-Cache", "Accept-Ranges", "X-Content-Type-Options"} {
				if name == "Content-Length" && h.header.Get(name) == "" {
					continue // HEAD may leave it out
				}
				h.field(name, g.header.Get(name))
			}
		}
	})
	b.run(t, "uncached", func(p *probe) {
		for _, file := range []string{v100 + ".zip", "/@v/v1.99.0.zip"} {
			path := "/" + p.fresh()
			if h := p.head(path + file); h.code != 200 && h.code != 404 || len(h.after) > 0 {
				h.errorf("status %d", h.code)
			}
		}
	})
}

// TestProtocolConditions: conditional requests and ranges, by RFC 9110, of what is in memory and of what is a file.
func TestProtocolConditions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	big := "/" + b.probe(t).freshBig(300<<10) + v100 + ".zip"
	for name, target := range map[string]string{"memory": basic + v100 + ".zip", "file": big, "text": basic + v100 + ".mod", "list": basic + "/@v/list"} {
		b.run(t, "if-"+name, func(p *probe) {
			p.get(target) // the hash is not known before the end
			g := p.get(target).ok()
			tag, full := g.header.Get("Etag"), g.body
			if tag == "" {
				g.errorf("no ETag")
				return
			}
			for _, match := range []string{tag, "W/" + tag, `"a", "b" ,` + tag, "*", "," + tag} {
				p.get(target, "If-None-Match: "+match).status(304)
				p.head(target, "If-None-Match: "+match).status(304)
			}
			p.get(target, "If-None-Match: "+tag, "If-Modified-Since: Mon, 01 Jan 1990 00:00:00 GMT").status(304)
			for _, match := range []string{`"other"`, `W/"other"`, strings.Trim(tag, `"`), `"` + strings.Trim(tag, `"`), "", strings.ToUpper(tag) + "x"} {
				p.get(target, "If-None-Match: "+match).is(full)
			}
			for _, since := range []string{"yesterday", "", "Mon, 01 Jan 1990 00:00:00 GMT"} {
				p.get(target, "If-Modified-Since: "+since).is(full)
			}
			p.get(target, "If-Match: "+tag).is(full)
			p.get(target, "If-Match: *").is(full)
			p.get(target, `If-Match: "other"`).status(412)
			p.get(target, "If-Match: W/"+tag).status(412)
		})
		b.run(t, "range-"+name, func(p *probe) { p.ranges(target) })
	}
	b.run(t, "uncached", func(p *probe) {
		zip := "/" + p.freshBig(300<<10) + v100 + ".zip"
		if g := p.get(zip, "Range: bytes=10-109").status(206); !bytes.Equal(g.body, p.file(zip)[10:110]) {
			g.errorf("%d bytes", len(g.body))
		}
		zip = "/" + p.freshBig(300<<10) + v100 + ".zip"
		p.get(zip, `If-None-Match: "other"`).is(p.file(zip))
		zip = "/" + p.freshBig(300<<10) + v100 + ".zip"
		p.get(zip, `If-Match: "other"`).status(412)
	})
	b.run(t, "same-tag-later", func(p *probe) { // a tag is good for ever, also from before the file was fetched again
		zip := "/" + p.fresh() + v100 + ".zip"
		if first, second := p.get(zip).ok(), p.get(zip).ok(); first.header.Get("Etag") != "" && first.header.Get("Etag") != second.header.Get("Etag") {
			second.errorf("ETag %q, before %q", second.header.Get("Etag"), first.header.Get("Etag"))
		}
	})
}

// ranges checks parts of a target.
func (p *probe) ranges(target string) {
	g := p.get(target).ok()
	full, tag := g.body, g.header.Get("Etag")
	n := len(full)
	for spec, want := range map[string][]byte{
		"0-0": full[:1], "1-": full[1:], "-5": full[n-5:], fmt.Sprintf("5-%d", n+1000): full[5:], fmt.Sprintf("-%d", n+1000): full, fmt.Sprintf("%d-", n-1): full[n-1:],
	} {
		if g := p.get(target, "Range: bytes="+spec).status(206); !bytes.Equal(g.body, want) {
			g.errorf("%s: %d bytes, want %d", spec, len(g.body), len(want))
		}
	}
	p.get(target, fmt.Sprintf("Range: bytes=%d-", n)).status(416).field("Content-Range", fmt.Sprintf("bytes */%d", n))
	for _, bad := range []string{"items=0-5", "bytes=abc", "bytes=5-1", "bytes=", "0-5", "bytes=--1", "bytes=99999999999999999999-"} {
		// It is ignored or refused; what is sent must not be a wrong part.
		if g := p.get(target, "Range: "+bad); g.code != 416 && (g.code != 200 || !bytes.Equal(g.body, full)) {
			g.errorf("%s: status %d, %d bytes", bad, g.code, len(g.body))
		}
	}
	for ifRange, code := range map[string]int{tag: 206, `"other"`: 200, "W/" + tag: 200, "Mon, 01 Jan 1990 00:00:00 GMT": 200, "x": 200} {
		g := p.get(target, "Range: bytes=1-2", "If-Range: "+ifRange).status(code)
		if want := map[int][]byte{206: full[1:3], 200: full}[code]; !bytes.Equal(g.body, want) {
			g.errorf("If-Range %s: %d bytes, want %d", ifRange, len(g.body), len(want))
		}
	}
	p.get(target, "Range: bytes=1-2", "If-None-Match: "+tag).status(304)
	p.parts(target, full)
	// Somebody who wants the same bytes a thousand times gets no more than the file, more or less.
	if g := p.get(target, "Range: bytes=0-"+strings.Repeat(",0-", 1000)); len(g.body) > len(full)+1000 || g.code >= 500 {
		g.errorf("status %d, %d bytes of a file of %d", g.code, len(g.body), len(full))
	}
}

// parts asks for two parts at once.
func (p *probe) parts(target string, full []byte) {
	g := p.get(target, "Range: bytes=0-1,4-6")
	if g.code == 200 {
		g.is(full)
		return
	}
	kind, params, err := mime.ParseMediaType(g.status(206).header.Get("Content-Type"))
	if err != nil || kind != "multipart/byteranges" {
		g.errorf("Content-Type %q", g.header.Get("Content-Type"))
		return
	}
	r := multipart.NewReader(bytes.NewReader(g.body), params["boundary"])
	for _, want := range [][]byte{full[:2], full[4:7]} {
		part, err := r.NextPart()
		if err != nil {
			g.errorf("%v", err)
			return
		}
		if got, err := io.ReadAll(part); err != nil || !bytes.Equal(got, want) {
			g.errorf("a part is %q, %v, want %q", got, err, want)
		}
	}
}

// TestProtocolCachedOnly: with a header or a prefix nothing is fetched, whatever is asked for.
func TestProtocolCachedOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run(t, "values", func(p *probe) {
		for value, forbids := range map[string]bool{"true": true, "TRUE": true, "True": true, " true ": true, "false": false, "": false} {
			g := p.get("/"+p.fresh()+v100+".info", "Disable-Module-Fetch: "+value)
			if forbids {
				g.absent()
			} else {
				g.ok()
			}
			if !strings.Contains(strings.ToLower(g.header.Get("Vary")), "disable-module-fetch") {
				g.errorf("Vary is %q", g.header.Get("Vary"))
			}
		}
	})
	b.run(t, "no-store", func(p *probe) { // a cache in front must not keep it: it is there, perhaps
		for _, g := range []*got{p.get("/"+p.fresh()+"/@v/list", "Disable-Module-Fetch: true"), p.get("/cached-only/" + p.fresh() + "/@v/list")} {
			if g.absent(); !strings.Contains(g.header.Get("Cache-Control"), "no-store") {
				g.errorf("Cache-Control is %q", g.header.Get("Cache-Control"))
			}
		}
	})
	b.run(t, "not-remembered", func(p *probe) {
		path := "/" + p.fresh() + v100 + ".mod"
		p.get(path, "Disable-Module-Fetch: true").absent()
		p.get("/cached-only" + path).absent()
		p.get(path).ok()
	})
	b.run(t, "sumdb", func(p *probe) {
		// What is answered here decides whether a go command with GOPROXY=$base/cached-only uses the database through it.
		supported := p.get("/cached-only" + sums + "/supported")
		if supported.code != 200 {
			supported.absent()
		}
		path := p.fresh()
		if supported.code == 200 {
			if g := p.get("/cached-only" + sums + "/lookup/" + path + "@v1.0.0"); g.code == 500 || g.code == 400 {
				g.errorf("status %d: %s", g.code, g.body)
			}
		}
		p.fetches(sums+"/lookup/", 0)
		p.get("/cached-only/sumdb/other.example.org/supported").absent()
	})
	b.run(t, "go-command", func(p *probe) {
		path := p.fresh()
		for _, file := range []string{v100 + ".info", v100 + ".mod", v100 + ".zip"} {
			p.get("/" + path + file).ok()
		}
		p.get(sums + "/lookup/" + path + "@v1.0.0").ok()
		p.up.proxy.Reset()
		g := modtest.NewGo(t, "GOPROXY="+p.url+"/cached-only", "GOSUMDB=off")
		if _, err := g.Run(t, "mod", "download", path+"@v1.0.0"); err != nil {
			p.errorf("%v", err)
		}
		if _, err := g.Run(t, "mod", "download", path+"@v1.1.0"); err == nil || !strings.Contains(err.Error(), "not found") {
			p.errorf("what is not cached: %v", err)
		}
		p.fetches("/", 0)
	})
}

// TestProtocolTogether: what many ask for at the same time is fetched once, and who leaves takes nothing away from others.
func TestProtocolTogether(t *testing.T) {
	b := newBench(t)
	for _, file := range []string{v100 + ".info", v100 + ".mod", v100 + ".zip", "/@v/list", "/@latest", "/@v/main.info", "/@v/v1.99.0.info"} {
		b.run(t, strings.Trim(strings.ReplaceAll(file, "/", ""), "@"), func(p *probe) {
			path := p.fresh()
			target := "/" + path + file
			p.up.proxy.SetFault(target, modtest.Fault{Rate: 1000}) // long enough for all to come
			var answers [20]*got
			p.together(20, func(i int, q *probe) { answers[i] = q.get(target) })
			for _, g := range answers {
				g.p = p
				if g.status(answers[0].code); !bytes.Equal(g.body, answers[0].body) || g.broken != nil {
					g.errorf("%q, %v", g.body, g.broken)
				}
			}
			p.fetches(target, 1)
			p.fetches(sums+"/lookup/"+path, 1)
		})
	}
	b.run(t, "sumdb", func(p *probe) {
		path := p.fresh()
		p.together(20, func(_ int, q *probe) { q.lookedUp(path, "v1.0.0") })
		p.fetches(sums+"/lookup/"+path, 1)
	})
	b.run(t, "leavers", func(p *probe) {
		zip := "/" + p.freshBig(1<<20) + v100 + ".zip"
		want := p.file(zip)
		resume := make(chan struct{})
		p.up.proxy.SetFault(zip, modtest.Fault{Stall: resume, StallAt: 1 << 19})
		var bodies []io.ReadCloser
		for range 10 {
			resp, err := http.Get(p.url + zip)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := io.ReadFull(resp.Body, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, resp.Body)
		}
		for _, body := range bodies[:5] { // also the one for whom the fetch was begun
			body.Close()
		}
		close(resume)
		for _, body := range bodies[5:] {
			if rest, err := io.ReadAll(body); err != nil || !bytes.Equal(rest, want[1000:]) {
				p.errorf("%d bytes more, %v, want %d", len(rest), err, len(want)-1000)
			}
		}
		p.fetches(zip, 1)
	})
	b.run(t, "kinds", func(p *probe) {
		zip := "/" + p.freshBig(1<<20) + v100 + ".zip"
		want := p.file(zip)
		asks := []func(q *probe){
			func(q *probe) { q.get(zip).is(want) },
			func(q *probe) { q.head(zip).ok() },
			func(q *probe) {
				if g := q.get(zip, "Range: bytes=0-9").status(206); !bytes.Equal(g.body, want[:10]) {
					g.errorf("%q", g.body)
				}
			},
			func(q *probe) { q.get(zip, `If-None-Match: "x"`).is(want) },
		}
		p.together(20, func(i int, q *probe) { asks[i%len(asks)](q) })
		p.fetches(zip, 1)
	})
}

// sortedKeys returns the keys of a map in order, for subtests that are to run in one.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
