package goenv

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"

	"github.com/goready/goready/internal/msg"
)

// HTTPProxyConfig is what net/http.ProxyFromEnvironment reads, once per process. The zero HTTPProxyConfig sends
// everything direct. Values may hold passwords.
type HTTPProxyConfig struct {
	HTTPProxy  string
	HTTPSProxy string
	NoProxy    string
	// The names of the variables that gave the values, as spelled; "" if there is none.
	HTTPProxyVar  string
	HTTPSProxyVar string
	NoProxyVar    string
	// CGI: REQUEST_METHOD is set, so HTTP_PROXY is refused.
	CGI bool
}

// HTTPProxyFromEnv reads the variables of an environment as net/http does: the upper-case spelling first, empty is
// unset, ALL_PROXY is not read. The environment is that of the process: Go does not look for these variables in its
// env files.
func HTTPProxyFromEnv(getenv func(string) string) HTTPProxyConfig {
	c := HTTPProxyConfig{CGI: getenv("REQUEST_METHOD") != ""}
	c.HTTPProxyVar, c.HTTPProxy = firstProxyVar(getenv, "HTTP_PROXY", "http_proxy")
	c.HTTPSProxyVar, c.HTTPSProxy = firstProxyVar(getenv, "HTTPS_PROXY", "https_proxy")
	c.NoProxyVar, c.NoProxy = firstProxyVar(getenv, "NO_PROXY", "no_proxy")
	return c
}

func firstProxyVar(getenv func(string) string, names ...string) (name, value string) {
	for _, name := range names {
		if v := getenv(name); v != "" {
			return name, v
		}
	}
	return "", ""
}

// ProxyDecision says how a request travels. The zero ProxyDecision is no decision.
type ProxyDecision struct {
	Direct bool
	// Proxy is the URL of the HTTP proxy, password masked; "" if Direct or if Err.
	Proxy string
	// Variable is what gave Proxy or, if an entry of NO_PROXY decided, that variable.
	Variable string
	// Rule is the entry of NO_PROXY that matched, as written without the blanks around it.
	Rule string
	Why  msg.Text
	// Err is, in Go's own words, why the request fails before it is sent.
	Err string
}

// Decide says how Go sends a request for rawURL: golang.org/x/net/http/httpproxy.Config.ProxyFunc, with its reason.
func (c HTTPProxyConfig) Decide(rawURL string) ProxyDecision {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ProxyDecision{Err: redactURLError(err).Error()}
	}
	proxy, variable, direct := c.proxyForScheme(u.Scheme)
	if !direct.IsZero() {
		return ProxyDecision{Direct: true, Variable: variable, Why: direct}
	}
	if u.Scheme == "http" && c.CGI {
		return ProxyDecision{
			Variable: variable,
			Why:      msg.New("REQUEST_METHOD is set, so Go takes the process for a CGI program and refuses HTTP_PROXY"),
			Err:      "refusing to use HTTP_PROXY value in CGI environment; see golang.org/s/cgihttpproxy",
		}
	}
	if d := c.bypass(u); d.Direct {
		return d
	}
	d := ProxyDecision{Proxy: proxy.Redacted(), Variable: variable}
	if c.NoProxy == "" {
		d.Why = msg.New("%s is set", variable)
	} else {
		d.Why = msg.New("%s is set and no entry of %s matches", variable, c.noProxyVar())
	}
	return d
}

func (c HTTPProxyConfig) noProxyVar() string {
	if c.NoProxyVar == "" {
		return "NO_PROXY"
	}
	return c.NoProxyVar
}

// proxyForScheme returns the proxy for URLs of a scheme, or why there is none.
func (c HTTPProxyConfig) proxyForScheme(scheme string) (proxy *url.URL, variable string, direct msg.Text) {
	value, upper := "", ""
	switch scheme {
	case "http":
		value, variable, upper = c.HTTPProxy, c.HTTPProxyVar, "HTTP_PROXY"
	case "https":
		value, variable, upper = c.HTTPSProxy, c.HTTPSProxyVar, "HTTPS_PROXY"
	default:
		return nil, "", msg.New("Go uses an HTTP proxy for http and https only")
	}
	if value == "" {
		return nil, "", msg.New("%s is not set", upper)
	}
	if variable == "" {
		variable = upper
	}
	if proxy = parseHTTPProxy(value); proxy == nil {
		return nil, variable, msg.New("%s cannot be parsed, and Go then ignores it", variable)
	}
	return proxy, variable, msg.Text{}
}

