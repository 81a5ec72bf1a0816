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

// proxyWalker walks the entries of a GOPROXY list for one module.
type proxyWalker struct {
	in      WalkInput
	list    []ProxyEntry
	answers []Answer // one for each entry
	unused  []string
	private bool // the module matches GONOPROXY
	vcs     *VCSDecision
	sumdb   SumDBDecision
	// database, if not "", makes it a walk for the checksum database of that name.
	database string
}

func newProxyWalker(in WalkInput, list []ProxyEntry) *proxyWalker {
	s := &proxyWalker{in: in, list: list}
	s.answers, s.unused = in.Answers.forList(list)
	_, s.private = MatchPattern(in.GONOPROXY, in.Module)
	for _, e := range list {
		if s.fetchesVCS(e) {
			d := DecideVCS(in)
			s.vcs = &d
			break
		}
	}
	return s
}

// fetchesVCS reports whether e leads to version control: cmd/go/internal/modfetch.lookup.
func (s *proxyWalker) fetchesVCS(e ProxyEntry) bool {
	return s.database == "" && (e.URL == ProxyDirect || e.URL == ProxyNone && s.private)
}

// proxyReply is what an entry comes to for one file.
type proxyReply struct {
	outcome  WalkOutcome // served, blocks, unknown, skipped (failed without being asked), or stop (failed)
	why      msg.Text
	err      string
	notFound bool // goes on to the next entry in any case
	fatal    bool // ends the go command itself, whatever the separator
	final    bool // the last entry by its nature: why says enough
	direct   bool // an error from version control, which Go reports before all others
	requests []string
}

// run walks once for every file until one of the walks fails.
func (s *proxyWalker) run(w *Walk) {
	w.Steps = make([]WalkStep, len(s.list))
	for i, e := range s.list {
		w.Steps[i].Entry = e
	}
	for _, file := range walkFiles(s.in) {
		end := s.walk(file, w.Steps)
		w.Err, w.Blocks, w.Depends = end.failure.err, end.blocks, end.depends
		if end.servedBy < 0 {
			w.Served = ""
			break
		}
		if file == ".zip" {
			if err := s.zipError(end.servedBy); err != "" {
				w.Err, w.Served = err, ""
				break
			}
		}
		w.Served = s.servedName(end.servedBy)
	}
	for i := range w.Steps {
		s.finish(&w.Steps[i], s.answers[i])
	}
}

func (s *proxyWalker) servedName(i int) string {
	if e := s.list[i]; e.IsURL() {
		return e.Redacted()
	}
	return ProxyDirect
}

// zipError returns the error of a .zip that cannot be used. Go looks into it only after the walk, so nothing falls back.
func (s *proxyWalker) zipError(i int) string {
	if k := s.answers[i].Kind; s.list[i].IsURL() && (k == AnswerHTML || k == AnswerEmpty) {
		return "zip: not a valid zip file"
	}
	if s.sumdb.Used && s.sumdb.Err != "" {
		return "verifying module: " + s.sumDBError("") // only toolchains come here, whose go.mod is not asked for
	}
	return ""
}

// finish sums up a step after the last walk.
func (s *proxyWalker) finish(step *WalkStep, a Answer) {
	step.Asked = len(step.Requests) > 0
	if step.Asked {
		step.Answer = a
	}
	for _, f := range step.Files {
		if step.Outcome == "" || step.Outcome == WalkSkipped && f.Outcome != WalkSkipped {
			step.Outcome, step.Why, step.Err = f.Outcome, f.Why, f.Err
		}
	}
	if step.Outcome == "" {
		step.Outcome, step.Why = WalkSkipped, msg.New("the walk ends before this entry")
	}
	if step.Asked && !strings.HasPrefix(step.Requests[0], "file:") {
		step.HTTPProxy = s.in.Proxy.Decide(step.Requests[0])
	}
}

// walkEnd is how the walk for one file ends.
type walkEnd struct {
	servedBy int        // index of the entry, or -1
	failure  proxyReply // the failure that Go reports
	blocks   bool
	depends  bool
}

// walk asks the entries for one file, in order, and records in steps what becomes of each: TryProxies.
func (s *proxyWalker) walk(file string, steps []WalkStep) walkEnd {
	best := proxyReply{notFound: true}
	for i, e := range s.list {
		r := s.reply(i, file)
		if !s.fetchesVCS(e) || len(steps[i].Requests) == 0 { // version control is looked up once for all files
			steps[i].Requests = append(steps[i].Requests, r.requests...)
		}
		switch r.outcome {
		case WalkServed:
			steps[i].record(file, r)
			return walkEnd{servedBy: i}
		case WalkBlocks:
			steps[i].record(file, r)
			return walkEnd{servedBy: -1, blocks: true}
		case WalkUnknown:
			s.describeRest(i, file, steps)
			return walkEnd{servedBy: -1, depends: true}
		}
		best = betterFailure(best, r)
		stop := r.fatal || !e.Pipe && !r.notFound
		steps[i].record(file, r.after(e.Pipe, stop, i == len(s.list)-1))
		if stop {
			break
		}
	}
	return walkEnd{servedBy: -1, failure: best}
}

