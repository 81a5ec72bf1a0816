package goenv

import (
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Query is everything that the value of a variable depends on for one go command: its environment, its files, where it
// is and where it was started. A Query is not changed by the functions that take it.
type Query struct {
	Platform host.Platform
	// Dir is the working directory of the go command, absolute.
	Dir string
	// Getenv returns a variable of the process environment; "" means unset or empty, which is the same to Go. It is asked
	// only for variables that can change the answer.
	Getenv func(key string) string
	// Peek is asked instead of Getenv where the value is decided already: to show the layers that lost, and to see
	// whether the go command would refuse to run ([Result.Err]). nil: Getenv is.
	Peek func(key string) string

	User *File // the user's go env file; nil if there is none or it cannot be read
	// UserOff: GOENV=off. UserErr: why there is no User although there may be such a file. Both only explain.
	UserOff bool
	UserErr msg.Text

	// SDK is that of the go command that was started.
	SDK SDK
	// Module is what FindModule found from Dir.
	Module Module

	// Root loads the GOROOT that the variable GOROOT names, or that a cached toolchain is in, as [LoadRoot] does;
	// nil: unknown.
	Root func(goroot string) (SDK, error)
	// Find is [FindSDK], for a toolchain found on PATH; nil: unknown.
	Find func(gocmd string) (SDK, error)
	// LookPath searches the PATH of the go command for a program (a C compiler, a toolchain such as "go1.22.3"), with
	// fs.ErrNotExist if there is none; nil: unknown.
	LookPath func(program string) (string, error)
	// ReadFile reads a file by its absolute name; nil: unknown. Only GOTELEMETRY, GOFIPS140 and GOEXPERIMENT ask for one.
	ReadFile func(name string) ([]byte, error)
}

// On fills the functions of q that are nil with those of h, where the machine may be asked at the time of the answer.
func (q *Query) On(h host.Host) *Query {
	if q.Root == nil {
		q.Root = func(goroot string) (SDK, error) { return LoadRoot(h, goroot) }
	}
	if q.Find == nil {
		q.Find = func(gocmd string) (SDK, error) { return FindSDK(h, gocmd) }
	}
	if q.LookPath == nil {
		q.LookPath = func(program string) (string, error) {
			return host.LookPath(h, program, q.Getenv("PATH"), q.Dir)
		}
	}
	if q.ReadFile == nil {
		q.ReadFile = h.ReadFile
	}
	return q
}

func (q *Query) peek() func(string) string {
	if q.Peek != nil {
		return q.Peek
	}
	return q.Getenv
}

// Result is the value of a variable for a go command.
type Result struct {
	// Value takes effect. For a variable that Go does not know, it is what programs find in their environment.
	Value string
	// Set: some layer, possibly the compiled defaults, gives Value. If not, Value is empty because nobody said anything.
	Set bool
	// Trail has every layer that says something about the variable, weakest first: go-default or go-derived,
	// sdk-go-env, go-env-file, os-env, or go-mod and go-work for what is found there. Exactly one reason won if Set.
	//
	// A reason of the layer os-env with an empty From stands for the variable itself in the process environment; its
	// history is not known here. One with a From is about the variable From, by which this one was decided.
	Trail []layer.Reason
	// Via is the variable that a go-derived value was taken from: GOPRIVATE for GONOPROXY, GOPATH for GOMODCACHE.
	Via string
	// Printed is what "go env NAME" prints.
	Printed string
	// Err, if not zero, is what the go command says when it is asked, and then fails. Value and Trail are still given, as
	// if it had not.
	Err msg.Text
	// Notes are remarks on the value: it is printed but not used, another toolchain comes first.
	Notes []msg.Text
	// Unknown, if not zero, says why the value cannot be told; Value is then the best guess.
	Unknown msg.Text
}

// Resolve returns the value of the variable key, as the go command resolves it (cmd/go/internal/cfg.Getenv and
// EnvOrAndChanged, cmd/go/internal/envcmd.MkEnv), after a toolchain switch if there is one. key may be any name; see
// [IsGoVariable].
func Resolve(q *Query, key string) Result {
	v := newEnvView(q)
	if !IsGoVariable(key) {
		r := v.plain(key)
		r.Err = envFailure(q, key)
		return r
	}
	r := v.variable(key)
	r.Printed = r.Value
	if r.Unknown.IsZero() {
		r.Unknown = v.unknown
	}
	r.Notes = append(r.Notes, v.notes...)
	r.Err = envFailure(q, key)
	return r
}

// Getenv returns what cmd/go/internal/cfg.Getenv returns for key in the go command that was started: the value from the
// layers, without defaults and derived values. q.Module is not looked at, so this gives the GOWORK and GOROOT that
// [FindModule] needs.
func Getenv(q *Query, key string) string {
	return newEnvView(q).local().get(key)
}
