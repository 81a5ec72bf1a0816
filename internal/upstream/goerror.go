package upstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// errUnclear is the cause of an [ErrUnavailable] that does not say that the host is down.
var errUnclear = errors.New("the go command failed")

func unclear(text string) *Error {
	e := unavailable(directName, errUnclear)
	e.Text = redactor(nil).clean(text)
	return e
}

// What the go command and git say, in lower case. The texts are those of cmd/go/internal/{vcs,modfetch,modload}, of git and
// of ssh; no other way leads to what they mean.
var (
	// refusals: the host is there, but we may not. A host that asks for a password may know the repository or not.
	refusals = []string{
		"could not read username", "could not read password", "terminal prompts disabled", "authentication failed for",
		"permission denied (", "access denied", "returned error: 401", "returned error: 403", "401 unauthorized", "403 forbidden",
		"402 payment required", "451 unavailable", "govcs disallows",
	}
	// outages: nobody knows.
	outages = []string{
		"could not resolve", "no such host", "server misbehaving", "connection refused", "connection reset", "connection timed out",
		"connection closed", "operation timed out", "i/o timeout", "handshake timeout", "deadline exceeded", "network is unreachable",
		"no route to host", "host is down", "host key verification failed", "ssl certificate", "tls: ", "x509: ", "gnutls", "early eof",
		"unexpected disconnect", "hung up unexpectedly", "rpc failed", "too slow", "operation too slow", "unexpected eof", ": eof",
		"returned error: 408", "returned error: 429", "returned error: 5", "408 request timeout", "429 too many requests",
		"500 internal server error", "502 bad gateway", "503 service unavailable", "504 gateway timeout",
		"failed to connect", "unable to access",
	}
	// denials: there is no such module or version, which the host has said or which follows from what it has.
	denials = []string{
		"no matching versions for query", "404 not found", "410 gone", "no go-import meta tags", "no commits",
		"cannot contain module", "mismatched repo", "invalid version control suffix", "not allowed in import path",
		"is missing module path", "has malformed module path", "has non-...", "has post-", "module contains a go.mod file",
		"both have ...", "invalid pseudo-version: ", "should be v0 or v1", "should be v", "is not a tag)", "must match major version",
		"is not canonical", "version syntax error", "invalid version: syntax error",
	}
)

// classify makes an error of what the go command says about a module, and of what git said before that. What is not surely
// a "no" is none: a refusal comes before an outage, and that before a denial, for the text may have all of them.
func classify(text, pings string) *Error {
	if !strings.Contains(text, "protocol found for repository") {
		pings = "" // else the reason is not in the text: each protocol was tried, and none did
	}
	all := strings.TrimSpace(text + "\n" + pings)
	e := &Error{From: directName, Text: redactor(nil).clean(all)}
	low := strings.ToLower(all)
	switch {
	case containsAny(low, refusals):
		e.Err = ErrRefused
	case strings.Contains(low, "too large (max size is") || strings.Contains(low, "zip file too large"):
		e.Err = ErrTooLarge
	case containsAny(low, outages):
		e.Err = ErrUnavailable
		if strings.Contains(low, "timed out") || strings.Contains(low, "timeout") || strings.Contains(low, "deadline exceeded") {
			e.Err = fmt.Errorf("%w: %w", ErrUnavailable, context.DeadlineExceeded)
		}
	case pings == "" && (containsAny(low, denials) || denied(low)):
		e.Err = fs.ErrNotExist
	default:
		return unclear(all)
	}
	return e
}

func containsAny(text string, list []string) bool {
	for _, s := range list {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// denied has the denials that are not one phrase.
func denied(low string) bool {
	for line := range strings.Lines(low) {
		line = strings.TrimSpace(line)
		switch {
		case strings.Contains(line, ": unknown revision "),
			strings.Contains(line, "fatal: repository '") && strings.HasSuffix(line, "' not found"),
			strings.Contains(line, ": invalid ") && strings.Contains(line, " import path "), // github.com/one
			strings.Contains(line, ": missing ") && strings.Contains(line, "go.mod") && strings.Contains(line, " at revision "):
			return true
		}
	}
	return false
}
