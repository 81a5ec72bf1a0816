//go:build unix

package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"

	"github.com/goready/goready/internal/modtest"
)

// impatient are settings with which an upstream that does nothing is given up soon.
func impatient() []string {
	return []string{"upstream.timeout = \"400ms\"", "upstream.no-progress = \"300ms\""}
}

// everyKind are a file of each kind below a fresh module.
func everyKind() []string {
	return []string{v100 + ".info", v100 + ".mod", v100 + ".zip", "/@v/list", "/@latest", "/@v/main.info"}
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

const page = "<!DOCTYPE html>\n<html><body>Please <a href=\"/login\">sign in</a></body></html>\n"

// TestProtocolUpstreamStatus: what an upstream says that is no answer becomes what keeps the go command on the right way,
// and is forgotten when it ends.
func TestProtocolUpstreamStatus(t *testing.T) {
	b := newUnverified(t, impatient()...)
	some := func(files []string, f modtest.Fault, check func(*got)) func(*probe) {
		return func(p *probe) {
			for _, file := range files {
				target := "/" + p.fresh()
				p.up.proxy.SetFault(target+"/", f)
				g := p.get(target + file)
				check(g)
				p.up.proxy.Reset()
				if g.code == 404 || g.code == 410 {
					continue // that is remembered
				}
				p.answered(healTime+slack, func() bool { return p.get(target + file).good() })
				if g := p.get(target + file); file != "/@latest" && file != "/@v/list" {
					g.is(p.file(target + file))
				}
			}
		}
	}
	every := func(f modtest.Fault, check func(*got)) func(*probe) { return some(everyKind(), f, check) }
	// What is tried again takes half a second.
	two := func(f modtest.Fault, check func(*got)) func(*probe) {
		return some([]string{v100 + ".zip", "/@v/list"}, f, check)
	}
	outage := func(g *got) { g.outage() }
	absent := func(g *got) { g.absent() }
	no := func(g *got) {
		if g.refused(); g.code == 404 || g.code == 410 {
			g.errorf("status %d", g.code)
		}
	}
	for _, status := range []int{204, 206, 301, 304, 408, 425, 429, 500, 501, 502, 503, 504, 511, 599} {
		b.run(t, fmt.Sprintf("%d-is-an-outage", status), every(modtest.Fault{Status: status}, outage))
	}
	for _, status := range []int{400, 401, 402, 403, 405, 407, 418, 421, 451} {
		b.run(t, fmt.Sprintf("%d-is-a-refusal", status), every(modtest.Fault{Status: status}, no))
	}
	for name, text := range map[string]string{
		"html": page, "escape": "\x1b[2J\x1b[31mred", "latin1": "gel\xf6scht", "nothing": " ", "binary": "\x00\x01\x02", "lines": strings.Repeat("line\n", 100), "blank-first": "\n\nx",
		"long": strings.Repeat("long ", 1<<18), "bidi": "abc\u202exe.exe", "secret": "see https://user:hunter2@internal.example.com/x",
	} {
		for _, status := range []int{404, 410} {
			b.run(t, fmt.Sprintf("%d-with-%s", status, name), every(modtest.Fault{Status: status, Body: text}, func(g *got) {
				if g.absent(); bytes.Contains(g.body, []byte("hunter2")) {
					g.errorf("a secret: %s", g.body)
				}
			}))
		}
	}
	b.run(t, "404-with-html-type", every(modtest.Fault{Status: 404, Body: page, Header: header("Content-Type", "text/html")}, absent))
	b.run(t, "500-with-html-type", every(modtest.Fault{Status: 500, Body: page, Header: header("Content-Type", "text/html")}, outage))
	b.run(t, "login-page", every(modtest.Fault{Replace: []byte(page), Header: header("Content-Type", "text/html; charset=utf-8")}, outage))
	b.run(t, "xhtml", every(modtest.Fault{Replace: []byte(page), Header: header("Content-Type", "application/xhtml+xml")}, outage))
	b.run(t, "brotli", two(modtest.Fault{Header: header("Content-Encoding", "br")}, outage))
	b.run(t, "drop", two(modtest.Fault{Drop: true}, outage))
	b.run(t, "cut-before-body", every(modtest.Fault{TruncateAt: -1}, func(g *got) { g.never() }))
	b.run(t, "cut", every(modtest.Fault{TruncateAt: 5}, func(g *got) { g.never() }))
	b.run(t, "cut-chunked", every(modtest.Fault{TruncateAt: 5, NoLength: true}, func(g *got) { g.never() }))
	b.run(t, "silent", two(modtest.Fault{Stall: make(chan struct{})}, func(g *got) {
		if g.outage(); g.took > slack {
			g.errorf("it took %v", g.took)
		}
	}))
	b.run(t, "silent-half-way", two(modtest.Fault{Stall: make(chan struct{}), StallAt: 5}, func(g *got) {
		if g.never(); g.took > slack {
			g.errorf("it took %v", g.took)
		}
	}))
	b.run(t, "redirect-to-nothing", every(modtest.Fault{Status: 302, Header: header("Location", "/mod.example.com/x/@v/list")}, func(g *got) { g.absent() }))
	b.run(t, "redirect-itself", func(p *probe) {
		target := "/" + p.fresh() + v100 + ".mod"
		p.up.proxy.SetFault(target, modtest.Fault{Status: 302, Header: header("Location", target)})
		p.get(target).outage()
	})
	for name, location := range map[string]string{"file": "file:///etc/passwd", "ftp": "ftp://127.0.0.1/x", "nowhere": "http://127.0.0.1:1/x", "garbage": "http://%zz/", "data": "data:text/plain,v1.0.0"} {
		b.run(t, "redirect-"+name, two(modtest.Fault{Status: 302, Header: header("Location", location)}, outage))
	}
}

// TestProtocolUpstreamOdd: odd ways to send the right answer are understood, or are an outage.
func TestProtocolUpstreamOdd(t *testing.T) {
	t.Parallel()
	b := newUnverified(t, impatient()...)
	b.run(t, "chunked", func(p *probe) {
		for _, target := range []string{"/" + p.fresh() + v100 + ".mod", "/" + p.fresh() + v100 + ".zip", "/" + p.freshBig(300<<10) + v100 + ".zip"} {
			p.up.proxy.SetFault(target, modtest.Fault{NoLength: true})
			p.get(target).is(p.file(target))
			p.get(target).is(p.file(target)).field("Content-Length", fmt.Sprint(len(p.file(target))))
		}
	})
	b.run(t, "slow", func(p *probe) { // but it goes on
		zip := "/" + p.freshBig(100<<10) + v100 + ".zip"
		p.up.proxy.SetFault(zip, modtest.Fault{Rate: 100 << 10})
		p.get(zip).is(p.file(zip))
	})
	b.run(t, "gzip", func(p *probe) {
		for _, file := range everyKind() {
			target := "/" + p.fresh() + file
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			if _, err := w.Write(p.file(target)); err != nil || w.Close() != nil {
				t.Fatal(err)
			}
			p.up.proxy.SetFault(target, modtest.Fault{Replace: packed.Bytes(), Header: header("Content-Encoding", "gzip")})
			if g := p.get(target); g.good() && !bytes.HasPrefix(p.file(target), []byte("{")) && file != "/@v/list" {
				g.is(p.file(target))
			} else if g.good() {
				g.isOrNot(p.file(target))
			} else {
				g.outage()
			}
		}
	})
	b.run(t, "redirected", func(p *probe) {
		other := modtest.NewProxy(p.up.modules)
		s := httptest.NewServer(other)
		defer s.Close()
		for _, file := range everyKind() {
			for _, status := range []int{301, 302, 303, 307, 308} {
				target := "/" + p.fresh() + file
				p.up.proxy.SetFault(target, modtest.Fault{Status: status, Header: header("Location", s.URL+target)})
				p.get(target).is(p.file(target))
				p.get(target).ok().field("X-Goready-Upstream", "")
			}
		}
		if other.Count("/") == 0 {
			p.errorf("nothing was redirected")
		}
		target := "/" + p.fresh() + v100 + ".mod"
		other.SetFault(target, modtest.Fault{Replace: []byte(page), Header: header("Content-Type", "text/html")})
		p.up.proxy.SetFault(target, modtest.Fault{Status: 302, Header: header("Location", s.URL+target)})
		p.get(target).outage()
	})
	b.run(t, "headers", func(p *probe) { // are not passed on
		for _, file := range everyKind() {
			target := "/" + p.fresh() + file
			p.up.proxy.SetFault(target, modtest.Fault{Header: header("Evil", "yes", "Set-Cookie", "a=b", "Cache-Control", "private, no-store", "Etag", `W/"x"`, "Content-Type", "text/plain", "Content-Disposition", "attachment", "Vary", "*", "Expires", "0")})
			g := p.get(target).is(p.file(target)).field("Content-Disposition", "").field("Expires", "")
			if g.header.Get("Etag") == `W/"x"` || g.header.Get("Vary") == "*" {
				g.errorf("%v", g.header)
			}
		}
	})
	b.run(t, "list-garbage", func(p *probe) {
		for body, want := range map[string][]string{
			"v1.1.0\n\nv1.0.0\nmain\nlatest\n v1.2.0 \n-x\nv2.0.0\nv1.1.0\nv1\nv1.0\nv1.0.0+meta\nV1.9.0\nv01.0.0\n<b>\nv1.3.0 2024-01-02T03:04:05Z\r\n": {"v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0"},
			"v0.0.0-20240303030303-bbbbbbbbbbbb\nv1.0.0":      {"v1.0.0"},
			"\ufeffv1.0.0\nv1.1.0":                            {"v1.1.0"},
			"v1.0.0\rv1.1.0\n":                                {"v1.0.0"},
			"\x00\x01\nv1.0.0-\xff\nv1.0.0\n":                 {"v1.0.0"},
			strings.Repeat("x", 1<<20) + "\nv1.0.0\n":         {"v1.0.0"},
			"v1.10.0\nv1.9.0\nv1.9.0-rc.2\nv1.9.0-rc.10\n":    {"v1.9.0-rc.2", "v1.9.0-rc.10", "v1.9.0", "v1.10.0"},
			"v1.0.0-" + strings.Repeat("a", 500) + "\nv1.0.0": nil, // whether it stays does not matter
		} {
			target := "/" + p.fresh() + "/@v/list"
			p.up.proxy.SetFault(target, modtest.Fault{Replace: []byte(body)})
			if g := p.get(target); want != nil {
				g.lines(want...)
			} else {
				g.ok()
			}
		}
		var many []string
		for i := range 20_000 {
			many = append(many, fmt.Sprintf("v1.0.%d", i))
		}
		target := "/" + p.fresh() + "/@v/list"
		p.up.proxy.SetFault(target, modtest.Fault{Replace: []byte(strings.Join(many, "\n"))})
		p.get(target).lines(many...)
		target = "/" + p.fresh() + "/@v/list"
		p.up.proxy.SetFault(target, modtest.Fault{Replace: []byte(page)})
		p.get(target).outage()
		p.up.proxy.SetFault(target, modtest.Fault{Replace: bytes.Repeat([]byte("v1.0.0\n"), 3<<20)})
		p.get(target).outage()
	})
}

// TestProtocolUpstreamInfo: a .info that the go command would not take, or that is not what was asked for, is an outage,
// and is not kept.
func TestProtocolUpstreamInfo(t *testing.T) {
	t.Parallel()
	b := newUnverified(t)
	const stamp = `,"Time":"2024-01-02T03:04:05Z"}`
	bad := map[string]string{
		"html": page, "empty": "", "null": "null", "array": "[]", "string": `"v1.0.0"`, "no-version": `{"Time":"2024-01-02T03:04:05Z"}`, "version-is-a-number": `{"Version":1` + stamp,
		"not-canonical": `{"Version":"v1.0"` + stamp, "branch": `{"Version":"main"` + stamp, "meta": `{"Version":"v1.0.0+meta"` + stamp, "other-major": `{"Version":"v2.0.0"` + stamp,
		"half": `{"Version":"v1.0.0"`, "more": `{"Version":"v1.0.0"` + stamp + "x", "two": `{"Version":"v1.0.0"` + stamp + `{}`, "time-is-no-time": `{"Version":"v1.0.0","Time":"yesterday"}`,
		"time-is-a-number": `{"Version":"v1.0.0","Time":1704164645}`, "time-is-a-date": `{"Version":"v1.0.0","Time":"2024-01-02"}`, "time-of-another-format": `{"Version":"v1.0.0","Time":"Tue, 02 Jan 2024 03:04:05 GMT"}`,
		"time-is-empty": `{"Version":"v1.0.0","Time":""}`, "origin-is-a-string": `{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z","Origin":"git"}`, "bom": "\ufeff" + `{"Version":"v1.0.0"` + stamp,
		"utf16": "{\x00\"\x00V\x00", "version-twice": `{"Version":"v1.0.0","Version":"v1.1.0"` + stamp, "large": `{"Version":"v1.0.0","X":"` + strings.Repeat("x", 2<<20) + `"` + stamp,
		"slash": `{"Version":"v1.0.0/../../x"` + stamp, "newline": `{"Version":"v1.0.0\n"` + stamp, "capital": `{"Version":"V1.0.0"` + stamp,
	}
	for _, name := range sortedKeys(bad) {
		b.run(t, name, func(p *probe) {
			for _, file := range []string{v100 + ".info", "/@v/main.info", "/@latest"} {
				if name == "version-twice" && file != v100+".info" {
					continue // v1.1.0 is a good answer there
				}
				target := "/" + p.fresh() + file
				p.up.proxy.SetFault(target, modtest.Fault{Replace: []byte(bad[name])})
				p.get(target).outage()
				p.up.proxy.Reset()
				if name != "large" { // which may cost too much to be tried again soon
					p.get(target).is(p.file(target))
				}
			}
		})
	}
	b.run(t, "other-version", func(p *probe) {
		target := "/" + p.fresh() + v100 + ".info"
		p.up.proxy.SetFault(target, modtest.Fault{Replace: []byte(`{"Version":"v1.1.0"` + stamp)})
		p.get(target).outage()
		p.up.proxy.Reset()
		p.get(target).version("v1.0.0")
	})
	for name, body := range map[string]string{
		"no-time": `{"Version":"v1.0.0"}`, "time-null": `{"Version":"v1.0.0","Time":null}`, "time-with-zone": `{"Version":"v1.0.0","Time":"2024-01-02T05:04:05+02:00"}`,
		"time-with-fraction": `{"Version":"v1.0.0","Time":"2024-01-02T03:04:05.123456789Z"}`, "spaces": " { \"Version\" : \"v1.0.0\" }\r\n", "lower-case": `{"version":"v1.0.0","time":"2024-01-02T03:04:05Z"}`,
		"more-fields": `{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z","Name":"a","Short":"b","Origin":{"VCS":"git","URL":"https://x.example.com","Hash":"c","Ref":"refs/tags/v1.0.0"}}`,
	} {
		b.run(t, name, func(p *probe) {
			for _, file := range []string{v100 + ".info", "/@v/main.info", "/@latest"} {
				target := "/" + p.fresh() + file
				p.up.proxy.SetFault(target, modtest.Fault{Replace: []byte(body)})
				p.get(target).is([]byte(body))
				p.get(target).is([]byte(body))
			}
		})
	}
}

// TestProtocolUpstreamMod: go.mod files that the go command would not take are not served, odd ones as they are.
func TestProtocolUpstreamMod(t *testing.T) {
	t.Parallel()
	b := newUnverified(t)
	for name, body := range map[string]string{
		"html": page, "empty": "", "no-module": "go 1.21\n", "syntax": "module x.com/y\nrequire (\n", "binary": "PK\x03\x04\x00\x00", "json": `{"errors":[{"status":500}]}`,
		"large": "module mod.example.com/x\n" + strings.Repeat("// x\n", 17<<20/5),
	} {
		b.run(t, name, func(p *probe) {
			target := "/" + p.fresh() + v100 + ".mod"
			p.up.proxy.SetFault(target, modtest.Fault{Replace: []byte(body)})
			p.get(target).outage()
			p.get(target).outage()
			for _, name := range p.stored() {
				if strings.HasSuffix(name, target) {
					p.errorf("%s is stored", name)
				}
			}
		})
	}
	for name, body := range map[string]string{
		"crlf": "module mod.example.com/x\r\n\r\ngo 1.21\r\n", "no-newline": "module mod.example.com/x", "fork": "module other.example.com/y\n", "quoted": "module \"mod.example.com/x\"\n",
		"future": "module mod.example.com/x\n\ngo 1.99\n\nfuture (\n\tthing v9\n)\n", "comments": "// a\n/* b */\n", "tool": "module mod.example.com/x\n\ngo 1.24\n\ntool x.com/y\n\nignore ./z\n",
		"replace": "module mod.example.com/x\n\nreplace a.com/b => ../b\n", "old-go": "module mod.example.com/x\ngo 1.1\n", "odd-go": "module mod.example.com/x\ngo 1.21.0-x\n", "toolchain": "module mod.example.com/x\n\ngo 1.21.0\n\ntoolchain go1.22.1\n",
		"bare-name": "module x\n", "version-range": "module mod.example.com/x\nrequire a.com/b v1\n", "many": "module mod.example.com/x\n" + strings.Repeat("// x\n", 1<<20/5),
	} {
		b.run(t, name, func(p *probe) {
			target := "/" + p.fresh() + v100 + ".mod"
			p.up.proxy.SetFault(target, modtest.Fault{Replace: []byte(body)})
			if name == "comments" {
				p.get(target).outage()
				return
			}
			p.get(target).is([]byte(body))
			p.get(target).is([]byte(body))
		})
	}
}

// entry is a file of a zip. Without lies it is a good one.
type entry struct {
	name, data string
	lie        func(*zip.FileHeader)
}

// pack writes a zip.
func pack(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(e.data)), CompressedSize64: uint64(len(e.data)), UncompressedSize64: uint64(len(e.data))}
		if e.lie != nil {
			e.lie(h)
		}
		f, err := w.CreateRaw(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(e.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestProtocolZips: a zip that is none, or not of this module, or that would do harm where it is unpacked, is never served,
// and nothing of it lies anywhere.
func TestProtocolZips(t *testing.T) {
	t.Parallel()
	b := newUnverified(t)
	const top = "MODULE@v1.0.0/"
	gomod := entry{name: top + "go.mod", data: "module MODULE\n"}
	large := func(n uint64) func(*zip.FileHeader) {
		return func(h *zip.FileHeader) { h.UncompressedSize64 = n }
	}
	bad := map[string][]entry{
		"slip": {gomod, {name: top + "../../../../../evil.go"}}, "slip-inside": {gomod, {name: top + "a/../../evil.go"}}, "absolute": {gomod, {name: "/evil.go"}},
		"backslash": {gomod, {name: top + `..\..\evil.go`}}, "drive": {gomod, {name: `C:\evil.go`}}, "dot": {gomod, {name: top + "./evil.go"}}, "slashes": {gomod, {name: top + "a//evil.go"}},
		"other-module": {{name: "mod.example.com/basic@v1.0.0/go.mod", data: "module mod.example.com/basic\n"}}, "other-version": {gomod, {name: "MODULE@v1.1.0/evil.go"}},
		"no-prefix": {{name: "go.mod", data: "module MODULE\n"}}, "prefix-of-prefix": {gomod, {name: "MODULE@v1.0.0evil/x.go"}}, "twice": {gomod, {name: top + "x.go"}, {name: top + "x.go", data: "package x"}},
		"case": {gomod, {name: top + "x.go"}, {name: top + "X.go"}}, "case-of-folder": {gomod, {name: top + "a/x.go"}, {name: top + "A/y.go"}}, "go.mod-case": {{name: top + "GO.MOD", data: "module MODULE\n"}},
		"file-and-folder": {gomod, {name: top + "a"}, {name: top + "a/x.go"}}, "reserved": {gomod, {name: top + "con.go"}}, "colon": {gomod, {name: top + "x:y.go"}}, "nul": {gomod, {name: top + "x\x00.go"}},
		"newline": {gomod, {name: top + "x\n.go"}}, "not-utf8": {gomod, {name: top + "\xff.go"}}, "go.mod-below": {gomod, {name: top + "sub/go.mod", data: "module x\n"}},
		"large": {gomod, {name: top + "x.bin", lie: large(501 << 20)}}, "large-together": {gomod, {name: top + "a", lie: large(300 << 20)}, {name: top + "b", lie: large(300 << 20)}},
		"large-go.mod": {{name: top + "go.mod", data: "module MODULE\n", lie: large(17 << 20)}}, "large-license": {gomod, {name: top + "LICENSE", lie: large(17 << 20)}},
		"overflow":         {gomod, {name: top + "a", lie: large(1<<63 - 1)}, {name: top + "b", lie: large(1 << 63)}, {name: top + "c", lie: large(1)}},
		"longer-than-told": {gomod, {name: top + "x.go", data: "package x\n", lie: large(3)}}, "shorter-than-told": {gomod, {name: top + "x.go", data: "package x\n", lie: large(1 << 20)}},
		"wrong-crc": {gomod, {name: top + "x.go", data: "package x\n", lie: func(h *zip.FileHeader) { h.CRC32++ }}},
		"beyond":    {gomod, {name: top + "x.go", data: "package x\n", lie: func(h *zip.FileHeader) { h.CompressedSize64 = 1 << 40 }}},
		"method":    {gomod, {name: top + "x.go", data: "package x\n", lie: func(h *zip.FileHeader) { h.Method = 99 }}}, "not-deflate": {gomod, {name: top + "x.go", data: "package x\n", lie: func(h *zip.FileHeader) { h.Method = zip.Deflate }}},
	}
	for _, name := range sortedKeys(bad) {
		b.run(t, name, func(p *probe) { p.badZip(pack(t, named(p, bad[name])...)) })
	}
	whole := pack(t, named(b.probe(t), []entry{gomod, {name: top + "x.go", data: strings.Repeat("x", 200<<10)}})...)
	for name, data := range map[string][]byte{
		"nothing": {}, "html": []byte(page), "half": whole[:len(whole)/2], "no-directory": whole[:len(whole)-200], "text": []byte("not found"), "zeros": make([]byte, 100<<10),
		"end-only": append(make([]byte, 50), whole[len(whole)-22:]...), "many-entries": []byte("PK\x05\x06\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\x7f\x00\x00\x00\x00\x00\x00"),
	} {
		b.run(t, "no-zip-"+name, func(p *probe) { p.badZip(data) })
	}
	b.run(t, "empty", func(p *probe) { // a module without files: the go command takes it
		path := p.freshZip(pack(t))
		if g := p.get("/" + path + v100 + ".zip"); g.good() {
			g.is(pack(t))
		} else {
			g.outage()
		}
	})
	b.run(t, "odd-but-good", func(p *probe) {
		for i, entries := range [][]entry{
			{gomod, {name: top + "ünïcödé.go"}}, {{name: top + "x.go"}}, {{name: top + "x.go"}, gomod}, {gomod, {name: top + "LICENSE", data: strings.Repeat("x", 1<<20)}},
			{gomod, {name: top + "vendor/a/b.go"}}, {gomod, {name: top + ".hidden"}}, {gomod, {name: top + "a b.go"}}, {gomod, {name: top + "x.go", lie: func(h *zip.FileHeader) { h.Comment = "c" }}},
		} {
			data := pack(t, named(p, entries)...)
			target := "/" + p.freshZip(data) + v100 + ".zip"
			if g := p.get(target).is(data); len(g.p.problems) > 0 {
				g.errorf("zip %d", i)
			}
		}
	})
}

// named gives entries the path that the next module of freshZip has.
func named(p *probe, entries []entry) []entry {
	name := fmt.Sprintf("mod.example.com/zip%d", p.modules.Load()+1)
	var out []entry
	for _, e := range entries {
		e.name, e.data = strings.ReplaceAll(e.name, "MODULE", name), strings.ReplaceAll(e.data, "MODULE", name)
		out = append(out, e)
	}
	return out
}

// badZip checks that a zip is not served.
func (p *probe) badZip(data []byte) {
	target := "/" + p.freshZip(data) + v100 + ".zip"
	for _, g := range []*got{p.get(target), p.get(target), p.head(target), p.get(target, "Range: bytes=0-9"), p.get("/cached-only" + target)} {
		if g.never(); g.code == 206 || g.code == 304 {
			g.errorf("status %d", g.code)
		}
		if (g.code == 404 || g.code == 410) && !strings.Contains(g.what, "cached-only") {
			g.errorf("status %d", g.code)
		}
	}
	p.fetches(target, 2) // an alarm is not raised again and again
	err := walkFiles(path.Dir(p.data), func(name string) {
		if strings.Contains(name, "evil") || strings.Contains(name, target) || strings.Contains(name, strings.TrimSuffix(target, ".zip")+".ziphash") {
			p.errorf("%s was left", name)
		}
	})
	if err != nil {
		p.t.Fatal(err)
	}
}
