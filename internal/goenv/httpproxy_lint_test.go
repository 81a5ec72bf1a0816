package goenv

import (
	"strings"
	"testing"
)

func TestLintNoProxy(t *testing.T) {
	const nothing = "this one matches nothing"
	for _, c := range []struct{ name, value, want string }{
		{"fine", "a.com, .b.com,*.c.com,10.1.2.3,d.com:443", ""},
		{"blank", "a.com b.com", "0 ineffective: only commas separate entries: " + nothing + " -> a.com,b.com"},
		{"semicolon", "x.com,a.com;b.com|c.com", "6 ineffective: only commas separate entries: " + nothing + " -> a.com,b.com,c.com"},
		{"url", "http://a.com/x", "0 ineffective: an entry is a host, not a URL: " + nothing + " -> a.com"},
		{"local", "<local>", "0 ineffective: <local> is a word of Windows and browsers: here it matches nothing"},
		{"range", "10.0.0.0/8", "0 note: an address range matches addresses in URLs, never host names; git and VS Code may not know ranges"},
		{"range_with_port", "10.0.0.0/8:80", "0 ineffective: this is neither a host nor an address range: it matches nothing -> 10.0.0.0/8"},
		{"path", "a.com/x", "0 ineffective: this is neither a host nor an address range: it matches nothing"},
		{"octets", "10.*", "0 ineffective: a star works only alone or as the first label (*.example.com): this entry matches nothing -> 10.0.0.0/8"},
		{"octets_three", "192.168.1.*", "0 ineffective: a star works only alone or as the first label (*.example.com): this entry matches nothing -> 192.168.1.0/24"},
		{"glued_star", "*foo.com", "0 ineffective: a star works only alone or as the first label (*.example.com): this entry matches nothing -> foo.com"},
		{"inner_star", "a.*.com", "0 ineffective: a star works only alone or as the first label (*.example.com): this entry matches nothing"},
		{"localhost", "localhost,127.0.0.1,::1", "0 note: Go never uses a proxy for localhost, with or without this entry\n10 note: Go never uses a proxy for 127.0.0.1, with or without this entry\n20 note: Go never uses a proxy for ::1, with or without this entry"},
		{"brackets", "[fd00::1]", "0 ineffective: brackets belong to an address with a port: this entry matches nothing -> fd00::1"},
		{"trailing_dot", "a.com.", "0 ineffective: the dot at the end is compared too: a.com does not match -> a.com"},
		{"star", "*", ""},
		{"star_and_more", "a.com,*", "6 note: a star alone exempts every host, so the other entries do nothing"},
		{"port_only", ":80", "0 ineffective: an entry without a host matches nothing"},
		{"full_width", "a.com，b.com", `5 refused: "，" is a full-width character, not the ASCII one -> ,`},
		{"full_width_name", "例.com", ""},
	} {
		t.Run(c.name, func(t *testing.T) { compareProblems(t, LintNoProxy(c.value), c.want) })
	}
}

// TestLintNoProxyAgrees: what is said to match nothing exempts no host that it could mean, and what is offered instead does.
func TestLintNoProxyAgrees(t *testing.T) {
	for entry, meant := range map[string]string{
		"a.com b.com": "b.com", "a.com;b.com": "a.com", "http://a.com": "a.com", "10.0.0.0/8:80": "10.1.1.1", "10.*": "10.1.1.1", "192.168.*": "192.168.1.1",
		"*foo.com": "foo.com", "[fd00::1]": "[fd00::1]", "a.com.": "a.com",
	} {
		direct := func(noProxy string) bool {
			return HTTPProxyConfig{HTTPProxy: "http://p:1", NoProxy: noProxy}.Decide("http://" + meant).Direct
		}
		problems := LintNoProxy(entry)
		if len(problems) != 1 || direct(entry) || !direct(problems[0].Instead) {
			t.Errorf("%q: %v; direct %v, instead %v", entry, problems, direct(entry), len(problems) > 0 && direct(problems[0].Instead))
		}
	}
}

