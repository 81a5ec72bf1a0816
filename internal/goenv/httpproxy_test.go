package goenv

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/http/httpproxy"
)

// TestHTTPProxyVectors are the vectors g.4 of the specification, and what else sections e.1 and b.1 say.
func TestHTTPProxyVectors(t *testing.T) {
	const p = "http://proxy.example.com:3128"
	https := func(noProxy string) map[string]string {
		return map[string]string{"HTTP_PROXY": p, "HTTPS_PROXY": p, "NO_PROXY": noProxy}
	}
	type request struct{ url, want string } // want: a proxy, "DIRECT", "DIRECT by <rule>" or "error"
	for _, c := range []struct {
		name string
		env  map[string]string
		urls []request
	}{
		{"v80_http_only", map[string]string{"HTTP_PROXY": p}, []request{{"http://a", p}, {"https://a", "DIRECT"}}},
		{"v81_https_only", map[string]string{"HTTPS_PROXY": p}, []request{{"https://a", p}, {"http://a", "DIRECT"}}},
		{"v82_all_proxy", map[string]string{"ALL_PROXY": p, "all_proxy": p}, []request{{"https://a", "DIRECT"}, {"http://a", "DIRECT"}}},
		{"v83_upper_first", map[string]string{"HTTP_PROXY": "http://up", "http_proxy": "http://low"}, []request{{"http://a", "http://up"}}},
		{"v83_empty_upper", map[string]string{"HTTP_PROXY": "", "http_proxy": "http://low"}, []request{{"http://a", "http://low"}}},
		{"v85_host", https("foo.com"), []request{
			{"https://foo.com", "DIRECT by foo.com"}, {"https://x.foo.com", "DIRECT by foo.com"}, {"https://FOO.com", "DIRECT by foo.com"},
			{"https://foo.com:8080", "DIRECT by foo.com"}, {"https://xfoo.com", p}, {"https://foo.com.", p},
		}},
		{"v86_dot", https(".foo.com"), []request{{"https://x.foo.com", "DIRECT by .foo.com"}, {"https://foo.com", p}}},
		{"v86_star_dot", https("*.foo.com"), []request{{"https://x.foo.com", "DIRECT by *.foo.com"}, {"https://foo.com", p}}},
		{"v86_star", https("*foo.com"), []request{{"https://x.foo.com", p}, {"https://foo.com", p}, {"https://xfoo.com", p}}},
		{"v87_port", https("foo.com:443"), []request{{"https://foo.com", "DIRECT by foo.com:443"}, {"http://foo.com", p}}},
		{"v88_blanks_around", https(" a.com , b.com "), []request{{"https://a.com", "DIRECT by a.com"}, {"https://b.com", "DIRECT by b.com"}}},
		{"v88_blank_only", https("a.com b.com"), []request{{"https://a.com", p}, {"https://b.com", p}}},
		{"v88_semicolon", https("a.com;b.com"), []request{{"https://a.com", p}, {"https://b.com", p}}},
		{"v88_pipe", https("a.com|b.com"), []request{{"https://a.com", p}, {"https://b.com", p}}},
		{"v89_cidr", https("10.0.0.0/8,fd00::/8"), []request{
			{"https://10.1.2.3", "DIRECT by 10.0.0.0/8"}, {"https://[fd00::1]", "DIRECT by fd00::/8"}, {"https://11.1.2.3", p}, {"https://ten.example.com", p},
		}},
		{"v89_cidr_port", https("10.0.0.0/8:80,10.*"), []request{{"http://10.1.2.3", p}, {"http://10.1.2.3:80", p}}},
		{"v91_upper_no_proxy", map[string]string{"HTTPS_PROXY": p, "NO_PROXY": "b.com", "no_proxy": "a.com"}, []request{{"https://b.com", "DIRECT by b.com"}, {"https://a.com", p}}},
		{"v92_cgi", map[string]string{"HTTP_PROXY": p, "HTTPS_PROXY": p, "REQUEST_METHOD": "GET"}, []request{{"http://a", "error"}, {"https://a", p}}},
		{"v93_loopback", map[string]string{"HTTP_PROXY": p}, []request{
			{"http://127.0.0.1:3000", "DIRECT"}, {"http://localhost:3000", "DIRECT"}, {"http://[::1]:80", "DIRECT"}, {"http://127.9.9.9", "DIRECT"},
			{"http://[::ffff:127.0.0.1]", "DIRECT"}, {"http://LOCALHOST", p}, {"http://foo.localhost", p}, {"http://localhost.", p},
			{"http://0.0.0.0", p}, {"http://[::]", p}, {"http://127.1", p},
		}},
		{"star_anywhere", https("a.com, *"), []request{{"https://b.com", "DIRECT by *"}, {"https://10.1.1.1", "DIRECT by *"}}},
		{"ip6_brackets", https("[fd00::1],[fd00::2]:443"), []request{{"https://[fd00::1]", p}, {"https://[fd00::2]", "DIRECT by [fd00::2]:443"}}},
		{"ip_port", https("10.1.2.3:443"), []request{{"https://10.1.2.3", "DIRECT by 10.1.2.3:443"}, {"http://10.1.2.3", p}}},
		{"ip_is_no_domain", https("2.3,.1.2.3"), []request{{"https://10.1.2.3", p}}},
		{"ip6_bare", https("fd00::1"), []request{{"https://[fd00::1]:8443", "DIRECT by fd00::1"}}},
		{"scheme_in_entry", https("http://a.com,<local>"), []request{{"https://a.com", p}, {"https://a", p}}},
		{"idn", https("bücher.example"), []request{{"https://xn--bcher-kva.example", "DIRECT by bücher.example"}, {"https://bücher.example", "DIRECT by bücher.example"}}},
		{"no_scheme", map[string]string{"HTTPS_PROXY": "proxy.example.com:3128"}, []request{{"https://a", p}}},
		{"garbage", map[string]string{"HTTPS_PROXY": "http://p\x7f:1"}, []request{{"https://a", "DIRECT"}}},
		{"password", map[string]string{"HTTPS_PROXY": "http://u:secret@p:1"}, []request{{"https://a", "http://u:xxxxx@p:1"}}},
		{"ftp", map[string]string{"HTTPS_PROXY": p, "HTTP_PROXY": p}, []request{{"ftp://a", "DIRECT"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := HTTPProxyFromEnv(func(k string) string { return c.env[k] })
			for _, r := range c.urls {
				if got := describeProxy(config.Decide(r.url)); got != r.want {
					t.Errorf("%s: got %s, want %s", r.url, got, r.want)
				}
			}
		})
	}
}

func describeProxy(d ProxyDecision) string {
	switch {
	case d.Err != "":
		return "error"
	case d.Rule != "":
		return "DIRECT by " + d.Rule
	case d.Direct:
		return "DIRECT"
	}
	return d.Proxy
}

// TestHTTPProxyDifferential compares with the code of net/http itself.
func TestHTTPProxyDifferential(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range walkCases(t, 4000) {
		env := generateProxyEnv(r)
		config := HTTPProxyFromEnv(func(k string) string { return env[k] })
		proxyFor := referenceProxyFunc(env)
		for range 3 {
			rawURL := generateProxyURL(r)
			if got, want := describeBare(config.Decide(rawURL)), referenceProxy(proxyFor, rawURL); got != want {
				t.Errorf("%q %s: got %s, want %s", env, rawURL, got, want)
			}
		}
	}
}

func describeBare(d ProxyDecision) string {
	if d.Err == "" && d.Direct {
		return "DIRECT"
	}
	return describeProxy(d)
}

func referenceProxyFunc(env map[string]string) func(*url.URL) (*url.URL, error) {
	first := func(a, b string) string {
		if env[a] != "" {
			return env[a]
		}
		return env[b]
	}
	c := httpproxy.Config{
		HTTPProxy: first("HTTP_PROXY", "http_proxy"), HTTPSProxy: first("HTTPS_PROXY", "https_proxy"), NoProxy: first("NO_PROXY", "no_proxy"),
		CGI: env["REQUEST_METHOD"] != "",
	}
	return c.ProxyFunc()
}

func referenceProxy(proxyFor func(*url.URL) (*url.URL, error), rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "error"
	}
	switch p, err := proxyFor(u); {
	case err != nil:
		return "error"
	case p == nil:
		return "DIRECT"
	default:
		return p.Redacted()
	}
}

