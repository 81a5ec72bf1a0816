package goenv

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/msg"
)

// urlReply says what a server or folder comes to for a file.
func (s *proxyWalker) urlReply(e ProxyEntry, a Answer, file string) proxyReply {
	u, err := s.fileURL(e, file)
	if err != nil {
		return proxyReply{outcome: WalkStop, err: err.Error(), why: msg.New("the request cannot be made: %s", err.Error())}
	}
	if r, ok := s.refusedURL(u); ok {
		return r
	}
	r := s.answerReply(u, e, a, file)
	r.requests = s.requests(u, e, a, file)
	return r
}

// repeated reports whether the file was asked for at the same URL before: Go remembers answers, but for a .zip.
func (s *proxyWalker) repeated(i int, file string) bool {
	same := func(e ProxyEntry) bool { return e.URL == s.list[i].URL }
	return s.database == "" && file != ".zip" && slices.ContainsFunc(s.list[:i], same)
}

// fileURL returns the URL of a file below the URL of an entry, as newProxyRepo and getBody make it.
func (s *proxyWalker) fileURL(e ProxyEntry, file string) (*url.URL, error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return nil, redactURLError(err)
	}
	if s.database != "" {
		return joinURLPath(u, "sumdb/"+s.database+"/supported"), nil
	}
	escaped, err := module.EscapePath(s.in.Module)
	if err != nil {
		return nil, err
	}
	if name, ok := strings.CutPrefix(file, "."); ok {
		if file, err = s.versionFile(name); err != nil {
			return nil, err
		}
	}
	pathEscape := func(p string) string { return strings.ReplaceAll(url.PathEscape(p), "%2F", "/") }
	u.RawPath = path.Join(strings.TrimSuffix(u.RawPath, "/")+"/"+pathEscape(escaped), pathEscape(file))
	u.Path = path.Join(strings.TrimSuffix(u.Path, "/")+"/"+escaped, file)
	return u, nil
}

// versionFile returns the name of the file of a version. What a revision stands for is not known after its .info.
func (s *proxyWalker) versionFile(name string) (string, error) {
	version := s.in.Version
	if name != "info" && module.CanonicalVersion(version) != version {
		return "@v/" + unknownVersion + "." + name, nil
	}
	escaped, err := module.EscapeVersion(version)
	if err != nil {
		return "", err
	}
	return "@v/" + escaped + "." + name, nil
}

// joinURLPath is cmd/go/internal/web.Join.
func joinURLPath(u *url.URL, p string) *url.URL {
	j := *u
	j.Path = strings.TrimSuffix(u.Path, "/") + "/" + p
	j.RawPath = strings.TrimSuffix(u.RawPath, "/") + "/" + p
	return &j
}

// refusedURL returns the reply for requests that fail before they are sent, whatever the server would answer:
// cmd/go/internal/web.get.
func (s *proxyWalker) refusedURL(u *url.URL) (proxyReply, bool) {
	fail := func(err string) (proxyReply, bool) {
		return proxyReply{outcome: WalkStop, err: err, why: msg.New("Go refuses to send the request: %s", err)}, true
	}
	if u.Scheme == "file" {
		return proxyReply{}, false
	}
	if u.Scheme == "http" && u.User != nil {
		return fail("refusing to pass credentials to insecure URL: " + u.Redacted())
	}
	if u.Scheme == "https" {
		if _, err := ParseGOAUTH(s.in.GOAUTH, s.in.Platform); err != nil {
			r, _ := fail(err.Error())
			r.fatal = true
			return r, true
		}
	}
	if u.Host == "" {
		return fail(fmt.Sprintf("Get %q: http: no Host in request URL", u.Redacted()))
	}
	if err := s.in.Proxy.Decide(u.String()).Err; err != "" {
		return fail(fmt.Sprintf("Get %q: %s", u.Redacted(), err))
	}
	return proxyReply{}, false
}