func TestLintProxyURL(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"fine", "http://p.example.com:3128", ""},
		{"unset", "", ""},
		{"password", "http://u:secret@p.example.com:3128", ""},
		{"no_scheme", "p.example.com:3128", "0 note: without a scheme Go takes it for http://; VS Code ignores such a value -> http://p.example.com:3128"},
		{"no_port", "http://p.example.com", "0 note: no port is given: Go uses 80"},
		{"no_port_socks", "socks5://p.example.com", "0 note: no port is given: Go uses 1080"},
		{"socks4", "socks4://p.example.com:1080", `0 ineffective: Go does not know the proxy scheme "socks4" and speaks HTTP to it -> socks5`},
		{"blanks", " http://p:1", "0 refused: blanks around the value are not removed -> http://p:1"},
		{"quotes", `"http://p:1"`, "0 refused: quotes are part of the value here: only a shell removes them\n11 refused: quotes are part of the value here: only a shell removes them"},
		{"variable", "http://$HOST:1", "7 refused: $HOST is not expanded: it is part of the value"},
		{"bad_port", "http://p:port", `0 refused: this is no URL: Go would connect to the host "http:"`},
		{"no_host", "http://", `0 refused: this is no URL: Go would connect to the host "http:"`},
		{"control", "http://p\x7f:1", "8 refused: a control character (U+007F) is part of the value"},
		{"word_http", "http://http:80", ""},
	} {
		t.Run(c.name, func(t *testing.T) { compareProblems(t, LintProxyURL(c.value), c.want) })
	}
}

func TestLintHTTPProxy(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"fine", map[string]string{"HTTP_PROXY": "http://p:1", "HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.com"}, ""},
		{"all", map[string]string{"ALL_PROXY": "socks5://p:1"}, "ALL_PROXY 0 ineffective: Go does not read ALL_PROXY; git and curl do"},
		{"http_only", map[string]string{"http_proxy": "http://p:1"}, "http_proxy 0 ineffective: https requests do not use http_proxy; they need HTTPS_PROXY -> HTTPS_PROXY"},
		{"case", map[string]string{"HTTPS_PROXY": "http://p:1", "https_proxy": "http://q:1"}, "HTTPS_PROXY 0 ineffective: https_proxy has another value: Go uses HTTPS_PROXY, while VS Code and curl prefer https_proxy"},
		{"case_equal", map[string]string{"HTTPS_PROXY": "http://p:1", "https_proxy": "http://p:1"}, ""},
		{"cgi", map[string]string{"HTTP_PROXY": "http://p:1", "HTTPS_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "REQUEST_METHOD 0 refused: REQUEST_METHOD is set, so Go takes the process for a CGI program and refuses HTTP_PROXY"},
		{"values", map[string]string{"HTTPS_PROXY": "p:1", "no_proxy": "10.*"}, "HTTPS_PROXY 0 note: *\nno_proxy 0 ineffective: *"},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems := LintHTTPProxy(func(k string) string { return c.env[k] })
			var got []string
			for i, p := range problems {
				line := p.Variable + " 0 " + string(p.Grade) + ": " + p.Text.String()
				if lines := strings.Split(c.want, "\n"); i < len(lines) && strings.HasSuffix(lines[i], "*") {
					line = p.Variable + " 0 " + string(p.Grade) + ": *"
				} else if p.Instead != "" {
					line += " -> " + p.Instead
				}
				got = append(got, line)
			}
			if text := strings.Join(got, "\n"); text != c.want {
				t.Errorf("got\n%s\nwant\n%s", text, c.want)
			}
		})
	}
}

