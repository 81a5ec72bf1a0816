package goenv

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// ProblemGrade says how bad a [ValueProblem] is.
type ProblemGrade string

// The grades, worst first.
const (
	// GradeRefused: Go (or the program that reads the value) refuses it.
	GradeRefused ProblemGrade = "refused"
	// GradeIneffective: accepted, but it does not do what its writer most likely wanted, or does nothing at all.
	GradeIneffective ProblemGrade = "ineffective"
	// GradeRisky: it works, and weakens or breaks something else.
	GradeRisky ProblemGrade = "risky"
	// GradeNote: it works; worth knowing.
	GradeNote ProblemGrade = "note"
)

// ValueProblem is a remark on a part of the value of a variable.
type ValueProblem struct {
	// Variable is the name as spelled in the environment, where the function was given one; else "".
	Variable string
	// Offset is where Token begins in the value, in bytes.
	Offset int
	// Token is the part that the remark is about; passwords are masked.
	Token string
	Grade ProblemGrade
	Text  msg.Text
	// Instead, if not empty, is what to write in place of Token.
	Instead string
	// Other is the other spelling of Variable, if the remark is that its value is another one.
	Other string
}

// LintProxyList remarks on the value of GOPROXY for a go command on the system p, in the order of the text: what Go
// refuses, what it never reads, and what is often misunderstood.
func LintProxyList(goproxy string, p host.Platform) []ValueProblem {
	r := valueRemarks{value: goproxy}
	if goproxy == "" {
		return nil
	}
	r.addCharacters()
	l := proxyListLint{remarks: &r, platform: p, entries: splitProxyList(goproxy)}
	if len(l.entries) == 0 {
		r.add(0, goproxy, GradeRefused, "", msg.New("the list has no entries, so every lookup fails"))
	}
	for i := range l.entries {
		l.lintEntry(i)
	}
	return r.sorted()
}

// proxyListLint is the state of LintProxyList.
type proxyListLint struct {
	remarks  *valueRemarks
	platform host.Platform
	entries  []ProxyEntry
	end      string // the word at which Go stops reading
}

func (l *proxyListLint) add(e ProxyEntry, g ProblemGrade, instead string, text msg.Text) {
	l.remarks.add(e.Offset, e.Text, g, instead, text)
}

func (l *proxyListLint) lintEntry(i int) {
	e := l.entries[i]
	if l.end != "" {
		l.add(e, GradeIneffective, "", msg.New("Go stops reading the list at %s", l.end))
		return
	}
	if e.Text == ProxyDirect || e.Text == ProxyOff {
		l.end = e.Text
		return
	}
	if problem, instead := misspeltProxy(e.Text, l.platform); !problem.IsZero() {
		l.add(e, GradeRefused, instead, problem)
		return
	}
	if l.remarks.hasProblemIn(e.Offset, len(e.Text)) {
		return // a character of it says enough
	}
	if err := e.normalise(l.platform); err != nil {
		l.add(e, GradeRefused, "", msg.New("%s", err.Error()))
		return
	}
	l.lintURL(i, e)
}