// requests returns the URLs that Go asks an entry for to get a file.
func (s *proxyWalker) requests(u *url.URL, e ProxyEntry, a Answer, file string) []string {
	list := []string{u.Redacted()}
	if file == "@v/list" {
		switch a.Kind {
		case AnswerOK:
			list = append(list, s.furtherFile(e, "@v/"+unknownVersion+".info"))
		case AnswerHTML, AnswerEmpty:
			list = append(list, s.furtherFile(e, "@latest"))
		}
	}
	return repeatRefused(u.Scheme, list, a)
}

// repeatRefused returns the requests with their repetition, where Go asks GOAUTH after a 4xx and tries again.
func repeatRefused(scheme string, requests []string, a Answer) []string {
	if scheme == "https" && a.Kind == AnswerStatus && 400 <= a.Status && a.Status < 500 {
		return append(requests, requests...)
	}
	return requests
}

// furtherFile returns the URL, password masked, of a further file of the module.
func (s *proxyWalker) furtherFile(e ProxyEntry, file string) string {
	u, err := s.fileURL(e, file)
	if err != nil {
		return "" // unreachable: the list of the same module had a URL
	}
	return u.Redacted()
}

// answerReply says what an answer comes to.
func (s *proxyWalker) answerReply(u *url.URL, e ProxyEntry, a Answer, file string) proxyReply {
	r := proxyReply{outcome: WalkStop, why: a.Describe(), notFound: a.notFound()}
	switch {
	case a.IsZero():
		r.outcome = WalkUnknown
	case a.Kind == AnswerSilent:
		r.outcome = WalkBlocks
	case s.acceptable(a, file):
		r.outcome = WalkServed
		if a.Kind != AnswerOK {
			r.why = msg.New("%s, which Go takes for the file", r.why)
		}
		if file == ".mod" && s.sumdb.Used {
			return s.verified(r, a)
		}
	case a.Kind == AnswerHTML:
		r.err = fmt.Sprintf("invalid response from proxy %q: invalid character '<' looking for beginning of value", redactedBase(e))
	case a.Kind == AnswerEmpty:
		r.err = fmt.Sprintf("invalid response from proxy %q: unexpected end of JSON input", redactedBase(e))
	default:
		r.err = answerError(u, a, s.in)
	}
	return r
}

// acceptable reports whether Go takes an answer for the file.
func (s *proxyWalker) acceptable(a Answer, file string) bool {
	switch a.Kind {
	case AnswerOK:
		return true
	case AnswerHTML, AnswerEmpty:
		// Nothing in these has a form that Go checks at once.
		return file == ".mod" || file == ".zip" || file == "supported"
	}
	return false
}

// verified adds what the checksum database says to a .mod file that was served. Its errors count as the entry's own.
func (s *proxyWalker) verified(r proxyReply, a Answer) proxyReply {
	switch {
	case s.sumdb.Err != "":
		r.outcome, r.err = WalkStop, "verifying go.mod: "+s.sumDBError("/go.mod")
		r.why = msg.New("the file cannot be verified: %s", s.sumdb.Err)
	case s.sumdb.Route.Blocks:
		r.outcome, r.why = WalkBlocks, msg.New("the checksum database is reached by a server that never answers")
	case a.Kind != AnswerOK:
		r.outcome, r.err = WalkStop, "verifying go.mod: checksum mismatch"
		r.why = msg.New("the file is not the one that the checksum database knows")
	}
	return r
}

// sumDBError returns Go's words for a checksum database that cannot be used: the client names what it looked up.
func (s *proxyWalker) sumDBError(suffix string) string {
	if s.sumdb.Route.Err == "" {
		return s.sumdb.Err
	}
	version := s.in.Version
	if module.CanonicalVersion(version) != version {
		version = unknownVersion
	}
	return s.in.Module + "@" + version + suffix + ": " + s.sumdb.Err
}

// redactedBase returns the URL of an entry as the go command prints it.
func redactedBase(e ProxyEntry) string {
	u, err := url.Parse(e.URL)
	if err != nil {
		return e.Redacted() // unreachable: ParseProxyList parsed it
	}
	return u.Redacted()
}

