package scrub

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// style is what has to be known of a text to find secrets in it.
type style struct {
	lines    bool // an unquoted value ends with its line, not with the word
	noValues bool // names before colons mean something else here
}

// text removes the secrets of a text.
func (s *scrubber) text(text string, st style) string {
	text = s.urls(s.schemes(s.keys(text)))
	if !st.noValues {
		text = s.values(text, st)
		text = s.passwords(text)
	}
	return s.tokens(text)
}

// keys removes private keys in PEM and its relatives, which begin with -----BEGIN … PRIVATE KEY…-----.
func (s *scrubber) keys(text string) string {
	const begin, end = "-----BEGIN ", "-----END "
	var b strings.Builder
	for {
		i := strings.Index(text, begin)
		if i < 0 {
			break
		}
		i += len(begin)
		n := strings.Index(text[i:], "-----")
		if n < 0 {
			break
		}
		body := i + n + len("-----")
		b.WriteString(text[:body])
		private := strings.Contains(text[i:i+n], "PRIVATE KEY")
		text = text[body:]
		if !private {
			continue
		}
		stop := strings.Index(text, end)
		if stop < 0 {
			stop = len(text)
		}
		b.WriteString(eachLine(text[:stop], func(line string) string {
			if strings.TrimSpace(line) == "" {
				return line
			}
			return Mark + line[len(strings.TrimRight(line, "\r")):]
		}))
		text = text[stop:]
	}
	return b.String() + text
}

// Reference reports whether the user information of a URL is no secret because a variable stands in the place of one:
// "$TOKEN", "u:${TOKEN}", "%USER%:%TOKEN%". A variable with a default value is none.
func Reference(user string) bool {
	if rest, ok := cutReference(user); ok { // ${env:NAME} has a colon of its own
		if rest == "" {
			return true
		}
		user = rest
	}
	_, password, ok := strings.Cut(user, ":")
	if !ok {
		return false
	}
	rest, ok := cutReference(password)
	return ok && rest == ""
}

// cutReference returns what follows the reference to a variable that text begins with.
func cutReference(text string) (rest string, ok bool) {
	const letters, digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", "0123456789"
	opening, closing, more := "$", "", ""
	switch {
	case strings.HasPrefix(text, "${"):
		opening, closing, more = "${", "}", ":."
	case strings.HasPrefix(text, "%"):
		opening, closing = "%", "%"
	}
	name, ok := strings.CutPrefix(text, opening)
	if !ok || strings.TrimLeft(name, letters) == name {
		return "", false
	}
	return strings.CutPrefix(strings.TrimLeft(name, letters+digits+more), closing)
}

// urls removes user information from URLs, all but the user git and variables, which say nothing.
func (s *scrubber) urls(text string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(text, ':') + 1
		b.WriteString(text[:i])
		text = text[i:]
		slashes := 0
		switch {
		case i == 0:
			return b.String() + text
		case strings.HasPrefix(text, "//"):
			slashes = len("//")
		case strings.HasPrefix(text, `\/\/`):
			slashes = len(`\/\/`)
		default:
			continue
		}
		b.WriteString(text[:slashes])
		text = text[slashes:]
		if at := userInfo(text[:min(4*window, len(text))]); at >= 0 && text[:at] != "git" && !Reference(text[:at]) {
			if _, password, ok := strings.Cut(text[:at], ":"); ok {
				s.secret(password)
			}
			b.WriteString(s.userInfo(text[:at]))
			text = text[at:]
		}
	}
}

// userInfo returns what stands for the user information of a URL.
func (s *scrubber) userInfo(user string) string {
	mark := s.secret(user)
	if s.marks != nil && !isMark(user) && !validUser(user) {
		if strings.Contains(user, ":") {
			mark += ":"
		}
		mark += invalid
	}
	return mark
}

// validUser reports whether net/url accepts the user information of a URL.
func validUser(user string) bool {
	u, err := url.Parse("https://" + user + "@host/")
	return err == nil && u.Host == "host"
}

