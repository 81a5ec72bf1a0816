package goenv

import "github.com/goready/goready/internal/msg"

// SumDB is a value of GOSUMDB.
type SumDB struct {
	Off  bool
	Name string // host[/path] of the database
	Key  string // complete verifier key; public
	// URL is where the database is reached instead of by way of GOPROXY; "" if GOSUMDB names none.
	URL string
	// Known: the key is built into Go. Alias: the value is sum.golang.google.cn alone.
	Known bool
	Alias bool
}

// ParseSumDB reads the value of GOSUMDB as cmd/go/internal/modfetch.dbDial does, with its errors. "off" is no error
// here; Go reports it only where it needs the database.
func ParseSumDB(gosumdb string) (SumDB, error) { return SumDB{}, nil }

// SumDBDecision says whether hashes that go.sum does not have are looked up in a checksum database, and how.
type SumDBDecision struct {
	Used bool
	// Matched is the pattern of GONOSUMDB that exempts the module.
	Matched PatternMatch
	DB      SumDB
	// Route is how the database is reached; zero if it is not used.
	Route SumDBRoute
	Why   msg.Text
	// Err is, in Go's own words, why every lookup fails.
	Err string
}

// DecideSumDB applies cmd/go/internal/modfetch.useSumDB and dbDial to in.Module.
func DecideSumDB(in WalkInput) SumDBDecision { return SumDBDecision{} }

// SumDBRoute is how the checksum database is reached.
type SumDBRoute struct {
	// Base is the URL below which lookups are asked; "" if none is found.
	Base string
	// Steps are the entries of GOPROXY asked whether they carry the database; none if GOSUMDB has a URL.
	Steps []WalkStep
	// Direct: the database itself is asked, because no entry carries it.
	Direct    bool
	Blocks    bool
	Depends   bool
	HTTPProxy ProxyDecision
	Why       msg.Text
	Err       string
}

// SumDBInput is what decides how a checksum database is reached.
type SumDBInput struct {
	Walk WalkInput // Answers are those to "<proxy>/sumdb/<name>/supported"
	// Lookup is the answer to the lookup itself.
	Lookup Answer
}

// RouteSumDB says how the go command reaches the checksum database, as cmd/go/internal/modfetch.dbClient.initBase does.
func RouteSumDB(in SumDBInput) SumDBRoute { return SumDBRoute{} }

// LintSumDB remarks on a value of GOSUMDB.
func LintSumDB(gosumdb string) []ValueProblem { return nil }
