package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Error says who did not answer, and why.
func (e *Error) Error() string {
	var b strings.Builder
	if e.From != "" {
		b.WriteString(e.From + ": ")
	}
	if e.Status != 0 {
		b.WriteString(strings.TrimSpace(strconv.Itoa(e.Status) + " " + http.StatusText(e.Status)))
		if e.Text != "" {
			b.WriteString(": " + e.Text)
		}
		return b.String()
	}
	switch {
	case e.Err == nil:
		b.WriteString(e.Text)
	case e.Text == "":
		b.WriteString(e.Err.Error())
	default:
		b.WriteString(e.Err.Error() + ": " + e.Text)
	}
	return b.String()
}

// unavailable returns an error that is [ErrUnavailable], the cause, and context.DeadlineExceeded if the cause is a
// time-out of whatever kind.
func unavailable(from string, cause error) *Error {
	var u *url.Error
	for errors.As(cause, &u) {
		cause = u.Err // the URL may have a token in its query
	}
	e := &Error{From: from, Err: fmt.Errorf("%w: %w", ErrUnavailable, cause)}
	var n net.Error
	if errors.As(cause, &n) && n.Timeout() && !errors.Is(cause, context.DeadlineExceeded) {
		e.Err = fmt.Errorf("%w (%w)", e.Err, context.DeadlineExceeded)
	}
	return e
}

// refuse returns an error without a status whose kind is one of the package's.
func refuse(from string, kind error, format string, args ...any) *Error {
	return &Error{From: from, Text: fmt.Sprintf(format, args...), Err: kind}
}

// isOutage reports whether err says something about the source, not about what it was asked for.
func isOutage(err error) bool { return errors.Is(err, ErrUnavailable) }

// silences reports whether an outage is one of the whole source: nobody could connect to it, it did not answer in time, or
// it wants to be left alone. Whatever else goes wrong (status 500 or 504, a connection that is closed, a page to log in, a
// redirect that leads nowhere) may be about one module that is broken, which must not shut out all others.
func silences(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok && e.Status >= 400 {
		return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
	}
	if errors.Is(err, errRedirect) || errors.Is(err, errWebPage) {
		return false
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, tls := errors.AsType[*tls.CertificateVerificationError](err)
	_, dns := errors.AsType[*net.DNSError](err)
	return tls || dns
}

// The go command shows no more of what a server says.
const (
	maxTextLines = 8
	maxTextBytes = maxTextLines * 81
)

// redactor takes secrets out of text. The zero value knows none, except those that can be seen: in URLs.
type redactor []string

// redactorOf returns a redactor that knows what is secret about the query of a URL and about the headers sent to it.
func redactorOf(query string, header http.Header) redactor {
	var r redactor
	add := func(s string) {
		if len(s) > 3 { // shorter ones would take text apart that has nothing to do with them
			r = append(r, s)
		}
	}
	add(query)
	for _, values := range header {
		for _, v := range values {
			add(v)
			_, token, _ := strings.Cut(v, " ")
			add(token)
			user, password, ok := (&http.Request{Header: http.Header{"Authorization": {v}}}).BasicAuth()
			if add(password); ok && password == "" {
				add(user) // a token, where it stands alone
			}
		}
	}
	return r
}

// clean returns what people are shown of s: at most eight lines of printable text without secrets.
func (r redactor) clean(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), 64<<10)], "")
	for _, secret := range r {
		s = strings.ReplaceAll(s, secret, "xxxxx")
	}
	s = redactURLs(s)
	var lines []string
	for line := range strings.Lines(s) {
		if line = printable(line); line != "" {
			lines = append(lines, line)
		}
		if len(lines) == maxTextLines {
			break
		}
	}
	return cut(strings.Join(lines, "\n"), maxTextBytes)
}

// printable returns a line without what could do something to a terminal.
func printable(line string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsGraphic(c):
			return -1
		}
		return c
	}, line))
}

// cut shortens s to n bytes, at a boundary of characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// redactURLs masks the user information of all URLs in s, passwords and tokens alike.
func redactURLs(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "://")
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		i += len("://")
		b.WriteString(s[:i])
		s = s[i:]
		end := strings.IndexFunc(s, func(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune("/?#'\"<>", c) })
		if end < 0 {
			end = len(s)
		}
		if at := strings.LastIndexByte(s[:end], '@'); at >= 0 {
			b.WriteString("xxxxx")
			s = s[at:]
		}
	}
}

// parseRetryAfter returns how long a server wants to be left alone, at most a day.
func parseRetryAfter(value string, now time.Time) time.Duration {
	var d time.Duration
	if seconds, err := strconv.ParseInt(strings.TrimSpace(value), 10, 32); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), 24*time.Hour)
}