// userInfo returns the index of the "@" that ends the user information of a URL, given without its scheme, or -1.
func userInfo(rest string) int {
	end := strings.IndexAny(rest, "/\\?# \t\r\n\"'`<>\x00")
	if end < 0 {
		end = len(rest)
	}
	if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
		return at
	}
	// A password may have a slash or a question mark that should have been escaped. Then what looks like a port is none.
	colon := strings.IndexByte(rest[:end], ':')
	if colon < 0 || strings.Trim(rest[colon+1:end], "0123456789") == "" || strings.ContainsAny(rest[:end], ",|") {
		return -1
	}
	if end = strings.IndexAny(rest, " \t\r\n\"'`<>,|\x00"); end < 0 {
		end = len(rest)
	}
	return strings.LastIndexByte(rest[:end], '@')
}

// passwords removes user:password@ where there is no scheme, as HTTP_PROXY and GOPROXY may have it.
func (s *scrubber) passwords(text string) string {
	const delimiters = " \t\r\n\"'`<>=,|;()[]{}/\\@\x00"
	var b strings.Builder
	for {
		at := strings.IndexByte(text, '@')
		if at < 0 {
			return b.String() + text
		}
		from := strings.LastIndexAny(text[:at], delimiters) + 1
		user, password, ok := strings.Cut(text[from:at], ":")
		after := text[at+1:]
		host := after != "" && (alphanumeric(after[0]) || after[0] == '[') && !strings.HasPrefix(after, "sha256:") && !strings.HasPrefix(after, "sha512:")
		if ok && host && user != "" && password != "" && !isMark(text[from:at]) && strings.Count(password, ":") <= 1 && !Reference(text[from:at]) {
			s.secret(password)
			b.WriteString(text[:from] + s.secret(text[from:at]))
		} else {
			b.WriteString(text[:at])
		}
		b.WriteByte('@')
		text = after
	}
}

// schemes removes the credentials after the names of HTTP authentication schemes.
func (s *scrubber) schemes(text string) string {
	const credentials = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=-._~"
	lower := asciiLower(text)
	var b strings.Builder
	done := 0
	for i := 0; i < len(text); i++ {
		scheme := schemeAt(lower[i:])
		if scheme == "" || i > 0 && alphanumeric(text[i-1]) {
			continue
		}
		rest := text[i+len(scheme):]
		from := i + len(scheme) + len(rest) - len(strings.TrimLeft(rest, " \t"))
		rest = text[from:]
		to := from + len(rest) - len(strings.TrimLeft(rest, credentials))
		if credential(scheme, text[from:to]) {
			b.WriteString(text[done:from] + s.secret(text[from:to]))
			done, i = to, to-1
		}
	}
	return b.String() + text[done:]
}

// schemeAt returns the name of the authentication scheme that text begins with, if a blank follows it.
func schemeAt(text string) string {
	for _, scheme := range []string{"basic", "bearer", "negotiate"} {
		if strings.HasPrefix(text, scheme) && len(text) > len(scheme) && text[len(scheme)] == ' ' {
			return scheme
		}
	}
	return ""
}

func credential(scheme, v string) bool {
	if scheme == "basic" {
		plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(v, "="))
		return err == nil && strings.Contains(string(plain), ":")
	}
	return len(v) >= 20 || len(v) >= 8 && strings.ContainsAny(v, "0123456789")
}

// shape is how the tokens of a service begin.
type shape struct {
	prefix string
	least  int  // characters after the prefix
	dots   bool // which may be dots too
}

