// Package upstream asks others for modules: module proxies over HTTP, file trees, and version control by way of the go
// command, one after the other as GOPROXY says.
//
// Its one invariant: only a definite answer is reported as "not found". An outage, a refusal and a time-out are told
// apart from it, because a go command that is told 404 asks its next proxy, or the origin, for what may be a private
// module. The package verifies nothing and keeps nothing; it bounds what it reads.
package upstream

import (
	"context"
	"errors"
	"io"
	"time"

	"golang.org/x/mod/module"
)

// Source answers for modules. All methods may be called concurrently. They respect ctx and have time-outs of their own;
// they retry what is worth it, so that callers need not.
//
// Module paths and versions are as people write them, not escaped, and were checked (module.CheckPath).
//
// Errors: fs.ErrNotExist is a definite no; [ErrRefused] a definite "you may not"; [ErrUnavailable] no answer, with
// context.DeadlineExceeded in addition if it was a time-out. The error is, or wraps, an [*Error] where a server or the
// go command said something.
type Source interface {
	// Versions returns the list of versions, as @v/list: canonical versions, one a line, in the order of semver,
	// without those that module.Check refuses.
	Versions(ctx context.Context, path string) (*Answer, error)
	// Resolve returns the .info of a query: "latest", a branch, a revision, or a version that need not be canonical.
	Resolve(ctx context.Context, path, query string) (*Answer, error)
	// Open opens a file of a canonical version.
	Open(ctx context.Context, m module.Version, kind Kind) (*File, error)
}

// Kind is a kind of file of a version.
type Kind string

// The kinds of files, which are also the extensions of their names.
const (
	Info Kind = "info"
	Mod  Kind = "mod"
	Zip  Kind = "zip"
)

// Limits of what is read from a source, in bytes. Those of .mod and .zip are golang.org/x/mod/zip's.
const (
	MaxInfo = 1 << 20
	MaxList = 16 << 20
	MaxMod  = 16 << 20
	MaxZip  = 500 << 20
)

// Answer is an answer that may be another one tomorrow.
type Answer struct {
	Body []byte
	// Version is the canonical version that a query resolved to; "" for a list.
	Version string
	// From names the source, without secrets.
	From string
}

// File is an open file of a source.
type File struct {
	// ReadCloser fails with [ErrUnavailable] if the source breaks off or makes no progress, and with [ErrTooLarge]
	// beyond the limit of its kind. It never ends early without an error if Size is known.
	io.ReadCloser
	Size int64 // bytes; -1 if the source does not say
	// From names the source, without secrets.
	From string
}

var (
	// ErrUnavailable means that there is no answer: nobody can say whether the module exists.
	ErrUnavailable = errors.New("no answer from upstream")
	// ErrRefused means that a source knows but does not give: HTTP 401, 403, 451 and other 4xx except 404 and 410.
	ErrRefused = errors.New("refused by upstream")
	// ErrTooLarge means that a source sends more than the limits allow.
	ErrTooLarge = errors.New("larger than the limit")
)

// Error is what a source said instead of an answer.
type Error struct {
	// From names the source, without secrets.
	From string
	// Status is the HTTP status; 0 if there was none.
	Status int
	// Text is what the source said: at most eight lines of printable text, without secrets; may be "".
	Text string
	// RetryAfter is how long the source wants to be left alone; 0 if it did not say.
	RetryAfter time.Duration
	// Err is one of fs.ErrNotExist, ErrRefused, ErrUnavailable and ErrTooLarge, possibly joined with the cause.
	Err error
}

func (e *Error) Unwrap() error { return e.Err }

// Health is the state of one entry of a [Chain].
type Health struct {
	Name string // without secrets
	// Up is false while the circuit breaker is open, so that the entry is not asked, or nothing but failures came lately.
	Up bool
	// Failures is the number of failures since the last success.
	Failures int
	// LastError is the last failure, without secrets; "" if there was none.
	LastError string
	// LastSuccess and LastFailure are zero if there was none.
	LastSuccess, LastFailure time.Time
	// Requests and Errors count since the start.
	Requests, Errors int64
	// Seconds is the time spent waiting for answers to begin.
	Seconds float64
}
