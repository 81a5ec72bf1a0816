package goenv

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goready/goready/internal/msg"
)

// Answer is what an entry of GOPROXY answers. The zero Answer is "not given".
type Answer struct {
	Kind   AnswerKind
	Status int // of AnswerStatus
	// Redirected: the answer comes at the end of a redirect. Go follows up to ten and judges the last answer only.
	Redirected bool
}

// AnswerKind is a class of answers.
type AnswerKind string

// The classes of answers.
const (
	AnswerOK         AnswerKind = "ok"         // 200 with the file asked for
	AnswerStatus     AnswerKind = "status"     // another HTTP status
	AnswerHTML       AnswerKind = "html"       // 200 with a web page: a captive portal, a login form
	AnswerEmpty      AnswerKind = "empty"      // 200 with nothing
	AnswerRefused    AnswerKind = "refused"    // connection refused
	AnswerDNS        AnswerKind = "dns"        // no such host
	AnswerTLS        AnswerKind = "tls"        // a certificate that is not trusted
	AnswerEOF        AnswerKind = "eof"        // the connection is closed without an answer
	AnswerTimeout    AnswerKind = "timeout"    // no connection within the 30 s that Go waits for one
	AnswerSilent     AnswerKind = "silent"     // the connection is accepted and nothing is ever answered
	AnswerProxyError AnswerKind = "proxyerror" // the HTTP proxy on the way cannot be reached
	AnswerInsecure   AnswerKind = "insecure"   // a redirect from https to http
)

// answerWord is a word of ParseAnswer.
type answerWord struct {
	word string
	kind AnswerKind
}

// answerWords returns what may be written for the kinds of answers, the first word of each kind being its name.
func answerWords() []answerWord {
	return []answerWord{
		{"ok", AnswerOK}, {"html", AnswerHTML}, {"portal", AnswerHTML}, {"empty", AnswerEmpty},
		{"refused", AnswerRefused}, {"dns", AnswerDNS}, {"tls", AnswerTLS},
		{"eof", AnswerEOF}, {"reset", AnswerEOF}, {"close", AnswerEOF},
		{"timeout", AnswerTimeout}, {"silent", AnswerSilent}, {"hang", AnswerSilent},
		{"proxyerror", AnswerProxyError}, {"insecure", AnswerInsecure},
	}
}

// ParseAnswer reads an answer: an HTTP status ("404"), the name of a class of answers ("refused"), or "redirect" and
// the answer at the end of the redirect ("redirect404").
func ParseAnswer(s string) (Answer, error) {
	word := strings.ToLower(strings.TrimSpace(s))
	if rest, ok := strings.CutPrefix(word, "redirect"); ok {
		rest = strings.TrimLeft(rest, "-:")
		if strings.HasPrefix(rest, "redirect") {
			return Answer{}, fmt.Errorf("invalid answer %q: a redirect to a redirect", s)
		}
		a, err := ParseAnswer(rest)
		if err != nil {
			return Answer{}, err
		}
		a.Redirected = true
		return a, nil
	}
	if n, err := strconv.Atoi(word); err == nil {
		return statusAnswer(n)
	}
	for _, w := range answerWords() {
		if w.word == word {
			return Answer{Kind: w.kind}, nil
		}
	}
	var words []string
	for _, w := range answerWords() {
		words = append(words, w.word)
	}
	return Answer{}, fmt.Errorf("invalid answer %q: want an HTTP status or one of %s", s, strings.Join(words, ", "))
}

func statusAnswer(n int) (Answer, error) {
	switch {
	case n == 200:
		return Answer{Kind: AnswerOK}, nil
	case n < 200 || n > 599:
		return Answer{}, fmt.Errorf("invalid answer %d: no final HTTP status", n)
	}
	return Answer{Kind: AnswerStatus, Status: n}, nil
}

// IsZero reports whether a is not given.
func (a Answer) IsZero() bool { return a == Answer{} }

// String returns a as ParseAnswer reads it, "" if it is not given.
func (a Answer) String() string {
	s := string(a.Kind)
	if a.Kind == AnswerStatus {
		s = strconv.Itoa(a.Status)
	}
	if a.Redirected {
		return "redirect" + s
	}
	return s
}