// parseHTTPProxy returns the URL that Go makes of the value of a proxy variable, nil if it ignores the value.
func parseHTTPProxy(value string) *url.URL {
	u, err := url.Parse(value)
	if err != nil || u.Scheme == "" || u.Host == "" {
		// Whatever is not a URL is taken for the host of an HTTP proxy.
		if guess, err := url.Parse("http://" + value); err == nil {
			return guess
		}
	}
	if err != nil {
		return nil
	}
	return u
}

// bypass says whether a request goes direct although there is a proxy; Direct is false if it does not.
func (c HTTPProxyConfig) bypass(u *url.URL) ProxyDecision {
	host := asciiHost(u.Hostname())
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	host, port, err := net.SplitHostPort(net.JoinHostPort(host, port))
	if err != nil {
		return ProxyDecision{Direct: true, Why: msg.New("Go cannot read the host of the URL")}
	}
	if host == "localhost" {
		return ProxyDecision{Direct: true, Why: msg.New("Go never uses a proxy for localhost")}
	}
	addr, err := netip.ParseAddr(host)
	var ip net.IP
	if err == nil {
		ip = addr.AsSlice()
		if ip.IsLoopback() {
			return ProxyDecision{Direct: true, Why: msg.New("Go never uses a proxy for loopback addresses")}
		}
	}
	return c.bypassByRule(strings.ToLower(strings.TrimSpace(host)), port, ip)
}

// bypassByRule tries the entries of NO_PROXY in order. Go itself tries all entries that are addresses before those
// that are names, which never gives another decision: the first kind matches only addresses, the second only names.
func (c HTTPProxyConfig) bypassByRule(host, port string, ip net.IP) ProxyDecision {
	for entry := range strings.SplitSeq(c.NoProxy, ",") {
		rule := strings.TrimSpace(entry)
		if rule == "" || !parseNoProxyRule(rule).match(host, port, ip) {
			continue
		}
		return ProxyDecision{
			Direct: true, Variable: c.noProxyVar(), Rule: rule,
			Why: msg.New("the entry %q of %s matches", rule, c.noProxyVar()),
		}
	}
	return ProxyDecision{}
}

// noProxyRule is an entry of NO_PROXY. The zero noProxyRule matches nothing.
type noProxyRule struct {
	all    bool       // "*"
	cidr   *net.IPNet // matches addresses
	ip     net.IP     // matches that address
	domain string     // ".example.com": matches names that end in it
	self   bool       // matches also domain without its first dot
	port   string     // "" is any
}

// parseNoProxyRule reads an entry that has no blanks around it.
func parseNoProxyRule(entry string) noProxyRule {
	entry = strings.ToLower(entry)
	if entry == "*" {
		return noProxyRule{all: true}
	}
	if _, cidr, err := net.ParseCIDR(entry); err == nil {
		return noProxyRule{cidr: cidr}
	}
	host, port, err := net.SplitHostPort(entry)
	if err != nil {
		host, port = entry, ""
	} else if len(host) >= 2 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	if host == "" {
		return noProxyRule{}
	}
	if ip := net.ParseIP(host); ip != nil {
		return noProxyRule{ip: ip, port: port}
	}
	if strings.HasPrefix(host, "*.") {
		host = host[1:]
	}
	self := host[0] != '.'
	if self {
		host = "." + host
	}
	return noProxyRule{domain: asciiHost(host), self: self, port: port}
}

// match reports whether r exempts a request to host, in lower case, and port; ip is host if that is an address.
func (r noProxyRule) match(host, port string, ip net.IP) bool {
	samePort := r.port == "" || r.port == port
	switch {
	case r.all:
		return true
	case r.cidr != nil:
		return ip != nil && r.cidr.Contains(ip)
	case r.ip != nil:
		return ip != nil && r.ip.Equal(ip) && samePort
	case r.domain == "" || ip != nil:
		return false
	}
	return samePort && (strings.HasSuffix(host, r.domain) || r.self && host == r.domain[1:])
}

// asciiHost returns a host name in the ASCII form of internationalised names, or as it is if it has none.
func asciiHost(host string) string {
	for i := range len(host) {
		if host[i] >= 0x80 {
			if ascii, err := idna.Lookup.ToASCII(host); err == nil {
				return ascii
			}
			return host
		}
	}
	return host
}
