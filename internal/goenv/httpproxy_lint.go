package goenv

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/goready/goready/internal/msg"
)

// LintHTTPProxy remarks on the proxy variables of an environment: each value, and how the variables work together.
// getenv of a Windows environment must ignore letter case.
func LintHTTPProxy(getenv func(string) string) []ValueProblem {
	c := HTTPProxyFromEnv(getenv)
	var list []ValueProblem
	addAll := func(variable string, problems []ValueProblem) {
		for _, p := range problems {
			p.Variable = variable
			list = append(list, p)
		}
	}
	addAll(c.HTTPProxyVar, LintProxyURL(c.HTTPProxy))
	addAll(c.HTTPSProxyVar, LintProxyURL(c.HTTPSProxy))
	addAll(c.NoProxyVar, LintNoProxy(c.NoProxy))
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"} {
		lower := strings.ToLower(name)
		up, low := getenv(name), getenv(lower)
		if up != "" && low != "" && up != low {
			addAll(name, []ValueProblem{{Token: redactURLText(low), Grade: GradeIneffective,
				Other: lower,
				Text:  msg.New("%s has another value: Go uses %s, while VS Code and curl prefer %s", lower, name, lower)}})
		}
	}
	return append(list, lintProxyVariables(c, getenv)...)
}

// lintProxyVariables remarks on variables that are missing or not read.
func lintProxyVariables(c HTTPProxyConfig, getenv func(string) string) []ValueProblem {
	var list []ValueProblem
	if name, value := firstProxyVar(getenv, "ALL_PROXY", "all_proxy"); value != "" {
		list = append(list, ValueProblem{Variable: name, Token: redactURLText(value), Grade: GradeIneffective,
			Text: msg.New("Go does not read %s; git and curl do", name)})
	}
	if c.HTTPProxy != "" && c.HTTPSProxy == "" {
		list = append(list, ValueProblem{Variable: c.HTTPProxyVar, Token: redactURLText(c.HTTPProxy), Grade: GradeIneffective,
			Text: msg.New("https requests do not use %s; they need HTTPS_PROXY", c.HTTPProxyVar), Instead: "HTTPS_PROXY"})
	}
	if c.HTTPProxy != "" && c.CGI {
		list = append(list, ValueProblem{Variable: "REQUEST_METHOD", Token: getenv("REQUEST_METHOD"), Grade: GradeRefused,
			Text: msg.New("REQUEST_METHOD is set, so Go takes the process for a CGI program and refuses HTTP_PROXY")})
	}
	return list
}

// LintProxyURL remarks on the value of HTTP_PROXY or HTTPS_PROXY.
func LintProxyURL(value string) []ValueProblem {
	r := valueRemarks{value: value}
	if value == "" {
		return nil
	}
	r.addCharacters()
	if strings.TrimSpace(value) != value {
		r.add(0, value, GradeRefused, strings.TrimSpace(value), msg.New("blanks around the value are not removed"))
	}
	if len(r.problems) > 0 {
		return r.problems // What follows would only repeat it.
	}
	u := parseHTTPProxy(value)
	switch {
	case u == nil:
		r.add(0, value, GradeIneffective, "", msg.New("this is no URL, and Go ignores it without a word"))
	case u.Hostname() == "" || strings.HasSuffix(u.Host, ":") && strings.HasPrefix(value, u.Host+"//"):
		r.add(0, value, GradeRefused, "", msg.New("this is no URL: Go would connect to the host %q", u.Host))
	case schemeWithoutColon(u.Host) && strings.HasPrefix(value, u.Host+"//"):
		r.add(0, value, GradeRefused, u.Host+":"+strings.TrimPrefix(value, u.Host), msg.New("this is no URL: Go would connect to the host %q", u.Host))
	default:
		r.addProxyURL(u)
	}
	return r.problems
}

// schemeWithoutColon reports whether the host of a guessed URL is a scheme whose colon is missing.
func schemeWithoutColon(host string) bool {
	return host == "http" || host == "https" || host == "socks5" || host == "socks5h"
}

// addProxyURL remarks on the parts of a proxy URL that Go can read.
func (r *valueRemarks) addProxyURL(u *url.URL) {
	written, err := url.Parse(r.value)
	if err != nil || written.Host == "" {
		r.add(0, r.value, GradeNote, "http://"+redactURLText(r.value), msg.New("without a scheme Go takes it for http://; VS Code ignores such a value"))
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		r.add(0, u.Scheme, GradeIneffective, "socks5", msg.New("Go does not know the proxy scheme %q and speaks HTTP to it", u.Scheme))
	}
	if u.Port() == "" {
		port := map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
		r.add(0, r.value, GradeNote, "", msg.New("no port is given: Go uses %s", cmp.Or(port, "80")))
	}
}