// after returns the reply that failed with what comes of that at its place in the list.
func (r proxyReply) after(pipe, stop, last bool) proxyReply {
	if r.outcome != WalkStop || r.fatal || r.final {
		return r
	}
	switch {
	case last:
		r.why = msg.New("%s, and no entry is left", r.why)
	case stop:
		r.why = msg.New("%s, and after a comma only 404 and 410 go on", r.why)
	case r.notFound:
		r.outcome, r.why = WalkNext, msg.New("%s, so the next entry is asked", r.why)
	case pipe:
		r.outcome, r.why = WalkNext, msg.New("%s, and after | any failure goes on", r.why)
	}
	return r
}

// betterFailure returns which of two failures Go reports: those of version control before those of proxies, and these
// before "not found"; of equal ones the later, except that the first of several "not found" gives way too.
func betterFailure(best, r proxyReply) proxyReply {
	switch {
	case r.fatal || r.direct:
		return r
	case best.direct:
		return best
	case !r.notFound || best.notFound:
		return r
	}
	return best
}

func (step *WalkStep) record(file string, r proxyReply) {
	step.Files = append(step.Files, WalkFile{Name: file, Outcome: r.outcome, Why: r.why, Err: r.err})
}

// describeRest records, from the entry i on, whose answer is not known, what each class of answer would lead to.
func (s *proxyWalker) describeRest(i int, file string, steps []WalkStep) {
	for ; i < len(s.list); i++ {
		e := s.list[i]
		r := proxyReply{outcome: WalkUnknown}
		next := s.nextAsked(i)
		switch {
		case !s.asked(e):
			r = s.reply(i, file)
			if e.URL == ProxyOff {
				r.outcome = WalkUnknown
			}
		case next == "":
			r.why = msg.New("any failure is final")
		case e.Pipe:
			r.why = msg.New("any failure goes on to %s", next)
		default:
			r.why = msg.New("404 and 410 go on to %s; any other failure is final", next)
		}
		steps[i].record(file, r)
	}
}

// asked reports whether the walk sends anything to e, if it comes there.
func (s *proxyWalker) asked(e ProxyEntry) bool {
	return s.fetchesVCS(e) || e.IsURL() && (s.database != "" || !s.private)
}

// nextAsked returns the name of the entry to which a failure of the entry i leads, "" if none follows.
func (s *proxyWalker) nextAsked(i int) string {
	for _, e := range s.list[i+1:] {
		if s.asked(e) || e.URL == ProxyOff && !s.private {
			return e.Redacted()
		}
	}
	return ""
}

// errTextProxyOff is cmd/go/internal/modfetch.errProxyOff.
const errTextProxyOff = "module lookup disabled by GOPROXY=off"

// reply says what the entry i comes to for a file: cmd/go/internal/modfetch.lookup and the requests behind it.
func (s *proxyWalker) reply(i int, file string) proxyReply {
	e := s.list[i]
	switch {
	case s.fetchesVCS(e):
		return s.vcsReply(s.answers[i], file)
	case e.URL == ProxyNone:
		return proxyReply{outcome: WalkSkipped, notFound: true, err: "path does not match GOPRIVATE/GONOPROXY",
			why: msg.New("the module matches no pattern of GONOPROXY")}
	case s.private && s.database == "":
		return proxyReply{outcome: WalkSkipped, notFound: true, err: "disabled by GOPRIVATE/GONOPROXY",
			why: msg.New("the module matches GONOPROXY, so no proxy is asked")}
	case e.URL == ProxyDirect: // for the checksum database
		return proxyReply{outcome: WalkStop, notFound: true, direct: true, final: true, err: errTextProxyOff,
			why: msg.New("direct ends the list: the checksum database itself is asked")}
	case e.URL == ProxyOff:
		return proxyReply{outcome: WalkStop, notFound: true, final: true, err: errTextProxyOff,
			why: msg.New("off ends the list: nothing is downloaded")}
	}
	r := s.urlReply(e, s.answers[i], file)
	if s.repeated(i, file) {
		r.requests = nil
	}
	return r
}

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
	if s.vcs.Discovery != "" {
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
