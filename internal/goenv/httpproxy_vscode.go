package goenv

// VSCodeProxyInput is what decides how VS Code itself, and extensions that use node's http, send a request.
type VSCodeProxyInput struct {
	Support string   // the setting http.proxySupport; "" is "override"
	Proxy   string   // the setting http.proxy
	NoProxy []string // the setting http.noProxy
	Getenv  func(string) string
	// Remote: an extension host without a desktop that could be asked for the system's proxy.
	Remote bool
}

// VSCodeProxyDecision says how VS Code sends a request for rawURL. Its rules differ from Go's; see precedence of
// lower-case variables, one value for both schemes, no CIDR.
func VSCodeProxyDecision(in VSCodeProxyInput, rawURL string) ProxyDecision { return ProxyDecision{} }