func TestLintPatterns(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"fine", "example.com,*.corp.example.com/x/*,a/", ""},
		{"blank", "foo, example.com", "4 ineffective: blanks are part of the pattern: this one matches nothing -> example.com"},
		{"separator", "a.com b.com", "0 ineffective: only commas separate patterns: this one matches nothing -> a.com,b.com"},
		{"scheme", "https://git.example.com/x", "0 ineffective: a pattern is a module path, without a scheme: this one matches nothing -> git.example.com/x"},
		{"ssh", "git@github.com:corp/*", "0 ineffective: no module path has a colon: this pattern matches nothing"},
		{"malformed", "[a", "0 ineffective: Go ignores a malformed pattern"},
		{"every", "*", "0 risky: this pattern matches every module"},
		{"dots", "a.com/...", "0 ineffective: dots are no wildcard here; a pattern matches everything below it anyway -> a.com"},
		{"leading_dot", ".corp.example.com", "0 ineffective: a leading dot is literal here: this pattern matches nothing -> *.corp.example.com"},
		{"full_width", "a.com，b.com", `5 refused: "，" is a full-width character, not the ASCII one -> ,`},
		{"only_blank", " ", "0 ineffective: a blank pattern matches nothing"},
		{"slash", "/a", "0 ineffective: no module path has an empty element: this pattern matches nothing"},
		{"git", "github.com/a/b.git", "0 note: this matches only module paths that end in .git"},
	} {
		t.Run(c.name, func(t *testing.T) { compareProblems(t, LintPatterns(c.value), c.want) })
	}
}

func TestVSCodeProxyDecision(t *testing.T) {
	const p = "http://p.example.com:1"
	for _, c := range []struct {
		name string
		in   VSCodeProxyInput
		env  map[string]string
		url  string
		want string
	}{
		{"setting", VSCodeProxyInput{Proxy: p}, map[string]string{"HTTPS_PROXY": "http://e:1"}, "https://a.com", p},
		{"off", VSCodeProxyInput{Proxy: p, Support: "off"}, nil, "https://a.com", "DIRECT"},
		{"lower_first", VSCodeProxyInput{}, map[string]string{"HTTPS_PROXY": "http://up:1", "https_proxy": "http://low:1"}, "https://a.com", "http://low:1"},
		{"one_for_both", VSCodeProxyInput{}, map[string]string{"HTTP_PROXY": p}, "https://a.com", p},
		{"no_scheme_ignored", VSCodeProxyInput{Proxy: "p:1"}, nil, "https://a.com", ""},
		{"bad_first_hides_second", VSCodeProxyInput{}, map[string]string{"https_proxy": "p:1", "HTTPS_PROXY": p}, "https://a.com", ""},
		{"socks4", VSCodeProxyInput{Proxy: "socks4://p:1"}, nil, "https://a.com", "socks4://p:1"},
		{"loopback", VSCodeProxyInput{Proxy: p}, nil, "http://127.0.0.1:3000", "DIRECT"},
		{"loopback_upper", VSCodeProxyInput{Proxy: p}, nil, "http://LOCALHOST:3000", "DIRECT"},
		{"loopback_range", VSCodeProxyInput{Proxy: p}, nil, "http://127.0.0.2:3000", p},
		{"no_proxy", VSCodeProxyInput{Proxy: p, NoProxy: []string{"a.com"}}, nil, "https://x.a.com", "DIRECT by a.com"},
		{"no_proxy_port", VSCodeProxyInput{Proxy: p, NoProxy: []string{"a.com:443"}}, nil, "http://a.com", p},
		{"no_proxy_hides_environment", VSCodeProxyInput{Proxy: p, NoProxy: []string{"b.com"}}, map[string]string{"no_proxy": "a.com"}, "https://a.com", p},
		{"environment", VSCodeProxyInput{Proxy: p}, map[string]string{"NO_PROXY": "b.com", "no_proxy": "a.com"}, "https://a.com", "DIRECT by a.com"},
		{"no_range", VSCodeProxyInput{Proxy: p}, map[string]string{"no_proxy": "10.0.0.0/8"}, "https://10.1.1.1", p},
		{"star_label", VSCodeProxyInput{Proxy: p, NoProxy: []string{"*.a.com"}}, nil, "https://x.a.com", p},
		{"star", VSCodeProxyInput{Proxy: p}, map[string]string{"no_proxy": "x,*"}, "https://a.com", "DIRECT by *"},
		{"star_with_blank", VSCodeProxyInput{Proxy: p}, map[string]string{"no_proxy": "x, *"}, "https://a.com", p},
		{"system", VSCodeProxyInput{}, nil, "https://a.com", ""},
		{"remote", VSCodeProxyInput{Remote: true}, nil, "https://a.com", "DIRECT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Getenv = func(k string) string { return c.env[k] }
			if got := describeProxy(VSCodeProxyDecision(c.in, c.url)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