func pickOne[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func generateProxyEnv(r *rand.Rand) map[string]string {
	env := map[string]string{}
	value := func() string {
		return pickOne(r, "", "http://p.example.com:3128", "https://p.example.com", "p.example.com:80", "p", "socks5://p:1080", "socks4://p:1", " http://p",
			"http://p ", "http://u:pw@p:1", "//p", "http:p", ":", "http://[::1", "http://p\x7f", "\"http://p\"", "10.0.0.1:80", "[fd00::1]:80", "http://", "%zz")
	}
	for _, k := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		if r.IntN(3) > 0 {
			env[k] = value()
		}
	}
	for _, k := range []string{"NO_PROXY", "no_proxy"} {
		if r.IntN(4) > 0 {
			env[k] = generateNoProxy(r)
		}
	}
	if r.IntN(12) == 0 {
		env["REQUEST_METHOD"] = "GET"
	}
	return env
}

func generateNoProxy(r *rand.Rand) string {
	var entries []string
	for range r.IntN(5) {
		host := generateProxyHost(r)
		switch r.IntN(10) {
		case 0:
			host = "." + host
		case 1:
			host = "*." + host
		case 2:
			host = "*" + host
		case 3:
			host = strings.ToUpper(host)
		case 4:
			host = pickOne(r, "*", "10.0.0.0/8", "fd00::/8", "10.0.0.0/8:80", "0.0.0.0/0", "::/0", "10.*", "<local>", "[fd00::1]", ":80", "[]", "[", "]", "[]:80", "10.0.0.0/99")
		}
		if r.IntN(4) == 0 {
			host += pickOne(r, ":80", ":443", ":8080", ":", ":x")
		}
		entries = append(entries, pickOne(r, "", " ", "\t")+host+pickOne(r, "", " "))
	}
	return strings.Join(entries, pickOne(r, ",", ",", ",", ", ", ";", " ", "|"))
}

