package goenv

import (
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// WalkInput is what decides where the go command gets a module from. All values are resolved: what `go env` prints.
type WalkInput struct {
	Platform host.Platform
	Module   string
	// Version is a version, or a query such as "latest" or "master"; "" is "latest".
	Version string

	GOPROXY    string
	GONOPROXY  string // after it took over GOPRIVATE
	GONOSUMDB  string // after it took over GOPRIVATE
	GOPRIVATE  string // decides for GOVCS what is private
	GOINSECURE string
	GOSUMDB    string
	GOVCS      string
	GOAUTH     string

	// Proxy is the HTTP proxy configuration of the process environment of the go command.
	Proxy HTTPProxyConfig
	// Answers says what the entries answer. Without any, the walk says what each class of answer would lead to.
	Answers Answers
}

// WalkOutcome is what becomes of a walk at one of its entries.
type WalkOutcome string

// The outcomes.
const (
	WalkServed  WalkOutcome = "served"  // the entry gives the file, or what Go takes for it
	WalkNext    WalkOutcome = "next"    // the entry fails and the next one is asked
	WalkStop    WalkOutcome = "stop"    // the entry fails and the walk ends with an error
	WalkSkipped WalkOutcome = "skipped" // the entry is not asked: it does not apply, or the walk ended before it
	WalkBlocks  WalkOutcome = "blocks"  // the go command waits there for ever
	WalkUnknown WalkOutcome = "unknown" // it depends on an answer that was not given
)

// WalkFile is what became of the request for one file at one entry.
type WalkFile struct {
	Name    string // ".info", ".mod", ".zip", "@v/list", "@latest", or "go-get" for version control
	Outcome WalkOutcome
	Why     msg.Text
	Err     string // Go's own words, if the entry fails
}

// WalkStep is one entry of the list and what became of the walk there.
type WalkStep struct {
	Entry  ProxyEntry
	Asked  bool // something is sent to it
	Answer Answer
	// Outcome and Why are those of the first file that the entry is asked for. Files has all of them: they differ where
	// an entry fails for one file and is taken for another.
	Outcome WalkOutcome
	Why     msg.Text
	Files   []WalkFile
	// Requests are the URLs that are asked for, passwords masked.
	Requests []string
	// HTTPProxy says how the requests travel; zero for files and entries that send nothing.
	HTTPProxy ProxyDecision
}

// PatternMatch is the pattern of a variable that a module matches. The zero PatternMatch is no match.
type PatternMatch struct {
	Variable string
	Pattern  string
}

// Walk is what the go command does to get a module that is in no cache.
type Walk struct {
	Steps []WalkStep
	// Served is the entry that the module comes from ([ProxyEntry.Redacted]; "direct" for version control); "" if it
	// fails, blocks, or depends on answers not given. Files that come from different entries (see [WalkStep.Files])
	// give the entry of the last one.
	Served string
	// Err is the error that the go command ends with, in Go's own words (never translated), without its prefix
	// "go: module@version: "; "" if it does not fail. Where Go adds what this program cannot know, such as an IP address
	// that a name resolves to, only the known part is given.
	Err string
	// Blocks: the go command never ends, because a server accepts the connection and does not answer.
	Blocks bool
	// Depends: the end depends on answers that were not given.
	Depends bool
	// Private is the pattern of GONOPROXY that sends the module to version control.
	Private PatternMatch
	SumDB   SumDBDecision
	// VCS is how version control would be reached; nil if no entry leads there.
	VCS *VCSDecision
	// Unused are the names in Answers that are no entry of the list.
	Unused []string
}

// SimulateWalk says which entries of GOPROXY the go command asks for a module, in which order, and how that ends, as
// cmd/go/internal/modfetch.TryProxies does for each file.
func SimulateWalk(in WalkInput) Walk { return Walk{} }
