package goenv

import (
	"errors"
	"net/url"
	"strings"
)

// redactURLText returns s with the password of a URL in it masked, also if s cannot be parsed.
func redactURLText(s string) string {
	if u, err := url.Parse(s); err == nil && u.Opaque == "" {
		if u.User == nil {
			return s
		}
		return u.Redacted()
	}
	return redactUserinfo(s)
}

// redactUserinfo masks what stands between a colon and the last "@" of the authority of a URL that may be malformed.
func redactUserinfo(s string) string {
	start := 0
	if i := strings.Index(s, "//"); i >= 0 {
		start = i + 2
	}
	at := strings.LastIndex(s, "@")
	if at < start {
		return s
	}
	colon := strings.Index(s[start:at], ":")
	if colon < 0 {
		return s
	}
	return s[:start+colon+1] + "xxxxx" + s[at:]
}

// redactURLError masks the password in an error of url.Parse, which repeats what it was given.
func redactURLError(err error) error {
	var e *url.Error
	if !errors.As(err, &e) {
		return err
	}
	masked := *e
	masked.URL = redactUserinfo(e.URL)
	if masked.URL != e.URL {
		// The inner error may quote a part of the password (`invalid port ":secret@host"`).
		masked.Err = errors.New("invalid URL")
	}
	return &masked
}