// answerError returns Go's words for an answer that is no success.
func answerError(u *url.URL, a Answer, in WalkInput) string {
	if u.Scheme == "file" {
		return fileAnswerError(u, a, in)
	}
	if a.Kind == AnswerStatus {
		return fmt.Sprintf("reading %s: %s", u.Redacted(), httpStatusText(a.Status))
	}
	var detail string
	switch a.Kind {
	case AnswerRefused:
		detail = refusedText(u.String())
	case AnswerDNS:
		detail = "dial tcp: lookup " + u.Hostname() + ": no such host"
	case AnswerTLS:
		detail = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
	case AnswerEOF:
		detail = "EOF"
	case AnswerTimeout:
		detail = "dial tcp " + dialAddress(u) + ": i/o timeout"
	case AnswerProxyError:
		detail = "proxyconnect tcp: " + refusedText(in.Proxy.Decide(u.String()).Proxy)
	case AnswerInsecure:
		return "redirected from secure URL " + u.Redacted() + " to insecure URL"
	}
	return fmt.Sprintf("Get %q: %s", u.Redacted(), detail)
}

// refusedText returns Go's words for a server that refuses the connection.
func refusedText(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return "connect: connection refused"
	}
	return "dial tcp " + dialAddress(u) + ": connect: connection refused"
}

// dialAddress returns the host and port of a URL.
func dialAddress(u *url.URL) string {
	port := map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
}

// fileAnswerError returns Go's words for a file that cannot be read: web.getFile makes statuses of these.
func fileAnswerError(u *url.URL, a Answer, in WalkInput) string {
	detail := "permission denied"
	if a.notFound() {
		detail = "no such file or directory"
		if in.Platform.Windows() {
			detail = "The system cannot find the path specified."
		}
	}
	return fmt.Sprintf("reading %s: %s", u.Redacted(), detail)
}

// vcsReply says what version control comes to. For all files it is one repository, so there is one answer.
func (s *proxyWalker) vcsReply(a Answer, file string) proxyReply {
	r := proxyReply{outcome: WalkStop, direct: true, notFound: true, why: a.Describe()}
	if s.vcs.Err != "" {
		r.err, r.why = s.vcs.Err, msg.New("version control is not asked: %s", s.vcs.Err)
		return r
	}
	r.requests = []string{cmp.Or(s.vcs.Discovery, s.vcs.Repo)}
	if u, err := url.Parse(s.vcs.Discovery); err == nil && s.vcs.Discovery != "" {
		if refused, ok := s.refusedURL(u); ok {
			return refused
		}
		r.requests = repeatRefused("https", r.requests, a)
	}
	switch {
	case a.IsZero():
		r.outcome = WalkUnknown
	case a.Kind == AnswerOK:
		r.outcome, r.why = WalkServed, msg.New("version control has the module")
		if file == ".mod" && s.sumdb.Used {
			r.notFound = false
			return s.verified(r, a)
		}
	case a.Kind == AnswerSilent:
		r.outcome = WalkBlocks
	default:
		r.err, r.notFound = s.vcsError(a)
	}
	return r
}

// vcsError returns Go's words for version control that fails, as far as they do not come from another program.
func (s *proxyWalker) vcsError(a Answer) (err string, notFound bool) {
	d := s.vcs
	if d.Discovery == "" {
		if strings.Contains(d.Repo, "://") {
			return d.System + " ls-remote -q --end-of-options " + d.Repo, false
		}
		return "no secure protocol found for repository", true
	}
	u, parseErr := url.Parse(d.Discovery)
	if parseErr != nil {
		return parseErr.Error(), true // unreachable: made from a module path
	}
	switch a.Kind {
	case AnswerStatus:
		return fmt.Sprintf("unrecognized import path %q: %s", s.in.Module, answerError(u, a, s.in)), true
	case AnswerHTML:
		return fmt.Sprintf("unrecognized import path %q: parse %s: no go-import meta tags ()", s.in.Module, d.Discovery), true
	}
	return fmt.Sprintf("unrecognized import path %q: https fetch: %s", s.in.Module, answerError(u, a, s.in)), true
}