func generateProxyHost(r *rand.Rand) string {
	return pickOne(r, "a.com", "foo.com", "x.foo.com", "xfoo.com", "com", "b.a.com", "10.1.2.3", "10.1.2.4", "11.1.1.1", "fd00::1", "::1", "127.0.0.1", "localhost",
		"::ffff:10.1.2.3", "bücher.example", "xn--bcher-kva.example", "foo.com.", "0.0.0.0", "fe80::1%25eth0", "a_b.com", "")
}

func generateProxyURL(r *rand.Rand) string {
	host := generateProxyHost(r)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if r.IntN(6) == 0 {
		host = strings.ToUpper(host)
	}
	host += pickOne(r, "", "", ":80", ":443", ":8080")
	return fmt.Sprintf("%s://%s%s", pickOne(r, "http", "https", "https", "ftp", "HTTPS"), host, pickOne(r, "", "/", "/x/y?z"))
}

func FuzzNoProxy(f *testing.F) {
	f.Add("foo.com, .bar.com,*.x:80,10.0.0.0/8,[::1]:80,*", "https://a.foo.com:443/x")
	f.Add("bücher.example", "http://xn--bcher-kva.example")
	f.Add("[]:1,[,],:", "http://[fe80::1%25eth0]")
	f.Fuzz(func(t *testing.T, noProxy, rawURL string) {
		env := map[string]string{"HTTP_PROXY": "http://p:1", "HTTPS_PROXY": "http://p:2", "NO_PROXY": noProxy}
		config := HTTPProxyFromEnv(func(k string) string { return env[k] })
		if got, want := describeBare(config.Decide(rawURL)), referenceProxy(referenceProxyFunc(env), rawURL); got != want {
			t.Errorf("NO_PROXY=%q %q: got %s, want %s", noProxy, rawURL, got, want)
		}
		LintNoProxy(noProxy)
	})
}