// Describe returns a in words.
func (a Answer) Describe() msg.Text {
	switch a.Kind {
	case AnswerOK:
		return msg.New("it has the file")
	case AnswerStatus:
		return msg.New("it answers %s", httpStatusText(a.Status))
	case AnswerHTML:
		return msg.New("it answers 200 with a web page")
	case AnswerEmpty:
		return msg.New("it answers 200 with an empty body")
	case AnswerRefused:
		return msg.New("it refuses the connection")
	case AnswerDNS:
		return msg.New("its name does not resolve")
	case AnswerTLS:
		return msg.New("its certificate is not trusted")
	case AnswerEOF:
		return msg.New("it closes the connection without an answer")
	case AnswerTimeout:
		return msg.New("no connection comes about within 30 s")
	case AnswerSilent:
		return msg.New("it accepts the connection and never answers")
	case AnswerProxyError:
		return msg.New("the HTTP proxy on the way cannot be reached")
	case AnswerInsecure:
		return msg.New("it redirects from https to http, which Go refuses")
	}
	return msg.New("its answer is not known")
}

// notFound reports whether Go takes a for "this module does not exist here", which goes on to the next entry.
func (a Answer) notFound() bool {
	return a.Kind == AnswerStatus && (a.Status == 404 || a.Status == 410)
}

// httpStatusText returns a status with the words that servers send with it.
func httpStatusText(status int) string {
	words := map[int]string{
		201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content",
		301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect",
		400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
		406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone", 418: "I'm a teapot",
		421: "Misdirected Request", 426: "Upgrade Required", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
		451: "Unavailable For Legal Reasons", 500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
		503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported", 507: "Insufficient Storage",
		508: "Loop Detected", 511: "Network Authentication Required",
	}
	return strings.TrimSpace(strconv.Itoa(status) + " " + words[status])
}

// Answers are the answers of several entries. The zero Answers has none.
type Answers struct {
	positional []Answer
	named      map[string]Answer
}

// maxAnswers bounds the answers that ParseAnswers reads.
const maxAnswers = 1000

// ParseAnswers reads a comma-separated list of answers, each either for the entry at its position ("404,200"; the word
// off has no answer and counts no position) or for a named one ("https://a.example.com=404,direct=ok"). "-" leaves the
// entry at its position open.
func ParseAnswers(s string) (Answers, error) {
	var a Answers
	if strings.TrimSpace(s) == "" {
		return a, nil
	}
	parts := strings.Split(s, ",")
	if len(parts) > maxAnswers {
		return Answers{}, fmt.Errorf("more than %d answers", maxAnswers)
	}
	for _, part := range parts {
		if err := a.add(strings.TrimSpace(part)); err != nil {
			return Answers{}, err
		}
	}
	return a, nil
}

// add adds "name=answer" or the answer at the next position.
func (a *Answers) add(part string) error {
	i := strings.LastIndexByte(part, '=')
	if part == "-" {
		a.positional = append(a.positional, Answer{})
		return nil
	}
	answer, err := ParseAnswer(part[i+1:])
	if err != nil {
		return err
	}
	if i < 0 {
		a.positional = append(a.positional, answer)
		return nil
	}
	name := strings.TrimSpace(part[:i])
	if old, ok := a.named[name]; ok && old != answer || name == "" {
		return fmt.Errorf("invalid answer %q: the name is empty or has another answer already", part)
	}
	if a.named == nil {
		a.named = map[string]Answer{}
	}
	a.named[name] = answer
	return nil
}

// IsZero reports whether a has no answers.
func (a Answers) IsZero() bool { return len(a.positional) == 0 && len(a.named) == 0 }

// forList returns the answers of the entries of a list, and the names that are no entry of it. The implicit noproxy
// fetches from version control, so its answer is that of direct, also where the list has no direct.
func (a Answers) forList(list []ProxyEntry) (answers []Answer, unused []string) {
	answers = make([]Answer, len(list))
	used := map[string]bool{}
	position := 0
	for i, e := range list {
		if e.URL == ProxyOff {
			continue
		}
		name := a.nameOf(e)
		if name != "" {
			used[name] = true
			answers[i] = a.named[name]
		}
		if e.URL == ProxyNone {
			continue
		}
		if name == "" && position < len(a.positional) {
			answers[i] = a.positional[position]
		}
		position++
	}
	if len(list) > 1 && list[0].URL == ProxyNone && answers[0].IsZero() && list[len(list)-1].URL == ProxyDirect {
		answers[0] = answers[len(list)-1]
	}
	for _, name := range slices.Sorted(maps.Keys(a.named)) {
		if !used[name] {
			unused = append(unused, name)
		}
	}
	return answers, unused
}

// nameOf returns the name under which the answer of e was given: its URL, its text, or for version control "direct".
func (a Answers) nameOf(e ProxyEntry) string {
	names := []string{e.Text, e.URL, e.Redacted(), strings.TrimSuffix(e.URL, "/"), e.URL + "/"}
	if e.URL == ProxyNone {
		names = []string{ProxyDirect, ProxyNone}
	}
	for _, n := range names {
		if _, ok := a.named[n]; ok {
			return n
		}
	}
	return ""
}
