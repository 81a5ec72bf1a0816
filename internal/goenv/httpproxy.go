package goenv

import "github.com/goready/goready/internal/msg"

// HTTPProxyConfig is what net/http.ProxyFromEnvironment reads once per process. The zero HTTPProxyConfig sends
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
// unset, ALL_PROXY is not read.
func HTTPProxyFromEnv(getenv func(string) string) HTTPProxyConfig { return HTTPProxyConfig{} }

// ProxyDecision says how a request travels.
type ProxyDecision struct {
	Direct bool
	// Proxy is the URL of the HTTP proxy, password masked; "" if Direct.
	Proxy string
	// Variable is what gave Proxy or, if an entry of NO_PROXY decided, that variable.
	Variable string
	// Rule is the entry of NO_PROXY that matched, as written.
	Rule string
	Why  msg.Text
	// Err is, in Go's own words, why the request fails before it is sent.
	Err string
}

// Decide says how Go sends a request for rawURL.
func (c HTTPProxyConfig) Decide(rawURL string) ProxyDecision { return ProxyDecision{} }

// LintHTTPProxy remarks on the proxy variables of an environment.
func LintHTTPProxy(getenv func(string) string) []ValueProblem { return nil }

// LintProxyURL remarks on the value of HTTP_PROXY or HTTPS_PROXY.
func LintProxyURL(value string) []ValueProblem { return nil }

// LintNoProxy remarks on the value of NO_PROXY.
func LintNoProxy(value string) []ValueProblem { return nil }
