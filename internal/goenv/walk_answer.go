package goenv

import "github.com/goready/goready/internal/msg"

// Answer is what an entry of GOPROXY answers. The zero Answer is "not given".
type Answer struct {
	Kind   AnswerKind
	Status int // of AnswerStatus
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

// ParseAnswer reads an answer: an HTTP status ("404"), a class of answers ("refused"), or "redirect" and the answer
// at the end of the redirect ("redirect404").
func ParseAnswer(s string) (Answer, error) { return Answer{}, nil }

// String returns a as ParseAnswer reads it.
func (a Answer) String() string { return "" }

// IsZero reports whether a is not given.
func (a Answer) IsZero() bool { return a == Answer{} }

// Describe returns a in words.
func (a Answer) Describe() msg.Text { return msg.Text{} }

// Answers are the answers of several entries. The zero Answers has none.
type Answers struct {
	positional []Answer
	named      map[string]Answer
}

// ParseAnswers reads a comma-separated list of answers, each either for the entry at its position ("404,200"; words
// such as off count no position) or for a named one ("https://a.example.com=404,direct=ok"). "-" leaves an answer open.
func ParseAnswers(s string) (Answers, error) { return Answers{}, nil }
