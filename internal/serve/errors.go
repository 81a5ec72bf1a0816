package serve

import (
	"errors"
	"fmt"
)

// Status is the exit status of goreadyd.
type Status int

// The exit statuses, which are those of goready.
const (
	OK          Status = 0
	Findings    Status = 1   // gc --scrub found damaged files
	Usage       Status = 2   // wrong usage or configuration
	Incomplete  Status = 3   // could not complete
	Interrupted Status = 130 // ended at once by SIGINT
	HungUp      Status = 129 // ended at once by SIGHUP, which only serve takes for something else
	Terminated  Status = 143 // ended at once by SIGTERM
)

// failure is an error with its exit status and, perhaps, the way out.
type failure struct {
	status Status
	err    error
	hint   string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usagef is an error in how goreadyd was called or configured.
func usagef(hint, format string, args ...any) error {
	return &failure{Usage, fmt.Errorf(format, args...), hint}
}

// incompletef is an error for which who called goreadyd cannot be blamed.
func incompletef(hint, format string, args ...any) error {
	return &failure{Incomplete, fmt.Errorf(format, args...), hint}
}

// ended is the error of a program that a signal ended at once.
type ended Status

func (e ended) Error() string { return "interrupted" }

// statusOf returns the exit status for an error.
func statusOf(err error) Status {
	var f *failure
	var e ended
	switch {
	case err == nil:
		return OK
	case errors.As(err, &e):
		return Status(e)
	case errors.As(err, &f):
		return f.status
	}
	return Incomplete
}
