//go:build unix

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// got is an answer. Its methods check it and return it.
type got struct {
	p      *probe
	what   string // was asked
	code   int    // 0: there was no answer
	header http.Header
	body   []byte
	broken error         // why the body is not whole
	after  []byte        // what came behind it
	first  time.Duration // when the body began
	took   time.Duration
}

// get asks for the target, which is sent as it is. Headers are lines.
func (p *probe) get(target string, headers ...string) *got { return p.ask("GET", target, headers...) }

func (p *probe) head(target string, headers ...string) *got { return p.ask("HEAD", target, headers...) }

// ask sends a request on a connection of its own, byte for byte: no client changes it.
func (p *probe) ask(method, target string, headers ...string) *got {
	lines := append([]string{method + " " + target + " HTTP/1.1", "Host: proxy.example.com", "Connection: close"}, headers...)
	return p.raw(p.url, method, strings.Join(lines, "\r\n")+"\r\n\r\n")
}

// operator asks the admin listener.
func (p *probe) operator(target string) *got {
	q := *p
	q.lax = true // it speaks to people too
	g := q.raw(p.admin, "GET", "GET "+target+" HTTP/1.1\r\nHost: proxy.example.com\r\nConnection: close\r\n\r\n")
	g.p = p
	return g
}

// raw sends bytes and reads one answer and what follows it.
func (p *probe) raw(url, method, request string) *got {
	g := &got{p: p, what: strings.SplitN(request, "\r\n", 2)[0]}
	if len(g.what) > 200 {
		g.what = g.what[:200] + "…"
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	start := time.Now()
	conn.SetDeadline(start.Add(time.Minute))
	if _, err := io.WriteString(conn, request); err != nil {
		g.broken = err // it may answer before it has read all
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		g.broken = errors.Join(g.broken, err)
		return g
	}
	defer resp.Body.Close()
	g.code, g.header = resp.StatusCode, resp.Header
	body := bufio.NewReader(resp.Body)
	body.Peek(1) // its error comes again
	g.first = time.Since(start)
	g.body, g.broken = io.ReadAll(body)
	g.took = time.Since(start)
	if resp.Close {
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		if g.after, err = io.ReadAll(r); errors.Is(err, os.ErrDeadlineExceeded) {
			g.errorf("the connection is not closed")
		}
	}
	if g.took > 50*time.Second && !p.lax { // the machine may be slow; what waits for a time-out takes a minute
		g.errorf("it took %v", g.took)
	}
	g.invariants(method)
	return g
}

func (g *got) errorf(format string, args ...any) *got {
	g.p.errorf("%s: %s", g.what, fmt.Sprintf(format, args...))
	return g
}

// invariants checks what holds for every answer, whatever was asked.
func (g *got) invariants(method string) {
	if g.p.lax {
		return
	}
	if len(g.after) > 0 {
		g.errorf("%d bytes follow the answer: %.200q", len(g.after), g.after)
	}
	if g.code == http.StatusInternalServerError || g.code >= 300 && g.code < 400 && g.code != http.StatusNotModified {
		g.errorf("status %d: %.200q", g.code, g.body)
	}
	for _, name := range []string{"Set-Cookie", "Location", "Server", "Evil"} {
		if v := g.header.Get(name); v != "" {
			g.errorf("header %s: %s", name, v)
		}
	}
	if g.code < 400 || bytes.HasPrefix(g.body, fmt.Appendf(nil, "%d ", g.code)) || g.code == http.StatusNotImplemented {
		return // the latter by net/http, before any handler runs
	}
	if cc := g.header.Get("Cache-Control"); g.code != 404 && strings.Contains(cc, "public") || strings.Contains(cc, "immutable") || maxAge(cc) > 300 {
		g.errorf("status %d with Cache-Control %q", g.code, cc)
	}
	if v := g.header.Get("X-Content-Type-Options"); v != "nosniff" {
		g.errorf("status %d with X-Content-Type-Options %q", g.code, v)
	}
	if method != http.MethodHead && g.code != http.StatusPreconditionFailed { // the go command never sees that one
		g.errorText()
	}
}

// errorText checks that the body of an error is text that the go command prints: UTF-8 that a terminal can show, at
// most 8 lines, none of them empty. It is for strangers: it does not say where files or upstreams are.
func (g *got) errorText() *got {
	ctype := strings.ToLower(strings.ReplaceAll(g.header.Get("Content-Type"), " ", ""))
	if ctype != "text/plain" && ctype != "text/plain;charset=utf-8" && ctype != "text/plain;charset=us-ascii" {
		g.errorf("status %d with Content-Type %q", g.code, ctype)
	}
	text := strings.TrimSuffix(string(g.body), "\n")
	odd := func(r rune) bool { return !unicode.IsGraphic(r) && r != '\n' }
	if text == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, odd) || len(text) > 1000 || strings.Count(text, "\n") > 7 || strings.Contains(text, "\n\n") {
		g.errorf("status %d with the text %.1000q", g.code, g.body)
	}
	for _, secret := range []string{strings.TrimPrefix(g.p.up.url, "http://"), g.p.data} {
		if strings.Contains(text, secret) {
			g.errorf("the text tells %s: %s", secret, text)
		}
	}
	return g
}

// status checks the status.
func (g *got) status(want ...int) *got {
	for _, code := range want {
		if g.code == code {
			return g
		}
	}
	return g.errorf("status %d %v, want %v: %.300q", g.code, errors.Join(g.broken), want, g.body)
}

// ok checks that the answer is good and whole.
func (g *got) ok() *got {
	if g.broken != nil {
		g.errorf("broken after %d bytes: %v", len(g.body), g.broken)
	}
	return g.status(http.StatusOK)
}

// absent checks that the go command goes on to the next proxy.
func (g *got) absent() *got { return g.status(http.StatusNotFound, http.StatusGone) }

// refused checks that the request is at fault.
func (g *got) refused() *got {
	if g.code < 400 || g.code >= 500 {
		return g.errorf("status %d, want 4xx: %.300q", g.code, g.body)
	}
	return g
}

// outage checks that the go command goes nowhere else.
func (g *got) outage() *got {
	if g.code < 500 {
		return g.errorf("status %d, want 5xx: %.300q", g.code, g.body)
	}
	return g
}

// good reports whether the answer is a whole 200.
func (g *got) good() bool { return g.code == http.StatusOK && g.broken == nil }

// never checks that the answer is not a whole 200.
func (g *got) never() *got {
	if g.good() {
		return g.errorf("status 200 with %d bytes", len(g.body))
	}
	return g
}

// is checks a good answer byte for byte.
func (g *got) is(want []byte) *got {
	if g.ok(); !bytes.Equal(g.body, want) {
		return g.errorf("%d bytes %.100q, want %d bytes %.100q", len(g.body), g.body, len(want), want)
	}
	return g
}

// isOrNot checks that a whole 200 is what is wanted; any other answer that is no "not found" will do too.
func (g *got) isOrNot(want []byte) *got {
	if g.good() {
		return g.is(want)
	}
	if g.code == http.StatusNotFound || g.code == http.StatusGone {
		return g.errorf("status %d: %.300q", g.code, g.body)
	}
	return g
}

// field checks a header.
func (g *got) field(name, want string) *got {
	if v := g.header.Get(name); v != want {
		return g.errorf("%s is %q, want %q", name, v, want)
	}
	return g
}

// mediaType checks Content-Type, parameters aside.
func (g *got) mediaType(want string) *got {
	if v, _, _ := strings.Cut(g.header.Get("Content-Type"), ";"); v != want {
		return g.errorf("Content-Type is %q, want %q", g.header.Get("Content-Type"), want)
	}
	return g
}

// lines checks a good list.
func (g *got) lines(want ...string) *got {
	text := ""
	for _, v := range want {
		text += v + "\n"
	}
	return g.is([]byte(text))
}

// info is what a .info says.
type info struct {
	Version string
	Time    time.Time
}

// info reads a good .info.
func (g *got) info() info {
	var i info
	g.ok()
	if err := json.Unmarshal(g.body, &i); err != nil {
		g.errorf("%v in %.200q", err, g.body)
	}
	return i
}

// version checks the version of a good .info.
func (g *got) version(want string) *got {
	if i := g.info(); i.Version != want {
		return g.errorf("version %q, want %q", i.Version, want)
	}
	return g
}

// shortLived checks that shared caches ask again within five minutes, and are told so.
func (g *got) shortLived() *got {
	cc := g.header.Get("Cache-Control")
	if age := maxAge(cc); strings.Contains(cc, "immutable") || age > 300 || age < 0 && !strings.Contains(cc, "no-") {
		return g.errorf("Cache-Control is %q", cc)
	}
	return g
}

// maxAge returns the max-age of a Cache-Control in seconds, -1 if it has none.
func maxAge(cacheControl string) int {
	for part := range strings.SplitSeq(cacheControl, ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), "max-age="); ok {
			if n, err := strconv.Atoi(v); err == nil {
				return n
			}
		}
	}
	return -1
}

// plain returns the body with its Content-Encoding undone.
func (g *got) plain() []byte {
	if g.header.Get("Content-Encoding") != "gzip" {
		return g.body
	}
	r, err := gzip.NewReader(bytes.NewReader(g.body))
	if err != nil {
		g.errorf("%v", err)
		return nil
	}
	body, err := io.ReadAll(r)
	if err != nil {
		g.errorf("%v", err)
	}
	return body
}