// shapes are in the order of their prefixes; of several that fit the first is as good as any.
var shapes = []shape{
	{"A3T", 17, false}, {"ABIA", 16, false}, {"ACCA", 16, false}, {"AGE-SECRET-KEY-1", 20, false}, {"AIza", 30, false},
	{"AKCp", 20, false}, {"AKIA", 16, false}, {"ASIA", 16, false}, {"ATATT3", 20, false}, {"ATBB", 20, false}, {"GOCSPX-", 20, false},
	{"GR1348941", 10, false}, {"SG.", 20, true}, {"dapi", 32, false}, {"dckr_pat_", 10, false}, {"dop_v1_", 20, false},
	{"eyJ", 16, true}, {"figd_", 20, false}, {"ghe_", 20, false}, {"gho_", 20, false}, {"ghp_", 20, false}, {"ghr_", 20, false},
	{"ghs_", 20, false}, {"ghu_", 20, false}, {"github_pat_", 20, false}, {"glcbt-", 10, false}, {"gldt-", 10, false}, {"glft-", 10, false},
	{"glpat-", 10, true}, {"glptt-", 10, false}, {"glrt-", 10, true}, {"glsoat-", 10, false}, {"hf_", 20, false}, {"hvb.", 20, false}, {"hvs.", 20, false},
	{"lin_api_", 20, false}, {"npm_", 20, false}, {"oy2", 40, false}, {"pypi-AgE", 20, false}, {"rk_live_", 10, false}, {"rubygems_", 20, false},
	{"shpat_", 20, false}, {"sk-", 20, false}, {"sk_live_", 10, false}, {"sk_test_", 10, false}, {"tskey-", 10, false},
	{"xapp-", 10, false}, {"xoxa-", 10, false}, {"xoxb-", 10, false}, {"xoxe-", 10, false}, {"xoxe.", 10, true}, {"xoxo-", 10, false},
	{"xoxp-", 10, false}, {"xoxr-", 10, false}, {"xoxs-", 10, false}, {"ya29.", 20, true},
	{"hooks.slack.com/services/", 10, false},
}

// tokens removes access tokens that can be told by how they begin.
func (s *scrubber) tokens(text string) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(text); i++ {
		if i > 0 && alphanumeric(text[i-1]) || !strings.ContainsRune("ADSGadefghlnoprstxy", rune(text[i])) {
			continue
		}
		if n := tokenLen(text[i:]); n > 0 {
			b.WriteString(text[done:i] + s.secret(text[i:i+n]))
			done, i = i+n, i+n-1
		}
	}
	return b.String() + text[done:]
}

// tokenLen returns the length of the token that text begins with, or 0.
func tokenLen(text string) int {
	for _, sh := range shapes {
		if text[0] != sh.prefix[0] || !strings.HasPrefix(text, sh.prefix) {
			continue
		}
		n := len(sh.prefix)
		for n < len(text) && (alphanumeric(text[n]) && text[n] < 0x80 || strings.IndexByte("_-+/", text[n]) >= 0 || sh.dots && text[n] == '.') {
			n++
		}
		token := text[:n]
		if n-len(sh.prefix) < sh.least || sh.prefix == "eyJ" && !strings.Contains(token, ".") {
			continue
		}
		if sh.prefix == "AKIA" || sh.prefix == "ASIA" || sh.prefix == "A3T" || sh.prefix == "ABIA" || sh.prefix == "ACCA" {
			if strings.ToUpper(token) != token || strings.ContainsAny(token, "_-+/") {
				continue
			}
		}
		return n
	}
	return 0
}

// netrc removes logins, accounts and passwords of a netrc file; what is not a pair of words is kept.
func (s *scrubber) netrc(text string) string {
	var b strings.Builder
	before := ""
	for text != "" {
		blank := len(text) - len(strings.TrimLeft(text, " \t\r\n"))
		b.WriteString(text[:blank])
		text = text[blank:]
		end := strings.IndexAny(text, " \t\r\n")
		if end < 0 {
			end = len(text)
		}
		word := text[:end]
		text = text[end:]
		if word != "" && (before == "password" || before == "login" || before == "account") {
			b.WriteString(s.secret(word))
			before = ""
			continue
		}
		b.WriteString(word)
		before = word
	}
	return b.String()
}
