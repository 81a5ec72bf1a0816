package goenv

import "github.com/goready/goready/internal/msg"

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
}

// LintProxyList remarks on the value of GOPROXY, in the order of the text: what Go refuses, what it never reads, and
// what is often misunderstood.
func LintProxyList(goproxy string) []ValueProblem { return nil }
