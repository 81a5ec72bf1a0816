package shell

import (
	"strings"

	"github.com/goready/goready/internal/msg"
)

// maxValue bounds the length of a value: Linux refuses to start a program with a longer one (MAX_ARG_STRLEN).
const maxValue = 128 << 10

// value is a string or a list of strings that may not be known.
type value struct {
	s    string   // if why is not zero, the best guess, for display
	list []string // the elements of an array; s is then what $name alone gives
	// why is not zero if only running the shell can tell the value.
	why msg.Text
	// soft: the truth differs from s in its digits only (a version, a process id), so it is known not to be empty.
	soft bool
	// cmd is the command whose output the unknown value is, for eval and source.
	cmd []string
	// sure is the number of leading bytes of s that are known although the whole is not.
	sure int
}

func known(s string) value { return value{s: s} }

func unknown(guess string, why msg.Text) value { return value{s: guess, why: why} }

// soft returns a value of which everything but the digits is known.
func soft(s string) value {
	return value{s: s, why: msg.New("the shell computes it"), soft: true}
}

func (v value) known() bool { return v.why.IsZero() }

// empty reports whether v is the empty string, if that is known.
func (v value) empty() (empty, ok bool) {
	return v.s == "", v.known() || v.soft
}

// append returns the concatenation of two strings.
func (v value) append(w value) value {
	switch {
	case w.known():
		v.s += w.s
	case v.known():
		v = value{s: v.s + w.s, why: w.why, soft: w.soft, cmd: w.cmd, sure: len(v.s) + w.sure}
	default:
		v = value{s: v.s + w.s, why: v.why, soft: v.soft && w.soft, sure: v.sure}
	}
	return v.capped()
}

func (v value) capped() value {
	if len(v.s) > maxValue {
		return value{s: v.s[:64] + "…", why: msg.New("the value is longer than %d bytes", maxValue)}
	}
	return v
}

// elems returns the elements of an array, or the string as the only one.
func (v value) elems() []string {
	if v.list != nil {
		return v.list
	}
	return []string{v.s}
}

// status is the exit status of a command, which may not be known.
type status struct {
	code int
	why  msg.Text
}

var (
	success = status{}
	failure = status{code: 1}
)

func statusOf(ok bool) status {
	if ok {
		return success
	}
	return failure
}

func unknownStatus(why msg.Text) status { return status{why: why} }

func (s status) known() bool { return s.why.IsZero() }
func (s status) ok() bool    { return s.known() && s.code == 0 }
func (s status) failed() bool {
	return s.known() && s.code != 0
}

func (s status) not() status {
	if !s.known() {
		return s
	}
	return statusOf(s.code != 0)
}

// and is the logical and of two statuses that were both computed.
func (s status) and(t status) status {
	if s.failed() || t.ok() {
		return s
	}
	return t
}

// or is the logical or of two statuses that were both computed.
func (s status) or(t status) status {
	if s.ok() || t.failed() {
		return s
	}
	return t
}

// equal compares two strings of which one may be soft: the digits of a version do not matter where the other string
// has none.
func equal(a, b value) status {
	switch {
	case a.known() && b.known():
		return statusOf(a.s == b.s)
	case a.why.IsZero() && b.soft && !hasDigit(a.s), b.why.IsZero() && a.soft && !hasDigit(b.s):
		return failure
	case !a.known():
		return unknownStatus(a.why)
	}
	return unknownStatus(b.why)
}

func hasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }
