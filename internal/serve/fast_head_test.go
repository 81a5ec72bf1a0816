package serve

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// oddRequests are requests that are for net/http.
func oddRequests() []struct{ name, text string } {
	line := "GET " + hotMod + " HTTP/1.1\r\n"
	host := "Host: x\r\n"
	smuggled := request("/mod.example.com/basic/@v/list")
	return []struct{ name, text string }{
		{"bare_lf", "GET " + hotMod + " HTTP/1.1\nHost: x\n\n"},
		{"bare_lf_at_end", line + host + "\n"},
		{"bare_cr", line + "Host: x\rAccept: y\r\n\r\n"},
		{"two_hosts", line + host + host + "\r\n"},
		{"no_host", line + "Accept: x\r\n\r\n"},
		{"empty_host", line + "Host:\r\n\r\n"},
		{"bad_host", line + "Host: a/b\r\n\r\n"},
		{"http_1_0", "GET " + hotMod + " HTTP/1.0\r\nHost: x\r\n\r\n"},
		{"http_1_2", "GET " + hotMod + " HTTP/1.2\r\nHost: x\r\n\r\n"},
		{"http_0_9", "GET " + hotMod + "\r\n\r\n"},
		{"lower_case_method", "get " + hotMod + " HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"head", "HEAD " + hotMod + " HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"post", "POST " + hotMod + " HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"},
		{"absolute_form", "GET http://x" + hotMod + " HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"asterisk", "GET * HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"two_blanks", "GET  " + hotMod + " HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"blank_at_end", "GET " + hotMod + " HTTP/1.1 \r\nHost: x\r\n\r\n"},
		{"empty_line_before", "\r\n" + request(hotMod)},
		{"query", "GET " + hotMod + "?x HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"fragment", "GET " + hotMod + "#x HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"percent", "GET " + strings.Replace(hotMod, "m", "%6d", 1) + " HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"percent_twice", "GET " + strings.Replace(hotMod, "m", "%256d", 1) + " HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"percent_broken", "GET " + hotMod + "%zz HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"range", line + host + "Range: bytes=0-3\r\n\r\n"},
		{"if_none_match", line + host + "If-None-Match: *\r\n\r\n"},
		{"close", line + host + "Connection: close\r\n\r\n"},
		{"expect", line + host + "Expect: 100-continue\r\n\r\n"},
		{"expect_other", line + host + "Expect: x\r\n\r\n"},
		{"upgrade", line + host + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"},
		{"cached_only", "GET /nothing.example.com/x/@v/v1.0.0.mod HTTP/1.1\r\nHost: x\r\nDisable-Module-Fetch: true\r\n\r\n"},
		{"content_length", line + host + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(smuggled)) + smuggled},
		{"content_length_0", line + host + "Content-Length: 0\r\n\r\n"},
		{"content_length_twice", line + host + fmt.Sprintf("Content-Length: 0\r\nContent-Length: %d\r\n\r\n", len(smuggled)) + smuggled},
		{"chunked", line + host + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled)},
		{"chunked_hidden", line + host + fmt.Sprintf("Transfer-Encoding : chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled)},
		{"folded", line + host + "Accept: x\r\n Content-Length: 5\r\n\r\n"},
		{"folded_first", line + " " + host + "\r\n"},
		{"blank_before_colon", line + "Host : x\r\n\r\n"},
		{"no_colon", line + host + "Accept\r\n\r\n"},
		{"nul", line + host + "Accept: \x00\r\n\r\n"},
		{"nul_in_path", "GET " + hotMod + "\x00 HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"tab", line + host + "Accept: \tx\r\n\r\n"},
		{"latin_1", line + host + "User-Agent: \xe9\r\n\r\n"},
		{"long", line + host + "Accept: " + strings.Repeat("x", 8000) + "\r\n\r\n"},
		{"too_long", line + host + "Accept: " + strings.Repeat("x", 40000) + "\r\n\r\n"},
		{"itself", line + host + "User-Agent: goreadyd/test\r\n\r\n"},
		{"tls", "\x16\x03\x01\x02\x00\x01\x00\n\r\n\r\n"},
	}
}

// TestFastOdd: what is unusual gets what net/http gives it, and so does what comes behind it.
func TestFastOdd(t *testing.T) {
	g := newFastRig(t)
	g.warm(hotMod, "/mod.example.com/basic/@v/list")
	for _, tt := range oddRequests() {
		t.Run(tt.name, func(t *testing.T) {
			passed, asked := g.passed.Load(), g.asked.Load()
			text := tt.text + "GET " + hotMod + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
			fast, slow := g.meet(g.fast), g.meet(g.slow)
			fast.t, slow.t = t, t
			io.WriteString(fast, text) // may be refused before it ends
			io.WriteString(slow, text)
			got, want := steady(fast.rest()), steady(slow.rest())
			if got != want || want == "" {
				t.Errorf("got\n%q\nwant\n%q", got, want)
			}
			if passed, asked = g.passed.Load()-passed, g.asked.Load()-asked; passed != asked {
				t.Errorf("net/http got %d requests of %d", passed, asked)
			}
		})
	}
}

// FuzzParseHead: whatever is answered before net/http, net/http understands in the same way.
func FuzzParseHead(f *testing.F) {
	f.Add([]byte(request(hotMod)))
	f.Add([]byte(request("/mod.example.com/%21mixed!case/@v/list") + "x"))
	for _, tt := range oddRequests() {
		f.Add([]byte(tt.text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, size := parseHead(b, false)
		if size <= 0 {
			return
		}
		if size > len(b) || !bytes.HasSuffix(b[:size], []byte("\r\n\r\n")) || bytes.Contains(b[:size-4], []byte("\r\n\r\n")) {
			t.Fatalf("%q: size %d", b, size)
		}
		if h2, size2 := parseHead(b[1:], true); size2 != size-1 || !bytes.Equal(h2.path, h.path) {
			t.Fatalf("%q without its first byte: %d, %q", b, size2, h2.path)
		}
		path, plain := h.plainPath()
		all := bytes.NewReader(b)
		buffered := bufio.NewReader(all)
		r, err := http.ReadRequest(buffered)
		if err != nil {
			if plain {
				t.Fatalf("%q: %v", b[:size], err)
			}
			return // it goes to net/http, which ends the connection
		}
		if rest := buffered.Buffered() + all.Len(); rest != len(b)-size {
			t.Errorf("%q: %d bytes are left, want %d", b, rest, len(b)-size)
		}
		if r.Method != "GET" || r.Proto != "HTTP/1.1" || r.Host == "" || r.ContentLength != 0 || r.TransferEncoding != nil || r.Close {
			t.Errorf("%q: %+v", b[:size], r)
		}
		if plain && (r.URL.Path != path || r.URL.RawQuery != "" || r.URL.ForceQuery || r.URL.Host != "" || r.URL.Fragment != "") {
			t.Errorf("%q: %q, want %q", b[:size], r.URL, path)
		}
		if agent := r.UserAgent(); agent != string(h.agent) {
			t.Errorf("%q: agent %q, want %q", b[:size], h.agent, agent)
		}
		for name := range r.Header {
			if name != "User-Agent" && name != "Accept" && name != "Accept-Encoding" {
				t.Errorf("%q: header %s", b[:size], name)
			}
		}
	})
}
