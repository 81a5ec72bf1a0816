package goenv

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// The entries of a GOPROXY list that are words, not URLs.
const (
	// ProxyDirect is the entry that fetches from version control.
	ProxyDirect = "direct"
	// ProxyOff is the entry that forbids downloads.
	ProxyOff = "off"
	// ProxyNone is the entry that Go puts before every list while GONOPROXY is not empty: modules that match GONOPROXY
	// are fetched from version control there, all others go on to the next entry.
	ProxyNone = "noproxy"
)

// ProxyEntry is an entry of a GOPROXY list.
type ProxyEntry struct {
	// Text is the entry as written, without the blanks around it; "" for the implicit [ProxyNone]. It may hold a
	// password: print [ProxyEntry.Redacted].
	Text string
	// URL is what Go makes of Text: a complete URL, or ProxyDirect, ProxyOff, ProxyNone.
	URL string
	// Pipe: the entry is followed by "|", so any error goes on to the next entry, not only "not found".
	Pipe bool
	// Offset is where Text begins in the list, in bytes; -1 for the implicit ProxyNone.
	Offset int
	// Problem, if not zero, says why Go refuses the entry, and with it every lookup.
	Problem msg.Text
}

// IsURL reports whether e names a server or a folder, not a built-in word.
func (e ProxyEntry) IsURL() bool {
	return e.URL != ProxyDirect && e.URL != ProxyOff && e.URL != ProxyNone
}

// Redacted returns the URL of e with passwords masked.
func (e ProxyEntry) Redacted() string { return redactURLText(e.URL) }

// ProxyListError says why the go command refuses a GOPROXY list. Its text is the text of the go command, except that
// passwords are masked.
type ProxyListError struct {
	Offset int    // of the entry that is refused, in bytes; 0 if the list has no entries
	Token  string // that entry as written; may hold a password
	Err    error
}

func (e *ProxyListError) Error() string { return e.Err.Error() }

func (e *ProxyListError) Unwrap() error { return e.Err }

// ParseProxyList splits the value of GOPROXY as cmd/go/internal/modfetch.proxyList does; gonoproxy is the resolved
// GONOPROXY, and p the system the go command runs on. With an error, which is always a [*ProxyListError], every lookup
// fails in Go, whatever the position of the entry; the list then also has what follows the first malformed entry, each
// malformed one with its Problem, so that all of them can be shown.
func ParseProxyList(goproxy, gonoproxy string, p host.Platform) ([]ProxyEntry, error) {
	var list []ProxyEntry
	if gonoproxy != "" && goproxy != ProxyDirect {
		list = append(list, ProxyEntry{URL: ProxyNone, Offset: -1})
	}
	implicit := len(list)
	var first error
	for _, e := range splitProxyList(goproxy) {
		if err := e.normalise(p); err != nil {
			e.Problem = msg.New("%s", err.Error())
			if first == nil {
				first = &ProxyListError{Offset: e.Offset, Token: e.Text, Err: err}
			}
		}
		list = append(list, e)
		if e.Text == ProxyDirect || e.Text == ProxyOff {
			break // Go reads nothing after these.
		}
	}
	if len(list) == implicit {
		first = &ProxyListError{Err: fmt.Errorf("GOPROXY list is not the empty string, but contains no entries")}
	}
	return list, first
}

// ParseServerProxyList is [ParseProxyList] for a server that fetches modules on the operating system of this name, as
// GOOS. There is no entry ProxyNone, for a server decides itself which modules are private.
func ParseServerProxyList(goproxy, os string) ([]ProxyEntry, error) {
	return ParseProxyList(goproxy, "", host.Platform{OS: os})
}

// splitProxyList returns the entries of a list that are not blank, as they are written: Text, Offset and Pipe.
func splitProxyList(goproxy string) []ProxyEntry {
	var list []ProxyEntry
	for start := 0; start < len(goproxy); {
		end, pipe := len(goproxy), false
		if i := strings.IndexAny(goproxy[start:], ",|"); i >= 0 {
			end = start + i
			pipe = goproxy[end] == '|'
		}
		raw := goproxy[start:end]
		if text := strings.TrimSpace(raw); text != "" {
			list = append(list, ProxyEntry{Text: text, URL: text, Pipe: pipe, Offset: start + strings.Index(raw, text)})
		}
		start = end + 1
	}
	return list
}

// normalise makes a complete URL of e.Text, or says why Go refuses it. A separator after a word does not count.
func (e *ProxyEntry) normalise(p host.Platform) error {
	if e.Text == ProxyOff || e.Text == ProxyDirect {
		e.Pipe = false
		return nil
	}
	if strings.ContainsAny(e.Text, ".:/") && !strings.Contains(e.Text, ":/") && !p.IsAbs(e.Text) && !path.IsAbs(e.Text) {
		e.URL = "https://" + e.Text
	}
	return checkProxyURL(e.URL)
}

// checkProxyURL is the part of cmd/go/internal/modfetch.newProxyRepo that judges the URL of a proxy.
func checkProxyURL(proxyURL string) error {
	base, err := url.Parse(proxyURL)
	if err != nil {
		return redactURLError(err)
	}
	switch base.Scheme {
	case "http", "https":
		return nil
	case "file":
		if *base != (url.URL{Scheme: base.Scheme, Path: base.Path, RawPath: base.RawPath}) {
			return fmt.Errorf("invalid file:// proxy URL with non-path elements: %s", base.Redacted())
		}
		return nil
	case "":
		return fmt.Errorf("invalid proxy URL missing scheme: %s", base.Redacted())
	}
	return fmt.Errorf("invalid proxy URL scheme (must be https, http, file): %s", base.Redacted())
}
