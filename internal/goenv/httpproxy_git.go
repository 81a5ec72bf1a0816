package goenv

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/goready/goready/internal/msg"
)

// GitProxyDecision says how git, which Go runs for version control, sends a request for rawURL: git's http.c and
// libcurl 7.86 or later (older ones know no address ranges in NO_PROXY). Unlike Go, git reads ALL_PROXY, prefers
// lower-case names, never reads HTTP_PROXY in upper case, and takes blanks for separators in NO_PROXY. The setting
// http.proxy of gitconfig comes before all these variables and is not looked at here.
func GitProxyDecision(getenv func(string) string, rawURL string) ProxyDecision {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ProxyDecision{Err: redactURLError(err).Error()}
	}
	var names []string
	switch u.Scheme {
	case "https":
		names = []string{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}
	case "http":
		names = []string{"http_proxy", "all_proxy", "ALL_PROXY"}
	default:
		return ProxyDecision{Direct: true, Why: msg.New("git uses an HTTP proxy for http and https only")}
	}
	variable, proxy := firstProxyVar(getenv, names...)
	if proxy == "" {
		return ProxyDecision{Direct: true, Why: msg.New("none of %s is set", strings.Join(names, ", "))}
	}
	noVariable, noProxy := firstProxyVar(getenv, "no_proxy", "NO_PROXY")
	if rule, ok := curlNoProxyMatch(noProxy, u.Hostname()); ok {
		return ProxyDecision{Direct: true, Variable: noVariable, Rule: rule, Why: msg.New("the entry %q of %s matches", rule, noVariable)}
	}
	if !strings.Contains(proxy, "://") {
		proxy = "http://" + proxy
	}
	return ProxyDecision{Proxy: redactURLText(proxy), Variable: variable, Why: msg.New("%s is set", variable)}
}

// curlNoProxyMatch returns the entry of a NO_PROXY that exempts a host: libcurl's Curl_check_noproxy. Ports are not
// part of it.
func curlNoProxyMatch(noProxy, host string) (rule string, ok bool) {
	if noProxy == "*" {
		return noProxy, true
	}
	addr, err := netip.ParseAddr(host)
	isName := err != nil
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	for entry := range strings.FieldsFuncSeq(noProxy, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' }) {
		if isName && curlNameMatch(strings.ToLower(entry), name) || !isName && curlAddressMatch(entry, addr) {
			return entry, true
		}
	}
	return "", false
}

// curlNameMatch reports whether an entry is a name or a domain above it; a leading dot does not matter.
func curlNameMatch(entry, name string) bool {
	entry = strings.TrimPrefix(strings.TrimSuffix(entry, "."), ".")
	return entry != "" && (name == entry || strings.HasSuffix(name, "."+entry))
}

// curlAddressMatch reports whether an entry is an address or a range that has it.
func curlAddressMatch(entry string, addr netip.Addr) bool {
	if p, err := netip.ParsePrefix(entry); err == nil {
		return p.Masked().Contains(addr)
	}
	a, err := netip.ParseAddr(entry)
	return err == nil && a == addr
}
