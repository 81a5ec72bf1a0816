package goenv

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/goready/goready/internal/msg"
)

// VSCodeProxyInput is what decides how VS Code itself, and extensions that use node's http, send a request.
type VSCodeProxyInput struct {
	Support string   // the setting http.proxySupport; "" is "override"
	Proxy   string   // the setting http.proxy
	NoProxy []string // the setting http.noProxy
	// Getenv looks up the environment of the extension host at its start.
	Getenv func(string) string
	// Remote: an extension host without a desktop that could be asked for the proxy of the system.
	Remote bool
}

// VSCodeProxyDecision says how VS Code sends a request for rawURL: @vscode/proxy-agent 0.45.0. Its rules are not Go's:
// lower-case variables come first, there is one proxy for both schemes, an address range in NO_PROXY matches nothing,
// and any http.noProxy hides the environment's NO_PROXY. A zero decision with Why is "as the system or its PAC says".
func VSCodeProxyDecision(in VSCodeProxyInput, rawURL string) ProxyDecision {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ProxyDecision{Err: redactURLError(err).Error()}
	}
	if in.Support == "off" {
		return ProxyDecision{Direct: true, Variable: "http.proxySupport", Why: msg.New("%s is off", "http.proxySupport")}
	}
	host := strings.ToLower(asciiHost(u.Hostname())) // node's URLs have hosts in this form
	switch host {
	case "localhost", "127.0.0.1", "::1", "::ffff:127.0.0.1":
		return ProxyDecision{Direct: true, Why: msg.New("VS Code never uses a proxy for %s", host)}
	}
	port := cmp.Or(u.Port(), map[string]string{"https": "443"}[u.Scheme], "80")
	if d := in.bypass(host, port); d.Direct {
		return d
	}
	if usableVSCodeProxy(in.Proxy) {
		return ProxyDecision{Proxy: redactURLText(strings.TrimSpace(in.Proxy)), Variable: "http.proxy", Why: msg.New("%s is set", "http.proxy")}
	}
	if name, value := firstProxyVar(in.Getenv, "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"); usableVSCodeProxy(value) {
		return ProxyDecision{Proxy: redactURLText(strings.TrimSpace(value)), Variable: name, Why: msg.New("%s is set", name)}
	}
	if in.Remote {
		return ProxyDecision{Direct: true, Why: msg.New("no proxy is configured, and there is no desktop to ask")}
	}
	return ProxyDecision{Why: msg.New("the proxy of the operating system or its PAC file is used")}
}

// bypass says whether http.noProxy or, if that is empty, NO_PROXY exempts a host.
func (in VSCodeProxyInput) bypass(host, port string) ProxyDecision {
	variable, entries := "http.noProxy", make([]string, len(in.NoProxy))
	for i, e := range in.NoProxy {
		entries[i] = strings.TrimSpace(e)
	}
	if len(entries) == 0 {
		var value string
		variable, value = firstProxyVar(in.Getenv, "no_proxy", "NO_PROXY")
		entries = strings.Split(strings.TrimSpace(value), ",")
	}
	// A star counts at any position, but only without blanks around it.
	for _, e := range entries {
		if e == "*" {
			return vscodeBypass(e, variable)
		}
	}
	for _, e := range entries {
		if vscodeNoProxyMatches(strings.ToLower(strings.TrimSpace(e)), host, port) {
			return vscodeBypass(strings.TrimSpace(e), variable)
		}
	}
	return ProxyDecision{}
}

func vscodeBypass(rule, variable string) ProxyDecision {
	return ProxyDecision{Direct: true, Variable: variable, Rule: rule, Why: msg.New("the entry %q of %s matches", rule, variable)}
}

// vscodeNoProxyMatches reports whether an entry, host[:port], matches a host or a name below it.
func vscodeNoProxyMatches(entry, host, port string) bool {
	parts := strings.SplitN(entry, ":", 3)
	name := parts[0]
	if name == "" {
		return false
	}
	if name[0] != '.' {
		name = "." + name
	}
	anyPort := len(parts) == 1 || parts[1] == ""
	return strings.HasSuffix("."+host, name) && (anyPort || parts[1] == port)
}

// usableVSCodeProxy reports whether VS Code takes the value for a proxy: it needs a scheme that it knows.
func usableVSCodeProxy(value string) bool {
	scheme, _, found := strings.Cut(strings.TrimSpace(value), "://")
	if !found {
		return false
	}
	switch strings.ToLower(scheme) {
	case "http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h":
		return true
	}
	return false
}