// misspeltProxy explains entries that Go refuses and whose meaning can be guessed.
func misspeltProxy(text string, p host.Platform) (problem msg.Text, instead string) {
	lower := strings.ToLower(text)
	switch {
	case lower == ProxyDirect || lower == ProxyOff:
		return msg.New("the word %s must be in lower case", lower), lower
	case lower == ProxyNone || lower == "none":
		return msg.New("%s is not a word of GOPROXY", text), ""
	case strings.ContainsAny(text, " \t"):
		return msg.New("blanks do not separate entries"), redactEach(strings.Fields(text))
	case strings.Contains(text, ";") && (strings.Count(text, "://") > 1 || strings.HasSuffix(lower, ";"+ProxyDirect) || strings.HasSuffix(lower, ";"+ProxyOff)):
		return msg.New("semicolons do not separate entries"), redactEach(strings.Split(text, ";"))
	case strings.HasPrefix(text, "~"):
		return msg.New("~ is not expanded; a folder needs a file:// URL"), ""
	case strings.HasPrefix(text, "/"):
		return msg.New("a folder needs a file:// URL"), "file://" + text
	case p.Windows() && p.IsAbs(text):
		return msg.New("a folder needs a file:// URL"), "file:///" + strings.ReplaceAll(text, `\`, "/")
	case strings.HasPrefix(text, "file://") && !strings.HasPrefix(text, "file:///"):
		return msg.New("a file URL has no host: three slashes begin an absolute path"), fileURLWithoutHost(text)
	}
	return msg.Text{}, ""
}

// redactEach returns a list of the entries, passwords masked.
func redactEach(entries []string) string {
	masked := make([]string, len(entries))
	for i, e := range entries {
		masked[i] = redactUserinfo(e)
	}
	return strings.Join(masked, ",")
}

// fileURLWithoutHost returns file:///path for file://localhost/path, "" for another host, which may be anything.
func fileURLWithoutHost(text string) string {
	if path, ok := strings.CutPrefix(text, "file://localhost/"); ok {
		return "file:///" + path
	}
	return ""
}

// lintURL remarks on an entry that Go accepts.
func (l *proxyListLint) lintURL(i int, e ProxyEntry) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return // unreachable: normalise parsed it
	}
	switch {
	case u.Scheme != "file" && u.Host == "":
		l.add(e, GradeRefused, "", msg.New("the URL has no host, so every request fails"))
	case u.Scheme == "http" && u.User != nil:
		l.add(e, GradeRefused, strings.Replace(e.Redacted(), "http://", "https://", 1), msg.New("Go refuses to send credentials over http"))
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		l.add(e, GradeRisky, "", msg.New("http is not encrypted, and HTTPS_PROXY does not apply to it"))
	case u.User != nil:
		l.add(e, GradeNote, "", msg.New("whoever may read the environment may read the password; a netrc file is safer"))
	}
	if !strings.Contains(e.Text, ":/") {
		l.add(e, GradeNote, e.Redacted(), msg.New("without a scheme Go takes it for %s", e.Redacted()))
	}
	if u.RawQuery != "" {
		l.add(e, GradeNote, "", msg.New("the query is sent with every request"))
	}
	same := func(o ProxyEntry) bool { return strings.TrimSuffix(o.URL, "/") == strings.TrimSuffix(e.URL, "/") }
	if slices.ContainsFunc(l.normalised(i), same) {
		l.add(e, GradeIneffective, "", msg.New("the entry is in the list already"))
	}
	l.lintSeparator(i, e)
}

// normalised returns the entries before i as Go sees them.
func (l *proxyListLint) normalised(i int) []ProxyEntry {
	list := slices.Clone(l.entries[max(0, i-maxRemarks):i])
	for j := range list {
		_ = list[j].normalise(l.platform) // a malformed entry keeps its text
	}
	return list
}

// lintSeparator remarks on what the separator after an entry does, if another server follows.
func (l *proxyListLint) lintSeparator(i int, e ProxyEntry) {
	if i+1 == len(l.entries) {
		return
	}
	next := l.entries[i+1]
	switch {
	case next.Text == ProxyOff:
	case e.Pipe && next.Text == ProxyDirect:
		l.add(e, GradeNote, "", msg.New("after | any error, also 401 or 503, goes on to version control"))
	case e.Pipe:
		l.add(e, GradeNote, "", msg.New("after | any error goes on: %s then learns the names of modules that only %s should know", next.Redacted(), e.Redacted()))
	case next.Text == ProxyDirect:
		l.add(e, GradeNote, "", msg.New("after a comma only 404 and 410 go on to version control: any other failure is final"))
	default:
		l.add(e, GradeNote, "", msg.New("after a comma only 404 and 410 go on to %s: any other failure is final", next.Redacted()))
	}
}

// hasProblemIn reports whether there is a remark on a part of the value already.
func (r *valueRemarks) hasProblemIn(offset, length int) bool {
	return slices.ContainsFunc(r.problems, func(p ValueProblem) bool {
		return p.Grade == GradeRefused && offset <= p.Offset && p.Offset < offset+length
	})
}

// loopbackHost reports whether a URL's host names the machine itself.
func loopbackHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