// LintNoProxy remarks on the value of NO_PROXY.
func LintNoProxy(value string) []ValueProblem {
	r := valueRemarks{value: value}
	r.addCharacters()
	offset := 0
	for part := range strings.SplitSeq(value, ",") {
		if entry := strings.TrimSpace(part); entry != "" {
			r.addNoProxyEntry(offset+strings.Index(part, entry), entry)
		}
		offset += len(part) + 1
	}
	return r.sorted()
}

// addNoProxyEntry remarks on an entry of NO_PROXY: the first thing about it that does not work.
func (r *valueRemarks) addNoProxyEntry(offset int, entry string) {
	lower := strings.ToLower(entry)
	switch {
	case strings.ContainsAny(entry, " \t;|"):
		fields := strings.FieldsFunc(entry, func(c rune) bool { return strings.ContainsRune(" \t;|", c) })
		r.add(offset, entry, GradeIneffective, strings.Join(fields, ","), msg.New("only commas separate entries: this one matches nothing"))
	case strings.Contains(entry, "://"):
		_, host, _ := strings.Cut(entry, "://")
		host, _, _ = strings.Cut(host[strings.LastIndex(host, "@")+1:], "/")
		r.add(offset, entry, GradeIneffective, host, msg.New("an entry is a host, not a URL: this one matches nothing"))
	case lower == "<local>" || lower == "<-loopback>":
		r.add(offset, entry, GradeIneffective, "", msg.New("%s is a word of Windows and browsers: here it matches nothing", entry))
	case strings.Contains(entry, "/"):
		r.addNoProxyCIDR(offset, entry)
	case entry != "*" && strings.Contains(strings.TrimPrefix(entry, "*."), "*"):
		r.addNoProxyGlob(offset, entry)
	default:
		r.addNoProxyHost(offset, entry)
	}
}

func (r *valueRemarks) addNoProxyCIDR(offset int, entry string) {
	if _, _, err := net.ParseCIDR(entry); err == nil {
		r.add(offset, entry, GradeNote, "", msg.New("an address range matches addresses in URLs, never host names; git and VS Code may not know ranges"))
		return
	}
	instead := ""
	if i := strings.LastIndexByte(entry, ':'); i > 0 {
		if _, _, err := net.ParseCIDR(entry[:i]); err == nil {
			instead = entry[:i]
		}
	}
	r.add(offset, entry, GradeIneffective, instead, msg.New("this is neither a host nor an address range: it matches nothing"))
}

func (r *valueRemarks) addNoProxyGlob(offset int, entry string) {
	instead := ""
	rest := strings.TrimLeft(entry, "*")
	switch octets := strings.Split(strings.TrimSuffix(entry, ".*"), "."); {
	case strings.HasSuffix(entry, ".*") && len(octets) < 4 && !strings.ContainsFunc(entry, func(c rune) bool { return !strings.ContainsRune("0123456789.*", c) }):
		octets = append(octets, "0", "0", "0")
		bits := []string{"/8", "/16", "/24"}[strings.Count(entry, ".")-1]
		if p, err := netip.ParsePrefix(strings.Join(octets[:4], ".") + bits); err == nil {
			instead = p.String()
		}
	case rest != entry && rest != "" && !strings.Contains(rest, "*"):
		instead = rest
	}
	r.add(offset, entry, GradeIneffective, instead, msg.New("a star works only alone or as the first label (*.example.com): this entry matches nothing"))
}

func (r *valueRemarks) addNoProxyHost(offset int, entry string) {
	host, port, err := net.SplitHostPort(entry)
	if err != nil {
		host, port = entry, ""
	}
	switch ip := net.ParseIP(host); {
	case entry == "*":
		if strings.Trim(r.value, " ,*") != "" {
			r.add(offset, entry, GradeNote, "", msg.New("a star alone exempts every host, so the other entries do nothing"))
		}
	case host == "":
		r.add(offset, entry, GradeIneffective, "", msg.New("an entry without a host matches nothing"))
	case strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback():
		r.add(offset, entry, GradeNote, "", msg.New("Go never uses a proxy for %s, with or without this entry", host))
	case strings.HasPrefix(entry, "[") && port == "":
		r.add(offset, entry, GradeIneffective, strings.Trim(entry, "[]"), msg.New("brackets belong to an address with a port: this entry matches nothing"))
	case ip == nil && strings.HasSuffix(host, "."):
		r.add(offset, entry, GradeIneffective, strings.TrimSuffix(host, "."), msg.New("the dot at the end is compared too: %s does not match", strings.TrimSuffix(host, ".")))
	}
}
